# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Adds to a snapshot what SYSVOL holds of some policies. What cannot be read is ``unreadable``, never an error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ansible_collections.care.remediation.plugins.module_utils.directory.reading.policy_files import (
    POLICY_FILES,
    PolicyFile,
    folder_of,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import Share

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot


def add_policy_files(session: Session, snapshot: Snapshot, policies: Iterable[str]) -> None:
    """Read the files' access lists of these policies (DNs) on the session's domain controller."""
    try:
        with Share.connect(session.options, session) as share:
            add_files(share, snapshot, policies)
    except SysvolError as error:
        snapshot.policy_files = snapshot.policy_files or {}
        snapshot.unreadable[POLICY_FILES] = str(error)


def add_files(share: Share, snapshot: Snapshot, policies: Iterable[str]) -> None:
    """As `add_policy_files`, over an open share. Raises SysvolError for the first policy that cannot be read whole."""
    snapshot.policy_files = {}
    for dn in policies:
        folder = folder_of(dn)
        if policy.guid_of(folder) is None:
            continue
        if share.find(folder) is None:
            snapshot.notes.append(f"{dn} has no folder in SYSVOL: {share.label(folder)} is not there.")
            continue
        paths = ["", *(node.path[len(folder) + 1 :] for node in share.walk(folder))]
        snapshot.policy_files[folder] = [
            PolicyFile(path, snapshot.pool.of(share.descriptor(f"{folder}\\{path}".rstrip("\\")))) for path in paths
        ]
