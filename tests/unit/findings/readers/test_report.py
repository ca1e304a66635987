# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Opening: what a file is, is told by its content; archives, pipes, and everything that is no report."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import re
import stat
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import mapping_file
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import (
    archive,
    content,
    disk,
    formats,
    gunzip,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReaderFault, ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import Item, expand, open_report

REPORTS = Path(__file__).parents[3] / "fixtures" / "reports"
NMAP = (REPORTS / "nmap-web1.xml").read_bytes()
PINGCASTLE = (REPORTS / "pingcastle-full.xml").read_bytes()
MAPPINGS = mapping_file.load_all([REPORTS / "mapped"])


def write(folder: Path, content_: bytes, name: str = "report.bin") -> Path:
    path = folder / name
    path.write_bytes(content_)
    return path


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as made:
        for name, text in members:
            with pytest.warns(UserWarning) if name in made.namelist() else memoryview(b""):  # a name met twice
                made.writestr(name, text)
    return packed.getvalue()


def read(where: Path | Item, **options: Any) -> list[str]:
    return [repr(record) for record in open_report(where, **options).records()]


WHOLE = read(REPORTS / "nmap-web1.xml")
DOMAIN = read(REPORTS / "pingcastle-full.xml")


def refused(where: Path | Item, said: str, **options: Any) -> ReportError:
    with pytest.raises(ReportError) as caught:
        read(where, **options)
    assert not isinstance(caught.value, ReaderFault), caught.value
    assert re.search(said, caught.value.reason), caught.value  # not in the path
    name = where.name if isinstance(where, Item) else str(where)
    assert caught.value.file == name
    return caught.value


# --- gzip


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(NMAP),
        gzip.compress(NMAP[:1000]) + gzip.compress(NMAP[1000:]),
        gzip.compress(b"") + gzip.compress(NMAP),
        b"".join(gzip.compress(NMAP[at : at + 1]) for at in range(len(NMAP))),
        gzip.compress(NMAP) + b"\0" * 10_000,
        gzip.compress(NMAP, compresslevel=0),
    ],
    ids=["one", "two members", "an empty member", "a member a byte", "padded", "stored"],
)
def test_gzip_is_read_and_hashed_as_it_lies_on_the_disk(tmp_path: Path, packed: bytes) -> None:
    opened = open_report(write(tmp_path, packed))
    assert opened.type == "nmap"
    assert [repr(record) for record in opened.records()] == WHOLE
    assert opened.sha256 == hashlib.sha256(packed).hexdigest()
    assert not opened.partial and not opened.skipped.count


@pytest.mark.parametrize("size", [1, 2, 7])
def test_gzip_comes_in_pieces_of_any_size(size: int) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two ") + gzip.compress(b"three") + b"\0" * 9
    pieces = (packed[at : at + size] for at in range(0, len(packed), size))
    unpacked = gunzip.Gunzip(pieces, "x")
    assert b"".join(unpacked) == b"one two three"
    assert not unpacked.truncated and not unpacked.garbage
    unpacked = gunzip.Gunzip(iter([gzip.compress(b"one"), b"\x1f"]), "x")
    assert b"".join(unpacked) == b"one" and unpacked.garbage == 1


def test_what_stands_behind_gzip_data_is_counted(tmp_path: Path) -> None:
    packed = gzip.compress(NMAP) + b"\0\0garbage" + b"x" * 300_000
    opened = open_report(write(tmp_path, packed))
    assert [repr(record) for record in opened.records()] == WHOLE
    assert opened.sha256 == hashlib.sha256(packed).hexdigest()
    assert opened.skipped.count == 1 and "300007 bytes" in opened.skipped.first[0]["reason"]


def test_truncated_gzip_is_named_wherever_it_ends_and_may_be_accepted(tmp_path: Path) -> None:
    packed = gzip.compress(NMAP)
    for length in (*range(3, len(packed) - 60, 37), *range(len(packed) - 12, len(packed))):
        path = write(tmp_path, packed[:length])
        assert refused(path, "truncated|too early|is empty|not XML|is not").file
        opened = open_report(path, accept_partial=True)
        try:
            records = [repr(record) for record in opened.records()]
        except ReportError:
            assert length < 400  # not even its root element is there
        else:
            assert opened.partial and len(records) <= len(WHOLE)
            assert any("truncated" in note for note in opened.notes)


