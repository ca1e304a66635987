# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Values of dNSProperty: one property of one DNS zone (MS-DNSP 2.3.2.1), and the one that allows dynamic updates."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

ZONE_TYPE: Final = 0x1
ALLOW_UPDATE: Final = 0x2

# fAllowUpdate (MS-DNSP 2.2.6.1.1)
UPDATE_OFF: Final = 0
UPDATE_UNSECURE: Final = 1
UPDATE_SECURE: Final = 2
UPDATE_NAMES: Final = {UPDATE_OFF: "off", UPDATE_UNSECURE: "nonsecure and secure", UPDATE_SECURE: "secure only"}

# DataLength, NameLength, Flag, Version, Id: little-endian
_HEAD: Final = struct.Struct("<5I")


@dataclass(frozen=True, slots=True)
class Property:
    """One value: its identifier, its data, and what stands around the data, kept as it is."""

    id: int
    data: bytes
    head: tuple[int, int, int]  # NameLength, Flag, Version
    rest: bytes  # the name, which is not used

    @classmethod
    def parse(cls, raw: bytes) -> Property:
        """From the bytes of one value; ValueError when they are cut short."""
        if len(raw) < _HEAD.size:
            raise ValueError(f"a DNS property of {len(raw)} bytes is cut short")
        length, name_length, flag, version, identifier = _HEAD.unpack_from(raw)
        if length > len(raw) - _HEAD.size:
            raise ValueError(f"a DNS property says {length} bytes of data and has {len(raw) - _HEAD.size}")
        start = _HEAD.size
        return cls(identifier, raw[start : start + length], (name_length, flag, version), raw[start + length :])

    def to_bytes(self) -> bytes:
        """The bytes of the value."""
        return _HEAD.pack(len(self.data), *self.head, self.id) + self.data + self.rest

    @property
    def number(self) -> int:
        """The data as an unsigned number; 0 when there is none."""
        return int.from_bytes(self.data, "little")

    def with_number(self, number: int) -> Property:
        """The same property with another number in as many bytes (one when it had none)."""
        return Property(self.id, number.to_bytes(max(len(self.data), 1), "little"), self.head, self.rest)


def find(values: list[bytes], identifier: int) -> list[tuple[bytes, Property]]:
    """The values that hold the property ``identifier``, with their bytes; ValueError for a value that is cut short."""
    parsed = [(raw, Property.parse(raw)) for raw in values]
    return [(raw, each) for raw, each in parsed if each.id == identifier]
