# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The level of a domain, 1 (worst) to 5, by ANSSI's published rule: the lowest level of any failed control, 5 if none.

So the next level is reached only when every finding of the present one and of those below is gone. A control that
nobody could judge never counts as passed: the level is then known only between two bounds. Standard library only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

BEST: Final = 5
LEVELS: Final = (1, 2, 3, 4, 5)
# How safely a control's correction can be made; one without a class comes last
SAFETY: Final = ("auto", "staged", "assisted", "manual")


def assess(
    *,
    scored: Mapping[str, Sequence[int]],
    evaluated: Collection[str],
    found: Iterable[tuple[str, int | None]],
    classes: Mapping[str, str],
) -> dict[str, Any]:
    """The level, its bounds, and what stands in the way.

    ``scored``: control to the levels at which its findings can stand; ``evaluated``: the controls that were judged
    whole; ``found``: control and level of each finding (those of other controls do not count); ``classes``: control
    to auto, staged, assisted or manual.

    ``at_most`` is what the findings leave, ``at_least`` what remains should every control that was not judged fail;
    ``reached`` is the level when both agree, else None. Lists of failed controls are in the order in which to correct:
    safest first, then fewest objects.
    """
    failed: dict[int, dict[str, int]] = {level: {} for level in LEVELS}
    for control, level in found:
        if control in scored and level is not None:
            failed[level][control] = failed[level].get(control, 0) + 1
    unverified = sorted(control for control in scored if control not in evaluated)
    at_most = min((level for level in LEVELS if failed[level]), default=BEST)
    at_least = min([at_most, *(min(scored[control]) for control in unverified)])

    def line(control: str, count: int) -> dict[str, Any]:
        return {"control": control, "findings": count, "class": classes.get(control)}

    by_level = {
        str(level): {
            "failed": sorted((line(*item) for item in failed[level].items()), key=order),
            "unverified": [each for each in unverified if level in scored[each] and each not in failed[level]],
            "passed": sum(
                level in levels and control in evaluated and control not in failed[level]
                for control, levels in scored.items()
            ),
        }
        for level in LEVELS
    }
    return {
        "reached": at_most if at_least == at_most else None,
        "at_most": at_most,
        "at_least": at_least,
        "scored": len(scored),
        "evaluated": len(scored) - len(unverified),
        "by_level": by_level,
        "blocking_next": by_level[str(at_most)]["failed"] if at_most < BEST else [],
        "unverified": unverified,
    }


def order(line: Mapping[str, Any]) -> tuple[int, int, str]:
    """Sort key of controls of one level, in the order in which to correct: safest first, then fewest findings."""
    rank = SAFETY.index(line["class"]) if line["class"] in SAFETY else len(SAFETY)
    return rank, line["findings"], line["control"]
