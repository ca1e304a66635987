# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens on the control node around a planner: gate, journal, writer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.changes import approval, documents, limits, model, runs
from ansible_collections.care.remediation.plugins.module_utils.changes import summary as summaries
from ansible_collections.care.remediation.plugins.module_utils.changes.texts import say, texts
from ansible_collections.care.remediation.plugins.plugin_utils.connection_options import writer_options
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import EngineAction, display
from ansible_collections.care.remediation.plugins.plugin_utils.writer import Outcome, WriterCaller

# Results of a writer that leave the wanted state in place.
DONE = frozenset({"applied", "already"})
# Targets that have a writer of their own, whatever the planner's own writer is.
TARGET_WRITERS = {"sysvol": "sysvol_change"}


class ChangeAction(EngineAction):
    """Base of the action plugins of planners; a subclass only says which writer applies its changes.

    A planner may give changes of several targets (the directory and SYSVOL): each goes to its writer, in the planner's
    order. Changes whose context names the same ``sequence`` belong together: after one of them was refused or failed,
    the later ones are not tried.
    """

    WRITER: ClassVar[str] = ""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plan, then (not in check mode) gate, journal and apply. Returns the module result of the task."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        planned = self._execute_module(
            module_name=self._task.resolved_action or self._task.action,
            module_args=dict(self._task.args),
            task_vars=task_vars,
        )
        result.update(planned)
        if planned.get("failed"):
            return result
        control = str(self._task.args.get("control") or "")
        host = str(task_vars["inventory_hostname"])
        changes = model.merged(model.completed(c, host, [control]) for c in planned.get("changes") or [])
        # merged() sorts; the planner's own order is the one to apply in.
        order = {id_: index for index, id_ in enumerate(_ids(planned.get("changes") or [], host))}
        changes.sort(key=lambda change: order[change["id"]])
        result.update(changes=changes, changed=bool(changes))
        result.setdefault("diff", model.diff(changes))
        try:
            if self._task.check_mode:
                return self._plan_only(result, changes, task_vars)
            return self._apply(result, changes, task_vars) if changes else result
        except (documents.DocumentError, runs.RunError) as error:
            raise AnsibleActionFail(str(error)) from None

    def _plan_only(
        self, result: dict[str, Any], changes: list[model.Change], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        store = runs.Store(self.care_dir(task_vars))
        run = self.variable(task_vars, "care_run_id")
        if run and changes:
            store.record(str(run), changes)
        current = store.own(self.owner()) if run else None
        if current is not None and current.mode == "apply":
            # A real run that is still learning: its changes are counted when they are made.
            result.update(changed=False, planned=len(changes))
        return result

    def _apply(self, result: dict[str, Any], changes: list[model.Change], task_vars: dict[str, Any]) -> dict[str, Any]:
        language = self.language(task_vars)
        store = runs.Store(self.care_dir(task_vars))
        given = self.variable(task_vars, "care_run_id")
        if not given:
            passed, refused = self._approved(store, changes, task_vars)
            found = limits.blockers(passed, self.max_changes(task_vars))
            # Before this task counts as active: taking over from a dead run waits until no task is.
            run = "" if found or not passed else store.standalone(self.owner()).run
        with store.activity():
            if given:
                run = str(given)
                passed, refused = _gated(store, run, changes)
                found = limits.hazards(passed)
            if found:
                reasons = "\n".join(f"- {line}" for line in summaries.blockers(language, found))
                raise AnsibleActionFail(f"{say(language, 'stopped')}\n{reasons}")
            if given and refused:
                self._journal_refusals(store, run, refused, language)
            outcome = Outcome()
            broken = {name for refusal in refused for name in _sequences(refusal.change)}
            for writer, batch in _batches(passed, self.WRITER):
                options = writer_options(writer, self._task.args)
                caller = WriterCaller(self, writer, options, task_vars, store.journal(run), language)
                left = [change for change in batch if _sequences(change) & broken]
                if left:
                    outcome.add(caller.leave(left, say(language, "earlier_step")))
                going = [change for change in batch if change not in left]
                if not going:
                    continue
                outcome.add(caller.run("apply", going))
                missed = [change for change in going if outcome.status(change["id"]) not in DONE]
                broken |= {name for change in [*left, *missed] for name in _sequences(change)}
                if outcome.unreachable is not None:
                    break
        if outcome.unreachable is not None:
            raise outcome.unreachable
        return _finished(result, passed, refused, outcome, language, in_run=bool(given))

    def _approved(
        self, store: runs.Store, changes: list[model.Change], task_vars: dict[str, Any]
    ) -> tuple[list[model.Change], list[approval.Refusal]]:
        """A task outside a run of remediate.yml needs no approval, but one that is given counts."""
        approve = str(self.variable(task_vars, "care_approve", approval.NONE))
        if approve == approval.NONE:
            return changes, []
        document = documents.read_json(store.care_dir / "change-set.json", "change-set-1")
        try:
            approval.check(document, approve)
        except approval.ApprovalError as error:
            language = self.language(task_vars)
            raise AnsibleActionFail(say(language, f"approve.{error.reason}", **error.details)) from None
        return _split(changes, approval.compare(changes, document, approval.Scope()))

    def _journal_refusals(
        self, store: runs.Store, run: str, refused: Sequence[approval.Refusal], language: str
    ) -> None:
        events = [
            {
                "event": "result",
                "status": "refused",
                "id": refusal.change["id"],
                "host": refusal.change["host"],
                "change": refusal.change,
                "message": texts(language)[f"refused.{refusal.reason}"],
            }
            for refusal in refused
        ]
        store.journal(run).append(events)
        for refusal in refused:
            display.warning(summaries.line(refusal.change, texts(language)[f"refused.{refusal.reason}"]))


def _ids(changes: Sequence[Mapping[str, Any]], host: str) -> list[str]:
    ids = [str(model.completed(change, host)["id"]) for change in changes]
    return list(dict.fromkeys(ids))


def _batches(changes: Sequence[model.Change], writer: str) -> list[tuple[str, list[model.Change]]]:
    """Consecutive changes of one writer, in order."""
    batches: list[tuple[str, list[model.Change]]] = []
    for change in changes:
        own = TARGET_WRITERS.get(change["target"], writer)
        if batches and batches[-1][0] == own:
            batches[-1][1].append(change)
        else:
            batches.append((own, [change]))
    return batches


def _sequences(change: Mapping[str, Any]) -> set[str]:
    """The names of what the change is a step of."""
    given = change["context"].get("sequence") or []
    return {given} if isinstance(given, str) else set(given)


def _split(changes: Sequence[model.Change], gate: approval.Gate) -> tuple[list[model.Change], list[approval.Refusal]]:
    controls = {change["id"]: change["controls"] for change in gate.allowed}
    passed = [{**change, "controls": controls[change["id"]]} for change in changes if change["id"] in controls]
    return passed, gate.refused


def _gated(
    store: runs.Store, run: str, changes: Sequence[model.Change]
) -> tuple[list[model.Change], list[approval.Refusal]]:
    """What the run's gate lets through. Raises ``DocumentError`` when the run has no gate: nothing passes then."""
    gate = documents.read_json(store.folder(run) / "gate.json", "gate-1")
    known: dict[str, str] = {refusal["change"]["id"]: refusal["reason"] for refusal in gate["refused"]}
    passed: list[model.Change] = []
    refused: list[approval.Refusal] = []
    for change in changes:
        controls = gate["allowed"].get(change["id"])
        if controls is None:
            refused.append(approval.Refusal(known.get(change["id"], "unplanned"), change))  # type: ignore[arg-type]
        else:
            passed.append({**change, "controls": sorted({*controls, *change["controls"]})})
    return passed, refused


def _finished(
    result: dict[str, Any],
    passed: Sequence[model.Change],
    refused: Sequence[approval.Refusal],
    outcome: Outcome,
    language: str,
    *,
    in_run: bool,
) -> dict[str, Any]:
    """The task's result: what was applied and only that, and a failure that names what was not.

    Within a run of remediate.yml a refusal does not fail the task: the approved rest goes on, and the end of the run
    fails for all of them.
    """
    applied = [change for change in passed if outcome.status(change["id"]) == "applied"]
    if len(applied) < len(result["changes"]):
        result["diff"] = model.diff(applied)
    result["changed"] = bool(applied) or any(r["status"] == "unverified" for r in outcome.results.values())
    result["changes"] = applied
    result["outcome"] = [{**outcome.results[change["id"]], "id": change["id"]} for change in passed]
    if refused:
        result["refused"] = [{"reason": refusal.reason, "change": refusal.change} for refusal in refused]
    if outcome.notes:
        result["notes"] = outcome.notes
    missed = [change for change in passed if outcome.status(change["id"]) not in DONE]
    lines = [describe(change, outcome, language) for change in missed]
    if not in_run:
        reasons = texts(language)
        lines += [summaries.line(refusal.change, reasons[f"refused.{refusal.reason}"]) for refusal in refused]
    if lines:
        result["failed"] = True
        heading = say(language, "task_failed", failed=len(lines), total=len(result["outcome"]) + len(refused))
        result["msg"] = "\n".join([heading, *summaries.listed(language, lines), *outcome.notes])
    return result


def describe(change: Mapping[str, Any], outcome: Outcome, language: str) -> str:
    """One line on a change that did not come out as wanted."""
    status = outcome.status(change["id"])
    note = texts(language).get(f"status.{status}", status)
    message = outcome.message(change["id"])
    return summaries.line(change, f"{note}: {message}" if message else note)
