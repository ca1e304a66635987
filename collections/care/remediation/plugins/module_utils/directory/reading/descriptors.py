# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects other than accounts whose access lists decide who controls whom: groups with their members, OUs and
containers, sites, group policies, and the settings that ANSSI names (AdminSDHolder, schema, SYSVOL replication, DPAPI
backup keys, KDS root keys, DNS server).

Descriptors of accounts come with the accounts themselves (``Account.descriptor``). A descriptor holds owner and DACL;
one that the server did not show is None, and the object is listed all the same: the reader lacks READ_CONTROL on it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import (
    Descriptor,
    DescriptorPool,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

OBJECT_DESCRIPTORS: Final = "object descriptors"
POLICY_LINKS: Final = "group policy links"
SCHEMA_OBJECTS: Final = "schema objects"
SYSVOL_REPLICATION: Final = "SYSVOL replication settings"
BACKUP_KEYS: Final = "DPAPI backup keys"
ROOT_KEYS: Final = "KDS root keys"
DNS_SETTINGS: Final = "DNS server settings"

# Roles of secured objects
GROUP: Final = "group"
OU: Final = "ou"
CONTAINER: Final = "container"
GPO: Final = "gpo"
DOMAIN_HEAD: Final = "domain head"
SITE: Final = "site"
ADMINSDHOLDER: Final = "adminsdholder"
SCHEMA: Final = "schema"
DFSR: Final = "dfsr"
DPAPI: Final = "dpapi"
ROOT_KEY: Final = "root key"
MSDNS: Final = "msdns"

# OWNER, GROUP and DACL of the SD flags control (MS-ADTS 3.1.1.3.4.1.11)
SD_PARTS: Final = 7
_COMMON: Final = ("objectGUID", "nTSecurityDescriptor")
_STRUCTURE: Final = "(|(objectClass=organizationalUnit)(objectClass=container)(objectClass=builtinDomain))"
_SUBSCRIPTIONS: Final = (
    "(|(objectClass=msDFSR-LocalSettings)(objectClass=msDFSR-Subscriber)(objectClass=msDFSR-Subscription))"
)


@dataclass(slots=True)
class Secured:
    """One object, not an account, and its descriptor."""

    dn: str
    guid: str
    role: str
    label: str
    descriptor: Descriptor | None = None
    sid: str | None = None
    created: datetime | None = None
    admin_count: int | None = None
    members: tuple[str, ...] = ()  # of a group: DNs; of a site: DNs of the domain controllers in it
    links: tuple[tuple[str, int], ...] = ()  # gPLink in its order: DN of the policy, options (1 disabled, 2 enforced)
    blocks: bool = False  # gPOptions: policies linked above do not come down, enforced ones apart
    policy_flags: int = 0  # of a group policy: 1 user part disabled, 2 computer part disabled


def read(session: Reader, snapshot: Snapshot) -> None:
    """Fill in ``snapshot.secured``; what must be there and is not shown goes to ``snapshot.unreadable``."""
    if snapshot.accounts and all(account.descriptor is None for account in snapshot.accounts):
        snapshot.unreadable[OBJECT_DESCRIPTORS] = (
            "the security descriptor of not one account is readable: the account in use lacks the right Read"
            " permissions (READ_CONTROL)"
        )
    reading = _Reading(session, snapshot)
    reading.groups()
    reading.structure()
    reading.sites()
    reading.settings()
    if not any(each.role == ADMINSDHOLDER for each in snapshot.secured):
        snapshot.unreadable.setdefault(
            OBJECT_DESCRIPTORS, f"CN=AdminSDHolder,CN=System,{snapshot.domain_dn} is not visible to the account in use"
        )


class _Reading:
    def __init__(self, session: Reader, snapshot: Snapshot) -> None:
        self._session = session
        self._snapshot = snapshot
        # one text for each DN, whatever the number of groups that name it
        self._names = {dn_key(account.dn): account.dn for account in snapshot.accounts}

    def groups(self) -> None:
        """Every group of the domain with its members."""
        attributes = (*_COMMON, "objectSid", "sAMAccountName", "member", "whenCreated", "adminCount")
        for entry in self._search(self._snapshot.domain_dn, "(objectClass=group)", attributes):
            group = self._add(entry, GROUP, label=entry.text("sAMAccountName"))
            group.sid = entry.sid()
            group.created = _moment(entry)
            group.admin_count = entry.int("adminCount")
            group.members = tuple(self._one(dn) for dn in entry.texts("member"))

    def structure(self) -> None:
        """OUs, containers and group policies, and the policies that the domain head links."""
        snapshot = self._snapshot
        holder = dn_key(f"CN=AdminSDHolder,CN=System,{snapshot.domain_dn}")
        dns = dn_key(f"CN=MicrosoftDNS,CN=System,{snapshot.domain_dn}")
        attributes = (*_COMMON, "objectClass", "whenCreated", "gPLink", "gPOptions", "displayName", "flags")
        head = quiet.read(self._session, snapshot.domain_dn, [*_COMMON, "gPLink", "gPOptions"], SD_PARTS)
        if head is None or head.raw("objectGUID") is None:
            snapshot.unreadable[POLICY_LINKS] = f"{snapshot.domain_dn} is not readable"
        else:
            _link(self._add(head, DOMAIN_HEAD, label=snapshot.dns_name), head)
        for entry in self._search(snapshot.domain_dn, _STRUCTURE, attributes):
            classes = {name.lower() for name in entry.texts("objectClass")}
            key = dn_key(entry.dn)
            role = CONTAINER
            if "grouppolicycontainer" in classes:
                role = GPO
            elif "organizationalunit" in classes:
                role = OU
            elif key == holder:
                role = ADMINSDHOLDER
            elif key == dns:
                role = MSDNS
            one = self._add(entry, role, label=entry.text("displayName") if role == GPO else None)
            one.created = _moment(entry)
            one.policy_flags = (entry.int("flags") or 0) if role == GPO else 0
            _link(one, entry)
        if not any(each.role == GPO for each in snapshot.secured):
            # the two default policies are in every domain
            snapshot.unreadable.setdefault(
                POLICY_LINKS, f"no group policy is visible below CN=Policies,CN=System,{snapshot.domain_dn}"
            )
        if not any(each.role == MSDNS for each in snapshot.secured) and not self._privileged():
            snapshot.unreadable[DNS_SETTINGS] = (
                f"CN=MicrosoftDNS,CN=System,{snapshot.domain_dn} does not exist or is not visible to the account in use"
            )

    def sites(self) -> None:
        """Sites, the policies they link and the domain controllers in them."""
        snapshot = self._snapshot
        base = f"CN=Sites,{self._session.configuration_dn}"
        attributes = (*_COMMON, "objectClass", "gPLink", "gPOptions", "serverReference")
        sites: dict[str, Secured] = {}
        servers: list[tuple[str, str]] = []
        for entry in self._search(base, "(|(objectClass=site)(objectClass=server))", attributes):
            if "site" in {name.lower() for name in entry.texts("objectClass")}:
                site = sites[dn_key(entry.dn)] = self._add(entry, SITE)
                _link(site, entry)
            else:
                servers += [(dn_key(entry.dn), dn) for dn in entry.texts("serverReference")]
        for server, machine in servers:
            site_of = next((one for key, one in sites.items() if server.endswith("," + key)), None)
            if site_of is not None:
                site_of.members += (self._one(machine),)
        if not sites:
            snapshot.unreadable.setdefault(POLICY_LINKS, f"no site is visible below {base}")

    def settings(self) -> None:
        """The settings that ANSSI names. What is not there is right where the domain has no use for it."""
        session, snapshot = self._session, self._snapshot
        system = f"CN=System,{snapshot.domain_dn}"
        if not self._whole(session.schema_dn, SCHEMA):
            snapshot.unreadable[SCHEMA_OBJECTS] = f"no object below {session.schema_dn} is visible"
        shared = self._whole(f"CN=DFSR-GlobalSettings,{system}", DFSR)
        controllers = tuple("," + dn_key(account.dn) for account in snapshot.accounts if account.is_dc)
        for entry in self._search(snapshot.domain_dn, _SUBSCRIPTIONS, _COMMON) if controllers else ():
            if dn_key(entry.dn).endswith(controllers):
                self._add(entry, DFSR)
        if not shared and not self._privileged():
            snapshot.unreadable[SYSVOL_REPLICATION] = (
                f"CN=DFSR-GlobalSettings,{system} does not exist or is not visible to the account in use"
            )
        backups = 0
        for entry in self._search(system, "(objectClass=secret)", _COMMON, scope="onelevel"):
            if dn_key(entry.dn).startswith("cn=bckupkey_"):
                self._add(entry, DPAPI)
                backups += 1
        if not backups and not self._privileged():
            snapshot.unreadable[BACKUP_KEYS] = (
                f"no BCKUPKEY_* object of {system} is visible: only administrators of the domain read them by default;"
                " give the account in use Read permissions (READ_CONTROL) and Read property objectClass on them"
            )
        keys = self._whole(f"CN=Group Key Distribution Service,CN=Services,{session.configuration_dn}", ROOT_KEY)
        if not keys and not self._privileged():
            snapshot.unreadable[ROOT_KEYS] = (
                f"CN=Group Key Distribution Service,CN=Services,{session.configuration_dn} is not visible to the"
                " account in use"
            )

    def _privileged(self) -> bool:
        """Whether the account in use sees what administrators see: what it does not see is not there."""
        connected = self._snapshot.connected_sid
        return connected is not None and connected in self._snapshot.privileged.accounts

    def _whole(self, base: str, role: str) -> int:
        count = 0
        for entry in self._search(base, "(objectClass=*)", _COMMON):
            self._add(entry, role)
            count += 1
        return count

    def _search(
        self, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree"
    ) -> Iterator[Entry]:
        """What is below a base; nothing where the base is not there or not shown. A lost connection is an error."""
        try:
            yield from self._session.search(base, ldap_filter, list(attributes), scope, SD_PARTS)
        except DirectoryError as error:
            if not quiet.is_refusal(error):
                raise

    def _add(self, entry: Entry, role: str, label: str | None = None) -> Secured:
        descriptor = self._snapshot.pool.of(entry.raw("nTSecurityDescriptor"))
        one = Secured(self._one(entry.dn), entry.guid() or entry.dn, role, label or first_name(entry.dn), descriptor)
        self._snapshot.secured.append(one)
        return one

    def _one(self, dn: str) -> str:
        return self._names.setdefault(dn_key(dn), dn)


def first_name(dn: str) -> str:
    """The value of a DN's first component, for a reader: ``OU=Urgences\\, Nord,DC=…`` → ``Urgences, Nord``."""
    value, escaped = "", False
    for character in dn.partition("=")[2]:
        if escaped:
            value, escaped = value + character, False
        elif character == "\\":
            escaped = True
        elif character == ",":
            break
        else:
            value += character
    return value or dn


def links_of(text: str) -> tuple[tuple[str, int], ...]:
    """The links of a gPLink value: ``[LDAP://<dn>;<options>]`` one after the other (MS-GPOL 2.2.2), in its order."""
    links = []
    for part in text.split("]"):
        where, _semicolon, options = part.strip().lstrip("[").rpartition(";")
        scheme, _slashes, dn = where.partition("://")
        if scheme.lower() == "ldap" and dn and options.isdecimal():
            links.append((dn, int(options)))
    return tuple(links)


def _link(one: Secured, entry: Entry) -> None:
    one.links = links_of(entry.text("gPLink") or "")
    one.blocks = bool((entry.int("gPOptions") or 0) & 1)


def _moment(entry: Entry) -> datetime | None:
    created = entry.text("whenCreated")
    return ad_time.from_generalized(created) if created else None


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain values of a snapshot's dictionary: descriptors of accounts and of ``secured`` (base64)."""
    pool = values["pool"] = DescriptorPool()
    for account in values.get("accounts", ()):
        if isinstance(account.descriptor, bytes):
            account.descriptor = pool.of(account.descriptor)
    values["secured"] = [_secured(pool, item) for item in values.get("secured", ())]


def _secured(pool: DescriptorPool, item: Mapping[str, Any]) -> Secured:
    values = dict(item)
    raw = values.get("descriptor")
    values["descriptor"] = pool.of(base64.b64decode(raw) if isinstance(raw, str) else raw)
    if isinstance(values.get("created"), str):
        values["created"] = datetime.fromisoformat(values["created"])
    values["members"] = tuple(values.get("members", ()))
    values["links"] = tuple((dn, options) for dn, options in values.get("links", ()))
    return Secured(**values)
