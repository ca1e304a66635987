# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs controls on a snapshot: for each its state, and what it found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Control, Found
from ansible_collections.care.remediation.plugins.module_utils.controls.registry import CONTROLS
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

EVALUATED = "evaluated"
UNREADABLE = "unreadable"


@dataclass(slots=True)
class Outcome:
    """One control on one snapshot. ``state`` is evaluated or unreadable; ``reason`` explains the latter, or remarks."""

    control: str
    state: str
    reason: str | None = None
    found: list[Found] = field(default_factory=list)


class UnknownControlError(ValueError):
    """A control was asked for that does not exist."""


def select(ids: Iterable[str] | None) -> list[Control]:
    """The controls of these ids (None: all), in the order of their ids; UnknownControlError names a wrong one."""
    if ids is None:
        return list(CONTROLS.values())
    wanted = sorted(set(ids))
    unknown = [each for each in wanted if each not in CONTROLS]
    if unknown:
        raise UnknownControlError(
            f"there is no directory control {', '.join(unknown)}; there are: {', '.join(sorted(CONTROLS))}"
        )
    return [CONTROLS[each] for each in wanted]


def evaluate(snapshot: Snapshot, controls: Iterable[Control]) -> list[Outcome]:
    """Run controls. One that could not see all it needs is unreadable; what it found all the same is kept."""
    outcomes = []
    for control in controls:
        reasons = [why for part in sorted(control.needs) if (why := snapshot.why_unreadable(part))]
        why = control.blind(snapshot)
        if why:
            reasons.append(why)
        remark = control.remark(snapshot)
        outcomes.append(
            Outcome(
                control=control.id,
                state=UNREADABLE if reasons else EVALUATED,
                reason="; ".join(reasons) or remark,
                found=list(control.detect(snapshot)),
            )
        )
    return outcomes
