# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A snapshot from an ORADAD dump: the same reading as over LDAP, and what the dump does not hold is unreadable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import monotonic

from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import holes, policy_files
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.dump import open_dump
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.reader import DumpReader
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import (
    Reading,
    read_snapshot,
)


def read_dump(
    path: str,
    *,
    domain: str | None = None,
    trustees: Callable[[bytes], Iterable[str]] | None = None,
    thresholds: Mapping[str, Mapping[str, float]] | None = None,
) -> Reading:
    """The snapshot of one domain (DNS name; not needed where there is one) of a dump; DumpError when it cannot be used.

    Ages count from the moment of the collection.
    """
    started = monotonic()
    dump = open_dump(path)
    try:
        with DumpReader(dump, domain) as reader:
            opened = round(monotonic() - started, 3)

            def note_holes(step: str, snapshot: Snapshot) -> None:
                # the reading took it for a lack of rights of an account; here the dump is to blame
                snapshot.unreadable.update(holes.of_step(step, reader.lacking()))

            reader.lacking()  # what opening asked for concerns no part
            reading = read_snapshot(
                reader, trustees=trustees, now=reader.taken, thresholds=thresholds, after=note_holes
            )
            reading.durations = {"opening the dump": opened, **reading.durations}
            policy_files.add(dump, reading.snapshot)
            reading.snapshot.notes += reader.remarks()
            reading.snapshot.connected_sid = None  # who collected is not an account in use here
            return reading
    finally:
        dump.close()
