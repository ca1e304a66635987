# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Settings of the whole domain and forest: functional levels, password policy, preparation by adprep, replication of
SYSVOL, and whether the objects without which nothing can be judged are shown at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

FUNCTIONAL_LEVELS: Final = "functional levels"
PASSWORD_POLICY: Final = "domain password policy"  # noqa: S105
PREPARATION: Final = "revision of the domain's preparation"
SYSVOL_REPLICATION: Final = "replication of SYSVOL"

# msDS-Behavior-Version (MS-ADTS 6.1.4.2 and 6.1.4.3)
LEVEL_2008_R2: Final = 4
LEVEL_2012_R2: Final = 6
LEVEL_2016: Final = 7
LEVEL_NAMES: Final = {
    0: "2000",
    1: "2003 interim",
    2: "2003",
    3: "2008",
    4: "2008 R2",
    5: "2012",
    6: "2012 R2",
    7: "2016",
    10: "2025",
}
# pwdProperties (MS-SAMR 2.2.3.5)
STORE_CLEARTEXT: Final = 0x10
# msDFSR-Flags of CN=DFSR-GlobalSettings: the global state of the migration (dfsrmig), MS-FRS2 2.3.1
MIGRATION_MASK: Final = 0x30
MIGRATION_STATES: Final = {0x00: "start", 0x10: "prepared", 0x20: "redirected", 0x30: "eliminated"}
ELIMINATED: Final = 0x30
# FLAG_CR_NTDS_DOMAIN of systemFlags (MS-ADTS 2.2.10)
_DOMAINS: Final = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))"
# fRSReplicaSetType (MS-ADA1 2.258): a replica set of SYSVOL
_SYSVOL_SET: Final = "(&(objectClass=nTFRSReplicaSet)(fRSReplicaSetType=2))"


@dataclass(slots=True)
class DomainSettings:
    """What the heads of the domain and of the forest say. None: the attribute is absent, or was not shown."""

    domain_names: tuple[str, ...] = ()  # DNS names of all domains of the forest
    domain_level: int | None = None
    forest_level: int | None = None
    password_properties: int | None = None
    minimum_length: int | None = None  # characters
    maximum_age_days: float | None = None  # None with PASSWORD_POLICY readable: passwords never expire
    expire_smartcard_passwords: bool | None = None  # None: absent, which means FALSE
    domain_revision: int | None = None  # of CN=ActiveDirectoryUpdate below CN=DomainUpdates; None: never prepared
    forest_revision: int | None = None
    migration: int | None = None  # msDFSR-Flags & 0x30; None: there is no global setting
    frs_members: int = 0  # domain controllers in FRS's replica set of SYSVOL
    dfsr_members: int = 0  # and in DFSR's


