# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reports that are read through a mapping file, the collection's and a person's."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import mapping_file
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import jsonstream, mapped, tables
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import mapped_values as values
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, WEAKNESS, Record
from hypothesis import given, settings
from hypothesis import strategies as st

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "reports" / "mapped"
MAPPINGS = mapping_file.load_all([FOLDER])


def read(name: str, **options: Any) -> tuple[Any, list[Record]]:
    report = open_report(FOLDER / name, mappings=MAPPINGS, **options)
    return report, list(report.records())


def said(records: list[Record]) -> list[tuple[Any, ...]]:
    return [
        (one.asset.label if one.asset else None, one.rule, one.grade, one.port.id if one.port else None)
        for one in records
        if one.kind == WEAKNESS
    ]


def of(text: str, mapping: str, kind: str = "csv") -> tuple[mapped.MappedReader, list[Record]]:
    """A report and a mapping in the test itself."""
    document = f"schema: care.remediation/mapping/1\nname: test\nkind: {kind}\n{mapping}"
    made = mapping_file.parse(document, path=Path("test.yml"))
    head: Any = jsonstream.head(text.encode()) if kind == "json" else tables.csv_head(text.encode())
    reader = made.reader(head)
    assert reader is not None
    return reader, list(reader.records(io.BytesIO(text.encode())))


def test_french_excel() -> None:
    report, records = read("french-excel.csv")
    assert report.type == "mapped"
    assert report.info["profile"] == "scan-externe" and report.info["closes"] is True
    assert report.info["generated"] == "2026-04-04T00:00:00Z"
    assert said(records) == [
        ("192.0.2.10 (portail)", "scan-externe:EXP-01", "high", "tcp/23"),
        ("192.0.2.10 (portail)", "scan-externe:EXP-02", "medium", "tcp/443"),
        ("2001:db8::20 (vpn.chu-valmont.test)", "scan-externe:EXP-03", "critical", "tcp/443"),
        ("192.0.2.13 (archives)", "scan-externe:EXP-06", "critical", "tcp/21"),
        ("192.0.2.13 (archives)", "scan-externe:EXP-06", "critical", "tcp/990"),
    ]
    assert Counter(one.kind for one in records) == {WEAKNESS: 5, INFO: 1, HOST: 4}
    first = next(one for one in records if one.kind == WEAKNESS)
    assert first.severity == "Élevée" and first.place == "line 2" and first.title == "Service Telnet accessible"
    assert first.facts == {"cvss": 8.1, "solution": "Désactiver le service ; préférer SSH", "control": "expo_telnet"}
    assert [one.facts.get("control") for one in records if one.kind == WEAKNESS] == [
        "expo_telnet",
        "expo_tls_obsolete",
        None,
        "expo_ftp",
        "expo_ftp",
    ]
    assert "rows are corrected by their status, and not reported: 1" in report.notes
    assert "rows read: 6" in report.notes and report.skipped.count == 0


def test_one_asset_for_a_host() -> None:
    _report, records = read("french-excel.csv")
    assert len({id(one.asset) for one in records}) == 4


@pytest.mark.parametrize("name", ["passi.xlsx", "passi-xlsxwriter.xlsx", "passi-inline.xlsx"])
def test_annex_of_an_audit(name: str) -> None:
    report, records = read(name)
    assert said(records) == [
        ("chu-valmont.test", "passi-2026:1", "high", None),
        ("10.0.0.5 (redis1)", "passi-2026:2", "critical", None),
        ("10.0.0.6 (redis2)", "passi-2026:2", "critical", None),
        ("imprimante.chu-valmont.test", "passi-2026:4", "medium", "tcp/8443"),
    ]
    weaknesses = [one for one in records if one.kind == WEAKNESS]
    assert weaknesses[0].asset is not None and weaknesses[0].asset.domain
    assert weaknesses[0].facts["control"] == "vuln_kerberos_properties_preauth"
    # the merged cell's text stands for the rows below it
    assert weaknesses[3].wording == "Réseau interne : Mots de passe par défaut"
    assert report.info["generated"].startswith("2026-02-05")


def test_nested_json() -> None:
    _report, records = read("nested.json")
    assert said(records) == [
        ("10.1.0.1 (srv-1)", "scanner-interne:T-1", "high", "tcp/23"),
        ("10.1.0.1 (srv-1)", "scanner-interne:T-2", "critical", "tcp/443"),
        ("2001:db8::7", "scanner-interne:T-3", "low", "udp/161"),
    ]


