# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The decision sheet (``decisions.yml``): proposed by the plan, settled by a person, kept by the next plan.

An entry is kept as text, comments included. One that still says what was proposed follows the rules of the sheet and
the standing decisions; one that a person settled (another decision, a waiver, or no ``proposed``) is never changed.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import yaml

from . import document
from .decision_rules import DECISIONS, DecisionError, Rule, Rules
from .decision_text import SCHEMA, STRANGE, Decision, Sheet, parse
from .escape import comment
from .model import Finding

__all__ = ["DECISIONS", "SCHEMA", "Decision", "DecisionError", "Rule", "Rules", "Sheet", "Update", "parse", "read"]

MAX_BYTES: Final = 1 << 30

HEADER: Final = """\
# Feuille de décisions, écrite par « plan.yml », tenue par une personne. Relancer « plan.yml » garde vos choix.
#
#   decision: apply       corriger (le changement exact est montré et approuvé avant d'être appliqué)
#   decision: undecided   pas encore décidé : rien n'est fait, le constat reste ouvert
#   decision: waive       accepter le risque : ajouter, dans la même entrée,
#                           waiver: {owner: "qui l'accepte", reason: "pourquoi", until: 2027-03-31}
#                         Une dérogation échue redevient un constat.
#   proposed: …           ce que le plan propose. Tant que « decision » dit la même chose, l'entrée suit les règles
#                         ci-dessous ; effacer la ligne « proposed » pour que la décision tienne contre toute règle.
#   Un compte protégé (bris de glace, automate, compte connecté) n'est jamais modifié : undecided ou waive.
#
# Decision sheet, written by "plan.yml", kept by a person. Running "plan.yml" again keeps your choices.
#
#   decision: apply       correct it (the exact change is shown and approved before it is applied)
#   decision: undecided   not decided yet: nothing is done, the finding stays open
#   decision: waive       accept the risk: add, in the same entry,
#                           waiver: {owner: "who accepts it", reason: "why", until: 2027-03-31}
#                         A waiver that has run out is a finding again.
#   proposed: …           what the plan proposes. As long as "decision" says the same, the entry follows the rules
#                         below; take the line "proposed" out to make the decision hold against any rule.
#   A protected account (break-glass, automation, connected account) is never changed: undecided or waive.
#
# Une règle décide de nombreux constats ; la plus précise l'emporte. / A rule decides many findings; the most specific
# one wins. Conditions: control, host, object, source_rule, cve ("*" et/and "?").
#
# rules:
#   - name: old-kiosks
#     control: expo_tls_obsolete
#     host: "kiosk-*"
#     decision: waive
#     waiver: {owner: "who accepts it", reason: "why", until: 2027-03-31}
#
"""
# What stands above decisions whose finding no report says any more, and none has closed either.
_ABSENT: Final = (
    "  # Plus dit par aucun rapport, clos par aucun : gardé tant que cela peut revenir.\n"
    "  # No report says it any more, and none has closed it: kept as long as it can come back.\n"
)


@dataclass(slots=True)
class Update:
    """A new sheet: its text, its decisions by finding id, and what became of the old ones.

    ``dropped``: decisions on what is closed. ``absent``: decisions of a person that are kept although no report says
    their finding now. ``rules``: the rules, with how many findings they match and decide.
    """

    text: str
    decisions: dict[str, Decision]
    added: list[str]
    dropped: list[Decision]
    absent: list[Decision] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)

    @property
    def idle(self) -> list[Rule]:
        """The rules that match no finding: a slip of the pen, or no longer needed."""
        return [rule for rule in self.rules if not rule.matched]


def read(path: Path) -> Sheet:
    """The sheet in ``path``; an empty one where there is no file. Raises DecisionError, with line and column."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DecisionError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        content = path.read_bytes()
    except FileNotFoundError:
        return Sheet()
    except OSError as exc:
        raise DecisionError(f"{path}: cannot be read: {exc}") from exc
    text, notes = decode(content, name=str(path))
    del content
    with document.uncollected():
        sheet = parse(text, name=str(path))
    sheet.notes += notes
    return sheet


def decode(content: bytes, *, name: str) -> tuple[str, list[str]]:
    """The text of a sheet as editors save it (UTF-8, UTF-16 with its mark, Windows-1252), and what to say about it."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            try:
                return content.removeprefix(codecs.BOM_UTF8).decode(encoding), []
            except UnicodeDecodeError as exc:
                raise DecisionError(f"{name}: cannot be read as {encoding}: {exc}") from exc
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        column = exc.start - content.rfind(b"\n", 0, exc.start)
        where = f"{name}, line {line}, column {column}"
        if re.search("[^\x00-\x7f\ufffd]", content.decode("utf-8", errors="replace")):
            raise DecisionError(f"{where}: is not UTF-8 there, though it is elsewhere. Save the file as UTF-8") from exc
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            raise DecisionError(f"{where}: is neither UTF-8 nor Windows-1252. Save the file as UTF-8") from exc
        return text, [
            f"{name}: was read as Windows-1252 (first at line {line}, column {column}); plan.yml writes UTF-8"
        ]