@dataclass(slots=True)
class CriticalObject:
    """An object that every domain has and on which judgement rests."""

    identity: str  # SID or DN
    name: str  # what it is, in English
    visible: bool


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    settings = dict(values.get("settings", {}))
    settings["domain_names"] = tuple(settings.get("domain_names", ()))
    values["settings"] = DomainSettings(**settings)
    values["critical_objects"] = [CriticalObject(**item) for item in values.get("critical_objects", ())]


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read all of it into ``snapshot.settings`` and ``snapshot.critical_objects``. The domain object comes first."""
    _read_head(session, snapshot)
    _read_forest(session, snapshot)
    _read_preparation(session, snapshot)
    _read_sysvol(session, snapshot)
    _read_critical(session, snapshot)


def _read_head(session: Reader, snapshot: Snapshot) -> None:
    settings = snapshot.settings
    entry = quiet.read(
        session,
        session.domain_dn,
        [
            "objectGUID",
            "msDS-Behavior-Version",
            "pwdProperties",
            "minPwdLength",
            "maxPwdAge",
            "msDS-ExpirePasswordsOnSmartCardOnlyAccounts",
        ],
    )
    if entry is None or entry.raw("objectGUID") is None:
        for part in (FUNCTIONAL_LEVELS, PASSWORD_POLICY):
            snapshot.unreadable[part] = f"{session.domain_dn} is not readable"
        return
    settings.domain_level = entry.int("msDS-Behavior-Version") or 0  # absent stands for 0 (MS-ADTS 6.1.4.3)
    settings.password_properties = entry.int("pwdProperties")
    settings.minimum_length = entry.int("minPwdLength")
    age = entry.int("maxPwdAge")
    span = None if age is None else ad_time.interval_to_timedelta(age)
    settings.maximum_age_days = None if span is None else span.total_seconds() / 86400
    settings.expire_smartcard_passwords = entry.bool("msDS-ExpirePasswordsOnSmartCardOnlyAccounts")
    hidden = [name for name in ("pwdProperties", "minPwdLength", "maxPwdAge") if entry.raw(name) is None]
    if hidden:
        # every domain has all three
        snapshot.unreadable[PASSWORD_POLICY] = (
            f"{', '.join(hidden)} of {session.domain_dn} not readable: the account in use lacks the right to read the"
            " property set Domain Password & Lockout Policies"
        )


def _read_forest(session: Reader, snapshot: Snapshot) -> None:
    dn = f"CN=Partitions,{session.configuration_dn}"
    entry = quiet.read(session, dn, ["objectGUID", "msDS-Behavior-Version"])
    if entry is None or entry.raw("objectGUID") is None:
        snapshot.unreadable[FUNCTIONAL_LEVELS] = f"{dn} is not readable by the account in use"
        return
    said = _number(session.root_dse.get("forestFunctionality"))
    level = entry.int("msDS-Behavior-Version")
    if level is None and said:
        # the rootDSE, which everyone may read, says that there is one
        snapshot.unreadable[FUNCTIONAL_LEVELS] = f"msDS-Behavior-Version of {dn} is not readable by the account in use"
        return
    snapshot.settings.forest_level = level or 0
    domains = quiet.search(session, dn, _DOMAINS, ["dnsRoot"], scope="onelevel")
    snapshot.settings.domain_names = tuple(name for each in domains or () for name in each.texts("dnsRoot"))


def _number(values: list[str] | None) -> int | None:
    try:
        return int((values or [""])[0])
    except ValueError:
        return None


def _read_preparation(session: Reader, snapshot: Snapshot) -> None:
    updates = f"CN=DomainUpdates,CN=System,{session.domain_dn}"
    dn = f"CN=ActiveDirectoryUpdate,{updates}"
    entry = quiet.read(session, dn, ["objectGUID", "revision"])
    if entry is not None and entry.raw("objectGUID") is not None:
        snapshot.settings.domain_revision = entry.int("revision")
        if entry.raw("revision") is None:
            snapshot.unreadable[PREPARATION] = f"revision of {dn} is not readable by the account in use"
    elif not quiet.visible(session, updates) and (_number(session.root_dse.get("domainFunctionality")) or 0) > 2:
        # every domain prepared for Windows Server 2008 or later has it
        snapshot.unreadable[PREPARATION] = f"{dn} is not visible to the account in use"
    forest = f"CN=ActiveDirectoryUpdate,CN=ForestUpdates,{session.configuration_dn}"
    entry = quiet.read(session, forest, ["revision"])
    snapshot.settings.forest_revision = entry.int("revision") if entry is not None else None


def _read_sysvol(session: Reader, snapshot: Snapshot) -> None:
    settings, system = snapshot.settings, f"CN=System,{session.domain_dn}"
    dfsr, frs = f"CN=DFSR-GlobalSettings,{system}", f"CN=File Replication Service,{system}"
    entry = quiet.read(session, dfsr, ["objectGUID", "msDFSR-Flags"])
    dfsr_visible = entry is not None and entry.raw("objectGUID") is not None
    if entry is not None and dfsr_visible:
        settings.migration = (entry.int("msDFSR-Flags") or 0) & MIGRATION_MASK
        volume = f"CN=Topology,CN=Domain System Volume,{dfsr}"
        found = quiet.search(session, volume, "(objectClass=msDFSR-Member)", ["cn"], scope="onelevel")
        settings.dfsr_members = len(found or ())
    frs_visible = quiet.visible(session, frs)
    for replica_set in (quiet.search(session, frs, _SYSVOL_SET, ["cn"]) or []) if frs_visible else ():
        members = quiet.search(session, replica_set.dn, "(objectClass=nTFRSMember)", ["cn"], scope="onelevel")
        settings.frs_members += len(members or ())
    if settings.migration == ELIMINATED or settings.frs_members or settings.dfsr_members:
        return
    hidden = [dn for dn, seen in ((dfsr, dfsr_visible), (frs, frs_visible)) if not seen]
    why = f"{' and '.join(hidden)} not visible to the account in use" if hidden else "neither FRS nor DFSR has members"
    snapshot.unreadable[SYSVOL_REPLICATION] = f"what replicates SYSVOL is not shown: {why}"


def _read_critical(session: Reader, snapshot: Snapshot) -> None:
    """The objects of ANSSI's check vuln_critical_objects; two of them exist in the forest's root domain only."""
    holder = f"CN=AdminSDHolder,CN=System,{session.domain_dn}"
    wanted = [(holder, holder, "AdminSDHolder")]
    rids = [
        (sids.RID_ADMINISTRATOR, "built-in Administrator"),
        (sids.RID_KRBTGT, "krbtgt"),
        (sids.RID_DOMAIN_ADMINS, "Domain Admins"),
    ]
    if snapshot.root_domain_sid == snapshot.domain_sid:
        rids += [(sids.RID_SCHEMA_ADMINS, "Schema Admins"), (sids.RID_ENTERPRISE_ADMINS, "Enterprise Admins")]
    for rid, name in rids:
        sid = sids.in_domain(session.domain_sid, rid)
        wanted.append((f"<SID={sid}>", sid, name))
    for dn, identity, name in wanted:
        entry = quiet.read(session, dn, ["objectGUID", "objectClass", "objectSid"])
        visible = entry is not None and entry.raw("objectClass") is not None
        if dn.startswith("<SID="):
            visible = visible and entry is not None and entry.raw("objectSid") is not None
        snapshot.critical_objects.append(CriticalObject(identity, name, visible))
