# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""sshd lets somebody in with a password alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_ssh_password"
NEEDS: Final = frozenset({audit_collect.SSH})
SEVERITY: Final = "high"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each port of an sshd that lets somebody in without a key."""
    seen = snapshot[audit_collect.SSH]
    for port in seen["ports"]:
        users = sorted(user for user, way in seen["ways"].items() if way.without_key)
        offered = seen["offered"].get(port) or []
        # The running sshd has the last word: files that are right but not loaded are not.
        stale = not users and bool({"password", "keyboard-interactive"} & set(offered))
        if users or stale:
            yield HostFound(
                **port_object(port),
                severity=SEVERITY,
                wording=(
                    f"sshd on port {port} still offers passwords although its files do not: it was not reloaded."
                    if stale
                    else f"sshd on port {port} lets accounts in with a password alone."
                ),
                evidence={"accounts": users, "offered": offered},
            )
