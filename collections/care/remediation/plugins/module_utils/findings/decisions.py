# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The decision sheet (``decisions.yml``): proposed by the plan, settled by a person, kept by the next plan.

An entry that a person may have touched is kept as text, comments included; only new findings are written anew.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import yaml

from . import document
from .escape import comment
from .model import Finding

SCHEMA: Final = "care.remediation/decisions/1"
DECISIONS: Final = ("apply", "undecided", "waive")
MAX_BYTES: Final = 128 << 20

HEADER: Final = """\
# Feuille de décisions, écrite par « plan.yml », tenue par une personne. Relancer « plan.yml » garde vos choix.
#
#   decision: apply       corriger (le changement exact est montré et approuvé avant d'être appliqué)
#   decision: undecided   pas encore décidé : rien n'est fait, le constat reste ouvert
#   decision: waive       accepter le risque : ajouter, dans la même entrée,
#                           waiver: {owner: "qui l'accepte", reason: "pourquoi", until: 2027-03-31}
#                         Une dérogation échue redevient un constat.
#   Un compte protégé (bris de glace, automate, compte connecté) n'est jamais modifié : undecided ou waive.
#
# Decision sheet, written by "plan.yml", kept by a person. Running "plan.yml" again keeps your choices.
#
#   decision: apply       correct it (the exact change is shown and approved before it is applied)
#   decision: undecided   not decided yet: nothing is done, the finding stays open
#   decision: waive       accept the risk: add, in the same entry,
#                           waiver: {owner: "who accepts it", reason: "why", until: 2027-03-31}
#                         A waiver that has run out is a finding again.
#   A protected account (break-glass, automation, connected account) is never changed: undecided or waive.
"""


class DecisionError(Exception):
    """The sheet (or a standing decision) is wrong; the message names file, line and what to write."""


@dataclass(slots=True)
class Decision:
    """What a person settled for one finding. ``until`` is the last day of a waiver, included."""

    finding: str
    control: str
    host: str
    decision: str
    owner: str = ""
    reason: str = ""
    until: datetime.date | None = None
    line: int | None = None
    new: bool = False

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


@dataclass(slots=True)
class Sheet:
    """A sheet as read: the decisions by finding id, and the text of each entry."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    blocks: dict[str, str] = field(default_factory=dict)
    head: str = ""


@dataclass(slots=True)
class Update:
    """A new sheet: its text, its decisions by finding id, and what became of the old ones."""

    text: str
    decisions: dict[str, Decision]
    added: list[str]
    dropped: list[Decision]


def read(path: Path) -> Sheet:
    """The sheet in ``path``; an empty one where there is no file. Raises DecisionError, with line numbers."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DecisionError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Sheet()
    except (OSError, UnicodeDecodeError) as exc:
        raise DecisionError(f"{path}: cannot be read: {exc}") from exc
    return parse(text, name=str(path))


