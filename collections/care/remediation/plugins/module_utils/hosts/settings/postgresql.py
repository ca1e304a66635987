# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PostgreSQL: listen on given addresses, hash passwords with SCRAM, let nobody in over the network on trust.

Formats: pg_hba.conf (documentation of PostgreSQL 15, chapter 21.1) and postgresql.conf (chapter 20.1).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Literal

NETWORK = frozenset({"host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"})
DROP_IN = "zz-care-remediation.conf"  # last of its directory: the last value of a setting wins
MANAGED = ("listen_addresses", "password_encryption")
PEER_LINE = "local   all             postgres                                peer"

_TOKEN = re.compile(r'"(?:[^"]|"")*"(?:,(?:"(?:[^"]|"")*"|[^\s,"#]+))*|[^\s"#]+')


def tokens(line: str) -> list[re.Match[str]]:
    """The fields of a pg_hba.conf line with their places; a comment ends the line."""
    found: list[re.Match[str]] = []
    position = 0
    while position < len(line):
        if line[position] == "#":
            break
        match = _TOKEN.match(line, position)
        if match is None:
            position += 1
        else:
            found.append(match)
            position = match.end()
    return found


def _method_index(fields: list[str]) -> int | None:
    """Where the method of a network line is: after the address, or after a separate mask."""
    if len(fields) < 5 or fields[0] not in NETWORK:
        return None
    try:
        ipaddress.ip_address(fields[4])
        return 5 if len(fields) > 5 else None
    except ValueError:
        return 4


def lines_of(text: str) -> list[str]:
    """Lines of pg_hba.conf, each with its continuation lines (a backslash before the line feed)."""
    result: list[str] = []
    for line in text.splitlines(keepends=True):
        if result and result[-1].rstrip("\r\n").endswith("\\"):
            result[-1] += line
        else:
            result.append(line)
    return result


def without_trust(text: str, trust: Literal["scram-sha-256", "remove"]) -> str:
    """pg_hba.conf where no network line says ``trust``: it asks for SCRAM, or is commented out.

    Local lines (sockets of the machine itself) are left; when no line lets the operating system's postgres in
    through the local socket by itself, one is put first, so that the administrator is never locked out.
    """
    result: list[str] = []
    for line in lines_of(text):
        found = tokens(line.replace("\\\n", " \n"))
        fields = [match.group() for match in found]
        place = _method_index(fields)
        if place is None or fields[place] != "trust":
            result.append(line)
        elif trust == "remove":
            result.append("".join(f"#{part}" for part in line.splitlines(keepends=True)))
        else:
            start, end = found[place].span()
            result.append(line[:start] + trust + line[end:])
    if not administrator_gets_in("".join(result)):
        result.insert(0, PEER_LINE + "\n")
    return "".join(result)


def administrator_gets_in(text: str) -> bool:
    """Whether the first local line that fits the role postgres lets the system user postgres in."""
    for line in lines_of(text):
        fields = [match.group() for match in tokens(line.replace("\\\n", " \n"))]
        if len(fields) < 4 or fields[0] != "local":
            continue
        databases, roles = fields[1].split(","), fields[2].split(",")
        if not {"all", "postgres"} & {name.strip('"') for name in databases}:
            continue
        if {"all", "postgres"} & {name.strip('"') for name in roles}:
            return fields[3] in ("peer", "trust")
    return False


def quoted(value: str) -> str:
    """A string value of postgresql.conf."""
    return "'" + value.replace("'", "''") + "'"


def drop_in(addresses: Iterable[str]) -> str:
    """The text of the drop-in file."""
    return (
        "# Managed by care.remediation (control expo_postgresql_public)\n"
        f"listen_addresses = {quoted(', '.join(addresses))}\n"
        "password_encryption = 'scram-sha-256'\n"
    )


_SETTING = re.compile(r"^\s*([A-Za-z_]\w*)\s*(?:=\s*|\s+)('(?:[^']|''|\\')*'|[^\s#']+)")


def setting(line: str) -> tuple[str, str] | None:
    """Name (lower case) and value of a postgresql.conf line, or None."""
    match = _SETTING.match(line)
    if match is None:
        return None
    value = match.group(2)
    if value.startswith("'"):
        value = value[1:-1].replace("''", "'").replace("\\'", "'")
    return match.group(1).lower(), value


def includes_directory(main: str, directory: str) -> bool:
    """Whether postgresql.conf reads a directory (given as written or absolute), and after it sets nothing we manage."""
    included = False
    for line in main.splitlines():
        found = setting(line)
        if found is None:
            continue
        if found[0] == "include_dir" and found[1].rstrip("/") in (directory, directory.rpartition("/")[2]):
            included = True
    return included


def main_file(text: str, directory: str) -> str:
    """postgresql.conf such that the drop-in directory has the last word on what we manage.

    Lines of ours that come after the ``include_dir`` are commented out; without an ``include_dir`` one is added.
    """
    if not includes_directory(text, directory):
        return text + ("" if text.endswith("\n") or not text else "\n") + f"include_dir = {quoted(directory)}\n"
    result: list[str] = []
    included = False
    for line in text.splitlines(keepends=True):
        found = setting(line)
        if found is not None and found[0] == "include_dir":
            included = included or found[1].rstrip("/") in (directory, directory.rpartition("/")[2])
        elif included and found is not None and found[0] in MANAGED:
            line = "#" + line
        result.append(line)
    return "".join(result)
