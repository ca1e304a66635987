# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Mapping files: what is wrong in them is told by line and column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import mapping_file
from ansible_collections.care.remediation.plugins.module_utils.findings.mapping_file import MappingError
from hypothesis import given, settings
from hypothesis import strategies as st

RIGHT = """\
schema: care.remediation/mapping/1
name: audit-2026
kind: csv
match:
  columns: [Hôte, Gravité]
fields:
  rule: N°
  host: Hôte
  severity: Gravité
severities:
  Élevée: high
rules:
  "*telnet*": expo_telnet
header_row: 4
"""


def parse(text: str, controls: list[str] | None = None) -> mapping_file.MappingFile:
    return mapping_file.parse(text, path=Path("m.yml"), controls=controls)


def test_right() -> None:
    made = parse(RIGHT, ["expo_telnet"])
    assert made.name == "audit-2026" and made.header_row == 4 and made.columns == ("Hôte", "Gravité")
    assert made.rules is not None and made.rules.find("Service TELNET actif") == "expo_telnet"
    assert made.severities is not None and made.severities.find("ELEVEE ") == "high"
    assert made.controls == ("expo_telnet",) and not made.full and not made.american


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("care.remediation/mapping/1", "care.remediation/mapping/9", "line 1, column 1: schema"),
        ("name: audit-2026", "name: Audit 2026", "line 2, column 1: name"),
        ("kind: csv", "kind: pdf", "line 3, column 1: kind"),
        ("kind: csv\n", "", "kind"),
        ("  host: Hôte", "  hote: Hôte", "line 8, column 3: 'hote' is no field; the fields are rule, title"),
        ("  Élevée: high", "  Élevée: haute", "line 11, column 3: severities.Élevée"),
        ("header_row: 4", "header_row: quatre", "line 14, column 1: header_row"),
        ("header_row: 4", "header_row: 0", "line 14, column 1: header_row"),
        ("header_row: 4", "rows: '[]'", "line 14, column 1: rows"),
        ("header_row: 4", "encoding: utf-99", "line 14, column 1: 'utf-99' is no encoding"),
        ("header_row: 4", "ignore_without: [cve]", "'cve' is not among the fields"),
        ("header_row: 4", "status: {closed: [x]}", "status"),
        ("header_row: 4", "kind: xlsx", "line 14, column 1: 'kind' is written twice"),
        ("expo_telnet", "expo_telent", "line 13, column 3: there is no control 'expo_telent'"),
        ("  Élevée: high", '  "> beaucoup": high', "compares with no number"),
        ("  rule: N°", "  wording: N°", "line 6, column 1: fields"),
        ("  columns: [Hôte, Gravité]", "  columns: []", "line 5, column 3: match.columns"),
        ("  columns: [Hôte, Gravité]", "  keys: [a]", "match"),
        ("name: audit-2026", "name: [", "not YAML"),
        ("name: audit-2026", "? [a]: b", "not YAML|must be one text"),
    ],
)
def test_wrong(old: str, new: str, said: str) -> None:
    assert old in RIGHT
    with pytest.raises(MappingError, match=said):
        parse(RIGHT.replace(old, new), ["expo_telnet"])


def test_fields_are_the_schema_s() -> None:
    schema = json.loads((mapping_file.SHIPPED.parent / "schemas" / "mapping-1.json").read_text(encoding="utf-8"))
    assert list(mapping_file.FIELDS) == schema["$defs"]["field"]["enum"]


def test_the_example_of_the_documentation_is_right() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "readers" / "mapped.md").read_text(encoding="utf-8")
    made = parse(page.partition("```yaml\n")[2].partition("```")[0], ["expo_telnet"])
    assert made.full and made.fill_down and made.fields["cvss"].how == "first"
    for name in mapping_file.FIELDS:
        assert f"`{name}`" in page, name


def test_all_mistakes_at_once() -> None:
    text = (
        RIGHT.replace("high", "haute").replace("kind: csv", "kind: csv\ndates: julian").replace("header_row: 4", "x: 1")
    )
    with pytest.raises(MappingError) as caught:
        parse(text)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3 and all(line.startswith("m.yml, line ") for line in lines)


def test_aliases_are_refused() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    with pytest.raises(MappingError, match="anchors and aliases"):
        parse(RIGHT + bomb)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("- a\n", "must be a mapping"),
        ("\t", "not YAML"),
        ("[" * 5000, "YAML|deep"),
        ("a: " + "[" * 40 + "]" * 40, "deep"),
    ],
)
def test_what_is_no_mapping(text: str, said: str) -> None:
    with pytest.raises(MappingError, match=said):
        parse(text)


def test_json_expressions() -> None:
    text = (
        "schema: care.remediation/mapping/1\nname: a\nkind: json\nmatch: {keys: [a]}\nrows: 'a[?'\n"
        "fields:\n  rule: 'id'\n  title: 'x ||'\n"
    )
    with pytest.raises(MappingError) as caught:
        parse(text)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("m.yml, line 5, column 1: 'a[?' is no JMESPath")
    assert lines[1].startswith("m.yml, line 8, column 3: 'x ||' is no JMESPath")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="no such file"):
        mapping_file.load(tmp_path / "none.yml")
    (tmp_path / "a.yml").write_bytes(RIGHT.encode("utf-8-sig"))
    (tmp_path / ".b.yml").write_text("not looked at: [")
    (tmp_path / "c.yaml").write_text(RIGHT.replace("audit-2026", "nessus-csv"), encoding="utf-8")
    found = mapping_file.load_all([tmp_path])
    assert [one.name for one in found][:2] == ["audit-2026", "nessus-csv"]  # a person's first
    assert [one.path.parent for one in found if one.name == "nessus-csv"] == [tmp_path]  # instead of the collection's
    (tmp_path / "d.yml").write_text(RIGHT, encoding="utf-8")
    with pytest.raises(MappingError, match=r"d\.yml, line 1, column 1: the name 'audit-2026' is that of .*a\.yml too"):
        mapping_file.load_all([tmp_path])
    (tmp_path / "d.yml").write_bytes(RIGHT.encode("cp1252"))
    with pytest.raises(MappingError, match="cannot be read as UTF-8"):
        mapping_file.load_all([tmp_path])


def test_no_folder_is_no_error(tmp_path: Path) -> None:
    none = mapping_file.load_all([tmp_path / "none"])
    assert {one.name for one in none} == {one.name for one in mapping_file.load_all([])}


def test_patterns_stay_quick() -> None:
    import time

    started = time.monotonic()
    found = mapping_file.Patterns({"*a*a*a*a*a*a*a*a*b": "x"})
    for n in range(100):
        assert found.find("a" * 500 + str(n)) is None
    assert time.monotonic() - started < 5


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.sampled_from(RIGHT.splitlines()).map(lambda line: RIGHT.replace(line, line + ": [x")))
def test_any_text(text: str) -> None:
    try:
        parse(text)
    except MappingError as exc:
        assert str(exc).startswith("m.yml, line ")
