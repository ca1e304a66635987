# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A whole object that comes or goes: where it stands, and what to send. Nothing here connects.

``before`` and ``after`` are ``null`` (there is no such object) or ``{"attributes": {name: [values]}}``. One that comes
is named by its DN, for it has no GUID yet, and may go again as long as it is what was created. One that goes is named
by its GUID; it never comes back as the same one, so such a change is irreversible.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry

KIND: Final = "object"
Where = Literal["before", "after", "other"]
Change = Mapping[str, Any]

# What the server itself keeps on an object, whoever writes it (MS-ADTS 3.1.1.5.2.2 and 3.1.1.4.5): it does not say that
# a person touched it. Back links (memberOf…) are not here: an object that others refer to is in use.
_KEPT_BY_THE_SERVER: Final = frozenset(
    {
        "accountexpires",
        "admincount",
        "badpasswordtime",
        "badpwdcount",
        "cn",
        "codepage",
        "countrycode",
        "distinguishedname",
        "dscorepropagationdata",
        "grouptype",
        "instancetype",
        "iscriticalsystemobject",
        "lastlogoff",
        "lastlogon",
        "lastlogontimestamp",
        "logoncount",
        "name",
        "ntsecuritydescriptor",
        "objectcategory",
        "objectguid",
        "objectsid",
        "ou",
        "primarygroupid",
        "pwdlastset",
        "samaccountname",
        "samaccounttype",
        "showinadvancedviewonly",
        "useraccountcontrol",
        "usnchanged",
        "usncreated",
        "whenchanged",
        "whencreated",
    }
)
# Written once, never compared: the server adds what is inherited
_NOT_COMPARED: Final = frozenset({"ntsecuritydescriptor"})
_SECRETS: Final = frozenset({"unicodepwd", "userpassword", "dbcspwd", "msds-managedpassword"})


@dataclass(slots=True)
class ObjectChange:
    """One change of kind ``object``, in one direction: ``undo`` exchanges before and after."""

    change: Change
    undo: bool
    changes: list[Change] = field(init=False)

    def __post_init__(self) -> None:
        self.changes = [self.change]

    @property
    def kind(self) -> str:
        """``object``."""
        return KIND

    @property
    def attribute(self) -> str:
        """None is changed alone: the empty string."""
        return ""

    @property
    def dn(self) -> str:
        """The object: by DN when it was or is to be created, by GUID when it is to go."""
        described = self.change["object"]
        return str(described["dn"]) if self.creates else f"<GUID={described['id']}>"

    @property
    def creates(self) -> bool:
        """Whether the change (applied) makes an object."""
        return self.change["before"] is None

    @property
    def adds(self) -> bool:
        """Whether this direction makes an object; else it removes one."""
        return self.creates != self.undo

    @property
    def read_attributes(self) -> list[str]:
        """Everything: only so is seen what someone added."""
        return ["*", "objectGUID"]

    def wrong(self) -> str | None:
        """Why this is no change that can be made, or None."""
        before, after = self.change["before"], self.change["after"]
        if (before is None) == (after is None):
            return "either before or after must be null: an object comes or goes"
        given = _attributes(after if before is None else before)
        if not given:
            return "no attributes are given"
        if _SECRETS & _lower(given):
            return "no change may hold a password"
        if after is None and self.change.get("reversible", True):
            return "an object that is removed cannot come back; the change must say that it is irreversible"
        if before is None and "objectclass" not in _lower(given):
            return "an object without objectClass cannot be created"
        return None

    def where(self, entry: Entry | None) -> Where:
        """Where ``entry`` (None: there is no such object) stands, in this direction."""
        if self.adds:
            if entry is None:
                return "before"
            return "other" if self.differences(entry) else "after"
        if entry is None:
            return "after"
        # What is removed must be what was seen, and what was created by us must have stayed ours alone
        return "other" if self.differences(entry) or (self.undo and self.added(entry)) else "before"

    @property
    def _described(self) -> dict[str, list[bytes]]:
        return _attributes(self.change["after"] if self.creates else self.change["before"])

    def differences(self, entry: Entry) -> list[str]:
        """Names of the attributes that are not as the change describes them."""
        found = []
        for name, wanted in self._described.items():
            if name.lower() in _NOT_COMPARED:
                continue
            present = {_fold(value) for value in entry.attributes.get(name) or []}
            asked = {_fold(value) for value in wanted}
            # the server adds the classes above the one that was asked for
            same = asked <= present if name.lower() == "objectclass" else asked == present
            if not same:
                found.append(name)
        return found

    def added(self, entry: Entry) -> list[str]:
        """Names of attributes that someone gave the object since it was created."""
        known = _lower(self._described) | _KEPT_BY_THE_SERVER
        return sorted(name for name in entry.attributes if name.lower() not in known)

    def shown(self, entry: Entry | None) -> str:
        """What is there, for a message about a conflict."""
        if entry is None:
            return "no such object"
        parts = []
        for name in self.differences(entry):
            values = [value.decode("utf-8", "backslashreplace") for value in entry.attributes.get(name) or []]
            parts.append(f"{name} = {', '.join(values[:20]) or 'nothing'}")
        if self.undo:
            parts += [f"{name} was added" for name in self.added(entry)]
        return "; ".join(parts) or "the object is there"

    def addlist(self) -> list[tuple[str, list[bytes]]]:
        """What to send so that the object comes."""
        return list(self._described.items())


def _attributes(side: Any) -> dict[str, list[bytes]]:
    """Name to raw values, without attributes that have none; ValueError for another shape."""
    if not isinstance(side, Mapping) or not isinstance(side.get("attributes"), Mapping):
        raise ValueError("before or after must be {attributes: {name: [values]}}")
    return {str(name): [_raw(v) for v in values] for name, values in side["attributes"].items() if values}


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def _raw(value: Any) -> bytes:
    if isinstance(value, Mapping):
        return base64.b64decode(str(value["base64"]), validate=True)
    return str(value).encode("utf-8")


def _fold(value: bytes) -> bytes:
    try:
        return value.decode().casefold().encode()
    except UnicodeDecodeError:
        return value
