#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: host_service
short_description: Plan changes of systemd units on a Linux host
version_added: 0.1.0
description:
  - Compares systemd units (services, sockets, timers) with the state wanted, and returns the changes that would bring
    them there.
  - On the control node, the action plugin of the same name passes those changes through the gate, writes them to the
    journal
    and has them made by M(care.remediation.host_change).
options:
  units:
    description: The units and the state wanted.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the unit, with its suffix unless it is a service. Name the socket too where one starts the service.
        type: str
        required: true
      enabled:
        description:
          - Whether it starts at boot. As it is when not said.
          - A unit that systemd can neither enable nor disable (C(static), C(indirect), C(generated)) counts as being as
            wanted,
            unless V(masked) is.
        type: str
        choices: [enabled, disabled, masked]
      active:
        description: Whether it runs now. As it is when not said.
        type: bool
  missing:
    description: What to do about a unit that this host does not have.
    type: str
    choices: [fail, ignore]
    default: fail
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.planner
seealso:
  - module: care.remediation.host_change
  - module: care.remediation.host_config
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: No FTP server any more
  care.remediation.host_service:
    control: expo_ftp
    missing: ignore
    units:
      - {name: vsftpd, enabled: disabled, active: false}
"""

RETURN = r"""
changes:
  description: The changes of kind C(service) that are to be made.
  returned: success
  type: list
  elements: dict
  sample:
    - target: host
      kind: service
      object: {type: unit, id: vsftpd.service, label: vsftpd.service}
      before: {enabled: enabled, active: true}
      after: {enabled: disabled, active: false}
unresolved:
  description: Always empty.
  returned: success
  type: list
  elements: str
missing:
  description: The units that this host does not have.
  returned: success
  type: list
  elements: str
  sample: [vsftpd.service]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.hosts import service_plan
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.options import UNITS


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "control": {"type": "str"},
            "units": UNITS,
            "missing": {"type": "str", "choices": ["fail", "ignore"], "default": "fail"},
        },
        supports_check_mode=True,
    )
    try:
        changes, diff, missing = service_plan.plan(module.params["units"], module.params["missing"])
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changes), changes=changes, diff=diff, unresolved=[], missing=missing)


if __name__ == "__main__":
    main()
