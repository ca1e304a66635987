#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_domain
short_description: Change settings of a whole Active Directory domain
version_added: 0.1.0
description:
  - Sets how many computers any user may join (C(ms-DS-MachineAccountQuota)), and single positions of C(dSHeuristics).
  - C(dSHeuristics) holds for the whole forest. Only the positions that are named change. A string that is too short is
    padded with V(0), with the control characters at positions 10, 20 and 30 where padding passes them.
options:
  machine_account_quota:
    description: How many computers a user without other rights may join to the domain. ANSSI asks for V(0).
    type: int
  dsheuristics:
    description:
      - Positions (from 1) of C(dSHeuristics) and the character that each must be, both as strings. For instance
        V({'7':'0'}) ends anonymous LDAP operations.
      - Positions 10, 20 and so on are control characters and are refused.
    type: dict
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Only those who have the right to may join computers
  care.remediation.ad_domain:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    machine_account_quota: 0
    control: vuln_user_accounts_machineaccountquota

- name: No anonymous LDAP operations, and AdminSDHolder protects the operators
  care.remediation.ad_domain:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    dsheuristics:
      "7": "0"
      "16": "0"
    control: vuln_dsheuristics_bad
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
  description: Always empty.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_domain, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan the settings that are given."""
    del protected  # a setting of the domain touches no account
    if module.params["machine_account_quota"] is not None:
        plan_domain.plan_quota(plan, _read(session, session.domain_dn), module.params["machine_account_quota"])
    if module.params["dsheuristics"]:
        # A person writes 7: 0 without quotes; YAML makes integers of that, and it is as clear.
        wish = {str(position): str(character) for position, character in module.params["dsheuristics"].items()}
        plan_domain.plan_heuristics(plan, _read(session, plan_domain.heuristics_dn(session.configuration_dn)), wish)


def _read(session: Session, dn: str) -> Entry:
    entry = session.read(dn, list(plan_domain.ATTRIBUTES))
    if entry is None:
        raise PlanError(
            f"{dn} cannot be read: unverified, so nothing is planned. Check the rights of the account in use."
        )
    return entry


def main() -> None:
    """Run the module."""
    plan_module.run(
        {"machine_account_quota": {"type": "int"}, "dsheuristics": {"type": "dict"}},
        planned,
        required_one_of=[("machine_account_quota", "dsheuristics")],
    )


if __name__ == "__main__":
    main()
