# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan: findings, decisions and catalogue put together for a person to read, in the order to act."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls import level as rule

from . import next_level, waivers
from .decisions import Decision
from .document import now
from .model import DIRECTORY_TYPES, SEVERITIES, Finding
from .next_level import Line
from .priority import NOTHING, Board, Grade, Placed, Work
from .ways import ways

SCHEMA: Final = "care.remediation/plan/1"
WORDING: Final = 400  # characters of what one source says


def build(
    findings: Mapping[str, Any],
    decisions: Mapping[str, Decision],
    catalogue: Mapping[str, Any],
    *,
    edition: Any,
    without: Sequence[Finding] = (),
    added: Sequence[str] = (),
    dropped: Sequence[Decision] = (),
    today: datetime.date | None = None,
) -> dict[str, Any]:
    """The plan/1 document. ``findings`` is a findings/1 document; ``edition`` that of the catalogue; ``without`` the
    approved findings that no role can act on, because no source names a usable object.

    One pass over the findings, then one sort: the cost grows with their number.
    """
    day = today or datetime.datetime.now(datetime.UTC).date()
    no_object = {finding["id"] for finding in without}
    board = Board({source["id"]: source["type"] for source in findings["sources"]})
    listed: dict[str, list[tuple[Work, Grade, dict[str, Any]]]] = {}
    actions: dict[str, int] = {}
    ends: list[datetime.date] = []
    lines: list[Line] = []
    for finding in findings["findings"]:
        control, decision = catalogue[finding["control"]], decisions[finding["id"]]
        done = action(finding, decision, control, no_object, day)
        actions[done] = actions.get(done, 0) + 1
        placed = board.add(finding, control, done)
        waiver = decision.waiver()
        entry = _finding(finding, decision, done, waiver, placed)
        listed.setdefault(control.id, []).append((placed.work, placed.grade, entry))
        if waiver and decision.until:
            ends.append(decision.until)
        if finding["level"] is not None and not finding.get("unconfirmed"):
            lines.append(
                Line(finding, done, placed.changes, waiver["until"] if waiver else None, _counted(finding, control))
            )
    ranked = board.ranked()
    places = {work.id: place for place, work in enumerate(ranked, 1)}
    controls = [_control(catalogue[control], group, places) for control, group in listed.items()]
    controls.sort(key=lambda control: places[control["findings"][0]["work"]])
    assessed = levels(findings, catalogue, edition)
    return {
        "schema": SCHEMA,
        "generated": now(),
        "catalogue": named(edition),
        "levels": assessed,
        "next_level": next_level.build(
            assessed,
            lines,
            scored=edition.scored,
            evaluated=domains(findings),
            classes={control.id: control.class_ for control in catalogue.values()},
        ),
        "sources": [_source(source) for source in findings["sources"]],
        "works": [work.document(place) for place, work in enumerate(ranked, 1)],
        "controls": controls,
        "unmapped": findings["unmapped"],
        "unmatched": findings.get("unmatched", []),
        "closed": findings.get("closed", []),
        "unread": [
            {"control": control, "host": host, "reason": reason}
            for source in findings["sources"]
            for control, reason in sorted(source["unreadable"].items())
            for host in source["targets"]
        ],
        "observations": observations(findings, edition),
        "added": list(added),
        "dropped": [{"finding": one.finding, "control": one.control, "host": one.host} for one in dropped],
        "waivers": waivers.count(ends, day),
        "counts": findings["counts"]
        | {"findings": len(findings["findings"]), "actions": dict(sorted(actions.items()))},
    }


def levels(findings: Mapping[str, Any], catalogue: Mapping[str, Any], edition: Any) -> list[dict[str, Any]]:
    """The level of each domain that an audit or PingCastle looked at, as ``controls.level.assess`` gives it.

    What a live audit does not bear out (``unconfirmed``) does not count.
    """
    judged = domains(findings)
    found: dict[str, list[tuple[str, str, int | None]]] = {host: [] for host in judged}
    for one in findings["findings"]:
        if one["host"] in found and not one.get("unconfirmed"):
            found[one["host"]].append((one["host"], one["control"], one["level"]))
    return [level_of(host, judged[host], found[host], catalogue, edition) for host in sorted(judged)]


def domains(findings: Mapping[str, Any]) -> dict[str, set[str]]:
    """Each domain of a findings/1 document and the controls that were judged there."""
    known: dict[str, set[str]] = {}
    for source in findings["sources"]:
        if source["type"] in DIRECTORY_TYPES:
            for host in source["targets"]:
                known.setdefault(host, set()).update([] if source["partial"] else source["covers"])
    return known


