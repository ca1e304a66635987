# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies and undoes host changes: compare, write, read back, and all of a service back when it does not take it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import files, guard, lock, profiles, targets
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.layout import Layout, private_directory

Change = dict[str, Any]


@dataclass
class Step:
    """One change on its way: from `source` to `wanted`, and what became of it."""

    change: Change
    source: Any
    wanted: Any
    present: Any = None
    captured: Any = None
    status: str = ""
    message: str = ""
    found: Any = None

    @property
    def open(self) -> bool:
        return not self.status

    def settle(self, status: str, message: str = "", found: Any = None) -> None:
        self.status, self.message, self.found = status, message, found

    def result(self) -> dict[str, Any]:
        return {"id": self.change["id"], "status": self.status, "message": self.message, "found": self.found}


@dataclass
class Service:
    """The service whose files a group of changes is about; without a profile there is nothing to do for one."""

    profile: profiles.Profile | None
    changes: list[Change]
    running: bool = False
    taken: bool = False

    @property
    def paths(self) -> list[str]:
        return [change["object"]["id"] for change in self.changes if change["kind"] == "file"]

    def look(self, refuse_broken: bool) -> None:
        """Notes whether it runs. Raises HostError when its present configuration is broken already."""
        if self.profile is None:
            return
        self.running = self.profile.running(self.paths)
        problem = self.profile.check(self.paths) if refuse_broken else None
        if problem:
            name = self.profile.name
            raise HostError(f"the present configuration of {name} is already refused, before any change: {problem}")

    def take(self) -> None:
        """Shows its checker the files, has it take them, asks it as a client. Raises HostError with their words."""
        if self.profile is None:
            return
        problem = self.profile.check(self.paths)
        if problem:
            raise HostError(f"{self.profile.name}: its checker refuses the configuration: {problem}")
        if self.running:
            self.taken = True
            self.profile.take(self.paths)
            problem = self.profile.answers(self.paths)
            if problem:
                raise HostError(f"{self.profile.name}: {problem}")


