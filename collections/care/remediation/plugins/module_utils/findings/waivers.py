# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waivers end, and are counted in every report: in force, run out, and running out soon."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any, Final

SOON: Final = 30  # days


def count(ends: Iterable[datetime.date | str], day: datetime.date) -> dict[str, Any]:
    """How many waivers are in force on ``day``, how many of them end within 30 days, how many have run out.

    ``ends``: the last day of each waiver, included. ``next``: when the next one in force ends, or None.
    """
    last = [end if isinstance(end, datetime.date) else datetime.date.fromisoformat(end) for end in ends]
    running = [end for end in last if end >= day]
    soon = day + datetime.timedelta(days=SOON)
    return {
        "in_force": len(running),
        "expiring": sum(end <= soon for end in running),
        "expired": len(last) - len(running),
        "days": SOON,
        "next": min(running).isoformat() if running else None,
    }
