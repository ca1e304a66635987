# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""AD CS as the directory holds it: certificate templates, enrolment services, NTAuth, and what lies around them.

Everything is below ``CN=Public Key Services,CN=Services`` of the Configuration partition (MS-WCCE 2.2.2.11, MS-CRTD),
a few hundred objects at most, read in one search with their descriptors. A forest has those containers from its
first day, whether it has a certification authority or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.acl_inheritance import parent_of
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError, result_code
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

# The parts, as controls name them in NEEDS and ``unreadable`` in its keys.
PUBLIC_KEY_SERVICES: Final = "certificate services"
TEMPLATES: Final = "certificate templates"

TEMPLATE_CLASS: Final = "pkicertificatetemplate"
SERVICE_CLASS: Final = "pkienrollmentservice"
NT_AUTH: Final = "ntauthcertificates"
_ATTRIBUTES: Final = (
    "objectClass",
    "objectGUID",
    "nTSecurityDescriptor",
    "cn",
    "displayName",
    "flags",
    "msPKI-Template-Schema-Version",
    "msPKI-Certificate-Name-Flag",
    "msPKI-Enrollment-Flag",
    "msPKI-RA-Signature",
    "msPKI-Certificate-Application-Policy",
    "pKIExtendedKeyUsage",
    "certificateTemplates",
    "dNSHostName",
    "cACertificate",
)
# OWNER, GROUP and DACL (MS-ADTS 3.1.1.3.4.1.11)
_SD_PARTS: Final = 7
# fDoListObject, the third character of dSHeuristics (MS-ADTS 6.1.1.2.4.1.2)
_LIST_OBJECT_MODE: Final = slice(2, 3)
# referral, insufficientAccessRights (RFC 4511 4.1.9)
_REFUSALS: Final = frozenset({10, 50})


@dataclass(slots=True)
class Template:
    """One certificate template (MS-CRTD 2). ``name`` is its cn, by which a service publishes it."""

    dn: str
    guid: str
    name: str
    display_name: str = ""
    schema_version: int = 1  # absent in templates of version 1
    flags: int | None = None
    name_flag: int | None = None
    enrollment_flag: int | None = None
    ra_signatures: int = 0
    ekus: tuple[str, ...] = ()
    application_policies: tuple[str, ...] = ()
    descriptor: bytes | None = None


@dataclass(slots=True)
class EnrolmentService:
    """One certification authority that issues from templates (pKIEnrollmentService)."""

    dn: str
    guid: str
    name: str
    host: str = ""
    host_sid: str | None = None  # of its computer account, when it is of this domain and there is no doubt
    templates: tuple[str, ...] = ()  # names of those that it publishes
    certificates: tuple[str, ...] = ()  # SHA-1 of its certificates, hexadecimal digits
    descriptor: bytes | None = None


@dataclass(slots=True)
class PkiObject:
    """Any other object below Public Key Services, that container included."""

    dn: str
    guid: str
    kind: str  # its most specific class
    descriptor: bytes | None = None

    @property
    def name(self) -> str:
        """Its name for a reader: the first component of its DN."""
        parent = parent_of(self.dn)
        return (self.dn[: -len(parent)] if parent else self.dn).rstrip(", ").partition("=")[2]


