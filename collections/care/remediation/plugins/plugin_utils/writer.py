# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Calling a writer from the control node, and confirming a guarded change over a new connection."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.utils.display import Display
from ansible_collections.care.remediation.plugins.module_utils.changes.journal import Event, Journal
from ansible_collections.care.remediation.plugins.module_utils.changes.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import EngineAction

display = Display()

COLLECTION = "care.remediation"
Operation = Literal["apply", "undo"]

# ssh takes the first value given for an option: these defeat whatever multiplexing ansible.cfg asks for.
NEW_CONNECTION = "-o ControlMaster=no -o ControlPath=none"
# Attempts to come back within the time that the guard leaves, and the pause between two, seconds.
CONFIRM_PAUSE = 2.0
# How long after the guard's deadline the host is looked at again, seconds.
GRACE = 5.0


@dataclass(slots=True)
class Outcome:
    """What a writer made of a list of changes."""

    results: dict[str, dict[str, Any]] = field(default_factory=dict)  # by change id: status, message
    error: str | None = None  # the writer itself failed
    unreachable: AnsibleConnectionFailure | None = None
    notes: list[str] = field(default_factory=list)

    def status(self, id_: str) -> str:
        """The status of one change."""
        return str(self.results[id_]["status"])

    def message(self, id_: str) -> str:
        """What the writer says of one change; may be empty."""
        return str(self.results[id_].get("message") or "")

    def add(self, other: Outcome) -> None:
        """Take in what another writer made of further changes."""
        self.results.update(other.results)
        self.error = self.error or other.error
        self.unreachable = self.unreachable or other.unreachable
        self.notes += other.notes