def test_json_lines_with_bad_ones() -> None:
    report, records = read("lines.jsonl")
    assert len(said(records)) == 21
    assert said(records)[0] == ("srv0.chu-valmont.test", "alertes:A-0", "high", "tcp/8443")
    assert [one["place"] for one in report.skipped.first] == ["line 21", "line 22"]


def test_empty_one_many() -> None:
    report, records = read("empty.csv")
    assert records == [] and report.type == "mapped"
    _report, records = read("one.csv")
    assert len(said(records)) == 1
    report, records = read("many.csv")
    closed, information = 150, sum(1 for n in range(1500) if n % 4 == 3 and n % 10)
    assert len(said(records)) == 1500 - closed - information
    assert sum(one.kind == INFO for one in records) == information
    assert "rows are corrected by their status, and not reported: 150" in report.notes


def test_hostile() -> None:
    report, records = read("hostile.csv")
    assert report.skipped.count == 3
    assert report.info["closes"] is False and any("closes nothing" in note for note in report.notes)
    rules = {one.rule for one in records if one.kind == WEAKNESS}
    assert rules == {f"scan-externe:H-{n}" for n in range(10)}
    assert all(one.grade is None and one.port is None for one in records)
    assert not any("\x1b" in note or "\u202e" in note for note in report.notes)
    wording = "".join(one.severity or "" for one in records)
    assert "{{ lookup" in wording and "<script>" in wording  # kept as it is, for whoever shows it to escape


def test_hostile_workbook() -> None:
    report, records = read("hostile.xlsx")
    assert [
        one.rule for one in records if one.kind == WEAKNESS and one.asset and one.asset.typed_names[:1] == ["srv"]
    ] == ["passi-2026:H90"]
    assert {f"passi-2026:H{n}" for n in range(1, 9)} < {one.rule for one in records}
    places = [one["place"].rpartition(", ")[2] for one in report.skipped.first]
    # neither number nor title; a formula without value; an error
    assert places == ["line 11", "cell C10", "cell D10"] and report.skipped.count == 3
    assert any(one.title == "=cmd|' /C calc'!A0" for one in records)  # a text, as it stands


def test_hostile_json() -> None:
    report, records = read("hostile.json")
    assert {one.rule for one in records if one.kind == WEAKNESS} >= {"scanner-interne:=cmd|' /C calc'!A0"}
    # rows and elements that are no objects, and an element that says nothing
    assert [one["place"] for one in report.skipped.first] == [
        *("row 9, 1", "row 10, 1", "row 11, 1", "row 12, 1", "row 13", "row 14, 1", "row 14, 2", "row 14, 3")
    ]
    assert all(one.port is None for one in records)


@pytest.mark.parametrize("wrapping", ["gz", "zip"])
def test_compressed(tmp_path: Path, wrapping: str) -> None:
    for name in ("french-excel.csv", "passi-xlsxwriter.xlsx", "nested.json"):
        content = (FOLDER / name).read_bytes()
        path = tmp_path / f"{name}.{wrapping}"
        if wrapping == "gz":
            path.write_bytes(gzip.compress(content))
        else:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(f"in/{name}", content)
        report = open_report(path, mappings=MAPPINGS)
        assert said(list(report.records())) == said(read(name)[1])


# --- the collection's own mappings


def test_nessus_csv() -> None:
    report, records = read("nessus.csv")
    assert report.type == "nessus" and report.info["closes"] is False
    assert said(records) == [
        ("192.0.2.10", "42263", "medium", "tcp/23"),
        ("192.0.2.10", "42873", "high", "tcp/443"),
        ("vpn.chu-valmont.test", "104743", "medium", "tcp/443"),
    ]
    sweet = next(one for one in records if one.rule == "42873")
    assert sweet.facts["cve"] == ["CVE-2016-2183", "CVE-2016-6329"] and sweet.facts["cvss"] == 7.5
    assert sweet.facts["references"] == ["https://sweet32.info", "https://www.openssl.org/blog/"]
    assert [one.rule for one in records if one.kind == INFO] == ["19506"]


def test_openvas_csv() -> None:
    report, records = read("openvas.csv")
    assert report.type == "openvas" and report.info["generated"] == "2026-05-04T09:41:00Z"
    assert said(records) == [
        ("192.0.2.20 (ftp.chu-valmont.test)", "1.3.6.1.4.1.25623.1.0.900600", "medium", "tcp/21"),
        ("192.0.2.20 (ftp.chu-valmont.test)", "1.3.6.1.4.1.25623.1.0.800320", "critical", "tcp/8080"),
    ]
    asset = records[0].asset
    assert asset is not None and asset.names == ["ftp.chu-valmont.test"] and asset.typed_names == []
    assert [one.asset.label for one in records if one.kind == INFO and one.asset] == ["2001:db8::21"]


