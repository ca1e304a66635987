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
  - Updates the decision sheet C(decisions.yml). What a person wrote is kept, comments included; a new finding is
    proposed as V(apply) when its control is of class C(auto), else as V(undecided). A protected account is always
    V(undecided). The part C(rules) of the sheet decides many findings at once, or waives them.
  - Writes C(host_vars/<host>/care_remediation.yml) beside the inventory, with the variables of the remediation roles
    for every
    finding decided V(apply). Every text is marked C(!unsafe). A variable with nothing to correct is written empty. A
    file that
    this module did not write is never overwritten.
  - Writes C(plan.json), C(plan.html) (French) and C(plan.en.html), and prints a summary. The plan lists pieces of
    work, each with its place and why it stands there, says what gets each domain to the next ADS level with the
    fewest changes, and counts waivers (in force, ending within 30 days, run out).
  - Writes C(plan.paq.csv), the same pieces of work as actions of a hospital's quality-improvement plan (plan
    d'amélioration de la qualité, PAQ), for a spreadsheet program set to French (UTF-8 with BOM, semicolons, CRLF,
    no cell that is taken for a formula). Its headers are French, or English with C(care_language=en). Columns are
    number (the id of the piece of work, the same in every plan), priority, source, observation, severity, scope,
    why this priority, corrective action, responsible, due date, progress, indicator, expected evidence, date of the
    observation.
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
  responsibles:
    description:
      - Who answers for each control family (V(directory), V(exposure), V(service), V(identification)) or V(default), as
        in M(care.remediation.evidence). Stands in C(plan.paq.csv).
      - Default is the variable C(care_responsibles).
    type: dict
  deadlines:
    description:
      - Urgency (V(1) to V(5), see C(docs/findings.md)) to the number of days from the plan to the due date that
        C(plan.paq.csv) states. An urgency that is not named gets none. What is waived as a whole is due when its first
        waiver ends.
      - Default is the variable C(care_deadlines), else no due dates.
    type: dict
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

- name: Plan, with due dates in the quality-improvement plan
  care.remediation.findings_plan:
    deadlines: {1: 30, 2: 90, 3: 365}
    responsibles: {directory: Equipe Annuaire, default: RSSI}
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
next_level:
  description:
    - For each domain that is not at the best level, what gets it to the next one with the fewest changes, control by
      control, and what stands in the way.
  type: list
  elements: dict
  returned: always
  sample: [{host: chu-valmont.test, from: 1, to: 2, total: {objects: 4, changes: 4, planned: 3}, in_the_way_total: 1}]
waivers:
  description: How many waivers are in force, end within C(days) days, and have run out.
  type: dict
  returned: always
  sample: {in_force: 3, expiring: 1, expired: 0, days: 30, next: "2026-12-10"}
rules:
  description: The rules of the sheet, each with its line, how many findings it matches, and how many it decides.
  type: list
  elements: dict
  returned: always
  sample: [{name: old-kiosks, line: 31, matched: 120, governs: 118}]
absent:
  description: The findings that a person decided, no report says now, and none has closed. They stay in the sheet.
  type: list
  elements: str
  returned: always
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
