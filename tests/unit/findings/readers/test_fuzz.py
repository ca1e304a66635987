# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every reader of the registry, over every fixture, after every mishap: an error that says what, or records; never a
traceback, never a silent loss, in bounded time and memory.

A new reader is tested here as soon as it has fixtures. ``tests/fuzz`` does the same by coverage, for hours.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import formats
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .checks import REPORTS, Result, attempt, fixtures, read
from .mutations import VALUES, mutate

FIXTURES = fixtures()
CONTENTS = {path: path.read_bytes() for path in FIXTURES}
every_fixture = pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: str(path.relative_to(REPORTS)))
# Where tools write one text for a list of one.
TEXT_FOR_LIST = frozenset(("versions", "cves"))
document = pytest.mark.parametrize(
    "fixture",
    [path for path in FIXTURES if CONTENTS[path].lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"<", b"{", b"[")],
    ids=lambda path: str(path.relative_to(REPORTS)),
)


def test_every_reader_has_fixtures() -> None:
    types = Counter(read(path).type for path in FIXTURES)
    missing = set(formats.types()) - set(types) - {"mapped"}
    assert not missing, f"no fixture in {REPORTS} is read by: {', '.join(sorted(missing))}"


@every_fixture
def test_a_fixture_is_taken_for_what_it_is(fixture: Path) -> None:
    """In the order of the registry, nobody takes another one's reports."""
    folder = fixture.relative_to(REPORTS).parts[0]
    if folder in formats.types():
        assert read(fixture).type == folder


@every_fixture
def test_reading_is_repeatable_and_the_same_through_gzip(fixture: Path, tmp_path: Path) -> None:
    whole = read(fixture)
    assert read(fixture) == whole
    assert attempt(tmp_path / "packed", gzip.compress(CONTENTS[fixture])) == whole
    assert attempt(tmp_path / "partial", CONTENTS[fixture], accept_partial=True) == whole


@every_fixture
def test_mishaps_are_errors_or_records(fixture: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "report"
    others = list(CONTENTS.values())

    examples = max(8, min(30, 500_000 // len(CONTENTS[fixture])))

    # the same mishaps each time: mishaps.py has others each time
    @given(st.integers(0, 2**32), st.booleans(), st.booleans())
    @settings(max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    def run(seed: int, accept: bool, packed: bool) -> None:
        content = mutate(CONTENTS[fixture], random.Random(seed), others)
        if packed:
            content = gzip.compress(content, 1)
        attempt(path, content, accept_partial=accept)

    run()


@document
def test_a_cut_document_is_never_taken_for_a_whole_one(fixture: Path, tmp_path: Path) -> None:
    content = CONTENTS[fixture].rstrip()
    whole = read(fixture)
    lines = content.count(b"\n") + 1
    rolls = random.Random(4)
    places = {rolls.randrange(1, len(content)) for _ in range(25)} | {len(content) - 1}
    marks = [match.start() for match in re.finditer(rb"[<>\"{}\[\],\n]", content)]
    places |= {rolls.choice(marks) for _ in range(25)}
    for place in sorted(places):
        cut = content[:place]
        refused = attempt(tmp_path / "cut", cut)
        if not isinstance(refused, ReportError):
            # one document a line: a cut at the end of a line cannot be seen
            assert lines > 1 and _whole_lines(cut), place
            # the last record may have been joined with the next one
            assert len(Counter(refused.records) - Counter(whole.records)) <= 1
        partial = attempt(tmp_path / "cut", cut, accept_partial=True)
        if isinstance(partial, Result):
            assert partial.partial or not isinstance(refused, ReportError)
            assert len(partial.records) <= len(whole.records)


def _whole_lines(text: bytes) -> bool:
    """Whether a text is one JSON value a line."""
    try:
        found = (line.strip().removesuffix(",") for line in text.decode().splitlines())  # masscan, before 2017
        return all(json.loads(line) is not None for line in found if line)
    except ValueError:
        return False


def _lists(value: Any) -> list[list[Any]]:
    """Every list of objects in a JSON value: the things that a report holds."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list) and any(isinstance(item, dict) for item in one):
            found.append(one)
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return found


@document
def test_an_element_that_is_none_is_never_lost_in_silence(fixture: Path, tmp_path: Path) -> None:
    """Garbage instead of one element of a list: an error, or said; never just fewer records."""
    text = CONTENTS[fixture]
    try:
        size = len(_lists(json.loads(text)))
    except ValueError:
        return  # XML, or one value a line: below
    whole = read(fixture)
    rolls = random.Random(5)
    for index in rolls.sample(range(size), min(size, 25)):
        for garbage in rolls.sample([value for value in VALUES if not isinstance(value, dict)], 3):
            broken = json.loads(text)
            elements = _lists(broken)[index]
            elements[rolls.choice([at for at, one in enumerate(elements) if isinstance(one, dict)])] = garbage
            result = attempt(tmp_path / "garbage", json.dumps(broken).encode())
            if isinstance(result, Result) and len(result.records) < len(whole.records):
                assert result.told_more(whole), (
                    f"list {index}, {garbage!r}: {len(whole.records) - len(result.records)} records lost"
                )


def _containers(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of lists and objects that are not empty; of a list, its first three elements."""
    keys = list(value) if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else ()
    found = []
    for key in keys:
        if isinstance(value[key], dict | list) and value[key]:
            found += [(*place, key), *_containers(value[key], (*place, key))]
    return found


@document
def test_a_text_or_number_where_a_list_or_object_was_is_told(fixture: Path, tmp_path: Path) -> None:
    """As a new version of a tool may write it: fewer records only where something says so."""
    if "hostile" in fixture.name:
        return  # odd already: what is lost may have been told before
    text = CONTENTS[fixture]
    lines = [text] if not _whole_lines(text) or _whole_json(text) else [one for one in text.splitlines() if one.strip()]
    try:
        values = [json.loads(one) for one in lines]
    except ValueError:
        return  # XML
    whole = read(fixture)
    rolls = random.Random(6)
    places = [(index, *place) for index, value in enumerate(values) for place in _containers(value)]
    for place in rolls.sample(places, min(len(places), 30)):
        for wrong in ("text", 5):
            if place[-1] in TEXT_FOR_LIST and wrong == "text":
                continue
            changed = [json.loads(one) for one in lines]
            holder = changed
            for key in place[:-1]:
                holder = holder[key]
            holder[place[-1]] = wrong
            result = attempt(tmp_path / "kind", b"\n".join(json.dumps(one).encode() for one in changed))
            if isinstance(result, Result) and len(result.records) < len(whole.records):
                assert result.told_more(whole), f"{place}: {len(whole.records) - len(result.records)} records lost"


def _whole_json(text: bytes) -> bool:
    """Whether a text is one JSON value."""
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@document
def test_a_line_that_is_damaged_is_counted(fixture: Path, tmp_path: Path) -> None:
    lines = CONTENTS[fixture].splitlines(keepends=True)
    if len(lines) < 2 or not _whole_lines(lines[0]) or not _whole_lines(CONTENTS[fixture]):
        return  # not one value a line
    whole = read(fixture)
    for index in range(1, min(len(lines), 20)):
        for damage in (lines[index][: len(lines[index]) // 2] + b"\n", b"null\n", b"[1]\n", b'"x"\n', b"{\n"):
            result = attempt(tmp_path / "lines", b"".join([*lines[:index], damage, *lines[index + 1 :]]))
            assert isinstance(result, ReportError) or result.told_more(whole), damage
