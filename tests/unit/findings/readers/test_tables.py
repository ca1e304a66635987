# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rows of tables: every encoding, delimiter and accident of a CSV file; workbooks."""

from __future__ import annotations

import datetime
import io
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import tables, workbook_parts
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.tables import Table
from hypothesis import given, settings
from hypothesis import strategies as st

# by XlsxWriter, with shared texts; openpyxl writes them into the cells
SHARED = (Path(__file__).resolve().parents[3] / "fixtures/reports/mapped/passi-xlsxwriter.xlsx").read_bytes()
FRENCH = "Hôte;Gravité;Recommandation\nsrv-été;Élevée;« Désactiver » — œuvre, 1,5\nsrv-2;Modérée;Néant\n"
EXPECTED = [
    (2, {"Hôte": "srv-été", "Gravité": "Élevée", "Recommandation": "« Désactiver » — œuvre, 1,5"}),
    (3, {"Hôte": "srv-2", "Gravité": "Modérée", "Recommandation": "Néant"}),
]


def read(content: bytes, **options: Any) -> tuple[Table, list[tables.Row]]:
    table = Table(io.BytesIO(content), name="report.csv", **options)
    return table, list(table.rows())


def xlsx(fill: Callable[[openpyxl.Workbook], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(content: bytes, part: str, change: Callable[[str], str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data.decode()).encode() if name == part else data)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(FRENCH.encode(), id="utf-8"),
        pytest.param(FRENCH.encode("utf-8-sig"), id="utf-8 with mark"),
        pytest.param(FRENCH.encode("cp1252"), id="French Excel"),
        pytest.param(FRENCH.encode("utf-16"), id="utf-16 with mark"),
        pytest.param(FRENCH.encode("utf-16-le"), id="utf-16-le without mark"),
        pytest.param(FRENCH.encode("utf-16-be"), id="utf-16-be without mark"),
        pytest.param(FRENCH.replace("\n", "\r\n").encode("cp1252"), id="Windows lines"),
        pytest.param(FRENCH.replace("\n", "\r").encode("cp1252"), id="old Mac lines"),
        pytest.param(FRENCH.replace(";", "\t").encode(), id="tabs"),
        pytest.param(FRENCH.replace(";", "|").encode(), id="bars"),
        pytest.param(FRENCH.rstrip("\n").encode(), id="no last line break"),
    ],
)
@pytest.mark.parametrize("seekable", [True, False])
def test_encodings_and_delimiters(content: bytes, seekable: bool) -> None:
    stream: Any = io.BytesIO(content)
    if not seekable:
        stream = io.BufferedReader(Pipe(content))
    table = Table(stream)
    assert list(table.rows()) == EXPECTED
    assert table.skipped.count == 0 and not table.partial and table.notes == []


class Pipe(io.RawIOBase):
    """Gives a few bytes at a time, and cannot go back."""

    def __init__(self, content: bytes) -> None:
        self.rest = content

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        piece, self.rest = self.rest[:7], self.rest[7:]
        buffer[: len(piece)] = piece
        return len(piece)


def test_one_foreign_line_in_utf8_is_read_and_said() -> None:
    padding = "h;é\n" * 100_000  # what is looked at to tell the encoding ends before the foreign line
    content = ("a;b\n" + padding).encode() + "x;é\n".encode("cp1252")
    table, got = read(content)
    assert got[-1] == (100_002, {"a": "x", "b": "é"}) and len(got) == 100_001
    assert "not utf-8, read as Windows-1252: 1" in table.notes[0]


def test_comma_file_with_decimal_commas_and_semicolons_in_its_texts() -> None:
    _table, got = read(b'Host,CVSS,Text\nh1,"9,8","a; b; c; d"\nh2,"5,0","x; y"\n')
    assert [row["CVSS"] for _line, row in got] == ["9,8", "5,0"]


def test_excel_says_its_delimiter() -> None:
    table, got = read(b'sep=|\na|b\n"1, 2, 3"|4\n')
    assert got == [(3, {"a": "1, 2, 3", "b": "4"})] and table.delimiter == "|"


def test_line_breaks_in_quotes_keep_the_line_where_the_row_begins() -> None:
    _table, got = read(b'a,b\n1,"x\ny ""z""\n\nw"\n2,q\n')
    assert got == [(2, {"a": "1", "b": 'x\ny "z"\n\nw'}), (6, {"a": "2", "b": "q"})]


