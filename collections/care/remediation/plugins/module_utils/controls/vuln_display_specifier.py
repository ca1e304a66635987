# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A menu of the administrators' consoles starts a program that is not in SYSVOL.

Whoever can write that file runs programs as the administrator who opens the menu.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.display_specifiers import (
    DISPLAY_SPECIFIERS,
    MenuEntry,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import COMPUTER, Snapshot

ID: Final = "vuln_display_specifier"
NEEDS: Final = frozenset({DISPLAY_SPECIFIERS})
_SHARES: Final = frozenset({"sysvol", "netlogon"})  # the second is a folder of the first
# The one program that Windows itself puts into every forest; it was removed from Windows long ago
_DEFAULTS: Final = frozenset({("cn=remotestorageservicepoint-display", "rsadmin.msc")})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each value whose program is not below SYSVOL of this forest."""
    servers = _servers(snapshot)
    for entry in snapshot.menu_entries:
        if _default(entry) or in_sysvol(entry.program, servers):
            continue
        digest = hashlib.sha256(f"{entry.attribute}={entry.value}".encode("utf-8", "surrogateescape")).hexdigest()[:16]
        yield Found(
            type="setting",
            id=f"{entry.guid}#{digest}",
            label=f"{entry.dn.split(',', 1)[0].partition('=')[2]} : {entry.program}",
            dn=entry.dn,
            level=1,
            wording=f"{entry.attribute} of {entry.dn} starts {entry.program}.",
            evidence={
                "object": entry.dn,
                "object_guid": entry.guid,
                "attribute": entry.attribute,
                "value": entry.value,
                "program": entry.program,
            },
        )


def in_sysvol(program: str, servers: frozenset[str]) -> bool:
    """Whether a program is named by a path below SYSVOL or NETLOGON of one of these servers (lower case)."""
    parts = [part for part in re.split(r"[\\/]", program.strip()) if part]
    if not re.match(r"[\\/]{2}[^\\/]", program.strip()) or len(parts) < 3 or ".." in parts:
        return False
    return parts[0].casefold() in servers and parts[1].casefold() in _SHARES


def _servers(snapshot: Snapshot) -> frozenset[str]:
    names = {snapshot.dns_name.casefold(), *(each.casefold() for each in snapshot.settings.domain_names)}
    for account in snapshot.accounts:
        if account.is_dc and account.kind == COMPUTER:
            short = account.label.rstrip("$").casefold()
            names |= {short, f"{short}.{snapshot.dns_name.casefold()}"}
    return frozenset(names)


def _default(entry: MenuEntry) -> bool:
    return (entry.dn.split(",", 1)[0].casefold(), entry.program.casefold()) in _DEFAULTS