def test_qualys_csv() -> None:
    report, records = read("qualys.csv")
    assert said(records) == [
        ("192.0.2.30 (srv30.chu-valmont.test)", "qualys-csv:38628", "medium", "tcp/443"),
        ("192.0.2.31", "qualys-csv:70000", "low", "udp/137"),
    ]
    # 05/04/2026 is the fourth of May there
    assert report.info["generated"] == "2026-05-04T09:15:00Z"
    assert next(one for one in records if one.kind == WEAKNESS).facts["first_seen"] == "2026-03-15"


def test_defender_json() -> None:
    report, records = read("defender.json")
    assert said(records) == [
        ("poste1.chu-valmont.test", "defender-json:CVE-2024-0519", "high", None),
        ("poste2.chu-valmont.test", "defender-json:CVE-2024-0519", "high", None),
        ("srv5.chu-valmont.test", "defender-json:CVE-2023-36884", "critical", None),
    ]
    assert "rows lack rule, and say nothing: 1" in report.notes and report.skipped.count == 0


def test_shipped_mappings_name_controls_that_exist() -> None:
    controls = {path.stem for path in (mapping_file.SHIPPED.parent / "catalogue").glob("*.yml")}
    shipped = mapping_file.load_all([], controls)
    assert {one.name for one in shipped} == {"nessus-csv", "openvas-csv", "qualys-csv", "defender-json"}
    assert all(not one.full for one in shipped)


# --- behaviour, small


BASE = "match: {columns: [id, host]}\nfields: {rule: id, host: host, severity: sev, port: port, cvss: cvss, cve: cve}\n"


def test_a_row_without_rule_or_host() -> None:
    reader, records = of("id,host,sev\n,h1,x\nR1,,x\nR2,h2,x\n", BASE)
    assert said(records) == [(None, "test:R1", None, None), ("h2", "test:R2", None, None)]
    assert [one["place"] for one in reader.skipped.first] == ["line 2"]
    assert "rows name no host: 1" in reader.notes
    assert "severities that the mapping does not know (the finding is not graded): x (2)" in reader.notes
    assert "columns that the mapping names and the report lacks: cve, cvss, port" in reader.notes


def test_whose_name_it_is() -> None:
    mapping = "match: {columns: [id, host]}\nfields: {rule: id, host: host, address: ip, hostname: ptr}\n"
    text = (
        'id,host,ip,ptr\na,srv1,10.0.0.1,p1\nb,srv2,"10.0.0.2, 10.0.0.3",p2\nc,,srv3,\nd,,10.0.0.4 (srv4),p4\n'
        'e,"srv5, srv6","10.0.0.5, 10.0.0.6",p\nf,"srv7, srv8",10.0.0.7,p\ng,,,p9\n'
    )
    _reader, records = of(text, mapping)
    found = [
        (one.rule[5:], one.asset.addresses, one.asset.typed_names, one.asset.names)
        for one in records
        if one.kind == WEAKNESS and one.asset
    ]
    assert found == [
        ("a", ["10.0.0.1"], ["srv1"], ["p1"]),
        ("b", ["10.0.0.2", "10.0.0.3"], ["srv2"], ["p2"]),
        ("c", [], [], ["srv3"]),
        ("d", ["10.0.0.4"], [], ["srv4"]),
        ("e", ["10.0.0.5"], ["srv5"], []),
        ("e", ["10.0.0.6"], ["srv6"], []),
        ("f", [], ["srv7"], []),
        ("f", [], ["srv8"], []),
        ("f", ["10.0.0.7"], [], []),
        ("g", [], [], ["p9"]),
    ]


def test_cvss_grades_where_the_severity_says_nothing() -> None:
    _reader, records = of('id,host,cvss\na,h,"9,8"\nb,h,7.0\nc,h,4\nd,h,0.5\ne,h,0\nf,h,\n', BASE)
    assert [one[2] for one in said(records)] == ["critical", "high", "medium", "low", None, None]


def test_severity_patterns_first_that_fits() -> None:
    extra = 'severities: {">=9": critical, "élevée": high, "* elevee*": critical, "4*": medium, "*": low}\n'
    text = "id,host,sev\na,h,9.5\nb,h,ELEVEE\nc,h,Très élevée\nd,h,4 [x]?\ne,h,reste\n"
    _reader, records = of(text, BASE + extra)
    assert [one[2] for one in said(records)] == ["critical", "high", "critical", "medium", "low"]


