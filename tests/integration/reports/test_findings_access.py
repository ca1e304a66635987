# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Playbooks that use findings directly, run by the real ansible-playbook on hostile reports, connecting to no host."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from .test_playbooks import DOMAIN, ROOT, payloads, play, site  # noqa: F401

HEAD = """
- hosts: web1
  gather_facts: false
  vars:
    care_dir: "{{ inventory_dir }}/care"
    findings: "{{ lookup('ansible.builtin.file', care_dir ~ '/findings.json') | from_json }}"
    plan: "{{ lookup('ansible.builtin.file', care_dir ~ '/plan.json') | from_json }}"
    sheet: "{{ lookup('ansible.builtin.file', care_dir ~ '/decisions.yml') | from_yaml }}"
  tasks:
"""


@pytest.fixture
def planned(site: Path) -> Path:  # noqa: F811
    play(site, ROOT / "playbooks" / "plan.yml")
    return site


def ask(site: Path, *expressions: str) -> list[Any]:  # noqa: F811
    """What each expression gives in a playbook."""
    playbook, out = site.parent / "ask.yml", site.parent / "answer.json"
    listed = ", ".join(f"({expression})" for expression in expressions)
    playbook.write_text(
        f"{HEAD}    - ansible.builtin.copy:\n"
        f"        content: {json.dumps('{{ [' + listed + '] | to_json }}')}\n"
        f"        dest: {out}\n        mode: '0600'\n"
        "      delegate_to: localhost\n"
    )
    play(site, playbook, "-e", "ansible_connection=local")
    found: list[Any] = json.loads(out.read_text())
    assert len(found) == len(expressions)
    return found


def test_the_lookup_gives_what_is_in_the_files(planned: Path) -> None:
    document = json.loads((planned / "care" / "findings.json").read_text())
    everything, ports, nobody, two, single = ask(
        planned,
        "lookup('care.remediation.care_findings')",
        "lookup('care.remediation.care_findings', 'web1', control='expo_port')",
        "lookup('care.remediation.care_findings', 'no-such-host')",
        "lookup('care.remediation.care_findings', 'web1', 'chu-valmont.test')",
        f"lookup('care.remediation.care_findings', control='vuln_guest', folder='{planned / 'care'}')",
    )
    assert [one["id"] for one in everything] == [one["id"] for one in document["findings"]]
    assert ports and {(one["host"], one["control"]) for one in ports} == {("web1", "expo_port")}
    assert {one["port"] for one in ports} == {
        int(one["object"]["id"].partition("/")[2]) for one in document["findings"] if one["control"] == "expo_port"
    }
    assert {one["decision"] for one in ports} == {"apply"}
    assert nobody == [] and two == everything
    assert [each["control"] for each in single] == ["vuln_guest"]  # a list too, not the finding itself


def test_lookup_and_filters_agree(planned: Path) -> None:
    given = ("", "host='web1'", "severity=['critical', 'high']", "min_level=1", "decision='undecided'")
    answers = ask(
        planned,
        *(
            f"{start} | care.remediation.care_findings({arguments})"
            for arguments in given
            for start in ("lookup('care.remediation.care_findings')", "plan")
        ),
        *(f"findings | care.remediation.care_findings(decisions=sheet, {arguments})" for arguments in given),
        "plan | care.remediation.care_hosts(severity='critical')",
        "findings | care.remediation.care_hosts",
    )
    *lists, critical, everywhere = answers
    for number in range(len(given)):
        looked, planned_ones, found = lists[2 * number], lists[2 * number + 1], lists[2 * len(given) + number]
        assert looked and looked == found
        assert {(one["id"], one["decision"], one["urgency"]) for one in planned_ones} == {
            (one["id"], one["decision"], one["urgency"]) for one in looked
        }
    assert [one["host"] for one in critical] == ["web1"] and critical[0]["urgency"] == 1
    assert {one["host"] for one in everywhere} == {"web1", DOMAIN}


def test_a_decision_shows_in_both(planned: Path) -> None:
    sheet = planned / "care" / "decisions.yml"
    document = json.loads((planned / "care" / "findings.json").read_text())
    identity = next(one["id"] for one in document["findings"] if one["control"] == "expo_ftp")
    text = sheet.read_text()
    start = text.index(f"  - finding: {identity}")
    end = text.index("decision: undecided", start)
    waiver = 'decision: waive\n    waiver: {owner: "{{ 7*7 }}", reason: "r", until: 2020-01-01}'
    sheet.write_text(text[:end] + waiver + text[end + len("decision: undecided") :])
    for found in ask(
        planned,
        "lookup('care.remediation.care_findings', 'web1', decision='expired')",
        "findings | care.remediation.care_findings(decision='expired', decisions=sheet)",
    ):
        assert [(one["id"], one["owner"], one["until"]) for one in found] == [(identity, "{{ 7*7 }}", "2020-01-01")]
    assert "1 échues" in play(planned, ROOT / "playbooks" / "plan.yml")
    made = json.loads((planned / "care" / "plan.json").read_text())
    assert made["waivers"] == {"in_force": 0, "expiring": 0, "expired": 1, "days": 30, "next": None}


