# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a wanted nftables table to changes: the live table, and what loads it again at boot. Reads only."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.hosts import (
    file_plan,
    files,
    rulesets,
    service_plan,
    units,
)
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.rulesets import Table

PROFILE = "nftables"
UNIT = "nftables.service"
DIRECTORY = "/etc/nftables.d"
CONFIGURATIONS = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf")
# A pattern that matches nothing is no error for nft, a missing file is one and would leave the host without any rule.
INCLUDE = f'include "{DIRECTORY}/care-*.nft"'


@dataclass
class Plan:
    """Changes in the order to make them, their diff, and what a person has to see to."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)


def plan(table: Table, text: str, hazards: list[dict[str, str]], persistent: bool) -> Plan:
    """The changes that make the live table be `text` (`""`: absent), now and, when `persistent`, after a reboot.

    Raises HostError with nft's words for a text that it does not take.
    """
    result = Plan()
    after = rulesets.normalised(table, text) if text else ""
    if persistent:
        _persist(table, after, result)
    before = rulesets.read(table)
    if before != after:
        result.changes.append(make_change(table, before, after))
        result.diff.append(
            {
                "before_header": f"nftables {table}",
                "after_header": f"nftables {table}",
                "before": before,
                "after": after,
            }
        )
    for change in result.changes:
        change["hazards"] = [dict(hazard) for hazard in hazards]
    return result


def make_change(table: Table, before: str, after: str) -> dict[str, Any]:
    """A `ruleset` change. `host`, `id` and `controls` are filled in on the control node."""
    return model.new_change(
        target="host",
        kind="ruleset",
        object_type="table",
        object_id=str(table),
        label=f"nftables {table}",
        before=before,
        after=after,
        display_before=_display(before),
        display_after=_display(after),
        profile=PROFILE,
    )


def saved_file(table: Table) -> str:
    """Where the table is kept for the next boot."""
    return os.path.join(
        DIRECTORY, f"{'' if table.name.startswith('care_') else 'care-'}{table.name}.nft".replace("_", "-")
    )


def _persist(table: Table, after: str, result: Plan) -> None:
    configuration = next((path for path in CONFIGURATIONS if os.path.exists(path)), CONFIGURATIONS[0])
    path = saved_file(table)
    if not after:
        _add_file(result, {"path": path, "state": "absent"})
        return
    body = "# Written by care.remediation; loaded at boot by the include line in nftables.conf.\n"
    wanted = {
        "path": path,
        "content": body + rulesets.script(table, after),
        "owner": "root",
        "group": "root",
        "mode": "0644",
    }
    unit = units.read(UNIT)
    if unit is None:
        result.unresolved.append(f"this host has no {UNIT}: the table {table} will be gone after a reboot")
        return
    if not unit["enabled"].startswith("enabled") and _has_rules(configuration):
        result.unresolved.append(
            f"{UNIT} is {unit['enabled']} and {configuration} has rules that refuse packets: enabling it puts them "
            f"in force at the next boot, which nobody asked for. Until a person has settled that (enable {UNIT}, or "
            f"empty {configuration}), the table {table} will be gone after a reboot"
        )
        return
    _add_file(result, wanted)
    match = rf"\s*{re.escape(INCLUDE)}\s*$"
    if os.path.exists(configuration):
        _add_file(result, {"path": configuration, "edits": [{"match": match, "line": INCLUDE, "insert": "end"}]})
    else:
        content = f"#!/usr/sbin/nft -f\n\n{INCLUDE}\n"
        _add_file(result, {"path": configuration, "content": content, "mode": "0755"})
    if unit["enabled"] != "enabled":
        # Enabled, not started: starting it runs "flush ruleset" over whatever other programs have loaded since boot.
        service = service_plan.make_change(UNIT, unit, {**unit, "enabled": "enabled"}, PROFILE)
        result.changes.append(service)
        result.diff.append(service_plan.make_diff(UNIT, service["before"], service["after"]))


def _add_file(result: Plan, entry: dict[str, Any]) -> None:
    changes, diff = file_plan.plan([entry], {}, PROFILE)
    result.changes += changes
    result.diff += diff


def _has_rules(path: str) -> bool:
    content = files.read(path).content
    if content is None:
        return False
    text = re.sub(r"#.*", "", content.decode("utf-8", "replace"))
    return re.search(r"\b(drop|reject|redirect|dnat|queue)\b", text) is not None


def _display(text: str) -> str:
    if not text:
        return "–"
    closed = re.findall(r"^\s*((?:tcp|udp) dport .* drop)$", text, re.MULTILINE)
    return "; ".join(closed) or f"{len(text.splitlines())} lines"


def table_of(name: str, family: str) -> Table:
    """The table to work on. Raises HostError for one that is not this collection's."""
    if not name.startswith("care_"):
        raise HostError(f"the table's name must begin with care_, so that no one else's is ever replaced: {name!r}")
    return rulesets.parse_name(f"{family} {name}")
