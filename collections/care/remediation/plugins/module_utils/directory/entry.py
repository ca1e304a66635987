# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One object as the directory returned it: its name and attribute values, with typed readers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

V = TypeVar("V")


class CaseInsensitiveDict(MutableMapping[str, V], Generic[V]):
    """A dict whose keys are attribute names: found whatever their case, listed as the server wrote them."""

    def __init__(self, items: Mapping[str, V] | Iterable[tuple[str, V]] = ()) -> None:
        self._items: dict[str, tuple[str, V]] = {}
        pairs = items.items() if isinstance(items, Mapping) else items
        for key, value in pairs:
            self[key] = value

    def __getitem__(self, key: str) -> V:
        return self._items[key.lower()][1]

    def __setitem__(self, key: str, value: V) -> None:
        self._items[key.lower()] = (key, value)

    def __delitem__(self, key: str) -> None:
        del self._items[key.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _value in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"CaseInsensitiveDict({dict(self.items())!r})"


@dataclass(slots=True)
class Entry:
    """One object: ``dn`` (text, RFC 4514) and ``attributes`` (name, any case → list of raw values)."""

    dn: str
    attributes: CaseInsensitiveDict[list[bytes]] = field(default_factory=CaseInsensitiveDict)

    def raw(self, name: str) -> bytes | None:
        """The first raw value, or None when the attribute is absent."""
        values = self.attributes.get(name)
        return values[0] if values else None

    def text(self, name: str) -> str | None:
        """The first value as text (UTF-8), or None when the attribute is absent."""
        value = self.raw(name)
        return None if value is None else value.decode("utf-8", "surrogateescape")

    def texts(self, name: str) -> list[str]:
        """All values as text (UTF-8); [] when the attribute is absent."""
        return [value.decode("utf-8", "surrogateescape") for value in self.attributes.get(name) or []]

    def int(self, name: str) -> int | None:
        """The first value as an integer (INTEGER and LargeInteger syntaxes), or None when absent."""
        value = self.raw(name)
        return None if value is None else int(value)

    def bool(self, name: str) -> bool | None:
        """The first value of a Boolean attribute (``TRUE``/``FALSE``), or None when absent."""
        value = self.raw(name)
        return None if value is None else value.upper() == b"TRUE"

    def sid(self, name: str = "objectSid") -> str | None:
        """The first value as a SID in text form, or None when absent."""
        value = self.raw(name)
        return None if value is None else sids.from_bytes(value)

    def sids(self, name: str) -> list[str]:
        """All values as SIDs in text form."""
        return [sids.from_bytes(value) for value in self.attributes.get(name) or []]

    def guid(self, name: str = "objectGUID") -> str | None:
        """A GUID attribute in text form (lower case, dashes; its bytes are little-endian), or None when absent."""
        value = self.raw(name)
        return None if value is None else str(uuid.UUID(bytes_le=value))
