# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The rules of a decision sheet: one decision or waiver for many findings at once.

A rule names what it is about (control, host, object, rule of a report, CVE); the most specific rule wins.
"""

from __future__ import annotations

import contextlib
import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import yaml

from .escape import comment

DECISIONS: Final = ("apply", "undecided", "waive")
CONDITIONS: Final = ("control", "host", "object", "source_rule", "cve")
NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_NAME: Final = re.compile(NAME)
_MAX_RULES: Final = 10_000


class DecisionError(Exception):
    """The sheet (or a standing decision) is wrong; the message names file, line, column and what to write."""


@dataclass(slots=True, frozen=True)
class Waiver:
    """Who accepts a risk, why, and until when: ``until`` is the last day, included."""

    owner: str
    reason: str
    until: datetime.date

    def stated(self) -> bool:
        """Whether a person filled it in."""
        return all(text and text not in ("…", "...") for text in (self.owner, self.reason))


@dataclass(slots=True)
class Rule:
    """One rule. ``conditions``: name of a condition to its patterns (``*`` and ``?``), of which one must match."""

    name: str
    decision: str
    conditions: dict[str, tuple[str, ...]]
    waiver: Waiver | None = None
    line: int = 0
    matched: int = 0
    governs: int = 0
    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.patterns = {name: _pattern(texts) for name, texts in self.conditions.items()}

    @property
    def specific(self) -> tuple[int, int, int]:
        """How specific it is: number of conditions that ask for something, of those without wildcard, their length."""
        asked = [texts for texts in self.conditions.values() if all(text.strip("*") for text in texts)]
        exact = [texts for texts in asked if not any(mark in text for text in texts for mark in "*?")]
        return len(asked), len(exact), sum(min(len(text.replace("*", "")) for text in texts) for texts in asked)

    def said(self) -> dict[str, Any]:
        """The rule for a document: its name and line, how many findings it matches, and how many it decides."""
        return {"name": self.name, "line": self.line, "matched": self.matched, "governs": self.governs}


class Rules:
    """All rules of a sheet, the most specific one first."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.listed: list[Rule] = list(rules)
        self.by_name: dict[str, Rule] = {rule.name: rule for rule in self.listed}
        # sorted() keeps the order of the sheet where two are as specific
        self._ordered = sorted(self.listed, key=lambda rule: rule.specific, reverse=True)
        # rules that name hosts in full are found by name, so that thousands of them cost no more than a few
        self._named: dict[str, list[int]] = {}
        self._others: list[int] = []
        for index, rule in enumerate(self._ordered):
            hosts = rule.conditions.get("host", ("*",))
            if any(mark in text for text in hosts for mark in "*?"):
                self._others.append(index)
            else:
                for text in {text.casefold() for text in hosts}:
                    self._named.setdefault(text, []).append(index)
        self._of_control: dict[str, list[int]] = {}
        self._near: dict[tuple[str, str], list[Rule]] = {}

    def match(self, finding: Mapping[str, Any]) -> Rule | None:
        """The rule that decides for a finding; counts it with every rule that matches."""
        if not self._ordered:
            return None
        place = finding["control"], finding["host"]
        near = self._near.get(place)
        if near is None:
            near = self._near[place] = self._find(*place)
        first = None
        for rule in near:
            if not _about(rule, finding):
                continue
            rule.matched += 1
            first = first or rule
        return first

    def _find(self, control: str, host: str) -> list[Rule]:
        """The rules about a control of a host, the most specific one first."""
        others = self._of_control.get(control)
        if others is None:
            others = [index for index in self._others if _holds(self._ordered[index], "control", (control,))]
            self._of_control[control] = others
        found = [index for index in others if _holds(self._ordered[index], "host", (host,))]
        for index in self._named.get(host.casefold(), ()):
            if _holds(self._ordered[index], "control", (control,)):
                found.append(index)
        return [self._ordered[index] for index in sorted(found)]


def _about(rule: Rule, finding: Mapping[str, Any]) -> bool:
    patterns = rule.patterns
    if "object" in patterns and not _holds(rule, "object", (finding["object"]["id"], finding["object"]["label"])):
        return False
    if "source_rule" in patterns and not _holds(rule, "source_rule", (one["rule"] for one in finding["sources"])):
        return False
    return "cve" not in patterns or _holds(rule, "cve", cves(finding))


def cves(finding: Mapping[str, Any]) -> list[str]:
    """The CVE ids of a finding: those of its evidence, and rules of reports that are named after one."""
    given = finding["evidence"].get("cve") or []
    texts = [given] if isinstance(given, str) else [text for text in given if isinstance(text, str)]
    return texts + [one["rule"] for one in finding["sources"] if one["rule"][:4].upper() == "CVE-"]


def _holds(rule: Rule, name: str, texts: Iterable[str]) -> bool:
    pattern = rule.patterns.get(name)
    return pattern is None or any(pattern.fullmatch(text) for text in texts)


def _pattern(texts: Sequence[str]) -> re.Pattern[str]:
    """Wildcards as an expression without backtracking: ``a*b*c`` is looked for part by part (atomic groups)."""
    return re.compile("|".join(_wildcards(text) for text in texts), re.IGNORECASE | re.DOTALL)