def test_a_missing_trailer_makes_a_whole_document_partial(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(NMAP)[:-4])
    assert refused(path, "gzip.*too early").truncated
    opened = open_report(path, accept_partial=True)
    assert [repr(record) for record in opened.records()] == WHOLE
    assert opened.partial


def test_damaged_gzip_is_named(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(NMAP))
    packed[-6] ^= 0x55  # its CRC
    refused(write(tmp_path, bytes(packed)), "damaged after")


def test_a_gzip_bomb_is_refused_early(tmp_path: Path) -> None:
    refused(write(tmp_path, gzip.compress(b"<nmaprun>" + b" " * (gunzip.RATIO_FROM + (1 << 20)))), "bomb")


def test_a_gzip_bomb_behind_the_document_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path, gzip.compress(NMAP + b" " * (gunzip.RATIO_FROM + (1 << 20)))), "bomb")


def test_twice_compressed_is_refused(tmp_path: Path) -> None:
    refused(write(tmp_path, gzip.compress(gzip.compress(NMAP))), "compressed twice")


# --- ZIP


def test_each_member_is_a_report_with_a_name(tmp_path: Path) -> None:
    packed = zipped(
        ("b/scan.xml", NMAP),
        ("a.xml", PINGCASTLE),
        ("a.xml", NMAP),
        ("__MACOSX/._a.xml", b"x"),
        (".DS_Store", b"x"),
        ("folder/", b""),
    )
    path = write(tmp_path, packed)
    items = expand(path)
    assert [item.name for item in items] == [f"{path}!b/scan.xml", f"{path}!a.xml#2", f"{path}!a.xml#3"]
    opened = [open_report(item) for item in items]
    assert [[repr(record) for record in one.records()] for one in opened] == [WHOLE, DOMAIN, WHOLE]
    assert [one.type for one in opened] == ["nmap", "pingcastle", "nmap"]
    assert {one.sha256 for one in opened} == {hashlib.sha256(packed).hexdigest()}
    assert "archive of 3 files" in str(refused(path, "3 files"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_an_archive_of_one_report_is_that_report(tmp_path: Path, method: int) -> None:
    path = write(tmp_path, zipped(("../../../../etc/cron.d/evil\x1b[2J\n", NMAP), method=method))
    before = sorted(tmp_path.rglob("*"))
    opened = open_report(path)
    assert [repr(record) for record in opened.records()] == WHOLE
    assert opened.name == f"{path}!../../../../etc/cron.d/evil?[2J?"
    assert sorted(tmp_path.rglob("*")) == before


def test_zip_in_gzip_and_through_a_pipe(tmp_path: Path) -> None:
    packed = zipped(("scan.xml", NMAP))
    wrapped = gzip.compress(packed)
    opened = open_report(write(tmp_path, wrapped))
    assert [repr(record) for record in opened.records()] == WHOLE
    assert opened.sha256 == hashlib.sha256(wrapped).hexdigest()
    two = write(tmp_path, gzip.compress(zipped(("a.xml", NMAP), ("b.xml", PINGCASTLE))), "two")
    assert [read(item) for item in expand(two)] == [WHOLE, DOMAIN]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(packed,))
    feeder.start()
    opened = open_report(pipe)
    assert [repr(record) for record in opened.records()] == WHOLE
    feeder.join()
    assert opened.sha256 == hashlib.sha256(packed).hexdigest()


def test_the_copy_of_what_has_to_be_sought_in_is_private_bounded_and_without_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, list[Path]]] = []
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(disk.tempfile, "tempdir", None)
    real = disk._Sought

    def look(raw: Any, *arguments: Any) -> Any:
        seen.append((stat.S_IMODE(os.fstat(raw.fileno()).st_mode), [*tmp_path.iterdir()]))
        return real(raw, *arguments)

    monkeypatch.setattr(disk, "_Sought", look)
    made = disk.spool(iter([b"abc", b"def"]), "x")
    assert made.read() == b"abcdef" and made.name == "x"
    made.close()
    assert seen == [(0o600, [])]
    monkeypatch.setattr(disk, "MAX_SPOOL", 5)
    with pytest.raises(ReportError, match="unpack it"):
        disk.spool(iter([b"abc", b"def"]), "x")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "inner",
    [zipped(("a.xml", NMAP)), gzip.compress(NMAP), zipped(("20261122_users.json", b"{}"))],
    ids=["zip", "gzip", "bundle"],
)
def test_an_archive_in_an_archive_is_refused(tmp_path: Path, inner: bytes) -> None:
    path = write(tmp_path, zipped(("ok.xml", NMAP), ("inner", inner)))
    ok, nested = expand(path)
    assert read(ok) == WHOLE
    refused(nested, "archive in an archive")


