# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From one report file to what it says, whatever its format."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..readers.disk import Progress
from ..readers.pingcastle import PingCastleHandler
from ..readers.report import Item, open_report
from .imported import Catalogue, Imported, new_source
from .inventory import Inventory
from .pingcastle import import_pingcastle
from .scan import ScanImport


def import_report(
    item: Path | Item,
    *,
    source_id: str,
    catalogue: Catalogue,
    inventory: Inventory,
    words: Mapping[str, Any] | None = None,
    mappings: Sequence[Any] = (),
    accept_partial: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Read one report: a file, or a member of an archive. Raises ReportError (cannot be read) or ImportRefused (too
    much in it).

    ``words``: the catalogue's own words for PingCastle's rules that no control takes; ``mappings``: the mapping files
    of this run (``readers.mapped``).
    """
    report = open_report(item, accept_partial=accept_partial, progress=progress, mappings=mappings)
    records = report.records()
    first = list(itertools.islice(records, 1))  # what the file is, is known once it is begun
    everything = itertools.chain(first, records)
    imported = Imported(new_source(source_id, report.type, report.name))
    source = imported.source
    if isinstance(report.handler, PingCastleHandler):
        import_pingcastle(imported, everything, report.handler, catalogue, inventory, words or {})
    else:
        scan = ScanImport(imported, catalogue, inventory)
        scan.take(everything)
        scan.finish(report.info)
    source["notes"] = [*report.notes, *source["notes"]]
    source["skipped"] = {"count": report.skipped.count, "first": report.skipped.first}
    source["sha256"] = report.sha256
    source["partial"] = report.partial
    return imported
