# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change that may cut the operator off takes itself back unless a new connection confirms it.

Before the first write, the present state of everything to be written is kept in `<state>/<token>/` (root, 0700)
together with `restore.sh`, which needs only sh, cp, systemctl and nft. A transient systemd timer runs it after the
delay, whatever became of the writer, its connection or the control node. A timer does not survive a reboot: a unit that
is linked into the boot for as long as the guard is armed does the same before nftables and sshd start.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
import shutil
import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import files, profiles, rulesets, units
from ansible_collections.care.remediation.plugins.module_utils.hosts.command import find, run
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.layout import Layout, private_directory

_TOKEN = re.compile(r"[0-9a-f]{16}\Z")
# The timer fires while the writer could still be writing only if writing took longer than the delay.
MINIMUM_SECONDS, MAXIMUM_SECONDS = 10, 3600


@dataclass(frozen=True)
class Guard:
    """An armed guard: its token, and the seconds until the host takes the change back."""

    token: str
    seconds: int


def arm(layout: Layout, items: list[tuple[dict[str, Any], Any]], seconds: int) -> Guard:
    """Keeps the present state of `items` ((change, present state) pairs) and starts the timer that restores it.

    Raises HostError when the guard cannot be armed: then nothing may be written.
    """
    if not MINIMUM_SECONDS <= seconds <= MAXIMUM_SECONDS:
        raise HostError(f"a guard lasts {MINIMUM_SECONDS} to {MAXIMUM_SECONDS} seconds, not {seconds}")
    for program in ("systemd-run", "systemctl", "flock", "sh"):
        if find(program) is None:
            raise HostError(
                f"{program} is not on this host, so nothing could take the change back: nothing was written"
            )
    token = secrets.token_hex(8)
    directory = private_directory(os.path.join(private_directory(layout.state), token))
    try:
        _keep(layout, directory, token, items, seconds)
        said = run(
            [
                "systemd-run",
                "--quiet",
                f"--unit={unit_name(token)}",
                f"--on-active={seconds}",
                "--timer-property=AccuracySec=500ms",
                "--property=Type=oneshot",
                f"--description=care.remediation: take back the unconfirmed change {token}",
                "/bin/sh",
                os.path.join(directory, "restore.sh"),
            ]
        )
        if not said.ok:
            raise HostError(f"systemd-run: {said.words}")
        if not units.is_active(f"{unit_name(token)}.timer"):
            raise HostError("the timer is not active")
    except (HostError, OSError) as error:
        _discard(layout, token)
        raise HostError(f"the guard could not be armed ({error}): nothing was written") from error
    return Guard(token, seconds)


def confirm(layout: Layout, token: str) -> None:
    """Keeps the change of guard `token`: stops its timer. Raises HostError when it was taken back or is unknown."""
    directory = _directory(layout, token)
    if not os.path.isdir(directory):
        raise HostError(f"no guard {token} is armed on this host")
    if os.path.exists(os.path.join(directory, "reverted")):
        raise HostError(f"the guard {token} was not confirmed in time: the host has taken the change back")
    disarm(layout, token)


def remember(layout: Layout, token: str, change_ids: list[str]) -> None:
    """Keeps, with guard `token`, the changes whose before-copies go once it is confirmed. Until then they are needed:
    the host may put the changes back in place, and somebody will want to undo them again."""
    _write(os.path.join(_directory(layout, token), "forget"), "".join(f"{one}\n" for one in change_ids), 0o600)


def remembered(layout: Layout, token: str) -> list[str]:
    """What `remember` kept; empty for an unknown guard."""
    try:
        with open(os.path.join(_directory(layout, token), "forget"), encoding="ascii") as stream:
            return stream.read().split()
    except FileNotFoundError:
        return []


def clear_fired(layout: Layout) -> None:
    """Removes what guards that took their change back have left (a log); the caller holds the lock."""
    try:
        names = [name for name in os.listdir(layout.state) if _TOKEN.match(name)]
    except FileNotFoundError:
        return
    for name in names:
        if os.path.exists(os.path.join(layout.state, name, "reverted")):
            _discard(layout, name)


def disarm(layout: Layout, token: str) -> None:
    """Stops the timer of `token` and forgets its before-state. The caller holds the lock: restore.sh waits."""
    directory = _directory(layout, token)
    # First the mark: should the timer fire now, restore.sh waits for the lock and then sees it.
    with open(os.path.join(directory, "confirmed"), "w", encoding="ascii") as stream:
        os.fsync(stream.fileno())
    _discard(layout, token)