def encrypted(packed: bytes) -> bytes:
    """The flag of encryption set where both headers have their flags."""
    data = bytearray(packed)
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def test_an_encrypted_archive_says_so(tmp_path: Path) -> None:
    assert not refused_once(tmp_path, encrypted(zipped(("a.xml", NMAP))), "ZIP with a password").foreign


def refused_once(folder: Path, packed: bytes, said: str) -> ReportError:
    path = write(folder, packed)
    with pytest.raises(ReportError) as caught:
        for item in expand(path):
            read(item)
    assert re.search(said, caught.value.reason), caught.value
    assert str(path) in str(caught.value) and not isinstance(caught.value, ReaderFault)
    return caught.value


def test_zip_bombs_are_refused_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused_once(tmp_path, zipped(("a.xml", b" " * (archive.RATIO_FROM + (1 << 20)))), "bomb")
    half = b"<nmaprun>" + b" " * (archive.RATIO_FROM // 2 + (1 << 20))
    refused_once(tmp_path, zipped(("a.xml", half), ("b.xml", half)), "bomb")
    monkeypatch.setattr(archive, "MAX_MEMBERS", 10)
    refused_once(tmp_path, zipped(*((f"{n}.xml", NMAP) for n in range(11))), "more than 10 files")
    monkeypatch.setattr(archive, "MAX_BYTES", len(NMAP))
    refused_once(tmp_path, zipped(("a.xml", NMAP), ("b.xml", NMAP)), "GiB unpacked")


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_said(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.xml", NMAP)))
    for at in (22, packed.index(b"PK\x01\x02") + 24):
        packed[at : at + 4] = (1000).to_bytes(4, "little")
    refused_once(tmp_path, bytes(packed), "damaged|truncated")


def test_a_directory_too_large_for_an_archive_is_refused_unread(tmp_path: Path) -> None:
    packed = bytearray(zipped(("a.xml", NMAP)))
    at = packed.index(b"PK\x05\x06") + 12
    packed[at : at + 4] = (1 << 30).to_bytes(4, "little")
    refused_once(tmp_path, bytes(packed), "larger than any real one")


def test_a_member_may_have_no_name(tmp_path: Path) -> None:
    data = bytearray(zipped(("x", NMAP)))
    local, central = 26, data.index(b"PK\x01\x02") + 28
    for at in (central, local):  # the name becomes a part of what comes behind it
        data[at : at + 2] = b"\0\0"
        data[at + 2 : at + 4] = b"\1\0"
    items = expand(write(tmp_path, bytes(data)))
    assert [item.name for item in items] == [f"{tmp_path / 'report.bin'}!"]
    assert read(items[0]) == WHOLE


def test_a_fault_while_looking_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any) -> Any:
        raise KeyError("x")

    path = write(tmp_path, zipped(("a.xml", NMAP), ("b.xml", NMAP)))
    monkeypatch.setattr(archive.Archive, "wanted", broken)
    with pytest.raises(ReaderFault, match="fault of care"):
        expand(path)
    monkeypatch.setattr(formats, "xml", broken)
    with pytest.raises(ReaderFault, match="fault of care"):
        _type = open_report(REPORTS / "nmap-web1.xml").type


def test_damaged_archives_are_named(tmp_path: Path) -> None:
    packed = zipped(("a.xml", NMAP), method=zipfile.ZIP_STORED)
    refused_once(tmp_path, packed[:-10], "cannot be read")
    refused_once(tmp_path, packed.replace(b"vsftpd", b"VSFTPD"), "damaged")
    refused_once(tmp_path, packed[: len(packed) // 2], "cannot be read")
    refused_once(tmp_path, zipped(("a.xml", NMAP), method=zipfile.ZIP_LZMA), "method")
    refused_once(tmp_path, zipped(), "without a file")


def test_an_archive_exchanged_between_looking_and_reading_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, zipped(("a.xml", NMAP), ("b.xml", NMAP)))
    first = expand(path)[0]
    write(tmp_path, zipped(("a.xml", NMAP), ("b.xml", NMAP), ("c.xml", NMAP)))
    refused(first, "changed since")


# --- what is no report


@pytest.mark.parametrize(
    ("beginning", "said", "foreign"),
    [
        (b"%PDF-1.7\n", "PDF", True),
        (b"<!DOCTYPE html>\n<html>", "HTML page", True),
        (b'\xef\xbb\xbf<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN">', "HTML page", True),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "HTML page", True),
        (b"MLA\x01\0\0\0\x01abc", "ORADAD", False),
        (b"MLAFAAAA", "ORADAD", False),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "old or encrypted Office", False),
        (b"\x7fELF\x02\x01", "program", True),
        (b"MZ\x90\0", "Windows program", True),
        (b"# Nmap 7.93 scan initiated Sun", "-oX", True),
        (b"# Nmap 7.93 scan\nHost: 10.0.0.1 ()\tStatus: Up\n", "-oX", True),
        (b"Host: 10.0.0.1 ()\tPorts: 22/open/tcp//ssh///\n", "-oX", True),
        (b"Starting Nmap 7.93 ( https://nmap.org )", "-oX", True),
        (b"#masscan\nopen tcp 22 10.0.0.1 1795311000\n", "-oJ", True),
        (b"# Masscan 1.3.2 scan initiated Sun", "-oJ", True),
        (b"masscan/1.1.02", "--readscan", True),
        (b"[tech-detect:nginx] [http] [info] https://web1/\n", "-jsonl", True),
        (b"[\x1b[92mCVE-2021-1\x1b[0m] [\x1b[94mhttp\x1b[0m] [\x1b[31mhigh\x1b[0m] https://web1/\n", "-jsonl", True),
        (b"\n\x1b[1m" + b"#" * 40 + b"\n    testssl.sh 3.0.8 from https://testssl.sh/\n", "--jsonfile-pretty", True),
        (b'"id","fqdn/ip","port","severity","finding","cve","cwe"\n', "--jsonfile-pretty", True),
        (b"\n CHECKING CONNECTIVITY TO SERVER(S)\n", "--json_out", True),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip", False),
        (b"Rar!\x1a\x07", "RAR", False),
        (lzma.compress(b"x"), "xz", False),
        (bz2.compress(b"x"), "bzip2", False),
        (b"\x28\xb5\x2f\xfd", "zstd", False),
        (b"x" * 257 + b"ustar\x0000", "tar archive", False),
        (b"SQLite format 3\0", "database", True),
        (b"\x89PNG\r\n", "picture", True),
        (b"$ANSIBLE_VAULT;1.1;AES256\n", "ansible-vault", False),
        (b"-----BEGIN PGP MESSAGE-----", "PGP", False),
        (b"# general\n(gen) banner: SSH-2.0-OpenSSH", "--json", True),
        (b"schema: care.remediation/decisions/1\n", "itself", True),
        (b'{"schema": "care.remediation/findings/1"}', "itself", True),
        (b'{"some": "thing"}', "of no tool", True),
        (b"[1, 2]", "of no tool", True),
        (b"[\n]\n", "nothing in it", True),
        (b"\xef\xbb\xbf { }", "nothing in it", True),
        (b"<NessusClientData/>", "first version", False),
        (b"<other/>", "root element is <other>", True),
        (b"", "is empty", True),
        (b" \r\n\t\0 ", "is empty", True),
        (b"\xff\xfe", "is empty", True),
        (gzip.compress(b""), "is empty", True),
        (b"Bonjour,\nveuillez trouver ci-joint\n", "not a table of a tool", True),
        (b"\x00\x01\x02\x03" * 1000, "not", True),
        (b"\xff" * 1000, "not", True),
    ],
)
def test_what_is_no_report_says_what_to_give_instead(
    tmp_path: Path, beginning: bytes, said: str, foreign: bool
) -> None:
    path = write(tmp_path, beginning)
    assert refused(path, said).foreign is foreign
    assert len(expand(path)) == 1


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["[Content_Types].xml", "word/document.xml"], "Word document"),
        (["[Content_Types].xml", "ppt/presentation.xml"], "presentation"),
        (["mimetype", "content.xml", "META-INF/manifest.xml"], "OpenDocument"),
        (["[Content_Types].xml", "xl/workbook.bin"], "xlsb"),
    ],
)
def test_office_documents_are_named(tmp_path: Path, names: list[str], said: str) -> None:
    refused_once(tmp_path, zipped(*((name, b"<x/>") for name in names)), said)


