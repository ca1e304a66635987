# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: evidence
short_description: Write the evidence pages
version_added: 0.1.0
description:
  - Writes C(evidence/evidence.html) (French), C(evidence.en.html), C(evidence.json) and C(evidence.csv) from the
    findings, the
    verdicts, the decisions, the change set and the journals of the care folder.
  - The pages are self-contained, without script or external resource. No cell of the CSV is taken for a formula.
options:
  folder:
    description:
      - The care folder to work in.
      - Default is the variable C(care_dir), or what P(care.remediation.care_folder#lookup) says.
    type: path
  before:
    description:
      - The findings before.
      - Default is the variable C(care_baseline), else C(baseline/findings.json) in the folder, which C(remediate.yml)
        writes before it changes something, else C(findings.json).
    type: path
  establishment:
    description:
      - The name of the hospital, for the title.
      - Default is the variable C(care_establishment).
    type: str
  responsibles:
    description:
      - Who answers for what remains, by family of control (C(directory), C(exposure), C(service), C(identification))
        or
        C(default).
      - Default is the variable C(care_responsibles).
    type: dict
extends_documentation_fragment:
  - care.remediation.attributes
attributes:
  diff_mode:
    support: none
notes:
  - Runs on the control node and connects to no target. Use it with C(run_once).
  - The variables C(care_dir) (default P(care.remediation.care_folder#lookup)) and C(care_language) (V(fr) or V(en))
    are read
    from the inventory or the play. Files are written with mode 0600.
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Write the evidence
  care.remediation.evidence:
    establishment: CHU de Valmont
    responsibles:
      directory: Administrateurs du domaine
      default: RSSI
  run_once: true
"""

RETURN = r"""
files:
  description: The files written.
  type: list
  elements: str
  returned: always
counts:
  description: How many findings and controls have each verdict.
  type: dict
  returned: always
summary:
  description: The lines printed.
  type: list
  elements: str
  returned: always
"""