def test_hostile_text_is_never_a_template(planned: Path, tmp_path: Path) -> None:
    names = payloads(tmp_path)
    (found,) = ask(planned, f"lookup('care.remediation.care_findings', '{DOMAIN}') | map(attribute='object') | list")
    assert set(names) <= set(found)
    # handed on through a variable, a loop and another template; and put into a document by a trusting playbook
    playbook = planned.parent / "loop.yml"
    playbook.write_text(
        HEAD
        + """    - ansible.builtin.debug: {msg: "{{ item.object }}"}
      loop: "{{ lookup('care.remediation.care_findings', 'chu-valmont.test') }}"
    - ansible.builtin.set_fact: {kept: "{{ plan | care.remediation.care_findings(host='chu-valmont.test') }}"}
    - ansible.builtin.debug: {msg: "{{ kept | map(attribute='object') | join(' ') }} {{ kept[0].object }}"}
"""
    )
    out = play(planned, playbook)
    assert "lookup('ansible.builtin.pipe'" in out


WRONG = {
    "findings | care.remediation.care_findings(decision='apply')": "holds no decisions",
    "findings | care.remediation.care_findings(severity='urgent')": "none of critical, high, medium, low",
    "findings | care.remediation.care_findings(min_level=9)": "no ANSSI level",
    "[1] | care.remediation.care_hosts": "as care_findings gives them",
    "{} | care.remediation.care_hosts": "neither a findings document",
    "findings | care.remediation.care_findings(decisions=[1])": "content of decisions.yml",
    "lookup('care.remediation.care_findings', min_level=0)": "no ANSSI level",
    "lookup('care.remediation.care_findings', folder='/nonexistent')": "there is no such file",
}


def test_mistakes_are_said(planned: Path) -> None:
    playbook = planned.parent / "wrong.yml"
    tasks = "".join(
        f"    - ansible.builtin.debug: {{msg: {json.dumps('{{ ' + expression + ' }}')}}}\n      ignore_errors: true\n"
        for expression in WRONG
    )
    playbook.write_text(HEAD + tasks)
    out = re.sub(r"\s+", " ", play(planned, playbook))
    told = out.split("TASK [")[1:]
    assert len(told) == len(WRONG)
    for task, said in zip(told, WRONG.values(), strict=True):
        assert "FAILED!" in task and said in task


def test_the_example_of_the_documentation_runs(planned: Path) -> None:
    text = (ROOT / "docs" / "findings.md").read_text()
    (example,) = re.findall(r"```yaml\n(# tickets\.yml.*?)```", text, flags=re.S)
    playbook = planned.parent / "tickets.yml"
    playbook.write_text(example)
    assert yaml.safe_load(example)
    play(planned, playbook, "-e", f"tickets={planned.parent}/tickets")
    tickets = sorted((planned.parent / "tickets").glob("*.md"))
    (undecided,) = ask(planned, "lookup('care.remediation.care_findings', decision='undecided', min_level=2)")
    assert len(tickets) == len({one["host"] for one in undecided}) > 0
    assert "expo_redis_unauthenticated" in (planned.parent / "tickets" / "web1.md").read_text()


def test_the_file_for_the_quality_service(planned: Path) -> None:
    table = planned / "care" / "plan.paq.csv"
    french = table.read_bytes()
    assert french.startswith('\ufeff"Numéro";'.encode()) and b"\r\n" in french
    works = json.loads((planned / "care" / "plan.json").read_text())["works"]
    assert french.decode("utf-8-sig").count('"w-') == len(works)
    again = ("-e", json.dumps({"care_deadlines": {"1": 30}, "care_responsibles": {"default": "=RSSI()"}}))
    play(planned, ROOT / "playbooks" / "plan.yml", "-e", "care_language=en", *again)
    english = table.read_text(encoding="utf-8-sig")
    assert english.startswith('"Number";') and '"\'=RSSI()"' in english
    assert "changed=0" in play(planned, ROOT / "playbooks" / "plan.yml", "-e", "care_language=en", *again)
    wrong = ("-e", json.dumps({"care_deadlines": {"urgent": "tomorrow"}}))
    out = " ".join(play(planned, ROOT / "playbooks" / "plan.yml", *wrong, code=2).split())
    assert "care_deadlines must map urgencies (1 to 5) to days" in out
