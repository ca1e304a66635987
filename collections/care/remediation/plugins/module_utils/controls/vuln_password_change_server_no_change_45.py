# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A server has not renewed the password of its account for 45 days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    PASSWORDS,
    SYSTEMS,
    Snapshot,
)

ID: Final = "vuln_password_change_server_no_change_45"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PASSWORDS, SYSTEMS})
remark = ages.silent


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled member server whose password is older than the threshold."""
    yield from ages.old_passwords(
        snapshot, ages.servers(snapshot), oldest=ages.days_before(snapshot, ID), level=3, what="Server"
    )
