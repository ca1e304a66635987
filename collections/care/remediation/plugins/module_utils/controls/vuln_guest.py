# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The Guest account (RID 501) is enabled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, Snapshot

ID: Final = "vuln_guest"
NEEDS: Final = frozenset({ACCOUNTS})


def blind(snapshot: Snapshot) -> str | None:
    """The account, or its flags, were not shown."""
    guest = snapshot.by_rid(sids.RID_GUEST)
    if guest is None:
        return "the account of RID 501 is not visible to the account in use"
    return "userAccountControl of the account of RID 501 is not readable" if guest.uac is None else None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """The Guest account, when it is enabled."""
    guest = snapshot.by_rid(sids.RID_GUEST)
    if guest is not None and guest.enabled:
        yield account_found(snapshot, guest, level=2, wording="The Guest account (RID 501) is enabled.")
