# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Mapping files (``schemas/mapping-1.json``): how a report without public format is read, written once by a person.

Read, checked, and told what is wrong in them by line and column. What they mean is ``readers.mapped``'s.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils import schema

from .escape import comment
from .readers.errors import ReportError
from .readers.tables import fold

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import yaml

SCHEMA: Final = "care.remediation/mapping/1"
SHIPPED: Final = Path(__file__).resolve().parents[3] / "mappings"
MAX_BYTES: Final = 1 << 20
MAX_PATTERN: Final = 500  # characters of a value that a pattern is held against
MAX_MISTAKES: Final = 20
_COMPARED: Final = re.compile(r"(>=|>|<=|<)\s*([0-9]{1,6}(?:[.,][0-9]{1,6})?)\Z")
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_INTEGERS: Final = frozenset(["header_row"])
# What a field may say; the schema has the same list.
FIELDS: Final = (
    *("rule", "title", "wording", "solution", "output", "references"),
    *("host", "address", "hostname", "sid", "domain"),
    *("port", "protocol", "service", "object", "object_type"),
    *("severity", "cvss", "cvss_vector", "epss", "kev", "cve", "cwe"),
    *("status", "first_seen", "date", "version"),
)


class MappingError(ReportError):
    """A mapping file is wrong; the message has a line for each mistake, with file, line and column."""

    def __init__(self, file: str, mistakes: Iterable[tuple[int, int, str]]) -> None:
        listed = sorted(mistakes)
        super().__init__(file, listed[0][2], line=listed[0][0])
        more = [f"… and {len(listed) - MAX_MISTAKES} more"] if len(listed) > MAX_MISTAKES else []
        lines = [f"{file}, line {line}, column {column}: {said}" for line, column, said in listed[:MAX_MISTAKES]]
        self.args = ("\n".join(lines + more),)


