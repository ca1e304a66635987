# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password of a privileged account never expires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    account_found,
    enabled_privileged,
    flagged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    USER,
    Snapshot,
)

ID: Final = "vuln_dont_expire_priv"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled privileged user account with DONT_EXPIRE_PASSWORD (the built-in administrator included)."""
    for account in flagged(snapshot, enabled_privileged(snapshot), uac.DONT_EXPIRE_PASSWORD):
        if account.kind == USER:
            yield account_found(snapshot, account, level=1, wording="Privileged account whose password never expires.")
