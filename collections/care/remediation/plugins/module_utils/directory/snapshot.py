# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the controls look at: one domain's accounts, privileged groups, policies and descriptors, read once.

A snapshot holds only what a control needs (slots, no LDAP object), so that 100,000 accounts take some tens of
megabytes. What the server did not show is in ``unreadable``: part name to reason. A control that needs such a part is
not evaluated; it is never taken for compliant.

``snapshot_reader`` makes one over LDAP, ``Snapshot.from_dict`` from plain dictionaries.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import (
    Descriptor,
    DescriptorPool,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import (
    Privilege,
    PrivilegedSet,
    dn_key,
    privileged_accounts,
    privileged_group_sids,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import (
    certificates,
    controllers,
    descriptors,
    display_specifiers,
    dns,
    domain,
    groups,
    observed,
    silos,
    trusts,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.certificates import Certificate
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    Controller,
    ReplicationGroup,
    SecondaryKrbtgt,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import Secured
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.display_specifiers import MenuEntry
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.dns import DnsZone
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import (
    CriticalObject,
    DomainSettings,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import Enrolment
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.groups import NestedGroup, WatchedGroup
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.observed import Observed
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.policy_files import PolicyFile
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.sid_history import SidHistory
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.silos import Silo
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.trusts import Trust

# Parts of a snapshot, as controls name them in NEEDS and ``unreadable`` in its keys.
ACCOUNTS: Final = "accounts"
FLAGS: Final = "account flags"
PASSWORDS: Final = "password dates"
LOGONS: Final = "logon dates"
MEMBERSHIP: Final = "privileged groups"
PROTECTED_USERS: Final = "protected users"
DOMAIN: Final = "domain object"
DSHEURISTICS: Final = "dSHeuristics"
DESCRIPTORS: Final = "naming context descriptors"
PSOS: Final = "password settings objects"
FOREST: Final = "forest partitions"
PRIMARY_GROUPS: Final = "primary groups"
SYSTEMS: Final = "operating systems"
MANAGED_PASSWORDS: Final = "readers of managed passwords"

# GROUP_TYPE_ACCOUNT_GROUP of groupType (MS-ADTS 2.2.12)
GLOBAL_GROUP: Final = 0x2

USER: Final = "user"
COMPUTER: Final = "computer"
MSA: Final = "msa"  # sMSA, gMSA or dMSA: the directory keeps its password
TRUST: Final = "trust"

BREAK_GLASS: Final = "break_glass"
AUTOMATION: Final = "automation"
CONNECTED: Final = "connected_account"


@dataclass(slots=True)
class Account:
    """One account. Times are aware (UTC); None stands for "never" or "the server did not say"."""

    dn: str
    sid: str
    label: str  # sAMAccountName
    kind: str = USER
    uac: int | None = None
    pwd_last_set: datetime | None = None
    pwd_known: bool = True  # False when the server did not show pwdLastSet at all
    last_logon: datetime | None = None
    created: datetime | None = None
    primary_group_id: int | None = None
    encryption_types: int | None = None
    spns: tuple[str, ...] = ()  # of users, domain controllers, privileged computers and clusters; () for the others
    admin_count: int | None = None
    delegates_to: tuple[str, ...] = ()  # msDS-AllowedToDelegateTo: service principal names
    resource_delegation: bytes | None = None  # msDS-AllowedToActOnBehalfOfOtherIdentity: a security descriptor
    password_readers: bytes | None = None  # msDS-GroupMSAMembership of a gMSA: a security descriptor
    operating_system: str | None = None
    host_name: str | None = None  # dNSHostName, where SPNs of a computer were read
    guid: str | None = None
    descriptor: Descriptor | None = None  # owner and DACL; None when the server did not show it

    @property
    def rid(self) -> int:
        """The relative identifier."""
        return int(self.sid.rpartition("-")[2])

    def has(self, flag: int) -> bool:
        """Whether a bit of userAccountControl is known to be set."""
        return self.uac is not None and bool(self.uac & flag)

    @property
    def enabled(self) -> bool:
        """Known not to be disabled."""
        return self.uac is not None and not self.uac & uac.ACCOUNTDISABLE

    @property
    def is_dc(self) -> bool:
        """A domain controller, writable or read-only."""
        return self.has(uac.SERVER_TRUST_ACCOUNT | uac.PARTIAL_SECRETS_ACCOUNT) or (
            self.kind == COMPUTER
            and self.primary_group_id in (sids.RID_DOMAIN_CONTROLLERS, sids.RID_READ_ONLY_DOMAIN_CONTROLLERS)
        )


@dataclass(slots=True)
class Group:
    """One group of those that were read: privileged ones, those nested in them, targets of a PSO."""

    dn: str
    sid: str | None
    label: str
    members: tuple[str, ...] = ()  # DNs
    type: int | None = None  # groupType; None: not known

    @property
    def carries_psos(self) -> bool:
        """Whether a PSO that names this group holds for its members: for global groups only (MS-ADTS 3.1.1.4.5.36)."""
        if self.type is None:
            return self.sid is not None and sids.domain_of(self.sid) is not None
        return bool(self.type & GLOBAL_GROUP)


@dataclass(slots=True)
class PasswordSettings:
    """One password settings object (MS-ADTS 3.1.1.4.5.36)."""

    dn: str
    guid: str
    precedence: int
    minimum_length: int
    maximum_age_days: float | None  # None: never expires
    changed: datetime | None
    applies_to: tuple[str, ...] = ()  # DNs of users and groups


@dataclass(slots=True)
class NamingContext:
    """The head of a partition and its security descriptor (owner, group and DACL; binary, self-relative)."""

    dn: str
    guid: str
    role: str  # domain, configuration, schema
    descriptor: bytes | None


@dataclass
class Snapshot:
    """One domain at one moment."""

    domain_sid: str
    domain_dn: str
    dns_name: str
    taken: datetime
    server: str = ""
    connected_sid: str | None = None
    root_domain_sid: str | None = None  # of the forest's root domain; None when it is not known
    accounts: list[Account] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)  # by dn_key
    psos: list[PasswordSettings] = field(default_factory=list)
    naming_contexts: list[NamingContext] = field(default_factory=list)
    pool: DescriptorPool = field(default_factory=DescriptorPool)
    secured: list[Secured] = field(default_factory=list)  # other objects whose access lists matter
    # folder of a policy in SYSVOL to its files, of the policies that were asked for; None: SYSVOL was not looked at
    policy_files: dict[str, list[PolicyFile]] | None = None
    enrolment: Enrolment = field(default_factory=Enrolment)
    controllers: list[Controller] = field(default_factory=list)
    replication_groups: list[ReplicationGroup] = field(default_factory=list)
    secondary_krbtgt: list[SecondaryKrbtgt] = field(default_factory=list)
    trusts: list[Trust] = field(default_factory=list)
    dns_zones: list[DnsZone] = field(default_factory=list)
    certificates: list[Certificate] = field(default_factory=list)
    sid_histories: list[SidHistory] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # SID of a trustee to its name, where the server knows it
    settings: DomainSettings = field(default_factory=DomainSettings)
    critical_objects: list[CriticalObject] = field(default_factory=list)
    menu_entries: list[MenuEntry] = field(default_factory=list)
    silos: list[Silo] = field(default_factory=list)
    silo_of: dict[str, str] = field(default_factory=dict)  # SID of an account to the DN of the silo it is assigned to
    nested_groups: list[NestedGroup] = field(default_factory=list)
    pre_windows_2000: WatchedGroup | None = None
    dns_admins: list[WatchedGroup] = field(default_factory=list)
    observed: Observed = field(default_factory=Observed)
    collector: str | None = None  # version of the collector whose dump was read ("" unknown); None for a live directory
    machine_account_quota: int | None = None
    ds_heuristics: str = ""
    domain_count: int = 1
    protected: dict[str, str] = field(default_factory=dict)  # SID to break_glass, automation or connected_account
    # control id to threshold name to number, from the catalogue
    thresholds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def limit(self, control: str, name: str) -> float:
        """A threshold of a control, as the catalogue gives it; KeyError when it gives none (no default is made up)."""
        try:
            return self.thresholds[control][name]
        except KeyError:
            raise KeyError(f"the catalogue gives no threshold {name} for {control}") from None

    def why_unreadable(self, part: str) -> str | None:
        """Why a part of the snapshot cannot be relied on, or None when it was read whole."""
        if part in self.unreadable:
            return self.unreadable[part]
        if part == FLAGS:
            return _hidden("userAccountControl", [each for each in self.accounts if each.uac is None], self.accounts)
        if part == PASSWORDS:
            return _hidden("pwdLastSet", [each for each in self.accounts if not each.pwd_known], self.accounts)
        if part == PRIMARY_GROUPS:
            without = [each for each in self.accounts if each.primary_group_id is None]
            return _hidden("primaryGroupID", without, self.accounts)
        if part == SYSTEMS:
            computers = [each for each in self.accounts if each.kind == COMPUTER]
            if computers and not any(each.operating_system for each in computers):
                return f"operatingSystem of not one of {len(computers)} computers is readable"
        if part == MEMBERSHIP:
            admins = sids.in_domain(self.domain_sid, sids.RID_DOMAIN_ADMINS)
            if not any(group.sid == admins for group in self.groups.values()):
                return f"the group {admins} (RID 512) is not visible to the account in use"
        if part == PROTECTED_USERS:
            protected = sids.in_domain(self.domain_sid, sids.RID_PROTECTED_USERS)
            if not any(group.sid == protected for group in self.groups.values()):
                return f"the group {protected} (RID 525) does not exist or is not visible to the account in use"
        return None

    # --- who is privileged -------------------------------------------------------------------------------------

    @cached_property
    def privileged(self) -> PrivilegedSet:
        """Everyone in ANSSI's privileged groups."""
        return privileged_accounts(
            domain_sid=self.domain_sid,
            groups=self.groups,
            accounts=self.accounts,
            roots=privileged_group_sids(self.domain_sid),
        )

    def is_privileged(self, account: Account) -> bool:
        """In a privileged group, and not a domain controller (those are never counted as privileged accounts)."""
        return account.sid in self.privileged.accounts and not account.is_dc

    def privileged_accounts(self) -> Iterator[tuple[Account, Privilege]]:
        """The privileged accounts, without domain controllers, disabled ones included."""
        for account in self.accounts:
            if self.is_privileged(account):
                yield account, self.privileged.accounts[account.sid]

    def members_of(self, group_sid: str) -> set[str] | None:
        """SIDs of the accounts in one group, nested and primary ones too; None when that group was not read."""
        if not any(group.sid == group_sid for group in self.groups.values()):
            return None
        found = privileged_accounts(
            domain_sid=self.domain_sid, groups=self.groups, accounts=self.accounts, roots=(group_sid,)
        )
        return set(found.accounts)

    # --- accounts ----------------------------------------------------------------------------------------------

    def by_rid(self, rid: int) -> Account | None:
        """The account of this domain with that RID."""
        wanted = sids.in_domain(self.domain_sid, rid)
        return next((account for account in self.accounts if account.sid == wanted), None)

    def enabled_users(self) -> Iterator[Account]:
        """Enabled user accounts: people and classic service accounts, not computers, MSA or trusts."""
        return (account for account in self.accounts if account.kind == USER and account.enabled)

    def resultant_pso(self, account: Account) -> PasswordSettings | None:
        """The PSO that applies to an account: one named directly on it, else one of its groups; lowest precedence,
        then lowest GUID, wins (MS-ADTS 3.1.1.4.5.36)."""
        key = dn_key(account.dn)
        direct = [pso for pso in self.psos if key in map(dn_key, pso.applies_to)]
        candidates = direct or [
            pso for pso in self.psos if any(account.sid in self._group_accounts(target) for target in pso.applies_to)
        ]
        return min(candidates, key=lambda pso: (pso.precedence, pso.guid), default=None)

    def _group_accounts(self, dn: str) -> frozenset[str]:
        cache: dict[str, frozenset[str]] = self.__dict__.setdefault("_group_cache", {})
        key = dn_key(dn)
        if key not in cache:
            group = self.groups.get(key)
            members = None
            if group is not None and group.sid is not None and group.carries_psos:
                members = self.members_of(group.sid)
            cache[key] = frozenset(members or ())
        return cache[key]

    def name_of(self, sid: str) -> str:
        """The name of a SID for a reader: the directory's, else a well-known one's, else the SID itself."""
        return self.names.get(sid) or sids.WELL_KNOWN_NAMES.get(sid) or sid

    def protect(self, identities: Mapping[str, list[str]]) -> list[str]:
        """Mark protected accounts. ``identities``: kind to SIDs, sAMAccountNames or DNs. Gives those not found.

        The account in use is marked too; break-glass wins over automation, automation over the account in use.
        """
        wanted: dict[str, list[str]] = {}
        for kind in (CONNECTED, AUTOMATION, BREAK_GLASS):
            for identity in identities.get(kind, ()):
                wanted.setdefault(identity.casefold(), []).append(kind)
        if self.connected_sid:
            self.protected[self.connected_sid] = CONNECTED
        missing = set(wanted)
        rank = {CONNECTED: 0, AUTOMATION: 1, BREAK_GLASS: 2}
        for account in self.accounts:
            for key in {account.sid.casefold(), account.label.casefold(), dn_key(account.dn)} & wanted.keys():
                missing.discard(key)
                best = max([*wanted[key], self.protected.get(account.sid, CONNECTED)], key=rank.__getitem__)
                self.protected[account.sid] = best
        return sorted(missing)

    # --- for tests and for other tools ----------------------------------------------------------------------------

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Snapshot:
        """A snapshot from plain values: times are ISO 8601 text, descriptors base64, ``groups`` a list."""
        values = dict(data)
        values["taken"] = _time(values["taken"])
        values["accounts"] = [_build(Account, item) for item in values.get("accounts", ())]
        built = [_build(Group, item) for item in values.get("groups", ())]
        values["groups"] = {dn_key(group.dn): group for group in built}
        values["psos"] = [_build(PasswordSettings, item) for item in values.get("psos", ())]
        values["sid_histories"] = [_build(SidHistory, item) for item in values.get("sid_histories", ())]
        values["naming_contexts"] = [_build(NamingContext, item) for item in values.get("naming_contexts", ())]
        values["enrolment"] = Enrolment.from_dict(values.get("enrolment", {}), _build)
        for topic in (
            certificates,
            controllers,
            descriptors,
            display_specifiers,
            dns,
            domain,
            groups,
            observed,
            silos,
            trusts,
        ):
            topic.from_plain(values)
        return cls(**values)


def _hidden(attribute: str, without: list[Account], accounts: list[Account]) -> str | None:
    if not without:
        return None
    return f"{attribute} of {len(without)} of {len(accounts)} accounts is not readable, for instance {without[0].dn}"


def _time(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_TIMES: Final = frozenset({"pwd_last_set", "last_logon", "created", "changed"})


def _build(kind: type, item: Mapping[str, Any]) -> Any:
    known = {each.name for each in fields(kind)}
    unknown = set(item) - known
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    values = dict(item)
    for name in _TIMES & values.keys():
        values[name] = _time(values[name])
    for name in ("members", "applies_to", "spns", "delegates_to", "values"):
        if name in values:
            values[name] = tuple(values[name])
    for name in ("descriptor", "password_readers", "resource_delegation"):
        if isinstance(values.get(name), str):
            values[name] = base64.b64decode(values[name])
    return kind(**values)
