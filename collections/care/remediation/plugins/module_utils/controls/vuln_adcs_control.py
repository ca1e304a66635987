# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator of the domain can change the objects that certificate services rest on.

Who writes NTAuthCertificates makes the domain trust an authority of their own; who writes an enrolment service
publishes any template; who writes a container puts objects into it. They exist in a forest without an authority too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.certificates import Pki
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.enrolment import (
    PUBLIC_KEY_SERVICES,
    EnrolmentService,
    PkiObject,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import MEMBERSHIP, Snapshot

ID: Final = "vuln_adcs_control"
NEEDS: Final = frozenset({MEMBERSHIP, PUBLIC_KEY_SERVICES})
LEVEL: Final = 1


def blind(snapshot: Snapshot) -> str | None:
    """A descriptor that is not understood hides what it grants."""
    pki = Pki.of(snapshot)
    return pki.blind([*pki.enrolment.others, *pki.enrolment.services])


def remark(snapshot: Snapshot) -> str | None:
    """What makes that there is nothing to find."""
    if not snapshot.enrolment.present:
        return "not applicable: this forest has no container of public key services"
    if not snapshot.enrolment.services:
        return "this forest has no certification authority; the containers that one would use were judged"
    return None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding for each ACE, or owner, that gives control of one of these objects to someone else."""
    pki = Pki.of(snapshot)
    items: list[EnrolmentService | PkiObject] = [*pki.enrolment.others, *pki.enrolment.services]
    for item in items:
        for holder in pki.controllers(item):
            yield pki.found(item, holder, name=item.name, level=LEVEL)
