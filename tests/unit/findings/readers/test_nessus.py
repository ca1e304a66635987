# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nessus reports: every finding once, each compliance check for itself, ports once with their best name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import nessus, nessus_scan
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.nessus import NessusHandler
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.xmlstream import XmlReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Record

FIXTURES = Path(__file__).parents[3] / "fixtures" / "reports" / "nessus"
MANY = (FIXTURES / "many.nessus").read_bytes()


def read(content: bytes, *, accept_partial: bool = False, piece: int = 1 << 18) -> tuple[list[Record], NessusHandler]:
    reader = XmlReader("x", lambda root, attributes: NessusHandler, accept_partial=accept_partial)
    records = list(reader.records(content[at : at + piece] for at in range(0, len(content), piece)))
    assert isinstance(reader.handler, NessusHandler)
    return records, reader.handler


def fixture(name: str) -> tuple[list[Record], NessusHandler]:
    return read((FIXTURES / f"{name}.nessus").read_bytes())


def report(items: str, *, tags: str = '<tag name="host-ip">10.9.0.3</tag>', policy: str = "") -> bytes:
    return (
        f'<NessusClientData_v2>{policy}<Report name="x"><ReportHost name="10.9.0.3"><HostProperties>{tags}'
        f"</HostProperties>{items}</ReportHost></Report></NessusClientData_v2>"
    ).encode()


def item(fields: str = "", **attributes: str) -> str:
    given = {"port": "443", "svc_name": "www", "protocol": "tcp", "severity": "3", "pluginID": "1", "pluginName": "n"}
    written = " ".join(f'{name}="{value}"' for name, value in (given | attributes).items())
    return f"<ReportItem {written}>{fields}</ReportItem>"


def kinds(records: list[Record]) -> dict[str, int]:
    return dict(Counter(record.kind for record in records))


@pytest.mark.parametrize(
    ("name", "expected", "skipped"),
    [
        ("empty", {}, 0),
        ("one", {"weakness": 1, "info": 1, "port": 1, "host": 1}, 0),
        ("many", {"weakness": 21, "info": 21, "port": 8, "host": 3}, 0),
        ("hostile", {"weakness": 6, "port": 2}, 6),
    ],
)
def test_every_finding_is_a_record_or_skipped(name: str, expected: dict[str, int], skipped: int) -> None:
    content = (FIXTURES / f"{name}.nessus").read_bytes()
    records, handler = read(content)
    assert kinds(records) == expected
    assert handler.skipped.count == skipped
    said = [record for record in records if record.kind in ("weakness", "info")]
    hosts_skipped = sum("without address" in first["reason"] for first in handler.skipped.first)
    assert content.count(b"<ReportItem") == len(said) + handler.port_items + handler.skipped.count - hosts_skipped


def test_the_size_of_the_pieces_changes_nothing() -> None:
    whole = [repr(record) for record in read(MANY)[0]]
    assert whole == [repr(record) for record in read(MANY, piece=1000)[0]]
    assert whole == [repr(record) for record in read(MANY.decode().encode("utf-16"))[0]]


def test_what_is_known_of_the_scan() -> None:
    _records, handler = fixture("many")
    assert handler.info == {
        "version": "10.8.3",
        "generated": "2026-11-22T02:11:40Z",
        "arguments": "10.9.0.3, srv2.chu-valmont.test, fd00:9::21, 10.9.0.99",
        "tried": {"tcp": "1-65535"},
        "profile": "Advanced Scan (with credentials)",
        "finished": "success",
    }
    assert handler.covers("42263") is True
    assert handler.covers("21157:0f") is False
    assert fixture("one")[1].info["tried"] == {}, "default is Nessus's own list, which the file does not hold"
    notes = " ".join(handler.finish())
    assert "did not scan: 1" in notes and "with credentials: 1" in notes and "FAILED 14" in notes


def test_hosts_have_their_names_and_a_dead_one_was_not_looked_at() -> None:
    records, _handler = fixture("many")
    hosts = {record.asset.label: record.asset for record in records if record.kind == "host" and record.asset}
    assert list(hosts) == ["10.9.0.3 (web1.chu-valmont.test)", "10.9.0.12 (srv2.chu-valmont.test)", "fd00:9::21"]
    server = hosts["10.9.0.12 (srv2.chu-valmont.test)"]
    assert (server.typed_names, server.names) == (["srv2.chu-valmont.test"], ["SRV2"])
    dead = [record for record in records if record.asset and record.asset.addresses == ["10.9.0.99"]]
    assert [(record.kind, record.rule) for record in dead] == [("info", "10180")]
    assert len({id(record.asset) for record in records}) == 4, "one asset a host"


