# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Something answers as FTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostFound,
    HostSnapshot,
    port_object,
)

ID: Final = "expo_ftp"
NEEDS: Final = frozenset({audit_collect.FTP})
SEVERITY: Final = "high"


def detect(snapshot: HostSnapshot) -> Iterator[HostFound]:
    """Each port that speaks FTP."""
    for seen in snapshot[audit_collect.FTP]:
        anonymous = ", and lets anybody in without a password" if seen["anonymous"] else ""
        yield HostFound(
            **port_object(seen["port"]),
            severity=SEVERITY,
            wording=f"FTP answers on port {seen['port']}{anonymous}.",
            evidence={"programs": seen["programs"], "anonymous": seen["anonymous"], "banner": seen["banner"]},
        )
