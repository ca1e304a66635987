# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one error of the readers."""

from __future__ import annotations


class ReportError(Exception):
    """A report cannot be read. Says which file, where in it, why, and what to do."""

    def __init__(self, file: str, reason: str, *, line: int | None = None, truncated: bool = False) -> None:
        self.file = file
        self.line = line
        self.reason = reason
        self.truncated = truncated
        super().__init__(f"{file}{'' if line is None else f', line {line}'}: {reason}")
