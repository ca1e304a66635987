# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rights that a live audit found, so that a report which tells the same right without its entry is the same finding.

A live audit names the very entry of the access list; BloodHound and ADS name who holds a right over what. Both are
about one piece of work: same control, same holder, same object, or an object above it whose entry is handed down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .model import Finding


class Entries:
    """The rights in the findings of live audits, by control, host and holder."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, str], list[tuple[str, Finding]]] = {}

    def add(self, finding: Finding) -> None:
        """Remember a finding of a live audit, where it is a right of somebody."""
        evidence = finding["evidence"]
        holder, place = evidence.get("trustee_sid"), evidence.get("object")
        if "raw" in evidence and isinstance(holder, str) and isinstance(place, str):
            key = (finding["control"], finding["host"], holder)
            self._held.setdefault(key, []).append((place.casefold(), finding))

    def same(self, control: str, host: str, object: Mapping[str, Any], evidence: Mapping[str, Any]) -> list[Finding]:
        """The findings that say what a report says: none where it is about something else, or no live audit says it."""
        holder = evidence.get("trustee_sid")
        if object["type"] != "ace" or "raw" in evidence or not isinstance(holder, str):
            return []
        held = self._held.get((control, host, holder), [])
        place = str(evidence.get("object") or "").casefold()
        exact = [finding for where, finding in held if where == place]
        if exact or not evidence.get("inherited"):
            return exact
        # where an inherited right is set, only an audit tells: above what it comes to
        handed = [(where, finding) for where, finding in held if finding["evidence"].get("reaches")]
        return [finding for where, finding in handed if not place or place.endswith("," + where)]
