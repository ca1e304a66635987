# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A table or JSON of a tool without reader of its own, read as a person's mapping file says (``mapping_file``).

The mapping is trusted, the report is not: a column is looked up by name, a JMESPath only selects, values are compared,
never evaluated.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from ..escape import terminal
from ..mapping_file import MappingFile, Source, number
from ..model import make_object
from ..records import HOST, INFO, WEAKNESS, Asset, Port, Record, Skipped, new_info
from . import jsonstream, mapped_values, tables
from .errors import ReportError
from .xmlstream import cut

MAX_RULE: Final = 200
MAX_TITLE: Final = 1_000
MAX_ASSETS: Final = 1_000_000
MAX_LISTED: Final = 30
MAX_REMEMBERED: Final = 20_000
_STEP: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|\"[^\".\\]+\")?(\[\*?\])?")
# CVSS v3.1, section 5: the qualitative severity rating scale
_CVSS: Final = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
_OBJECTS: Final = {
    "user": "user",
    "utilisateur": "user",
    "compte": "user",
    "account": "user",
    "computer": "computer",
    "ordinateur": "computer",
    "machine": "computer",
    "group": "group",
    "groupe": "group",
    "service": "service",
    "setting": "setting",
    "parametre": "setting",
}

_LISTS: Final[tuple[tuple[str, Callable[[str], list[str]]], ...]] = (
    ("cve", mapped_values.cves),
    ("cwe", mapped_values.cwes),
    ("references", mapped_values.links),
)

Row = Mapping[str, Any]


def recognise(head: Any, mappings: Iterable[MappingFile]) -> MappingFile | None:
    """The first mapping that a report is of, by its beginning (``jsonstream.Head`` or ``tables.TableHead``)."""
    return next((one for one in mappings if fits(head, one)), None)


def fits(head: Any, mapping: MappingFile) -> bool:
    """Whether a report that begins so is of this mapping."""
    if isinstance(head, jsonstream.Head):
        return (
            mapping.kind == "json"
            and set(mapping.keys) <= (head.keys | head.first)
            and all(text in head.text for text in mapping.text)
        )
    if mapping.kind not in (head.kind, "table") or mapping.kind == "json":
        return False
    if _has_header(head, mapping):
        return True
    if head.kind != "csv" or not head.beginning:
        return False
    # the delimiter that looked best may be wrong where titles or texts are full of another one
    encoding = mapping.encoding or head.encoding
    for delimiter in [mapping.delimiter] if mapping.delimiter else tables.DELIMITERS:
        if delimiter == head.delimiter and encoding == head.encoding:
            continue
        try:
            if _has_header(head.otherwise(encoding, delimiter), mapping):
                return True
        except ReportError:
            continue
    return False


def _has_header(head: tables.TableHead, mapping: MappingFile) -> bool:
    for title, rows in head.sheets.items():
        if head.kind == "xlsx" and mapping.sheet and tables.fold(title) != tables.fold(mapping.sheet):
            continue
        for line, cells in rows:
            if (mapping.header_row in (None, line)) and tables.is_header(cells, mapping.columns):
                return True
    return False


