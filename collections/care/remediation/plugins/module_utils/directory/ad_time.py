# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Times of Active Directory: FILETIME (100 ns since 1601-01-01 UTC, MS-DTYP 2.3.3) and GeneralizedTime (RFC 4517)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

NEVER: Final = 0x7FFFFFFFFFFFFFFF
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_GENERALIZED = re.compile(r"(\d{14})(?:\.\d+)?Z\Z")


def from_filetime(value: int) -> datetime | None:
    """The moment (UTC) of a FILETIME; None for 0 (not set), ``NEVER`` and values beyond the year 9999."""
    if value <= 0 or value == NEVER:
        return None
    try:
        return _EPOCH + timedelta(microseconds=value // 10)
    except OverflowError:
        return None


def to_filetime(moment: datetime) -> int:
    """The FILETIME of an aware datetime; ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    delta = moment - _EPOCH
    return (delta.days * 86400 + delta.seconds) * 10_000_000 + delta.microseconds * 10


def from_generalized(text: str) -> datetime:
    """The moment (UTC) of ``20261122015900.0Z``; ValueError when it is not one."""
    match = _GENERALIZED.match(text)
    if match is None:
        raise ValueError(f"not a time of the directory: {text!r}")
    return datetime.strptime(match.group(1), "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def interval_to_timedelta(value: int) -> timedelta | None:
    """A negative FILETIME interval (maxPwdAge, lockoutDuration) as a positive timedelta; None for 'never'."""
    if value in (0, -0x8000000000000000):
        return None
    return timedelta(microseconds=-value // 10)
