# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What every reader keeps, whatever the file: used by the unit tests and by ``tests/fuzz`` (so without pytest)."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.care.remediation.plugins.module_utils.findings import mapping_file, records
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReaderFault, ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import expand, open_report

REPORTS = Path(__file__).parents[3] / "fixtures" / "reports"
MAPPINGS = mapping_file.load_all([REPORTS / "mapped"])
# A mutation of a fixture (at most 200 kB) that takes longer is a reader that can be made to hang.
SECONDS = 5.0
MEGABYTES = 400
GRADES = {None, "critical", "high", "medium", "low"}
KNOWN_FACTS = {"cve": list, "cwe": list, "references": list, "kev": bool, "epss": float | int, "cvss": float | int}


class Result(NamedTuple):
    type: str
    records: list[str]
    skipped: int
    notes: list[str]
    partial: bool
    places: list[str]

    def told_more(self, than: Result) -> bool:
        """Whether this result says of something lost what the other one does not say."""
        return self.skipped > than.skipped or bool({*self.notes, *self.places} - {*than.notes, *than.places})


def read(path: Path, **options: Any) -> Result:
    """Everything that a file gives, its records checked and as text."""
    for item in (expand(path) if path.is_file() else [])[1:]:  # an archive of several: the first one counts below
        try:
            for _record in open_report(item, mappings=MAPPINGS, **options).records():
                pass
        except ReportError as exc:
            assert not isinstance(exc, ReaderFault), exc
    report = open_report(path, mappings=MAPPINGS, **options)
    found: list[str] = []
    for record in report.records():
        if isinstance(record, records.Record):
            check(record)
        found.append(repr(record))
    assert all(isinstance(note, str) for note in report.notes)
    places = [f"{one['place']}: {one['reason']}" for one in report.skipped.first]
    return Result(report.type, found, report.skipped.count, report.notes, report.partial, places)


def check(record: records.Record) -> None:
    """What every record keeps, whatever the report said."""
    assert record.kind in records.KINDS
    assert isinstance(record.rule, str) and isinstance(record.title, str) and isinstance(record.wording, str)
    assert isinstance(record.place, str)
    assert record.severity is None or isinstance(record.severity, str)
    assert record.grade in GRADES, record.grade
    assert len(record.rule) <= 4_000 and len(record.title) <= 10_000 and len(record.wording) <= 100_000
    asset = record.asset
    if asset is not None:
        for names in (asset.addresses, asset.typed_names, asset.names, asset.sids):
            assert isinstance(names, list) and all(isinstance(name, str) and name for name in names), asset
        assert all(records.normal_address(address) == address for address in asset.addresses), asset.addresses
        assert isinstance(asset.label, str)
    if record.kind in (records.HOST, records.PORT):
        assert asset is not None
    if record.kind == records.PORT:
        assert record.port is not None
    if record.port is not None:
        assert record.port.protocol in ("tcp", "udp", "sctp", "ip"), record.port
        assert type(record.port.number) is int and 0 <= record.port.number <= 65535, record.port
        assert isinstance(record.port.state, str)
    for name, kind in KNOWN_FACTS.items():
        value = record.facts.get(name)
        assert value is None or isinstance(value, kind), (name, value)
    for name, most in (("cvss", 10), ("epss", 1)):
        value = record.facts.get(name)
        assert value is None or 0 <= value <= most, (name, value)
    json.dumps(record.facts, allow_nan=False)
    json.dumps(record.object, allow_nan=False)


def fixtures() -> list[Path]:
    """Every fixture that is one report which is read to its end."""
    found = []
    for path in sorted(REPORTS.rglob("*")):
        if path.is_file() and path.suffix not in (".md", ".yml"):
            try:
                if len(expand(path)) == 1:
                    read(path)
                    found.append(path)
            except ReportError:
                continue
    return found


def peak() -> int:
    """The most memory that this process ever used, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


def attempt(path: Path, content: bytes, **options: Any) -> Result | ReportError:
    """What reading a content gives: a result, or an error that names the file, in bounded time and memory."""
    path.write_bytes(content)
    begun, used = time.process_time(), peak()
    try:
        result: Result | ReportError = read(path, **options)
    except ReportError as exc:
        assert not isinstance(exc, ReaderFault), exc
        assert str(path) in str(exc) and len(str(exc)) < 5_000
        result = exc
    assert time.process_time() - begun < SECONDS
    assert peak() - used < MEGABYTES
    return result