def settle_earlier(layout: Layout, take_back: bool) -> None:
    """Deals with a guard that is still armed from an earlier call; the caller holds the lock.

    One whose time is over is taken back now (its timer was lost). One that still runs is taken back by an undo
    (`take_back`), and refuses everything else: HostError.
    """
    for token in armed(layout):
        left = _deadline(layout, token) - time.time()
        if not take_back and left > 0 and units.is_active(f"{unit_name(token)}.timer"):
            raise HostError(
                f"an earlier change on this host is not confirmed yet (guard {token}, {left:.0f} s left): confirm it, "
                "wait until it is taken back, or roll it back; nothing was written"
            )
        said = run(["sh", os.path.join(_directory(layout, token), "restore.sh"), "locked"], timeout=120)
        if not said.ok:
            raise HostError(f"the unconfirmed change of guard {token} could not be taken back: {said.words}")


def armed(layout: Layout) -> list[str]:
    """The tokens of the guards that are neither confirmed nor taken back."""
    try:
        names = sorted(os.listdir(layout.state))
    except FileNotFoundError:
        return []
    return [
        name
        for name in names
        if _TOKEN.match(name)
        and os.path.exists(os.path.join(layout.state, name, "armed"))
        and not os.path.exists(os.path.join(layout.state, name, "confirmed"))
        and not os.path.exists(os.path.join(layout.state, name, "reverted"))
    ]


def unit_name(token: str) -> str:
    """The name of the timer and of the service it starts, without suffix."""
    return f"care-revert-{token}"


def _directory(layout: Layout, token: str) -> str:
    if not _TOKEN.match(token):
        raise HostError(f"{token!r} is not the token of a guard")
    return os.path.join(layout.state, token)


def _deadline(layout: Layout, token: str) -> float:
    with open(os.path.join(_directory(layout, token), "armed"), encoding="ascii") as stream:
        return float(stream.read().strip() or 0)


