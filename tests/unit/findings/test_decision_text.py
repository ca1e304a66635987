# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The text of the sheet: what people and their editors do to it, and what must come out again."""

from __future__ import annotations

import functools
import re
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decision_text,
    decisions,
    document,
    model,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

CONTROLS = catalogue.load()
NAMES = ("expo_port", "expo_tls_obsolete", "vuln_guest", "other_exposure")
NEVER = re.compile("(?!)")


def finding(number: int, **changed: Any) -> dict[str, Any]:
    made = model.make_finding(
        control=NAMES[number % len(NAMES)],
        host=f"pc-{number % 3}",
        object=model.make_object(type="port", id=f"tcp/{number}", label=f'tcp/{number} "é" # x'),
        severity="high",
        sources=[model.make_mention(source="s1", rule=str(number), wording="w")],
    )
    return made | changed


def updated(text: str, findings: list[dict[str, Any]], **options: Any) -> decisions.Update:
    return decisions.update(decisions.parse(text, name="d.yml"), findings, CONTROLS, **options)


def said(sheet: decisions.Sheet) -> dict[str, tuple[Any, ...]]:
    return {
        key: (d.control, d.host, d.decision, d.owner, d.reason, d.until, d.by, d.proposed, d.line)
        for key, d in sheet.decisions.items()
    }


def by_yaml_alone(text: str) -> decisions.Sheet:
    with mock.patch.object(decision_text, "_ENTRY", NEVER):
        return decisions.parse(text, name="d.yml")


def outcome(read: Any, text: str) -> Any:
    try:
        return said(read(text))
    except decisions.DecisionError as error:
        return str(error)


def same_by_both(text: str) -> None:
    """Our reader and YAML's say the same of a sheet, or refuse it alike."""
    ours, other = outcome(lambda t: decisions.parse(t, name="d.yml"), text), outcome(by_yaml_alone, text)
    if isinstance(ours, str) and isinstance(other, str):
        return
    assert ours == other


FINDINGS = [finding(number) for number in range(8)]
FRESH = updated("", FINDINGS).text
LINES = FRESH.split("\n")
BEGIN = LINES.index("decisions:") + 1

MARKS = " |  |#| # x|:|'|- |-|{|}|[|&a |*a|>|?|!|%|é|~|decision: waive|\u2028|\x85|\0|\ufeff|\ud800"
WHOLE = """\
    proposed: apply
  - finding: f-0
---
...
x-y: 1
   # deep
    waiver: {owner: a, reason: b, until: 2027-01-01}
decisions:
"""
PIECES = st.sampled_from([*MARKS.split("|"), *WHOLE.splitlines(keepends=True), "|", '"', "\\", "\n", "\t", "\r"])
POSITIONS = st.integers(FRESH.index("\nschema:"), len(FRESH))


@given(edits=st.lists(st.tuples(POSITIONS, st.integers(0, 12), PIECES), min_size=1, max_size=3))
@settings(max_examples=500, deadline=None)
def test_it_reads_what_yaml_reads(edits: list[tuple[int, int, str]]) -> None:
    text = FRESH
    for at, cut, piece in edits:
        text = text[:at] + piece + text[at + cut :]
    same_by_both(text)


@given(
    st.lists(
        st.tuples(
            st.integers(BEGIN, len(LINES) - 2), st.sampled_from(["end", "above", "blank", "deep", "delete", "double"])
        ),
        max_size=8,
    )
)
@settings(max_examples=300, deadline=None)
def test_it_reads_what_yaml_reads_line_by_line(edits: list[tuple[int, str]]) -> None:
    lines = list(LINES)
    for at, what in edits:
        line = lines[at]
        lines[at] = {
            "end": f"{line}  # note", "above": f"  # note\n{line}", "blank": f"\n{line}",
            "deep": f"      # note\n{line}", "delete": "#", "double": f"{line}\n{line}",
        }[what]  # fmt: skip
    same_by_both("\n".join(lines))


