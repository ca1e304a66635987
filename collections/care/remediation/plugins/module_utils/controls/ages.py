# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Passwords that nobody renews, machines that nobody hears of, and what counts as a server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.services import CLUSTER_SERVICES
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    COMPUTER,
    Account,
    Snapshot,
)

# What a server writes into operatingSystem: Windows in every language says Server, Samba's file servers say Samba.
_SERVER: Final = re.compile(r"server|samba", re.IGNORECASE)
_CLUSTER: Final = tuple(prefix.casefold() for prefix in CLUSTER_SERVICES)


def days_before(snapshot: Snapshot, control: str) -> datetime:
    """The moment that lies the control's threshold ``age_days`` before the snapshot."""
    return snapshot.taken - timedelta(days=snapshot.limit(control, "age_days"))


def is_cluster(account: Account) -> bool:
    """The name object of a failover cluster or of one of its roles: the cluster service keeps its password."""
    return account.kind == COMPUTER and any(spn.casefold().startswith(_CLUSTER) for spn in account.spns)


def servers(snapshot: Snapshot) -> Iterator[Account]:
    """Enabled member servers. Domain controllers and clusters are other controls; a computer that does not say its
    system is none."""
    for account in snapshot.accounts:
        if (
            account.kind == COMPUTER
            and account.enabled
            and account.operating_system
            and _SERVER.search(account.operating_system)
            and not account.is_dc
            and not is_cluster(account)
        ):
            yield account


def silent(snapshot: Snapshot) -> str | None:
    """A remark on the computers that cannot be told to be servers or not, or None."""
    count = sum(
        1
        for account in snapshot.accounts
        if account.kind == COMPUTER and account.enabled and not account.operating_system and not is_cluster(account)
    )
    return f"{count} enabled computers do not say their operating system and count as no servers" if count else None


def password_since(account: Account) -> datetime | None:
    """Since when the password can be what it is: its date, else (0: never set, or to be changed) the account's own."""
    return account.pwd_last_set if account.pwd_last_set is not None else account.created


def seen(account: Account) -> datetime | None:
    """When the account last authenticated (lastLogonTimestamp, some two weeks exact); never: when it was created."""
    return account.last_logon if account.last_logon is not None else account.created


def old_passwords(
    snapshot: Snapshot, accounts: Iterable[Account], *, oldest: datetime, level: int, what: str
) -> Iterator[Found]:
    """The accounts whose password is older than ``oldest``, or has no date that speaks against it."""
    for account in accounts:
        since = password_since(account)
        if since is not None and since >= oldest:
            continue
        age = (snapshot.taken - account.pwd_last_set).days if account.pwd_last_set is not None else None
        yield account_found(
            snapshot,
            account,
            level=level,
            wording=f"{what} whose password has no date."
            if age is None
            else f"{what} whose password is {age} days old.",
            age_days=age,
            operating_system=account.operating_system,
        )


def unseen(
    snapshot: Snapshot, accounts: Iterable[Account], *, oldest: datetime, level: int, what: str
) -> Iterator[Found]:
    """The accounts that have not authenticated since ``oldest``."""
    for account in accounts:
        since = seen(account)
        if since is not None and since >= oldest:
            continue
        days = (snapshot.taken - since).days if since is not None else None
        yield account_found(
            snapshot,
            account,
            level=level,
            wording=f"{what} that has not authenticated for {days} days."
            if account.last_logon is not None
            else f"{what} that has never authenticated.",
            unseen_days=days,
            never_logged_on=account.last_logon is None,
            operating_system=account.operating_system,
        )
