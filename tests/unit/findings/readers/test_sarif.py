# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SARIF: rules found wherever they stand, hosts only where a location names one, what was dismissed is no work."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.sarif import SarifReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, WEAKNESS, Record

from .checks import REPORTS

FOLDER = REPORTS / "sarif"


def load(content: bytes) -> tuple[list[Record], SarifReader]:
    reader = SarifReader()
    return list(reader.records(io.BytesIO(content))), reader


def fixture(name: str) -> tuple[list[Record], SarifReader]:
    return load((FOLDER / name).read_bytes())


def log(*results: Any, driver: Any = None, **run: Any) -> bytes:
    made = {"tool": {"driver": {"name": "t"} | (driver or {})}, "results": list(results)} | run
    return json.dumps({"version": "2.1.0", "runs": [made]}).encode()


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty.sarif", {}, 0),
        ("one.sarif", {HOST: 1, WEAKNESS: 1}, 0),
        ("many.sarif", {HOST: 3, WEAKNESS: 11, INFO: 5}, 0),  # 15 results, one of them at two places
        ("many-bandit.sarif", {WEAKNESS: 6}, 0),
        ("many-ruff.sarif", {WEAKNESS: 6}, 0),
        ("hostile.sarif", {HOST: 1, WEAKNESS: 6}, 7),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    records, reader = fixture(name)
    assert Counter(one.kind for one in records) == kinds
    assert reader.skipped.count == skipped


def test_one() -> None:
    records, reader = fixture("one.sarif")
    one = records[1]
    assert one.asset is not None and one.asset.typed_names == ["portail.chu-valmont.test"] and one.port is not None
    assert (one.rule, one.title, one.port.id) == ("web-scan:WS-12", "Directory listing", "tcp/443")
    assert (one.severity, one.grade) == ("security-severity 5.3", "medium")
    assert one.facts["cwe"] == ["CWE-548"] and one.facts["references"] == ["https://scanner.example/WS-12"]
    assert reader.info["generated"] == "2026-11-20T08:30:00Z" and reader.info["finished"] == "success"


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({}, WEAKNESS),
        ({"kind": "open"}, WEAKNESS),
        ({"kind": "review"}, WEAKNESS),
        ({"kind": "pass"}, INFO),
        ({"kind": "notApplicable"}, INFO),
        ({"level": "none"}, INFO),
        ({"baselineState": "absent"}, INFO),
        ({"baselineState": "unchanged"}, WEAKNESS),
        ({"suppressions": []}, WEAKNESS),
        ({"suppressions": [{"kind": "inSource"}]}, INFO),
        ({"suppressions": [{"kind": "external", "status": "accepted"}]}, INFO),
        ({"suppressions": [{"kind": "external", "status": "rejected"}]}, WEAKNESS),
        ({"suppressions": [{"kind": "inSource"}, {"kind": "external", "status": "underReview"}]}, WEAKNESS),
    ],
)
def test_what_is_work(more: dict[str, Any], kind: str) -> None:
    records, reader = load(log({"ruleId": "R", "message": {"text": "m"}} | more))
    assert [one.kind for one in records] == [kind]
    assert any("counted as information" in note for note in reader.notes) == (kind == INFO)


@pytest.mark.parametrize(
    ("rule", "result", "grade"),
    [
        ({}, {}, "medium"),  # the default of the format: warning
        ({"defaultConfiguration": {"level": "error"}}, {}, "high"),
        ({"defaultConfiguration": {"level": "error"}}, {"level": "note"}, "low"),
        ({"properties": {"security-severity": "9.0"}}, {"level": "note"}, "critical"),
        ({"properties": {"security-severity": "8.9"}}, {}, "high"),
        ({"properties": {"security-severity": "4,0"}}, {}, "medium"),
        ({"properties": {"security-severity": 3.9}}, {}, "low"),
        ({"properties": {"security-severity": "0.0"}}, {}, None),
        ({"properties": {"security-severity": "NaN"}}, {"level": "error"}, "high"),
        ({"properties": {"security-severity": "11"}}, {"level": "error"}, "high"),
        ({"properties": {"security-severity": "1"}}, {"properties": {"security-severity": "9.8"}}, "critical"),
    ],
)
def test_grades(rule: dict[str, Any], result: dict[str, Any], grade: str | None) -> None:
    content = log({"ruleId": "R", "message": {"text": "m"}} | result, driver={"rules": [{"id": "R"} | rule]})
    assert [one.grade for one in load(content)[0]] == [grade]


