# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ssh-audit's JSON (``-j``), one server or, with ``-T``, an array of them; ssh-audit 2.5 to 3.9.

ssh-audit recommends algorithm by algorithm. One list of one level is one piece of work here (``critical.del.mac``:
these MACs are to go), as it is one line of sshd_config. Its levels grade algorithms among each other: what it calls
critical is no remote takeover, so they are graded medium and low. A CVE is graded by its CVSS.

A target that did not answer leaves plain text in the array, which is no JSON: taken out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..records import HOST, INFO, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .errors import ReportError
from .jsonstream import MAX_LINE, TRUNCATED, Head, items
from .jsontext import Text
from .jsonvalues import MAX_LONG, Begun, cves, grade_of, kept, mapping, number, port_number, sequence, text
from .xmlstream import Unknown, cut

GRADES: Final = {"critical": "medium", "warning": "low"}
FOR_INFORMATION: Final = frozenset(["informational"])
ACTIONS: Final = {"del": "remove", "chg": "change", "add": "add"}
CATEGORIES: Final = {"kex": "key exchanges", "key": "host key types", "enc": "ciphers", "mac": "MACs"}
# Notes of an algorithm, and the level of a recommendation that says the same
NOTES: Final = {"fail": "critical", "warn": "warning"}
# What it says of an algorithm newer than itself, as of a failure. No advice: kex-strict-s-v00, which older versions do
# not know, is what protects from Terrapin.
UNKNOWN: Final = "using unknown algorithm"
# The one of its additional notes that says something is wrong (3.2 and later)
THROTTLING: Final = "Potentially insufficient connection throttling"
MAX_NAMES: Final = 100

_FIELDS: Final = """
    additional_notes aut banner client_ip compression cves enc fingerprints kex key mac recommendations target
"""
_KNOWN: Final = frozenset(_FIELDS.split())
# Plain text, up to the next element or the end of the line; strings of JSON first: nothing in one is taken for it
_PLAIN_TEXT: Final = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"'
    rb"|(?:\x1b\[[0-9;]*m)*\[exception\]\s?(?P<said>[^\n]*?)(?:\x1b\[[0-9;]*m)*"
    rb"(?=,\s?(?:\{|\[exception\]|\x1b)|\]?\s*\Z)"
)
# What such a text looks like where the file was cut in its first word
_CUT_TEXT: Final = re.compile(rb"(?:\x1b(?:\[[0-9;]*m?)?)+(?:\[(?:e[xception]*)?)?\Z|\[e[xception]*\Z")
_BEGINS_WITH_TEXT: Final = re.compile(r"\[\s*(?:\x1b\[[0-9;]*m)*\[exception\] ")


