# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain controller has not authenticated to its domain for long."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    LOGONS,
    Snapshot,
)

ID: Final = "vuln_password_change_inactive_dc"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, LOGONS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each domain controller not seen within the threshold. A disabled one too: it is still one for the others."""
    controllers = (account for account in snapshot.accounts if account.is_dc)
    yield from ages.unseen(
        snapshot, controllers, oldest=ages.days_before(snapshot, ID), level=1, what="Domain controller"
    )
