#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Audits the services and the electronic identification of a Linux host. Writes nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_audit
short_description: Audit the services and the electronic identification of a Linux host
version_added: 0.1.0
description:
  - Judges the controls of services (telnet, FTP, Redis, PostgreSQL, TLS, SSH) and of electronic identification over SSH
    by what the host really does - who listens, what a real client is answered, what sshd applies to each account - and
    not by the files that this collection writes.
  - Connects to the host's own services, from the host itself, with a few harmless words each. It writes nothing, but
    services log these connections.
  - What cannot be read makes its controls C(unreadable), never compliant.
  - Run as root on the host.
options:
  host:
    description: Name of the host in findings, its name in the inventory.
    type: str
    required: true
  mie_group:
    description: Group of the administrators who must give a one-time code.
    type: str
    default: administrateurs
  exempt_accounts:
    description: Login names that need no one-time code, the break-glass and automation accounts.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - care.remediation.attributes
attributes:
  diff_mode:
    support: none
    details: Changes nothing.
author:
  - care.remediation contributors (@care-remediation)
seealso:
  - module: care.remediation.directory_audit
"""

EXAMPLES = r"""
- name: Audit the services of this host
  care.remediation.host_audit:
    host: "{{ inventory_hostname }}"
    exempt_accounts: "{{ care_break_glass_accounts + care_automation_accounts }}"
  become: true
  register: care_audited
"""

RETURN = r"""
audit:
  description: The audit, a document of the schema C(care.remediation/audit/1).
  type: dict
  returned: success
  contains:
    schema:
      description: Name and version of the schema.
      type: str
    host:
      description: O(host).
      type: str
    source:
      description: Always V(host).
      type: str
    started:
      description: When it started, UTC.
      type: str
    finished:
      description: When it ended, UTC.
      type: str
    server:
      description: The host's own name.
      type: str
    target:
      description: What was judged.
      type: dict
    controls:
      description: Each control with its state (V(evaluated) or V(unreadable)) and the reason.
      type: dict
    findings:
      description: The findings.
      type: list
      elements: dict
    objects:
      description: Always empty.
      type: list
      elements: dict
"""

import platform
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.controls import (
    expo_ftp,
    expo_postgresql_public,
    expo_redis_unauthenticated,
    expo_ssh_password,
    expo_ssh_root_password,
    expo_telnet,
    expo_tls_obsolete,
    mie_ssh_otp,
)
from ansible_collections.care.remediation.plugins.module_utils.findings import model
from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_collect
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import HostSnapshot

SCHEMA = "care.remediation/audit/1"
CONTROLS = (
    expo_telnet,
    expo_ftp,
    expo_redis_unauthenticated,
    expo_postgresql_public,
    expo_tls_obsolete,
    expo_ssh_password,
    expo_ssh_root_password,
    mie_ssh_otp,
)


def now() -> str:
    """This moment, UTC."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017  hosts may have Python 3.9


def judged(snapshot: HostSnapshot, host: str) -> dict[str, Any]:
    """States of the controls, and findings, of what was seen."""
    controls: dict[str, Any] = {}
    findings: list[dict[str, Any]] = []
    for control in CONTROLS:
        reason = snapshot.reason(control.NEEDS)
        controls[control.ID] = {"state": "unreadable" if reason else "evaluated", "reason": reason}
        if reason:
            continue
        for found in control.detect(snapshot):
            findings.append(
                model.make_finding(
                    control=control.ID,
                    host=host,
                    object=model.make_object(type=found.type, id=found.id, label=found.label),
                    severity=found.severity,
                    evidence=found.evidence,
                    sources=[
                        model.make_mention(
                            source="host", rule=control.ID, wording=found.wording, severity=found.severity
                        )
                    ],
                )
            )
    return {"controls": controls, "findings": sorted(findings, key=model.order)}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "mie_group": {"type": "str", "default": "administrateurs"},
            "exempt_accounts": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    started = now()
    snapshot = audit_collect.collect(module.params["mie_group"], module.params["exempt_accounts"])
    listeners = snapshot.parts.get(audit_collect.LISTENERS, [])
    audit = {
        "schema": SCHEMA,
        "host": module.params["host"],
        "source": "host",
        "started": started,
        "finished": now(),
        "server": platform.node(),
        "target": {
            "mie_group": module.params["mie_group"],
            "listening": sorted({f"tcp/{entry.port}" for entry in listeners if not entry.loopback}),
        },
        **judged(snapshot, module.params["host"]),
        "objects": [],
    }
    module.exit_json(changed=False, audit=audit)


if __name__ == "__main__":
    main()
