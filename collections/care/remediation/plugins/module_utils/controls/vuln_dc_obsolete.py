# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain controller runs a Windows that Microsoft no longer corrects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.forest_objects import (
    controller_found,
    entra_remark,
    machines,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    Controller,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, Snapshot

ID: Final = "vuln_dc_obsolete"
NEEDS: Final = frozenset({CONTROLLERS, ACCOUNTS})
# thresholds: until when (year, month, day) a build is corrected (build_17763_until_yyyymmdd: 20290109)
_SUPPORT: Final = re.compile(r"build_(\d+)_until_yyyymmdd\Z")


def supported_until(snapshot: Snapshot) -> dict[int, int]:
    """Build of Windows to the last day of its support, as a number yyyymmdd."""
    return {
        int(match.group(1)): int(until)
        for name, until in snapshot.thresholds[ID].items()
        if (match := _SUPPORT.match(name)) is not None
    }


def _unknown(snapshot: Snapshot) -> list[Controller]:
    """Domain controllers that do not say what they run."""
    return [
        each
        for each in machines(snapshot)
        if not each.operating_system or (each.operating_system.casefold().startswith("windows") and each.build is None)
    ]


def _prepared(snapshot: Snapshot) -> set[str]:
    """SIDs of read-only domain controllers whose account is made in advance: no machine has used it yet."""
    used = {each.sid for each in snapshot.accounts if each.last_logon is not None}
    return {each.sid for each in snapshot.controllers if each.read_only and each.sid not in used}


def blind(snapshot: Snapshot) -> str | None:
    """One does not say what it runs, though it has logged on."""
    prepared = _prepared(snapshot)
    unknown = [each for each in _unknown(snapshot) if each.sid not in prepared]
    if not unknown:
        return None
    return f"operatingSystem and operatingSystemVersion of {', '.join(each.label for each in unknown)} are not readable"


def remark(snapshot: Snapshot) -> str | None:
    """What was left out, or cannot be judged by a build number of Windows."""
    notes = []
    other = [
        f"{each.label} ({each.operating_system})"
        for each in machines(snapshot)
        if each.operating_system and not each.operating_system.casefold().startswith("windows")
    ]
    if other:
        notes.append(f"not Windows, its support is to be checked by hand: {', '.join(other)}")
    newest = max(supported_until(snapshot), default=0)
    newer = [each.label for each in machines(snapshot) if each.build is not None and each.build > newest]
    if newer:
        notes.append(f"newer than the catalogue knows: {', '.join(newer)}")
    prepared = _prepared(snapshot)
    waiting = [each.label for each in _unknown(snapshot) if each.sid in prepared]
    if waiting:
        notes.append(f"prepared, not in service yet: {', '.join(waiting)}")
    if (entra := entra_remark(snapshot)) is not None:
        notes.append(entra)
    return "; ".join(notes) or None


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each domain controller whose build is not, or no longer, supported on the day of the snapshot."""
    known = supported_until(snapshot)
    today = int(snapshot.taken.strftime("%Y%m%d"))
    for controller in machines(snapshot):
        build = controller.build
        if build is None or build > max(known, default=0) or known.get(build, 0) >= today:
            continue
        yield controller_found(
            controller,
            level=1,
            wording=f"A domain controller runs {controller.operating_system} ({controller.version}), out of support.",
            build=build,
            supported_until=known.get(build),
        )
