# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading and writing the JSON documents of a run: validated both ways, written whole or not at all."""

from __future__ import annotations

import contextlib
import datetime
import gc
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from ansible_collections.care.remediation.plugins.module_utils import schema

# A document of 500,000 findings is about 300 MB; what is larger was not written by this program.
MAX_BYTES: Final = 2 << 30


class DocumentError(Exception):
    """A document is missing, is not JSON, or breaks its schema; the message names file, place and reason."""


def now() -> str:
    """The present time in UTC, as documents write it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def digest_file(path: Path) -> str:
    """SHA-256 of a file, hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def check(document: Any, name: str, *, where: str) -> None:
    """Raise DocumentError, naming place and reason, where ``document`` breaks the schema ``name``: ``findings/1``."""
    try:
        found = schema.problems(document, name.replace("/", "-"))
    except schema.MissingLibrary as exc:
        raise DocumentError(str(exc)) from exc
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise DocumentError(f"{where}: {found[0].path or 'the whole document'}: {found[0].reason}{more}")


def read(path: Path, name: str) -> dict[str, Any]:
    """The document in ``path``, checked against schema ``name``; DocumentError says what is wrong."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"{path}: larger than {MAX_BYTES >> 20} MiB; this is not a file of care.remediation")
        with uncollected():
            document = json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise DocumentError(f"{path}: there is no such file") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise DocumentError(f"{path}: cannot be read: {exc}") from exc
    except json.JSONDecodeError as exc:
        raise DocumentError(f"{path}: line {exc.lineno}, column {exc.colno}: not JSON: {exc.msg}") from exc
    except RecursionError as exc:
        raise DocumentError(f"{path}: nested too deeply to be a file of care.remediation") from exc
    except ValueError as exc:  # a number of more digits than Python reads
        raise DocumentError(f"{path}: not JSON: {exc}") from exc
    check(document, name, where=str(path))
    if not isinstance(document, dict):
        raise DocumentError(f"{path}: an object was expected")
    if name == "findings/1":
        _share(document["findings"])
    return document


def _share(findings: Iterable[dict[str, Any]]) -> None:
    """Let equal texts of findings be one object: ten thousand hosts with the same weakness say the same of it."""
    shared: dict[str, str] = {}
    share = shared.setdefault
    for finding in findings:
        finding["control"] = share(finding["control"], finding["control"])
        finding["host"] = share(finding["host"], finding["host"])
        for mention in finding["sources"]:
            for key in ("source", "rule", "wording", "severity"):
                text = mention[key]
                if text is not None:
                    mention[key] = share(text, text)
        evidence = finding["evidence"]
        for key in ("title", "solution", "output", "service", "banner", "protocol", "cvss_vector"):
            text = evidence.get(key)
            if isinstance(text, str):
                evidence[key] = share(text, text)


def write(path: Path, document: Mapping[str, Any], name: str) -> None:
    """Write a checked document, atomically, mode 0600, its folder made 0700 where it is missing."""
    check(document, name, where=str(path))
    with _replacing(path) as stream:
        for _key, piece in _pieces(document):
            stream.write(piece)


def write_if_changed(path: Path, document: dict[str, Any], name: str) -> bool:
    """Write a document unless the file says the same already, apart from when it was made; True when written.

    When the file stays, ``document["generated"]`` becomes the time that it states. Compared is what would be written,
    key by key of the document: neither side is ever held as text as a whole.
    """
    check(document, name, where=str(path))
    present, stated = _present(path)
    with contextlib.suppress(_Unchanged), _replacing(path) as stream:
        made: dict[str, Any] = {}
        for key, piece in _pieces(document):
            stream.write(piece)
            _feed(made, key, piece)
        if stated is None or _said(made) != _said(present):
            return True
        raise _Unchanged
    document["generated"] = stated
    return False


class _Unchanged(Exception):
    """The file that was being made is not wanted: the one that is there says the same."""


# What was new or gone in one run is not so in the next one: that alone is no change.
_PASSING: Final = frozenset(("generated", "added", "dropped"))
# A list of more elements, an object of more keys, and whatever one of them stands in, is written over several lines.
_SHORT: Final = 16
_WIDE: Final = 64
_TOGETHER: Final = 1000
# From so many files on, the disk is asked once for all of them.
_MANY: Final = 200
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(", ", ": ")).encode


def _pieces(document: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The text of a document in pieces, each with the key of the document that it belongs to.

    One key, or one element of a long list, a line: a difference between two files can be read, and each line goes
    through the fast encoder of the standard library (one that indents is twenty times slower).
    """
    yield "", b"{\n"
    left = len(document)
    for key, value in document.items():
        left -= 1
        lines = [f" {_dumps(key)}: "]
        for piece in _spread(value, 2):
            lines.append(piece)
            if len(lines) > _TOGETHER:
                yield key, "".join(lines).encode("utf-8", errors="replace")
                lines.clear()
        lines.append(",\n" if left else "\n")
        yield key, "".join(lines).encode("utf-8", errors="replace")
    yield "", b"}\n"


