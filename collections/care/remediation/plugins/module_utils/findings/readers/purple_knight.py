# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Purple Knight (Semperis): the table "Indicators results" of its CSV and XLSX exports, one row an indicator.

The columns are those that public importers of these exports read (versions 1.4 to 5.x). The objects of an indicator are
in a sheet, or a CSV file, of its own, which only its name ties to the indicator. An indicator that carries a name of
ANSSI's control points is about the same subject, not the same test: its records say so (``population``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final

from ..model import make_object
from ..records import HOST, INFO, WEAKNESS, Asset, Record, Skipped, new_info
from . import tables, workbook
from .anssi import GRADES, common_name, domain_of_dn, is_sid, point
from .errors import ReportError
from .tables import Table, TableHead, fold
from .xmlstream import cut

COLUMNS: Final = ("ShortName", "Name", "Status", "Severity")
RESULTS: Final = "Indicators results"
SUMMARY: Final = "Assessment summary"
MAX_INDICATORS: Final = 5_000
MAX_OBJECTS: Final = 500_000  # of all indicators together
MAX_TAGS: Final = 50
MAX_WORDS: Final = 8000

_FOUND: Final = frozenset({"ioe found", "ioc found", "ioefound", "iocfound", "ioe", "ioc", "fail", "failed"})
_PASSED: Final = frozenset({"pass", "passed"})
_FAILED_TO_RUN: Final = frozenset({"failed to run", "error", "timeout", "canceled", "cancelled"})
_NOT_RUN: Final = frozenset({"not relevant", "not selected"}) | _FAILED_TO_RUN
# Purple Knight's own words
_GRADES: Final = {"critical": "critical", "high": "high", "medium": "medium", "low": "low", "warning": "low"}
_INFORMATION: Final = frozenset({"informational", "information", "info"})
_DIRECTORY: Final = frozenset({"", "ad", "active directory"})
# Security_Assessment_Report_<forest>_<when>_(<indicator>), in the column Result and as the name of files
_REPORT: Final = re.compile(
    r"Security_Assessment_Report_([^/\\]{1,255}?)_([0-9]{4})_([0-9]{2})_([0-9]{2})_([0-9]{2})_([0-9]{2})_([0-9]{2})"
)
_OF_INDICATOR: Final = re.compile(r"\((SI[0-9]{1,9})\)\.csv\Z", re.IGNORECASE)
_TAG: Final = re.compile(r"anssi_[0-9]{1,3}\Z")
_MARKUP: Final = re.compile(r"<[^<>]{0,500}>")
_NAMES: Final = ("distinguishedname", "dn", "objectdn", "userdistinguishedname")
_SIDS: Final = ("objectsid", "sid", "usersid")
_HOSTS: Final = ("hostname", "computername", "dnshostname", "domaincontroller")
_ACCOUNTS: Final = ("samaccountname", "sam account name", "user", "username", "account")

Rows = Iterator[tuple[int, dict[str, str]]]


