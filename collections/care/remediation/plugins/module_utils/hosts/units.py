# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""systemd units: their state, and bringing them to one.

A state is ``{"enabled": what `systemctl is-enabled` says, "active": bool}``.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import command
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

_NAME = re.compile(r"[A-Za-z0-9:_.@\\-]{1,200}\.(service|socket|timer|path|target)\Z")
# Nothing of these can be switched off by `systemctl disable`: they have no [Install] section.
_WITHOUT_SWITCH = frozenset({"static", "indirect", "generated", "transient", "alias"})


def full_name(name: str) -> str:
    """`name` with its suffix (.service when it has none). Raises HostError for what is not a unit name."""
    full = name if re.search(r"\.(service|socket|timer|path|target)\Z", name) else f"{name}.service"
    if not _NAME.match(full) or full.startswith("-"):
        raise HostError(f"{name!r} is not the name of a systemd unit")
    return full


def read(unit: str) -> dict[str, Any] | None:
    """The state of `unit`, or None when the host has no such unit. Raises HostError when systemd does not answer."""
    facts = show(unit)
    if facts.get("LoadState") == "not-found":
        return None
    # is-enabled also knows services with a SysV script only, whose UnitFileState is just "generated".
    said = command.run(["systemctl", "is-enabled", "--", unit])
    enabled = said.out.strip().splitlines()[-1] if said.out.strip() else facts.get("UnitFileState", "")
    return {"enabled": enabled, "active": facts.get("ActiveState") in ("active", "activating", "reloading")}


def show(unit: str) -> dict[str, str]:
    """What systemd knows of `unit`: LoadState, ActiveState, UnitFileState, MainPID."""
    said = command.run(["systemctl", "show", "--property=LoadState,ActiveState,UnitFileState,MainPID", "--", unit])
    if not said.ok:
        raise HostError(f"systemd does not answer about {unit}: {said.words}")
    return dict(line.split("=", 1) for line in said.out.splitlines() if "=" in line)


def is_active(unit: str) -> bool:
    return show(unit).get("ActiveState") in ("active", "activating", "reloading")


def first_known(names: list[str]) -> str | None:
    """The first unit of `names` that this host has (ssh.service on Debian is sshd.service elsewhere)."""
    for name in names:
        if show(name).get("LoadState") not in ("not-found", None):
            return name
    return None


def has_no_switch(enabled: str) -> bool:
    """Whether a unit in this state can be neither enabled nor disabled."""
    return enabled in _WITHOUT_SWITCH


def put(unit: str, present: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Brings `unit` from `present` to `wanted`, both with the same keys. Raises HostError with systemctl's words."""
    if wanted.get("active") is False and present["active"]:
        _systemctl("stop", unit)
    if "enabled" in wanted and present["enabled"] != wanted["enabled"]:
        _switch(unit, present["enabled"], wanted["enabled"])
    if wanted.get("active") and not present["active"]:
        _systemctl("start", unit)


def _switch(unit: str, present: str, wanted: str) -> None:
    if present.startswith("masked") and not wanted.startswith("masked"):
        _systemctl("unmask", unit, *_runtime(present))
        now = read(unit)
        if now is not None and now["enabled"] == wanted:
            return
    if wanted.startswith("masked"):
        _systemctl("mask", unit, *_runtime(wanted))
    elif wanted.startswith("enabled"):
        _systemctl("enable", unit, *_runtime(wanted))
    elif wanted == "disabled":
        _systemctl("disable", unit)
    elif not has_no_switch(wanted):
        raise HostError(f"{unit} cannot be brought back to the state {wanted!r}")


def _runtime(state: str) -> list[str]:
    return ["--runtime"] if state.endswith("-runtime") else []


def _systemctl(verb: str, unit: str, *options: str) -> None:
    said = command.run(["systemctl", verb, *options, "--", unit], timeout=90)
    if not said.ok:
        raise HostError(f"systemctl {verb} {unit}: {said.words}")
