# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the operator reaches this host: the path that no ruleset may close."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ansible_collections.care.remediation.plugins.module_utils.hosts.command import find, run
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError


@dataclass(frozen=True)
class Management:
    """`peer`: address that the SSH connection comes from (None: not over SSH); `ports`: what sshd listens on."""

    peer: str | None
    ports: tuple[int, ...]


def present() -> Management:
    """The path in use now, from SSH_CONNECTION, and the ports of sshd."""
    connection = ssh_connection()
    ports = set(sshd_ports())
    if connection is None:
        return Management(None, tuple(sorted(ports)))
    peer, port = parse(connection)
    return Management(peer, tuple(sorted(ports | {port})))


def ssh_connection(process: str = "self") -> str | None:
    """SSH_CONNECTION of this process or of the nearest ancestor that has it: sudo takes it out of the environment."""
    for _generation in range(32):
        try:
            with open(f"/proc/{process}/environ", "rb") as stream:
                environment = stream.read()
            with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stream:
                # The command's name stands in parentheses and may hold spaces; the parent comes second after it.
                parent = stream.read().rpartition(")")[2].split()[1]
        except OSError:
            return None
        for entry in environment.split(b"\0"):
            if entry.startswith(b"SSH_CONNECTION="):
                return entry[15:].decode("ascii", "replace")
        if parent in ("0", "1"):
            return None
        process = parent
    return None


def parse(connection: str) -> tuple[str, int]:
    """(peer address, local port) of an SSH_CONNECTION: client address, client port, server address, server port."""
    words = connection.split()
    try:
        address = ipaddress.ip_address(words[0].partition("%")[0])
        port = int(words[3])
    except (IndexError, ValueError) as error:
        raise HostError(f"SSH_CONNECTION is {connection[:100]!r}, which is not what sshd sets") from error
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address), port


def sshd_ports() -> list[int]:
    """The ports in sshd's configuration (22 when sshd is not installed or does not say)."""
    if find("sshd") is None:
        return [22]
    said = run(["sshd", "-T"])
    return sorted({int(port) for port in re.findall(r"^port (\d+)$", said.out, re.MULTILINE)}) or [22]
