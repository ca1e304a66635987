#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_authentication_silo
short_description: Put privileged accounts of Active Directory into an authentication policy silo
version_added: 0.1.0
description:
  - Creates an authentication policy that shortens tickets and a silo with it, makes accounts members of the silo and
    assigns them to it.
  - In stage V(observe) both are in audit mode, so nobody is refused anything, and domain controllers log what would be
    (events 305 and 306 of AuthenticationPolicyFailures-DomainController). Stage V(enforce) enforces both.
  - Nothing is loosened. What is enforced stays enforced, a policy with shorter tickets keeps them, and what a person
    added to the policy stays.
options:
  silo:
    description: Name of the silo.
    type: str
    required: true
  policy:
    description: Name of the policy for users of the silo. Default is the name of the silo.
    type: str
  accounts:
    description: The accounts to put into the silo. Others that are in it stay.
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
  ticket_lifetime_minutes:
    description: How long a ticket of these accounts lasts at most (45 to 600).
    type: int
    default: 240
  stage:
    description: V(observe) for audit mode, V(enforce) for enforcement.
    type: str
    choices: [observe, enforce]
    default: observe
  missing:
    description: Whether an account that does not exist is an error or is left out.
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
- name: A silo for administrators, in audit mode
  care.remediation.ad_authentication_silo:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    silo: Administrateurs
    accounts:
      - identity: adm.dupont
    control: vuln_silo_priv
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
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module, plan_silos
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan the policy, the silo and the accounts."""
    params = module.params
    wish = plan_silos.Wish(
        params["silo"],
        params["policy"] or params["silo"],
        params["ticket_lifetime_minutes"],
        params["stage"] == "enforce",
    )
    identities = [each["identity"] for each in params["accounts"]]
    entries = plan_module.resolve(session, identities, plan_silos.MEMBER_ATTRIBUTES, plan, params["missing"])
    plan_silos.plan_silo(plan, plan_silos.read(session, wish), wish, entries.values(), protected=protected)


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "silo": {"type": "str", "required": True},
            "policy": {"type": "str"},
            "accounts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {"identity": {"type": "str", "required": True}, "label": {"type": "str"}},
            },
            "ticket_lifetime_minutes": {"type": "int", "default": 240},
            "stage": {"type": "str", "choices": ["observe", "enforce"], "default": "observe"},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
