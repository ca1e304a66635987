#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_laps_permission
short_description: Say who may write and read the passwords that LAPS keeps
version_added: 0.1.0
description:
  - On organizational units that hold computers, lets computers write their own local administrator's password, lets
    named groups read it, and can take from others what lets them.
  - What it gives is what Microsoft's own commands are for (C(Set-LapsADComputerSelfPermission),
    C(Set-LapsADReadPasswordPermission), and those of legacy LAPS), for computers below the unit only.
  - A reader that does not exist stops the module before anything is planned; a group of everyone is refused.
  - An entry that lets somebody read the passwords because it gives far more (all extended rights, full control), or
    that comes from above the unit, is never removed here. A notice names it.
  - Who may decrypt an encrypted password is decided by the policy of Windows LAPS, not by access lists.
options:
  units:
    description: The organizational units or containers, as distinguished name or GUID.
    type: list
    elements: str
    required: true
  variant:
    description: Windows LAPS (C(msLAPS-*)), or the legacy one (C(ms-Mcs-AdmPwd)).
    type: str
    choices: [windows, legacy]
    default: windows
  computers:
    description: Whether computers must be able to write their own password.
    type: bool
    default: true
  readers:
    description: Groups or accounts that must be able to read the passwords, as SID, GUID, distinguished name or
      C(sAMAccountName).
    type: list
    elements: str
    default: []
  exclusive:
    description:
      - Whether entries of the unit itself that let somebody else than O(readers) read the password attributes are
        removed. Holders that every domain has by default (domain administrators, the system) keep theirs.
    type: bool
    default: false
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
seealso:
  - module: care.remediation.ad_acl
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Workstations keep their password in the directory, the support group reads it, nobody else
  care.remediation.ad_laps_permission:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    units:
      - OU=Postes,DC=chu-valmont,DC=test
    readers:
      - GG-Support-Postes
    exclusive: true
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What a person should know and no change shows, above all who else can read the passwords.
  returned: success
  type: list
  elements: dict
  contains:
    object: {description: The unit., type: str, returned: always}
    code: {description: A stable word., type: str, returned: always}
    text: {description: The sentence., type: str, returned: always}
unresolved:
  description: Always empty, since an identity that does not exist is an error.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_laps import LapsWish, plan_laps
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import DACL, Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all units."""
    params = module.params
    attributes = [*IDENTITY_ATTRIBUTES, "nTSecurityDescriptor"]
    wanted = list(dict.fromkeys(params["units"]))
    units = identity.resolve_many(session, wanted, attributes, sd_flags=DACL)
    readers = []
    for name, entry in identity.resolve_many(session, params["readers"], list(IDENTITY_ATTRIBUTES)).items():
        sid = entry.sid()
        if sid is None:
            raise PlanError(f"{name} has no SID: it cannot hold a right.")
        readers.append(sid)
    wish = LapsWish(params["variant"], params["computers"], tuple(readers), params["exclusive"])
    plan_laps(session, plan, [units[name] for name in wanted], wish, protected)


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "units": {"type": "list", "elements": "str", "required": True},
            "variant": {"type": "str", "choices": ["windows", "legacy"], "default": "windows"},
            "computers": {"type": "bool", "default": True},
            "readers": {"type": "list", "elements": "str", "default": []},
            "exclusive": {"type": "bool", "default": False},
        },
        planned,
    )


if __name__ == "__main__":
    main()
