# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password of a failover cluster's account is very old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import ages
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, years_before
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    PASSWORDS,
    Snapshot,
)

ID: Final = "vuln_password_change_cluster_no_change_3years"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PASSWORDS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled cluster name object (recognised by its service names) with a password older than the threshold."""
    clusters = (account for account in snapshot.accounts if account.enabled and ages.is_cluster(account))
    oldest = years_before(snapshot.taken, snapshot.limit(ID, "password_years"))
    yield from ages.old_passwords(snapshot, clusters, oldest=oldest, level=2, what="Cluster account")
