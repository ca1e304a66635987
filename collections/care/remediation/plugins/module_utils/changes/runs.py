# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs: their folders, which one is going on, and what its tasks planned.

``<care_dir>/current.json`` names the ansible-playbook process that has the care folder, so that two runs, or a run and
a rollback, never interleave. A process that was killed leaves it behind: whether its owner is alive is looked up, not
believed. ``<care_dir>/activity.lock`` is held by each task while it applies, for a task process may survive the
ansible-playbook that started it.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import documents, journal, model

RUN_ID = re.compile(r"\d{8}-\d{6}\.\d{3}-[0-9a-f]{4}")
# How long a new run waits for a task of a killed one to finish writing, seconds.
ORPHAN_WAIT = 30.0


class RunError(Exception):
    """A run cannot be opened or found; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told apart from a later one with the same number."""

    machine: str
    boot: str
    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Owner:
        """The process with this number on this machine; ``started`` is empty when it is not there."""
        return cls(socket.gethostname(), _boot_id(), pid, _start_time(pid))

    def alive(self) -> bool | None:
        """Whether the process still runs; None when it is another machine's and cannot be seen from here."""
        if self.machine != socket.gethostname():
            return None
        return self.boot == _boot_id() and bool(self.started) and _start_time(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Current:
    """Who has the care folder, and for which run."""

    run: str
    mode: str  # check, apply, standalone or rollback
    owner: Owner
    user: str
    since: str


class Store:
    """The runs below one care folder."""

    def __init__(self, care_dir: Path) -> None:
        """The folder is created when something is first written."""
        self.care_dir = care_dir
        self._current = care_dir / "current.json"

    def folder(self, run: str) -> Path:
        """The folder of a run. Raises ``RunError`` for what is not a run id (it becomes part of a path)."""
        if not RUN_ID.fullmatch(run):
            raise RunError(f"{run!r} is not a run id; runs are the folders of {self.care_dir / 'runs'}")
        return self.care_dir / "runs" / run

    def journal(self, run: str) -> journal.Journal:
        """The journal of a run, which need not exist yet."""
        return journal.Journal(self.folder(run) / "journal.jsonl", run)

    def runs(self) -> list[str]:
        """Ids of the runs that have a journal, oldest first."""
        paths = (self.care_dir / "runs").glob("*/journal.jsonl")
        return sorted(path.parent.name for path in paths if RUN_ID.fullmatch(path.parent.name))

    def current(self) -> Current | None:
        """Who has the folder now, dead or alive; None when nobody."""
        try:
            value = json.loads(self._current.read_text("utf-8"))
            return Current(value["run"], value["mode"], Owner(**value["owner"]), value["user"], value["since"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self._current}: damaged ({error}); remove it if no run goes on") from error

    def own(self, owner: Owner) -> Current | None:
        """The run that this owner has open, if any."""
        current = self.current()
        return current if current is not None and current.owner == owner else None

    def acquire(self, owner: Owner, mode: str, run: str | None = None) -> Current:
        """Take the care folder for a run of this owner, a new one unless ``run`` names one.

        Raises ``RunError`` when another living process has it, or a task of a killed run does not come to its end.
        """
        documents.private_folder(self.care_dir)
        with self._lock("current.lock", fcntl.LOCK_EX):
            self.check_free(owner)
            taken = Current(run or _new_id(), mode, owner, _user(), documents.now())
            documents.private_folder(self.care_dir / "runs")
            documents.private_folder(self.folder(taken.run))
            documents.write_text(self._current, json.dumps(asdict(taken)) + "\n")
            return taken

    def check_free(self, owner: Owner) -> None:
        """Raise ``RunError`` as ``acquire`` would, without taking the folder."""
        held = self.current()
        if held is not None and held.owner != owner:
            self._refuse_if_alive(held)
            self._wait_for_orphans(held)

    def standalone(self, owner: Owner) -> Current:
        """The run of tasks used without a playbook of ours: one for each ansible-playbook process."""
        current = self.own(owner)
        if current is not None and current.mode in ("standalone", "apply"):
            return current
        with self._lock("standalone.lock", fcntl.LOCK_EX):  # hosts of one play come here together
            current = self.own(owner)
            if current is not None and current.mode in ("standalone", "apply"):
                return current
            taken = self.acquire(owner, "standalone")
            self.journal(taken.run).append([{"event": "open", "mode": "standalone", "user": taken.user}])
            return taken

    def release(self, owner: Owner) -> None:
        """Give the care folder back; nothing happens when it is another's."""
        with self._lock("current.lock", fcntl.LOCK_EX):
            if self.own(owner) is not None:
                self._current.unlink()

    @contextmanager
    def activity(self) -> Iterator[None]:
        """Held by a task while it applies or undoes."""
        with self._lock("activity.lock", fcntl.LOCK_SH):
            yield

    def record(self, run: str, changes: Iterable[Mapping[str, Any]]) -> None:
        """Add what a task planned to the run's list."""
        self.append(self.folder(run) / "planned.jsonl", changes)

    @staticmethod
    def append(path: Path, entries: Iterable[Mapping[str, Any]]) -> None:
        """Add lines of JSON to a working file of a run; tasks of several hosts do so at the same time."""
        lines = b"".join(model.canonical(entry) + b"\n" for entry in entries)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            view = memoryview(lines)
            while view:
                view = view[os.write(descriptor, view) :]
        finally:
            os.close(descriptor)

    def planned(self, run: str) -> list[model.Change]:
        """Everything that the tasks of the run planned, merged and sorted."""
        try:
            lines = (self.folder(run) / "planned.jsonl").read_bytes().splitlines()
        except FileNotFoundError:
            return []
        return model.merged(json.loads(line) for line in lines)

    def forget(self, run: str) -> None:
        """Remove the folder of a run that applied nothing (a dry run)."""
        folder = self.folder(run)
        if not (folder / "journal.jsonl").exists():
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _lock(self, name: str, operation: int) -> Iterator[None]:
        documents.private_folder(self.care_dir)
        descriptor = os.open(self.care_dir / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, operation)
            yield
        finally:
            os.close(descriptor)

    def _refuse_if_alive(self, held: Current) -> None:
        alive = held.owner.alive()
        who = f"run {held.run} ({held.mode}), process {held.owner.pid} of {held.user} on {held.owner.machine}"
        if alive:
            raise RunError(
                f"Another run has this care folder ({self.care_dir}): {who}, since {held.since}. "
                "Nothing was done. Wait until it has finished, then start again."
            )
        if alive is None:
            raise RunError(
                f"This care folder ({self.care_dir}) is held from another machine: {who}, since {held.since}. "
                f"Nothing was done. Wait until it has finished; if it is dead, remove {self._current} and start again."
            )

    def _wait_for_orphans(self, held: Current) -> None:
        deadline = time.monotonic() + ORPHAN_WAIT
        while True:
            try:
                with self._lock("activity.lock", fcntl.LOCK_EX | fcntl.LOCK_NB):
                    return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise RunError(
                        f"A task of run {held.run}, whose ansible-playbook ended, is still applying. Nothing was done. "
                        "Wait until it has finished, then start again."
                    ) from None
                time.sleep(0.2)


def _new_id() -> str:
    stamp = datetime.now(UTC)
    return f"{stamp:%Y%m%d-%H%M%S}.{stamp.microsecond // 1000:03d}-{secrets.token_hex(2)}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return ""


def _start_time(pid: int) -> str:
    """The process's start, in clock ticks since boot (field 22 of /proc/<pid>/stat); empty when dead or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
