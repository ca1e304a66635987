# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Service principal names of computers, only where controls need them, because there are some eight for each computer.

Read for domain controllers, privileged computers and managed service accounts (delegations are judged by who carries
the target) and for the name objects of failover clusters (recognised by their names).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Account, Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

SERVICES: Final = "service names of domain controllers"
# What a cluster service registers for its name object (CNO) and for the virtual computer objects of its roles.
CLUSTER_SERVICES: Final = ("MSServerCluster/", "MSClusterVirtualServer/")
ATTRIBUTES: Final = ("objectSid", "servicePrincipalName", "dNSHostName")
_BATCH: Final = 100


def read(session: Reader, snapshot: Snapshot) -> None:
    """Fill in ``spns`` and ``host_name`` of those accounts. Needs the accounts and the groups.

    Every domain controller has service principal names: where one shows none, ``unreadable[SERVICES]`` says so.
    """
    by_sid = {account.sid: account for account in snapshot.accounts}
    clusters = "".join(f"(servicePrincipalName={prefix}*)" for prefix in CLUSTER_SERVICES)
    for entry in session.search(snapshot.domain_dn, f"(|{clusters})", ATTRIBUTES):
        _note(by_sid, entry)
    wanted = [
        account.sid
        for account in snapshot.accounts
        if account.is_dc or (account.kind != "user" and account.sid in snapshot.privileged.accounts)
    ]
    for batch in _batches(wanted):
        parts = "".join(f"(objectSid={sid})" for sid in batch)
        for entry in session.search(snapshot.domain_dn, f"(|{parts})", ATTRIBUTES):
            _note(by_sid, entry)
    silent = [account.label for account in snapshot.accounts if account.is_dc and account.enabled and not account.spns]
    if silent:
        snapshot.unreadable[SERVICES] = (
            f"servicePrincipalName of {len(silent)} domain controllers is not readable, for instance {silent[0]}: the"
            " account in use needs the right to read it"
        )


def _note(by_sid: dict[str, Account], entry: Entry) -> None:
    account = by_sid.get(entry.sid() or "")
    if account is not None:
        account.spns = tuple(entry.texts("servicePrincipalName"))
        account.host_name = entry.text("dNSHostName")


def _batches(items: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
