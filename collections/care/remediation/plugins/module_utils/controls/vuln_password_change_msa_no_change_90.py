# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A managed service account does not renew its password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MSA,
    PASSWORDS,
    Snapshot,
)

ID: Final = "vuln_password_change_msa_no_change_90"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PASSWORDS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled managed service account (stand-alone, group or delegated) with a password older than the threshold.

    ``unused`` names the account where it has not authenticated within the threshold either: that one may be disabled.
    """
    oldest = ages.days_before(snapshot, ID)
    managed = {account.sid: account for account in snapshot.accounts if account.kind == MSA and account.enabled}
    for found in ages.old_passwords(
        snapshot, managed.values(), oldest=oldest, level=2, what="Managed service account"
    ):
        since = ages.seen(managed[found.id])
        found.evidence["unused"] = found.sid if since is not None and since < oldest else None
        yield found
