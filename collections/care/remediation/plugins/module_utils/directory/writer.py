# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies or undoes a list of directory changes: compare, write, read back. It decides nothing.

Requests are pipelined over the session's one connection, in batches: all objects of a batch are read, the values that
are still as expected are written, all are read back.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import trust_writer
from ansible_collections.care.remediation.plugins.module_utils.directory.attribute_change import AttributeChange
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.object_change import ObjectChange
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    Result,
    Session,
    sd_flags_control,
)

Change = Mapping[str, Any]
KINDS: Final = ("flags", "values", "replace", "aces", "owner", "password", "object")
# Two of one attribute are two requests: each says the whole of it
_ALONE: Final = frozenset({"owner", "password", "replace"})
_BATCH: Final = 500
_WINDOW: Final = 64
# noSuchAttribute, attributeOrValueExists, entryAlreadyExists: the server's own "it is not as you said"
_MOVED: Final = frozenset({16, 20, 68})
# notAllowedOnNonLeaf: something was put below an object that is to go
_NON_LEAF: Final = 66
# A later change may need an earlier one of another object: a new primary group needs the membership first
_BARRIERS: Final = frozenset({"primarygroupid"})
# The lock is held for one task of a run; a long one changes thousands of objects
_LOCK_WAIT: Final = 120.0


def write(
    session: Session,
    operation: str,
    changes: Sequence[Change],
    check_mode: bool = False,
    trust_policy: trust_writer.Connect | None = None,
) -> dict[str, Any]:
    """Apply or undo ``changes`` (of the form in docs/architecture.md); the writer result of that page.

    With ``check_mode`` everything is read and compared, the statuses are those that writing would give, and nothing
    is written. ``trust_policy`` opens the Local Security Authority, for changes of trusts. Raises DirectoryError when
    another run holds the domain, or the operation is unknown.
    """
    if operation not in ("apply", "undo"):
        raise DirectoryError(f"unknown operation {operation!r}: apply or undo")
    writer = _Writer(session, operation == "undo", check_mode, trust_policy)
    with contextlib.nullcontext() if check_mode else lock(session.domain_sid):
        ordered = list(reversed(changes)) if operation == "undo" else list(changes)
        accepted = [change for change in ordered if writer.acceptable(change)]
        for batch in batches(accepted, operation == "undo"):
            writer.run(batch)
    results = [writer.results[change["id"]] for change in changes]
    return {"changed": any(r["status"] in ("applied", "undone", "unverified") for r in results), "results": results}


def batches(changes: Sequence[Change], undo: bool) -> Iterator[list[AttributeChange] | list[ObjectChange]]:
    """The changes in order, those of one attribute of one object together, cut where one must wait for another.

    An object that comes or goes is alone: others may be put below it, or refer to it.
    """
    group: dict[tuple[str, str], AttributeChange] = {}
    for change in changes:
        if change["kind"] == "object":
            if group:
                yield list(group.values())
                group = {}
            yield [ObjectChange(change, undo)]
            continue
        object_id, attribute = str(change["object"]["id"]).lower(), str(change["attribute"])
        key = (object_id, attribute.lower())
        alone = attribute.lower() in _BARRIERS
        clash = key in group and (group[key].kind != change["kind"] or change["kind"] in _ALONE)
        if group and (alone or clash or (len(group) >= _BATCH and key not in group)):
            yield list(group.values())
            group = {}
        group.setdefault(key, AttributeChange(object_id, attribute, str(change["kind"]), undo)).changes.append(change)
        if alone:
            yield list(group.values())
            group = {}
    if group:
        yield list(group.values())