def test_missing_directory_device_and_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(tmp_path / "absent.xml", "no such file")
    refused(tmp_path, "is a directory")
    refused(Path("/dev/null"), "not a file")
    refused(tmp_path / ("x" * 300), "cannot be opened")
    refused(tmp_path / "nul\0", "cannot be opened")
    path = write(tmp_path, NMAP)

    def denied(*_arguments: Any) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disk.os, "open", denied)
    refused(path, "cannot be opened: Permission denied")


def test_a_pipe_that_nobody_writes_to_does_not_hold_everything_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "PIPE_SECONDS", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused(pipe, "nobody wrote")


def test_a_file_that_fails_while_it_is_read_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, NMAP + b" " * (2 * content.HEAD))
    opened = open_report(path)
    assert opened.type == "nmap"

    class Stale:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def read(self, _size: int) -> bytes:
            raise OSError(116, "Stale file handle")

    real = opened._opened.disk.raw  # type: ignore[union-attr]
    opened._opened.disk.raw = Stale()  # type: ignore[union-attr,assignment]
    with pytest.raises(ReportError, match="Stale file handle"):
        list(opened.records())


@pytest.mark.parametrize("packed", [False, True])
def test_a_report_that_a_tool_still_writes_is_not_taken_for_whole(tmp_path: Path, packed: bool) -> None:
    text = gzip.compress(NMAP) if packed else NMAP
    path = write(tmp_path, text)
    for accept in (False, True):
        opened = open_report(path, accept_partial=accept)
        assert opened.type == "nmap"
        with path.open("ab") as stream:
            stream.write(b"\0" if packed else b"\n")
        if accept:
            assert [repr(record) for record in opened.records()] == WHOLE
            assert opened.partial and any("changed" in note for note in opened.notes)
        else:
            with pytest.raises(ReportError, match="changed while it was read"):
                list(opened.records())


