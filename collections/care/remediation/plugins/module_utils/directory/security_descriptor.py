# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security descriptors (MS-DTYP 2.4.6): read and written back byte for byte.

An ACE is kept as the bytes it came in, whatever its type; its fields are read from them. Nothing is reordered and
nothing is filled in. What is cut short or overlaps is refused with ValueError.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass, replace
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

# ACE types (MS-DTYP 2.4.4.1)
ACCESS_ALLOWED: Final = 0x00
ACCESS_DENIED: Final = 0x01
SYSTEM_AUDIT: Final = 0x02
ACCESS_ALLOWED_OBJECT: Final = 0x05
ACCESS_DENIED_OBJECT: Final = 0x06
SYSTEM_AUDIT_OBJECT: Final = 0x07
ACCESS_ALLOWED_CALLBACK: Final = 0x09
ACCESS_DENIED_CALLBACK: Final = 0x0A
ACCESS_ALLOWED_CALLBACK_OBJECT: Final = 0x0B
ACCESS_DENIED_CALLBACK_OBJECT: Final = 0x0C
_PLAIN: Final = frozenset({0x00, 0x01, 0x02, 0x03, 0x09, 0x0A, 0x0D, 0x0E, 0x11, 0x12, 0x13, 0x14})
_OBJECT: Final = frozenset({0x05, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x0F, 0x10})
ALLOWING: Final = frozenset({0x00, 0x05, 0x09, 0x0B})
DENYING: Final = frozenset({0x01, 0x06, 0x0A, 0x0C})

# ACE flags
OBJECT_INHERIT: Final = 0x01
CONTAINER_INHERIT: Final = 0x02
NO_PROPAGATE_INHERIT: Final = 0x04
INHERIT_ONLY: Final = 0x08
INHERITED: Final = 0x10

# Rights on directory objects (MS-ADTS 5.1.3.2)
CREATE_CHILD: Final = 0x1
DELETE_CHILD: Final = 0x2
LIST_CONTENTS: Final = 0x4
SELF_WRITE: Final = 0x8
READ_PROPERTY: Final = 0x10
WRITE_PROPERTY: Final = 0x20
DELETE_TREE: Final = 0x40
LIST_OBJECT: Final = 0x80
CONTROL_ACCESS: Final = 0x100
DELETE: Final = 0x10000
READ_CONTROL: Final = 0x20000
WRITE_DAC: Final = 0x40000
WRITE_OWNER: Final = 0x80000
GENERIC_ALL: Final = 0x10000000
GENERIC_EXECUTE: Final = 0x20000000
GENERIC_WRITE: Final = 0x40000000
GENERIC_READ: Final = 0x80000000
FULL_CONTROL: Final = 0xF01FF

# What generic rights stand for on a directory object (MS-ADTS 5.1.3.2)
_GENERIC: Final = (
    (GENERIC_ALL, FULL_CONTROL),
    (GENERIC_WRITE, READ_CONTROL | WRITE_PROPERTY | SELF_WRITE),
    (GENERIC_READ, READ_CONTROL | LIST_CONTENTS | READ_PROPERTY | LIST_OBJECT),
    (GENERIC_EXECUTE, READ_CONTROL | LIST_CONTENTS),
)

# Control bits (MS-DTYP 2.4.6)
DACL_PRESENT: Final = 0x0004
SACL_PRESENT: Final = 0x0010
DACL_AUTO_INHERITED: Final = 0x0400
DACL_PROTECTED: Final = 0x1000
SELF_RELATIVE: Final = 0x8000
_DACL_BITS: Final = 0x0004 | 0x0008 | 0x0100 | 0x0400 | 0x1000 | SELF_RELATIVE

_HEADER: Final = struct.Struct("<BBHIIII")
_ACL: Final = struct.Struct("<BBHHH")
_ACE: Final = struct.Struct("<BBH")


def expanded(mask: int) -> int:
    """An access mask with its generic rights replaced by what they stand for on a directory object."""
    for generic, meaning in _GENERIC:
        if mask & generic:
            mask = mask & ~generic | meaning
    return mask


