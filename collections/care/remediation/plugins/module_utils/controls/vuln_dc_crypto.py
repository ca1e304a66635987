# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain controller offers weak Kerberos encryption: DES, RC4, or no AES (MS-KILE 2.2.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import (
    controller_found,
    entra_remark,
    machines,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.tolerance import AES, DES, RC4
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import CONTROLLERS
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_dc_crypto"
NEEDS: Final = frozenset({CONTROLLERS})
# What a domain controller without the attribute does: RC4 and AES (KB5021131)
UNSET: Final = RC4 | AES


def blind(snapshot: Snapshot) -> str | None:
    """Windows writes the attribute itself: where not one has it, it is hidden."""
    seen = list(machines(snapshot))
    if seen and all(each.encryption_types is None for each in seen):
        return "msDS-SupportedEncryptionTypes of not one domain controller is readable"
    return None


def remark(snapshot: Snapshot) -> str | None:
    """Entra's object is no machine."""
    return entra_remark(snapshot)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Level 2 with DES, level 3 without AES, level 4 with RC4: each domain controller once, at its worst level."""
    if blind(snapshot) is not None:
        return
    for controller in machines(snapshot):
        stated = controller.encryption_types
        types = stated or UNSET
        wrong = []
        if types & DES:
            wrong.append((2, "DES is allowed"))
        if not types & AES:
            wrong.append((3, "AES is not supported"))
        if types & RC4:
            wrong.append((4, "RC4 is allowed"))
        if wrong:
            yield controller_found(
                controller,
                level=wrong[0][0],
                wording=f"Kerberos encryption of a domain controller: {', '.join(words for _level, words in wrong)}.",
                encryption_types=stated,
                default_assumed=not stated,
                problems=[words for _level, words in wrong],
            )
