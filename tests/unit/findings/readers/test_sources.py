# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which files are read: folders, globs, archives, links; in a stable order, each once, nothing left out unsaid."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import sources
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.sources import find, gather

REPORTS = Path(__file__).parents[3] / "fixtures" / "reports"
NMAP = (REPORTS / "nmap-web1.xml").read_bytes()
OURS = b'{\n "schema": "care.remediation/findings/1", "findings": []}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.xml", "a.xml", "z/c.xml", "z/y/d.XML", "z/y/e.json", "z/.hidden/f.xml", ".g.xml", "Thumbs.db"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(NMAP.replace(b"web1", name.encode()))
    (tmp_path / "findings.json").write_bytes(OURS)
    (tmp_path / "decisions.yml").write_bytes(b"# edited by hand\nschema: care.remediation/decisions/1\n")
    return tmp_path


def names(paths: list[Path], base: Path) -> list[str]:
    return [str(path.relative_to(base)) for path in paths]


def test_a_folder_is_read_to_its_ground_without_hidden_files_and_our_own(folder: Path) -> None:
    assert names(find([str(folder)], Path("/")), folder) == ["a.xml", "b.xml", "z/c.xml", "z/y/d.XML", "z/y/e.json"]
    assert find(["."], folder) == find([str(folder)], folder) == find([folder], Path("elsewhere"))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.xml", ["a.xml", "b.xml"]),
        ("[b-z].xml", ["b.xml"]),
        ("?.xml", ["a.xml", "b.xml"]),
        ("**/*.xml", ["a.xml", "b.xml", "z/c.xml"]),
        ("**", ["a.xml", "b.xml", "z/c.xml", "z/y/d.XML", "z/y/e.json"]),
        ("z/**", ["z/c.xml", "z/y/d.XML", "z/y/e.json"]),
        ("**/y/*", ["z/y/d.XML", "z/y/e.json"]),
        ("z/*/*.[xX]*", ["z/y/d.XML"]),
        ("**/**/e.json", ["z/y/e.json"]),
        (".*.xml", [".g.xml"]),
    ],
)
def test_globs(folder: Path, pattern: str, found: list[str]) -> None:
    assert names(find([pattern], folder), folder) == found
    assert names(find([str(folder / pattern)], Path("/")), folder) == found


def test_the_order_is_that_of_the_items_and_each_file_comes_once(folder: Path) -> None:
    (folder / "link.xml").symlink_to(folder / "a.xml")
    os.link(folder / "b.xml", folder / "z" / "hard.xml")
    found = names(find(["z/y/e.json", "b.xml", "*.xml", ".", "z/../b.xml"], folder), folder)
    assert found == ["z/y/e.json", "b.xml", "a.xml", "z/c.xml", "z/y/d.XML"]


def test_links_in_circles_do_no_harm(folder: Path) -> None:
    (folder / "z" / "up").symlink_to(folder)
    (folder / "z" / "y" / "self").symlink_to(folder / "z" / "y")
    (folder / "z" / "up2").symlink_to(folder / "z")
    (folder / "dangling.xml").symlink_to(folder / "nowhere")
    expected = ["a.xml", "b.xml", "z/c.xml", "z/y/d.XML", "z/y/e.json"]
    assert sorted(path.resolve().name for path in find(["."], folder)) == sorted(Path(one).name for one in expected)
    assert len(find(["**/*.json"], folder)) == 1


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "scan[1].xml").write_bytes(NMAP)
    assert names(find(["scan[1].xml"], folder), folder) == ["scan[1].xml"]


@pytest.mark.parametrize(
    "item", ["absent.xml", "absent/", "*.nessus", "**/*.nessus", "a.xml/b", "~nobody-of-that-name/x"]
)
def test_what_names_nothing_is_an_error_that_names_it(folder: Path, item: str) -> None:
    with pytest.raises(ReportError) as caught:
        find(["a.xml", item], folder)
    assert item.rstrip("/") in str(caught.value)


