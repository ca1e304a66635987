# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an audit of a host saw. Nothing here is shared with the code that writes: it must not agree with it by birth."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT = 200


class Unreadable(Exception):
    """A part of the host could not be read; the message says what and why."""


@dataclass(frozen=True)
class Listener:
    """A listening TCP socket. ``address`` is a numeric one; ``programs`` names of the processes that hold it."""

    address: str
    port: int
    programs: tuple[str, ...]

    @property
    def loopback(self) -> bool:
        """Whether only the host itself gets there."""
        return ipaddress.ip_address(self.address).is_loopback

    @property
    def wildcard(self) -> bool:
        """Whether it listens on every address."""
        return ipaddress.ip_address(self.address).is_unspecified


@dataclass(frozen=True)
class HostFound:
    """One object for which a control does not hold. The caller adds control, host and ids."""

    type: str
    id: str
    label: str
    wording: str
    severity: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HostSnapshot:
    """The parts that were read (name to facts) and those that were not (name to reason)."""

    parts: Mapping[str, Any]
    unreadable: Mapping[str, str]

    def __getitem__(self, part: str) -> Any:
        return self.parts[part]

    def reason(self, needs: Iterable[str]) -> str | None:
        """Why a control that needs these parts cannot be judged, or None."""
        reasons = [self.unreadable[part] for part in sorted(needs) if part in self.unreadable]
        return "; ".join(dict.fromkeys(reasons)) or None


def plain(raw: bytes, limit: int = MAX_TEXT) -> str:
    """What a service said, safe to store: decoded, without control or format characters, cut.

    It may come from an attacker. It is still hostile text for HTML, Jinja or a shell: who shows it escapes it.
    """
    text = raw[: limit * 4].decode("utf-8", errors="replace")
    return "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text).strip()[:limit]


def port_object(port: int) -> dict[str, str]:
    """Type, id and label of a finding about a port, as the scans name it."""
    return {"type": "port", "id": f"tcp/{port}", "label": f"tcp/{port}"}
