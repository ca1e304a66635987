#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_acl
short_description: Correct access lists and owners of Active Directory objects
version_added: 0.1.0
description:
  - Removes named explicit entries (ACEs) from the access lists (DACL) of objects, for instance the replication rights
    that allow reading every password of the domain (DCSync). Any object will do, also of the Configuration partition.
  - Makes Domain Admins (RID 512) the owner of objects that somebody else owns.
  - Only the named entry, or the owner, changes. Inherited entries and audit list are neither sent nor touched, and
    undoing puts the entry back in its place, or the former owner.
  - An inherited entry is refused with the name of the object that it comes from. So is an entry of a holder that every
    domain has by default (domain administrators, domain controllers, the system), unless O(allow_default_holders=true).
  - A list that is not in canonical order is left alone, and what putting it in order would newly allow or deny is said,
    unless O(reorder=true). One whose order cannot be judged (entries of an unknown type, conditions) is refused.
  - For a protected object (C(adminCount) 1) a notice says when AdminSDHolder would bring the entry or the owner back.
options:
  entries:
    description: The entries that must not be there. One that is absent already is as it should be.
    type: list
    elements: dict
    default: []
    suboptions:
      object:
        description: The object, as distinguished name, GUID, SID or C(sAMAccountName).
        type: str
        required: true
      trustee:
        description: SID of the account or group that the entry gives a right to, or that owns the object.
        type: str
        required: true
      ace:
        description:
          - The entry in SDDL, with its parentheses, as in the example.
          - V(O:) and the SID of O(entries[].trustee) stands for the owner, who is replaced as O(owners) does.
        type: str
        required: true
      control:
        description: Id of the control that asks for this one entry, beside O(control).
        type: str
      label:
        description: A name for the reader. It decides nothing.
        type: str
  owners:
    description:
      - Objects that must be owned by Domain Admins. One that is owned by that group, by Administrators, by Enterprise
        Admins of the forest's root or by the system is as it should be.
      - Making a group the owner takes membership in it (or the privilege to restore files) and the right to take
        ownership.
    type: list
    elements: dict
    default: []
    suboptions:
      object:
        description: The object, as distinguished name, GUID, SID or C(sAMAccountName).
        type: str
        required: true
      control:
        description: Id of the control that asks for this one object, beside O(control).
        type: str
      label:
        description: A name for the reader. It decides nothing.
        type: str
  allow_default_holders:
    description: Whether entries of holders that every domain has by default may be removed too.
    type: bool
    default: false
  reorder:
    description:
      - Whether a list that is not in canonical order (explicit before inherited, deny before allow) is put in that
        order when an entry is removed from it. What that newly allows or denies is part of the change shown.
    type: bool
    default: false
  missing:
    description:
      - What an object that does not exist means. With V(ignore) it is listed in RV(unresolved).
      - An identity that fits several objects is always an error.
    type: str
    choices: [fail, ignore]
    default: fail
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
seealso:
  - module: care.remediation.directory_change
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Take the right to replicate all secrets from a former synchronisation account
  care.remediation.ad_acl:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - object: DC=chu-valmont,DC=test
        trustee: S-1-5-21-1004336348-1177238915-682003330-1105
        ace: (OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;S-1-5-21-1004336348-1177238915-682003330-1105)
    control: vuln_permissions_naming_context

- name: Administrators own what an account that joined computers created
  care.remediation.ad_acl:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    owners:
      - object: CN=POSTE-0042,OU=Postes,DC=chu-valmont,DC=test
    control: vuln_owner

- name: A template that its former manager may change no more, whether as owner or by an entry
  care.remediation.ad_acl:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - object: 2c1b7c1e-0000-4000-8000-123456789abc
        trustee: S-1-5-21-1004336348-1177238915-682003330-1105
        ace: O:S-1-5-21-1004336348-1177238915-682003330-1105
      - object: 2c1b7c1e-0000-4000-8000-123456789abc
        trustee: S-1-5-21-1004336348-1177238915-682003330-1105
        ace: (A;;WD;;;S-1-5-21-1004336348-1177238915-682003330-1105)
    control: vuln_adcs_template_control
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
  contains:
    object: {description: The object., type: str, returned: always}
    code: {description: A stable word., type: str, returned: always}
    text: {description: The sentence., type: str, returned: always}
unresolved:
  description: Objects that do not exist.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_holder import ADMIN_COUNT
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import AclWish, plan_acls
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.owner_plan import (
    OwnerWish,
    owner_wish,
    plan_owners,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import IDENTITY_ATTRIBUTES, Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import DACL, OWNER, Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all entries, then all owners; every refusal of each is in one message."""
    params = module.params
    wishes: list[AclWish] = []
    owners = [OwnerWish(one["object"], control=one["control"]) for one in params["owners"]]
    for one in params["entries"]:
        owner = owner_wish(one["object"], one["trustee"], one["ace"], one["control"])
        if owner is not None:
            owners.append(owner)
        else:
            wishes.append(AclWish(one["object"], one["trustee"], one["ace"], one["control"]))
    if wishes:
        entries = _resolve(session, [wish.object for wish in wishes], params["missing"], DACL, plan)
        plan_acls(session, plan, entries, wishes, protected, params["allow_default_holders"], params["reorder"])
    if owners:
        entries = _resolve(session, [wish.object for wish in owners], params["missing"], OWNER, plan)
        plan_owners(session, plan, entries, owners, protected)


def _resolve(session: Session, objects: list[str], missing: str, sd_flags: int, plan: Plan) -> dict[str, Entry]:
    wanted = list(dict.fromkeys(objects))
    entries = identity.resolve_many(
        session,
        wanted,
        [*IDENTITY_ATTRIBUTES, ADMIN_COUNT, "nTSecurityDescriptor"],
        missing="ignore" if missing == "ignore" else "error",
        sd_flags=sd_flags,
    )
    plan.unresolved.extend(name for name in wanted if name not in entries and name not in plan.unresolved)
    return entries


def main() -> None:
    """Run the module."""
    common: dict[str, Any] = {
        "object": {"type": "str", "required": True},
        "control": {"type": "str"},
        "label": {"type": "str"},
    }
    plan_module.run(
        {
            "entries": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    **common,
                    "trustee": {"type": "str", "required": True},
                    "ace": {"type": "str", "required": True},
                },
            },
            "owners": {"type": "list", "elements": "dict", "default": [], "options": common},
            "allow_default_holders": {"type": "bool", "default": False},
            "reorder": {"type": "bool", "default": False},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
