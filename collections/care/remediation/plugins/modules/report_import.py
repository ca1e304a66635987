# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This is documentation; the work is done by the action plugin of the same name, on the control node.

from __future__ import annotations

DOCUMENTATION = r"""
module: report_import
short_description: Read audit reports and live audits into findings
version_added: 0.1.0
description:
  - Reads audit reports of many tools and the documents of the C(audit.yml) playbook, joins what they say, and writes
    C(findings.json). C(docs/readers/README.md) of the project lists the formats. What a file is, is told by its
    content.
  - Tables and JSON that no reader knows are read through mapping files, C(mappings/*.yml) of the folder and of the
    collection; M(care.remediation.report_mapping) proposes one.
  - Reports are read as a stream with flat memory. DTDs, entities and anything external are refused. A report that
    cannot be read is an error that names file, place and reason; what is skipped in one that can is counted, with its
    place.
  - A weakness that no control of the catalogue takes is a finding of C(other_exposure) or C(other_directory). What
    concerns a host or domain that is not in the inventory is kept as manual work, and C(unmatched.yml) in the folder
    has these hosts ready to be taken into the inventory. Nothing is lost.
  - A finding stays until a later report of the same tool and the same scope, read whole, no longer holds it. Taking a
    report out of the folder closes nothing.
  - A scanned host is recognised by the inventory variables C(ansible_host), C(care_addresses), C(care_names) (names
    that the scan was told) and C(care_sid), a domain by the name of its inventory host, by C(care_domains), or by the
    live audit. The variables C(care_exposure_policy), C(care_break_glass_accounts) and C(care_automation_accounts) of
    each host are read too.
options:
  folder:
    description:
      - The care folder to work in.
      - Default is the variable C(care_dir), or what P(care.remediation.care_folder#lookup) says.
    type: path
  reports:
    description:
      - Report files, folders, globs and archives (C(.zip), C(.gz)).
      - Default is everything in C(reports) of the folder.
    type: list
    elements: path
  audits:
    description:
      - The live audits.
      - Default is every C(*.json) of C(audit) in the folder.
    type: list
    elements: path
  accept_partial:
    description:
      - Use what is complete of a truncated report (a scan that was killed) instead of refusing it. The source is
        marked, and never proves that something is gone.
      - Default is the variable C(care_accept_partial), or V(false).
    type: bool
  remember:
    description:
      - Keep what the import before knew and nothing has closed yet, also from reports that are no longer there.
    type: bool
    default: true
  forget:
    description:
      - Reports of earlier imports, by the path they had, whose findings are dropped (a report of another hospital, a
        scan of a tool that does not say what it looked for). V(*) means all that are no longer there.
      - Default is the variable C(care_forget), or none.
    type: list
    elements: path
extends_documentation_fragment:
  - care.remediation.attributes
attributes:
  check_mode:
    details:
      - In check mode nothing is written; the findings are returned instead.
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
- name: Import everything in the care folder
  care.remediation.report_import:
  run_once: true

- name: Import a report, a folder and an archive
  care.remediation.report_import:
    reports:
      - reports/ad_hc_chu-valmont.test.xml
      - scans/2026-11
      - "scans/*.nessus"
      - perimeter.zip
  run_once: true

- name: Drop what a report of somebody else had brought in
  care.remediation.report_import:
    forget:
      - reports/not-ours.nessus
  run_once: true
"""

RETURN = r"""
file:
  description: The file written.
  type: str
  returned: always
counts:
  description:
    - How many statements were read, mapped to a control, left to a person, and said twice; how many findings were
      closed; how many things were said for information only, and how many could not be used.
  type: dict
  returned: always
  sample: {read: 40, mapped: 31, unmapped: 9, duplicates: 12, closed: 3, informational: 210, skipped: 0}
closed:
  description: The findings of the import before that a later report of the same scope no longer holds.
  type: list
  elements: dict
  returned: always
unmatched:
  description: The hosts and domains that the inventory does not know.
  type: list
  elements: dict
  returned: always
left_out:
  description: Files of a folder, glob or archive that are no reports, and why.
  type: list
  elements: dict
  returned: always
sources:
  description: The sources, with what there is to say about each.
  type: list
  elements: dict
  returned: always
findings:
  description: The whole document, because nothing was written.
  type: dict
  returned: in check mode
"""
