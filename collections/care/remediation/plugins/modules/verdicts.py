# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: verdicts
short_description: Judge whether findings are gone
version_added: 0.1.0
description:
  - Compares the findings before with those of a new audit and a new scan, and writes C(verify/verdicts.json) with a
    verdict for
    each control and each finding, V(compliant), V(changed), V(failed), V(unverified) or V(waived).
  - What was not read again by a source that can judge it is V(unverified), never V(compliant).
  - Fails when a finding that a person decided to correct is still there, or when there is a new one that nobody
    waived.
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
  findings:
    description:
      - The findings now, as RV(care.remediation.report_import#module:findings) gives them in check mode.
      - Default is C(verify/findings.json) in the folder.
    type: dict
  strict:
    description:
      - Also fail for what is unverified.
      - Default is the variable C(care_verify_strict), or V(false).
    type: bool
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
- name: Judge
  care.remediation.verdicts:
    strict: true
  run_once: true
"""

RETURN = r"""
file:
  description: The file written.
  type: str
  returned: always
counts:
  description: How many findings and controls have each verdict.
  type: dict
  returned: always
failing:
  description: Ids of the findings (or controls) that made the task fail.
  type: list
  elements: str
  returned: always
summary:
  description: The lines printed.
  type: list
  elements: str
  returned: success
"""
