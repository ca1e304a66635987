# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reading and writing the JSON documents of a run: validated both ways, written whole or not at all."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils import schema

# A document of 100,000 findings is about 100 MB; what is larger was not written by this program.
MAX_BYTES: Final = 512 * 1024 * 1024


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
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise DocumentError(f"{path}: there is no such file") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise DocumentError(f"{path}: cannot be read: {exc}") from exc
    except json.JSONDecodeError as exc:
        raise DocumentError(f"{path}: line {exc.lineno}: not JSON: {exc.msg}") from exc
    except RecursionError as exc:
        raise DocumentError(f"{path}: nested too deeply to be a file of care.remediation") from exc
    check(document, name, where=str(path))
    if not isinstance(document, dict):
        raise DocumentError(f"{path}: an object was expected")
    return document


def write(path: Path, document: Mapping[str, Any], name: str) -> None:
    """Write a checked document, atomically, mode 0600, its folder made 0700 where it is missing."""
    check(document, name, where=str(path))
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False) + "\n")


def write_if_changed(path: Path, document: dict[str, Any], name: str) -> bool:
    """Write a document unless the file says the same already, apart from when it was made; True when written.

    When the file stays, ``document["generated"]`` becomes the time that it states.
    """
    check(document, name, where=str(path))
    try:
        present = read(path, name)
    except DocumentError:  # missing, or of an older version: written anew
        present = {}
    # what was new or gone in one run is not so in the next one: that alone is no change
    passing: dict[str, Any] = {"generated": "", "added": [], "dropped": []}
    if present and {**present, **passing} == {**document, **passing}:
        document["generated"] = present["generated"]
        return False
    write(path, document, name)
    return True


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) atomically, mode 0600: a reader sees the old file or the new one, whole."""
    write_bytes(path, text.encode("utf-8", errors="replace"))


def write_bytes(path: Path, content: bytes) -> None:
    """As write_text, for bytes."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:  # mkstemp made it 0600
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
