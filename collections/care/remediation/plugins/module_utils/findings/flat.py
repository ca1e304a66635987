# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Findings for playbooks: one flat dictionary a finding, and the selections that the lookup and the filters share."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .decisions import DECISIONS, Decision
from .model import SEVERITIES, rank
from .priority import facts, grade, reach

# What a finding is decided to be; expired is a waiver that has run out
SETTLED: Final = (*DECISIONS, "expired")


class SelectionError(Exception):
    """What was asked for cannot be selected; the message says why and what may be written."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which findings are wanted; an empty collection wants all. ``least``: this ANSSI level and worse ones."""

    host: Collection[str] = ()
    control: Collection[str] = ()
    decision: Collection[str] = ()
    severity: Collection[str] = ()
    least: int | None = None

    @classmethod
    def of(
        cls, host: Any = None, control: Any = None, decision: Any = None, severity: Any = None, min_level: Any = None
    ) -> Selection:
        """From what a playbook gives: a text or a list of texts each, and a number. Raises SelectionError."""
        chosen = cls(
            frozenset(_texts(host, "host")),
            frozenset(_texts(control, "control")),
            frozenset(_texts(decision, "decision")),
            frozenset(_texts(severity, "severity")),
            _level(min_level),
        )
        _known(chosen.decision, SETTLED, "decision")
        _known(chosen.severity, SEVERITIES, "severity")
        return chosen

    def wants(self, one: Mapping[str, Any]) -> bool:
        """Whether a flat finding is wanted."""
        if self.host and one["host"] not in self.host:
            return False
        if self.control and one["control"] not in self.control:
            return False
        if self.severity and one["severity"] not in self.severity:
            return False
        if self.decision:
            if one["decision"] is None:
                raise SelectionError(
                    "a findings document holds no decisions: give decisions= (the content of decisions.yml), or a plan"
                )
            if one["decision"] not in self.decision:
                return False
        return self.least is None or rank(one["level"], one["severity"])[0] <= self.least


def flatten(
    finding: Mapping[str, Any],
    types: Mapping[str, str],
    decision: Decision | None = None,
    *,
    day: datetime.date,
    decided: bool = True,
) -> dict[str, Any]:
    """One finding of findings/1 as a flat dictionary.

    ``types``: source id to its type. A finding that the sheet does not hold yet is ``undecided``; with ``decided``
    false there is no sheet, and its decision is None.
    """
    made, evidence = finding["object"], finding["evidence"]
    waiver = decision.waiver() if decision else None
    said = facts(evidence)
    protocol, number = port(made["id"])
    return {
        "id": finding["id"],
        "control": finding["control"],
        "host": finding["host"],
        "level": finding["level"],
        "severity": finding["severity"],
        "urgency": grade(finding, reach(finding, types), said).urgency,
        "protected": finding["protected"],
        "unconfirmed": finding.get("unconfirmed"),
        "decision": decision.effective(day) if decision else "undecided" if decided else None,
        "owner": waiver["owner"] if waiver else None,
        "reason": waiver["reason"] if waiver else None,
        "until": waiver["until"] if waiver else None,
        "object": made["label"],
        "object_type": made["type"],
        "object_id": made["id"],
        "dn": made["dn"],
        "sid": made["sid"],
        "port": number,
        "protocol": protocol,
        "service": _text(evidence.get("service")),
        "title": said.title,
        "solution": _text(evidence.get("solution")),
        "cve": list(said.cve),
        "cvss": said.cvss,
        "epss": said.epss,
        "kev": said.kev,
        "sources": sorted({types.get(mention["source"], mention["source"]) for mention in finding["sources"]}),
        "rules": [mention["rule"] for mention in finding["sources"]],
        "wordings": [mention["wording"] for mention in finding["sources"]],
        "evidence": evidence,
    }


def of_document(
    document: Any, *, decisions: Any = None, day: datetime.date | None = None
) -> Iterable[Mapping[str, Any]]:
    """The flat findings of a findings/1 or plan/1 document, or a list of them as it is.

    ``decisions``: a decisions/1 document. Raises SelectionError for anything else.
    """
    today = day or datetime.datetime.now(datetime.UTC).date()
    if isinstance(document, list | tuple):
        for one in document:
            if not isinstance(one, Mapping) or "object_id" not in one:
                raise SelectionError("a list must hold findings as care_findings gives them")
        return document
    schema = document.get("schema") if isinstance(document, Mapping) else None
    if schema == "care.remediation/findings/1":
        types = {source["id"]: source["type"] for source in document["sources"]}
        sheet = None if decisions is None else settled(decisions)
        return (
            flatten(one, types, (sheet or {}).get(one["id"]), day=today, decided=sheet is not None)
            for one in document["findings"]
        )
    if schema == "care.remediation/plan/1":
        return _of_plan(document, today)
    raise SelectionError(
        "this is neither a findings document (findings.json), nor a plan (plan.json), nor a list of findings as "
        "care_findings gives them"
    )


