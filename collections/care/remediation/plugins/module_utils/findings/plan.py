# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The plan: findings, decisions and catalogue put together for a person to read, in the order to act."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .decisions import Decision
from .document import now
from .model import Finding, rank

SCHEMA: Final = "care.remediation/plan/1"


def build(
    findings: Mapping[str, Any],
    decisions: Mapping[str, Decision],
    catalogue: Mapping[str, Any],
    *,
    without: Sequence[Finding] = (),
    added: Sequence[str] = (),
    dropped: Sequence[Decision] = (),
    today: datetime.date | None = None,
) -> dict[str, Any]:
    """The plan/1 document. ``findings`` is a findings/1 document; ``without`` the approved findings that no role can
    act on, because no source names a usable object."""
    day = today or datetime.datetime.now(datetime.UTC).date()
    no_object = {finding["id"] for finding in without}
    by_control: dict[str, list[Finding]] = {}
    for finding in findings["findings"]:
        by_control.setdefault(finding["control"], []).append(finding)
    sources = {source["id"]: source for source in findings["sources"]}
    controls = [
        _control(catalogue[control], group, decisions, no_object, sources, day) for control, group in by_control.items()
    ]
    controls.sort(key=lambda one: (rank(one["level"], one["severity"]), one["control"]))
    actions: dict[str, int] = {}
    for control in controls:
        for finding in control["findings"]:
            actions[finding["action"]] = actions.get(finding["action"], 0) + 1
    return {
        "schema": SCHEMA,
        "generated": now(),
        "levels": levels(findings, catalogue),
        "sources": [_source(source) for source in findings["sources"]],
        "controls": controls,
        "unmapped": findings["unmapped"],
        "unread": [
            {"control": control, "host": host, "reason": reason}
            for source in findings["sources"]
            for control, reason in sorted(source["unreadable"].items())
            for host in source["targets"]
        ],
        "added": list(added),
        "dropped": [{"finding": one.finding, "control": one.control, "host": one.host} for one in dropped],
        "counts": findings["counts"]
        | {"findings": len(findings["findings"]), "actions": dict(sorted(actions.items()))},
    }


def levels(findings: Mapping[str, Any], catalogue: Mapping[str, Any]) -> list[dict[str, Any]]:
    """For each domain, the ADS level that its findings leave: the lowest level of a failed control, 5 if none.

    Our own computation over the controls that were evaluated, not the score of ANSSI's service. ``evaluated`` says
    how many were, ``unread`` which could not be.
    """
    domains: dict[str, dict[str, Any]] = {}
    for source in findings["sources"]:
        if source["type"] not in ("directory", "pingcastle"):
            continue
        for host in source["targets"]:
            known = domains.setdefault(host, {"evaluated": set(), "unread": set()})
            known["evaluated"] |= {c for c in source["covers"] if c in catalogue and catalogue[c].levels}
            known["unread"] |= {c for c in source["unreadable"] if c in catalogue and catalogue[c].levels}
    result = []
    for host, known in sorted(domains.items()):
        failed = [
            f["level"]
            for f in findings["findings"]
            if f["host"] == host and f["level"] is not None and not f.get("unconfirmed")
        ]
        result.append(
            {
                "host": host,
                "level": min(failed, default=5),
                "evaluated": len(known["evaluated"]),
                "unread": sorted(known["unread"] - known["evaluated"]),
            }
        )
    return result


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
