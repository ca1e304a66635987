"""Time and memory of a snapshot and of all directory controls. Prints; asserts nothing.

    python tests/benchmarks/snapshot.py [accounts]

The entries come from a generator, one at a time, as they do from a paged search: what is measured is this program,
not a server.
"""

from __future__ import annotations

import resource
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path[:0] = [
    str(Path(__file__).resolve().parents[2] / "collections"),
    str(Path(__file__).resolve().parents[1] / "unit"),
]

from ansible_collections.care.remediation.plugins.module_utils.controls import audit
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from controls.domain import BASE, sid
from controls.test_snapshot_reader import FakeSession, world


class Large(FakeSession):
    """The small domain of the tests, and many more accounts."""

    def __init__(self, count: int) -> None:
        super().__init__(world())
        self.count = count

    def search(self, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree") -> Iterator[Entry]:
        yield from super().search(base, ldap_filter, attributes, scope)
        if "(sAMAccountType=805306369)" in ldap_filter:
            for number in range(self.count):
                yield self._made(number)

    @staticmethod
    def _made(number: int) -> Entry:
        machine = number % 3 == 0
        flags = uac.WORKSTATION_TRUST_ACCOUNT if machine else uac.NORMAL_ACCOUNT
        values: dict[str, Any] = {
            "objectSid": sids.to_bytes(sid(100_000 + number)),
            "sAMAccountName": f"prénom.nom-composé{number}",
            "sAMAccountType": 805306369 if machine else 805306368,
            "userAccountControl": flags | (uac.DONT_EXPIRE_PASSWORD if number % 5 == 1 else 0),
            "pwdLastSet": (132_000_000 if number % 4 == 1 else 133_900_000) * 10**9 + number,
            "lastLogonTimestamp": (132_500_000 if number % 4 == 1 else 134_000_000) * 10**9 + number,
            "whenCreated": "20190101080000.0Z",
            "primaryGroupID": 515 if machine else 513,
        }
        dn = f"CN=Prénom NOM-COMPOSÉ {number},OU=Service {number % 200},OU=Pôle d'urgence,{BASE}"
        return Entry(dn, CaseInsensitiveDict({key: [value if isinstance(value, bytes) else str(value).encode()]
                                              for key, value in values.items()}))  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for measured in (False, True):
        if measured:
            tracemalloc.start()
        start = perf_counter()
        reading = read_snapshot(Large(count), trustees=lambda _: [], thresholds=catalogue.for_audit()["thresholds"])
        read = perf_counter() - start
        start = perf_counter()
        outcomes = evaluate(reading.snapshot, select(None))
        judged = perf_counter() - start
        found = sum(len(each.found) for each in outcomes)
        if not measured:
            print(f"{count} accounts: read in {read:.1f} s, judged in {judged:.2f} s, {found} findings")
        else:
            held, peak = tracemalloc.get_traced_memory()
            print(f"snapshot and findings hold {held / 2**20:.0f} MiB, peak {peak / 2**20:.0f} MiB")
            audit.document(host="x", snapshot=reading.snapshot, outcomes=outcomes, catalogue=catalogue.for_audit(), finished=reading.snapshot.taken,
                           durations=reading.durations)  # fmt: skip
            print(f"with the document: peak {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MiB")
    print(f"process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB at most (tracing included)")


if __name__ == "__main__":
    main()
