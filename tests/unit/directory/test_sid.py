# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SIDs: text, bytes, and nothing else."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid
from hypothesis import given
from hypothesis import strategies as st

SIDS = st.builds(
    lambda authority, subs: (
        struct.pack("<BB", 1, len(subs)) + authority.to_bytes(6, "big") + struct.pack(f"<{len(subs)}I", *subs)
    ),
    st.integers(0, 2**48 - 1),
    st.lists(st.integers(0, 2**32 - 1), max_size=15),
)


@given(SIDS)
def test_round_trip(raw: bytes) -> None:
    assert sid.to_bytes(sid.from_bytes(raw)) == raw


@given(SIDS, st.data())
def test_truncated_is_refused(raw: bytes, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(raw) - 1))
    with pytest.raises(ValueError, match="SID"):
        sid.from_bytes(raw[:cut])


def test_trailing_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="after the end"):
        sid.from_bytes(sid.to_bytes("S-1-5-18") + b"\0")


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("S-1-5-18", "010100000000000512000000"),
        ("S-1-5-32-544", "01020000000000052000000020020000"),
        ("S-1-5-21-1-2-3-500", "0105000000000005150000000100000002000000" + "03000000f4010000"),
        ("S-1-0x000100000000-1", "010100010000000001000000"),
    ],
)
def test_known(text: str, raw: str) -> None:
    assert sid.to_bytes(text) == bytes.fromhex(raw)
    assert sid.from_bytes(bytes.fromhex(raw)) == text


@pytest.mark.parametrize(
    "text", ["", "S-1", "S-2-5-18", "s-1-5-18", "S-1-5-18 ", "S-1-5-18\n", "S-1-5--1", "S-1-5-4294967296", "S-1-5-x"]
)
def test_not_a_sid(text: str) -> None:
    assert not sid.is_sid(text)
    with pytest.raises(ValueError, match="SID"):
        sid.to_bytes(text)


def test_parts() -> None:
    text = "S-1-5-21-10-20-30-512"
    assert sid.rid(text) == 512
    assert sid.domain_of(text) == "S-1-5-21-10-20-30"
    assert sid.domain_of("S-1-5-32-544") is None
    assert sid.in_domain("S-1-5-21-10-20-30", 512) == text
    assert sid.filter_value("S-1-5-18") == r"\01\01\00\00\00\00\00\05\12\00\00\00"
