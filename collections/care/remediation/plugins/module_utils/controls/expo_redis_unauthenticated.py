# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Redis obeys other machines without a password."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_redis_unauthenticated"
NEEDS: Final = frozenset({audit_collect.REDIS})
SEVERITY: Final = "critical"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each port where Redis obeyed a command without a password."""
    for seen in snapshot[audit_collect.REDIS]:
        if seen["answer"] == "open":
            yield HostFound(
                **port_object(seen["port"]),
                severity=SEVERITY,
                wording=f"Redis obeys without a password on port {seen['port']}.",
                evidence={"address": seen["address"]},
            )
