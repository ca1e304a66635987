"""The journal: chain, torn lines, tampering, several processes."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes.documents import DocumentError
from ansible_collections.care.remediation.plugins.module_utils.changes.journal import Journal, JournalError
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import file, flags

RUN = "20261122-020209.794-3820"


def intent(change: dict[str, Any]) -> dict[str, Any]:
    return {"event": "intent", "id": change["id"], "change": change, "host": change["host"], "writer": "host_change"}


def result(change: dict[str, Any], status: str, event: str = "result") -> dict[str, Any]:
    return {"event": event, "id": change["id"], "host": change["host"], "status": status}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", RUN)


def filled(journal: Journal) -> list[bytes]:
    one, two = file("/etc/é"), file("/etc/b")
    journal.append([{"event": "open", "mode": "apply", "user": "root"}])
    journal.append([intent(one), intent(two)])
    journal.append([result(one, "applied"), result(two, "conflict")])
    return journal.path.read_bytes().splitlines()


def test_what_was_written_is_read(journal: Journal) -> None:
    filled(journal)
    history = journal.read()
    assert [event["seq"] for event in history.events] == [1, 2, 3, 4, 5]
    assert [(i.change["object"]["id"], i.status, i.undoable) for i in history.intents()] == [
        ("/etc/é", "applied", True),
        ("/etc/b", "conflict", False),
    ]
    assert journal.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("statuses", "undoable"),
    [
        ([], True),  # killed before the result was known
        (["applied"], True),
        (["unverified"], True),
        (["failed"], True),
        (["already"], False),  # it was so before us: not ours to undo
        (["conflict"], False),
        (["applied", "failed"], True),  # a guard that nobody confirmed
    ],
)
def test_what_a_rollback_has_to_look_at(journal: Journal, statuses: list[str], undoable: bool) -> None:
    change = file()
    journal.append([intent(change), *[result(change, status) for status in statuses]])
    (found,) = journal.read().intents()
    assert found.undoable is undoable


@pytest.mark.parametrize(
    ("status", "left"), [("undone", 0), ("nothing_to_undo", 0), ("irreversible", 0), ("conflict", 1)]
)
def test_an_undo_is_remembered(journal: Journal, status: str, left: int) -> None:
    change = file()
    journal.append([intent(change), result(change, "applied")])
    journal.append([{"event": "undo_intent", "id": change["id"], "host": "web1"}])
    assert sum(i.undoable for i in journal.read().intents()) == 1  # killed in the middle: again
    journal.append([result(change, status, "undo_result")])
    assert sum(i.undoable for i in journal.read().intents()) == left


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("how", ["edit", "remove", "swap", "garble"])
def test_a_changed_line_is_named(journal: Journal, number: int, how: str) -> None:
    lines = filled(journal)
    index = number - 1
    if how == "edit":
        lines[index] = lines[index].replace(b"2026", b"2025", 1)
    elif how == "remove":
        del lines[index]
    elif how == "swap":
        lines[index], lines[index + 1] = lines[index + 1], lines[index]
    else:
        lines[index] = b"{" + lines[index]
    journal.path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(JournalError, match=rf"journal\.jsonl: line ({number}|{number + 1}): "):
        journal.read()


def test_a_change_that_does_not_match_its_id_is_refused(journal: Journal) -> None:
    change = flags()
    change["after"] = 512
    journal.append([intent(change)])
    with pytest.raises(JournalError, match="line 1: the change does not match its id"):
        journal.read()


@pytest.mark.parametrize(
    "event",
    [
        {"event": "opened"},
        {"event": "result", "id": "c-0123456789abcdef", "host": "h", "status": "done"},
        {"event": "intent", "id": "c-0123456789abcdef"},
        {"event": "open", "password": "x"},
    ],
)
def test_what_the_schema_refuses_is_not_written(journal: Journal, event: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match="line to append"):
        journal.append([event])
    assert not journal.path.exists() or journal.path.read_bytes() == b""


@given(cut=st.integers(1, 900), again=st.lists(st.integers(0, 400), max_size=3))
@settings(max_examples=60, deadline=None)
def test_any_torn_end_is_survived(tmp_path_factory: pytest.TempPathFactory, cut: int, again: list[int]) -> None:
    journal = Journal(tmp_path_factory.mktemp("j") / "journal.jsonl", RUN)
    filled(journal)
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[: max(0, len(whole) - cut)])
    kept = journal.read()
    complete = whole[: max(0, len(whole) - cut)].count(b"\n")
    assert len(kept.events) == complete
    for length in again:  # appends that are killed in their turn
        size = journal.path.stat().st_size
        journal.append([{"event": "guard", "host": "web1", "ids": ["x" * 50], "status": "armed"}])
        os.truncate(journal.path, min(size + length, journal.path.stat().st_size))
    journal.append([{"event": "close", "status": "complete"}])
    history = journal.read()
    assert history.events[-1]["event"] == "close"
    assert history.events[:complete] == kept.events
    journal.append([{"event": "close", "status": "complete"}])
    assert [e["seq"] for e in journal.read().events] == list(range(1, len(journal.read().events) + 1))


def _append(path: str, name: str) -> None:
    journal = Journal(Path(path), RUN)
    for index in range(20):
        journal.append([result(file(f"/etc/{name}-{index}"), "applied"), result(file(f"/etc/{name}"), "already")])


def test_processes_append_together(journal: Journal) -> None:
    workers = [multiprocessing.Process(target=_append, args=(str(journal.path), str(n))) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    events = journal.read().events
    assert len(events) == 160
    assert all(one["host"] == other["host"] for one, other in zip(events[::2], events[1::2], strict=True))


def test_lines_are_json_with_the_schema(journal: Journal) -> None:
    for line in filled(journal):
        assert json.loads(line)["schema"] == "care.remediation/journal/1"
