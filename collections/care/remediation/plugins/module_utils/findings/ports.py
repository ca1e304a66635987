# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Ports as scans name them."""

from __future__ import annotations


def in_ranges(number: int, ranges: str) -> bool:
    """Whether a port number is in nmap's list of ranges, for instance ``1-1024,8443``."""
    for part in ranges.split(","):
        first, _dash, last = part.partition("-")
        if first.isdigit() and (last or first).isdigit() and int(first) <= number <= int(last or first):
            return True
    return False
