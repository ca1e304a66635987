# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Too many accounts have a password that never expires."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, FLAGS, Snapshot

ID: Final = "vuln_dont_expire"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Every enabled user account with DONT_EXPIRE_PASSWORD, when they are more of the enabled ones than allowed."""
    users = list(snapshot.enabled_users())
    never = [account for account in users if account.has(uac.DONT_EXPIRE_PASSWORD)]
    allowed = snapshot.limit(ID, "share_percent") / 100
    if not users or len(never) / len(users) <= allowed:
        return
    facts: dict[str, Any] = {
        "count": len(never),
        "of": len(users),
        "ratio": round(len(never) / len(users), 4),
        "limit": allowed,
    }
    for account in never:
        yield account_found(
            snapshot,
            account,
            level=2,
            wording=f"Password that never expires, one of {len(never)} among {len(users)} enabled accounts.",
            **facts,
        )