class WriterCaller:
    """One writer on one host, with the connection options that it takes."""

    def __init__(
        self,
        action: EngineAction,
        writer: str,
        options: Mapping[str, Any],
        task_vars: dict[str, Any],
        journal: Journal | None,
        language: str,
    ) -> None:
        """``journal`` None: nothing is journaled (check mode)."""
        self.action = action
        self.writer = writer
        self.module = writer if "." in writer else f"{COLLECTION}.{writer}"
        self.options = dict(options)
        self.task_vars = task_vars
        self.journal = journal
        self.language = language
        self.host = str(task_vars["inventory_hostname"])
        # A rollback must come with the same privileges.
        self.become = getattr(action._connection, "become", None) is not None

    def run(self, operation: Operation, changes: Sequence[Mapping[str, Any]]) -> Outcome:
        """Journal the intentions, apply or undo the changes (in the order they were applied), journal the results.

        Never raises for what the target does: an unreachable host or a writer that fails leaves its changes
        ``unverified``, because some may have been made.
        """
        self._journal_intents(operation, changes)
        outcome, guard = self._call(operation, changes)
        self._journal_results(operation, changes, outcome)
        if guard and self.journal is not None:
            self._confirm(operation, changes, outcome, guard)
        return outcome

    def leave(self, changes: Sequence[Mapping[str, Any]], message: str) -> Outcome:
        """Do not try changes that were to be made, and journal that: the end of the run names them."""
        outcome = Outcome({change["id"]: {"status": "failed", "message": message} for change in changes})
        self._journal_intents("apply", changes)
        self._journal_results("apply", changes, outcome)
        return outcome

    def _journal_intents(self, operation: Operation, changes: Sequence[Mapping[str, Any]]) -> None:
        if self.journal is None:
            return
        events: list[Event] = []
        for change in changes:
            event: Event = {"id": change["id"], "host": self.host}
            if operation == "apply":
                event.update(event="intent", writer=self.writer, change=dict(change), become=self.become)
            else:
                event.update(event="undo_intent")
            events.append(event)
        self.journal.append(events)

    def _journal_results(self, operation: Operation, changes: Sequence[Mapping[str, Any]], outcome: Outcome) -> None:
        if self.journal is None:
            return
        kind = "result" if operation == "apply" else "undo_result"
        events: list[Event] = []
        for change in changes:
            event: Event = {
                "event": kind,
                "id": change["id"],
                "host": self.host,
                "status": outcome.status(change["id"]),
            }
            if outcome.message(change["id"]):
                event["message"] = outcome.message(change["id"])
            events.append(event)
        self.journal.append(events)

    def _call(self, operation: Operation, changes: Sequence[Mapping[str, Any]]) -> tuple[Outcome, dict[str, Any]]:
        outcome = Outcome()
        arguments = {**self.options, "operation": operation, "changes": [dict(change) for change in changes]}
        try:
            answer = self._execute(arguments)
        except AnsibleConnectionFailure as error:
            outcome.unreachable = error
            answer = {"failed": True, "msg": str(error)}
        except AnsibleError as error:
            answer = {"failed": True, "msg": str(error)}
        known = {result["id"]: result for result in answer.get("results") or [] if isinstance(result, Mapping)}
        if answer.get("failed") and not known:
            outcome.error = str(
                answer.get("msg") or answer.get("module_stderr") or "the writer failed without a message"
            )
        for change in changes:
            unknown = {"status": "unverified", "message": outcome.error or "the writer did not say what became of it"}
            outcome.results[change["id"]] = dict(known.get(change["id"], unknown))
        guard = answer.get("guard")
        return outcome, dict(guard) if isinstance(guard, Mapping) else {}

    def _execute(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.action._execute_module(
            module_name=self.module, module_args=dict(arguments), task_vars=self.task_vars
        )
        return answer

    def _confirm(
        self,
        operation: Operation,
        changes: Sequence[Mapping[str, Any]],
        outcome: Outcome,
        guard: Mapping[str, Any],
    ) -> None:
        """Come back over a connection that did not exist before the change, or the host takes the change back."""
        if self.journal is None:
            raise AssertionError("a guard is only ever armed by a real write")
        seconds = float(guard.get("seconds") or 0)
        ids = [change["id"] for change in changes]
        event: Event = {"event": "guard", "host": self.host, "ids": ids, "seconds": seconds}
        self.journal.append([{**event, "status": "armed"}])
        deadline = time.monotonic() + seconds
        reason = self._try_to_confirm(str(guard["token"]), deadline)
        if reason is None:
            self.journal.append([{**event, "status": "confirmed"}])
            return
        self.journal.append([{**event, "status": "not_confirmed", "message": reason}])
        left = max(0, int(deadline - time.monotonic()) + 1)
        message = say(self.language, "guard.not_confirmed", host=self.host, reason=reason, seconds=left)
        short = say(self.language, "guard.short")
        for change in changes:
            if outcome.status(change["id"]) in ("applied", "unverified", "undone"):
                outcome.results[change["id"]] = {"status": "failed", "message": short}
        outcome.notes = [message]
        display.warning(message)
        self._journal_results(operation, changes, outcome)
        taken_back = self._taken_back(operation, changes, deadline)
        outcome.notes.append(say(self.language, "guard.taken_back" if taken_back else "guard.unknown", host=self.host))

    def _taken_back(self, operation: Operation, changes: Sequence[Mapping[str, Any]], deadline: float) -> bool:
        """Wait for the host to restore itself, then look: whether it is reached again and is as it was."""
        time.sleep(max(0.0, deadline - time.monotonic()) + GRACE)
        opposite, expected = ("undo", "nothing_to_undo") if operation == "apply" else ("apply", "already")
        task = self.action._task
        before = task.check_mode
        task.check_mode = True  # only look
        try:
            with self._new_connection():
                answer = self._execute({**self.options, "operation": opposite, "changes": [dict(c) for c in changes]})
        except AnsibleError:
            return False
        finally:
            task.check_mode = before
        results = answer.get("results") or []
        return bool(results) and all(result.get("status") == expected for result in results)

    def _try_to_confirm(self, token: str, deadline: float) -> str | None:
        """None when the host heard the confirmation, otherwise why not."""
        reason = ""
        while True:
            try:
                with self._new_connection():
                    answer = self._execute({**self.options, "operation": "confirm", "token": token, "changes": []})
                if not answer.get("failed"):
                    return None
                # The host was reached and says no: the guard has fired already, or never was.
                return str(answer.get("msg") or "refused by the host")
            except AnsibleError as error:
                reason = " ".join(str(error).split())[:300]
            if time.monotonic() + CONFIRM_PAUSE >= deadline:
                return reason
            time.sleep(CONFIRM_PAUSE)

    @contextmanager
    def _new_connection(self) -> Iterator[None]:
        """Within it, the action's connection is a new one and shares nothing with an earlier one."""
        connection = self.action._connection
        reset = getattr(connection, "reset", None)
        if callable(reset):
            reset()
        if getattr(connection, "transport", "") not in ("ssh", "ansible.builtin.ssh"):
            yield
            return
        before = connection.get_option("ssh_args")
        connection.set_option("ssh_args", f"{NEW_CONNECTION} {before or ''}".strip())
        try:
            yield
        finally:
            connection.set_option("ssh_args", before)