def update(
    sheet: Sheet,
    findings: Sequence[Finding],
    catalogue: Mapping[str, Any],
    *,
    defaults: Mapping[str, str] | None = None,
    name: str = "decisions.yml",
    closed: Iterable[str] | None = None,
) -> Update:
    """The next sheet: what a person wrote is kept, new findings are proposed, those that are closed are dropped.

    ``closed``: the ids of the findings that a later report closed (``closed`` of findings/1). A decision of a person on
    any other finding that is not there is kept at the end of the sheet; without ``closed`` all are dropped.
    Raises DecisionError for a standing decision that is neither apply nor undecided or names no control, and for
    ``apply`` on a protected account.
    """
    standing = check_defaults(defaults or {}, catalogue)
    writer = _Writer(sheet, catalogue)
    decisions: dict[str, Decision] = {}
    added: list[str] = []
    mistakes: list[str] = []
    for finding in findings:
        identity = finding["id"]
        kept = sheet.decisions.get(identity)
        rule = sheet.rules.match(finding)
        if kept is None:
            kept = Decision(identity, finding["control"], finding["host"], "", new=True, by="plan")
            added.append(identity)
        proposed = kept.proposed
        if kept.by != "person":
            proposal(kept, finding, catalogue[finding["control"]], standing, rule)
        elif kept.decision == "apply" and finding["protected"]:
            label = comment(finding["object"]["label"], 80)
            mistakes.append(
                f"{name}, {sheet.place(identity, 'decision')}: {identity} is about {label}, a "
                f"protected account ({finding['protected']}), which is never changed: write undecided or waive"
            )
        if rule is not None and kept.by == "rule":
            rule.governs += 1
        decisions[identity] = kept
        writer.add(finding, kept, proposed)
    if mistakes:
        raise DecisionError("\n".join(mistakes))
    gone = [decision for key, decision in sheet.decisions.items() if key not in decisions]
    over = None if closed is None else set(closed)
    absent = [one for one in gone if over is not None and one.finding not in over and one.by == "person"]
    left = {one.finding for one in absent}
    for decision in absent:
        writer.keep(decision)
    return Update(
        text=writer.text(),
        decisions=decisions,
        added=added,
        dropped=[decision for decision in gone if decision.finding not in left],
        absent=absent,
        rules=sheet.rules.listed,
    )


def proposal(
    decision: Decision, finding: Mapping[str, Any], control: Any, standing: Mapping[str, str], rule: Rule | None
) -> None:
    """Let a decision follow what holds now: the most specific rule, else the standing decision, else the class.

    A rule is written for many: its ``apply`` does not reach what a person must look at one by one.
    """
    usual = propose(finding, control.class_, standing, correctable=control.remediation is not None)
    decision.owner, decision.reason, decision.until = "", "", None
    if rule is None or (
        rule.decision == "apply" and (finding["protected"] or finding.get("unconfirmed") or control.remediation is None)
    ):
        decision.by, decision.decision, decision.proposed = "plan", usual, usual
        return
    decision.by, decision.decision, decision.proposed = "rule", rule.decision, f"{rule.decision} by {rule.name}"
    decision.accept(rule.waiver)


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


