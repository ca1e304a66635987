# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""JSON files that are whole, broken, foreign or malicious, an element at a time."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import jsonstream
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import (
    elements,
    head,
    items,
    lines,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Skipped
from hypothesis import given, settings
from hypothesis import strategies as st

DOCUMENT: dict[str, Any] = {
    "version": {"deep": [1, {"a": ']}"\\'}]},
    "runs": [
        {"tool": {"name": "é\n"}, "results": [{"id": 1.5e3}, [], {}, "texte", -12, True, None]},
        {"results": []},
        {"results": {"not": "an array"}},
    ],
    "last": "x",
}
PLACES = ["runs.item.results.item", "runs.item.tool", "last"]
WANTED = [
    ("runs.item.tool", {"name": "é\n"}),
    *[("runs.item.results.item", value) for value in ({"id": 1500.0}, [], {}, "texte", -12, True, None)],
    ("last", "x"),
]


class Dribble(io.BytesIO):
    """A stream that gives few bytes at a time, as a pipe may."""

    size = 1

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self.size)


def dumped(value: Any, **options: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, **options).encode()


def everything(values: Iterator[Any]) -> tuple[list[Any], ReportError | None]:
    """What is given before the error, and the error."""
    given_ones = []
    try:
        for value in values:
            given_ones.append(value)
    except ReportError as exc:
        return given_ones, exc
    return given_ones, None


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("stream", [io.BytesIO, Dribble])
def test_items_at_their_places(indent: int | None, encoding: str, stream: Any) -> None:
    content = json.dumps(DOCUMENT, ensure_ascii=False, indent=indent).encode(encoding)
    assert list(items(stream(content), PLACES)) == WANTED


@pytest.mark.parametrize("number", ["1e+16", "1E5", "-1.5e-10", "10.25", "-0", "123456789012345678901234567890"])
def test_a_number_that_the_window_cuts_anywhere_is_one_number(number: str) -> None:
    for text, wanted in (
        (f"[{number}]", [("item", json.loads(number))]),
        (f'[{number}, "x"]', None),
        (f" {number}", None),
    ):
        found = list(items(Dribble(text.encode()), ["item"] if text[0] == "[" else [""]))
        assert found[0][1] == json.loads(number), text
        assert wanted is None or found == wanted


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"runs": "text"}, "line 1 (runs)"),
        ({"runs": 5}, "line 1 (runs)"),
        ({"runs": {"value": [{"results": [1]}]}}, "line 1 (runs)"),
        ({"runs": [[{"results": [1]}]]}, "line 1 (runs.item)"),
        ({"runs": ["text"]}, "line 1 (runs.item)"),
        ({"runs": [{"results": "text"}]}, "line 1 (runs.item.results)"),
        ({"runs": [{"other": [1]}]}, "line 1 (runs.item)"),
        ([{"runs": []}], "line 1 (the top value)"),
        ("text", "line 1 (the top value)"),
        ({"runs": None}, None),
        ({"runs": []}, None),
        ({"runs": {}}, None),
        ({"runs": [{"results": []}]}, None),
        ({"runs": [{"results": None}, {}]}, None),
        ({"runs": [{"results": [1]}], "other": [1]}, None),
    ],
)
def test_what_is_of_another_kind_on_the_way_to_a_place_is_told(document: Any, told: str | None) -> None:
    skipped = Skipped()
    list(items(io.BytesIO(dumped(document)), ["runs.item.results.item", "runs.item.tool"], skipped))
    assert [one["place"] for one in skipped.first] == ([told] if told else [])


def test_the_top_value_and_the_outer_of_two_places() -> None:
    assert list(items(io.BytesIO(dumped(DOCUMENT)), [""])) == [("", DOCUMENT)]
    assert list(items(io.BytesIO(b"[[1],[2]]"), ["item", "item.item"])) == [("item", [1]), ("item", [2])]


@pytest.mark.parametrize("size", [1, 3, 7, 64])
def test_truncated_anywhere_gives_what_is_complete_and_says_truncated(size: int) -> None:
    content = dumped(DOCUMENT)
    for end in range(1, len(content)):
        stream = Dribble(content[:end])
        stream.size = size
        got, error = everything(items(stream, PLACES))
        assert error is not None and error.truncated, (end, content[:end], error)
        assert got == WANTED[: len(got)]
    got, error = everything(items(Dribble(content), PLACES))
    assert (got, error) == (WANTED, None)


def test_truncated_in_a_top_value_of_every_kind() -> None:
    for text in (b'{"a": -1.5e+10, "b": [true, false, null, "\\u00e9\\n"]}', b'["x", NaN, -Infinity]'):
        for end in range(1, len(text)):
            _, error = everything(items(io.BytesIO(text[:end]), [""]))
            assert error is not None and error.truncated, text[:end]


