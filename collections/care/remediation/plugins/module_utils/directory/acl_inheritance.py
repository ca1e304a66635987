# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where an inherited ACE comes from: the nearest object above that carries it itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace

# They stand for the owner or the group of the object below, whose SID its ACE then holds (MS-DTYP 2.5.3.4)
_PLACEHOLDERS: Final = frozenset({sids.CREATOR_OWNER, sids.CREATOR_GROUP})


def handed_down_by(dn: str, ace: Ace, aces_of: Callable[[str], Iterable[Ace] | None]) -> tuple[str, Ace] | None:
    """The DN of the object above ``dn`` that hands the inherited ``ace`` down, and its own entry there.

    ``aces_of`` gives the DACL of an object, None where it cannot be read: then nobody knows, and the answer is None.
    """
    parent = parent_of(dn)
    while parent:
        aces = aces_of(parent)
        if aces is None:
            return None
        for one in aces:
            if not one.inherited and one.flags & sd.CONTAINER_INHERIT and _same(one, ace):
                return parent, one
        parent = parent_of(parent)
    return None


def _same(above: Ace, below: Ace) -> bool:
    """Flags differ on the way down (inherit-only is dropped) and so do generic rights; what is granted does not."""
    if above.mask is None or below.mask is None:
        return above.key == below.key
    if (above.type, above.object_type, above.data) != (below.type, below.object_type, below.data):
        return False
    return sd.expanded(above.mask) == sd.expanded(below.mask) and (
        above.sid == below.sid or above.sid in _PLACEHOLDERS
    )


def parent_of(dn: str) -> str | None:
    """The DN above (RFC 4514: a comma that is escaped is part of a name), or None for the last component."""
    escaped = False
    for position, character in enumerate(dn):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == ",":
            return dn[position + 1 :].lstrip() or None
    return None
