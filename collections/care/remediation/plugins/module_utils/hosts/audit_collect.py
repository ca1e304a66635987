# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads a host for the controls: each part by itself, so that one that cannot be read spoils only its own controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import (
    audit_probes,
    audit_sockets,
    audit_ssh,
)
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import (
    HostSnapshot,
    Listener,
    Unreadable,
    plain,
)

LISTENERS, TELNET, FTP, REDIS, POSTGRESQL, TLS, SSH, MIE = (
    "listeners",
    "telnet",
    "ftp",
    "redis",
    "postgresql",
    "tls",
    "ssh",
    "mie",
)
SUPERSERVERS = frozenset({"inetd", "inetutils-inetd", "openbsd-inetd", "xinetd", "systemd"})
# What never speaks TLS from its first byte on: not worth waiting for.
PLAIN = frozenset({"sshd", "redis-server", "valkey-server", "postgres", "vsftpd", "proftpd", "telnetd", "in.telnetd"})

Listeners = list[Listener]


def _target(listener: Listener) -> str:
    """Where to reach a listener from here, as another machine would when it can."""
    address = audit_sockets.reachable_at(listener)
    if address is not None:
        return address
    if listener.loopback:
        return listener.address
    return "::1" if ":" in listener.address else "127.0.0.1"


def _ports(listeners: Listeners) -> Listeners:
    """One listener a port (IPv4 and IPv6 of the same service tell the same)."""
    return list({listener.port: listener for listener in reversed(listeners)}.values())[::-1]


def _asked(listener: Listener, question: Callable[[str, int], Any]) -> Any:
    host = _target(listener)
    try:
        return question(host, listener.port)
    except OSError as error:
        raise Unreadable(f"{host} port {listener.port} does not let this host connect: {error}") from error


def telnet(listeners: Listeners) -> list[dict[str, Any]]:
    """Ports where something speaks telnet."""
    found: list[dict[str, Any]] = []
    for listener in _ports(listeners):
        programs = set(listener.programs)
        expected = listener.port == 23 or programs & {"telnetd", "in.telnetd"}
        if not expected and not programs & SUPERSERVERS:
            continue
        speaks = _asked(listener, audit_probes.telnet)
        # Whatever says nothing on port 23 is taken for what belongs there rather than for compliant.
        if speaks or (speaks is None and expected):
            found.append({"port": listener.port, "programs": list(listener.programs), "negotiates": bool(speaks)})
    return found


def ftp(listeners: Listeners) -> list[dict[str, Any]]:
    """Ports where something speaks FTP."""
    found: list[dict[str, Any]] = []
    for listener in _ports(listeners):
        programs = set(listener.programs)
        expected = listener.port == 21 or programs & {"vsftpd", "proftpd", "pure-ftpd", "ftpd", "in.ftpd"}
        if not expected and not programs & SUPERSERVERS:
            continue
        answer = _asked(listener, audit_probes.ftp)
        if answer is None and expected and "sshd" not in programs:
            answer = {"banner": None, "anonymous": None}
        if answer is not None:
            found.append({"port": listener.port, "programs": list(listener.programs), **answer})
    return found


def redis(listeners: Listeners) -> list[dict[str, Any]]:
    """What each Redis that other machines reach says to a command without a password."""
    found: list[dict[str, Any]] = []
    for listener in _ports([entry for entry in listeners if not entry.loopback]):
        if not set(listener.programs) & {"redis-server", "valkey-server"} and listener.port != 6379:
            continue
        answer = _asked(listener, audit_probes.redis)
        if answer == "unknown":
            raise Unreadable(f"port {listener.port} does not answer as Redis does (TLS, or something else)")
        found.append({"port": listener.port, "address": listener.address, "answer": answer})
    return found


def postgresql(listeners: Listeners) -> list[dict[str, Any]]:
    """PostgreSQL servers that other machines reach: where they listen, which rules trust the network."""
    found: list[dict[str, Any]] = []
    servers = [
        entry for entry in listeners if not entry.loopback and ("postgres" in entry.programs or entry.port == 5432)
    ]
    for listener in _ports(servers):
        answer = _asked(listener, audit_probes.postgresql)
        if answer == "unknown":
            raise Unreadable(f"port {listener.port} does not answer as PostgreSQL does")
        wildcard = any(entry.wildcard for entry in servers if entry.port == listener.port)
        found.append({"port": listener.port, "wildcard": wildcard, "answer": answer, "trust": _trusting(listener.port)})
    return found


def _trusting(port: int) -> list[str]:
    """Network lines of pg_hba.conf with trust, from the server's own view of the file it reads."""
    query = (
        "SELECT concat_ws(' ', type, array_to_string(database, ','), array_to_string(user_name, ','), address, "
        "netmask) "
        "FROM pg_hba_file_rules WHERE auth_method = 'trust' AND type <> 'local' ORDER BY line_number"
    )
    said = audit_ssh.run(
        "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-p", str(port), "-d", "postgres", "-c", query
    )
    if said.returncode != 0:
        raise Unreadable(f"PostgreSQL on port {port} does not show its access rules: {plain(said.stderr)}")
    return [plain(line) for line in said.stdout.splitlines() if line]


def tls(listeners: Listeners) -> list[dict[str, Any]]:
    """Ports that accept a TLS version of another age, by real handshakes."""
    found: list[dict[str, Any]] = []
    for listener in _ports([entry for entry in listeners if not entry.loopback]):
        if set(listener.programs) & (PLAIN | SUPERSERVERS):
            continue
        try:
            versions = audit_probes.old_tls(_target(listener), listener.port)
        except OSError as error:
            if set(listener.programs) & {"nginx", "apache2", "httpd", "haproxy"}:
                raise Unreadable(f"port {listener.port} does not let this host connect: {error}") from error
            continue
        if versions:
            found.append({"port": listener.port, "programs": list(listener.programs), "versions": versions})
    return found


def collect(group: str, exempt: Iterable[str]) -> HostSnapshot:
    """Reads everything. Never raises for a part that cannot be read: it is named in ``unreadable``."""
    parts: dict[str, Any] = {}
    unreadable: dict[str, str] = {}
    try:
        listeners: Listeners = audit_sockets.listeners()
    except Unreadable as error:
        return HostSnapshot({}, dict.fromkeys((LISTENERS, TELNET, FTP, REDIS, POSTGRESQL, TLS, SSH, MIE), str(error)))
    parts[LISTENERS] = listeners
    ssh_ports = sorted({entry.port for entry in listeners if "sshd" in entry.programs})
    # With ssh.socket, systemd itself holds the port until somebody connects.
    if not ssh_ports:
        ssh_ports = [22] if any(entry.port == 22 for entry in listeners) else []
    readers: dict[str, Callable[[], Any]] = {
        TELNET: lambda: telnet(listeners),
        FTP: lambda: ftp(listeners),
        REDIS: lambda: redis(listeners),
        POSTGRESQL: lambda: postgresql(listeners),
        TLS: lambda: tls(listeners),
        SSH: lambda: {"ports": ssh_ports, **audit_ssh.facts(ssh_ports)} if ssh_ports else {"ports": []},
        MIE: lambda: {"ports": ssh_ports, **audit_ssh.second_factor(group, exempt)} if ssh_ports else {"ports": []},
    }
    for part, read in readers.items():
        try:
            parts[part] = read()
        except Unreadable as error:
            unreadable[part] = str(error)
        except OSError as error:
            unreadable[part] = f"{part}: {error}"
    return HostSnapshot(parts, unreadable)
