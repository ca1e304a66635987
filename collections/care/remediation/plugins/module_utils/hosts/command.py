# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs programs of the host: argument lists only, never a shell line, always with an end in time."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

# Non-login sessions of sudo and systemd may lack the system directories.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Outcome:
    """What a program said: exit status and its two outputs as text (undecodable bytes replaced)."""

    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def words(self) -> str:
        """What the program said, for a message: its error output, or else its output, at most 2000 characters."""
        return (self.err.strip() or self.out.strip() or f"exit status {self.code}")[:2000]


def find(name: str) -> str | None:
    """The full path of program `name`, or None."""
    return shutil.which(name, path=PATH)


def run(argv: list[str], stdin: str = "", timeout: float = 30.0) -> Outcome:
    """Runs `argv` with `stdin` (UTF-8) and returns what it said.

    Raises HostError when the program does not exist or does not end within `timeout` seconds.
    """
    environment = {
        "PATH": PATH,
        "LC_ALL": "C",
        "LANG": "C",
        "HOME": "/root",
        "SYSTEMD_PAGER": "",
        "SYSTEMD_COLORS": "0",
    }
    for name in ("SYSTEMD_BUS_TIMEOUT", "DBUS_SYSTEM_BUS_ADDRESS"):
        if name in os.environ:
            environment[name] = os.environ[name]
    program = find(argv[0])
    if program is None:
        raise HostError(f"the program {argv[0]} is not installed on this host")
    try:
        done = subprocess.run(  # noqa: S603  argument list, fixed program
            [program, *argv[1:]],
            input=stdin.encode("utf-8", "surrogateescape"),
            capture_output=True,
            env=environment,
            timeout=timeout,
            check=False,
            cwd="/",
        )
    except subprocess.TimeoutExpired as error:
        raise HostError(f"{argv[0]} did not answer within {timeout:.0f} s") from error
    except OSError as error:
        raise HostError(f"{argv[0]} cannot be run: {error.strerror}") from error
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
