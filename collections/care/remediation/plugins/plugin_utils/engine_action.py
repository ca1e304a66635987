# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins of the engine need from the inventory and from Ansible."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.care.remediation.plugins.module_utils.changes import limits, runs, texts
from ansible_collections.care.remediation.plugins.plugin_utils.care_folder import care_folder

display = Display()


class EngineAction(ActionBase):
    """Variables, care folder, language and the ansible-playbook process, the same for every action plugin here."""

    def variable(self, task_vars: Mapping[str, Any], name: str, default: Any = None) -> Any:
        """An inventory variable, templated; ``default`` when it is undefined or empty."""
        if name not in task_vars:
            return default
        value = self._templar.template(task_vars[name])
        return default if value is None or value == "" else value

    def care_dir(self, task_vars: Mapping[str, Any]) -> Path:
        """The care folder of this host's inventory."""
        given = self.variable(task_vars, "care_dir")
        return care_folder(None if given is None else str(given), task_vars)

    def language(self, task_vars: Mapping[str, Any]) -> str:
        """``care_language``: ``fr`` or ``en``. Raises ``AnsibleActionFail`` for another one."""
        language = str(self.variable(task_vars, "care_language", "fr"))
        if language not in texts.LANGUAGES:
            raise AnsibleActionFail(f"care_language is {language!r}; it must be one of: {', '.join(texts.LANGUAGES)}")
        return language

    def max_changes(self, task_vars: Mapping[str, Any]) -> int:
        """``care_max_changes``. Raises ``AnsibleActionFail`` when it is not a number."""
        given = self.variable(task_vars, "care_max_changes", limits.DEFAULT_MAX_CHANGES)
        try:
            value = int(given)
        except (TypeError, ValueError):
            raise AnsibleActionFail(f"care_max_changes is {given!r}; it must be a number of objects") from None
        if value < 0:
            raise AnsibleActionFail(f"care_max_changes is {value}; it must be zero or more")
        return value

    @staticmethod
    def owner() -> runs.Owner:
        """The ansible-playbook process: tasks run in processes that it forks."""
        return runs.Owner.of(os.getppid())

    @staticmethod
    def show(heading: str, lines: Sequence[str], color: str | None = None) -> None:
        """A block of text on the terminal."""
        display.display("\n".join(["", heading, *[f"  {line}" for line in lines], ""]), color=color)
