# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens on the control node around a planner: gate, journal, writer."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible_collections.care.remediation.plugins.module_utils.changes import model

COLLECTION = "care.remediation"


class ChangeAction(ActionBase):
    """Base of the action plugins of planners; a subclass only says which writer applies its changes."""

    WRITER: ClassVar[str] = ""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Plan, then (not in check mode) gate, journal and apply. Returns the module result of the task."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        planned = self._execute_module(module_name=self._task.action, module_args=arguments, task_vars=task_vars)
        result.update(planned)
        if planned.get("failed"):
            return result
        changes = [
            model.completed(change, task_vars["inventory_hostname"], [str(arguments.get("control") or "")])
            for change in planned.get("changes", [])
        ]
        result.update(changes=changes, changed=bool(changes))
        if not self._task.check_mode and changes:
            raise NotImplementedError("applying changes is not written yet")
        return result
