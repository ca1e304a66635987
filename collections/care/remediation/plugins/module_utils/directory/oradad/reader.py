# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An ORADAD dump as the ``Reader`` that a snapshot is read from: the same searches, answered from tables.

The collector puts what all objects have (class, GUID, dates, descriptor) into the table ``top`` and what one class has
into a table of that class; a deleted object is left out here. An attribute that the dump does not hold (collection
level, version, missing or damaged table) answers nothing, as the directory would for lack of a right, and is named by
``lacking`` with the reason, so that the parts of the snapshot that need it become unreadable (``holes``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ldap_filter as filters
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_filter import Filter, Leaf
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import dump as dumps
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import values
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.dump import Dump, DumpError, Table
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.store import COMMON, Place, Store

# Tables without which accounts or groups would be missing unseen, and attributes of theirs that every reading asks for
ESSENTIAL: Final = {
    "computer": ("objectsid",),
    "group": ("member", "objectsid"),
    "top": ("ntsecuritydescriptor", "objectclass", "objectguid"),
    "user": ("objectsid",),
}
# What a contact or a container rightly lacks: that they have no table says nothing
PRINCIPAL: Final = frozenset({"admincount", "member", "objectsid", "samaccountname", "samaccounttype"})
PLACES: Final = ("domain", "configuration", "schema", "domaindns", "forestdns")
# pwdLastSet is empty in a dump both where it is 0 and where it was not shown; userAccountControl, which is shown to
# the same readers (property set User-Account-Restrictions), tells the two apart.
PASSWORD_SET: Final = "pwdlastset"  # noqa: S105
CONTROL: Final = "useraccountcontrol"
_MEMBER_OF: Final = "memberof"
# rootDSE: the SIDs of the session that collected, decoded by the collector
TOKEN: Final = "tokengroups"  # noqa: S105


class NotHeldError(Exception):
    """What a server would have called noSuchObject, in the shape that ``ldap_errors.result_code`` reads."""

    def __init__(self, dn: str) -> None:
        super().__init__({"result": 32, "desc": "No such object", "matched": dn})


class _Columns:
    """The columns of a table that hold attributes: lower-case name to place and type."""

    __slots__ = ("names", "of")

    def __init__(self, table: Table) -> None:
        listed = [(name.casefold(), kind) for name, kind in table.columns]
        known = {name for name, _kind in listed}
        self.of: dict[str, tuple[int, str]] = {}
        self.names: dict[str, str] = {}
        for index, ((name, kind), (written, _kind)) in enumerate(zip(listed, table.columns, strict=True)):
            if name in ("dn", "server", "shortname", "shortdn"):
                continue
            if name.endswith("_int") and name.removesuffix("_int") in known:
                name, written = name.removesuffix("_int"), written[: -len("_int")]
            elif f"{name}_int" in known:
                continue  # the collector's reading of the number that follows
            self.of[name] = (index, kind)
            self.names[name] = written


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Where to look: objects with a row in one of these tables or of one of these classes, or all."""

    tables: frozenset[int] = frozenset()
    classes: frozenset[str] = frozenset()
    every: bool = False
    size: float = 0


EVERYTHING: Final = _Candidates(every=True, size=float("inf"))


class DumpReader:
    """The part of a session that ``read_snapshot`` uses, over a dump of one domain. A context."""

    def __init__(self, dump: Dump, domain: str | None = None) -> None:
        self.dump = dump
        self.dns_name = _chosen(dump, domain)
        self.absent: dict[str, str] = {}
        self._lacking: dict[str, str] = {}
        self.notes: list[str] = []
        tables = [
            table
            for table in dump.tables
            if table.place
            and table.columns[0][0].casefold() == "dn"  # a table of objects, not the list of SYSVOL's files
            and table.place[0].casefold() in PLACES
            and (len(table.place) == 1 or table.place[1].casefold() == self.dns_name.casefold())
        ]
        self._store = Store(tables)
        self._columns = [_Columns(table) for table in tables]
        self._missing = ""
        for name, attributes in ESSENTIAL.items():
            if dump.find(name, "domain", self.dns_name) is None:
                reason = f"domain/{self.dns_name}/{name}.tsv is not named in tables.tsv: it was not collected"
                self.absent |= dict.fromkeys(attributes, reason)
                self._missing += f"; {reason}"
        self._top = [number for number, table in enumerate(tables) if table.name.casefold() == "top"]
        try:
            self._open()
        except BaseException:
            self._store.close()
            raise

    def _open(self) -> None:
        dump = self.dump
        self.root_dse = self._root_dse()
        self.domain_dn = self._head("defaultNamingContext")
        self.configuration_dn = self._head("configurationNamingContext")
        self.schema_dn = self._head("schemaNamingContext")
        self.server = (self.root_dse.get("dNSHostName") or [""])[0]
        self.connected_sid = self._collected_by()
        self.collector = dump.version
        head = self.read(self.domain_dn, ["objectSid"])
        sid = head.sid() if head is not None else None
        if sid is None:
            raise DumpError(
                f"{dump.origin}: the SID of {self.dns_name} is not in domain/{self.dns_name}/root.tsv: "
                f"{self._broken_table('root') or 'the table is missing or empty'}"
            )
        self.domain_sid = sid
        self.taken = self._taken()

    def close(self) -> None:
        """Remove the index and what was unpacked."""
        self._store.close()
        self.dump.close()

    def __enter__(self) -> DumpReader:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def tables(self) -> list[Table]:
        """The tables of this domain and of the forest."""
        return self._store.tables

    # --- Reader ----------------------------------------------------------------------------------------------------

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        sd_flags: int | None = None,
    ) -> Iterator[Entry]:
        """Entries below ``base`` in the order of the dump. A dump holds owner and DACL of a descriptor."""
        if self._store.object_of(base) is None:
            raise DirectoryError(f"the dump does not hold {base}") from NotHeldError(base)
        condition = filters.parse(ldap_filter)
        asked = filters.attributes(condition)
        wanted = list(dict.fromkeys(name.casefold() for name in attributes))
        candidates = self._candidates(condition)
        # of objects known by their class, the table of which their other attributes are in may be any
        narrow = not candidates.every and not candidates.classes
        tables = candidates.tables if narrow else frozenset(range(len(self.tables)))
        self._check(asked - {_MEMBER_OF}, tables)
        self._check({*wanted} - {_MEMBER_OF}, tables)
        member_of = _member_of(condition)
        found = self._store.below(
            base,
            scope,
            tables=candidates.tables,
            classes=candidates.classes,
            every=candidates.every,
            member_of=member_of if member_of != "*" else None,
            any_group=member_of == "*",
        )
        # a class that is indexed needs no row of the large table ``top``
        indexed = "objectclass" in asked and _only_indexed(condition)
        needed = {*wanted} | ({CONTROL} if PASSWORD_SET in wanted else set())
        for number, dn, places in found:
            shown = self._values(dn, asked - {"objectclass"} if indexed else asked, places)
            if indexed:
                shown["objectclass"] = [name.encode("utf-8") for name in self._store.classes_of(number)]
            if filters.matches(condition, shown):
                if indexed:
                    del shown["objectclass"]
                yield self._entry(dn, self._values(dn, needed, places, shown), wanted)

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
        """One object by its name or ``<SID=…>``, None when the dump does not hold it."""
        if dn.startswith("<SID="):
            found = self._store.object_of_sid(dn[5:-1])
        elif dn.startswith("<GUID="):
            raise DumpError(f"an object of a dump cannot be read by GUID: {dn}")
        else:
            found = self._store.object_of(dn)
        wanted = list(dict.fromkeys(name.casefold() for name in attributes))
        if found is None:
            # it may be in what the dump lost
            self._check(set(wanted) - {_MEMBER_OF}, range(len(self.tables)))
            return None
        number, name = found
        places = self._store.places_of(number)
        self._check(set(wanted) - {_MEMBER_OF}, [tab for tab, _start, _length in places])
        if all(tab in self._top for tab, _start, _length in places):
            self._classless(name, set(wanted))
        needed = {*wanted} | ({CONTROL} if PASSWORD_SET in wanted else set())
        return self._entry(name, self._values(name, needed, places), wanted)

    def lacking(self) -> dict[str, str]:
        """The attributes (lower case) that were asked for since the last call and that the dump does not hold, with
        the reason."""
        said, self._lacking = self._lacking, {}
        return said

    # --- tables ------------------------------------------------------------------------------------------------------

    def _values(
        self, dn: str, needed: set[str], places: Sequence[Place], known: dict[str, list[bytes]] | None = None
    ) -> dict[str, list[bytes]]:
        """The values of an object, from the rows that hold them; ``known`` were read already."""
        found = {} if known is None else known
        for place in places:
            columns = self._columns[place[0]].of
            here = [name for name in needed if name in columns and name not in found]
            if not here:
                continue
            cells = self._store.cells(place)
            for name in here:
                index, kind = columns[name]
                try:
                    decoded = values.decode(name, kind, cells[index])
                except ValueError as error:
                    self._lacking[name] = f"{self.tables[place[0]].path}: {dn}: {name}: {error}"
                    continue
                if decoded:
                    found[name] = decoded
        if _MEMBER_OF in needed:
            groups = self._store.groups_of(dn)
            if groups:
                found[_MEMBER_OF] = [group.encode("utf-8", "replace") for group in groups]
        if PASSWORD_SET in needed and PASSWORD_SET not in found and CONTROL in found:
            found[PASSWORD_SET] = [b"0"]
        return found

    def _entry(self, dn: str, shown: dict[str, list[bytes]], wanted: Iterable[str]) -> Entry:
        return Entry(dn, CaseInsensitiveDict({name: shown[name] for name in wanted if name in shown}))

    def _candidates(self, condition: Filter) -> _Candidates:
        """Where every object that fits must be."""
        if isinstance(condition, Leaf):
            if condition.attribute == "objectclass" and not condition.present:
                name = condition.value.decode("utf-8", "replace").casefold()
                if name not in COMMON:
                    return _Candidates(classes=frozenset({name}), size=self._store.size_of_class(name))
            if condition.attribute in ("objectclass", _MEMBER_OF):
                return EVERYTHING
            tables = [n for n, columns in enumerate(self._columns) if condition.attribute in columns.of]
            return _Candidates(tables=frozenset(tables), size=sum(self.tables[number].rows for number in tables))
        if condition.operator == "!":
            return EVERYTHING
        found = [self._candidates(child) for child in condition.children]
        if condition.operator == "&":
            return min(found, key=lambda each: each.size, default=EVERYTHING)
        return _Candidates(
            tables=frozenset().union(*(each.tables for each in found)),
            classes=frozenset().union(*(each.classes for each in found)),
            every=any(each.every for each in found),
            size=sum(each.size for each in found),
        )

    def _check(self, names: set[str], candidates: Iterable[int]) -> None:
        """Note the attributes that were asked for and that the tables in question do not hold whole."""
        numbers = {*candidates, *self._top}
        for name in names:
            if name in self.absent:
                self._lacking[name] = self.absent[name]
                continue
            everywhere = [number for number, columns in enumerate(self._columns) if name in columns.of]
            # the row that held it may be in what a damaged table lost
            holding = [number for number in everywhere if number in numbers] or everywhere
            broken = [why for number in holding if (why := self.tables[number].broken)]
            if broken:
                self._lacking[name] = broken[0]
            elif not everywhere:
                reason = f"the dump {self._described()} holds no attribute {name}{self._missing}"
                self._lacking[name] = self.absent[name] = reason

    def _classless(self, dn: str, names: set[str]) -> None:
        """An object of which only what all objects have was collected: what its class has is not known."""
        for name in names - PRINCIPAL - {_MEMBER_OF}:
            if not any(name in self._columns[number].of for number in self._top):
                reason = f"the dump {self._described()} holds no table of the class of {dn}, which has {name}"
                self._lacking.setdefault(name, reason)

    def _described(self) -> str:
        said = [f"ORADAD {self.dump.version}" if self.dump.version else "of an unknown version of ORADAD"]
        if self.dump.level:
            said.append(f"level {self.dump.level} of 4")
        return f"({', '.join(said)})"

    # --- the head of the dump -----------------------------------------------------------------------------------------

    def _root_dse(self) -> dict[str, list[str]]:
        table = self.dump.find("rootDSE")
        rows = [cells for _start, _length, cells in dumps.rows(table)] if table is not None else []
        if table is None or not rows:
            reason = table.broken if table is not None and table.broken else "the table is missing or empty"
            raise DumpError(f"{self.dump.origin}: rootDSE.tsv: {reason}: which domain was collected is not known")
        columns = _Columns(table)
        found = []
        for cells in rows:
            shown = {
                columns.names[name]: [
                    value.decode("utf-8", "replace") for value in values.decode(name, kind, cells[index])
                ]
                for name, (index, kind) in columns.of.items()
                if cells[index] and name != TOKEN
            }
            if TOKEN in columns.of:
                shown[TOKEN] = cells[columns.of[TOKEN][0]].split(";")
            found.append(shown)
        wanted = self.dns_name.casefold()
        for shown in found:
            if _dns((shown.get("defaultNamingContext") or [""])[0]).casefold() == wanted:
                return shown
        raise DumpError(f"{self.dump.origin}: rootDSE.tsv does not name the domain {self.dns_name}")

    def _collected_by(self) -> str:
        """The SID of the account that collected, "" when the dump does not tell: it is in the token of its session."""
        for sid in self.root_dse.get(TOKEN, []):
            found = self._store.object_of_sid(sid)
            shown = self._values(found[1], {"objectclass"}, self._store.places_of(found[0])) if found else {}
            if b"user" in {each.lower() for each in shown.get("objectclass", [])}:
                return sid
        return ""

    def _head(self, name: str) -> str:
        found = self.root_dse.get(name)
        if not found:
            raise DumpError(f"{self.dump.origin}: rootDSE.tsv does not give {name}")
        return found[0]

    def _taken(self) -> datetime:
        said = self.root_dse.get("currentTime")
        if said:
            return datetime.strptime(said[0][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        if self.dump.taken is not None:
            return self.dump.taken
        moment = datetime.fromtimestamp((self.dump.root / "tables.tsv").stat().st_mtime, UTC)
        self.notes.append(
            "The dump does not say when it was collected: ages count from the date of its file tables.tsv, "
            f"{moment:%Y-%m-%d}."
        )
        return moment

    def _broken_table(self, name: str) -> str | None:
        return next((table.broken for table in self.tables if table.name.casefold() == name), None)

    def remarks(self) -> list[str]:
        """What a reader of the result must know of the dump, in English sentences."""
        said = [
            f"Read from the dump {self.dump.origin} {self._described()}, collected on {self.taken:%Y-%m-%d %H:%M} UTC: "
            "ages count from then.",
            "A dump holds the first SID of a history only.",
        ]
        said += [f"{table.broken}." for table in self.tables if table.broken]
        return said + self.notes


def _chosen(dump: Dump, domain: str | None) -> str:
    known = dump.domains
    if domain is not None:
        for each in known:
            if each.casefold() == domain.casefold():
                return each
        raise DumpError(f"{dump.origin} holds no domain {domain}; it holds {', '.join(known)}")
    if len(known) > 1:
        raise DumpError(f"{dump.origin} holds several domains ({', '.join(known)}): say which one (oradad_domain)")
    return known[0]


def _member_of(condition: Filter) -> str | None:
    """The group whose members are asked for ("*": of any group), where that alone narrows the search."""
    if isinstance(condition, Leaf):
        if condition.attribute != _MEMBER_OF or condition.operator != "=":
            return None
        return "*" if condition.present else condition.value.decode("utf-8", "replace")
    if condition.operator == "&":
        return next((found for child in condition.children if (found := _member_of(child)) is not None), None)
    return None


def _only_indexed(condition: Filter) -> bool:
    """Whether every class that a filter names is one that the store has an index of."""
    if isinstance(condition, Leaf):
        return condition.attribute != "objectclass" or (
            not condition.present and condition.value.decode("utf-8", "replace").casefold() not in COMMON
        )
    return all(_only_indexed(child) for child in condition.children)


def _dns(dn: str) -> str:
    return ".".join(part[3:] for part in dn.split(",") if part[:3].upper() == "DC=")
