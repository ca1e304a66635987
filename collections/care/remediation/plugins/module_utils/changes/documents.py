# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the control node: validated JSON, private modes, atomic replacement."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils import schema as schemas


class DocumentError(Exception):
    """A file is missing, cannot be read or is not what its schema says; the message names file, place and reason."""


def now() -> str:
    """The present time as ISO 8601, UTC, to the microsecond, ending in ``Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def validate(value: Any, schema: str, origin: str) -> None:
    """Check a value against ``schemas/<schema>.json``, for instance ``change-set-1``.

    Raises ``DocumentError`` naming ``origin``, the place in the document and the reason.
    """
    try:
        found = schemas.problems(value, schema)
    except schemas.MissingLibrary as error:
        raise DocumentError(str(error)) from error
    if found:
        # what is wrong deepest says most
        worst = max(found, key=lambda one: len(one.place))
        raise DocumentError(f"{origin}: at {worst.path or 'the whole document'}: {worst.reason}")


def private_folder(path: Path) -> Path:
    """Create a folder (and its parents) with mode 0700; an existing one of ours is tightened. Returns it."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Someone else's folder keeps its mode: the files in it are 0600 all the same.
    with contextlib.suppress(PermissionError):
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    return path


def sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk, so that a file just created in it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Replace a file atomically, mode 0600: a reader sees the old or the new content, never a part."""
    private_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, value: Mapping[str, Any], schema: str) -> None:
    """Validate and write a document. Raises ``DocumentError`` before anything is written when it is not valid."""
    validate(value, schema, str(path))
    write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Read and validate a document. Raises ``DocumentError`` when it is missing, not JSON or not valid."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DocumentError(f"{path}: no such file") from None
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DocumentError(f"{path}: not JSON: {error}") from error
    validate(value, schema, str(path))
    return dict(value)
