"""Who has the care folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import runs

from .builders import flags


@pytest.fixture
def store(tmp_path: Path) -> runs.Store:
    return runs.Store(tmp_path / "care")


def me() -> runs.Owner:
    return runs.Owner.of(os.getpid())


def test_a_living_owner_is_respected_and_a_dead_one_is_not(store: runs.Store) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        owner = runs.Owner.of(other.pid)
        held = store.acquire(owner, "apply")
        with pytest.raises(runs.RunError, match=rf"process {other.pid} .*Nothing was done"):
            store.acquire(me(), "apply")
        other.kill()
    taken = store.acquire(me(), "rollback", held.run)
    assert taken.run == held.run and store.own(me()) == taken
    store.release(owner)
    assert store.own(me()) == taken  # only the owner gives it back
    store.release(me())
    assert store.current() is None


def test_a_process_number_used_again_is_another_process(store: runs.Store) -> None:
    store.acquire(replace(me(), started="1"), "apply")
    assert store.acquire(me(), "apply").owner == me()


def test_another_machine_is_not_guessed_about(store: runs.Store) -> None:
    store.acquire(replace(me(), machine="autre"), "apply")
    with pytest.raises(runs.RunError, match=r"held from another machine: .*autre"):
        store.acquire(me(), "apply")


def test_tasks_alone_share_the_run_of_their_playbook(store: runs.Store) -> None:
    run = store.standalone(me()).run
    assert store.standalone(me()).run == run
    assert [event["mode"] for event in store.journal(run).read().events] == ["standalone"]


def test_a_task_still_writing_is_waited_for(store: runs.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "ORPHAN_WAIT", 0.3)
    store.acquire(replace(me(), pid=1, started="gone"), "apply")
    with store.activity(), pytest.raises(runs.RunError, match="still applying"):
        store.acquire(me(), "rollback")
    store.acquire(me(), "rollback")


def test_what_is_planned_is_collected(store: runs.Store) -> None:
    run = store.acquire(me(), "check").run
    store.record(run, [flags(controls=["vuln_a"])])
    store.record(run, [flags(controls=["vuln_b"]), flags(object_id="b")])
    assert [change["controls"] for change in store.planned(run)] == [["vuln_a", "vuln_b"], ["vuln_test"]]
    store.forget(run)
    assert not store.folder(run).exists()


@pytest.mark.parametrize("run", ["../../etc", "", "20261122", "20261122-020209.794-3820/.."])
def test_a_run_id_is_never_a_path(store: runs.Store, run: str) -> None:
    with pytest.raises(runs.RunError, match="not a run id"):
        store.folder(run)
