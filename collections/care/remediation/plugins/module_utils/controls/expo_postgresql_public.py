# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL listens everywhere, or trusts the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_postgresql_public"
NEEDS: Final = frozenset({audit_collect.POSTGRESQL})
SEVERITY: Final = "critical"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each server that listens on every address, or lets other machines in without a password."""
    for seen in snapshot[audit_collect.POSTGRESQL]:
        if not seen["wildcard"] and not seen["trust"] and seen["answer"] != "open":
            continue
        trusting = " and lets other machines in without a password" if seen["trust"] or seen["answer"] == "open" else ""
        yield HostFound(
            **port_object(seen["port"]),
            severity=SEVERITY,
            wording=f"PostgreSQL can be reached from the network on port {seen['port']}{trusting}.",
            evidence={"every_address": seen["wildcard"], "trust": seen["trust"], "answer": seen["answer"]},
        )
