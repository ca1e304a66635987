# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SDDL of a single ACE (MS-DTYP 2.5.1), with SIDs always as ``S-1-…`` so that no name of a group is ever needed."""

from __future__ import annotations

import uuid
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace

_TYPES: Final[dict[str, int]] = {
    "A": 0x00, "D": 0x01, "AU": 0x02, "AL": 0x03, "OA": 0x05, "OD": 0x06, "OU": 0x07, "OL": 0x08, "XA": 0x09,
    "XD": 0x0A, "ZA": 0x0B, "XU": 0x0D, "ML": 0x11, "RA": 0x12, "SP": 0x13,
}  # fmt: skip
_FLAGS: Final[dict[str, int]] = {"OI": 1, "CI": 2, "NP": 4, "IO": 8, "ID": 0x10, "SA": 0x40, "FA": 0x80}
_RIGHTS: Final[dict[str, int]] = {
    "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
    "SD": 0x10000, "RC": 0x20000, "WD": 0x40000, "WO": 0x80000, "GA": 0x10000000, "GX": 0x20000000,
    "GW": 0x40000000, "GR": 0x80000000,
}  # fmt: skip
_ALIASES: Final[dict[str, str]] = {
    "AN": "S-1-5-7", "AO": "S-1-5-32-548", "AU": "S-1-5-11", "BA": "S-1-5-32-544", "BG": "S-1-5-32-546",
    "BO": "S-1-5-32-551", "BU": "S-1-5-32-545", "CG": "S-1-3-1", "CO": "S-1-3-0", "ED": "S-1-5-9", "IU": "S-1-5-4",
    "LS": "S-1-5-19", "NS": "S-1-5-20", "NU": "S-1-5-2", "OW": "S-1-3-4", "PO": "S-1-5-32-550", "PS": "S-1-5-10",
    "RC": "S-1-5-12", "RE": "S-1-5-32-552", "RU": "S-1-5-32-554", "SO": "S-1-5-32-549", "SU": "S-1-5-6",
    "SY": "S-1-5-18", "WD": "S-1-1-0",
}  # fmt: skip
_DOMAIN_ALIASES: Final[dict[str, int]] = {
    "CA": 517, "CN": 522, "DA": 512, "DC": 515, "DD": 516, "DG": 514, "DU": 513, "EA": 519, "LA": 500, "LG": 501,
    "PA": 520, "RO": 498, "SA": 518,
}  # fmt: skip


def to_sddl(ace: Ace) -> str:
    """``(OA;CI;CR;1131f6ad-…;;S-1-5-21-…)``; an unknown type is ``(0x…;raw;hex)``, what follows the SID is hex."""
    name = next((text for text, value in _TYPES.items() if value == ace.type), None)
    if name is None or ace.sid is None or ace.mask is None:
        return f"(0x{ace.type:02x};raw;{ace.raw.hex()})"
    known = sum(_FLAGS.values())
    flags = "".join(text for text, value in _FLAGS.items() if ace.flags & value)
    if ace.flags & ~known:
        flags = f"0x{ace.flags:x}"
    rights = "".join(text for text, value in _RIGHTS.items() if ace.mask & value)
    if ace.mask & ~sum(_RIGHTS.values()):
        rights = f"0x{ace.mask:x}"
    fields = [name, flags, rights, str(ace.object_type or ""), str(ace.inherited_object_type or ""), ace.sid]
    if ace.data:
        fields.append(f"0x{ace.data.hex()}")
    return f"({';'.join(fields)})"


def from_sddl(text: str, domain_sid: str | None = None) -> Ace:
    """The ACE that ``(…)`` describes, in the form of `to_sddl` or as Windows writes it.

    ``domain_sid`` gives a meaning to aliases such as ``DA``. Raises ValueError for anything that is not understood:
    nothing is guessed.
    """
    if not (text.startswith("(") and text.endswith(")")):
        raise ValueError(f"not an ACE in SDDL: {text!r}")
    fields = text[1:-1].split(";")
    if len(fields) == 3 and fields[1] == "raw":
        return Ace.parse(bytes.fromhex(fields[2]))
    if len(fields) not in (6, 7):
        raise ValueError(f"an ACE in SDDL has 6 fields, this one has {len(fields)}: {text!r}")
    kind = _TYPES.get(fields[0].upper())
    if kind is None:
        raise ValueError(f"unknown ACE type {fields[0]!r} in {text!r}")
    data = b""
    if len(fields) == 7:
        if not fields[6].startswith("0x"):
            raise ValueError(f"conditions are understood as hexadecimal data only: {text!r}")
        data = bytes.fromhex(fields[6][2:])
    return Ace.build(
        kind,
        _bits(fields[1], _FLAGS, text),
        _bits(fields[2], _RIGHTS, text),
        _sid(fields[5], domain_sid),
        uuid.UUID(fields[3]) if fields[3] else None,
        uuid.UUID(fields[4]) if fields[4] else None,
        data,
    )


def _bits(field: str, names: dict[str, int], text: str) -> int:
    if field[:2].lower() == "0x":
        number = int(field, 16)
        if number > (0xFF if names is _FLAGS else 0xFFFFFFFF):
            raise ValueError(f"{field!r} is too large in {text!r}")
        return number
    if len(field) % 2:
        raise ValueError(f"{field!r} is not a list of two-letter names in {text!r}")
    value = 0
    for start in range(0, len(field), 2):
        bit = names.get(field[start : start + 2].upper())
        if bit is None:
            raise ValueError(f"unknown name {field[start : start + 2]!r} in {text!r}")
        value |= bit
    return value


def _sid(field: str, domain_sid: str | None) -> str:
    if sids.is_sid(field):
        return sids.from_bytes(sids.to_bytes(field))
    alias = field.upper()
    if alias in _ALIASES:
        return _ALIASES[alias]
    if alias in _DOMAIN_ALIASES and domain_sid:
        return sids.in_domain(domain_sid, _DOMAIN_ALIASES[alias])
    raise ValueError(f"not a SID: {field!r}")