class SshAuditReader:
    """Reads one file."""

    type = "ssh_audit"

    def __init__(self) -> None:
        self.info = new_info()
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.unknown = Unknown()
        self._assets: dict[str, Asset] = {}
        self._old = 0

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether a file that begins so is ssh-audit's."""
        if head.top == "array" and _BEGINS_WITH_TEXT.match(head.text.lstrip()):
            return True
        keys = head.first | head.keys
        return {"banner", "target"} <= keys and bool(keys & {"kex", "enc", "aut", "recommendations"})

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record. Raises ReportError."""
        begun = Begun(stream)
        array = begun.head is not None and begun.head.top == "array"
        source = _WithoutPlainText(begun, self.skipped, array=array)
        values = items(source, ["item" if array else ""], self.skipped, self.notes)  # type: ignore[arg-type]
        for count, (_place, value) in enumerate(values, start=1):
            if value is None and source.taken_out:
                source.taken_out -= 1
                continue
            yield from self._server(mapping(value), f"item {count}" if array else "the server")
        if self._old:
            self.info["closes"] = False
            self.notes.append(
                f"ssh-audit before 3.0 writes no judgement into its JSON: {self._old} server(s) have algorithms only"
            )
        self.notes.append("ssh-audit's JSON has no date: it closes nothing, and no later report closes what it says")
        self.notes += self.unknown.note()

    def _server(self, entry: Mapping[str, Any], place: str) -> Iterator[Record]:
        name, value = _split(text(entry.get("target"), 300))
        if not name:
            self.skipped.add(place, "names no target")
            return
        place = f"{place} ({cut(name, 80)})"
        for key in entry.keys() - _KNOWN:
            self.unknown.add(key)
        banner = mapping(entry.get("banner"))
        if not text(banner.get("raw")) and not any(entry.get(category) for category in ("kex", "enc", "mac")):
            self.skipped.add(place, "no SSH server answered ssh-audit there")
            return
        asset = self._assets.get(name)
        if asset is None:
            own = normal_address(name)
            asset = self._assets[name] = Asset([own] if own else [], [] if own else [cut(name, 255)])
            yield Record(HOST, asset, place=place)
        port = None
        if value is not None:
            port = Port("tcp", value, "open", "ssh", product=text(banner.get("raw"), 200))
            yield Record(PORT, asset, port=port, place=place)
        judged = "recommendations" in entry
        self._old += not judged
        for record in self._judgements(entry, place) if judged else _algorithms(entry):
            record.asset, record.port = asset, port
            record.place = f"{place}, {record.place}" if record.place else place
            yield record

    def _judgements(self, entry: Mapping[str, Any], server: str) -> Iterator[Record]:
        lists: dict[tuple[str, str, str], dict[str, str]] = {}
        for level, actions in mapping(entry.get("recommendations")).items():
            for action, categories in mapping(actions).items():
                for category, wanted in mapping(categories).items():
                    self._recommendation((level, action, category), sequence(wanted), lists, server)
        # What is judged, though nothing is recommended: of software that it does not know, or of no setting
        told = {(category, name) for (_list, _verb, category), names in lists.items() for name in names}
        for category in CATEGORIES:
            unknown = []
            for name, notes in _noted(entry.get(category)):
                if UNKNOWN in sequence(notes.get("fail")):
                    unknown.append(name)
                    continue
                levels = [level for note, level in NOTES.items() if notes.get(note)]
                if levels and (category, name) not in told:
                    lists.setdefault((levels[0], "del", category), {})[name] = ""
            if unknown:
                yield Record(INFO, None, rule=f"unknown.{category}", wording=", ".join(unknown[:MAX_NAMES]))
        for kind, names in lists.items():
            yield from _to_do(kind, names)
        for count, one in enumerate(sequence(entry.get("cves")), start=1):
            yield from self._cve(mapping(one), f"cves {count}", server)
        for count, note in enumerate(sequence(entry.get("additional_notes")), start=1):
            yield _note(text(note, MAX_LONG), f"additional_notes {count}")

    def _recommendation(
        self,
        kind: tuple[str, str, str],
        wanted: list[Any],
        lists: dict[tuple[str, str, str], dict[str, str]],
        server: str,
    ) -> None:
        level, action, category = kind
        place = f"{server}, recommendations {level[:20]}.{action[:20]}.{category[:20]}"
        if level not in GRADES.keys() | FOR_INFORMATION or action not in ACTIONS or category not in CATEGORIES:
            self.skipped.add(place, "is a kind of recommendation that this version does not know")
            return
        names = lists.setdefault(kind, {})
        for one in wanted:
            name = text(one, 100) or text(mapping(one).get("name"), 100)
            if name and len(names) < MAX_NAMES:
                names[name] = text(mapping(one).get("notes"), 300)
            else:
                self.skipped.add(place, "an algorithm without a name" if not name else f"more than {MAX_NAMES}")

    def _cve(self, entry: Mapping[str, Any], place: str, server: str) -> Iterator[Record]:
        known = cves(entry.get("name"))
        if not known:
            self.skipped.add(f"{server}, {place}", f"is no CVE: {text(entry.get('name'), 40)!r}")
            return
        score = number(entry.get("cvssv2"), 0, 10)
        yield Record(
            WEAKNESS,
            None,
            rule=known[0],
            title=known[0],
            wording=text(entry.get("description"), MAX_LONG),
            severity=None if score is None else str(score),
            grade=grade_of(score, 2),
            facts=kept({"cve": known, "cvss": score}),
            place=place,
        )


def _to_do(kind: tuple[str, str, str], names: Mapping[str, str]) -> Iterator[Record]:
    if not names:
        return
    level, action, category = kind
    grade = GRADES.get(level)
    yield Record(
        INFO if grade is None else WEAKNESS,
        None,
        rule=f"{level}.{action}.{category}",
        title=f"SSH {CATEGORIES[category]} to {ACTIONS[action]}",
        wording=", ".join(f"{name} ({note})" if note else name for name, note in names.items()),
        severity=level,
        grade=grade,
        facts={"algorithms": list(names)},
        place=f"recommendations {level}.{action}.{category}",
    )


def _note(said: str, place: str) -> Record:
    known = cves(said)
    if said.startswith(THROTTLING):
        rule, kind, grade = "additional_notes.throttling", WEAKNESS, "low"
    else:
        rule, kind, grade = "additional_notes", INFO, None
    title = "many SSH connections at a time are let in" if kind == WEAKNESS else ""
    return Record(
        kind, None, rule=rule, title=title, wording=said, grade=grade, facts=kept({"cve": known}), place=place
    )


def _algorithms(entry: Mapping[str, Any]) -> Iterator[Record]:
    """Of versions that judge nothing: what the server offers."""
    for category in CATEGORIES:
        names = [name for name, _notes in _noted(entry.get(category))][:MAX_NAMES]
        if names:
            yield Record(INFO, None, rule=category, wording=", ".join(names), facts={"algorithms": names})


def _noted(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and notes of the algorithms of one category; older versions write names only."""
    for one in sequence(value):
        name = text(one, 100) or text(mapping(one).get("algorithm"), 100)
        if name:
            yield name, mapping(one["notes"]) if isinstance(one, dict) and "notes" in one else {}


