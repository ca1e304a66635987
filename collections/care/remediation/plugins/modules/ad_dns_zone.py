#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_dns_zone
short_description: Refuse unauthenticated dynamic updates of DNS zones in Active Directory
version_added: 0.1.0
description:
  - Changes one property of zones that the directory holds (C(dNSProperty), C(DSPROPERTY_ZONE_ALLOW_UPDATE)) and leaves
    every other byte as it is. Any number of zones over one connection.
  - DNS servers apply it when they next read the directory, some minutes later.
  - Nothing is widened. A zone that takes no updates at all stays so with O(updates=secure).
options:
  entries:
    description: The zones.
    type: list
    elements: dict
    required: true
    suboptions:
      zone:
        description: The C(dnsZone) object, as GUID or distinguished name.
        type: str
        required: true
      label:
        description: A name for the reader. It decides nothing.
        type: str
  updates:
    description:
      - V(secure) lets only authenticated computers update names that are theirs.
      - V(off) lets no one update.
    type: str
    choices: [secure, "off"]
    default: secure
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Only authenticated computers update the domain's zone
  care.remediation.ad_dns_zone:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    entries:
      - zone: DC=chu-valmont.test,CN=MicrosoftDNS,DC=DomainDnsZones,DC=chu-valmont,DC=test
    control: vuln_dnszone_bad_prop
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
  description: Always empty. A zone that does not exist is an error.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_dns_zone, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> None:
    """Plan all zones; every refusal is in one message."""
    del protected  # a zone is no account
    refused: list[str] = []
    zones = plan_module.resolve(
        session, (entry["zone"] for entry in module.params["entries"]), plan_dns_zone.ATTRIBUTES, plan, "fail"
    )
    for zone in zones.values():
        try:
            plan_dns_zone.plan_zone(plan, zone, module.params["updates"])
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
                "options": {"zone": {"type": "str", "required": True}, "label": {"type": "str"}},
            },
            "updates": {"type": "str", "choices": ["secure", "off"], "default": "secure"},
        },
        planned,
    )


if __name__ == "__main__":
    main()
