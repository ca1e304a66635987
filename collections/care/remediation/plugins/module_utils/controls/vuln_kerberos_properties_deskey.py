# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account is restricted to DES, or allows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.controls.tolerance import DES
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, FLAGS, Snapshot

ID: Final = "vuln_kerberos_properties_deskey"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each enabled account with USE_DES_KEY_ONLY or a DES bit in msDS-SupportedEncryptionTypes.

    Domain controllers are another control (vuln_dc_crypto): their encryption types are set by GPO only.
    """
    for account in snapshot.accounts:
        if not account.enabled or account.is_dc:
            continue
        types = (account.encryption_types or 0) & DES
        if account.has(uac.USE_DES_KEY_ONLY) or types:
            yield account_found(
                snapshot,
                account,
                level=2,
                wording="Account restricted to DES."
                if account.has(uac.USE_DES_KEY_ONLY)
                else "Account that allows DES among its encryption types.",
                use_des_key_only=account.has(uac.USE_DES_KEY_ONLY),
                encryption_types=account.encryption_types,
            )
