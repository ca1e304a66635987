# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the objects of a BloodHound collection to one snapshot a domain, as the controls of the directory judge it.

A collector names the dangerous rights that an access list gives, not its entries. Each name becomes an entry that gives
just that right, so that the same code judges it; that entry is no entry of the domain, and never leaves this reader.
What a collector leaves out (deny entries, entries that only objects below inherit, password settings, sites) is not
there: the snapshot says so where a control needs it.
"""

from __future__ import annotations

import datetime
import functools
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls import certificates, rights
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import Descriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import descriptors as roles
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import Secured
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import (
    Enrolment,
    EnrolmentService,
    Template,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.sid_history import SidHistory
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    Acl,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    COMPUTER,
    MSA,
    PSOS,
    USER,
    Account,
    Group,
    NamingContext,
    Snapshot,
)

from ..records import Skipped
from . import jsonvalues
from .anssi import common_name, domain_of_dn
from .xmlstream import cut

MAX_ACES: Final = 20_000
MAX_MEMBERS: Final = 1_000_000
MAX_VALUES: Final = 2_000
MAX_DN: Final = 2_048

OWNS: Final = "Owns"
READS_PASSWORD: Final = "ReadGMSAPassword"  # noqa: S105
# The names of edges to the right each stands for: bits of the mask, and what of the object they are about
_WHOLE: Final = {
    "GenericAll": sd.FULL_CONTROL,
    "GenericWrite": sd.GENERIC_WRITE,
    "WriteDacl": sd.WRITE_DAC,
    "WriteOwner": sd.WRITE_OWNER,
    "AllExtendedRights": sd.CONTROL_ACCESS,
}
_PART: Final = {
    "ForceChangePassword": (sd.CONTROL_ACCESS, uuid.UUID("00299570-246d-11d0-a768-00aa006e0529")),
    "AddMember": (sd.WRITE_PROPERTY, uuid.UUID("bf9679c0-0de6-11d0-a285-00aa003049e2")),
    "AddSelf": (sd.SELF_WRITE, uuid.UUID("bf9679c0-0de6-11d0-a285-00aa003049e2")),
    "AddKeyCredentialLink": (sd.WRITE_PROPERTY, uuid.UUID("5b47d60f-6090-40b2-9f37-2a4de88f3063")),
    "AddAllowedToAct": (sd.WRITE_PROPERTY, uuid.UUID("3f78c3e5-f79a-46bd-a0b8-9d18116ddc79")),
    "WriteAccountRestrictions": (sd.WRITE_PROPERTY, uuid.UUID("4c164200-20c0-11d0-a768-00aa006e0529")),
    "WriteSPN": (sd.WRITE_PROPERTY, uuid.UUID("f3a64788-5306-11d1-a9c5-0000f80367c1")),
    "WriteAltSecurityIdentities": (sd.WRITE_PROPERTY, uuid.UUID("00fbf30c-91fe-11d1-aebc-0000f80367c1")),
    "WritePublicInformation": (sd.WRITE_PROPERTY, uuid.UUID("e48d0154-bcf8-11d1-8702-00c04fb96050")),
    "WriteGPLink": (sd.WRITE_PROPERTY, uuid.UUID("f30e3bbe-9ff0-11d1-b603-0000f80367c1")),
    "GetChanges": (sd.CONTROL_ACCESS, rights.GET_CHANGES),
    "GetChangesAll": (sd.CONTROL_ACCESS, rights.GET_CHANGES_ALL),
    "GetChangesInFilteredSet": (sd.CONTROL_ACCESS, rights.GET_CHANGES_FILTERED),
}
# Of certificate templates only (MS-CRTD 2.5.1, and the attributes that say who a certificate is for)
_TEMPLATE: Final = {
    "Enroll": (sd.CONTROL_ACCESS, certificates.ENROLL),
    "WritePKINameFlag": (sd.WRITE_PROPERTY, uuid.UUID("ea1dddc4-60ff-416e-8cc0-17cee534bce7")),
    "WritePKIEnrollmentFlag": (sd.WRITE_PROPERTY, uuid.UUID("d15ef7d8-f226-46db-ae79-b34e560bd12c")),
}
# Known, and no right over a privileged object that ANSSI's control points look for
_OTHERS: Final = frozenset(
    {"ReadLAPSPassword", "SyncLAPSPassword", "SQLAdmin", "Enroll", "ManageCA", "ManageCertificates"}
    | {"WritePKIEnrollmentFlag", "WritePKINameFlag", "SeverIs", "OwnsRaw", "WriteOwnerRaw"}
)
_FLAGS: Final = {
    "dontreqpreauth": uac.DONT_REQ_PREAUTH,
    "pwdneverexpires": uac.DONT_EXPIRE_PASSWORD,
    "unconstraineddelegation": uac.TRUSTED_FOR_DELEGATION,
    "trustedtoauth": uac.TRUSTED_TO_AUTH_FOR_DELEGATION,
    "passwordnotreqd": uac.PASSWD_NOTREQD,
    "sensitive": uac.NOT_DELEGATED,
    "smartcardrequired": uac.SMARTCARD_REQUIRED,
    "encryptedtextpwdallowed": uac.ENCRYPTED_TEXT_PWD_ALLOWED,
    "usedeskeyonly": uac.USE_DES_KEY_ONLY,
}
_SID: Final = re.compile(r"S-1(?:-[0-9]{1,15}){2,16}\Z")
_GUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
_NO_PSOS: Final = "a BloodHound collection does not hold them"

Rights = tuple[tuple[str, str, bool], ...]  # trustee, edge, inherited


def sid_of(text: Any) -> str | None:
    """The SID of an identifier: collectors put the domain's name before well-known ones (``X.TEST-S-1-5-32-544``)."""
    return _known_sid(text) if isinstance(text, str) and len(text) <= 512 else None


