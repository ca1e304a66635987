# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a run: append-only, chained by hashes, flushed to disk before anything is written elsewhere.

One JSON object a line (schema ``journal-1``). Each line carries the SHA-256 of the line before it, so a line that was
edited, removed or inserted is found with its number. A process killed while it appends leaves a torn last line: that
line was never acted upon (writers start after the flush), so it is reported and left; the next line appended says so
(event ``torn``).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import documents, model

SCHEMA = "care.remediation/journal/1"
GENESIS = model.sha256(b"")
BLOCK = 65536
# What a result says about a change that may be on the target: these can be undone.
WRITTEN = frozenset({"applied", "unverified", "failed"})
# What an undo says when there is nothing left to do for that change.
SETTLED = frozenset({"undone", "nothing_to_undo", "irreversible"})

Event = dict[str, Any]


class JournalError(Exception):
    """The journal cannot be trusted or read; the message names file and line."""


@dataclass(slots=True)
class Intent:
    """One change that a run meant to make, and what is known of it."""

    seq: int
    host: str
    writer: str
    change: model.Change
    become: bool = False
    status: str | None = None  # last result; None: the run was killed before it was known
    undo_status: str | None = None  # last result of an undo
    undo_started: bool = False

    @property
    def written(self) -> bool:
        """Whether the change may be on the target."""
        return self.status is None or self.status in WRITTEN

    @property
    def undoable(self) -> bool:
        """Whether a rollback still has something to look at."""
        return self.written and self.undo_status not in SETTLED


@dataclass(slots=True)
class History:
    """A journal, read and checked."""

    run: str
    events: list[Event] = field(default_factory=list)
    torn_lines: list[int] = field(default_factory=list)

    def intents(self) -> list[Intent]:
        """Every change that the run meant to make, oldest first, each once."""
        known: dict[str, Intent] = {}
        for event in self.events:
            kind = event["event"]
            if kind == "intent":
                known.pop(event["id"], None)
                known[event["id"]] = Intent(
                    event["seq"], event["host"], event["writer"], event["change"], bool(event.get("become"))
                )
            elif event.get("id") in known:
                intent = known[event["id"]]
                if kind == "result" and event["status"] != "refused":
                    intent.status = event["status"]
                elif kind == "undo_intent":
                    intent.undo_started = True
                elif kind == "undo_result":
                    intent.undo_status = event["status"]
        return list(known.values())

    def refused(self) -> list[Event]:
        """Results of changes that the gate refused, each change once."""
        return list({e["id"]: e for e in self.events if e["event"] == "result" and e["status"] == "refused"}.values())

    @property
    def closed(self) -> bool:
        """Whether the run came to its end."""
        return any(event["event"] == "close" for event in self.events)