@pytest.mark.parametrize(
    ("content", "said", "line"),
    [
        (b"", "is empty", 1),
        (b" \n ", "is empty", 1),
        (b'{"a": 1}\n{"a": 2}', "a second JSON document begins here", 2),
        (b"[1]\n\n[2]", "a second JSON document begins here", 3),
        (b'{"a": 1}\nrubbish', "text follows the end", 2),
        (b'{"a" 1}', "':' was expected", 1),
        (b'{"a": 1 "b": 2}', "comma or '}' was expected", 1),
        (b"{a: 1}", "a name in quotes was expected", 1),
        (b"[1,]", "nothing follows a comma", 1),
        (b'{"x": [}], "a": 1}', "closes what another bracket opened", 1),
        (b'{\n"x": 2,\n"a": {"k": tru, "l": 12345678901234567890}}', "damaged here", 3),
        (b'{"a": 1,\n"a": 2}', "stands twice", 2),
        (b'{"a": {"b": 1, "b": 2}}', "'b' stands twice", 1),
        (b'{"a": ' + b"[" * 70 + b"]" * 70 + b"}", "deeper than 64", 1),
        (b'{"a": ' + b"[" * 100000 + b"]" * 100000 + b"}", "deeper than 64", 1),
        (b'{"b": ' + b"[" * 100000 + b"]" * 100000 + b"}", "nested deeper", 1),
        (b'{"' + b"k" * 5000 + b'": 1}', "longer than 4096", 1),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, said: str, line: int) -> None:
    _, error = everything(items(io.BytesIO(content), ["a"]))
    assert error is not None
    assert said in error.reason
    if line > 1:
        assert error.line == line
    assert not error.truncated


def test_elements_that_break_a_bound_are_skipped_with_their_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "MAX_ELEMENT", 1000)
    content = b"\n".join(
        [
            b'[{"n": 1},',
            b'{"n": "' + b"x" * 2000 + b'"},',
            b'{"n": 1, "n": 2},',
            b'{"n": ' + b"[" * 80 + b"]" * 80 + b"}",
        ]
    )
    skipped = Skipped()
    got = list(items(io.BytesIO(content + b',\n{"n": 5}]'), ["item"], skipped))
    assert got == [("item", {"n": 1}), ("item", {"n": 5})]
    assert [(one["place"], one["reason"]) for one in skipped.first] == [
        ("line 2 (item)", "is longer than 1000 characters"),
        ("line 3 (item)", "the key 'n' stands twice in one object"),
        ("line 4 (item)", "values are nested deeper than 64"),
    ]


def test_numbers_that_json_does_not_have_are_unknown_and_noted() -> None:
    notes: list[str] = []
    got = list(items(io.BytesIO(b"[NaN, -Infinity, 1e999, 0.5]"), ["item"], None, notes))
    assert [value for _, value in got] == [None, None, None, 0.5]
    assert notes == ["3 number(s) are NaN or infinite: taken as not known"]


def test_numbers_too_long_to_be_one_are_text() -> None:
    """sslyze writes the modulus of the certificate's key as a number."""
    for digits in ("9" * 617, "-" + "1" * 5000):
        assert list(items(io.BytesIO(f'{{"a": {digits}}}'.encode()), ["a"])) == [("a", digits)]


@pytest.mark.parametrize(
    "read", [lambda stream, notes: items(stream, [""], None, notes), lambda s, n: lines(s, Skipped(), n)]
)
def test_bytes_that_are_not_utf_8_are_read_as_windows_1252_and_noted(read: Any) -> None:
    notes: list[str] = []
    content = '{"é": "serveur périmé – «à»"}'.encode("cp1252")
    [(_, value)] = read(io.BytesIO(content), notes)
    assert value == {"é": "serveur périmé – «à»"}
    assert notes == ["7 byte(s) are not UTF-8: they were read as Windows-1252"]


@pytest.mark.parametrize(
    "text", [r'["\ud800"]', r'["a\uDC00b"]', r'{"\ud83d": {"\uD83D": 1}}', r'["\ud83d\ude00\ud83d"]']
)
def test_halves_of_surrogate_pairs_never_get_out(text: str) -> None:
    [(_, value)] = items(io.BytesIO(text.encode()), [""])
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    [(_, value)] = lines(io.BytesIO(text.encode()), Skipped())
    json.dumps(value, ensure_ascii=False).encode("utf-8")


def test_whole_pairs_stay() -> None:
    assert list(items(io.BytesIO(rb'"\ud83d\ude00"'), [""])) == [("", "😀")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("stream", [io.BytesIO, Dribble])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines(encoding: str, stream: Any, newline: str) -> None:
    text = newline.join(['{"a": "é"}', "", '{"a": 2} {"a": 3}', "oops", '{"a": 1, "a": 2}', "[4]", ""])
    skipped = Skipped()
    assert list(lines(stream(text.encode(encoding)), skipped)) == [
        (1, {"a": "é"}),
        (3, {"a": 2}),
        (3, {"a": 3}),
        (6, [4]),
    ]
    assert [one["place"] for one in skipped.first] == ["line 4", "line 5"]
    assert "not JSON" in skipped.first[0]["reason"]


def test_a_long_line_is_skipped_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "MAX_LINE", 1 << 20)
    skipped = Skipped()
    content = b'{"a": 1}\n"' + b"x" * (3 << 20) + b'"\n{"a": 3}\n"' + b"y" * ((1 << 20) + 5) + b'"\n{"a": 5}'
    assert [number for number, _ in lines(io.BytesIO(content), skipped)] == [1, 3, 5]
    assert [one["place"] for one in skipped.first] == ["line 2", "line 4"]