WAIVERS = (
    '    waiver: {owner: "DSI", reason: "borne", until: 2027-03-31}\n',
    "    waiver: {until: 2027-03-31, owner: DSI, reason: borne}\n",
    "    waiver:\n      owner: DSI  # note-w\n      reason: >-\n        borne\n      until: 2027-03-31\n",
    "    waiver:\n      { owner: 'DSI',\n        reason: 'borne', until: '2027-03-31' }\n",
)
EDITS = st.lists(
    st.tuples(
        st.integers(0, len(FINDINGS) - 1),
        st.one_of(
            st.tuples(st.just("decide"), st.sampled_from(["apply", "undecided", "'apply'", '"undecided"'])),
            st.tuples(st.just("waive"), st.sampled_from(WAIVERS)),
            st.tuples(st.just("hold"), st.just("")),
            st.tuples(st.just("end"), st.integers(0, 7)),
            st.tuples(st.just("above"), st.sampled_from(["  # {}\n", "# {}\n", "\n  # {}\n\n", "  #{}\n  # more\n"])),
            st.tuples(st.just("within"), st.sampled_from(["    # {}\n", "\n      # {}\n", "  # {}\n"])),
            st.tuples(st.just("below"), st.sampled_from(["    # {}\n", "        # {}\n\n"])),
            st.tuples(st.just("flow"), st.just("")),
        ),
    ),
    max_size=10,
)


def edit(text: str, edits: list[tuple[int, tuple[str, Any]]]) -> tuple[str, dict[str, str], dict[str, list[str]]]:
    """A sheet as a person edits it; the decisions they took, and the comments they wrote about each finding."""
    head, *entries = re.split(r"(?m)^(?=  - finding: )", text)
    decided: dict[str, str] = {}
    notes: dict[str, list[str]] = {}
    above = [""] * len(entries)
    for count, (index, (what, how)) in enumerate(edits):
        entry, note = entries[index], f"note-{count}-x"
        identity = re.search(r"f-[0-9a-f]{16}", entry).group()  # type: ignore[union-attr]
        if what in ("decide", "waive"):
            entry = re.sub(r"(?ms)^    waiver:.*?(?=^    [# ]|^    \S|\Z)", "", entry)
            value = "waive" if what == "waive" else how
            entry, there = re.subn(r"(?m)^(    decision:) [^ \n]+", rf"\1 {value}", entry)
            if not there:
                continue
            if what == "waive":
                entry += how
            decided[identity] = value.strip("'\"")
        elif what == "hold":
            entry = re.sub(r"(?m)^    proposed: .*\n", "", entry)
            notes = {key: [one for one in ones if one in entry or key != identity] for key, ones in notes.items()}
            decided[identity] = re.search(r"decision: ['\"]?(\w+)", entry).group(1)  # type: ignore[union-attr]
        elif what == "end":
            lines = entry.split("\n")
            at = min(how, len(lines) - 2)
            if lines[at].strip() and not re.search(r"[>|]-?$|^ {8}", lines[at]):
                lines[at] += f" # {note}"
                notes.setdefault(identity, []).append(note)
            entry = "\n".join(lines)
        elif what == "above":
            above[index] = how.format(note) + above[index]
            notes.setdefault(identity, []).append(note)
        elif what == "within":
            first, rest = entry.split("\n", 1)
            if not rest:
                continue
            entry = f"{first}\n{how.format(note)}{rest}"
            notes.setdefault(identity, []).append(note)
        elif what == "below":
            entry += how.format(note)
            notes.setdefault(identity, []).append(note)
        elif what == "flow" and "#" not in "".join(notes.get(identity, [])) and not notes.get(identity):
            value = yaml.safe_load(f"x:\n{entry}")["x"][0]
            entry = (
                "  - " + yaml.safe_dump(value, default_flow_style=True, width=200, allow_unicode=True).strip() + "\n"
            )
        entries[index] = entry
    return head + "".join(a + e for a, e in zip(above, entries, strict=True)), decided, notes


@given(edits=EDITS, gone=st.sets(st.integers(0, len(FINDINGS) - 1), max_size=3), back=st.booleans())
@settings(max_examples=250, deadline=None)
def test_edits_and_comments_survive_another_import(
    edits: list[tuple[int, tuple[str, Any]]], gone: set[int], back: bool
) -> None:
    try:
        text, decided, notes = edit(FRESH, edits)
        before = decisions.parse(text, name="d.yml")
    except (decisions.DecisionError, yaml.YAMLError):
        assume(False)  # an edit that broke another edit's YAML
    again = updated(text, FINDINGS)
    assert again.text == text or not text.endswith("\n")
    left = [one for number, one in enumerate(FINDINGS) if number not in gone]
    ids = {one["id"] for one in left}
    less = updated(text, [*left, finding(100)], closed=[one["id"] for one in FINDINGS if one["id"] not in ids])
    for identity, decision in decided.items():
        assert again.decisions[identity].decision == decision
        if identity in ids:
            assert less.decisions[identity].decision == decision
            assert less.decisions[identity].waiver() == before.decisions[identity].waiver()
    for identity in ids:
        for note in notes.get(identity, []):
            assert less.text.count(note) == text.count(note)
    assert updated(less.text, [*left, finding(100)]).text == less.text
    document.check(_as_text(less.text), "decisions/1", where="sheet")
    if back:
        more = updated(less.text, [*FINDINGS, finding(100)])
        assert set(more.decisions) == {one["id"] for one in FINDINGS} | {finding(100)["id"]}
        assert all(more.decisions[key].decision == value for key, value in decided.items() if key in ids)


