# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One nftables table: its text, and replacing it in one transaction. Nothing outside that table is ever touched."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.care.remediation.plugins.module_utils.hosts.command import run
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

_FAMILIES = ("inet", "ip", "ip6", "arp", "bridge", "netdev")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


@dataclass(frozen=True)
class Table:
    """A table's family and name."""

    family: str
    name: str

    def __str__(self) -> str:
        return f"{self.family} {self.name}"


def parse_name(text: str) -> Table:
    """`inet care_exposure` as a Table. Raises HostError for anything else than a family and a plain name."""
    words = text.split(" ")
    if len(words) != 2 or words[0] not in _FAMILIES or not _NAME.match(words[1]):
        raise HostError(f"{text!r} is not an nftables table (family and name)")
    return Table(words[0], words[1])


def read(table: Table) -> str:
    """The text of `nft -s list table` (stateless: no counters), `""` when there is no such table."""
    listed = run(["nft", "list", "tables", table.family])
    if not listed.ok:
        raise HostError(f"nft does not list the tables: {listed.words}")
    if f"table {table}" not in listed.out.splitlines():
        return ""
    said = run(["nft", "-s", "list", "table", table.family, table.name])
    if not said.ok:
        raise HostError(f"nft does not list the table {table}: {said.words}")
    return said.out


def script(table: Table, text: str) -> str:
    """The nft script that makes the table be `text` (`""`: absent), as one transaction."""
    # Declared first so that "delete" never fails, all in one batch: the kernel shows the old or the new one, no gap.
    return f"table {table}\ndelete table {table}\n{text}"


def check(table: Table, text: str) -> None:
    """Refuses a text that nft does not take, or that is about more than this one table. Raises HostError."""
    if text and not is_only(table, text):
        raise HostError(f"the ruleset is not the one table {table}: nothing else may be in it")
    said = run(["nft", "-c", "-f", "-"], stdin=script(table, text))
    if not said.ok:
        raise HostError(f"nft refuses the table {table}: {said.words}")


def is_only(table: Table, text: str) -> bool:
    """Whether `text` is exactly one block `table … { … }` with nothing before or after it, and includes no file."""
    match = re.match(rf"\s*table {table.family} {table.name} \{{", text)
    if match is None or re.search(r"^\s*include\b", text, re.MULTILINE):
        return False
    depth, quoted, index = 1, False, match.end()
    while index < len(text) and depth:
        character = text[index]
        if character == '"':
            quoted = not quoted
        elif not quoted and character == "#":
            end = text.find("\n", index)
            index = len(text) if end < 0 else end
            continue
        elif not quoted:
            depth += {"{": 1, "}": -1}.get(character, 0)
        index += 1
    return depth == 0 and not text[index:].strip()


def normalised(table: Table, text: str) -> str:
    """`text` as the kernel would list it, found out in an empty network namespace, away from the host's rules."""
    check(table, text)
    # Fixed shell text; the ruleset comes by standard input.
    said = run(
        [
            "unshare",
            "--net",
            "--",
            "sh",
            "-c",
            'nft -f - && exec nft -s list table "$1" "$2"',
            "sh",
            table.family,
            table.name,
        ],
        stdin=text,
    )
    if not said.ok or not said.out.startswith(f"table {table}"):
        raise HostError(f"nft does not load the table {table} in a network namespace of its own: {said.words}")
    return said.out


def replace(table: Table, text: str) -> None:
    """Makes the live table be `text` (`""` removes it). Raises HostError with nft's words; then nothing has changed."""
    check(table, text)
    said = run(["nft", "-f", "-"], stdin=script(table, text))
    if not said.ok:
        raise HostError(f"nft did not load the table {table}: {said.words}")
