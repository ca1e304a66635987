# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Control paths of a finding, as plan and evidence carry and draw them: who gets where, hop by hop, and by which entry.

What an audit says is checked and bounded here: a document is as hostile as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# How many paths, hops of one, and names are carried; the totals are always said
PATHS: Final = 4
HOPS: Final = 16
NAMES: Final = 10
_LENGTH: Final = 2000


def ways(evidence: Mapping[str, Any]) -> dict[str, Any] | None:
    """The paths of a finding's evidence, None when it has none that can be drawn.

    ``paths`` are lists of hops ``{from, to, how, ace, object}``; ``principals`` the first who get there, of
    ``principals_total``; ``reaches`` the first objects that the entry comes to, of ``reaches_total``.
    """
    first = _path(evidence.get("path"))
    if not first:
        return None
    others = evidence.get("paths")
    more = [path for one in (others if isinstance(others, list) else [])[: PATHS - 1] if (path := _path(one))]
    principals, reaches = _names(evidence.get("principals")), _names(evidence.get("reaches"))
    return {
        "paths": [first, *more],
        "principals": principals,
        "principals_total": _count(evidence.get("principals_total"), principals),
        "reaches": reaches,
        "reaches_total": _count(evidence.get("reaches_total"), reaches),
    }


def _path(value: Any) -> list[dict[str, str | None]]:
    hops = []
    for hop in (value if isinstance(value, list) else [])[-HOPS:]:
        if not isinstance(hop, Mapping) or not all(isinstance(hop.get(name), str) for name in ("from", "to", "how")):
            return []
        hops.append({name: _text(hop.get(name)) for name in ("from", "to", "how", "ace", "object")})
    return hops


def _text(value: Any) -> str | None:
    return value[:_LENGTH] if isinstance(value, str) else None


def _names(value: Any) -> list[str]:
    return [one[:_LENGTH] for one in (value if isinstance(value, list) else [])[:NAMES] if isinstance(one, str)]


def _count(value: Any, listed: list[str]) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else len(listed)
