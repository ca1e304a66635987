# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A service accepts SSLv3, TLS 1.0 or TLS 1.1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_tls_obsolete"
NEEDS: Final = frozenset({audit_collect.TLS})
SEVERITY: Final = "medium"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each port that accepted a handshake of an obsolete version."""
    for seen in snapshot[audit_collect.TLS]:
        yield HostFound(
            **port_object(seen["port"]),
            severity=SEVERITY,
            wording=f"Port {seen['port']} accepts {', '.join(seen['versions'])}.",
            evidence={"programs": seen["programs"], "versions": seen["versions"]},
        )
