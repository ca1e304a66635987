# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Both readers against files that are broken, foreign or malicious."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import xmlstream
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .builders import REPORTS

ROOTS = {"nmap": ("<nmaprun version='7.93'>", "</nmaprun>"), "pingcastle": ("<HealthcheckData>", "</HealthcheckData>")}
NMAP = (REPORTS / "nmap-web1.xml").read_bytes()
PINGCASTLE = (REPORTS / "pingcastle-full.xml").read_bytes()


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "report.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **options: Any) -> list[Any]:
    return list(open_report(path, **options).records())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n \n", "is empty"),
        (b"hello", "not XML"),
        (b"\x00\x01\x02\xff" * 50, "not XML"),
        (b'{"a": 1}', "is JSON"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"# Nmap 7.93 scan initiated", "-oX"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"<SomethingElse/>", "root element is <SomethingElse>"),
        (b"<nmaprun></wrong>", "damaged"),
        (b"<nmaprun><host><ports><port protocol='tcp' portid='99999'/></ports></host></nmaprun>", "port number"),
        (b"<nmaprun><host><ports><port protocol='tcp' portid='8\xc2\xb2'/></ports></host></nmaprun>", "not a port"),
        ("<nmaprun>é</nmaprun>".encode("latin-1"), "damaged"),
        pytest.param(b'<?xml version="1.0" encoding="U-TF-8"?><nmaprun/>', "encoding", id="unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="gbk"?><nmaprun/>', "encoding", id="multi-byte encoding"),
    ],
)
def test_what_is_no_report_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = write(tmp_path, content)
    with pytest.raises(ReportError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_missing_and_directory(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no such file"):
        read(tmp_path / "absent.xml")
    with pytest.raises(ReportError, match="is a directory"):
        read(tmp_path)


def test_an_encrypted_pingcastle_report_says_how_to_decrypt_it() -> None:
    with pytest.raises(ReportError, match="--reload-report"):
        read(REPORTS / "pingcastle-encrypted.xml")


@pytest.mark.parametrize("kind", ["nmap", "pingcastle"])
@pytest.mark.parametrize(
    ("prolog", "inside", "said"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]>', "&a;", "internal subset"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', "&a;", "internal subset"),
        ('<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x">%p;]>', "", "internal subset"),
        ('<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd">', "", "external DTD"),
        ('<!DOCTYPE x PUBLIC "-//x" "file:///etc/passwd">', "", "external DTD"),
        ("", "&undefined;", "damaged"),
    ],
)
def test_entities_are_refused(tmp_path: Path, kind: str, prolog: str, inside: str, said: str) -> None:
    begin, end = ROOTS[kind]
    path = write(tmp_path, f'<?xml version="1.0"?>\n{prolog}\n{begin}{inside}{end}')
    with pytest.raises(ReportError, match=said):
        read(path)


@pytest.mark.parametrize("kind", ["nmap", "pingcastle"])
def test_a_billion_laughs_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    begin, end = ROOTS[kind]
    entities = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    path = write(tmp_path, f"<!DOCTYPE x [{entities}]>{begin}&l9;{end}")
    with pytest.raises(ReportError, match="internal subset") as caught:
        read(path)
    assert caught.value.line == 1


@pytest.mark.parametrize("kind", ["nmap", "pingcastle"])
def test_depth_and_token_size_are_bounded(tmp_path: Path, kind: str) -> None:
    begin, end = ROOTS[kind]
    with pytest.raises(ReportError, match="nested deeper"):
        read(write(tmp_path, f"{begin}{'<a>' * 100000}"))
    with pytest.raises(ReportError, match="longer than 8 MiB"):
        read(write(tmp_path, f"{begin}<host x='{'a' * (12 << 20)}'/>{end}"))


