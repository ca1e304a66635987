# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts that nothing may touch: break-glass, automation, and the one the connection uses, as SIDs.

A planner does not leave such a change out. It writes the hazard into it, and the gate stops the whole run before its
first change: a person who asked for it must learn that they did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    PlanError,
    label_of,
)

BREAK_GLASS = "break_glass"
AUTOMATION = "automation"
CONNECTED = "connected_account"


class Reader(Protocol):
    """The part of a directory session that is needed here."""

    @property
    def connected_sid(self) -> str:
        """The SID of the account in use."""

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object by its DN (or ``<SID=…>``), None when there is none."""


@dataclass(frozen=True, slots=True)
class Account:
    """One protected account; ``groups`` are the SIDs of all groups it is in, nested ones and the primary one too."""

    kind: str
    sid: str
    label: str
    groups: frozenset[str] = frozenset()
    dn: str = ""


@dataclass(slots=True)
class Protected:
    """The protected accounts of a run."""

    accounts: list[Account] = field(default_factory=list)

    def hazards(self, sid: str | None) -> list[dict[str, str]]:
        """The hazards of a change of the object ``sid`` (an account)."""
        return [_hazard(account, account.label) for account in self.accounts if sid is not None and account.sid == sid]

    def hazards_of_member(self, sid: str | None) -> list[dict[str, str]]:
        """The hazards of taking ``sid`` (an account, or a group) out of a group.

        A group that holds a protected account, even through other groups, counts: its rights go with it.
        """
        found = self.hazards(sid)
        for account in self.accounts:
            if sid is not None and sid in account.groups:
                found.append(_hazard(account, f"{account.label} (member of {sid})"))
        return found

    def kind_of(self, sid: str | None) -> str | None:
        """``break_glass``, ``automation``, ``connected_account``, or None for an account that is not protected."""
        return next((account.kind for account in self.accounts if account.sid == sid), None)


def _hazard(account: Account, label: str) -> dict[str, str]:
    return {"kind": account.kind, "object": f"{label} ({account.sid})"}


def protected_accounts(session: Reader, break_glass: Mapping[str, Entry], automation: Mapping[str, Entry]) -> Protected:
    """The protected accounts, from the resolved identities of both lists and the connection itself.

    Raises PlanError when one of them has no SID or its groups cannot be read: an account that cannot be recognised
    cannot be protected.
    """
    protected = Protected()
    for kind, entries in ((BREAK_GLASS, break_glass), (AUTOMATION, automation)):
        for identity, entry in entries.items():
            sid = entry.sid()
            if sid is None:
                raise PlanError(
                    f"The protected account {identity!r} ({entry.dn}) has no readable SID. Correct the "
                    f"list {kind}_accounts, or let the account in use read objectSid."
                )
            protected.accounts.append(Account(kind, sid, label_of(entry), _groups(session, entry.dn), entry.dn))
    if session.connected_sid:
        connected = session.read(f"<SID={session.connected_sid}>", list(IDENTITY_ATTRIBUTES))
        protected.accounts.append(
            Account(
                CONNECTED,
                session.connected_sid,
                label_of(connected) if connected else session.connected_sid,
                _groups(session, connected.dn) if connected else frozenset(),
                connected.dn if connected else "",
            )
        )
    return protected


def _groups(session: Reader, dn: str) -> frozenset[str]:
    """SIDs of all groups of an account, transitively (tokenGroups, MS-ADTS 3.1.1.4.5.19: base reads only)."""
    entry = session.read(dn, ["tokenGroups"])
    if entry is None:
        raise PlanError(f"The groups of the protected account {dn} cannot be read, so it cannot be protected.")
    return frozenset(entry.sids("tokenGroups"))
