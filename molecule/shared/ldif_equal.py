# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dump a whole domain with ldbsearch, and compare two dumps.

For every scenario that changes the lab's directory. It reads Samba's own database in the container, below LDAP and
below everything that this collection does, with the password hashes, the descriptors and the configuration.

    python molecule/shared/ldif_equal.py dump CONTAINER FILE
    python molecule/shared/ldif_equal.py compare FILE FILE [--except-file FILE]

``--except-file``: JSON, a list of [DN, attribute]; those were declared irreversible before they were changed.
Exit code 1, and one line a difference, when the two are not equal.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DATABASE = "/var/lib/samba/private/sam.ldb"
SECRETS = ("unicodePwd", "supplementalCredentials", "ntPwdHistory", "lmPwdHistory", "dBCSPwd")

# What every write moves and nobody can put back, and what a logon by a test's own client counts.
METADATA = frozenset(
    name.lower()
    for name in (
        "whenChanged",
        "uSNChanged",
        "replPropertyMetaData",
        "dSCorePropagationData",
        "lastLogon",
        "lastLogonTimestamp",
        "logonCount",
        "badPwdCount",
        "badPasswordTime",
        "lockoutTime",
    )
)
# Clocks and counters of the server's own objects, which move without anybody's doing.
MOVING = frozenset(
    {
        "ridnextrid",
        "ridpreviousallocationpool",
        "ridallocationpool",
        "msds-replicationepoch",
        "replupdatevector",
        "repsfrom",
        "repsto",
        "repluptodatevector",
    }
)

Dump = dict[str, dict[str, list[str]]]


def environment() -> dict[str, str]:
    """The environment podman needs on this machine."""
    conf = TOP / "build" / "containers.conf"
    return {**os.environ, **({"CONTAINERS_CONF": str(conf)} if conf.exists() else {})}


def dump(container: str) -> str:
    """The LDIF of all naming contexts but DNS (its records are renewed by the server)."""
    said = subprocess.run(
        [
            "podman",
            "exec",
            container,
            "ldbsearch",
            "-H",
            DATABASE,
            "--cross-ncs",
            "(objectClass=*)",
            "*",
            "nTSecurityDescriptor",
            *SECRETS,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    if said.returncode:
        raise SystemExit(f"ldbsearch in {container}: {said.stderr.strip()}")
    return said.stdout


def parse(lines: Iterable[str]) -> Dump:
    """LDIF (RFC 2849) as DN → attribute (lower case) → sorted values, as text or hexadecimal digits."""
    found: Dump = {}
    for record in _records(lines):
        names: dict[str, list[str]] = defaultdict(list)
        for line in record:
            name, _colon, value = line.partition(":")
            if value.startswith(":"):
                value = _text(base64.b64decode(value[1:].strip()))
            names[name.lower()].append(value.strip())
        (dn,) = names.pop("dn")
        found[dn.lower()] = {name: sorted(values) for name, values in names.items()}
    return found


def _text(raw: bytes) -> str:
    """UTF-8 where it is printable, else hexadecimal digits with a mark that no text begins with."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    return text if text.isprintable() else "\0" + raw.hex()


def _records(lines: Iterable[str]) -> Iterator[list[str]]:
    record: list[str] = []
    for raw in (*lines, ""):
        line = raw.rstrip("\n")
        if not line:
            if any(part.startswith("dn:") for part in record):
                yield record
            record = []
        elif line.startswith(" ") and record:
            record[-1] += line[1:]
        elif not line.startswith("#"):
            record.append(line)


def differences(before: Dump, after: Dump, excepted: Iterable[tuple[str, str]] = ()) -> list[str]:
    """One line for each object that came or went and each attribute that differs."""
    left_out = {(dn.lower(), name.lower()) for dn, name in excepted}
    lines = [f"{dn}: gone" for dn in sorted(before.keys() - after.keys())]
    lines += [f"{dn}: came" for dn in sorted(after.keys() - before.keys())]
    for dn in sorted(before.keys() & after.keys()):
        for name in sorted(before[dn].keys() | after[dn].keys()):
            if name in METADATA or name in MOVING or (dn, name) in left_out:
                continue
            old, new = before[dn].get(name, []), after[dn].get(name, [])
            if old != new:
                shown = "(a secret)" if name in {secret.lower() for secret in SECRETS} else f"{old} -> {new}"
                lines.append(f"{dn}: {name}: {shown}"[:400])
    return lines


def compare(before: Path, after: Path, excepted: Iterable[tuple[str, str]] = ()) -> list[str]:
    """The differences between two files."""
    with before.open(encoding="utf-8") as old, after.open(encoding="utf-8") as new:
        return differences(parse(old), parse(new), excepted)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Dump a domain with ldbsearch, or compare two dumps.")
    commands = parser.add_subparsers(dest="command", required=True)
    dumping = commands.add_parser("dump")
    dumping.add_argument("container")
    dumping.add_argument("file", type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--except-file", type=Path)
    options = parser.parse_args()
    if options.command == "dump":
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.touch(mode=0o600)
        options.file.write_text(dump(options.container), encoding="utf-8")
        return 0
    excepted = json.loads(options.except_file.read_text(encoding="utf-8")) if options.except_file else []
    lines = compare(options.before, options.after, [(dn, name) for dn, name in excepted])
    print("\n".join(lines) or f"equal: {options.before.name} and {options.after.name}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
