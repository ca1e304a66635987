# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an ACE means, in words: who, which rights, on what, inherited by what. Names come from the directory itself.

A GUID without a name is shown as the GUID. It never becomes "everything": that would hide, or widen, a right.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Final, TypeVar

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

T = TypeVar("T")

# Kinds of thing that an object type names (MS-ADTS 5.1.3.2)
ATTRIBUTE: Final = "attribute"
CLASS: Final = "class"
RIGHT: Final = "right"

_TYPES: Final[dict[int, str]] = {
    sd.ACCESS_ALLOWED: "allow",
    sd.ACCESS_ALLOWED_OBJECT: "allow",
    sd.ACCESS_ALLOWED_CALLBACK: "allow if",
    sd.ACCESS_ALLOWED_CALLBACK_OBJECT: "allow if",
    sd.ACCESS_DENIED: "deny",
    sd.ACCESS_DENIED_OBJECT: "deny",
    sd.ACCESS_DENIED_CALLBACK: "deny if",
    sd.ACCESS_DENIED_CALLBACK_OBJECT: "deny if",
}
# Sets first: full control is not read as fifteen rights
_RIGHTS: Final[tuple[tuple[int, str], ...]] = (
    (sd.GENERIC_ALL, "full control"),
    (sd.FULL_CONTROL, "full control"),
    (sd.GENERIC_WRITE, "generic write"),
    (sd.GENERIC_READ, "generic read"),
    (sd.GENERIC_EXECUTE, "generic execute"),
    (sd.WRITE_DAC, "change permissions"),
    (sd.WRITE_OWNER, "take ownership"),
    (sd.DELETE, "delete"),
    (sd.DELETE_TREE, "delete subtree"),
    (sd.CREATE_CHILD, "create child objects"),
    (sd.DELETE_CHILD, "delete child objects"),
    (sd.WRITE_PROPERTY, "write properties"),
    (sd.SELF_WRITE, "validated write"),
    (sd.CONTROL_ACCESS, "extended right"),
    (sd.READ_PROPERTY, "read properties"),
    (sd.LIST_CONTENTS, "list contents"),
    (sd.LIST_OBJECT, "list object"),
    (sd.READ_CONTROL, "read permissions"),
)


