"""First words with services, hostile ones too: real sockets of this machine."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts import audit_probes as probes
from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import plain
from hypothesis import given
from hypothesis import strategies as st


@contextlib.contextmanager
def service(greeting: bytes, *answers: bytes) -> Iterator[int]:
    """A service on a loopback port: greets each client, then gives one answer to each word."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = server.accept()
                with connection, contextlib.suppress(OSError):
                    if greeting:
                        connection.sendall(greeting)
                    for answer in answers:
                        if not connection.recv(4096):
                            break
                        connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "TIMEOUT", 0.5)


HOSTILE = b"{{ 7*7 }} <script>alert(1)</script> $(id) `id` =cmd|' /C calc'!A0 \x1b[2J\x00\xff\xe2\x80\xae\r\n"


@pytest.mark.parametrize(
    ("greeting", "verdict"),
    [
        (b"\xff\xfd\x18\xff\xfd\x20", True),
        (b"\xff\xff\xff", False),
        (b"220 ftp\r\n", False),
        (HOSTILE, False),
        (b"\xff", False),
    ],
)
def test_telnet(greeting: bytes, verdict: bool) -> None:
    with service(greeting) as port:
        assert probes.telnet("127.0.0.1", port) is verdict


def test_telnet_that_says_nothing() -> None:
    with service(b"", b"") as port:
        assert probes.telnet("127.0.0.1", port) is None


def test_ftp_anonymous() -> None:
    with service(b"220 ready\r\n", b"331 who\r\n", b"230 welcome\r\n", b"221 bye\r\n") as port:
        assert probes.ftp("127.0.0.1", port) == {"banner": "220 ready", "anonymous": True}
    with service(b"220 ready\r\n", b"331 who\r\n", b"530 no\r\n", b"221 bye\r\n") as port:
        assert probes.ftp("127.0.0.1", port) == {"banner": "220 ready", "anonymous": False}


def test_ftp_hostile_banner_is_kept_as_plain_short_text() -> None:
    with service(b"220 " + HOSTILE * 200, b"530 no\r\n", b"530 no\r\n", b"221\r\n") as port:
        found = probes.ftp("127.0.0.1", port)
    assert found is not None
    banner = str(found["banner"])
    assert banner.startswith("220 {{ 7*7 }} <script>") and len(banner) <= 200
    assert not any(sign in banner for sign in "\x1b\x00\r\n\u202e")


def test_not_ftp() -> None:
    with service(HOSTILE, HOSTILE, HOSTILE, HOSTILE) as port:
        assert probes.ftp("127.0.0.1", port) is None


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"+PONG\r\n", "open"),
        (b"-NOAUTH Authentication required.\r\n", "password"),
        (b"-DENIED Redis is running in protected mode\r\n", "protected"),
        (b"-LOADING\r\n", "open"),
        (HOSTILE, "unknown"),
        (b"", "unknown"),
    ],
)
def test_redis(answer: bytes, verdict: str) -> None:
    with service(b"", answer) as port:
        assert probes.redis("127.0.0.1", port) == verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"R\0\0\0\x08\0\0\0\0", "open"),
        (b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0", "password"),
        (b"R\0\0\0\x0c\0\0\0\x05salt", "password"),
        (b"E\0\0\0\x05F", "refused"),
        (b"R\0", "unknown"),
        (HOSTILE, "unknown"),
    ],
)
def test_postgresql(answer: bytes, verdict: str) -> None:
    with service(b"", answer) as port:
        assert probes.postgresql("127.0.0.1", port) == verdict


def hello(version: int) -> bytes:
    return b"\x16\x03\x01\0\x40\x02\0\0\x3c" + struct.pack("!H", version) + b"\0" * 50


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (hello(0x0301), 0x0301),
        (hello(0x0303), 0x0303),
        (b"\x15\x03\x01\0\x02\x02\x46", 0),
        (b"HTTP/1.1 400 Bad Request\r\n", None),
        (b"\x16\x03\x01\0\x40\x0e\0\0\x3c\x03\x01", None),
        (b"", None),
        (HOSTILE, None),
    ],
)
def test_server_hello(answer: bytes, version: int | None) -> None:
    assert probes.hello_version(answer) == version


def test_tls_accepted_only_when_the_server_answers_in_that_version() -> None:
    with service(b"", hello(0x0301)) as port:
        assert probes.old_tls("127.0.0.1", port) == ["TLSv1.0"]
    with service(b"", b"\x15\x03\x01\0\x02\x02\x46") as port:
        assert probes.old_tls("127.0.0.1", port) == []
    with service(b"", b"HTTP/1.0 400\r\n") as port:
        assert probes.old_tls("127.0.0.1", port) is None


@pytest.mark.parametrize("version", list(probes.TLS_VERSIONS))
def test_client_hello_lengths(version: int) -> None:
    record = probes.client_hello(version)
    assert struct.unpack("!H", record[3:5])[0] == len(record) - 5
    assert int.from_bytes(record[6:9], "big") == len(record) - 9
    assert struct.unpack("!H", record[9:11])[0] == version


@given(st.binary(max_size=300))
def test_no_answer_breaks_the_parsers(answer: bytes) -> None:
    probes.hello_version(answer)
    probes.is_telnet(answer)
    text = plain(answer)
    assert len(text) <= 200 and text.isprintable()