@dataclass
class Writer:
    """Settings of one call. `guard_seconds`: how long an unconfirmed guarded change stays."""

    layout: Layout = field(default_factory=Layout)
    entries: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    guard_seconds: int = 60
    lock_seconds: float = 30.0

    def apply(self, changes: Sequence[Change], check: bool = False) -> dict[str, Any]:
        """Brings each change from `before` to `after`. Returns the writer result (docs/architecture.md)."""
        steps = [Step(change, change["before"], change["after"]) for change in changes]
        return self._run(steps, "applied", "already", check)

    def undo(self, changes: Sequence[Change], check: bool = False) -> dict[str, Any]:
        """Brings each change from `after` back to `before`, the last one first."""
        steps = [Step(change, change["after"], change["before"]) for change in reversed(changes)]
        return self._run(steps, "undone", "nothing_to_undo", check)

    def confirm(self, token: str) -> None:
        """Keeps a guarded change. Raises HostError when it was taken back already."""
        with lock.held(self.layout.lock, self.lock_seconds):
            undone = guard.remembered(self.layout, token)
            guard.confirm(self.layout, token)
            self._secrets().forget(undone)

    def _run(self, steps: list[Step], done: str, nothing: str, check: bool) -> dict[str, Any]:
        if not steps:
            return {"changed": False, "results": []}
        if check:
            groups = self._compare(steps, nothing)
            for step in (step for group in groups for step in group if step.open):
                step.settle(done, "check mode: nothing was written")
            return self._result(steps, done)
        with lock.held(self.layout.lock, self.lock_seconds):
            guard.settle_earlier(self.layout, take_back=done == "undone")
            for step in steps:
                if step.change["kind"] == "file":
                    files.clear_leftover(step.change["object"]["id"])
            groups = self._compare(steps, nothing)
            for step in steps:
                if step.status == "nothing_to_undo" and targets.is_creation(step.change):
                    # Killed between making its folders and the file: only the folders are there.
                    files.remove(step.change["object"]["id"], step.change["context"].get("created_directories"))
            armed: guard.Guard | None = None
            if any(step.open and _guarded(step.change) for step in steps):
                todo = [step for step in steps if step.open]
                armed = guard.arm(self.layout, [(step.change, step.present) for step in todo], self.guard_seconds)
            for group in groups:
                self._write_group(group, done)
            result = self._result(steps, done)
            if armed is not None:
                if any(step.status == done and _guarded(step.change) for step in steps):
                    result["guard"] = {"token": armed.token, "seconds": armed.seconds}
                else:
                    guard.disarm(self.layout, armed.token)
            if done == "undone":
                self._tidy(steps, armed.token if "guard" in result and armed else None)
            return result

    def _tidy(self, steps: list[Step], token: str | None) -> None:
        """After an undo: the before-copies of secrets that are back go (with guard `token`, when it is confirmed)."""
        back = [step.change["id"] for step in steps if step.status in ("undone", "nothing_to_undo")]
        if token is None:
            self._secrets().forget(back)
        else:
            guard.remember(self.layout, token, back)
        guard.clear_fired(self.layout)

    def _compare(self, steps: list[Step], nothing: str) -> list[list[Step]]:
        """Reads what is there; settles what is not to be written; returns the steps grouped by profile, in order."""
        groups: dict[str, list[Step]] = {}
        for step in steps:
            change = step.change
            groups.setdefault(change.get("profile") or change["id"], []).append(step)
            try:
                step.present = targets.read(change)
            except (HostError, OSError) as error:
                step.settle("unverified", f"{error}; nothing was written")
                continue
            if targets.same(change, step.present, step.wanted):
                step.settle(nothing)
            elif not targets.same(change, step.present, step.source):
                found = targets.shown(change, step.present)
                step.settle(
                    "conflict",
                    f"{change['object']['label']} is not as it was: someone else changed it; left alone",
                    found,
                )
        for group in groups.values():
            blocked = next((step for step in group if step.status in ("conflict", "unverified")), None)
            if blocked:
                for step in (step for step in group if step.open):
                    step.settle(
                        "conflict",
                        f"not written, because of {blocked.change['object']['label']}: {blocked.message}",
                    )
        return list(groups.values())

    def _write_group(self, group: list[Step], done: str) -> None:
        """Writes the open steps of one service as a transaction: all of them, with the service answering, or none."""
        name = group[0].change.get("profile")
        todo = [step for step in group if step.open]
        if not todo and not (name and unfinished(self.layout, name)):
            return
        service = Service(profiles.get(name) if name else None, [step.change for step in group])
        written: list[Step] = []
        try:
            service.look(refuse_broken=done == "applied")
            if name:
                self._set_mark(name)
            for step in todo:
                self._write_step(step, written, keep=done == "applied")
            service.take()
            for step in todo:
                self._read_back(step)
                step.settle(done)
        except (HostError, OSError, ValueError) as error:
            self._put_back(written, todo, service, str(error))
        if name:
            self._clear_mark(name)

    def _write_step(self, step: Step, written: list[Step], keep: bool) -> None:
        secrets = self._secrets()
        step.captured = targets.capture(step.change)
        if keep and step.captured is not None and targets.is_secret(step.change):
            secrets.keep(step.change, step.captured)
        written.append(step)
        targets.write(step.change, step.present, step.wanted, secrets)
        self._read_back(step)

    def _read_back(self, step: Step) -> None:
        found = targets.read(step.change)
        if not targets.same(step.change, found, step.wanted):
            step.found = targets.shown(step.change, found)
            raise HostError(f"{step.change['object']['label']}: what was read back is not what was written")

    def _put_back(self, written: list[Step], todo: list[Step], service: Service, reason: str) -> None:
        left: list[str] = []
        for step in reversed(written):
            try:
                present = targets.read(step.change)
                if not targets.same(step.change, present, step.source):
                    targets.put_back(step.change, present, step.present, step.captured)
            except (HostError, OSError, ValueError) as error:
                left.append(f"{step.change['object']['label']} could not be put back: {error}")
        if service.taken:
            try:
                service.take()
            except HostError as error:
                left.append(f"after putting everything back: {error}")
        what = "; ".join(left) if left else "everything of this service was put back as it was"
        for step in todo:
            step.settle("failed", f"{reason}; {what}" if written else reason, step.found)

    def _result(self, steps: list[Step], done: str) -> dict[str, Any]:
        return {"changed": any(step.status == done for step in steps), "results": [step.result() for step in steps]}

    def _secrets(self) -> targets.Secrets:
        return targets.Secrets(self.layout, {entry["path"]: entry for entry in self.entries}, self.texts)

    def _mark(self, name: str) -> str:
        return mark(self.layout, name)

    def _set_mark(self, name: str) -> None:
        """Says on disk that the service has still to take its files: a killed writer is finished by the next one."""
        private_directory(self.layout.state)
        private_directory(self.layout.pending)
        with open(self._mark(name), "w", encoding="ascii") as stream:
            os.fsync(stream.fileno())

    def _clear_mark(self, name: str) -> None:
        if os.path.exists(self._mark(name)):
            os.unlink(self._mark(name))


def mark(layout: Layout, profile: str) -> str:
    """The file that is there while a service has still to take the files that were written for it."""
    return os.path.join(layout.pending, profile)


def unfinished(layout: Layout, profile: str) -> bool:
    """Whether a killed run has left this service without its new files taken."""
    return os.path.exists(mark(layout, profile))


def _guarded(change: Change) -> bool:
    if change["kind"] == "ruleset":
        return True
    profile = profiles.PROFILES.get(change.get("profile") or "")
    return profile is not None and profile.guarded
