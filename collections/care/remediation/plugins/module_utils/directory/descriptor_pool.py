# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Security descriptors of many objects, each distinct one parsed and kept once.

Most objects of a domain share a few descriptors, and those that differ share most of their ACEs. So a pool keeps one
``Ace`` for each distinct entry, one ``Descriptor`` for each distinct descriptor (told apart by a 128 bit BLAKE2 digest
of its bytes), and an object holds one reference. The bytes themselves are not kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace

_DIGEST: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Descriptor:
    """What one security descriptor says. Equal only to itself, so that results can be kept by descriptor.

    ``aces`` is the DACL in its order, None where there is none (everyone has every right, or it was not shown).
    ``why`` is the reason when the bytes are not understood; owner and aces are None then.
    """

    owner: str | None = None
    control: int = 0
    aces: tuple[Ace, ...] | None = None
    why: str | None = None

    @property
    def protected(self) -> bool:
        """True when the DACL takes nothing from the parent object (SE_DACL_PROTECTED)."""
        return bool(self.control & sd.DACL_PROTECTED)

    @property
    def unknown(self) -> Ace | None:
        """The first entry of a type whose layout is not known, or None."""
        return next((ace for ace in self.aces or () if ace.sid is None), None)

    @property
    def blind(self) -> str | None:
        """Why this descriptor does not tell who holds which right, or None when it does."""
        if self.why is not None:
            return f"its security descriptor is not understood: {self.why}"
        if self.unknown is not None:
            return f"it holds an access control entry of unknown type 0x{self.unknown.type:02x}"
        return None


@dataclass(slots=True)
class DescriptorPool:
    """The distinct descriptors of a domain."""

    _aces: dict[bytes, Ace] = field(default_factory=dict)
    _known: dict[bytes, Descriptor] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many distinct descriptors there are."""
        return len(self._known)

    def of(self, raw: bytes | None) -> Descriptor | None:
        """The descriptor of these bytes (self-relative; owner, group and DACL), or None for None."""
        if raw is None:
            return None
        digest = hashlib.blake2b(raw, digest_size=_DIGEST).digest()
        known = self._known.get(digest)
        if known is None:
            known = self._known[digest] = self._parsed(raw)
        return known

    def _parsed(self, raw: bytes) -> Descriptor:
        try:
            whole = sd.SecurityDescriptor.parse(raw)
        except ValueError as error:
            return Descriptor(why=str(error))
        aces = None
        if whole.dacl is not None and whole.control & sd.DACL_PRESENT:
            aces = tuple(self._aces.setdefault(ace.raw, ace) for ace in whole.dacl.aces)
        return Descriptor(whole.owner, whole.control, aces)
