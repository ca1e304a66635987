# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""sshd: drop-in files that truly win, and who could still log in with a key.

sshd_config(5): for each keyword the first value wins, and a value of a matching Match block wins over one outside;
among Match blocks the first one wins. So each drop-in states its rules in a Match block, is read first, and the one
for one-time codes (``00-``) comes before those that close passwords (``01-``): each is right alone and together,
whichever came first and whichever is taken back first.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence

DIRECTORY = "/etc/ssh/sshd_config.d"
MIE = f"{DIRECTORY}/00-care-mie-ssh.conf"
KEYS_ONLY = f"{DIRECTORY}/01-care-ssh-keys-only.conf"
ROOT_KEY_ONLY = f"{DIRECTORY}/01-care-ssh-root-key-only.conf"
# What sshd patterns and the PAM rules both take as they are; a space, comma, colon or wildcard would mean something.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?")

_KEYS_ONLY = {
    "PubkeyAuthentication": "yes",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "PermitEmptyPasswords": "no",
}
_ROOT_KEY_ONLY = {"PermitRootLogin": "prohibit-password"}


def _managed(control: str) -> str:
    return f"# Managed by care.remediation (control {control})\n"


def _everywhere(control: str, values: dict[str, str]) -> str:
    lines = [f"{keyword} {value}\n" for keyword, value in values.items()]
    return "".join(
        [
            _managed(control),
            *lines,
            "# Again, so that no later Match block gives it back\n",
            "Match all\n",
            *(f"    {line}" for line in lines),
        ]
    )


def keys_only() -> str:
    """Drop-in of ``expo_ssh_password``: keys, no passwords in any form."""
    return _everywhere("expo_ssh_password", _KEYS_ONLY)


def root_key_only() -> str:
    """Drop-in of ``expo_ssh_root_password``: root never by password."""
    return _everywhere("expo_ssh_root_password", _ROOT_KEY_ONLY)


def mie(group: str, exempt: Sequence[str]) -> str:
    """Drop-in of ``mie_ssh_otp``: key and one-time code for a group, except for exempt accounts.

    The exemption is part of the Match line: no order of blocks, and no membership, brings an exempt account under it.
    A block of their own with "AuthenticationMethods any" would not do: once a matching block has set methods, sshd
    9.2 refuses every later "any", even in a block that does not match, and drops the connection.
    """
    patterns = ",".join(["*", *(f"!{name}" for name in exempt)])
    return (
        f"{_managed('mie_ssh_otp')}"
        "UsePAM yes\n"
        "# The accounts behind the exclamation marks are exempt, even as members of the group\n"
        f"Match Group {group} User {patterns}\n"
        "    PubkeyAuthentication yes\n"
        "    KbdInteractiveAuthentication yes\n"
        "    AuthenticationMethods publickey,keyboard-interactive:pam\n"
        "Match all\n"
    )


def words(line: str) -> list[str]:
    """Keyword (lower case) and arguments of a sshd_config line; empty for a comment."""
    text = line.strip()
    if not text or text.startswith("#"):
        return []
    keyword, _separator, rest = re.sub(r"^(\S+?)(\s*=\s*|\s+)", "\\1 ", text, count=1).partition(" ")
    try:
        return [keyword.lower(), *shlex.split(rest, comments=True)]
    except ValueError:
        return [keyword.lower(), rest]


def _covers(pattern: str, path: str) -> bool:
    if not pattern.startswith("/"):
        pattern = "/etc/ssh/" + pattern
    translated = "".join(
        "[^/]*" if part == "*" else "[^/]" if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern)
    )
    return re.fullmatch(translated, path) is not None


def with_include(main: str, path: str) -> str:
    """sshd_config such that a drop-in is read before anything else: an Include is put on top where there is none.

    The new line names the one drop-in, never the directory: other files lying there stay without effect.
    """
    for line in main.splitlines():
        found = words(line)
        if not found:
            continue
        if found[0] == "include" and any(_covers(pattern, path) for pattern in found[1:]):
            return main
        if found[0] != "include":
            break
    return f"Include {path}\n{main}"


def read_before(names: Iterable[str], path: str) -> list[str]:
    """The drop-in files (by name) that sshd reads before ``path``; those of this collection are not counted."""
    own = {entry.rpartition("/")[2] for entry in (MIE, KEYS_ONLY, ROOT_KEY_ONLY)}
    name = path.rpartition("/")[2]
    return sorted(entry for entry in names if entry < name and entry not in own)


def states(text: str, keywords: Iterable[str]) -> list[str]:
    """Which of some keywords (any case) a configuration text states, Match blocks included."""
    wanted = {keyword.lower() for keyword in keywords}
    return sorted({found[0] for line in text.splitlines() if (found := words(line)) and found[0] in wanted})


def clashes(text: str) -> bool:
    """Whether a configuration text says "AuthenticationMethods any", which cannot stand after other methods."""
    return any(words(line)[:2] == ["authenticationmethods", "any"] for line in text.splitlines())


def effective(dump: str) -> dict[str, list[str]]:
    """``sshd -T``: keyword to its values (one a line)."""
    result: dict[str, list[str]] = {}
    for line in dump.splitlines():
        keyword, _space, value = line.strip().partition(" ")
        if keyword:
            result.setdefault(keyword.lower(), []).append(value)
    return result


def key_is_enough(methods: str) -> bool:
    """Whether an AuthenticationMethods value lets somebody in with a key and nothing else."""
    return any(set(re.split(r",", alternative)) <= {"any", "publickey"} for alternative in methods.split())


def needs_prompt(methods: str) -> bool:
    """Whether every alternative asks for a password or a keyboard-interactive answer beside or instead of a key."""
    return all(
        any(step.partition(":")[0] in ("password", "keyboard-interactive") for step in alternative.split(","))
        for alternative in methods.split()
    )


_KEY = re.compile(
    r"(?:^|\s)((?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
    r"(?:-cert-v01@openssh\.com)?)\s+(AAAA[0-9A-Za-z+/]{40,}={0,2})"
)


def keys(text: str) -> int:
    """How many usable public keys an authorized_keys text holds (certificate authorities are not counted)."""
    count = 0
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#") or stripped.split(" ", 1)[0].startswith("cert-authority"):
            continue
        count += _KEY.search(stripped) is not None
    return count
