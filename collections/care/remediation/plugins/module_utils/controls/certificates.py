# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the controls of certificate services share: who may change or enrol what, and the facts of a finding.

A right that an object inherits is reported with the entry of the object above that hands it down: only there can it be
removed.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Union

from ansible_collections.care.remediation.plugins.module_utils.controls import rights
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_inheritance import handed_down_by
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import (
    Descriptor,
    DescriptorPool,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import (
    EnrolmentService,
    PkiObject,
    Template,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

# Extended rights (MS-CRTD 2.5.1): either lets its holder have a certificate issued (MS-WCCE 3.2.2.6.2.1.4.3)
ENROLL: Final = uuid.UUID("0e10c968-78fb-11d2-90d4-00c04f79dc55")
AUTO_ENROLL: Final = uuid.UUID("a05b8cc2-17bc-4802-a710-e7c15ab866a2")
_TEMPLATE_CLASS: Final = uuid.UUID("e5209ca2-3bba-11d2-90cc-00c04fd91ab1")

# Bits of msPKI-Certificate-Name-Flag (MS-CRTD 2.28): the requester says who the certificate is for
SUPPLIES_SUBJECT: Final = 0x1
SUPPLIES_ALT_NAME: Final = 0x10000
# Bits of msPKI-Enrollment-Flag (MS-CRTD 2.26)
PEND_ALL_REQUESTS: Final = 0x2
NO_SECURITY_EXTENSION: Final = 0x80000
# Purposes of a certificate (RFC 5280 4.2.1.12, RFC 4556, MS-WCCE): those that a domain controller or a server takes as
# proof of who someone is
CLIENT_AUTHENTICATION: Final = "1.3.6.1.5.5.7.3.2"
SMART_CARD_LOGON: Final = "1.3.6.1.4.1.311.20.2.2"
PKINIT_CLIENT: Final = "1.3.6.1.5.2.3.4"
ANY_PURPOSE: Final = "2.5.29.37.0"
REQUEST_AGENT: Final = "1.3.6.1.4.1.311.20.2.1"
AUTHENTICATION: Final = frozenset({CLIENT_AUTHENTICATION, SMART_CARD_LOGON, PKINIT_CLIENT})

# Left out of the strict reading: who may enrol changes nothing, and what is deleted gives nobody anything
_NOT_CONTROL: Final = frozenset({rights.ALL_EXTENDED, rights.DELETE})

Object = Union[Template, EnrolmentService, PkiObject]  # noqa: UP007  # ansible-test's pylint refuses | here


@dataclass(frozen=True, slots=True)
class Holder:
    """Someone who holds rights through one ACE, or as owner (``ace`` is None)."""

    sid: str
    rights: tuple[str, ...]
    ace: sd.Ace | None


class Pki:
    """The certificate services of one snapshot, with what is asked of them again and again."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.enrolment = snapshot.enrolment
        self._pool = DescriptorPool()
        self._trusted = rights.Trusted(snapshot)
        # An authority signs what it wants: who holds its machine holds all of this anyway
        self._authorities = {sids.in_domain(snapshot.domain_sid, sids.RID_CERT_PUBLISHERS)}
        self._authorities |= {each.host_sid for each in self.enrolment.services if each.host_sid is not None}
        if snapshot.root_domain_sid is not None:
            self._authorities.add(sids.in_domain(snapshot.root_domain_sid, sids.RID_CERT_PUBLISHERS))
        everything: list[Object] = [*self.enrolment.others, *self.enrolment.services, *self.enrolment.templates]
        self._above = {dn_key(each.dn): each for each in [*everything, *self.enrolment.above]}

    @classmethod
    def of(cls, snapshot: Snapshot) -> Pki:
        """The one of this snapshot: who is trusted is worked out once, whatever the number of controls."""
        known: Pki | None = snapshot.__dict__.get("_pki")
        if known is None:
            known = snapshot.__dict__["_pki"] = cls(snapshot)
        return known

    def descriptor(self, item: Object) -> Descriptor:
        """The descriptor of an object; one that was not read says so."""
        found = self._pool.of(item.descriptor)
        return found if found is not None else Descriptor(why="it is not readable by the account in use")

    def blind(self, items: list[Any]) -> str | None:
        """Why the rights over these objects cannot be judged, or None."""
        for item in items:
            why = self.descriptor(item).blind
            if why is not None:
                return f"{item.dn}: {why}"
        return None

    def controllers(self, item: Object) -> Iterator[Holder]:
        """Who can change an object without being an administrator of the domain, one for each ACE and the owner."""
        by_ace: dict[tuple[str, bytes], tuple[sd.Ace | None, list[str]]] = {}
        for grant in rights.grants(self.descriptor(item), rights.STRICT):
            if grant.right in _NOT_CONTROL or self._may_change(grant.sid, item):
                continue
            key = (grant.sid, grant.ace.raw if grant.ace is not None else grant.right.encode())
            by_ace.setdefault(key, (grant.ace, []))[1].append(grant.right)
        for (sid, _raw), (ace, names) in by_ace.items():
            yield Holder(sid, tuple(names), ace)

    def _may_change(self, sid: str, item: Object) -> bool:
        if sid in self._trusted:
            return True
        # Windows gives authorities rights on their own objects and on those that they publish in; never on templates
        return sid in self._authorities and not isinstance(item, Template)

    def enrollers(self, template: Template) -> Iterator[Holder]:
        """Who can have a certificate of a template issued without being an administrator of the domain."""
        seen: set[bytes] = set()
        for ace in self.descriptor(template).aces or ():
            names = enrolment_rights(ace)
            if names and ace.sid is not None and ace.sid not in self._trusted and ace.raw not in seen:
                seen.add(ace.raw)
                yield Holder(ace.sid, tuple(names), ace)

    def is_broad(self, sid: str) -> bool:
        """Everyone, or nearly: everyone who can log on."""
        return rights.is_broad(sid, self.snapshot.domain_sid)

    def published(self, template: Template) -> list[str]:
        """The names of the authorities that issue from a template, in order."""
        return sorted(service.name for service in self.enrolment.publishers(template))

    # --- findings ------------------------------------------------------------------------------------------------

    def found(self, item: Object, holder: Holder, *, name: str, level: int, **facts: Any) -> Found:
        """One finding: that ``holder`` has these rights over ``item``, whose name for a reader is ``name``."""
        trustee = self.snapshot.name_of(holder.sid)
        listed = ", ".join(holder.rights)
        owner = holder.ace is None and rights.OWNER in holder.rights
        source = self.source(item, holder.ace) if holder.ace is not None else None
        digest = hashlib.sha256(holder.ace.raw).hexdigest()[:16] if holder.ace is not None else listed.lower()
        wording = f"{trustee} ({holder.sid}) holds {listed} on {item.dn}."
        if source is not None:
            wording = f"{wording[:-1]}, inherited from {source[0].dn}."
        place, ace = (item, holder.ace) if source is None else source
        evidence: dict[str, Any] = {
            "object": place.dn,
            "object_guid": place.guid,
            "affected": item.dn,
            "trustee": trustee,
            "trustee_sid": holder.sid,
            "rights": list(holder.rights),
            "ace": f"O:{holder.sid}" if owner else to_sddl(ace) if ace is not None else None,
            "raw": base64.b64encode(holder.ace.raw).decode("ascii") if holder.ace is not None else None,
            "inherited": holder.ace is not None and holder.ace.inherited,
        }
        return Found(
            type="ace",
            id=f"{item.guid}#{digest}",
            label=f"{trustee} : {listed} ({name})",
            dn=item.dn,
            sid=holder.sid,
            level=level,
            wording=wording,
            evidence=evidence | facts,
        )

    def source(self, item: Object, ace: sd.Ace) -> tuple[Object, sd.Ace] | None:
        """The object above ``item`` whose own entry ``ace`` comes from, and that entry; None when it is its own."""
        if not ace.inherited:
            return None

        def aces_of(dn: str) -> tuple[sd.Ace, ...] | None:
            above = self._above.get(dn_key(dn))
            return self.descriptor(above).aces if above is not None else None

        found = handed_down_by(item.dn, ace, aces_of)
        return (self._above[dn_key(found[0])], found[1]) if found is not None else None


def enrolment_rights(ace: sd.Ace) -> list[str]:
    """``Enroll``, ``AutoEnroll`` or both, as far as an ACE grants them on the template that carries it."""
    if not ace.allows or ace.mask is None or ace.flags & sd.INHERIT_ONLY:
        return []
    if not sd.expanded(ace.mask) & sd.CONTROL_ACCESS:
        return []
    if ace.object_type in (None, _TEMPLATE_CLASS):
        return ["Enroll", "AutoEnroll"]
    return {ENROLL: ["Enroll"], AUTO_ENROLL: ["AutoEnroll"]}.get(ace.object_type, [])


def purposes(template: Template) -> frozenset[str]:
    """What certificates of a template are good for, by both attributes that say so; empty: for everything."""
    return frozenset(template.ekus) | frozenset(template.application_policies)


def any_purpose(template: Template) -> bool:
    """Certificates without a purpose are good for each."""
    return not purposes(template) or ANY_PURPOSE in purposes(template)


def for_authentication(template: Template) -> bool:
    """Certificates that prove who someone is."""
    return any_purpose(template) or bool(AUTHENTICATION & purposes(template))


def checked_by_someone(template: Template) -> bool:
    """A person or another certificate stands between a request and its certificate.

    Templates of version 1 have no such settings that an administrator could make; none is relied on there.
    """
    if template.schema_version < 2:
        return False
    return bool((template.enrollment_flag or 0) & PEND_ALL_REQUESTS) or template.ra_signatures > 0
