"""Messages of the Local Security Authority: what a real server sent, what is written, what hostile bytes do."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import lsa_messages as lsa
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.lsa_messages import LsaError, TrustInformation
from hypothesis import given
from hypothesis import strategies as st

POLICY = bytes(range(20))
TRUST = TrustInformation("externe.test", "EXTERNE", sids.to_bytes("S-1-5-21-1-2-3"), 3, 2, 4)
# The answer of a Samba domain controller to the question for that trust (without quarantine)
REAL = bytes.fromhex(
    "040002000600000018001a00080002000e0010000c000200100002000300000002000000000000000d000000000000000c000000"
    "650078007400650072006e0065002e007400650073007400080000000000000007000000450058005400450052004e0045000000"
    "0400000001040000000000051500000001000000020000000300000000000000"
)
TEXT = st.text(st.characters(codec="utf-16", exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(0, 2**32 - 1)


def test_a_real_answer() -> None:
    assert lsa.trust_of(REAL, "externe.test") == TRUST.with_attributes(0)


def as_answer(trust: TrustInformation) -> bytes:
    """What a server would answer: the union of the request, behind a pointer, and success."""
    request = lsa.set_trust(b"", "", trust)
    writer = lsa._Writer()
    writer.pointer()
    lsa._put_trust(writer, trust)
    assert request
    writer.u32(0)
    return bytes(writer.data)


@given(st.builds(TrustInformation, TEXT, TEXT, st.just(TRUST.sid) | st.just(b""), NUMBER, NUMBER, NUMBER))
def test_a_trust_comes_back(trust: TrustInformation) -> None:
    assert lsa.trust_of(as_answer(trust), "x") == trust


def test_what_is_written_differs_in_the_attributes_only() -> None:
    before = lsa.set_trust(POLICY, "externe.test", TRUST.with_attributes(0))
    after = lsa.set_trust(POLICY, "externe.test", TRUST)
    assert before.startswith(POLICY)
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [(0, 4)]


@pytest.mark.parametrize(
    "understand",
    [
        lambda raw: lsa.trust_of(raw, "x"),
        lambda raw: lsa.trust_of(raw + bytes(4), "x"),
        lambda raw: lsa.handle_of(raw, "x"),
        lambda raw: lsa.fragment(raw, 1),
        lambda raw: lsa.bound(lsa.frame(lsa.BIND_ACK, 1, raw), 1),
        lambda raw: lsa.stub(lsa.RESPONSE, raw),
        lambda raw: lsa.stub(lsa.FAULT, raw),
    ],
)
@given(raw=st.binary(max_size=120))
def test_hostile_bytes_are_understood_or_refused(understand: Callable[[bytes], object], raw: bytes) -> None:
    with suppress(LsaError):
        understand(raw)


@pytest.mark.parametrize("size", range(0, len(REAL) - 4, 7))
def test_an_answer_cut_short(size: int) -> None:
    with pytest.raises(LsaError):
        lsa.trust_of(REAL[:size] + bytes(4), "externe.test")


@pytest.mark.parametrize(
    ("code", "said"), [(0xC0000022, "Domain Admin"), (0xC0000034, "no such trust"), (0xC0000001, "0xc0000001")]
)
def test_a_status_that_says_no(code: int, said: str) -> None:
    with pytest.raises(LsaError, match=said):
        lsa.status(struct.pack("<I", code), "externe.test")


def test_frames() -> None:
    message = lsa.request(7, lsa.QUERY_TRUST_BY_NAME, b"abcd")
    assert lsa.fragment(message, 7)[:2] == (lsa.REQUEST, True)
    for wrong in (lsa.request(8, 1, b""), message[:-1], b"\x04" + message[1:]):
        with pytest.raises(LsaError):
            lsa.fragment(wrong, 7)
    with pytest.raises(LsaError, match="fault 0x1c010003"):
        lsa.stub(lsa.FAULT, bytes(8) + struct.pack("<I", 0x1C010003) + bytes(4))
    with pytest.raises(LsaError, match="too long"):
        lsa.request(1, 1, bytes(5000))
