# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads reports and live audits into findings.json. Runs on the control node only."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.findings import document, mapping_file
from ansible_collections.care.remediation.plugins.module_utils.findings import strangers as strangers_file
from ansible_collections.care.remediation.plugins.module_utils.findings.escape import terminal
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.audit import import_audit
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report
from ansible_collections.care.remediation.plugins.module_utils.findings.merge import merge
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import sources
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.engine_action import display
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction, plain


class ActionModule(FindingsAction):
    """``care.remediation.report_import``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "reports": {"type": "list", "elements": "path"},
        "audits": {"type": "list", "elements": "path"},
        "accept_partial": {"type": "bool"},
        "remember": {"type": "bool", "default": True},
        "forget": {"type": "list", "elements": "path"},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Read everything, merge, write findings.json (not in check mode)."""
        folder = self.folder(arguments, task_vars)
        controls, words = catalogue.load(), catalogue.rules("pingcastle")
        facts = self.inventory_facts(task_vars)
        mappings = mapping_file.load_all([folder / "mappings"], controls)
        gathered = self._reports(arguments["reports"], folder, mappings)
        reports = gathered.items
        audits = _audits(arguments["audits"], folder / "audit")
        if not reports and not audits:
            raise AnsibleActionFail(
                f"there is nothing to read: no report in {folder / 'reports'} and no *.json in {folder / 'audit'}. "
                "Copy the reports there (or set care_reports), or run audit.yml"
            )
        partial = arguments["accept_partial"]
        if partial is None:
            partial = bool(self.variable(task_vars, "care_accept_partial", False))
        imports = []
        for index, path in enumerate(audits, 1):
            imports.append(import_audit(path, source_id=f"s{index}", catalogue=controls))
        for imported in imports:  # what a live audit knows of its domain is how a report of that domain is recognised
            for host in imported.source["targets"]:
                facts.setdefault(host, {"protected": {}}).setdefault("domains", []).extend(imported.domains)
        inventory = Inventory(facts)
        for index, item in enumerate(reports, len(audits) + 1):
            imports.append(
                import_report(
                    item,
                    source_id=f"s{index}",
                    catalogue=controls,
                    inventory=inventory,
                    words=words,
                    mappings=mappings,
                    accept_partial=partial,
                    progress=functools.partial(_progress, item.name),
                )
            )
        target = folder / "findings.json"
        previous = None
        if arguments["remember"] and target.exists():
            previous = document.read(target, "findings/1")
        findings = merge(
            imports,
            protected={host: one["protected"] for host, one in facts.items()},
            previous=previous,
            forget=self._forgotten(arguments, task_vars),
        )
        document.check(findings, "findings/1", where=str(target))
        strangers = strangers_file.snippet(findings["unmatched"], facts)
        result: dict[str, Any] = {
            "changed": False,
            "file": str(target),
            "counts": findings["counts"],
            "closed": findings["closed"],
            "unmatched": findings["unmatched"],
            "left_out": gathered.left_out,
            "sources": [
                {key: source[key] for key in ("id", "type", "file", "partial", "remembered", "skipped", "notes")}
                for source in findings["sources"]
            ],
        }
        if self._task.check_mode:
            result["findings"] = findings
        else:
            result["changed"] = document.write_if_changed(target, findings, "findings/1")
            result["changed"] |= _write_strangers(folder / strangers_file.FILE, strangers)
        for one in gathered.left_out:
            display.warning(f"{terminal(one['file'])}: left out: {terminal(one['reason'], 300)}")
        self._tell(findings, folder / strangers_file.FILE)
        return result

    def _reports(
        self, given: Sequence[str] | None, folder: Path, mappings: Sequence[mapping_file.MappingFile]
    ) -> sources.Gathered:
        if given is None:
            default = folder / "reports"
            given = [str(default)] if default.is_dir() else []
        return sources.gather([str(one) for one in given], Path.cwd(), mappings=mappings)

    def _forgotten(self, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> list[str]:
        given = arguments["forget"]
        if given is None:
            given = plain(self.variable(task_vars, "care_forget", [])) or []
        return ["*" if str(one) == "*" else str(Path(str(one)).expanduser().absolute()) for one in given]

    def _tell(self, findings: Mapping[str, Any], strangers: Path) -> None:
        """What a person must know and could overlook."""
        for source in findings["sources"]:
            name = terminal(source["file"])
            if source["partial"]:
                display.warning(f"{name}: truncated; only what is complete was used, and nothing is closed by it")
            if source["skipped"]["count"] and not source["remembered"]:
                first = source["skipped"]["first"][0]
                display.warning(
                    f"{name}: {source['skipped']['count']} things could not be used, the first at "
                    f"{terminal(first['place'], 120)}: {terminal(first['reason'], 200)}"
                )
        if findings["unmatched"]:
            display.warning(
                f"{len(findings['unmatched'])} hosts or domains of the reports are not in the inventory; "
                f"{terminal(str(strangers))} has them ready to be taken into it"
            )


def _audits(given: Sequence[str] | None, folder: Path) -> list[Path]:
    if given is not None:
        return [Path(item).expanduser().absolute() for item in given]
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def _write_strangers(path: Path, text: str) -> bool:
    present = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    if present == text:
        return False
    if text:
        document.write_text(path, text)
    else:
        path.unlink()
    return True


def _progress(name: str, done: int, size: int | None) -> None:
    share = f" ({100 * done // size} %)" if size else ""
    display.display(f"    {terminal(name.rpartition('/')[2], 80)}: {done >> 20} MiB{share}")
