# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A server has not authenticated to the domain for long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    LOGONS,
    SYSTEMS,
    Snapshot,
)

ID: Final = "vuln_password_change_inactive_servers"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, LOGONS, SYSTEMS})
remark = ages.silent


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled member server not seen within the threshold."""
    yield from ages.unseen(
        snapshot, ages.servers(snapshot), oldest=ages.days_before(snapshot, ID), level=3, what="Server"
    )
