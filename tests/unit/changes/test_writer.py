"""Calling a writer: what is journaled when, and the guard's confirmation over a new connection."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.care.remediation.plugins.module_utils.changes.journal import Journal
from ansible_collections.care.remediation.plugins.plugin_utils import writer as writer_module
from ansible_collections.care.remediation.plugins.plugin_utils.writer import NEW_CONNECTION, WriterCaller

from .builders import file

CHANGE = file(host="web1")
ID = CHANGE["id"]
APPLIED = {"results": [{"id": ID, "status": "applied"}]}
GUARDED = {**APPLIED, "guard": {"token": "abc", "seconds": 10}}


class Connection:
    """An ssh connection that remembers how it was used."""

    transport = "ssh"
    become = None

    def __init__(self) -> None:
        self.options = {"ssh_args": "-C -o ControlMaster=auto -o ControlPersist=60s"}
        self.resets = 0

    def get_option(self, name: str) -> str:
        return self.options[name]

    def set_option(self, name: str, value: str) -> None:
        self.options[name] = value

    def reset(self) -> None:
        self.resets += 1


class Action:
    """Stands for the action plugin: answers of the writer one after the other, an exception is raised."""

    def __init__(self, journal: Journal, *answers: Any) -> None:
        self._connection = Connection()
        self._task = SimpleNamespace(check_mode=False)
        self.journal = journal
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def _execute_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        events = [e["event"] for e in self.journal.read().events] if self.journal.path.exists() else []
        self.calls.append(
            {
                "operation": module_args["operation"],
                "token": module_args.get("token"),
                "ssh_args": self._connection.options["ssh_args"],
                "resets": self._connection.resets,
                "check": self._task.check_mode,
                "journal": events,
            }
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", "20261122-020209.794-3820")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    fake = SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds))
    monkeypatch.setattr(writer_module, "time", fake)


def caller(action: Action) -> WriterCaller:
    return WriterCaller(action, "host_change", {}, {"inventory_hostname": "web1"}, action.journal, "fr")  # type: ignore[arg-type]


def statuses(journal: Journal) -> list[tuple[str, str | None]]:
    return [(event["event"], event.get("status")) for event in journal.read().events]


def test_the_intent_is_on_disk_before_the_writer_runs(journal: Journal) -> None:
    action = Action(journal, APPLIED)
    outcome = caller(action).run("apply", [CHANGE])
    assert action.calls[0]["journal"] == ["intent"]
    assert outcome.status(ID) == "applied"
    assert statuses(journal) == [("intent", None), ("result", "applied")]


@pytest.mark.parametrize(
    "answer", [AnsibleConnectionFailure("cut"), {"failed": True, "msg": "crashed"}, {"results": []}]
)
def test_what_nobody_knows_is_unverified(journal: Journal, answer: Any) -> None:
    outcome = caller(Action(journal, answer)).run("apply", [CHANGE])
    assert outcome.status(ID) == "unverified"
    assert statuses(journal)[-1] == ("result", "unverified")
    assert journal.read().intents()[0].undoable


def test_a_guard_is_confirmed_over_a_new_connection(journal: Journal) -> None:
    action = Action(journal, GUARDED, AnsibleConnectionFailure("not yet"), {"changed": True})
    outcome = caller(action).run("apply", [CHANGE])
    assert outcome.status(ID) == "applied"
    confirm = action.calls[-1]
    assert (confirm["operation"], confirm["token"]) == ("confirm", "abc")
    assert confirm["ssh_args"].startswith(NEW_CONNECTION) and confirm["resets"] == 2
    assert action._connection.options["ssh_args"].startswith("-C")  # as it was, for the tasks that follow
    assert [s for event, s in statuses(journal) if event == "guard"] == ["armed", "confirmed"]


@pytest.mark.parametrize(("after", "said"), [("nothing_to_undo", "Vérifié"), ("undone", "vérifiez par la console")])
def test_an_unconfirmed_guard_is_said_and_looked_at(journal: Journal, after: str, said: str) -> None:
    cut = [AnsibleConnectionFailure("no route")] * 5  # every 2 of 10 s
    action = Action(journal, GUARDED, *cut, {"results": [{"id": ID, "status": after}]})
    outcome = caller(action).run("apply", [CHANGE])
    assert outcome.status(ID) == "failed" and not action.answers
    assert action.calls[-1]["check"] is True and action.calls[-1]["operation"] == "undo"
    assert action._task.check_mode is False
    assert "revient d’elle-même" in outcome.notes[0] and said in outcome.notes[1]
    assert [s for event, s in statuses(journal) if event == "guard"] == ["armed", "not_confirmed"]
    assert journal.read().intents()[0].status == "failed"


def test_a_host_that_says_no_is_not_asked_again(journal: Journal) -> None:
    refused = {"failed": True, "msg": "the guard fired already"}
    action = Action(journal, GUARDED, refused, {"results": [{"id": ID, "status": "nothing_to_undo"}]})
    assert caller(action).run("apply", [CHANGE]).status(ID) == "failed"
    assert [call["operation"] for call in action.calls] == ["apply", "confirm", "undo"]
