# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""nuclei's results, from lines and arrays, of versions 2 and 3."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.nuclei import NucleiReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, WEAKNESS

from .checks import REPORTS
from .json_checks import cut_everywhere, fixture, read

FOLDER = REPORTS / "nuclei"


def result(**more: Any) -> bytes:
    made = {"template-id": "t", "info": {"name": "n", "severity": "low"}, "type": "http", "host": "10.0.0.1"}
    return json.dumps(made | more).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("one.jsonl", {HOST: 1, WEAKNESS: 1}, 0),
        ("many.jsonl", {HOST: 5, WEAKNESS: 13, INFO: 3}, 0),
        ("many.json", {HOST: 5, WEAKNESS: 13, INFO: 3}, 0),
        ("many-v2.jsonl", {HOST: 2, WEAKNESS: 2}, 0),
        ("hostile.jsonl", {HOST: 4, WEAKNESS: 9}, 8),  # 17 lines
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    result = fixture(NucleiReader, f"nuclei/{name}")
    assert Counter(record.kind for record in result.records) == kinds
    assert result.reader.skipped.count == skipped


def test_empty() -> None:
    made = read(NucleiReader(), (FOLDER / "empty.json").read_bytes())
    assert (made.records, made.error) == ([], None)


def test_what_a_result_says() -> None:
    lines = fixture(NucleiReader, "nuclei/many.jsonl")
    one = lines.rules(WEAKNESS)["CVE-2021-41773:RCE"]
    assert one.asset is not None and one.port is not None
    assert (one.asset.addresses, one.asset.typed_names) == (["10.9.0.3"], ["intranet.chu-valmont.test"])
    assert (one.port.id, one.severity, one.grade) == ("tcp/8080", "high", "high")
    assert {key: one.facts[key] for key in ("cve", "cwe", "cvss", "epss", "kev")} == {
        "cve": ["CVE-2021-41773"],
        "cwe": ["CWE-22"],
        "cvss": 7.5,
        "epss": 0.94428,
        "kev": True,
    }
    assert one.facts["solution"] == "Upgrade to Apache HTTP Server 2.4.51 or later."
    assert one.facts["matched_at"].endswith("/etc/passwd")
    assert lines.reader.info["generated"] == "2026-11-21T21:10:03Z"
    array = fixture(NucleiReader, "nuclei/many.json")
    assert [r.rule for r in array.records] == [r.rule for r in lines.records]


def test_templates_of_information_that_state_a_weakness_are_work() -> None:
    found = fixture(NucleiReader, "nuclei/many.jsonl").rules(WEAKNESS)
    for rule in ("deprecated-tls", "ftp-detect", "ssh-password-auth", "telnet-detect"):
        assert (found[rule].severity, found[rule].grade) == ("info", None)
    assert "tech-detect:nginx" not in found


def test_what_did_not_match_is_information() -> None:
    [one] = [r for r in fixture(NucleiReader, "nuclei/many.jsonl").records if r.rule == "CVE-2021-44228"]
    assert (one.kind, one.grade, one.facts["error"]) == (INFO, None, "context deadline exceeded")


def test_one_asset_for_each_host() -> None:
    records = fixture(NucleiReader, "nuclei/many.jsonl").records
    assets = {id(r.asset): r.asset for r in records if r.asset is not None}
    assert len(assets) == 5
    assert [r.asset for r in records if r.rule == "private-key"] == [None]  # a file of the scanning machine


@pytest.mark.parametrize(
    ("fields", "addresses", "names", "port"),
    [
        ({"host": "10.0.0.1", "port": "443"}, ["10.0.0.1"], [], 443),
        ({"host": "10.0.0.1:8443"}, ["10.0.0.1"], [], 8443),
        ({"host": "https://srv.test", "ip": "10.0.0.1"}, ["10.0.0.1"], ["srv.test"], 443),
        ({"host": "srv.test", "matched-at": "srv.test:22"}, [], ["srv.test"], 22),
        ({"host": "[2001:db8::1]:443"}, ["2001:db8::1"], [], 443),
        ({"host": "2001:db8::1", "ip": "2001:DB8:0::1", "port": "22"}, ["2001:db8::1"], [], 22),
        ({"host": "http://[2001:db8::1]/x"}, ["2001:db8::1"], [], 80),
        ({"host": "::ffff:10.0.0.1", "port": 22}, ["10.0.0.1"], [], 22),
        ({"host": "", "matched-at": "https://10.0.0.1:8443/x"}, ["10.0.0.1"], [], 8443),
        ({"host": "10.0.0.1", "port": "0"}, ["10.0.0.1"], [], None),
        ({"host": "srv.test", "type": "dns", "port": "53"}, [], ["srv.test"], None),
    ],
)
def test_hosts_and_ports(fields: dict[str, Any], addresses: list[str], names: list[str], port: int | None) -> None:
    record = read(NucleiReader(), result(**fields)).records[-1]
    assert record.asset is not None
    assert (record.asset.addresses, record.asset.typed_names) == (addresses, names)
    assert (record.port.number if record.port else None) == port


@pytest.mark.parametrize("name", ["host", "ip", "port", "type", "matched-at", "matcher-name", "timestamp"])
@pytest.mark.parametrize("odd", [[1], {"a": 1}, 7, True, None, 1.5])
def test_odd_values(name: str, odd: Any) -> None:
    assert len(read(NucleiReader(), result(**{name: odd, "matched-at": "10.0.0.1:80"} | {name: odd})).of(WEAKNESS)) == 1


def test_a_template_that_changed_between_two_runs_is_read_again() -> None:
    changed = {"name": "n", "severity": "critical", "classification": {"cvss-score": 9.8}}
    found = read(NucleiReader(), result() + result(info=changed) + result()).of(WEAKNESS)
    assert [(r.grade, r.facts.get("cvss")) for r in found] == [("low", None), ("critical", 9.8), ("low", None)]
    found[0].facts["changed"] = True
    assert "changed" not in found[2].facts


def test_version_2() -> None:
    found = fixture(NucleiReader, "nuclei/many-v2.jsonl").rules(WEAKNESS)
    assert set(found) == {"exposed-redis", "git-config:core"}
    assert found["exposed-redis"].port is not None and found["exposed-redis"].port.id == "tcp/6379"
    assert found["git-config:core"].facts["output"] == "url = git@x"


def test_more_hosts_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.care.remediation.plugins.module_utils.findings.readers import nuclei

    monkeypatch.setattr(nuclei, "MAX_HOSTS", 10)
    monkeypatch.setattr(nuclei, "MAX_TEMPLATES", 3)
    content = b"".join(result(**{"host": f"10.0.0.{n % 50}", "template-id": f"t{n % 7}"}) for n in range(200))
    found = read(NucleiReader(), content)
    assert len(found.of(WEAKNESS)) == 200
    assert {a for r in found.of(HOST) if r.asset for a in r.asset.addresses} == {f"10.0.0.{n}" for n in range(50)}


def test_cut_everywhere() -> None:
    cut_everywhere(NucleiReader, (FOLDER / "many.json").read_bytes(), step=13)
    content = (FOLDER / "one.jsonl").read_bytes()
    for length in range(1, len(content) - 1):
        error = read(NucleiReader(), content[:length]).error
        assert error is not None and error.truncated


def test_others_are_not_taken() -> None:
    for text in ('[{"id": 1, "info": {}}]', '{"template-id": "x"}', "[]"):
        beginning = head(text.encode())
        assert beginning is not None and not NucleiReader.recognise(beginning)
