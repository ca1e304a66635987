# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One line a step, with the seconds since the start, so that nobody waits before a silent screen."""

from __future__ import annotations

import sys
import threading
import time

_START = time.monotonic()
_LOCK = threading.Lock()


class LabError(Exception):
    """What could not be done, and what to do about it, for the person at the terminal."""


def say(text: str) -> None:
    """Print one progress line on standard error, with the seconds since the program started."""
    with _LOCK:
        print(f"[{time.monotonic() - _START:6.1f} s] {text}", file=sys.stderr, flush=True)
