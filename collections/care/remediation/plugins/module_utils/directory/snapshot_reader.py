# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads a ``Snapshot`` over one directory session: paged, streaming, only the attributes that controls use.

Active Directory hides what the reader may not see: it leaves the attribute, or the object, out of the answer and says
nothing. So each part is checked for what must be there, and its absence becomes ``unreadable``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from sys import intern
from time import monotonic
from typing import Any, Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import snapshot as parts
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import DescriptorPool
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import (
    DirectoryError,
    result_code,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import (
    dn_key,
    privileged_group_sids,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import (
    certificates,
    controllers,
    descriptors,
    display_specifiers,
    dns,
    domain,
    enrolment,
    groups,
    observed,
    services,
    sid_history,
    silos,
    trusts,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    Account,
    Group,
    NamingContext,
    PasswordSettings,
    Snapshot,
)

# sAMAccountType (MS-ADTS 2.2.17): indexed, and readable by everyone
USER_TYPE: Final = 805306368
MACHINE_TYPE: Final = 805306369
TRUST_TYPE: Final = 805306370
KINDS: Final = {USER_TYPE: parts.USER, MACHINE_TYPE: parts.COMPUTER, TRUST_TYPE: parts.TRUST}
ACCOUNT_ATTRIBUTES: Final = (
    "objectSid",
    "sAMAccountName",
    "sAMAccountType",
    "userAccountControl",
    "pwdLastSet",
    "lastLogonTimestamp",
    "whenCreated",
    "primaryGroupID",
    "msDS-SupportedEncryptionTypes",
    "adminCount",
    "msDS-AllowedToDelegateTo",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-GroupMSAMembership",
    "operatingSystem",
    "objectGUID",
    "nTSecurityDescriptor",
)
MSA_FILTER: Final = (
    "(|(objectClass=msDS-GroupManagedServiceAccount)(objectClass=msDS-ManagedServiceAccount)"
    "(objectClass=msDS-DelegatedManagedServiceAccount))"
)
GROUP_ATTRIBUTES: Final = ("objectSid", "sAMAccountName", "groupType", "member")
# FLAG_CR_NTDS_DOMAIN of systemFlags (MS-ADTS 2.2.10), matched by the bitwise-and rule
DOMAIN_CROSS_REFS: Final = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))"
# OWNER, GROUP and DACL of the SD flags control (MS-ADTS 3.1.1.3.4.1.11); the SACL needs a privilege and is not used
SD_PARTS: Final = 7


# What a server answers to a reader without the right: insufficientAccessRights, noSuchObject, referral (RFC 4511 4.1.9)
REFUSALS: Final = frozenset({50, 32, 10})


class Reader(Protocol):
    """The part of ``directory.session.Session`` that is used here."""

    domain_dn: str
    configuration_dn: str
    schema_dn: str
    domain_sid: str
    dns_name: str
    server: str
    root_dse: dict[str, list[str]]

    @property
    def connected_sid(self) -> str:
        """The SID of the account in use."""

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        sd_flags: int | None = None,
    ) -> Iterator[Entry]:
        """Entries below ``base``, as they arrive; long multi-valued attributes come whole.

        ``sd_flags``: the parts of nTSecurityDescriptor that are asked for (SD_PARTS).
        """

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
        """One object, or None."""


@dataclass(slots=True)
class Reading:
    """A snapshot and how long each part of it took, in seconds."""

    snapshot: Snapshot
    durations: dict[str, float] = field(default_factory=dict)


def read_snapshot(
    session: Reader,
    *,
    trustees: Callable[[bytes], Iterable[str]] | None = None,
    now: datetime | None = None,
    thresholds: Mapping[str, Mapping[str, float]] | None = None,
    after: Callable[[str, Snapshot], None] | None = None,
) -> Reading:
    """Read everything that the directory controls look at.

    ``trustees`` gives the SIDs of a binary security descriptor, whose names are then looked up; ``now`` is the moment
    ages are counted from (default: the present); ``thresholds`` are those of the catalogue. ``after`` is called
    after each step with its name (a dump says then what it does not hold).
    """
    snapshot = Snapshot(
        domain_sid=session.domain_sid,
        domain_dn=session.domain_dn,
        dns_name=session.dns_name,
        server=session.server,
        connected_sid=session.connected_sid or None,
        collector=getattr(session, "collector", None),
        taken=now or datetime.now(UTC),
        thresholds=thresholds or {},
    )
    reading = Reading(snapshot)
    steps: tuple[tuple[str, Callable[[Reader, Snapshot], None]], ...] = (
        ("domain", _read_domain),
        ("accounts", _read_accounts),
        ("groups", _read_groups),
        ("services", services.read),
        ("SID histories", sid_history.read),
        ("password settings", _read_psos),
        ("settings", _read_settings),
        ("domain settings", domain.read),
        ("display specifiers", display_specifiers.read),
        ("silos", silos.read),
        ("groups in groups", groups.read),
        ("certificate services", enrolment.read),
        ("domain controllers", controllers.read),
        ("trusts", trusts.read),
        ("DNS zones", dns.read),
        ("certificates", certificates.read),
        ("object descriptors", descriptors.read),
        ("observations", observed.read),
        ("descriptors", lambda reader, into: _read_descriptors(reader, into, trustees)),
    )
    for name, step in steps:
        started = monotonic()
        step(session, snapshot)
        if after is not None:
            after(name, snapshot)
        reading.durations[name] = round(monotonic() - started, 3)
    return reading


