# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of an ORADAD dump: a folder or a ZIP archive with ``tables.tsv``, one TSV file a table.

Facts of the format (ANSSI-FR/ORADAD 3.6, read in its source): ``tables.tsv`` is 8-bit text, its first line names the
collection, each other line is ``path, table, table without domain, number of columns, (column, SQL type)…``. The table
files are UTF-16LE with a byte order mark, tab separated, CRLF, without header unless the collector was told to write
one. An integer that the collector also decodes has two columns, ``name`` (text) and ``name_int``.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

ENCRYPTED: Final = (
    "{path} is encrypted for ANSSI and cannot be read here. Collect once more without encryption: in config-oradad.xml"
    " set <outputMLA>0</outputMLA> and <outputFiles>1</outputFiles>, run ORADAD.exe <folder> -c config-oradad.xml, and"
    " give the folder that it fills (or a ZIP archive of it). Protect it like the directory itself."
)
OLD: Final = (
    "{path} is compressed or encrypted by an ORADAD before 3.0: turn <compression> and <encryption> off in"
    " config-oradad.xml and collect once more, or use ORADAD 3.6."
)
# A table larger than this (in bytes, decompressed) is no table of a directory.
MAX_BYTES: Final = 64 * 2**30
# One row: the longest is a group with some 100,000 members, or a descriptor of 64 KiB in hexadecimal digits.
MAX_ROW: Final = 256 * 2**20
_BOM: Final = b"\xff\xfe"
_NEWLINE: Final = b"\r\x00\n\x00"
_TIME: Final = re.compile(r"(\d{4})[-_]?(\d{2})[-_]?(\d{2})[-_T]?(\d{2})[-_]?(\d{2})[-_]?(\d{2})?")


class DumpError(Exception):
    """The dump cannot be used; the message names the file, the place and what to do."""


@dataclass(slots=True)
class Table:
    """One table. ``columns``: attribute (as written) and SQL type, in order; ``broken``: why it cannot be relied on."""

    path: str  # below the root, with slashes
    name: str  # of the request: user, top, crossRef…
    place: tuple[str, ...]  # ("domain", "chu.test"), ("configuration",), …
    columns: tuple[tuple[str, str], ...]
    file: Path | None
    broken: str | None = None
    rows: int = 0


@dataclass(slots=True)
class Dump:
    """An opened dump. ``close`` (or the context) removes what was unpacked."""

    root: Path
    origin: str
    tables: list[Table]
    metadata: dict[str, str] = field(default_factory=dict)
    unpacked: Path | None = None

    def close(self) -> None:
        """Remove the temporary copy of an archive."""
        if self.unpacked is not None:
            shutil.rmtree(self.unpacked, ignore_errors=True)
            self.unpacked = None

    def __enter__(self) -> Dump:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def version(self) -> str:
        """Of the collector, empty when the dump does not say."""
        return self.metadata.get("oradad_version", "")

    @property
    def level(self) -> str:
        """The collection level (1 to 4), empty when the dump does not say."""
        return self.metadata.get("oradad_level", "")

    @property
    def taken(self) -> datetime | None:
        """The time in the name of the collection's folder (UTC), None when there is none."""
        match = _TIME.search(self.root.name)
        if match is None:
            return None
        try:
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            return None

    def find(self, name: str, *place: str) -> Table | None:
        """The table of a request in a place, whatever the case of either."""
        wanted = tuple(each.casefold() for each in place)
        for table in self.tables:
            if table.name.casefold() == name.casefold() and tuple(each.casefold() for each in table.place) == wanted:
                return table
        return None

    @property
    def domains(self) -> list[str]:
        """DNS names of the domains that were collected."""
        return sorted({table.place[1] for table in self.tables if table.place[:1] == ("domain",) and table.place[1:]})


def open_dump(path: str) -> Dump:
    """Open a folder or a ZIP archive; DumpError says what is wrong with it."""
    given = Path(path).expanduser()
    if not given.exists():
        raise DumpError(f"{given}: there is no such file or folder")
    if given.is_dir():
        return _dump(_root(given), str(given), None)
    with given.open("rb") as stream:
        magic = stream.read(8)
    if magic.startswith(b"MLA") or given.suffix.lower() == ".mla":
        raise DumpError(ENCRYPTED.format(path=given))
    if magic.startswith(b"ORADAD") or given.suffix.lower() == ".oradad":
        raise DumpError(OLD.format(path=given))
    if not zipfile.is_zipfile(given):
        raise DumpError(f"{given} is neither a folder nor a ZIP archive. Give the folder that ORADAD filled")
    unpacked = Path(tempfile.mkdtemp(prefix="care-oradad-"))
    try:
        _unpack(given, unpacked)
        return _dump(_root(unpacked, shown=given), str(given), unpacked)
    except BaseException:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise


def _unpack(archive: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened:
            if sum(each.file_size for each in opened.infolist()) > MAX_BYTES:
                raise DumpError(f"{archive} unpacks to more than {MAX_BYTES // 2**30} GiB")
            for each in opened.infolist():
                parts = [part for part in re.split(r"[\\/]+", each.filename) if part not in ("", ".")]
                if each.is_dir() or not parts:
                    continue
                if ".." in parts or ":" in parts[0]:
                    raise DumpError(f"{archive}: {each.filename!r} would be unpacked outside its folder")
                if not parts[-1].lower().endswith((".tsv", ".mla", ".oradad")):
                    continue  # what SYSVOL holds is not read, and may be hostile to scanners
                place = target.joinpath(*parts)
                place.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(each) as source, place.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1 << 20)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise DumpError(f"{archive} is damaged or protected by a password: {error}") from error


