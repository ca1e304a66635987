# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: findings_plan
short_description: Turn findings into decisions, remediation variables and a plan
version_added: 0.1.0
description:
  - Updates the decision sheet C(decisions.yml). What a person wrote is kept; a new finding is proposed as V(apply)
    when its
    control is of class C(auto), else as V(undecided). A protected account is always V(undecided).
  - Writes C(host_vars/<host>/care_remediation.yml) beside the inventory, with the variables of the remediation roles
    for every
    finding decided V(apply). Every text is marked C(!unsafe). A variable with nothing to correct is written empty. A
    file that
    this module did not write is never overwritten.
  - Writes C(plan.json), C(plan.html) (French) and C(plan.en.html), and prints a summary.
options:
  folder:
    description:
      - The care folder to work in.
      - Default is the variable C(care_dir), or what P(care.remediation.care_folder#lookup) says.
    type: path
  findings:
    description:
      - A findings document, as RV(care.remediation.report_import#module:findings) gives it in check mode.
      - Default is C(findings.json) in the folder.
    type: dict
  decision_defaults:
    description:
      - Standing decisions, control id to V(apply) or V(undecided).
      - Default is the variable C(care_decision_defaults).
    type: dict
  host_vars:
    description:
      - The folder of host variables.
      - Default is C(host_vars) in the folder of the inventory.
    type: path
extends_documentation_fragment:
  - care.remediation.attributes
notes:
  - Runs on the control node and connects to no target. Use it with C(run_once).
  - The variables C(care_dir) (default P(care.remediation.care_folder#lookup)) and C(care_language) (V(fr) or V(en))
    are read
    from the inventory or the play. Files are written with mode 0600.
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Plan
  care.remediation.findings_plan:
  run_once: true

- name: Plan, with a standing decision
  care.remediation.findings_plan:
    decision_defaults:
      vuln_user_accounts_dormant: apply
  run_once: true
"""

RETURN = r"""
counts:
  description: Totals of the plan, with the number of findings for each action.
  type: dict
  returned: always
levels:
  description:
    - The level of each domain by ANSSI's published rule, as M(care.remediation.directory_audit)
      gives it, over the findings of all sources.
  type: list
  elements: dict
  returned: always
  sample: [{host: chu-valmont.test, reached: 1, at_least: 1, at_most: 1, scored: 76, evaluated: 76, unverified: []}]
files:
  description: The files of the plan.
  type: list
  elements: str
  returned: always
summary:
  description: The lines printed.
  type: list
  elements: str
  returned: always
"""
