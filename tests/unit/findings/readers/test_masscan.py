# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""masscan's XML: what it scatters over many elements comes together, once a port and once a host."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import formats, masscan
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.masscan import MasscanHandler
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.nmap import NmapHandler
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.xmlstream import XmlReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Port, Record

FIXTURES = Path(__file__).parents[3] / "fixtures" / "reports" / "masscan"
MANY = (FIXTURES / "many.xml").read_bytes()


def read(content: bytes, *, accept_partial: bool = False, piece: int = 1 << 18) -> tuple[list[Record], MasscanHandler]:
    reader = XmlReader("x", lambda root, attributes: MasscanHandler, accept_partial=accept_partial)
    records = list(reader.records(content[at : at + piece] for at in range(0, len(content), piece)))
    assert isinstance(reader.handler, MasscanHandler)
    return records, reader.handler


def fixture(name: str) -> tuple[list[Record], MasscanHandler]:
    return read((FIXTURES / f"{name}.xml").read_bytes())


def report(*ports: str) -> bytes:
    hosts = "".join(f'<host><address addr="10.9.0.3" addrtype="ipv4"/><ports>{port}</ports></host>' for port in ports)
    return f'<nmaprun scanner="masscan" start="1795337393">{hosts}</nmaprun>'.encode()


def port(inside: str = "", *, state: str = "open", number: str = "443", protocol: str = "tcp") -> str:
    return f'<port protocol="{protocol}" portid="{number}"><state state="{state}"/>{inside}</port>'


def service(name: str, banner: str = "b") -> str:
    return f'<service name="{name}" banner="{banner}"></service>'


def said(records: list[Record]) -> set[tuple[str, str]]:
    return {(record.asset.label, record.port.id) for record in records if record.asset and record.port}


def ports(records: list[Record]) -> list[Port]:
    return [record.port for record in records if record.kind == "port" and record.port]


@pytest.mark.parametrize(
    ("name", "expected", "elements", "skipped"),
    [
        ("empty", {}, 0, 0),
        ("one", {"port": 1, "host": 1}, 1, 0),
        ("many", {"port": 14, "host": 2}, 28, 0),
        ("hostile", {"weakness": 1, "info": 1, "port": 4, "host": 2}, 16, 9),
    ],
)
def test_every_element_is_in_a_record_or_skipped(
    name: str, expected: dict[str, int], elements: int, skipped: int
) -> None:
    content = (FIXTURES / f"{name}.xml").read_bytes()
    records, handler = read(content)
    assert dict(Counter(record.kind for record in records)) == expected
    assert handler.elements == elements == content.count(b"<port ")
    assert handler.skipped.count == skipped


def test_nmap_and_masscan_are_told_apart_by_what_they_say_of_themselves() -> None:
    assert formats.xml("nmaprun", {"scanner": "masscan"}) is MasscanHandler
    assert formats.xml("nmaprun", {"scanner": "nmap"}) is NmapHandler
    assert formats.xml("nmaprun", {}) is NmapHandler


def test_what_real_masscan_wrote_of_a_server() -> None:
    records, handler = fixture("many")
    first = [record for record in records if record.asset and record.asset.addresses == ["10.9.0.3"]]
    assert len({id(record.asset) for record in records}) == 2
    assert [
        (each.id, each.state, each.service, each.tunnel) for each in sorted(ports(first), key=lambda x: x.number)
    ] == [
        ("tcp/21", "open", "ftp", ""),
        ("tcp/22", "open", "ssh", ""),
        ("tcp/23", "open", "telnet", ""),
        ("tcp/443", "open", None, "ssl"),
        ("tcp/5432", "open", None, ""),
        ("tcp/6379", "open", None, ""),
        ("tcp/8443", "open", None, "ssl"),
    ]
    ssh = next(each for each in ports(first) if each.number == 22)
    assert ssh.product == "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"
    assert handler.info == {
        "version": "1.0-BETA",
        "generated": "2026-11-22T08:49:53Z",
        "arguments": "",
        "tried": {},
        "profile": None,
        "finished": "success",
        "closes": False,
    }


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ([port(), port(service("ssh", "SSH-2.0"))], ("open", "ssh", "SSH-2.0", "")),
        ([port(service("ssh", "SSH-2.0")), port()], ("open", "ssh", "SSH-2.0", "")),
        (
            [port(service("ssl")), port(service("http", "nginx")), port(service("X509"))],
            ("open", "http", "nginx", "ssl"),
        ),
        ([port(state="closed"), port()], ("open", None, "", "")),
        ([port(), port(state="closed")], ("open", None, "", "")),
        ([port(service("title", "Accueil"))], ("open", "http", "Accueil", "")),
        ([port(service("unknown", "x"))], ("open", None, "", "")),
    ],
)
def test_what_several_elements_say_of_a_port(elements: list[str], expected: tuple[str, ...]) -> None:
    (found,) = ports(read(report(*elements))[0])
    assert (found.state, found.service, found.product, found.tunnel) == expected


def test_a_flaw_that_masscan_tests_for_is_a_weakness() -> None:
    records, _handler = read(report(port(service("vuln", "SSL[heartbleed] CVE-2014-0160")), port(number="80")))
    record = records[0]
    assert len({id(each.asset) for each in records}) == 1
    assert (record.kind, record.rule, record.grade) == ("weakness", "vuln", None)
    assert record.facts == {"output": "SSL[heartbleed] CVE-2014-0160", "cve": ["CVE-2014-0160"]}


def test_the_size_of_the_pieces_changes_nothing() -> None:
    assert [repr(record) for record in read(MANY)[0]] == [repr(record) for record in read(MANY, piece=100)[0]]


def test_truncated_anywhere_it_is_an_error_and_what_is_complete_may_be_taken() -> None:
    complete = said(read(MANY)[0])
    for length in range(0, len(MANY.rstrip()), 101):
        with pytest.raises(ReportError):
            read(MANY[:length])
        if length > 200:
            records, handler = read(MANY[:length], accept_partial=True)
            assert said(records) <= complete
            assert any("truncated" in note for note in handler.finish())


def test_hostile_texts_stay_texts_and_odd_ports_are_skipped_with_their_place() -> None:
    records, handler = fixture("hostile")
    banner = next(each for each in ports(records) if each.number == 22 and each.product)
    assert banner.product.startswith("{% for x in y %}<script>alert(1)</script> =cmd|'")
    assert {record.asset.addresses[0] for record in records if record.asset} == {"fd00:9::21", "10.9.0.3"}
    assert {"place": "host 10.9.0.3, tcp/99999", "reason": "is not a port"} in handler.skipped.first
    assert {"place": "host 10.9.0.3; rm -rf /", "reason": "its address is none"} in handler.skipped.first
    assert any("new-element (1)" in note for note in handler.finish())


@pytest.mark.parametrize("bound", ["MAX_PENDING", "MAX_TEXTS"])
def test_what_is_remembered_is_bounded_and_nothing_is_lost(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masscan, bound, 3)
    content = report(*(port(service("http", "long"), number=str(number)) for number in range(1, 20)))
    records, handler = read(content)
    assert [each.number for each in ports(records)] == list(range(1, 20))
    assert not handler._ports


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ReportError, match="nested deeper"):
        read(b"<nmaprun>" + b"<a>" * 100_000)