class _Indicators:
    """What both shapes of an export have in common: indicators, the objects of each, and what stands beside."""

    type: Final = "purple_knight"

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.skipped = Skipped()
        # covers no control point: an indicator never tests what ANSSI's does
        self.info = new_info(passed=[], failed=[], not_evaluated=[], covers=[])
        self._forest = Asset(domain=True)
        self._domains: dict[str, Asset] = {}
        self._begun = False
        self._indicators = self._objects = 0
        self._seen: set[str] = set()
        self._not_run: list[str] = []
        self._without: list[str] = []
        self._forest_said = ""

    def _workbook(self, book: Any) -> Iterator[Record]:
        titles = {fold(title): title for title in book.sheets}
        if (summary := titles.get(fold(SUMMARY))) is not None:
            self._summary(book.rows(summary, limit=500))
        results = titles.get(fold(RESULTS)) or next(
            (title for title in book.sheets if any(_header(cells) for _line, cells in book.rows(title, limit=50))), ""
        )
        if not results:
            raise ReportError(book.name, "has no sheet of indicators")

        def objects(indicator: str) -> Rows | None:
            title = titles.get(fold(indicator))
            return None if title is None or title == results else _dictionaries(book.rows(title))

        yield from self._rows(_dictionaries(book.rows(results), COLUMNS), objects)
        known = {*self._seen, fold(SUMMARY), fold(results)}
        self._others("sheets", [title for key, title in titles.items() if key not in known])

    def _others(self, what: str, names: Sequence[str]) -> None:
        if names:
            listed = ", ".join(cut(name, 100) for name in names[:50])
            more = f" and {len(names) - 50} more" if len(names) > 50 else ""
            self.notes.append(f"{what} that belong to no indicator, not read: {listed}{more}")

    def _summary(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        """What the first sheet says of the whole assessment: pairs of a description and a value."""
        for _line, cells in rows:
            what, value = (fold(cells[0]), cells[1].strip()) if len(cells) > 1 else ("", "")
            if not value:
                continue
            if "version" in what and self.info["version"] is None:
                self.info["version"] = cut(value, 40)
            elif "forest" in what and "." in value and " " not in value and not self._forest_said:
                self._forest_said = value

    def _rows(self, rows: Rows, objects: Callable[[str], Rows | None] | None) -> Iterator[Record]:
        for line, row in rows:
            self._indicators += 1
            if self._indicators > MAX_INDICATORS:
                self.skipped.add(f"line {line}", f"more than {MAX_INDICATORS} indicators: no report has so many")
                continue
            yield from self._indicator(line, {fold(name): value for name, value in row.items()}, objects)

    # --- one indicator

    def _indicator(
        self, line: int, row: Mapping[str, str], objects: Callable[[str], Rows | None] | None
    ) -> Iterator[Record]:
        short, status = row.get("shortname", ""), fold(row.get("status", ""))
        where = f"line {line} ({cut(short, 60)})" if short else f"line {line}"
        if not short:
            self.skipped.add(where, "it has no ShortName: the tool's own id of an indicator")
            return
        if fold(short) in self._seen:
            self.skipped.add(where, "this indicator is there twice; the first one counts")
            return
        self._seen.add(fold(short))
        rule = cut(short, 100)
        self._from_name(row.get("result", ""))
        if status not in _FOUND | _PASSED | _NOT_RUN:
            self.skipped.add(where, f"its Status {cut(row.get('status', ''), 60)!r} is not known")
            return
        yield from self._begin()
        title, severity = cut(row.get("name", ""), 500), cut(row.get("severity", ""), 60) or None
        elsewhere = fold(row.get("target", "")) not in _DIRECTORY
        facts = self._facts(row)
        if status not in _FOUND:
            self.info["passed" if status in _PASSED else "not_evaluated"].append(rule)
            if status in _FAILED_TO_RUN:
                self._not_run.append(rule)
            yield Record(
                INFO, None if elsewhere else self._forest, rule=rule, title=title, severity=severity,
                wording=cut(row.get("status", ""), 60), facts=facts, place=where,
            )  # fmt: skip
            return
        self.info["failed"].append(rule)
        points = _points(row)
        grade = _GRADES.get(fold(severity or ""))
        ioc = status.startswith("ioc")  # someone was there: never only for information
        given = 0
        rows = objects(short) if objects is not None and not elsewhere else None
        try:
            for at, one in rows or ():
                self._objects += 1
                if self._objects > MAX_OBJECTS:
                    self.skipped.add(f"{rule}, row {at}", f"more than {MAX_OBJECTS} objects in one report")
                    self.info["closes"] = False
                    break
                given += 1
                place = f"{rule}, row {at}"
                yield from self._found(rule, title, severity, grade, facts, points, one, place, compromised=ioc)
        except ReportError as exc:  # the list of its objects; the indicator itself is kept
            self.skipped.add(f"objects of {rule}", exc.reason)
            self.info["closes"] = False
        if not given:
            if facts.get("count") and not elsewhere:
                self._without.append(rule)
            yield from self._found(
                rule, title, severity, grade, facts, points, None, where, compromised=ioc, elsewhere=elsewhere
            )

    def _found(
        self,
        rule: str,
        title: str,
        severity: str | None,
        grade: str | None,
        facts: Mapping[str, Any],
        points: Sequence[tuple[str, int | None]],
        row: Mapping[str, str] | None,
        place: str,
        *,
        compromised: bool,
        elsewhere: bool = False,
    ) -> Iterator[Record]:
        """One record for each control point that the indicator names (else one) about one of its objects."""
        made = _object(row) if row is not None else None
        for_information = fold(severity or "") in _INFORMATION and not compromised
        own = {name: value for name, value in (row or {}).items() if value}
        ignored = fold(own.get("Ignored", "")) in ("true", "yes", "1", "vrai", "oui")
        asset = None if elsewhere else self._asset(made["dn"] if made else None)
        words = "; ".join(f"{name}: {cut(value, 1000)}" for name, value in own.items()) or facts.get("message") or title
        named: Sequence[tuple[str | None, int | None]] = points or [(None, None)]
        for control, level in named:
            told: dict[str, Any] = dict(facts)
            if control is not None:
                told |= {"control": control, "population": "differs"}
                told |= {"level": level} if level else {}
            yield Record(
                INFO if ignored or for_information else WEAKNESS,
                asset,
                rule=rule,
                title=title,
                wording=cut(words, MAX_WORDS),
                severity=severity,
                grade=grade or (GRADES.get(level) if level and severity is None else None),
                object=made,
                facts=told,
                place=place,
            )

    def _facts(self, row: Mapping[str, str]) -> dict[str, Any]:
        tags = [value for name, value in row.items() if re.fullmatch(r".+_[0-9]{1,3}", name) and value][:MAX_TAGS]
        count = row.get("number of results", "")
        facts = {
            "category": cut(row.get("category", ""), 200),
            "message": cut(_plain(row.get("result message", "")), MAX_WORDS),
            "solution": cut(_plain(row.get("remediation", "")), MAX_WORDS),
            "references": [cut(tag, 200) for tag in tags],
            "count": int(count) if re.fullmatch(r"[0-9]{1,9}", count) else None,
            "score": cut(row.get("score", ""), 20),
        }
        return {name: value for name, value in facts.items() if value not in (None, "", [])}

    # --- whose it is

    def _from_name(self, text: str) -> None:
        """Forest and time of a text like Security_Assessment_Report_<forest>_2026_10_06_13_42_27_(SI000056)."""
        match = _REPORT.search(text)
        if match is None:
            return
        self._forest_said = self._forest_said or match[1]
        if self.info["generated"] is None:
            year, month, day, hour, minute, second = match.groups()[1:]
            if "01" <= month <= "12" and "01" <= day <= "31" and hour < "24" and minute < "60" and second < "60":
                self.info["generated"] = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"

    def _begin(self) -> Iterator[Record]:
        if self._begun:
            return
        self._begun = True
        forest = self._forest_said.strip().rstrip(".").lower()
        if forest:
            self._forest.typed_names.append(cut(forest, 255))
            self._domains[forest] = self._forest
        else:
            self.notes.append("the report names no forest: its findings belong to no domain of the inventory")
        yield Record(HOST, self._forest)

    def _asset(self, dn: str | None) -> Asset:
        """The domain that a DN is in; the forest where it tells none."""
        domain = domain_of_dn(dn) if dn else ""
        if not domain or len(domain) > 255:
            return self._forest
        known = self._domains.get(domain)
        if known is None and len(self._domains) < 1_000:
            known = self._domains[domain] = Asset(typed_names=[domain], domain=True)
        return known or self._forest

    def _end(self) -> None:
        if not self._begun and not self._seen:
            self.notes.append("the table holds no indicator")
        if self.skipped.count:
            self.info["closes"] = False  # what could not be read may be what an earlier report said
        for name in ("passed", "failed", "not_evaluated"):
            self.info[name].sort()
        self.info["finished"] = "success"
        self.notes.append(
            f"indicators: {len(self.info['failed'])} found something, {len(self.info['passed'])} passed, "
            f"{len(self.info['not_evaluated'])} not evaluated"
        )
        if self.info["generated"] is not None:
            self.notes.append("the time of the report is the local time of the machine that wrote it, taken for UTC")
        if self._not_run:
            self.notes.append(f"Purple Knight could not run: {', '.join(sorted(self._not_run)[:200])}")
        if self._without:
            self.info["closes"] = False  # an earlier export may have named objects that are still there
            self.notes.append(
                "their objects are not in this file (give the XLSX export, or a ZIP of the folder of CSV files): "
                f"{', '.join(sorted(self._without)[:200])}"
            )


class PurpleKnightReader(_Indicators):
    """One CSV or workbook; ``PurpleKnightFolder`` is the ZIP of the folder of CSV files."""

    @staticmethod
    def recognise(head: TableHead) -> bool:
        """Whether a sheet, or the CSV, has the header of the indicators."""
        return any(_header(cells) for seen in head.sheets.values() for _line, cells in seen)

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record, in the file's order. Raises ReportError."""
        name = getattr(stream, "name", "the report")
        self._from_name(str(name))
        mark = stream.read(4)
        if mark == tables.ZIP:
            stream.seek(0)
            with workbook.Book(stream, str(name)) as book:  # all sheets of one file that is opened once
                yield from self._workbook(book)
        else:
            table = Table(_Again(mark, stream), name=str(name), header=COLUMNS, skipped=self.skipped)  # type: ignore[arg-type]
            yield from self._rows(table.rows(), None)
            self.notes += table.notes
        self._end()


class PurpleKnightFolder(_Indicators):
    """A ZIP of the folder into which Purple Knight writes its CSV files: the indicators, and the objects of each."""

    @staticmethod
    def recognise(names: Sequence[str]) -> bool:
        """Whether an archive holds files that Purple Knight named."""
        return any(_REPORT.search(name) and name.lower().endswith(".csv") for name in names)

    def records(self, members: Mapping[str, Callable[[], BinaryIO]]) -> Iterator[Record]:
        """Every record. ``members``: the name of each file in the archive, and what opens it. Raises ReportError."""
        details: dict[str, str] = {}
        results = None
        others = []
        for name in members:
            of_indicator = _OF_INDICATOR.search(name)
            if of_indicator is not None:
                details[fold(of_indicator[1])] = name
            elif name.lower().endswith(".csv") and results is None and self._is_results(members[name]):
                results = name
            else:
                others.append(name)
        if results is None:
            raise ReportError(
                next(iter(members), "the archive"),
                f'the archive holds no table "{RESULTS}" of Purple Knight (columns {", ".join(COLUMNS)})',
            )
        self._from_name(results)

        def objects(indicator: str) -> Rows | None:
            name = details.get(fold(indicator))
            if name is None:
                return None
            return Table(members[name](), name=name, header=1, skipped=self.skipped).rows()

        table = Table(members[results](), name=results, header=COLUMNS, skipped=self.skipped)
        yield from self._rows(table.rows(), objects)
        self.notes += table.notes
        self._others("files", [*others, *(name for key, name in details.items() if key not in self._seen)])
        self._end()

    def _is_results(self, opened: Callable[[], BinaryIO]) -> bool:
        try:
            head = tables.csv_head(opened().read(tables.SNIFFED))
        except ReportError:
            return False
        return PurpleKnightReader.recognise(head)


class _Again:
    """A stream of which the first bytes were looked at."""

    def __init__(self, beginning: bytes, stream: BinaryIO) -> None:
        self._beginning = beginning
        self._stream = stream

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        if self._beginning:
            piece, self._beginning = self._beginning, b""
            return piece
        return self._stream.read(size)


def _header(cells: Sequence[str]) -> bool:
    return tables.is_header(cells, COLUMNS)


def _dictionaries(rows: Iterator[tuple[int, list[str]]], wanted: Sequence[str] | None = None) -> Rows:
    """Rows of a sheet below its header: the first row with two texts, or the one with the wanted names."""
    columns: list[str] | None = None
    for line, cells in rows:
        if columns is None:
            columns = tables.names(cells) if tables.is_header(cells, wanted) or not wanted else None
        elif any(cells):
            yield line, dict(zip(columns, cells, strict=False))


def _points(row: Mapping[str, str]) -> list[tuple[str, int | None]]:
    """ANSSI's control points that an indicator names, each once, with the level that its name carries."""
    found: dict[str, int | None] = {}
    for name, value in row.items():
        if _TAG.fullmatch(name) and (known := point(value)) is not None:
            found.setdefault(*known)
    return list(found.items())[:MAX_TAGS]


def _object(row: Mapping[str, str]) -> dict[str, Any] | None:
    """The object of a row; None where no column names one."""
    folded = {fold(name).replace("_", ""): value.strip() for name, value in row.items()}

    def first(names: Sequence[str]) -> str:
        return next((folded[name] for name in names if folded.get(name)), "")

    dn, sid, sam = first(_NAMES), first(_SIDS), first(_ACCOUNTS)
    if not is_sid(sid):
        sid = ""
    if not (dn or sid or sam):
        host = cut(first(_HOSTS), 500)
        return make_object(type="computer", id=host.lower(), label=host) if host else None
    kind = "object"
    if sam or sid:
        kind = "computer" if sam.endswith("$") else "user"
    kind = {"group": "group", "computer": "computer", "user": "user"}.get(fold(folded.get("objectclass", "")), kind)
    return make_object(
        type=kind,
        id=cut(sid or dn or sam, 4096),
        label=cut(sam or (common_name(dn) if dn else sid), 500),
        dn=cut(dn, 4096) or None,
        sid=sid or None,
    )


def _plain(text: str) -> str:
    """A text of Purple Knight without its HTML, for reading; entities stay as they are."""
    return " ".join(_MARKUP.sub(" ", text).split())
