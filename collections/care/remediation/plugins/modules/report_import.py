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
  - Reads nmap XML, PingCastle XML (levels Normal, Full, Light and Paranoid, engines 2.9 to 3.5) and the documents of
    the
    C(audit.yml) playbook, joins what they say, and writes C(findings.json).
  - Reports are read as a stream with flat memory. DTDs, entities and anything external are refused. A report that
    cannot be
    read is an error that names file, line and reason.
  - What no control of the catalogue takes, and what concerns a host or domain that is not in the inventory, is kept
    as manual
    work. Nothing is lost.
  - A scanned host is recognised by the inventory variables C(ansible_host) and C(care_addresses), a domain by the
    name of its
    inventory host, by C(care_domains), or by the live audit. The variables C(care_exposure_policy),
    C(care_break_glass_accounts)
    and C(care_automation_accounts) of each host are read too.
options:
  folder:
    description:
      - The care folder to work in.
      - Default is the variable C(care_dir), or what P(care.remediation.care_folder#lookup) says.
    type: path
  reports:
    description:
      - The report files. Their format is told by their content.
      - Default is every C(*.xml) of C(reports) in the folder.
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
        marked, and
        never proves that something is gone.
      - Default is the variable C(care_accept_partial), or V(false).
    type: bool
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

- name: Import two reports
  care.remediation.report_import:
    reports:
      - reports/ad_hc_chu-valmont.test.xml
      - reports/perimeter.xml
  run_once: true
"""

RETURN = r"""
file:
  description: The file written.
  type: str
  returned: always
counts:
  description: How many statements were read, mapped to a control, left to a person, and said twice.
  type: dict
  returned: always
  sample: {read: 40, mapped: 31, unmapped: 9, duplicates: 12}
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
