# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Administrators get in over ssh without a one-time code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
)

ID: Final = "mie_ssh_otp"
NEEDS: Final = frozenset({audit_collect.MIE})
SEVERITY: Final = "high"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """The ssh service, when a member of the group gets in without key and one-time code."""
    seen = snapshot[audit_collect.MIE]
    if not seen["ports"]:
        return
    lacking = sorted(user for user, way in seen["ways"].items() if not (way.two_factors and seen["code"]))
    if lacking:
        yield HostFound(
            type="service",
            id="ssh",
            label="ssh",
            severity=SEVERITY,
            wording=f"{len(lacking)} members of {seen['group']} get in over ssh without key and one-time code.",
            evidence={"accounts": lacking, "group": seen["group"], "pam_asks_for_code": seen["code"]},
        )
