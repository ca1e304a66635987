# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading what the account in use may not be allowed to see, without taking the refusal for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import (
    DirectoryError,
    result_code,
)

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

# What a server answers to a reader without the right: insufficientAccessRights, noSuchObject, referral (RFC 4511 4.1.9)
REFUSALS: Final = frozenset({50, 32, 10})


def is_refusal(error: DirectoryError) -> bool:
    """Whether the server said no (or: there is no such thing), and is still there."""
    return isinstance(error.__cause__, Exception) and result_code(error.__cause__) in REFUSALS


def read(session: Reader, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
    """One object, None also when the server refuses to show it. A lost connection stays an error."""
    try:
        return session.read(dn, attributes, sd_flags=sd_flags)
    except DirectoryError as error:
        if is_refusal(error):
            return None
        raise


def visible(session: Reader, dn: str) -> bool:
    """Whether an object is shown at all. A container whose objects are to be searched must be."""
    entry = read(session, dn, ["objectGUID"])
    return entry is not None and entry.raw("objectGUID") is not None


def search(
    session: Reader, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree"
) -> list[Entry] | None:
    """All entries below ``base``, None when the server refuses. A lost connection stays an error."""
    try:
        return list(session.search(base, ldap_filter, attributes, scope=scope))
    except DirectoryError as error:
        if is_refusal(error):
            return None
        raise
