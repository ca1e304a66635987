# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""masscan's JSON of every version, as it wrote it and as somebody formatted it again."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.masscan_json import MasscanJsonReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, PORT, WEAKNESS

from .checks import REPORTS
from .json_checks import cut_everywhere, fixture, read

FOLDER = REPORTS / "masscan_json"


@pytest.mark.parametrize(
    ("name", "kinds", "skipped", "finished"),
    [
        ("one.json", {HOST: 1, PORT: 1}, 0, "success"),
        ("many-1.3.json", {HOST: 1, PORT: 7}, 0, "success"),
        ("many-1.3.ndjson", {HOST: 1, PORT: 7}, 0, None),
        ("many-1.3-banners.json", {HOST: 1, PORT: 12, INFO: 2}, 0, "success"),
        ("many-1.3-banners.ndjson", {HOST: 1, PORT: 6}, 0, None),
        ("many-1.3-closed.json", {HOST: 1, PORT: 3}, 0, "success"),
        ("many-trailing-comma.json", {HOST: 2, PORT: 2}, 0, "success"),
        ("many-finished.json", {HOST: 2, PORT: 2}, 0, "success"),
        ("many-formatted.json", {HOST: 2, PORT: 2, INFO: 1}, 0, None),
        # 13 ports and 2 records without: 4 ports, one of them with a weakness; the rest skipped
        ("hostile.json", {HOST: 3, PORT: 4, WEAKNESS: 1}, 9, "success"),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int, finished: str | None) -> None:
    result = fixture(MasscanJsonReader, f"masscan_json/{name}")
    assert Counter(record.kind for record in result.records) == kinds
    assert result.reader.skipped.count == skipped
    assert result.reader.info["finished"] == finished
    assert result.reader.info["tried"] == {}


def test_empty() -> None:
    result = read(MasscanJsonReader(), (FOLDER / "empty.json").read_bytes())
    assert (result.records, result.error) == ([], None)


def test_what_the_lab_shows() -> None:
    """The same scan in both forms; the banner's service reaches the catalogue's matchers."""
    plain = fixture(MasscanJsonReader, "masscan_json/many-1.3.json")
    lines = fixture(MasscanJsonReader, "masscan_json/many-1.3.ndjson")
    ports = {record.port.id for record in plain.of(PORT) if record.port}
    assert ports == {f"tcp/{number}" for number in (21, 22, 23, 443, 5432, 6379, 8443)}
    assert ports == {record.port.id for record in lines.of(PORT) if record.port}
    assert plain.reader.info["generated"] == "2026-11-22T08:26:36Z"
    assert len({id(record.asset) for record in plain.records}) == 1
    for name in ("many-1.3-banners.json", "many-1.3-banners.ndjson"):
        banners = fixture(MasscanJsonReader, f"masscan_json/{name}").of(PORT)
        named = {record.port.number: record.port for record in banners if record.port and record.port.service}
        assert {number: port.service for number, port in named.items()} == {21: "ftp", 22: "ssh", 23: "telnet"}
        assert named[22].product == "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"
        assert "<script>" in named[21].product


def test_closed_ports_are_closed() -> None:
    states = {
        record.port.number: record.port.state
        for record in fixture(MasscanJsonReader, "masscan_json/many-1.3-closed.json").of(PORT)
        if record.port
    }
    assert states == {20: "closed", 21: "open", 22: "open"}


def test_a_vulnerability_is_a_weakness() -> None:
    [weakness] = fixture(MasscanJsonReader, "masscan_json/hostile.json").of(WEAKNESS)
    assert (weakness.rule, weakness.facts["cve"]) == ("vuln", ["CVE-2014-0160"])


@pytest.mark.parametrize("name", ["many-1.3-closed.json", "many-formatted.json"])
def test_cut_everywhere(name: str) -> None:
    cut_everywhere(MasscanJsonReader, (FOLDER / name).read_bytes())


def test_lines_cut_within_a_line() -> None:
    content = (FOLDER / "many-1.3.ndjson").read_bytes()
    result = read(MasscanJsonReader(), content[:-20])
    assert result.error is not None and result.error.truncated and result.error.line == 7
    assert len(result.of(PORT)) == 6


def test_a_form_without_brackets_that_does_not_end() -> None:
    content = (FOLDER / "many-finished.json").read_bytes().removesuffix(b"{finished: 1}\n")
    result = read(MasscanJsonReader(), content)
    assert result.error is not None and result.error.truncated
    assert len(result.of(PORT)) == 2


def test_a_line_of_another_kind_is_counted() -> None:
    content = (FOLDER / "many-1.3.ndjson").read_bytes()
    for line in (b"[]", b"null", b'"x"', b"{", b"5"):
        assert read(MasscanJsonReader(), content + line + b"\n").reader.skipped.count == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["many-1.3-banners.json", "many-1.3.ndjson", "many-trailing-comma.json"])
def test_saved_again_by_a_shell_of_windows(name: str, encoding: str) -> None:
    content = (FOLDER / name).read_text().replace("\n", "\r\n").encode(encoding)
    beginning = head(content)
    assert beginning is not None and MasscanJsonReader.recognise(beginning)
    whole = fixture(MasscanJsonReader, f"masscan_json/{name}").records
    assert [repr(record) for record in read(MasscanJsonReader(), content).records] == [repr(one) for one in whole]


@pytest.mark.parametrize("text", ['[{"ip": "10.0.0.1", "hostnames": []}]', '{"ip": 1}', "[]", '{"a": 1}\n{"b": 1}'])
def test_others_are_not_taken(text: str) -> None:
    beginning = head(text.encode())
    assert beginning is not None and not MasscanJsonReader.recognise(beginning)