@pytest.mark.parametrize("content", [NMAP, PINGCASTLE], ids=["nmap", "pingcastle"])
def test_truncation_is_named_with_its_line_and_may_be_accepted(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path, content[: len(content) * 2 // 3])
    with pytest.raises(ReportError, match="truncated") as caught:
        read(path)
    assert caught.value.truncated
    assert caught.value.line is not None and caught.value.line > 3
    report = open_report(path, accept_partial=True)
    complete = read(write(tmp_path / "..", content))
    records = list(report.records())
    assert report.partial and 0 < len(records) < len(complete)
    assert any("truncated" in note for note in report.handler.finish())  # type: ignore[union-attr]


@pytest.mark.parametrize("content", [NMAP, PINGCASTLE], ids=["nmap", "pingcastle"])
def test_every_truncation_is_an_error_never_a_shorter_report(tmp_path: Path, content: bytes) -> None:
    end = len(content.rstrip())
    for length in range(0, end, 97):
        with pytest.raises(ReportError):
            read(write(tmp_path, content[:length]))


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_fuzzed_reports_are_read_or_refused_never_a_crash(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from([NMAP, PINGCASTLE])))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(st.one_of(st.binary(max_size=6), st.sampled_from([b"<", b"</host>", b"&", b"]]>", b"<a>"])))
        content[at : at + data.draw(st.integers(0, 40))] = piece
        content = content or bytearray(b"x")
    try:
        read(write(tmp_path, bytes(content)), accept_partial=data.draw(st.booleans()))
    except ReportError as exc:
        assert str(tmp_path) in str(exc)


def test_a_pipe_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    feeder = threading.Thread(target=path.write_bytes, args=(NMAP,))
    feeder.start()
    report = open_report(path)
    assert sum(record.kind == "host" for record in report.records()) == 3
    feeder.join()
    assert report.sha256 == __import__("hashlib").sha256(NMAP).hexdigest()


# VmHWM, not getrusage: ru_maxrss of a child begins at what its parent, pytest, had used when it started it.
MEASURE = """
import re, sys
sys.path.insert(0, "collections")
from pathlib import Path
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
told = []
report = open_report(Path(sys.argv[1]), progress=lambda done, size: told.append(done))
count = sum(1 for _ in report.records())
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(count, int(peak[1]) // 1024, len(told))
"""


def measure(path: Path, head: bytes, block: bytes, times: int, tail: bytes) -> tuple[int, int, int]:
    """Feed head, block x times and tail through a pipe to a reader in a process of its own."""
    os.mkfifo(path)
    with subprocess.Popen([sys.executable, "-c", MEASURE, str(path)], stdout=subprocess.PIPE, text=True) as process:
        with path.open("wb") as stream:
            stream.write(head)
            for _ in range(times):
                stream.write(block)
            stream.write(tail)
        out, _error = process.communicate(timeout=300)
    assert process.returncode == 0
    count, memory, told = map(int, out.split())
    return count, memory, told


def test_a_gigabyte_of_nmap_takes_flat_memory_and_shows_progress(tmp_path: Path) -> None:
    host = (
        b'<host><status state="up"/><address addr="10.1.2.3" addrtype="ipv4"/><ports>'
        + b'<port protocol="tcp" portid="443"><state state="open"/><service name="https" product="nginx"/>'
        + b'<script id="http-title" output="'
        + b"x" * 2500
        + b'"/></port></ports></host>\n'
    )
    block = host * 400
    times = (1 << 30) // len(block) + 1
    count, memory, told = measure(tmp_path / "nmap", b"<nmaprun>", block, times, b"</nmaprun>")
    assert count == 2 * 400 * times  # the host and its port
    assert memory < 100, f"{memory} MiB for a gigabyte"
    assert told > 0


def test_a_large_pingcastle_report_takes_flat_memory(tmp_path: Path) -> None:
    account = (
        b"<HealthcheckAccountDetailData><DistinguishedName>CN=a,DC=b</DistinguishedName><Name>a</Name>"
        b"<CreationDate>2020-01-01T00:00:00Z</CreationDate></HealthcheckAccountDetailData>\n"
    )
    block = account * 5000
    times = (200 << 20) // len(block) + 1
    head = b"<HealthcheckData><UserAccountData><ListPwdNeverExpires>"
    tail = b"</ListPwdNeverExpires></UserAccountData></HealthcheckData>"
    count, memory, _told = measure(tmp_path / "pingcastle", head, block, times, tail)
    assert count == 5000 * times
    assert memory < 100


def test_unknown_element_names_are_counted_and_bounded(tmp_path: Path) -> None:
    body = "".join(f"<new{n}/>" for n in range(3 * xmlstream.MAX_UNKNOWN))
    report = open_report(write(tmp_path, f"<nmaprun>{body}</nmaprun>"))
    list(report.records())
    note = next(note for note in report.handler.finish() if "new1 (1)" in note)  # type: ignore[union-attr]
    assert f"(others) ({2 * xmlstream.MAX_UNKNOWN})" in note
