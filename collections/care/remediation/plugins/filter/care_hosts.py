# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filter ``care.remediation.care_hosts``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.findings import flat
from ansible_collections.care.remediation.plugins.plugin_utils.findings_filter import chosen

DOCUMENTATION = r"""
name: care_hosts
short_description: List the hosts that findings are about, most urgent first
version_added: 0.1.0
author:
  - care.remediation contributors (@care-remediation)
description:
  - Takes what P(care.remediation.care_findings#filter) takes, with the same options, and returns one flat dictionary
    for each host that has such findings, most urgent first, then by the number of findings.
positional: _input
options:
  _input:
    description: A findings document, a plan, or a list of findings.
    type: raw
    required: true
  host:
    description: As of P(care.remediation.care_findings#filter).
    type: raw
  control:
    description: As of P(care.remediation.care_findings#filter).
    type: raw
  decision:
    description: As of P(care.remediation.care_findings#filter).
    type: raw
  severity:
    description: As of P(care.remediation.care_findings#filter).
    type: raw
  min_level:
    description: As of P(care.remediation.care_findings#filter).
    type: int
  decisions:
    description: As of P(care.remediation.care_findings#filter).
    type: dict
seealso:
  - plugin: care.remediation.care_findings
    plugin_type: filter
"""

EXAMPLES = r"""
- name: A group of the hosts where something exploited was found
  ansible.builtin.add_host:
    name: "{{ item.host }}"
    groups: care_exploited
  loop: "{{ lookup('care.remediation.care_findings') | selectattr('kev') | care.remediation.care_hosts }}"

- name: The names of all hosts with a critical finding
  ansible.builtin.debug:
    msg: "{{ known | care.remediation.care_hosts(severity='critical') | map(attribute='host') | list }}"
  vars:
    known: "{{ lookup('care.remediation.care_findings') }}"
"""

RETURN = r"""
_value:
  description:
    - The hosts, each a dictionary with the keys C(host), C(findings) (how many), C(urgency), C(level) and C(severity)
      (of the worst finding), C(kev) (how many are exploited), C(controls) (list).
  type: list
  elements: dict
  sample: [{host: web1, findings: 7, urgency: 1, level: null, severity: critical, kev: 1, controls: [expo_port]}]
"""


def care_hosts(
    value: Any,
    host: Any = None,
    control: Any = None,
    decision: Any = None,
    severity: Any = None,
    min_level: Any = None,
    decisions: Any = None,
) -> Any:
    """The hosts of the findings of ``value`` that are wanted; AnsibleFilterError says what is wrong."""
    return chosen(
        "care_hosts",
        flat.hosts,
        value,
        host=host,
        control=control,
        decision=decision,
        severity=severity,
        min_level=min_level,
        decisions=decisions,
    )


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"care_hosts": care_hosts}