def test_a_file_that_vanishes_once_it_is_open_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path, NMAP)
    opened = open_report(path)
    assert opened.type == "nmap"
    path.unlink()
    assert [repr(record) for record in opened.records()] == WHOLE


# --- XML in every encoding


TEXT = '<nmaprun scanner="nmap" version="7.93"><host><address addr="10.0.0.1" addrtype="ipv4"/><hostnames>'
TEXT += '<hostname name="hôpital" type="user"/></hostnames></host></nmaprun>'


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        (None, "utf-8"),
        ("UTF-8", "utf-8-sig"),
        (None, "utf-8-sig"),
        ("UTF-16", "utf-16"),
        (None, "utf-16"),
        ("UTF-16LE", "utf-16-le"),
        ("UTF-16BE", "utf-16-be"),
        ("ISO-8859-1", "latin-1"),
        ("iso-8859-15", "iso-8859-15"),
        ("windows-1252", "windows-1252"),
        ("cp850", "cp850"),
    ],
)
def test_xml_is_read_in_the_encoding_that_it_declares(tmp_path: Path, declared: str | None, written: str) -> None:
    prolog = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    path = write(tmp_path, f"{prolog}{TEXT}".encode(written))
    opened = open_report(path)
    assert opened.type == "nmap"
    assert "hôpital" in repr(list(opened.records()))


