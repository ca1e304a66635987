"""vuln_certificates_vuln."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import certificate_strength

from controls.domain import BASE, domain, labels, outcome, unreadable
from controls.made_certificates import RSA_512, certificate

ID = "vuln_certificates_vuln"
KEYS = f"CN=Public Key Services,CN=Services,CN=Configuration,{BASE}"


def published(der: bytes, where: str = "CN=NTAuthCertificates") -> dict[str, Any]:
    return {
        "dn": f"{where},{KEYS}",
        "guid": "0a0b0c0d-0000-0000-0000-000000000001",
        "attribute": "cACertificate",
        "der": base64.b64encode(der).decode(),
    }


@pytest.mark.parametrize(
    ("der", "level", "codes"),
    [
        pytest.param(certificate("AC"), None, [], id="RSA 2048, SHA-256"),
        pytest.param(certificate("AC", "ec"), None, [], id="ECDSA"),
        pytest.param(certificate("AC", "ed25519", None), None, [], id="Ed25519"),
        pytest.param(certificate("AC", digest="SHA3_256"), None, [], id="SHA-3"),
        pytest.param(certificate("AC", digest="SHA224"), None, [], id="SHA-224"),
        pytest.param(certificate("AC", "dsa"), 1, ["dsa"], id="DSA key"),
        pytest.param(certificate("Site", "rsa-2048", signer="dsa"), 1, ["dsa"], id="signed by a DSA key"),
        pytest.param(certificate("AC", "rsa-1024"), 3, ["rsa_short"], id="RSA 1024: short, not very short"),
        pytest.param(certificate("AC", "rsa-2048-3"), 3, ["rsa_exponent"], id="exponent 3"),
        pytest.param(certificate("AC", "roca"), 1, ["roca"], id="ROCA"),
        pytest.param(certificate("AC", digest="SHA1"), 3, ["signature"], id="SHA-1"),
        pytest.param(certificate("AC", digest="MD5"), 3, ["signature"], id="MD5"),
        pytest.param(certificate("AC", digest="MD4"), 3, ["signature"], id="MD4"),
        pytest.param(certificate("AC", digest="MD2"), 3, ["signature"], id="MD2"),
        pytest.param(RSA_512, 1, ["rsa_very_short"], id="RSA 512"),
        pytest.param(certificate("AC", "rsa-1024", "MD5"), 3, ["rsa_short", "signature"], id="two weaknesses"),
        pytest.param(certificate("AC")[:-1], 2, ["undecodable"], id="cut short"),
        pytest.param(b"not a certificate", 2, ["undecodable"], id="text"),
    ],
)
def test_weakness(der: bytes, level: int | None, codes: list[str]) -> None:
    result = outcome(ID, domain(certificates=[published(der)]))
    assert result.state == "evaluated"
    assert [found.level for found in result.found] == ([] if level is None else [level])
    for found in result.found:
        assert found.evidence["weaknesses"] == codes
        assert found.id == f"sha256:{found.evidence['thumbprint_sha256']}"


def test_one_finding_a_certificate_wherever_it_is() -> None:
    der = certificate("AC", digest="SHA1")
    places = [published(der), published(der, "CN=AC,CN=AIA"), published(der, "CN=AC,CN=Certification Authorities")]
    (found,) = outcome(ID, domain(certificates=places)).found
    assert len(found.evidence["published_in"]) == 3
    assert found.evidence["expired"] is False


def test_expired() -> None:
    (found,) = outcome(ID, domain(certificates=[published(certificate("AC", digest="SHA1", days=365))])).found
    assert found.evidence["expired"] is True


def test_no_certificate_and_unreadable() -> None:
    assert labels(ID, domain()) == []
    assert unreadable(ID, domain(unreadable={"certificates of the forest": "hidden"})) == "hidden"


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_strength, "CRYPTOGRAPHY_IMPORT_ERROR", "No module named cryptography")
    snapshot = domain(certificates=[published(certificate("AC", digest="SHA1"))])
    assert "cryptography" in unreadable(ID, snapshot)
    assert outcome(ID, snapshot).found == []
    assert labels(ID, domain()) == []  # nothing to decode
