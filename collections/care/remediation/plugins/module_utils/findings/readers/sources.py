# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which reports to read: from files, folders, globs and archives to one list in a stable order."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .errors import ReportError
from .report import Item, expand, open_report

# A hospital has some hundreds of reports; a whole disk was not meant.
MAX_FILES: Final = 10_000
MAX_SEEN: Final = 200_000
_MAGIC: Final = re.compile(r"[*?\[]")
_OURS: Final = re.compile(rb"(?:^|\n)schema:\s*[\"']?care\.remediation/|\"schema\":\s*\"care\.remediation/")
# What operating systems leave in folders.
_LITTER: Final = frozenset(("thumbs.db", "desktop.ini"))


@dataclass(slots=True)
class Gathered:
    """The reports to read; what a folder, a glob or an archive held besides, and why it is no report."""

    items: list[Item] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)


def gather(items: Sequence[str | Path], base: Path, *, mappings: Sequence[Any] = ()) -> Gathered:
    """Every report that ``items`` name, archives opened, each looked at.

    What was named itself and is no report is an error; what only lay in a folder, a glob or an archive beside reports
    (the PDF, the HTML page) is left out, and said. Raises ReportError.
    """
    gathered = Gathered()
    for path, named in _find(items, base, gathered.left_out):
        inside = expand(path)
        alone = named and len(inside) == 1
        for item in inside:
            if not path.is_file():  # a pipe can be read only once: by whoever reads it
                gathered.items.append(item)
                continue
            report = open_report(item, mappings=mappings)
            try:
                _type = report.type
            except ReportError as exc:
                if alone or not exc.foreign:
                    raise
                gathered.left_out.append({"file": item.name, "reason": exc.reason})
                continue
            finally:
                report.close()
            gathered.items.append(item)
            if len(gathered.items) > MAX_FILES:
                raise ReportError(str(path), f"with this, there are more than {MAX_FILES} reports: name fewer")
    return gathered


def find(items: Sequence[str | Path], base: Path) -> list[Path]:
    """The files that ``items`` name, in their order, each once.

    An item is a file, a folder (all files in it and below, but hidden ones and documents of this program) or a glob
    (``**`` for any depth), relative to ``base``. Within a folder or a glob, the order is that of the paths. Raises
    ReportError for an item that names nothing.
    """
    return [path for path, _named in _find(items, base, [])]


def _find(items: Sequence[str | Path], base: Path, left_out: list[dict[str, str]]) -> Iterator[tuple[Path, bool]]:
    """Each file, and whether it was named itself."""
    seen: set[tuple[int, int]] = set()
    # what is named itself comes first to its name: a folder that holds it too does not make it less wanted
    wanted = {_identity(_place(item, base)) for item in items if not _MAGIC.search(str(item))}
    count = 0
    for item in items:
        for path, named in _files(item, base, left_out):
            identity = _identity(path)
            if identity is not None:
                if identity in seen:
                    continue
                seen.add(identity)
            count += 1
            if count > MAX_FILES:
                raise ReportError(str(item), f"with this, there are more than {MAX_FILES} files: name fewer")
            yield path, named or (identity is not None and identity in wanted)


def _files(item: str | Path, base: Path, left_out: list[dict[str, str]]) -> Iterator[tuple[Path, bool]]:
    place = _place(item, base)
    try:
        mode: int | None = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        mode = None
    except (OSError, ValueError) as exc:
        raise ReportError(str(place), f"cannot be looked at: {getattr(exc, 'strerror', None) or exc}") from exc
    if mode is not None and stat.S_ISDIR(mode):
        found = list(_chosen(_below(place), left_out))
        if not found:
            reason = "there is no report in this folder (hidden files and our own documents do not count)"
            left_out.append({"file": str(place), "reason": reason})
        yield from ((path, False) for path in found)
    elif mode is not None:
        yield place, True
    elif _MAGIC.search(str(item)):
        found = list(_chosen(_globbed(place), left_out))
        if not found:
            raise ReportError(str(item), f"no file of this pattern is in {base}")
        yield from ((path, False) for path in found)
    else:
        raise ReportError(str(place), "there is no such file or folder")


def _place(item: str | Path, base: Path) -> Path:
    try:
        path = Path(item).expanduser()
    except RuntimeError:  # ~somebody who is not there
        path = Path(item)
    return base / path


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino


def _below(folder: Path) -> list[Path]:
    """All files in a folder and below, sorted; each folder once, whatever links lead to it."""
    found: list[Path] = []
    entered: set[tuple[int, int]] = set()
    looked = 0
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        identity = _identity(here)
        if identity is None or identity in entered:
            continue
        entered.add(identity)
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    looked += 1
                    if looked > MAX_SEEN or len(found) > MAX_FILES:
                        raise ReportError(
                            str(folder), f"holds more than {MAX_FILES} files: name the folder of the reports"
                        )
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        waiting.append(here / entry.name)
                    elif entry.is_file():
                        found.append(here / entry.name)
        except OSError as exc:
            raise ReportError(str(here), f"this folder cannot be read: {exc.strerror}") from exc
    return sorted(found)


def _globbed(pattern: Path) -> list[Path]:
    parts = pattern.parts
    if "**" in parts:
        # glob would follow links round and round: folders are walked once each instead
        plain = next(index for index, part in enumerate(parts) if _MAGIC.search(part))
        root = Path(*parts[:plain])
        return [path for path in _below(root) if _fits(path.parts[plain:], parts[plain:])]
    found: list[Path] = []
    for index, name in enumerate(glob.iglob(str(pattern))):  # noqa: PTH207  # the pattern is absolute
        if index > MAX_SEEN or len(found) > MAX_FILES:
            raise ReportError(str(pattern), f"fits more than {MAX_FILES} files: name fewer")
        if Path(name).is_file():
            found.append(Path(name))
    return sorted(set(found))


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path fit those of a pattern, ``**`` being any number of folders."""
    reached = {0}  # places in the pattern before which the path so far may stand
    for part in parts:
        after: set[int] = set()
        for index in _skipping(reached, pattern):
            if index < len(pattern) and pattern[index] == "**":
                after.add(index)
            elif index < len(pattern) and fnmatch.fnmatchcase(part, pattern[index]):
                after.add(index + 1)
        reached = after
    return len(pattern) in _skipping(reached, pattern)


def _skipping(reached: set[int], pattern: Sequence[str]) -> set[int]:
    found = set(reached)
    for index in range(len(pattern)):
        if index in found and pattern[index] == "**":
            found.add(index + 1)
    return found


def _chosen(paths: Iterable[Path], left_out: list[dict[str, str]]) -> Iterator[Path]:
    for path in paths:
        if path.name.casefold() in _LITTER:
            continue
        if _ours(path):
            left_out.append({"file": str(path), "reason": "is a document of care.remediation itself, not a report"})
            continue
        yield path


def _ours(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return _OURS.search(stream.read(8192)) is not None
    except OSError:
        return False  # opening it says why
