# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Talks to a service as a client would, to see that it answers after it took a new configuration."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence

from ansible_collections.care.remediation.plugins.module_utils.hosts import checks
from ansible_collections.care.remediation.plugins.module_utils.hosts.command import find, run

PATIENCE = 10.0  # seconds a service has to come back after a reload


def sshd(paths: Sequence[str]) -> str | None:
    """Every address and port that `sshd -T` says sshd listens on sends its identification (RFC 4253, 4.2)."""
    said = run(["sshd", "-T"])
    if not said.ok:
        return said.words
    addresses = [_address(value) for value in re.findall(r"^listenaddress (\S+)$", said.out, re.MULTILINE)]
    for host, port in dict.fromkeys(addresses):
        if ":" in host and not _has_ipv6():
            continue
        problem = _retry(functools.partial(_banner, host, port, b"", b"SSH-2.0-"))
        if problem:
            return f"sshd does not answer on {host} port {port}: {problem}"
    return None


def redis(paths: Sequence[str]) -> str | None:
    """PING; a request for a password is an answer too."""
    port, host = 6379, "127.0.0.1"
    for path in [path for path in paths if path.endswith(".conf")] or ["/etc/redis/redis.conf"]:
        for word, value in _directives(path):
            if word == "port" and value.isdigit():
                port = int(value)
            elif word == "bind":
                bound = [item.lstrip("-") for item in value.split()]
                if bound and not {"127.0.0.1", "0.0.0.0", "*"} & set(bound):  # noqa: S104
                    host = bound[0]
    if port == 0:
        return None
    problem = _retry(lambda: _banner(host, port, b"PING\r\n", b"+PONG", b"-NOAUTH", b"-WRONGPASS", b"-DENIED"))
    return f"redis does not answer on {host} port {port}: {problem}" if problem else None


def postgresql(paths: Sequence[str]) -> str | None:
    """A query by the database's own administrator on its local socket, or pg_isready when that one needs a password."""
    for version, cluster in checks.postgresql_clusters(paths):

        def ask(version: str = version, cluster: str = cluster) -> str | None:
            if find("pg_isready") is None:
                return None
            said = run(["pg_isready", "--cluster", f"{version}/{cluster}", "-t", "3"])
            return None if said.ok else said.words

        problem = _retry(ask)
        if problem:
            return f"postgresql {version}/{cluster} does not answer: {problem}"
    return None


def nginx(paths: Sequence[str]) -> str | None:
    """Each port of `nginx -T` takes a connection, and a TLS one where it says ssl."""
    said = run(["nginx", "-T", "-q"])
    if not said.ok:
        return said.words
    for host, port, tls in listeners(said.out):
        if ":" in host and not _has_ipv6():
            continue
        problem = _retry(functools.partial(_handshake if tls else _open, host, port))
        if problem:
            return f"nginx does not answer on {host} port {port}: {problem}"
    return None


def vsftpd(paths: Sequence[str]) -> str | None:
    """The greeting of FTP (RFC 959: 220)."""
    port = 21
    for path in [path for path in paths if path.endswith(".conf")] or ["/etc/vsftpd.conf"]:
        for line in _text(path).split("\n"):
            if line.startswith("listen_port=") and line[12:].strip().isdigit():
                port = int(line[12:].strip())
    problem = _retry(lambda: _banner("127.0.0.1", port, b"", b"220"))
    return f"vsftpd does not answer on port {port}: {problem}" if problem else None


def active(paths: Sequence[str]) -> str | None:
    """Nothing more than that systemd still calls it active, which the caller has asked already."""
    return None


def listeners(configuration: str) -> list[tuple[str, int, bool]]:
    """(address, port, tls) of each `listen` of an nginx configuration; wildcards become the loopback address."""
    found: dict[tuple[str, int], bool] = {}
    for value in re.findall(r"^\s*listen\s+([^;]+);", configuration, re.MULTILINE):
        words = value.split()
        if words[0].startswith("unix:") or "udp" in words or "quic" in words:
            continue
        host, port = _address(words[0] if ":" in words[0] or not words[0].isdigit() else f"0.0.0.0:{words[0]}", 80)
        found[host, port] = found.get((host, port), False) or "ssl" in words
    return [(host, port, tls) for (host, port), tls in sorted(found.items())]


def _address(value: str, default: int = 22) -> tuple[str, int]:
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?", value)
    if match is None:
        return "127.0.0.1", default
    host = match.group(1) or match.group(2)
    return {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(host, host), int(match.group(3) or default)  # noqa: S104


def _retry(ask: Callable[[], str | None]) -> str | None:
    deadline = time.monotonic() + PATIENCE
    while True:
        problem = ask()
        if problem is None or time.monotonic() >= deadline:
            return problem
        time.sleep(0.2)


def _open(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError as error:
        return str(error)
    return None


def _banner(host: str, port: int, say: bytes, *expected: bytes) -> str | None:
    try:
        with socket.create_connection((host, port), timeout=3) as connection:
            connection.sendall(say)
            heard = connection.recv(256)
    except OSError as error:
        return str(error)
    return None if heard.startswith(expected) else f"it said {heard[:60]!r}"


def _handshake(host: str, port: int) -> str | None:
    # Not a check of the certificate: the question is whether the server still speaks TLS.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout=3) as connection, context.wrap_socket(connection):
            return None
    except (OSError, ssl.SSLError) as error:
        return str(error)


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def _directives(path: str) -> list[tuple[str, str]]:
    return [
        (words[0].lower(), words[1].strip())
        for words in (line.strip().split(None, 1) for line in _text(path).split("\n"))
        if len(words) == 2 and not words[0].startswith("#")
    ]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
