# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: change_set
short_description: Open, plan, gate and close a remediation run
version_added: 0.1.0
description:
  - Frames the two passes of the C(remediate.yml) playbook. The first pass runs all roles in check mode, so that the
    whole set
    of changes is known; the gate compares it with the approved one; the second pass applies what passed.
  - Runs on the control node and connects to no target. Use it with C(run_once).
options:
  state:
    description:
      - V(open) starts a run and takes the care folder for it. Another living run in the same folder is an error that
        names it; so is, unless in check mode, an approval that is missing or names another change set.
      - V(present) collects what the tasks planned in check mode. In check mode it writes C(change-set.json),
        C(change-set.html)
        and C(change-set.en.html) and prints a summary with the digest.
      - V(gated) compares the plan with the approval and the limits, and fails before the first change when they do
        not allow it.
      - V(closed) ends the run, prints what was done, and fails when a change was refused or failed.
    type: str
    required: true
    choices: [open, present, gated, closed]
  approve:
    description:
      - The digest of the approved C(change-set.json), or at least its first 12 digits, or V(none) to apply whatever
        this run plans.
      - Default is the variable C(care_approve).
    type: str
  max_changes:
    description:
      - How many distinct objects a run may change.
      - Default is the variable C(care_max_changes), or 500.
    type: int
  hosts:
    description:
      - The hosts that this run covers. An approved change of another host is reported as outside the run, not as
        already in place.
    type: list
    elements: str
  failed_hosts:
    description:
      - Hosts on which a task failed or that could not be reached.
      - With V(state=present) any of them stops the run before its first change; with V(state=closed) they are reported
        and the run fails.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - care.remediation.attributes
attributes:
  check_mode:
    details:
      - In check mode V(state=open) opens a dry run, and V(state=present) writes the change set on the control node.
  diff_mode:
    support: none
notes:
  - The variables C(care_dir) (default P(care.remediation.care_folder#lookup)), C(care_language) (V(fr) or V(en)) and
    C(care_run_id) (RV(run_id) of V(state=open)) are read from the inventory or the play.
  - The files are listed in docs/architecture.md. They may contain configuration files of the targets and are
    readable by their
    owner only.
seealso:
  - module: care.remediation.rollback
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Open a run
  care.remediation.change_set:
    state: open
  run_once: true
  register: care_run

- name: Let through what was approved
  care.remediation.change_set:
    state: gated
    approve: 3f9a0c11b2d4
    hosts: "{{ ansible_play_hosts_all }}"
  run_once: true
  vars:
    care_run_id: "{{ care_run.run_id }}"
    care_dir: "{{ care_run.care_dir }}"
"""

RETURN = r"""
run_id:
  description: Id of the run, to be given to the tasks that follow as C(care_run_id).
  type: str
  returned: state is open
  sample: 20261122-021501.123-3f9a
care_dir:
  description: Absolute path of the care folder.
  type: str
  returned: state is open
mode:
  description: V(check) for a dry run, else V(apply).
  type: str
  returned: state is open
digest:
  description: Digest of the change set.
  type: str
  returned: state is present
  sample: sha256:3f9a0c11b2d4…
counts:
  description: Totals of the change set, or of what the run did.
  type: dict
  returned: state is present or closed
blockers:
  description: Sentences that say why this change set will be refused.
  type: list
  elements: str
  returned: state is present
files:
  description: The files written.
  type: list
  elements: str
  returned: state is present, in check mode
allowed:
  description: How many changes may be applied.
  type: int
  returned: state is gated
hosts:
  description: The hosts that have changes to be applied.
  type: list
  elements: str
  returned: state is gated
refused:
  description: Changes that were not approved (V(not_approved)) or whose value moved since (V(moved)).
  type: list
  elements: dict
  returned: state is gated
in_place:
  description: Ids of approved changes that are already in place.
  type: list
  elements: str
  returned: state is gated
out_of_scope:
  description: Ids of approved changes that this run does not look at.
  type: list
  elements: str
  returned: state is gated
journal:
  description: Path of the journal.
  type: str
  returned: state is closed
summary:
  description: The lines printed on the terminal.
  type: list
  elements: str
  returned: state is present, gated or closed
"""
