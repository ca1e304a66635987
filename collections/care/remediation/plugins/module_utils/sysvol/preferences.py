# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords in Group Policy Preferences (MS-GPPREF 2.2.1.1.4): where they are, and the file without them.

``cpassword`` is encrypted with a key that Microsoft publishes, so whoever reads SYSVOL (every account of the domain)
reads the password. It is never decrypted here, kept or shown. The file is edited as text: everything but the attribute
stays byte for byte. A file with a document type (entities) is not touched.
"""

from __future__ import annotations

import codecs
import re
import xml.parsers.expat
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError

MAX_BYTES: Final = 4 * 2**20
ATTRIBUTE: Final = "cpassword"
# Where each kind of item names the account, in the attributes of the same element (MS-GPPREF 2.2.1)
_ACCOUNT: Final = ("userName", "accountName", "runAs", "username", "newName")
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED: Final = re.compile(r"""\A<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# Comments, CDATA, instructions and tags; an attribute value may hold ">", but never "<" (XML 1.0, 2.4)
_MARKUP: Final = re.compile(
    r"""<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|</[^>]*>|<[^<>"'!?/](?:[^<>"']|"[^<"]*"|'[^<']*')*>""", re.DOTALL
)
_ATTRIBUTE: Final = re.compile(r"""\s+([^\s=<>"'/]+)\s*=\s*(?:"([^<"]*)"|'([^<']*)')""")


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """One item that holds a password (which is not in here)."""

    item: str  # the item's kind: User, Drive, Task, NTService, DataSource…
    name: str
    account: str
    action: str  # C, R, U, D, or "" when the item does not say
    changed: str  # as the file says, local time of whoever made it
    disabled: bool


def stored_passwords(raw: bytes) -> list[StoredPassword]:
    """The items with a password, in order; FormatError when the file is not well-formed XML or has a document type."""
    found: list[StoredPassword] = []
    stack: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if attributes.get(ATTRIBUTE):
            # <User name=… changed=…><Properties action=… userName=… cpassword=…/></User>
            item, about = stack[-1] if name == "Properties" and stack else (name, attributes)
            account = next((attributes[key] for key in _ACCOUNT if attributes.get(key)), "")
            found.append(
                StoredPassword(
                    item,
                    about.get("name", ""),
                    account,
                    attributes.get("action", ""),
                    about.get("changed", ""),
                    about.get("disabled") == "1",
                )
            )
        if len(stack) >= 100:
            raise FormatError("preferences: more than 100 elements within each other")
        stack.append((name, attributes))

    def end(_name: str) -> None:
        stack.pop()

    def refuse(*_arguments: object) -> None:
        raise FormatError("preferences: a document type is not expected here; the file is left as it is")

    _check_size(raw)
    parser = xml.parsers.expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(raw, True)
    except xml.parsers.expat.ExpatError as error:
        raise FormatError(f"preferences: not well-formed XML: {error}") from error
    return found


def without_passwords(raw: bytes) -> bytes:
    """The file without its ``cpassword`` attributes, nothing else changed; FormatError when that cannot be done.

    An empty ``cpassword`` holds nothing and stays.
    """
    if not stored_passwords(raw):
        return raw
    bom, encoding = next(((bom, name) for bom, name in _BOMS if raw.startswith(bom)), (b"", ""))
    if not encoding:
        declared = _DECLARED.match(raw[:300].decode("latin-1"))
        encoding = declared[1] if declared else "utf-8"
    try:
        text = raw[len(bom) :].decode(encoding)
        cleaned = bom + _MARKUP.sub(_clean, text).encode(encoding)
        intact = bom + text.encode(encoding) == raw
    except (LookupError, UnicodeError) as error:
        raise FormatError(f"preferences: its encoding {encoding!r} is not understood") from error
    if not intact or stored_passwords(cleaned):
        raise FormatError("preferences: the passwords cannot be taken out without changing something else")
    return cleaned


def _clean(match: re.Match[str]) -> str:
    tag = match[0]
    if tag[1] in "!?/":
        return tag
    return _ATTRIBUTE.sub(lambda a: "" if a[1] == ATTRIBUTE and (a[2] or a[3]) else a[0], tag)


def _check_size(raw: bytes) -> None:
    if len(raw) > MAX_BYTES:
        raise FormatError(f"preferences of {len(raw)} bytes, at most {MAX_BYTES} are read")
