# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Something answers as telnet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_telnet"
NEEDS: Final = frozenset({audit_collect.TELNET})
SEVERITY: Final = "high"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each port that speaks telnet."""
    for seen in snapshot[audit_collect.TELNET]:
        yield HostFound(
            **port_object(seen["port"]),
            severity=SEVERITY,
            wording=f"Telnet answers on port {seen['port']}.",
            evidence={"programs": seen["programs"], "negotiates": seen["negotiates"]},
        )
