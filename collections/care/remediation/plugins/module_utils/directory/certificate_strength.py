# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What can be wrong with a certificate by itself: its key, its exponent, its signature. Facts, no judgement."""

from __future__ import annotations

import hashlib
import math
import traceback
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final

try:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, rsa
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    CRYPTOGRAPHY_IMPORT_ERROR = None

# id-dsa-with-sha1, …-sha224 to …-sha512, and …-sha3-224 to …-sha3-512 (RFC 3279, RFC 5758, NIST CSOR)
_DSA_SIGNATURES: Final = frozenset({"1.2.840.10040.4.3", *(f"2.16.840.1.101.3.4.3.{n}" for n in range(1, 9))})
# Ed25519 and Ed448 (RFC 8410) bring their own digest: SHA-512 and SHAKE256
_OWN_DIGEST: Final = {"1.3.101.112": "sha512", "1.3.101.113": "shake256"}
_STRONG: Final = frozenset({"sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256", "shake256"})

# The primes whose product M is in the keys of every length of the vulnerable library: the first 39, 2 to 167 (Nemec,
# Sys, Svenda, Klinec, Matyas: "The Return of Coppersmith's Attack: Practical Factorization of Widely Used RSA Moduli",
# CCS 2017, section 2.1; CVE-2017-15361). 2 says nothing: a modulus is odd.
_ROCA_PRIMES: Final = tuple(n for n in range(3, 168) if all(n % d for d in range(2, math.isqrt(n) + 1)))
_ROCA_GENERATOR: Final = 65537


@dataclass(frozen=True, slots=True)
class Facts:
    """One certificate. ``error`` is why it cannot be decoded; the rest is then unknown."""

    thumbprint: str  # SHA-256 of the DER, hexadecimal
    error: str | None = None
    subject: str = ""
    not_after: datetime | None = None
    self_issued: bool = False
    dsa: bool = False
    rsa_bits: int | None = None
    rsa_exponent: int | None = None
    roca: bool = False
    signature: str = ""  # digest, else the identifier of the algorithm
    strong_signature: bool = True


def examine(der: bytes) -> Facts:
    """The facts of a certificate (DER). Needs cryptography: see ``CRYPTOGRAPHY_IMPORT_ERROR``."""
    thumbprint = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        algorithm = certificate.signature_algorithm_oid.dotted_string
        numbers = key.public_numbers() if isinstance(key, rsa.RSAPublicKey) else None
        digest = _digest(certificate, algorithm)
        return Facts(
            thumbprint=thumbprint,
            subject=certificate.subject.rfc4514_string(),
            not_after=certificate.not_valid_after_utc,
            self_issued=certificate.subject == certificate.issuer,
            dsa=isinstance(key, dsa.DSAPublicKey) or algorithm in _DSA_SIGNATURES,
            rsa_bits=numbers.n.bit_length() if numbers else None,
            rsa_exponent=numbers.e if numbers else None,
            roca=roca(numbers.n) if numbers else False,
            signature=digest or algorithm,
            strong_signature=digest is not None and (digest in _STRONG or digest.startswith("sha3")),
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        return Facts(thumbprint=thumbprint, error=str(error) or type(error).__name__)


def _digest(certificate: x509.Certificate, algorithm: str) -> str | None:
    if algorithm in _OWN_DIGEST:
        return _OWN_DIGEST[algorithm]
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:  # MD2, MD4, SHA-0, GOST: none of them is wanted
        return None
    return digest.name.lower() if digest is not None else None


def roca(modulus: int) -> bool:
    """Whether an RSA modulus has the fingerprint of the library with CVE-2017-15361.

    Such a modulus is a power of 65537 modulo M, the product of the first 39 primes. Whether that discrete logarithm
    exists is told prime by prime, and by whether the logarithms fit together (Chinese remainders); a modulus made
    otherwise passes with a probability of 2**-154 (section 2.1 of the paper named above).
    """
    found: list[tuple[int, int]] = []  # logarithm, order
    for prime in _ROCA_PRIMES:
        powers = _powers(prime)
        logarithm = powers.get(modulus % prime)
        if logarithm is None:
            return False
        order = len(powers)
        if any((logarithm - other) % math.gcd(order, other_order) for other, other_order in found):
            return False
        found.append((logarithm, order))
    return True


@cache
def _powers(prime: int) -> dict[int, int]:
    """Powers of the generator modulo a prime, to their exponents; as many as its order."""
    powers: dict[int, int] = {}
    value = 1
    while value not in powers:
        powers[value] = len(powers)
        value = value * _ROCA_GENERATOR % prime
    return powers
