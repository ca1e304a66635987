# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security descriptors: byte for byte, in any order of parts, with any type of ACE; cut short is refused."""

from __future__ import annotations

import struct
import uuid

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl, to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    Acl,
    SecurityDescriptor,
)
from hypothesis import given, settings
from hypothesis import strategies as st

SID = st.sampled_from(["S-1-1-0", "S-1-5-18", "S-1-5-32-544", "S-1-5-21-1-2-3-500", "S-1-5-21-9-8-7-1105"])
MASK = st.integers(0, 2**32 - 1)
FLAGS = st.integers(0, 255)
GUID = st.one_of(st.none(), st.uuids())
DATA = st.binary(max_size=6).map(lambda b: b * 4)
PLAIN = st.builds(
    lambda t, f, m, s, d: Ace.build(t, f, m, s, data=d),
    st.sampled_from([0, 1, 2, 3, 9, 0xA, 0xD, 0x11, 0x12, 0x13]), FLAGS, MASK, SID, DATA,
)  # fmt: skip
OBJECT = st.builds(
    lambda t, f, m, s, o, i, d: Ace.build(t, f, m, s, o, i, d),
    st.sampled_from([5, 6, 7, 8, 0xB, 0xC]), FLAGS, MASK, SID, GUID, GUID, DATA,
)  # fmt: skip
UNKNOWN = st.builds(
    lambda t, f, b: Ace.parse(struct.pack("<BBH", t, f, 4 + len(b)) + b), st.integers(0x20, 0xFF), FLAGS, DATA
)
ACES = st.lists(st.one_of(PLAIN, OBJECT, UNKNOWN), max_size=6)
ACL = st.one_of(
    st.none(), st.builds(lambda aces, r, t: Acl(tuple(aces), r, 0, 0, t), ACES, st.sampled_from([2, 4]), DATA)
)


@st.composite
def descriptors(draw: st.DrawFn) -> bytes:
    """Bytes of a descriptor, written here by hand: the parts in any order, with gaps between them."""
    parts: dict[str, bytes] = {}
    for name in ("owner", "group"):
        if draw(st.booleans()):
            parts[name] = sid.to_bytes(draw(SID))
    for name in ("sacl", "dacl"):
        acl = draw(ACL)
        if acl is not None:
            parts[name] = acl.to_bytes()
    offsets = dict.fromkeys(("owner", "group", "sacl", "dacl"), 0)
    body = b""
    for name in draw(st.permutations(sorted(parts))):
        body += draw(DATA)
        offsets[name] = 20 + len(body)
        body += parts[name]
    control = draw(st.integers(0, 0x7FFF)) | 0x8000
    return struct.pack("<BBHIIII", 1, draw(st.integers(0, 255)), control, *offsets.values()) + body + draw(DATA)


@given(descriptors())
def test_round_trip_is_byte_exact(raw: bytes) -> None:
    assert SecurityDescriptor.parse(raw).to_bytes() == raw


@given(descriptors(), st.data())
def test_truncated_never_passes_for_the_whole(raw: bytes, data: st.DataObject) -> None:
    """Cut anywhere, it is refused, unless only bytes that belong to no part are gone."""
    whole = SecurityDescriptor.parse(raw)
    cut = data.draw(st.integers(0, len(raw) - 1))
    try:
        parsed = SecurityDescriptor.parse(raw[:cut])
    except ValueError:
        return
    assert len(raw) - cut <= len(whole.tail)
    assert (parsed.owner, parsed.group, parsed.sacl, parsed.dacl) == (
        whole.owner, whole.group, whole.sacl, whole.dacl,
    )  # fmt: skip


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_parsed_or_refused_with_value_error(raw: bytes) -> None:
    for head in (b"", struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20)):
        try:
            parsed = SecurityDescriptor.parse(head + raw)
        except ValueError:
            continue
        assert parsed.to_bytes() == head + raw


def test_overlapping_parts_are_refused() -> None:
    owner = sid.to_bytes("S-1-5-18")
    with pytest.raises(ValueError, match="outside its place"):
        SecurityDescriptor.parse(struct.pack("<BBHIIII", 1, 0, 0x8000, 20, 24, 0, 0) + owner + owner)


def test_ace_longer_than_its_list_is_refused() -> None:
    ace = bytearray(Ace.build(0, 0, 1, "S-1-1-0").raw)
    ace[2:4] = (len(ace) + 4).to_bytes(2, "little")
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(ace), 1, 0) + bytes(ace)
    with pytest.raises(ValueError, match="are there"):
        Acl.parse(acl + b"\0" * 8)


def test_list_that_counts_more_than_it_has_is_refused() -> None:
    with pytest.raises(ValueError, match="says that it has 2"):
        Acl.parse(struct.pack("<BBHHH", 2, 0, 28, 2, 0) + Ace.build(0, 0, 1, "S-1-1-0").raw)


def test_dacl_only_sends_neither_owner_nor_sacl() -> None:
    acl = Acl((Ace.build(0, 0, 1, "S-1-1-0"),))
    whole = SecurityDescriptor(0x8000 | 0x0014 | 0x1400 | 0x2800, "S-1-5-18", "S-1-5-18", acl, acl)
    sent = SecurityDescriptor.parse(whole.dacl_only().to_bytes())
    assert (sent.owner, sent.group, sent.sacl, sent.dacl) == (None, None, None, acl)
    assert sent.control == 0x8000 | 0x0004 | 0x1400


@given(st.one_of(PLAIN, OBJECT, UNKNOWN))
def test_sddl_names_the_same_ace(ace: Ace) -> None:
    assert from_sddl(to_sddl(ace)).key == ace.key


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (
            "(OA;CI;CRRP;1131F6AD-9c07-11d1-f79f-00c04fc2dcd2;;S-1-5-21-1-2-3-1105)",
            "(OA;CI;RPCR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;S-1-5-21-1-2-3-1105)",
        ),
        ("(A;;0xf01ff;;;DA)", "(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;S-1-5-21-1-2-3-512)"),
        ("(D;OICI;WD;;;WD)", "(D;OICI;WD;;;S-1-1-0)"),
    ],
)
def test_sddl_as_windows_writes_it(text: str, same: str) -> None:
    assert to_sddl(from_sddl(text, "S-1-5-21-1-2-3")) == same


@pytest.mark.parametrize(
    "text",
    [
        "", "()", "(A;;;;;)", "(Q;;RP;;;SY)", "(A;;XX;;;SY)", "(A;;RPX;;;SY)", "(A;ZZ;RP;;;SY)", "(A;;RP;;;Admins)",
        "(A;;RP;;;DA)", "(OA;;RP;not-a-guid;;SY)", "(A;;RP;bf967aba-0de6-11d0-a285-00aa003049e2;;SY)",
        "(A;;RP;;;SY)(A;;WP;;;SY)", "(XA;;RP;;;SY;(@User.x==1))", "(A;;0xfffffffff;;;SY)",
    ],
)  # fmt: skip
def test_sddl_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_sddl(text)


def test_object_type_that_is_absent_is_not_one_of_zeros() -> None:
    """An ACE without an object type covers everything; one of an unknown GUID covers only that GUID."""
    everything = Ace.build(5, 0, 0x100, "S-1-1-0")
    nothing_known = Ace.build(5, 0, 0x100, "S-1-1-0", uuid.UUID(int=0))
    assert everything.object_type is None
    assert nothing_known.object_type == uuid.UUID(int=0)
    assert everything.key != nothing_known.key
