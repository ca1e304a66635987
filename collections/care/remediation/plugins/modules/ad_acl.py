#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_acl
short_description: Remove single entries from access lists of Active Directory objects
version_added: 0.1.0
description:
  - Removes named explicit entries (ACEs) from the access lists (DACL) of objects, for instance the replication rights
    that allow reading every password of the domain (DCSync).
  - Only the named entry changes. Inherited entries, owner and audit list are neither sent nor touched, and undoing puts
    the entry back in its place.
  - An inherited entry is refused with the name of the object that it comes from. So is an entry of a holder that every
    domain has by default (domain administrators, domain controllers, the system), unless O(allow_default_holders=true).
options:
  entries:
    description: The entries that must not be there. One that is absent already is as it should be.
    type: list
    elements: dict
    required: true
    suboptions:
      object:
        description: The object, as distinguished name, GUID, SID or C(sAMAccountName).
        type: str
        required: true
      trustee:
        description: SID of the account or group that the entry gives a right to.
        type: str
        required: true
      ace:
        description: The entry in SDDL, with its parentheses, as in the example.
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
  allow_default_holders:
    description: Whether entries of holders that every domain has by default may be removed too.
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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import AclWish, plan_acls
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import IDENTITY_ATTRIBUTES, Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import DACL, Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all entries; every refusal is in one message."""
    params = module.params
    wishes = [AclWish(entry["object"], entry["trustee"], entry["ace"]) for entry in params["entries"]]
    objects = list(dict.fromkeys(wish.object for wish in wishes))
    entries = identity.resolve_many(
        session,
        objects,
        [*IDENTITY_ATTRIBUTES, "nTSecurityDescriptor"],
        missing="ignore" if params["missing"] == "ignore" else "error",
        sd_flags=DACL,
    )
    plan.unresolved.extend(name for name in objects if name not in entries)
    plan_acls(session, plan, entries, wishes, protected, params["allow_default_holders"])


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "entries": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "object": {"type": "str", "required": True},
                    "trustee": {"type": "str", "required": True},
                    "ace": {"type": "str", "required": True},
                    "label": {"type": "str"},
                },
            },
            "allow_default_holders": {"type": "bool", "default": False},
            **plan_module.MISSING,
        },
        planned,
    )


if __name__ == "__main__":
    main()
