# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a file is, told from its first bytes, and what to do with those that are no report.

The name of a file says nothing: people rename, mail programs add .txt, archives say .bin.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import Final
from xml.parsers import expat

from . import archive, gunzip
from .errors import ReportError

HEAD: Final = 1 << 18

EMPTY, GZIP, ZIP, XML, JSON, TEXT = "empty", "gzip", "zip", "xml", "json", "text"

_EXPORT: Final = "export the report from the tool as XML, JSON, CSV or XLSX"
_MLA: Final = (
    "is an encrypted dump of ORADAD (.mla), which only ANSSI opens: run ORADAD without encryption for yourself, and "
    "audit the folder it writes (care_oradad_dump)"
)
# Beginnings of files that hold a report which cannot be read as it is, and what to give instead.
_UNREADABLE: Final = (
    (b"MLA\x01\0\0\0", _MLA),
    (b"MLA\x02\0\0\0", _MLA),
    (b"MLAFAAAA", _MLA),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old or encrypted Office document (.xls, .doc, or one with a password):"
     " save it as .xlsx without a password, or as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive: unpack it, and give the files in it"),
    (b"Rar!", "is a RAR archive: unpack it, and give the files in it"),
    (b"\xfd7zXZ", "is compressed (xz): unpack it (unxz), and give the file"),
    (b"BZh91AY&SY", "is compressed (bzip2): unpack it (bunzip2), and give the file"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd): unpack it (unzstd), and give the file"),
    (b"\x04\x22\x4d\x18", "is compressed (lz4): unpack it (unlz4), and give the file"),
    (b"\x1f\x9d", "is compressed (compress): unpack it (uncompress), and give the file"),
    (b"MSCF", "is a Windows cabinet: unpack it (expand), and give the files in it"),
    (b"-----BEGIN PGP MESSAGE", "is encrypted (PGP): decrypt it first"),
    (b"Salted__", "is encrypted (openssl): decrypt it first"),
    (b"age-encryption.org/", "is encrypted (age): decrypt it first"),
    (b"$ANSIBLE_VAULT", "is encrypted (ansible-vault): decrypt it first"),
    (b"version https://git-lfs", "is a placeholder of Git LFS: fetch the file itself (git lfs pull)"),
)  # fmt: skip
# Beginnings of files that are no report.
_FOREIGN: Final = (
    (b"%PDF", f"is a PDF: {_EXPORT} (PingCastle: the .xml beside the .html; Nessus: Export, Nessus; Greenbone: XML)"),
    (b"{\\rtf", f"is an RTF document: {_EXPORT}"),
    (b"\x7fELF", f"is a program: {_EXPORT}"),
    (b"MZ\x90\0", f"is a Windows program: {_EXPORT}"),
    (b"#!", f"is a script: {_EXPORT}"),
    (b"SQLite format 3", f"is a database (SQLite): {_EXPORT}"),
    (b"\x89PNG", f"is a picture: {_EXPORT}"),
    (b"\xff\xd8\xff", f"is a picture: {_EXPORT}"),
    (b"GIF8", f"is a picture: {_EXPORT}"),
    (b"ElfFile\0", "is a Windows event log, not a report"),
    (b"regf", "is a piece of the Windows registry, not a report"),
    (b"\xd4\xc3\xb2\xa1", "is a network capture (pcap), not a report"),
    (b"\xa1\xb2\xc3\xd4", "is a network capture (pcap), not a report"),
    (b"\x0a\x0d\x0d\x0a", "is a network capture (pcapng), not a report"),
    (b"-----BEGIN ", "is a key or a certificate, not a report"),
)
# The same for texts: compared in lower case, without what stands before the first word.
_FOREIGN_TEXT: Final = (
    ("<!doctype html", "html"),
    ("<html", "html"),
    ("# nmap", "nmap"),
    ("starting nmap", "nmap"),
    ("nmap scan report", "nmap"),
    ("#masscan", "masscan"),
    ("# masscan", "masscan"),
    ("discovered open port", "masscan"),
    ("masscan/1.", "masscan-binary"),
    ("checking connectivity to server", "sslyze"),
    ("checking host(s) availability", "sslyze"),
    ("# general", "ssh-audit"),
    ("(gen) banner", "ssh-audit"),
    ("received: from", "mail"),
    ("mime-version:", "mail"),
    ("return-path:", "mail"),
    ("--- !", "yaml"),
    ("---\n", "yaml"),
    ("$schema:", "yaml"),
    ("schema: care.remediation", "ours"),
)
_FOREIGN_PATTERNS: Final = (
    (re.compile(r"host: \S+ \(.*\)\s+(status|ports):"), "nmap"),
    (re.compile(r"\[[^\]\s\"{}]{1,200}\] \[[a-z]{2,12}\] \[(info|low|medium|high|critical|unknown)\] "), "nuclei"),
    (re.compile(r"#{20,}\s+testssl(\.sh)? "), "testssl"),
)
# A person's mapping file may read these; where none does, the tool has something better.
_FOREIGN_TABLES: Final = ((re.compile(r'"?id"?,"?fqdn/ip"?,"?port"?,"?severity"?,'), "testssl"),)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_TEXTS: Final = {
    "html": "is an HTML page: export the report from the tool as XML, JSON or CSV (PingCastle writes "
    "ad_hc_<domain>.xml beside it)",
    "nmap": "is nmap's plain output (-oN or -oG): run nmap with -oX to get XML",
    "masscan": "is masscan's list output: run masscan with -oX (XML) or -oJ (JSON)",
    "masscan-binary": "is masscan's binary output: turn it into XML with masscan --readscan <file> -oX <file>.xml",
    "nuclei": "is nuclei's text output: run nuclei with -jsonl -o <file>",
    "sslyze": "is sslyze's text output: run sslyze with --json_out <file>",
    "testssl": "is testssl.sh's text or CSV output: run testssl.sh with --jsonfile-pretty <file>",
    "ssh-audit": "is ssh-audit's text output: run ssh-audit with --json",
    "mail": "is a mail: save the report that is attached to it",
    "yaml": "is YAML: no report is written so",
    "ours": "is a file of care.remediation itself, not a report",
}
# Roots of XML documents that hold a report which cannot be read as it is…
UNREADABLE_ROOTS: Final = {
    "NessusClientData": "is a report of Nessus in its first version: export it again as Nessus (v2)",
    "Workbook": "is an Excel 2003 XML workbook: save it as .xlsx or CSV",
    "office:document": "is an OpenDocument file: save it as .xlsx or CSV",
}
# …and of those that are no report.
FOREIGN_ROOTS: Final = {
    "html": _TEXTS["html"],
    "HTML": _TEXTS["html"],
    "wordDocument": f"is a Word document: {_EXPORT}",
    "pkg:package": f"is an Office document in one XML file: {_EXPORT}, or save it as .xlsx",
    "svg": f"is a picture: {_EXPORT}",
    "rss": "is a news feed, not a report",
    "feed": "is a news feed, not a report",
    "testsuites": "is a JUnit report, which says nothing of hosts: export the tool's own format",
    "testsuite": "is a JUnit report, which says nothing of hosts: export the tool's own format",
}
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(head: bytes) -> str:
    """The beginning of a text, by its byte order mark, else UTF-16 told by its zeros, else UTF-8, else windows-1252."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return head.decode(encoding, errors="replace")
    if len(head) > 3 and head[1] == 0 and head[3] == 0 and head[0]:
        return head[: len(head) & ~1].decode("utf-16-le", errors="replace")
    if len(head) > 3 and head[0] == 0 and head[2] == 0 and head[1]:
        return head[: len(head) & ~1].decode("utf-16-be", errors="replace")
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError as exc:
        if exc.start >= len(head) - 4:  # a character cut at the end of the head
            return head[: exc.start].decode("utf-8")
        return head.decode("windows-1252", errors="replace")


def refuse(head: bytes, name: str) -> None:
    """Raise ReportError, with what to do, for a file that begins so and is surely no report that can be read."""
    why = _unreadable(head)
    if why is not None:
        raise ReportError(name, why, line=1)
    why = _foreign(head)
    if why is not None:
        raise ReportError(name, why, line=1, foreign=True)


def foreign(head: bytes) -> str | None:
    """Why a file that begins so is no report that can be read, and what to do; None where it may be one."""
    return _unreadable(head) or _foreign(head)


def foreign_table(head: bytes) -> str | None:
    """What to export instead of a table that only a mapping file could read; None where nothing better is known."""
    text = decoded(head[:4096]).lstrip("\ufeff \t\r\n").casefold()
    return next((_TEXTS[kind] for pattern, kind in _FOREIGN_TABLES if pattern.match(text)), None)


def _unreadable(head: bytes) -> str | None:
    for mark, reason in _UNREADABLE:
        if head.startswith(mark):
            return reason
    return "is a tar archive: unpack it, and give the files in it" if head[257:262] == b"ustar" else None


def _foreign(head: bytes) -> str | None:
    for mark, reason in _FOREIGN:
        if head.startswith(mark):
            return reason
    text = _COLOUR.sub("", decoded(head[:4096])).lstrip("\ufeff \t\r\n\0").casefold()
    for beginning, kind in _FOREIGN_TEXT:
        if text.startswith(beginning):
            return _TEXTS[kind]
    return next((_TEXTS[kind] for pattern, kind in _FOREIGN_PATTERNS if pattern.match(text)), None)


def kind(head: bytes) -> str:
    """EMPTY, GZIP, ZIP, XML, JSON or TEXT. ``head``: up to HEAD bytes of the beginning."""
    if head.startswith(gunzip.MAGIC):
        return GZIP
    if head.startswith(archive.MAGIC):
        return ZIP
    text = decoded(head).lstrip("\ufeff \t\r\n\0")
    if not text:
        return EMPTY
    if text[0] == "<":
        return XML
    if text[0] in "{[":
        return JSON
    return TEXT


class _Found(Exception):
    pass


def root(head: bytes) -> tuple[str, dict[str, str]] | None:
    """The root element of an XML document and its attributes; None where it does not stand in the beginning.

    Says nothing of what is wrong: the reading itself does.
    """
    seen: list[tuple[str, dict[str, str]]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        seen.append((name, attributes))
        raise _Found

    parser = expat.ParserCreate()
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = start
    with contextlib.suppress(_Found, expat.ExpatError, LookupError, ValueError):
        parser.Parse(head, False)
    return seen[0] if seen else None
