# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Greenbone reports: every result once, what a person set aside stays so, and a part is never taken for the whole."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import openvas, openvas_result
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.openvas import OpenvasHandler
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.xmlstream import XmlReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Record

FIXTURES = Path(__file__).parents[3] / "fixtures" / "reports" / "openvas"
MANY = (FIXTURES / "many.xml").read_bytes()
OID = "1.3.6.1.4.1.25623.1.0."


def read(content: bytes, *, accept_partial: bool = False, piece: int = 1 << 18) -> tuple[list[Record], OpenvasHandler]:
    reader = XmlReader("x", lambda root, attributes: OpenvasHandler, accept_partial=accept_partial)
    records = list(reader.records(content[at : at + piece] for at in range(0, len(content), piece)))
    assert isinstance(reader.handler, OpenvasHandler)
    return records, reader.handler


def fixture(name: str) -> tuple[list[Record], OpenvasHandler]:
    return read((FIXTURES / f"{name}.xml").read_bytes())


def report(*results: str, status: str = "Done", after: str = "", attributes: str = "") -> bytes:
    return (
        f'<report id="a" format_id="b"><report id="a"{attributes}><gmp><version>22.6</version></gmp>'
        f"<scan_run_status>{status}</scan_run_status><results>{''.join(results)}</results>{after}</report></report>"
    ).encode()


def result(inside: str = "", *, threat: str = "High", severity: str = "7.5", port: str = "443/tcp") -> str:
    return (
        f'<result><name>n</name><host>10.9.0.3<asset/></host><port>{port}</port><nvt oid="1.2.3"><name>n</name>'
        f"<tags>summary=s</tags></nvt><threat>{threat}</threat><severity>{severity}</severity>{inside}</result>"
    )


def by_rule(records: list[Record], rule: str) -> Record:
    return next(record for record in records if record.rule == rule)


@pytest.mark.parametrize(
    ("name", "expected", "skipped"),
    [
        ("empty", {}, 0),
        ("one", {"weakness": 1, "port": 1, "host": 1}, 0),
        ("many", {"weakness": 9, "info": 5, "port": 8, "host": 3}, 0),
        ("hostile", {"weakness": 4, "port": 3}, 8),
    ],
)
def test_every_result_is_a_record_or_skipped(name: str, expected: dict[str, int], skipped: int) -> None:
    content = (FIXTURES / f"{name}.xml").read_bytes()
    records, handler = read(content)
    assert dict(Counter(record.kind for record in records)) == expected
    assert handler.skipped.count == skipped
    said = sum(record.kind in ("weakness", "info") for record in records)
    lost = sum(", result " in first["place"] for first in handler.skipped.first)
    assert handler.results + handler.errors == said + lost
    things = sum(content.count(mark) for mark in (b"<result>", b"<result ", b"<result/>", b"<error>"))
    assert handler.results + handler.errors == things


def test_the_size_of_the_pieces_changes_nothing() -> None:
    whole = [repr(record) for record in read(MANY)[0]]
    assert whole == [repr(record) for record in read(MANY, piece=777)[0]]
    assert whole == [repr(record) for record in read(MANY.decode().encode("utf-16"))[0]]


def test_what_is_known_of_the_scan() -> None:
    _records, handler = fixture("many")
    assert handler.info == {
        "version": "GMP 22.6",
        "generated": "2026-11-22T02:40:00Z",
        "arguments": "filter: apply_overrides=1 levels=hmlg rows=-1 min_qod=70 first=1 sort-reverse=severity notes=1 "
        "overrides=1",
        "tried": {},
        "profile": "Exposition [apply_overrides=1 levels=hmlg min_qod=70]",
        "finished": "success",
    }
    assert handler.finish() == [
        "errors of the scanner, for instance tests that did not end in time: 1",
        "hosts that close nothing: 1 with errors",
    ]
    assert fixture("one")[1].info["profile"] == handler.info["profile"], "the answer of GMP is the same report"


def test_a_result_with_all_its_facts() -> None:
    record = by_rule(fixture("many")[0], f"{OID}836484")
    assert (record.kind, record.title, record.port) == ("weakness", "Software Multiple Vulnerabilities", None)
    assert (record.severity, record.grade) == ("9.8 (Critical)", "critical")
    assert record.wording == "The software is prone to several flaws.\n\nSeveral flaws exist."
    assert record.asset is not None and record.asset.label == "10.9.0.3 (web1.chu-valmont.test)"
    assert record.asset.typed_names == []
    assert record.facts == {
        "cve": ["CVE-2025-49659", "CVE-2025-47981"],
        "cvss": 9.8,
        "cvss_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "epss": 0.09023,
        "qod": 80,
        "solution": "Update to version 1.1.",
        "references": ["https://example.test/advisory", "cert-bund:WID-SEC-2025-1495"],
        "output": "Installed version: 1.0\nFixed version: 1.1",
        "family": "General",
    }


