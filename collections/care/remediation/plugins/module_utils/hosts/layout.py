# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the writer keeps its things on the host."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Directories of the writer.

    `state`: guards, before-copies of secret files, marks of unfinished reloads (root, 0700).
    `lock`: below /run and not in /run/lock, which every local user may write to on Debian and so hold up.
    `units`: where the unit that takes an unconfirmed change back after a reboot is put.
    """

    state: str = "/var/lib/care-remediation"
    lock: str = "/run/care-remediation.lock"
    units: str = "/etc/systemd/system"

    @property
    def backup(self) -> str:
        return os.path.join(self.state, "backup")

    @property
    def pending(self) -> str:
        return os.path.join(self.state, "pending")


def private_directory(path: str) -> str:
    """Makes `path` a directory only its owner can enter, as well as those above it that are missing; returns it."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        private_directory(parent)  # os.makedirs() would give the mode to the last one only
    if not os.path.isdir(path):
        os.mkdir(path, 0o700)
    os.chmod(path, 0o700)
    return path
