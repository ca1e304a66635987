#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_group_member
short_description: Add and remove members of Active Directory groups
version_added: 0.1.0
description:
  - Adds or removes single members of groups, for any number of groups and members over one connection.
  - An account whose primary group it is counts as a member. It cannot be removed from it here, and is refused by name.
  - Every change says which group it is (by SID), whether ANSSI counts it as privileged, and how many members it had,
    so that a run never removes the last one of a privileged group.
  - Taking a group out of another one is also a hazard when a protected account is in it, even through other groups.
options:
  entries:
    description: The memberships.
    type: list
    elements: dict
    required: true
    suboptions:
      group:
        description:
          - The group, as SID, GUID, distinguished name or C(sAMAccountName). Never rely on the name of a built-in
            group, it differs with the language of the domain.
          - Default is O(group) or O(group_rid) of the module.
        type: str
      group_rid:
        description:
          - The relative identifier of a group of the connected domain, instead of O(entries[].group). For instance
            V(525) is Protected Users.
        type: int
      member:
        description: The member, as SID, GUID, distinguished name or C(sAMAccountName).
        type: str
        required: true
        aliases: [identity]
      label:
        description: A name for the reader. It decides nothing.
        type: str
  group:
    description: The group of all entries that name none, as O(entries[].group).
    type: str
  group_rid:
    description: The group of all entries that name none, as O(entries[].group_rid).
    type: int
  state:
    description: Whether they are to be members.
    type: str
    choices: [absent, present]
    required: true
  missing:
    description: What a group or member that does not exist means. With V(ignore) it is listed in RV(unresolved).
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
- name: Take an account out of Domain Admins, whatever that group is called here
  care.remediation.ad_group_member:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    state: absent
    entries:
      - group_rid: 512
        member: S-1-5-21-1004336348-1177238915-682003330-1104
    control: vuln_privileged_members

- name: Put an administrator into Protected Users
  care.remediation.ad_group_member:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    state: present
    group_rid: 525
    entries:
      - member: adm.dupont
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

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_members, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all memberships."""
    params = module.params
    wanted = []
    for entry in params["entries"]:
        group = _group(session, entry) or _group(session, params)
        if group is None:
            raise PlanError(f"The entry of {entry['member']!r} names no group: give group or group_rid.")
        if (group, entry["member"]) not in wanted:
            wanted.append((group, entry["member"]))
    groups = plan_module.resolve(
        session, (group for group, _member in wanted), plan_members.GROUP_ATTRIBUTES, plan, params["missing"]
    )
    members = plan_module.resolve(
        session, (member for _group, member in wanted), plan_members.MEMBER_ATTRIBUTES, plan, params["missing"]
    )
    plan_members.plan_members(
        plan,
        ((groups[group], members[member]) for group, member in wanted if group in groups and member in members),
        present=params["state"] == "present",
        protected=protected,
        count=lambda group: plan_members.count_members(session, group),
    )


def _group(session: Session, names: Mapping[str, Any]) -> str | None:
    """The identity of the group that an entry, or the module, names."""
    if names["group_rid"] is not None:
        return sids.in_domain(session.domain_sid, names["group_rid"])
    return names["group"] or None


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "entries": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "group": {"type": "str"},
                    "group_rid": {"type": "int"},
                    "member": {"type": "str", "required": True, "aliases": ["identity"]},
                    "label": {"type": "str"},
                },
                "mutually_exclusive": [("group", "group_rid")],
            },
            "group": {"type": "str"},
            "group_rid": {"type": "int"},
            "state": {"type": "str", "choices": ["absent", "present"], "required": True},
            **plan_module.MISSING,
        },
        planned,
        mutually_exclusive=[("group", "group_rid")],
    )


if __name__ == "__main__":
    main()