def test_what_a_person_set_aside_is_not_the_results_own() -> None:
    records, _handler = fixture("many")
    lowered = by_rule(records, f"{OID}999001")
    assert (lowered.title, lowered.severity, lowered.grade) == ("Overridden to low", "2.0 (Low)", "low")
    assert lowered.facts["original_severity"] == "7.5 (High)"
    assert lowered.facts["override"] == "Only reachable from the administration network."
    assert lowered.facts["note"] == "Seen with the vendor."
    false = by_rule(records, f"{OID}999002")
    assert (false.kind, false.grade, false.facts["false_positive"]) == ("info", None, True)
    assert not any(
        record.kind == "port" and record.port and record.port.number == 80 and record.asset is false.asset
        for record in records
    )


def test_an_error_of_the_scanner_is_said_and_is_no_weakness() -> None:
    error = by_rule(fixture("many")[0], f"{OID}804489")
    assert (error.kind, error.severity, error.grade) == ("info", "-3.0", None)
    assert error.facts["error"] is True
    assert error.wording == "NVT timed out after 320 seconds."


def test_results_without_an_oid_keep_an_identity() -> None:
    records, _handler = fixture("many")
    assert by_rule(records, "CVE-2023-38408").facts["cve"] == ["CVE-2023-38408"]
    assert by_rule(records, "0/Report outdated / end-of-life Scan Engine").grade == "critical"


def test_one_asset_and_one_record_a_host_and_a_port_once_with_its_service() -> None:
    records, _handler = fixture("many")
    hosts = [record.asset.addresses[0] for record in records if record.kind == "host" and record.asset]
    assert hosts == ["10.9.0.12", "fd00:9::21", "10.9.0.30"], "a test of the first did not end in time"
    assert len({id(record.asset) for record in records}) == 4
    ports = {
        (record.port.id, record.port.service)
        for record in records
        if record.kind == "port" and record.port and record.asset and record.asset.addresses == ["10.9.0.3"]
    }
    assert ports == {("tcp/22", "ssh"), ("tcp/23", None), ("tcp/443", "www"), ("tcp/6379", "redis"), ("tcp/8443", None)}


@pytest.mark.parametrize(
    ("threat", "severity", "kind", "grade"),
    [
        ("High", "9.8", "weakness", "critical"),
        ("High", "8.9", "weakness", "high"),
        ("Medium", "4.0", "weakness", "medium"),
        ("Low", "0.1", "weakness", "low"),
        ("Log", "0.0", "info", None),
        ("False Positive", "-1.0", "info", None),
        ("Error", "-3.0", "info", None),
        ("Alarm", "", "weakness", "critical"),
        ("High", "", "weakness", "high"),
        ("Log", "", "info", None),
        ("False Positive", "", "info", None),
        ("", "-99", "weakness", None),
        ("Severe", "", "weakness", None),
        ("High", "7,5", "weakness", "high"),
    ],
)
def test_grades(threat: str, severity: str, kind: str, grade: str | None) -> None:
    record = read(report(result(threat=threat, severity=severity)))[0][0]
    assert (record.kind, record.grade) == (kind, grade)


@pytest.mark.parametrize(
    ("compliance", "kind"), [("no", "weakness"), ("yes", "info"), ("incomplete", "info"), ("undefined", "info")]
)
def test_points_of_a_compliance_audit(compliance: str, kind: str) -> None:
    inside = f"<compliance>{compliance}</compliance>"
    assert read(report(result(inside, threat="Log", severity="0.0")))[0][0].kind == kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("443/tcp", ("tcp/443", None)),
        ("http (80/tcp)", ("tcp/80", "http")),
        ("unknown (8443/tcp)", ("tcp/8443", None)),
        ("53/udp", ("udp/53", None)),
        ("general/tcp", None),
        ("general/CPE-T", None),
        ("package", None),
        ("0/tcp", None),
        ("", None),
    ],
)
def test_ports(text: str, expected: Any) -> None:
    port = openvas_result.parse_port(text)
    assert (port and (port.id, port.service)) == expected


@pytest.mark.parametrize("text", ["99999/tcp", "443", "8²/tcp", "443/tcp; rm"])
def test_no_ports(text: str) -> None:
    with pytest.raises(ValueError):
        openvas_result.parse_port(text)


def test_references_of_versions_before_10() -> None:
    nvt = "<nvt oid='1.2.3'><cve>CVE-2014-0160, CVE-2014-0346</cve><bid>1</bid><xref>URL:http://a, NOXREF</xref></nvt>"
    record = read(report(result(nvt)))[0][0]
    assert record.facts["cve"] == ["CVE-2014-0160", "CVE-2014-0346"]
    assert record.facts["references"] == ["http://a"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (report(result(), status="Running"), "status is Running"),
        (report(result(), status="Interrupted"), "status is Interrupted"),
        (
            report(result(), after="<result_count>9<full>9</full><filtered>5</filtered></result_count>"),
            "holds 1 of 5 results",
        ),
        (report(result(), attributes=' type="delta"'), "comparison"),
        (
            b'<get_reports_response status="200">' + report(result()) + report(result()) + b"</get_reports_response>",
            "several reports",
        ),
    ],
)
def test_a_part_of_a_report_closes_nothing(content: bytes, reason: str) -> None:
    records, handler = read(content)
    assert any(record.kind == "weakness" for record in records)
    assert handler.info["closes"] is False and reason in handler.info["finished"]


