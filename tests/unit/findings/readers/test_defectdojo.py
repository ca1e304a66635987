# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DefectDojo's generic findings JSON: one record a finding and endpoint; what is settled there is information."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.defectdojo import DefectDojoReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, WEAKNESS, Record

from .checks import REPORTS

FOLDER = REPORTS / "defectdojo"


def load(content: bytes) -> tuple[list[Record], DefectDojoReader]:
    reader = DefectDojoReader()
    return list(reader.records(io.BytesIO(content))), reader


def fixture(name: str) -> tuple[list[Record], DefectDojoReader]:
    return load((FOLDER / name).read_bytes())


def one(**more: Any) -> list[Record]:
    made = {"title": "T", "severity": "High", "description": "D"} | more
    return [record for record in load(json.dumps({"findings": [made]}).encode())[0] if record.kind != HOST]


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty.json", {}, 0),
        ("one.json", {HOST: 1, WEAKNESS: 1}, 0),
        ("many.json", {HOST: 4, WEAKNESS: 7, INFO: 6}, 0),  # 10 findings, one of them at 4 endpoints
        ("hostile.json", {HOST: 3, WEAKNESS: 5}, 12),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    records, reader = fixture(name)
    assert Counter(record.kind for record in records) == kinds
    assert reader.skipped.count == skipped, reader.skipped.first
    assert reader.info["closes"] is False


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ({}, WEAKNESS),
        ({"active": True}, WEAKNESS),
        ({"active": False}, INFO),
        ({"active": "false"}, INFO),
        ({"false_p": True}, INFO),
        ({"duplicate": True}, INFO),
        ({"out_of_scope": True}, INFO),
        ({"is_mitigated": True}, INFO),
        # an accepted risk is still there: who accepts it here is for the decision sheet to say
        ({"risk_accepted": True, "active": False}, WEAKNESS),
        ({"severity": "Info"}, INFO),
        ({"verified": False}, WEAKNESS),
    ],
)
def test_what_is_work(state: dict[str, Any], kind: str) -> None:
    assert [record.kind for record in one(**state)] == [kind]


def test_a_finding_with_everything() -> None:
    records = [record for record in fixture("many.json")[0] if record.title == "Log4Shell"]
    places = [(record.asset and record.asset.label, record.port and record.port.id) for record in records]
    assert places == [
        ("10.9.0.3", "tcp/8443"),  # given twice, as host:port and as a URI
        ("web1", "tcp/443"),
        ("2001:db8::7", None),
        ("2001:db8::8", "tcp/22"),
    ]
    facts = records[0].facts
    assert facts["cve"] == ["CVE-2021-44228"] and facts["cwe"] == ["CWE-502"] and facts["kev"] is True
    assert (facts["cvss"], facts["epss"], facts["verified"], facts["static"]) == (10.0, 0.94, True, True)
    assert facts["references"] == ["https://a.test", "https://b.test"] and facts["solution"] == "Update."
    assert (records[0].rule, records[0].severity, records[0].grade) == ("CVE-2021-44228", "Critical", "critical")
    assert records[0].object is not None and records[0].object["id"] == "file:lib/log4j-core.jar:3"


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"vuln_id_from_tool": "X-1", "cve": "CVE-2024-0001"}, "X-1"),
        ({"cve": "cve-2024-0001"}, "CVE-2024-0001"),
        ({"vulnerability_ids": ["GHSA-jfh8-c2jp-5v3q"]}, "GHSA-jfh8-c2jp-5v3q"),
        ({"cwe": 79}, "CWE-79"),
        ({}, "title:e3b98a4da31a127d"),
    ],
)
def test_the_rule_is_an_id_and_never_the_title(given: dict[str, Any], rule: str) -> None:
    assert [record.rule for record in one(**given)] == [rule]


def test_what_is_about_a_component_outlives_its_version() -> None:
    ids = {one(component_name="log4j-core", component_version=version)[0].object["id"] for version in ("1", "2")}  # type: ignore[index]
    assert ids == {"component:log4j-core"}


def test_unknown_fields_are_named() -> None:
    assert any("brand_new_field (1)" in note for note in fixture("many.json")[1].notes)


def test_who_calls_himself_ours_is_not_believed_without_the_right_id() -> None:
    stolen = [record for record in fixture("hostile.json")[0] if record.title == "stolen"]
    assert [("control" in record.facts, record.object) for record in stolen] == [(False, None)]


def test_truncated() -> None:
    whole = (FOLDER / "many.json").read_bytes().rstrip()
    for size in range(100, len(whole), 100):
        reader, found = DefectDojoReader(), []
        with pytest.raises(ReportError) as caught:
            for record in reader.records(io.BytesIO(whole[:size])):
                found.append(record)
        assert caught.value.truncated
    assert len([record for record in found if record.kind != HOST]) >= 11


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"findings": []}', True),
        (b'{"name": "x", "type": "y", "findings": [{"title": "a", "severity": "Low"}]}', True),
        (b'{"findings": [{"title": "a", "severity": "Low"}], "x": 1}', True),
        (b'{"schema": "other", "findings": [{"title": "a", "severity": "Low"}]}', False),
        (b'{"findings": [{"id": 1}], "target": "x"}', False),
        (b'[{"title": "a", "severity": "Low"}]', False),
    ],
)
def test_recognised(content: bytes, expected: bool) -> None:
    beginning = head(content)
    assert beginning is not None and DefectDojoReader.recognise(beginning) is expected
