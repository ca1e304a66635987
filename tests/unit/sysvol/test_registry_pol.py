# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""registry.pol: byte for byte, every type, orders to delete, hostile input."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.care.remediation.plugins.module_utils.sysvol import registry_pol as pol
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError
from hypothesis import given
from hypothesis import strategies as st

KEY = r"Software\Policies\Microsoft\Windows NT\DNSClient"
# As gpedit.msc writes "Turn off multicast name resolution: enabled"
LLMNR = (
    b"PReg\x01\x00\x00\x00" + f"[{KEY}\0;EnableMulticast\0;".encode("utf-16-le") + b"\x04\x00\x00\x00;\x00"
    b"\x04\x00\x00\x00;\x00\x00\x00\x00\x00]\x00"
)  # fmt: skip

names = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=40)
entries = st.builds(
    pol.PolicyValue.build, names, st.one_of(st.just(""), names), st.integers(0, 2**32 - 1), st.binary(max_size=80)
)


def test_reads_what_windows_writes() -> None:
    policy = pol.RegistryPolicy.parse(LLMNR)
    assert [(e.key, e.value, e.type, e.decoded) for e in policy.entries] == [(KEY, "EnableMulticast", 4, 0)]
    assert policy.to_bytes() == LLMNR


@given(st.lists(entries, max_size=8))
def test_round_trip(wanted: list[pol.PolicyValue]) -> None:
    raw = pol.RegistryPolicy(wanted).to_bytes()
    assert pol.RegistryPolicy.parse(raw).entries == wanted
    assert pol.RegistryPolicy.parse(raw).to_bytes() == raw


@given(st.lists(entries, max_size=6), names, names, st.binary(max_size=20))
def test_setting_a_value_leaves_every_other_entry(
    before: list[pol.PolicyValue], key: str, value: str, data: bytes
) -> None:
    policy = pol.RegistryPolicy(list(before))
    policy.set(key, value, pol.REG_BINARY, data)
    found = policy.get(key, value)
    assert found is not None and (found.type, found.data) == (pol.REG_BINARY, data)
    others = [e for e in before if not (e.key.lower() == key.lower() and e.value.lower() in
                                        (value.lower(), f"**del.{value}".lower()))]  # fmt: skip
    assert [e for e in policy.entries if e is not found] == [e for e in others if e is not found]
    assert not policy.set(key, value, pol.REG_BINARY, data)


@given(st.binary(max_size=200), st.booleans())
def test_hostile_bytes_are_refused_or_kept(raw: bytes, signed: bool) -> None:
    raw = b"PReg\x01\x00\x00\x00" + raw if signed else raw
    try:
        policy = pol.RegistryPolicy.parse(raw)
    except FormatError:
        return
    assert policy.to_bytes() == raw or raw == b""


@given(st.integers(0, len(LLMNR) - 1))
def test_cut_short(length: int) -> None:
    if length in (0, 8):  # an empty file and a header alone are whole policies
        assert not pol.RegistryPolicy.parse(LLMNR[:length]).entries
        return
    with pytest.raises(FormatError):
        pol.RegistryPolicy.parse(LLMNR[:length])


def test_a_size_beyond_the_file_is_refused_without_reading_it() -> None:
    raw = LLMNR.replace(struct.pack("<I", 4) + b";\x00\x00", struct.pack("<I", 2**32 - 1) + b";\x00\x00")
    assert raw != LLMNR
    with pytest.raises(FormatError, match="4294967295 bytes"):
        pol.RegistryPolicy.parse(raw)


def test_too_large_is_refused() -> None:
    with pytest.raises(FormatError, match="at most"):
        pol.RegistryPolicy.parse(b"PReg\x01\0\0\0" + bytes(pol.MAX_BYTES))


def test_names_are_found_whatever_their_case_and_a_repeated_value_becomes_one() -> None:
    policy = pol.RegistryPolicy()
    for data in (b"\1\0\0\0", b"\2\0\0\0"):
        policy.entries.append(pol.PolicyValue.build(KEY, "Enable", pol.REG_DWORD, data))
    assert policy.get(KEY.upper(), "ENABLE").decoded == 2  # type: ignore[union-attr]
    assert policy.set(KEY, "enable", pol.REG_DWORD, b"\2\0\0\0")
    assert [(e.value, e.decoded) for e in policy.entries] == [("Enable", 2)]


def test_setting_takes_away_the_order_to_delete_and_deleting_the_value() -> None:
    policy = pol.RegistryPolicy()
    assert policy.delete_value(KEY, "Enable") and not policy.delete_value(KEY, "Enable")
    assert [(e.value, e.order) for e in policy.entries] == [("**del.Enable", "**del.")]
    assert policy.set(KEY, "Enable", pol.REG_DWORD, bytes(4))
    assert [e.value for e in policy.entries] == ["Enable"]
    assert policy.delete_value(KEY, "Enable")
    assert [e.value for e in policy.entries] == ["**del.Enable"]
    assert policy.remove(KEY, "**del.Enable") and not policy.entries


@pytest.mark.parametrize(
    ("type_", "data", "raw"),
    [
        (pol.REG_DWORD, 2147483640, b"\xf8\xff\xff\x7f"),
        (pol.REG_QWORD, 1, b"\1" + bytes(7)),
        (pol.REG_SZ, "é", b"\xe9\0\0\0"),
        (pol.REG_EXPAND_SZ, "%x%", "%x%\0".encode("utf-16-le")),
        (pol.REG_MULTI_SZ, ["a", "b"], "a\0b\0\0".encode("utf-16-le")),
        (pol.REG_MULTI_SZ, [], b"\0\0"),
        (pol.REG_BINARY, b"\0\1", b"\0\1"),
        (pol.REG_NONE, b"", b""),
    ],
)
def test_every_type_both_ways(type_: int, data: pol.Data, raw: bytes) -> None:
    assert pol.encode(type_, data) == raw
    assert pol.decode(type_, raw) == data


@pytest.mark.parametrize(
    ("type_", "data"),
    [(4, -1), (4, 2**32), (4, True), (4, "1"), (1, 5), (1, "a\0b"), (7, "a"), (7, [""]), (7, ["a", 1]), (3, "x")],
)
def test_data_that_does_not_fit_is_refused(type_: int, data: object) -> None:
    with pytest.raises(ValueError):
        pol.encode(type_, data)  # type: ignore[arg-type]
