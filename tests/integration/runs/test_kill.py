"""kill -9 at any moment leaves a journal from which a rollback restores the files, byte for byte."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes.journal import Journal

from .conftest import kill_all

Plan = Callable[..., dict[str, Any]]
TASKS = 3
# open, then for each of two hosts and each task two intents and two results, then close
LINES = 1 + 2 * TASKS * 4 + 1


@pytest.fixture
def before(site: Any, planned: Plan) -> dict[str, bytes]:
    tasks = []
    for task in range(TASKS):
        for host in ("un", "deux"):
            site.write(**{f"{host}-{task}": f"avant {task}\n"})
        names = [(f"{{{{ inventory_hostname }}}}-{task}", "après\n"), (f"{{{{ inventory_hostname }}}}-n{task}", "là\n")]
        tasks.append(planned(*names, control=f"expo_{task}"))
    site.tasks(hosts=tasks)
    return dict(site.snapshot())


def lines(site: Any) -> int:
    return sum(path.read_bytes().count(b"\n") for path in site.journals())


def kill_at(site: Any, playbook: str, arguments: list[str], reached: Callable[[], bool]) -> bool:
    """Start a playbook and kill it when ``reached``; False when it ended before that."""
    process = site.start(playbook, *arguments)
    while process.poll() is None:
        if reached():
            kill_all(process)
            return True
        time.sleep(0.002)
    return False


LINE_COUNTS = (1, 2, 4, 6, 8, 11, 15, 19, 23, LINES - 1)


@pytest.mark.parametrize("count", LINE_COUNTS)
def test_killed_at_a_line_of_the_journal(site: Any, before: dict[str, bytes], count: int) -> None:
    site.write(pause="0.05")
    kill_at(site, "remediate.yml", ["-e", "care_approve=none"], lambda: lines(site) >= count)
    (path,) = site.journals()
    Journal(path, path.parent.name).read()
    out = site.run("rollback.yml")
    assert site.snapshot() == before, out
    assert "changed=1" not in site.run("rollback.yml")


@pytest.mark.parametrize("seed", range(6))
def test_killed_at_any_moment_and_so_is_the_rollback(site: Any, before: dict[str, bytes], seed: int) -> None:
    chance = random.Random(seed)
    site.write(pause="0.1")
    changed = False
    started = 0.0

    def some_time_after_the_first_write() -> bool:
        nonlocal changed, started
        if not changed and site.snapshot() != before:
            changed, started = True, time.monotonic()
        return changed and time.monotonic() - started > delay

    delay = chance.uniform(0, 2.5)
    kill_at(site, "remediate.yml", ["-e", "care_approve=none"], some_time_after_the_first_write)
    assert site.snapshot() != before  # or there was nothing to restore and this test proves nothing
    written = lines(site)
    pause = chance.uniform(0, 1.5)
    moment = [0.0]

    def in_the_rollback() -> bool:
        if lines(site) > written and not moment[0]:
            moment[0] = time.monotonic()
        return bool(moment[0]) and time.monotonic() - moment[0] > pause

    kill_at(site, "rollback.yml", [], in_the_rollback)
    (site.files / "pause").unlink()
    out = site.run("rollback.yml")
    assert site.snapshot() == before, out


def test_a_torn_line_is_reported_and_the_rest_is_undone(site: Any, before: dict[str, bytes]) -> None:
    site.run("remediate.yml", "-e", "care_approve=none")
    (path,) = site.journals()
    path.write_bytes(path.read_bytes()[:-40])  # the close line was cut short
    out = site.run("rollback.yml")
    assert f"ligne incomplète (ligne {LINES})" in out and site.snapshot() == before
    assert "changed=1" not in site.run("rollback.yml")
