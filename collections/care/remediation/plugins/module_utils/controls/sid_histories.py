# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""SIDs in sIDHistory: which of them give rights that no migration ever needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot


def is_dangerous(sid: str, below: float) -> bool:
    """A well-known SID, which belongs to no domain, or one of a domain's built-in accounts and groups (by its RID)."""
    return sids.domain_of(sid) is None or sids.rid(sid) < below


def histories(snapshot: Snapshot, *, wanted: Callable[[str], bool], level: int, what: str) -> Iterator[Found]:
    """The objects that have a SID in their history for which ``wanted`` holds."""
    for history in snapshot.sid_histories:
        values = [value for value in history.values if wanted(value)]
        if not values:
            continue
        own = [value for value in values if sids.domain_of(value) == snapshot.domain_sid]
        yield Found(
            type=history.type,
            id=history.sid,
            label=history.label,
            dn=history.dn,
            sid=history.sid,
            level=level,
            wording=f"{what}: {', '.join(values)}.",
            evidence={
                "sids": sorted(values),
                "names": {value: snapshot.name_of(value) for value in values if snapshot.name_of(value) != value},
                # a SID of the domain itself was never migrated: someone wrote it there
                "own_domain": sorted(own),
                "domains": sorted({domain for value in values if (domain := sids.domain_of(value))}),
            },
        )
