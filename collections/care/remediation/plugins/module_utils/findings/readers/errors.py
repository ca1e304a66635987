# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The one error of the readers."""

from __future__ import annotations

from typing import Final

MAX_REASON: Final = 2_000


class ReportError(Exception):
    """A report cannot be read. Says which file, where in it, why, and what to do.

    ``truncated``: it ends too early, ``accept_partial`` would take what is complete. ``foreign``: it is no report of a
    format that is read here, so that a whole folder may be imported without it, if that is said.
    """

    def __init__(
        self, file: str, reason: str, *, line: int | None = None, truncated: bool = False, foreign: bool = False
    ) -> None:
        if len(reason) > MAX_REASON:  # it quotes the file, and the file is hostile
            reason = f"{reason[:MAX_REASON]}…"
        self.file = file
        self.line = line
        self.reason = reason
        self.truncated = truncated
        self.foreign = foreign
        super().__init__(f"{file}{'' if line is None else f', line {line}'}: {reason}")


class ReaderFault(ReportError):
    """A reader failed in a way that nobody foresaw: a fault of this program, said like every other error."""
