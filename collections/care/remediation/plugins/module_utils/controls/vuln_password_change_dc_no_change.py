# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain controller does not renew the password of its account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    PASSWORDS,
    Snapshot,
)

ID: Final = "vuln_password_change_dc_no_change"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PASSWORDS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled domain controller, read-only ones too, whose password is older than the threshold."""
    controllers = (account for account in snapshot.accounts if account.is_dc and account.enabled)
    yield from ages.old_passwords(
        snapshot, controllers, oldest=ages.days_before(snapshot, ID), level=1, what="Domain controller"
    )
