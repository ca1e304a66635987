# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Turns findings into the decision sheet, the remediation variables and the plan. Runs on the control node only."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    pages,
    paq,
    plan,
    summary,
    variables,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.escape import terminal
from ansible_collections.care.remediation.plugins.module_utils.findings.model import DIRECTORY_TYPES
from ansible_collections.care.remediation.plugins.module_utils.findings.pages_text import TEXTS
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import display
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import (
    DIRECTORY_GROUP,
    HOSTS_GROUP,
    FindingsAction,
    plain,
)


class ActionModule(FindingsAction):
    """``care.remediation.findings_plan``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "findings": {"type": "dict"},
        "decision_defaults": {"type": "dict"},
        "host_vars": {"type": "path"},
        "responsibles": {"type": "dict"},
        "deadlines": {"type": "dict"},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write decisions.yml, host_vars, plan.json and the pages; in check mode only say what would change."""
        with document.uncollected():
            return self._act(arguments, task_vars)

    def _act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        folder, language = self.folder(arguments, task_vars), self.language(task_vars)
        controls = catalogue.load()
        findings = self._findings(arguments, folder)
        defaults = arguments["decision_defaults"]
        if defaults is None:
            defaults = self.variable(task_vars, "care_decision_defaults", {})
        host_vars = Path(arguments["host_vars"]).absolute() if arguments["host_vars"] else self.host_vars(task_vars)
        responsibles = plain(arguments["responsibles"] or self.variable(task_vars, "care_responsibles", {}))
        deadlines = _deadlines(plain(arguments["deadlines"] or self.variable(task_vars, "care_deadlines", {})))
        sheet_path = folder / "decisions.yml"
        sheet = decisions.read(sheet_path)
        update = decisions.update(
            sheet,
            findings["findings"],
            controls,
            defaults=plain(defaults),
            name=str(sheet_path),
            closed=[one["id"] for one in findings.get("closed", [])],
        )
        _tell(sheet, update, sheet_path)
        day = datetime.datetime.now(datetime.UTC).date()
        approved = [key for key, one in update.decisions.items() if one.effective(day) == "apply"]
        asked = variables.build(findings["findings"], approved, controls, self._sides(findings, host_vars, task_vars))
        made = plan.build(
            findings,
            update.decisions,
            controls,
            edition=catalogue.edition(),
            without=asked.without,
            added=update.added,
            dropped=update.dropped,
            today=day,
        )
        paths = variables.texts(host_vars, asked.hosts)
        texts = {sheet_path: update.text} | paths
        rules, absent = [rule.said() for rule in update.rules], [one.finding for one in update.absent]
        # of a large site each of these is a gigabyte, and the plan has all that is needed of them
        del findings, sheet, update, approved, asked
        stale = [path for path, text in texts.items() if _old(path) != text]
        changed = bool(stale)
        diff = [_diff(path, texts[path]) for path in stale] if self._task.diff else []
        files = [str(folder / name) for name in ("plan.html", "plan.en.html", "plan.json", paq.FILE)]
        if not self._task.check_mode:
            if sheet_path in stale:
                decisions.write(sheet_path, texts[sheet_path])
            document.write_texts({path: texts[path] for path in stale if path != sheet_path})
            fresh = document.write_if_changed(folder / "plan.json", made, "plan/1")
            for tongue, name in (("fr", "plan.html"), ("en", "plan.en.html")):
                if fresh or not (folder / name).exists():
                    document.write_text(folder / name, pages.plan(made, tongue))
            # after the plan, whose date is the file's when nothing else changed
            table = paq.to_csv(made, language, responsibles=responsibles, deadlines=deadlines)
            changed = _write_bytes(folder / paq.FILE, table) or changed or fresh
        else:
            document.check(made, "plan/1", where="plan.json")
        lines = summary.plan(made, language, files[0] if language == "fr" else files[1])
        self.show(TEXTS[language]["plan_title"], lines)
        return {
            "changed": changed,
            # a site's sheet may have a million lines: they are not carried around unless someone asked to see them
            "diff": diff,
            "counts": made["counts"],
            "levels": made["levels"],
            "next_level": made["next_level"],
            "waivers": made["waivers"],
            "rules": rules,
            "absent": absent,
            "files": [*files, str(sheet_path), *map(str, paths)],
            "summary": lines,
        }

    def _findings(self, arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        given = arguments["findings"]
        if given:
            findings: dict[str, Any] = plain(given)
            document.check(findings, "findings/1", where="option findings")
            return findings
        return document.read(folder / "findings.json", "findings/1")

    def _sides(self, findings: Mapping[str, Any], host_vars: Path, task_vars: Mapping[str, Any]) -> dict[str, set[str]]:
        """What each host is: told by who judged it; a host of an earlier plan that nobody judged now loses all."""
        groups = task_vars.get("groups") or {}
        domains = set(groups.get(DIRECTORY_GROUP, [])) - set(groups.get(HOSTS_GROUP, []))
        sides: dict[str, set[str]] = {}
        for source in findings["sources"]:
            for host in source["targets"]:
                side = "directory" if host in domains or source["type"] in DIRECTORY_TYPES else "host"
                sides.setdefault(host, set()).add(side)
        known = set(groups.get("all", []))
        for host in variables.generated_hosts(host_vars):
            if host in known:
                sides.setdefault(host, {"directory", "host"})
        return sides


def _deadlines(given: Any) -> dict[int, int]:
    """``care_deadlines``, checked: urgency 1 to 5 to a number of days."""
    wrong = AnsibleActionFail(
        "care_deadlines must map urgencies (1 to 5) to days (1 to 3650), for instance {1: 30, 2: 90, 3: 365}"
    )
    if not isinstance(given, Mapping):
        raise wrong
    try:
        deadlines = {int(urgency): int(days) for urgency, days in given.items()}
    except (TypeError, ValueError) as error:
        raise wrong from error
    if not all(1 <= urgency <= 5 and 1 <= days <= 3650 for urgency, days in deadlines.items()):
        raise wrong
    return deadlines


def _write_bytes(path: Path, content: bytes) -> bool:
    """Write a file unless it holds the same already; True when written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    document.write_bytes(path, content)
    return True


def _tell(sheet: decisions.Sheet, update: decisions.Update, path: Path) -> None:
    """What a person must know of the sheet and could overlook."""
    for note in sheet.notes:
        display.warning(terminal(note))
    for rule in update.idle:
        display.warning(terminal(f"{path}, line {rule.line}: rule {rule.name} matches no finding"))
    if update.absent:
        number = len(update.absent)
        display.warning(terminal(f"{path}: {number} decisions are on findings that no report says now, nor has closed"))


def _old(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _diff(path: Path, text: str) -> dict[str, str]:
    return {"before_header": str(path), "after_header": str(path), "before": _old(path), "after": text}
