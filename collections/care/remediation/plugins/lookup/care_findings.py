# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup ``care.remediation.care_findings``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: care_findings
short_description: Read the findings of hosts, with what was decided about them
version_added: 0.1.0
author:
  - care.remediation contributors (@care-remediation)
description:
  - Reads C(findings.json) and C(decisions.yml) of the care folder, as C(plan.yml) wrote them, and gives the findings of
    the named hosts as flat dictionaries, in the order of their gravity. Without a host, those of all hosts.
  - Use C(lookup), which gives the list itself. C(query) gives it as the only element of a list.
  - Texts come from reports and are hostile. They are never templates, whatever they hold.
  - The files are read on the control node, once in each process that runs tasks. For a site with hundreds of thousands
    of findings, read them in one task with C(run_once) rather than in a task of each host.
options:
  _terms:
    description: Inventory hosts (a domain is one of them). None means all.
    type: list
    elements: str
  control:
    description: Only findings of these controls.
    type: list
    elements: str
  decision:
    description:
      - Only findings that are decided so. V(expired) is a waiver that has run out. What the sheet does not hold yet is
        V(undecided).
    type: list
    elements: str
    choices: [apply, undecided, waive, expired]
  severity:
    description: Only findings of these severities. Findings of the directory have a level instead.
    type: list
    elements: str
    choices: [critical, high, medium, low]
  min_level:
    description:
      - Only findings that are at least as serious as this ANSSI level, V(1) (worst) to V(5). V(2) keeps levels 1 and 2.
      - A severity counts as a level, V(critical) as 1, V(high) as 2, V(medium) as 3, V(low) as 4.
    type: int
  folder:
    description:
      - The care folder.
      - Default is the variable C(care_dir), or what P(care.remediation.care_folder#lookup) says.
    type: path
seealso:
  - plugin: care.remediation.care_findings
    plugin_type: filter
  - plugin: care.remediation.care_hosts
    plugin_type: filter
"""

EXAMPLES = r"""
- name: The ports that are open on web1 and should not be
  ansible.builtin.debug:
    msg: "{{ lookup('care.remediation.care_findings', 'web1', control='expo_port') | map(attribute='port') | list }}"

- name: A ticket for each finding of this host that nobody decided
  ansible.builtin.debug:
    msg: "{{ item.id }} {{ item.title or item.control }} ({{ item.object }})"
  loop: "{{ lookup('care.remediation.care_findings', inventory_hostname, decision='undecided', min_level=2) }}"

- name: What is exploited, by host, with the built-in filters
  ansible.builtin.debug:
    msg: "{{ lookup('care.remediation.care_findings') | selectattr('kev') | groupby('host') }}"
  run_once: true

- name: The same with JMESPath
  ansible.builtin.debug:
    msg: "{{ known | community.general.json_query('[?kev].{host: host, cve: cve, port: port}') }}"
  vars:
    known: "{{ lookup('care.remediation.care_findings') }}"
  run_once: true
"""

RETURN = r"""
_raw:
  description:
    - One element, the list of findings. Their keys are those of P(care.remediation.care_findings#filter).
  type: list
  elements: list
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.care.remediation.plugins.module_utils.findings import decisions, document, flat
from ansible_collections.care.remediation.plugins.plugin_utils.care_folder import care_folder
from ansible_collections.care.remediation.plugins.plugin_utils.untrusted import untrusted


@dataclass(frozen=True)
class _Read:
    types: dict[str, str]  # source id to its type
    findings: list[Any]
    by_host: dict[str, list[Any]]
    sheet: dict[str, decisions.Decision]

    def of(self, names: list[str]) -> Iterable[Any]:
        """The findings of these hosts, or all, in the order of the document."""
        if len(names) == 1:
            return self.by_host.get(names[0], [])
        wanted = set(names)
        return (one for one in self.findings if one["host"] in wanted) if names else self.findings


# What was read last, by path, time and size of both files: a loop in one task reads them once.
_READ: dict[tuple[Any, ...], _Read] = {}


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """One element: the findings; AnsibleLookupError says why there are none to read."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            names = [str(term) for term in terms]
            chosen = flat.Selection.of(
                None,
                self.get_option("control"),
                self.get_option("decision"),
                self.get_option("severity"),
                self.get_option("min_level"),
            )
            read = _read(self._folder(variables or {}))
            day = datetime.datetime.now(datetime.UTC).date()
            found = (flat.flatten(one, read.types, read.sheet.get(one["id"]), day=day) for one in read.of(names))
            return [untrusted([one for one in found if chosen.wants(one)])]
        except (document.DocumentError, decisions.DecisionError, flat.SelectionError, AnsibleError) as error:
            raise AnsibleLookupError(f"care.remediation.care_findings: {error}") from error

    def _folder(self, variables: dict[str, Any]) -> Path:
        given = self.get_option("folder") or variables.get("care_dir")
        return care_folder(str(self._templar.template(given)) if given else None, variables)


def _read(folder: Path) -> _Read:
    paths = (folder / "findings.json", folder / "decisions.yml")
    key = tuple((str(path), *_stamp(path)) for path in paths)
    if key not in _READ:
        findings = document.read(paths[0], "findings/1")
        by_host: dict[str, list[Any]] = {}
        for finding in findings["findings"]:
            by_host.setdefault(finding["host"], []).append(finding)
        types = {source["id"]: source["type"] for source in findings["sources"]}
        _READ.clear()
        _READ[key] = _Read(types, findings["findings"], by_host, decisions.read(paths[1]).decisions)
    return _READ[key]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_mtime_ns, status.st_size