def test_rows_that_differ_in_their_cve_are_one() -> None:
    text = "id,host,sev,cve\nR,h,x,CVE-2020-0001\nR,h,x,CVE-2020-0002\nR,h2,x,CVE-2020-0002\nR,h2,x,\nR,h2,x,\n"
    reader, records = of(text, BASE)
    assert [one.facts.get("cve") for one in records if one.kind == WEAKNESS] == [
        ["CVE-2020-0001", "CVE-2020-0002"],
        ["CVE-2020-0002"],
        None,
        None,
    ]
    assert any("joined to it: 1" in note for note in reader.notes)


def test_full_scope_without_date_closes_nothing() -> None:
    reader, _records = of("id,host\na,h\n", BASE + "scope: full\n")
    assert reader.info["generated"] is None and any("closes nothing" in note for note in reader.notes)


def test_wrong_delimiter_guess_is_put_right_by_the_mapping() -> None:
    # more commas than semicolons, and the same number on every line
    text = "a,b,c,id;host;t,i,t\n1,2,3,R1;h1;x,y,z\n1,2,3,R2;h2;x,y,z\n"
    assert tables.csv_head(text.encode()).delimiter == ","
    made = mapping_file.parse(
        "schema: care.remediation/mapping/1\nname: t\nkind: csv\nmatch: {columns: ['host']}\n"
        "fields: {rule: 'host', host: host}\n",
        path=Path("t.yml"),
    )
    reader = made.reader(tables.csv_head(text.encode()))
    assert reader is not None
    assert [one.rule for one in reader.records(io.BytesIO(text.encode())) if one.kind == WEAKNESS] == ["t:h1", "t:h2"]


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("value", "value.item"),
        ("value[]", "value.item"),
        ("value[*]", "value.item"),
        ("runs[].results[]", "runs.item.results.item"),
        ('"a b".c', "a b.c.item"),
        ("[]", "item"),
        ("[].x", "item.x.item"),
        ("@", None),
        ("a[?b]", None),
        ("a[0]", None),
        ("a.", None),
        ("a | b", None),
    ],
)
def test_which_rows_are_streamed(expression: str, place: str | None) -> None:
    assert mapped.streamed(expression) == place


def test_rows_that_only_the_whole_document_gives() -> None:
    text = json.dumps({"all": [{"id": "a", "ok": False}, {"id": "b", "ok": True}], "h": "srv"})
    mapping = "match: {keys: [all, h]}\nrows: 'all[?!ok]'\nfields: {rule: id, host: {constant: srv}}\n"
    _reader, records = of(text, mapping, kind="json")
    assert said(records) == [("srv", "test:a", None, None)]


def test_json_fields_that_do_not_fit_are_skipped() -> None:
    text = json.dumps([{"id": "a", "x": 1}, {"id": "b", "x": ["k"]}, 5])
    reader, records = of(text, "match: {keys: [id]}\nfields: {rule: id, title: \"join(',', x)\"}\n", kind="json")
    assert [one[1] for one in said(records)] == ["test:b"]
    assert [one["place"] for one in reader.skipped.first] == ["row 1", "row 3"]


def test_truncated_report_gives_what_is_complete() -> None:
    content = (FOLDER / "french-excel.csv").read_bytes()
    for length in range(120, len(content), 37):
        made = next(one for one in MAPPINGS if one.name == "scan-externe")
        reader = made.reader(tables.csv_head(content[:length]))
        assert reader is not None
        got: list[Record] = []
        truncated = False
        try:
            for one in reader.records(io.BytesIO(content[:length])):
                got.append(one)
        except ReportError as exc:
            truncated = exc.truncated
        whole = read("french-excel.csv")[1]
        complete = content[:length].count(b"\n") - 1
        lines = {one.place for one in got}
        assert {one.place for one in whole if int(one.place[5:]) <= complete + 1} <= lines
        assert truncated or len(lines) >= complete - 1


def test_truncated_file_is_refused_or_partial(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_bytes((FOLDER / "french-excel.csv").read_bytes()[:700])
    with pytest.raises(ReportError, match="truncated"):
        list(open_report(path, mappings=MAPPINGS).records())
    report = open_report(path, mappings=MAPPINGS, accept_partial=True)
    assert said(list(report.records())) and report.partial


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(max_size=30), min_size=11, max_size=11), max_size=6))
def test_any_cells(rows: list[list[str]]) -> None:
    import csv

    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    header = (FOLDER / "empty.csv").read_bytes().decode("cp1252").strip()
    writer.writerow(header.split(";"))
    for row in rows:
        writer.writerow(row)
    content = out.getvalue().encode("utf-8", "replace")
    made = next(one for one in MAPPINGS if one.name == "scan-externe")
    reader = made.reader(tables.csv_head(content))
    assert reader is not None
    try:
        for one in reader.records(io.BytesIO(content)):
            assert one.kind in (HOST, INFO, WEAKNESS)
    except ReportError as exc:
        assert str(exc)


