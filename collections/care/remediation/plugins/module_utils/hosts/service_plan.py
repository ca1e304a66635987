# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the wanted units of a task to `service` changes. Reads only."""

from __future__ import annotations

from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.hosts import units
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError


def plan(wanted: list[dict[str, Any]], missing: str) -> tuple[list[dict[str, Any]], list[dict[str, str]], list[str]]:
    """What brings the units to the `wanted` state (option `units` of host_service), their diff, and the units
    that this host does not have (`missing` is `ignore`, or `fail`: HostError naming it)."""
    changes: list[dict[str, Any]] = []
    diff: list[dict[str, str]] = []
    unknown: list[str] = []
    for entry in wanted:
        unit = units.full_name(entry["name"])
        before = units.read(unit)
        if before is None:
            if missing == "fail":
                raise HostError(f"this host has no unit {unit}: correct its name, or say missing: ignore")
            unknown.append(unit)
            continue
        after = wanted_state(entry, before)
        if after == before:
            continue
        changes.append(make_change(unit, before, after))
        diff.append(make_diff(unit, before, after))
    return changes, diff, unknown


def wanted_state(entry: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The state after the task; what the entry does not say stays."""
    after = dict(before)
    enabled = entry.get("enabled")
    satisfied = enabled is None or before["enabled"] == enabled
    if enabled == "disabled":
        # A masked unit is more than disabled; one without an [Install] section has no switch (it takes 'masked').
        satisfied = before["enabled"].startswith("masked") or units.has_no_switch(before["enabled"]) or satisfied
    elif enabled == "enabled":
        satisfied = units.has_no_switch(before["enabled"]) or satisfied
    if not satisfied:
        after["enabled"] = enabled
    if entry.get("active") is not None:
        after["active"] = bool(entry["active"])
    if after["active"] and after["enabled"].startswith("masked"):
        raise HostError(f"{entry['name']}: a masked unit cannot be active: say active: false too")
    return after


def make_change(unit: str, before: dict[str, Any], after: dict[str, Any], profile: str | None = None) -> dict[str, Any]:
    """A `service` change, about what differs only: a unit that is to be disabled may well be started meanwhile.

    `host`, `id` and `controls` are filled in on the control node.
    """
    touched = [key for key in before if before[key] != after[key]]
    before = {key: before[key] for key in touched}
    after = {key: after[key] for key in touched}
    return model.new_change(
        target="host",
        kind="service",
        object_type="unit",
        object_id=unit,
        label=unit,
        before=before,
        after=after,
        display_before=describe(before),
        display_after=describe(after),
        profile=profile,
    )


def make_diff(unit: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """What `--diff` shows of one unit."""
    return {
        "before_header": unit,
        "after_header": unit,
        "before": f"{describe(before)}\n",
        "after": f"{describe(after)}\n",
    }


def describe(state: dict[str, Any]) -> str:
    """A state in words, for instance `enabled, active`."""
    words = [state["enabled"]] if "enabled" in state else []
    if "active" in state:
        words.append("active" if state["active"] else "inactive")
    return ", ".join(words)