@pytest.mark.parametrize(
    ("prolog", "written", "said"),
    [
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-8", "declares an encoding"),
        ('<?xml version="1.0" encoding="utf-8"?>', "latin-1", "not in the encoding"),
        ("", "windows-1252", "not in the encoding"),
        ('<?xml version="1.0" encoding="klingon"?>', "utf-8", "encoding"),
        ('<?xml version="1.0" encoding="idna"?>', "utf-8", "encoding|root element"),
        ("", "utf-32", "not XML|UTF-32"),
    ],
)
def test_a_wrong_encoding_says_so(tmp_path: Path, prolog: str, written: str, said: str) -> None:
    assert refused(write(tmp_path, f"{prolog}{TEXT}".encode(written)), said).line


@pytest.mark.parametrize("between", [b"", b"\n", b"\n<?xml version='1.0'?>\n"])
def test_two_documents_in_one_file_are_refused_with_the_place(tmp_path: Path, between: bytes) -> None:
    one = NMAP.rstrip().replace(b"<!DOCTYPE nmaprun>\n", b"")
    refusal = refused(write(tmp_path, one + between + one), "two reports in one file")
    assert refusal.line is not None and refusal.line >= one.count(b"\n")
    refused(write(tmp_path, gzip.compress(one) + gzip.compress(one)), "two reports in one file")


# --- the report as a whole


def test_progress_is_in_bytes_of_the_file_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "PROGRESS_SECONDS", 0.0)
    noise = os.urandom(300_000).hex().encode()
    text = NMAP.replace(b"</nmaprun>", b"<!--" + noise + b"--></nmaprun>")
    for packed in (text, gzip.compress(text), zipped(("a.xml", text))):
        told: list[tuple[int, int | None]] = []
        path = write(tmp_path, packed)
        assert read(path, progress=lambda done, size, told=told: told.append((done, size))) == WHOLE
        assert told and all(size == len(packed) and 0 < done <= len(packed) for done, size in told)
        assert told[-1][0] > len(packed) // 2


def test_a_fault_of_a_reader_is_an_error_like_every_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        type = "broken"
        notes: list[str] = []  # noqa: RUF012

        @staticmethod
        def recognise(_head: Any) -> bool:
            return True

        def records(self, _stream: Any) -> Any:
            yield from ()
            raise KeyError("x")

    monkeypatch.setattr(formats, "JSON", (Broken,))
    opened = open_report(write(tmp_path, b"{}"))
    with pytest.raises(ReaderFault, match="reader of broken failed here"):
        list(opened.records())


@pytest.mark.parametrize("packed", [False, True])
def test_the_hash_is_of_the_whole_file_however_little_a_reader_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    class Lazy:
        type = "lazy"

        @staticmethod
        def recognise(_head: Any) -> bool:
            return True

        def records(self, stream: Any) -> Any:
            yield stream.read(1)

    monkeypatch.setattr(formats, "JSON", (Lazy,))
    text = b"{}" + b" " * (1 << 20)
    text = gzip.compress(text + os.urandom(1 << 20)) if packed else text
    opened = open_report(write(tmp_path, text))
    assert list(opened.records()) == [b"{"]
    assert opened.sha256 == hashlib.sha256(text).hexdigest()


def test_a_message_that_quotes_the_file_is_bounded(tmp_path: Path) -> None:
    name = "x" * 60_000
    for text in (f'<?xml version="1.0" encoding="{name}"?><a/>', f"<{name}/>", f'{{"{name}": 1}}'):
        assert len(refused(write(tmp_path, text.encode()), ".").reason) < 2_100


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_records_are_read_once_and_the_file_is_closed(tmp_path: Path) -> None:
    path = write(tmp_path, NMAP)
    before = descriptors()
    opened = open_report(path)
    list(opened.records())
    with pytest.raises(ReportError, match="already"):
        list(opened.records())
    for broken in (b"<nmaprun>", b"{", b"PK\x03\x04", gzip.compress(b"<nmaprun>")):
        with pytest.raises(ReportError):
            read(write(tmp_path, broken, "broken"))
    begun = open_report(path).records()
    next(begun)
    begun.close()  # whoever does not want the rest
    assert descriptors() == before


