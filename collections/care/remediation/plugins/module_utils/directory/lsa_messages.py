# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Messages to the Local Security Authority about trusts (MS-LSAD), and their frames (MS-RPCE over DCE/RPC 1.1).

A trust cannot be changed over LDAP: only the LSA may (MS-ADTS 6.1.6.9.7, Samba says so too). Nothing here connects.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass, replace
from typing import Final

INTERFACE: Final = uuid.UUID("12345778-1234-abcd-ef00-0123456789ab")  # lsarpc, version 0.0
_NDR: Final = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860")  # transfer syntax, version 2
MAX_FRAGMENT: Final = 4280
MAX_ANSWER: Final = 65_536

REQUEST, RESPONSE, FAULT, BIND, BIND_ACK = 0, 2, 3, 11, 12
_FIRST_AND_LAST: Final = 3
_LAST: Final = 2
# Methods (MS-LSAD 3.1.4)
CLOSE: Final = 0
OPEN_POLICY2: Final = 44
QUERY_TRUST_BY_NAME: Final = 48
SET_TRUST_BY_NAME: Final = 49
# POLICY_VIEW_LOCAL_INFORMATION | POLICY_TRUST_ADMIN (MS-LSAD 2.2.1.1.2)
POLICY_ACCESS: Final = 0x1 | 0x8
# TRUSTED_INFORMATION_CLASS (MS-LSAD 2.2.7.2)
TRUSTED_DOMAIN_INFORMATION_EX: Final = 6
HANDLE_SIZE: Final = 20

_HEADER: Final = struct.Struct("<BBBB4sHHI")
_LITTLE_ENDIAN: Final = b"\x10\0\0\0"


class LsaError(Exception):
    """The other side said no, or something that cannot be understood."""


@dataclass(frozen=True, slots=True)
class TrustInformation:
    """LSAPR_TRUSTED_DOMAIN_INFORMATION_EX (MS-LSAD 2.2.7.9): a trust as the LSA holds it. ``sid`` is binary."""

    name: str
    flat_name: str
    sid: bytes
    direction: int
    type: int
    attributes: int

    def with_attributes(self, attributes: int) -> TrustInformation:
        """The same trust with other attributes."""
        return replace(self, attributes=attributes)


# --- frames ----------------------------------------------------------------------------------------------------------


def frame(kind: int, call: int, body: bytes) -> bytes:
    """One whole message, in one fragment."""
    size = _HEADER.size + len(body)
    if size > MAX_FRAGMENT:
        raise LsaError(f"a message of {size} bytes is too long")
    return _HEADER.pack(5, 0, kind, _FIRST_AND_LAST, _LITTLE_ENDIAN, size, 0, call) + body


def bind(call: int) -> bytes:
    """The message that chooses the interface."""
    context = struct.pack("<HBB", 0, 1, 0) + INTERFACE.bytes_le + struct.pack("<I", 0)
    return frame(
        BIND,
        call,
        struct.pack("<HHIB3x", MAX_FRAGMENT, MAX_FRAGMENT, 0, 1) + context + _NDR.bytes_le + struct.pack("<I", 2),
    )


def request(call: int, method: int, stub: bytes) -> bytes:
    """The message that calls a method."""
    return frame(REQUEST, call, struct.pack("<IHH", len(stub), 0, method) + stub)


def fragment(data: bytes, call: int) -> tuple[int, bool, bytes]:
    """Kind, whether it is the last fragment, and what follows the header. LsaError when it is no answer to the call."""
    if len(data) < _HEADER.size:
        raise LsaError(f"an answer of {len(data)} bytes is cut short")
    version, _minor, kind, flags, order, size, auth, answered = _HEADER.unpack_from(data)
    expected = version == 5 and order[0] == _LITTLE_ENDIAN[0] and not auth and answered == call
    if not expected or not _HEADER.size <= size <= len(data):
        raise LsaError("an answer that is not one to the question")
    return kind, bool(flags & _LAST), data[_HEADER.size : size]


def bound(data: bytes, call: int) -> None:
    """LsaError unless the answer says that the interface was accepted."""
    kind, _last, body = fragment(data, call)
    try:
        (length,) = struct.unpack_from("<H", body, 8)
        at = (_HEADER.size + 10 + length + 3) // 4 * 4 - _HEADER.size
        _count, result = struct.unpack_from("<B3xH", body, at)
    except struct.error as error:
        raise LsaError("the answer to the choice of interface is cut short") from error
    if kind != BIND_ACK or result:
        raise LsaError("the Local Security Authority does not offer its policy interface")


def stub(kind: int, body: bytes) -> bytes:
    """What one fragment of an answer to a request carries; LsaError for a fault."""
    if kind == FAULT and len(body) >= 12:
        raise LsaError(f"the call failed: fault {struct.unpack_from('<I', body, 8)[0]:#010x}")
    if kind != RESPONSE or len(body) < 8:
        raise LsaError("an answer of an unexpected kind")
    return body[8:]


# --- NDR -------------------------------------------------------------------------------------------------------------