def _spread(value: Any, depth: int) -> Iterator[str]:
    if _is_short(value):
        yield _dumps(value)
        return
    pad = " " * depth
    if isinstance(value, dict):
        mark = "{\n"
        for key, item in value.items():
            yield f"{mark}{pad}{_dumps(str(key))}: "
            yield from _spread(item, depth + 1)
            mark = ",\n"
        yield f"\n{pad[1:]}}}"
        return
    mark = "[\n"
    for item in value:
        if _is_short(item):
            yield f"{mark}{pad}{_dumps(item)}"
        else:
            yield mark + pad
            yield from _spread(item, depth + 1)
        mark = ",\n"
    yield f"\n{pad[1:]}]"


def _is_short(value: Any) -> bool:
    """Whether a value is written on one line: nothing in it, at any depth, is long."""
    if isinstance(value, dict):
        if len(value) > _WIDE:
            return False
        parts: Any = value.values()
    elif isinstance(value, list | tuple):
        if len(value) > _SHORT:
            return False
        parts = value
    else:
        return True
    for part in parts:  # noqa: SIM110 - asked for every finding, and a generator takes twice as long
        if isinstance(part, dict | list | tuple) and not _is_short(part):
            return False
    return True


def _present(path: Path) -> tuple[dict[str, Any], str | None]:
    """What ``_feed`` makes of a file that ``_pieces`` gave, and the time that it states; no time: not such a file."""
    found: dict[str, Any] = {}
    stated: str | None = None
    key = ""
    try:
        with path.open("rb") as stream:
            for line in stream:
                if line.startswith(b' "'):  # deeper lines begin with more spaces
                    key = json.loads(line[1 : line.index(b'":') + 1])
                    if key == "generated":
                        stated = json.loads(line[line.index(b'":') + 2 :].rstrip(b",\n"))
                elif line.startswith(b"}"):
                    key = ""
                _feed(found, key, line)
    except (FileNotFoundError, ValueError):
        return {}, None
    return found, stated if isinstance(stated, str) else None


def _feed(digests: dict[str, Any], key: str, piece: bytes) -> None:
    digest = digests.get(key)
    if digest is None:
        digest = digests[key] = hashlib.sha256()
    digest.update(piece)


def _said(digests: Mapping[str, Any]) -> dict[str, bytes]:
    """What a document says, apart from what passes."""
    return {key: digest.digest() for key, digest in digests.items() if key not in _PASSING}


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) atomically, mode 0600: a reader sees the old file or the new one, whole."""
    write_bytes(path, text.encode("utf-8", errors="replace"))


def write_bytes(path: Path, content: bytes) -> None:
    """As write_text, for bytes."""
    write_pieces(path, [content])


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """As write_bytes, for what is too large to be held as a whole."""
    with _replacing(path) as stream:
        for piece in pieces:
            stream.write(piece)


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write many text files, each atomically, mode 0600. All are on disk before the first one takes its place."""
    made: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            temporary, stream = _temporary(path)
            made.append((temporary, path))
            with stream:
                stream.write(text.encode("utf-8", errors="replace"))
                if len(texts) < _MANY:
                    _sync(stream)
        if len(texts) >= _MANY:
            os.sync()  # once: ten thousand files one after the other take many seconds
        for temporary, path in made:
            temporary.replace(path)
    except BaseException:
        for temporary, _path in made:
            temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``path`` at the end, on disk as a whole; not where anything goes wrong."""
    temporary, stream = _temporary(path)
    try:
        with stream:
            yield stream
            _sync(stream)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> tuple[Path, BinaryIO]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    return Path(name), os.fdopen(handle, "wb", buffering=1 << 20)


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No collection of cyclic garbage meanwhile: millions of plain objects are made, and it would look at each of them
    again and again (two thirds of the time to read a large document)."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
