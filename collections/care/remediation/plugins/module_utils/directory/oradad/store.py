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
from typing import Any, Final

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
CREATE TABLE classes (class TEXT NOT NULL, object INTEGER NOT NULL);
CREATE TABLE sids (sid TEXT NOT NULL, object INTEGER NOT NULL);
CREATE TABLE links (held TEXT NOT NULL, member TEXT NOT NULL);
"""
_INDEXES: Final = """
CREATE INDEX places_object ON places (object);
CREATE INDEX places_tab ON places (tab, object);
CREATE INDEX classes_class ON classes (class, object);
CREATE INDEX classes_object ON classes (object);
CREATE INDEX sids_sid ON sids (sid);
CREATE INDEX links_held ON links (held);
CREATE INDEX links_member ON links (member);
"""
# Classes that most objects have: an index of them would be as large as the dump
COMMON: Final = frozenset({"top", "person", "organizationalperson", "user", "computer"})
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
        self._files: dict[int, int] = {}  # number of a table to its descriptor
        self._sizes: dict[str, int] = {}  # how many objects a class has
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
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()
        self._database.close()
        self._file.unlink(missing_ok=True)

    def _load(self, number: int, table: Table) -> None:
        names = [name.casefold() for name, _kind in table.columns]
        sid, member, classes, deleted = (
            names.index(name) if name in names else -1 for name in ("objectsid", "member", "objectclass", "isdeleted")
        )
        run = self._database.execute
        for start, length, cells in dumps.rows(table):
            dn = cells[0]
            if not dn or "\\0ADEL:" in dn or (deleted >= 0 and cells[deleted] == "1"):
                continue  # a deleted object, which a search does not show
            path = path_of(dn)
            found = run("SELECT id FROM objects WHERE path = ?", (path,)).fetchone()
            if found is None:
                values = (path, depth(path), dn)
                key = run("INSERT INTO objects (path, depth, dn) VALUES (?, ?, ?)", values).lastrowid
            else:
                key = found[0]
            run("INSERT INTO places VALUES (?, ?, ?, ?)", (key, number, start, length))
            table.rows += 1
            if sid >= 0 and cells[sid]:
                run("INSERT INTO sids VALUES (?, ?)", (cells[sid], key))
            if classes >= 0:
                for each in {name.casefold() for name in cells[classes].split(";")} - COMMON:
                    self._sizes[each] = self._sizes.get(each, 0) + 1
                    run("INSERT INTO classes VALUES (?, ?)", (each, key))
            if member >= 0 and cells[member]:
                links = ((path, path_of(each)) for each in _SEMICOLON.split(cells[member]))
                self._database.executemany("INSERT INTO links VALUES (?, ?)", links)

    def size_of_class(self, name: str) -> int:
        """How many objects of a class there are; those of ``COMMON`` are not counted."""
        return self._sizes.get(name, 0)

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
        return list(rows)

    def classes_of(self, number: int) -> list[str]:
        """The classes of one object, without those of ``COMMON``."""
        rows = self._database.execute("SELECT class FROM classes WHERE object = ?", (number,))
        return [row[0] for row in rows]

    def below(
        self,
        base: str,
        scope: str,
        *,
        tables: Iterable[int] = (),
        classes: Iterable[str] = (),
        every: bool = False,
        member_of: str | None = None,
        any_group: bool = False,
    ) -> Iterator[tuple[int, str, list[Place]]]:
        """Objects below ``base`` (number, name, where their rows are): those with a row in one of ``tables`` or of one
        of ``classes``, or ``every`` one; the members of one group, or of any."""
        path = path_of(base)
        where = ["o.path >= ? AND o.path < ?"]
        values: list[str | int] = [path, path[:-1] + _AFTER]
        if scope == "base":
            where, values = ["o.path = ?"], [path]
        elif scope == "onelevel":
            where.append("o.depth = ?")
            values.append(depth(path) + 1)
        source = "objects o"
        if member_of is not None:
            source = "links l JOIN objects o ON o.path = l.member"
            where.append("l.held = ?")
            values.append(path_of(member_of))
        elif any_group:
            where.append("EXISTS (SELECT 1 FROM links l WHERE l.member = o.path)")
        elif not every:
            listed = ", ".join(str(int(each)) for each in tables)
            known = list(classes)
            marks = ", ".join("?" * len(known))
            where.append(
                f"o.id IN (SELECT object FROM places WHERE tab IN ({listed})"  # noqa: S608
                f" UNION SELECT object FROM classes WHERE class IN ({marks}))"
            )
            values += known
        # nothing of a dump or of a filter stands in the statement: values are bound, table numbers are ours
        statement = (
            "SELECT o.id, o.dn, p.tab, p.start, p.length FROM "  # noqa: S608
            f"(SELECT o.id, o.dn FROM {source} WHERE {' AND '.join(where)}) o JOIN places p ON p.object = o.id"
            " ORDER BY o.id"
        )
        cursor = self._database.cursor()
        cursor.execute(statement, values)
        number, dn = -1, ""
        places: list[Place] = []
        while batch := cursor.fetchmany(2000):
            for key, name, tab, start, length in batch:
                if key != number:
                    if number >= 0:
                        yield number, dn, places
                    number, dn, places = key, name, []
                places.append((tab, start, length))
        if number >= 0:
            yield number, dn, places

    def cells(self, place: Place) -> list[str]:
        """The cells of one row."""
        tab, start, length = place
        descriptor = self._files.get(tab)
        if descriptor is None:
            file = self.tables[tab].file
            if file is None:
                raise DumpError(f"{self.tables[tab].path} is missing from the dump")
            descriptor = self._files[tab] = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(descriptor, length, start).decode("utf-16-le", "replace").split("\t")

    def _one(self, statement: str, value: str) -> Any:
        return self._database.execute(statement, (value,)).fetchone()