def _keep(layout: Layout, directory: str, token: str, items: list[tuple[dict[str, Any], Any]], seconds: int) -> None:
    """Writes the before-state, restore.sh and the boot unit; everything is on disk when this returns."""
    steps: list[str] = []
    late: list[str] = []
    reloads: dict[str, None] = {}
    # The last change first: what includes a file goes before the file does.
    for number, (change, present) in reversed(list(enumerate(items))):
        name = change["object"]["id"]
        if change["kind"] == "file":
            steps.append(_keep_file(directory, number, name, change))
        elif change["kind"] == "service":
            early, after = _service_lines(units.full_name(name), change, present)
            steps += early
            late += after
        elif change["kind"] == "ruleset":
            saved = os.path.join(directory, f"{number}.nft")
            _write(saved, rulesets.script(rulesets.parse_name(name), present), 0o600)
            late.insert(0, f"nft -f {shlex.quote(saved)} || failed=1")
        profile = profiles.PROFILES.get(change.get("profile") or "")
        if profile is not None and profile.reload != "none":
            verb = "reload-or-restart" if profile.reload == "reload" else "restart"
            for unit in filter(units.is_active, profile.units):
                # It ran when the guard was armed: should the change have killed it, it is started again.
                reloads[f"systemctl reset-failed {unit} 2>/dev/null; systemctl {verb} {unit} || failed=1"] = None
    boot_unit = os.path.join(layout.units, f"{unit_name(token)}-boot.service")
    boot_link = os.path.join(layout.units, "sysinit.target.wants", f"{unit_name(token)}-boot.service")
    script = _SCRIPT.format(
        directory=shlex.quote(directory),
        lock=shlex.quote(layout.lock),
        timer=f"{unit_name(token)}.timer",
        boot=f"{shlex.quote(boot_link)} {shlex.quote(boot_unit)}",
        steps="\n".join(steps),
        late="\n".join([*late, *reloads]),
    )
    path = os.path.join(directory, "restore.sh")
    _write(path, script, 0o700)
    _write(os.path.join(directory, "armed"), f"{time.time() + seconds:.0f}\n", 0o600)
    _write(boot_unit, _BOOT.format(token=token, state=layout.state, directory=directory, script=path), 0o644)
    os.makedirs(os.path.dirname(boot_link), exist_ok=True)
    os.symlink(boot_unit, boot_link)
    for flushed in (directory, layout.state, os.path.dirname(boot_unit), os.path.dirname(boot_link)):
        descriptor = os.open(flushed, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _keep_file(directory: str, number: int, path: str, change: dict[str, Any]) -> str:
    """Copies a file with its mode, owner and attributes; returns the shell lines that put it back."""
    target = shlex.quote(path)
    beside = shlex.quote(files.temporary(path))
    if not files.read(path).exists:
        lines = [f"rm -f -- {target} {beside}"]
        made = change.get("context", {}).get("created_directories") or []
        lines += [f"rmdir -- {shlex.quote(files.check_path(parent))} 2>/dev/null" for parent in reversed(made)]
        return "\n".join(lines)
    saved = os.path.join(directory, f"{number}.file")
    shutil.copy2(path, saved, follow_symlinks=False)
    facts = os.stat(path, follow_symlinks=False)
    os.chown(saved, facts.st_uid, facts.st_gid)
    os.chmod(saved, facts.st_mode & 0o7777)  # after chown, which clears setuid bits
    descriptor = os.open(saved, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    parent = shlex.quote(os.path.dirname(path))
    return (
        f"mkdir -p -- {parent}\nrm -f -- {beside}\n"
        f"cp -a -- {shlex.quote(saved)} {beside} && sync {beside} && mv -f -- {beside} {target} || failed=1"
    )


def _service_lines(unit: str, change: dict[str, Any], state: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Shell lines that bring a unit back to `state`: its enablement, then starting or stopping it. Only what changes:
    stopping nftables.service, for one, flushes every table of the host."""
    early: list[str] = []
    if "enabled" in state:
        enabled = (change["before"]["enabled"], change["after"]["enabled"])
        if any(value.startswith("masked") for value in enabled):
            early.append(f"systemctl --quiet unmask {unit} || failed=1")
        runtime = " --runtime" if state["enabled"].endswith("-runtime") else ""
        verbs = {"enabled": "enable", "disabled": "disable", "masked": "mask"}
        switch = verbs.get(state["enabled"].removesuffix("-runtime"))
        if switch:
            early.append(f"systemctl --quiet {switch}{runtime} {unit} || failed=1")
            # At boot, systemd has queued its start, or not, before the enablement was put back.
            verb = "start" if switch == "enable" else "stop"
            early.append(f'[ "$how" != boot ] || systemctl --quiet --no-block {verb} {unit}')
    if "active" not in state:
        return early, []
    return early, [f"systemctl {'start' if state['active'] else 'stop'} {unit} || failed=1"]


def _write(path: str, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _discard(layout: Layout, token: str) -> None:
    with contextlib.suppress(HostError):
        run(["systemctl", "stop", "--", f"{unit_name(token)}.timer"])
    for path in (
        os.path.join(layout.units, "sysinit.target.wants", f"{unit_name(token)}-boot.service"),
        os.path.join(layout.units, f"{unit_name(token)}-boot.service"),
    ):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    shutil.rmtree(_directory(layout, token), ignore_errors=True)


# "locked": the caller already holds the lock. "boot": services are not running yet and will start with the restored
# files.
_SCRIPT = """#!/bin/sh
# care.remediation: puts back what an unconfirmed change has changed. Run by a timer, at boot, or by a rollback.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
export PATH LC_ALL
directory={directory}
how=${{1:-timer}}
failed=0
if [ "$how" != locked ]; then
    # A writer that is still at work is waited for, but not for ever: it may hang on what it has just broken.
    exec 9<>{lock} && flock -w 30 9
fi
[ -d "$directory" ] || exit 0
exec >>"$directory/log" 2>&1
[ -e "$directory/confirmed" ] && exit 0
[ -e "$directory/reverted" ] && exit 0
date -u
{steps}
if [ "$how" != boot ]; then
systemctl daemon-reload
{late}
fi
if [ "$failed" = 0 ]; then
    : >"$directory/reverted" && sync "$directory/reverted"
    rm -f -- "$directory"/*.file "$directory"/*.nft
fi
rm -f -- {boot}
[ "$how" = timer ] || systemctl --no-block stop {timer} 2>/dev/null
echo "failed=$failed"
exit "$failed"
"""

_BOOT = """[Unit]
Description=care.remediation: take back the unconfirmed change {token} after a reboot
DefaultDependencies=no
RequiresMountsFor={state} /etc
After=local-fs.target
Before=nftables.service network-pre.target ssh.service sshd.service sysinit.target
ConditionPathExists={directory}/armed
ConditionPathExists=!{directory}/confirmed
ConditionPathExists=!{directory}/reverted

[Service]
Type=oneshot
ExecStart=/bin/sh {script} boot

[Install]
WantedBy=sysinit.target
"""
