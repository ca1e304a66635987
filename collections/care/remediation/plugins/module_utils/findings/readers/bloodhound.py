# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A collection of SharpHound or another collector for BloodHound Community Edition: the ZIP of JSON files, versions 5
and 6 of its format.

Who controls whom cannot be told object by object: the whole graph is built first (``bloodhound_domain``), then judged
(``bloodhound_findings``). Memory grows with the domain, some 1.5 kB an account, not with the size of the files: each
object is read by itself, and access lists that objects share are kept once.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ..records import Record, Skipped, new_info
from . import jsonstream, jsonvalues
from .errors import ReportError
from .jsonstream import Head
from .xmlstream import cut

if TYPE_CHECKING:
    from .bloodhound_domain import Collection

VERSIONS: Final = (5, 6)
MAX_OBJECTS: Final = 5_000_000
# What makes the graph, in the order of reading: domains and policies are named by what comes after them
READ: Final = ("domains", "gpos", "ous", "containers", "groups", "users", "computers")
# What some collectors, and domains without certificate services, do not have
ALSO: Final = ("certtemplates", "enterprisecas")
_UNJUDGED: Final = "rootcas aiacas ntauthstores issuancepolicies sites siteservers sitesubnets sessions"
KNOWN: Final = frozenset((*READ, *ALSO, *_UNJUDGED.split()))
_MEMBER: Final = re.compile(r"(?:^|[/\\_-])([a-z]+)\.json\Z", re.IGNORECASE)
_WHEN: Final = re.compile(r"(?:^|[/\\])(20[0-9]{2})([01][0-9])([0-3][0-9])([0-2][0-9])([0-5][0-9])([0-5][0-9])_")
_PART: Final = (
    "is one file of a BloodHound collection (SharpHound). Who controls whom takes all of them: give the ZIP that the "
    "collector wrote, or put its JSON files into one"
)


def kind_of(name: str) -> str | None:
    """What a file of a collection holds, by the name that collectors give it: ``20261122_users.json`` holds users."""
    match = _MEMBER.search(name)
    kind = match[1].lower() if match else ""
    return kind if kind in KNOWN else None


