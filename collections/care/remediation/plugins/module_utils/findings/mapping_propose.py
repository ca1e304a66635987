# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A mapping file proposed from a given report: its table or JSON is looked at; ``mapping_guess`` guesses."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from . import mapping_words
from .mapping_guess import Column, assign, kinds
from .mapping_trial import beginning, opened
from .mapping_write import Proposal, Writer
from .readers import content, jsonstream, mapped_values, tables
from .readers.errors import ReportError
from .records import Skipped

MAX_LOOKED: Final = 5_000  # rows that are looked at for values


def propose(path: Path, name: str, controls: Collection[str] = ()) -> Proposal:
    """A mapping called ``name`` for the report in ``path``. ``controls``: ids that may be suggested.

    Raises ReportError: it cannot be read, is no table or JSON with rows, or the tool has a reader here.
    """
    start = beginning(path)
    content.refuse(start, str(path))
    kind = content.kind(start)
    if kind == content.EMPTY:
        raise ReportError(str(path), "is empty")
    if kind == content.XML:
        raise ReportError(
            str(path), "is XML: a mapping reads tables (CSV, XLSX) and JSON. Export one of these from the tool", line=1
        )
    if kind == content.GZIP:
        raise ReportError(str(path), "is compressed (gzip): decompress it first")
    if kind == content.JSON:
        return _propose_json(path, name, start, controls)
    return _propose_table(path, name, controls)


# --- tables


def _propose_table(path: Path, name: str, controls: Collection[str]) -> Proposal:
    head = tables.head(path)
    sheet, line, delimiter = _header(path, head)
    table = tables.Table(
        path, sheet=sheet or None, delimiter=delimiter, header=line, accept_partial=True, skipped=Skipped()
    )
    columns: dict[str, Column] = {}
    for count, (_line, row) in enumerate(table.rows()):
        if not columns:
            columns = {one: Column(one) for one in table.columns}
        for key, text in row.items():
            columns[key].add(text)
        if count >= MAX_LOOKED:
            break
    listed = list(columns.values()) or [Column(one) for one in table.columns]
    writer = Writer(name, head.kind, path.name, controls)
    writer.fields(assign(listed), listed)
    writer.table(sheet, line, table, len(head.sheets))
    return writer.done()


def _header(path: Path, head: tables.TableHead) -> tuple[str, int, str | None]:
    """Sheet, line and delimiter of what is most likely the header: the row with the most names that mean something."""
    heads = [(head.delimiter, head)]
    if head.kind == "csv":
        heads += [
            (one, tables.csv_head(head.beginning, delimiter=one)) for one in tables.DELIMITERS if one != head.delimiter
        ]
    best: tuple[int, int, int] | None = None
    found: tuple[str, int, str | None] | None = None
    for order, (delimiter, one) in enumerate(heads):
        for sheet, rows in one.sheets.items():
            for line, cells in rows:
                texts = [cell for cell in cells if cell.strip()]
                if len(texts) < 2:
                    continue
                meant = sum(guess[1] for cell in texts if len(cell) < 60 and (guess := mapping_words.field_of(cell)))
                meant -= 3 * sum(1 for cell in texts if any(kinds(cell)))  # an address, a date: data, no header
                score = (meant, -order, -line)
                if best is None or score > best:
                    best, found = score, (sheet, line, delimiter)
    if found is None:
        raise ReportError(str(path), "is no table: none of its first rows has two cells with text")
    return found


# --- JSON


def _propose_json(path: Path, name: str, start: bytes, controls: Collection[str]) -> Proposal:
    head = jsonstream.head(start)
    if head is None or head.top == "scalar":
        raise ReportError(str(path), "is JSON without rows: neither a list nor an object", line=1)
    rows, elements = _rows(path, head)
    each, inner = _inner(elements)
    columns: dict[str, Column] = {}
    for element in inner:
        for key, value in _paths(element).items():
            columns.setdefault(key, Column(key)).add(value)
    listed = list(columns.values())[:300]
    if not listed:
        raise ReportError(str(path), "is JSON in which no list of objects was found: a mapping needs rows", line=1)
    writer = Writer(name, "json", path.name, controls)
    writer.fields(assign(listed), listed)
    writer.json(head, rows, each)
    return writer.done()


def _rows(path: Path, head: jsonstream.Head) -> tuple[str | None, list[dict[str, Any]]]:
    """JMESPath of the rows, and the first of them."""
    if head.top == "lines":
        with opened(path) as stream:
            values = (value for _line, value in jsonstream.lines(stream, Skipped()))
            return None, _objects(values)
    if head.top == "array":
        return "[]", _some(path, "item")
    best: list[dict[str, Any]] = []
    found: str | None = None
    for key in sorted(head.keys)[:50]:
        if "." in key or '"' in key:
            continue
        got = _some(path, f"{key}.item")
        if len(got) > len(best):
            best, found = got, f"{_name(key)}[]"
    if found is None:
        return None, _some(path, "")
    return found, best


def _some(path: Path, place: str) -> list[dict[str, Any]]:
    with opened(path) as stream:
        return _objects(value for _place, value in jsonstream.items(stream, [place], Skipped()))


def _objects(values: Iterable[Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    try:
        for value in values:
            if isinstance(value, dict):
                found.append(value)
            if len(found) >= MAX_LOOKED // 10:
                break
    except ReportError:
        pass  # what stands before the fault is enough to guess by; the trial tells it
    return found


def _inner(elements: list[dict[str, Any]]) -> tuple[str | None, list[dict[str, Any]]]:
    """Where rows hold lists of objects that say more than they do: the key of it, and those objects."""
    own = _meant(elements)
    counted: Counter[str] = Counter(
        key
        for element in elements
        for key, value in element.items()
        if isinstance(value, list) and any(isinstance(one, dict) for one in value)
    )
    for key, _count in counted.most_common(5):
        inner = [
            {**one, "row": {name: value for name, value in element.items() if name != key}}
            for element in elements
            for one in (element.get(key) or [] if isinstance(element.get(key), list) else [])
            if isinstance(one, dict)
        ][:MAX_LOOKED]
        if {"rule", "title"} & (_meant([{k: v for k, v in one.items() if k != "row"} for one in inner])) and (
            "severity" not in own
        ):
            return _name(key), inner
    return None, elements


def _meant(elements: Sequence[Mapping[str, Any]]) -> set[str]:
    keys = {key for element in elements[:50] for key in element}
    return {guess[0] for key in keys if (guess := mapping_words.field_of(key)) and guess[1] > 1}


def _paths(element: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in list(element.items())[:200]:
        path = f"{prefix}{_name(str(key))}"
        if isinstance(value, dict) and depth < 2:
            found |= _paths(value, f"{path}.", depth + 1)
        elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value[:5]):
            continue
        else:
            found[path] = mapped_values.as_text(value)
    return found


def _name(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key) else json.dumps(key, ensure_ascii=False)
