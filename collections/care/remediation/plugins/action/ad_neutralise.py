# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gate, journal and writer around the planner ``ad_neutralise``."""

from __future__ import annotations

from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import approval, documents
from ansible_collections.care.remediation.plugins.module_utils.changes.runs import Store
from ansible_collections.care.remediation.plugins.plugin_utils.change_action import ChangeAction


class ActionModule(ChangeAction):
    """Plan on the target, apply through the directory's writer."""

    WRITER = "directory_change"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plan with the date of the approved change set: what is approved today may be applied tomorrow."""
        if not self._task.args.get("date"):
            date = self._approved_date(task_vars or {})
            if date:
                self._task.args["date"] = date
        return super().run(tmp, task_vars)

    def _approved_date(self, task_vars: dict[str, Any]) -> str | None:
        if self.variable(task_vars, "care_approve", approval.NONE) == approval.NONE:
            return None
        path = Store(self.care_dir(task_vars)).care_dir / "change-set.json"
        try:
            return str(documents.read_json(path, "change-set-1")["created"])[:10]
        except documents.DocumentError:
            return None  # the gate says what is wrong with it