def test_ragged_rows() -> None:
    table, got = read(b"a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n\n,,\n5,6,7\n")
    assert [(line, len(row)) for line, row in got] == [(2, 2), (4, 3), (7, 3)]
    assert table.skipped.count == 1
    assert table.skipped.first == [
        {"place": "line 3", "reason": "it has 4 cells, the header has 3: nobody can tell which is which"}
    ]
    assert table.notes == ["rows with fewer cells than the header: 1; what they have was used"]


def test_header_below_a_title_by_number_by_names_and_by_itself() -> None:
    content = "Rapport d'audit\n\nClient;;\nHÔTE;Gravité;N°\nh1;haute;1\n".encode("cp1252")
    for header in (4, ["hote", "gravite"]):
        _table, got = read(content, header=header)
        assert got == [(5, {"HÔTE": "h1", "Gravité": "haute", "N°": "1"})]
    _table, got = read(b"Title,\nName,Port\nx,1\n")
    assert got == [(3, {"Name": "x", "Port": "1"})]


def test_header_that_is_missing() -> None:
    with pytest.raises(ReportError, match=r"columns Hôte, Port.*its first row: a \| b"):
        read(b"a,b\n1,2\n", header=["Port", "Hôte"])
    with pytest.raises(ReportError, match="no row 9"):
        read(b"a,b\n1,2\n", header=9)


def test_twin_and_empty_columns_and_repeated_header() -> None:
    table, got = read(b"Name,Name,,x\n1,2,3,4\nname,NAME,,X\n5,6,7,8\n")
    assert table.columns == ["Name", "Name (2)", "(C)", "x"]
    assert [row["Name (2)"] for _line, row in got] == ["2", "6"]
    assert "repeated 1 times" in table.notes[0]


def test_a_quote_that_nothing_closes_loses_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROW_LINES", 20)
    lines = ["a,b", *(f"{n},x" for n in range(100))]
    lines[50] = '49,"x'
    table, got = read("\n".join([*lines, ""]).encode())
    assert [row["a"] for _line, row in got] == [str(n) for n in range(100) if n != 49]
    assert table.skipped.first[0]["place"] == "line 51" and table.skipped.count == 1


@pytest.mark.parametrize("end", ['3,"open', "3", '3,"a\nb\nc'])
def test_truncated(end: str) -> None:
    content = f"a,b\n1,2\n{end}".encode()
    with pytest.raises(ReportError, match="truncated") as caught:
        read(content)
    assert caught.value.truncated and caught.value.line == 3
    table, got = read(content, accept_partial=True)
    assert got == [(2, {"a": "1", "b": "2"})] and table.partial and table.skipped.count == 1


