# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Open a report: its format is told by its root element, never by its file name."""

from __future__ import annotations

from pathlib import Path

from .nmap import NmapHandler
from .pingcastle import ENCRYPTED, PingCastleHandler
from .xmlstream import Progress, XmlReport


def open_report(path: Path, *, accept_partial: bool = False, progress: Progress | None = None) -> XmlReport:
    """The report in ``path``; nothing is read before its ``records()`` are asked for, which may raise ReportError."""
    return XmlReport(
        path,
        {"nmaprun": NmapHandler, "HealthcheckData": PingCastleHandler},
        {"EncryptedData": ENCRYPTED},
        accept_partial=accept_partial,
        progress=progress,
    )
