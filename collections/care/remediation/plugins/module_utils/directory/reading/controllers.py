# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Domain controllers, writable and read-only: their accounts, their server objects in CN=Sites, and whose secrets a
read-only one may keep (MS-ADTS 6.1.1.3 and 6.1.1.2.2.1.2)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

CONTROLLERS: Final = "domain controllers"
SITES: Final = "server objects of the sites"
RODC_LISTS: Final = "lists of the read-only domain controllers"
REPLICATION_GROUPS: Final = "RODC password replication groups"
SECONDARY_KRBTGT: Final = "krbtgt accounts of read-only domain controllers"

RID_ALLOWED_REPLICATION: Final = 571
RID_DENIED_REPLICATION: Final = 572
# Microsoft's fixed, untranslated name of the account that Entra Kerberos keeps (there is no machine behind it)
ENTRA_KRBTGT: Final = "krbtgt_azuread"

_ATTRIBUTES: Final = (
    "objectSid",
    "sAMAccountName",
    "userAccountControl",
    "primaryGroupID",
    "dNSHostName",
    "operatingSystem",
    "operatingSystemVersion",
    "msDS-SupportedEncryptionTypes",
)
_LISTS: Final = ("msDS-NeverRevealGroup", "msDS-RevealOnDemandGroup", "msDS-RevealedUsers", "msDS-KrbTgtLink")
_FILTER: Final = (
    "(&(sAMAccountType=805306369)(|"
    f"(primaryGroupID={sids.RID_DOMAIN_CONTROLLERS})(primaryGroupID={sids.RID_READ_ONLY_DOMAIN_CONTROLLERS})"
    f"(userAccountControl:1.2.840.113556.1.4.803:={uac.SERVER_TRUST_ACCOUNT})"
    f"(userAccountControl:1.2.840.113556.1.4.803:={uac.PARTIAL_SECRETS_ACCOUNT})))"
)
_SETTINGS: Final = "cn=ntds settings,"
_READ_ONLY_CATEGORY: Final = "cn=ntds-dsa-ro,"
_DN_BINARY: Final = re.compile(r"B:(\d+):([0-9A-Fa-f]*):(.+)\Z", re.DOTALL)
_SECONDS_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Principal:
    """Somebody in a list, by name; ``sid`` is None for one that is not shown, or lives in another domain."""

    dn: str
    sid: str | None
    label: str


@dataclass(slots=True)
class Revealed:
    """An account whose secrets a read-only domain controller has kept; ``changed`` is the age of the newest of them."""

    dn: str
    changed: datetime | None


@dataclass(slots=True)
class Controller:
    """One domain controller's account, and its server object where it has one."""

    dn: str
    sid: str
    label: str
    read_only: bool = False
    uac: int | None = None
    primary_group_id: int | None = None
    operating_system: str | None = None
    version: str | None = None  # operatingSystemVersion, for instance 10.0 (17763)
    encryption_types: int | None = None
    server: str | None = None  # DN of its server object
    settings: str | None = None  # DN of the NTDS Settings below it
    settings_read_only: bool = False
    behavior_version: int | None = None
    never_reveal: tuple[Principal, ...] = ()
    reveal_on_demand: tuple[Principal, ...] = ()
    revealed: tuple[Revealed, ...] = ()
    krbtgt: str | None = None  # DN
    entra: bool = False  # the object of Entra Kerberos: a read-only domain controller only in name

    def has(self, flag: int) -> bool:
        """Whether a bit of userAccountControl is known to be set."""
        return self.uac is not None and bool(self.uac & flag)

    @property
    def build(self) -> int | None:
        """The build number of Windows; None for another system or an unknown one."""
        if not (self.operating_system or "").casefold().startswith("windows"):
            return None
        found = re.search(r"\((\d+)\)\s*\Z", self.version or "")
        return int(found.group(1)) if found else None


@dataclass(slots=True)
class ReplicationGroup:
    """The group of RID 571 or 572, which allow and deny for all read-only domain controllers at once."""

    dn: str
    sid: str
    label: str
    members: tuple[Principal, ...] = ()


