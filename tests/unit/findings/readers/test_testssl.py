# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""testssl.sh's JSON in both forms: what is weak, what could not be tested, what was not TLS."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.testssl import SslTestReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, PORT, WEAKNESS

from .checks import REPORTS
from .json_checks import cut_everywhere, fixture, read

FOLDER = REPORTS / "testssl"


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty-pretty.json", {}, 0),
        ("one-flat.json", {HOST: 1, PORT: 1, WEAKNESS: 1}, 0),
        ("many-3.0-flat.json", {HOST: 1, PORT: 1, WEAKNESS: 14, INFO: 144}, 0),  # 158 findings
        ("many-3.0-pretty.json", {HOST: 1, PORT: 1, WEAKNESS: 14, INFO: 142}, 0),
        ("many-3.0-targets-flat.json", {HOST: 1, PORT: 2, WEAKNESS: 4, INFO: 21}, 0),
        ("many-3.0-targets-pretty.json", {HOST: 1, PORT: 2, WEAKNESS: 4, INFO: 18}, 0),
        ("many-3.0-no-tls-pretty.json", {INFO: 11}, 0),
        ("many-3.2-pretty.json", {HOST: 1, PORT: 1, WEAKNESS: 4, INFO: 8}, 0),
        ("hostile-flat.json", {HOST: 4, PORT: 5, WEAKNESS: 5, INFO: 3}, 8),  # 16 elements
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    result = fixture(SslTestReader, f"testssl/{name}")
    assert Counter(record.kind for record in result.records) == kinds
    assert result.reader.skipped.count == skipped


def test_what_the_lab_shows() -> None:
    """Its console on 8443 and its site on 443 accept TLS 1.0 and 1.1, and a self-signed certificate."""
    for name, port in (("many-3.0-flat.json", "tcp/8443"), ("many-3.0-pretty.json", "tcp/443")):
        found = fixture(SslTestReader, f"testssl/{name}").rules(WEAKNESS)
        assert {"TLS1", "TLS1_1", "cert_chain_of_trust", "cipherlist_aNULL"} <= set(found)
        assert not {"SSLv2", "SSLv3", "TLS1_2", "heartbleed"} & set(found)
        one = found["TLS1"]
        assert one.asset is not None and one.port is not None
        assert (one.asset.addresses, one.port.id, one.port.service, one.port.tunnel) == (
            ["10.89.1.2"],
            port,
            "http",
            "ssl",
        )
        assert (one.severity, one.grade, one.wording) == ("LOW", "low", "offered (deprecated)")
        assert found["BEAST"].facts["cve"] == ["CVE-2011-3389"]


def test_the_pretty_form_has_a_date_and_the_flat_one_says_that_it_has_none() -> None:
    pretty = fixture(SslTestReader, "testssl/many-3.0-pretty.json").reader
    assert (pretty.info["version"], pretty.info["generated"]) == ("3.0.8", "2026-11-22T08:26:26Z")
    assert pretty.info["finished"] == "success"
    flat = fixture(SslTestReader, "testssl/many-3.0-flat.json").reader
    assert flat.info["generated"] is None and any("no date" in note for note in flat.notes)
    assert flat.info["profile"] == pretty.info["profile"]
    assert "protocols" in pretty.info["profile"] and "heartbleed" in pretty.info["profile"]


def test_the_profile_says_what_was_tested() -> None:
    for form in ("flat", "pretty"):
        assert fixture(SslTestReader, f"testssl/many-3.0-targets-{form}.json").reader.info["profile"] == "protocols"


def test_what_was_no_tls_server_was_not_looked_at() -> None:
    """Port 22: "TLS 1.2 not offered (MEDIUM)" is no weakness, and nothing said of it earlier is closed."""
    for name in ("many-3.0-targets-flat.json", "many-3.0-targets-pretty.json", "many-3.0-no-tls-pretty.json"):
        result = fixture(SslTestReader, f"testssl/{name}")
        assert "TLS1_2" not in result.rules(WEAKNESS)
        assert not [r for r in result.records if r.port is not None and r.port.number == 22]
        assert any("10.89.1.2:22" in note and "could not test" in note for note in result.reader.notes)


def test_what_was_no_tls_server_stays_so_when_something_stands_between() -> None:
    def entry(rule: str, severity: str, ip: str = "a/10.0.0.1") -> str:
        return f'{{"id": "{rule}", "ip": "{ip}", "port": "22", "severity": "{severity}", "finding": "x"}}'

    entries = [entry("optimal_proto", "WARN"), entry("engine_problem", "WARN", "/"), entry("TLS1_2", "MEDIUM")]
    result = read(SslTestReader(), f"[{','.join(entries)}]".encode())
    assert not result.of(WEAKNESS) and not result.of(PORT) and len(result.of(INFO)) == 3


def test_version_3_2() -> None:
    result = fixture(SslTestReader, "testssl/many-3.2-pretty.json")
    found = result.rules(WEAKNESS)
    assert set(found) == {"SSLv3", "TLS1", "cipherlist_3DES_IDEA", "heartbleed"}
    assert (found["heartbleed"].grade, found["heartbleed"].facts["solution"]) == ("critical", "Update OpenSSL")
    asset = found["SSLv3"].asset
    assert asset is not None
    assert (asset.addresses, asset.typed_names, asset.names) == (
        ["2001:db8::3"],
        ["portail.chu-valmont.test"],
        ["srv3.chu-valmont.test"],
    )
    # a test that failed: what it would have said cannot be taken back by this report
    assert result.reader.info["closes"] is False
    assert any("ROBOT" in note for note in result.reader.notes)


def test_single_ciphers_are_work_only_where_nothing_else_judges_them() -> None:
    content = b"""[{"id": "cipher-tls1_xc014", "ip": "a/10.0.0.1", "port": "443", "severity": "LOW", "finding": "x"}]"""
    assert len(read(SslTestReader(), content).of(WEAKNESS)) == 1


def test_cut_everywhere() -> None:
    for name in ("many-3.2-pretty.json", "hostile-flat.json"):
        cut_everywhere(SslTestReader, (FOLDER / name).read_bytes(), step=3)
    for name in ("many-3.0-flat.json", "many-3.0-pretty.json"):
        cut_everywhere(SslTestReader, (FOLDER / name).read_bytes(), step=1009)


def test_others_are_not_taken() -> None:
    for text in ('[{"id": 1, "severity": "LOW"}]', '{"scanResult": []}', "[]"):
        beginning = head(text.encode())
        assert beginning is not None and not SslTestReader.recognise(beginning)