class BloodHoundReader:
    """Reads the ZIP. Everything complete is judged before a truncated file is an error."""

    type: Final = "bloodhound"

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.info = new_info(covers=[], judged=[], closes=True)
        self._counts: Counter[str] = Counter()
        self._methods = 0
        self._truncated: ReportError | None = None

    @staticmethod
    def recognise(names: Sequence[str]) -> bool:
        """Whether an archive holds a collection: two files or more of its kinds, and accounts or groups among them."""
        kinds = {kind for name in names if (kind := kind_of(name)) is not None}
        return len(kinds) > 1 and bool(kinds & {"users", "computers", "groups"})

    def records(self, members: Mapping[str, Callable[[], BinaryIO]]) -> Iterator[Record]:
        """Every record. ``members``: the name of each file, and what opens it. Raises ReportError."""
        # only who reads such a report needs what judges it
        from .bloodhound_domain import Collection
        from .bloodhound_findings import judge

        collection = Collection(self.skipped)
        by_kind: dict[str, list[str]] = {}
        others = []
        for name in members:
            kind = kind_of(name)
            if kind is None:
                others.append(name)
            else:
                by_kind.setdefault(kind, []).append(name)
        self._when(members)
        for kind in (*READ, *ALSO):
            for name in by_kind.get(kind, ()):
                self._file(kind, name, members[name], collection)
        left = sorted(by_kind.keys() - {*READ, *ALSO})
        if left:
            self.notes.append(f"in the collection and not judged: {', '.join(left)}")
        if others:
            listed = ", ".join(cut(name, 100) for name in others[:20])
            self.notes.append(f"files of the archive that are none of a collection, not read: {listed}")
        missing = [kind for kind in READ if kind not in by_kind]
        if missing:
            self.notes.append(f"not in the collection: {', '.join(missing)}; what it would have shown is not judged")
        self._incomplete(collection, missing)
        yield from judge(collection, self.info, self.notes)
        self.notes += collection.notes()
        # another set of methods sees other things: only one that judged the same closes what it no longer finds
        looked = hashlib.sha256(",".join(self.info["judged"]).encode()).hexdigest()[:8]
        self.info["profile"] = f"methods {self._methods}, {len(self.info['judged'])} control points ({looked})"
        self.info["finished"] = "success" if self._truncated is None else "truncated"
        if self._truncated is not None:
            raise self._truncated

    def _file(self, kind: str, name: str, opened: Callable[[], BinaryIO], collection: Collection) -> None:
        """Take every object of one file, then look at what the file says of itself (it stands at its end)."""
        stream = opened()
        shown = str(getattr(stream, "name", name))
        meta: Mapping[str, Any] | None = None
        taken = 0
        before = self.skipped.count
        try:
            for place, value in jsonstream.items(stream, ("data.item", "meta"), self.skipped, self.notes):
                if place == "meta":
                    meta = jsonvalues.mapping(value)
                    self._meta(meta, kind, shown)
                    continue
                taken += 1
                self._counts[kind] += 1
                if sum(self._counts.values()) > MAX_OBJECTS:
                    raise ReportError(shown, f"the collection holds more than {MAX_OBJECTS} objects: refused")
                collection.take(kind, value, f"{cut(name, 200)}, object {taken}")
        except ReportError as exc:
            if not exc.truncated:
                raise
            self._truncated = self._truncated or exc
            self.skipped.add(shown, "the file ends in the middle: what stands before it was used")
            return
        finally:
            stream.close()
        if meta is None:
            raise ReportError(shown, "has no `meta`: it is no file of a BloodHound collection, or not a whole one")
        said = jsonvalues.number(meta.get("count"), 0, 10**9)
        lost = self.skipped.count - before
        if said is not None and int(said) != taken and int(said) != taken + lost:
            self.notes.append(f"{cut(name, 200)}: says that it holds {int(said)} objects, {taken} are there")
            collection.complete = False

    def _meta(self, meta: Mapping[str, Any], kind: str, shown: str) -> None:
        version = jsonvalues.number(meta.get("version"), 0, 10**6)
        if version not in VERSIONS:
            said = cut(str(meta.get("version")), 40)
            raise ReportError(
                shown,
                f"is version {said} of BloodHound's format; {' and '.join(map(str, VERSIONS))} are read (BloodHound "
                "Community Edition). Collect again with the SharpHound that BloodHound CE offers for download",
            )
        said = jsonvalues.text(meta.get("type"), 60).lower()
        if said and said != kind:
            raise ReportError(shown, f"holds {cut(said, 60)}, its name says {kind}: give the ZIP as it was written")
        self.info["version"] = str(int(version))
        methods = jsonvalues.number(meta.get("methods"), 0, 2**53)
        self._methods |= int(methods or 0)

    def _incomplete(self, collection: Collection, missing: Sequence[str]) -> None:
        """What was lost may be what was wrong: such a collection closes nothing and clears no control."""
        if missing or self.skipped.count or self._truncated is not None:
            collection.complete = False
        if not collection.complete:
            self.info["closes"] = False

    def _when(self, names: Sequence[str] | Mapping[str, Any]) -> None:
        """The time of the collection stands only in the names of its files."""
        found = (match.groups() for name in names if (match := _WHEN.search(name)))
        first = min(found, default=None)
        if first is not None:
            self.info["generated"] = jsonvalues.moment(f"{'-'.join(first[:3])}T{':'.join(first[3:])}")
        if self.info["generated"] is None:
            self.notes.append("the names of the files do not say when they were collected: they close nothing")
        else:
            self.notes.append("the time of the collection is that of its files' names, taken for UTC")


class BloodHoundPart:
    """One JSON file of a collection by itself: recognised, to say what to do."""

    type: Final = "bloodhound"

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.info: dict[str, Any] = {}

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether the file begins as a file of a collection."""
        return head.top == "object" and bool(head.keys & {"data", "meta"}) and '"ObjectIdentifier"' in head.text

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Raises ReportError: it is not enough."""
        raise ReportError(str(getattr(stream, "name", "the report")), _PART)
