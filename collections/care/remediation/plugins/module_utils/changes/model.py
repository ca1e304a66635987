# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change is: how it is built, identified, merged and shown.

A change is a plain dictionary (see "A change" in docs/architecture.md), because it travels as JSON between a module,
the control node, the change set and the journal. Standard library only: planners run this file on the target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

Change = dict[str, Any]

TARGETS = ("directory", "host", "sysvol")
KINDS: dict[str, tuple[str, ...]] = {
    "directory": ("flags", "values", "replace", "aces", "owner", "password", "object"),
    "host": ("file", "service", "ruleset"),
    "sysvol": ("file", "folder", "aces"),
}
HAZARDS = ("break_glass", "automation", "connected_account", "management_path")


def canonical(value: Any) -> bytes:
    """The one UTF-8 JSON text of a value: keys sorted, no spaces, no escapes of non-ASCII characters.

    Raises ``ValueError`` for what JSON cannot say (NaN, a lone surrogate), ``TypeError`` for a type that is not JSON's.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def sha256(data: bytes) -> str:
    """``sha256:`` and the hexadecimal digest of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def new_change(
    *,
    target: str,
    kind: str,
    object_type: str,
    object_id: str,
    label: str,
    before: Any,
    after: Any,
    attribute: str | None = None,
    mask: int | None = None,
    dn: str | None = None,
    sid: str | None = None,
    display_before: str = "–",
    display_after: str = "–",
    reversible: bool = True,
    irreversible_reason: str | None = None,
    side_effects: Iterable[Mapping[str, Any]] = (),
    hazards: Iterable[Mapping[str, str]] = (),
    context: Mapping[str, Any] | None = None,
    profile: str | None = None,
    controls: Iterable[str] = (),
) -> Change:
    """A change as a planner returns it. ``host`` and ``id`` are filled in later, on the control node.

    Raises ``ValueError`` for an unknown target or kind, and for an irreversible change without a reason.
    """
    if kind not in KINDS.get(target, ()):
        raise ValueError(f"unknown kind of change: {target}/{kind}")
    if not reversible and not irreversible_reason:
        raise ValueError(f"the change of {label} is irreversible and must say why")
    described: dict[str, Any] = {"type": object_type, "id": object_id, "label": label}
    if dn is not None:
        described["dn"] = dn
    if sid is not None:
        described["sid"] = sid
    change: Change = {
        "controls": sorted(set(controls)),
        "target": target,
        "kind": kind,
        "object": described,
        "attribute": attribute,
        "mask": mask,
        "before": before,
        "after": after,
        "display": {"before": display_before, "after": display_after},
        "reversible": reversible,
        "irreversible_reason": irreversible_reason,
        "side_effects": [dict(effect) for effect in side_effects],
        "hazards": [dict(hazard) for hazard in hazards],
        "context": dict(context or {}),
    }
    if profile is not None:
        change["profile"] = profile
    return change


def hazard(kind: str, name: str) -> dict[str, str]:
    """A reason never to apply a change; ``name`` is the account or address that would be hit."""
    if kind not in HAZARDS:
        raise ValueError(f"unknown hazard: {kind}")
    return {"kind": kind, "object": name}


def _identifying(kind: str, value: Any) -> Any:
    # The position of an ACE moves when another ACE of the same list goes; the ACE is still the same one.
    if kind == "aces" and isinstance(value, list):
        return [{key: part for key, part in ace.items() if key != "index"} for ace in value if isinstance(ace, dict)]
    return value


def change_id(change: Mapping[str, Any]) -> str:
    """``c-`` and 16 hexadecimal digits that name what this change does to what, whoever asks for it.

    Raises ``KeyError`` when a mandatory field (host, target, kind, object.id, before, after) is missing.
    """
    identity = {
        "host": change["host"],
        "target": change["target"],
        "kind": change["kind"],
        "object.id": change["object"]["id"],
        "attribute": change.get("attribute"),
        "mask": change.get("mask"),
        "before": _identifying(change["kind"], change["before"]),
        "after": _identifying(change["kind"], change["after"]),
    }
    return "c-" + hashlib.sha256(canonical(identity)).hexdigest()[:16]


def completed(change: Mapping[str, Any], host: str, controls: Iterable[str] = ()) -> Change:
    """A planner's change with its host, controls and id, and with the optional fields present."""
    full: Change = {
        "controls": [],
        "attribute": None,
        "mask": None,
        "display": {"before": "–", "after": "–"},
        "reversible": True,
        "irreversible_reason": None,
        "side_effects": [],
        "hazards": [],
        "context": {},
    }
    full.update(change)
    full["host"] = host
    full["controls"] = sorted(set(full["controls"]) | {control for control in controls if control})
    full["id"] = change_id(full)
    return full


def sort_key(change: Mapping[str, Any]) -> tuple[str, ...]:
    """Order of changes in a change set: by host, then object, then attribute; stable from run to run."""
    return (
        change["host"],
        change["target"],
        change["object"]["label"],
        change["object"]["id"],
        change["kind"],
        change.get("attribute") or "",
        change["id"],
    )


def merged(changes: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Each change once, in the order of a change set; a change asked for by several controls names them all."""
    by_id: dict[str, Change] = {}
    for change in changes:
        known = by_id.get(change["id"])
        if known is None:
            by_id[change["id"]] = dict(change)
            continue
        known["controls"] = sorted(set(known["controls"]) | set(change["controls"]))
        for field in ("hazards", "side_effects"):
            known[field] = known[field] + [item for item in change[field] if item not in known[field]]
        known["reversible"] = known["reversible"] and change["reversible"]
        known["irreversible_reason"] = known["irreversible_reason"] or change["irreversible_reason"]
    return sorted(by_id.values(), key=sort_key)


def changes_digest(changes: Iterable[Mapping[str, Any]]) -> str:
    """The digest that an approval names: that of the canonical JSON of the sorted list of changes."""
    return sha256(canonical(sorted(changes, key=sort_key)))


def title(change: Mapping[str, Any]) -> str:
    """One line that names object and attribute, for diffs and messages."""
    attribute = f" {change['attribute']}" if change.get("attribute") else ""
    return f"{change['host']}: {change['object']['label']}{attribute}"


def diff(changes: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """The changes as Ansible's ``diff`` result, one entry a change, from their short display texts."""
    entries: list[dict[str, str]] = []
    for change in changes:
        header = title(change)
        entries.append(
            {
                "before_header": header,
                "after_header": header,
                "before": f"{change['display']['before']}\n",
                "after": f"{change['display']['after']}\n",
            }
        )
    return entries
