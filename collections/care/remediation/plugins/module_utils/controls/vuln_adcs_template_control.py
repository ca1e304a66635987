# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator of the domain can change a certificate template.

Who changes a template makes it one that gives them a certificate in the name of an administrator. Level 1 for a
template that an authority publishes: it can be used at once. Level 2 for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.certificates import Pki
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import TEMPLATES
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import MEMBERSHIP, Snapshot

ID: Final = "vuln_adcs_template_control"
NEEDS: Final = frozenset({MEMBERSHIP, TEMPLATES})
PUBLISHED, UNPUBLISHED = 1, 2


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not understood hides what it grants."""
    pki = Pki.of(snapshot)
    return pki.blind(list(pki.enrolment.templates))


def remark(snapshot: Snapshot) -> str | None:
    """What makes that there is nothing to find, and what is published but is no longer there."""
    return about(snapshot)


def about(snapshot: Snapshot) -> str | None:
    """The remark that both controls of templates make."""
    found = snapshot.enrolment
    if not found.templates and not found.services:
        return "not applicable: this forest has neither a certificate template nor a certification authority"
    if found.absent_templates:
        return f"published by an authority, and deleted: {', '.join(found.absent_templates)}"
    return None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each ACE, or owner, that gives control of a template to someone else."""
    pki = Pki.of(snapshot)
    for template in pki.enrolment.templates:
        published = pki.published(template)
        for holder in pki.controllers(template):
            yield pki.found(
                template,
                holder,
                name=template.display_name or template.name,
                level=PUBLISHED if published else UNPUBLISHED,
                template=template.name,
                published_by=published,
            )