def test_a_name_counts_as_typed_only_where_the_operator_gave_it() -> None:
    content = report(item()).replace(b'name="10.9.0.3"', b'name="srv.chu-valmont.test"')
    asset = read(content)[0][0].asset
    assert asset is not None and asset.typed_names == [] and asset.names == ["srv.chu-valmont.test"]


def test_a_weakness_with_all_its_facts() -> None:
    records, _handler = fixture("many")
    record = next(record for record in records if record.rule == "155999")
    assert (record.kind, record.severity, record.grade) == ("weakness", "4", "critical")
    assert record.port is not None and (record.port.id, record.port.service) == ("tcp/443", "www")
    assert record.wording.startswith("A package on the remote server is affected")
    assert record.wording.endswith("This text is ours.")
    assert record.place == "host 10.9.0.3, plugin 155999, tcp/443"
    assert record.facts == {
        "cve": ["CVE-2021-44228", "CVE-2021-45046"],
        "cvss": 10.0,
        "cvss_vector": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
        "epss": 0.9446,
        "vpr": 10.0,
        "kev": True,
        "exploit": True,
        "solution": "Upgrade to version 2.15 or later.",
        "references": [
            "https://logging.apache.org/log4j/2.x/security.html",
            "https://www.lunasec.io/docs/blog/log4j-zero-day/",
            "IAVA:2021-A-0573",
            "CISA-KNOWN-EXPLOITED:2021/12/24",
            "CEA-ID:CEA-2021-0052",
        ],
        "family": "CGI abuses",
        "output": "Path              : /opt/app\n  Installed version : 2.14\n  Fixed version     : 2.15",
    }


def test_each_compliance_check_keeps_its_own_identity() -> None:
    records, handler = fixture("many")
    checks = [record for record in records if record.rule.startswith("21157:")]
    assert len(checks) == 28 == len({record.rule for record in checks})
    assert len({record.title for record in checks}) == 28
    assert Counter((record.kind, record.severity, record.grade) for record in checks) == {
        ("weakness", "FAILED (3)", "high"): 14,
        ("info", "PASSED (0)", None): 12,
        ("weakness", "WARNING (2)", "medium"): 1,
        ("weakness", "ERROR (2)", "medium"): 1,
    }
    assert checks[0].facts["expected"] == "expect: ^\\s*Setting1\\s+no$"
    assert checks[0].facts["output"] == "The command returned : value 1"
    assert handler.scan.compliance["FAILED"] == 14


def test_a_port_comes_once_with_the_best_known_service() -> None:
    records, _handler = fixture("many")
    ports = [
        (record.port.id, record.port.state, record.port.service, record.port.tunnel)
        for record in records
        if record.kind == "port" and record.port and record.asset and record.asset.addresses == ["10.9.0.3"]
    ]
    assert ports == [
        ("tcp/22", "open", "ssh", ""),
        ("tcp/23", "open", "telnet", ""),
        ("tcp/443", "open", "www", "ssl"),
        ("tcp/6379", "open", "redis", ""),
        ("tcp/8443", "open", None, ""),
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["unknown", "http?", "www"], "www"), (["www", "http?"], "www"), (["http?"], "http"), (["general", ""], None)],
)
def test_a_guess_by_number_never_replaces_a_name(names: list[str], expected: str | None) -> None:
    records, _handler = read(report("".join(item(svc_name=name) for name in names)))
    assert [record.port.service for record in records if record.kind == "port" and record.port] == [expected]


@pytest.mark.parametrize(
    ("severity", "risk", "kind", "given", "grade"),
    [
        ("0", "None", "info", "0", None),
        ("1", "Low", "weakness", "1", "low"),
        ("4", "High", "weakness", "4", "critical"),
        ("", "High", "weakness", "3", "high"),
        ("x", "None", "info", "0", None),
        ("7", "", "weakness", "7", None),
    ],
)
def test_grades(severity: str, risk: str, kind: str, given: str, grade: str | None) -> None:
    records, _handler = read(report(item(f"<risk_factor>{risk}</risk_factor>", severity=severity)))
    assert (records[0].kind, records[0].severity, records[0].grade) == (kind, given, grade)


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ("<cvss_base_score>7,5</cvss_base_score>", {"cvss": 7.5}),
        ("<cvss3_base_score>99</cvss3_base_score><cvss_base_score>5</cvss_base_score>", {"cvss": 5.0}),
        ("<cvss4_base_score>9.3</cvss4_base_score><cvss_base_score>5</cvss_base_score>", {"cvss": 9.3}),
        ("<epss_score>nan</epss_score><vpr_score>-1</vpr_score>", {}),
        ("<cisa-known-exploited>2024/01/01</cisa-known-exploited>", {"kev": True}),
        ("<cisa-known-exploited>false</cisa-known-exploited>", {}),
        ("<cve>cve-2020-1234</cve><cve>x'; --</cve>", {"cve": ["CVE-2020-1234"], "references": ["x'; --"]}),
        ("<cwe>79</cwe><xref>CWE:79</xref>", {"cwe": ["CWE-79"], "references": ["CWE:79"]}),
        ("<solution>n/a</solution>", {}),
    ],
)
def test_facts(fields: str, facts: dict[str, Any]) -> None:
    assert read(report(item(fields)))[0][0].facts == facts


