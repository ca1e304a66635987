# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One attribute of one object under one or more changes: where it stands, and what to send. Nothing here connects."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    SecurityDescriptor,
)

Where = Literal["before", "after", "other"]
Change = Mapping[str, Any]
# Attributes compared as DNs, SPNs and other strings are in Active Directory: without regard to case
_OCTETS: Final = frozenset(
    {
        "dnsproperty",
        "msds-allowedtoactonbehalfofotheridentity",
        "msds-keycredentiallink",
        "ntsecuritydescriptor",
        "objectguid",
        "objectsid",
        "sidhistory",
    }
)
# SECURITY_INFORMATION (MS-DTYP 2.4.7)
OWNER: Final = 1
DACL: Final = 4
# Systems keep this one; an administrator may raise it by a plain replacement only, and never lower it
_REPLACED: Final = frozenset({"msds-behavior-version"})
MOD_ADD: Final = 0
MOD_DELETE: Final = 1
MOD_REPLACE: Final = 2


@dataclass(slots=True)
class AttributeChange:
    """The changes of one attribute of one object (``object_id``: its objectGUID) that are made in one request.

    Undoing is the same with before and after exchanged: ``undo`` does that.
    """

    object_id: str
    attribute: str
    kind: str
    undo: bool
    changes: list[Change] = field(default_factory=list)

    @property
    def dn(self) -> str:
        """The object by its GUID: it is still the same one after a rename."""
        return f"<GUID={self.object_id}>"

    @property
    def sd_flags(self) -> int | None:
        """The part of the descriptor that is read and written, None for another attribute."""
        return {"aces": DACL, "owner": OWNER}.get(self.kind)

    @property
    def hint(self) -> str:
        """What a refused write of this kind usually lacks, for the message about it."""
        if self.kind != "owner":
            return ""
        return (
            ". A new owner takes the right to take ownership (WRITE_OWNER) and membership in the group that becomes the"
            " owner, or the privilege to restore files: connect as a member of Domain Admins"
        )

    def wanted(self, change: Change) -> tuple[Any, Any]:
        """What a change starts from and leads to, in the direction of this operation."""
        return (change["after"], change["before"]) if self.undo else (change["before"], change["after"])

    @property
    def read_attributes(self) -> list[str]:
        """The attributes to read before and after."""
        return ["pwdLastSet"] if self.kind == "password" else [self.attribute]

    def where(self, change: Change, entry: Entry) -> Where:
        """Where ``entry`` stands in ``change``; ValueError when a value in it cannot be understood."""
        start, goal = self.wanted(change)
        if self.kind == "password":
            same = str(entry.int("pwdLastSet") or 0) == str(start)
            return "before" if same else "other"
        if self.kind == "flags":
            present = (entry.int(self.attribute) or 0) & 0xFFFFFFFF & int(change["mask"])
            return _either(present == int(start) & 0xFFFFFFFF, present == int(goal) & 0xFFFFFFFF)
        if self.kind == "owner":
            owner = _owner(entry)
            return _either(owner == start, owner == goal)
        if self.kind == "aces":
            compare = acl_changes.whole_state if _whole_list(change) else acl_changes.state
            found = compare(_descriptor(entry).dacl.aces, start, goal)  # type: ignore[union-attr]
            return "before" if found == "before" else "after" if found == "after" else "other"
        values = entry.attributes.get(self.attribute) or []
        before, after = [_raw(v) for v in start], [_raw(v) for v in goal]
        if self.kind == "replace":
            return _either(sorted(values) == sorted(before), sorted(values) == sorted(after))
        have = {self._fold(value) for value in values}
        gone = {self._fold(v) for v in before} - {self._fold(v) for v in after}
        come = {self._fold(v) for v in after} - {self._fold(v) for v in before}
        return _either(gone <= have and not come & have, come <= have and not gone & have)

    def modlist(self, entry: Entry, changes: Sequence[Change]) -> list[tuple[int, str, list[bytes]]]:
        """What to send so that ``changes``, all found at their start in ``entry``, are made.

        Wherever the server can compare, the old values are named (delete old, add new): it refuses the request when
        one of them has moved since it was read.
        """
        if self.kind == "password":
            return [(MOD_REPLACE, self.attribute, [random_password()])]
        if self.kind == "flags":
            return self._flags(entry, changes)
        if self.kind == "aces":
            descriptor = _descriptor(entry)
            aces = descriptor.dacl.aces  # type: ignore[union-attr]
            for change in changes:
                if _whole_list(change):
                    aces = acl_changes.apply_whole(aces, self.wanted(change)[1])
            aces = acl_changes.apply(aces, [self.wanted(c) for c in changes if not _whole_list(c)])
            return [(MOD_REPLACE, self.attribute, [descriptor.with_dacl(aces).dacl_only().to_bytes()])]
        if self.kind == "owner":
            # With the SD flags control set to OWNER the server takes the owner from this and nothing else
            owner = SecurityDescriptor(owner=str(self.wanted(changes[-1])[1]))
            return [(MOD_REPLACE, self.attribute, [owner.to_bytes()])]
        if self.kind == "replace":
            start, goal = ([_raw(v) for v in part] for part in self.wanted(changes[-1]))
            if self.attribute.lower() in _REPLACED and goal:
                return [(MOD_REPLACE, self.attribute, goal)]
            return _exchange(self.attribute, start, goal)
        gone: list[bytes] = []
        come: list[bytes] = []
        for change in changes:
            start, goal = ([_raw(v) for v in part] for part in self.wanted(change))
            kept = {self._fold(v) for v in start} & {self._fold(v) for v in goal}
            gone += [v for v in start if self._fold(v) not in kept]
            come += [v for v in goal if self._fold(v) not in kept]
        return _exchange(self.attribute, gone, come)

    def _flags(self, entry: Entry, changes: Sequence[Change]) -> list[tuple[int, str, list[bytes]]]:
        present = entry.int(self.attribute)
        value = (present or 0) & 0xFFFFFFFF
        for change in changes:
            mask = int(change["mask"])
            value = value & ~mask | int(self.wanted(change)[1]) & mask
        # INTEGER of the directory is signed (MS-ADTS 3.1.1.2.2.2.10)
        signed = value - 2**32 if value & 0x80000000 else value
        old = [] if present is None else [entry.attributes[self.attribute][0]]
        # undoing takes away what was not there: the attribute and not only its bits
        gone = self.undo and value == 0 and any(change.get("context", {}).get("absent") for change in changes)
        return _exchange(self.attribute, old, [] if gone else [str(signed).encode()])

    def _fold(self, value: bytes) -> bytes:
        if self.attribute.lower() in _OCTETS:
            return value
        try:
            return value.decode().casefold().encode()
        except UnicodeDecodeError:
            return value

    def shown(self, change: Change, entry: Entry) -> str:
        """What is there, for a message about a conflict."""
        if self.kind == "password":
            return f"pwdLastSet {entry.int('pwdLastSet')}"
        if self.kind == "flags":
            return f"{self.attribute} & {change['mask']} = {(entry.int(self.attribute) or 0) & int(change['mask'])}"
        if self.kind == "owner":
            return f"owner {_owner(entry)}"
        if self.kind == "aces":
            there = {ace.raw for ace in _descriptor(entry).dacl.explicit}  # type: ignore[union-attr]
            named = [item for part in self.wanted(change) for item in part]
            return "; ".join(
                f"{item['sddl']} is {'there' if acl_changes.raw_of(item) in there else 'not there'}" for item in named
            )
        present = entry.attributes.get(self.attribute) or []
        if self.kind == "values":
            concerned = {self._fold(_raw(v)) for part in self.wanted(change) for v in part}
            present = [v for v in present if self._fold(v) in concerned]
        values = [v.decode("utf-8", "backslashreplace") for v in present]
        return f"{self.attribute} = {', '.join(values[:20]) or 'nothing'}"

    def collateral(self, entry_before: Entry, entry_after: Entry) -> str | None:
        """What else moved in a DACL though nobody asked for it, or None."""
        if self.kind != "aces":
            return None
        named = {acl_changes.raw_of(i) for c in self.changes for part in self.wanted(c) for i in part}
        old = sorted(a.raw for a in _descriptor(entry_before).dacl.explicit if a.raw not in named)  # type: ignore[union-attr]
        new = sorted(a.raw for a in _descriptor(entry_after).dacl.explicit if a.raw not in named)  # type: ignore[union-attr]
        if old == new:
            return None
        moved = [to_sddl(Ace.parse(raw)) for raw in {*old} ^ {*new}]
        return "other entries of the access list changed at the same time: " + ", ".join(moved)


