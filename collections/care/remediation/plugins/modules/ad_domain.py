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
  - Clears reversible storage of passwords, has secrets of smart card accounts renewed, removes entries of menus of the
    administration consoles (display specifiers), and raises the functional level of domain and forest.
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
  no_reversible_passwords:
    description:
      - Clears DOMAIN_PASSWORD_STORE_CLEARTEXT in C(pwdProperties). The other bits stay. V(false) changes nothing.
    type: bool
  expire_smartcard_passwords:
    description:
      - Sets C(msDS-ExpirePasswordsOnSmartCardOnlyAccounts). It takes effect with the domain functional level V(2016).
        Left alone where the schema does not know it. V(false) changes nothing.
    type: bool
  functional_level:
    description:
      - The functional level that domain and forest must have at least. Irreversible; never lowered. Refused while a
        domain controller, or another domain of the forest, is older.
      - The domain is raised on the PDC emulator, the forest on the schema master, so O(server) must be these.
    type: str
    choices: ["2008", "2008R2", "2012", "2012R2", "2016", "2025"]
  functional_level_stage:
    description: V(observe) only says in RV(notices) what stands in the way of O(functional_level).
    type: str
    choices: [observe, enforce]
    default: enforce
  menu_entries_remove:
    description: Values of display specifiers to remove. Those that are no longer there are left out.
    type: list
    elements: dict
    suboptions:
      object:
        description: The display specifier (GUID or DN).
        type: str
        required: true
      attribute:
        description: The attribute, for instance V(adminContextMenu).
        type: str
        required: true
      value:
        description: The whole value.
        type: str
        required: true
      label:
        description: A name for the reader.
        type: str
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

- name: What stands in the way of the functional level 2016?
  care.remediation.ad_domain:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    functional_level: "2016"
    functional_level_stage: observe
    control: vuln_functional_level
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
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_domain, plan_levels, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import display_specifiers
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
    if module.params["no_reversible_passwords"]:
        plan_domain.plan_no_reversible_passwords(plan, _read(session, session.domain_dn))
    if module.params["expire_smartcard_passwords"]:
        known = session.read(plan_domain.expire_smartcard_schema_dn(session.schema_dn), ["cn"]) is not None
        plan_domain.plan_expire_smartcard_passwords(plan, _read(session, session.domain_dn), known)
    if module.params["menu_entries_remove"]:
        wanted = module.params["menu_entries_remove"]
        attributes = [*IDENTITY_ATTRIBUTES, *display_specifiers.ATTRIBUTES]
        found = plan_module.resolve(session, (each["object"] for each in wanted), attributes, plan, "fail")
        plan_domain.plan_menu_entries(plan, ((found[e["object"]], e["attribute"], e["value"]) for e in wanted))
    if module.params["functional_level"]:
        enforce = module.params["functional_level_stage"] == "enforce"
        plan_levels.plan_level(plan, plan_levels.read(session), module.params["functional_level"], enforce=enforce)


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
        {
            "machine_account_quota": {"type": "int"},
            "dsheuristics": {"type": "dict"},
            "no_reversible_passwords": {"type": "bool"},
            "expire_smartcard_passwords": {"type": "bool"},
            "functional_level": {"type": "str", "choices": ["2008", "2008R2", "2012", "2012R2", "2016", "2025"]},
            "functional_level_stage": {"type": "str", "choices": ["observe", "enforce"], "default": "enforce"},
            "menu_entries_remove": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "object": {"type": "str", "required": True},
                    "attribute": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "label": {"type": "str"},
                },
            },
        },
        planned,
        required_one_of=[
            (
                "machine_account_quota",
                "dsheuristics",
                "no_reversible_passwords",
                "expire_smartcard_passwords",
                "functional_level",
                "menu_entries_remove",
            )
        ],
    )


if __name__ == "__main__":
    main()