class _Writer:
    def __init__(
        self, session: Session, undo: bool, check_mode: bool, trust_policy: trust_writer.Connect | None = None
    ) -> None:
        self.session = session
        self.trust_policy = trust_policy
        self.undo = undo
        self.check_mode = check_mode
        self.results: dict[str, dict[str, Any]] = {}
        self.done = "undone" if undo else "applied"
        self.nothing = "nothing_to_undo" if undo else "already"

    def say(self, change: Change, status: str, message: str = "", found: str | None = None) -> None:
        result: dict[str, Any] = {"id": change["id"], "status": status, "message": message}
        if found is not None:
            result["found"] = found
        self.results[change["id"]] = result

    def acceptable(self, change: Change) -> bool:
        """False, with a result, for a change that is never written."""
        label = change["object"].get("label") or change["object"]["id"]
        if change.get("target") != "directory" or change.get("kind") not in KINDS:
            self.say(change, "failed", f"{label}: {change.get('target')}/{change.get('kind')} is not for the directory")
        elif not self.undo and change.get("hazards"):
            named = ", ".join(f"{h['kind']} {h['object']}" for h in change["hazards"])
            self.say(change, "failed", f"{label}: never written, it touches {named}")
        elif self.undo and (change["kind"] == "password" or not change.get("reversible", True)):
            reason = change.get("irreversible_reason") or "password_lost"
            self.say(change, "irreversible", f"{label}: {reason}")
        elif change["kind"] == "password" and not self.session.encrypted:
            self.say(change, "failed", f"{label}: a password is only sent over an encrypted connection (encrypt, TLS)")
        else:
            return True
        return False

    def run(self, batch: list[AttributeChange] | list[ObjectChange]) -> None:
        if isinstance(batch[0], ObjectChange):
            self._run_object(batch[0])
        else:
            self._run_attributes(batch)

    def _run_object(self, operation: ObjectChange) -> None:
        change = operation.change
        label = _label(change)
        try:
            why = operation.wrong()
        except (ValueError, KeyError, TypeError) as error:
            why = str(error)
        if why:
            self.say(change, "failed", f"{label}: {why}")
            return
        ((_dn, entry),) = self.session.read_many([operation.dn], operation.read_attributes)
        if isinstance(entry, DirectoryError):
            self.say(change, "failed", f"{label}: not written, it could not be read first: {entry}")
            return
        where = operation.where(entry)
        if where == "after":
            self.say(change, self.nothing)
        elif where == "other":
            self._object_conflict(operation, entry)
        elif self.check_mode:
            self.say(change, self.done)
        else:
            if operation.adds:
                answer = self.session.add(operation.dn, operation.addlist())
            else:
                # by GUID: this very object, whatever has taken its name meanwhile
                answer = self.session.delete(f"<GUID={entry.guid()}>" if entry and entry.guid() else operation.dn)
            ((_dn, now),) = self.session.read_many([operation.dn], operation.read_attributes)
            self._judge_object(operation, answer, now)

    def _judge_object(self, operation: ObjectChange, answer: Result, now: Entry | DirectoryError | None) -> None:
        change, label = operation.change, _label(operation.change)
        if isinstance(now, DirectoryError):
            if answer.code:
                self.say(change, "failed", f"{label}: {answer.error}")
            else:
                self.say(change, "unverified", f"{label}: could not be read back: {now}")
        elif operation.where(now) == "after":
            self.say(change, self.done)
        elif answer.code == _NON_LEAF:
            self.say(change, "conflict", f"{label}: left alone, there are objects below it: {answer.error}")
        elif answer.code in _MOVED:
            self._object_conflict(operation, now)
        elif answer.ok:
            self.say(change, "failed", f"{label}: written, but read back differently: {operation.shown(now)}")
        else:
            self.say(change, "failed", f"{label}: {answer.error}")

    def _object_conflict(self, operation: ObjectChange, entry: Entry | None) -> None:
        present = operation.shown(entry)
        message = "left alone, it is not the object that was seen" if not operation.adds else "left alone, it is there"
        self.say(operation.change, "conflict", f"{_label(operation.change)}: {message}: {present}", present)

    def _run_attributes(self, batch: list[AttributeChange]) -> None:
        before = self._read(batch)
        todo: list[tuple[AttributeChange, list[Change], Entry, list[Any]]] = []
        for operation, entry in zip(batch, before, strict=True):
            ready = self._compare(operation, entry)
            if not ready or not isinstance(entry, Entry):
                continue
            if self.check_mode:
                for change in ready:
                    self.say(change, self.done)
                continue
            try:
                todo.append((operation, ready, entry, operation.modlist(entry, ready)))
            except ValueError as error:
                for change in ready:
                    self.say(change, "failed", f"{_label(change)}: {error}")
        if not todo:
            return
        answers = self._send([(operation, modlist) for operation, _ready, _entry, modlist in todo])
        after = self._read([operation for operation, _ready, _entry, _modlist in todo])
        for (operation, ready, entry, _modlist), answer, now in zip(todo, answers, after, strict=True):
            self._judge(operation, ready, entry, answer, now)

    def _send(self, requests: Sequence[tuple[AttributeChange, list[Any]]]) -> list[Result]:
        """The requests, in their order: over LDAP, those of trusts through the Local Security Authority."""
        trusts = [(op.dn, mods) for op, mods in requests if op.attribute.lower() == trust_writer.ATTRIBUTE]
        answered = iter(trust_writer.write(self.session, trusts, self.trust_policy) if trusts else ())
        items = (
            (operation.dn, modlist, None if operation.sd_flags is None else [sd_flags_control(operation.sd_flags)])
            for operation, modlist in requests
            if operation.attribute.lower() != trust_writer.ATTRIBUTE
        )
        others = iter(list(self.session.modify_many(items, window=_WINDOW)))
        return [next(answered if op.attribute.lower() == trust_writer.ATTRIBUTE else others) for op, _mods in requests]

    def _read(self, batch: Sequence[AttributeChange]) -> list[Entry | DirectoryError | None]:
        """Each operation's object with its attribute. Operations are grouped by what they read: one filter each."""
        found: list[Entry | DirectoryError | None] = [None] * len(batch)
        by_need: dict[tuple[int | None, str], list[int]] = {}
        for number, operation in enumerate(batch):
            by_need.setdefault((operation.sd_flags, operation.read_attributes[0]), []).append(number)
        for (sd_flags, attribute), numbers in by_need.items():
            answers = self.session.read_many((batch[n].dn for n in numbers), [attribute], sd_flags, window=_WINDOW)
            for number, (_dn, entry) in zip(numbers, answers, strict=True):
                found[number] = entry
        return found

    def _compare(self, operation: AttributeChange, entry: Entry | DirectoryError | None) -> list[Change]:
        """The changes of an operation whose present value is where they start; the others get their result."""
        ready: list[Change] = []
        for change in operation.changes:
            label = _label(change)
            if isinstance(entry, DirectoryError):
                self.say(change, "failed", f"{label}: not written, it could not be read first: {entry}")
                continue
            if entry is None:
                self.say(change, "conflict", f"{label}: the object no longer exists (or may not be read)", "absent")
                continue
            try:
                where = operation.where(change, entry)
            except (ValueError, KeyError, TypeError) as error:
                self.say(change, "failed", f"{label}: {error}")
                continue
            if where == "before":
                ready.append(change)
            elif where == "after":
                self.say(change, self.nothing)
            else:
                self._conflict(operation, change, entry)
        return ready

    def _conflict(self, operation: AttributeChange, change: Change, entry: Entry) -> None:
        present = operation.shown(change, entry)
        expected = change["display"]["after" if self.undo else "before"]
        self.say(
            change,
            "conflict",
            f"{_label(change)}: left alone, someone else changed it: {present}; expected: {expected}",
            present,
        )

    def _judge(
        self,
        operation: AttributeChange,
        ready: Sequence[Change],
        entry: Entry,
        answer: Result,
        now: Entry | DirectoryError | None,
    ) -> None:
        for change in ready:
            label = _label(change)
            if not isinstance(now, Entry):
                why = str(now) if now is not None else "the object no longer exists"
                if answer.error is not None and answer.code is not None:
                    self.say(change, "failed", f"{label}: {answer.error}")
                else:
                    said = f"; {answer.error}" if answer.error else ""
                    self.say(change, "unverified", f"{label}: could not be read back: {why}{said}")
                continue
            try:
                reached = self._reached(operation, change, entry, now)
                start = operation.where(change, now) == "before"
            except (ValueError, KeyError, TypeError) as error:
                self.say(change, "unverified", f"{label}: {error}")
                continue
            if answer.ok or answer.code is None:
                moved = operation.collateral(entry, now)
                if reached and not moved:
                    self.say(change, self.done)
                elif reached:
                    self.say(change, self.done, f"{label}: {moved}")
                elif answer.code is None and start:
                    self.say(change, "failed", f"{label}: {answer.error}")
                else:
                    present = operation.shown(change, now)
                    self.say(change, "failed", f"{label}: written, but read back differently: {present}", present)
            elif answer.code in _MOVED or not start:
                self._conflict(operation, change, now)
            else:
                self.say(change, "failed", f"{label}: {answer.error}{operation.hint}")

    @staticmethod
    def _reached(operation: AttributeChange, change: Change, entry: Entry, now: Entry) -> bool:
        if operation.kind == "password":
            # Only a write of the password moves pwdLastSet; it counts 100 ns
            return (now.int("pwdLastSet") or 0) > (entry.int("pwdLastSet") or 0)
        return operation.where(change, now) == "after"


def _label(change: Change) -> str:
    what = change["attribute"] or change["kind"]
    return f"{change['object'].get('label') or change['object']['id']} ({what})"


@contextlib.contextmanager
def lock(domain_sid: str, wait: float = _LOCK_WAIT) -> Iterator[None]:
    """Only one writer a domain on this machine: held while in the context, given back by the kernel if killed.

    Raises DirectoryError when another one holds it for longer than ``wait`` seconds.
    """
    folder = next(
        (path for path in (Path("/run/lock"), Path(tempfile.gettempdir())) if os.access(path, os.W_OK)), Path.cwd()
    )
    path = folder / f"care-remediation-{domain_sid}.lock"
    try:
        # The folder is everyone's: no link is followed, and a file of another user is opened, not made
        descriptor = os.open(
            path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (0 if path.exists() else os.O_CREAT), 0o666
        )
    except OSError as error:
        raise DirectoryError(f"the lock {path} cannot be opened: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DirectoryError(f"the lock {path} is not a file: remove it")
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise DirectoryError(
                        f"another run is changing this domain (it holds {path}): wait until it ends"
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
