# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One writer at a time on a host: a run and a rollback never interleave."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError


@contextlib.contextmanager
def held(path: str, seconds: float = 30.0) -> Iterator[None]:
    """Holds an flock(2) on `path` (the restore script of a guard takes the same one with flock(1)).

    The kernel lets go of it when the process dies, so a killed run leaves nothing to clear.
    Raises HostError when another holder does not let go within `seconds`.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise HostError(f"the lock {path} cannot be opened: {error.strerror} (the writer must run as root)") from error
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise HostError(
                        f"another run or rollback is at work on this host ({path} still locked after {seconds:.0f} s); "
                        "wait for it to end, then start again"
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
