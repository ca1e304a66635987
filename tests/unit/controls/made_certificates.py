"""Certificates for tests, weak ones included, made here: none of them is anyone's."""

from __future__ import annotations

import base64
import functools
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

PRIMES = [n for n in range(2, 168) if all(n % d for d in range(2, math.isqrt(n) + 1))]
# sha256WithRSAEncryption, and what its last byte becomes for older digests (RFC 8017 A.2.4): none is signed any more
_SHA256_RSA = bytes.fromhex("06092a864886f70d01010b")
_OLDER = {"MD2": 2, "MD4": 3, "MD5": 4, "SHA1": 5}
# A self-signed certificate of a 512-bit key, by openssl: the library here makes none
RSA_512 = base64.b64decode(
    "MIIBezCCASWgAwIBAgIUdzpdXViWee+8EbzMjSqOmT92RdYwDQYJKoZIhvcNAQELBQAwETEPMA0GA1UEAwwGQUMgNTEyMCAXDTI2"
    "MTEyMjA1MDg1N1oYDzIxMjYxMDI5MDUwODU3WjARMQ8wDQYDVQQDDAZBQyA1MTIwXDANBgkqhkiG9w0BAQEFAANLADBIAkEArsQq"
    "auHvHPOYrnskjy5zurlj9fF4TIItrynSsO7QMmMPiszwPXeqoGXIPFv9gVJDYYCBaJo80wl2/OC2HUmd7wIDAQABo1MwUTAdBgNV"
    "HQ4EFgQUDfluNEB7nnYdlyuHYD1GJC3IFSwwHwYDVR0jBBgwFoAUDfluNEB7nnYdlyuHYD1GJC3IFSwwDwYDVR0TAQH/BAUwAwEB"
    "/zANBgkqhkiG9w0BAQsFAANBAKnGxm3kF8paRhlyXSqWi93hYY6fSeEN7yaymnVdkUoDGo4yV0dWR+QfQcZTCq01BeDC844vfM2Q"
    "A4YPEFDWMXA="
)
START = datetime(2020, 1, 1, tzinfo=UTC)


def is_prime(number: int) -> bool:
    """Miller-Rabin with fixed bases: enough for a test."""
    if number < 2 or any(number % p == 0 for p in PRIMES):
        return number in PRIMES or (167 < number < 167**2 and all(number % p for p in PRIMES))
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in PRIMES[:12]:
        value = pow(base, odd, number)
        if value in (1, number - 1):
            continue
        for _ in range(twos - 1):
            value = value * value % number
            if value == number - 1:
                break
        else:
            return False
    return True


def roca_prime(bits: int, source: random.Random) -> int:
    """A prime as the vulnerable library makes it: k M + (65537 ** a mod M)."""
    product = math.prod(PRIMES)
    while True:
        k = source.getrandbits(bits - product.bit_length() + 1)
        candidate = k * product + pow(65537, source.getrandbits(60), product)
        if candidate.bit_length() == bits and is_prime(candidate):
            return candidate


def roca_modulus(bits: int, source: random.Random) -> int:
    """A modulus of two such primes."""
    return roca_prime(bits // 2, source) * roca_prime(bits // 2, source)


def roca_key(bits: int) -> rsa.RSAPrivateKey:
    """A vulnerable key."""
    source = random.Random(bits)
    while True:
        p, q = roca_prime(bits // 2, source), roca_prime(bits // 2, source)
        if math.gcd(65537, (p - 1) * (q - 1)) == 1 and p != q:
            break
    d = pow(65537, -1, math.lcm(p - 1, q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p, q=q, d=d, dmp1=d % (p - 1), dmq1=d % (q - 1), iqmp=pow(q, -1, p),
        public_numbers=rsa.RSAPublicNumbers(e=65537, n=p * q),
    )  # fmt: skip
    return numbers.private_key()


@functools.cache
def key(kind: str) -> Any:
    """A private key: rsa-<bits>, rsa-<bits>-<exponent>, dsa, ec, ed25519, roca."""
    if kind.startswith("rsa"):
        _rsa, bits, *exponent = kind.split("-")
        return rsa.generate_private_key(int(exponent[0]) if exponent else 65537, int(bits))
    if kind == "roca":
        return roca_key(2048)
    made: dict[str, Any] = {
        "dsa": lambda: dsa.generate_private_key(1024),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    return made[kind]()


@functools.cache
def certificate(
    name: str, kind: str = "rsa-2048", digest: str | None = "SHA256", *, days: int = 36500, signer: str | None = None
) -> bytes:
    """A certificate (DER) of a key, signed by itself or by another; for an old digest it only says so."""
    if digest in _OLDER:
        older = _SHA256_RSA[:-1] + bytes([_OLDER[digest]])
        return certificate(name, kind, days=days, signer=signer).replace(_SHA256_RSA, older)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = subject if signer is None else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key(kind).public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=days))
        .sign(key(signer or kind), getattr(hashes, digest)() if digest else None)
    )
    return built.public_bytes(serialization.Encoding.DER)