@dataclass(slots=True)
class Enrolment:
    """All of it. ``present`` is False for a forest without the container."""

    present: bool = False
    templates: list[Template] = field(default_factory=list)
    services: list[EnrolmentService] = field(default_factory=list)
    others: list[PkiObject] = field(default_factory=list)
    above: list[PkiObject] = field(default_factory=list)  # where rights come from: Services and the partition's head
    nt_auth: tuple[str, ...] = ()  # SHA-1 of the certificates that log on with certificates trusts
    absent_templates: tuple[str, ...] = ()  # published, and deleted

    def publishers(self, template: Template) -> list[EnrolmentService]:
        """The services that publish a template (they name it by its cn, whatever the case)."""
        wanted = template.name.casefold()
        return [service for service in self.services if wanted in (name.casefold() for name in service.templates)]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], build: Any) -> Enrolment:
        """From plain values; ``build`` makes one object of a class from a mapping."""
        values = dict(data)
        for name, kind in (
            ("templates", Template),
            ("services", EnrolmentService),
            ("others", PkiObject),
            ("above", PkiObject),
        ):
            values[name] = [build(kind, item) for item in values.get(name, ())]
        for name in ("nt_auth", "absent_templates"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def container_dn(configuration_dn: str) -> str:
    """The DN of the container of everything."""
    return f"CN=Public Key Services,CN=Services,{configuration_dn}"


def thumbprint(certificate: bytes) -> str:
    """The SHA-1 of a certificate (DER) in hexadecimal digits: the name that Windows' own tools call it by."""
    return hashlib.sha1(certificate, usedforsecurity=False).hexdigest()


def read(session: Reader, snapshot: Snapshot) -> None:
    """Fill ``snapshot.enrolment``."""
    found = snapshot.enrolment
    base = container_dn(session.configuration_dn)
    head = _read(session, base)
    if head is None:
        above = _read(session, f"CN=Services,{session.configuration_dn}")
        if above is None or above.raw("objectGUID") is None or _hides(snapshot):
            _unreadable(snapshot, f"neither {base} nor the container above it is readable by the account in use")
        return
    found.present = True
    hidden: list[str] = []
    try:
        for entry in session.search(base, "(objectClass=*)", _ATTRIBUTES, sd_flags=_SD_PARTS):
            _take(found, entry, hidden)
    except DirectoryError as error:
        if not _refused(error):
            raise
        hidden.append(f"{base}: {error}")
    if head.guid() is not None and not any(dn_key(each.dn) == dn_key(head.dn) for each in found.others):
        hidden.append(head.dn)
    for dn in (f"CN=Services,{session.configuration_dn}", session.configuration_dn):
        above = _read(session, dn)
        if above is not None and (guid := above.guid()) is not None:
            found.above.append(PkiObject(above.dn, guid, "above", above.raw("nTSecurityDescriptor")))
    if hidden:
        _unreadable(snapshot, f"{len(hidden)} objects are not readable by the account in use, for instance {hidden[0]}")
        return
    _check_templates(session, snapshot)
    for service in found.services:
        service.host_sid = _host_sid(session, service.host)
    _names(session, snapshot)


def _unreadable(snapshot: Snapshot, why: str) -> None:
    snapshot.unreadable[PUBLIC_KEY_SERVICES] = snapshot.unreadable[TEMPLATES] = why


def _hides(snapshot: Snapshot) -> bool:
    """Whether the directory hides objects without a trace (List Object mode); else an object it denies is not there."""
    return snapshot.ds_heuristics[_LIST_OBJECT_MODE] not in ("", "0")


def _take(found: Enrolment, entry: Entry, hidden: list[str]) -> None:
    guid = entry.guid()
    classes = [each.lower() for each in entry.texts("objectClass")]
    if guid is None or not classes:
        hidden.append(entry.dn)
        return
    descriptor = entry.raw("nTSecurityDescriptor")
    if descriptor is None:
        hidden.append(f"{entry.dn} (its security descriptor)")
    certificates = tuple(thumbprint(raw) for raw in entry.attributes.get("cACertificate") or ())
    name = entry.text("cn") or ""
    if TEMPLATE_CLASS in classes:
        if entry.raw("flags") is None or entry.raw("msPKI-Certificate-Name-Flag") is None or not name:
            hidden.append(f"{entry.dn} (its settings)")
        found.templates.append(_template(entry, guid, name, descriptor))
    elif SERVICE_CLASS in classes:
        found.services.append(
            EnrolmentService(
                dn=entry.dn,
                guid=guid,
                name=name,
                host=entry.text("dNSHostName") or "",
                templates=tuple(entry.texts("certificateTemplates")),
                certificates=certificates,
                descriptor=descriptor,
            )
        )
    else:
        if name.lower() == NT_AUTH and "certificationauthority" in classes:
            found.nt_auth = certificates
        found.others.append(PkiObject(entry.dn, guid, entry.texts("objectClass")[-1], descriptor))


def _template(entry: Entry, guid: str, name: str, descriptor: bytes | None) -> Template:
    return Template(
        dn=entry.dn,
        guid=guid,
        name=name,
        display_name=entry.text("displayName") or "",
        schema_version=entry.int("msPKI-Template-Schema-Version") or 1,
        flags=_unsigned(entry.int("flags")),
        name_flag=_unsigned(entry.int("msPKI-Certificate-Name-Flag")),
        enrollment_flag=_unsigned(entry.int("msPKI-Enrollment-Flag")),
        ra_signatures=entry.int("msPKI-RA-Signature") or 0,
        ekus=tuple(entry.texts("pKIExtendedKeyUsage")),
        application_policies=tuple(entry.texts("msPKI-Certificate-Application-Policy")),
        descriptor=descriptor,
    )


def _unsigned(value: int | None) -> int | None:
    """INTEGER of the directory is signed (MS-ADTS 3.1.1.2.2.2.10); bits are read from its unsigned form."""
    return None if value is None else value & 0xFFFFFFFF


def _check_templates(session: Reader, snapshot: Snapshot) -> None:
    """A published template that was not found: deleted, or hidden from the account in use."""
    found = snapshot.enrolment
    known = {template.name.casefold() for template in found.templates}
    absent = []
    for name in sorted({name for service in found.services for name in service.templates}, key=str.casefold):
        if name.casefold() in known:
            continue
        dn = f"CN={_escaped(name)},CN=Certificate Templates,{container_dn(session.configuration_dn)}"
        if _hides(snapshot) or _read(session, dn) is not None:
            snapshot.unreadable[TEMPLATES] = f"the published template {name} is not readable by the account in use"
        absent.append(name)
    found.absent_templates = tuple(absent)


def _host_sid(session: Reader, host: str) -> str | None:
    """The SID of a certification authority's computer account, or None where there is any doubt about it."""
    if not host:
        return None
    name = "".join(f"\\{ord(char):02x}" if char in "\\*()\0" else char for char in host)
    accounts = list(
        session.search(
            session.domain_dn, f"(&(objectClass=computer)(dNSHostName={name}))", ["objectSid", "sAMAccountName"]
        )
    )
    if len(accounts) != 1:
        return None
    # The name of an account is the directory's own; a computer's owner may write any dNSHostName into it
    expected = host.split(".", 1)[0][:15].casefold() + "$"
    return accounts[0].sid() if (accounts[0].text("sAMAccountName") or "").casefold() == expected else None


def _read(
    session: Reader, dn: str, attributes: Sequence[str] = ("objectGUID", "nTSecurityDescriptor")
) -> Entry | None:
    """One object; None when there is none, without attributes when the server refuses to show it."""
    try:
        return session.read(dn, attributes, sd_flags=_SD_PARTS)
    except DirectoryError as error:
        if _refused(error):
            return Entry(dn)
        raise


def _refused(error: DirectoryError) -> bool:
    return isinstance(error.__cause__, Exception) and result_code(error.__cause__) in _REFUSALS


def _escaped(name: str) -> str:
    """A name as the value of a DN's component (RFC 4514 2.4)."""
    text = "".join(f"\\{char}" if char in '\\,+"<>;=' else "\\00" if char == "\0" else char for char in name)
    if text[:1] in (" ", "#"):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and len(text) > 1 else text


def trustees(descriptor: bytes | None) -> set[str]:
    """Everyone that a descriptor names, its owner included; nobody when it cannot be read."""
    try:
        parsed = SecurityDescriptor.parse(descriptor or b"")
    except ValueError:
        return set()  # the control says what is wrong with it
    found = {ace.sid for ace in parsed.dacl.aces if ace.sid} if parsed.dacl is not None else set()
    return found | ({parsed.owner} if parsed.owner else set())


def _names(session: Reader, snapshot: Snapshot) -> None:
    """Names of everyone in the descriptors, for the reader of a finding: some tens of them."""
    found = snapshot.enrolment
    wanted: set[str] = set()
    for items in (found.templates, found.services, found.others):
        wanted.update(*(trustees(each.descriptor) for each in items))
    wanted -= snapshot.names.keys()
    if not wanted:
        return
    for account in snapshot.accounts:
        if account.sid in wanted:
            snapshot.names[account.sid] = account.label
    for sid in sorted(wanted - snapshot.names.keys()):
        if sid.startswith(("S-1-5-21-", "S-1-5-32-")):
            entry = _read(session, f"<SID={sid}>", ["sAMAccountName"])
            name = entry.text("sAMAccountName") if entry is not None else None
            if name:
                snapshot.names[sid] = name
