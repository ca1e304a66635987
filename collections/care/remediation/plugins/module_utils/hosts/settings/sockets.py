# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which process and which systemd unit hold a listening TCP port. Reads /proc only."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ansible_collections.care.remediation.plugins.module_utils.hosts import command

LISTEN = "0A"


def inodes(table: str, port: int) -> set[str]:
    """Socket inodes that listen on ``port`` in a /proc/net/tcp or tcp6 text (proc(5))."""
    found: set[str] = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
            found.add(fields[9])
    return found


def owners(port: int, proc: Path = Path("/proc")) -> set[int]:
    """Process ids that hold a socket listening on ``port``."""
    wanted: set[str] = set()
    for table in ("tcp", "tcp6"):
        path = proc / "net" / table
        if path.exists():
            wanted |= {f"socket:[{inode}]" for inode in inodes(path.read_text(encoding="ascii"), port)}
    result: set[int] = set()
    if not wanted:
        return result
    for directory in proc.iterdir():
        if not directory.name.isdigit():
            continue
        try:
            for descriptor in (directory / "fd").iterdir():
                if os.readlink(descriptor) in wanted:
                    result.add(int(directory.name))
                    break
        except OSError:  # it ended, or is not ours to see
            continue
    return result


def unit_of_cgroup(text: str) -> str | None:
    """The service or socket unit that a /proc/<pid>/cgroup text names."""
    for line in text.splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if re.fullmatch(r"[A-Za-z0-9:_.@\\-]+\.(?:service|socket)", part):
                return part
    return None


def program(pid: int) -> str:
    """The name of a process, or an empty text when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def unit(pid: int) -> str | None:
    """The unit a process belongs to, or None."""
    try:
        return unit_of_cgroup(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def listening_units(text: str, port: int) -> list[str]:
    """The units of ``systemctl list-sockets`` (columns: address, unit, activates) that listen on a port."""
    found: list[str] = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[0].rpartition(":")[2] == str(port) and fields[1].endswith(".socket"):
            found.append(fields[1])
    return found


def socket_units(port: int) -> list[str]:
    """The socket units by which systemd itself listens on a port."""
    said = command.run(["systemctl", "list-sockets", "--no-legend", "--no-pager", "--full"])
    return listening_units(said.out, port) if said.ok else []
