#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_password_settings
short_description: Give privileged accounts of Active Directory a password policy that is strong enough
version_added: 0.1.0
description:
  - Looks at the policy in force for every enabled user in a privileged group (the domain's, or a password settings
    object) and makes it at least as strict as asked for.
  - A password settings object that is too weak is made stricter. Accounts that have none, where the domain's policy is
    too weak, get the one called O(name), which is created or extended. Nothing is ever loosened.
  - The new object holds for Domain Admins and Key Admins (RIDs 512 and 526) where these hold such accounts, and names
    all others one by one, because such an object does not hold through built-in, universal or domain local groups.
options:
  name:
    description: Name of the password settings object to create or extend.
    type: str
    required: true
  minimum_length:
    description: Characters that a password must have at least. ANSSI asks for V(8).
    type: int
    default: 12
  maximum_age_days:
    description: Days after which a password expires at the latest. ANSSI asks for three years.
    type: int
    default: 1095
  stage:
    description:
      - V(observe) plans nothing, and says in RV(not_ready) whose password would expire at once.
      - V(enforce) fails while there is such an account that O(accept) does not name.
    type: str
    choices: [observe, enforce]
    default: enforce
  accept:
    description: Accounts whose password may expire at once (SID, GUID, DN or C(sAMAccountName)).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Privileged passwords have 14 characters and are renewed every year
  care.remediation.ad_password_settings:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    name: Comptes privilégiés
    minimum_length: 14
    maximum_age_days: 365
    control: vuln_privileged_members_password
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
not_ready:
  description: One sentence for each account whose password would expire at once.
  returned: success
  type: list
  elements: str
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

from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module, plan_password_settings
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> dict[str, Any]:
    """Plan the object, or with stage observe only say who is not ready."""
    params = module.params
    wish = plan_password_settings.Wish(params["name"], params["minimum_length"], params["maximum_age_days"])
    entries = plan_module.resolve(session, params["accept"], IDENTITY_ATTRIBUTES, plan, "fail").values()
    accepted = {entry.dn.casefold() for entry in entries}
    observing = params["stage"] == "observe"
    found = Plan() if observing else plan
    not_ready = plan_password_settings.plan_settings(
        found,
        plan_password_settings.read(session),
        wish,
        protected=protected,
        accepted=lambda entry: entry.dn.casefold() in accepted,
        now=datetime.now(UTC),
    )
    if observing:
        for hazard in {each["object"]: each for change in found.changes for each in change["hazards"]}.values():
            not_ready.append(f"{hazard['object']}: protected ({hazard['kind']}), its password would expire at once.")
    elif not_ready:
        raise PlanError(" ".join([*not_ready, "Or name them in accept."]))
    return {"not_ready": not_ready}


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "name": {"type": "str", "required": True},
            "minimum_length": {"type": "int", "default": 12},
            "maximum_age_days": {"type": "int", "default": 1095},
            "stage": {"type": "str", "choices": ["observe", "enforce"], "default": "enforce"},
            "accept": {"type": "list", "elements": "str", "default": []},
        },
        planned,
    )


if __name__ == "__main__":
    main()
