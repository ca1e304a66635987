"""Facts of certificates, and the fingerprint of ROCA."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import certificate_strength
from ansible_collections.care.remediation.plugins.module_utils.directory.certificate_strength import examine, roca
from controls.made_certificates import PRIMES, certificate, is_prime, roca_modulus
from hypothesis import given
from hypothesis import strategies as st

ROCA_PRIMES = certificate_strength._ROCA_PRIMES


def test_the_primes_are_the_first_39_without_2() -> None:
    assert len(ROCA_PRIMES) == 38
    assert (ROCA_PRIMES[0], ROCA_PRIMES[-1]) == (3, 167)
    # the size of M for 512-bit keys that the paper gives: 219.19 bits
    assert math.log2(2 * math.prod(ROCA_PRIMES)) == pytest.approx(219.19, abs=0.01)


@pytest.mark.parametrize("bits", [512, 1024])
def test_a_vulnerable_modulus_has_the_fingerprint(bits: int) -> None:
    modulus = roca_modulus(bits, random.Random(bits))
    assert modulus.bit_length() in (bits - 1, bits)
    assert roca(modulus)


@given(st.integers(0, 10**6))
def test_other_moduli_have_not(seed: int) -> None:
    source = random.Random(seed)
    assert not roca(source.getrandbits(1024) | 1)


def test_prime_by_prime_is_not_enough() -> None:
    """A number that is a power of 65537 for each prime, by exponents that do not fit together."""
    modulus, product = 0, 1
    for number, prime in enumerate(ROCA_PRIMES):
        residue = pow(65537, number % 2, prime)
        modulus += product * ((residue - modulus) * pow(product, -1, prime) % prime)
        product *= prime
    assert all(modulus % prime in {pow(65537, n, prime) for n in range(prime)} for prime in ROCA_PRIMES)
    assert not roca(modulus)


def test_facts_of_a_good_certificate() -> None:
    facts = examine(certificate("AC du CHU « Valmont »"))
    assert facts.error is None
    assert facts.subject == "CN=AC du CHU « Valmont »"
    assert (facts.rsa_bits, facts.rsa_exponent, facts.roca, facts.dsa) == (2048, 65537, False, False)
    assert (facts.signature, facts.strong_signature, facts.self_issued) == ("sha256", True, True)
    assert facts.not_after is not None and facts.not_after > datetime.now(UTC)


@given(st.binary(max_size=200))
def test_hostile_bytes_are_undecodable_and_never_an_error(der: bytes) -> None:
    assert examine(der).error


@given(st.data())
def test_a_damaged_certificate_is_never_an_error(data: st.DataObject) -> None:
    der = bytearray(certificate("AC"))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    examine(bytes(der))


def test_primes_of_the_test_itself() -> None:
    assert [n for n in range(200) if is_prime(n)][-1] == 199
    assert set(PRIMES) >= set(ROCA_PRIMES)
