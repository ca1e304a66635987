# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what a person wrote (a SID, a GUID, a DN or a sAMAccountName) to the object it names, in bulk."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import IdentityError
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

# Enough for one round trip, far below the 10 MB of MaxReceiveBuffer and the depth of a filter
_BATCH: Final = 200
_DN = re.compile(r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)\s*=.*,\s*(?i:DC)\s*=", re.DOTALL)
_SPECIAL: Final = {"*": "\\2a", "(": "\\28", ")": "\\29", "\\": "\\5c", "\0": "\\00"}


def filter_value(text: str) -> str:
    """Text as the value of an LDAP filter (RFC 4515): nothing in it is an operator any more.

    Leading and trailing spaces are escaped too, which servers otherwise drop.
    """
    escaped = "".join(_SPECIAL.get(c, c) for c in text)
    inner = escaped.strip(" ")
    if not inner:
        return "\\20" * len(escaped)
    left = len(escaped) - len(escaped.lstrip(" "))
    right = len(escaped) - len(escaped.rstrip(" "))
    return "\\20" * left + inner + "\\20" * right


def kind_of(identity: str) -> str:
    """``sid``, ``guid``, ``dn`` or ``name``: what an identity is written as."""
    if sids.is_sid(identity):
        return "sid"
    if as_guid(identity) is not None:
        return "guid"
    return "dn" if _DN.match(identity) else "name"


def as_guid(text: str) -> uuid.UUID | None:
    """The GUID written as ``2c1b7c1e-…`` or ``{2C1B…}``, or None."""
    bare = text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text
    if re.fullmatch(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", bare) is None:
        return None
    return uuid.UUID(bare)


def resolve_many(
    session: Session,
    identities: Iterable[str],
    attributes: Sequence[str] = (),
    missing: str = "error",
    sd_flags: int | None = None,
) -> dict[str, Entry]:
    """The object of each identity (as written) with ``attributes`` and objectGUID, objectSid, sAMAccountName.

    One question for many identities. Raises IdentityError, which names every identity that is missing or ambiguous;
    with ``missing="ignore"`` the missing ones are left out of the answer.
    """
    wanted = list(dict.fromkeys(identities))
    by_kind: dict[str, list[str]] = {"sid": [], "guid": [], "dn": [], "name": []}
    for identity in wanted:
        by_kind[kind_of(identity)].append(identity)
    names = list(dict.fromkeys([*attributes, "objectGUID", "objectSid", "sAMAccountName"]))
    found: dict[str, Entry] = {}
    ambiguous: list[str] = []

    for batch in _batches(by_kind["sid"]):
        parts = "".join(f"(objectSid={sids.filter_value(identity)})" for identity in batch)
        answer = _index(session, parts, names, sd_flags, lambda entry: entry.sid() or "")
        for identity in batch:
            entries = answer.get(_canonical_sid(identity), [])
            if not entries:  # a well-known principal (Anonymous, Everyone) may be in Configuration only
                outside = session.read(f"<SID={_canonical_sid(identity)}>", names, sd_flags)
                entries = [outside] if outside else []
            _take(identity, entries, found, ambiguous)
    for batch in _batches(by_kind["guid"]):
        keys = {identity: as_guid(identity) for identity in batch}
        parts = "".join(f"(objectGUID={_bytes(key.bytes_le)})" for key in keys.values() if key)
        answer = _index(session, parts, names, sd_flags, lambda entry: entry.guid() or "")
        for identity, key in keys.items():
            entries = answer.get(str(key), [])
            if not entries:  # outside the domain's naming context: Configuration, Schema
                outside = session.read(f"<GUID={key}>", names, sd_flags)
                entries = [outside] if outside else []
            _take(identity, entries, found, ambiguous)
    for identity, entry in session.read_many(by_kind["dn"], names, sd_flags):
        if isinstance(entry, Entry):
            found[identity] = entry
        elif entry is not None:
            raise IdentityError(f"{identity}: {entry}")
    for batch in _batches(by_kind["name"]):
        parts = "".join(f"(sAMAccountName={filter_value(identity)})" for identity in batch)
        answer = _index(session, parts, names, sd_flags, lambda entry: (entry.text("sAMAccountName") or "").casefold())
        for identity in batch:
            entries = answer.get(identity.casefold(), [])
            if not entries:
                # The server's own idea of equal names (accents, width) is larger than Python's: ask for this one alone
                entries = list(
                    session.search(
                        session.domain_dn, f"(sAMAccountName={filter_value(identity)})", names, sd_flags=sd_flags
                    )
                )
            _take(identity, entries, found, ambiguous)

    problems = []
    if ambiguous:
        problems.append("more than one object is named " + ", ".join(map(repr, ambiguous)) + ": give its SID")
    absent = [identity for identity in wanted if identity not in found and identity not in ambiguous]
    if absent and missing != "ignore":
        problems.append(
            "no object in "
            + session.dns_name
            + " is named "
            + ", ".join(map(repr, absent))
            + " (a SID, GUID, DN or sAMAccountName is expected)"
        )
    if problems:
        raise IdentityError("; ".join(problems))
    return {identity: found[identity] for identity in wanted if identity in found}


def _index(
    session: Session, parts: str, names: Sequence[str], sd_flags: int | None, key: Callable[[Entry], str]
) -> dict[str, list[Entry]]:
    index: dict[str, list[Entry]] = {}
    for entry in session.search(session.domain_dn, f"(|{parts})", names, sd_flags=sd_flags):
        index.setdefault(key(entry), []).append(entry)
    return index


def _take(identity: str, entries: list[Entry], found: dict[str, Entry], ambiguous: list[str]) -> None:
    if len(entries) == 1:
        found[identity] = entries[0]
    elif entries:
        ambiguous.append(identity)


def _canonical_sid(text: str) -> str:
    return sids.from_bytes(sids.to_bytes(text))


def _bytes(raw: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in raw)


def _batches(items: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
