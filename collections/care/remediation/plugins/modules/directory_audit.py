#!/usr/bin/python

# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: directory_audit
short_description: Judge an Active Directory domain against the controls of the catalogue
version_added: 0.1.0
description:
  - Reads a domain once over LDAP (accounts, privileged groups, policies, descriptors of the partitions), or a dump of
    the collector ORADAD, and judges each directory control on it. Never writes.
  - A control whose data could not be read is C(unreadable), with the reason. It is never taken for compliant.
  - Groups and built-in accounts are known by SID and RID, so the language of the domain does not matter.
  - An account that may read the directory is enough for most controls. Reading password settings objects, which
    ANSSI credits only where they can be read, needs a delegation on C(CN=Password Settings Container,CN=System).
options:
  host:
    description: Name under which findings are recorded, usually the inventory host. Default is the domain's DNS name.
    type: str
  controls:
    description: Only these controls. Default is all of them.
    type: list
    elements: str
  oradad:
    description:
      - A dump of the collector ORADAD to judge instead of a live domain. No connection is made then, no right is
        needed, and the connection options are not used. Ages count from the moment of the collection.
      - The folder that ORADAD filled with C(<outputFiles>1</outputFiles><outputMLA>0</outputMLA>), one above it (the
        newest collection is taken), or a ZIP archive of it. An encrypted C(.mla) archive can only be read by ANSSI.
      - What the dump does not hold (collection level, version, damaged table) makes the controls that need it
        C(unreadable), with file and line. Of a SID history it holds the first SID only; of SYSVOL, the access lists if
        C(process_sysvol) was on.
    type: path
  oradad_domain:
    description: DNS name of the domain to judge, where the dump O(oradad) holds several.
    type: str
  catalogue:
    description:
      - What the catalogue of controls gives an audit, with its version, its thresholds and the levels of its controls.
      - Filled in on the control node. A task that sets it is refused, so that every audit judges by the same numbers.
    type: dict
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
attributes:
  diff_mode:
    details: Nothing is ever changed.
    support: none
requirements:
  - python-ldap >= 3.4.4 (not for a dump)
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Judge the domain
  care.remediation.directory_audit:
    host: "{{ inventory_hostname }}"
    server: dc1.chu-valmont.test
    username: svc-audit@chu-valmont.test
    password: "{{ vault_audit_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
  register: audited

- name: Only look at the delegations and at krbtgt
  care.remediation.directory_audit:
    server: dc1.chu-valmont.test
    controls: [vuln_delegation_t4d, vuln_krbtgt]

- name: Judge what ORADAD collected this quarter
  care.remediation.directory_audit:
    host: "{{ inventory_hostname }}"
    oradad: /srv/audits/oradad/chu-valmont.test
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
"""

RETURN = r"""
audit:
  description:
    - The document C(audit/1), as C(docs/architecture.md) describes it. Findings carry the evidence that the catalogue
      turns into role variables.
  returned: success
  type: dict
  sample:
    schema: care.remediation/audit/1
    host: chu-valmont.test
    source: directory
    controls: {vuln_guest: {state: evaluated, reason: null}}
    findings: []
level:
  description:
    - The level of the domain by ANSSI's published rule, C(reached) (null while a control that could not be judged might
      lower it) between C(at_least) and C(at_most), what stands in the way at each level, and what blocks the next
      one, in the order in which to correct it.
  returned: success
  type: dict
  sample:
    reached: 1
    at_least: 1
    at_most: 1
    blocking_next: [{control: vuln_delegation_t4d, findings: 1, class: assisted}]
    unverified: []
summary:
  description: The level in a few lines, in the language that C(care_language) names.
  returned: success
  type: list
  elements: str
counts:
  description: How many accounts, privileged accounts, findings and so on.
  returned: success
  type: dict
  sample: {accounts: 312, enabled_users: 280, privileged: 55, findings: 140}
durations:
  description: Seconds that each part took.
  returned: success
  type: dict
  sample: {accounts: 0.4, groups: 0.1, controls: 0.02}
unreadable:
  description: Controls that could not be judged, with the reason.
  returned: success
  type: dict
  sample: {vuln_krbtgt: "pwdLastSet of krbtgt (RID 502) is not readable"}
"""

from datetime import UTC, datetime
from time import monotonic
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.care.remediation.plugins.module_utils.controls import audit, vuln_permissions_gpo_priv
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import (
    UNREADABLE,
    UnknownControlError,
    evaluate,
    select,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.vuln_permissions_naming_context import (
    trustees,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.dump import DumpError
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.reading import read_dump
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    LDAP_IMPORT_ERROR,
    ConnectionOptions,
    DirectoryError,
    Session,
    argument_spec,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import (
    Reading,
    read_snapshot,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol.audit import add_policy_files


def main() -> None:
    """Connect, read, judge."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str"},
            "controls": {"type": "list", "elements": "str"},
            "oradad": {"type": "path"},
            "oradad_domain": {"type": "str"},
            "catalogue": {"type": "dict"},
            **argument_spec(),
        },
        supports_check_mode=True,
    )
    if LDAP_IMPORT_ERROR is not None and not module.params["oradad"]:
        module.fail_json(msg=missing_required_lib("python-ldap"), exception=str(LDAP_IMPORT_ERROR))
    catalogue = module.params["catalogue"]
    if catalogue is None:
        module.fail_json(msg="the catalogue was not given: call care.remediation.directory_audit through ansible-core")
    try:
        controls = select(module.params["controls"])
        reading = _read(module.params, catalogue["thresholds"])
    except (DirectoryError, DumpError, UnknownControlError) as error:
        module.fail_json(msg=str(error))
    snapshot, durations = reading.snapshot, reading.durations
    missing = snapshot.protect(
        {
            "break_glass": module.params["break_glass_accounts"],
            "automation": module.params["automation_accounts"],
        }
    )
    for identity in missing:
        note = f"The protected account {identity!r} is not in {snapshot.dns_name}: correct its name."
        snapshot.notes.append(note)
        module.warn(note)
    started = monotonic()
    outcomes = evaluate(snapshot, controls)
    durations["controls"] = round(monotonic() - started, 3)
    document = audit.document(
        host=module.params["host"] or snapshot.dns_name,
        snapshot=snapshot,
        outcomes=outcomes,
        catalogue=catalogue,
        finished=datetime.now(UTC),
        durations=durations,
    )
    module.exit_json(
        changed=False,
        audit=document,
        counts=document["counts"],
        level=document["level"],
        durations=durations,
        unreadable={each.control: each.reason for each in outcomes if each.state == UNREADABLE},
    )


def _read(params: dict[str, Any], thresholds: dict[str, dict[str, float]]) -> Reading:
    if params["oradad"]:
        return read_dump(params["oradad"], domain=params["oradad_domain"], trustees=trustees, thresholds=thresholds)
    with Session.connect(ConnectionOptions.from_params(params)) as session:
        reading = read_snapshot(session, trustees=trustees, thresholds=thresholds)
        if any(control.id == vuln_permissions_gpo_priv.ID for control in select(params["controls"])):
            started = monotonic()
            dns = vuln_permissions_gpo_priv.policies(reading.snapshot)
            add_policy_files(session, reading.snapshot, dns)
            reading.durations["sysvol"] = round(monotonic() - started, 3)
        return reading


if __name__ == "__main__":
    main()
