# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""First words with a service, as a client would say them. Every answer is hostile and bounded."""

from __future__ import annotations

import contextlib
import os
import socket
import struct

from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import plain

TIMEOUT = 4.0
MAX_ANSWER = 8192

# RFC 854: IAC, then WILL, WONT, DO or DONT.
IAC = 0xFF
VERBS = frozenset({0xFB, 0xFC, 0xFD, 0xFE})

TLS_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1.0", 0x0302: "TLSv1.1"}
# What servers of any age know: ECDHE, DHE and RSA with AES, 3DES, Camellia and RC4 (RFC 5246, 4492, 5932).
_SUITES = (
    0xC00A,
    0xC014,
    0x0039,
    0x0038,
    0xC009,
    0xC013,
    0x0033,
    0x0032,
    0x0035,
    0x002F,
    0x0088,
    0x0045,
    0x0084,
    0x0041,
    0xC008,
    0xC012,
    0x0016,
    0x0013,
    0x000A,
    0xC007,
    0xC011,
    0x0005,
    0x0004,
    0xC019,
    0xC018,
    0x003A,
    0x0034,
    0x00FF,
)


def exchange(host: str, port: int, *words: bytes, limit: int = MAX_ANSWER) -> list[bytes]:
    """Connects, reads what the service says first when the first word is empty, then sends each word and reads.

    :return: one answer a word, empty when the service says nothing or hangs up
    :raises OSError: no connection
    """
    answers: list[bytes] = []
    with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
        for word in words:
            try:
                if word:
                    connection.sendall(word)
                answers.append(connection.recv(limit))
            except (TimeoutError, ConnectionError):
                answers.append(b"")
    return answers


def is_telnet(answer: bytes) -> bool:
    """Whether a first answer negotiates telnet options."""
    return len(answer) >= 3 and answer[0] == IAC and answer[1] in VERBS


def telnet(host: str, port: int) -> bool | None:
    """Whether a service speaks telnet; None when it says nothing."""
    (answer,) = exchange(host, port, b"")
    return is_telnet(answer) if answer else None


def ftp(host: str, port: int) -> dict[str, object] | None:
    """Banner of an FTP service and whether anybody gets in; None when it is not FTP (RFC 959)."""
    # The greeting first, by itself: another service would let each further word wait for its time-out.
    (greeting,) = exchange(host, port, b"")
    if not greeting.startswith((b"220", b"120", b"421", b"530")):
        return None
    answers = exchange(host, port, b"", b"USER anonymous\r\n", b"PASS care-audit@\r\n", b"QUIT\r\n")
    anonymous = any(answer.startswith(b"230") or b"\n230" in answer for answer in answers[1:3])
    return {"banner": plain(answers[0]), "anonymous": anonymous}


def redis(host: str, port: int) -> str:
    """What Redis says to a PING without a password: ``open``, ``password``, ``protected`` or ``unknown``."""
    (answer,) = exchange(host, port, b"PING\r\n")
    if answer.startswith((b"+PONG", b"-NOPERM", b"-LOADING", b"-MISCONF", b"-MASTERDOWN")):
        return "open"
    if answer.startswith(b"-NOAUTH"):
        return "password"
    return "protected" if answer.startswith(b"-DENIED") else "unknown"


def postgresql(host: str, port: int, user: str = "postgres") -> str:
    """What PostgreSQL says to a start-up message (protocol 3.0) that brings no password.

    :return: ``open``, ``password``, ``refused`` or ``unknown``
    """
    parameters = b"user\0" + user.encode() + b"\0database\0postgres\0\0"
    message = struct.pack("!II", 8 + len(parameters), 196608) + parameters
    (answer,) = exchange(host, port, message)
    if answer[:1] == b"R" and len(answer) >= 9:
        return "open" if struct.unpack("!I", answer[5:9])[0] == 0 else "password"
    return "refused" if answer[:1] == b"E" else "unknown"


def client_hello(version: int) -> bytes:
    """A ClientHello that offers nothing newer than ``version`` (RFC 2246, RFC 4346, RFC 6101)."""
    suites = b"".join(struct.pack("!H", suite) for suite in _SUITES)
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + struct.pack("!H", len(suites)) + suites + b"\x01\0"
    if version > 0x0300:
        groups = struct.pack("!HHH", 23, 24, 25)
        extensions = struct.pack("!HHH", 10, len(groups) + 2, len(groups)) + groups
        extensions += struct.pack("!HHB", 11, 2, 1) + b"\0"
        body += struct.pack("!H", len(extensions)) + extensions
    handshake = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16" + struct.pack("!HH", min(version, 0x0301), len(handshake)) + handshake


def hello_version(answer: bytes) -> int | None:
    """The version of a ServerHello; 0 for a TLS alert; None when it is not TLS at all."""
    if len(answer) < 7 or answer[1] != 3:
        return None
    if answer[0] == 0x15:
        return 0
    if answer[0] != 0x16 or answer[5] != 0x02 or len(answer) < 11:
        return None
    return int(struct.unpack("!H", answer[9:11])[0])


def old_tls(host: str, port: int) -> list[str] | None:
    """The obsolete versions that a service accepts (a ServerHello of that version); None when it does not speak TLS.

    Written out here: the system's own TLS library refuses to offer them, and would prove nothing.
    """
    accepted: list[str] = []
    speaks = False
    for version, name in TLS_VERSIONS.items():
        with contextlib.suppress(ConnectionError):
            (answer,) = exchange(host, port, client_hello(version), limit=64)
            found = hello_version(answer)
            speaks = speaks or found is not None
            if found == version:
                accepted.append(name)
    return accepted if speaks else None
