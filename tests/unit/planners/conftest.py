"""Entries and a directory made of dicts, so that planners are tested without a server."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry

DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
BASE = "DC=chu-valmont,DC=test"
CONFIGURATION = f"CN=Configuration,{BASE}"


def make_entry(
    name: str,
    rid: int | None = 1104,
    *,
    sid: str | None = None,
    dn: str | None = None,
    classes: Sequence[str] = ("top", "person", "user"),
    **attributes: Any,
) -> Entry:
    """An entry as a directory returns it; values are str, int, bytes or lists of them; ``_`` in a name is ``-``."""
    dn = dn or f"CN={name},OU=Hôpital d'été,{BASE}"
    own_sid = sid or (f"{DOMAIN}-{rid}" if rid is not None else None)
    values: dict[str, list[bytes]] = {
        "objectGUID": [uuid.uuid5(uuid.NAMESPACE_X500, dn.casefold()).bytes_le],
        "objectClass": [item.encode() for item in classes],
        "sAMAccountName": [name.encode()],
    }
    if own_sid:
        values["objectSid"] = [sids.to_bytes(own_sid)]
    for key, value in attributes.items():
        items = value if isinstance(value, list) else [value]
        values[key.replace("_", "-")] = [item if isinstance(item, bytes) else str(item).encode() for item in items]
    return Entry(dn, CaseInsensitiveDict(values))


class FakeDirectory:
    """Answers ``read`` by DN or ``<SID=…>`` and ``search`` by the exact filter text."""

    domain_dn = BASE
    configuration_dn = CONFIGURATION
    domain_sid = DOMAIN

    def __init__(self, entries: Iterable[Entry] = (), connected_sid: str = "") -> None:
        self.entries = list(entries)
        self.connected_sid = connected_sid
        self.answers: dict[str, list[Entry]] = {}
        self.searched: list[tuple[str, str]] = []

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
        for entry in self.entries:
            if entry.dn.casefold() == dn.casefold() or dn == f"<SID={entry.sid()}>":
                return entry
        return None

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        sd_flags: int | None = None,
    ) -> Iterable[Entry]:
        self.searched.append((base, ldap_filter))
        return iter(self.answers.get(ldap_filter, []))


@pytest.fixture
def entry() -> Callable[..., Entry]:
    return make_entry
