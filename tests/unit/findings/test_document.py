# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils import schema
from ansible_collections.care.remediation.plugins.module_utils.findings import document, model
from hypothesis import given, settings
from hypothesis import strategies as st

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=4), inner, max_size=20),
    max_leaves=40,
)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def findings(count: int = 3, **changed: Any) -> dict[str, Any]:
    """findings/1 with that many open ports."""
    made = [
        model.make_finding(
            control="expo_port",
            host=f"h{number}",
            object=model.make_object(type="port", id="tcp/1", label=f"é \u2028 {number}"),
            severity="high",
        )
        for number in range(count)
    ]
    return {
        "schema": model.SCHEMA,
        "generated": "2026-11-22T00:00:00Z",
        "sources": [],
        "findings": made,
        "unmapped": [],
        "counts": {"read": count, "mapped": count, "unmapped": 0, "duplicates": 0},
    } | changed


@given(content=st.dictionaries(st.text(max_size=6), VALUES, max_size=6))
@settings(max_examples=300, deadline=None)
def test_what_is_written_is_json_of_the_same_value(content: dict[str, Any]) -> None:
    text = b"".join(piece for _key, piece in document._pieces(content))
    assert json.loads(text) == json.loads(json.dumps(content).encode("utf-8", "replace"))


def test_a_finding_is_a_line(tmp_path: Path) -> None:
    document.write(tmp_path / "f.json", findings(40), "findings/1")
    lines = (tmp_path / "f.json").read_text(encoding="utf-8").split("\n")
    assert sum('"id": "f-' in line for line in lines) == 40
    assert all(json.loads(line.strip().rstrip(","))["control"] for line in lines if '"id": "f-' in line)


def test_what_holds_something_long_is_spread_at_any_depth() -> None:
    made = {"controls": [{"findings": [{"id": number, "sources": [{"a": 1}]} for number in range(100)]}]}
    pieces = b"".join(piece for _key, piece in document._pieces(made))
    assert json.loads(pieces) == made and pieces.count(b"\n") > 100
    assert max(map(len, pieces.split(b"\n"))) < 60


def test_a_document_is_written_only_when_it_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "findings.json"
    assert document.write_if_changed(path, findings(), "findings/1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    before = path.stat().st_ino
    later = findings(generated="2026-12-01T00:00:00Z")
    assert not document.write_if_changed(path, later, "findings/1")
    assert later["generated"] == "2026-11-22T00:00:00Z" and path.stat().st_ino == before
    other = findings(generated="2026-12-01T00:00:00Z")
    other["findings"][1]["severity"] = "low"
    assert document.write_if_changed(path, other, "findings/1")
    assert document.read(path, "findings/1") == other and names(path.parent) == ["findings.json"]
    assert document.write_if_changed(path, findings(4), "findings/1")
    assert document.write_if_changed(path, findings(100), "findings/1")
    assert not document.write_if_changed(path, findings(100), "findings/1")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{\n "generated": 5,\n}', '{\n "generated": "x"\n}\n', "\0", ' "a', "\xff", "{}{}"]
)
def test_a_damaged_file_is_written_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "findings.json"
    path.write_text(text, encoding="latin-1")
    assert document.write_if_changed(path, findings(), "findings/1")
    assert document.read(path, "findings/1") == findings()


def test_a_damaged_line_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    document.write(path, findings(50), "findings/1")
    whole = path.read_bytes()
    for at in range(30, len(whole), 997):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        changed = document.write_if_changed(path, findings(50), "findings/1")
        # only the time of making may be another one
        assert changed or document.read(path, "findings/1") | {"generated": ""} == findings(50, generated="")


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "findings.json"
    document.write(path, findings(), "findings/1")
    monkeypatch.setattr(os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        document.write(path, findings(9), "findings/1")
    assert names(tmp_path) == ["findings.json"] and len(document.read(path, "findings/1")["findings"]) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "line 1, column 2: not JSON"),
        (b'{"a": 1,\n "b": }', "line 2, column 7: not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"1" * 5000, "not JSON"),
        (b"[]", "the whole document"),
        (b'{"schema": "care.remediation/findings/2"}', "the whole document"),
    ],
)
def test_a_bad_file_is_named_with_its_place(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "findings.json"
    path.write_bytes(content)
    with pytest.raises(document.DocumentError) as caught:
        document.read(path, "findings/1")
    assert str(caught.value).startswith(str(path)) and said in str(caught.value)


def test_an_error_names_place_and_reason() -> None:
    broken = findings()
    broken["findings"][2]["host"] = 5
    broken["findings"][1]["severity"] = "worst"
    with pytest.raises(document.DocumentError) as caught:
        document.check(broken, "findings/1", where="f.json")
    assert str(caught.value).startswith('f.json: findings/1/severity: "worst" is not one of')
    assert str(caught.value).endswith("(and 1 more)")
    broken = findings(sources=[{"generated": "soon"}])
    with pytest.raises(document.DocumentError, match=r"f\.json: sources/0"):
        document.check(broken, "findings/1", where="f.json")
    with pytest.raises(document.DocumentError, match=r"Unsupported|serializable"):
        document.check(findings(counts={1, 2}), "findings/1", where="f.json")


class Tagged(str):
    """As Ansible's texts are."""


def test_texts_of_ansible_are_texts() -> None:
    made = findings()
    made["findings"][0]["host"] = Tagged("web1")
    assert schema.problems(made, "findings-1") == []
    made["findings"][0]["id"] = Tagged("x")
    assert [one.path for one in schema.problems(made, "findings-1")] == ["findings/0/id"]


def test_what_is_wrong_deepest_is_said() -> None:
    found = schema.problems(findings(sources=[{"generated": "soon"}]), "findings-1")
    assert any(one.path == "sources/0/generated" and "does not match" in one.reason for one in found)
