# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of objects that a planner wants to be created."""

from __future__ import annotations

from typing import Final

_SPECIAL: Final = frozenset('\\,+"<>;=')


def rdn_value(name: str) -> str:
    """``name`` as the value of a relative distinguished name (RFC 4514 2.4)."""
    escaped = "".join(f"\\{char}" if char in _SPECIAL else "\\00" if char == "\0" else char for char in name)
    if escaped.startswith((" ", "#")):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and not escaped.endswith("\\ "):
        escaped = escaped[:-1] + "\\ "
    return escaped


def child_dn(name: str, parent: str) -> str:
    """The DN of ``CN=name`` below ``parent``."""
    return f"CN={rdn_value(name)},{parent}"
