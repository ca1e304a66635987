# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Censys: a host of either API, alone, listed, found or saved by its command line, gives the same."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.censys import CensysReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, PORT, WEAKNESS, Record

from .checks import REPORTS

FOLDER = REPORTS / "censys"


def load(content: bytes) -> tuple[list[Record], CensysReader]:
    reader = CensysReader()
    return list(reader.records(io.BytesIO(content))), reader


def fixture(name: str) -> tuple[list[Record], CensysReader]:
    return load((FOLDER / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty.json", {HOST: 1}, 0),
        ("one.json", {HOST: 1, PORT: 1}, 0),
        ("many-v2-search.json", {HOST: 2, PORT: 5}, 0),
        ("many-v3.json", {HOST: 1, PORT: 2, WEAKNESS: 3}, 0),
        ("many-v3-search.json", {HOST: 1, PORT: 2, WEAKNESS: 3}, 1),  # a web property is no host
        ("many-cli.json", {HOST: 2, PORT: 6, WEAKNESS: 3}, 0),
        ("many.jsonl", {HOST: 2, PORT: 6, WEAKNESS: 3}, 0),
        ("hostile.jsonl", {HOST: 4, PORT: 2, WEAKNESS: 2}, 11),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    records, reader = fixture(name)
    assert Counter(one.kind for one in records) == kinds
    assert reader.skipped.count == skipped, reader.skipped.first
    assert reader.info["closes"] is False and reader.info["tried"] == {}


def host(**more: Any) -> dict[str, Any]:
    return {"ip": "192.0.2.1", "services": [{"port": 22, "transport_protocol": "tcp"}]} | more


@pytest.mark.parametrize(
    "document",
    [
        host(),
        {"result": host()},
        {"result": {"resource": host()}},
        {"result": {"resources": [host()]}},
        {"result": {"hits": [host()]}},
        {"result": {"hits": [{"host_v1": {"resource": host()}}]}},
        {"result": [{"resource": host()}]},
        [host()],
        [{"resource": host()}],
        {"resource": host()},
        {"result": {"services": host()["services"], "ip": "192.0.2.1"}},
    ],
    ids=lambda document: json.dumps(document)[:60],
)
def test_however_a_host_is_wrapped(document: Any) -> None:
    content = json.dumps(document).encode()
    beginning = head(content)
    assert beginning is not None and CensysReader.recognise(beginning)
    records, reader = load(content)
    assert [one.kind for one in records] == [HOST, PORT] and reader.skipped.count == 0
    assert records[0].asset is not None and records[0].asset.addresses == ["192.0.2.1"]


def test_services_of_api_v2() -> None:
    records, reader = fixture("many-v2-search.json")
    ports = [one.port for one in records if one.kind == PORT and one.port]
    assert [(port.id, port.service, port.tunnel) for port in ports] == [
        ("tcp/443", "http", "ssl"),
        ("tcp/5432", "postgresql", ""),
        ("udp/443", "http", ""),  # QUIC
        ("tcp/9999", None, ""),
        ("tcp/5432", "postgresql", ""),
    ]
    assert (ports[0].product, ports[0].version) == ("nginx", "1.18.0")
    asset = records[0].asset
    assert asset is not None and asset.typed_names == []
    assert asset.names == ["vpn.chu-valmont.test", "ip-20.example.net"]
    assert reader.info["generated"] == "2026-11-18T00:00:00Z"
    assert any("pseudo service" in note for note in reader.notes)


def test_weaknesses_of_api_v3() -> None:
    cve, misconfiguration, exposure = (one for one in fixture("many-v3.json")[0] if one.kind == WEAKNESS)
    assert (cve.rule, cve.severity, cve.grade) == ("CVE-2022-0543", "critical", "critical")
    assert cve.facts["cve"] == ["CVE-2022-0543"] and cve.facts["kev"] is True and cve.facts["epss"] == 0.944
    assert cve.facts["cvss"] == 10.0 and cve.facts["cvss_vector"].startswith("CVSS:3.1/")
    assert cve.facts["cwe"] == ["CWE-862"]
    assert (misconfiguration.rule, misconfiguration.title) == ("redis_no_auth", "Unauthenticated Redis")
    assert misconfiguration.port is not None and misconfiguration.port.id == "tcp/6379"
    assert (exposure.rule, exposure.severity, exposure.grade) == ("Exposed admin page", None, "medium")


def test_virtual_hosts_of_one_address_are_one_machine() -> None:
    records, _ = load(json.dumps([host(name="a.test"), host(name="b.test")]).encode())
    assert [one.kind for one in records] == [HOST, PORT, PORT]


def test_truncated() -> None:
    whole = (FOLDER / "many-v2-search.json").read_bytes().rstrip()
    for size in (*range(300, len(whole), 150), len(whole) - 3):
        reader, found = CensysReader(), []
        with pytest.raises(ReportError) as caught:
            for record in reader.records(io.BytesIO(whole[:size])):
                found.append(record)
        assert caught.value.truncated
    assert sum(one.kind == HOST for one in found) == 2


def test_a_truncated_host_of_api_v2_gives_what_is_complete() -> None:
    content = json.dumps({"result": host() | {"dns": {"names": ["x" * 50]}}}).encode()[:-20]
    reader, found = CensysReader(), []
    with pytest.raises(ReportError):
        for record in reader.records(io.BytesIO(content)):
            found.append(record)
    assert [one.kind for one in found] == [HOST, PORT]


@pytest.mark.parametrize(
    "content", [b'{"ip_str": "192.0.2.1", "data": []}', b'{"runs": [], "version": "2.1.0"}', b'{"result": 1}']
)
def test_not_recognised(content: bytes) -> None:
    beginning = head(content)
    assert beginning is not None and not CensysReader.recognise(beginning)