class _Writer:
    def __init__(self) -> None:
        self.data = bytearray()
        self._referent = 0x20000

    def align(self, size: int) -> None:
        self.data += bytes(-len(self.data) % size)

    def u16(self, value: int) -> None:
        self.align(2)
        self.data += struct.pack("<H", value)

    def u32(self, value: int) -> None:
        self.align(4)
        self.data += struct.pack("<I", value)

    def pointer(self) -> None:
        self._referent += 4
        self.u32(self._referent)

    def string(self, text: str) -> None:
        """RPC_UNICODE_STRING (MS-DTYP 2.3.10) without what it points to."""
        size = len(text.encode("utf-16-le"))
        self.align(4)
        self.u16(size)
        self.u16(size)
        self.pointer()

    def characters(self, text: str) -> None:
        """What a RPC_UNICODE_STRING points to."""
        raw = text.encode("utf-16-le")
        for number in (len(raw) // 2, 0, len(raw) // 2):
            self.u32(number)
        self.data += raw

    def sid(self, raw: bytes) -> None:
        """What a pointer to a RPC_SID points to."""
        self.u32(raw[1])
        self.data += raw


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def _take(self, size: int, alignment: int = 1) -> bytes:
        self.at += -self.at % alignment
        if self.at + size > len(self.data):
            raise LsaError("an answer of the Local Security Authority is cut short")
        self.at += size
        return self.data[self.at - size : self.at]

    def u16(self) -> int:
        return int.from_bytes(self._take(2, 2), "little")

    def u32(self) -> int:
        return int.from_bytes(self._take(4, 4), "little")

    def string(self) -> tuple[int, int]:
        """Length in bytes, and the pointer."""
        self._take(0, 4)
        length, _maximum = self.u16(), self.u16()
        return length, self.u32()

    def characters(self, length: int, pointer: int) -> str:
        if not pointer:
            return ""
        self.u32()
        offset, actual = self.u32(), self.u32()
        raw = self._take(2 * actual)
        if offset or length > len(raw):
            raise LsaError("a name in an answer of the Local Security Authority is damaged")
        return raw[:length].decode("utf-16-le", "replace")

    def sid(self, pointer: int) -> bytes:
        if not pointer:
            return b""
        count = self.u32()
        raw = self._take(8 + 4 * count)
        if raw[1] != count:
            raise LsaError("a SID in an answer of the Local Security Authority is damaged")
        return raw


def _name(writer: _Writer, text: str) -> None:
    writer.string(text)
    writer.characters(text)


def open_policy(access: int = POLICY_ACCESS) -> bytes:
    """LsarOpenPolicy2 (3.1.4.4.1) without a system name; the attributes are ignored by the server."""
    return struct.pack("<I6II", 0, 24, 0, 0, 0, 0, 0, access)


def handle_of(answer: bytes, what: str) -> bytes:
    """The handle of an answer that ends with a status."""
    status(answer, what)
    if len(answer) < HANDLE_SIZE + 4:
        raise LsaError(f"{what}: the answer is cut short")
    return answer[:HANDLE_SIZE]


def query_trust(policy: bytes, name: str) -> bytes:
    """LsarQueryTrustedDomainInfoByName (3.1.4.7.9)."""
    writer = _Writer()
    writer.data += policy
    _name(writer, name)
    writer.u16(TRUSTED_DOMAIN_INFORMATION_EX)
    return bytes(writer.data)


def set_trust(policy: bytes, name: str, trust: TrustInformation) -> bytes:
    """LsarSetTrustedDomainInfoByName (3.1.4.7.8)."""
    writer = _Writer()
    writer.data += policy
    _name(writer, name)
    writer.u16(TRUSTED_DOMAIN_INFORMATION_EX)
    _put_trust(writer, trust)
    return bytes(writer.data)


def _put_trust(writer: _Writer, trust: TrustInformation) -> None:
    writer.u16(TRUSTED_DOMAIN_INFORMATION_EX)  # the union says itself what it is
    writer.string(trust.name)
    writer.string(trust.flat_name)
    if trust.sid:
        writer.pointer()
    else:
        writer.u32(0)
    for number in (trust.direction, trust.type, trust.attributes):
        writer.u32(number)
    writer.characters(trust.name)
    writer.characters(trust.flat_name)
    if trust.sid:
        writer.sid(trust.sid)


def trust_of(answer: bytes, what: str) -> TrustInformation:
    """The trust in the answer to ``query_trust``; LsaError also for the status that says no."""
    status(answer, what)
    reader = _Reader(answer)
    if not reader.u32() or reader.u16() != TRUSTED_DOMAIN_INFORMATION_EX:
        raise LsaError(f"{what}: the answer holds no trust")
    name, flat_name = reader.string(), reader.string()
    sid = reader.u32()
    direction, kind, attributes = reader.u32(), reader.u32(), reader.u32()
    return TrustInformation(
        name=reader.characters(*name),
        flat_name=reader.characters(*flat_name),
        sid=reader.sid(sid),
        direction=direction,
        type=kind,
        attributes=attributes,
    )


# NTSTATUS (MS-ERREF 2.3.1) that an administrator can do something about
_SAID: Final = {
    0xC0000022: "access denied: the account in use must be a Domain Admin",
    0xC0000034: "the Local Security Authority knows no such trust",
    0xC000000D: "the Local Security Authority finds something in it invalid",
    0xC00000DF: "the Local Security Authority knows no such domain",
}


def status(answer: bytes, what: str) -> None:
    """LsaError unless the answer ends with success."""
    if len(answer) < 4:
        raise LsaError(f"{what}: the answer is cut short")
    code = int.from_bytes(answer[-4:], "little")
    if code:
        raise LsaError(f"{what}: {_SAID.get(code, 'refused')} (NTSTATUS {code:#010x})")