def test_truncated_anywhere_is_never_a_traceback() -> None:
    content = FRENCH.encode()
    for length in range(len(content)):
        try:
            _table, got = read(content[:length], accept_partial=True)
        except ReportError:
            continue
        for number, (line, row) in enumerate(got):
            whole = EXPECTED[number]
            assert line == whole[0] and all(text == whole[1][key][: len(text)] for key, text in row.items())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel workbook"),
        (b"%PDF-1.7", "PDF"),
        (b"<html><table><tr><td>Excel</td></tr></table>", "HTML"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"just one text\n", "no table"),
        (b"PK\x03\x04 nothing", "incomplete"),
    ],
)
def test_what_is_no_table(content: bytes, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        read(content)


def test_bounds() -> None:
    table, got = read(b"a,b\n" + b"x" * (6 << 20) + b",1\n1,2\n" + b"," * 3000 + b"\n")
    assert [line for line, _row in got] == [3]
    assert [one["place"] for one in table.skipped.first] == ["line 2", "line 4"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | st.text(alphabet='a;,"\n\r\té|', max_size=200).map(str.encode))
def test_any_bytes(content: bytes) -> None:
    try:
        table = Table(io.BytesIO(content), accept_partial=True)
        for line, row in table.rows():
            assert line >= 1 and set(row) <= set(table.columns)
    except ReportError as exc:
        assert str(exc)
    tables.csv_head(content)


def test_counts_in_are_counts_out() -> None:
    rng = random.Random(7)
    lines = ["h1;h2;h3"]
    good = bad = 0
    for index in range(2_000):
        width = rng.choice((3, 3, 3, 2, 4))
        good += width < 4
        bad += width == 4
        lines.append(";".join(f"c{index}" for _ in range(width)))
    table, got = read(("\n".join(lines) + "\n").encode())
    assert (len(got), table.skipped.count) == (good, bad)


# --- workbooks


def sheet(book: openpyxl.Workbook) -> None:
    book.active.title = "Page de garde"
    book.active.append(["Rapport"])
    made = book.create_sheet("Vulnérabilités")
    made.append(["Audit", None, datetime.date(2026, 1, 2)])
    made.append([])
    made.append(["Hôte", "Port", "Gravité", "Date", "Score", "Actif", "Calcul"])
    made.append(["srv-é", 443, "Élevée", datetime.datetime(2026, 3, 1, 14, 30), 9.8, True, "=1+1"])
    made.append(["srv-2", "22", None, datetime.date(2026, 3, 2), 1000000.0, False, None])
    made.append([None, None, None])


def test_workbook() -> None:
    table, got = read(xlsx(sheet), header=["hôte", "GRAVITE"])
    assert table.kind == "xlsx" and table.sheet == "Vulnérabilités"
    assert got[0] == (
        4,
        {
            "Hôte": "srv-é",
            "Port": "443",
            "Gravité": "Élevée",
            "Date": "2026-03-01T14:30:00",
            "Score": "9.8",
            "Actif": "true",
        },
    )
    assert got[1][1]["Date"] == "2026-03-02" and got[1][1]["Score"] == "1000000" and len(got) == 2
    # the formula has no stored value: openpyxl writes none
    assert table.skipped.first == [
        {
            "place": "sheet 'Vulnérabilités', cell G4",
            "reason": "a formula without a stored value: open the file in a spreadsheet, and save it again",
        }
    ]
    assert table.notes[0] == "sheet 'Vulnérabilités' was read; not read: Page de garde"


def test_workbook_sheet_by_name_header_by_number_and_pipe() -> None:
    content = xlsx(sheet)
    _table, got = read(content, sheet="vulnerabilites", header=3)
    assert [line for line, _row in got] == [4, 5]
    with pytest.raises(ReportError, match="no sheet 'x'; its sheets: Page de garde, Vulnérabilités"):
        read(content, sheet="x")
    piped = Table(io.BufferedReader(Pipe(content)), header=["Hôte"])  # type: ignore[arg-type]
    assert list(piped.rows()) == got
    assert list(tables.head(io.BytesIO(content)).sheets) == ["Page de garde", "Vulnérabilités"]


def test_workbook_stored_value_of_a_formula_and_texts_within_the_cell() -> None:
    content = repacked(
        xlsx(sheet), "xl/worksheets/sheet2.xml", lambda xml: xml.replace("<f>1+1</f><v />", "<f>1+1</f><v>2</v>")
    )
    _table, got = read(content, sheet="Vulnérabilités", header=3)
    assert got[0][1]["Calcul"] == "2"
    inline = (
        '<c r="A2" t="inlineStr"><is><r><t>a_x000D_</t></r><r><t>b</t></r><rPh><t>no</t></rPh></is></c>'
        '<c r="B2" t="s"><v>99</v></c><c r="C2" t="e"><v>#REF!</v></c><c r="D2" t="str"><f>X()</f><v>=kept</v></c>'
    )
    plain = xlsx(lambda book: [book.active.append(one) for one in (["A", "B", "C", "D"], ["x"])] and None)
    content = repacked(
        plain,
        "xl/worksheets/sheet1.xml",
        lambda xml: xml[: xml.index('<c r="A2"')] + inline + xml[xml.index("</c>", xml.index('<c r="A2"')) + 4 :],
    )
    table, got = read(content)
    assert got == [(2, {"A": "a\rb", "B": "", "C": "", "D": "=kept"})]
    assert [one["place"] for one in table.skipped.first] == ["sheet 'Sheet', cell B2", "sheet 'Sheet', cell C2"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('<row r="2"', '<row r="2000000"', "row number '2000000'"),
        ('<row r="2"', '<row r="1"', "row number '1'"),
        ('<c r="A2"', '<c r="ZZZ2"', "cell 'ZZZ2'"),
        ("<sheetData>", "<sheetData>" + "<x>" * 40, "nested deeper"),
        ("</sheetData>", "</wrong>", "damaged"),
        ("<worksheet", "<!DOCTYPE a [<!ENTITY b 'c'>]><worksheet", "workbook that can be read|DTD"),
    ],
)
def test_hostile_sheets(old: str, new: str, said: str) -> None:
    content = xlsx(lambda book: [book.active.append(one) for one in (["A", "B"], ["x", "y"])] and None)
    changed = repacked(content, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(old, new))
    assert changed != content
    with pytest.raises(ReportError, match=said):
        read(changed)


