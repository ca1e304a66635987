# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens, plans, gates and closes a run of remediate.yml. Runs on the control node only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.changes import (
    approval,
    documents,
    journal,
    limits,
    runs,
    summary,
)
from ansible_collections.care.remediation.plugins.module_utils.changes.texts import LANGUAGES, say, texts
from ansible_collections.care.remediation.plugins.module_utils.findings import baseline
from ansible_collections.care.remediation.plugins.module_utils.findings import document as findings_document
from ansible_collections.care.remediation.plugins.plugin_utils import change_set_page
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import EngineAction, display

ARGUMENTS = {
    "state": {"type": "str", "required": True, "choices": ["open", "present", "gated", "closed"]},
    "approve": {"type": "str"},
    "max_changes": {"type": "int"},
    "hosts": {"type": "list", "elements": "str"},
    "failed_hosts": {"type": "list", "elements": "str", "default": []},
}


@dataclass(frozen=True, slots=True)
class _Context:
    store: runs.Store
    run: str
    mode: str
    language: str
    max_changes: int
    arguments: dict[str, Any]
    task_vars: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.store.folder(self.run)


class ActionModule(EngineAction):
    """``care.remediation.change_set``."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Dispatch on ``state``. Every error of the files is a failure of the task that says what to do."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)[1]
        store = runs.Store(self.care_dir(task_vars))
        try:
            if arguments["state"] == "open":
                result.update(self._open(store, arguments, task_vars))
            else:
                context = self._context(store, arguments, task_vars)
                result.update(getattr(self, f"_{arguments['state']}")(context))
        except (documents.DocumentError, runs.RunError, journal.JournalError) as error:
            raise AnsibleActionFail(str(error)) from None
        return result

    def _context(self, store: runs.Store, arguments: dict[str, Any], task_vars: dict[str, Any]) -> _Context:
        run = self.variable(task_vars, "care_run_id")
        current = store.own(self.owner())
        if not run or current is None or current.run != run:
            raise AnsibleActionFail(
                f"No run is open in {store.care_dir}: use care.remediation.change_set with state=open first, register "
                "its result, and give its run_id to the plays that follow as the variable care_run_id."
            )
        given = arguments["max_changes"]
        limit = self.max_changes(task_vars) if given is None else given
        return _Context(store, current.run, current.mode, self.language(task_vars), limit, arguments, task_vars)

    def _open(self, store: runs.Store, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        language = self.language(task_vars)
        self.max_changes(task_vars)
        mode = "check" if self._task.check_mode else "apply"
        approve = arguments["approve"] or self.variable(task_vars, "care_approve")
        if mode == "apply":
            # Planning takes a while: what can be refused without it is refused at once.
            try:
                _approved(store, approve)
            except approval.ApprovalError as error:
                reason = say(language, f"approve.{error.reason}", **error.details)
                raise AnsibleActionFail("\n".join([say(language, "stopped"), f"- {reason}"])) from None
        taken = store.acquire(self.owner(), mode)
        if mode == "apply":
            event = {"event": "open", "mode": mode, "user": taken.user, "approve": str(approve)}
            store.journal(taken.run).append([event])
        return {"changed": False, "run_id": taken.run, "care_dir": str(store.care_dir), "mode": mode}

    def _present(self, context: _Context) -> dict[str, Any]:
        failed = sorted(set(context.arguments["failed_hosts"]))
        if failed:
            raise self._stop(context, [say(context.language, "not_planned", hosts=", ".join(failed))])
        planned = context.store.planned(context.run)
        document = approval.change_set(planned, mode=context.mode, run=context.run, max_changes=context.max_changes)
        found = limits.blockers(document["changes"], context.max_changes)
        result = {"changed": False, "digest": document["digest"], "counts": document["counts"]}
        result["blockers"] = summary.blockers(context.language, found)
        if context.mode == "apply":
            documents.write_json(context.folder / "change-set.json", document, "change-set-1")
            return result
        folder = context.store.care_dir
        documents.write_json(folder / "change-set.json", document, "change-set-1")
        for language in LANGUAGES:
            name = "change-set.html" if language == "fr" else f"change-set.{language}.html"
            page = change_set_page.render(
                document, language, summary.blockers(language, found), _titles(language, document)
            )
            documents.write_text(folder / name, page)
        name = "change-set.html" if context.language == "fr" else f"change-set.{context.language}.html"
        lines = summary.change_set(context.language, document, found, str(folder / name))
        self.show(say(context.language, "change_set"), lines)
        context.store.forget(context.run)
        context.store.release(self.owner())
        return {**result, "files": [str(folder / "change-set.json"), str(folder / name)], "summary": lines}

    def _gated(self, context: _Context) -> dict[str, Any]:
        fresh = documents.read_json(context.folder / "change-set.json", "change-set-1")["changes"]
        try:
            gate = self._gate(context, fresh)
        except approval.ApprovalError as error:
            message = say(context.language, f"approve.{error.reason}", **error.details)
            raise self._stop(context, [message]) from None
        found = [*limits.hazards(fresh), *limits.blockers(gate.allowed, context.max_changes)]
        if found:
            raise self._stop(context, summary.blockers(context.language, found))
        if gate.allowed:
            try:
                baseline.keep(context.store.care_dir, context.folder)
            except findings_document.DocumentError as error:
                raise self._stop(context, [str(error)]) from None
        documents.write_json(context.folder / "gate.json", gate.document(context.run), "gate-1")
        lines = summary.gate(context.language, gate)
        self.show(say(context.language, "heading.gate"), lines)
        return {
            "changed": False,
            "allowed": len(gate.allowed),
            "hosts": sorted({change["host"] for change in gate.allowed}),
            "refused": [{"reason": refusal.reason, "change": refusal.change} for refusal in gate.refused],
            "in_place": [change["id"] for change in gate.in_place],
            "out_of_scope": [change["id"] for change in gate.out_of_scope],
            "summary": lines,
        }

    def _gate(self, context: _Context, fresh: Sequence[dict[str, Any]]) -> approval.Gate:
        # Looked at again: the file may have been edited while this run planned.
        approve = context.arguments["approve"] or self.variable(context.task_vars, "care_approve")
        document = _approved(context.store, approve)
        if document is None:
            return approval.everything(fresh)
        hosts = context.arguments["hosts"]
        scope = approval.Scope(
            None if hosts is None else frozenset(hosts),
            frozenset(context.task_vars.get("ansible_run_tags") or ["all"]),
            frozenset(context.task_vars.get("ansible_skip_tags") or []),
        )
        return approval.compare(fresh, document, scope)

    def _stop(self, context: _Context, reasons: list[str]) -> AnsibleActionFail:
        """End the run before its first change."""
        message = "\n".join([say(context.language, "stopped"), *[f"- {reason}" for reason in reasons]])
        if context.mode == "apply":
            context.store.journal(context.run).append([{"event": "close", "status": "stopped", "message": message}])
        else:
            context.store.forget(context.run)
        context.store.release(self.owner())
        return AnsibleActionFail(message)

    def _closed(self, context: _Context) -> dict[str, Any]:
        language = context.language
        log = context.store.journal(context.run)
        history = log.read()
        gate = documents.read_json(context.folder / "gate.json", "gate-1")
        refused = {r["change"]["id"]: (r["change"], texts(language)[f"refused.{r['reason']}"]) for r in gate["refused"]}
        for event in history.refused():
            refused.setdefault(event["id"], (event["change"], event.get("message", "")))
        intents = history.intents()
        missed = [intent for intent in intents if intent.status not in ("applied", "already")]
        failed_hosts = sorted(set(context.arguments["failed_hosts"]))
        counts = {
            "applied": sum(intent.status == "applied" for intent in intents),
            "already": sum(intent.status == "already" for intent in intents),
            "refused": len(refused),
            "failed": len(missed),
        }
        complete = not (refused or missed or failed_hosts)
        log.append([{"event": "close", "status": "complete" if complete else "incomplete", "counts": counts}])
        context.store.release(self.owner())
        lines = [say(language, "closed", run=context.run, **counts)]
        if refused:
            lines.append(say(language, "gate.refused", count=len(refused)))
            lines += summary.listed(language, [summary.line(change, note) for change, note in refused.values()])
        if missed:
            notes = [texts(language).get(f"status.{i.status}", str(i.status)) for i in missed]
            lines.append(say(language, "closed.failed"))
            lines += summary.listed(language, [summary.line(i.change, n) for i, n in zip(missed, notes, strict=True)])
        hosts = ", ".join(failed_hosts) or say(language, "nothing_done")
        if failed_hosts:
            lines.append(say(language, "closed.hosts", hosts=hosts))
        lines.append(say(language, "journal", journal=str(log.path)))
        if counts["applied"]:
            lines.append(say(language, "rollback_hint", run=context.run))
        self.show(say(language, "heading.closed"), lines)
        result: dict[str, Any] = {"changed": False, "counts": counts, "journal": str(log.path), "summary": lines}
        if not complete:
            result.update(
                failed=True,
                msg=say(
                    language,
                    "closed.fail",
                    refused=counts["refused"],
                    failed=counts["failed"],
                    hosts=hosts,
                    journal=str(log.path),
                ),
            )
        return result


def _approved(store: runs.Store, approve: Any) -> dict[str, Any] | None:
    """The change set that ``care_approve`` names, or None for the word ``none``; ApprovalError otherwise."""
    if approve is None:
        raise approval.ApprovalError("missing")
    if str(approve) == approval.NONE:
        return None
    document = documents.read_json(store.care_dir / "change-set.json", "change-set-1")
    approval.check(document, str(approve))
    return document


def _titles(language: str, document: dict[str, Any]) -> dict[str, str]:
    """Titles of the controls in the set, from the catalogue; a control that is not in it has none."""
    from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

    try:
        controls = catalogue.load()
    except catalogue.CatalogueError as error:
        display.warning(str(error))
        return {}
    return {
        control: controls[control].title[language]
        for control in document["counts"]["by_control"]
        if control in controls
    }