class MappedReader:
    """Reads one report by one mapping. ``type`` is ``mapped``, or the tool's where the mapping names one."""

    def __init__(self, mapping: MappingFile, head: Any) -> None:
        self.mapping = mapping
        self.type = mapping.tool or "mapped"
        self.head = head
        self.skipped = Skipped()
        self.notes: list[str] = []
        self.info = new_info(profile=mapping.name, closes=mapping.full)
        self._assets: dict[tuple[Any, ...], Asset] = {}
        # the same few texts stand in most rows
        self._folded = _Cache(tables.fold)
        self._moments = _Cache(lambda text: mapped_values.date(text, american=mapping.american))
        self._read_ports = _Cache(lambda both: mapped_values.ports(*both))
        self._read_places = _Cache(mapped_values.places)
        self._new: list[Asset] = []
        self._latest: datetime.datetime | None = None
        self.rows = self._closed = self._ignored = self._joined = self._undated = self._unplaced = 0
        self._graded = _Strange()
        self._statuses = _Strange()
        self._ports = _Strange()

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """One record for each row and each host that it names; rows that differ in their CVE alone are one. Raises
        ReportError; what stands before a truncation is given."""
        last: Record | None = None
        try:
            for place, get in self._json(stream) if self.mapping.kind == "json" else self._table(stream):
                self.rows += 1
                made = self._row(place, get)
                for asset in self._new:
                    yield Record(kind=HOST, asset=asset, place=place)
                self._new = []
                for record in made:
                    if last is not None and _same(last, record):
                        _join(last, record)
                        self._joined += 1
                        continue
                    if last is not None:
                        yield last
                    last = record
        except ReportError:
            if last is not None:
                yield last
                last = None
            raise
        else:
            if last is not None:
                yield last
        finally:
            self._finish()

    # --- rows

    def _table(self, stream: BinaryIO) -> Iterator[tuple[str, _Get]]:
        mapping = self.mapping
        table = tables.Table(
            stream,
            sheet=mapping.sheet,
            delimiter=mapping.delimiter,
            encoding=mapping.encoding,
            header=mapping.header_row if mapping.header_row is not None else mapping.columns,
            skipped=self.skipped,
        )
        table.name = getattr(stream, "name", "") or table.name
        get: _FromColumns | None = None
        above: dict[str, str] = {}
        filled: list[str] = []
        try:
            for line, row in table.rows():
                if get is None:
                    columns = {tables.fold(column): column for column in reversed(table.columns)}
                    get = _FromColumns(mapping.fields, columns)
                    filled = [columns[tables.fold(one)] for one in mapping.fill_down if tables.fold(one) in columns]
                    missing = sorted(get.missing)
                    if missing:
                        self.notes.append(f"columns that the mapping names and the report lacks: {', '.join(missing)}")
                for column in filled:
                    if row.get(column):
                        above[column] = row[column]
                    elif column in above:
                        row[column] = above[column]
                get.row = row
                yield f"line {line}", get
        finally:
            self.notes += table.notes

    def _json(self, stream: BinaryIO) -> Iterator[tuple[str, _Get]]:
        import jmespath  # the control node has it
        from jmespath.exceptions import JMESPathError

        mapping = self.mapping
        get = _FromPaths(mapping.fields)
        each = jmespath.compile(mapping.each) if mapping.each else None
        for place, row in self._json_rows(stream):
            try:
                inner = each.search(row) if each else None
            except (JMESPathError, TypeError, ValueError) as exc:
                self.skipped.add(place, f"'each' does not fit: {cut(str(exc), 200)}")
                continue
            if each is None:
                inner = [row]
            elif not isinstance(row, dict):
                inner = [row]  # told below
            elif not isinstance(inner, list | None):
                self.skipped.add(place, f"'each' gives a {type(inner).__name__} here, and no list")
                continue
            for index, one in enumerate(inner or [], 1):
                where = place if each is None else f"{place}, {index}"
                if not isinstance(one, dict):
                    self.skipped.add(where, f"a row is an object; here is a {type(one).__name__}")
                    continue
                get.row = {**one, "row": row} if each else one
                try:
                    get.check()
                except (JMESPathError, TypeError, ValueError) as exc:
                    self.skipped.add(where, f"a field does not fit: {cut(str(exc), 200)}")
                    continue
                yield where, get

    def _json_rows(self, stream: BinaryIO) -> Iterator[tuple[str, Any]]:
        mapping = self.mapping
        if self.head.top == "lines":
            for line, value in jsonstream.lines(stream, self.skipped, self.notes):
                yield f"line {line}", value
            return
        expression = mapping.rows or ("[]" if self.head.top == "array" else None)
        prefix = "" if expression is None else streamed(expression)
        if prefix is not None:
            values: Iterable[Any] = (
                value for _place, value in jsonstream.items(stream, [prefix], self.skipped, self.notes)
            )
        else:
            values = self._whole(stream, expression or "@")
        count = 0
        for count, value in enumerate(values, 1):
            yield f"row {count}", value
        if not count and expression:
            self.notes.append(f"there is no row at {expression!r}")

    def _whole(self, stream: BinaryIO, expression: str) -> Iterator[Any]:
        import jmespath
        from jmespath.exceptions import JMESPathError

        for _place, whole in jsonstream.items(stream, [""]):
            try:
                found = jmespath.search(expression, whole)
            except (JMESPathError, TypeError, ValueError) as exc:
                raise ReportError("the report", f"'rows' of the mapping does not fit: {cut(str(exc), 200)}") from exc
            yield from found if isinstance(found, list) else [] if found is None else [found]

    # --- one row

    def _row(self, place: str, get: _Get) -> list[Record]:
        mapping = self.mapping
        texts = get.all()
        of = texts.get
        assets = self._assets_of(of, place)
        moment = self._moment(of("date") or "")
        if moment is not None and (self._latest is None or moment > self._latest):
            self._latest = moment
        if of("version") and not self.info["version"]:
            self.info["version"] = cut(of("version") or "", 40)
        if any(not texts[name] for name in mapping.ignore_without):
            self._ignored += 1
            return []
        status = of("status")
        if status:
            folded = self._folded[status]
            if folded in mapping.closed:
                self._closed += 1
                return []
            if mapping.open and folded not in mapping.open:
                self._statuses.add(status)
        title = _line(of("title") or "", MAX_TITLE)
        rule = _line(of("rule") or "", MAX_RULE) or cut(title, MAX_RULE)
        if not rule:
            self.skipped.add(place, "it has neither rule nor title: nothing says what is wrong")
            return []
        if assets is None:
            return []
        severity, grade = self._grade(of)
        facts = self._facts(of)
        if mapping.rules is not None:
            control = mapping.rules.find(rule) or mapping.rules.find(title)
            if control:
                facts["control"] = control
        common: dict[str, Any] = {
            "kind": INFO if grade == "info" else WEAKNESS,
            "rule": rule if mapping.tool else f"{mapping.name}:{rule}",
            "title": title,
            "wording": cut(of("wording") or ""),
            "severity": cut(severity, 100) if severity else None,
            "grade": None if grade == "info" else grade,
            "object": _object(of("object") or "", of("object_type") or ""),
            "place": place,
        }
        found: list[Record] = []
        listed = self._ports_of(of, facts)
        for asset, own in assets:
            for port in listed if listed else [own]:
                made = None if port is None else Port(port[0], port[1], service=_line(of("service") or "", 100) or None)
                found.append(Record(asset=asset, port=made, facts=dict(facts), **common))
        return found

    def _assets_of(self, of: _Of, place: str) -> list[tuple[Asset | None, tuple[str, int] | None]] | None:
        """Assets with the port that the cell itself named; None where there are too many."""
        hosts = self._read_places[of("host") or ""]
        addresses = self._read_places[of("address") or ""]
        learnt = _line(of("hostname") or "", 255)
        sid = _line(of("sid") or "", 200)
        domain = _line(of("domain") or "", 255)
        if len(hosts) > mapped_values.MAX_HOSTS or len(addresses) > mapped_values.MAX_HOSTS:
            self.skipped.add(place, f"it names more than {mapped_values.MAX_HOSTS} hosts")
            return None
        named = _together(hosts, addresses)
        if named or learnt or sid:
            alone = len(named) <= 1
            made: list[tuple[Asset | None, tuple[str, int] | None]] = []
            for where, name, said, port in named or [((), "", "", None)]:
                asset = self._asset(where, name, said or (learnt if alone else ""), sid if alone else "")
                made.append((asset, None if port is None else ("tcp", port)))
            return made
        if domain:
            return [(self._asset((), domain, "", "", domain=True), None)]
        if {"host", "address", "hostname", "sid", "domain"} & set(self.mapping.fields):
            self._unplaced += 1
        return [(None, None)]

    def _asset(self, where: tuple[str, ...], name: str, learnt: str, sid: str, *, domain: bool = False) -> Asset:
        key = (where, name.casefold(), "" if where or name else learnt.casefold() or sid, domain)
        asset = self._assets.get(key)
        if asset is not None:
            for text, known in ((learnt, asset.names), (sid, asset.sids)):
                if text and text not in known and len(known) < 16:
                    known.append(text)
        else:
            if len(self._assets) >= MAX_ASSETS:
                raise ReportError("the report", f"names more than {MAX_ASSETS} hosts")
            asset = self._assets[key] = Asset(
                addresses=list(where),
                typed_names=[name] if name else [],
                names=[learnt] if learnt else [],
                sids=[sid] if sid else [],
                domain=domain,
            )
            self._new.append(asset)
        return asset

    def _ports_of(self, of: _Of, facts: dict[str, Any]) -> list[tuple[str, int]]:
        text = of("port") or ""
        listed = self._read_ports[text, of("protocol") or ""]
        if listed is None:
            self._ports.add(text)
            facts["port_text"] = cut(text, 200)
            return []
        return listed

    def _grade(self, of: _Of) -> tuple[str | None, str | None]:
        severity = of("severity") or ""
        if severity and self.mapping.severities is not None:
            grade = self.mapping.severities.find(severity)
            if grade is None:
                self._graded.add(severity)
            return severity, grade
        score = mapped_values.share(number(of("cvss") or ""), 10)
        if score is not None:
            return severity or None, next((grade for limit, grade in _CVSS if score >= limit), None)
        if severity:
            self._graded.add(severity)
        return severity or None, None

    def _facts(self, of: _Of) -> dict[str, Any]:
        facts: dict[str, Any] = {}
        for name, split in _LISTS:
            text = of(name)
            if text and (found := split(text)):
                facts[name] = found
        for name, limit in (("cvss", 10.0), ("epss", 1.0)):
            text = of(name)
            if text:
                value = mapped_values.share(number(text), 100.0 if name == "epss" and "%" in text else limit)
                if value is not None:
                    facts[name] = value / 100 if name == "epss" and "%" in text else value
        if of("kev"):
            facts["kev"] = tables.fold(of("kev") or "") in mapped_values.TRUE
        for name, size in (("cvss_vector", 200), ("solution", 8_000), ("output", 8_000)):
            text = of(name)
            if text:
                facts[name] = cut(text, size)
        first = of("first_seen")
        if first:
            moment = self._moment(first)
            facts["first_seen"] = moment.date().isoformat() if moment else cut(first, 60)
        return facts

    def _moment(self, text: str) -> datetime.datetime | None:
        if not text:
            return None
        moment: datetime.datetime | None = self._moments[text]
        if moment is None:
            self._undated += 1
        return moment

    # --- in the end

    def _finish(self) -> None:
        if self._latest is not None:
            self.info["generated"] = self._latest.strftime("%Y-%m-%dT%H:%M:%SZ")
        if self.mapping.full and self.skipped.count:
            self.info["closes"] = False  # what could not be read may be what would be missed
            self.notes.append("some of it could not be read: this report closes nothing")
        elif self.mapping.full and self._latest is None:
            self.notes.append("no date was read: nobody can tell which report is the later one, so it closes nothing")
        name = self.mapping.name
        self.notes.insert(0, f"read by the mapping {name!r}{' of the collection' if self.mapping.shipped else ''}")
        counted = (
            (self.rows, "rows read"),
            (self._closed, "rows are corrected by their status, and not reported"),
            (self._ignored, f"rows lack {', '.join(self.mapping.ignore_without)}, and say nothing"),
            (self._joined, "rows differ from the row above in their CVE alone, and were joined to it"),
            (self._unplaced, "rows name no host"),
            (self._undated, "dates could not be read"),
        )
        self.notes += [f"{said}: {count}" for count, said in counted if count]
        self.notes += self._graded.note("severities that the mapping does not know (the finding is not graded)")
        self.notes += self._statuses.note("statuses that the mapping does not know (taken for open)")
        self.notes += self._ports.note("ports that could not be read (kept as text)")


