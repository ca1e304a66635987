# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Approval: what a run may apply, from the change set that a person approved and what a fresh plan found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.care.remediation.plugins.module_utils.changes import documents, limits, model

CHANGE_SET = "care.remediation/change-set/1"
GATE = "care.remediation/gate/1"
MINIMUM_DIGITS = 12
NONE = "none"
_DIGEST = re.compile(rf"(?:sha256:)?([0-9a-fA-F]{{{MINIMUM_DIGITS},64}})")


class ApprovalError(Exception):
    """The approval does not fit. ``reason`` is one of: missing, short, mismatch, altered."""

    def __init__(self, reason: str, **details: Any) -> None:
        """``details`` complete the text shown to the user (see texts.py)."""
        super().__init__(reason)
        self.reason = reason
        self.details = details


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run can see: the hosts that it runs on and the tags it was called with."""

    hosts: frozenset[str] | None = None
    tags: frozenset[str] = frozenset({"all"})
    skip_tags: frozenset[str] = frozenset()

    def covers(self, change: Mapping[str, Any]) -> bool:
        """Whether a fresh plan of this scope would show the change if it were still to be made."""
        controls = frozenset(change["controls"])
        if self.hosts is not None and change["host"] not in self.hosts:
            return False
        if controls and controls <= self.skip_tags:
            return False
        return "all" in self.tags or bool(controls & self.tags)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A planned change that is not applied: it was not approved, or what it was approved for moved since."""

    reason: Literal["not_approved", "moved"]
    change: model.Change


@dataclass(slots=True)
class Gate:
    """The outcome of comparing a fresh plan with an approval."""

    approve: str
    allowed: list[model.Change] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    in_place: list[model.Change] = field(default_factory=list)  # approved, and no longer to be done
    out_of_scope: list[model.Change] = field(default_factory=list)  # approved, but this run does not look there

    def document(self, run: str) -> dict[str, Any]:
        """The gate as ``gate.json`` keeps it for the tasks that follow."""
        return {
            "schema": GATE,
            "created": documents.now(),
            "run": run,
            "approve": self.approve,
            "allowed": {change["id"]: change["controls"] for change in self.allowed},
            "refused": [{"reason": refusal.reason, "change": refusal.change} for refusal in self.refused],
        }


def counts(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Totals of a change set: changes, objects, irreversible ones, by control and by host."""
    by_control: dict[str, int] = {}
    by_host: dict[str, int] = {}
    for change in changes:
        by_host[change["host"]] = by_host.get(change["host"], 0) + 1
        for control in change["controls"]:
            by_control[control] = by_control.get(control, 0) + 1
    return {
        "changes": len(changes),
        "objects": len(limits.objects_of(changes)),
        "irreversible": sum(not change["reversible"] for change in changes),
        "by_control": dict(sorted(by_control.items())),
        "by_host": dict(sorted(by_host.items())),
    }


def change_set(changes: Iterable[Mapping[str, Any]], *, mode: str, run: str, max_changes: int) -> dict[str, Any]:
    """The document ``change-set.json`` of these changes: merged, sorted, counted, with its digest."""
    merged = model.merged(changes)
    return {
        "schema": CHANGE_SET,
        "created": documents.now(),
        "mode": mode,
        "run": run,
        "limits": {"max_changes": max_changes},
        "changes": merged,
        "counts": counts(merged),
        "digest": model.changes_digest(merged),
    }


def check(document: Mapping[str, Any], approve: str) -> str:
    """Whether ``approve`` names this change set and the set is what it was. Returns the full digest.

    Raises ``ApprovalError``: the file was edited (its changes no longer give its digest, or an id), the digits are
    fewer than 12, or they are another set's.
    """
    actual = model.changes_digest(document["changes"])
    altered = [change["id"] for change in document["changes"] if change["id"] != model.change_id(change)]
    if actual != document["digest"] or altered:
        raise ApprovalError("altered", expected=document["digest"], found=actual)
    match = _DIGEST.fullmatch(approve.strip())
    if match is None:
        raise ApprovalError("short", given=approve, minimum=MINIMUM_DIGITS)
    if not actual.removeprefix("sha256:").startswith(match[1].lower()):
        raise ApprovalError("mismatch", given=approve, found=actual)
    return actual


def everything(fresh: Iterable[Mapping[str, Any]]) -> Gate:
    """The gate of ``care_approve=none``: all that this run itself planned, and nothing else."""
    return Gate(NONE, allowed=model.merged(fresh))


def compare(fresh: Iterable[Mapping[str, Any]], approved: Mapping[str, Any], scope: Scope) -> Gate:
    """What an approved change set lets through of a fresh plan, and what it does not, each with its reason."""
    gate = Gate(approved["digest"])
    wanted = {change["id"]: change for change in approved["changes"]}
    planned = {change["id"]: change for change in model.merged(fresh)}
    absent = [change for id_, change in wanted.items() if id_ not in planned]
    moved_from: set[str] = set()
    for id_, change in planned.items():
        if id_ in wanted:
            controls = sorted({*change["controls"], *wanted[id_]["controls"]})
            gate.allowed.append({**change, "controls": controls})
            continue
        was = [other["id"] for other in absent if limits.same_subject(change, other)]
        moved_from.update(was)
        gate.refused.append(Refusal("moved" if was else "not_approved", change))
    for change in absent:
        if change["id"] in moved_from:
            continue
        (gate.in_place if scope.covers(change) else gate.out_of_scope).append(change)
    return gate
