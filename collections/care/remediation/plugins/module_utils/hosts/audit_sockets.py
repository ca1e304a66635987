# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Listening TCP sockets and who holds them, from /proc (proc(5))."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import Listener, Unreadable

STATE_LISTEN = "0A"


def address(text: str) -> str:
    """A numeric address from /proc/net/tcp (8 hexadecimal digits) or tcp6 (32), both in host byte order a word."""
    words = [int(text[index : index + 8], 16) for index in range(0, len(text), 8)]
    packed = b"".join(struct.pack("=I", word) for word in words)
    if len(packed) == 4:
        return socket.inet_ntop(socket.AF_INET, packed)
    found = socket.inet_ntop(socket.AF_INET6, packed)
    return found[7:] if found.startswith("::ffff:") else found


def rows(table: str) -> Iterator[tuple[str, int, str]]:
    """Address, port and inode of each listening socket of a table."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 10 and fields[3] == STATE_LISTEN:
            host, _colon, port = fields[1].rpartition(":")
            yield address(host), int(port, 16), fields[9]


def holders(proc: Path) -> dict[str, set[str]]:
    """Socket inode to the names of the programs that have it open."""
    found: dict[str, set[str]] = {}
    for process in proc.iterdir():
        if not process.name.isdigit():
            continue
        try:
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
            links = [os.readlink(entry) for entry in (process / "fd").iterdir()]
        except OSError:  # it ended meanwhile
            continue
        for link in links:
            if link.startswith("socket:["):
                found.setdefault(link[8:-1], set()).add(name)
    return found


def listeners(proc: Path = Path("/proc")) -> list[Listener]:
    """Every listening TCP socket.

    :raises Unreadable: the tables cannot be read, or the owners of sockets are hidden (not root)
    """
    if os.geteuid() != 0:
        raise Unreadable("whose sockets listen can be read by root only: run with become")
    open_by = holders(proc)
    found: dict[tuple[str, int], set[str]] = {}
    for table in ("tcp", "tcp6"):
        try:
            text = (proc / "net" / table).read_text(encoding="ascii")
        except FileNotFoundError:  # IPv6 switched off
            continue
        except OSError as error:
            raise Unreadable(f"{proc}/net/{table} cannot be read: {error.strerror}") from error
        for host, port, inode in rows(text):
            found.setdefault((host, port), set()).update(open_by.get(inode, set()))
    return [Listener(host, port, tuple(sorted(names))) for (host, port), names in sorted(found.items())]


def own_address(version: int = 4) -> str | None:
    """An address of this host that is not loopback: a connection from it to itself is not local to a service."""
    family, target = (socket.AF_INET, "192.0.2.1") if version == 4 else (socket.AF_INET6, "2001:db8::1")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))  # sends nothing: asks the routing table only
            found = str(probe.getsockname()[0])
    except OSError:
        found = ""
    if found and not found.startswith("127.") and found != "::1":
        return found
    if version == 4:
        for _index, name in socket.if_nameindex():
            if name != "lo" and (interface := _interface_address(name)):
                return interface
    return None


def _interface_address(name: str) -> str | None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), 0x8915, struct.pack("256s", name.encode()[:15]))  # SIOCGIFADDR
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def reachable_at(listener: Listener) -> str | None:
    """The address to reach a listener at as another machine would, or None when only the host itself gets there."""
    if listener.loopback:
        return None
    if not listener.wildcard:
        return listener.address
    version = 6 if ":" in listener.address else 4
    # [::] takes IPv4 too, unless told otherwise.
    return own_address(version) or (own_address(4) if version == 6 else None)
