# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The text of a decision sheet, read entry by entry so that each can be kept word for word.

A sheet may hold half a million entries, nearly all of them in the layout that we write, with or without comments. Each
of those is read by one regular expression. YAML is composed of what is left: the top, and entries that a person laid
out in another way. What was read already is replaced there by as many empty lines, so that places in errors are right.
"""

from __future__ import annotations

import bisect
import contextlib
import datetime
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import yaml

from .decision_rules import (
    DECISIONS,
    NAME,
    DecisionError,
    Rules,
    Waiver,
    known,
    mapping,
    place,
    read_rules,
    read_waiver,
    scalar,
)
from .escape import comment

SCHEMA: Final = "care.remediation/decisions/1"
# What YAML is composed of takes fifty times its size: entries in our layout are not among it.
MAX_COMPOSED: Final = 64 << 20
KEYS: Final = ("finding", "control", "object", "host", "class", "proposed", "decision", "waiver")
_SAID: Final = 20
_PROPOSED: Final = re.compile(rf"(apply|undecided|waive)(?: by ({NAME}))?")

# What YAML does not allow, and what ends a line there though editors do not show it
_NOT: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff"
_HEX: Final = "[0-9A-Fa-f]"
STRANGE: Final = re.compile(f"[{_NOT}]")
_NOTE: Final = "#[^\n]*"
_REST: Final = f"(?: +{_NOTE}| *)\n"
_LINES: Final = f"(?: *{_NOTE}\n| *\n)*+"
_NEXT: Final = _REST + _LINES
_PLAIN: Final = '[^"\\\\\n]*'
_ESCAPE: Final = f'\\\\(?:["\\\\0abtnvfre N_LP]|x{_HEX}{{2}}|u{_HEX}{{4}}|U00[01]{_HEX}{{5}})'
# An entry in our layout, comments and empty lines included
_ENTRY: Final = re.compile(
    f"  - finding: (f-[0-9a-f]{{16}}){_NEXT}"
    f"    control: ([a-z][a-z0-9_]*){_NEXT}"
    f'    object: "{_PLAIN}(?:{_ESCAPE}{_PLAIN})*+"{_NEXT}'
    f'    host: (?:"({_PLAIN})"|([A-Za-z0-9][A-Za-z0-9_.-]*)){_NEXT}'
    f"    class: (auto|staged|assisted|manual){_NEXT}"
    f"(?:    proposed: ((?:apply|undecided|waive)(?: by {NAME})?){_NEXT})?"
    f"    decision: (apply|undecided|waive){_REST}"
    f'(?:{_LINES}    waiver: {{ *owner: "({_PLAIN})", *reason: "({_PLAIN})", *until: ([0-9-]{{10}}) *}}{_REST})?'
    f"(?:(?: *\n)*+ {{3,}}{_NOTE}\n)*+"
    f"(?!{_LINES} {{3,}}[^ #\n])"  # nothing more of this entry
)
# Where another entry, or another part of the sheet, begins
_MARGIN: Final = re.compile(r"^(?:  - |[^\s#])", re.MULTILINE)
_PART: Final = re.compile(r"^(?!- |-\n)[^\s#]", re.MULTILINE)
_NOTES: Final = re.compile(r"(?: *#[^\n]*\n| *\n)*+")
_NOTE_LINE: Final = re.compile(r" {0,2}#[^\n]*\n| *\n")
_DASH: Final = re.compile("( *)- ")
_DEPTH: Final = 50  # no sheet is nested deeper
_START: Final = re.compile(r"^decisions:[ \t]*(?:#[^\n]*)?\n", re.MULTILINE)


@dataclass(slots=True)
class Decision:
    """What was settled for one finding. ``until`` is the last day of a waiver, included.

    ``by``: ``person``, or ``plan`` and ``rule`` for an entry that follows what was proposed. ``proposed``: what the
    entry says was proposed, for instance ``apply`` or ``waive by <rule>``.
    """

    finding: str
    control: str
    host: str
    decision: str
    owner: str = ""
    reason: str = ""
    until: datetime.date | None = None
    line: int | None = None
    new: bool = False
    by: str = "person"
    proposed: str = ""

    def effective(self, today: datetime.date) -> str:
        """apply, undecided, waive, or ``expired``: a waiver that has run out, which is a finding again."""
        if self.decision == "waive" and self.until is not None and self.until < today:
            return "expired"
        return self.decision

    def waiver(self) -> dict[str, str] | None:
        """Owner, reason and end date as text, or None where it is no waiver."""
        if self.decision != "waive" or self.until is None:
            return None
        return {"owner": self.owner, "reason": self.reason, "until": self.until.isoformat()}

    def accept(self, waiver: Waiver | None) -> None:
        """Take owner, reason and end date of a waiver."""
        if waiver is not None:
            self.owner, self.reason, self.until = waiver.owner, waiver.reason, waiver.until


@dataclass(slots=True)
class Sheet:
    """A sheet as read: the decisions by finding id, the rules, and where the text of each entry is.

    ``spans``: finding id to where its text begins and ends in ``text``, what stands above it included. ``composed``: of
    the entries that are not in our layout, where their values are that we may have to replace.
    """

    decisions: dict[str, Decision] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    notes: list[str] = field(default_factory=list)
    text: str = ""
    head: str = ""
    tail: str = ""
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    composed: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def block(self, finding: str, values: Mapping[str, str]) -> str | None:
        """The text of an entry with some of its values replaced; None where that cannot be done in its text."""
        span = self.spans.get(finding)
        if span is None:
            return None
        start, end = span
        text = self.text[start:end]
        if values:
            places = self.places(finding)
            if not values.keys() <= places.keys():
                return None
            for name, value in sorted(values.items(), key=lambda item: places[item[0]], reverse=True):
                first, last = places[name]
                if self.text[first:last] != value:
                    text = text[: first - start] + value + text[last - start :]
        return text if text.endswith("\n") else text + "\n"

    def places(self, finding: str) -> dict[str, tuple[int, int]]:
        """Where the values of an entry stand in the text, for those that plan.yml may have to replace."""
        known = self.composed.get(finding)
        if known is not None or finding not in self.spans:
            return known or {}
        start, end = self.spans[finding]
        mark = f"  - finding: {finding}"
        at = start if self.text.startswith(mark, start) else self.text.find(f"\n{mark}", start, end) + 1
        found = _ENTRY.match(self.text, at)
        if found is None:
            return {}
        groups = {"class": 5, "proposed": 6, "decision": 7}
        return {name: found.span(group) for name, group in groups.items() if found.group(group) is not None}

    def place(self, finding: str, key: str) -> str:
        """Where a value of an entry stands, as errors say it."""
        where = self.places(finding).get(key)
        if where is None:
            return f"line {self.decisions[finding].line}"
        line, column = _line_column(self.text, where[0])
        return f"line {line}, column {column}"


def parse(text: str, *, name: str) -> Sheet:
    """The sheet in a text. All mistakes are told at once (the first twenty), each with its line and column."""
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    strange = STRANGE.search(text)
    if strange:
        line, column = _line_column(text, strange.start())
        raise DecisionError(
            f"{name}, line {line}, column {column}: the character U+{ord(strange.group()):04X}, which most editors do "
            "not show, cannot stand in a sheet: take it out"
        )
    reading = _Reading(text, name)
    if not reading.read():
        reading = _Reading(text, name, alone=True)
        reading.read()
    moved = reading.moved()
    return parse(moved, name=name) if moved is not None else reading.result


_Item = tuple["yaml.Node", Decision, dict[str, "yaml.Node"]]


class _Reading:
    """One reading of one text."""

    def __init__(self, text: str, name: str, *, alone: bool = False) -> None:
        self.text, self.name = text, name
        self.alone = alone  # by YAML alone
        self.mistakes: list[tuple[int, str]] = []
        self.result = Sheet(text=text)
        # what no expression read: its first line (counted from 0), where it begins, where it ends
        self.gaps: list[tuple[int, int, int]] = []
        self.items: list[_Item] = []
        self.held: set[int] = set()
        self.flow = False

    def read(self) -> bool:
        """Fill ``result``; DecisionError names every mistake. False: the text must be read by YAML alone, because
        something looks like the end of the list and is not (a text over several lines that begins at the margin)."""
        if not self._composed(self._fast()):
            return False
        for decision in self.result.decisions.values():
            if decision.by != "person":
                self._follow(decision)
        if self.mistakes:
            said = [message for _line, message in sorted(self.mistakes)]
            more = f"\n… and {len(said) - _SAID} more" if len(said) > _SAID else ""
            raise DecisionError("\n".join(said[:_SAID]) + more)
        return True

    # What is in our layout

    def _fast(self) -> str:
        """Read what is in our layout; returns the text with empty lines in its place."""
        text, sheet = self.text, self.result
        start = _START.search(text)
        if start is None:
            return text
        at = start.end()
        sheet.head = text[:at]
        line = text.count("\n", 0, at)
        pieces = [sheet.head]
        gap_line, gap = line, at  # where what was not read begins
        while not self.alone and at < len(text) and text[at] in " #\n\t":
            found = _ENTRY.match(text, at)
            if found is None or not self._take(found, line):
                further = _MARGIN.search(text, at + 1)
                if further is None:
                    break
                line += text.count("\n", at, further.start())
                at = further.start()
                continue
            lead = self._lead(gap, at)
            if lead > gap:
                self.gaps.append((gap_line, gap, lead))
            stop = found.end()
            lines = text.count("\n", at, stop)
            sheet.spans[found.group(1)] = (lead, stop)
            if at > gap and len(pieces) > 1:
                self._hold(pieces, gap_line)
            pieces += (text[gap:at], "\n" * lines)
            if len(pieces) == 3:
                self._hold(pieces, line + lines)
            at = gap = stop
            line = gap_line = line + lines
        # the next part of the sheet, or what stands at its end, belongs to no entry
        part = _PART.search(text, gap)
        self.gaps.append((gap_line, gap, self._lead(gap, part.start() if part else len(text))))
        sheet.tail = text[self.gaps[-1][2] :]
        if len(pieces) > 1:
            self._hold(pieces, gap_line)
        pieces.append(text[gap:])
        return "".join(pieces)

    def _hold(self, pieces: list[str], line: int) -> None:
        """Let an empty entry stand for the last one read, so that YAML takes what follows for what it is there."""
        if pieces[-1].startswith("\n"):
            self.held.add(line - len(pieces[-1]))
            pieces[-1] = "  - {}" + pieces[-1]

    def _lead(self, start: int, at: int) -> int:
        """Where comments and empty lines begin that stand above ``at``, not before ``start``: they belong to what
        follows. Comments that are indented deeper than an entry belong to it, where there is one."""
        if start == at or _NOTES.fullmatch(self.text, start, at):
            return start
        while at > start:
            above = self.text.rfind("\n", start, at - 1) + 1 or start
            if not _NOTE_LINE.fullmatch(self.text, above, at):
                break
            at = above
        return at

    def _take(self, found: re.Match[str], line: int) -> bool:
        """Keep an entry in our layout; False where it is wrong, so that YAML's reader says where and why."""
        finding, control, quoted_host, plain_host, _class, proposed, decision, owner, reason, until = found.groups()
        host = (quoted_host or plain_host or "").strip()
        if finding in self.result.decisions or not host:
            return False
        made = Decision(finding, _shared(control), _shared(host), decision, line=line + 1)
        if proposed is not None:
            made.proposed = _shared(proposed)
        if until is not None:
            date = _date(until)
            if date is None or not (waiver := Waiver(owner.strip(), reason.strip(), date)).stated():
                return False
            if decision == "waive":
                made.accept(waiver)
        else:
            made.by = _by(made)
            if decision == "waive" and made.by != "rule":
                return False
        self.result.decisions[finding] = made
        return True

    # What is not

    def _composed(self, skeleton: str) -> bool:
        name = self.name
        if len(skeleton) - skeleton.count("\n") > MAX_COMPOSED:
            raise DecisionError(
                f"{name}: more than {MAX_COMPOSED >> 20} MiB of it are not in the layout that plan.yml writes"
            )
        root = _compose(skeleton, name)
        if root is None:
            return True
        top = mapping(root, name, "the file")
        schema = top.get("schema")
        if scalar(schema) != SCHEMA:
            raise DecisionError(f"{place(schema or root, name)}: 'schema: {SCHEMA}' is missing")
        for key, _value in root.value:
            text = key.value if isinstance(key, yaml.ScalarNode) else "?"
            if text not in ("schema", "rules", "decisions") and not text.startswith("x-"):
                self._wrong(key, f"unknown part '{comment(text, 60)}' (known: schema, rules, decisions)")
        if "rules" in top:
            self.result.rules, mistakes = read_rules(top["rules"], name)
            self.mistakes += [(top["rules"].start_mark.line, mistake) for mistake in mistakes]
        entries = top.get("decisions")
        if isinstance(entries, yaml.ScalarNode) and entries.value in ("", "null", "~"):
            entries = None
        if entries is not None and not isinstance(entries, yaml.SequenceNode):
            raise DecisionError(f"{place(entries, name)}: 'decisions' must be a list")
        if entries is not None:
            self.flow = bool(entries.flow_style)
            self._entries(entries.value)
        if self.gaps and self.items and entries is not None:
            line, start, end = self.gaps[-1]
            if self.alone:
                self._ends(entries)
            elif _last_line(self.items[-1]) > line + self.text.count("\n", start, end):
                return False
        if not self.mistakes:
            if self.result.head:
                self._places()
            else:
                self._around(root, top)
        return True

    def _ends(self, entries: yaml.Node) -> None:
        """Let the list end where YAML says."""
        lines = _offsets(self.text, 0, len(self.text))
        after = entries.end_mark.line + (1 if entries.end_mark.column else 0)
        end = lines[after] if after < len(lines) else len(self.text)
        line, start, _end = self.gaps[-1]
        self.gaps[-1] = (line, start, self._lead(start, end))
        self.result.tail = self.text[self.gaps[-1][2] :]

    def _entries(self, nodes: Sequence[yaml.Node]) -> None:
        for node in nodes:
            if node.start_mark.line in self.held:
                continue
            try:
                decision, values = self._entry(node)
            except DecisionError as exc:
                self.mistakes.append((node.start_mark.line, str(exc)))
                continue
            first = self.result.decisions.get(decision.finding)
            if first is not None:
                message = f"{comment(decision.finding, 40)} is decided twice (first on line {first.line})"
                self._wrong(values["finding"], message)
                continue
            self.result.decisions[decision.finding] = decision
            self.items.append((node, decision, values))

    def _wrong(self, node: yaml.Node, message: str) -> None:
        self.mistakes.append((node.start_mark.line, f"{place(node, self.name)}: {message}"))

    def _entry(self, node: yaml.Node) -> tuple[Decision, dict[str, yaml.Node]]:
        name = self.name
        values = mapping(node, name, "an entry of 'decisions'")
        known(node, KEYS, name, "an entry")
        for key in ("finding", "control", "host", "decision"):
            if not scalar(values.get(key)):
                raise DecisionError(f"{place(values.get(key, node), name)}: '{key}' is missing")
        text = {key: scalar(value) for key, value in values.items()}
        if text["decision"] not in DECISIONS:
            raise DecisionError(
                f"{place(values['decision'], name)}: decision '{comment(text['decision'], 40)}' is none of "
                f"{', '.join(DECISIONS)}"
            )
        if "proposed" in text and not _PROPOSED.fullmatch(text["proposed"]):
            raise DecisionError(
                f"{place(values['proposed'], name)}: proposed '{comment(text['proposed'], 40)}' is not what plan.yml "
                "writes: take the line out"
            )
        line = node.start_mark.line + 1
        made = Decision(text["finding"], text["control"], text["host"], text["decision"], line=line)
        made.proposed = text.get("proposed", "")
        if "waiver" not in values:
            made.by = _by(made)
        elif made.decision == "waive":
            made.accept(read_waiver(values["waiver"], name))
        if made.decision == "waive" and made.by != "rule" and made.until is None:
            raise DecisionError(
                f"{place(values['decision'], name)}: a waiver needs its owner, reason and end date: "
                'waiver: {owner: "…", reason: "…", until: YYYY-MM-DD}'
            )
        return made, values

    def _follow(self, decision: Decision) -> None:
        """The waiver of a rule, for an entry that follows it; without it the finding is open."""
        if decision.decision == "waive":
            rule = self.result.rules.by_name.get(decision.proposed.partition(" by ")[2])
            if rule is None or rule.waiver is None:
                decision.decision = "undecided"
            else:
                decision.accept(rule.waiver)

    # Where it stands

    def _places(self) -> None:
        """Where the texts of composed entries are; together with those in our layout they are all of the list."""
        text = self.text
        firsts = [line for line, _start, _end in self.gaps]
        lines: dict[int, list[int]] = {}
        found: list[tuple[int, int]] = []  # gap, where the entry begins
        for node, _decision, _values in self.items:
            index = bisect.bisect_right(firsts, node.start_mark.line) - 1
            if index not in lines:
                lines[index] = _offsets(text, *self.gaps[index][1:])
            at = lines[index][node.start_mark.line - firsts[index]]
            if self.flow or not text.startswith("  - ", at) or (found and found[-1][1] >= at):
                return
            found.append((index, at))
        for position, ((_node, decision, values), (index, at)) in enumerate(zip(self.items, found, strict=True)):
            _line, start, end = self.gaps[index]
            before = position > 0 and found[position - 1][0] == index
            after = position + 1 < len(found) and found[position + 1][0] == index
            self.result.spans[decision.finding] = (
                self._lead(found[position - 1][1], at) if before else start,
                self._lead(at, found[position + 1][1]) if after else end,
            )
            self.result.composed[decision.finding] = {
                name: (
                    lines[index][one.start_mark.line - firsts[index]] + one.start_mark.column,
                    lines[index][one.end_mark.line - firsts[index]] + one.end_mark.column,
                )
                for name in ("class", "proposed", "decision")
                if isinstance(one := values.get(name), yaml.ScalarNode) and one.start_mark.line == one.end_mark.line
            }

    def _around(self, root: Any, top: Mapping[str, yaml.Node]) -> None:
        """Keep what stands around a list that is written on one line or in brackets, or is not there."""
        text, sheet = self.text, self.result
        if root.flow_style:  # JSON
            rules = {"rules": _plain(top["rules"])} if "rules" in top else {}
            dumped = yaml.safe_dump(rules, allow_unicode=True, sort_keys=False) if rules else ""
            sheet.head = f"{_notes_above(text)}schema: {SCHEMA}\n{dumped}decisions:\n"
            return
        lines = _offsets(text, 0, len(text))
        key = next((key for key, _value in root.value if key.value == "decisions"), None)
        if key is None:
            sheet.head = f"{text}decisions:\n"
        else:
            value = top["decisions"]
            after = value.end_mark.line + (1 if value.end_mark.column else 0)
            sheet.head = f"{text[: lines[key.start_mark.line]]}decisions:\n"
            sheet.tail = text[lines[after] :] if after < len(lines) else ""

    def moved(self) -> str | None:
        """The text with its list indented as ours, where it is not, so that its entries can be kept; else None."""
        sheet = self.result
        if not self.items or self.flow or sheet.spans or not self.gaps:
            return None
        lines = self.text[len(sheet.head) : len(self.text) - len(sheet.tail)].split("\n")
        first = sheet.head.count("\n")
        dashes = {_DASH.match(lines[node.start_mark.line - first]) for node, _decision, _values in self.items}
        indents = {len(found.group(1)) if found else -1 for found in dashes}
        if len(indents) != 1 or (indent := indents.pop()) in (-1, 2):
            return None
        if indent < 2:
            shifted = [" " * (2 - indent) + line if line else line for line in lines]
        else:
            shifted = [line[min(indent - 2, len(line) - len(line.lstrip(" "))) :] for line in lines]
        return sheet.head + "\n".join(shifted) + sheet.tail


