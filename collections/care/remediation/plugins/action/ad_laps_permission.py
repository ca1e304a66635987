# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gate, journal and writer around the planner ``ad_laps_permission``."""

from __future__ import annotations

from ansible_collections.care.remediation.plugins.plugin_utils.change_action import ChangeAction


class ActionModule(ChangeAction):
    """Plan on the target, apply through the directory's writer."""

    WRITER = "directory_change"
