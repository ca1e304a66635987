#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_rodc
short_description: Restrict whose secrets read-only domain controllers may keep
version_added: 0.1.0
description:
  - Adds to what denies and removes from what allows. Nothing can be widened with this module.
  - An account that a person logs on with, and that loses its place on a read-only domain controller, can no longer log
    on where only that one answers. Everywhere else nothing changes for it.
  - Secrets that a read-only domain controller already keeps stay there until the password changes.
options:
  never_reveal:
    description: Principals that one read-only domain controller must never keep (C(msDS-NeverRevealGroup)).
    type: list
    elements: dict
    default: []
    suboptions: &listed
      rodc:
        description: The read-only domain controller, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
      principal:
        description: The group or account, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
  reveal_absent:
    description: Principals that one read-only domain controller is no longer allowed to keep
      (C(msDS-RevealOnDemandGroup)).
    type: list
    elements: dict
    default: []
    suboptions: *listed
  denied_members:
    description: New members of the group that denies for every read-only domain controller (RID 572).
    type: list
    elements: dict
    default: []
    suboptions: &member
      member:
        description: The member, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
  allowed_members_absent:
    description: Members to take out of the group that allows for every read-only domain controller (RID 571).
    type: list
    elements: dict
    default: []
    suboptions: *member
  orphan_krbtgt_absent:
    description:
      - Accounts C(krbtgt_NNN) to delete. One that a read-only domain controller still names is refused.
      - A deleted account cannot be put back by a rollback. The recycle bin of the directory can.
      - To keep the account, neutralise it with M(care.remediation.ad_neutralise) instead.
    type: list
    elements: dict
    default: []
    suboptions:
      identity:
        description: The account, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
seealso:
  - module: care.remediation.ad_neutralise
"""

EXAMPLES = r"""
- name: A read-only domain controller never keeps secrets of administrators
  care.remediation.ad_rodc:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    never_reveal:
      - rodc: RODC1$
        principal: S-1-5-32-544
    control: vuln_rodc_never_reveal
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
  description: Always empty. What does not exist is an error.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module, plan_rodc
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    RID_ALLOWED_REPLICATION,
    RID_DENIED_REPLICATION,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

LISTS = {"never_reveal": (plan_rodc.NEVER_REVEAL, True), "reveal_absent": (plan_rodc.REVEAL, False)}
GROUPS = {
    "denied_members": (RID_DENIED_REPLICATION, True),
    "allowed_members_absent": (RID_ALLOWED_REPLICATION, False),
}


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan everything that is given; every refusal is in one message."""
    params = module.params
    refused: list[str] = []
    for option, (attribute, present) in LISTS.items():
        controllers = plan_module.resolve(
            session, (each["rodc"] for each in params[option]), plan_rodc.RODC_ATTRIBUTES, plan, "fail"
        )
        principals = plan_module.resolve(
            session, (each["principal"] for each in params[option]), IDENTITY_ATTRIBUTES, plan, "fail"
        )
        for name, controller in controllers.items():
            wanted = [principals[each["principal"]] for each in params[option] if each["rodc"] == name]
            try:
                plan_rodc.plan_list(plan, controller, attribute, wanted, present=present, protected=protected)
            except PlanError as error:
                refused.append(str(error))
    for option, (rid, present) in GROUPS.items():
        if params[option]:
            sid = sids.in_domain(session.domain_sid, rid)
            group = plan_module.resolve(session, [sid], plan_rodc.GROUP_ATTRIBUTES, plan, "fail")[sid]
            members = plan_module.resolve(
                session, (each["member"] for each in params[option]), IDENTITY_ATTRIBUTES, plan, "fail"
            )
            plan_rodc.plan_group(plan, group, members.values(), present=present, protected=protected)
    orphans = plan_module.resolve(
        session,
        (each["identity"] for each in params["orphan_krbtgt_absent"]),
        plan_rodc.KRBTGT_ATTRIBUTES,
        plan,
        "ignore",  # a deleted one is what was asked for
    )
    plan.unresolved.clear()
    try:
        plan_rodc.plan_orphans(plan, orphans.values(), protected=protected)
    except PlanError as error:
        refused.append(str(error))
    if refused:
        raise PlanError(" ".join(refused))


def main() -> None:
    """Run the module."""
    label = {"type": "str"}

    def entries(*names: str) -> dict[str, object]:
        options = {name: {"type": "str", "required": True} for name in names}
        return {"type": "list", "elements": "dict", "default": [], "options": {**options, "label": label}}

    plan_module.run(
        {
            "never_reveal": entries("rodc", "principal"),
            "reveal_absent": entries("rodc", "principal"),
            "denied_members": entries("member"),
            "allowed_members_absent": entries("member"),
            "orphan_krbtgt_absent": entries("identity"),
        },
        planned,
    )


if __name__ == "__main__":
    main()
