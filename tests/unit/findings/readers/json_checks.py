# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the tests of the JSON readers share: reading a fixture, and cutting it everywhere."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import HEAD, head
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Record

from .checks import REPORTS, check


class Read(NamedTuple):
    records: list[Record]
    reader: Any
    error: ReportError | None

    def of(self, kind: str) -> list[Record]:
        return [record for record in self.records if record.kind == kind]

    def rules(self, kind: str) -> dict[str, Record]:
        return {record.rule: record for record in self.of(kind)}


def read(reader: Any, content: bytes) -> Read:
    """Everything that a content gives, checked, and the error at its end."""
    found: list[Record] = []
    try:
        for record in reader.records(io.BytesIO(content)):
            check(record)
            found.append(record)
    except ReportError as exc:
        return Read(found, reader, exc)
    return Read(found, reader, None)


def fixture(make: Any, name: str) -> Read:
    """A fixture, which the reader recognises and reads to its end."""
    content = (REPORTS / name).read_bytes()
    beginning = head(content[:HEAD])
    assert beginning is not None and make.recognise(beginning), f"{name} is not recognised"
    result = read(make(), content)
    assert result.error is None, result.error
    return result


def cut_everywhere(make: Any, content: bytes, *, step: int = 1) -> None:
    """A file that ends too early says so, and what it gives is the beginning of what the whole gives."""
    whole = [repr(record) for record in read(make(), content).records]
    end = len(content.rstrip())
    for length in range(1, end, step):
        result = read(make(), content[:length])
        assert result.error is not None and result.error.truncated, (length, content[max(0, length - 60) : length])
        got = [repr(record) for record in result.records]
        assert got == whole[: len(got)], (length, got[-1])