class Journal:
    """Appends to and reads one run's ``journal.jsonl``."""

    def __init__(self, path: Path, run: str) -> None:
        """``path`` need not exist; its folder must."""
        self.path = path
        self.run = run

    def append(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Append events in one piece and flush them to disk before returning.

        ``schema``, ``seq``, ``time``, ``run`` and ``prev`` are filled in. Waits for another process that is appending.
        Raises ``DocumentError`` for an event that the schema refuses; nothing is written then.
        """
        with self._locked() as descriptor:
            end = self._end(descriptor)
            seq, previous = end.sequence, end.previous
            pieces: list[bytes] = [] if end.terminated else [b"\n"]
            wanted = [dict(event) for event in events]
            if end.torn:
                wanted.insert(0, {"event": "torn", "bytes": end.torn})
            for event in wanted:
                seq += 1
                stamp = {"schema": SCHEMA, "seq": seq, "time": documents.now(), "run": self.run}
                line = {**stamp, **event, "prev": previous}
                documents.validate(line, "journal-1", f"{self.path}: line to append")
                data = model.canonical(line)
                previous = model.sha256(data)
                pieces.append(data + b"\n")
            _write_all(descriptor, b"".join(pieces))
            os.fsync(descriptor)

    def read(self) -> History:
        """Read and check the whole journal.

        Raises ``JournalError`` with the line's number when a line was changed, removed, inserted, or is not valid.
        """
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise JournalError(f"{self.path}: this run has no journal") from None
        lines = data.split(b"\n")
        tail = lines.pop()
        history = History(self.run)
        previous, seq, index = GENESIS, 0, 0
        while index < len(lines):
            torn = _torn_lines(lines, index)
            broken = not torn and _sequence(lines[index]) is None
            if broken and all(_sequence(line) is None for line in lines[index:]):
                torn = len(lines) - index  # nothing but the remains of killed appends up to the end
            if torn:
                history.torn_lines.extend(range(index + 1, index + torn + 1))
                previous = model.sha256(b"\n".join(lines[index : index + torn]))
                index += torn
                continue
            event = self._checked(lines[index], index + 1, previous, seq)
            history.events.append(event)
            previous, seq = model.sha256(lines[index]), seq + 1
            index += 1
        if tail:
            history.torn_lines.append(len(lines) + 1)
        return history

    def _checked(self, line: bytes, number: int, previous: str, seq: int) -> Event:
        where = f"{self.path}: line {number}"
        refusal = "The journal was changed after it was written, so it is not used. Restore it from a backup."
        try:
            event = json.loads(line)
        except ValueError as error:
            raise JournalError(f"{where}: not JSON ({error}). {refusal}") from error
        if not isinstance(event, dict) or event.get("prev") != previous:
            raise JournalError(f"{where}: does not continue the line before it (hash chain). {refusal}")
        if event.get("seq") != seq + 1 or event.get("run") != self.run:
            raise JournalError(f"{where}: out of order or of another run. {refusal}")
        try:
            documents.validate(event, "journal-1", where)
        except documents.DocumentError as error:
            raise JournalError(str(error)) from error
        change = event.get("change")
        if change is not None and (model.change_id(change) != event.get("id") or change["id"] != event["id"]):
            raise JournalError(f"{where}: the change does not match its id. {refusal}")
        return event

    @contextmanager
    def _locked(self) -> Iterator[int]:
        created = not self.path.exists()
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if created:
                documents.sync_folder(self.path.parent)
            yield descriptor
        finally:
            os.close(descriptor)

    def _end(self, descriptor: int) -> _End:
        size = os.fstat(descriptor).st_size
        end = size
        while end > 0:
            line, terminated = _line_before(descriptor, end)
            start = end - len(line) - (1 if terminated else 0)
            # A line that lacks its newline only is whole: no shorter piece of a JSON object is one.
            sequence = _sequence(line)
            if sequence is not None:
                break
            end = start
        if end == 0:
            sequence, previous = 0, GENESIS
        else:
            previous = model.sha256(line)
        if end == size:
            return _End(sequence or 0, previous, 0, size == 0 or terminated)
        rest = os.pread(descriptor, size - end, end)
        terminated = rest.endswith(b"\n")
        torn = rest[:-1] if terminated else rest
        return _End(sequence or 0, model.sha256(torn), len(torn), terminated)


@dataclass(frozen=True, slots=True)
class _End:
    """Where a journal ends."""

    sequence: int  # number of the last whole line
    previous: str  # the hash that the next line carries
    torn: int  # length in bytes of what a killed append left after it
    terminated: bool  # whether a newline is the last byte


def _sequence(line: bytes) -> int | None:
    """The number of a journal line; None when it is not one."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event["seq"] if isinstance(event, dict) and isinstance(event.get("seq"), int) else None


def _torn_lines(lines: list[bytes], first: int) -> int:
    """How many lines from index ``first`` on are declared torn by the line after them (0: none)."""
    for index in range(first + 1, len(lines)):
        if _sequence(lines[index]) is None:
            continue
        if b'"event":"torn"' not in lines[index]:
            return 0
        event = json.loads(lines[index])
        torn = b"\n".join(lines[first:index])
        if event.get("event") == "torn" and event.get("prev") == model.sha256(torn) and event.get("bytes") == len(torn):
            return index - first
        return 0
    return 0


def _line_before(descriptor: int, end: int) -> tuple[bytes, bool]:
    """The last line of the first ``end`` bytes, and whether a newline ends it."""
    data = b""
    position = end
    terminated = False
    while position > 0:
        step = min(BLOCK, position)
        position -= step
        data = os.pread(descriptor, step, position) + data
        terminated = data.endswith(b"\n")
        body = data[:-1] if terminated else data
        cut = body.rfind(b"\n")
        if cut >= 0:
            return body[cut + 1 :], terminated
    return (data[:-1] if terminated else data), terminated


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
