# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.care.remediation.plugins.plugin_utils.change_action import ChangeAction


class ActionModule(ChangeAction):
    WRITER = "care_test.targets.file_write"