@pytest.mark.parametrize(
    ("host", "errors", "looked"),
    [
        ("<host><ip>10.9.0.3</ip><end>2026-11-22T02:39:00Z</end></host>", "", True),
        ("<host><ip>10.9.0.3</ip><end></end></host>", "", False),
        ("", "", False),
        (
            "<host><ip>10.9.0.3</ip><end>2026-11-22T02:39:00Z</end></host>",
            "<errors><error><host>10.9.0.3</host><nvt oid='1.2.3'><name>n</name></nvt></error></errors>",
            False,
        ),
    ],
)
def test_a_host_that_was_not_wholly_looked_at_closes_nothing(host: str, errors: str, looked: bool) -> None:
    records, _handler = read(report(result(), after=host + errors))
    assert [record.kind for record in records].count("host") == looked


def test_what_the_filter_hides_is_said() -> None:
    after = "<result_count>9<full>9</full><filtered>1</filtered></result_count>"
    _records, handler = read(report(result(), after=after))
    assert handler.info["finished"] == "success" and "closes" not in handler.info
    assert any("hides 8 of 9" in note for note in handler.finish())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<report><errors/></report>", "not one of Greenbone"),
        (b"<report><report><scan_run_status>Done</scan_run_status></report></report>", 'details="1"'),
        (b'<get_reports_response status="200"><report id="x">PHJlcG9ydD4=</report></get_reports_response>', "details"),
        (b'<get_reports_response status="404" status_text="Failed to find report"/>', "404 Failed to find report"),
        (b"<report>" * 100, "nested deeper"),
    ],
)
def test_what_holds_no_results_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        read(content)


def test_the_list_of_ports_names_its_hosts_in_each_version_s_way() -> None:
    lines = (
        "<port>443/tcp<host>10.9.0.3</host></port>",
        "<port>22/tcp<host>10.9.0.4<asset/></host><threat>Low</threat></port>",
        "<port><host>10.9.0.3</host>80/tcp<threat>Low</threat></port>",
    )
    records, _handler = read(report(after=f"<ports>{''.join(lines)}</ports>"))
    assert [(record.asset.addresses, record.port.id) for record in records if record.asset and record.port] == [
        (["10.9.0.3"], "tcp/443"),
        (["10.9.0.3"], "tcp/80"),
        (["10.9.0.4"], "tcp/22"),
    ]


def test_ports_of_certificates_are_no_ports_of_the_report() -> None:
    after = "<tls_certificates><tls_certificate><ports><port>443</port></ports></tls_certificate></tls_certificates>"
    records, handler = read(report(after=after))
    assert records == [] and handler.skipped.count == 0


def test_truncated_anywhere_it_is_an_error_and_what_is_complete_may_be_taken() -> None:
    complete = [repr(record) for record in read(MANY)[0] if record.kind in ("weakness", "info")]
    for length in range(0, len(MANY.rstrip()), 331):
        with pytest.raises(ReportError):
            read(MANY[:length])
        if length > 500:
            records, handler = read(MANY[:length], accept_partial=True)
            said = [repr(record) for record in records if record.kind in ("weakness", "info")]
            assert said == complete[: len(said)]
            assert all(record.kind != "host" for record in records)
            assert any("truncated" in note for note in handler.finish())


def test_hostile_texts_stay_texts() -> None:
    records, handler = fixture("hostile")
    first = records[0]
    assert first.title == "<script>alert(1)</script>{{ 7*7 }}"
    assert first.asset is not None and first.asset.addresses == []
    assert "cve" not in first.facts and first.facts["cvss"] == 7.5 and len(first.facts["cvss_vector"]) < 300
    assert first.facts["references"][0] == "javascript:alert(1)"
    assert "port '8²/tcp' is not a port" in {each["reason"] for each in handler.skipped.first}
    assert any("new-element (1)" in note for note in handler.finish())


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvas, "MAX_PENDING", 3)
    monkeypatch.setattr(openvas, "MAX_ASSETS", 2)
    lines = [result(port=f"{port}/tcp").replace("10.9.0.3", f"10.9.0.{port}") for port in range(1, 20)]
    records, handler = read(report(*lines))
    counted = Counter(record.kind for record in records)
    assert counted == {"weakness": 19, "port": 19}
    assert len(handler._assets) <= 2 and len(handler._open) <= 3
