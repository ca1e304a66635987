# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""nmap's XML: real files, a hostile one, and one that was killed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, PORT

from .checks import REPORTS, check

FOLDER = REPORTS / "nmap"


@pytest.mark.parametrize(
    ("name", "hosts", "ports", "skipped"),
    [
        ("empty.xml", 0, 0, 0),
        ("one.xml", 1, 1, 0),
        ("one-ipv6.xml", 1, 0, 0),
        ("many.xml", 1, 7, 0),
        ("many-udp.xml", 2, 10, 0),
        ("hostile.xml", 2, 4, 1),  # 4 hosts, one down, one without an address
    ],
)
def test_counts_in_are_counts_out(name: str, hosts: int, ports: int, skipped: int) -> None:
    report = open_report(FOLDER / name)
    found = list(report.records())
    for record in found:
        check(record)
    assert report.type == "nmap"
    assert Counter(record.kind for record in found) == Counter({HOST: hosts, PORT: ports})
    assert report.skipped.count == skipped
    text = (FOLDER / name).read_bytes()
    assert ports + text.count(b'portid="443"><state state="open"/></port></ports></host>') == text.count(b"<port ")


def test_what_a_real_scan_says() -> None:
    report = open_report(FOLDER / "many.xml")
    found = {record.port.id: record.port for record in report.records() if record.port}
    assert sorted(found) == ["tcp/21", "tcp/22", "tcp/23", "tcp/443", "tcp/5432", "tcp/6379", "tcp/8443"]
    assert (found["tcp/22"].service, found["tcp/22"].product) == ("ssh", "OpenSSH")
    assert found["tcp/443"].tunnel == "ssl" and "TLSv1.0" in found["tcp/443"].scripts["ssl-enum-ciphers"]
    assert report.info["version"] == "7.93" and report.info["generated"] == "2026-11-22T09:26:45Z"
    assert report.info["tried"] == {"tcp": "1-65535"} and report.info["finished"] == "success"
    assert "--script redis-info" in report.info["arguments"]


def test_several_protocols_were_tried() -> None:
    report = open_report(FOLDER / "many-udp.xml")
    list(report.records())
    assert report.info["tried"] == {"tcp": "22,80,443", "udp": "53,161"}


def test_hostile_texts_are_texts() -> None:
    report = open_report(FOLDER / "hostile.xml")
    found = list(report.records())
    asset = found[0].asset
    assert asset is not None and asset.addresses == ["10.9.0.66"]
    assert asset.typed_names == ["{{ 7*7 }}"] and "hôpital" in asset.names and "" not in asset.names
    assert found[-1].asset is not None and found[-1].asset.addresses == ["fe80::1"]
    assert report.info["generated"] is None and report.info["tried"] == {"tcp": "21-23,80,443"}
    assert report.info["finished"] == "{{ 1/0 }} <b>"
    assert report.skipped.first == [{"place": "host 2", "reason": "names no address"}]
    assert any("somethingnew (1)" in note for note in report.notes)
    assert any("smb-vuln-ms17-010 (1)" in note for note in report.notes)


def test_a_scan_that_was_killed(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="truncated"):
        list(open_report(FOLDER / "truncated.xml").records())
    report = open_report(FOLDER / "truncated.xml", accept_partial=True)
    assert Counter(record.kind for record in report.records()) == {HOST: 1, PORT: 5}
    assert report.partial and report.info["finished"] is None
    text = (FOLDER / "many-udp.xml").read_bytes()
    for end in range(text.index(b"<host "), len(text) - 20, 31):
        (tmp_path / "cut.xml").write_bytes(text[:end])
        report = open_report(tmp_path / "cut.xml", accept_partial=True)
        addresses = [record.asset.addresses for record in report.records() if record.kind == HOST and record.asset]
        assert report.partial and all(addresses)
