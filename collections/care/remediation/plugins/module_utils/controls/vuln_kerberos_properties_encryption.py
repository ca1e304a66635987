# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A service account does not announce AES."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, FLAGS, Snapshot

ID: Final = "vuln_kerberos_properties_encryption"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled user account with a service principal name whose msDS-SupportedEncryptionTypes has no AES bit.

    Computers and managed service accounts announce what they support by themselves. An absent attribute is a finding:
    ANSSI asks for an explicit value although domain controllers assume AES session keys since November 2022.
    """
    aes = int(snapshot.limit(ID, "aes_types"))
    for account in snapshot.enabled_users():
        if account.spns and not (account.encryption_types or 0) & aes:
            yield account_found(
                snapshot,
                account,
                level=3,
                wording="Service account that does not announce AES.",
                encryption_types=account.encryption_types,
                spns=sorted(account.spns),
            )
