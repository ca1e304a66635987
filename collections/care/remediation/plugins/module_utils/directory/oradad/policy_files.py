# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The access lists of policies' files from a dump: its table ``sysvol`` names each file with its descriptor.

Of each file the collector writes the policy's GUID in braces, the path below the domain's folder of SYSVOL, and owner
and DACL in hexadecimal digits (nothing where it could not read them).
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import dump as dumps
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.dump import Dump
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.policy_files import (
    POLICY_FILES,
    PolicyFile,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

TABLE: Final = "sysvol"
COLUMNS: Final = ("guid", "path", "securitydescriptor")


def add(dump: Dump, snapshot: Snapshot) -> None:
    """Fill in ``snapshot.policy_files``; what the dump does not hold is ``unreadable``."""
    table = dump.find(TABLE, "domain", snapshot.dns_name)
    names = [name.casefold() for name, _kind in table.columns] if table is not None else []
    if table is None or not set(COLUMNS) <= set(names):
        snapshot.unreadable[POLICY_FILES] = (
            "the dump holds no access lists of SYSVOL: collect with <process_sysvol>1</process_sysvol>"
        )
        return
    guid, path, descriptor = (names.index(name) for name in COLUMNS)
    files: dict[str, list[PolicyFile]] = {}
    for _start, _length, cells in dumps.rows(table):
        policy = cells[guid].lower()
        # below Policies\{…}, so that a folder of the same name elsewhere is not taken for it
        _before, found, inside = cells[path].lower().partition(f"policies\\{policy}")
        if not policy or not found:
            continue
        name = cells[path][len(cells[path]) - len(inside) :].lstrip("\\")
        try:
            raw = bytes.fromhex(cells[descriptor]) or None
        except ValueError:
            raw = None
        files.setdefault(policy, []).append(PolicyFile(name, snapshot.pool.of(raw)))
    snapshot.policy_files = files
    if table.broken:
        snapshot.unreadable[POLICY_FILES] = table.broken
