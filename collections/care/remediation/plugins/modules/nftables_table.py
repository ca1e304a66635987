#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_table
short_description: Plan one nftables table of a Linux host
version_added: 0.1.0
description:
  - Compares one nftables table with what it is wanted to be, and returns the changes that would make it so.
  - No other table is touched, and the ruleset is never flushed. The table is replaced in one transaction.
  - What is wanted is either the table's own O(rules), or O(exposure), from which the module works out a table that
    closes ports
    without closing the operator's way in.
  - The change is guarded, the host takes it back by itself unless a new connection confirms it
    (see M(care.remediation.host_change)).
  - Only packets for the host itself are filtered (hook input) by O(exposure). Ports that a container engine forwards
    into
    a container pass elsewhere and are not closed by it.
options:
  family:
    description: Address family of the table.
    type: str
    choices: [inet, ip, ip6]
    default: inet
  name:
    description: Name of the table. It must begin with V(care_), so that no one else's table is ever replaced.
    type: str
    default: care_exposure
  state:
    description: Whether the table is to be there.
    type: str
    choices: [present, absent]
    default: present
  rules:
    description:
      - The text between the braces of the table, in nft's own language.
      - It is not looked at for what it closes. Only the guard keeps a mistake here from shutting the operator out.
    type: str
  exposure:
    description:
      - Which ports to close.
      - Ports that the table closes already stay closed until O(exposure.policy) allows them, because a port that is
        closed
        is not in the next scan.
    type: dict
    suboptions:
      close:
        description: Ports to close for everyone that O(exposure.policy) does not name.
        type: list
        elements: dict
        default: []
        suboptions:
          port:
            description: Number of the port.
            type: int
            required: true
          protocol:
            description: Transport protocol.
            type: str
            choices: [tcp, udp]
            default: tcp
          label:
            description: What the port is, for a reader. It does not get into the ruleset.
            type: str
      policy:
        description: Ports that may stay open.
        type: list
        elements: dict
        default: []
        suboptions:
          port:
            description: Number of the port.
            type: int
            required: true
          protocol:
            description: Transport protocol.
            type: str
            choices: [tcp, udp]
            default: tcp
          sources:
            description: Addresses and networks that may use it. Everyone when empty or when it holds V(any).
            type: list
            elements: str
            default: []
          label:
            description: What the port is, for a reader. It does not get into the ruleset.
            type: str
      management_sources:
        description:
          - Addresses and networks that the operator comes from, besides the one of the present SSH connection.
          - Both are let in to sshd's ports before any other rule. To ask for such a port to be closed for them is a
            hazard, and
            nothing is changed.
        type: list
        elements: str
        default: []
      default:
        description:
          - V(accept) closes what O(exposure.close) names.
          - V(drop) closes everything that O(exposure.policy) does not name.
        type: str
        choices: [accept, drop]
        default: accept
  persistent:
    description:
      - Whether the table is loaded again at boot, from a file of its own in C(/etc/nftables.d) that
        C(/etc/nftables.conf)
        includes, by C(nftables.service), which is enabled and not started.
      - When that service is off and its configuration has rules of its own that would come into force, it is left as it
        is and
        RV(unresolved) says so.
    type: bool
    default: true
  guard_seconds:
    description: Seconds the change stays without being confirmed by a new connection, from 10 to 3600.
    type: int
    default: 60
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
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Close telnet for everyone, and the database for all but one server
  care.remediation.nftables_table:
    control: expo_port
    exposure:
      close:
        - {port: 23}
        - {port: 5432}
      policy:
        - {port: 5432, sources: [192.0.2.10]}
      management_sources: [192.0.2.0/28]

- name: A table in nft's own language
  care.remediation.nftables_table:
    name: care_metrics
    rules: |
      chain input {
        type filter hook input priority filter; policy accept;
        ip saddr != 192.0.2.20 tcp dport 9100 drop
      }
"""

RETURN = r"""
changes:
  description:
    - The changes that are to be made. One of kind C(ruleset) with the text of the table before and after, as C(nft -s
      list table)
      writes it, and those of the files and the service that load it at boot.
  returned: success
  type: list
  elements: dict
  sample:
    - target: host
      kind: ruleset
      object: {type: table, id: inet care_exposure, label: nftables inet care_exposure}
      before: ""
      after: "table inet care_exposure {…}"
unresolved:
  description: Why the table would not be there after a reboot, if so.
  returned: success
  type: list
  elements: str
closed:
  description: The ports that the wanted table closes.
  returned: with O(exposure)
  type: list
  elements: str
  sample: [tcp/23, tcp/6379]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.hosts import exposure, management, ruleset_plan, rulesets
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.options import EXPOSURE


def wanted(options: dict, table: rulesets.Table) -> exposure.Wanted:
    """The table that the task asks for."""
    if options["state"] == "absent":
        return exposure.Wanted("", [], [])
    if options["rules"] is not None:
        return exposure.Wanted(f"table {table} {{\n{options['rules']}\n}}\n", [], [])
    asked = options["exposure"]
    request = exposure.parse(asked["close"], asked["policy"], asked["management_sources"], asked["default"])
    return exposure.wanted(request, rulesets.read(table), management.present(), table)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "control": {"type": "str"},
            "family": {"type": "str", "choices": ["inet", "ip", "ip6"], "default": "inet"},
            "name": {"type": "str", "default": "care_exposure"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "rules": {"type": "str"},
            "exposure": EXPOSURE,
            "persistent": {"type": "bool", "default": True},
            "guard_seconds": {"type": "int", "default": 60},
        },
        mutually_exclusive=[("rules", "exposure")],
        required_if=[("state", "present", ("rules", "exposure"), True)],
        supports_check_mode=True,
    )
    options = module.params
    try:
        table = ruleset_plan.table_of(options["name"], options["family"])
        asked = wanted(options, table)
        result = ruleset_plan.plan(table, asked.text, asked.hazards, options["persistent"])
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(result.changes),
        changes=result.changes,
        diff=result.diff,
        unresolved=result.unresolved,
        closed=[f"{protocol}/{number}" for protocol, number in asked.closed],
    )


if __name__ == "__main__":
    main()
