# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole audit of a large domain against the same questions asked by ldapsearch, and against another collector.

Prints ratios and asserts no time: machines differ. All programs ask the same Samba domain controller, in turns; the
median of the rounds counts. The floor is what ldapsearch needs for the very searches of the audit (recorded in a first
run), with the same attributes and descriptors: those that give at least a hundredth of all entries. The small ones are
left to us, for each would cost ldapsearch a connection.

    python tests/benchmarks/audit.py [--accounts 20000] [--rounds 3] [--peers]

It builds an image with that many accounts, starts an instance of its own, and removes it. ``--peers`` also installs
ldapdomaindump from the package index into build/bench-venv, as a program to compare with.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tracemalloc
import venv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT / "molecule" / "lab"), str(Path(__file__).parent)]

from ansible_collections.care.remediation.plugins.module_utils.controls import audit
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.controls.vuln_permissions_naming_context import (
    trustees,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue as catalogues
from care_lab import images, instance
from care_lab.constants import AUTOMATION, AUTOMATION_PASSWORD, DOMAIN, NETBIOS
from directory import clients, compare, options

NAME = "bench-audit"
# The SD flags control of MS-ADTS 3.1.1.3.4.1.11 with OWNER, GROUP and DACL, as BER in base64
SD_FLAGS = ["-E", "!1.2.840.113556.1.4.801=::MAMCAQc="]


@dataclass
class Search:
    """One search of the audit, and how much it gave."""

    base: str
    scope: str
    ldap_filter: str
    attributes: tuple[str, ...]
    descriptors: bool
    entries: int = 0


@dataclass
class Recorder:
    """A session that notes what it is asked, for ldapsearch to ask the same."""

    session: Session
    searches: list[Search] = field(default_factory=list)
    singles: int = 0

    @property
    def entries(self) -> int:
        """Of all searches."""
        return sum(each.entries for each in self.searches)

    def large(self) -> list[Search]:
        """The searches that give nearly all entries."""
        return [each for each in self.searches if each.entries * 100 >= self.entries]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def search(
        self, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree",
        sd_flags: int | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """As the session's, noted."""
        asked = Search(base, scope, ldap_filter, tuple(attributes), sd_flags is not None)
        self.searches.append(asked)
        for entry in self.session.search(base, ldap_filter, attributes, scope, sd_flags=sd_flags):
            asked.entries += 1
            yield entry

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Any:
        """As the session's, noted."""
        self.singles += 1
        return self.session.read(dn, attributes, sd_flags=sd_flags)


def domain(accounts: int) -> ConnectionOptions:
    """A domain controller with that many accounts, up and answering."""
    kind = f"dc-bench-{accounts}"
    base = images.IMAGE_KINDS["dc"]
    images.IMAGE_KINDS[kind] = images.Image(
        kind, base.suite, variant_of="dc", inputs=base.inputs,
        build_options=(*base.build_options, f"--build-arg=ACCOUNTS={accounts}"),
    )  # fmt: skip
    instance.WEAKNESSES[kind] = kind
    instance.RUN_OPTIONS[kind] = instance.RUN_OPTIONS["dc"]
    instance.up(instance.Instance(NAME), ["dc1"], weaknesses=kind)
    return options(NAME)


def whole_audit(where: ConnectionOptions) -> dict[str, Any]:
    """What the module directory_audit does, in this process."""
    known = catalogues.for_audit()
    with Session.connect(where) as session:
        reading = read_snapshot(session, trustees=trustees, thresholds=known["thresholds"])
    return audit.document(
        host=DOMAIN, snapshot=reading.snapshot, outcomes=evaluate(reading.snapshot, select(None)), catalogue=known,
        finished=datetime.now(UTC), durations=reading.durations,
    )  # fmt: skip


def floor(where: ConnectionOptions, searches: Sequence[Search]) -> Callable[[], None]:
    """ldapsearch asks the same, a connection each."""
    arguments, environment = clients(where)
    secret = (where.password or "").encode()
    scopes = {"subtree": "sub", "onelevel": "one", "base": "base"}

    def run() -> None:
        for each in searches:
            command = ["ldapsearch", *arguments, "-LLL", "-o", "ldif-wrap=no", "-E", "pr=1000/noprompt"]
            command += [*(SD_FLAGS if each.descriptors else []), "-s", scopes[each.scope], "-b", each.base]
            subprocess.run(
                [*command, each.ldap_filter, *each.attributes],
                input=secret, env=environment, check=True, capture_output=True,
            )  # fmt: skip

    return run


def peers(where: ConnectionOptions, folder: Path) -> dict[str, Callable[[], None]]:
    """Another collector, installed aside. bloodhound.py cannot log in here: its NTLM is not the one that Samba speaks,
    and its Kerberos asks for a checksum that a KDC without RC4 refuses."""
    place = ROOT / "build" / "bench-venv"
    if not (place / "bin" / "ldapdomaindump").exists():
        print("installing ldapdomaindump into build/bench-venv…", flush=True)
        venv.create(place, with_pip=True)
        subprocess.run([place / "bin" / "pip", "install", "-q", "ldapdomaindump"], check=True)

    def domain_dump() -> None:
        login = ["-at", "SIMPLE", "-u", f"{NETBIOS}\\{AUTOMATION}", "-p", AUTOMATION_PASSWORD]
        output = ["--no-html", "--no-grep", "-o", folder]
        _quiet([place / "bin" / "ldapdomaindump", *login, *output, f"ldaps://{where.server}"], folder)

    return {"ldapdomaindump (no descriptors, JSON)": domain_dump}


def _quiet(command: Sequence[Any], folder: Path) -> None:
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or not any(folder.iterdir()):
        raise SystemExit(f"{command[0]} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-2000:]}")
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    where = domain(args.accounts)
    try:
        known = catalogues.for_audit()
        with Session.connect(where) as session:
            recorder = Recorder(session)
            read_snapshot(recorder, trustees=trustees, thresholds=known["thresholds"])
        large = recorder.large()
        print(f"{len(recorder.searches)} searches with {recorder.entries} entries, {recorder.singles} single objects")
        print(f"{len(large)} searches give {sum(each.entries for each in large)} of them")
        document = whole_audit(where)
        print("where the time goes, seconds:", json.dumps(document["durations"]))
        print(f"level {document['level']['reached']}, {len(document['findings'])} findings")
        with TemporaryDirectory() as folder:
            works: dict[str, Callable[[], None]] = {
                "ldapsearch, the large searches (floor)": floor(where, large),
                "whole audit: read, judge, document": lambda: whole_audit(where) and None,
            }
            if args.peers:
                works |= peers(where, Path(folder))
            compare(f"audit of a domain of {args.accounts} accounts", works, args.rounds)
        tracemalloc.start()
        with Session.connect(where) as session:
            reading = read_snapshot(session, trustees=trustees, thresholds=known["thresholds"])
        held = tracemalloc.get_traced_memory()[0]
        number = max(len(reading.snapshot.accounts), 1)
        print(f"\nthe snapshot of {number} accounts holds {held / 2**20:.0f} MiB, {held / number:.0f} bytes an account")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"this process: {peak:.0f} MiB at most (tracing included)")
    finally:
        instance.down(instance.Instance(NAME))


if __name__ == "__main__":
    main()
