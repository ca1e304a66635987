# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Verdicts: what held before, what holds now, and what nobody looked at again.

What could not be read is ``unverified``, never ``compliant``: absence counts only where a source that can judge the
control did judge that host.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .closing import Closing
from .decisions import Decision
from .document import now
from .model import order, rank
from .plan import domains, level_of, levels, named, observations, text
from .ports import in_ranges

SCHEMA: Final = "care.remediation/verdicts/1"
VERDICTS: Final = ("failed", "unverified", "waived", "changed", "compliant")


class After:
    """What the second look knows: which finding is still there, which control was judged on which host."""

    def __init__(self, after: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
        self.findings = {finding["id"]: finding for finding in after["findings"]}
        self.sources = after["sources"]
        # of both looks, told apart: what a tool's rule said is gone when the same tool looked again and is silent
        looks = ("before", before["sources"] if before else []), ("after", after["sources"])
        self._closing = Closing([source | {"id": f"{look} {source['id']}"} for look, of in looks for source in of])
        self._names: dict[tuple[str, str, str], str] = {}
        for finding in after["findings"]:
            for name in _names(finding):
                self._names[(finding["control"], finding["host"], name)] = finding["id"]
        self._by_target: dict[tuple[str, str], list[str]] = {}
        for finding in after["findings"]:
            self._by_target.setdefault((finding["control"], finding["host"]), []).append(finding["id"])

    def still(self, finding: Mapping[str, Any]) -> str | None:
        """The id under which a finding is still found: by id, by SID or DN; for one without objects, any of its
        control and host."""
        if finding["id"] in self.findings:
            return str(finding["id"])
        for name in _names(finding):
            found = self._names.get((finding["control"], finding["host"], name))
            if found:
                return found
        if finding["object"]["type"] == "domain":
            there = self._by_target.get((finding["control"], finding["host"]))
            return there[0] if there else None
        return None

    def judged(self, control: str, host: str) -> tuple[bool, str]:
        """Whether the second look judged a control on a host; otherwise why not."""
        reasons = []
        for source in self.sources:
            if host not in source["targets"]:
                continue
            if control in source["unreadable"]:
                reasons.append(source["unreadable"][control])
            elif control in source["covers"]:
                if not source["partial"]:
                    return True, ""
                reasons.append(f"{source['file']} is truncated")
        return False, "; ".join(reasons) or "no source that can judge this control looked at this host again"

    def gone(self, finding: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether a finding that is not found any more is really gone; otherwise why that is not certain."""
        host, made = finding["host"], finding["object"]
        if made["type"] == "weakness":
            return self._silent(finding)
        if made["type"] == "port":
            closed, why = self._closed(finding["control"], host, made["id"])
            # what a port serves (not whether it is open), the host's own audit can tell too
            return (True, "") if closed or self._audited(finding["control"], host) else (False, why)
        return self.judged(finding["control"], host)

    def _silent(self, finding: Mapping[str, Any]) -> tuple[bool, str]:
        mentions = [mention | {"source": f"before {mention['source']}"} for mention in finding["sources"]]
        told = {**finding, "sources": mentions}
        if mentions and all(self._closing.closer(told, mention) is not None for mention in mentions):
            return True, ""
        return False, "no later report of the same tool and scope looked at this host again"

    def _audited(self, control: str, host: str) -> bool:
        return any(
            source["type"] == "host" and host in source["targets"] and control in source["covers"]
            for source in self.sources
        )

    def _closed(self, control: str, host: str, port: str) -> tuple[bool, str]:
        scans = [source for source in self.sources if "scan" in source and host in source["scan"]["hosts"]]
        protocol, _slash, number = port.partition("/")
        tried = [s for s in scans if not s["partial"] and in_ranges(int(number), s["scan"]["tried"].get(protocol, ""))]
        if not tried:
            return False, f"no new scan tried {port} on this host" if scans else "no new scan of this host was given"
        if any(port in source["scan"]["hosts"][host]["undetermined"] for source in tried):
            return False, f"the new scan could not tell whether {port} is open"
        if not any(port in source["scan"]["hosts"][host]["open"] for source in tried):
            return True, ""
        if any(control in source["covers"] for source in tried):
            return True, ""  # open, and examined for this control: it is what it serves that changed
        return False, f"{port} is still open and the new scan did not run what shows this control"


def build(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    decisions: Mapping[str, Decision],
    catalogue: Mapping[str, Any],
    *,
    edition: Any,
    today: datetime.date | None = None,
) -> dict[str, Any]:
    """The verdicts/1 document, from the findings before and after, and the decisions by finding id."""
    day = today or datetime.datetime.now(datetime.UTC).date()
    known = After(after, before)
    matched: set[str] = set()
    judged = []
    for finding in before["findings"]:
        judged.append(_finding(finding, known, decisions.get(finding["id"]), day, matched))
    for identity, finding in known.findings.items():
        if identity not in matched:
            one = _line(finding, decisions.get(identity), "failed", "found now, not before", new=True)
            effective = decisions[identity].effective(day) if identity in decisions else ""
            judged.append(one | {"verdict": "waived"} if effective == "waive" else one)
    judged.sort(key=order)
    controls = _controls(judged, before, after, known, catalogue)
    counts = {verdict: sum(one["verdict"] == verdict for one in judged) for verdict in VERDICTS}
    return {
        "schema": SCHEMA,
        "generated": now(),
        "catalogue": named(edition),
        "before": {"generated": before["generated"], "levels": levels(before, catalogue, edition)},
        "after": {
            "generated": after["generated"],
            "levels": _levels(before, after, judged, catalogue, edition),
            "observations": observations(after, edition),
            "sources": [{key: s[key] for key in ("type", "file", "sha256", "generated")} for s in after["sources"]],
        },
        "controls": controls,
        "findings": judged,
        "counts": {
            "findings": counts,
            "controls": {verdict: sum(one["verdict"] == verdict for one in controls) for verdict in VERDICTS},
        },
    }


def _levels(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    judged: Iterable[Mapping[str, Any]],
    catalogue: Mapping[str, Any],
    edition: Any,
) -> list[dict[str, Any]]:
    """The level of each domain now. A finding that nobody looked at again still counts: silence raises no level."""
    evaluated: dict[str, set[str]] = {host: set() for host in domains(before)} | domains(after)
    there = ("failed", "unverified", "waived")
    found = [(one["host"], one["control"], one["level"]) for one in judged if one["verdict"] in there]
    return [level_of(host, controls, found, catalogue, edition) for host, controls in sorted(evaluated.items())]


def failing(verdicts: Mapping[str, Any], *, strict: bool = False) -> list[dict[str, Any]]:
    """The findings that fail the gate: still there although a person decided to correct them; new ones; with
    ``strict`` also every finding or control that was not verified."""
    bad = [
        one
        for one in verdicts["findings"]
        if (one["verdict"] == "failed" and (one["decision"] == "apply" or one["new"]))
        or (strict and one["verdict"] == "unverified")
    ]
    if strict:
        named = {(one["control"], one["host"]) for one in bad}
        bad += [
            {**one, "object": {"label": "–"}, "reason": one["reason"]}
            for one in verdicts["controls"]
            if one["verdict"] == "unverified" and (one["control"], one["host"]) not in named
        ]
    return bad


def _names(finding: Mapping[str, Any]) -> Iterable[str]:
    made = finding["object"]
    return {str(value).casefold() for value in (made["sid"], made["dn"], made["id"]) if value}


def _finding(
    finding: Mapping[str, Any], known: After, decision: Decision | None, day: datetime.date, matched: set[str]
) -> dict[str, Any]:
    still = known.still(finding)
    effective = decision.effective(day) if decision else "undecided"
    if still is not None:
        matched.add(still)
        if finding["object"]["type"] == "domain":  # one without objects is seen again in any of the objects
            matched |= {i for i, f in known.findings.items() if _target(f) == _target(finding)}
        present = known.findings[still]
        judged, why = known.judged(finding["control"], finding["host"])
        if effective == "waive":
            return _line(finding, decision, "waived", "")
        if present.get("unconfirmed") and judged:
            return _line(finding, decision, "compliant", str(present["unconfirmed"]))
        reason = "the waiver has run out" if effective == "expired" else "still found"
        return _line(finding, decision, "failed", reason)
    gone, why = known.gone(finding)
    if gone:
        return _line(finding, decision, "compliant" if finding.get("unconfirmed") else "changed", "")
    if effective == "waive":
        return _line(finding, decision, "waived", why)
    return _line(finding, decision, "unverified", why)


def _target(finding: Mapping[str, Any]) -> tuple[str, str]:
    return finding["control"], finding["host"]


def _line(
    finding: Mapping[str, Any], decision: Decision | None, verdict: str, reason: str, *, new: bool = False
) -> dict[str, Any]:
    return {
        "id": finding["id"],
        "control": finding["control"],
        "host": finding["host"],
        "object": finding["object"],
        "level": finding["level"],
        "severity": finding["severity"],
        "protected": finding["protected"],
        "decision": decision.decision if decision else "undecided",
        "waiver": decision.waiver() if decision else None,
        "verdict": verdict,
        "reason": reason,
        "new": new,
    }


def _controls(
    judged: Iterable[Mapping[str, Any]],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    known: After,
    catalogue: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """One line a control and host: the worst verdict of its findings; without findings, whether it was evaluated."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in judged:
        groups.setdefault((one["control"], one["host"]), []).append(one)
    for document in (before, after):
        for source in document["sources"]:
            for host in source["targets"]:
                for control in [*source["covers"], *source["unreadable"]]:
                    if control in catalogue:
                        groups.setdefault((control, host), [])
    lines = []
    for (control, host), group in groups.items():
        entry = catalogue.get(control)
        evaluated, why = known.judged(control, host)
        if group:
            verdict = min((one["verdict"] for one in group), key=VERDICTS.index)
            reason = "" if verdict != "unverified" else next(o["reason"] for o in group if o["verdict"] == verdict)
        else:
            verdict, reason = ("compliant", "") if evaluated else ("unverified", why)
        graded = [one["level"] for one in group if one["level"] is not None]
        level = min(graded, default=min(entry.levels, default=None) if entry else None)
        lines.append(
            {
                "control": control,
                "host": host,
                "title": text(entry.title) if entry else {"fr": control, "en": control},
                "level": level,
                "severity": None if level is not None or entry is None else entry.severity,
                "class": entry.class_ if entry else None,
                "verdict": verdict,
                "reason": reason,
                "findings": {v: sum(one["verdict"] == v for one in group) for v in VERDICTS},
            }
        )
    return sorted(lines, key=lambda one: (rank(one["level"], one["severity"]), one["control"], one["host"]))
