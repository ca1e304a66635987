# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""sshd lets root in with a password alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_ssh_root_password"
NEEDS: Final = frozenset({audit_collect.SSH})
SEVERITY: Final = "high"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each port of an sshd that lets root in without a key."""
    seen = snapshot[audit_collect.SSH]
    root = seen["ways"].get("root") if seen["ports"] else None
    for port in seen["ports"]:
        if root is not None and root.without_key:
            yield HostFound(
                **port_object(port),
                severity=SEVERITY,
                wording=f"sshd on port {port} lets root in with a password alone.",
                evidence={"permit_root_login": root.permit_root},
            )
