# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What gets a domain to the next ADS level with the fewest changes, and what stands in the way.

ANSSI's rule (``controls.level``) leaves no choice of controls: the level is the lowest of any failed control, so every
finding of the present level must go, and none above needs to. What is fewest is counted in objects and in changes: an
account that two controls name is one object, and a change that closes findings of two controls is one change. Whatever
is not decided to be corrected, or cannot be, is named: that is what a person must settle first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls import level as rule

from .model import Finding

# What stands in the way, in the order in which it is told
OBSTACLES: Final = ("undecided", "waived", "expired", "manual", "no_object", "protected")
LISTED: Final = 50


@dataclass(slots=True)
class Line:
    """One finding that counts for a level: what happens to it (``action``) and the changes that close it."""

    finding: Finding
    action: str
    changes: tuple[int, ...]
    until: str | None = None  # of a waiver
    counted: bool = True  # False: the source named no objects, so there may be many

    @property
    def obstacle(self) -> str | None:
        """Why it will not be corrected as things are decided, or None."""
        if self.action == "apply":
            return None
        return "protected" if self.finding["protected"] and self.action != "waived" else self.action


@dataclass(slots=True)
class _Tally:
    findings: int = 0
    objects: set[str] = field(default_factory=set)
    changes: set[int] = field(default_factory=set)
    planned: set[int] = field(default_factory=set)
    obstacles: dict[str, int] = field(default_factory=dict)
    uncounted: int = 0

    def add(self, line: Line) -> None:
        self.findings += 1
        self.objects.add(line.finding["object"]["id"])
        self.changes.update(line.changes)
        self.uncounted += not line.counted
        if line.obstacle is None:
            self.planned.update(line.changes)
        else:
            self.obstacles[line.obstacle] = self.obstacles.get(line.obstacle, 0) + 1

    def document(self) -> dict[str, Any]:
        return {
            "findings": self.findings,
            "objects": len(self.objects),
            "changes": len(self.changes),
            "planned": len(self.planned),
            "uncounted": self.uncounted,
            "obstacles": {kind: self.obstacles[kind] for kind in OBSTACLES if kind in self.obstacles},
        }


def build(
    levels: Sequence[Mapping[str, Any]],
    lines: Iterable[Line],
    *,
    scored: Mapping[str, Sequence[int]],
    evaluated: Mapping[str, set[str]],
    classes: Mapping[str, str],
) -> list[dict[str, Any]]:
    """One entry for each domain that is not at the best level, in the order of ``levels`` (``plan.levels``).

    ``lines``: the findings that count, of all domains. ``evaluated``: domain to the controls judged there.
    """
    by_host: dict[str, list[Line]] = {one["host"]: [] for one in levels}
    for line in lines:
        level = line.finding["level"]
        if level is not None and line.finding["control"] in scored and line.finding["host"] in by_host:
            by_host[line.finding["host"]].append(line)
    return [
        _domain(one, by_host[one["host"]], scored, evaluated.get(one["host"], set()), classes)
        for one in levels
        if one["at_most"] < rule.BEST
    ]


def _domain(
    level: Mapping[str, Any],
    lines: Sequence[Line],
    scored: Mapping[str, Sequence[int]],
    evaluated: set[str],
    classes: Mapping[str, str],
) -> dict[str, Any]:
    here = level["at_most"]

    def after(left: Iterable[Line]) -> dict[str, Any]:
        found = [(line.finding["control"], line.finding["level"]) for line in left]
        return rule.assess(scored=scored, evaluated=evaluated, found=found, classes=classes)

    total = _Tally()
    controls: dict[str, _Tally] = {}
    for line in lines:
        if line.finding["level"] == here:
            total.add(line)
            controls.setdefault(line.finding["control"], _Tally()).add(line)
    reached = after(line for line in lines if line.finding["level"] > here)
    decided = after(line for line in lines if line.obstacle is not None)
    standing = [line for line in lines if line.finding["level"] == here and line.obstacle is not None]
    standing.sort(key=lambda line: OBSTACLES.index(line.obstacle or "undecided"))
    listed = [
        {"control": control, "class": classes.get(control)} | tally.document() for control, tally in controls.items()
    ]
    # fewest objects first; among equals the safest
    listed.sort(key=lambda one: (one["objects"], rule.order(one)))
    return {
        "host": level["host"],
        "from": here,
        "to": reached["at_most"],
        # the controls that nobody judged and that could hold the domain below that
        "unverified": [name for name in reached["unverified"] if min(scored[name]) < reached["at_most"]],
        "total": total.document(),
        "controls": listed,
        "with_decisions": {"at_least": decided["at_least"], "at_most": decided["at_most"]},
        "in_the_way": [
            {
                "finding": line.finding["id"],
                "control": line.finding["control"],
                "object": line.finding["object"]["label"],
                "why": line.obstacle,
                "protected": line.finding["protected"],
                "until": line.until,
            }
            for line in standing[:LISTED]
        ],
        "in_the_way_total": len(standing),
        "further": _further(lines, here),
    }


def _further(lines: Sequence[Line], here: int) -> list[dict[str, Any]]:
    """For each level above the next one: what must be corrected in all to get there."""
    steps, total = [], _Tally()
    waiting = sorted(lines, key=lambda line: line.finding["level"])
    place = 0
    for level in sorted({line.finding["level"] for line in waiting}):
        while place < len(waiting) and waiting[place].finding["level"] <= level:
            total.add(waiting[place])
            place += 1
        if level > here:
            to = waiting[place].finding["level"] if place < len(waiting) else rule.BEST
            steps.append({"to": to, "objects": len(total.objects), "changes": len(total.changes)})
    return steps