def random_password() -> bytes:
    """A password that nobody learns, as unicodePwd takes it (MS-ADTS 3.1.1.3.1.5.1: quoted, UTF-16LE)."""
    # one of each class, whatever the domain's rules; the rest carries 600 bits
    return f'"Aa1!{secrets.token_urlsafe(75)}"'.encode("utf-16-le")


def _either(before: bool, after: bool) -> Where:
    return "after" if after else "before" if before else "other"


def _exchange(attribute: str, old: list[bytes], new: list[bytes]) -> list[tuple[int, str, list[bytes]]]:
    modlist = []
    if old:
        modlist.append((MOD_DELETE, attribute, old))
    if new:
        modlist.append((MOD_ADD, attribute, new))
    return modlist


def _raw(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return base64.b64decode(str(value["base64"]), validate=True)
    return str(value).encode("utf-8")


def _whole_list(change: Change) -> bool:
    return bool((change.get("context") or {}).get("whole_list"))


def _owner(entry: Entry) -> str:
    raw = entry.raw("nTSecurityDescriptor")
    owner = SecurityDescriptor.parse(raw).owner if raw is not None else None
    if owner is None:
        raise ValueError("its owner cannot be read: the connected account has no right to")
    return owner


def _descriptor(entry: Entry) -> SecurityDescriptor:
    raw = entry.raw("nTSecurityDescriptor")
    if raw is None:
        raise ValueError("its access list cannot be read: the connected account has no right to")
    descriptor = SecurityDescriptor.parse(raw)
    if descriptor.dacl is None:
        raise ValueError("it has no access list (everything is allowed to everyone); correct that first")
    return descriptor
