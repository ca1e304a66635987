# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Cells of an ORADAD table as the values that an LDAP server would have sent."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

# What the collector writes for 0x7FFFFFFFFFFFFFFF
NEVER: Final = "2999-12-12 23:59:59"
# Attributes of GeneralizedTime syntax: the other dates of the directory are FILETIME numbers (MS-ADTS 3.1.1.2.2.2).
GENERALIZED: Final = frozenset(
    {"createtimestamp", "currenttime", "dscorepropagationdata", "modifytimestamp", "whenchanged", "whencreated"}
)
# Text attributes that hold several values; the others are taken whole, a semicolon and all.
MULTIPLE: Final = frozenset(
    {
        "admincontextmenu",
        "adminmultiselectpropertypages",
        "adminpropertypages",
        "certificatetemplates",
        "contextmenu",
        "createwizardext",
        "description",
        "dnsroot",
        "member",
        "memberof",
        "msds-allowedtodelegateto",
        "msds-authnpolicysilomembers",
        "msds-authnpolicysilomembersbl",
        "msds-krbtgtlinkbl",
        "msds-neverrevealgroup",
        "msds-psoapplied",
        "msds-psoappliesto",
        "msds-revealedlist",
        "msds-revealedusers",
        "msds-revealondemandgroup",
        "mspki-certificate-application-policy",
        "mspki-certificate-policy",
        "mspki-enrollment-servers",
        "mspki-ra-application-policies",
        "mspki-ra-policies",
        "namingcontexts",
        "objectclass",
        "pkiextendedkeyusage",
        "serverreferencebl",
        "serviceprincipalname",
        "shellcontextmenu",
        "shellpropertypages",
    }
)
# A semicolon inside a distinguished name is written \;
_SEPARATOR: Final = re.compile(r"(?<!\\);")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+\Z")


def decode(attribute: str, kind: str, cell: str) -> list[bytes]:
    """The raw values of a cell; [] for an empty one. ``attribute`` in lower case, ``kind`` the SQL type of its column.

    ValueError for a cell that does not fit its type.
    """
    if not cell:
        return []
    kind = kind.partition("(")[0].lower()
    if kind == "nvarchar":
        parts = _SEPARATOR.split(cell) if attribute in MULTIPLE else [cell]
        return [part.encode("utf-8", "surrogatepass") for part in parts]
    if kind == "varchar":
        if cell.startswith(("O:", "G:", "D:", "S:")):
            return []  # an access list in SDDL: none that a control reads
        return [value for part in _SEPARATOR.split(cell) if (value := _binary(part)) is not None]
    if kind in ("int", "bigint"):
        return [str(int(cell)).encode("ascii")]
    if kind == "datetime2":
        return [_date(attribute, cell)]
    if kind == "uniqueidentifier":
        return [uuid.UUID(cell).bytes_le]
    if kind == "tinyint":
        return [b"TRUE" if int(cell) else b"FALSE"]
    raise ValueError(f"a column of the unknown type {kind}")


def _binary(part: str) -> bytes | None:
    if part.startswith("S-1-"):
        return sids.to_bytes(part)
    if _HEX.match(part):
        return bytes.fromhex(part)
    if not part or part == "Unable to convert SID":
        return None  # what the collector could not decode
    raise ValueError(f"neither hexadecimal digits nor a SID: {part[:40]!r}")


def _date(attribute: str, cell: str) -> bytes:
    if cell == NEVER:
        return str(ad_time.NEVER).encode("ascii")
    moment = datetime.strptime(cell, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    if attribute in GENERALIZED:
        return f"{cell[:4]}{moment:%m%d%H%M%S}.0Z".encode("ascii")
    return str(ad_time.to_filetime(moment)).encode("ascii")
