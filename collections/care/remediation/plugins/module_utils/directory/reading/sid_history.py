# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who carries further SIDs (sIDHistory): accounts and groups that were migrated, or that someone gave rights to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

SID_HISTORY: Final = "SID histories"
ATTRIBUTES: Final = ("objectSid", "sAMAccountName", "sAMAccountType", "sIDHistory")
# sAMAccountType (MS-ADTS 2.2.17): its high nibble says group, alias (local group) or account
_GROUP_NIBBLES: Final = (0x1, 0x2)
_MACHINE: Final = 0x30000001


@dataclass(slots=True)
class SidHistory:
    """One object and the SIDs that its access token carries besides its own (text form)."""

    dn: str
    sid: str
    label: str  # sAMAccountName
    type: str  # user, computer or group
    values: tuple[str, ...]


def read(session: Reader, snapshot: Snapshot) -> None:
    """Fill in ``sid_histories``: the few objects that have the attribute (it is indexed).

    An object that has a history but shows neither its SID nor what the history holds makes the part unreadable.
    """
    for entry in session.search(snapshot.domain_dn, "(sIDHistory=*)", ATTRIBUTES):
        sid = entry.sid()
        try:
            values = tuple(entry.sids("sIDHistory"))
        except ValueError as error:
            snapshot.unreadable[SID_HISTORY] = f"sIDHistory of {entry.dn} holds what is no SID: {error}"
            continue
        if sid is None or not values:
            snapshot.unreadable[SID_HISTORY] = f"sIDHistory of {entry.dn} is not readable by the account in use"
            continue
        snapshot.sid_histories.append(
            SidHistory(entry.dn, sid, entry.text("sAMAccountName") or sid, _type(entry.int("sAMAccountType")), values)
        )


def _type(account_type: int | None) -> str:
    if account_type is not None and account_type >> 28 in _GROUP_NIBBLES:
        return "group"
    return "computer" if account_type == _MACHINE else "user"