def _as_text(text: str) -> Any:
    """The sheet as its schema knows it: every scalar a text."""
    return yaml.load(text, Loader=yaml.BaseLoader)


@given(edits=EDITS)
@settings(max_examples=150, deadline=None)
def test_a_decision_stays_while_its_finding_may_come_back(edits: list[tuple[int, tuple[str, Any]]]) -> None:
    try:
        text, _decided, notes = edit(FRESH, edits)
        before = decisions.parse(text, name="d.yml")
    except (decisions.DecisionError, yaml.YAMLError):
        assume(False)
    persons = {key for key, one in before.decisions.items() if one.by == "person"}
    none = updated(text, [], closed=[])
    assert {one.finding for one in none.absent} == persons
    assert updated(none.text, [], closed=[]).text == none.text
    back = updated(none.text, FINDINGS, closed=[])
    for key in persons:
        assert back.decisions[key].decision == before.decisions[key].decision
        assert back.decisions[key].waiver() == before.decisions[key].waiver()
        assert all(note in back.text for note in notes.get(key, []))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_as_editors_save_it(tmp_path: Path, ending: str, encoding: str) -> None:
    text = FRESH.replace("    decision: undecided", "    decision: apply  # validé par l'équipe", 1)
    path = tmp_path / "decisions.yml"
    content = text.replace("\n", ending).encode(encoding)
    path.write_bytes(b"\xfe\xff" + content if encoding == "utf-16-be" else content)
    sheet = decisions.read(path)
    assert said(sheet) == said(decisions.parse(text, name="d.yml"))
    assert decisions.update(sheet, FINDINGS, CONTROLS).text == text
    assert bool(sheet.notes) == (encoding == "cp1252")


