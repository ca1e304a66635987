#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_trust
short_description: Make Active Directory trusts trust less
version_added: 0.1.0
description:
  - Sets or clears single bits of C(trustAttributes), only in the direction that trusts less. Any number of trusts over
    one connection.
  - Says in a notice what the partner's users may lose. That cannot be seen from this side. Ask the partner first.
  - A restriction that makes no sense for a trust (its direction, its kind) is refused. A quarantined forest trust, for
    instance, would be broken.
  - This is what C(netdom trust) writes with C(/Quarantine), C(/EnableSIDHistory) and C(/EnableTGTDelegation), and by
    the same way. A trust cannot be changed over LDAP, so the Local Security Authority of the domain controller does
    it, over SMB (port 445).
  - Samba's Local Security Authority (4.22) refuses these bits. Nothing is changed there, and the task fails with its
    answer.
options:
  entries:
    description: The trusts.
    type: list
    elements: dict
    required: true
    suboptions:
      trust:
        description: The C(trustedDomain) object, as GUID or distinguished name.
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
  restriction:
    description:
      - V(quarantine) filters the SIDs that come from an external domain.
      - V(no_sid_history) filters SID history that comes from another forest.
      - V(no_tgt_delegation) forbids services of the partner to receive whole tickets of accounts from here.
    type: str
    choices: [quarantine, no_sid_history, no_tgt_delegation]
    required: true
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Filter what an external domain says of its users
  care.remediation.ad_trust:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    restriction: quarantine
    entries:
      - trust: CN=partenaire.test,CN=System,DC=chu-valmont,DC=test
    control: vuln_trusts_domain_notfiltered
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What users of the partner may lose.
  returned: success
  type: list
  elements: dict
unresolved:
  description: Always empty. A trust that does not exist is an error.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_module, plan_trust
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all trusts; every refusal is in one message."""
    del protected  # the accounts of this domain are not what a trust filters
    refused: list[str] = []
    found = plan_module.resolve(
        session, (entry["trust"] for entry in module.params["entries"]), plan_trust.ATTRIBUTES, plan, "fail"
    )
    for trust in found.values():
        try:
            plan_trust.plan_trust(
                plan,
                trust,
                module.params["restriction"],
                domain_sid=session.domain_sid,
                connected_sid=session.connected_sid,
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
                "options": {"trust": {"type": "str", "required": True}, "label": {"type": "str"}},
            },
            "restriction": {
                "type": "str",
                "choices": ["quarantine", "no_sid_history", "no_tgt_delegation"],
                "required": True,
            },
        },
        planned,
    )


if __name__ == "__main__":
    main()
