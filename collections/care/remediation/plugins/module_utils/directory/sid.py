# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Security identifiers (MS-DTYP 2.4.2): binary and text forms, and the well-known ones this collection uses."""

from __future__ import annotations

import re
import struct
from typing import Final

_TEXT = re.compile(r"S-1-(0x[0-9a-fA-F]{1,12}|[0-9]{1,15})((?:-[0-9]{1,10}){0,15})\Z")
_MAX_SUB_AUTHORITIES: Final = 15

EVERYONE: Final = "S-1-1-0"
CREATOR_OWNER: Final = "S-1-3-0"
CREATOR_GROUP: Final = "S-1-3-1"
ANONYMOUS: Final = "S-1-5-7"
ENTERPRISE_DOMAIN_CONTROLLERS: Final = "S-1-5-9"
SELF: Final = "S-1-5-10"
AUTHENTICATED_USERS: Final = "S-1-5-11"
SYSTEM: Final = "S-1-5-18"
BUILTIN_ADMINISTRATORS: Final = "S-1-5-32-544"
BUILTIN_USERS: Final = "S-1-5-32-545"
BUILTIN_GUESTS: Final = "S-1-5-32-546"
BUILTIN_ACCOUNT_OPERATORS: Final = "S-1-5-32-548"
BUILTIN_SERVER_OPERATORS: Final = "S-1-5-32-549"
BUILTIN_PRINT_OPERATORS: Final = "S-1-5-32-550"
BUILTIN_BACKUP_OPERATORS: Final = "S-1-5-32-551"
BUILTIN_REPLICATOR: Final = "S-1-5-32-552"
BUILTIN_PRE_WINDOWS_2000: Final = "S-1-5-32-554"

RID_ENTERPRISE_READ_ONLY_DOMAIN_CONTROLLERS: Final = 498
RID_ADMINISTRATOR: Final = 500
RID_GUEST: Final = 501
RID_KRBTGT: Final = 502
RID_DOMAIN_ADMINS: Final = 512
RID_DOMAIN_USERS: Final = 513
RID_DOMAIN_GUESTS: Final = 514
RID_DOMAIN_COMPUTERS: Final = 515
RID_DOMAIN_CONTROLLERS: Final = 516
RID_CERT_PUBLISHERS: Final = 517
RID_SCHEMA_ADMINS: Final = 518
RID_ENTERPRISE_ADMINS: Final = 519
RID_GROUP_POLICY_CREATOR_OWNERS: Final = 520
RID_READ_ONLY_DOMAIN_CONTROLLERS: Final = 521
RID_CLONEABLE_DOMAIN_CONTROLLERS: Final = 522
RID_PROTECTED_USERS: Final = 525
RID_KEY_ADMINS: Final = 526
RID_ENTERPRISE_KEY_ADMINS: Final = 527

_EVERYONE: Final = frozenset(
    {EVERYONE, AUTHENTICATED_USERS, BUILTIN_USERS, BUILTIN_GUESTS, BUILTIN_PRE_WINDOWS_2000}
)
_EVERYONE_RIDS: Final = frozenset({RID_DOMAIN_USERS, RID_DOMAIN_GUESTS, RID_DOMAIN_COMPUTERS})

# English names for messages and logs only: nothing is ever found by such a name.
WELL_KNOWN_NAMES: Final[dict[str, str]] = {
    EVERYONE: "Everyone",
    CREATOR_OWNER: "Creator Owner",
    CREATOR_GROUP: "Creator Group",
    ANONYMOUS: "Anonymous Logon",
    ENTERPRISE_DOMAIN_CONTROLLERS: "Enterprise Domain Controllers",
    SELF: "Self",
    AUTHENTICATED_USERS: "Authenticated Users",
    SYSTEM: "System",
    BUILTIN_ADMINISTRATORS: "BUILTIN\\Administrators",
    BUILTIN_USERS: "BUILTIN\\Users",
    BUILTIN_GUESTS: "BUILTIN\\Guests",
    BUILTIN_ACCOUNT_OPERATORS: "BUILTIN\\Account Operators",
    BUILTIN_SERVER_OPERATORS: "BUILTIN\\Server Operators",
    BUILTIN_PRINT_OPERATORS: "BUILTIN\\Print Operators",
    BUILTIN_BACKUP_OPERATORS: "BUILTIN\\Backup Operators",
    BUILTIN_REPLICATOR: "BUILTIN\\Replicator",
    BUILTIN_PRE_WINDOWS_2000: "BUILTIN\\Pre-Windows 2000 Compatible Access",
}