def test_a_last_line_that_was_cut_says_truncated() -> None:
    content = b'{"a": 1}\n{"a": 2}\n'
    for end in range(10, len(content) - 1):
        skipped = Skipped()
        got, error = everything(lines(io.BytesIO(content[:end]), skipped))
        assert error is not None and error.truncated and error.line == 2, content[:end]
        assert got == [(1, {"a": 1})] and skipped.count == 0
    assert everything(lines(io.BytesIO(content[:-1]), Skipped()))[1] is None


def test_elements_of_both_forms() -> None:
    for content, places in (
        (b' [{"a": 1},\n{"a": 2}]', ["item 1", "item 2"]),
        (b'{"a": 1}\n{"a": 2}\n', ["line 1", "line 2"]),
        ('\ufeff{"a": 1}'.encode("utf-16-le"), ["line 1"]),
    ):
        for stream in (io.BytesIO, Dribble):
            assert [place for place, _ in elements(stream(content), Skipped())] == places


@pytest.mark.parametrize(
    ("content", "top", "keys", "first"),
    [
        (b'{"a": {"x": 1}, "b": [], "c', "object", "ab", ""),
        (b'{"a": {"x": "\\"}"}, "b": 1}', "object", "ab", "ab"),
        (b'{\n"a": 1}', "object", "a", ""),
        (b'{"a": 1}\n{"b": 1}', "lines", "", "a"),
        (b'{"a": 1}\r\n{', "lines", "", "a"),
        (b'[ {"a": 1, "b": {"c"', "array", "", "ab"),
        (b"[", "array", "", ""),
        (b"[1]", "array", "", ""),
        (b"12", "scalar", "", ""),
        (b'\xef\xbb\xbf{"a":1}', "object", "a", "a"),
        ('{"a":1}'.encode("utf-16"), "object", "a", "a"),
    ],
)
def test_head(content: bytes, top: str, keys: str, first: str) -> None:
    found = head(content)
    assert found is not None
    assert (found.top, found.keys, found.first) == (top, frozenset(keys), frozenset(first))


@pytest.mark.parametrize("content", [b"", b"  ", b"<xml/>", b"a,b\n1,2", b"\x00\x01\x02", b"PK\x03\x04"])
def test_head_of_what_is_not_json(content: bytes) -> None:
    assert head(content) is None


def test_head_of_a_hostile_beginning_is_quick() -> None:
    head(b'{"' + b'\\"' * (1 << 17))
    head(b"[" * (1 << 18))
    head(b'{"a":' * (1 << 16))


def test_memory_is_flat() -> None:
    class Endless(io.RawIOBase):
        left = 60_000

        def read(self, size: int = -1) -> bytes:
            if self.left == 0:
                return b""
            self.left -= 1
            if self.left == 0:
                return b"{}]"
            return (b"[" if self.left == 59_999 else b"") + b'{"name": "' + b"x" * 1000 + b'"},'

    tracemalloc.start()
    count = sum(1 for _ in items(Endless(), ["item"]))  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 60_000
    assert peak < 4 << 20


def test_what_nobody_wants_is_stepped_over_in_flat_memory() -> None:
    content = b'{"big": "' + b"x" * (20 << 20) + b'", "also": [' + b'"y",' * (1 << 20) + b'1], "a": 1}'
    tracemalloc.start()
    assert list(items(io.BytesIO(content), ["a"])) == [("a", 1)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=200)
@given(st.lists(VALUES, max_size=5), st.integers(1, 40), st.sampled_from(["utf-8", "utf-16"]))
def test_any_values_come_back(values: list[Any], size: int, encoding: str) -> None:
    def stream(text: str) -> Dribble:
        made = Dribble(text.encode(encoding))
        made.size = size
        return made

    assert [value for _, value in items(stream(json.dumps({"x": values, "y": values})), ["y.item"])] == values
    assert [value for _, value in lines(stream("\n".join(map(json.dumps, values))), Skipped())] == values


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.text('[]{}",:\\u0dD9-.eEtrufalsn \n').map(str.encode))
def test_any_bytes_give_values_or_a_report_error(content: bytes) -> None:
    head(content)
    for values in (items(io.BytesIO(content), ["item", "a"]), items(io.BytesIO(content), [""], Skipped())):
        everything(values)
    everything(lines(io.BytesIO(content), Skipped()))
    everything(elements(io.BytesIO(content), Skipped()))
