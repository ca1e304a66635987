#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_neutralise
short_description: Take accounts out of use the way ANSSI asks, without deleting them
version_added: 0.1.0
description:
  - Disables the accounts, takes them out of all groups but their primary one, makes their password random by setting
    V(SMARTCARD_REQUIRED), and writes the date and the reason in front of their description. Nothing is deleted.
  - Undoing enables the account again, puts it back into its groups and restores its description. Its password stays the
    random one, which nobody knows. This is declared in each change before it is applied, and its owner needs a new one.
  - Computers, groups, krbtgt, domain controllers and accounts of trusts are refused.
  - An account C(krbtgt_NNN) of a read-only domain controller that is gone gets a random password directly, once. One
    that a read-only domain controller still uses is refused.
options:
  entries:
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
      reason:
        description: As O(reason), for this account.
        type: str
  reason:
    description: Why, as the description will say.
    type: str
    default: compte neutralisé
  date:
    description:
      - The date that the description will say, as C(YYYY-MM-DD).
      - Default is the date of the approved change set, so that what is applied is what was approved, else today (UTC).
    type: str
  missing:
    description: What an account that does not exist means. With V(ignore) it is listed in RV(unresolved).
    type: str
    choices: [fail, ignore]
    default: fail
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Neutralise an account that nobody has used for years
  care.remediation.ad_neutralise:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - identity: f.martin
    reason: aucune connexion depuis 412 jours
    control: vuln_user_accounts_dormant
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What a person should know, for instance that the primary group of an account is a privileged one.
  returned: success
  type: list
  elements: dict
unresolved:
  description: Identities that do not exist.
  returned: success
  type: list
  elements: str
"""

from datetime import UTC, date, datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import (
    plan_members,
    plan_module,
    plan_neutralise,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all accounts; every refusal is in one message."""
    params = module.params
    try:
        day = date.fromisoformat(params["date"]) if params["date"] else datetime.now(UTC).date()
    except ValueError as error:
        raise PlanError(f"date: {params['date']!r} is not a date like 2026-11-22.") from error
    reasons = {entry["identity"]: entry["reason"] or params["reason"] for entry in params["entries"]}
    entries = plan_module.resolve(session, reasons, plan_neutralise.ATTRIBUTES, plan, params["missing"])
    found = plan_module.resolve(
        session,
        (dn for entry in entries.values() for dn in entry.texts("memberOf")),
        plan_members.GROUP_ATTRIBUTES,
        plan,
        "fail",
    )
    groups = {dn.casefold(): group for dn, group in found.items()}
    refused: list[str] = []
    for identity, entry in entries.items():
        try:
            plan_neutralise.plan_neutralise(
                plan,
                entry,
                groups,
                plan_neutralise.Reason(reasons[identity], day.isoformat()),
                protected=protected,
                count=lambda group: plan_members.count_members(session, group),
            )
        except PlanError as error:
            refused.append(str(error))
    if refused:
        raise PlanError(" ".join(refused))


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "entries": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "identity": {"type": "str", "required": True},
                    "label": {"type": "str"},
                    "reason": {"type": "str"},
                },
            },
            "reason": {"type": "str", "default": "compte neutralisé"},
            "date": {"type": "str"},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