@dataclass(frozen=True, slots=True)
class Ace:
    """One access control entry. ``raw`` is what counts; the other fields are read from it.

    ``sid`` is None for a type whose layout is not known; ``data`` is what follows the SID (a condition, a claim).
    """

    raw: bytes
    type: int
    flags: int
    mask: int | None = None
    object_type: uuid.UUID | None = None
    inherited_object_type: uuid.UUID | None = None
    sid: str | None = None
    data: bytes = b""

    @property
    def inherited(self) -> bool:
        """True when it comes from a parent object."""
        return bool(self.flags & INHERITED)

    @property
    def allows(self) -> bool:
        """True for an ACE that grants."""
        return self.type in ALLOWING

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two ACEs the same one, whether written as bytes or as SDDL."""
        if self.sid is None:
            return (self.type, self.raw)
        return (self.type, self.flags, self.mask, self.object_type, self.inherited_object_type, self.sid, self.data)

    @classmethod
    def parse(cls, raw: bytes) -> Ace:
        """The ACE that ``raw`` is, exactly; ValueError when it is cut short."""
        if len(raw) < _ACE.size:
            raise ValueError(f"ACE cut short: {len(raw)} bytes")
        kind, flags, size = _ACE.unpack_from(raw)
        if size != len(raw):
            raise ValueError(f"ACE of {len(raw)} bytes says that it has {size}")
        if kind not in _PLAIN and kind not in _OBJECT:
            return cls(raw, kind, flags)
        if size < 8:
            raise ValueError(f"ACE of type 0x{kind:02x} cut short: {size} bytes")
        mask = int.from_bytes(raw[4:8], "little")
        offset = 8
        guids: list[uuid.UUID | None] = [None, None]
        if kind in _OBJECT:
            if size < 12:
                raise ValueError(f"object ACE cut short: {size} bytes")
            present = int.from_bytes(raw[8:12], "little")
            offset = 12
            for number in (0, 1):
                if present >> number & 1:
                    if size < offset + 16:
                        raise ValueError(f"object ACE cut short: {size} bytes")
                    guids[number] = uuid.UUID(bytes_le=raw[offset : offset + 16])
                    offset += 16
        length = sids.length(raw, offset)
        return cls(
            raw,
            kind,
            flags,
            mask,
            guids[0],
            guids[1],
            sids.from_bytes(raw[offset : offset + length]),
            raw[offset + length :],
        )

    @classmethod
    def build(
        cls,
        type: int,
        flags: int,
        mask: int,
        sid: str,
        object_type: uuid.UUID | None = None,
        inherited_object_type: uuid.UUID | None = None,
        data: bytes = b"",
    ) -> Ace:
        """An ACE from its fields; ValueError when the type takes no such fields."""
        body = struct.pack("<I", mask)
        if type in _OBJECT:
            body += struct.pack("<I", (object_type is not None) | (inherited_object_type is not None) << 1)
            body += b"".join(guid.bytes_le for guid in (object_type, inherited_object_type) if guid is not None)
        elif type not in _PLAIN:
            raise ValueError(f"ACE type 0x{type:02x} cannot be built")
        elif object_type is not None or inherited_object_type is not None:
            raise ValueError(f"ACE type 0x{type:02x} takes no object type")
        body += sids.to_bytes(sid) + data
        return cls.parse(_ACE.pack(type, flags, 4 + len(body)) + body)


@dataclass(frozen=True, slots=True)
class Acl:
    """An access control list (MS-DTYP 2.4.5), its ACEs in the order in which they are."""

    aces: tuple[Ace, ...]
    revision: int = 4
    sbz1: int = 0
    sbz2: int = 0
    tail: bytes = b""  # bytes within AclSize after the last ACE

    @classmethod
    def parse(cls, raw: bytes, offset: int = 0) -> tuple[Acl, int]:
        """The list at ``offset`` and its length in bytes; ValueError when it is cut short."""
        if len(raw) - offset < _ACL.size:
            raise ValueError("ACL cut short")
        revision, sbz1, size, count, sbz2 = _ACL.unpack_from(raw, offset)
        if size < _ACL.size or offset + size > len(raw):
            raise ValueError(f"ACL of {size} bytes, {len(raw) - offset} are there")
        position, end = offset + _ACL.size, offset + size
        aces: list[Ace] = []
        for _number in range(count):
            if end - position < _ACE.size:
                raise ValueError(f"ACL says that it has {count} ACEs, {len(aces)} are there")
            length = int.from_bytes(raw[position + 2 : position + 4], "little")
            if length < _ACE.size or position + length > end:
                raise ValueError(f"ACE of {length} bytes, {end - position} are there")
            aces.append(Ace.parse(raw[position : position + length]))
            position += length
        return cls(tuple(aces), revision, sbz1, sbz2, raw[position:end]), size

    def to_bytes(self) -> bytes:
        """The binary form; ValueError when the list is longer than an ACL can be (64 KiB)."""
        body = b"".join(ace.raw for ace in self.aces) + self.tail
        if len(body) + _ACL.size > 0xFFFF:
            raise ValueError("the ACL is longer than 64 KiB")
        return _ACL.pack(self.revision, self.sbz1, _ACL.size + len(body), len(self.aces), self.sbz2) + body

    @property
    def explicit(self) -> tuple[Ace, ...]:
        """The ACEs that were set on the object itself."""
        return tuple(ace for ace in self.aces if not ace.inherited)


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """A self-relative security descriptor. ``order`` is the place of its parts, with the bytes between them."""

    control: int = SELF_RELATIVE
    owner: str | None = None
    group: str | None = None
    sacl: Acl | None = None
    dacl: Acl | None = None
    revision: int = 1
    sbz1: int = 0
    order: tuple[tuple[str, bytes], ...] = ()
    tail: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> SecurityDescriptor:
        """The descriptor that ``raw`` is; ValueError when it is cut short or its parts overlap."""
        if len(raw) < _HEADER.size:
            raise ValueError(f"security descriptor cut short: {len(raw)} bytes, {_HEADER.size} needed")
        revision, sbz1, control, owner_at, group_at, sacl_at, dacl_at = _HEADER.unpack_from(raw)
        if revision != 1:
            raise ValueError(f"security descriptor revision {revision}, 1 expected")
        if not control & SELF_RELATIVE:
            raise ValueError("security descriptor is not self-relative")
        texts: dict[str, str] = {}
        lists: dict[str, Acl] = {}
        order: list[tuple[str, bytes]] = []
        position = _HEADER.size
        places = (("owner", owner_at), ("group", group_at), ("sacl", sacl_at), ("dacl", dacl_at))
        for name, offset in sorted((item for item in places if item[1]), key=lambda item: item[1]):
            if offset < position or offset >= len(raw):
                raise ValueError(f"the {name} of the security descriptor is at {offset}, outside its place")
            if name in ("owner", "group"):
                length = sids.length(raw, offset)
                texts[name] = sids.from_bytes(raw[offset : offset + length])
            else:
                lists[name], length = Acl.parse(raw, offset)
            order.append((name, raw[position:offset]))
            position = offset + length
        return cls(
            control,
            texts.get("owner"),
            texts.get("group"),
            lists.get("sacl"),
            lists.get("dacl"),
            revision,
            sbz1,
            tuple(order),
            raw[position:],
        )

    def to_bytes(self) -> bytes:
        """The binary form: the same bytes as were parsed, where nothing was replaced."""
        parts: dict[str, bytes] = {}
        for name in ("owner", "group"):
            value = getattr(self, name)
            if value is not None:
                parts[name] = sids.to_bytes(value)
        for name in ("sacl", "dacl"):
            acl = getattr(self, name)
            if acl is not None:
                parts[name] = acl.to_bytes()
        order = [(name, gap) for name, gap in self.order if name in parts]
        order += [(name, b"") for name in parts if name not in {known for known, _gap in order}]
        offsets = dict.fromkeys(("owner", "group", "sacl", "dacl"), 0)
        body = b""
        for name, gap in order:
            body += gap
            offsets[name] = _HEADER.size + len(body)
            body += parts[name]
        return _HEADER.pack(self.revision, self.sbz1, self.control, *offsets.values()) + body + self.tail

    def with_dacl(self, aces: tuple[Ace, ...]) -> SecurityDescriptor:
        """The same descriptor with these ACEs in its DACL."""
        dacl = replace(self.dacl, aces=aces) if self.dacl is not None else Acl(aces)
        return replace(self, dacl=dacl, control=self.control | DACL_PRESENT)

    def dacl_only(self) -> SecurityDescriptor:
        """Only the DACL and its control bits: what is sent with the SD flags control set to DACL."""
        return SecurityDescriptor(control=self.control & _DACL_BITS, dacl=self.dacl)
