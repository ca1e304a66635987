# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filter ``care.remediation.care_findings``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.care.remediation.plugins.plugin_utils.findings_filter import chosen

DOCUMENTATION = r"""
name: care_findings
short_description: Select findings of a document, as flat dictionaries
version_added: 0.1.0
author:
  - care.remediation contributors (@care-remediation)
description:
  - Takes a findings document (C(findings.json), or RV(care.remediation.report_import#module:findings)), a plan
    (C(plan.json)), or a list that this filter or the lookup gave, and returns the findings that are wanted, each as one
    flat dictionary, in the order of the document.
  - Texts come from reports and are hostile. They are never templates, whatever they hold.
  - On a control node, P(care.remediation.care_findings#lookup) reads the files by itself.
positional: _input
options:
  _input:
    description: The document or the list.
    type: raw
    required: true
  host:
    description: Only findings of this inventory host, or of one of these.
    type: raw
  control:
    description: Only findings of this control, or of one of these.
    type: raw
  decision:
    description:
      - Only findings that are decided so, V(apply), V(undecided), V(waive) or V(expired) (a waiver that has run out),
        or one of several of them.
      - A findings document holds no decisions. Give O(decisions), or a plan.
    type: raw
  severity:
    description: Only findings of this severity (V(critical), V(high), V(medium), V(low)), or of one of several.
    type: raw
  min_level:
    description:
      - Only findings that are at least as serious as this ANSSI level, V(1) (worst) to V(5). V(2) keeps levels 1 and 2.
      - A severity counts as a level, V(critical) as 1, V(high) as 2, V(medium) as 3, V(low) as 4.
    type: int
  decisions:
    description: The content of C(decisions.yml), for a findings document.
    type: dict
seealso:
  - plugin: care.remediation.care_findings
    plugin_type: lookup
  - plugin: care.remediation.care_hosts
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The ports to close on web1
  ansible.builtin.debug:
    msg: "{{ known | care.remediation.care_findings(host='web1', control='expo_port') | map(attribute='port') | list }}"
  vars:
    known: "{{ lookup('ansible.builtin.file', 'care/findings.json') | from_json }}"

- name: What is exploited and not decided, highest CVSS first
  ansible.builtin.debug:
    msg: "{{ item.host }}: {{ item.title }} ({{ item.cve | join(', ') }})"
  loop: >-
    {{ plan | care.remediation.care_findings(decision='undecided')
       | selectattr('kev') | sort(attribute='cvss', reverse=true) }}
  vars:
    plan: "{{ lookup('ansible.builtin.file', 'care/plan.json') | from_json }}"

- name: The same with JMESPath
  ansible.builtin.debug:
    msg: "{{ undecided | community.general.json_query('[?kev].{host: host, cve: cve}') }}"
  vars:
    undecided: "{{ plan | care.remediation.care_findings(decision='undecided') }}"
    plan: "{{ lookup('ansible.builtin.file', 'care/plan.json') | from_json }}"
"""

RETURN = r"""
_value:
  description:
    - The findings, each a dictionary with the keys C(id), C(control), C(host), C(level) (1 to 5), C(severity),
      C(urgency) (1 to 5), C(protected), C(unconfirmed), C(decision), C(owner), C(reason) and C(until) (of a waiver),
      C(object), C(object_type), C(object_id), C(dn), C(sid), C(port), C(protocol), C(service), C(title), C(solution),
      C(cve) (list), C(cvss), C(epss), C(kev), C(sources) (list of kinds of tools), C(rules), C(wordings) (lists, one
      a source), and C(evidence), what the control keeps of the reports. What is not known is null.
  type: list
  elements: dict
  sample:
    - control: expo_port
      cve: []
      cvss: null
      decision: apply
      epss: null
      host: web1
      id: f-0123456789abcdef
      kev: false
      level: null
      object: tcp/8443 (https)
      object_id: tcp/8443
      object_type: port
      port: 8443
      protocol: tcp
      service: https
      severity: medium
      sources: [nmap]
      urgency: 3
"""


def care_findings(
    value: Any,
    host: Any = None,
    control: Any = None,
    decision: Any = None,
    severity: Any = None,
    min_level: Any = None,
    decisions: Any = None,
) -> Any:
    """The findings of ``value`` that are wanted; AnsibleFilterError says what is wrong with the arguments."""
    return chosen(
        "care_findings",
        lambda found: [dict(one) for one in found],
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
        return {"care_findings": care_findings}
