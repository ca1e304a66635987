# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Registry policy files (``Registry.pol``, MS-GPREG 2.2.1): read and written back byte for byte.

``PReg``, a version, then entries ``[key;value;type;size;data]`` in UTF-16LE, whose key and value end with a NUL. What
is not changed keeps the bytes it came in. Value names that begin with ``**`` are orders to the client (delete a value,
all values, keys): they are kept, and a value that is set takes away the order that would delete it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError

# Registry value types (MS-DTYP, winnt.h)
REG_NONE: Final = 0
REG_SZ: Final = 1
REG_EXPAND_SZ: Final = 2
REG_BINARY: Final = 3
REG_DWORD: Final = 4
REG_DWORD_BIG_ENDIAN: Final = 5
REG_MULTI_SZ: Final = 7
REG_QWORD: Final = 11
TYPE_NAMES: Final[dict[str, int]] = {
    "none": REG_NONE, "sz": REG_SZ, "expand_sz": REG_EXPAND_SZ, "binary": REG_BINARY, "dword": REG_DWORD,
    "multi_sz": REG_MULTI_SZ, "qword": REG_QWORD,
}  # fmt: skip

_SIGNATURE: Final = b"PReg"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<4sI")
_OPEN, _CLOSE, _SEMICOLON, _NUL = (mark.encode("utf-16-le") for mark in "[];\0")
# MS-GPREG 2.2.1.1 gives names no limit; the registry itself allows 255 (key) and 16,383 characters (value)
_LONGEST_NAME: Final = 32_768
# A whole policy of Microsoft's own baselines has less than 200 kB
MAX_BYTES: Final = 8 * 2**20

Data: TypeAlias = "int | str | bytes | Sequence[str]"


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """One entry. ``raw`` is what is written; the other fields are read from it."""

    key: str
    value: str
    type: int
    data: bytes
    raw: bytes = field(repr=False)

    @classmethod
    def build(cls, key: str, value: str, type: int, data: bytes) -> PolicyValue:
        """An entry from its fields; ValueError for a name that cannot be written."""
        for name in (key, value):
            if "\0" in name or len(name) >= _LONGEST_NAME:
                raise ValueError(f"not a name of the registry: {name[:100]!r}")
        if not key:
            raise ValueError("a registry value needs a key")
        raw = (
            _OPEN + _text(key) + _SEMICOLON + _text(value) + _SEMICOLON + struct.pack("<I", type) + _SEMICOLON
            + struct.pack("<I", len(data)) + _SEMICOLON + data + _CLOSE
        )  # fmt: skip
        return cls(key, value, type, data, raw)

    @property
    def order(self) -> str | None:
        """The order (``**del.``, ``**delvals.``, ``**deletevalues``…) in lower case, None for a value."""
        if not self.value.startswith("**"):
            return None
        name, dot, _target = self.value.lower().partition(".")
        return name + dot

    @property
    def decoded(self) -> Data | None:
        """The data as a number, text or list of texts; bytes when it is none of these or does not fit its type."""
        return decode(self.type, self.data)


@dataclass(slots=True)
class RegistryPolicy:
    """A registry.pol: its entries in order."""

    entries: list[PolicyValue] = field(default_factory=list)
    version: int = _VERSION

    @classmethod
    def parse(cls, raw: bytes) -> RegistryPolicy:
        """The file that ``raw`` is, exactly. An empty file is an empty policy. FormatError says where it breaks."""
        if not raw:
            return cls()
        if len(raw) > MAX_BYTES:
            raise FormatError(f"registry policy of {len(raw)} bytes, at most {MAX_BYTES} are read")
        if len(raw) < _HEADER.size or raw[:4] != _SIGNATURE:
            raise FormatError("not a registry policy: it does not begin with PReg")
        _signature, version = _HEADER.unpack_from(raw)
        if version != _VERSION:
            raise FormatError(f"registry policy of version {version}, {_VERSION} expected")
        entries: list[PolicyValue] = []
        position = _HEADER.size
        while position < len(raw):
            entry, position = _entry(raw, position)
            entries.append(entry)
        return cls(entries, version)

    def to_bytes(self) -> bytes:
        """The file: the same bytes as were parsed, where nothing was changed."""
        return _HEADER.pack(_SIGNATURE, self.version) + b"".join(entry.raw for entry in self.entries)

    def get(self, key: str, value: str) -> PolicyValue | None:
        """The entry that counts for a value (the last one), names without regard to case."""
        return next((entry for entry in reversed(self.entries) if _same(entry, key, value)), None)

    def set(self, key: str, value: str, type: int, data: bytes) -> bool:
        """Make a value so. In its place when it is there, else behind the last value of its key, else at the end.

        Orders that would delete it are taken away. Returns whether anything changed.
        """
        blocking = [entry for entry in self.entries if _deletes(entry, key, value)]
        present = [entry for entry in self.entries if _same(entry, key, value)]
        if not blocking and len(present) == 1 and (present[0].type, present[0].data) == (type, data):
            return False
        wanted = PolicyValue.build(present[-1].key if present else key, value, type, data)
        if present and (present[-1].type, present[-1].data) == (type, data):
            wanted = present[-1]
        place = self.entries.index(present[-1]) if present else self._end_of(key)
        self.entries[place : place + (1 if present else 0)] = [wanted]
        keep = [e for e in self.entries if e is wanted or not (_same(e, key, value) or _deletes(e, key, value))]
        self.entries = keep
        return True

    def remove(self, key: str, value: str) -> bool:
        """No longer say anything about a value (the client takes it back). Returns whether it was there."""
        keep = [entry for entry in self.entries if not _same(entry, key, value)]
        removed = len(keep) != len(self.entries)
        self.entries = keep
        return removed

    def delete_value(self, key: str, value: str) -> bool:
        """Order clients to delete a value (``**del.<value>``, MS-GPREG 2.2.1.2). Returns whether anything changed."""
        removed = self.remove(key, value)
        # What Windows writes: one blank, as text
        return self.set(key, f"**del.{value}", REG_SZ, " \0".encode("utf-16-le")) or removed

    def _end_of(self, key: str) -> int:
        places = [n for n, entry in enumerate(self.entries) if entry.key.lower() == key.lower()]
        return places[-1] + 1 if places else len(self.entries)


