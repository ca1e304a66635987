#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_delegation
short_description: Take delegations of Kerberos authentication away from Active Directory accounts
version_added: 0.1.0
description:
  - Removes targets of constrained delegation (C(msDS-AllowedToDelegateTo)), ends protocol transition
    (C(TRUSTED_TO_AUTH_FOR_DELEGATION)), and clears resource-based delegation
    (C(msDS-AllowedToActOnBehalfOfOtherIdentity)), for any number of accounts over one connection.
  - Only the targets that are named go. It never grants a delegation. Unconstrained delegation is a flag that
    M(care.remediation.ad_account) clears.
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
      targets_absent:
        description: Service principal names that it must not delegate to, compared without regard to case.
        type: list
        elements: str
        aliases: [targets]
  protocol_transition:
    description:
      - What becomes of protocol transition. With V(clear_unused) it ends where no target is left; domain controllers
        keep it then.
    type: str
    choices: [keep, clear_unused, clear]
    default: keep
  clear_resource_delegation:
    description: Whether nobody may act for others at the services of these accounts any more.
    type: bool
    default: false
  missing:
    description: What an account that does not exist means. With V(ignore) it is listed in RV(unresolved).
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
- name: This portal may no longer act for others on the domain controller
  care.remediation.ad_delegation:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - identity: svc-portail
        targets_absent: ["cifs/dc1.chu-valmont.test", "ldap/dc1.chu-valmont.test"]
    protocol_transition: clear_unused
    control: vuln_delegation_t2a4d

- name: Nobody may act for others on this domain controller
  care.remediation.ad_delegation:
    break_glass_accounts: []
    automation_accounts: [svc-care]
    entries:
      - identity: DC1$
    clear_resource_delegation: true
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
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_delegation, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all accounts; every refusal is in one message."""
    params = module.params
    wishes = {
        entry["identity"]: plan_delegation.DelegationWish(
            targets_absent=tuple(entry["targets_absent"] or ()),
            transition=params["protocol_transition"],
            clear_resource_delegation=params["clear_resource_delegation"],
        )
        for entry in params["entries"]
    }
    if len(wishes) != len(params["entries"]):
        raise PlanError("An identity is listed twice in entries. List each account once.")
    entries = plan_module.resolve(session, wishes, plan_delegation.ATTRIBUTES, plan, params["missing"])
    refused: list[str] = []
    for identity, entry in entries.items():
        try:
            plan_delegation.plan_delegation(plan, entry, wishes[identity], protected)
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
                    "targets_absent": {"type": "list", "elements": "str", "aliases": ["targets"]},
                },
            },
            "protocol_transition": {"type": "str", "choices": ["keep", "clear_unused", "clear"], "default": "keep"},
            "clear_resource_delegation": {"type": "bool", "default": False},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
