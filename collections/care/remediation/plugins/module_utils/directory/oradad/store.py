# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where each object of a dump stands in which table: an index on disk (SQLite), so that memory stays flat.

Only places are kept (byte offset and length), names and the few links that searches follow; the rows themselves are
read from the dump when they are asked for.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

with contextlib.suppress(ImportError):  # said when a dump is opened
    import sqlite3

from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import dump as dumps
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.dump import DumpError, Table

# A comma that separates two parts of a distinguished name (RFC 4514)
_COMMA: Final = re.compile(r"(?<!\\),")
_STEP: Final = "\x1f"  # between the parts of a path; _AFTER follows it directly
_AFTER: Final = "\x20"
_SEMICOLON: Final = re.compile(r"(?<!\\);")
_TABLES: Final = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
CREATE TABLE objects (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, depth INTEGER NOT NULL, dn TEXT NOT NULL);
CREATE TABLE places (object INTEGER NOT NULL, tab INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL);
CREATE TABLE sids (sid TEXT NOT NULL, object INTEGER NOT NULL);
CREATE TABLE links (held TEXT NOT NULL, member TEXT NOT NULL);
"""
_INDEXES: Final = """
CREATE INDEX places_object ON places (object);
CREATE INDEX places_tab ON places (tab, object);
CREATE INDEX sids_sid ON sids (sid);
CREATE INDEX links_held ON links (held);
CREATE INDEX links_member ON links (member);
"""
Place = tuple[int, int, int]  # number of the table, byte offset, length


def path_of(dn: str) -> str:
    """A distinguished name from its root downwards, as a key: all below an object begin with its path."""
    parts = [part.strip().casefold() for part in _COMMA.split(dn)]
    return _STEP.join(reversed(parts)) + _STEP


def depth(path: str) -> int:
    """How many parts a path has."""
    return path.count(_STEP)


class Store:
    """The index of the tables that it is given. A context; it removes its file."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self.tables = list(tables)
        if "sqlite3" not in globals():
            raise DumpError("this Python has no sqlite3 module, which reading a dump needs")
        handle, name = tempfile.mkstemp(prefix="care-oradad-", suffix=".sqlite")
        os.close(handle)
        self._file = Path(name)
        self._database = sqlite3.connect(name, isolation_level=None)
        self._streams: dict[int, BinaryIO] = {}
        try:
            self._database.executescript(_TABLES)
            self._database.execute("BEGIN")
            for number, table in enumerate(self.tables):
                self._load(number, table)
            self._database.execute("COMMIT")
            self._database.executescript(_INDEXES)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise DumpError(f"the index of the dump cannot be written to {self._file.parent}: {error}") from error

    def close(self) -> None:
        """Remove the index."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()
        self._database.close()
        self._file.unlink(missing_ok=True)

    def _load(self, number: int, table: Table) -> None:
        names = [name.casefold() for name, _kind in table.columns]
        sid = names.index("objectsid") if "objectsid" in names else -1
        member = names.index("member") if "member" in names else -1
        deleted = names.index("isdeleted") if "isdeleted" in names else -1
        run = self._database.execute
        for start, length, cells in dumps.rows(table):
            dn = cells[0]
            if not dn or "\\0ADEL:" in dn or (deleted >= 0 and cells[deleted] == "1"):
                continue  # a deleted object, which a search does not show
            path = path_of(dn)
            key = run("SELECT id FROM objects WHERE path = ?", (path,)).fetchone()
            if key is None:
                values = (path, depth(path), dn)
                key = (run("INSERT INTO objects (path, depth, dn) VALUES (?, ?, ?)", values).lastrowid,)
            run("INSERT INTO places VALUES (?, ?, ?, ?)", (key[0], number, start, length))
            table.rows += 1
            if sid >= 0 and cells[sid]:
                run("INSERT INTO sids VALUES (?, ?)", (cells[sid], key[0]))
            if member >= 0 and cells[member]:
                links = ((path, path_of(each)) for each in _SEMICOLON.split(cells[member]))
                self._database.executemany("INSERT INTO links VALUES (?, ?)", links)

    # --- looking things up ---------------------------------------------------------------------------------------

    def object_of(self, dn: str) -> tuple[int, str] | None:
        """Number and distinguished name of one object."""
        return self._one("SELECT id, dn FROM objects WHERE path = ?", path_of(dn))

    def object_of_sid(self, sid: str) -> tuple[int, str] | None:
        """Number and distinguished name of the object with that SID (the dump of one domain has one)."""
        return self._one("SELECT o.id, o.dn FROM sids s JOIN objects o ON o.id = s.object WHERE s.sid = ?", sid)

    def groups_of(self, dn: str) -> list[str]:
        """Distinguished names of the groups that name this object as a member."""
        rows = self._database.execute(
            "SELECT o.dn FROM links l JOIN objects o ON o.path = l.held WHERE l.member = ? ORDER BY o.id",
            (path_of(dn),),
        )
        return [row[0] for row in rows]

    def places_of(self, number: int) -> list[Place]:
        """Where the rows of one object are."""
        rows = self._database.execute("SELECT tab, start, length FROM places WHERE object = ?", (number,))
        return [(tab, start, length) for tab, start, length in rows]

    def below(
        self,
        base: str,
        scope: str,
        *,
        tables: Iterable[int] | None = None,
        member_of: str | None = None,
        any_group: bool = False,
    ) -> Iterator[tuple[int, str]]:
        """Objects below ``base``: all, those with a row in one of ``tables``, the members of one group, or of any."""
        path = path_of(base)
        where = ["o.path >= ? AND o.path < ?"]
        values: list[str | int] = [path, path[:-1] + _AFTER]
        if scope == "base":
            where, values = ["o.path = ?"], [path]
        elif scope == "onelevel":
            where.append("o.depth = ?")
            values.append(depth(path) + 1)
        source = "objects o"
        if tables is not None:
            listed = ", ".join(str(int(each)) for each in tables)
            where.append(f"EXISTS (SELECT 1 FROM places p WHERE p.object = o.id AND p.tab IN ({listed}))")  # noqa: S608
        if member_of is not None:
            source = "links l JOIN objects o ON o.path = l.member"
            where.append("l.held = ?")
            values.append(path_of(member_of))
        elif any_group:
            where.append("EXISTS (SELECT 1 FROM links l WHERE l.member = o.path)")
        # nothing of a dump or of a filter stands in the statement: values are bound, table numbers are ours
        statement = f"SELECT o.id, o.dn FROM {source} WHERE {' AND '.join(where)} ORDER BY o.id"  # noqa: S608
        cursor = self._database.cursor()
        cursor.execute(statement, values)
        while batch := cursor.fetchmany(500):
            yield from batch

    def cells(self, place: Place) -> list[str]:
        """The cells of one row."""
        tab, start, length = place
        stream = self._streams.get(tab)
        if stream is None:
            file = self.tables[tab].file
            if file is None:
                raise DumpError(f"{self.tables[tab].path} is missing from the dump")
            stream = self._streams[tab] = file.open("rb", buffering=1 << 16)
        return dumps.row_at(stream, start, length)

    def _one(self, statement: str, value: str) -> Any:
        return self._database.execute(statement, (value,)).fetchone()