@pytest.mark.parametrize(
    ("content", "said_"),
    [
        (FRESH.replace("borne", "x").encode() + b"# \xe9t\xe9\n", "is not UTF-8 there"),
        (b"# a\n# bc\x81\n", "line 2, column 5: is neither UTF-8 nor Windows-1252"),
        (b"\xef\xbb\xbf\xff", "cannot be read as utf-8"),
        (b"\xff\xfe\x00", "cannot be read as utf-16"),
        (b"schema: \x00\n", "line 1, column 9: the character U+0000"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, said_: str) -> None:
    path = tmp_path / "decisions.yml"
    path.write_bytes(content)
    with pytest.raises(decisions.DecisionError) as caught:
        decisions.read(path)
    assert str(caught.value).startswith(str(path)) and said_ in str(caught.value)


def test_a_tab_is_named_with_its_place() -> None:
    for wrong in ("\tdecision: apply", "    decision:\tapply\n\tx: 1"):
        text = FRESH.replace("    decision: undecided", wrong, 1)
        line = text[: text.index("\t")].count("\n") + 1
        with pytest.raises(decisions.DecisionError, match=rf"line ({line}|{line + 1}), column \d+: not YAML: .*tab"):
            decisions.parse(text, name="d.yml")
    after = decisions.parse(FRESH.replace("    decision: undecided", "    decision: apply\t# seen", 1), name="d.yml")
    assert sum(one.by == "person" for one in after.decisions.values()) == 1


@pytest.mark.parametrize("indent", [0, 1, 3, 4, 8])
def test_a_list_that_is_indented_otherwise_keeps_its_comments(indent: int) -> None:
    head, _mark, listed = FRESH.partition("\ndecisions:\n")
    moved = "".join(
        (" " * max(0, indent - 2) + line[max(0, 2 - indent) :] if line.strip() else line)
        for line in listed.splitlines(keepends=True)
    )
    once = functools.partial(re.sub, r"(?m)^( +)decision: undecided", r"\1decision: apply  # mine", count=1)
    assert updated(once(f"{head}\ndecisions:\n{moved}"), FINDINGS).text == once(FRESH)


def test_aliases_are_neither_lost_nor_a_bomb() -> None:
    bomb = "x-a: &a [x, x]\n" + "".join(
        f"x-{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)
    )
    text = FRESH.replace("decisions:\n", f"{bomb}decisions:\n", 1)
    begin = time.process_time()
    assert updated(text, FINDINGS).text == text
    for part in ("decisions: *u\n", "rules: *u\ndecisions: []\n"):
        with pytest.raises(decisions.DecisionError, match="must be a mapping"):
            decisions.parse(f"schema: {decisions.SCHEMA}\n{bomb}{part}", name="d.yml")
    assert time.process_time() - begin < 5
    with pytest.raises(decisions.DecisionError):
        decisions.parse(f"schema: {decisions.SCHEMA}\ndecisions: &x [*x]\n", name="d.yml")


@pytest.mark.parametrize("mark", ["[", "{", "- ", "? ", "&a [", "a: {"])
def test_deep_nesting_is_an_error(mark: str) -> None:
    with pytest.raises(decisions.DecisionError):
        decisions.parse(mark * 200_000, name="d.yml")


def test_other_parts_are_kept_and_unknown_ones_named() -> None:
    text = f"x-notes: &w {{owner: DSI, reason: r, until: 2027-01-01}}\n{FRESH}x-more:\n  - finding: f-1\n# the end\n"
    text = text.replace("    decision: undecided", "    decision: waive\n    waiver: *w", 1)
    again = updated(text, FINDINGS)
    assert again.text == text and sum(d.owner == "DSI" for d in again.decisions.values()) == 1
    with pytest.raises(decisions.DecisionError, match=r"line \d+, column 1: unknown part 'notes'"):
        decisions.parse(FRESH + "notes: 1\n", name="d.yml")


def test_an_empty_list_is_filled_again() -> None:
    empty = updated(FRESH, []).text
    assert "decisions: []" in empty and updated(empty, FINDINGS).text == FRESH
    noted = empty.replace("decisions: []", "# ours\ndecisions: []  # none\nx-a: 1")
    assert updated(noted, FINDINGS).text.count("# ours\ndecisions:\n") == 1
    assert updated(noted, FINDINGS).text.endswith("x-a: 1\n")


def test_a_million_lines_by_hand_are_read_in_time() -> None:
    entry = LINES[BEGIN : BEGIN + 8]
    count = 1_000_000 // 11
    by_hand = "".join(
        f"  # ward {number % 40}\n"
        + "\n".join([f"  - finding: f-{number:016x}", f"{entry[1]}", *entry[2:7], "    decision: waive  # seen"])
        + '\n    waiver: {owner: "DSI", reason: "r", until: 2027-01-01}\n\n'
        for number in range(count)
    )
    text = f"schema: {decisions.SCHEMA}\ndecisions:\n{by_hand}"
    assert text.count("\n") > 990_000
    begin = time.process_time()
    sheet = decisions.parse(text, name="d.yml")
    assert len(sheet.decisions) == count and not sheet.composed
    assert time.process_time() - begin < 15  # 1 s where nothing else runs; by YAML alone a minute, and 4 GB
    wrong = text[: -len('", until: 2027-01-01}\n\n')] + '", until: 2027-13-01}\n\n'
    with pytest.raises(decisions.DecisionError, match=rf"line {wrong.count(chr(10)) - 1}, column 48: until"):
        decisions.parse(wrong, name="d.yml")


def test_what_nobody_laid_out_by_hand_is_bounded() -> None:
    text = f"schema: {decisions.SCHEMA}\ndecisions:\n" + "  - {finding: f-1}\n" * (decision_text.MAX_COMPOSED // 18)
    with pytest.raises(decisions.DecisionError, match="not in the layout"):
        decisions.parse(text, name="d.yml")


@example(label="\u2028", host="h")
@example(label="a\\b\"c'", host="-")
@given(label=st.text(max_size=40), host=st.text(min_size=1, max_size=10))
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_read_without_yaml(label: str, host: str) -> None:
    assume(host.strip())
    one = finding(0, host=host.encode("utf-8", "replace").decode())
    one["object"]["label"] = label.encode("utf-8", "replace").decode()
    text = updated("", [one]).text
    sheet = decisions.parse(text, name="d.yml")
    assert sheet.decisions[one["id"]].host.strip() == one["host"].strip()
    if one["host"].isprintable() and not set(one["host"]) & set('"\\') and not sheet.composed:
        assert said(sheet) == said(by_yaml_alone(text))
    assert decisions.update(sheet, [one], CONTROLS).text == text
