# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password of a privileged account is stored with reversible encryption."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_reversible_password_priv_uac"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each privileged account with ENCRYPTED_TEXT_PWD_ALLOWED.

    A disabled one counts: its password can be read from the directory all the same.
    """
    for account, _privilege in snapshot.privileged_accounts():
        if account.has(uac.ENCRYPTED_TEXT_PWD_ALLOWED):
            yield account_found(
                snapshot,
                account,
                level=3,
                wording="Privileged account whose password is stored with reversible encryption.",
            )
