"""Line edits: what they change, what they leave, that they come to rest, that the bytes before come back."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts import edits, file_plan, files
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from hypothesis import given
from hypothesis import strategies as st

SSHD = b"Port 22\n#PasswordAuthentication yes\nInclude x\nMatch User a\n    PasswordAuthentication yes\n"


def edit(match: str, line: str | None = None, **more: object) -> dict[str, object]:
    return {"match": match, "line": line, **more}


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        pytest.param(b"a 1\nb 2\n", [edit("a ", "a 9")], b"a 9\nb 2\n", id="replace"),
        pytest.param(b"a 1\na 2\n", [edit("a ", "a 9")], b"a 9\na 9\n", id="every match"),
        pytest.param(b"b 2\n", [edit("a ", "a 9")], b"b 2\na 9\n", id="insert at the end"),
        pytest.param(b"b 2", [edit("a ", "a 9")], b"b 2\na 9\n", id="no final newline"),
        pytest.param(b"a 1", [edit("a ", "a 9")], b"a 9", id="no final newline is kept"),
        pytest.param(b"", [edit("a ", "a 9")], b"a 9\n", id="empty file"),
        pytest.param(b"b 2\n", [edit("a ", "a 9", insert="begin")], b"a 9\nb 2\n", id="insert at the beginning"),
        pytest.param(b"b 2\n", [edit("a ", "a 9", insert="none")], b"b 2\n", id="insert nowhere"),
        pytest.param(b"x\nm\nm\ny\n", [edit("a ", "a 9", insert="before:m")], b"x\na 9\nm\nm\ny\n", id="before"),
        pytest.param(b"x\nm\nm\ny\n", [edit("a ", "a 9", insert="after:m")], b"x\nm\nm\na 9\ny\n", id="after"),
        pytest.param(b"a 1\nb 2\n", [edit("a ")], b"b 2\n", id="remove"),
        pytest.param(b"a 1\n", [edit("a ")], b"", id="remove the only line"),
        pytest.param(b"a 1\nb 2\n", [edit("a ", comment="#")], b"# a 1\nb 2\n", id="comment"),
        pytest.param(b"a 1\r\nb 2\r\n", [edit("a 1$", "a 9")], b"a 9\r\nb 2\r\n", id="CRLF"),
        pytest.param(b"  a 1;\n", [edit(r"(\s*)a ", r"\1a 9;", backrefs=True)], b"  a 9;\n", id="indentation"),
        pytest.param(b"a 1\n", [edit("a ", r"\1 \n{{ x }}")], b"\\1 \\n{{ x }}\n", id="no backrefs, no template"),
        pytest.param(b"\xff\xfe a\na 1\n", [edit("a ", "a é")], b"\xff\xfe a\na \xc3\xa9\n", id="not UTF-8"),
        pytest.param(
            b"a\x0cb\xe2\x80\xa8c\n",
            [edit("b", "z", insert="none")],
            b"a\x0cb\xe2\x80\xa8c\n",
            id="only newlines end lines",
        ),
        pytest.param(
            SSHD,
            [edit(r"#?\s*PasswordAuthentication\s", "PasswordAuthentication no", insert="begin")],
            b"Port 22\nPasswordAuthentication no\nInclude x\nMatch User a\nPasswordAuthentication no\n",
            id="sshd",
        ),
    ],
)
def test_table(before: bytes, wanted: list[dict[str, object]], after: bytes) -> None:
    assert edits.apply(before, wanted, "/f") == after
    assert edits.apply(after, wanted, "/f") == after


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (edit("a", "aa", backrefs=False, insert="before:nothing"), "no line matches 'nothing'"),
        (edit("zz", "a", insert="sideways"), "'insert' is"),
        (edit("(", "a"), "is not a regular expression"),
        (edit("z", "a\nb"), "must be one line"),
        (edit("(.*)", r"\1x", backrefs=True), "do not come to rest"),
        (edit(".*x", comment="#"), "do not come to rest"),
    ],
)
def test_refused(wanted: dict[str, object], words: str) -> None:
    with pytest.raises(HostError, match=words.replace("(", r"\(")):
        edits.apply(b"x\n", [wanted], "/f")


LINES = st.lists(st.sampled_from(["a 1", "a 2", "#a 3", "b", "", "\tc", "é", "a\r"]), max_size=8)


@given(
    lines=LINES,
    closed=st.booleans(),
    wanted=st.lists(
        st.builds(
            edit,
            st.sampled_from([r"#?a ", "b$", r"\s*c", "zzz"]),
            st.sampled_from([None, "a 1", "b", "new"]),
            insert=st.sampled_from(["begin", "end", "none"]),
            comment=st.sampled_from([None, "#"]),
        ),
        max_size=3,
    ),
)
def test_comes_to_rest_or_is_refused(lines: list[str], closed: bool, wanted: list[dict[str, object]]) -> None:
    before = "\n".join(lines).encode() + (b"\n" if closed and lines else b"")
    try:
        after = edits.apply(before, wanted, "/f")
    except HostError as error:
        assert "come to rest" in str(error)
        return
    assert edits.apply(after, wanted, "/f") == after


@given(content=st.binary(max_size=200))
def test_any_bytes_survive_an_edit_that_does_not_concern_them(content: bytes) -> None:
    assert edits.apply(content, [edit("care-no-such-line$", "x", insert="none")], "/f") == content


@given(content=st.binary(max_size=200))
def test_any_bytes_travel_in_a_change(content: bytes) -> None:
    assert files.decode(files.encode(content)) == content


def test_planned_change_names_whole_contents() -> None:
    before = files.make_state(b"a\n", "0644", "root", "root", False)
    after = files.make_state(b"b\n", "0600", "root", "root", False)
    change = file_plan.make_change("/etc/x", before, after, "sshd")
    assert (change["before"]["content"], change["after"]["content"], change["profile"]) == ("a\n", "b\n", "sshd")
