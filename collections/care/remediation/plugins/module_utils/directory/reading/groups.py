# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Groups in groups, and two groups whose members ANSSI looks at though they are not administrators: Pre-Windows 2000
Compatible Access (S-1-5-32-554) and the administrators of DNS."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key, foreign_identity
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

NESTING: Final = "groups in groups"
PRE_WINDOWS_2000: Final = "Pre-Windows 2000 Compatible Access"
DNS_ADMINS: Final = "administrators of DNS"

# The name that the DNS server gives the group, in every language of Windows. A hint, never a proof.
DNS_ADMINS_NAME: Final = "DnsAdmins"
FIRST_OWN_RID: Final = 1000
# What the DNS server's own group may do to the container of its zones, and others need not: make and change objects
_RULES_DNS: Final = sd.CREATE_CHILD | sd.WRITE_PROPERTY
# OWNER, GROUP and DACL of the SD flags control (MS-ADTS 3.1.1.3.4.1.11)
_SD_PARTS: Final = 7
_NAMES: Final = ("objectSid", "sAMAccountName", "objectClass")


@dataclass(slots=True)
class NestedGroup:
    """A group that is itself in groups."""

    dn: str
    sid: str | None
    label: str
    parents: tuple[str, ...]  # DNs


@dataclass(slots=True)
class Member:
    """A direct member of a watched group; ``sid`` is None where it is not shown."""

    dn: str
    sid: str | None
    label: str
    group: bool = False


@dataclass(slots=True)
class WatchedGroup:
    """A group whose members, and whose descriptor, are judged."""

    dn: str
    sid: str
    label: str
    members: tuple[Member, ...] = ()
    descriptor: bytes | None = None
    found_by: str = ""  # how it was recognised, for the reader


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    nested = values.get("nested_groups", ())
    values["nested_groups"] = [NestedGroup(**{**item, "parents": tuple(item["parents"])}) for item in nested]
    values["dns_admins"] = [_group(item) for item in values.get("dns_admins", ())]
    if values.get("pre_windows_2000") is not None:
        values["pre_windows_2000"] = _group(values["pre_windows_2000"])