def length(raw: bytes, offset: int = 0) -> int:
    """Length in bytes of the binary SID that starts at ``offset`` of ``raw``; ValueError when it is cut short."""
    if offset < 0 or len(raw) - offset < 8:
        raise ValueError(f"SID cut short: {max(len(raw) - offset, 0)} bytes, 8 needed")
    if raw[offset] != 1:
        raise ValueError(f"SID revision {raw[offset]}, 1 expected")
    count = raw[offset + 1]
    if count > _MAX_SUB_AUTHORITIES:
        raise ValueError(f"SID with {count} sub-authorities, at most {_MAX_SUB_AUTHORITIES} are allowed")
    size = 8 + 4 * count
    if len(raw) - offset < size:
        raise ValueError(f"SID cut short: {len(raw) - offset} bytes, {size} needed")
    return size


def from_bytes(raw: bytes) -> str:
    """Text form (``S-1-…``, decimal authority below 2**32, as MS-DTYP 2.4.2.1 writes it) of one binary SID.

    Raises ValueError when ``raw`` is not exactly one SID.
    """
    size = length(raw)
    if size != len(raw):
        raise ValueError(f"{len(raw) - size} bytes after the end of a SID")
    authority = int.from_bytes(raw[2:8], "big")
    subs = struct.unpack_from(f"<{raw[1]}I", raw, 8)
    shown = str(authority) if authority < 2**32 else f"0x{authority:012X}"
    return "-".join(["S-1", shown, *map(str, subs)])


def to_bytes(text: str) -> bytes:
    """Binary form of the text form ``S-1-…``; ValueError when it is not one."""
    match = _TEXT.match(text)
    if match is None:
        raise ValueError(f"not a SID: {text!r}")
    authority = int(match.group(1), 0) if match.group(1).startswith("0x") else int(match.group(1))
    subs = [int(part) for part in match.group(2).split("-")[1:]]
    if authority >= 2**48 or any(sub >= 2**32 for sub in subs):
        raise ValueError(f"not a SID (a number is too large): {text!r}")
    return struct.pack("<BB", 1, len(subs)) + authority.to_bytes(6, "big") + struct.pack(f"<{len(subs)}I", *subs)


def is_sid(text: str) -> bool:
    """True when ``text`` is a SID in text form."""
    try:
        to_bytes(text)
    except ValueError:
        return False
    return True


def rid(text: str) -> int:
    """The last sub-authority of a SID in text form; ValueError when it has none."""
    raw = to_bytes(text)
    if raw[1] == 0:
        raise ValueError(f"SID without a relative identifier: {text}")
    return int.from_bytes(raw[-4:], "little")


def domain_of(text: str) -> str | None:
    """The domain part of an account's SID (``S-1-5-21-a-b-c``), or None for a SID that belongs to no domain."""
    parts = text.split("-")
    if parts[:4] == ["S", "1", "5", "21"] and len(parts) == 8:
        return "-".join(parts[:7])
    return None


def in_domain(domain_sid: str, relative: int) -> str:
    """The SID of relative identifier ``relative`` in the domain ``domain_sid``."""
    return f"{domain_sid}-{relative}"


def is_everyone(text: str | None) -> bool:
    """True for a SID that nearly everyone has: Everyone, Authenticated Users, Domain Users, Domain Computers…"""
    if text is None:
        return False
    return text in _EVERYONE or (domain_of(text) is not None and rid(text) in _EVERYONE_RIDS)


def filter_value(text: str) -> str:
    """The SID as the value of an LDAP filter: its bytes, each escaped (RFC 4515)."""
    return "".join(f"\\{byte:02x}" for byte in to_bytes(text))
