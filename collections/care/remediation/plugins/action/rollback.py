# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Undoes a run from its journal. The writers do the undoing; this runs on the control node."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.changes import documents, journal, model, runs, summary
from ansible_collections.care.remediation.plugins.module_utils.changes.texts import reason, say, texts
from ansible_collections.care.remediation.plugins.plugin_utils.connection_options import option_names
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import EngineAction, display
from ansible_collections.care.remediation.plugins.plugin_utils.writer import WriterCaller

ARGUMENTS = {
    "state": {"type": "str", "required": True, "choices": ["selected", "undone", "closed"]},
    "connection": {"type": "dict", "no_log": True},
}
FAILED = ("failed", "unverified")


class ActionModule(EngineAction):
    """``care.remediation.rollback``."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Dispatch on ``state``. A journal that cannot be trusted is a failure that names file and line."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)[1]
        store = runs.Store(self.care_dir(task_vars))
        try:
            if arguments["state"] == "selected":
                result.update(self._selected(store, task_vars))
            elif arguments["state"] == "undone":
                result.update(self._undone(store, arguments, task_vars))
            else:
                result.update(self._closed(store, task_vars))
        except (documents.DocumentError, runs.RunError, journal.JournalError) as error:
            raise AnsibleActionFail(str(error)) from None
        return result

    def _selected(self, store: runs.Store, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Choose the run: ``care_run``, else the last one that changed something. Takes the care folder for it."""
        language = self.language(task_vars)
        store.check_free(self.owner())  # before the journals are read: a run may still be writing one
        wanted = self.variable(task_vars, "care_run")
        if wanted:
            run = str(wanted)
            history = store.journal(run).read()
            older: list[str] = []
        else:
            found = self._last(store)
            if found is None:
                message = say(language, "rollback.none", care_dir=str(store.care_dir))
                self.show(say(language, "heading.rollback"), [message])
                return {"changed": False, "run_id": "", "care_dir": str(store.care_dir), "privileged_hosts": []}
            run, history = found
            older = [
                name
                for name in store.runs()
                if name < run and any(intent.undoable for intent in store.journal(name).read().intents())
            ]
        store.acquire(self.owner(), "rollback", run)
        _scratch(store, run).unlink(missing_ok=True)
        lines = []
        if history.torn_lines:
            lines.append(say(language, "rollback.torn", lines=", ".join(map(str, history.torn_lines))))
        if older:
            lines.append(say(language, "rollback.older", runs=", ".join(older)))
        self.show(self._heading(language, run), lines)
        intents = history.intents()
        return {
            "changed": False,
            "run_id": run,
            "care_dir": str(store.care_dir),
            "hosts": sorted({intent.host for intent in intents if intent.undoable}),
            "privileged_hosts": sorted({intent.host for intent in intents if intent.become}),
            "torn_lines": history.torn_lines,
        }

    def _last(self, store: runs.Store) -> tuple[str, journal.History] | None:
        for run in reversed(store.runs()):
            history = store.journal(run).read()
            if any(intent.written for intent in history.intents()):
                return run, history
        return None

    def _heading(self, language: str, run: str) -> str:
        return say(language, "rollback.check" if self._task.check_mode else "rollback", run=run)

    def _mine(self, store: runs.Store, task_vars: dict[str, Any]) -> str:
        run = str(self.variable(task_vars, "care_run_id", ""))
        current = store.own(self.owner())
        if current is None or current.run != run or current.mode != "rollback":
            raise AnsibleActionFail(
                f"No rollback is open in {store.care_dir}: use care.remediation.rollback with state=selected first and "
                "give its run_id to the tasks that follow as the variable care_run_id."
            )
        return run

    def _undone(self, store: runs.Store, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Undo what the run did to this host."""
        run = self._mine(store, task_vars)
        language = self.language(task_vars)
        log = store.journal(run)
        host = str(task_vars["inventory_hostname"])
        intents = [intent for intent in log.read().intents() if intent.host == host and intent.undoable]
        if not intents:
            return {"changed": False, "skipped": True, "skip_reason": "the run left nothing to undo on this host"}
        outcomes: dict[str, dict[str, Any]] = {}
        final = [intent for intent in intents if not intent.change["reversible"]]
        for intent in final:
            outcomes[intent.change["id"]] = {
                "status": "irreversible",
                "message": reason(language, intent.change["irreversible_reason"]),
            }
        if final and not self._task.check_mode:
            log.append(
                {"event": "undo_result", "id": i.change["id"], "host": host, "status": "irreversible"} for i in final
            )
        _record(store, run, outcomes)
        with store.activity():
            for writer, changes in _batches([intent for intent in intents if intent.change["reversible"]]):
                given = arguments["connection"] or {}
                options = {**self._connection_options(writer, task_vars), **given}
                caller = WriterCaller(
                    self, writer, options, task_vars, None if self._task.check_mode else log, language
                )
                outcome = caller.run("undo", changes)
                outcomes.update(outcome.results)
                if outcome.unreachable is not None:
                    raise outcome.unreachable
                _record(store, run, outcome.results)
        undone = [i.change for i in intents if outcomes[i.change["id"]]["status"] == "undone"]
        for intent in intents:
            status = str(outcomes[intent.change["id"]]["status"])
            if status in ("conflict", *FAILED):
                message = str(outcomes[intent.change["id"]].get("message") or "")
                display.warning(summary.line(intent.change, f"{texts(language)[f'status.{status}']} {message}".strip()))
        return {
            "changed": bool(undone),
            "diff": model.diff(_reversed(change) for change in undone),
            "outcome": [{"id": id_, **outcome} for id_, outcome in outcomes.items()],
        }

    def _connection_options(self, writer: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        """The writer's connection options from the variables that the roles take them from."""
        options: dict[str, Any] = {}
        for name in option_names(writer):
            for variable in (f"care_directory_{name}", f"care_{name}"):
                value = self.variable(task_vars, variable)
                if value is not None:
                    options[name] = value
                    break
        return options

    def _closed(self, store: runs.Store, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Say what became of each change; fail when something failed or was not reached."""
        run = self._mine(store, task_vars)
        language = self.language(task_vars)
        history = store.journal(run).read()
        seen = _recorded(store, run)
        intents = {intent.change["id"]: intent for intent in history.intents()}
        pending = [intent.change for id_, intent in intents.items() if intent.undoable and id_ not in seen]
        totals = Counter(str(outcome["status"]) for outcome in seen.values())
        counts = {
            **{key: totals[key] for key in ("undone", "nothing_to_undo", "conflict", "irreversible")},
            "failed": sum(totals[status] for status in FAILED),
            "pending": len(pending),
        }
        _scratch(store, run).unlink(missing_ok=True)
        store.release(self.owner())
        key = "rollback.counts.check" if self._task.check_mode else "rollback.counts"
        lines = [say(language, key, **counts)]
        for heading, statuses in (
            ("conflict", ("conflict",)),
            ("irreversible", ("irreversible",)),
            ("failed", FAILED),
        ):
            named = [
                summary.line(intents[id_].change, str(outcome.get("message") or ""))
                for id_, outcome in seen.items()
                if outcome["status"] in statuses and id_ in intents
            ]
            if named:
                lines += [say(language, f"rollback.{heading}"), *summary.listed(language, named)]
        if pending:
            named = [summary.line(change) for change in pending]
            lines += [say(language, "rollback.pending"), *summary.listed(language, named)]
        self.show(self._heading(language, run), lines)
        result: dict[str, Any] = {"changed": False, "counts": counts, "summary": lines}
        if counts["failed"] or counts["pending"]:
            result.update(failed=True, msg=say(language, "rollback.fail", run=run, **counts))
        return result


def _batches(intents: Sequence[journal.Intent]) -> list[tuple[str, list[model.Change]]]:
    """Consecutive changes of one writer, the last batch first; within one, in the order applied (a writer reverses)."""
    batches: list[tuple[str, list[model.Change]]] = []
    for intent in sorted(intents, key=lambda intent: intent.seq):
        if batches and batches[-1][0] == intent.writer:
            batches[-1][1].append(intent.change)
        else:
            batches.append((intent.writer, [intent.change]))
    return batches[::-1]


def _reversed(change: Mapping[str, Any]) -> dict[str, Any]:
    display_ = change["display"]
    return {**change, "display": {"before": display_["after"], "after": display_["before"]}}


def _scratch(store: runs.Store, run: str) -> Path:
    return store.folder(run) / "rollback.jsonl"


def _record(store: runs.Store, run: str, outcomes: Mapping[str, Mapping[str, Any]]) -> None:
    store.append(
        _scratch(store, run),
        [{"id": id_, "status": o["status"], "message": str(o.get("message") or "")} for id_, o in outcomes.items()],
    )


def _recorded(store: runs.Store, run: str) -> dict[str, dict[str, Any]]:
    path = _scratch(store, run)
    if not path.exists():
        return {}
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    return {entry["id"]: entry for entry in entries}
