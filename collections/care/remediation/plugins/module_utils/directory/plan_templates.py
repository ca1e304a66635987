# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans corrections of certificate templates, of what authorities publish, and of NTAuthCertificates.

Single bits are set and cleared (MS-CRTD 2.26, 2.28); everything else that a template says stays.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import identity
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    NOTHING,
    Plan,
    PlanError,
    flags_changes,
    replace_change,
    type_of,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import (
    container_dn,
    thumbprint,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

NAME_FLAG: Final = "msPKI-Certificate-Name-Flag"
ENROLLMENT_FLAG: Final = "msPKI-Enrollment-Flag"
RA_SIGNATURE: Final = "msPKI-RA-Signature"
VERSION: Final = "msPKI-Template-Schema-Version"
PUBLISHED: Final = "certificateTemplates"
CERTIFICATES: Final = "cACertificate"
_RA_POLICIES: Final = ("msPKI-RA-Application-Policies", "msPKI-RA-Policies")
_TEMPLATE: Final = (*IDENTITY_ATTRIBUTES, "cn", "displayName", NAME_FLAG, ENROLLMENT_FLAG, RA_SIGNATURE, VERSION)

NO_SUPPLIED_SUBJECT: Final = "no_supplied_subject"
MANAGER_APPROVAL: Final = "manager_approval"
RA_SIGNATURES: Final = "ra_signature"
SECURITY_EXTENSION: Final = "security_extension"
UNPUBLISH: Final = "unpublish"
CORRECTIONS: Final = (MANAGER_APPROVAL, NO_SUPPLIED_SUBJECT, RA_SIGNATURES, SECURITY_EXTENSION, UNPUBLISH)

_SUPPLIES: Final = 0x1 | 0x10000
_PEND_ALL: Final = 0x2
_NO_SECURITY_EXTENSION: Final = 0x80000
# Any of these puts a name from the directory into the certificate (MS-CRTD 2.28)
_NAMES_FROM_DIRECTORY: Final = 0xFFC00000
_BITS: Final = {
    (NAME_FLAG, 0x1): "CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT",
    (NAME_FLAG, 0x10000): "CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME",
    (ENROLLMENT_FLAG, 0x2): "CT_FLAG_PEND_ALL_REQUESTS",
    (ENROLLMENT_FLAG, 0x80000): "CT_FLAG_NO_SECURITY_EXTENSION",
}
_THUMBPRINT: Final = re.compile(r"[0-9a-f]{40}\Z|[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class TemplateWish:
    """A template (DN, GUID or cn) and what is to be corrected in it, of CORRECTIONS."""

    template: str
    corrections: tuple[str, ...]
    control: str | None = None


class Templates:
    """The templates of a forest, found by what a person calls them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        base = container_dn(session.configuration_dn)
        self._folder = f"CN=Certificate Templates,{base}"
        self._services = f"CN=Enrollment Services,{base}"
        self._by_guid: dict[str, Entry] = {}
        self._by_name: dict[str, Entry] = {}
        self._read = False
        self._publishing: list[Entry] | None = None

    def find(self, wanted: str) -> Entry | None:
        """The template, None when there is none. Raises PlanError for an object of another class."""
        if not self._read:
            self._read = True
            if self._session.read(self._folder, ["objectClass"]) is None:
                return None
            for entry in self._session.search(
                self._folder, "(objectClass=pKICertificateTemplate)", [*_TEMPLATE, *_RA_POLICIES], "onelevel"
            ):
                self._by_guid[entry.guid() or entry.dn] = entry
                self._by_name[(entry.text("cn") or "").casefold()] = entry
                self._by_name[entry.dn.casefold()] = entry
        guid = identity.as_guid(wanted)
        found = self._by_guid.get(str(guid)) if guid is not None else self._by_name.get(wanted.casefold())
        if found is not None or (guid is None and identity.kind_of(wanted) != "dn"):
            return found
        # Another way to write a DN, or not a template at all
        other = self._session.read(f"<GUID={guid}>" if guid is not None else wanted, list(_TEMPLATE))
        if other is None:
            return None
        known = self._by_guid.get(other.guid() or "")
        if known is None:
            raise PlanError(f"{other.dn} is not a certificate template.")
        return known

    def publishers(self, template: Entry) -> list[tuple[Entry, str]]:
        """The enrolment services that publish a template, each with the value that says so."""
        if self._publishing is None:
            self._publishing = []
            if self._session.read(self._services, ["objectClass"]) is not None:
                self._publishing = list(
                    self._session.search(
                        self._services,
                        "(objectClass=pKIEnrollmentService)",
                        [*IDENTITY_ATTRIBUTES, "cn", PUBLISHED],
                        "onelevel",
                    )
                )
        name = (template.text("cn") or "").casefold()
        return [
            (service, value)
            for service in self._publishing
            for value in service.texts(PUBLISHED)
            if value.casefold() == name
        ]


def plan_templates(session: Session, plan: Plan, wishes: Sequence[TemplateWish], missing: str) -> None:
    """Add the changes that every wish takes. Raises PlanError with every refusal in one message."""
    templates = Templates(session)
    refused: list[str] = []
    for wish in wishes:
        try:
            template = templates.find(wish.template)
            if template is not None:
                for change in _changes(plan, templates, template, wish):
                    change["controls"] = sorted({*change["controls"], *([wish.control] if wish.control else [])})
                    plan.changes.append(change)
            elif missing == "ignore":
                plan.unresolved.append(wish.template)
            else:
                refused.append(f"There is no certificate template {wish.template!r} in {session.configuration_dn}.")
        except PlanError as error:
            refused.append(str(error))
    if refused:
        raise PlanError(" ".join(refused))


def _changes(plan: Plan, templates: Templates, template: Entry, wish: TemplateWish) -> Iterable[model.Change]:
    name = template.text("displayName") or template.text("cn") or template.dn
    version = template.int(VERSION) or 1
    found: list[model.Change] = []
    for correction in wish.corrections:
        if correction in (MANAGER_APPROVAL, RA_SIGNATURES) and version < 2:
            raise PlanError(
                f"{name}: a template of version 1 knows neither a manager's approval nor signatures of others. Replace"
                " it by a duplicate (version 2), or stop publishing it (unpublish)."
            )
        if correction == NO_SUPPLIED_SUBJECT:
            cleared = _bits(template, NAME_FLAG, clear=_SUPPLIES)
            found += cleared
            if cleared and not (template.int(NAME_FLAG) or 0) & _NAMES_FROM_DIRECTORY:
                plan.notice(
                    name,
                    "no_name_left",
                    f"{name}: the template takes no name from the directory. Without one supplied by the requester its"
                    " certificates name nobody: choose in certtmpl.msc what they shall name (Subject Name).",
                )
        elif correction == MANAGER_APPROVAL:
            found += _bits(template, ENROLLMENT_FLAG, put=_PEND_ALL)
        elif correction == SECURITY_EXTENSION:
            found += _bits(template, ENROLLMENT_FLAG, clear=_NO_SECURITY_EXTENSION)
        elif correction == RA_SIGNATURES:
            found += _signature(template, name)
        elif correction == UNPUBLISH:
            found += _unpublished(templates, template)
    for change in found:
        if change["attribute"] != PUBLISHED:
            change["object"]["label"] = name
    return found


def _bits(template: Entry, attribute: str, *, put: int = 0, clear: int = 0) -> list[model.Change]:
    if template.raw(attribute) is None and clear:
        raise PlanError(f"{template.dn}: {attribute} cannot be read. Give the account in use the right to read it.")
    changes = flags_changes(template, attribute, set_mask=put, clear_mask=clear)
    for change in changes:
        shown = _BITS[attribute, change["mask"]]
        change["display"] = {side: shown if change[side] else NOTHING for side in ("before", "after")}
    return changes


def _signature(template: Entry, name: str) -> list[model.Change]:
    if (template.int(RA_SIGNATURE) or 0) > 0:
        return []
    if not any(template.texts(policies) for policies in _RA_POLICIES):
        raise PlanError(
            f"{name}: the template does not say which certificates may sign a request, so that any would do. Choose an"
            " application policy in certtmpl.msc (Issuance Requirements) first, or demand a manager's approval."
        )
    change = replace_change(template, RA_SIGNATURE, ["1"])
    return [change] if change is not None else []


def _unpublished(templates: Templates, template: Entry) -> list[model.Change]:
    changes = []
    for service, value in templates.publishers(template):
        change = values_change(service, PUBLISHED, remove=[value])
        if change is not None:
            change["object"]["label"] = service.text("cn") or service.dn
            changes.append(change)
    return changes


# --- NTAuthCertificates -----------------------------------------------------------------------------------------------


def plan_nt_auth(session: Session, plan: Plan, certificates: Sequence[str], missing: str) -> None:
    """Take authorities' certificates, named by their SHA-1 or SHA-256, out of NTAuthCertificates.

    One that is not there is as it should be. Raises PlanError for what is no thumbprint, and when there is no store.
    """
    wanted = [_normal(text) for text in certificates]
    dn = f"CN=NTAuthCertificates,{container_dn(session.configuration_dn)}"
    store = session.read(dn, [*IDENTITY_ATTRIBUTES, CERTIFICATES])
    if store is None or store.guid() is None:
        if missing == "ignore":
            plan.unresolved.append(dn)
            return
        raise PlanError(f"{dn} cannot be read: unverified, so nothing is planned.")
    present = store.attributes.get(CERTIFICATES) or []
    going = [raw for raw in present if {thumbprint(raw), hashlib.sha256(raw).hexdigest()} & set(wanted)]
    if not going:
        return
    plan.notice(
        "NTAuthCertificates",
        "nt_auth",
        f"{len(going)} of {len(present)} authorities will no longer be trusted for logging on: smart cards, Wi-Fi and"
        " VPN by certificate (EAP-TLS) and domain controllers' own certificates of these authorities stop working so.",
    )
    for raw in going:
        plan.changes.append(
            model.new_change(
                target="directory",
                kind="values",
                object_type=type_of(store),
                object_id=str(store.guid()),
                label="NTAuthCertificates",
                dn=store.dn,
                attribute=CERTIFICATES,
                before=[{"base64": base64.b64encode(raw).decode("ascii")}],
                after=[],
                display_before=f"SHA-1 {thumbprint(raw)}",
                display_after=NOTHING,
                context={"certificate": thumbprint(raw)},
            )
        )


def _normal(text: str) -> str:
    """A thumbprint as this file compares it; PlanError when it is none."""
    digits = re.sub(r"[\s:]", "", text).lower()
    if not _THUMBPRINT.match(digits):
        raise PlanError(f"{text!r} is neither the SHA-1 nor the SHA-256 of a certificate (hexadecimal digits).")
    return digits