def _of_plan(plan: Mapping[str, Any], day: datetime.date) -> Iterable[Mapping[str, Any]]:
    types = {source["id"]: source["type"] for source in plan["sources"]}
    cures = {work["id"]: work["cure"] for work in plan["works"]}
    for control in plan["controls"]:
        for one in control["findings"]:
            waiver = one["waiver"] or {}
            until = datetime.date.fromisoformat(waiver["until"]) if waiver else None
            decision = Decision(
                one["id"],
                control["control"],
                one["host"],
                one["decision"],
                waiver.get("owner", ""),
                waiver.get("reason", ""),
                until,
            )
            evidence = {**(one["facts"] or {}), "solution": cures.get(one["work"])}
            finding = {**one, "control": control["control"], "evidence": evidence}
            yield flatten(finding, types, decision, day=day)


def settled(document: Any) -> dict[str, Decision]:
    """The decisions of a decisions/1 document that was read as YAML, by finding id. Raises SelectionError."""
    entries = document.get("decisions") if isinstance(document, Mapping) else None
    if not isinstance(entries, list | tuple):
        raise SelectionError("decisions= must be the content of decisions.yml (a mapping with the list 'decisions')")
    found = {}
    try:
        rules = {rule["name"]: rule.get("waiver") for rule in document.get("rules") or []}
    except (AttributeError, KeyError, TypeError) as error:
        raise SelectionError("decisions= holds a rule that is none of decisions.yml") from error
    for one in entries:
        try:
            # an entry that follows a rule has the waiver of the rule
            waiver = one.get("waiver") or rules.get(str(one.get("proposed", "")).partition(" by ")[2]) or {}
            until = waiver.get("until")
            end = until if isinstance(until, datetime.date) else datetime.date.fromisoformat(until) if until else None
            found[one["finding"]] = Decision(
                one["finding"],
                one["control"],
                one["host"],
                one["decision"],
                str(waiver.get("owner", "")),
                str(waiver.get("reason", "")),
                end,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SelectionError("decisions= holds an entry that is none of decisions.yml") from error
    return found


def hosts(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One flat dictionary for each host of some flat findings, most urgent first."""
    known: dict[str, dict[str, Any]] = {}
    for one in found:
        entry = known.get(one["host"])
        if entry is None:
            entry = known[one["host"]] = {
                "host": one["host"],
                "findings": 0,
                "urgency": one["urgency"],
                "level": None,
                "severity": None,
                "kev": 0,
                "controls": set(),
            }
        entry["findings"] += 1
        entry["urgency"] = min(entry["urgency"], one["urgency"])
        entry["kev"] += bool(one["kev"])
        entry["controls"].add(one["control"])
        if one["level"] is not None and (entry["level"] is None or one["level"] < entry["level"]):
            entry["level"] = one["level"]
        if rank(None, one["severity"]) < rank(None, entry["severity"]):
            entry["severity"] = one["severity"]
    listed = sorted(known.values(), key=lambda entry: (entry["urgency"], -entry["findings"], entry["host"]))
    return [entry | {"controls": sorted(entry["controls"])} for entry in listed]


def port(identity: str) -> tuple[str | None, int | None]:
    """Protocol and port of an object id (``tcp/443``, ``tcp/443/CVE-2014-0160``), or None twice."""
    protocol, _slash, rest = identity.partition("/")
    number = rest.partition("/")[0]
    if protocol in ("tcp", "udp", "sctp") and number.isdigit() and 0 < int(number[:6]) < 65536:
        return protocol, int(number)
    return None, None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any, name: str) -> list[str]:
    if value is None:
        return []
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple | set | frozenset) or not all(isinstance(one, str) for one in listed):
        raise SelectionError(f"{name} must be a text or a list of texts")
    return list(listed)


def _known(given: Iterable[str], allowed: Collection[str], name: str) -> None:
    for one in given:
        if one not in allowed:
            raise SelectionError(f"{name} {one!r} is none of {', '.join(allowed)}")


def _level(value: Any) -> int | None:
    if value is None:
        return None
    try:
        level = int(value)
    except (TypeError, ValueError):
        level = 0
    if isinstance(value, bool) or not 1 <= level <= 5:
        raise SelectionError(f"min_level {value!r} is no ANSSI level from 1 (worst) to 5")
    return level