class _Writer:
    """Puts the next sheet together: the texts that are there, and new ones."""

    def __init__(self, sheet: Sheet, catalogue: Mapping[str, Any]) -> None:
        self.sheet, self.catalogue = sheet, catalogue
        self.head = sheet.head or f"{HEADER}schema: {SCHEMA}\ndecisions:\n"
        # texts, or where they stand in the sheet: what stood together there is one piece
        self.pieces: list[str | tuple[int, int]] = []
        # entries that are not in our layout: they may lean on one another by an anchor
        self.loose: list[tuple[int, Finding | None, Decision]] = []
        self.marked = False

    def add(self, finding: Finding, decision: Decision, proposed: str) -> None:
        """The entry of a finding that is there. ``proposed``: what its text says was proposed."""
        if not decision.new:
            if decision.finding in self.sheet.composed:
                self.loose.append((len(self.pieces), finding, decision))
                self.pieces.append(self._changed(decision, proposed) or self._new(finding, decision))
                return
            if decision.by == "person" or decision.proposed == proposed:
                span = self.sheet.spans.get(decision.finding)
                if span is not None:
                    last = self.pieces[-1] if self.pieces else ""
                    if isinstance(last, tuple) and last[1] == span[0]:
                        self.pieces[-1] = (last[0], span[1])
                    else:
                        self.pieces.append(span)
                    return
            elif text := self._changed(decision, proposed):
                self.pieces.append(text)
                return
        self.pieces.append(self._new(finding, decision))

    def _changed(self, decision: Decision, proposed: str) -> str | None:
        follows = decision.by != "person" and decision.proposed != proposed
        values = {"proposed": decision.proposed, "decision": decision.decision} if follows else {}
        return self.sheet.block(decision.finding, values)

    def _new(self, finding: Finding, decision: Decision) -> str:
        return write_entry(finding, self.catalogue[finding["control"]], decision)

    def keep(self, decision: Decision) -> None:
        """The entry of a finding that is not there."""
        if decision.finding in self.sheet.composed:
            self.loose.append((len(self.pieces), None, decision))
        text = (self.sheet.block(decision.finding, {}) or _bare(decision)).replace(_ABSENT, "")
        self.pieces.append(text if self.marked else _ABSENT + text)
        self.marked = True

    def text(self) -> str:
        """The sheet as a whole."""
        if self.loose and not self._reads_the_same():
            for index, finding, decision in self.loose:
                self.pieces[index] = _bare(decision) if finding is None else self._new(finding, decision)
        if not self.pieces:
            at = self.head.rindex("decisions:") + len("decisions:")
            return f"{self.head[:at]} []{self.head[at:]}{self.sheet.tail}"
        old = self.sheet.text
        texts = (old[piece[0] : piece[1]] if isinstance(piece, tuple) else piece for piece in self.pieces)
        return "".join((self.head, *texts, self.sheet.tail))

    def _reads_the_same(self) -> bool:
        """Whether kept texts still say what was decided without those they stood with."""
        kept = "".join(str(self.pieces[index]) for index, _finding, _decision in self.loose)
        try:
            again = parse(f"{self.head}{kept}{self.sheet.tail}", name="sheet").decisions
        except DecisionError:
            return False
        return {key: _said(one) for key, one in again.items()} == {
            decision.finding: _said(decision) for _index, _finding, decision in self.loose
        }


def _said(one: Decision) -> tuple[Any, ...]:
    return (one.control, one.host, one.decision, one.owner, one.reason, one.until)


def quoted(text: Any) -> str:
    """A YAML scalar in double quotes on one line, whatever the text holds."""
    text = str(text)
    return f'"{text}"' if text.isprintable() and '"' not in text and "\\" not in text else _escaped(text)


@functools.lru_cache(maxsize=4096)
def _escaped(text: str) -> str:
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 30)).rstrip("\n")


@functools.lru_cache(maxsize=4096)
def _note(text: str) -> str:
    return STRANGE.sub("\ufffd", comment(text))


def write_entry(finding: Mapping[str, Any], control: Any, decision: Decision) -> str:
    """The text of an entry in our layout, which ``decision_text`` reads without YAML."""
    notes = ""
    if finding["protected"]:
        notes += f"    # compte protégé / protected account: {finding['protected']}\n"
    if finding.get("unconfirmed"):
        notes += f"    # non confirmé / not confirmed: {_note(finding['unconfirmed'])}\n"
    return (
        f"  - finding: {finding['id']}\n"
        f"    # {_note(control.title['fr'])}\n"
        f"    control: {finding['control']}\n"
        f"    object: {quoted(finding['object']['label'])}\n"
        f"    host: {quoted(finding['host'])}\n"
        f"    class: {control.class_}\n"
        f"{notes}{_settled(decision)}"
    )


def _bare(decision: Decision) -> str:
    return (
        f"  - finding: {decision.finding}\n    control: {quoted(decision.control)}\n    host: {quoted(decision.host)}\n"
        f"{_settled(decision)}"
    )


def _settled(decision: Decision) -> str:
    proposed = f"    proposed: {decision.proposed}\n" if decision.proposed else ""
    text = f"{proposed}    decision: {decision.decision}\n"
    waiver = decision.waiver() if decision.by == "person" else None
    if waiver:
        text += (
            f"    waiver: {{owner: {quoted(waiver['owner'])}, reason: {quoted(waiver['reason'])}, "
            f"until: {waiver['until']}}}\n"
        )
    return text


def write(path: Path, text: str) -> None:
    """Write a sheet, after reading it back: what is written can be read."""
    with document.uncollected():
        parse(text, name=str(path))
    document.write_text(path, text)
