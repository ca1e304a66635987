# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A certificate that the forest publishes or trusts is weak, or cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, day
from ansible_collections.care.remediation.plugins.module_utils.directory import certificate_strength
from ansible_collections.care.remediation.plugins.module_utils.directory.certificate_strength import Facts
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.certificates import (
    CERTIFICATES,
    Certificate,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_certificates_vuln"
NEEDS: Final = frozenset({CERTIFICATES})


def blind(snapshot: Snapshot) -> str | None:
    """The library that decodes certificates is missing where the audit runs."""
    if snapshot.certificates and certificate_strength.CRYPTOGRAPHY_IMPORT_ERROR is not None:
        return "certificates cannot be decoded: the Python library cryptography is missing where this module runs"
    return None


def weaknesses(snapshot: Snapshot, facts: Facts) -> list[tuple[int, str, str]]:
    """ANSSI level, code and words of what is wrong with a certificate, worst first."""
    if facts.error is not None:
        return [(2, "undecodable", f"it cannot be decoded ({facts.error})")]
    found = []
    if facts.dsa:
        found.append((1, "dsa", "it uses DSA"))
    if facts.roca:
        found.append((1, "roca", "its key has the fingerprint of ROCA (CVE-2017-15361)"))
    if facts.rsa_bits is not None and facts.rsa_exponent is not None:
        if facts.rsa_bits < snapshot.limit(ID, "rsa_bits_very_weak_below"):
            found.append((1, "rsa_very_short", f"its RSA key has {facts.rsa_bits} bits"))
        elif facts.rsa_bits < snapshot.limit(ID, "rsa_bits_weak_below"):
            found.append((3, "rsa_short", f"its RSA key has {facts.rsa_bits} bits"))
        if facts.rsa_exponent < snapshot.limit(ID, "rsa_exponent_below"):
            found.append((3, "rsa_exponent", f"its RSA exponent is {facts.rsa_exponent}"))
    if not facts.strong_signature:
        found.append((3, "signature", f"its signature uses {facts.signature}"))
    return sorted(found)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """One finding a weak certificate, wherever it is published; the worst of its weaknesses gives the level."""
    if certificate_strength.CRYPTOGRAPHY_IMPORT_ERROR is not None:
        return
    places: dict[bytes, list[Certificate]] = {}
    for certificate in snapshot.certificates:
        places.setdefault(certificate.der, []).append(certificate)
    for der, published in places.items():
        facts = certificate_strength.examine(der)
        wrong = weaknesses(snapshot, facts)
        if not wrong:
            continue
        expired = facts.not_after is not None and facts.not_after < snapshot.taken
        yield Found(
            type="object",
            id=f"sha256:{facts.thumbprint}",
            label=facts.subject or f"{published[0].dn.split(',', 1)[0]}, {facts.thumbprint[:16]}",
            dn=published[0].dn,
            level=wrong[0][0],
            wording=f"A certificate of the forest is weak: {'; '.join(words for _level, _code, words in wrong)}.",
            evidence={
                "weaknesses": [code for _level, code, _words in wrong],
                "thumbprint_sha256": facts.thumbprint,
                "subject": facts.subject,
                "not_after": day(facts.not_after),
                "expired": expired,
                "self_issued": facts.self_issued,
                "rsa_bits": facts.rsa_bits,
                "rsa_exponent": facts.rsa_exponent,
                "signature": facts.signature,
                "published_in": [
                    {"dn": each.dn, "guid": each.guid, "attribute": each.attribute} for each in published
                ],
            },
        )
