# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a settings function gives back: files and units as they should be, and what stands in the way."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class WantedFile:
    """One file as it should be.

    :ivar path: absolute path, symbolic links resolved (replacing the link itself would cut it from its file)
    :ivar content: the whole text, UTF-8
    :ivar mode: octal digits, for instance ``0640``
    :ivar secret: the text must not reach a change, a journal or a diff
    """

    path: str
    content: str
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    secret: bool = False


@dataclass(frozen=True)
class WantedUnit:
    """One systemd unit as it should be."""

    name: str
    enabled: str
    active: bool


@dataclass
class Settings:
    """Result of one settings function.

    :ivar problems: why it must not be applied now, each a sentence that says what to do; empty when nothing does
    :ivar notes: what an administrator should know although it does not stand in the way
    :ivar hazards: ``{"kind", "object"}`` as in a change
    """

    files: list[WantedFile] = field(default_factory=list)
    units: list[WantedUnit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    hazards: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for a module's result: ``files``, ``secrets`` and ``units`` as the planners take them."""
        files: list[dict[str, Any]] = []
        secrets: dict[str, str] = {}
        for wanted in self.files:
            entry = {"path": wanted.path, "mode": wanted.mode, "owner": wanted.owner, "group": wanted.group}
            if wanted.secret:
                secrets[wanted.path] = wanted.content
                files.append({**entry, "secret": True, "content_from": wanted.path})
            else:
                files.append({**entry, "content": wanted.content})
        return {
            "files": files,
            "secrets": secrets,
            "units": [asdict(unit) for unit in self.units],
            "problems": self.problems,
            "notes": self.notes,
            "hazards": self.hazards,
        }
