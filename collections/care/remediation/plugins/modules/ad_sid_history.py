#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_sid_history
short_description: Remove SIDs from the SID history of Active Directory accounts and groups
version_added: 0.1.0
description:
  - Removes the SIDs that are named from C(sIDHistory), for any number of accounts and groups over one connection.
  - No one can write a SID back into that attribute, so each change is declared irreversible, and a rollback leaves it.
options:
  entries:
    description: The accounts and groups.
    type: list
    elements: dict
    required: true
    suboptions:
      identity:
        description: The account or group, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
      sids:
        description: The SIDs to remove, all of them named.
        type: list
        elements: str
        required: true
  missing:
    description: What an account or group that does not exist means. With V(ignore) it is listed in RV(unresolved).
    type: str
    choices: [fail, ignore]
    default: fail
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
seealso:
  - module: care.remediation.ad_account
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Remove a privileged SID from the history of an account
  care.remediation.ad_sid_history:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - identity: c.moreau
        sids: [S-1-5-21-1004336348-1177238915-682003330-512]
    control: vuln_sidhistory_dangerous
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What a person should know and no change shows.
  returned: success
  type: list
  elements: dict
unresolved:
  description: Identities that do not exist.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module, plan_sid_history
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all objects; every refusal is in one message."""
    params = module.params
    wishes = {entry["identity"]: plan_sid_history.checked(entry["sids"]) for entry in params["entries"]}
    if len(wishes) != len(params["entries"]):
        raise PlanError("An identity is listed twice in entries. List each one once.")
    entries = plan_module.resolve(session, wishes, plan_sid_history.ATTRIBUTES, plan, params["missing"])
    refused: list[str] = []
    for identity, entry in entries.items():
        try:
            plan_sid_history.plan_sid_history(plan, entry, wishes[identity], protected)
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
                    "sids": {"type": "list", "elements": "str", "required": True},
                },
            },
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
