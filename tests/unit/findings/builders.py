# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.findings import merge, model
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.audit import import_audit
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report

REPORTS = Path(__file__).parents[2] / "fixtures" / "reports"
DOMAIN = "chu-valmont.test"
SID = "S-1-5-21-1004336348-1177238915-682003330"
DN = "DC=chu-valmont,DC=test"
HOSTS = {
    DOMAIN: {"addresses": [], "domains": []},
    "web1": {
        "addresses": ["10.9.0.3", "web1"],
        "policy": [{"port": 443, "protocol": "tcp"}, {"port": "22", "protocol": "tcp"}],
    },
}


def account(control: str, name: str, rid: int, *, level: int = 2, protected: str | None = None, **evidence: Any) -> Any:
    """A finding of a live audit about one account."""
    made = model.make_object(
        type="user", id=f"{SID}-{rid}", label=name, dn=f"CN={name},OU=Comptes de service,{DN}", sid=f"{SID}-{rid}"
    )
    finding = model.make_finding(
        control=control, host=DOMAIN, object=made, level=level, protected=protected, evidence=evidence
    )
    return finding | {"sources": []}


def audit(
    path: Path,
    findings: list[Any],
    *,
    host: str = DOMAIN,
    source: str = "directory",
    evaluated: Any = (),
    unreadable: dict[str, str] | None = None,
    observations: list[dict[str, Any]] | None = None,
) -> Path:
    """Write a live audit as audit.yml does."""
    states: dict[str, Any] = {f["control"]: {"state": "evaluated", "reason": None} for f in findings}
    states |= {control: {"state": "evaluated", "reason": None} for control in evaluated}
    states |= {c: {"state": "unreadable", "reason": reason} for c, reason in (unreadable or {}).items()}
    document = {
        "schema": "care.remediation/audit/1",
        "host": host,
        "source": source,
        "started": "2026-11-22T02:00:00Z",
        "server": "dc1.chu-valmont.test",
        "target": {"domain_sid": SID, "dns_name": DOMAIN} if source == "directory" else {},
        "controls": states,
        "findings": findings,
        "objects": [],
        "observations": observations or [],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def merged(controls: Any, inventory: Any, *paths: Path, **options: Any) -> dict[str, Any]:
    """findings/1 of these files."""
    imports = []
    for index, path in enumerate(paths, 1):
        if path.suffix == ".json":
            imports.append(import_audit(path, source_id=f"s{index}", catalogue=controls))
        else:
            imports.append(import_report(path, source_id=f"s{index}", catalogue=controls, inventory=inventory))
    return merge.merge(imports, **options)
