# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads reports and live audits into findings.json. Runs on the control node only."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.findings import document, importer
from ansible_collections.care.remediation.plugins.module_utils.findings.escape import terminal
from ansible_collections.care.remediation.plugins.module_utils.findings.merge import merge
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import display
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction


class ActionModule(FindingsAction):
    """``care.remediation.report_import``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "reports": {"type": "list", "elements": "path"},
        "audits": {"type": "list", "elements": "path"},
        "accept_partial": {"type": "bool"},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Read everything, merge, write findings.json (not in check mode)."""
        folder = self.folder(arguments, task_vars)
        controls = catalogue.load()
        facts = self.inventory_facts(task_vars)
        reports = _files(arguments["reports"], folder / "reports", "*.xml")
        audits = _files(arguments["audits"], folder / "audit", "*.json")
        if not reports and not audits:
            raise AnsibleActionFail(
                f"there is nothing to read: no *.xml in {folder / 'reports'} and no *.json in {folder / 'audit'}. Copy "
                "the reports there (or set care_reports), or run audit.yml"
            )
        partial = arguments["accept_partial"]
        if partial is None:
            partial = bool(self.variable(task_vars, "care_accept_partial", False))
        imports = []
        for index, path in enumerate(audits, 1):
            imports.append(importer.import_audit(path, source_id=f"s{index}", catalogue=controls))
        for imported in imports:  # what a live audit knows of its domain is how a report of that domain is recognised
            for host in imported.source["targets"]:
                facts.setdefault(host, {"protected": {}}).setdefault("domains", []).extend(imported.domains)
        inventory = importer.Inventory(facts)
        for index, path in enumerate(reports, len(audits) + 1):
            imports.append(
                importer.import_report(
                    path,
                    source_id=f"s{index}",
                    catalogue=controls,
                    inventory=inventory,
                    accept_partial=partial,
                    progress=functools.partial(_progress, path),
                )
            )
        findings = merge(imports, protected={host: one["protected"] for host, one in facts.items()})
        target = folder / "findings.json"
        document.check(findings, "findings/1", where=str(target))
        result: dict[str, Any] = {
            "changed": False,
            "file": str(target),
            "counts": findings["counts"],
            "sources": [
                {key: source[key] for key in ("id", "type", "file", "partial", "notes")}
                for source in findings["sources"]
            ],
        }
        if self._task.check_mode:
            result["findings"] = findings
        else:
            result["changed"] = document.write_if_changed(target, findings, "findings/1")
        for source in findings["sources"]:
            if source["partial"]:
                display.warning(f"{terminal(source['file'])}: truncated; only what is complete was used")
        return result


def _files(given: Sequence[str] | None, folder: Path, pattern: str) -> list[Path]:
    if given is not None:
        return [Path(item).expanduser().absolute() for item in given]
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _progress(path: Path, done: int, size: int | None) -> None:
    share = f" ({100 * done // size} %)" if size else ""
    display.display(f"    {terminal(path.name, 80)}: {done >> 20} MiB{share}")
