# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Advanced audit policy (``Audit\\audit.csv``, MS-GPAC 2.2.1): rows of subcategories, found by their GUID.

Names in it are in the language of the machine that wrote it, so only the GUID and the number are read. Rows that are
not changed keep their bytes.
"""

from __future__ import annotations

import codecs
import csv
import uuid
from dataclasses import dataclass, field
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError

MAX_BYTES: Final = 2**20
HEADER: Final = (
    "Machine Name,Policy Target,Subcategory,Subcategory GUID,Inclusion Setting,Exclusion Setting,Setting Value"
)
SETTINGS: Final[dict[int, str]] = {0: "No Auditing", 1: "Success", 2: "Failure", 3: "Success and Failure"}

# MS-GPAC 2.2.1.2: the subcategories that a domain controller's or a workstation's baseline names
SUBCATEGORIES: Final[dict[str, str]] = {
    "0cce9210-69ae-11d9-bed3-505054503030": "Security State Change",
    "0cce9211-69ae-11d9-bed3-505054503030": "Security System Extension",
    "0cce9212-69ae-11d9-bed3-505054503030": "System Integrity",
    "0cce9215-69ae-11d9-bed3-505054503030": "Logon",
    "0cce9216-69ae-11d9-bed3-505054503030": "Logoff",
    "0cce9217-69ae-11d9-bed3-505054503030": "Account Lockout",
    "0cce921b-69ae-11d9-bed3-505054503030": "Special Logon",
    "0cce9224-69ae-11d9-bed3-505054503030": "File Share",
    "0cce9227-69ae-11d9-bed3-505054503030": "Other Object Access Events",
    "0cce9228-69ae-11d9-bed3-505054503030": "Sensitive Privilege Use",
    "0cce922b-69ae-11d9-bed3-505054503030": "Process Creation",
    "0cce922d-69ae-11d9-bed3-505054503030": "DPAPI Activity",
    "0cce922f-69ae-11d9-bed3-505054503030": "Audit Policy Change",
    "0cce9230-69ae-11d9-bed3-505054503030": "Authentication Policy Change",
    "0cce9235-69ae-11d9-bed3-505054503030": "User Account Management",
    "0cce9236-69ae-11d9-bed3-505054503030": "Computer Account Management",
    "0cce9237-69ae-11d9-bed3-505054503030": "Security Group Management",
    "0cce923a-69ae-11d9-bed3-505054503030": "Other Account Management Events",
    "0cce923b-69ae-11d9-bed3-505054503030": "Directory Service Access",
    "0cce923c-69ae-11d9-bed3-505054503030": "Directory Service Changes",
    "0cce923f-69ae-11d9-bed3-505054503030": "Credential Validation",
    "0cce9240-69ae-11d9-bed3-505054503030": "Kerberos Service Ticket Operations",
    "0cce9242-69ae-11d9-bed3-505054503030": "Kerberos Authentication Service",
}
_COLUMNS: Final = 7


@dataclass(slots=True)
class _Row:
    text: str
    end: str
    cells: list[str] | None  # None: not a row of settings (the header, an empty line)

    @property
    def subcategory(self) -> uuid.UUID | None:
        if self.cells is None or len(self.cells) < _COLUMNS:
            return None
        return parse_guid(self.cells[3])


@dataclass(slots=True)
class AuditPolicy:
    """An audit.csv."""

    encoding: str = "latin-1"
    bom: bytes = b""
    _rows: list[_Row] = field(default_factory=list)

    @classmethod
    def parse(cls, raw: bytes) -> AuditPolicy:
        """The file that ``raw`` is; FormatError when it is no table of audit settings."""
        if len(raw) > MAX_BYTES:
            raise FormatError(f"audit policy of {len(raw)} bytes, at most {MAX_BYTES} are read")
        encoding, bom = "latin-1", b""
        for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")):
            if raw.startswith(mark):
                encoding, bom = name, mark
        try:
            text = raw[len(bom) :].decode(encoding)
        except UnicodeDecodeError as error:
            raise FormatError(f"audit policy: not {encoding} at byte {error.start}") from error
        policy = cls(encoding, bom)
        for number, line in enumerate(text.split("\n"), 1):
            body, end = (line[:-1], "\r\n") if line.endswith("\r") else (line, "\n")
            cells = None
            if body.strip() and number > 1:
                cells = _cells(body, number)
            policy._rows.append(_Row(body, end, cells))
        last = policy._rows[-1]
        if last.end == "\n":
            last.end = ""
            if not last.text:
                policy._rows.pop()
        else:  # a lone CR at the very end
            last.text, last.end = last.text + "\r", ""
        if policy._rows and len(_cells(policy._rows[0].text, 1)) < _COLUMNS:
            raise FormatError("audit policy: its first line is not the header of seven columns")
        return policy

    def to_bytes(self) -> bytes:
        """The file: the same bytes as were parsed, where nothing was changed."""
        return self.bom + "".join(row.text + row.end for row in self._rows).encode(self.encoding)

    @property
    def settings(self) -> dict[uuid.UUID, int]:
        """Subcategory to setting (bit 1: success, bit 2: failure); the last row of a subcategory counts."""
        found: dict[uuid.UUID, int] = {}
        for row in self._rows:
            subcategory = row.subcategory
            if subcategory is not None and row.cells is not None and row.cells[6].strip().isdecimal():
                found[subcategory] = int(row.cells[6][:6])
        return found

    def set(self, subcategory: uuid.UUID, setting: int) -> bool:
        """Make a subcategory so; ValueError for a setting that is none. Returns whether anything changed."""
        if setting not in SETTINGS:
            raise ValueError(f"{setting} is no audit setting; 0 to 3 are")
        name = SUBCATEGORIES.get(str(subcategory), str(subcategory))
        text = f",System,Audit {name},{{{subcategory}}},{SETTINGS[setting]},,{setting}"
        places = [n for n, row in enumerate(self._rows) if row.subcategory == subcategory]
        if len(places) == 1 and self.settings.get(subcategory) == setting:
            return False
        row = _Row(text, "\r\n", text.split(","))
        if not self._rows:
            self._rows.append(_Row(HEADER, "\r\n", None))
        if places:
            row.end = self._rows[places[-1]].end
            self._rows[places[-1]] = row
            for number in reversed(places[:-1]):
                del self._rows[number]
        else:
            if not self._rows[-1].end:
                self._rows[-1].end = "\r\n"
            # empty lines at the end stay at the end
            place = len(self._rows)
            while place > 1 and not self._rows[place - 1].text.strip():
                place -= 1
            self._rows.insert(place, row)
        return True


def parse_guid(text: str) -> uuid.UUID | None:
    """The GUID in ``text`` with or without braces, or None."""
    stripped = text.strip().strip("{}")
    try:
        return uuid.UUID(stripped) if len(stripped) == 36 else None
    except ValueError:
        return None


def _cells(line: str, number: int) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise FormatError(f"audit policy: line {number}: {error}") from error
