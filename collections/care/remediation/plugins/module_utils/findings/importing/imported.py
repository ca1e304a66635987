# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What one source gave: statements for ``merge``, what is left to a person, and the hosts that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..model import Mention, Object

# Ten thousand hosts with fifty weaknesses each; what is more is several hospitals, or no report.
MAX_STATEMENTS: Final = 1_000_000

Catalogue = Mapping[str, Any]


class ImportRefused(Exception):
    """What was asked for cannot be imported; the message says what and what to do."""


@dataclass(slots=True)
class Statement:
    """One thing that one source says. ``object`` is None where the source names none (PingCastle below Full)."""

    control: str
    host: str
    object: Object | None
    mention: Mention
    level: int | None = None
    severity: str | None = None
    protected: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    unconfirmed: str | None = None


@dataclass(slots=True)
class Imported:
    """What one report gave."""

    source: dict[str, Any]
    statements: list[Statement] = field(default_factory=list)
    unmapped: list[dict[str, str]] = field(default_factory=list)
    # hosts that the inventory does not know, as findings/1 lists them
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    # DN (case folded) and account name (case folded) to SID, as this source knows them
    identities: dict[str, str] = field(default_factory=dict)
    # DNS name and SID of the domain that a live audit looked at
    domains: list[str] = field(default_factory=list)

    def add(self, statement: Statement) -> None:
        """Keep a statement; refuses what no real report holds."""
        self.statements.append(statement)
        self._bound()

    def leave(self, *, rule: str, wording: str, object: str, reason: str) -> None:
        """Leave something to a person."""
        self.unmapped.append(
            {"source": self.source["id"], "rule": rule, "wording": wording, "object": object, "reason": reason}
        )
        self._bound()

    def _bound(self) -> None:
        if len(self.statements) + len(self.unmapped) > MAX_STATEMENTS:
            raise ImportRefused(
                f"{self.source['file']}: says more than {MAX_STATEMENTS} things. Split the scan, or export less"
            )


def doubt(evidence: Mapping[str, Any]) -> str | None:
    """Why what a report says is not enough to correct anything, by its own evidence; None where it is."""
    if "matched_by" in evidence:
        return f"the host was recognised only by a name that it gave itself: {evidence['matched_by']}"
    if evidence.get("population") == "differs":
        return "the tool judges others than the control does: only an audit can tell"
    return None


def new_source(source_id: str, type: str, path: Path | str) -> dict[str, Any]:
    """A source of findings/1, with nothing known yet."""
    return {
        "id": source_id,
        "type": type,
        "file": str(path),
        "sha256": "",
        "tool_version": None,
        "generated": None,
        "level": None,
        "profile": None,
        "covers": [],
        "targets": [],
        "partial": False,
        "closes": True,
        "remembered": False,
        "unreadable": {},
        "informational": 0,
        "skipped": {"count": 0, "first": []},
        "notes": [],
    }