@functools.lru_cache(maxsize=1 << 16)  # the same few trustees stand in every access list
def _known_sid(text: str) -> str | None:
    match = _SID.search(text)
    found = match[0] if match is not None else ""
    return found if sids.is_sid(found) else None


class Collection:
    """What a collection holds, by domain. ``complete``: nothing of it was lost."""

    def __init__(self, skipped: Skipped) -> None:
        self.skipped = skipped
        self.complete = True
        self.domains: dict[str, Domain] = {}
        self.forest_root: str | None = None
        self._pseudo = self._deleted = 0
        self._edges: Counter[str] = Counter()
        self._strange = 0  # trustees that are no SID
        self._aces: dict[tuple[str, str, bool, bool], Ace] = {}
        self._descriptors: dict[tuple[str | None, bool, Rights, bool], Descriptor] = {}
        self._take = {
            "domains": self._domain,
            "gpos": self._policy,
            "ous": self._unit,
            "containers": self._container,
            "groups": self._group,
            "users": self._user,
            "computers": self._computer,
            "certtemplates": self._template,
            "enterprisecas": self._authority,
        }

    def notes(self) -> list[str]:
        """What a person should know about what was read."""
        notes = []
        if self._pseudo:
            notes.append(f"well-known principals that are no objects of the directory: {self._pseudo}")
        if self._deleted:
            notes.append(f"deleted objects, not judged: {self._deleted}")
        if self._edges:
            listed = ", ".join(f"{name} ({count})" for name, count in sorted(self._edges.items()))
            notes.append(f"rights that are not judged here: {listed}")
        if self._strange:
            notes.append(f"rights of principals that are named by no SID, not judged: {self._strange}")
        return notes

    def take(self, kind: str, value: Any, place: str) -> None:
        """Take one object; what cannot be used goes to ``skipped``."""
        if not isinstance(value, dict):
            self.skipped.add(place, "it is no object")
            return
        properties = jsonvalues.mapping(value.get("Properties"))
        dn = jsonvalues.text(properties.get("distinguishedname"), MAX_DN)
        identifier = value.get("ObjectIdentifier")
        if value.get("IsDeleted") is True:
            self._deleted += 1
            return
        if not dn:
            if sid_of(identifier) is not None or properties.get("name"):
                self._pseudo += 1  # Everyone, Authenticated Users, NT AUTHORITY: collectors add them
            else:
                self.skipped.add(place, "it has neither a distinguished name nor an identifier")
            return
        domain = self._domain_for(properties, identifier, dn)
        if domain is None:
            self.skipped.add(place, "nothing says which domain it belongs to (domainsid)")
            return
        reason = self._take[kind](domain, value, properties, dn)
        if reason:
            self.skipped.add(place, reason)

    def _domain_for(self, properties: Mapping[str, Any], identifier: Any, dn: str) -> Domain | None:
        own = sid_of(identifier)
        sid = sid_of(properties.get("domainsid"))
        if sid is None and own is not None:
            sid = own if own.count("-") == 6 else sids.domain_of(own)
        if sid is None or sids.domain_of(f"{sid}-500") != sid:
            return None
        known = self.domains.get(sid)
        if known is None:
            if len(self.domains) >= 1_000:
                return None
            known = self.domains[sid] = Domain(sid, domain_of_dn(dn))
        return known

    # --- kinds of objects: each gives the reason why it cannot be used, or None

    def _domain(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        domain.dn = dn
        domain.seen = True
        domain.quota = jsonvalues.number(properties.get("machineaccountquota"), 0, 2**31)
        owner, edges = self._rights(value)
        domain.head = (owner, edges)
        head = Secured(dn, dn, roles.DOMAIN_HEAD, domain.name, self._descriptor(owner, edges, value, hands_down=True))
        domain.add(head, _links(value))
        return None

    def _policy(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        guid = jsonvalues.text(value.get("ObjectIdentifier"), 80)
        if not _GUID.match(guid):
            return "its identifier is no GUID"
        domain.policies[guid.lower()] = dn
        domain.add(self._secured(roles.GPO, value, properties, dn))
        return None

    def _unit(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        one = self._secured(roles.OU, value, properties, dn, hands_down=True)
        one.blocks = properties.get("blocksinheritance") is True
        domain.add(one, _links(value))
        return None

    def _container(
        self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str
    ) -> str | None:
        holder = dn_key(dn).startswith("cn=adminsdholder,cn=system,")
        role = roles.ADMINSDHOLDER if holder else roles.CONTAINER
        domain.add(self._secured(role, value, properties, dn, hands_down=not holder))
        return None

    def _group(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        sid = sid_of(value.get("ObjectIdentifier"))
        if sid is None:
            return "its identifier is no SID"
        members = jsonvalues.sequence(value.get("Members"))
        if len(members) > MAX_MEMBERS:
            return f"it has more than {MAX_MEMBERS} members"
        one = self._secured(roles.GROUP, value, properties, dn)
        one.sid = sid
        one.admin_count = _count(properties)
        found = (sid_of(jsonvalues.mapping(member).get("ObjectIdentifier")) for member in members)
        domain.members[len(domain.secured)] = tuple(dict.fromkeys(member for member in found if member is not None))
        domain.add(one)
        self._history(domain, properties, dn, sid, one.label, "group")
        if sid.endswith(f"-{sids.RID_ENTERPRISE_ADMINS}"):
            self.forest_root = sids.domain_of(sid)
        return None

    def _user(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        label = _label(properties, dn)
        kind = MSA if label.endswith("$") else USER
        return self._account(domain, value, properties, dn, kind, label)

    def _computer(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        return self._account(domain, value, properties, dn, COMPUTER, _label(properties, dn))

    def _template(self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str) -> str | None:
        guid = jsonvalues.text(value.get("ObjectIdentifier"), 80).lower()
        if not _GUID.match(guid):
            return "its identifier is no GUID"
        owner, edges = self._rights(value, template=True)
        flags = [properties.get(name) for name in ("enrolleesuppliessubject", "requiresmanagerapproval")]
        if not all(isinstance(flag, bool) for flag in flags):
            domain.templates_known = False
        version = jsonvalues.number(properties.get("schemaversion"), 0, 100)
        signatures = jsonvalues.number(properties.get("authorizedsignatures"), 0, 10**6)
        domain.templates.append(
            Template(
                dn=dn,
                guid=guid,
                name=jsonvalues.text(properties.get("name"), 256).rpartition("@")[0] or common_name(dn),
                display_name=jsonvalues.text(properties.get("displayname"), 256),
                schema_version=int(version) if version else 1,
                name_flag=certificates.SUPPLIES_SUBJECT if flags[0] is True else 0,
                enrollment_flag=(certificates.PEND_ALL_REQUESTS if flags[1] is True else 0)
                | (certificates.NO_SECURITY_EXTENSION if properties.get("nosecurityextension") is True else 0),
                ra_signatures=int(signatures or 0),
                ekus=tuple(jsonvalues.texts(properties.get("ekus"))),
                application_policies=tuple(jsonvalues.texts(properties.get("certificateapplicationpolicy"))),
                descriptor=_descriptor_bytes(owner, (self._ace(*edge, False) for edge in edges)),
            )
        )
        return None

    def _authority(
        self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str
    ) -> str | None:
        enabled = jsonvalues.sequence(value.get("EnabledCertTemplates"))[:MAX_VALUES]
        named = (jsonvalues.text(jsonvalues.mapping(one).get("ObjectIdentifier"), 80).lower() for one in enabled)
        name = jsonvalues.text(properties.get("caname"), 256) or _label(properties, dn)
        domain.authorities.append((dn, name, tuple(guid for guid in named if _GUID.match(guid))))
        return None

    def _account(
        self, domain: Domain, value: Mapping[str, Any], properties: Mapping[str, Any], dn: str, kind: str, label: str
    ) -> str | None:
        sid = sid_of(value.get("ObjectIdentifier"))
        if sid is None or sids.domain_of(sid) is None:
            return "its identifier is no SID of an account"
        primary = sid_of(value.get("PrimaryGroupSID"))
        owner, edges = self._rights(value)
        readers = [trustee for trustee, edge, _inherited in edges if edge == READS_PASSWORD]
        account = Account(
            dn=dn,
            sid=sid,
            label=label,
            kind=kind,
            uac=_uac(properties, kind, primary, controller=value.get("IsDC") is True),
            pwd_last_set=_moment(properties.get("pwdlastset")),
            created=_moment(properties.get("whencreated")),
            primary_group_id=sids.rid(primary) if primary is not None and sids.domain_of(primary) else None,
            admin_count=_count(properties),
            delegates_to=tuple(jsonvalues.texts(properties.get("allowedtodelegate"), 500, MAX_VALUES)),
            resource_delegation=_allowing(_principals(value.get("AllowedToAct"))),
            password_readers=_allowing(readers),
            descriptor=self._descriptor(owner, edges, value),
        )
        if kind != COMPUTER or account.is_dc:
            account.spns = tuple(jsonvalues.texts(properties.get("serviceprincipalnames"), 500, MAX_VALUES))
        if kind == COMPUTER:
            account.host_name = jsonvalues.text(properties.get("name"), 255) or None
        domain.accounts.append(account)
        if kind in domain.count:
            domain.count[kind] += 1
            domain.said.update((kind, name) for name in properties.keys() & _ASKED)
        self._history(domain, properties, dn, sid, label, "computer" if kind in (COMPUTER, MSA) else "user")
        return None

    def _history(
        self, domain: Domain, properties: Mapping[str, Any], dn: str, sid: str, label: str, kind: str
    ) -> None:
        values = tuple(
            found
            for text in jsonvalues.texts(properties.get("sidhistory"), 200, MAX_VALUES)
            if (found := sid_of(text)) is not None
        )
        if values:
            domain.histories.append(SidHistory(dn, sid, label, kind, values))

    # --- access lists

    def _secured(
        self,
        role: str,
        value: Mapping[str, Any],
        properties: Mapping[str, Any],
        dn: str,
        *,
        hands_down: bool = False,
    ) -> Secured:
        guid = jsonvalues.text(value.get("ObjectIdentifier"), 80)
        owner, edges = self._rights(value)
        return Secured(
            dn,
            guid.lower() if _GUID.match(guid) else "",
            role,
            _label(properties, dn),
            self._descriptor(owner, edges, value, hands_down=hands_down),
            created=_moment(properties.get("whencreated")),
        )

    def _rights(self, value: Mapping[str, Any], *, template: bool = False) -> tuple[str | None, Rights]:
        """The owner, and each right that somebody holds, in a stable order."""
        owner: str | None = None
        found: set[tuple[str, str, bool]] = set()
        listed = jsonvalues.sequence(value.get("Aces"))
        for one in listed[:MAX_ACES]:
            ace = jsonvalues.mapping(one)
            edge = jsonvalues.text(ace.get("RightName"), 60)
            trustee = sid_of(ace.get("PrincipalSID"))
            if trustee is None:
                self._strange += 1
            elif edge == OWNS:
                owner = trustee
            elif edge in _WHOLE or edge in _PART or edge == READS_PASSWORD or (template and edge in _TEMPLATE):
                found.add((trustee, edge, ace.get("IsInherited") is True))
                if self.forest_root is None and trustee.endswith(f"-{sids.RID_ENTERPRISE_ADMINS}"):
                    self.forest_root = sids.domain_of(trustee)  # there is one such group in a forest, in its root
            else:
                self._edges[edge if edge in _OTHERS or len(self._edges) < 100 else "(others)"] += 1
        if len(listed) > MAX_ACES:
            self._edges[f"beyond the first {MAX_ACES} of an object"] += len(listed) - MAX_ACES
            self.complete = False
        return owner, tuple(sorted(found))

    def _descriptor(
        self, owner: str | None, edges: Rights, value: Mapping[str, Any], *, hands_down: bool = False
    ) -> Descriptor | None:
        """The descriptor that gives just these rights; None where the collector did not read the object's."""
        if owner is None and not edges:
            return None
        protected = value.get("IsACLProtected") is True
        key = (owner, protected, edges, hands_down)
        known = self._descriptors.get(key)
        if known is None:
            control = sd.SELF_RELATIVE | sd.DACL_PRESENT | (sd.DACL_PROTECTED if protected else 0)
            aces = tuple(self._ace(*edge, hands_down) for edge in edges if edge[1] != READS_PASSWORD)
            known = self._descriptors[key] = Descriptor(owner, control, aces)
        return known

    def _ace(self, trustee: str, edge: str, inherited: bool, hands_down: bool) -> Ace:
        key = (trustee, edge, inherited, hands_down)
        known = self._aces.get(key)
        if known is None:
            known = self._aces[key] = _entry(trustee, edge, inherited=inherited, hands_down=hands_down)
        return known


class Domain:
    """What a collection holds of one domain."""

    def __init__(self, sid: str, name: str) -> None:
        self.sid = sid
        self.name = name
        self.dn = ",".join(f"DC={part}" for part in name.split(".") if part)
        self.seen = False  # whether the domain itself is in the collection
        self.quota: float | None = None
        self.head: tuple[str | None, Rights] = (None, ())
        self.accounts: list[Account] = []
        self.secured: list[Secured] = []
        self.histories: list[SidHistory] = []
        self.members: dict[int, tuple[str, ...]] = {}  # place in `secured` to SIDs
        self.links: dict[int, tuple[tuple[str, int], ...]] = {}  # place in `secured` to GUID of a policy and options
        self.policies: dict[str, str] = {}  # GUID to DN
        self.templates: list[Template] = []
        self.templates_known = True  # whether each says who its certificates are for
        self.authorities: list[tuple[str, str, tuple[str, ...]]] = []  # DN, name, GUIDs of templates
        self.count = {USER: 0, COMPUTER: 0}
        self.said: Counter[tuple[str, str]] = Counter()  # how many users and computers have a property

    def add(self, one: Secured, links: tuple[tuple[str, int], ...] = ()) -> None:
        """Keep an object that is no account."""
        if links:
            self.links[len(self.secured)] = links
        self.secured.append(one)

    def shows(self, users: Iterable[str], computers: Iterable[str] = ()) -> bool:
        """Whether every user, and every computer, of the collection says these properties."""
        return self.count[USER] > 0 and all(
            self.said[kind, name] == self.count[kind]
            for kind, names in ((USER, users), (COMPUTER, computers))
            for name in names
        )

    @property
    def has_access_lists(self) -> bool:
        """Whether the collector read access lists."""
        return any(account.descriptor is not None for account in self.accounts)

    def snapshot(self, taken: datetime.datetime, forest_root: str | None) -> Snapshot:
        """The snapshot that controls judge; what this holds is handed over."""
        dns = {each.sid: each.dn for each in self.accounts}
        dns |= {each.sid: each.dn for each in self.secured if each.sid is not None}
        foreign = f"CN=ForeignSecurityPrincipals,{self.dn}"
        for place, members in self.members.items():
            self.secured[place].members = tuple(dns.get(sid) or f"CN={sid},{foreign}" for sid in members)
        for place, links in self.links.items():
            self.secured[place].links = tuple(
                (self.policies[guid], options) for guid, options in links if guid in self.policies
            )
        made = Snapshot(
            domain_sid=self.sid,
            domain_dn=self.dn,
            dns_name=self.name,
            taken=taken,
            root_domain_sid=forest_root,
            accounts=self.accounts,
            groups={
                dn_key(each.dn): Group(each.dn, each.sid, each.label, each.members)
                for each in self.secured
                if each.role == roles.GROUP
            },
            secured=self.secured,
            sid_histories=self.histories,
            unreadable={PSOS: _NO_PSOS},
            enrolment=self._enrolment(),
        )
        made.names.update({each.sid: each.label for each in self.secured if each.sid is not None})
        made.names.update({each.sid: each.label for each in self.accounts})
        if self.head != (None, ()):
            owner, edges = self.head
            aces = [
                _entry(trustee, edge, inherited=inherited, hands_down=True)
                for trustee, edge, inherited in edges
                if edge != READS_PASSWORD
            ]
            made.naming_contexts.append(NamingContext(self.dn, self.dn, "domain", _descriptor_bytes(owner, aces)))
        return made

    def _enrolment(self) -> Enrolment:
        names = {template.guid: template.name for template in self.templates}
        services = [
            EnrolmentService(dn, dn, name, templates=tuple(names[guid] for guid in guids if guid in names))
            for dn, name, guids in self.authorities
        ]
        return Enrolment(present=bool(services or names), templates=self.templates, services=services)


_ASKED: Final = frozenset({*_FLAGS, "enabled", "hasspn", "sidhistory", "admincount"})


def _entry(trustee: str, edge: str, *, inherited: bool, hands_down: bool) -> Ace:
    flags = (sd.INHERITED if inherited else 0) | (sd.CONTAINER_INHERIT if hands_down and not inherited else 0)
    if edge in _WHOLE:
        return Ace.build(sd.ACCESS_ALLOWED, flags, _WHOLE[edge], trustee)
    mask, about = _PART.get(edge) or _TEMPLATE[edge]
    return Ace.build(sd.ACCESS_ALLOWED_OBJECT, flags, mask, trustee, about)


def _descriptor_bytes(owner: str | None, aces: Iterable[Ace]) -> bytes:
    control = sd.SELF_RELATIVE | sd.DACL_PRESENT
    kept: list[Ace] = []
    size = 0
    for ace in aces:
        size += len(ace.raw)
        if size > 0xFF00:
            break  # longer than any list of the directory
        kept.append(ace)
    return SecurityDescriptor(control, owner, dacl=Acl(tuple(kept))).to_bytes()


def _allowing(trustees: Iterable[str]) -> bytes | None:
    """A descriptor that allows these, as two attributes hold who may act for, or read the password of, an account."""
    listed = sorted(set(trustees))
    if not listed:
        return None
    return _descriptor_bytes(None, (Ace.build(sd.ACCESS_ALLOWED, 0, sd.FULL_CONTROL, one) for one in listed))


def _principals(value: Any) -> Iterator[str]:
    for one in jsonvalues.sequence(value)[:MAX_VALUES]:
        found = sid_of(jsonvalues.mapping(one).get("ObjectIdentifier"))
        if found is not None:
            yield found


def _links(value: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    found = []
    for one in jsonvalues.sequence(value.get("Links"))[:MAX_VALUES]:
        link = jsonvalues.mapping(one)
        guid = jsonvalues.text(link.get("GUID"), 80).strip("{}").lower()
        if _GUID.match(guid):
            found.append((guid, 2 if link.get("IsEnforced") is True else 0))
    return tuple(found)


def _uac(properties: Mapping[str, Any], kind: str, primary: str | None, *, controller: bool) -> int | None:
    """userAccountControl, or as much of it as single properties tell; None where they tell nothing."""
    whole = jsonvalues.number(properties.get("useraccountcontrol"), 1, 2**32)
    if whole is not None:
        return int(whole)
    enabled = properties.get("enabled")
    if not isinstance(enabled, bool):
        return None
    found = 0 if enabled else uac.ACCOUNTDISABLE
    for name, flag in _FLAGS.items():
        found |= flag if properties.get(name) is True else 0
    if kind == COMPUTER:
        rid = sids.rid(primary) if primary is not None else None
        if rid == sids.RID_READ_ONLY_DOMAIN_CONTROLLERS:
            found |= uac.WORKSTATION_TRUST_ACCOUNT | uac.PARTIAL_SECRETS_ACCOUNT
        elif controller or rid == sids.RID_DOMAIN_CONTROLLERS:
            found |= uac.SERVER_TRUST_ACCOUNT
        else:
            found |= uac.WORKSTATION_TRUST_ACCOUNT
    elif kind == USER:
        found |= uac.NORMAL_ACCOUNT
    return found


def _count(properties: Mapping[str, Any]) -> int | None:
    value = properties.get("admincount")
    return int(value) if isinstance(value, bool) else None


def _moment(value: Any) -> datetime.datetime | None:
    """A time in seconds since 1970; collectors write 0 and -1 for never."""
    seconds = jsonvalues.number(value, 1, 253_402_300_799)
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _label(properties: Mapping[str, Any], dn: str) -> str:
    sam = jsonvalues.text(properties.get("samaccountname"), 256)
    name = jsonvalues.text(properties.get("name"), 256).rpartition("@")[0]
    return cut(sam or name or common_name(dn), 256)
