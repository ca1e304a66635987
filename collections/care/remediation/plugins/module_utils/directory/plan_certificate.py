# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Until when an X.509 certificate (DER) is valid: the one fact of it that readiness for a smart card needs."""

from __future__ import annotations

from datetime import UTC, datetime

_SEQUENCE, _EXPLICIT_0, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def _element(data: bytes, offset: int) -> tuple[int, bytes, int]:
    """Tag, content and offset after it of the DER element at ``offset`` (ITU-T X.690); ValueError when cut short."""
    if offset + 2 > len(data):
        raise ValueError("certificate cut short")
    tag, length, start = data[offset], data[offset + 1], offset + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or start + size > len(data):
            raise ValueError("a length of the certificate is not DER")
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise ValueError("certificate cut short")
    return tag, data[start : start + length], start + length


def _expect(data: bytes, offset: int, tag: int) -> tuple[bytes, int]:
    found, content, after = _element(data, offset)
    if found != tag:
        raise ValueError(f"no X.509 certificate: tag {found:#x} where {tag:#x} belongs")
    return content, after


def _time(data: bytes, offset: int) -> tuple[datetime, int]:
    tag, content, after = _element(data, offset)
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # RFC 5280 4.1.2.5.1: 50 to 99 are of the 20th century
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no X.509 certificate: its validity holds no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC), after


def not_after(der: bytes) -> datetime:
    """The end of validity (UTC) of a certificate; ValueError when ``der`` is not one (RFC 5280 4.1)."""
    certificate, _after = _expect(der, 0, _SEQUENCE)
    body, _after = _expect(certificate, 0, _SEQUENCE)
    offset = 0
    tag, _content, after = _element(body, 0)
    if tag == _EXPLICIT_0:  # version
        offset = after
    for _field in ("serialNumber", "signature", "issuer"):
        _tag, _content, offset = _element(body, offset)
    validity, _after = _expect(body, offset, _SEQUENCE)
    _begin, offset = _time(validity, 0)
    end, _after = _time(validity, offset)
    return end
