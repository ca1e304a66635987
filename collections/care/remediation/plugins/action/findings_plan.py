# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Turns findings into the decision sheet, the remediation variables and the plan. Runs on the control node only."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    pages,
    plan,
    summary,
    variables,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.pages_text import TEXTS
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction, plain


class ActionModule(FindingsAction):
    """``care.remediation.findings_plan``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "findings": {"type": "dict"},
        "decision_defaults": {"type": "dict"},
        "host_vars": {"type": "path"},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write decisions.yml, host_vars, plan.json and the pages; in check mode only say what would change."""
        folder, language = self.folder(arguments, task_vars), self.language(task_vars)
        controls = catalogue.load()
        findings = self._findings(arguments, folder)
        defaults = arguments["decision_defaults"]
        if defaults is None:
            defaults = self.variable(task_vars, "care_decision_defaults", {})
        host_vars = Path(arguments["host_vars"]).absolute() if arguments["host_vars"] else self.host_vars(task_vars)
        sheet_path = folder / "decisions.yml"
        sheet = decisions.read(sheet_path)
        update = decisions.update(sheet, findings["findings"], controls, defaults=plain(defaults), name=str(sheet_path))
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
        paths = {variables.path_of(host_vars, host): variables.render(table) for host, table in asked.hosts.items()}
        for path in paths:
            variables.check(path)
        diff = _diff(sheet_path, update.text)
        for path, text in sorted(paths.items()):
            diff += _diff(path, text)
        changed = bool(diff)
        files = [str(folder / name) for name in ("plan.html", "plan.en.html", "plan.json")]
        if not self._task.check_mode:
            if _old(sheet_path) != update.text:
                decisions.write(sheet_path, update.text)
            variables.write(host_vars, asked.hosts)
            fresh = document.write_if_changed(folder / "plan.json", made, "plan/1")
            for tongue, name in (("fr", "plan.html"), ("en", "plan.en.html")):
                if fresh or not (folder / name).exists():
                    document.write_text(folder / name, pages.plan(made, tongue))
            changed = changed or fresh
        else:
            document.check(made, "plan/1", where="plan.json")
        lines = summary.plan(made, language, files[0] if language == "fr" else files[1])
        self.show(TEXTS[language]["plan_title"], lines)
        return {
            "changed": changed,
            "diff": diff,
            "counts": made["counts"],
            "levels": made["levels"],
            "files": [*files, str(sheet_path), *(str(path) for path in sorted(paths))],
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
        sides: dict[str, set[str]] = {}
        for source in findings["sources"]:
            for host in source["targets"]:
                side = "directory" if source["type"] in ("directory", "pingcastle") else "host"
                sides.setdefault(host, set()).add(side)
        known = (task_vars.get("groups") or {}).get("all", [])
        for host in variables.generated_hosts(host_vars):
            if host in known:
                sides.setdefault(host, {"directory", "host"})
        return sides


def _old(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _diff(path: Path, text: str) -> list[dict[str, str]]:
    old = _old(path)
    if old == text:
        return []
    return [{"before_header": str(path), "after_header": str(path), "before": old, "after": text}]