def test_an_empty_folder_gives_nothing_and_is_said(folder: Path) -> None:
    (folder / "new").mkdir()
    (folder / "new" / "findings.json").write_bytes(OURS)
    assert find(["new"], folder) == []
    gathered = gather(["new"], folder)
    assert not gathered.items
    reasons = {one["file"]: one["reason"] for one in gathered.left_out}
    assert reasons[str(folder / "new")].startswith("there is no report")


def test_the_number_of_files_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 4)
    for item in (".", "**", "**/*"):
        with pytest.raises(ReportError, match="more than 4 files"):
            find([item], folder)
    with pytest.raises(ReportError, match="more than 4 files"):
        find(["a.xml", "b.xml", "z/c.xml", "z/y/d.XML", "z/y/e.json"], folder)
    assert len(find(["*.xml"], folder)) == 2


def test_names_that_are_not_utf_8_are_found(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/h\xf4pital.xml"))
    path.write_bytes(NMAP)
    assert find(["."], tmp_path) == [path]
    assert gather(["."], tmp_path).items[0].path == path


# --- gather


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in members.items():
            made.writestr(name, text)
    return packed.getvalue()


def test_what_lies_beside_reports_is_left_out_and_said(folder: Path) -> None:
    (folder / "z" / "c.html").write_bytes(b"<!DOCTYPE html><html/>")
    (folder / "z" / "README.txt").write_bytes(b"Exported on Sunday.\n")
    (folder / "two.zip").write_bytes(archive(one=NMAP, page=b"%PDF-1.7", two=NMAP))
    gathered = gather(["."], folder)
    assert [item.name.removeprefix(f"{folder}/") for item in gathered.items] == [
        "a.xml",
        "b.xml",
        "two.zip!one",
        "two.zip!two",
        "z/c.xml",
        "z/y/d.XML",
        "z/y/e.json",
    ]
    assert {one["file"].removeprefix(f"{folder}/"): one["reason"][:12] for one in gathered.left_out} == {
        "decisions.yml": "is a documen",
        "findings.json": "is a documen",
        "two.zip!page": "is a PDF: ex",
        "z/README.txt": "is not XML, ",
        "z/c.html": "is an HTML p",
    }


def test_what_was_named_itself_has_to_be_a_report(folder: Path) -> None:
    (folder / "c.html").write_bytes(b"<!DOCTYPE html><html/>")
    with pytest.raises(ReportError, match="HTML page"):
        gather(["c.html"], folder)
    with pytest.raises(ReportError, match="HTML page"):
        gather([".", "c.html"], folder)
    (folder / "one.zip").write_bytes(archive(page=b"<!DOCTYPE html><html/>"))
    with pytest.raises(ReportError, match="HTML page"):
        gather(["one.zip"], folder)
    with pytest.raises(ReportError, match="itself, not a report"):
        gather(["findings.json"], folder)


@pytest.mark.parametrize("content", [b"MLAFAAAA", b"7z\xbc\xaf\x27\x1c", b"PK\x03\x04damaged", b"<EncryptedData/>"])
def test_a_report_that_cannot_be_read_is_never_left_out(folder: Path, content: bytes) -> None:
    (folder / "z" / "lost.xml").write_bytes(content)
    with pytest.raises(ReportError, match=r"lost\.xml"):
        gather(["."], folder)
    (folder / "z" / "lost.xml").unlink()
    (folder / "all.zip").write_bytes(archive(good=NMAP, lost=content))
    with pytest.raises(ReportError, match="!lost"):
        gather(["all.zip"], folder)


def test_pipes_in_a_folder_are_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "z" / "pipe")
    assert all(item.path.name != "pipe" for item in gather(["."], folder).items)


def test_a_pipe_that_is_named_is_left_to_its_reader(folder: Path) -> None:
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(NMAP,))
    feeder.start()
    (item,) = gather(["pipe"], folder).items
    assert sum(1 for _ in open_report(item).records()) > 3
    feeder.join()