def _by(decision: Decision) -> str:
    value, _mark, rule = decision.proposed.partition(" by ")
    if value != decision.decision:
        return "person"
    return "rule" if rule else "plan"


def _last_line(item: _Item) -> int:
    """The line after the last one of an entry, counted from 0."""
    _node, _decision, values = item
    marks = [value.end_mark for value in values.values()]
    return max(mark.line + (1 if mark.column else 0) for mark in marks)


def _compose(text: str, name: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if _may_be_deep(text):  # the composer recurses in C: without this the process would end
            depth = 0
            for event in yaml.parse(text, Loader=loader):
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
                if depth > _DEPTH:
                    mark: Any = event.start_mark
                    where = f"line {mark.line + 1}, column {mark.column + 1}"
                    raise DecisionError(f"{name}, {where}: not YAML of a sheet: nested too deeply")
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "line 1"
        line = text.split("\n", mark.line + 1)[mark.line] if mark else ""
        hint = " (there is a tab; YAML is indented with spaces)" if "\t" in line else ""
        raise DecisionError(f"{name}, {where}: not YAML: {exc.problem or exc}{hint}") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        at = getattr(exc, "position", None)
        where = f", line {text.count(chr(10), 0, at) + 1}" if isinstance(at, int) else ""
        raise DecisionError(f"{name}{where}: not YAML: {comment(exc, 200)}") from exc


def _may_be_deep(text: str) -> bool:
    """Whether a text could be nested deeply: many brackets, many marks of a list on a line, or a line far right."""
    if text.count("[") + text.count("{") > _DEPTH:
        return True
    for found in re.finditer("[^\n]+", text):
        line = found.group()
        if len(line) - len(line.lstrip(" ")) > _DEPTH or line.count("- ") + line.count("? ") > _DEPTH:
            return True
    return False


def _line_column(text: str, at: int) -> tuple[int, int]:
    begin = text.rfind("\n", 0, at) + 1
    return text.count("\n", 0, begin) + 1, at - begin + 1


def _offsets(text: str, start: int, end: int) -> list[int]:
    """Where each line begins."""
    found = [start]
    while (start := text.find("\n", start, end) + 1) > 0:
        found.append(start)
    return found


def _notes_above(text: str) -> str:
    """The comments before the first line that is not one."""
    found = _NOTES.match(text)
    return found.group() if found else ""


def _plain(node: yaml.Node) -> Any:
    """A node as plain values, every scalar a text."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        return {scalar(key): _plain(value) for key, value in node.value}
    return node.value


@functools.lru_cache(maxsize=4096)
def _date(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


@functools.lru_cache(maxsize=65536)
def _shared(text: str) -> str:
    """One object for equal texts."""
    return text
