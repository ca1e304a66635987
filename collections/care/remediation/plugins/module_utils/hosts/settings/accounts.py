# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Accounts of this host, and whether one could log in over ssh with a key. Reads the host, writes nothing."""

from __future__ import annotations

import fnmatch
import grp
import os
import pwd
import re
import stat
from collections.abc import Iterable

from ansible_collections.care.remediation.plugins.module_utils.hosts import command
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import sshd

MAX_KEYS_FILE = 1024 * 1024
MAX_ACCOUNTS = 300
# A documentation address (RFC 5737): no Match Address block of a real network fits it.
PROBE_ADDRESS = "203.0.113.1"


def effective(user: str, address: str = PROBE_ADDRESS) -> dict[str, list[str]]:
    """What sshd would hold for ``user`` from an address. Raises HostError with sshd's words."""
    said = command.run(["sshd", "-T", "-C", f"user={user},host={address},addr={address}"])
    if not said.ok:
        raise HostError(f"sshd -T refuses the present configuration, which must be right first: {said.words}")
    return sshd.effective(said.out)


def first(values: dict[str, list[str]], keyword: str, default: str = "") -> str:
    """The value of a keyword, or a default."""
    return values.get(keyword, [default])[0]


def exists(user: str) -> bool:
    """Whether the host knows the login name."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def people() -> list[str]:
    """Login names that can have a session: root, and numbers from 1000 on, with a shell. At most MAX_ACCOUNTS."""
    found = [
        entry.pw_name
        for entry in pwd.getpwall()
        if (entry.pw_uid == 0 or 1000 <= entry.pw_uid < 65534) and not re.search(r"(nologin|false)$", entry.pw_shell)
    ]
    return found[:MAX_ACCOUNTS]


def members(group: str) -> list[str]:
    """Login names in a group, by list or as their primary group. Raises HostError when there is no such group."""
    try:
        entry = grp.getgrnam(group)
    except KeyError as error:
        raise HostError(
            f"this host has no group {group!r}: create it, or name the right one in care_mie_ssh_group"
        ) from error
    primary = {user.pw_name for user in pwd.getpwall() if user.pw_gid == entry.gr_gid}
    return sorted(primary | set(entry.gr_mem))


def _groups(user: str) -> set[str]:
    try:
        entry = pwd.getpwnam(user)
        return {grp.getgrgid(number).gr_name for number in os.getgrouplist(user, entry.pw_gid)}
    except KeyError:
        return set()


def _listed(patterns: Iterable[str], names: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern.partition("@")[0]) for pattern in patterns for name in names)


def _trusted(path: str, user: str) -> str | None:
    """Why StrictModes (sshd_config(5)) would refuse a file, or None."""
    entry = pwd.getpwnam(user)
    current = path
    while True:
        facts = os.stat(current)
        if facts.st_uid not in (0, entry.pw_uid) or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"{current} can be written by others than {user} and root"
        if current in ("/", os.path.realpath(entry.pw_dir)):
            return None
        current = os.path.dirname(current)


def no_key_login(user: str) -> str | None:
    """Why ``user`` cannot log in with a key, or None when it can as far as this host tells.

    Keys from an AuthorizedKeysCommand count as there: only a real login can tell.
    """
    if not exists(user):
        return f"{user} does not exist on this host"
    values = effective(user)
    entry = pwd.getpwnam(user)
    if first(values, "pubkeyauthentication", "yes") != "yes":
        return f"sshd has PubkeyAuthentication off for {user}"
    if user == "root" and first(values, "permitrootlogin") == "no":
        return "sshd has PermitRootLogin no"
    if re.search(r"(nologin|false)$", entry.pw_shell):
        return f"{user} has no login shell"
    groups = _groups(user)
    for keyword, names in (("denyusers", {user}), ("denygroups", groups)):
        if _listed(" ".join(values.get(keyword, [])).split(), names):
            return f"sshd's {keyword} keeps {user} out"
    for keyword, names in (("allowusers", {user}), ("allowgroups", groups)):
        patterns = " ".join(values.get(keyword, [])).split()
        if patterns and not _listed(patterns, names):
            return f"sshd's {keyword} does not let {user} in"
    if first(values, "authorizedkeyscommand", "none") != "none":
        return None
    reason = f"{user} has no public key"
    for pattern in first(values, "authorizedkeysfile", ".ssh/authorized_keys").split():
        path = pattern.replace("%%", "\0").replace("%h", entry.pw_dir).replace("%u", user)
        path = os.path.join(entry.pw_dir, path.replace("\0", "%"))
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                count = sshd.keys(stream.read(MAX_KEYS_FILE))
            refused = _trusted(os.path.realpath(path), user) if first(values, "strictmodes", "yes") == "yes" else None
        except OSError:
            continue
        if count and refused is None:
            return None
        if count:
            reason = f"sshd would not trust the keys of {user}: {refused}"
    return reason