def _read(session: Reader, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
    """One object, None also when the server refuses to show it. A lost connection stays an error."""
    try:
        return session.read(dn, attributes, sd_flags=sd_flags)
    except DirectoryError as error:
        if _is_refusal(error):
            return None
        raise


def _is_refusal(error: DirectoryError) -> bool:
    return isinstance(error.__cause__, Exception) and result_code(error.__cause__) in REFUSALS


def _read_domain(session: Reader, snapshot: Snapshot) -> None:
    entry = _read(session, session.domain_dn, ["objectGUID", "ms-DS-MachineAccountQuota"])
    if entry is None or entry.raw("objectGUID") is None:
        snapshot.unreadable[parts.DOMAIN] = f"{session.domain_dn} is not readable"
        return
    snapshot.machine_account_quota = entry.int("ms-DS-MachineAccountQuota")
    root = (session.root_dse.get("rootDomainNamingContext") or [session.domain_dn])[0]
    if dn_key(root) == dn_key(session.domain_dn):
        snapshot.root_domain_sid = session.domain_sid
    else:
        above = _read(session, root, ["objectSid"])  # another domain: this server answers only as a global catalogue
        snapshot.root_domain_sid = above.sid() if above is not None else None
        if snapshot.root_domain_sid is None:
            snapshot.notes.append(
                f"The root domain {root} of the forest could not be read: its Enterprise Admins and Schema Admins are"
                " reported like any other principal."
            )


def _read_accounts(session: Reader, snapshot: Snapshot) -> None:
    kinds = "".join(f"(sAMAccountType={kind})" for kind in KINDS)
    nameless = 0
    for entry in session.search(session.domain_dn, f"(|{kinds})", ACCOUNT_ATTRIBUTES, sd_flags=SD_PARTS):
        account = account_of(entry, snapshot.pool)
        if account is None:
            nameless += 1
        else:
            snapshot.accounts.append(account)
    if not snapshot.accounts or nameless:
        snapshot.unreadable[parts.ACCOUNTS] = (
            f"{nameless} accounts do not show their SID" if nameless else "no account is visible to the account in use"
        )
        return
    if all(account.last_logon is None for account in snapshot.accounts):
        snapshot.unreadable[parts.LOGONS] = "lastLogonTimestamp of not one account is readable"
    by_sid = None
    for entry in session.search(session.domain_dn, MSA_FILTER, ["objectSid"]):
        by_sid = by_sid or {account.sid: account for account in snapshot.accounts}
        managed = by_sid.get(entry.sid() or "")
        if managed is not None:
            managed.kind = parts.MSA
    with_spn = f"(&(sAMAccountType={USER_TYPE})(servicePrincipalName=*))"
    for entry in session.search(session.domain_dn, with_spn, ["objectSid", "servicePrincipalName"]):
        by_sid = by_sid or {account.sid: account for account in snapshot.accounts}
        holder = by_sid.get(entry.sid() or "")
        if holder is not None:
            holder.spns = tuple(entry.texts("servicePrincipalName"))


def account_of(entry: Entry, pool: DescriptorPool) -> Account | None:
    """An account from its entry, its descriptor kept in ``pool``; None when it shows no SID."""
    sid = entry.sid()
    if sid is None:
        return None
    changed = entry.int("pwdLastSet")
    created = entry.text("whenCreated")
    system = entry.text("operatingSystem")
    return Account(
        dn=entry.dn,
        sid=sid,
        label=entry.text("sAMAccountName") or sid,
        kind=KINDS.get(entry.int("sAMAccountType") or 0, parts.USER),
        uac=entry.int("userAccountControl"),
        pwd_last_set=ad_time.from_filetime(changed or 0),
        pwd_known=changed is not None,
        last_logon=ad_time.from_filetime(entry.int("lastLogonTimestamp") or 0),
        created=ad_time.from_generalized(created) if created else None,
        primary_group_id=entry.int("primaryGroupID"),
        encryption_types=entry.int("msDS-SupportedEncryptionTypes"),
        admin_count=entry.int("adminCount"),
        delegates_to=tuple(entry.texts("msDS-AllowedToDelegateTo")),
        resource_delegation=entry.raw("msDS-AllowedToActOnBehalfOfOtherIdentity"),
        password_readers=entry.raw("msDS-GroupMSAMembership"),
        operating_system=intern(system) if system else None,  # some dozens of texts for any number of computers
        guid=entry.guid(),
        descriptor=pool.of(entry.raw("nTSecurityDescriptor")),
    )


def _read_groups(session: Reader, snapshot: Snapshot) -> None:
    for root in sorted(privileged_group_sids(session.domain_sid)):
        _load_group(session, snapshot, f"<SID={root}>")
    _load_group(session, snapshot, f"<SID={sids.in_domain(session.domain_sid, sids.RID_PROTECTED_USERS)}>")
    administrators = next(
        (group for group in snapshot.groups.values() if group.sid == sids.BUILTIN_ADMINISTRATORS), None
    )
    if administrators is None or not administrators.members:
        # it always holds at least the built-in administrator
        snapshot.unreadable[parts.MEMBERSHIP] = (
            f"the members of {sids.BUILTIN_ADMINISTRATORS} (Administrators) are not visible to the account in use"
        )
    _check_foreign(session, snapshot)


def _load_group(session: Reader, snapshot: Snapshot, identity: str) -> None:
    """Add one group and all groups nested in it."""
    entry = _read(session, identity, list(GROUP_ATTRIBUTES))
    if entry is None or entry.raw("objectSid") is None:
        return
    pending = [entry]
    while pending:
        group = pending.pop()
        key = dn_key(group.dn)
        if key in snapshot.groups:
            continue
        sid = group.sid()
        snapshot.groups[key] = Group(
            dn=group.dn,
            sid=sid,
            label=group.text("sAMAccountName") or sid or group.dn,
            members=tuple(group.texts("member")),
            type=group.int("groupType"),
        )
        if snapshot.groups[key].members:
            nested = f"(&(objectClass=group)(memberOf={escape(group.dn)}))"
            pending.extend(session.search(session.domain_dn, nested, GROUP_ATTRIBUTES))


def _check_foreign(session: Reader, snapshot: Snapshot) -> None:
    """Members that are neither an account nor a group: of another domain, without rights (contact), or hidden."""
    hidden = []
    drop: set[str] = set()
    for identity in snapshot.privileged.foreign:
        if sids.is_sid(identity) or not dn_key(identity).endswith(dn_key(session.domain_dn)):
            continue
        entry = _read(session, identity, ["objectClass", "objectSid"])
        if entry is None or entry.raw("objectClass") is None:
            hidden.append(identity)
        elif entry.raw("objectSid") is None:
            drop.add(dn_key(identity))
    if hidden:
        snapshot.unreadable.setdefault(
            parts.MEMBERSHIP,
            f"{len(hidden)} members of privileged groups are not visible to this account, for instance {hidden[0]}",
        )
    if drop:
        for group in snapshot.groups.values():
            group.members = tuple(member for member in group.members if dn_key(member) not in drop)
        del snapshot.privileged  # was computed with them


def _read_psos(session: Reader, snapshot: Snapshot) -> None:
    container = f"CN=Password Settings Container,CN=System,{session.domain_dn}"
    entry = _read(session, container, ["objectGUID"])
    if entry is None or entry.raw("objectGUID") is None:
        # only Domain Admins read it unless someone delegated that
        snapshot.unreadable[parts.PSOS] = f"{container} is not readable by the account in use"
        return
    attributes = [
        "objectGUID",
        "msDS-PasswordSettingsPrecedence",
        "msDS-MinimumPasswordLength",
        "msDS-MaximumPasswordAge",
        "msDS-PSOAppliesTo",
        "whenChanged",
    ]
    for pso in session.search(container, "(objectClass=msDS-PasswordSettings)", attributes, scope="onelevel"):
        guid, length, precedence = pso.guid(), pso.int("msDS-MinimumPasswordLength"), pso.int(attributes[1])
        if guid is None or length is None or precedence is None:
            snapshot.unreadable[parts.PSOS] = f"{pso.dn} is not readable by the account in use"
            continue
        changed = pso.text("whenChanged")
        applies = tuple(pso.texts("msDS-PSOAppliesTo"))
        age = ad_time.interval_to_timedelta(pso.int("msDS-MaximumPasswordAge") or 0)
        snapshot.psos.append(
            PasswordSettings(
                dn=pso.dn,
                guid=guid,
                precedence=precedence,
                minimum_length=length,
                maximum_age_days=None if age is None else age.total_seconds() / 86400,
                changed=ad_time.from_generalized(changed) if changed else None,
                applies_to=applies,
            )
        )
    targets = {dn_key(dn): dn for pso in snapshot.psos for dn in pso.applies_to}
    for key, dn in targets.items():
        if key not in snapshot.groups:
            entry = _read(session, dn, ["objectClass"])
            if entry is not None and "group" in entry.texts("objectClass"):
                _load_group(session, snapshot, dn)


def _read_settings(session: Reader, snapshot: Snapshot) -> None:
    dn = f"CN=Directory Service,CN=Windows NT,CN=Services,{session.configuration_dn}"
    entry = _read(session, dn, ["objectGUID", "dSHeuristics"])
    if entry is None or entry.raw("objectGUID") is None:
        snapshot.unreadable[parts.DSHEURISTICS] = f"{dn} is not readable by the account in use"
    else:
        snapshot.ds_heuristics = entry.text("dSHeuristics") or ""
    partitions = f"CN=Partitions,{session.configuration_dn}"
    try:
        snapshot.domain_count = len(list(session.search(partitions, DOMAIN_CROSS_REFS, ["cn"], scope="onelevel")))
    except DirectoryError as error:
        if not _is_refusal(error):
            raise
        snapshot.domain_count = 0
    if snapshot.domain_count == 0:
        snapshot.unreadable[parts.FOREST] = f"{partitions} shows no domain to the account in use"


def _read_descriptors(session: Reader, snapshot: Snapshot, trustees: Callable[[bytes], Iterable[str]] | None) -> None:
    heads = (
        ("domain", session.domain_dn),
        ("configuration", session.configuration_dn),
        ("schema", session.schema_dn),
    )
    wanted: set[str] = set()
    for role, dn in heads:
        entry = _read(session, dn, ["objectGUID", "nTSecurityDescriptor"], sd_flags=SD_PARTS)
        guid = entry.guid() if entry is not None else None
        descriptor = entry.raw("nTSecurityDescriptor") if entry is not None else None
        if guid is None or descriptor is None:
            snapshot.unreadable.setdefault(parts.DESCRIPTORS, f"the security descriptor of {dn} is not readable")
            continue
        snapshot.naming_contexts.append(NamingContext(dn=dn, guid=guid, role=role, descriptor=descriptor))
        if trustees is not None:
            wanted.update(_parsed(trustees, descriptor))
    known = {account.sid: account.label for account in snapshot.accounts} if wanted else {}
    for sid in sorted(wanted):
        if sid in known:
            snapshot.names[sid] = known[sid]
        elif sid.startswith(("S-1-5-21-", "S-1-5-32-")):
            trustee = _read(session, f"<SID={sid}>", ["sAMAccountName"])
            name = trustee.text("sAMAccountName") if trustee is not None else None
            if name:
                snapshot.names[sid] = name


def _parsed(trustees: Callable[[bytes], Iterable[str]], descriptor: bytes) -> list[str]:
    try:
        return list(trustees(descriptor))
    except ValueError:
        return []  # the control says what is wrong with it; here only names are missing


def escape(value: str) -> str:
    """A value inside an LDAP filter (RFC 4515)."""
    return "".join(f"\\{ord(char):02x}" if char in "\\*()\0" else char for char in value)


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """The counts that an audit reports."""
    users = [account for account in snapshot.accounts if account.kind == parts.USER]
    return {
        "accounts": len(snapshot.accounts),
        "users": len(users),
        "enabled_users": sum(1 for account in users if account.enabled),
        "computers": sum(1 for account in snapshot.accounts if account.kind == parts.COMPUTER),
        "domain_controllers": sum(1 for account in snapshot.accounts if account.is_dc),
        "privileged": len(list(snapshot.privileged_accounts())),
        "foreign_privileged": len(snapshot.privileged.foreign),
        "password_settings": len(snapshot.psos),
        "domains": snapshot.domain_count,
    }
