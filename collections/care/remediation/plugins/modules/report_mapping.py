# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: report_mapping
short_description: Propose a mapping file for a report without public format
version_added: 0.1.0
description:
  - Some reports (of SILENE, of ADS, of a PASSI auditor) come as a table (CSV, XLSX) or as JSON whose columns nobody
    documents. A mapping file says once what its columns and values mean; from then on
    M(care.remediation.report_import) reads every report of this kind.
  - This module looks at one such report and writes a mapping file with what its columns (French or English) and its
    values most likely mean. What is not sure is marked C(# à vérifier / check). A person reads it once.
  - It then reads the report by the mapping, and says what was found and which lines could not be read. Run it again
    after you edited the file, a mapping that is there already is kept, and tried on the report.
  - Controls of the catalogue are only suggested, in comments. What a role corrects is a person's to say.
options:
  report:
    description:
      - The report, a CSV, XLSX or JSON file. It is read as a stream; formulas in it are never evaluated.
    type: path
    required: true
  name:
    description:
      - The name of the mapping, by which findings name their source. Lower case letters, digits, C(-) and C(_).
      - Default is made of the report's file name.
    type: str
  dest:
    description:
      - The mapping file to write.
      - Default is C(mappings/<name>.yml) in the care folder (the variable C(care_dir), or what
        P(care.remediation.care_folder#lookup) says), where M(care.remediation.report_import) looks for it.
    type: path
  force:
    description:
      - Propose anew, and overwrite a mapping file that is there with all that a person wrote into it.
      - Propose also for a report that is read without it.
    type: bool
    default: false
extends_documentation_fragment:
  - care.remediation.attributes
attributes:
  check_mode:
    details:
      - In check mode nothing is written; the report is looked at all the same.
  diff_mode:
    details:
      - The difference is that of the mapping file.
seealso:
  - module: care.remediation.report_import
notes:
  - Runs on the control node and connects to no target. Use it with C(run_once). The file is written with mode 0600.
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Propose a mapping for the annex of an audit report
  care.remediation.report_mapping:
    report: reports/annexe-constats.xlsx
    name: passi-2026
  run_once: true

- name: After the file was edited, say what it does not read yet
  care.remediation.report_mapping:
    report: reports/annexe-constats.xlsx
    name: passi-2026
  run_once: true
  register: tried
  failed_when: tried.unread.count > 0 or tried.error is not none
"""

RETURN = r"""
dest:
  description: The mapping file.
  type: str
  returned: always
kept:
  description: Whether a mapping file was there already, and was tried instead of proposed anew.
  type: bool
  returned: always
mapping:
  description: The text of the mapping file, as it is or would be.
  type: str
  returned: always
unsure:
  description: What of the proposal a person must check; empty for a mapping that was kept.
  type: list
  elements: str
  returned: always
  sample: ["fields.rule: N°", "severities: 3 - Importante"]
rows:
  description: How many rows of the report were read.
  type: int
  returned: always
hosts:
  description: How many hosts and domains they name.
  type: int
  returned: always
findings:
  description: How many weaknesses they say. One row may name several hosts or ports.
  type: int
  returned: always
informational:
  description: How many things they say for information only.
  type: int
  returned: always
grades:
  description: How many weaknesses of each grade; C(-) where the mapping gives none.
  type: dict
  returned: always
  sample: {critical: 2, high: 5, "-": 1}
unread:
  description: What could not be read, how much of it, and the first hundred with their place and reason.
  type: dict
  returned: always
  sample: {count: 1, first: [{place: line 14, reason: it has 13 cells and the header has 11}]}
notes:
  description: What else there is to say about the report.
  type: list
  elements: str
  returned: always
error:
  description: Why the report could not be read to its end by the mapping, or null.
  type: str
  returned: always
"""