def encode(type: int, data: Data) -> bytes:
    """The bytes of a value of the registry; ValueError when the data does not fit the type."""
    if isinstance(data, bytes):
        return data
    if type in (REG_DWORD, REG_QWORD):
        size = 4 if type == REG_DWORD else 8
        if isinstance(data, bool) or not isinstance(data, int) or not 0 <= data < 1 << 8 * size:
            raise ValueError(f"not a number of {size} bytes: {data!r}")
        return data.to_bytes(size, "little")
    if type in (REG_SZ, REG_EXPAND_SZ):
        if not isinstance(data, str) or "\0" in data:
            raise ValueError(f"not a text: {data!r}")
        return _text(data)
    if type == REG_MULTI_SZ:
        if isinstance(data, str) or not isinstance(data, Sequence):
            raise ValueError(f"not a list of texts: {data!r}")
        # An empty text would end the list
        texts = [item for item in data if isinstance(item, str) and item and "\0" not in item]
        if len(texts) != len(data):
            raise ValueError(f"not a list of texts: {data!r}")
        return b"".join(_text(item) for item in texts) + _NUL
    raise ValueError(f"data of registry type {type} is given as bytes only")


def decode(type: int, data: bytes) -> Data:
    """What `encode` was given; the bytes themselves when they do not fit the type."""
    if type in (REG_DWORD, REG_QWORD) and len(data) == (4 if type == REG_DWORD else 8):
        return int.from_bytes(data, "little")
    if type in (REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ) and len(data) % 2 == 0:
        try:
            text = data.decode("utf-16-le")
        except UnicodeDecodeError:
            return data
        if type != REG_MULTI_SZ:
            # Some writers leave the NUL out
            return text.removesuffix("\0")
        return [item for item in text.split("\0") if item]
    return data


def _text(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass") + _NUL


def _same(entry: PolicyValue, key: str, value: str) -> bool:
    return entry.key.lower() == key.lower() and entry.value.lower() == value.lower()


def _deletes(entry: PolicyValue, key: str, value: str) -> bool:
    """Whether the entry orders clients to delete this one value."""
    return not value.startswith("**") and _same(entry, key, f"**del.{value}")


def _entry(raw: bytes, position: int) -> tuple[PolicyValue, int]:
    start = position
    position = _mark(raw, position, _OPEN, "[")
    key, position = _name(raw, position)
    position = _mark(raw, position, _SEMICOLON, ";")
    value, position = _name(raw, position)
    position = _mark(raw, position, _SEMICOLON, ";")
    type_, position = _number(raw, position)
    position = _mark(raw, position, _SEMICOLON, ";")
    size, position = _number(raw, position)
    position = _mark(raw, position, _SEMICOLON, ";")
    if size > len(raw) - position:
        raise FormatError(f"registry policy: the data at byte {position} has {size} bytes, the file ends before")
    data = raw[position : position + size]
    position = _mark(raw, position + size, _CLOSE, "]")
    return PolicyValue(key, value, type_, data, raw[start:position]), position


def _mark(raw: bytes, position: int, mark: bytes, name: str) -> int:
    if raw[position : position + 2] != mark:
        raise FormatError(f"registry policy: {name} expected at byte {position}")
    return position + 2


def _number(raw: bytes, position: int) -> tuple[int, int]:
    if len(raw) - position < 4:
        raise FormatError(f"registry policy: cut short at byte {position}")
    return int.from_bytes(raw[position : position + 4], "little"), position + 4


def _name(raw: bytes, position: int) -> tuple[str, int]:
    end = position
    while True:
        end = raw.find(_NUL, end, position + 2 * _LONGEST_NAME)
        if end < 0:
            raise FormatError(f"registry policy: the name at byte {position} does not end")
        if (end - position) % 2 == 0:
            break
        end += 1
    return raw[position:end].decode("utf-16-le", "surrogatepass"), end + 2
