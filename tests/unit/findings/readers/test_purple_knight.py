"""Purple Knight's exports: every indicator and every object of it comes out, none of them as more than it is."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.purple_knight import (
    PurpleKnightFolder,
    PurpleKnightReader,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import Report, open_report
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, WEAKNESS, Record

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "reports" / "purple_knight"
HEADER = ("ShortName", "Name", "Target", "Status", "Severity", "ANSSI_1", "Number of results", "Result")


def read(path: Path, **options: bool) -> tuple[Report, list[Record]]:
    report = open_report(path, **options)
    records = list(report.records())
    assert report.type == "purple_knight"
    return report, records


def written(tmp_path: Path, *rows: tuple[str, ...], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([HEADER, *rows])
    path = tmp_path / "report.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def row(short: str = "SI000001", status: str = "IOE Found", severity: str = "High", **more: str) -> tuple[str, ...]:
    values = {
        "ShortName": short, "Name": "Nom", "Target": "AD", "Status": status, "Severity": severity,
        "Result": "Security_Assessment_Report_x.test_2026_01_02_03_04_05_(x)",
    } | more  # fmt: skip
    return tuple(values.get(name, "") for name in HEADER)


def test_empty() -> None:
    report, records = read(FIXTURES / "empty.csv")
    assert records == [] and report.skipped.count == 0
    assert "the table holds no indicator" in report.notes


def test_one() -> None:
    report, records = read(FIXTURES / "one.csv")
    host, found = records
    assert (host.kind, found.kind) == (HOST, WEAKNESS)
    assert found.asset is not None and found.asset.domain and found.asset.typed_names == ["chu-valmont.test"]
    assert (found.rule, found.severity, found.grade) == ("SI000025", "Critical", "critical")
    assert found.facts["control"] == "vuln_permissions_adminsdholder"
    assert found.facts["population"] == "differs" and found.facts["level"] == 1
    assert found.facts["solution"] == "Corriger."
    assert report.info["generated"] == "2026-11-20T18:30:05Z"
    assert report.info["closes"] is False  # it says that there are two objects, and not which


@pytest.mark.parametrize("name", ["many.xlsx", "many.zip"])
def test_objects_of_a_workbook_and_of_the_folder_are_the_same(name: str) -> None:
    report, records = read(FIXTURES / name)
    assert Counter(record.kind for record in records) == {
        HOST: 1,
        # two owners; two accounts under two control points each; a computer; a change; what Entra ID has
        WEAKNESS: 2 + 2 * 2 + 1 + 1 + 1,
        # one account that is on the ignore list, twice; four indicators that found nothing
        INFO: 2 + 4,
    }
    assert report.skipped.count == 0
    assert report.info["passed"] == ["SI000022"]
    assert report.info["not_evaluated"] == ["SI000030", "SI000031", "SI000032"]
    assert report.info.get("closes", True)
    assert any("could not run: SI000032" in note for note in report.notes)
    objects = {
        (record.rule, record.object["type"], record.object["id"]) for record in records if record.object is not None
    }
    assert ("SI000007", "user", "CN=compte 1,OU=Utilisateurs,DC=chu-valmont,DC=test") in objects
    assert ("SI000101", "computer", "srv-pacs.chu-valmont.test") in objects
    assert {tuple(record.asset.typed_names) for record in records if record.asset and record.rule == "SI000007"} == {
        ("chu-valmont.test",),
        ("labo.chu-valmont.test",),  # the domain that its DN is in
    }
    entra = next(record for record in records if record.rule == "SI000201")
    assert entra.asset is None  # no domain of ours


def test_version_and_forest_of_a_workbook() -> None:
    report, _records = read(FIXTURES / "many.xlsx")
    assert report.info["version"] == "5.1.2"
    assert any("belong to no indicator, not read: Notes" in note for note in report.notes)


def test_without_objects_every_indicator_is_one_record_a_control_point() -> None:
    _report, records = read(FIXTURES / "many.csv")
    found = Counter(record.rule for record in records if record.kind == WEAKNESS)
    assert found == {"SI000025": 1, "SI000007": 2, "SI000101": 1, "SI000140": 1, "SI000201": 1}
    assert all(record.object is None for record in records)


def test_hostile() -> None:
    report, records = read(FIXTURES / "hostile.csv")  # UTF-16, as a spreadsheet saves it
    assert [record.rule for record in records if record.kind == WEAKNESS] == [
        "SI000001",
        "SI000002",
        "../../etc/passwd",
        "SI000004",
    ]
    assert report.skipped.count == 3 and report.info["closes"] is False
    assert {entry["place"] for entry in report.skipped.first} == {"line 4", "line 5 (SI000001)", "line 6 (SI000003)"}
    first, second = [record for record in records if record.kind == WEAKNESS][:2]
    assert "control" not in first.facts and "vuln1_../../x" in first.facts["references"]
    assert second.severity == "Apocalyptique" and second.grade is None


@pytest.mark.parametrize(
    ("status", "severity", "kind", "grade"),
    [
        ("IOE Found", "Critical", WEAKNESS, "critical"),
        ("IOC Found", "Informational", WEAKNESS, None),  # a trace of an attack is never only for information
        ("IOE Found", "Informational", INFO, None),
        ("IOE Found", "Warning", WEAKNESS, "low"),
        ("ioe found", "MEDIUM", WEAKNESS, "medium"),
        ("Pass", "High", INFO, None),
        ("Failed to Run", "High", INFO, None),
    ],
)
def test_grades(tmp_path: Path, status: str, severity: str, kind: str, grade: str | None) -> None:
    _report, records = read(written(tmp_path, row(status=status, severity=severity)))
    assert (records[1].kind, records[1].grade, records[1].severity) == (kind, grade, severity)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_as_a_spreadsheet_saved_it(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = written(tmp_path, row(Name="Évaluation"), delimiter=delimiter, encoding=encoding)
    _report, records = read(path)
    assert records[1].title == "Évaluation"


def test_no_forest_is_said(tmp_path: Path) -> None:
    report, records = read(written(tmp_path, row(Result="")))
    assert records[0].asset is not None and records[0].asset.typed_names == []
    assert any("names no forest" in note for note in report.notes)
    assert report.info["generated"] is None


def test_truncated_gives_whole_rows_and_is_marked(tmp_path: Path) -> None:
    data = (FIXTURES / "many.csv").read_bytes()
    rules = [record.rule for record in read(FIXTURES / "many.csv")[1]]
    for end in range(len(data) // 3, len(data) - 3, 97):
        path = tmp_path / "cut.csv"
        path.write_bytes(data[:end])
        try:
            report, records = read(path, accept_partial=True)
        except ReportError as exc:  # cut within the header
            assert "table" in str(exc) or "columns" in str(exc)
            continue
        got = [record.rule for record in records]
        assert got == rules[: len(got)]
        if not data[:end].endswith(b"\r\n"):
            assert report.partial


def test_broken_objects_of_one_indicator_do_not_lose_the_others(tmp_path: Path) -> None:
    path = tmp_path / "folder.zip"
    name = "Security_Assessment_Report_x.test_2026_01_02_03_04_05_"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(written(tmp_path, row("SI000001"), row("SI000002")), f"{name}(Indicators results).csv")
        archive.writestr(f"{name}(SI000001).csv", "")
        lines = ("DistinguishedName,Ignored", "CN=a\\,b,False", '"CN=c,DC=x",False', "")
        archive.writestr(f"{name}(SI000002).csv", "\r\n".join(lines))
        archive.writestr(f"{name}(SI000009).csv", "DistinguishedName,Ignored\r\n")
    report, records = read(path)
    assert [record.rule for record in records if record.kind == WEAKNESS] == ["SI000001", "SI000002"]
    assert {entry["place"] for entry in report.skipped.first} == {"objects of SI000001", "line 2"}
    assert report.info["closes"] is False
    assert any("SI000009" in note for note in report.notes)


def test_a_folder_without_indicators_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "folder.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Security_Assessment_Report_x_2026_01_02_03_04_05_(SI000001).csv", "a,b\r\n1,2\r\n")
    with pytest.raises(ReportError, match="Indicators results"):
        read(path)


def test_recognised_by_names_and_by_header() -> None:
    assert PurpleKnightFolder.recognise(["a/Security_Assessment_Report_x.test_2026_01_02_03_04_05_(SI000001).csv"])
    assert not PurpleKnightFolder.recognise(["Security_Assessment_Report.csv", "users.json"])
    assert PurpleKnightReader().info["covers"] == []