def test_what_two_hosts_say_of_a_plugin_is_kept_once_and_told_apart() -> None:
    same = "<description>The same text.</description><plugin_output>{}</plugin_output>"
    other = item("<description>Another text.</description>")
    records = read(report(item(same.format("a")) + item(same.format("b")) + other + item(pluginID="2") * 2))[0][:5]
    assert [record.facts.get("output") for record in records] == ["a", "b", None, None, None]
    assert records[0].wording is records[1].wording
    assert records[2].wording == "Another text."
    records[0].facts["added"] = records[3].facts["added"] = 1
    assert not any("added" in record.facts for record in (records[1], records[4]))


def test_the_set_of_plugins_is_read_and_what_is_no_plugin_is_not() -> None:
    plugins = nessus_scan.Plugins()
    assert plugins.has("10001") is None
    plugins.fill("\n  10001;10002;x10003;²;99999999;123456789;;10002;10004\n")
    assert plugins.count == 3
    assert [plugins.has(word) for word in ("10001", "10002", "10003", "10004", "9", "x", "²")] == [
        *(True, True, False, True, False, False, False)
    ]
    plugins.fill(";".join(map(str, range(10001, 110001))))
    assert plugins.count == 100_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", {"tcp": "1-65535", "udp": "1-65535"}),
        ("default", {}),
        ("22,80,1000-2000", {"tcp": "22,80,1000-2000", "udp": "22,80,1000-2000"}),
        ("T:1-1024,8080,U:53", {"tcp": "1-1024,8080", "udp": "53"}),
        ("1-1024,U:53", {"tcp": "1-1024", "udp": "1-1024,53"}),
        ("1-1024; rm", {}),
        ("", {}),
    ],
)
def test_port_ranges(text: str, expected: dict[str, str]) -> None:
    assert nessus_scan.port_range(text) == expected


def information(scanners: str, ports: str = "1-1024") -> str:
    output = f"Nessus version : 10.8.3\nPort scanner(s) : {scanners}\nPort range : {ports}\n"
    return item(f"<plugin_output>{output}</plugin_output>", pluginID="19506", port="0", severity="0")


@pytest.mark.parametrize(
    ("items", "tried"),
    [
        (information("nessus_syn_scanner"), {"tcp": "1-1024"}),
        (information("netstat"), {"tcp": "1-1024", "udp": "1-1024"}),
        (information("nessus_tcp_scanner nessus_udp_scanner"), {"tcp": "1-1024", "udp": "1-1024"}),
        (information(""), {}),
        (information("nessus_syn_scanner", "default"), {}),
        (item(), {}),
    ],
)
def test_ports_count_as_tried_only_where_a_scanner_is_known_to_have_run(items: str, tried: dict[str, str]) -> None:
    assert read(report(items))[1].info["tried"] == tried


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1795313500", "2026-11-22T02:11:40Z"),
        ("Sun Nov 22 02:11:40 2026", "2026-11-22T02:11:40Z"),
        ("Wed Mar  9 22:55:00 2011", "2011-03-09T22:55:00Z"),
        ("Dim Nov 31 02:11:40 2026", None),
        ("Sun Fév 22 02:11:40 2026", None),
        ("9" * 30, None),
        ("", None),
    ],
)
def test_times(text: str, expected: str | None) -> None:
    assert nessus_scan.timestamp(text) == expected


ENDED = '<tag name="host-ip">10.9.0.3</tag><tag name="HOST_END">Sun Nov 22 02:11:40 2026</tag>'


