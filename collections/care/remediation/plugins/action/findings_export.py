# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Writes the findings for DefectDojo or CISO Assistant. Runs on the control node only."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    export_ciso_assistant,
    export_defectdojo,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from ansible_collections.care.remediation.plugins.plugin_utils.findings_action import FindingsAction

# What evidence rests on, below the care folder.
DOCUMENTS = (
    "findings.json",
    "decisions.yml",
    "plan.json",
    "change-set.json",
    "verify/findings.json",
    "verify/verdicts.json",
    "evidence/evidence.html",
    "evidence/evidence.en.html",
    "evidence/evidence.json",
    "evidence/evidence.csv",
)
MAX_DIFF = 1 << 20
TITLE = {"fr": "Export des constats", "en": "Export of the findings"}
LINES = {
    "fr": "{findings} constat(s), dont {waived} avec un risque accepté ; fichiers :",
    "en": "{findings} finding(s), of which {waived} with an accepted risk; files:",
}


class ActionModule(FindingsAction):
    """``care.remediation.findings_export``."""

    ARGUMENTS = {  # noqa: RUF012
        "folder": {"type": "path"},
        "findings": {"type": "path"},
        "format": {"type": "str", "required": True, "choices": ["defectdojo", "ciso_assistant"]},
        "dest": {"type": "path"},
        "language": {"type": "str", "choices": ["fr", "en"]},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write the files whose content changed; in check mode only say which."""
        folder = self.folder(arguments, task_vars)
        language = arguments["language"] or self.language(task_vars)
        findings_path = self._path(arguments["findings"]) or folder / "findings.json"
        dest = self._path(arguments["dest"]) or folder / "export"
        findings = document.read(findings_path, "findings/1")
        sheet = decisions.read(folder / "decisions.yml").decisions
        contents = self._contents(arguments["format"], findings, sheet, folder, language)
        files = [dest / name for name in sorted(contents)]
        diff: list[dict[str, str]] = []
        changed = False
        for path, name in zip(files, sorted(contents), strict=True):
            with tempfile.TemporaryFile() as made:  # it may be larger than what memory should hold
                if not _differs(path, contents[name], made):
                    continue
                changed = True
                if self._task.diff:
                    diff.append(_diff(path, made))
                if not self._task.check_mode:
                    document.write_pieces(path, _pieces(made))
        today = export_defectdojo.today()
        waived = [key for key, one in sheet.items() if one.effective(today) == "waive"]
        counts = {
            "findings": len(findings["findings"]),
            "waived": sum(one["id"] in set(waived) for one in findings["findings"]),
        }
        lines = [LINES[language].format(**counts), *map(str, files)]
        self.show(TITLE[language], lines)
        return {
            "changed": changed,
            "dest": str(dest),
            "files": list(map(str, files)),
            "counts": counts,
            "summary": lines,
            "diff": diff,
        }

    @staticmethod
    def _path(given: Any) -> Path | None:
        return Path(str(given)).expanduser().absolute() if given else None

    @staticmethod
    def _contents(
        format: str, findings: Mapping[str, Any], sheet: Mapping[str, Any], folder: Path, language: str
    ) -> dict[str, Iterator[bytes]]:
        controls = catalogue.load()
        if format == "defectdojo":
            entries = export_defectdojo.entries(findings, sheet, controls, language=language)
            return {"defectdojo.json": export_defectdojo.render(findings, entries)}
        made_files = export_ciso_assistant.build(
            findings,
            sheet,
            controls,
            scored=catalogue.edition().scored,
            documents=[path for name in DOCUMENTS if (path := folder / name).is_file()],
            language=language,
        )
        return {f"ciso-assistant/{name}": content for name, content in made_files.items()}


def _differs(path: Path, pieces: Iterable[bytes], made: IO[bytes]) -> bool:
    """Write the pieces to ``made``; whether the file does not hold just them."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        made.write(piece)
    try:
        return document.digest_file(path) != digest.hexdigest()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise document.DocumentError(f"{path}: cannot be read: {error.strerror}") from error


def _pieces(made: IO[bytes]) -> Iterator[bytes]:
    made.seek(0)
    while piece := made.read(1 << 20):
        yield piece


def _diff(path: Path, made: IO[bytes]) -> dict[str, str]:
    """The difference, as far as a person reads one."""
    made.seek(0)
    after, before = made.read(MAX_DIFF + 1), b""
    if path.exists():
        with path.open("rb") as stream:
            before = stream.read(MAX_DIFF + 1)
    texts = [
        content.decode("utf-8-sig", errors="replace") if len(content) <= MAX_DIFF else "(too large to be shown)\n"
        for content in (before, after)
    ]
    return {"before_header": str(path), "after_header": str(path), "before": texts[0], "after": texts[1]}
