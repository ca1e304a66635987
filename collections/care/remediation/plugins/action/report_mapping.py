# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Proposes a mapping file for a report, or tries the one that is there. Runs on the control node only."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    document,
    mapping_file,
    mapping_propose,
    mapping_texts,
    mapping_trial,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.escape import terminal
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction


class ActionModule(FindingsAction):
    """``care.remediation.report_mapping``."""

    ARGUMENTS = {  # noqa: RUF012
        "report": {"type": "path", "required": True},
        "name": {"type": "str"},
        "dest": {"type": "path"},
        "force": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Propose or try, write (not in check mode), and say what was not read."""
        controls = catalogue.load()
        report = Path(arguments["report"]).expanduser().absolute()
        name = arguments["name"] or slug(report.stem)
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", name):
            raise AnsibleActionFail(
                f"the name of a mapping is at most 40 lower case letters, digits, - and _: not {terminal(name, 100)}"
            )
        given = arguments["dest"]
        dest = Path(given).expanduser().absolute() if given else self.care_dir(task_vars) / "mappings" / f"{name}.yml"
        before = dest.read_text(encoding="utf-8", errors="replace") if dest.is_file() else ""
        kept = bool(before) and not arguments["force"]
        unsure: list[str] = []
        if kept:
            text = before
        else:
            if not arguments["force"]:
                _refuse_what_is_read(report)
            proposal = mapping_propose.propose(report, name, controls)
            text, unsure = proposal.text, proposal.unsure
        mapping = mapping_file.parse(text, path=dest, controls=controls)
        tried = mapping_trial.trial(report, mapping)
        changed = text != before
        if changed and not self._task.check_mode:
            document.write_text(dest, text)
        heading, lines = mapping_texts.told(
            tried, dest=str(dest), kept=kept, unsure=unsure, language=self.language(task_vars)
        )
        self.show(heading, lines)
        return {
            "changed": changed,
            "dest": str(dest),
            "kept": kept,
            "mapping": text,
            "unsure": unsure,
            "rows": tried.rows,
            "hosts": tried.hosts,
            "findings": tried.weaknesses,
            "informational": tried.informational,
            "grades": dict(sorted(tried.grades.items())),
            "unread": {"count": tried.skipped.count, "first": tried.skipped.first},
            "notes": tried.notes,
            "error": tried.error,
            "diff": {
                "before_header": str(dest) if before else "/dev/null",
                "after_header": str(dest),
                "before": before,
                "after": text,
            },
        }


def slug(text: str) -> str:
    """A name for a mapping out of a file's name."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)).lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:40].rstrip("-_") or "mapping"


def _refuse_what_is_read(path: Path) -> None:
    """AnsibleActionFail where a report needs no mapping, because a reader or a mapping of the collection takes it."""
    opened = open_report(path, mappings=mapping_file.load_all([]))
    try:
        kind = opened.type
        by = opened.info.get("profile")
    except ReportError:
        return  # nobody takes it; what is wrong with it is told by who looks closer
    finally:
        opened.close()
    known = {one.name for one in mapping_file.load_all([])}
    how = f"by the mapping {by!r} of the collection" if by in known else f"as a report of {kind}"
    raise AnsibleActionFail(
        f"{terminal(str(path))} needs no mapping file: it is read already, {how}. Give it to plan.yml as it is; or set "
        "force to write a mapping of your own all the same"
    )
