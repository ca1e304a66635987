# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words of a generated domain. Plain data: writers (samba, ldif, json, pingcastle) read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from care_lab.constants import DOMAIN, DOMAIN_DN
from care_lab.generator.french import PRIVILEGED_BUILTIN, PRIVILEGED_DOMAIN

DOMAIN_SID = "S-1-5-21-2026112205-1402361377-3310489042"

# userAccountControl (MS-ADTS 2.2.16)
DISABLED = 0x2
PASSWD_NOTREQD = 0x20
REVERSIBLE = 0x80
NORMAL = 0x200
WORKSTATION = 0x1000
DONT_EXPIRE = 0x10000
SMARTCARD_REQUIRED = 0x40000
UNCONSTRAINED = 0x80000
NOT_DELEGATED = 0x100000
DES_ONLY = 0x200000
NO_PREAUTH = 0x400000

ESCAPED = {c: f"\\{c}" for c in ',+"\\<>;='}


def rdn(value: str) -> str:
    """A value as it stands in a distinguished name (RFC 4514)."""
    text = "".join(ESCAPED.get(c, c) for c in value)
    if text[:1] in ("#", " "):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") else text


@dataclass
class Account:
    """A user, service account or computer. Dates are UTC; ``None`` is "never"."""

    kind: str  # user, service, computer
    cn: str
    sam: str
    parent: str  # DN
    rid: int
    uac: int = NORMAL
    created: datetime | None = None
    password_set: datetime | None = None
    last_logon: datetime | None = None
    attributes: dict[str, list[str]] = field(default_factory=dict)
    # Which password: the secret of the lab that `constants` holds under this name.
    secret: str = "USER_PASSWORD"

    @property
    def dn(self) -> str:
        """Its distinguished name."""
        return f"CN={rdn(self.cn)},{self.parent}"

    @property
    def sid(self) -> str:
        """Its SID."""
        return f"{DOMAIN_SID}-{self.rid}"

    @property
    def enabled(self) -> bool:
        """Whether it can be used."""
        return not self.uac & DISABLED


@dataclass
class Group:
    """A group. ``members`` are SIDs, of accounts or groups. ``builtin`` ones exist already and are only filled."""

    cn: str
    sam: str
    dn: str
    sid: str
    members: list[str] = field(default_factory=list)
    existing: bool = False
    scope: str = "global"  # global, universal, local
    description: str = ""


@dataclass(frozen=True)
class Ace:
    """An access control entry to add, in SDDL, on an object."""

    dn: str
    trustee: str  # SID
    sddl: str
    why: str


@dataclass
class Domain:
    """A whole domain."""

    seed: int
    now: datetime
    units: list[tuple[str, str]] = field(default_factory=list)  # (DN, description)
    accounts: list[Account] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)  # by SID
    aces: list[Ace] = field(default_factory=list)
    machine_account_quota: int = 10
    dsheuristics: str = ""
    krbtgt_password_set: datetime | None = None
    guest_enabled: bool = True
    created: datetime | None = None
    administrator_password_set: datetime | None = None
    administrator_last_logon: datetime | None = None

    name: str = DOMAIN
    dn: str = DOMAIN_DN
    sid: str = DOMAIN_SID

    def account(self, sam: str) -> Account:
        """The account of this name."""
        return next(account for account in self.accounts if account.sam.lower() == sam.lower())

    def group(self, rid: int) -> Group:
        """A group of the domain, or a builtin one, by its RID."""
        return self.groups.get(f"S-1-5-32-{rid}") or self.groups[f"{DOMAIN_SID}-{rid}"]

    def users(self) -> Iterator[Account]:
        """Users and service accounts."""
        return (account for account in self.accounts if account.kind != "computer")

    def computers(self) -> Iterator[Account]:
        """Computers, the domain controller not among them."""
        return (account for account in self.accounts if account.kind == "computer")

    def members(self, sids: Iterable[str]) -> set[str]:
        """The SIDs of all accounts in these groups, through nested ones; loops are no trouble."""
        seen: set[str] = set()
        found: set[str] = set()
        waiting = list(sids)
        while waiting:
            sid = waiting.pop()
            if sid in seen:
                continue
            seen.add(sid)
            if sid in self.groups:
                waiting += self.groups[sid].members
            else:
                found.add(sid)
        return found

    def privileged(self) -> set[str]:
        """The SIDs of the privileged accounts as ANSSI defines them (the built-in administrator is one)."""
        groups = [f"S-1-5-32-{rid}" for rid in PRIVILEGED_BUILTIN] + [
            f"{DOMAIN_SID}-{rid}" for rid in PRIVILEGED_DOMAIN
        ]
        return self.members(groups) | {f"{DOMAIN_SID}-500"}
