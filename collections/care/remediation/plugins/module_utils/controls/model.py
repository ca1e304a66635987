# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a control yields, and what the controls of accounts share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.groups import Member, WatchedGroup
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    COMPUTER,
    MSA,
    Account,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class Found:
    """One object for which a control does not hold. The caller adds the control, the host and the ids."""

    type: str
    id: str
    label: str
    wording: str  # one English sentence, the audit's own words
    level: int | None = None
    severity: str | None = None
    dn: str | None = None
    sid: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Control:
    """A control as the registry holds it."""

    id: str
    needs: frozenset[str]
    detect: Callable[[Snapshot], Iterable[Found]]
    # why the control cannot be evaluated on this snapshot although the parts it needs were read, or None
    blind: Callable[[Snapshot], str | None]
    # a remark that belongs to the result even when nothing is found, or None
    remark: Callable[[Snapshot], str | None]


def account_found(
    snapshot: Snapshot, account: Account, *, level: int | None, wording: str, severity: str | None = None, **facts: Any
) -> Found:
    """A finding about one account, with the facts that every finding about an account carries."""
    privilege = snapshot.privileged.accounts.get(account.sid)
    evidence: dict[str, Any] = {
        "user_account_control": uac.names(account.uac or 0),
        "privileged": snapshot.is_privileged(account),
        "pwd_last_set": day(account.pwd_last_set),
        "last_logon": day(account.last_logon),
    }
    if privilege is not None:
        evidence["privileged_through"] = sorted({edge.group_label for edge in privilege.memberships})
    evidence.update(facts)
    return Found(
        type="computer" if account.kind in (COMPUTER, MSA) else "user",
        id=account.sid,
        label=account.label,
        dn=account.dn,
        sid=account.sid,
        level=level,
        severity=severity,
        wording=wording,
        evidence=evidence,
    )


def watched_member(group: WatchedGroup, member: Member, *, level: int, wording: str) -> Found:
    """A finding about one direct member of a group, with what it takes to end the membership."""
    return Found(
        type="group" if member.group else "user",
        id=member.sid or member.dn,
        label=member.label,
        dn=member.dn,
        sid=member.sid,
        level=level,
        wording=wording,
        evidence={
            "group_sid": group.sid,
            "group": group.label,
            "member": member.sid or member.dn,
            "is_group": member.group,
        },
    )


def flagged(snapshot: Snapshot, accounts: Iterable[Account], flag: int) -> Iterator[Account]:
    """Of these accounts, the enabled ones that carry a bit of userAccountControl."""
    return (account for account in accounts if account.enabled and account.has(flag))


def enabled_privileged(snapshot: Snapshot) -> Iterator[Account]:
    """The enabled privileged accounts, domain controllers excepted."""
    return (account for account, _privilege in snapshot.privileged_accounts() if account.enabled)


def day(moment: datetime | None) -> str | None:
    """A moment as evidence shows it, or None."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def years_before(moment: datetime, years: float) -> datetime:
    """The same day ``years`` (a whole number) earlier (28 February for a 29th)."""
    year = moment.year - int(years)
    try:
        return moment.replace(year=year)
    except ValueError:
        return moment.replace(year=year, day=28)
