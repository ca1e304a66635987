# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan: findings, decisions and catalogue put together for a person to read, in the order to act."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls import level as rule

from .decisions import Decision
from .document import now
from .model import Finding, rank
from .ways import ways

SCHEMA: Final = "care.remediation/plan/1"


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
    approved findings that no role can act on, because no source names a usable object."""
    day = today or datetime.datetime.now(datetime.UTC).date()
    no_object = {finding["id"] for finding in without}
    by_control: dict[str, list[Finding]] = {}
    for finding in findings["findings"]:
        by_control.setdefault(finding["control"], []).append(finding)
    sources = {source["id"]: source for source in findings["sources"]}
    controls = [
        _control(catalogue[control], group, decisions, no_object, sources, day) for control, group in by_control.items()
    ]
    controls.sort(key=_priority)
    actions: dict[str, int] = {}
    for control in controls:
        for finding in control["findings"]:
            actions[finding["action"]] = actions.get(finding["action"], 0) + 1
    return {
        "schema": SCHEMA,
        "generated": now(),
        "catalogue": named(edition),
        "levels": levels(findings, catalogue, edition),
        "sources": [_source(source) for source in findings["sources"]],
        "controls": controls,
        "unmapped": findings["unmapped"],
        "unread": [
            {"control": control, "host": host, "reason": reason}
            for source in findings["sources"]
            for control, reason in sorted(source["unreadable"].items())
            for host in source["targets"]
        ],
        "observations": observations(findings, edition),
        "added": list(added),
        "dropped": [{"finding": one.finding, "control": one.control, "host": one.host} for one in dropped],
        "counts": findings["counts"]
        | {"findings": len(findings["findings"]), "actions": dict(sorted(actions.items()))},
    }


def _priority(control: Mapping[str, Any]) -> tuple[Any, ...]:
    """What stands lowest first, then the safest and smallest corrections."""
    line = {"control": control["control"], "class": control["class"], "findings": len(control["findings"])}
    return rank(control["level"], control["severity"]), rule.order(line)


def levels(findings: Mapping[str, Any], catalogue: Mapping[str, Any], edition: Any) -> list[dict[str, Any]]:
    """The level of each domain that an audit or PingCastle looked at, as ``controls.level.assess`` gives it.

    What a live audit does not bear out (``unconfirmed``) does not count.
    """
    found = [(f["host"], f["control"], f["level"]) for f in findings["findings"] if not f.get("unconfirmed")]
    return [
        level_of(host, evaluated, found, catalogue, edition) for host, evaluated in sorted(domains(findings).items())
    ]


def domains(findings: Mapping[str, Any]) -> dict[str, set[str]]:
    """Each domain of a findings/1 document and the controls that were judged there."""
    known: dict[str, set[str]] = {}
    for source in findings["sources"]:
        if source["type"] in ("directory", "pingcastle"):
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


def _control(
    control: Any,
    group: Sequence[Finding],
    decisions: Mapping[str, Decision],
    no_object: set[str],
    sources: Mapping[str, Mapping[str, Any]],
    day: datetime.date,
) -> dict[str, Any]:
    listed = []
    for finding in group:
        decision = decisions[finding["id"]]
        listed.append(
            {
                "id": finding["id"],
                "host": finding["host"],
                "object": finding["object"],
                "level": finding["level"],
                "severity": finding["severity"],
                "protected": finding["protected"],
                "unconfirmed": finding.get("unconfirmed"),
                "ways": ways(finding["evidence"]),
                "decision": decision.decision,
                "waiver": decision.waiver(),
                "action": action(finding, decision, control, no_object, day),
                "sources": [
                    mention | {"type": sources[mention["source"]]["type"], "file": sources[mention["source"]]["file"]}
                    for mention in finding["sources"]
                ],
            }
        )
    graded = [finding["level"] for finding in group if finding["level"] is not None]
    remediation = control.remediation
    return {
        "control": control.id,
        "family": control.family,
        "class": control.class_,
        "level": min(graded, default=None),
        "severity": None if graded else next((f["severity"] for f in group if f["severity"]), control.severity),
        "title": text(control.title),
        "why": text(control.why),
        "effect": text(control.effect),
        "manual": text(control.manual),
        "reference": control.reference,
        "role": remediation.role if remediation else None,
        "variable": remediation.variable if remediation else None,
        "findings": listed,
    }


def text(both: Any) -> dict[str, str]:
    """A catalogue text as a dictionary of both languages."""
    return {"fr": both["fr"], "en": both["en"]}


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("id", "type", "file", "sha256", "tool_version", "generated", "level", "targets", "partial", "notes")
    return {key: source[key] for key in keys}
