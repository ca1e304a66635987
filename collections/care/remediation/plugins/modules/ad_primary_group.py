#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_primary_group
short_description: Give Active Directory accounts their default primary group back
version_added: 0.1.0
description:
  - Sets C(primaryGroupID) back to Domain Users (RID 513), Domain Guests (514, for the Guest account), Domain Computers
    (515), Domain Controllers (516) or Read-only Domain Controllers (521), by what the account is. A user whose primary
    group is Domain Guests is left alone.
  - The server keeps the former group as an ordinary membership, which a change of its own may then end
    (M(care.remediation.ad_group_member)). Nobody loses a right here, and nobody gains one unless
    O(join_default_group) allows it.
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
  join_default_group:
    description:
      - Whether an account that is not yet a member of its default group may become one, which gives it all that is
        granted to that group. Without it such an account is refused by name.
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
  - module: care.remediation.ad_group_member
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Show a hidden membership
  care.remediation.ad_primary_group:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - identity: S-1-5-21-1004336348-1177238915-682003330-1104
    control: vuln_primary_group_id_1000
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
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module, plan_primary_group
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_members import GROUP_ATTRIBUTES
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all accounts; every refusal is in one message."""
    params = module.params
    identities = [entry["identity"] for entry in params["entries"]]
    entries = plan_module.resolve(session, identities, plan_primary_group.ATTRIBUTES, plan, params["missing"])
    groups = {}
    for rid in plan_primary_group.DEFAULTS:
        group = session.read(f"<SID={sids.in_domain(session.domain_sid, rid)}>", list(GROUP_ATTRIBUTES))
        if group is not None:
            groups[rid] = group
    refused: list[str] = []
    for entry in entries.values():
        try:
            plan_primary_group.plan_primary_group(
                plan, entry, groups, join=params["join_default_group"], protected=protected
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
                "options": {"identity": {"type": "str", "required": True}, "label": {"type": "str"}},
            },
            "join_default_group": {"type": "bool", "default": False},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
