# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A domain controller's account, server object and settings do not fit together (MS-ADTS 6.1.1.3)."""

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
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    CONTROLLERS,
    SITES,
    Controller,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_dc_inconsistent_uac"
NEEDS: Final = frozenset({CONTROLLERS, SITES})
WRITABLE_FLAGS: Final = uac.SERVER_TRUST_ACCOUNT | uac.TRUSTED_FOR_DELEGATION
READ_ONLY_FLAGS: Final = (
    uac.PARTIAL_SECRETS_ACCOUNT | uac.TRUSTED_TO_AUTH_FOR_DELEGATION | uac.WORKSTATION_TRUST_ACCOUNT
)
# thresholds: the functional level that a Windows of this build, or of a later one, supports (level_from_build_14393: 7)
_LEVEL: Final = re.compile(r"level_from_build_(\d+)\Z")


def remark(snapshot: Snapshot) -> str | None:
    """Entra's object has no server object, and is right not to."""
    return entra_remark(snapshot)


def supported_level(snapshot: Snapshot, build: int) -> int | None:
    """The highest functional level that a Windows build supports; None for one older than the catalogue knows."""
    known = {
        int(match.group(1)): int(level)
        for name, level in snapshot.thresholds[ID].items()
        if (match := _LEVEL.match(name)) is not None
    }
    return max(((since, level) for since, level in known.items() if since <= build), default=(0, None))[1]


def problems(snapshot: Snapshot, controller: Controller) -> list[str]:
    """What does not fit, in words."""
    wanted = READ_ONLY_FLAGS if controller.read_only else WRITABLE_FLAGS
    missing = uac.names(wanted & ~(controller.uac or 0))
    found = [f"userAccountControl lacks {', '.join(missing)}"] if missing else []
    if controller.server is None:
        return [*found, "no server object of a site refers to it"]
    if controller.settings is None:
        return [*found, f"{controller.server} has no NTDS Settings"]
    if controller.settings_read_only != controller.read_only:
        kind = "read-only" if controller.settings_read_only else "writable"
        found.append(f"its NTDS Settings are those of a {kind} domain controller")
    level = controller.behavior_version
    if level is None:
        found.append("its NTDS Settings have no msDS-Behavior-Version")
    elif controller.build is not None:
        expected = supported_level(snapshot, controller.build)
        if expected is not None and level != expected:
            found.append(f"msDS-Behavior-Version is {level}, {expected} for its Windows")
    return found


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each domain controller of the domain where something does not fit."""
    for controller in machines(snapshot):
        wrong = problems(snapshot, controller)
        if wrong:
            yield controller_found(
                controller,
                level=1,
                wording=f"A domain controller is inconsistent: {'; '.join(wrong)}.",
                problems=wrong,
                server=controller.server,
                settings=controller.settings,
                behavior_version=controller.behavior_version,
            )
