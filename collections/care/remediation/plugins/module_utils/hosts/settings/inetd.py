# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""inetd.conf: switch single services off and leave the rest of the file as it is.

Format: inetd.conf(5), ``[address:]service type protocol flags user program arguments``, one service a line.
"""

from __future__ import annotations

from pathlib import PurePosixPath


def service_of(line: str) -> str | None:
    """The service name or port number of an active line, without its address; None for a comment or other line."""
    fields = line.split()
    if not fields or fields[0].startswith("#") or len(fields) < 6:
        return None
    return fields[0].rpartition(":")[2]


def _is(line: str, services: frozenset[str], programs: frozenset[str]) -> bool:
    service = service_of(line)
    if service is None:
        return False
    # The program tells a service that listens on an unusual port; tcpd gets the real program as its first argument.
    return service in services or any(PurePosixPath(word).name in programs for word in line.split()[5:7])


def switched_off(text: str, services: frozenset[str], programs: frozenset[str]) -> str:
    """``text`` with the lines of the services (by name, port or program) commented out.

    A single ``#``, not update-inetd's ``#<off>#``: Debian's file says that packages must not enable such a line again.
    """
    return "".join(f"#{line}" if _is(line, services, programs) else line for line in text.splitlines(keepends=True))


def remaining(text: str) -> list[str]:
    """The services that are still active, in the order of the file."""
    return [service for line in text.splitlines() if (service := service_of(line)) is not None]