def _wildcards(text: str) -> str:
    *parts, last = re.split(r"\*+", text)
    if not parts:
        return _literal(last)
    inner = "".join(f"(?>.*?{_literal(part)})" for part in parts[1:] if part)
    return f"{_literal(parts[0])}{inner}.*{_literal(last)}"


def _literal(text: str) -> str:
    return re.escape(text).replace(r"\?", ".")


def place(node: yaml.Node, name: str) -> str:
    """Where something stands, as errors say it."""
    return f"{name}, line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"


def mapping(node: yaml.Node, name: str, what: str) -> dict[str, yaml.Node]:
    """The keys of a node and their values; DecisionError where it is no mapping, or has a key twice."""
    if not isinstance(node, yaml.MappingNode):
        raise DecisionError(f"{place(node, name)}: {what} must be a mapping (key: value)")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        text = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if text in found:
            raise DecisionError(f"{place(key, name)}: '{comment(text, 60)}' is written twice")
        found[text] = value
    return found


def known(node: yaml.Node, allowed: Sequence[str], name: str, what: str) -> None:
    """DecisionError where a mapping has a key that means nothing."""
    for key, _value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value not in allowed:
            text = key.value if isinstance(key, yaml.ScalarNode) else "?"
            raise DecisionError(
                f"{place(key, name)}: unknown key '{comment(text, 60)}' in {what} (known: {', '.join(allowed)})"
            )


def scalar(node: yaml.Node | None) -> str:
    """The text of a scalar, empty for anything else."""
    return node.value.strip() if isinstance(node, yaml.ScalarNode) else ""


def read_waiver(node: yaml.Node, name: str) -> Waiver:
    """A waiver with all three things that it needs."""
    values = mapping(node, name, "'waiver'")
    known(node, ("owner", "reason", "until"), name, "the waiver")
    text = {key: scalar(value) for key, value in values.items()}
    for key in ("owner", "reason", "until"):
        if not text.get(key) or text[key] in ("…", "..."):
            where = place(values.get(key, node), name)
            raise DecisionError(f"{where}: the waiver has no '{key}'; owner, reason and until are mandatory")
    return Waiver(text["owner"], text["reason"], read_date(text["until"], values["until"], name))


def read_date(text: str, node: yaml.Node, name: str) -> datetime.date:
    """A day written YYYY-MM-DD, and in no other way."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            raise ValueError(text)
        return datetime.date.fromisoformat(text)
    except ValueError as exc:
        raise DecisionError(
            f"{place(node, name)}: until '{comment(text, 40)}' is not a date written YYYY-MM-DD"
        ) from exc


def read_rules(node: yaml.Node, name: str) -> tuple[Rules, list[str]]:
    """The rules in the part ``rules`` of a sheet, and the mistakes in it."""
    if isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~"):
        return Rules(), []
    if not isinstance(node, yaml.SequenceNode):
        return Rules(), [f"{place(node, name)}: 'rules' must be a list"]
    if len(node.value) > _MAX_RULES:
        return Rules(), [f"{place(node, name)}: more than {_MAX_RULES} rules"]
    rules: dict[str, Rule] = {}
    mistakes = []
    for entry in node.value:
        try:
            rule = _rule(entry, name)
            if rule.name in rules:
                first = rules[rule.name].line
                raise DecisionError(
                    f"{place(entry, name)}: two rules are named '{rule.name}' (the first on line {first})"
                )
            rules[rule.name] = rule
        except DecisionError as exc:
            mistakes.append(str(exc))
    return Rules(rules.values()), mistakes


def _rule(node: yaml.Node, name: str) -> Rule:
    values = mapping(node, name, "a rule")
    known(node, ("name", *CONDITIONS, "decision", "waiver"), name, "a rule")
    called = scalar(values.get("name"))
    if not _NAME.fullmatch(called):
        where = place(values.get("name", node), name)
        raise DecisionError(f"{where}: a rule needs a 'name' of its own: letters, digits, '.', '_' and '-', at most 64")
    conditions: dict[str, tuple[str, ...]] = {
        key: _patterns(values[key], key, name) for key in CONDITIONS if key in values
    }
    if not conditions:
        raise DecisionError(
            f"{place(node, name)}: rule {called} says of nothing what it is about: {', '.join(CONDITIONS)}"
        )
    decision = scalar(values.get("decision"))
    if decision not in DECISIONS:
        where = place(values.get("decision", node), name)
        raise DecisionError(f"{where}: decision '{comment(decision, 40)}' is none of apply, undecided, waive")
    waiver = read_waiver(values["waiver"], name) if "waiver" in values else None
    if (decision == "waive") != (waiver is not None):
        raise DecisionError(
            f"{place(values['decision'], name)}: rule {called}: 'decision: waive' and 'waiver: {{owner: \"…\", "
            'reason: "…", until: YYYY-MM-DD}\' go together'
        )
    return Rule(called, decision, conditions, waiver, line=node.start_mark.line + 1)


def _patterns(node: yaml.Node, key: str, name: str) -> tuple[str, ...]:
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    texts = tuple(scalar(one) for one in nodes)
    if not texts or not all(texts) or any(len(text) > 500 for text in texts) or len(texts) > 1000:
        raise DecisionError(
            f"{place(node, name)}: '{key}' must be a text or a list of texts ('*' and '?' match others)"
        )
    return texts
