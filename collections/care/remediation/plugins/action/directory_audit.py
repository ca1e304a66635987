# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hands what the catalogue says (thresholds, levels, edition) to the module, wherever that runs."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.findings import summary
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import EngineAction


class ActionModule(EngineAction):
    """``care.remediation.directory_audit``: the module, with the catalogue of the control node."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The module's result. Raises ``AnsibleActionFail`` for a task that brings numbers of its own."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        if "catalogue" in self._task.args:
            raise AnsibleActionFail(
                "the option catalogue is filled in from the catalogue of the collection: take it out of the task"
            )
        try:
            given = catalogue.for_audit()
        except catalogue.CatalogueError as error:
            raise AnsibleActionFail(str(error)) from error
        result.update(
            self._execute_module(
                module_name=self._task.resolved_action or self._task.action,
                module_args={**self._task.args, "catalogue": given},
                task_vars=task_vars or {},
            )
        )
        if "level" in result:
            one = {"host": result["audit"]["host"], **result["level"]}
            result["summary"] = summary.level(one, self.language(task_vars or {}))
        return result
