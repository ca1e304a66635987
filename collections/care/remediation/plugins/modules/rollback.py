# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Undo a remediation run from its journal
version_added: 0.1.0
description:
  - Puts back what a run changed, newest change first, each one only where the value is still the one that the run
    wrote. What
    someone else changed since is reported and left. What was declared irreversible before it was applied is reported.
  - A rollback that was interrupted can be run again; a second one changes nothing.
options:
  state:
    description:
      - V(selected) chooses the run (the variable C(care_run), else the last one that changed something), checks its
        journal, and
        takes the care folder. Use it with C(run_once).
      - V(undone) undoes what the run did to the host of the task.
      - V(closed) prints what became of each change, and fails when something failed or a host was not reached. Use
        it with C(run_once).
    type: str
    required: true
    choices: [selected, undone, closed]
  connection:
    description:
      - Connection options to hand to the writer, over those found in the variables of the host
        (C(care_directory_server), C(care_directory_username) and the others).
    type: dict
extends_documentation_fragment:
  - care.remediation.attributes
notes:
  - The variables C(care_dir), C(care_language), C(care_run) and, after V(state=selected), C(care_run_id) are read
    from the
    inventory or the play.
  - A change that someone else touched since does not fail the task. It is named in the summary.
seealso:
  - module: care.remediation.change_set
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Choose the last run that changed something
  care.remediation.rollback:
    state: selected
  run_once: true
  register: care_rollback

- name: Undo what it did to this host
  care.remediation.rollback:
    state: undone
  vars:
    care_run_id: "{{ care_rollback.run_id }}"
    care_dir: "{{ care_rollback.care_dir }}"
"""

RETURN = r"""
run_id:
  description: The run that is undone; empty when no run changed anything.
  type: str
  returned: state is selected
care_dir:
  description: Absolute path of the care folder.
  type: str
  returned: state is selected
hosts:
  description: Hosts on which there is something to undo.
  type: list
  elements: str
  returned: state is selected
privileged_hosts:
  description: Hosts on which the run used privilege escalation, and the rollback must too.
  type: list
  elements: str
  returned: state is selected
torn_lines:
  description: Numbers of journal lines that a killed process left incomplete.
  type: list
  elements: int
  returned: state is selected
outcome:
  description: For each change its id, its status and a message.
  type: list
  elements: dict
  returned: state is undone
counts:
  description: How many changes were undone, already as before, left, irreversible, failed or not reached.
  type: dict
  returned: state is closed
summary:
  description: The lines printed on the terminal.
  type: list
  elements: str
  returned: state is closed
"""