@dataclass(slots=True)
class SecondaryKrbtgt:
    """A krbtgt account that was made for one read-only domain controller."""

    dn: str
    sid: str
    label: str
    number: int | None
    enabled: bool
    controllers: tuple[str, ...] = ()  # DNs of those that say it is theirs


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the domain controllers, the two replication groups, the krbtgt accounts. Accounts and groups come first."""
    _read_accounts(session, snapshot)
    _read_sites(session, snapshot)
    names = _Names(session, snapshot)
    _read_lists(session, snapshot, names)
    _read_groups(session, snapshot, names)
    _read_krbtgt(session, snapshot)


def _read_accounts(session: Reader, snapshot: Snapshot) -> None:
    for entry in session.search(session.domain_dn, _FILTER, _ATTRIBUTES):
        sid = entry.sid()
        flags = entry.int("userAccountControl")
        if sid is None or flags is None:
            snapshot.unreadable[CONTROLLERS] = f"{entry.dn} does not show its objectSid and userAccountControl"
            continue
        snapshot.controllers.append(
            Controller(
                dn=entry.dn,
                sid=sid,
                label=entry.text("sAMAccountName") or sid,
                read_only=bool(flags & uac.PARTIAL_SECRETS_ACCOUNT)
                or entry.int("primaryGroupID") == sids.RID_READ_ONLY_DOMAIN_CONTROLLERS,
                uac=flags,
                primary_group_id=entry.int("primaryGroupID"),
                operating_system=entry.text("operatingSystem"),
                version=entry.text("operatingSystemVersion"),
                encryption_types=entry.int("msDS-SupportedEncryptionTypes"),
            )
        )
    if not any(not each.read_only for each in snapshot.controllers):
        snapshot.unreadable.setdefault(
            CONTROLLERS,
            "not one writable domain controller is visible in the domain: the account in use lacks the right to read"
            " the computers of the domain controllers' organisational unit",
        )


def _read_sites(session: Reader, snapshot: Snapshot) -> None:
    base = f"CN=Sites,{session.configuration_dn}"
    attributes = ["objectClass", "objectCategory", "serverReference", "msDS-Behavior-Version"]
    entries = quiet.search(session, base, "(|(objectClass=server)(objectClass=nTDSDSA))", attributes) or []
    settings = {dn_key(each.dn)[len(_SETTINGS) :]: each for each in entries if dn_key(each.dn).startswith(_SETTINGS)}
    if not settings:
        # the server that answers has one
        snapshot.unreadable[SITES] = f"{base} shows no NTDS Settings to the account in use (right to read and list)"
        return
    by_account = {dn_key(each.dn): each for each in snapshot.controllers}
    for entry in entries:
        controller = by_account.get(dn_key(entry.text("serverReference") or ""))
        if controller is None:
            continue
        below = settings.get(dn_key(entry.dn))
        if controller.settings is not None and below is None:
            continue  # a second, empty server object with the same reference says nothing
        controller.server = entry.dn
        if below is None:
            continue
        controller.settings = below.dn
        controller.behavior_version = below.int("msDS-Behavior-Version")
        controller.settings_read_only = "ntdsdsaro" in [each.lower() for each in below.texts("objectClass")] or dn_key(
            below.text("objectCategory") or ""
        ).startswith(_READ_ONLY_CATEGORY)


def _read_lists(session: Reader, snapshot: Snapshot, names: _Names) -> None:
    for controller in snapshot.controllers:
        if not controller.read_only:
            continue
        entry = quiet.read(session, controller.dn, list(_LISTS))
        if entry is None or not any(entry.attributes.get(each) for each in _LISTS):
            # each of them has at least its krbtgt account and its default lists
            snapshot.unreadable[RODC_LISTS] = (
                f"{controller.dn} shows none of {', '.join(_LISTS)} to the account in use: the right to read these is"
                " missing"
            )
            continue
        controller.never_reveal = names.principals(entry.texts("msDS-NeverRevealGroup"))
        controller.reveal_on_demand = names.principals(entry.texts("msDS-RevealOnDemandGroup"))
        controller.revealed = revealed(entry.texts("msDS-RevealedUsers"))
        controller.krbtgt = entry.text("msDS-KrbTgtLink")
    hidden = [each for one in snapshot.controllers for each in one.reveal_on_demand if each.sid is None]
    if hidden:
        snapshot.unreadable.setdefault(
            RODC_LISTS,
            f"{len(hidden)} entries of msDS-RevealOnDemandGroup are not visible, for instance {hidden[0].dn}",
        )


def _read_groups(session: Reader, snapshot: Snapshot, names: _Names) -> None:
    for rid in (RID_ALLOWED_REPLICATION, RID_DENIED_REPLICATION):
        sid = sids.in_domain(session.domain_sid, rid)
        entry = quiet.read(session, f"<SID={sid}>", ["objectSid", "sAMAccountName", "member"])
        if entry is not None and entry.raw("objectSid") is not None:
            snapshot.replication_groups.append(
                ReplicationGroup(
                    dn=entry.dn,
                    sid=sid,
                    label=entry.text("sAMAccountName") or sid,
                    members=names.principals(entry.texts("member")),
                )
            )


def _read_krbtgt(session: Reader, snapshot: Snapshot) -> None:
    links = {dn_key(each.krbtgt): each for each in snapshot.controllers if each.krbtgt is not None}
    attributes = [
        "objectSid",
        "sAMAccountName",
        "msDS-SecondaryKrbTgtNumber",
        "msDS-KrbTgtLinkBl",
        "userAccountControl",
    ]
    for entry in session.search(session.domain_dn, "(msDS-SecondaryKrbTgtNumber=*)", attributes):
        account = _secondary(entry)
        if account is None:
            snapshot.unreadable[SECONDARY_KRBTGT] = f"{entry.dn} does not show its objectSid"
            continue
        controller = links.get(dn_key(entry.dn))
        if controller is not None and not account.controllers:
            account.controllers = (controller.dn,)
        if controller is not None and account.label.casefold() == ENTRA_KRBTGT:
            controller.entra = controller.server is None
        snapshot.secondary_krbtgt.append(account)
    seen = {dn_key(each.dn) for each in snapshot.secondary_krbtgt}
    lost = [each for key, each in links.items() if key not in seen]
    if lost:
        snapshot.unreadable.setdefault(
            SECONDARY_KRBTGT,
            f"the krbtgt account {lost[0].krbtgt} of {lost[0].label} is not visible to the account in use",
        )


def _secondary(entry: Entry) -> SecondaryKrbtgt | None:
    sid = entry.sid()
    if sid is None:
        return None
    return SecondaryKrbtgt(
        dn=entry.dn,
        sid=sid,
        label=entry.text("sAMAccountName") or sid,
        number=entry.int("msDS-SecondaryKrbTgtNumber"),
        enabled=not (entry.int("userAccountControl") or 0) & uac.ACCOUNTDISABLE,
        controllers=tuple(entry.texts("msDS-KrbTgtLinkBl")),
    )


class _Names:
    """DNs of lists to principals. Accounts and groups that were read already are not read again."""

    def __init__(self, session: Reader, snapshot: Snapshot) -> None:
        self._session = session
        self._snapshot = snapshot
        self._known: dict[str, Principal] | None = None

    def principals(self, dns: Iterable[str]) -> tuple[Principal, ...]:
        """The principals of a list, in its order."""
        return tuple(self._principal(dn) for dn in dns)

    def _principal(self, dn: str) -> Principal:
        if self._known is None:
            accounts = ((each.dn, each.sid, each.label) for each in self._snapshot.accounts)
            groups = ((each.dn, each.sid, each.label) for each in self._snapshot.groups.values())
            self._known = {dn_key(dn): Principal(dn, sid, label) for dn, sid, label in chain(accounts, groups)}
        key = dn_key(dn)
        if key not in self._known:
            entry = quiet.read(self._session, dn, ["objectSid", "sAMAccountName"])
            sid = entry.sid() if entry is not None else None
            self._known[key] = Principal(dn, sid, (entry.text("sAMAccountName") if entry else None) or sid or dn)
        return self._known[key]


def revealed(values: Iterable[str]) -> tuple[Revealed, ...]:
    """The accounts in msDS-RevealedUsers, each once, in order of appearance.

    A value is a DN with binary (MS-ADTS 3.1.1.3.1.1.3, ``B:96:<hex>:<DN>``) whose 48 bytes are the metadata of one
    secret attribute as it was when the secret was sent (MS-DRSR PROPERTY_META_DATA: attribute 4 bytes, version 4,
    seconds since 1601 8, …). A value that cannot be read counts as a secret of unknown age.
    """
    found: dict[str, Revealed] = {}
    for value in values:
        match = _DN_BINARY.match(value)
        dn, changed = (match.group(3), secret_time(match.group(2))) if match else (value, None)
        known = found.setdefault(dn_key(dn), Revealed(dn, changed))
        if changed is None or (known.changed is not None and changed > known.changed):
            known.changed = changed
    return tuple(found.values())


def secret_time(metadata: str) -> datetime | None:
    """When the secret was set, of the metadata in hexadecimal; None when it is cut short or no date."""
    try:
        (seconds,) = struct.unpack_from("<Q", bytes.fromhex(metadata), 8)
        return _SECONDS_EPOCH + timedelta(seconds=seconds)
    except (struct.error, ValueError, OverflowError):
        return None


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    values["controllers"] = [_controller(item) for item in values.get("controllers", ())]
    values["replication_groups"] = [
        ReplicationGroup(**dict(item, members=_principals(item.get("members", ()))))
        for item in values.get("replication_groups", ())
    ]
    values["secondary_krbtgt"] = [
        SecondaryKrbtgt(**dict(item, controllers=tuple(item.get("controllers", ()))))
        for item in values.get("secondary_krbtgt", ())
    ]


def _principals(items: Iterable[Mapping[str, Any]]) -> tuple[Principal, ...]:
    return tuple(Principal(**item) for item in items)


def _controller(item: Mapping[str, Any]) -> Controller:
    unknown = set(item) - {each.name for each in fields(Controller)}
    if unknown:
        raise ValueError(f"Controller has no {', '.join(sorted(unknown))}")
    values = dict(item)
    for name in ("never_reveal", "reveal_on_demand"):
        values[name] = _principals(values.get(name, ()))
    values["revealed"] = tuple(
        Revealed(each["dn"], None if each.get("changed") is None else datetime.fromisoformat(each["changed"]))
        for each in values.get("revealed", ())
    )
    return Controller(**values)
