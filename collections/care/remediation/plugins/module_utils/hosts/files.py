# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One file of the host: its state, and writing it so that there is never a torn file.

A state is ``{"exists", "sha256", "mode", "owner", "group", "content"}``: `content` is text, ``{"base64": …}`` when not
UTF-8, and absent for a secret file; of an absent file everything but `exists` is null and there is no content.
Symbolic links are never followed in the last component: a link could be turned by whoever owns the directory.
"""

from __future__ import annotations

import base64
import contextlib
import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import command
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

MAX_BYTES = 1024 * 1024
ABSENT: dict[str, Any] = {"exists": False, "sha256": None, "mode": None, "owner": None, "group": None}


@dataclass(frozen=True)
class Present:
    """A file as it is: its bytes and who may do what. `content` is None when there is no file."""

    content: bytes | None
    mode: int = 0
    owner: str = ""
    group: str = ""

    @property
    def exists(self) -> bool:
        return self.content is not None

    def state(self, secret: bool = False) -> dict[str, Any]:
        """The state as it stands in a change."""
        if self.content is None:
            return dict(ABSENT)
        return make_state(self.content, f"{self.mode:04o}", self.owner, self.group, secret)


def make_state(content: bytes, mode: str, owner: str, group: str, secret: bool) -> dict[str, Any]:
    """A state of an existing file; without its content when it is `secret`."""
    state: dict[str, Any] = {
        "exists": True,
        "sha256": hashlib.sha256(content).hexdigest(),
        "mode": mode,
        "owner": owner,
        "group": group,
    }
    if not secret:
        state["content"] = encode(content)
    return state


def encode(content: bytes) -> Any:
    """Bytes as they stand in a change: text when they are UTF-8, else ``{"base64": …}``."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}


def decode(content: Any) -> bytes:
    """The bytes that `encode` was given."""
    if isinstance(content, dict):
        return base64.b64decode(content["base64"], validate=True)
    return str(content).encode("utf-8")


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two states are the same file: existence, bytes (by hash), mode, owner and group."""
    if not one["exists"] or not other["exists"]:
        return bool(one["exists"]) == bool(other["exists"])
    return all(one[key] == other[key] for key in ("sha256", "mode", "owner", "group"))


def check_path(path: str) -> str:
    """Refuses what is not a plain absolute path; returns it."""
    if not path.startswith("/") or path != os.path.normpath(path) or path == "/":
        raise HostError(f"{path!r} is not an absolute, normalised path of a file")
    if any(ord(character) < 32 or ord(character) == 127 for character in path):
        raise HostError(f"{path!r} has control characters in it")
    return path


def read(path: str) -> Present:
    """The file at `path` as it is. Raises HostError for a link, a directory, a file too big or unreadable."""
    check_path(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return Present(None)
    except OSError as error:
        if os.path.islink(path):
            target = os.path.realpath(path)
            raise HostError(f"{path} is a symbolic link: name the file it leads to ({target}) instead") from error
        raise HostError(f"{path} cannot be read: {error.strerror}") from error
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise HostError(f"{path} is not a regular file")
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise HostError(f"{path} is larger than {MAX_BYTES} bytes: too big for a configuration file, it is not touched")
    return Present(content, stat.S_IMODE(facts.st_mode), _user_name(facts.st_uid), _group_name(facts.st_gid))


def missing_parents(path: str) -> list[str]:
    """The directories above `path` that do not exist yet, the outermost first."""
    missing = []
    parent = os.path.dirname(path)
    while not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    return missing[::-1]


def temporary(path: str) -> str:
    """Where the new content of `path` is put before it is renamed.

    One fixed name: what a killed writer left is taken away by the next one; the lock keeps others out. The leading dot
    and the ending keep it out of every "include *.conf".
    """
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.care-new")


def clear_leftover(path: str) -> None:
    """Removes what a killed writer has left beside `path`. The caller holds the lock."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(temporary(check_path(path)))


def write(path: str, content: bytes, mode: str, owner: str, group: str) -> None:
    """Puts `content` at `path`: beside it first, flushed, then renamed over it. Before or after, never half of it.

    Missing directories are made (0755). Extended attributes (SELinux context, ACL) of the present file are kept.
    """
    check_path(path)
    for directory in missing_parents(path):
        os.mkdir(directory, 0o755)
    name = os.path.basename(path)
    beside = os.path.basename(temporary(path))
    user, gid = user_id(owner), group_id(group)
    with _directory(path) as directory_descriptor:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside, dir_fd=directory_descriptor)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(beside, flags, 0o600, dir_fd=directory_descriptor)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
                stream.flush()
                _copy_attributes(path, stream.fileno())
                os.fchown(stream.fileno(), user, gid)
                os.fchmod(stream.fileno(), int(mode, 8))
                os.fsync(stream.fileno())
            existed = _exists(name, directory_descriptor)
            os.rename(beside, name, src_dir_fd=directory_descriptor, dst_dir_fd=directory_descriptor)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside, dir_fd=directory_descriptor)
            raise
        os.fsync(directory_descriptor)
    if not existed and command.find("restorecon"):
        command.run(["restorecon", "--", path])


def remove(path: str, directories: list[str] | None = None) -> None:
    """Removes the file, and those of `directories` (made for it) that are empty now."""
    check_path(path)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), _directory(path) as directory_descriptor:
        os.unlink(os.path.basename(path), dir_fd=directory_descriptor)
        os.fsync(directory_descriptor)
    for directory in reversed(directories or []):
        try:
            os.rmdir(directory)
        except OSError:  # not empty any more: someone else uses it
            break


def user_id(name: str) -> int:
    """The number of user `name` (a number is taken as it is). Raises HostError for an unknown one."""
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError as error:
        raise HostError(f"there is no user {name!r} on this host") from error


def group_id(name: str) -> int:
    """The number of group `name` (a number is taken as it is). Raises HostError for an unknown one."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise HostError(f"there is no group {name!r} on this host") from error


@contextlib.contextmanager
def _directory(path: str) -> Iterator[int]:
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _exists(name: str, directory: int) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _copy_attributes(path: str, descriptor: int) -> None:
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return
    for name in names:
        # What a file system refuses (a foreign namespace, no support) is no reason not to write the file.
        with contextlib.suppress(OSError):
            os.setxattr(descriptor, name, os.getxattr(path, name, follow_symlinks=False))


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