@pytest.mark.parametrize(
    ("items", "tags", "note"),
    [
        (information("nessus_syn_scanner"), ENDED, None),
        (information("nessus_syn_scanner"), "", "1 without an end of scan"),
        (item(), ENDED, "1 without Nessus Scan Information"),
        (information("netstat") + item(pluginID="21745", port="0"), ENDED, "login failed"),
        (information("netstat") + item(pluginID="104410", port="0"), ENDED, "login failed"),
        (
            information("netstat")
            + item("<plugin_output>(10.9.0.3) is considered as dead - not scanning</plugin_output>", pluginID="10180"),
            ENDED,
            "did not scan: 1",
        ),
    ],
)
def test_a_host_that_was_not_wholly_looked_at_closes_nothing(items: str, tags: str, note: str | None) -> None:
    records, handler = read(report(items, tags=tags))
    assert [record.kind for record in records].count("host") == (note is None)
    assert note is None or any(note in said for said in handler.finish())


def test_the_import_judges_only_hosts_that_were_looked_at_and_knows_the_tools_rules(controls: Any) -> None:
    inventory = Inventory({"web1": {"addresses": ["10.9.0.3"]}, "off": {"addresses": ["10.9.0.99"]}})
    imported = import_report(FIXTURES / "many.nessus", source_id="s1", catalogue=controls, inventory=inventory)
    assert imported.source["targets"] == ["web1"]
    found = {(statement.control, statement.object["id"]) for statement in imported.statements if statement.object}
    assert {
        ("expo_telnet", "tcp/23"),
        ("expo_redis_unauthenticated", "tcp/6379"),
        ("expo_tls_obsolete", "tcp/443"),
        ("expo_port", "tcp/8443"),
    } <= found


def test_credentials_of_the_policy_are_never_read() -> None:
    assert b"not-to-be-read" in MANY
    records, handler = fixture("many")
    assert "not-to-be-read" not in repr(records) + repr(handler.info) + repr(handler.finish())
    assert not handler.unknown.names


def test_truncated_anywhere_it_is_an_error_and_what_is_complete_may_be_taken() -> None:
    complete = [repr(record) for record in read(MANY)[0] if record.kind in ("weakness", "info")]
    for length in range(0, len(MANY.rstrip()), 997):
        with pytest.raises(ReportError):
            read(MANY[:length])
        if length > 200:
            records, handler = read(MANY[:length], accept_partial=True)
            said = [repr(record) for record in records if record.kind in ("weakness", "info")]
            assert said == complete[: len(said)]
            assert any("truncated" in note for note in handler.finish())
            assert handler.info["tried"] == {}


def test_hostile_texts_stay_texts() -> None:
    records, handler = fixture("hostile")
    first = records[0]
    assert first.title == "<script>alert(1)</script>{{ 7*7 }}"
    assert first.wording.startswith('=HYPERLINK("http://127.0.0.1/","x")')
    assert first.facts["cvss"] == 7.5 and "cve" not in first.facts and "epss" not in first.facts
    assert first.asset is not None and first.asset.addresses == []
    assert all(len(name) <= 255 for name in first.asset.names)
    assert {each["reason"] for each in handler.skipped.first} == {
        "port 'tcp'/'http' is not a port",
        "port 'tcp'/'70000' is not a port",
        "port 'tcp'/'8²' is not a port",
        "pluginID '10²' is no number",
        "pluginID '' is no number",
        "a host without address and name",
    }
    assert any("new-element (1)" in note for note in handler.finish())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"<NessusClientData_v2>{'<ReportItem>' * 100000}", "nested deeper"),
        (
            "<NessusClientData_v2><ReportHost name='a'><ReportHost name='b'/></ReportHost></NessusClientData_v2>",
            "inside",
        ),
    ],
)
def test_what_nessus_never_writes_is_refused(content: str, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        read(content.encode())


def test_too_many_ports_and_too_long_texts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nessus, "MAX_PORTS", 3)
    with pytest.raises(ReportError, match="more than 3 ports"):
        read(report("".join(item(port=str(port)) for port in range(1, 6))))
    long = "x" * (nessus.MAX_PIECES * 8192 + 100_000)
    record = read(report(item(f"<description>{long}</description>", port="0")), piece=8192)[0][0]
    assert len(record.wording) < 70_000 and record.wording.startswith("[cut: the beginning")


def test_values_outside_of_a_host_are_skipped_with_their_place() -> None:
    _records, handler = read(f"<NessusClientData_v2><Report>{item()}</Report></NessusClientData_v2>".encode())
    assert handler.skipped.first == [{"place": "plugin 1", "reason": "a finding outside of any host"}]
