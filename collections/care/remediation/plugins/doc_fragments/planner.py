# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and notes shared by the modules that plan changes."""

from __future__ import annotations


class ModuleDocFragment:
    """``care.remediation.planner``: what every planner takes and how its changes reach the target."""

    DOCUMENTATION = r"""
options:
  control:
    description:
      - Id of the catalogue's control that asks for this, for instance V(vuln_guest).
      - Written beside each change in the change set and in the journal.
    type: str
notes:
  - The module itself only compares and returns RV(ignore:changes). The action plugin of the same name, on the control
    node, checks them against the approved change set and the limits, writes them to the journal, and has them applied
    by a writer module that compares each value again before it writes and reads it back after.
  - In a run of the C(remediate.yml) playbook, only changes that passed the gate of that run are applied. Used alone in
    a playbook, the task opens a run of its own in C(care_dir) (default C(care) in the folder of the inventory), which
    C(rollback.yml) can undo.
  - The variable C(care_max_changes) (default 500) limits the objects that may change. A change of a break-glass
    account, an automation account, the account of the connection or the management path is never applied.
"""
