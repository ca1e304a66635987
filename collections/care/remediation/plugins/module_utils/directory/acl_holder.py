# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AdminSDHolder: what is corrected on a protected object comes back within the hour when AdminSDHolder holds it too.

The PDC emulator gives every protected account and group (``adminCount`` 1) the descriptor of AdminSDHolder, each 60
minutes by default (MS-ADTS 3.1.1.6.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, label_of
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import DACL, OWNER, Session

ADMIN_COUNT: Final = "adminCount"
CODE: Final = "adminsdholder"
# What a change shows beside what it does: it is the change that is approved, not the notice
BACK: Final = "(AdminSDHolder holds the same: back within the hour)"


class AdminSdHolder:
    """The template of protected objects, read when it is first asked for."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.dn = f"CN=AdminSDHolder,CN=System,{session.domain_dn}"
        self._read = False
        self._guid: str | None = None
        self._owner: str | None = None
        self._keys: set[tuple[object, ...]] | None = None

    def _load(self) -> None:
        if self._read:
            return
        self._read = True
        entry = self._session.read(self.dn, ["objectGUID", "nTSecurityDescriptor"], sd_flags=OWNER | DACL)
        if entry is None:
            return
        self._guid = entry.guid()
        try:
            descriptor = SecurityDescriptor.parse(entry.raw("nTSecurityDescriptor") or b"")
        except ValueError:
            return
        self._owner = descriptor.owner
        if descriptor.dacl is not None:
            self._keys = {ace.key for ace in descriptor.dacl.explicit}

    def warn_of_aces(self, plan: Plan, found: Iterable[tuple[Entry, Ace, str]]) -> set[str]:
        """Say which entries of protected objects (with the entry in words) would come back; gives their objects' GUIDs.

        Not those that the same plan takes away from AdminSDHolder.
        """
        found = list(found)
        back: set[str] = set()
        if not any(_protected(entry) for entry, _ace, _text in found):
            return back
        self._load()
        going = {ace.key for entry, ace, _text in found if self._guid is not None and entry.guid() == self._guid}
        for entry, ace, text in found:
            if not _protected(entry):
                continue
            if self._keys is None:
                plan.notice(label_of(entry), CODE, f"{entry.dn}: {self._protected_by} It could not be read.")
            elif ace.key in self._keys - going:
                back.add(entry.guid() or "")
                plan.notice(
                    label_of(entry),
                    CODE,
                    f"{entry.dn}: {self._protected_by} It holds the same entry ({text}), so it will be back within the"
                    f" hour. Remove it from {self.dn} as well.",
                )
        return back

    def warn_of_owner(self, plan: Plan, entry: Entry, accepted: frozenset[str], going: bool) -> bool:
        """Say, and return, when a protected object's owner would come back; ``going``: AdminSDHolder's goes too."""
        if going or not _protected(entry):
            return False
        self._load()
        back = self._owner is None or self._owner not in accepted
        if back:
            plan.notice(
                label_of(entry),
                CODE,
                f"{entry.dn}: {self._protected_by} Its owner is {self._owner or 'not readable'}, which will be the"
                f" owner here within the hour. Correct the owner of {self.dn} as well.",
            )
        return back

    @property
    def guid(self) -> str | None:
        """Its objectGUID, None when it cannot be read."""
        self._load()
        return self._guid

    @property
    def _protected_by(self) -> str:
        return f"it is protected (adminCount 1): {self.dn} gives it its access list."


def _protected(entry: Entry) -> bool:
    return (entry.int(ADMIN_COUNT) or 0) > 0
