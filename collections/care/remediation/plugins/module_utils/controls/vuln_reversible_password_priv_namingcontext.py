# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The domain's password policy keeps passwords so that they can be read again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import (
    PASSWORD_POLICY,
    STORE_CLEARTEXT,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_reversible_password_priv_namingcontext"
NEEDS: Final = frozenset({PASSWORD_POLICY})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """DOMAIN_PASSWORD_STORE_CLEARTEXT in pwdProperties of the domain's head."""
    properties = snapshot.settings.password_properties
    if properties is None or not properties & STORE_CLEARTEXT:
        return
    yield Found(
        type="domain",
        id=snapshot.dns_name,
        label=snapshot.dns_name,
        dn=snapshot.domain_dn,
        level=3,
        wording="The domain's password policy stores passwords with reversible encryption.",
        evidence={"password_properties": properties},
    )