# --- values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("-", []),
        ("srv1", [(None, "srv1", None)]),
        ("10.0.0.1", [("10.0.0.1", "", None)]),
        ("::ffff:10.0.0.1", [("10.0.0.1", "", None)]),
        ("2001:DB8::1", [("2001:db8::1", "", None)]),
        ("10.0.0.1 (srv1)", [("10.0.0.1", "srv1", None)]),
        ("srv1 - 10.0.0.1", [("10.0.0.1", "srv1", None)]),
        ("10.0.0.1:8443", [("10.0.0.1", "", 8443)]),
        ("[2001:db8::1]:443", [("2001:db8::1", "", 443)]),
        ("https://srv.example:8443/a?b", [(None, "srv.example", 8443)]),
        ("https://[2001:db8::1]/", [("2001:db8::1", "", None)]),
        ("http://[broken", [(None, "http://[broken", None)]),
        ("srv1, srv2;srv3\nsrv1", [(None, "srv1", None), (None, "srv2", None), (None, "srv3", None)]),
        ("tous les postes", [(None, "tous les postes", None)]),
        ("10.0.0.0/24", [(None, "10.0.0.0/24", None)]),
        ("srv:99999", [(None, "srv:99999", None)]),
    ],
)
def test_places(text: str, expected: list[tuple[Any, ...]]) -> None:
    assert [tuple(one) for one in values.places(text)] == expected


@pytest.mark.parametrize(
    ("text", "protocol", "expected"),
    [
        ("", "", []),
        ("443", "", [("tcp", 443)]),
        ("443.0", "", None),
        ("53", "UDP", [("udp", 53)]),
        ("443/tcp", "", [("tcp", 443)]),
        ("udp/161", "tcp", [("udp", 161)]),
        ("https (443/tcp)", "", [("tcp", 443)]),
        ("80, 443 ; 8080", "", [("tcp", 80), ("tcp", 443), ("tcp", 8080)]),
        ("general/tcp", "", []),
        ("0", "tcp", []),
        ("-", "", []),
        ("70000", "", None),
        ("8000-8010", "", None),
        ("tous", "", None),
        ("ports 80 et 443", "", [("tcp", 80), ("tcp", 443)]),
        (" ".join(map(str, range(1, 102))), "", None),
        ("@SUM(1+1)", "", None),
        ("version 2 sur 3", "", None),
        ("OpenSSH 8 (22/tcp)", "", [("tcp", 22)]),
    ],
)
def test_ports(text: str, protocol: str, expected: Any) -> None:
    assert values.ports(text, protocol) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-03", "2026-04-03T00:00:00"),
        ("2026-04-03T10:11:12Z", "2026-04-03T10:11:12"),
        ("2026-04-03 10:11:12.1234567", "2026-04-03T10:11:12"),
        ("2026-04-03T00:30:00+02:00", "2026-04-02T22:30:00"),
        ("2026-04-03T23:30:00-0130", "2026-04-04T01:00:00"),
        ("03/04/2026", "2026-04-03T00:00:00"),
        ("3.4.26", "2026-04-03T00:00:00"),
        ("03/04/2026 14h30", "2026-04-03T14:30:00"),
        ("03/04/2026 à 14:30:05", "2026-04-03T14:30:05"),
        ("3 avril 2026", "2026-04-03T00:00:00"),
        ("1er août 2026", "2026-08-01T00:00:00"),
        ("12 déc. 2025", "2025-12-12T00:00:00"),
        ("31/02/2026", None),
        ("hier", None),
        ("0000-00-00", None),
        ("0001-01-01T00:00:00+10:00", None),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    found = values.date(text)
    assert (found.strftime("%Y-%m-%dT%H:%M:%S") if found else None) == expected


def test_american_dates() -> None:
    found = values.date("05/04/2026 09:00:00", american=True)
    assert found is not None and (found.month, found.day) == (5, 4)


def test_lists() -> None:
    assert values.cves("cve-2020-1234, CVE-2020-1234 et CVE-2021-99999999") == ["CVE-2020-1234", "CVE-2021-99999999"]
    assert values.cwes("CWE-79, 89") == ["CWE-79", "CWE-89"]
    assert values.links("voir https://a.example/x et http://b.example") == ["https://a.example/x", "http://b.example"]
    assert mapping_file.number("9,8 (critique)") == 9.8 and mapping_file.number("néant") is None
