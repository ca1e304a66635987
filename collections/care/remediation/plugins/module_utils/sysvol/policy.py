# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a group policy object says about itself: name, version, client-side extensions, links."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

DEFAULT_DOMAIN_POLICY: Final = uuid.UUID("31b2f340-016d-11d2-945f-00c04fb984f9")  # MS-GPOL 1.9
DEFAULT_DOMAIN_CONTROLLERS_POLICY: Final = uuid.UUID("6ac1786c-016f-11d2-945f-00c04fb984f9")

# Client-side extension and the tool that edits its settings (MS-GPREG 1.9, MS-GPSB 1.9, MS-GPAC 1.9, MS-GPPREF 1.9)
REGISTRY: Final = "35378EAC-683F-11D2-A89A-00C04FBBCFA2"
SECURITY: Final = "827D319E-6EAC-11D2-A4EA-00C04F79F83A"
AUDIT: Final = "F3CCC681-B74C-4060-9F26-CD84525DCA2A"
MACHINE_TOOLS: Final[dict[str, str]] = {
    REGISTRY: "D02B1F72-3407-48AE-BA88-E8213C6761F1",
    SECURITY: "803E14A0-B4FB-11D0-A0D0-00A0C90F574B",
    AUDIT: "0F3F3735-573D-9804-99E4-AB2A69BA5FD4",
}
USER_TOOLS: Final[dict[str, str]] = {REGISTRY: "D02B1F73-3407-48AE-BA88-E8213C6761F1"}

LINK_DISABLED: Final = 1
LINK_ENFORCED: Final = 2
BLOCK_INHERITANCE: Final = 1

_GUID: Final = r"\{([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\}"
_GUIDS: Final = re.compile(_GUID)
_EXTENSIONS: Final = re.compile(rf"(?:\[(?:{_GUID})+\]\s*)*\Z")
_LINK: Final = re.compile(r"\[LDAP://([^\[\];]+);([0-9]{1,9})\]", re.IGNORECASE)


def braced(guid: uuid.UUID) -> str:
    """``{31B2F340-…}``, as folders and objects are named."""
    return f"{{{str(guid).upper()}}}"


def guid_of(name: str) -> uuid.UUID | None:
    """The GUID of a folder or an object called ``{31B2F340-…}``, or None."""
    match = _GUIDS.fullmatch(name.strip())
    return uuid.UUID(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class Version:
    """Both halves of ``versionNumber`` (MS-GPOL 2.2.3): each counts up when its settings change."""

    machine: int = 0
    user: int = 0

    @classmethod
    def of(cls, number: int) -> Version:
        """The halves of the number in the directory or gpt.ini."""
        number &= 0xFFFFFFFF
        return cls(number & 0xFFFF, number >> 16)

    @property
    def number(self) -> int:
        """As gpt.ini writes it. The directory's INTEGER is signed: see `signed`."""
        return self.user << 16 | self.machine

    @property
    def signed(self) -> int:
        """As ``versionNumber`` of the directory writes it (MS-ADTS 3.1.1.2.2.2.10)."""
        return self.number - 2**32 if self.number & 0x80000000 else self.number

    def joined(self, other: Version) -> Version:
        """The greater of each half: what neither client nor tool has seen a later one of."""
        return Version(max(self.machine, other.machine), max(self.user, other.user))

    def next(self, *, machine: bool = False, user: bool = False) -> Version:
        """After a change of the machine's or the user's settings; 0 is never reached again (it means: empty)."""
        step = Version(self.machine % 0xFFFF + 1, self.user % 0xFFFF + 1)
        return Version(step.machine if machine else self.machine, step.user if user else self.user)


def extensions(text: str) -> dict[str, set[str]]:
    """``gPCMachineExtensionNames`` as extension → tools, GUIDs in upper case; ValueError when it is not understood."""
    text = text.strip()
    if not _EXTENSIONS.match(text):
        raise ValueError(f"not a list of client-side extensions: {text[:200]!r}")
    found: dict[str, set[str]] = {}
    for group in text.split("]"):
        guids = [guid.upper() for guid in _GUIDS.findall(group)]
        if guids:
            found.setdefault(guids[0], set()).update(guids[1:])
    return found


def extensions_text(found: dict[str, set[str]]) -> str:
    """The attribute: extensions ascending, tools of each ascending (MS-GPOL 2.2.4; clients look them up so)."""
    return "".join(
        "[" + "".join(f"{{{guid}}}" for guid in [extension, *sorted(tools)]) + "]"
        for extension, tools in sorted(found.items())
    )


def with_extensions(text: str, needed: Iterable[str], tools: dict[str, str]) -> str:
    """The attribute with the extensions that are ``needed``; as it is when they are all there."""
    found = extensions(text)
    missing = [e for e in needed if e not in found or tools[e] not in found[e]]
    if not missing:
        return text
    for extension in missing:
        found.setdefault(extension, set()).add(tools[extension])
    return extensions_text(found)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a site, domain or OU (MS-GPOL 2.2.2)."""

    dn: str
    options: int = 0

    @property
    def enabled(self) -> bool:
        """False for a link that is there and not followed."""
        return not self.options & LINK_DISABLED

    @property
    def enforced(self) -> bool:
        """True when nothing below can override or block it."""
        return bool(self.options & LINK_ENFORCED)


def links(text: str) -> list[Link]:
    """``gPLink`` as links, the one that wins first (the attribute is written the other way round).

    ValueError when something in it is not understood: rewriting it would lose that.
    """
    rest = _LINK.sub("", text).strip()
    if rest:
        raise ValueError(f"not a list of links: {text[:200]!r}")
    return [Link(match[1], int(match[2])) for match in _LINK.finditer(text)][::-1]


def links_text(found: Iterable[Link]) -> str:
    """The attribute of these links, the one that wins first."""
    return "".join(f"[LDAP://{link.dn};{link.options}]" for link in reversed(list(found)))


def with_link(
    found: list[Link], dn: str, *, enabled: bool | None, enforced: bool | None, order: int | None
) -> list[Link]:
    """The links with one more or another one; None keeps what a link that is there says (new: enabled, not enforced).

    ``order`` counts from 1, the one that wins; without it a new link goes to the end, as Windows does.
    """
    key = dn.lower().replace(" ", "")
    place = next((n for n, link in enumerate(found) if link.dn.lower().replace(" ", "") == key), None)
    link = found[place] if place is not None else Link(dn)
    options = link.options
    if enabled is not None:
        options = options & ~LINK_DISABLED if enabled else options | LINK_DISABLED
    if enforced is not None:
        options = options | LINK_ENFORCED if enforced else options & ~LINK_ENFORCED
    link = replace(link, options=options)
    others = [one for n, one in enumerate(found) if n != place]
    kept = place if place is not None else len(others)
    target = kept if order is None else min(order - 1, len(others))
    return [*others[:target], link, *others[target:]]