def _split(target: str) -> tuple[str, int | None]:
    """Host and port; 2.5 writes the host alone, whatever the port was."""
    if not target or normal_address(target):
        return target, None
    host, _colon, digits = target.rpartition(":")
    value = port_number(digits) if host else None
    return (host.strip("[]"), value) if value is not None else (target.strip("[]"), None)


class _WithoutPlainText:
    """The file without the lines of plain text that ssh-audit leaves between its elements."""

    def __init__(self, stream: Any, skipped: Skipped, *, array: bool) -> None:
        self.name = stream.name
        self._array = array
        self._pieces = Text(stream).utf8()
        self._skipped = skipped
        self._rest = b""
        self._line = 0
        self._before = b""
        self.taken_out = 0
        self._done = False

    def read(self, _size: int) -> bytes:
        """The next lines; nothing at the end."""
        while not self._done:
            piece = next(self._pieces, None)
            self._done = piece is None
            parts = (self._rest + (piece or b"")).split(b"\n")
            self._rest = b"" if self._done else parts.pop()
            if len(self._rest) > MAX_LINE:
                raise ReportError(self.name, "a line is longer than ssh-audit writes one", line=self._line + 1)
            if self._done:
                parts[-1] = self._end(parts[-1])
            out = b"\n".join([self._clean(part) for part in parts])
            if not self._done and parts:
                out += b"\n"
            if out:
                return out
        return b""

    def _end(self, line: bytes) -> bytes:
        """What follows the last line's end: nothing, unless the file was cut. An array says by itself that it was."""
        if self._array:
            return _CUT_TEXT.sub(b"", line)
        if line.lstrip().startswith((b"\x1b", b"[")) and not line.endswith(b"\x1b[0m"):
            raise ReportError(
                self.name,
                f"the file ends in the middle of a line of text: {TRUNCATED}",
                line=self._line + 1,
                truncated=True,
            )
        return line

    def _clean(self, line: bytes) -> bytes:
        self._line += 1
        if b"[exception]" in line:
            line = _PLAIN_TEXT.sub(self._taken_out, line)
        self._before = line.rstrip()[-1:] or self._before
        return line

    def _taken_out(self, match: re.Match[bytes]) -> bytes:
        if match["said"] is None:
            return match[0]
        said = re.sub(rb"\x1b\[[0-9;]*m", b"", match["said"]).strip().decode("utf-8", "replace")
        self._skipped.add(f"line {self._line}", f"ssh-audit: {said}")
        before = match.string[: match.start()].rstrip()[-1:] or self._before
        if before not in (b"[", b","):
            return b""
        self.taken_out += 1
        return b"null"
