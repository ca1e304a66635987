# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shodan: every shape that it gives a host in; deduced vulnerabilities told apart from verified ones."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.shodan import ShodanReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, PORT, WEAKNESS, Record

from .checks import REPORTS

FOLDER = REPORTS / "shodan"


def load(content: bytes) -> tuple[list[Record], ShodanReader]:
    reader = ShodanReader()
    return list(reader.records(io.BytesIO(content))), reader


def fixture(name: str) -> tuple[list[Record], ShodanReader]:
    return load((FOLDER / name).read_bytes())


def banner(**more: Any) -> bytes:
    made = {"ip_str": "192.0.2.1", "port": 80, "transport": "tcp", "data": "", "timestamp": "2026-11-20T00:00:00"}
    return json.dumps(made | more).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty.json", {}, 0),
        ("one.json", {HOST: 1, PORT: 1}, 0),
        ("many.json", {HOST: 1, PORT: 5, WEAKNESS: 8}, 0),  # 3 seen, 4 of banners, 1 that only the host has
        ("many-minified.json", {HOST: 1, WEAKNESS: 5}, 1),
        ("many-search.json", {HOST: 1, PORT: 2, WEAKNESS: 4}, 0),
        ("many.jsonl", {HOST: 3, PORT: 8, WEAKNESS: 7}, 0),
        ("hostile.jsonl", {HOST: 2, PORT: 2, WEAKNESS: 3}, 12),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    records, reader = fixture(name)
    assert Counter(one.kind for one in records) == kinds
    assert reader.skipped.count == skipped, reader.skipped.first
    assert reader.info["closes"] is False and reader.info["tried"] == {}


def test_a_host_is_one_asset_and_its_names_are_ptr_records() -> None:
    records, reader = fixture("many.jsonl")
    first = [one.asset for one in records if one.asset is not None and one.asset.addresses == ["192.0.2.10"]]
    assert len({id(asset) for asset in first}) == 1
    assert first[0].names == ["mail.chu-valmont.test"] and first[0].typed_names == []
    assert "2001:db8::25" in [asset.addresses[0] for one in records if (asset := one.asset)]
    assert reader.info["generated"] == "2026-11-18T03:04:05Z"


def test_ports_and_services() -> None:
    ports = [one.port for one in fixture("many.jsonl")[0] if one.kind == PORT and one.port]
    assert [(port.id, port.service, port.tunnel, port.state) for port in ports] == [
        ("tcp/21", "ftp", "", "open"),
        ("tcp/443", "https", "ssl", "open"),
        ("tcp/6379", "redis", "", "open"),
        ("udp/161", "snmp", "", "open"),
        ("tcp/8080", "http", "", "open"),
        ("tcp/25", "smtp", "", "open"),
        ("tcp/23", "telnet", "", "open"),
        ("tcp/5432", "postgresql", "", "open"),
    ]


def test_what_its_crawler_saw() -> None:
    seen = {one.rule: one for one in fixture("many.json")[0] if one.kind == WEAKNESS and "." in one.rule}
    assert set(seen) == {"ftp.anonymous", "ssl.versions", "redis.server"}
    assert seen["ssl.versions"].wording == "accepted: TLSv1, TLSv1.1"  # "-SSLv3" was refused


def test_vulnerabilities() -> None:
    records, reader = fixture("many.json")
    found = {one.rule: one for one in records if one.rule.startswith("CVE-")}
    assert {rule: (one.severity, one.grade) for rule, one in found.items()} == {
        "CVE-2021-23017": ("CVSS 7.7", "high"),
        "CVE-2023-44487": ("CVSS 7.5", "high"),
        "CVE-2010-0408": ("CVSS 5", "medium"),
        "CVE-2009-0001": ("CVSS 9.3", "high"),  # of CVSS 2, which knows no critical
        "CVE-2014-0160": (None, None),
    }
    verified = found["CVE-2023-44487"].facts
    assert (verified["verified"], verified["kev"], verified["epss"], verified["cve"]) == (
        True,
        True,
        0.94,
        ["CVE-2023-44487"],
    )
    assert found["CVE-2021-23017"].facts["verified"] is False
    assert any(note.startswith("3 vulnerabilities are not verified") for note in reader.notes)


def test_banners_before_or_after_the_address_of_the_host() -> None:
    one = json.loads((FOLDER / "one.json").read_text())
    for order in (sorted(one), sorted(one, reverse=True)):
        records, _ = load(json.dumps({name: one[name] for name in order}).encode())
        assert [record.kind for record in records] == [HOST, PORT]


@pytest.mark.parametrize("version", [2, "2.0", "2,0"])
def test_a_decimal_comma_is_a_number(version: Any) -> None:
    vulns = {"CVE-2024-0001": {"cvss": "9,8", "cvss_version": version, "epss": "0,5"}}
    record = load(banner(vulns=vulns))[0][2]
    assert (record.facts["cvss"], record.facts["epss"], record.grade) == (9.8, 0.5, "high")


def test_what_is_not_vulnerable_is_no_weakness() -> None:
    records, reader = load(banner(vulns=["CVE-2024-0003", "!CVE-2024-0004"]))
    assert [one.rule for one in records if one.kind == WEAKNESS] == ["CVE-2024-0003"] and reader.skipped.count == 1


def test_truncated() -> None:
    whole = (FOLDER / "many.json").read_bytes().rstrip()
    for size in range(200, len(whole), 200):
        reader, found = ShodanReader(), []
        with pytest.raises(ReportError) as caught:
            for record in reader.records(io.BytesIO(whole[:size])):
                found.append(record)
        assert caught.value.truncated
    assert sum(one.kind == PORT for one in found) == 5


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (banner() + banner(), True),
        (banner(), True),
        (b'{"matches": [], "total": 0}', True),
        (b'[{"ip_str": "192.0.2.1", "port": 1}]', True),
        (b'{"ip": "192.0.2.1", "services": []}', False),
        (b'{"findings": []}', False),
    ],
)
def test_recognised(content: bytes, expected: bool) -> None:
    beginning = head(content)
    assert beginning is not None and ShodanReader.recognise(beginning) is expected