class Names:
    """Names of trustees, attributes, classes and extended rights of one domain, asked for once each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._guids: dict[uuid.UUID, tuple[str, str] | None] = {}
        self._trustees: dict[str, str | None] = {}
        self.sets: dict[uuid.UUID, uuid.UUID] = {}  # attribute to its property set, of those asked for

    def load(self, aces: Iterable[Ace]) -> None:
        """Ask for all names that these ACEs need, in three questions. Raises DirectoryError."""
        aces = list(aces)
        guids = {g for ace in aces for g in (ace.object_type, ace.inherited_object_type) if g} - set(self._guids)
        self._guids.update(dict.fromkeys(guids))
        for some in _batches(sorted(guids)):
            schema = "".join(f"(schemaIDGUID={_octets(guid)})" for guid in some)
            for entry in self._session.search(
                self._session.schema_dn,
                f"(|{schema})",
                ["lDAPDisplayName", "objectClass", "schemaIDGUID", "attributeSecurityGUID"],
                "onelevel",
            ):
                raw, name = entry.raw("schemaIDGUID"), entry.text("lDAPDisplayName")
                in_set = entry.raw("attributeSecurityGUID")
                if raw and in_set:
                    self.sets[uuid.UUID(bytes_le=raw)] = uuid.UUID(bytes_le=in_set)
                if raw and name:
                    classes = {text.lower() for text in entry.texts("objectClass")}
                    self._guids[uuid.UUID(bytes_le=raw)] = (CLASS if "classschema" in classes else ATTRIBUTE, name)
            rights = "".join(f"(rightsGuid={guid})" for guid in some)
            for entry in self._session.search(
                f"CN=Extended-Rights,{self._session.configuration_dn}", f"(|{rights})", ["cn", "rightsGuid"], "onelevel"
            ):
                guid_text, name = entry.text("rightsGuid"), entry.text("cn")
                if guid_text and name:
                    # A validated write shares its GUID with the attribute: the attribute's name stays
                    guid = uuid.UUID(guid_text)
                    self._guids[guid] = self._guids.get(guid) or (RIGHT, name)
        self.load_trustees(ace.sid for ace in aces if ace.sid)

    def load_trustees(self, trustees: Iterable[str]) -> None:
        """Ask for the names of these SIDs. Raises DirectoryError."""
        unknown = set(trustees) - set(self._trustees) - set(sids.WELL_KNOWN_NAMES)
        self._trustees.update(dict.fromkeys(unknown))
        for batch in _batches(sorted(unknown)):
            parts = "".join(f"(objectSid={sids.filter_value(sid)})" for sid in batch)
            for entry in self._session.search(
                self._session.domain_dn, f"(|{parts})", ["objectSid", "sAMAccountName", "cn"]
            ):
                found = entry.sid()
                if found:
                    self._trustees[found] = entry.text("sAMAccountName") or entry.text("cn")

    def trustee(self, sid: str) -> str:
        """``name (SID)``, or the SID alone when it has no name in this domain."""
        name = sids.WELL_KNOWN_NAMES.get(sid) or self._trustees.get(sid)
        return f"{name} ({sid})" if name else sid

    def object_type(self, guid: uuid.UUID) -> str:
        """``attribute member``, ``class user``, ``right DS-Replication-Get-Changes``, or the GUID without a name."""
        known = self._guids.get(guid)
        return f"{known[0]} {known[1]}" if known else f"unknown {{{guid}}}"

    def text(self, ace: Ace) -> str:
        """One line: ``allow svc-sync (S-1-…): extended right [right DS-Replication-Get-Changes], this object only``."""
        if ace.sid is None or ace.mask is None:
            return f"entry of an unknown type {to_sddl(ace)}"
        rights = rights_text(ace.mask)
        if ace.object_type is not None:
            rights += f" [{self.object_type(ace.object_type)}]"
        parts = [f"{_TYPES.get(ace.type, f'type 0x{ace.type:02x}')} {self.trustee(ace.sid)}: {rights}"]
        parts.append(self._inheritance(ace))
        if ace.data:
            parts.append(f"condition 0x{ace.data.hex()}")
        if ace.inherited:
            parts.append("inherited")
        return ", ".join(parts)

    def _inheritance(self, ace: Ace) -> str:
        inherits = ace.flags & (sd.CONTAINER_INHERIT | sd.OBJECT_INHERIT)
        if not inherits:
            return "this object only"
        below = "objects below"
        if ace.inherited_object_type is not None:
            below = f"objects below of {self.object_type(ace.inherited_object_type)}"
        if ace.flags & sd.NO_PROPAGATE_INHERIT:
            below += ", one level"
        return below if ace.flags & sd.INHERIT_ONLY else f"this object and {below}"


def rights_text(mask: int) -> str:
    """The rights of an access mask, in words, the most powerful first; unnamed bits as ``0x…``."""
    words: list[str] = []
    rest = mask
    for bits, word in _RIGHTS:
        if rest & bits == bits:
            words.append(word)
            rest &= ~bits
    if rest:
        words.append(f"0x{rest:x}")
    return ", ".join(dict.fromkeys(words)) or "nothing"


def difference(names: Names, before: Iterable[Ace], after: Iterable[Ace]) -> tuple[list[str], list[str]]:
    """What two lists of ACEs do not share, in words: only in ``before``, only in ``after``. Order does not count."""
    old, new = list(before), list(after)
    for ace in list(old):
        match = next((other for other in new if other.key == ace.key), None)
        if match is not None:
            old.remove(ace)
            new.remove(match)
    names.load([*old, *new])
    return [names.text(ace) for ace in old], [names.text(ace) for ace in new]


def _octets(guid: uuid.UUID) -> str:
    return "".join(f"\\{byte:02x}" for byte in guid.bytes_le)


def _batches(items: list[T]) -> Iterable[list[T]]:
    return (items[start : start + 100] for start in range(0, len(items), 100))
