# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ANSSI's names of control points, as audit tools of the directory write them: ``vuln2_krbtgt``, ``vuln_krbtgt-l2``."""

from __future__ import annotations

import re
from typing import Final

# ANSSI's levels stand beside severities as plans sort them (``model.rank``): level 1 with what is critical.
GRADES: Final = {1: "critical", 2: "high", 3: "medium", 4: "low", 5: "low"}
_POINT: Final = re.compile(r"(?i)vuln([1-5])?_([a-z0-9_]{1,80})(?:-l([1-5]))?\Z")
_SID: Final = re.compile(r"S-1(?:-[0-9]{1,15}){2,16}\Z")


def point(text: str) -> tuple[str, int | None] | None:
    """A control point and the level that its name carries (or None), of one such name; None where it is none."""
    match = _POINT.match(text.strip())
    if match is None:
        return None
    level = match[1] or match[3]
    return f"vuln_{match[2].lower()}", int(level) if level else None


def is_sid(text: str) -> bool:
    """Whether a text is the SID of someone."""
    return _SID.match(text) is not None


def common_name(dn: str) -> str:
    """The value of the first part of a DN, for a reader: ``CN=Dupont\\, Anne,OU=…`` is ``Dupont, Anne``."""
    first = re.match(r"[^=,]*=((?:\\.|[^,\\])*)", dn)
    return re.sub(r"\\(.)", r"\1", first[1]).strip() if first and first[1].strip() else dn


def domain_of_dn(dn: str) -> str:
    """The DNS name of the domain that a DN is in: its DC parts; "" where it has none."""
    parts = re.findall(r"(?i)(?:^|,)\s*DC=((?:\\.|[^,\\])+)", dn)
    return ".".join(part.strip() for part in parts).lower()
