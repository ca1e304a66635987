# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short summaries for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import approval, limits, model
from ansible_collections.care.remediation.plugins.module_utils.changes.texts import reason, say, texts

# A terminal is for an overview; the page has everything.
LISTED = 20


def plain(text: str) -> str:
    """Text of a target made safe for a terminal: one line, no control characters (they could move the cursor)."""
    return "".join(char if char.isprintable() else "�" for char in text)


def line(change: Mapping[str, Any], note: str = "") -> str:
    """``host: object attribute: before → after``, and a note."""
    display = change["display"]
    text = f"{model.title(change)}: {display['before']} → {display['after']}"
    text = text if len(text) <= 200 else text[:199] + "…"
    return plain(f"{text} — {note}" if note else text)


def listed(language: str, lines: Sequence[str]) -> list[str]:
    """The first lines, indented, and how many more there are."""
    shown = [f"  - {text}" for text in lines[:LISTED]]
    if len(lines) > LISTED:
        shown.append("  " + say(language, "and_more", count=len(lines) - LISTED))
    return shown


def blockers(language: str, found: Iterable[limits.Blocker]) -> list[str]:
    """Each reason why a set is refused, as a sentence."""
    sentences = []
    for blocker in found:
        details = dict(blocker.details)
        key = f"hazard.{details.pop('hazard')}" if blocker.kind == "hazard" else blocker.kind
        if "controls" in details:
            details["controls"] = ", ".join(details["controls"]) or texts(language)["no_control"]
        sentences.append(plain(say(language, key, **details)))
    return list(dict.fromkeys(sentences))


def change_set(language: str, document: Mapping[str, Any], found: Iterable[limits.Blocker], html: str) -> list[str]:
    """What a dry run found: counts, what cannot be undone, and how to approve it."""
    changes, counts = document["changes"], document["counts"]
    if not changes:
        return [say(language, "nothing_to_change")]
    lines = [say(language, "n_changes", **counts)]
    for key in ("by_control", "by_host"):
        if counts[key]:
            width = max(len(name) for name in counts[key])
            lines.append(say(language, key))
            lines += [f"  {plain(name):<{width}}  {count}" for name, count in counts[key].items()]
    final = [change for change in changes if not change["reversible"]]
    if final:
        lines.append(say(language, "irreversible", count=len(final)))
        lines += listed(language, [line(change, reason(language, change["irreversible_reason"])) for change in final])
    effects = side_effects(changes)
    if effects:
        lines.append(say(language, "side_effects"))
        lines += listed(language, [plain(f"{name} ({count})") for name, count in sorted(effects.items())])
    refusals = blockers(language, found)
    if refusals:
        lines += [say(language, "blocked"), *listed(language, refusals)]
    lines.append(say(language, "digest", digest=document["digest"]))
    lines.append(say(language, "files", html=html))
    if not refusals:
        lines.append(say(language, "approve_hint", digits=document["digest"].removeprefix("sha256:")[:12]))
    return lines


def side_effects(changes: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Attributes that the server itself changes and nobody can put back, with the number of changes that make it so."""
    return Counter(
        str(effect["attribute"])
        for change in changes
        for effect in change["side_effects"]
        if effect.get("irreversible") and change["reversible"]
    )


def gate(language: str, outcome: approval.Gate) -> list[str]:
    """What an approval lets through, and what not, by name."""
    lines = [say(language, "gate", allowed=len(outcome.allowed))]
    if outcome.refused:
        lines.append(say(language, "gate.refused", count=len(outcome.refused)))
        reasons = texts(language)
        lines += listed(language, [line(r.change, reasons[f"refused.{r.reason}"]) for r in outcome.refused])
    for key in ("in_place", "out_of_scope"):
        changes = getattr(outcome, key)
        if changes:
            lines.append(say(language, f"gate.{key}", count=len(changes)))
            lines += listed(language, [line(change) for change in changes])
    return lines
