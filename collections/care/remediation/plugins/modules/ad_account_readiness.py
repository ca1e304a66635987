#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_account_readiness
short_description: Report which accounts are ready for Protected Users, smart cards, a new password or AES
version_added: 0.1.0
description:
  - Reads accounts and says for each what would lock its owner out after it joined Protected Users (no NTLM, no DES or
    RC4, no delegation), after its password became random because a smart card is required, or when it must choose a new
    password; for a service account, whether it has AES keys. Changes nothing.
  - What cannot be read is a reason not to be ready. What the directory does not show, for instance an application that
    keeps the password, remains for a person to check.
options:
  accounts:
    description: The accounts.
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
  control:
    description:
      - Id of the catalogue's control that asks for this, as the planner modules take it. Nothing here depends on it.
    type: str
  purpose:
    description: What they are to be ready for.
    type: str
    choices: [aes, password_change, protected_users, smartcard]
    required: true
  accept:
    description: Identities of accounts that a person accepts although they are not ready. Protected accounts never are.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
attributes:
  diff_mode:
    support: none
    details: It changes nothing.
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Who could go into Protected Users?
  care.remediation.ad_account_readiness:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    purpose: protected_users
    accounts:
      - identity: adm.dupont
"""

RETURN = r"""
accounts:
  description: One row an account.
  returned: success
  type: list
  elements: dict
  contains:
    label: {description: Its logon name., type: str, returned: always}
    dn: {description: Its distinguished name., type: str, returned: always}
    sid: {description: Its SID., type: str, returned: always}
    enforced: {description: Whether it has what is asked for already., type: bool, returned: always}
    accepted: {description: Whether a person accepted it although it is not ready., type: bool, returned: always}
    ready: {description: Whether nothing blocks it., type: bool, returned: always}
    blockers:
      description: What would lock its owner out, as C(code) and C(text).
      type: list
      elements: dict
      returned: always
    notices:
      description: What a person should know, as C(code) and C(text).
      type: list
      elements: dict
      returned: always
not_ready:
  description: One line an account that is neither ready, nor enforced, nor accepted.
  returned: success
  type: list
  elements: str
"""

from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, plan_module, plan_readiness
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def reported(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> dict[str, Any]:
    """The rows of all accounts."""
    params = module.params
    rodc_group = session.read(
        f"<SID={sids.in_domain(session.domain_sid, sids.RID_READ_ONLY_DOMAIN_CONTROLLERS)}>", ["whenCreated"]
    )
    created = rodc_group.text("whenCreated") if rodc_group else None
    group = session.read(f"<SID={sids.in_domain(session.domain_sid, sids.RID_PROTECTED_USERS)}>", ["objectSid"])
    facts = plan_readiness.Facts(
        now=datetime.now(UTC),
        protected=protected,
        aes_since=ad_time.from_generalized(created) if created else None,
        protected_users_dn=group.dn if group else None,
    )
    names = [account["identity"] for account in params["accounts"]]
    entries = plan_module.resolve(session, [*names, *params["accept"]], plan_readiness.ATTRIBUTES, plan, "fail")
    accepted = {entries[name].dn for name in params["accept"]}
    rows = [
        plan_readiness.report(entry, params["purpose"], facts, accepted=entry.dn in accepted)
        for entry in (entries[name] for name in dict.fromkeys(names))
    ]
    return {"accounts": rows, "not_ready": [line for line in map(plan_readiness.line, rows) if line]}


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "accounts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"identity": {"type": "str", "required": True}, "label": {"type": "str"}},
            },
            "purpose": {
                "type": "str",
                "choices": ["aes", "password_change", "protected_users", "smartcard"],
                "required": True,
            },
            "accept": {"type": "list", "elements": "str", "default": []},
        },
        reported,
    )


if __name__ == "__main__":
    main()
