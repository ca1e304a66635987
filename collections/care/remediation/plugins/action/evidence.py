# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes the evidence pages, JSON and CSV. Runs on the control node only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.findings import document, evidence, pages, summary
from ansible_collections.care.remediation.plugins.module_utils.findings.pages_text import TEXTS
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction, plain


class ActionModule(FindingsAction):
    """``care.remediation.evidence``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "before": {"type": "path"},
        "establishment": {"type": "str"},
        "responsibles": {"type": "dict"},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write the four files below evidence/ (not in check mode)."""
        folder, language = self.folder(arguments, task_vars), self.language(task_vars)
        before_path = self.findings_before(arguments, folder, task_vars)
        before = document.read(before_path, "findings/1")
        verdicts = document.read(folder / "verify" / "verdicts.json", "verdicts/1")
        if verdicts["before"]["generated"] != before["generated"]:
            raise AnsibleActionFail(
                f"{folder / 'verify' / 'verdicts.json'} compares with findings of {verdicts['before']['generated']}, "
                f"and {before_path} is of {before['generated']}: run verify.yml again, then evidence.yml"
            )
        establishment = arguments["establishment"] or self.variable(task_vars, "care_establishment", "")
        responsibles = arguments["responsibles"] or self.variable(task_vars, "care_responsibles", {})
        made = evidence.build(
            before,
            verdicts,
            catalogue.load(),
            establishment=str(establishment),
            responsibles=plain(responsibles),
            change_set=evidence.read_change_set(folder / "change-set.json"),
            runs=[evidence.read_run(path) for path in sorted((folder / "runs").glob("*/journal.jsonl"))],
            documents=[
                before_path,
                folder / "decisions.yml",
                folder / "change-set.json",
                folder / "verify" / "findings.json",
                folder / "verify" / "verdicts.json",
            ],
        )
        target = folder / "evidence"
        document.check(made, "evidence/1", where=str(target / "evidence.json"))
        files = [str(target / name) for name in ("evidence.html", "evidence.en.html", "evidence.json", "evidence.csv")]
        changed = False
        if not self._task.check_mode:
            changed = document.write_if_changed(target / "evidence.json", made, "evidence/1")
            changed = changed or not all(Path(name).exists() for name in files)
            if changed:
                document.write_text(target / "evidence.html", pages.evidence(made, "fr"))
                document.write_text(target / "evidence.en.html", pages.evidence(made, "en"))
                document.write_bytes(target / "evidence.csv", evidence.to_csv(made))
        lines = summary.evidence(made, language, files)
        self.show(TEXTS[language]["evidence_title"], lines)
        return {"changed": changed, "files": files, "counts": made["counts"], "summary": lines}
