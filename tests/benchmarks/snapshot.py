"""Time and memory of a whole directory audit: reading, all controls, the document; from entries and from a dump.

    python tests/benchmarks/snapshot.py [number of accounts]...        default: 20000 100000

The entries come from a generator, one at a time, as they do from a paged search: what is measured is this program,
not a server. The dump is written by the double of the collector first. Each measurement is a process of its own, so
that its peak is its own; memory an object is the difference between the sizes. Prints; asserts nothing.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT / "tests" / "unit"), str(ROOT / "tests")]

from ansible_collections.care.remediation.plugins.module_utils.controls import audit
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.reading import read_dump
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reading, read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from controls.domain import BASE, DOMAIN, sid
from controls.test_snapshot_reader import CONFIG, SERVICE, FakeSession, raw, world
from doubles.oradad import Collector

TAKEN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
GIVEN = catalogue.for_audit()


@cache
def descriptor(variant: int) -> bytes:
    """What an account typically has: some twenty entries, most of them shared by many accounts."""
    trustees = ["S-1-5-11", "S-1-5-18", "S-1-5-32-544", sid(512), sid(519)]
    aces = [sd.Ace.build(0, 0x10, 0x20094 + (n << 8), trustees[n % 5]) for n in range(20)]
    aces.append(sd.Ace.build(0, 0, 0x100, sid(200_000 + variant)))
    return sd.SecurityDescriptor(0x8004, owner=sid(512), group=sid(512), dacl=sd.Acl(tuple(aces))).to_bytes()


def made(number: int) -> tuple[str, dict[str, list[bytes]]]:
    """One account of a hospital: a third machines, a fifth of the users with a password that never expires."""
    machine = number % 3 == 0
    flags = uac.WORKSTATION_TRUST_ACCOUNT if machine else uac.NORMAL_ACCOUNT
    values: dict[str, Any] = {
        "objectClass": ["top", "person", "user", *(["computer"] if machine else [])],
        "objectGUID": struct.pack("<QQ", number, 1),
        "objectSid": sids.to_bytes(sid(100_000 + number)),
        "nTSecurityDescriptor": descriptor(number if number % 100 == 0 else number % 40),
        "sAMAccountName": f"prénom.nom-composé{number}",
        "sAMAccountType": 805306369 if machine else 805306368,
        "userAccountControl": flags | (uac.DONT_EXPIRE_PASSWORD if number % 5 == 1 else 0),
        "pwdLastSet": (132_000_000 if number % 4 == 1 else 133_900_000) * 10**9 + number,
        "lastLogonTimestamp": (132_500_000 if number % 4 == 1 else 134_000_000) * 10**9 + number,
        "whenCreated": "20190101080000.0Z",
        "primaryGroupID": 515 if machine else 513,
        **({"operatingSystem": "Windows 11 Entreprise"} if machine else {}),
    }
    dn = f"CN=Prénom NOM-COMPOSÉ {number},OU=Service {number % 200},OU=Pôle d'urgence,{BASE}"
    return dn, {name: raw(value) for name, value in values.items()}


class Large(FakeSession):
    """The small domain of the tests, and many more accounts."""

    def __init__(self, count: int) -> None:
        super().__init__(world())
        self.count = count

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        sd_flags: int | None = None,
    ) -> Iterator[Entry]:
        yield from super().search(base, ldap_filter, attributes, scope)
        if ldap_filter.startswith("(|(sAMAccountType=805306368)"):
            for number in range(self.count):
                dn, values = made(number)
                yield Entry(dn, CaseInsensitiveDict({name: values[name] for name in attributes if name in values}))


def collected(count: int, folder: Path) -> None:
    """A dump of the same domain."""
    objects = world()
    for facts in objects.values():
        facts.setdefault("objectClass", ["top", "container"])
        facts.setdefault("objectGUID", uuid.uuid4().bytes_le)
    objects[f"CN=Partitions,{CONFIG}"]["objectClass"] = ["top", "crossRefContainer"]
    objects[SERVICE]["objectClass"] = ["top", "nTDSService"]
    objects[BASE] |= {"objectClass": ["top", "domain", "domainDNS"], "objectSid": sids.to_bytes(DOMAIN)}
    plain = [(dn, {name: raw(value) for name, value in facts.items()}) for dn, facts in objects.items()]
    heads = [each for each in plain if not each[0].endswith(CONFIG)]
    Collector().write(
        folder,
        dns="chu-valmont.test",
        partitions={
            "domain": (each for part in (heads, map(made, range(count))) for each in part),
            "configuration": [each for each in plain if each[0].endswith(CONFIG)],
            "schema": [],
        },
        root_dse={
            "dNSHostName": ["dc1.chu-valmont.test"], "defaultNamingContext": [BASE], "rootDomainNamingContext": [BASE],
            "configurationNamingContext": [CONFIG], "schemaNamingContext": [f"CN=Schema,{CONFIG}"],
        },
        taken=TAKEN,
    )  # fmt: skip


def measure(kind: str, count: int, folder: str, traced: bool) -> dict[str, float]:
    """One audit in this process."""
    if traced:
        tracemalloc.start()
    start = perf_counter()
    reading: Reading
    if kind == "dump":
        reading = read_dump(folder, trustees=lambda _: [], thresholds=GIVEN["thresholds"])
    else:
        reading = read_snapshot(Large(count), trustees=lambda _: [], thresholds=GIVEN["thresholds"])
    read = perf_counter() - start
    held = tracemalloc.get_traced_memory()[0] if traced else 0
    start = perf_counter()
    outcomes = evaluate(reading.snapshot, select(None))
    judged = perf_counter() - start
    audit.document(
        host="x", snapshot=reading.snapshot, outcomes=outcomes, catalogue=GIVEN, finished=reading.snapshot.taken,
        durations=reading.durations,
    )  # fmt: skip
    return {
        "objects": len(reading.snapshot.accounts) + len(reading.snapshot.secured),
        "read": read,
        "judged": judged,
        "whole": perf_counter() - start + read,
        "held": held,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "findings": sum(len(each.found) for each in outcomes),
        "longest": dict(sorted(reading.durations.items(), key=lambda each: -each[1])[:4]),
    }


def apart(*arguments: object) -> dict[str, float]:
    """``measure`` in a process of its own."""
    command = [sys.executable, __file__, "--measure", *map(str, arguments)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout
    result: dict[str, float] = json.loads(said)
    return result


def main() -> None:
    """Each size from entries and from a dump, then what one more object costs."""
    sizes = [int(each) for each in sys.argv[1:]] or [20_000, 100_000]
    seen: dict[tuple[str, int], dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="care-benchmark-") as place:
        for count in sizes:
            folder = Path(place) / str(count)
            collected(count, folder)
            for kind in ("entries", "dump"):
                one = apart(kind, count, folder, 0)
                one["held"] = apart(kind, count, folder, 1)["held"]
                seen[kind, count] = one
                print(
                    f"{kind:8}{count:8} accounts: read {one['read']:6.1f} s, judged {one['judged']:6.1f} s, "
                    f"{one['findings']} findings; snapshot {one['held'] / 2**20:.0f} MiB, "
                    f"process {one['peak'] / 2**20:.0f} MiB at most; longest steps {one['longest']}"
                )
    for kind in ("entries", "dump"):
        few, many = seen[kind, sizes[0]], seen[kind, sizes[-1]]
        more = many["objects"] - few["objects"]
        if more:
            print(
                f"{kind:8}one more object: {(many['held'] - few['held']) / more:.0f} bytes of snapshot, "
                f"{(many['peak'] - few['peak']) / more:.0f} bytes of the process at its peak, "
                f"{(many['whole'] - few['whole']) / more * 1e6:.0f} µs"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        json.dump(measure(sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5] == "1"), sys.stdout)
    else:
        main()