def test_masscan_says_in_its_root_element_that_it_is_not_nmap() -> None:
    class Masscan:
        type = "masscan"
        ROOTS = frozenset(["nmaprun"])

    original = formats.XML
    try:
        formats.XML = (*(one for one in original if one.type != "masscan"), Masscan)  # type: ignore[misc]
        assert formats.xml("nmaprun", {"scanner": "masscan"}) is Masscan
        assert formats.xml("nmaprun", {"scanner": "nmap"}) is not Masscan
        assert formats.xml("nmaprun", {}) is not Masscan
    finally:
        formats.XML = original  # type: ignore[misc]


def test_types_are_named_once_each() -> None:
    for group in (formats.XML, formats.JSON, formats.TABLES, formats.BUNDLES):
        assert len(set(group)) == len(group)
    assert {"nmap", "pingcastle"} <= set(formats.types())
    assert all(formats.roots(reader) for reader in formats.XML)
    assert content.kind(b"<x/>") == content.XML


# --- workbooks and bundles, wherever they lie; files of lines


def through_a_pipe(folder: Path, content_: bytes) -> list[str]:
    pipe = folder / f"pipe{len(list(folder.iterdir()))}"
    os.mkfifo(pipe)
    feeder = threading.Thread(target=pipe.write_bytes, args=(content_,))
    feeder.start()
    try:
        return read(pipe, mappings=MAPPINGS)
    finally:
        feeder.join()


@pytest.mark.parametrize("fixture", ["mapped/passi.xlsx", "purple_knight/many.xlsx"])
def test_a_workbook_is_read_wherever_it_lies(tmp_path: Path, fixture: str) -> None:
    text = (REPORTS / fixture).read_bytes()
    whole = read(REPORTS / fixture, mappings=MAPPINGS)
    assert whole
    assert read(write(tmp_path, gzip.compress(text)), mappings=MAPPINGS) == whole
    assert through_a_pipe(tmp_path, text) == whole
    items = expand(write(tmp_path, zipped(("a.xlsx", text), ("b.xml", NMAP))))
    assert [read(item, mappings=MAPPINGS) for item in items] == [whole, WHOLE]


def test_a_bundle_is_one_report_wherever_it_lies(tmp_path: Path) -> None:
    fixture = REPORTS / "purple_knight" / "many.zip"
    whole = read(fixture)
    assert whole and len(expand(fixture)) == 1
    packed = gzip.compress(fixture.read_bytes())
    path = write(tmp_path, packed)
    assert len(expand(path)) == 1
    opened = open_report(path)
    assert [repr(record) for record in opened.records()] == whole
    assert opened.sha256 == hashlib.sha256(packed).hexdigest()
    assert through_a_pipe(tmp_path, fixture.read_bytes()) == whole
    refused(
        expand(write(tmp_path, zipped(("in.zip", fixture.read_bytes()), ("b.xml", NMAP))))[0], "archive in an archive"
    )


def test_lines_in_gzip_that_ends_too_early_are_partial_wherever_it_ends(tmp_path: Path) -> None:
    text = (REPORTS / "mapped" / "lines.jsonl").read_bytes()
    whole = read(REPORTS / "mapped" / "lines.jsonl", mappings=MAPPINGS)
    packed = gzip.compress(text)
    accepted = 0
    for length in range(20, len(packed), 9):
        path = write(tmp_path, packed[:length])
        with pytest.raises(ReportError):
            read(path, mappings=MAPPINGS)
        opened = open_report(path, accept_partial=True, mappings=MAPPINGS)
        try:
            records = [repr(record) for record in opened.records()]
        except ReportError:
            continue  # too little to tell what it is
        accepted += 1
        assert opened.partial and len(records) <= len(whole)
    assert accepted > 5


def test_a_table_of_a_tool_that_is_not_known_says_that_a_mapping_helps(tmp_path: Path) -> None:
    assert refused(write(tmp_path, b"Nom;Valeur\na;1\nb;2\n"), "mapping file").foreign
    assert refused(write(tmp_path, b'{"a": 1}\n{"a": 2}\n'), "with the keys a, .*mapping file").foreign
