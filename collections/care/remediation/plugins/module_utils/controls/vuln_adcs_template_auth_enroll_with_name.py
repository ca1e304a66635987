# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A published template gives someone who is not an administrator a certificate that proves to be someone else.

Four ways lead there, all open only where no person approves the request and no other certificate has to sign it:

- the certificate serves for authentication and the requester says whose it is;
- it is good for any purpose, so for authentication and for signing the requests of others too;
- it is an enrolment agent's, which requests certificates in the name of others;
- it serves for authentication and carries no SID of its holder, who is then recognised by a name that can be changed.

And a fifth, which each of these corrections would leave open: nearly everyone may change the template itself.
A template that no authority publishes gives nobody a certificate and is no finding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import certificates as pkis
from ansible_collections.care.remediation.plugins.module_utils.controls.certificates import Holder, Pki
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.vuln_adcs_template_control import about
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import (
    PUBLIC_KEY_SERVICES,
    TEMPLATES,
    Template,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import MEMBERSHIP, Snapshot

ID: Final = "vuln_adcs_template_auth_enroll_with_name"
NEEDS: Final = frozenset({MEMBERSHIP, PUBLIC_KEY_SERVICES, TEMPLATES})
LEVEL: Final = 1

# The ways, with what corrects each in the order in which ANSSI asks for it (see ad_certificate_template)
SUPPLIED_SUBJECT: Final = "supplied_subject"
ANY_PURPOSE: Final = "any_purpose"
REQUEST_AGENT: Final = "request_agent"
NO_SECURITY_EXTENSION: Final = "no_security_extension"
EDITABLE: Final = "editable"
CORRECTIONS: Final = {
    SUPPLIED_SUBJECT: ["no_supplied_subject"],
    ANY_PURPOSE: ["manager_approval"],
    REQUEST_AGENT: ["manager_approval"],
    NO_SECURITY_EXTENSION: ["security_extension"],
    EDITABLE: [],  # the entry that lets them change it goes, see vuln_adcs_template_control
}
_WORDS: Final = {
    SUPPLIED_SUBJECT: "serves for authentication and lets the requester say for whom it is",
    ANY_PURPOSE: "is good for any purpose",
    REQUEST_AGENT: "is an enrolment agent's",
    NO_SECURITY_EXTENSION: "serves for authentication and does not carry the SID of its holder",
    EDITABLE: "can be changed by nearly everyone",
}


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not understood hides who may enrol."""
    pki = Pki.of(snapshot)
    return pki.blind([template for template in pki.enrolment.templates if pki.published(template)])


def remark(snapshot: Snapshot) -> str | None:
    """What makes that there is nothing to find, and what would be a finding as soon as it is published."""
    said = about(snapshot)
    pki = Pki.of(snapshot)
    waiting = [
        template.name
        for template in pki.enrolment.templates
        if not pki.published(template) and _ways(pki, template, list(pki.enrollers(template)))
    ]
    if waiting:
        more = f"dangerous as soon as an authority publishes it: {', '.join(sorted(waiting, key=str.casefold))}"
        return f"{said}; {more}" if said else more
    return said


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each published template and way."""
    pki = Pki.of(snapshot)
    for template in pki.enrolment.templates:
        if pki.published(template):
            enrollers = list(pki.enrollers(template))
            for way, holders in _ways(pki, template, enrollers).items():
                yield _found(pki, template, way, holders)


def _ways(pki: Pki, template: Template, enrollers: list[Holder]) -> dict[str, list[Holder]]:
    """The ways that a template opens, and to whom."""
    found: dict[str, list[Holder]] = {}
    broad = [each for each in pki.controllers(template) if pki.is_broad(each.sid)]
    if broad:
        found[EDITABLE] = broad
    if not enrollers or pkis.checked_by_someone(template):
        return found
    names, enrolment = template.name_flag or 0, template.enrollment_flag or 0
    if pkis.for_authentication(template):
        if names & (pkis.SUPPLIES_SUBJECT | pkis.SUPPLIES_ALT_NAME):
            found[SUPPLIED_SUBJECT] = enrollers
        if enrolment & pkis.NO_SECURITY_EXTENSION:
            found[NO_SECURITY_EXTENSION] = enrollers
    if pkis.any_purpose(template):
        found[ANY_PURPOSE] = enrollers
    elif pkis.REQUEST_AGENT in pkis.purposes(template):
        found[REQUEST_AGENT] = enrollers
    return found


def _corrections(template: Template, way: str) -> list[str]:
    """What to propose. A template of version 1 cannot ask for an approval; nobody needs to issue from it either."""
    wanted = CORRECTIONS[way]
    return ["unpublish"] if template.schema_version < 2 and "manager_approval" in wanted else wanted


def _found(pki: Pki, template: Template, way: str, holders: list[Holder]) -> Found:
    snapshot = pki.snapshot
    name = template.display_name or template.name
    publishers = pki.enrolment.publishers(template)
    who = sorted({f"{snapshot.name_of(each.sid)} ({each.sid})" for each in holders})
    verb = "may change it" if way == EDITABLE else "may enrol"
    trusted = set(pki.enrolment.nt_auth)
    return Found(
        type="object",
        id=f"{template.guid}#{hashlib.sha256(way.encode()).hexdigest()[:16]}",
        label=f"{name} : {way}",
        dn=template.dn,
        level=LEVEL,
        wording=f"The template {name} {_WORDS[way]}; {', '.join(who)} {verb}.",
        evidence={
            "way": way,
            "template": template.name,
            "template_guid": template.guid,
            "schema_version": template.schema_version,
            "purposes": sorted(pkis.purposes(template)),
            "published_by": sorted(service.name for service in publishers),
            # ANSSI's first step: an authority that nobody logs on by does not belong there
            "in_nt_auth": sorted(s.name for s in publishers if trusted & set(s.certificates)),
            "corrections": _corrections(template, way),
            "who": who,
            "broad": any(pki.is_broad(each.sid) for each in holders),
            "entries": [
                {"trustee_sid": each.sid, "rights": list(each.rights), "ace": to_sddl(each.ace)}
                for each in holders
                if each.ace is not None
            ],
        },
    )