def level_of(
    host: str,
    evaluated: set[str],
    found: Iterable[tuple[str, str, int | None]],
    catalogue: Mapping[str, Any],
    edition: Any,
) -> dict[str, Any]:
    """The level of one domain; ``found`` holds host, control and level of every finding."""
    return {"host": host} | rule.assess(
        scored=edition.scored,
        evaluated=evaluated,
        found=[(control, level) for where, control, level in found if where == host],
        classes={control.id: control.class_ for control in catalogue.values()},
    )


def named(edition: Any) -> dict[str, Any]:
    """Which catalogue judged, as documents and pages name it."""
    return {"version": edition.version, "title": text(edition.title)}


def observations(findings: Mapping[str, Any], edition: Any) -> list[dict[str, Any]]:
    """What the audits said beside the scored controls, with the catalogue's texts."""
    return [
        {
            "host": host,
            **one,
            "kind": known.kind,
            "levels": list(known.levels),
            "title": text(known.title),
            "why": text(known.why),
            "unexamined": text(known.unexamined) if known.unexamined else None,
        }
        for source in findings["sources"]
        for host in source["targets"]
        for one in source.get("observations", [])
        if (known := edition.observations.get(one["id"])) is not None
    ]


def action(
    finding: Mapping[str, Any], decision: Decision, control: Any, no_object: set[str], day: datetime.date
) -> str:
    """What happens to a finding: apply, undecided, waived, expired, manual (no role), no_object (audit first)."""
    effective = decision.effective(day)
    if effective == "waive":
        return "waived"
    if effective == "expired":
        return "expired"
    if control.remediation is None or control.class_ == "manual":
        return "manual"
    if effective == "apply":
        return "no_object" if finding["id"] in no_object else "apply"
    return "undecided"


def _counted(finding: Finding, control: Any) -> bool:
    """Whether a finding stands for one object: PingCastle may say that a control fails without saying for whom."""
    return finding["object"]["type"] != "domain" or control.remediation is None or control.remediation.shape == "value"


def _finding(
    finding: Finding, decision: Decision, done: str, waiver: dict[str, str] | None, placed: Placed
) -> dict[str, Any]:
    return {
        "id": finding["id"],
        "host": finding["host"],
        "object": finding["object"],
        "level": finding["level"],
        "severity": finding["severity"],
        "protected": finding["protected"],
        "unconfirmed": finding.get("unconfirmed"),
        "facts": None if placed.facts is NOTHING else placed.facts._asdict(),
        "ways": ways(finding["evidence"]),
        "decision": decision.decision,
        "waiver": waiver,
        "action": done,
        "work": placed.work.id,
        "sources": [_brief(mention) for mention in finding["sources"]],
    }


def _brief(mention: dict[str, Any]) -> dict[str, Any]:
    """What a source says, as far as a plan needs it: all of it is in ``findings.json``."""
    wording = mention["wording"]
    return mention if len(wording) <= WORDING else mention | {"wording": f"{wording[:WORDING]}…"}


def _control(
    control: Any, group: list[tuple[Work, Grade, dict[str, Any]]], places: Mapping[str, int]
) -> dict[str, Any]:
    """A control with its findings: those of the first piece of work first, the most urgent first in each."""
    group.sort(key=lambda one: (places[one[0].id], one[2]["action"] == "waived", one[1]))  # stable: else by name
    findings = [one[2] for one in group]
    graded = [finding["level"] for finding in findings if finding["level"] is not None]
    remediation = control.remediation
    return {
        "control": control.id,
        "family": control.family,
        "class": control.class_,
        "level": min(graded, default=None),
        "severity": None if graded else worst(finding["severity"] for finding in findings) or control.severity,
        "title": text(control.title),
        "why": text(control.why),
        "effect": text(control.effect),
        "manual": text(control.manual),
        "reference": control.reference,
        "role": remediation.role if remediation else None,
        "variable": remediation.variable if remediation else None,
        "findings": findings,
    }


def worst(severities: Iterable[str | None]) -> str | None:
    """The worst of some severities; None where there is none."""
    there = set(severities)
    return next((severity for severity in SEVERITIES if severity in there), None)


def text(both: Any) -> dict[str, str]:
    """A catalogue text as a dictionary of both languages."""
    return {"fr": both["fr"], "en": both["en"]}


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("id", "type", "file", "sha256", "tool_version", "generated", "level", "targets", "partial", "notes")
    # findings of an earlier version do not say these
    more = {"remembered": False, "informational": 0, "skipped": {"count": 0, "first": []}}
    return {key: source[key] for key in keys} | {key: source.get(key, usual) for key, usual in more.items()}
