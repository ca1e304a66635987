# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Menus that consoles take from the directory (display specifiers, MS-ADTS 6.1.1.2.4.1.4): those of their entries that
start a program instead of naming a component by its class identifier."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

DISPLAY_SPECIFIERS: Final = "display specifiers"

# The attribute that may hold "order,label,program" beside "order,{class id}[,data]": the menus of the administrators'
# consoles. Property pages and wizards are components, always named by their class identifier; shellContextMenu, which
# the consoles do not show, is not collected by ANSSI's tool and not judged.
ATTRIBUTES: Final = ("adminContextMenu",)
_CLASS_ID: Final = re.compile(r"\s*\{[0-9A-Fa-f-]{36}\}\s*\Z")


@dataclass(slots=True)
class MenuEntry:
    """One value that starts a program."""

    dn: str
    guid: str
    attribute: str
    value: str
    program: str


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    values["menu_entries"] = [MenuEntry(**item) for item in values.get("menu_entries", ())]


def program_of(value: str) -> str | None:
    """The program that a value starts, None for one that names a component by its class identifier."""
    parts = value.split(",", 2)
    if any(_CLASS_ID.match(part) for part in parts[:2]):
        return None
    return parts[-1].strip().strip('"')


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the values that start programs into ``snapshot.menu_entries``."""
    base = f"CN=DisplaySpecifiers,{session.configuration_dn}"
    wanted = "".join(f"({name}=*)" for name in ATTRIBUTES)
    entries = quiet.search(
        session, base, f"(&(objectClass=displaySpecifier)(|{wanted}))", ["objectGUID", *ATTRIBUTES]
    )
    if not entries:
        # every forest has some hundreds, with class identifiers in them
        snapshot.unreadable[DISPLAY_SPECIFIERS] = (
            f"{base} shows no display specifier with its menus to the account in use (right to read and list)"
        )
        return
    for entry in entries:
        guid = entry.guid()
        for attribute in ATTRIBUTES:
            for value in entry.texts(attribute):
                program = program_of(value)
                if program is None:
                    continue
                if guid is None:
                    snapshot.unreadable[DISPLAY_SPECIFIERS] = f"objectGUID of {entry.dn} is not readable"
                    continue
                snapshot.menu_entries.append(MenuEntry(entry.dn, guid, attribute, value, program))
