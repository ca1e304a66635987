# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Compares the findings before and after, and judges. Runs on the control node only."""

from __future__ import annotations

from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.findings import baseline, document, summary, verdicts
from ansible_collections.care.remediation.plugins.module_utils.findings.pages_text import TEXTS
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction, plain


class ActionModule(FindingsAction):
    """``care.remediation.verdicts``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "before": {"type": "path"},
        "findings": {"type": "dict"},
        "strict": {"type": "bool"},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write verify/verdicts.json (not in check mode), print the table, fail where the gate says so."""
        folder, language = self.folder(arguments, task_vars), self.language(task_vars)
        before_path = self.findings_before(arguments, folder, task_vars)
        before = document.read(before_path, "findings/1")
        if arguments["findings"]:
            after = plain(arguments["findings"])
            document.check(after, "findings/1", where="option findings")
        else:
            after = document.read(folder / "verify" / "findings.json", "findings/1")
        made = verdicts.build(before, after, baseline.settled(folder), catalogue.load(), edition=catalogue.edition())
        target = folder / "verify" / "verdicts.json"
        document.check(made, "verdicts/1", where=str(target))
        changed = False
        if not self._task.check_mode:
            changed = document.write_if_changed(target, made, "verdicts/1")
        strict = arguments["strict"]
        if strict is None:
            strict = bool(self.variable(task_vars, "care_verify_strict", False))
        bad = verdicts.failing(made, strict=strict)
        compared = TEXTS[language]["compared_with"].format(file=before_path, date=before["generated"])
        lines = [compared, *summary.verdicts(made, language)]
        self.show(TEXTS[language]["before_after"], lines)
        result: dict[str, Any] = {
            "changed": changed,
            "file": str(target),
            "counts": made["counts"],
            "failing": [one.get("id") or one["control"] for one in bad],
            "summary": lines,
        }
        if bad:
            del result["summary"]  # just shown; a failed task would print it once more
            result |= {"failed": True, "msg": summary.failures(bad, language)}
        return result