class Patterns:
    """Values to what they mean, the first that fits; case and accents do not matter."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._exact: dict[str, tuple[int, str]] = {}
        self._others: list[tuple[int, Any, str]] = []
        self._known: dict[str, str | None] = {}
        for order, (pattern, meaning) in enumerate(values.items()):
            compared = _COMPARED.match(pattern.strip())
            folded = fold(pattern)
            if compared:
                self._others.append((order, _comparison(compared[1], number(compared[2]) or 0.0), meaning))
            elif "*" in folded:
                # fnmatch knows ? and [] too; here only * is more than itself
                plain = re.sub(r"[\[?]", lambda found: f"[{found[0]}]", folded)
                self._others.append((order, re.compile(fnmatch.translate(plain)).match, meaning))
            else:
                self._exact.setdefault(folded, (order, meaning))

    def find(self, text: str) -> str | None:
        """What a value means; None where nothing fits. Remembers the commonest values."""
        if text in self._known:
            return self._known[text]
        folded = fold(text[:MAX_PATTERN])
        order, meaning = self._exact.get(folded, (1 << 30, None))
        for place, fits, said in self._others:
            if place > order:
                break
            if fits(folded):
                meaning = said
                break
        if len(self._known) < 10_000:
            self._known[text] = meaning
        return meaning


@dataclass(frozen=True)
class Source:
    """Where a field comes from: ``parts`` are columns or JMESPaths. ``how``: one, join, first or constant."""

    how: str
    parts: tuple[str, ...]
    separator: str = " — "


@dataclass(frozen=True, eq=False)
class MappingFile:
    """A mapping file that is right."""

    path: Path
    name: str
    kind: str
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    text: tuple[str, ...]
    fields: Mapping[str, Source]
    tool: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    delimiter: str | None = None
    encoding: str | None = None
    rows: str | None = None
    each: str | None = None
    fill_down: tuple[str, ...] = ()
    ignore_without: tuple[str, ...] = ()
    severities: Patterns | None = None
    closed: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    rules: Patterns | None = None
    controls: tuple[str, ...] = ()
    american: bool = False
    full: bool = False
    shipped: bool = False

    def reader(self, head: Any) -> Any | None:
        """A new reader for a report that begins so (``jsonstream.Head`` or ``tables.TableHead``); None where it is not
        of this mapping."""
        from .readers import mapped

        return mapped.MappedReader(self, head) if mapped.fits(head, self) else None


def load_all(folders: Iterable[Path], controls: Collection[str] | None = None) -> list[MappingFile]:
    """The mappings of these folders (``*.yml``, ``*.yaml``) and those of the collection, in the order in which a report
    is offered to them: a person's before the collection's, then who asks for more. A person's mapping takes the place
    of the collection's of the same name. ``controls``: the ids that ``rules`` may name; None: not checked.

    Raises MappingError; also where two mappings of a person have one name.
    """
    found: dict[str, MappingFile] = {}
    for folder in [*folders, SHIPPED]:
        shipped = folder == SHIPPED
        paths = sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]) if folder.is_dir() else []
        for path in paths:
            if path.name.startswith("."):
                continue
            made = load(path, controls, shipped=shipped)
            twin = found.get(made.name)
            if twin is None:
                found[made.name] = made
            elif not shipped:
                said = f"the name {made.name!r} is that of {twin.path} too: give each mapping its own"
                raise MappingError(str(path), [(1, 1, said)])
    return sorted(
        found.values(), key=lambda one: (one.shipped, -len(one.columns) - len(one.keys) - len(one.text), one.name)
    )


def load(path: Path, controls: Collection[str] | None = None, *, shipped: bool = False) -> MappingFile:
    """The mapping in a file. Raises MappingError."""
    name = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MappingError(name, [(1, 1, f"is larger than {MAX_BYTES >> 20} MiB")])
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as exc:
        raise MappingError(name, [(1, 1, "there is no such file")]) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise MappingError(name, [(1, 1, f"cannot be read as UTF-8: {exc}")]) from exc
    return parse(text, path=path, controls=controls, shipped=shipped)


def parse(text: str, *, path: Path, controls: Collection[str] | None = None, shipped: bool = False) -> MappingFile:
    """The mapping in a text. All mistakes are told at once. Raises MappingError."""
    name = str(path)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise MappingError(name, [(*place, f"not YAML: {exc.problem or exc}")]) from exc
    except (yaml.YAMLError, RecursionError) as exc:
        raise MappingError(name, [(1, 1, f"not YAML: {exc}")]) from exc
    if root is None:
        raise MappingError(name, [(1, 1, f"is empty; 'schema: {SCHEMA}' is where it begins")])
    written = _Written()
    document = written.plain(root, ())
    if not isinstance(document, dict) and not written.mistakes:
        written.mistakes.append((1, 1, "must be a mapping (key: value)"))
    if not written.mistakes and isinstance(document.get("fields"), dict):
        for field_name in [one for one in document["fields"] if one not in FIELDS]:
            said = f"{comment(field_name, 60)!r} is no field; the fields are {', '.join(FIELDS)}"
            written.add(("fields", field_name), said)
            del document["fields"][field_name]
    if isinstance(document, dict) and not [one for one in written.mistakes if "is no field" not in one[2]]:
        for problem in schema.problems(document, "mapping-1"):
            written.add(problem.place, _said(problem))
    if not written.mistakes:
        _check(document, written, controls)
    if written.mistakes:
        raise MappingError(name, written.mistakes)
    return _made(document, path, shipped)


@dataclass
class _Written:
    """A YAML document as plain data, every scalar as the text it is written as; remembers where each thing stands."""

    places: dict[tuple[str | int, ...], tuple[int, int]] = field(default_factory=dict)
    mistakes: list[tuple[int, int, str]] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def plain(self, node: yaml.Node, place: tuple[str | int, ...]) -> Any:
        mark = node.start_mark
        self.places.setdefault(place, (mark.line + 1, mark.column + 1))
        if id(node) in self._seen:
            self.mistakes.append((mark.line + 1, mark.column + 1, "anchors and aliases (& and *) are not read here"))
            return None
        if isinstance(node, yaml.ScalarNode):
            if node.tag == "tag:yaml.org,2002:null":
                return None
            if place and place[-1] in _INTEGERS and node.value.isascii() and node.value.isdigit():
                return int(node.value[:9])
            return node.value
        self._seen.add(id(node))
        if len(place) > 8:
            self.mistakes.append((mark.line + 1, mark.column + 1, "is nested too deeply"))
            return None
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(one, (*place, index)) for index, one in enumerate(node.value)]
        found: dict[str, Any] = {}
        for key, value in node.value:
            where = (key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                self.mistakes.append((*where, "a key must be one text"))
                continue
            if key.value in found:
                self.mistakes.append((*where, f"'{comment(key.value, 60)}' is written twice"))
            self.places[*place, key.value] = where
            found[key.value] = self.plain(value, (*place, key.value))
        return found

    def add(self, place: Iterable[str | int], said: str) -> None:
        """A mistake at a place of the document, or at the nearest one above it that is written."""
        parts = tuple(place)
        while parts not in self.places and parts:
            parts = parts[:-1]
        self.mistakes.append((*self.places.get(parts, (1, 1)), said))


def _said(problem: schema.Problem) -> str:
    where = ".".join(str(part) for part in problem.place)
    return f"{comment(where, 80)}: {comment(problem.reason)}" if where else comment(problem.reason)


def _check(document: dict[str, Any], written: _Written, controls: Collection[str] | None) -> None:
    import jmespath  # the control node has it
    from jmespath.exceptions import JMESPathError

    for column, control in document.get("rules", {}).items():
        if controls is not None and control not in controls:
            written.add(("rules", column), f"there is no control {comment(control, 80)!r} in the catalogue")
    if "encoding" in document:
        import codecs

        try:
            codecs.lookup(document["encoding"])
        except LookupError:
            written.add(("encoding",), f"{comment(document['encoding'], 60)!r} is no encoding: utf-8, cp1252, utf-16…")
    for index, name in enumerate(document.get("ignore_without", [])):
        if name not in document["fields"]:
            written.add(("ignore_without", index), f"'{name}' is not among the fields")
    for value, control in document.get("severities", {}).items():
        if value.strip().startswith((">", "<")) and not _COMPARED.match(value.strip()):
            written.add(("severities", value), f"{comment(value, 40)!r} ({control}) compares with no number")
    if document["kind"] != "json":
        return
    expressions: list[tuple[tuple[str, ...], Any]] = [
        ((key,), document[key]) for key in ("rows", "each") if key in document
    ]
    for name, given in document["fields"].items():
        source = _source(given)
        if source.how != "constant":
            expressions += [(("fields", name), part) for part in source.parts]
    for place, expression in expressions:
        try:
            jmespath.compile(expression)
        except JMESPathError as exc:
            written.add(place, f"{comment(expression, 80)!r} is no JMESPath: {comment(exc, 160)}")


def _made(document: dict[str, Any], path: Path, shipped: bool) -> MappingFile:
    match = document["match"]
    status = document.get("status", {})
    rules = document.get("rules", {})
    return MappingFile(
        path=path,
        name=document["name"],
        kind=document["kind"],
        columns=tuple(match.get("columns", ())),
        keys=tuple(match.get("keys", ())),
        text=tuple(match.get("text", ())),
        fields={name: _source(given) for name, given in document["fields"].items()},
        tool=document.get("tool"),
        sheet=document.get("sheet"),
        header_row=document.get("header_row"),
        delimiter=document.get("delimiter"),
        encoding=document.get("encoding"),
        rows=document.get("rows"),
        each=document.get("each"),
        fill_down=tuple(document.get("fill_down", ())),
        ignore_without=tuple(document.get("ignore_without", ())),
        severities=Patterns(document["severities"]) if "severities" in document else None,
        closed=frozenset(fold(one) for one in status.get("closed", ())),
        open=frozenset(fold(one) for one in status.get("open", ())),
        rules=Patterns(rules) if rules else None,
        controls=tuple(dict.fromkeys(rules.values())),
        american=document.get("dates") == "american",
        full=document.get("scope") == "full",
        shipped=shipped,
    )


def _source(given: Any) -> Source:
    if isinstance(given, str):
        return Source("one", (given,))
    if "join" in given:
        return Source("join", tuple(given["join"]), given.get("separator", " — "))
    if "first" in given:
        return Source("first", tuple(given["first"]))
    return Source("constant", (str(given["constant"]),))


def number(text: str) -> float | None:
    """A number as people and tools write it: 9.8, 9,8, "9.8 (critical)"; None where there is none."""
    found = _NUMBER.search(text[:100])
    return float(found[0].replace(",", ".")) if found else None


def _comparison(sign: str, limit: float) -> Any:
    def fits(text: str) -> bool:
        value = number(text)
        if value is None:
            return False
        if sign == ">=":
            return value >= limit
        if sign == ">":
            return value > limit
        return value <= limit if sign == "<=" else value < limit

    return fits