def _group(item: Mapping[str, Any]) -> WatchedGroup:
    facts = dict(item, members=tuple(Member(**each) for each in item.get("members", ())))
    if isinstance(facts.get("descriptor"), str):
        facts["descriptor"] = base64.b64decode(facts["descriptor"])
    return WatchedGroup(**facts)


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the three parts. The privileged groups come first."""
    _read_nesting(session, snapshot)
    group = _watched(session, snapshot, f"<SID={sids.BUILTIN_PRE_WINDOWS_2000}>", "its SID")
    if group is None:
        # every domain has it
        snapshot.unreadable[PRE_WINDOWS_2000] = (
            f"the group {sids.BUILTIN_PRE_WINDOWS_2000} is not visible to the account in use"
        )
    snapshot.pre_windows_2000 = group
    _read_dns_admins(session, snapshot)


def _read_nesting(session: Reader, snapshot: Snapshot) -> None:
    """Every group that is in a group, asked from the side of the member: ``member`` may hold 100,000 values."""
    attributes = ["objectSid", "sAMAccountName", "memberOf"]
    for entry in session.search(session.domain_dn, "(&(objectClass=group)(memberOf=*))", attributes):
        sid = entry.sid()
        snapshot.nested_groups.append(
            NestedGroup(
                dn=entry.dn,
                sid=sid,
                label=entry.text("sAMAccountName") or sid or entry.dn,
                parents=tuple(map(intern, entry.texts("memberOf"))),
            )
        )
    if not any(each.parents for each in snapshot.nested_groups):
        # at least Domain Admins is in Administrators
        snapshot.unreadable[NESTING] = "not one group shows memberOf to the account in use"


def _watched(session: Reader, snapshot: Snapshot, dn: str, found_by: str) -> WatchedGroup | None:
    entry = quiet.read(session, dn, [*_NAMES, "member"])
    sid = entry.sid() if entry is not None else None
    if entry is None or sid is None:
        return None
    descriptor = quiet.read(session, entry.dn, ["nTSecurityDescriptor"], sd_flags=_SD_PARTS)
    shown = {dn_key(each.dn): each for each in _members(session, entry)}
    return WatchedGroup(
        dn=entry.dn,
        sid=sid,
        label=entry.text("sAMAccountName") or sid,
        members=tuple(
            _member(name, shown.get(dn_key(name)) or _outside(session, name)) for name in entry.texts("member")
        ),
        descriptor=descriptor.raw("nTSecurityDescriptor") if descriptor is not None else None,
        found_by=found_by,
    )


def _members(session: Reader, group: Entry) -> Iterator[Entry]:
    """All members of this domain at once, whatever they are."""
    if not group.texts("member"):
        return
    escaped = "".join(f"\\{ord(char):02x}" if char in "\\*()\0" else char for char in group.dn)
    yield from session.search(session.domain_dn, f"(memberOf={escaped})", _NAMES)


def _outside(session: Reader, dn: str) -> Entry | None:
    """A member that is not in this domain: of another one, or a well-known principal of Configuration."""
    return quiet.read(session, dn, _NAMES) if not sids.is_sid(foreign_identity(dn)) else None


def _member(dn: str, entry: Entry | None) -> Member:
    identity = foreign_identity(dn)
    sid = entry.sid() if entry is not None else None
    if sid is None and sids.is_sid(identity):
        sid = identity
    label = entry.text("sAMAccountName") if entry is not None else None
    classes = {each.lower() for each in entry.texts("objectClass")} if entry is not None else set()
    return Member(
        dn=dn,
        sid=sid,
        label=label or (sids.WELL_KNOWN_NAMES.get(sid, sid) if sid is not None else dn),
        group="group" in classes,
    )


# --- administrators of DNS ---------------------------------------------------------------------------------------


def _read_dns_admins(session: Reader, snapshot: Snapshot) -> None:
    """The group that the DNS server made for its administrators. It has no fixed RID, and its name can be changed.

    Who administers the DNS servers of a domain is decided by the access list of the container CN=MicrosoftDNS: the DNS
    service lets those administer it who may write there. So the group is the one of this domain (RID above 1000: made
    by a service, not by Windows) that holds both creating objects and writing properties on that container. Where
    several do, it is the one of the well-known name, else the one of the lowest RID: the DNS server makes it when it is
    installed, before any administrator adds others (which are vuln_permissions_msdns). A group of that name without
    these rights is looked at as well.
    """
    rids: set[str] = set()
    judged = hidden = None
    for container in _containers(session):
        entry = quiet.read(session, container, ["objectGUID", "nTSecurityDescriptor"], sd_flags=_SD_PARTS)
        if entry is None or entry.raw("objectGUID") is None:
            continue
        raw = entry.raw("nTSecurityDescriptor")
        try:
            rids |= set(_rulers(sd.SecurityDescriptor.parse(raw or b""), session.domain_sid))
            judged = container
        except ValueError:
            hidden = container
    named = quiet.search(
        session, session.domain_dn, f"(&(objectClass=group)(sAMAccountName={DNS_ADMINS_NAME}))", ["objectSid"]
    )
    called = {sid for each in named or () if (sid := each.sid()) is not None}
    chosen = called | _first(rids - called if not called & rids else set(), session, snapshot)
    for sid in sorted(chosen):
        how = "its rights over CN=MicrosoftDNS" if sid in rids else "its name"
        if sid in rids and sid in called:
            how += " and its name"
        group = _watched(session, snapshot, f"<SID={sid}>", how)
        if group is not None:
            snapshot.dns_admins.append(group)
    if hidden is not None and judged is None:
        snapshot.unreadable[DNS_ADMINS] = (
            f"the security descriptor of {hidden} is not readable by the account in use, so that the administrators of"
            " DNS cannot be told with certainty"
        )
    elif judged is None and _dns_in_directory(session):
        snapshot.unreadable[DNS_ADMINS] = (
            f"no container CN=MicrosoftDNS is visible to the account in use, though {session.dns_name} keeps DNS zones"
        )
    blind = [each.dn for each in snapshot.dns_admins if each.descriptor is None]
    if blind:
        snapshot.unreadable.setdefault(DNS_ADMINS, f"the security descriptor of {blind[0]} is not readable")


def _containers(session: Reader) -> tuple[str, ...]:
    return (
        f"CN=MicrosoftDNS,CN=System,{session.domain_dn}",
        f"CN=MicrosoftDNS,DC=DomainDnsZones,{session.domain_dn}",
    )


def _dns_in_directory(session: Reader) -> bool:
    wanted = f"dc=domaindnszones,{session.domain_dn}".casefold()
    return wanted in {dn_key(each) for each in session.root_dse.get("namingContexts") or ()}


def _rulers(descriptor: sd.SecurityDescriptor, domain_sid: str) -> Iterator[str]:
    for ace in descriptor.dacl.aces if descriptor.dacl is not None else ():
        if not ace.allows or ace.sid is None or ace.mask is None or ace.object_type is not None:
            continue
        whole = ace.mask & (sd.GENERIC_ALL | sd.GENERIC_WRITE)
        if ace.flags & sd.INHERIT_ONLY or not (whole or ace.mask & _RULES_DNS == _RULES_DNS):
            continue
        if sids.domain_of(ace.sid) == domain_sid and sids.rid(ace.sid) >= FIRST_OWN_RID:
            yield ace.sid


def _first(candidates: set[str], session: Reader, snapshot: Snapshot) -> set[str]:
    """The group of the lowest RID among trustees, of which some may be accounts, or gone."""
    accounts = {account.sid for account in snapshot.accounts} if candidates else set()
    for sid in sorted(candidates - accounts, key=sids.rid):
        entry = quiet.read(session, f"<SID={sid}>", ["objectClass"])
        if entry is not None and "group" in {each.lower() for each in entry.texts("objectClass")}:
            return {sid}
    return set()