@pytest.mark.parametrize(
    ("uri", "address", "name", "port"),
    [
        ("https://10.9.0.3:8443/x", "10.9.0.3", None, "tcp/8443"),
        ("http://[2001:db8::3]/", "2001:db8::3", None, "tcp/80"),
        ("tcp://web1:6379", None, "web1", "tcp/6379"),
        ("udp://web1:161", None, "web1", "udp/161"),
        ("ssh://web1", None, "web1", "tcp/22"),
    ],
)
def test_a_uri_with_an_authority_is_a_host(uri: str, address: str | None, name: str | None, port: str) -> None:
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}}}
    record = load(log({"ruleId": "R", "message": {"text": "m"}, "locations": [location]}))[0][1]
    assert record.asset is not None and record.port is not None and record.port.id == port and record.object is None
    assert (record.asset.addresses, record.asset.typed_names) == ([address] if address else [], [name] if name else [])


@pytest.mark.parametrize(
    "uri",
    [
        "src/a.c",
        "file:///srv/a.py",
        "file://server/share/a",
        "git+ssh://h/r.git",
        "C:/x",
        "registry.test/app:1",
        "x://",
    ],
)
def test_a_file_or_an_image_is_no_host(uri: str) -> None:
    location = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 3}}}
    (record,) = load(log({"ruleId": "R", "message": {"text": "m"}, "locations": [location]}))[0]
    assert record.asset is None and record.object is not None and record.object["id"] == f"{uri}#3"


def test_a_fingerprint_outlives_a_line() -> None:
    def about(line: int) -> Any:
        place = {"physicalLocation": {"artifactLocation": {"uri": "a.c"}, "region": {"startLine": line}}}
        result = {"ruleId": "R", "message": {"text": "m"}, "locations": [place], "partialFingerprints": {"p": "abc:1"}}
        return load(log(result))[0][0].object

    assert about(1)["id"] == about(99)["id"] == "a.c#abc:1" and about(1)["label"] != about(99)["label"]


def test_results_before_their_tool_get_its_rules() -> None:
    """Ruff and the SDK of SARIF write so; each run has rules of its own."""
    records, _ = fixture("many-results-first.sarif")
    assert [(one.facts["tool"], one.grade) for one in records] == [("one", "high"), ("two", "low")]
    ruff, reader = fixture("many-ruff.sarif")
    assert {one.facts["tool"] for one in ruff} == {"ruff"} and reader.info["version"]
    assert [one.rule for one in ruff] == [f"ruff:{rule}" for rule in ("F401", "S602", "S324", "S105", "S101", "S102")]
    assert all(one.title and one.facts["references"] for one in ruff)


def test_rules_of_one_run_are_not_those_of_the_next() -> None:
    records, _ = fixture("many.sarif")
    assert [one.grade for one in records if one.wording == "same id, another tool"] == ["low"]
    runs = [
        {"tool": {"driver": {"name": "a", "rules": [{"id": "R", "defaultConfiguration": {"level": "error"}}]}}},
        {"tool": {"driver": {"name": "b"}}, "results": [{"ruleId": "R", "message": {"text": "m"}}]},
    ]
    (record,) = load(json.dumps({"version": "2.1.0", "runs": runs}).encode())[0]
    assert (record.grade, record.rule) == ("medium", "b:R")


def test_arguments_of_a_message_are_not_templates() -> None:
    content = log({"ruleId": "R", "message": {"text": "{0} {1} {2}", "arguments": ["{1}", "{{ x }}"]}})
    assert load(content)[0][0].wording == "{1} {{ x }} {2}"


def test_a_truncated_file_gives_what_is_complete() -> None:
    for name in ("many.sarif", "many-ruff.sarif"):
        whole = (FOLDER / name).read_bytes().rstrip()
        everything = len(fixture(name)[0])
        for size in range(len(whole) // 20, len(whole), len(whole) // 20):
            reader, found = SarifReader(), []
            with pytest.raises(ReportError) as caught:
                for record in reader.records(io.BytesIO(whole[:size])):
                    found.append(record)
            assert caught.value.truncated and len(found) <= everything
    assert found, "results that waited for their rules are given too"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"version": "2.1.0", "runs": []}', True),
        (b'{"$schema": "https://json.schemastore.org/sarif-2.1.0.json"', True),
        (b'{"runs": [{"tool": {"driver": {"name": "Bandit"', True),  # its version stands last
        (b'{"runs": [{"results": [{"ruleId": "R", "message"', True),
        (b'{"runs": [{"tool"', False),
        (b'{"findings": [], "version": "2"}', False),
        (b"[1]", False),
    ],
)
def test_recognised(content: bytes, expected: bool) -> None:
    beginning = head(content)
    assert beginning is not None and SarifReader.recognise(beginning) is expected
