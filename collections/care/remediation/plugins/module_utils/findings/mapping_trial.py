# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a mapping reads of a report, and what it does not: counted, nothing kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .mapping_file import MappingFile
from .readers import content, jsonstream, mapped, tables
from .readers.errors import ReportError
from .records import HOST, INFO, Skipped


@dataclass
class Trial:
    """What a mapping reads of a report."""

    rows: int = 0
    hosts: int = 0
    weaknesses: int = 0
    informational: int = 0
    ungraded: int = 0
    grades: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    skipped: Skipped = field(default_factory=Skipped)
    error: str | None = None


def trial(path: Path, mapping: MappingFile) -> Trial:
    """Read a report by a mapping, keep nothing, and count. What the report breaks is in ``error``, not raised."""
    result = Trial()
    reader: mapped.MappedReader | None = None
    try:
        with opened(path) as stream:
            reader = mapping.reader(_head(path))
            if reader is None:
                result.error = "the mapping does not recognise this report: its 'match' does not fit"
                return result
            for record in reader.records(stream):
                if record.kind == HOST:
                    result.hosts += 1
                elif record.kind == INFO:
                    result.informational += 1
                else:
                    result.weaknesses += 1
                    result.ungraded += record.grade is None
                    result.grades[record.grade or "-"] += 1
    except ReportError as exc:
        result.error = exc.reason if exc.line is None else f"line {exc.line}: {exc.reason}"
    if reader is not None:
        result.rows, result.notes, result.skipped = reader.rows, list(reader.notes), reader.skipped
    return result


def opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as exc:
        raise ReportError(str(path), "there is no such file") from exc
    except OSError as exc:
        raise ReportError(str(path), f"cannot be opened: {exc.strerror}") from exc


def beginning(path: Path) -> bytes:
    with opened(path) as stream:
        return stream.read(content.HEAD)


def _head(path: Path) -> Any:
    start = beginning(path)
    if content.kind(start) == content.JSON:
        return jsonstream.head(start)
    return tables.head(path)