def parse(text: str, *, name: str) -> Sheet:
    """The sheet in a text. All mistakes are told at once, each with its line."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise DecisionError(f"{name}, line {line}: not YAML: {exc.problem or exc}") from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise DecisionError(f"{name}: not YAML: {exc}") from exc
    if root is None:
        return Sheet()
    top = _mapping(root, name, "the file")
    schema = top.get("schema")
    if schema is None or schema.value != SCHEMA:
        raise DecisionError(f"{name}, line {root.start_mark.line + 1}: 'schema: {SCHEMA}' is missing")
    entries = top.get("decisions")
    if entries is None or (isinstance(entries, yaml.ScalarNode) and entries.value in ("", "null", "~")):
        return Sheet(head=_head(text))
    if not isinstance(entries, yaml.SequenceNode):
        raise DecisionError(f"{name}, line {entries.start_mark.line + 1}: 'decisions' must be a list")
    sheet, mistakes = Sheet(head=_head(text)), []
    for node in entries.value:
        try:
            decision = _entry(node, name)
            if decision.finding in sheet.decisions:
                first = sheet.decisions[decision.finding].line
                raise DecisionError(
                    f"{name}, line {decision.line}: {decision.finding} is decided twice (first on line {first})"
                )
            sheet.decisions[decision.finding] = decision
        except DecisionError as exc:
            mistakes.append(str(exc))
    if mistakes:
        more = f"\n… and {len(mistakes) - 20} more" if len(mistakes) > 20 else ""
        raise DecisionError("\n".join(mistakes[:20]) + more)
    sheet.blocks = _blocks(text, entries, list(sheet.decisions))
    return sheet


def update(
    sheet: Sheet,
    findings: Sequence[Finding],
    catalogue: Mapping[str, Any],
    *,
    defaults: Mapping[str, str] | None = None,
    name: str = "decisions.yml",
) -> Update:
    """The next sheet: what a person wrote is kept, new findings are proposed, those that are gone are dropped.

    Raises DecisionError for a standing decision that is neither apply nor undecided or names no control, and for
    ``apply`` on a protected account.
    """
    standing = check_defaults(defaults or {}, catalogue)
    decisions: dict[str, Decision] = {}
    added: list[str] = []
    lines: list[str] = []
    plain: list[tuple[Finding, Any, Decision]] = []
    mistakes: list[str] = []
    for finding in findings:
        control = catalogue[finding["control"]]
        kept = sheet.decisions.get(finding["id"])
        if kept is None:
            kept = Decision(
                finding["id"],
                finding["control"],
                finding["host"],
                propose(finding, control.class_, standing, correctable=control.remediation is not None),
                new=True,
            )
            added.append(finding["id"])
        elif kept.decision == "apply" and finding["protected"]:
            mistakes.append(
                f"{name}, line {kept.line}: {finding['id']} is about {comment(finding['object']['label'], 80)}, a "
                f"protected account ({finding['protected']}), which is never changed: write undecided or waive"
            )
        decisions[finding["id"]] = kept
        lines.append(sheet.blocks.get(finding["id"]) or _write(finding, control, kept))
        plain.append((finding, control, kept))
    if mistakes:
        raise DecisionError("\n".join(mistakes))
    dropped = [decision for key, decision in sheet.decisions.items() if key not in decisions]
    head = f"{sheet.head or HEADER}schema: {SCHEMA}\n"
    text = head + ("decisions:\n" + "".join(lines) if lines else "decisions: []\n")
    if sheet.blocks and not _reads_the_same(text, decisions):
        text = head + "decisions:\n" + "".join(_write(*one) for one in plain)
    return Update(text, decisions, added, dropped)


def check_defaults(defaults: Mapping[str, str], catalogue: Mapping[str, Any]) -> dict[str, str]:
    """``care_decision_defaults``, checked."""
    for control, decision in defaults.items():
        if control not in catalogue:
            raise DecisionError(f"care_decision_defaults: there is no control {comment(control, 80)}")
        if decision not in ("apply", "undecided"):
            raise DecisionError(
                f"care_decision_defaults: {control}: {comment(decision, 40)!r} is neither 'apply' nor 'undecided' "
                "(a waiver belongs to one finding, with its owner, reason and end date)"
            )
    return dict(defaults)


def propose(finding: Mapping[str, Any], class_: str, standing: Mapping[str, str], *, correctable: bool) -> str:
    """The decision that a new sheet proposes for a finding."""
    if finding["protected"] or finding.get("unconfirmed") or not correctable:
        return "undecided"
    return standing.get(finding["control"], "apply" if class_ == "auto" else "undecided")


def _mapping(node: yaml.Node, name: str, what: str) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        raise DecisionError(f"{name}, line {node.start_mark.line + 1}: {what} must be a mapping (key: value)")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        text = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if text in found:
            raise DecisionError(f"{name}, line {key.start_mark.line + 1}: '{comment(text, 60)}' is written twice")
        found[text] = value
    return found


_KEYS: Final = ("finding", "control", "object", "host", "class", "decision", "waiver")


def _entry(node: yaml.Node, name: str) -> Decision:
    line = node.start_mark.line + 1
    values = _mapping(node, name, "an entry of 'decisions'")
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        raise DecisionError(f"{name}, line {line}: unknown key '{comment(unknown[0], 60)}' (known: {', '.join(_KEYS)})")
    text = {
        key: value.value if isinstance(value, yaml.ScalarNode) else ""
        for key, value in values.items()
        if key != "waiver"
    }
    for key in ("finding", "control", "host", "decision"):
        if not text.get(key):
            raise DecisionError(f"{name}, line {line}: '{key}' is missing")
    decision = text["decision"]
    if decision not in DECISIONS:
        where = values["decision"].start_mark.line + 1
        raise DecisionError(
            f"{name}, line {where}: decision '{comment(decision, 40)}' is none of apply, undecided, waive"
        )
    result = Decision(text["finding"], text["control"], text["host"], decision, line=line)
    waiver = values.get("waiver")
    if decision == "waive" and waiver is None:
        raise DecisionError(
            f'{name}, line {line}: a waiver needs its owner, reason and end date: waiver: {{owner: "…", reason: "…", '
            "until: YYYY-MM-DD}"
        )
    if waiver is not None and decision == "waive":
        _waiver(result, waiver, name)
    return result


def _waiver(result: Decision, node: yaml.Node, name: str) -> None:
    line = node.start_mark.line + 1
    values = _mapping(node, name, "'waiver'")
    text = {key: value.value.strip() if isinstance(value, yaml.ScalarNode) else "" for key, value in values.items()}
    for key in ("owner", "reason", "until"):
        if not text.get(key) or text[key] in ("…", "..."):
            raise DecisionError(
                f"{name}, line {line}: the waiver has no '{key}'; owner, reason and until are mandatory"
            )
    for key in text:
        if key not in ("owner", "reason", "until"):
            raise DecisionError(f"{name}, line {line}: unknown key '{comment(key, 60)}' in the waiver")
    result.owner, result.reason = text["owner"], text["reason"]
    try:
        result.until = datetime.date.fromisoformat(text["until"])
    except ValueError as exc:
        where = values["until"].start_mark.line + 1
        raise DecisionError(
            f"{name}, line {where}: until '{comment(text['until'], 40)}' is not a date written YYYY-MM-DD"
        ) from exc


def _head(text: str) -> str:
    """The comments before the first line that is not one."""
    head: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.strip() and not line.lstrip().startswith("#"):
            return "".join(head)
        head.append(line)
    return ""


def _blocks(text: str, entries: yaml.SequenceNode, ids: Sequence[str]) -> dict[str, str]:
    """The text of each entry, where it can be told apart."""
    if entries.flow_style:
        return {}
    lines = text.splitlines(keepends=True)
    starts = [node.start_mark.line for node in entries.value]
    firsts = []
    for start in starts:
        if not lines[start].startswith("  - "):
            return {}
        first = start
        # a comment right above an entry, at the dash or further left, was written about it
        while first > 0 and lines[first - 1].lstrip().startswith("#") and _indent(lines[first - 1]) <= 2:
            first -= 1
        firsts.append(first)
    if len(set(firsts)) != len(firsts):
        return {}
    end = _end(lines, starts[-1])
    blocks: dict[str, str] = {}
    for index, finding in enumerate(ids):
        last = firsts[index + 1] if index + 1 < len(firsts) else end
        block = "".join(lines[firsts[index] : last])
        block = block if block.endswith("\n") else block + "\n"
        blocks[finding] = block
    return blocks


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _end(lines: Sequence[str], start: int) -> int:
    """Where the last entry ends: at the next line that begins at the margin (another key of the file)."""
    for index in range(start + 1, len(lines)):
        if lines[index].strip() and _indent(lines[index]) == 0 and not lines[index].startswith("#"):
            return index
    return len(lines)


def _reads_the_same(text: str, decisions: Mapping[str, Decision]) -> bool:
    """Whether a sheet made of kept texts still says what was decided (an entry may have leant on another one)."""
    try:
        again = parse(text, name="sheet").decisions
    except DecisionError:
        return False
    return {key: _said(one) for key, one in again.items()} == {key: _said(one) for key, one in decisions.items()}


def _said(one: Decision) -> tuple[Any, ...]:
    return (one.control, one.host, one.decision, one.owner, one.reason, one.until)


def quoted(text: Any) -> str:
    """A YAML scalar in double quotes on one line, whatever the text holds."""
    return str(yaml.safe_dump(str(text), default_style='"', allow_unicode=True, width=1 << 30)).rstrip("\n")


def _write(finding: Mapping[str, Any], control: Any, decision: Decision) -> str:
    lines = [
        f"  - finding: {finding['id']}",
        f"    # {comment(control.title['fr'])}",
        f"    control: {finding['control']}",
        f"    object: {quoted(finding['object']['label'])}",
        f"    host: {quoted(finding['host'])}",
        f"    class: {control.class_}",
    ]
    if finding["protected"]:
        lines.append(f"    # compte protégé / protected account: {finding['protected']}")
    if finding.get("unconfirmed"):
        lines.append(f"    # non confirmé / not confirmed: {comment(finding['unconfirmed'])}")
    lines.append(f"    decision: {decision.decision}")
    waiver = decision.waiver()
    if waiver:
        lines.append(
            f"    waiver: {{owner: {quoted(waiver['owner'])}, reason: {quoted(waiver['reason'])}, "
            f"until: {waiver['until']}}}"
        )
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    """Write a sheet, after reading it back: what is written can be read."""
    parse(text, name=str(path))
    document.write_text(path, text)
