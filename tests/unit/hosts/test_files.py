"""Reading and writing one file."""

from __future__ import annotations

import getpass
import grp
import os
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.hosts import file_plan, files
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

USER, GROUP = getpass.getuser(), grp.getgrgid(os.getegid()).gr_name


def test_write_keeps_to_what_was_asked(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "f.conf")
    assert files.missing_parents(path) == [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    made = files.missing_parents(path)
    files.write(path, b"\xff\x00x", "0640", USER, GROUP)
    present = files.read(path)
    assert (present.content, present.mode, present.owner, present.group) == (b"\xff\x00x", 0o640, USER, GROUP)
    files.remove(path, made)
    assert not (tmp_path / "a").exists()


def test_directories_in_use_stay(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "f")
    made = files.missing_parents(path)
    files.write(path, b"x", "0600", USER, GROUP)
    (tmp_path / "a" / "other").write_text("y")
    files.remove(path, made)
    assert (tmp_path / "a" / "other").exists()


def test_what_a_killed_writer_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".f.care-new").symlink_to("/etc/passwd")
    files.write(str(tmp_path / "f"), b"x", "0600", USER, GROUP)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["f"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    path.write_text("before")

    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(str(path), b"after", "0600", USER, GROUP)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_extended_attributes_stay(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("before")
    try:
        os.setxattr(path, "user.care", b"kept")
    except OSError:
        pytest.skip("this file system has no user attributes")
    files.write(str(path), b"after", "0600", USER, GROUP)
    assert os.getxattr(path, "user.care") == b"kept"


def test_links_directories_and_big_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "big").write_bytes(b"x" * (files.MAX_BYTES + 1))
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("link", "symbolic link"), ("", "regular file"), ("big", "larger than"), ("pipe", "regular")):
        with pytest.raises(HostError, match=words):
            files.read(str(tmp_path / name).rstrip("/"))


@pytest.mark.parametrize("path", ["relative", "/", "/a/../b", "/a//b", "/a\nb", "/a/"])
def test_odd_paths_are_refused(path: str) -> None:
    with pytest.raises(HostError):
        files.check_path(path)


def plan(entry: dict[str, object], secrets: dict[str, str] | None = None) -> list[dict[str, object]]:
    return file_plan.plan([entry], secrets or {}, None)[0]


def test_plan_is_empty_when_it_is_so(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("x\n")
    path.chmod(0o600)
    assert plan({"path": str(path), "content": "x\n"}) == []
    assert plan({"path": str(path), "content": "x\n", "mode": "0600"}) == []
    assert len(plan({"path": str(path), "content": "x\n", "mode": "0644"})) == 1
    assert plan({"path": str(tmp_path / "none"), "state": "absent"}) == []


@pytest.mark.parametrize(
    "entry",
    [
        {"content_from": "s"},
        {"edits": [{"match": "old", "line_from": "s"}]},
        {"secret": True, "edits": [{"match": "old", "line": "new"}]},
        {"secret": True, "state": "absent"},
    ],
)
def test_a_secret_is_in_no_change_and_no_diff(tmp_path: Path, entry: dict[str, object]) -> None:
    path = tmp_path / "f"
    path.write_text("old-hidden\nline-hidden\n")
    changes, diff = file_plan.plan([{"path": str(path), **entry}], {"s": "new-hidden"}, None)
    assert len(changes) == 1
    assert "hidden" not in repr(changes) + repr(diff)


def test_a_secret_as_plain_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="content_from"):
        plan({"path": str(tmp_path / "f"), "secret": True, "content": "x"})
    with pytest.raises(HostError, match="no entry 's'"):
        plan({"path": str(tmp_path / "f"), "content_from": "s"})


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    entry = {"path": str(tmp_path / "f"), "content": "x"}
    with pytest.raises(HostError, match="named twice"):
        file_plan.plan([entry, entry], {}, None)


@pytest.mark.parametrize("mode", ["0999", "rw", "-1", "10000"])
def test_bad_modes_are_refused(tmp_path: Path, mode: str) -> None:
    with pytest.raises(HostError, match="octal"):
        plan({"path": str(tmp_path / "f"), "content": "x", "mode": mode})
