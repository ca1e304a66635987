# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where this machine gets its Debian packages, so that images come from the same place.

Read from apt's own sources (one-line and deb822); nothing else is assumed of the machine.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

DEFAULT_MIRROR = "http://deb.debian.org/debian"
DEFAULT_SECURITY = "http://deb.debian.org/debian-security"
SOURCES = Path("/etc/apt")
# Settings of the machine's apt that decide whether it can reach its archive at all.
INHERITED = (
    "Acquire::http::",
    "Acquire::https::",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
    "Acquire::Retries",
)


@dataclass(frozen=True)
class Mirrors:
    """The archive's main and security addresses."""

    main: str
    security: str


def _one_line(text: str) -> list[tuple[str, str]]:
    pairs = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words or words[0] != "deb":
            continue
        words = words[1:]
        if words and words[0].startswith("["):
            while words and not words.pop(0).endswith("]"):
                pass
        if len(words) >= 2:
            pairs.append((words[0], words[1]))
    return pairs


def _deb822(text: str) -> list[tuple[str, str]]:
    pairs = []
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() == "no" or "deb" not in fields.get("types", "").split():
            continue
        pairs += [(uri, suite) for uri in fields.get("uris", "").split() for suite in fields.get("suites", "").split()]
    return pairs


def mirrors(folder: Path = SOURCES) -> Mirrors:
    """The Debian archive that this machine uses: that of its own release's entries, else Debian's public one."""
    pairs: list[tuple[str, str]] = []
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for path in files:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        pairs += _deb822(text) if path.suffix == ".sources" else _one_line(text)
    releases = ("bookworm", "trixie", "stable")
    main = next((uri for uri, suite in pairs if suite in releases), DEFAULT_MIRROR)
    security = next(
        (uri for uri, suite in pairs if suite in {f"{name}-security" for name in releases}), DEFAULT_SECURITY
    )
    return Mirrors(main.rstrip("/"), security.rstrip("/"))


def source_lines(suite: str, found: Mirrors) -> list[str]:
    """sources.list lines for a Debian release (``bookworm``, ``trixie``)."""
    return [
        f"deb {found.main} {suite} main",
        f"deb {found.main} {suite}-updates main",
        f"deb {found.security} {suite}-security main",
    ]


def apt_options() -> list[str]:
    """The machine's apt settings (proxy, CA, validity) that a chroot's apt needs too, as ``Name "value";``."""
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    return [line for line in dump.splitlines() if line.startswith(INHERITED) and not line.endswith('"";')]
