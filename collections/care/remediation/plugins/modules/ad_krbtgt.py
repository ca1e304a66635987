#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_krbtgt
short_description: Renew the key of the Kerberos service, in two steps with proof in between
version_added: 0.1.0
description:
  - Resets the password of krbtgt to a random one that nobody learns. B(It cannot be undone), and every change says so.
  - A domain keeps previous keys, so one reset breaks nothing. A second one ends the tickets issued before the
    first (Windows keeps one previous key, Samba 4.22 keeps two and needs a third reset for that). Made before every
    domain controller has the first, it cuts those off.
  - Both steps change nothing, and say so with the earliest moment, while the last reset is younger than
    O(minimum_interval_hours). So the same task run twice resets once.
  - The second step asks every domain controller for the state of krbtgt over LDAP, and fails when one has not
    the first reset or cannot be read. The list is what CN=Sites and the accounts with primary group 516 and 521
    say together.
  - The krbtgt accounts of read-only domain controllers are listed and left alone, and so is krbtgt_AzureAD.
options:
  step:
    description: Which reset this is.
    type: str
    choices: [first, second]
    required: true
  minimum_interval_hours:
    description:
      - How old the last reset must be. ANSSI asks for V(24) between two resets made by hand.
      - Less than V(11), the default life of a ticket with its tolerance, is refused.
    type: int
    default: 24
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: First reset
  care.remediation.ad_krbtgt:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    step: first
    control: vuln_krbtgt

- name: Second reset, a day later or more
  care.remediation.ad_krbtgt:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    step: second
    control: vuln_krbtgt
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
status:
  description: V(planned), or V(waiting) when the last reset is too young.
  returned: success
  type: str
refused:
  description: Why nothing is planned.
  returned: when RV(status=waiting)
  type: str
earliest:
  description: From when on the next reset may be made.
  returned: success
  type: str
password_last_set:
  description: When krbtgt was reset last.
  returned: success
  type: str
key_version:
  description: The version of krbtgt's key on the domain controller in use.
  returned: success
  type: int
domain_controllers:
  description: Each domain controller, with V(known), V(behind) or V(unverified) and the reason.
  returned: success
  type: list
  elements: dict
left_alone:
  description: Accounts that look like krbtgt and are never touched.
  returned: success
  type: list
  elements: str
remnants:
  description: Server objects below CN=Sites that belong to no domain controller of this domain.
  returned: success
  type: list
  elements: str
step:
  description: The step that was asked for.
  returned: success
  type: str
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

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import (
    plan_krbtgt,
    plan_module,
    plan_replicas,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> dict[str, Any]:
    """Plan the reset, if it may be made now."""
    del protected  # krbtgt is nobody's account
    step = plan_krbtgt.Step(
        module.params["step"],
        datetime.now(UTC),
        timedelta(hours=module.params["minimum_interval_hours"]),
    )
    # By its RID: krbtgt_NNN of a RODC and krbtgt_AzureAD have names that begin the same way.
    dn = f"<SID={sids.in_domain(session.domain_sid, sids.RID_KRBTGT)}>"
    entry = session.read(dn, list(plan_replicas.KRBTGT_ATTRIBUTES))
    if entry is None:
        raise PlanError("krbtgt (RID 502) cannot be read: unverified, so nothing is planned.")
    options = ConnectionOptions.from_params(module.params)

    def ask(name: str) -> plan_replicas.KeyState:
        if name.casefold() == session.server.casefold():
            return plan_krbtgt.key_state(entry)
        with Session.connect(dataclasses.replace(options, server=name)) as other:
            # The name may lead elsewhere (a wrong DNS record): the one that answers must be the one that is meant.
            if other.server.casefold() != name.casefold():
                raise PlanError(f"{other.server} answers at its address")
            found = other.read(dn, list(plan_replicas.KRBTGT_ATTRIBUTES))
            if found is None:
                raise PlanError("it does not show krbtgt")
            return plan_krbtgt.key_state(found)

    return plan_krbtgt.plan_krbtgt(plan, entry, step, plan_replicas.list_controllers(session), ask)


def main() -> None:
    """Run the module."""
    plan_module.run(
        {
            "step": {"type": "str", "choices": ["first", "second"], "required": True},
            "minimum_interval_hours": {"type": "int", "default": 24},
        },
        planned,
    )


if __name__ == "__main__":
    main()
