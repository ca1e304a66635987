"""dNSProperty: what is not understood is kept, what is cut short is refused."""

from __future__ import annotations

import base64
import struct

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import dns_property
from ansible_collections.care.remediation.plugins.module_utils.directory.dns_property import Property
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.integers(0, 2**32 - 1)
# what Samba and Windows write for a zone that takes secure updates only
SECURE = base64.b64decode("AQAAAAAAAAAAAAAAAQAAAAIAAAACAAAAAA==")


def test_a_real_value() -> None:
    each = Property.parse(SECURE)
    assert (each.id, each.number, each.head) == (dns_property.ALLOW_UPDATE, dns_property.UPDATE_SECURE, (0, 0, 1))
    unsecure = each.with_number(dns_property.UPDATE_UNSECURE).to_bytes()
    assert len(unsecure) == len(SECURE)
    assert [(a, b) for a, b in zip(SECURE, unsecure, strict=True) if a != b] == [(2, 1)]


@given(st.binary(max_size=40), NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.binary(max_size=6))
def test_every_value_comes_back_byte_for_byte(
    data: bytes, name: int, flag: int, version: int, identifier: int, rest: bytes
) -> None:
    raw = struct.pack("<5I", len(data), name, flag, version, identifier) + data + rest
    each = Property.parse(raw)
    assert (each.id, each.data, each.rest) == (identifier, data, rest)
    assert each.to_bytes() == raw


@given(st.binary(max_size=80))
def test_hostile_bytes_are_understood_or_refused(raw: bytes) -> None:
    try:
        each = Property.parse(raw)
    except ValueError:
        return
    assert each.to_bytes() == raw


@given(st.binary(min_size=0, max_size=4), st.integers(0, 2), st.binary(max_size=6))
def test_only_the_number_changes(data: bytes, number: int, rest: bytes) -> None:
    before = Property(dns_property.ALLOW_UPDATE, data, (0, 0, 1), rest)
    after = Property.parse(before.with_number(number).to_bytes())
    assert after.number == number
    assert (after.id, after.head, after.rest) == (before.id, before.head, before.rest)
    assert len(after.data) == max(len(data), 1)


@pytest.mark.parametrize("size", range(len(SECURE) - 5))
def test_cut_short(size: int) -> None:
    with pytest.raises(ValueError, match=r"cut short|bytes of data"):
        Property.parse(SECURE[:size])


def test_find() -> None:
    other = Property(dns_property.ZONE_TYPE, b"\1\0\0\0", (0, 0, 1), b"").to_bytes()
    assert [raw for raw, _each in dns_property.find([other, SECURE], dns_property.ALLOW_UPDATE)] == [SECURE]
