# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""sslyze's JSON, versions 5 and 6."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.sslyze import SslyzeReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, PORT, WEAKNESS

from .checks import REPORTS
from .json_checks import cut_everywhere, fixture

FOLDER = REPORTS / "sslyze"


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty.json", {}, 0),
        ("one.json", {HOST: 1, PORT: 1, WEAKNESS: 1}, 0),
        ("many.json", {HOST: 3, PORT: 2, WEAKNESS: 16, INFO: 3}, 3),
        ("many-5.2.json", {HOST: 1, PORT: 1, WEAKNESS: 7, INFO: 10}, 1),
        ("many-6.3.json", {HOST: 1, PORT: 1, WEAKNESS: 6, INFO: 13}, 3),
        ("hostile.json", {HOST: 2, PORT: 2, WEAKNESS: 2, INFO: 3}, 12),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    result = fixture(SslyzeReader, f"sslyze/{name}")
    assert Counter(record.kind for record in result.records) == kinds
    assert result.reader.skipped.count == skipped


@pytest.mark.parametrize(("name", "version"), [("many-5.2.json", "5.2.0"), ("many-6.3.json", "6.3.1")])
def test_what_the_lab_shows(name: str, version: str) -> None:
    result = fixture(SslyzeReader, f"sslyze/{name}")
    found = result.rules(WEAKNESS)
    assert {"tls_1_0_cipher_suites", "tls_1_1_cipher_suites", "certificate_info.path_validation_results"} <= set(found)
    assert not {"ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites", "heartbleed", "robot"} & set(found)
    one = found["tls_1_0_cipher_suites"]
    assert one.asset is not None and one.port is not None
    assert (one.asset.addresses, one.port.id, one.grade, one.severity) == (["10.89.1.2"], "tcp/8443", "medium", None)
    assert "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA" in one.wording
    assert "TLS_ECDH_anon_WITH_AES_128_CBC_SHA" in found["tls_1_0_cipher_suites.anonymous"].wording
    info = result.reader.info
    assert (info["version"], info["finished"]) == (version, "success")
    assert info["generated"] is not None and info["generated"].startswith("2026-11-22T08:51")


def test_a_port_that_could_not_be_scanned_is_said_and_was_not_looked_at() -> None:
    """Port 22 of the lab, over which sslyze finds no TLS, and a name that does not resolve."""
    result = fixture(SslyzeReader, "sslyze/many-6.3.json")
    reasons = " ".join(one["reason"] for one in result.reader.skipped.first)
    assert "nowhere.invalid" in reasons and "10.89.1.2:22" in reasons
    assert {r.port.number for r in result.records if r.port} == {8443}
    assert "connectivity_status" in result.rules(INFO)


def test_each_weakness() -> None:
    result = fixture(SslyzeReader, "sslyze/many.json")
    found = {(r.rule, r.grade) for r in result.of(WEAKNESS) if r.port and r.port.number == 443}
    assert found == {
        ("certificate_info.not_valid_after", "medium"),
        ("certificate_info.path_validation_results", "low"),
        ("certificate_info.verified_chain_has_sha1_signature", "medium"),
        ("certificate_info.key_size", "medium"),
        ("ssl_3_0_cipher_suites", "high"),
        ("ssl_3_0_cipher_suites.rc4", "medium"),
        ("ssl_3_0_cipher_suites.des", "medium"),
        ("tls_1_2_cipher_suites.null", "high"),
        ("tls_1_2_cipher_suites.anonymous", "high"),
        ("heartbleed", "critical"),
        ("openssl_ccs_injection", "high"),
        ("robot", "high"),
        ("tls_compression", "medium"),
        ("tls_fallback_scsv", "low"),
        ("session_renegotiation.supports_secure_renegotiation", "medium"),
        ("session_renegotiation.is_vulnerable_to_client_renegotiation_dos", "low"),
    }
    assert result.rules(WEAKNESS)["heartbleed"].facts["cve"] == ["CVE-2014-0160"]
    mail = [r.port for r in result.of(PORT) if r.port and r.port.number == 25]
    assert [(port.service, port.tunnel) for port in mail] == [("smtp", "")]


def test_a_check_that_failed_closes_nothing_and_a_new_one_is_said() -> None:
    result = fixture(SslyzeReader, "sslyze/many.json")
    assert result.reader.info["closes"] is False
    assert any("heartbleed" in one["place"] for one in result.reader.skipped.first)
    assert any("a_new_command" in note for note in result.reader.notes)
    assert "closes" not in fixture(SslyzeReader, "sslyze/many-6.3.json").reader.info


def test_the_profile_is_what_was_asked() -> None:
    assert fixture(SslyzeReader, "sslyze/one.json").reader.info["profile"] == "tls_1_0_cipher_suites"


def test_cut_everywhere() -> None:
    cut_everywhere(SslyzeReader, (FOLDER / "one.json").read_bytes())
    cut_everywhere(SslyzeReader, (FOLDER / "many.json").read_bytes(), step=17)
    cut_everywhere(SslyzeReader, (FOLDER / "many-6.3.json").read_bytes(), step=20011)


def test_others_are_not_taken() -> None:
    for text in ('{"server_scan_results": []}', '{"sslyze_version": "6"}', "[]"):
        beginning = head(text.encode())
        assert beginning is not None and not SslyzeReader.recognise(beginning)