def _root(folder: Path, shown: Path | None = None) -> Path:
    """The folder that holds tables.tsv: the given one, or the newest collection below it."""
    name = shown or folder
    if (folder / "tables.tsv").is_file():
        return folder
    found = sorted(
        (Path(place) for place, _folders, files in os.walk(folder) if "tables.tsv" in map(str.lower, files)),
        key=lambda each: each.name,
    )
    if found:
        forests = {each.parent for each in found}
        if len(forests) > 1:
            listed = ", ".join(sorted(str(each.relative_to(folder)) for each in found))
            raise DumpError(f"{name} holds collections of several forests: give one of them ({listed})")
        return found[-1]
    for place, _folders, files in os.walk(folder):
        for each in files:
            if each.lower().endswith(".mla"):
                raise DumpError(ENCRYPTED.format(path=Path(place, each)))
            if each.lower().endswith(".oradad"):
                raise DumpError(OLD.format(path=Path(place, each)))
    raise DumpError(f"{name} holds no tables.tsv: it is not the folder of an ORADAD collection, or the file was lost")


def _dump(root: Path, origin: str, unpacked: Path | None) -> Dump:
    # where the collector wrote a name, the file may have another case on this file system
    files = {
        str(Path(place, each).relative_to(root)).casefold(): Path(place, each)
        for place, _folders, names in os.walk(root)
        for each in names
    }
    dump = Dump(root, origin, list(_tables(files["tables.tsv"], files)), unpacked=unpacked)
    if not dump.tables:
        raise DumpError(f"{files['tables.tsv']}: no table is named there")
    metadata = files.get("metadata.tsv")
    if metadata is not None:
        table = Table("metadata.tsv", "metadata", (), (("key", "nvarchar"), ("value", "nvarchar")), metadata)
        dump.metadata = {row[0]: row[1] for _offset, _length, row in rows(table) if len(row) == 2}
    if not dump.domains:
        raise DumpError(f"{files['tables.tsv']}: no table of a domain is named there: the collection was cut off")
    return dump


def _tables(path: Path, files: dict[str, Path]) -> Iterator[Table]:
    raw = path.read_bytes()
    text = raw.decode("utf-16") if raw.startswith((_BOM, b"\xfe\xff")) else raw.decode("utf-8", "replace")
    lines = text.splitlines()
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        cells = line.split("\t")
        last = number == len(lines)
        if len(cells) < 4 or not cells[3].isdigit():
            raise DumpError(f"{path}: line {number}: {_cut(last)}a path, two names and a number of columns expected")
        pairs = cells[4:]
        if len(pairs) != 2 * int(cells[3]):
            found = len(pairs) / 2
            raise DumpError(f"{path}: line {number}: {_cut(last)}{cells[3]} columns announced, {found:g} found")
        parts = [part for part in re.split(r"[\\/]+", cells[0]) if part]
        relative = "/".join(parts)
        file = files.get(relative.casefold())
        yield Table(
            path=relative,
            name=parts[-1].removesuffix(".tsv"),
            place=tuple(parts[:-1]),
            columns=tuple(zip(pairs[::2], pairs[1::2], strict=True)),
            file=file,
            broken=None if file is not None else f"{relative} is missing from the dump",
        )


def _cut(last: bool) -> str:
    return "the file is cut off: " if last else ""


def rows(table: Table) -> Iterator[tuple[int, int, list[str]]]:
    """The rows of a table as they stand in its file: byte offset, length in bytes, cells. Streams.

    A row that is wrong ends the table: ``table.broken`` then says where and why, and what came before was given.
    """
    if table.file is None:
        return
    with table.file.open("rb") as stream:
        start = stream.read(2)
        if not start:
            return  # an empty table
        if start != _BOM:
            table.broken = _encoding(table.path, start)
            return
        offset, line, rest = 2, 1, b""
        while True:
            chunk = stream.read(1 << 20)
            buffer = rest + chunk
            at = 0
            while (end := _newline(buffer, at)) >= 0:
                cells = _cells(table, buffer[at:end], line)
                if cells is None:
                    return
                if not (line == 1 and _is_header(table, cells)):
                    yield offset, end - at, cells
                offset += end + 4 - at
                at = end + 4
                line += 1
            rest = buffer[at:]
            if len(rest) > MAX_ROW:
                table.broken = f"{table.path}: line {line}: longer than {MAX_ROW // 2**20} MiB"
                return
            if not chunk:
                break
        if rest:
            table.broken = f"{table.path}: line {line}: the file is cut off in the middle of a row"


def _newline(buffer: bytes, at: int) -> int:
    """Where the next CRLF of UTF-16LE begins, a whole number of characters from ``at``; -1 when there is none."""
    found = buffer.find(_NEWLINE, at)
    while found >= 0 and (found - at) % 2:
        found = buffer.find(_NEWLINE, found + 1)
    return found


def _cells(table: Table, raw: bytes, line: int) -> list[str] | None:
    cells = raw.decode("utf-16-le", "replace").split("\t")
    if len(cells) != len(table.columns):
        table.broken = f"{table.path}: line {line}: {len(cells)} columns, {len(table.columns)} are announced"
        return None
    return cells


def _is_header(table: Table, cells: list[str]) -> bool:
    return [each.casefold() for each in cells] == [name.casefold() for name, _type in table.columns]


def _encoding(path: str, start: bytes) -> str:
    kind = {b"\xfe\xff": "UTF-16 with its bytes swapped", b"\xef\xbb": "UTF-8"}.get(start, "without byte order mark")
    return (
        f"{path}: line 1: not UTF-16LE as ORADAD writes it ({kind}): was it opened and saved by another program? Take"
        " the original file"
    )
