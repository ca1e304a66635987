# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's names in /etc/hosts: marked lines, for one instance at a time, removed without a trace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from care_lab.progress import LabError

HOSTS = Path("/etc/hosts")
MARK = "# care-lab "


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)


def _write(path: Path, lines: list[str]) -> None:
    # In place: /etc/hosts is often a mount of its own, which a rename cannot replace.
    with path.open("r+", encoding="utf-8", errors="surrogateescape") as file:
        file.write("".join(lines))
        file.truncate()
        file.flush()
        os.fsync(file.fileno())


def holder(path: Path = HOSTS) -> str | None:
    """The instance whose names are in the file, or None."""
    for line in _read(path):
        if MARK in line:
            return line.split(MARK, 1)[1].strip()
    return None


def write(instance: str, names: Mapping[str, str], path: Path = HOSTS) -> None:
    """Put ``{name: address}`` in the file for an instance.

    :raises LabError: another instance's names are there: one name cannot be two domains.
    """
    other = holder(path)
    if other not in (None, instance):
        raise LabError(
            f"{path} already has the names of the lab instance {other!r}: "
            f"take that down first (care_lab down --instance {other})"
        )
    kept = [line for line in _read(path) if not line.rstrip("\n").endswith(MARK + instance)]
    if kept and not kept[-1].endswith("\n"):
        kept[-1] += "\n"
    _write(path, kept + [f"{address} {name} {MARK}{instance}\n" for name, address in names.items()])


def remove(instance: str, path: Path = HOSTS) -> None:
    """Take an instance's lines out; nothing else is touched."""
    lines = _read(path)
    kept = [line for line in lines if not line.rstrip("\n").endswith(MARK + instance)]
    if kept != lines:
        _write(path, kept)
