#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_account
short_description: Set and clear flags of Active Directory accounts
version_added: 0.1.0
description:
  - Sets and clears single bits of C(userAccountControl), clears the DES bits and sets the AES bits of
    C(msDS-SupportedEncryptionTypes), removes service principal names, marks privileged accounts, and asks people for a
    new password, for any number of accounts over one connection.
  - A value is never replaced. Only the bits and values that are named change, whatever else the attribute holds.
  - Wishes that make no sense are refused with the name of the account, for instance clearing
    V(TRUSTED_FOR_DELEGATION) on a domain controller, or any flag of krbtgt.
options:
  entries:
    description:
      - The accounts. The options of the same name inside an entry replace those of the module for that account.
    type: list
    elements: dict
    required: true
    suboptions:
      identity:
        description: The account, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
      flags_set:
        description: As O(flags_set), for this account.
        type: list
        elements: str
      flags_clear:
        description: As O(flags_clear), for this account.
        type: list
        elements: str
      encryption_types_clear:
        description: As O(encryption_types_clear), for this account.
        type: list
        elements: str
      encryption_types_set:
        description: As O(encryption_types_set), for this account.
        type: list
        elements: str
      spns_absent:
        description: As O(spns_absent), for this account.
        type: list
        elements: str
        aliases: [spns]
  flags_set:
    description: Names of the flags of C(userAccountControl) to set, for instance V(ACCOUNTDISABLE).
    type: list
    elements: str
    default: []
  flags_clear:
    description: Names of the flags of C(userAccountControl) to clear, for instance V(DONT_REQ_PREAUTH).
    type: list
    elements: str
    default: []
  encryption_types_clear:
    description: Encryption types that the accounts must not announce, V(DES_CBC_CRC) and V(DES_CBC_MD5).
    type: list
    elements: str
    default: []
  encryption_types_set:
    description:
      - Encryption types that the accounts must announce, V(AES128_CTS_HMAC_SHA1_96) and V(AES256_CTS_HMAC_SHA1_96).
      - An account that announces neither AES nor RC4 uses RC4 today, so RC4 is announced with them. Nothing that an
        account left behind comes back.
      - Only for accounts of services and people. Computers announce theirs by themselves, domain controllers by a GPO.
    type: list
    elements: str
    default: []
  spns_absent:
    description: Service principal names that the accounts must not have, compared without regard to case.
    type: list
    elements: str
    default: []
  admin_count:
    description: Mark the accounts as privileged, C(adminCount) 1, as the directory does with privileged members.
    type: bool
    default: false
  password_must_change:
    description:
      - Make the accounts choose a new password at their next logon, C(pwdLastSet) 0. The former date cannot be put
        back, so the change is declared irreversible.
      - Services, built-in, disabled and smart card accounts, and those whose password never expires, are refused.
    type: bool
    default: false
  missing:
    description:
      - What an account that does not exist means. With V(ignore) it is listed in RV(unresolved).
      - An identity that fits several accounts is always an error.
    type: str
    choices: [fail, ignore]
    default: fail
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
seealso:
  - module: care.remediation.ad_neutralise
  - module: care.remediation.ad_krbtgt
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Ask all of these for Kerberos pre-authentication
  care.remediation.ad_account:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - identity: S-1-5-21-1004336348-1177238915-682003330-1104
      - identity: CN=Élodie d'Arc,OU=Imagerie médicale,DC=chu-valmont,DC=test
    flags_clear: [DONT_REQ_PREAUTH]
    control: vuln_kerberos_properties_preauth

- name: Remove one service principal name from an administrator
  care.remediation.ad_account:
    break_glass_accounts: []
    automation_accounts: [svc-care]
    entries:
      - identity: adm.dupont
        spns_absent: ["HTTP/intranet.chu-valmont.test"]
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What a person should know and no change shows, for instance that a password expires at once.
  returned: success
  type: list
  elements: dict
  contains:
    object: {description: The account., type: str, returned: always}
    code: {description: A stable word., type: str, returned: always}
    text: {description: The sentence., type: str, returned: always}
unresolved:
  description: Identities that do not exist.
  returned: success
  type: list
  elements: str
"""

from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, plan_account, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

WISHES = ("flags_set", "flags_clear", "encryption_types_clear", "spns_absent", "encryption_types_set")
MARKS = ("admin_count", "password_must_change")


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all accounts; every refusal is in one message."""
    params = module.params
    wishes = {
        entry["identity"]: plan_account.wish(
            *(params[name] if entry[name] is None else entry[name] for name in WISHES),
            *(params[name] for name in MARKS),
        )
        for entry in params["entries"]
    }
    if len(wishes) != len(params["entries"]):
        raise PlanError("An identity is listed twice in entries. List each account once.")
    root = session.read(session.domain_dn, ["maxPwdAge"])
    around = plan_account.Surroundings(
        now=datetime.now(UTC),
        max_password_age=ad_time.interval_to_timedelta((root.int("maxPwdAge") if root else None) or 0),
        protected=protected,
    )
    entries = plan_module.resolve(session, wishes, plan_account.ATTRIBUTES, plan, params["missing"])
    refused: list[str] = []
    for identity, entry in entries.items():
        try:
            plan_account.plan_account(plan, entry, wishes[identity], around)
        except PlanError as error:
            refused.append(str(error))
    if refused:
        raise PlanError(" ".join(refused))


def main() -> None:
    """Run the module."""
    lists: dict[str, Any] = {"type": "list", "elements": "str"}
    plan_module.run(
        {
            "entries": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "identity": {"type": "str", "required": True},
                    "label": {"type": "str"},
                    **{name: dict(lists) for name in WISHES},
                    "spns_absent": {**lists, "aliases": ["spns"]},
                },
            },
            **{name: {**lists, "default": []} for name in WISHES},
            **{name: {"type": "bool", "default": False} for name in MARKS},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