_Of = Callable[[str], "str | None"]


class _Cache(dict[Any, Any]):
    """What a function made of a value, remembered; bounded."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        value = self[key] = self._make(key)
        return value


class _Get:
    """The texts of the fields in the present row."""

    row: Row

    def all(self) -> dict[str, str]:
        """Field to text."""
        raise NotImplementedError


class _FromColumns(_Get):
    def __init__(self, fields: Mapping[str, Source], columns: Mapping[str, str]) -> None:
        self.row = {}
        self.missing: set[str] = set()
        self._plain: list[tuple[str, str]] = []
        self._others: list[tuple[str, str, tuple[str, ...], str]] = []
        for name, source in fields.items():
            parts = source.parts
            if source.how != "constant":
                if source.how != "first":  # of several, some may well be missing
                    self.missing |= {cut(part, 80) for part in parts if tables.fold(part) not in columns}
                parts = tuple(columns[tables.fold(part)] for part in parts if tables.fold(part) in columns)
            if source.how == "one" and parts:
                self._plain.append((name, parts[0]))
            else:
                self._others.append((name, source.how, parts, source.separator))

    def all(self) -> dict[str, str]:
        row = self.row
        texts = {name: row.get(column, "") for name, column in self._plain}
        for name, how, parts, separator in self._others:
            texts[name] = _put_together(how, parts, separator, [row.get(part, "") for part in parts])
        return texts


class _FromPaths(_Get):
    def __init__(self, fields: Mapping[str, Source]) -> None:
        import jmespath

        self.row = {}
        self._sources = {
            name: (source.how, source.parts, source.separator, [jmespath.compile(part) for part in source.parts])
            if source.how != "constant"
            else (source.how, source.parts, source.separator, [])
            for name, source in fields.items()
        }
        self._texts: dict[str, str] = {}

    def check(self) -> None:
        """Look every field up. Raises what JMESPath does."""
        row = self.row
        self._texts = {
            name: _put_together(
                how, parts, separator, [mapped_values.as_text(path.search(row)).strip() for path in paths]
            )
            for name, (how, parts, separator, paths) in self._sources.items()
        }

    def all(self) -> dict[str, str]:
        return self._texts


def _put_together(how: str, parts: Sequence[str], separator: str, values: Sequence[str]) -> str:
    if how == "constant":
        return parts[0]
    if how == "one":
        return values[0] if values else ""
    if how == "first":
        return next((value for value in values if value), "")
    return separator.join(value for value in values if value)


@dataclass
class _Strange:
    """Values that the mapping does not know: counted, the first named."""

    values: Counter[str] = field(default_factory=Counter)
    others: int = 0

    def add(self, text: str) -> None:
        text = terminal(_line(text, 60))
        if text in self.values or len(self.values) < MAX_LISTED:
            self.values[text] += 1
        else:
            self.others += 1

    def note(self, said: str) -> list[str]:
        if not self.values:
            return []
        listed = ", ".join(f"{value} ({count})" for value, count in self.values.most_common())
        return [f"{said}: {listed}{f', others ({self.others})' if self.others else ''}"]


def streamed(expression: str) -> str | None:
    """The place (as ``jsonstream.items`` takes it) of the rows that a JMESPath gives; None where only the whole
    document says it. ``value``, ``value[]``, ``runs[].results[]`` and ``[]`` can be streamed."""
    steps: list[str] = []
    text = expression.strip()
    if text in ("", "@"):
        return None
    rest = text
    while rest:
        found = _STEP.match(rest)
        if found is None or not found[0] or (not found[1] and steps):
            return None
        if found[1]:
            steps.append(found[1].strip('"'))
        if found[2]:
            steps.append("item")
        rest = rest[found.end() :]
        if rest:
            if not rest.startswith("."):
                return None
            rest = rest[1:] or "\0"
    if steps[-1] != "item":
        steps.append("item")
    return ".".join(steps)


def _together(
    hosts: Sequence[mapped_values.Place], addresses: Sequence[mapped_values.Place]
) -> list[tuple[tuple[str, ...], str, str, int | None]]:
    """(addresses, name, learnt name, port) of each host that two cells name. A name in the cell of addresses is not the
    operator's: Nessus and others write there what an address resolved to."""
    if len(hosts) == 1 and addresses and all(one.address for one in addresses):
        where = dict.fromkeys(one.address for one in [*hosts, *addresses] if one.address)
        learnt = addresses[0].name if len(addresses) == 1 else ""
        return [(tuple(where), hosts[0].name, learnt, hosts[0].port or addresses[0].port)]
    if hosts and len(hosts) == len(addresses):
        return [
            (
                tuple(dict.fromkeys(place.address for place in (one, two) if place.address)),
                one.name,
                two.name,
                one.port or two.port,
            )
            for one, two in zip(hosts, addresses, strict=True)
        ]
    found: list[tuple[tuple[str, ...], str, str, int | None]] = []
    found += [((one.address,) if one.address else (), one.name, "", one.port) for one in hosts]
    found += [((one.address,) if one.address else (), "", one.name, one.port) for one in addresses]
    return found


def _line(text: str, limit: int) -> str:
    return cut(" ".join(text.split()), limit) if text else ""


def _object(label: str, kind: str) -> dict[str, Any] | None:
    label = _line(label, 500)
    if not label:
        return None
    is_name = "=" in label and "DC=" in label.upper()
    return make_object(
        type=_OBJECTS.get(tables.fold(kind), "object"), id=label, label=label, dn=label if is_name else None
    )


def _same(one: Record, two: Record) -> bool:
    """Whether two rows say the same thing but for the CVE (Nessus writes a row for each)."""
    return (
        one.asset is two.asset
        and one.asset is not None
        and one.rule == two.rule
        and one.port == two.port
        and one.object == two.object
        and one.severity == two.severity
        and one.wording == two.wording
        and "cve" in one.facts
        and "cve" in two.facts
        and one.facts.get("output") == two.facts.get("output")
    )


def _join(one: Record, two: Record) -> None:
    listed = one.facts["cve"]
    listed += [cve for cve in two.facts["cve"] if cve not in listed][: max(0, mapped_values.MAX_LIST - len(listed))]
    scores = [record.facts["cvss"] for record in (one, two) if "cvss" in record.facts]
    if scores:
        one.facts["cvss"] = max(scores)