def test_zip_bombs_and_other_archives() -> None:
    content = xlsx(lambda book: book.active.append(["A", "B"]))
    bombs = (
        ("xl/styles.xml", lambda xml: xml + " " * (6 << 20), "like a zip bomb"),
        ("xl/styles.xml", lambda xml: xml + " " * (20 << 20), "would unpack to 20 MiB, more than 8"),
        ("xl/workbook.xml", lambda xml: xml + " " * (20 << 20), "would unpack to 20 MiB, more than 8"),
        ("[Content_Types].xml", lambda xml: xml + " " * (20 << 20), "would unpack to 20 MiB, more than 8"),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace("<sheetData>", " " * (20 << 20)), "like a zip bomb"),
        ("xl/sharedStrings.xml", lambda xml: xml.replace("</sst>", " " * (20 << 20) + "</sst>"), "like a zip bomb"),
    )
    for part, change, said in bombs:
        with pytest.raises(ReportError, match=said):
            read(repacked(SHARED if "shared" in part else content, part, change))
    for name, said in (("mimetype", "OpenDocument"), ("report.txt", "no workbook")):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(ReportError, match=said):
            read(out.getvalue())
    with pytest.raises(ReportError, match="incomplete"):
        read(content[:-40])


def test_shared_texts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(SHARED, sheet="Constats", header=3)[0].columns[0] == "N°"
    monkeypatch.setattr(workbook_parts, "MAX_TEXT_COUNT", 2)
    with pytest.raises(ReportError, match="more than 2 different texts"):
        read(SHARED)
    monkeypatch.setattr(workbook_parts, "MAX_TEXT_COUNT", 99)
    monkeypatch.setattr(workbook_parts, "MAX_TEXTS", 2)
    with pytest.raises(ReportError, match="MiB of texts"):
        read(SHARED)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_refused(packing: int) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(xlsx(sheet))) as old, zipfile.ZipFile(out, "w", packing) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    with pytest.raises(ReportError, match="no spreadsheet program uses"):
        read(out.getvalue())


def test_shared_texts_in_pieces_and_how_they_are_spoken() -> None:
    pieces = "<r><t>gras</t></r><r><t xml:space='preserve'> et maigre</t></r><rPh><t>no</t></rPh>"
    content = repacked(SHARED, "xl/sharedStrings.xml", lambda xml: xml.replace("<t>2 - Mineure</t>", pieces))
    assert [row["Criticité"] for _line, row in read(content, sheet="Constats", header=3)[1]] == [
        "4 - Majeure",
        "5 - Critique",
        "gras et maigre",
        "3 - Importante",
    ]


@pytest.mark.parametrize("missing", ["openpyxl", "defusedxml"])
def test_libraries_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    if missing == "openpyxl":
        monkeypatch.setitem(sys.modules, "openpyxl", None)
    else:
        monkeypatch.setattr(openpyxl, "DEFUSEDXML", False)
    with pytest.raises(ReportError, match="pip install 'openpyxl"):
        read(SHARED)


def test_archive_directory_is_judged_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_parts, "MAX_DIRECTORY", 100)
    with pytest.raises(ReportError, match="lists more files"):
        read(xlsx(sheet))


def test_truncated_or_damaged_workbook_is_never_a_traceback() -> None:
    content = xlsx(sheet)
    rng = random.Random(3)
    for _ in range(150):
        broken = bytearray(content)
        for _ in range(rng.randint(1, 6)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            read(bytes(broken), header=3)
        except ReportError as exc:
            assert str(exc)
    for length in range(0, len(content), 101):
        with pytest.raises(ReportError):
            read(content[:length])


PROGRAM = r"""
import re, sys
from pathlib import Path
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.tables import Table
count = sum(1 for _ in Table(Path(sys.argv[1])).rows())
print(count, int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.parametrize(("kind", "rows"), [("csv", 400_000), ("xlsx", 25_000)])
def test_memory_is_flat(tmp_path: Path, kind: str, rows: int) -> None:
    path = tmp_path / f"big.{kind}"
    lines = (["host", "port", "text"], *([f"srv-{index}", "443", "x" * 60] for index in range(rows)))
    if kind == "csv":
        with path.open("w") as stream:
            stream.writelines(";".join(line) + "\n" for line in lines)
    else:
        book = openpyxl.Workbook(write_only=True)  # without a dimension: openpyxl itself would walk through all of it
        made = book.create_sheet()
        for line in lines:
            made.append(line)
        book.save(path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "collections"},
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == rows and megabytes < 80, done.stdout
