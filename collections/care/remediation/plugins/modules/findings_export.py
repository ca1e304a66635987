# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: findings_export
short_description: Write the findings for DefectDojo or CISO Assistant
version_added: 0.1.0
description:
  - Writes the findings and the decisions of the care folder as another tool imports them. Nothing is sent anywhere.
  - For DefectDojo, C(defectdojo.json) is its generic findings JSON (import type C(Generic Findings Import)).
    The id of a finding is its C(unique_id_from_tool), the control is its C(vuln_id_from_tool). A waiver that still
    holds is an accepted risk, or a false positive when its reason begins with C(false positive) or C(faux positif).
  - For CISO Assistant, CSV files for its data import wizard are written below C(ciso-assistant). C(audit-<domain>.csv)
    is an audit of its framework of ANSSI's Active Directory control points, C(findings.csv) a follow-up of findings,
    C(exceptions.csv) has the waivers as security exceptions, C(evidences.csv) the evidences with the SHA-256 of what
    they rest on.
  - The same findings and decisions give the same bytes. No cell of a CSV file is taken for a formula.
options:
  folder:
    description:
      - The care folder to work in.
      - Default is the variable C(care_dir), or what P(care.remediation.care_folder#lookup) says.
    type: path
  findings:
    description:
      - The findings to export, for instance C(verify/findings.json) for what is left after a correction.
      - Default is C(findings.json) in the folder.
    type: path
  format:
    description: The tool that is to read the files.
    type: str
    required: true
    choices: [defectdojo, ciso_assistant]
  dest:
    description:
      - The folder to write to. It is made (mode 0700) where it is missing.
      - Default is C(export) in the folder.
    type: path
  language:
    description:
      - The language of titles and explanations. What a report says stays in its own.
      - Default is the variable C(care_language).
    type: str
    choices: [fr, en]
extends_documentation_fragment:
  - care.remediation.attributes
notes:
  - Runs on the control node and connects to no target. Use it with C(run_once).
  - The variables C(care_dir) (default P(care.remediation.care_folder#lookup)) and C(care_language) (V(fr) or V(en))
    are read from the inventory or the play. Files are written with mode 0600.
seealso:
  - module: care.remediation.report_import
  - module: care.remediation.evidence
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Write the findings for DefectDojo
  care.remediation.findings_export:
    format: defectdojo
  run_once: true

- name: Write what is left after the correction for CISO Assistant, in English
  care.remediation.findings_export:
    format: ciso_assistant
    findings: "{{ care_dir }}/verify/findings.json"
    dest: /srv/grc/care
    language: en
  run_once: true
"""

RETURN = r"""
dest:
  description: The folder that the files are in.
  type: str
  returned: always
files:
  description: The files of this export, in the order of their names, also those that were not changed.
  type: list
  elements: str
  returned: always
counts:
  description: How many findings were exported.
  type: dict
  returned: always
  contains:
    findings:
      description: All findings.
      type: int
      returned: always
    waived:
      description: Of them, those whose risk is accepted by a waiver that still holds.
      type: int
      returned: always
summary:
  description: The lines printed.
  type: list
  elements: str
  returned: always
"""
