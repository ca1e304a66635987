# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""redis.conf: bound to given addresses, protected, and authenticated by an ACL that holds a hash only.

Format and meaning: redis.conf of Redis 7 (``NETWORK``, ``SECURITY``), ACL rules: the command ACL SETUSER
(``#<64 hexadecimal digits>`` is the SHA-256 of a password).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

HASH = re.compile(r"[0-9a-f]{64}")
BIND, PROTECTED, REQUIREPASS, ACLFILE, USER = "bind", "protected-mode", "requirepass", "aclfile", "user"
# Directives whose value is itself a secret: a file that holds one is never shown.
SECRETS = frozenset({"requirepass", "masterauth", "tls-key-file-pass", "tls-client-key-file-pass"})


class RedisSettingsError(Exception):
    """The configuration cannot be changed safely; the message says why and what to do."""


def words(line: str) -> list[str]:
    """The words of a configuration line, quotes removed; empty for a comment or an empty line."""
    if line.lstrip().startswith("#"):
        return []
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|(\S+)', line)
    return [next((part for part in parts if part), "") for parts in found]


def directive(line: str) -> str | None:
    """The directive of a line in lower case, or None."""
    found = words(line)
    return found[0].lower() if found else None


@dataclass(frozen=True)
class Wanted:
    """What Redis must hold. ``password_sha256``: 64 lower-case hexadecimal digits, or None to keep what is there."""

    addresses: tuple[str, ...]
    password_sha256: str | None


def rules_authenticate(rules: list[str]) -> bool:
    """Whether the ACL rules of the default user ask for a password (or switch the user off).

    Rules apply from left to right; without any, Redis starts from ``on nopass`` for this user.
    """
    state, passwords = "on", 0
    nopass = True
    for rule in rules:
        lowered = rule.lower()
        if lowered in ("on", "off"):
            state = lowered
        elif lowered == "nopass":
            nopass, passwords = True, 0
        elif lowered in ("resetpass", "reset"):
            nopass, passwords = False, 0
            state = "off" if lowered == "reset" else state
        elif rule[:1] in (">", "#"):
            nopass, passwords = False, passwords + 1
    return state == "off" or not nopass


def authenticated(texts: Mapping[str, str]) -> bool:
    """Whether the configuration files (path to text, ACL files included) make the default user give a password."""
    verdict = False
    for text in texts.values():
        for line in text.splitlines():
            found = words(line)
            if not found:
                continue
            if found[0].lower() == REQUIREPASS and len(found) > 1 and found[1]:
                verdict = True
            if found[0].lower() == USER and found[1:2] == ["default"]:
                return rules_authenticate(found[2:])
    return verdict


def holds_secret(text: str) -> bool:
    """Whether a text holds a password in clear: it must then not be shown in a change."""
    return any(
        directive(line) in SECRETS or any(word.startswith((">", "<")) for word in words(line)[2:])
        for line in text.splitlines()
        if directive(line) in SECRETS or directive(line) == USER
    )


def default_user(existing: list[str] | None, password_sha256: str) -> str:
    """The ACL line of the default user with this password and no other, its permissions kept.

    :param existing: the rules of its present line, or None when it has none (Redis then allows everything)
    """
    kept = [
        rule
        for rule in existing or ["on", "~*", "&*", "+@all"]
        if rule[:1] not in (">", "<", "#", "!") and rule.lower() not in ("nopass", "resetpass")
    ]
    state = [rule for rule in kept if rule.lower() in ("on", "off")][-1:] or ["on"]
    permissions = [rule for rule in kept if rule.lower() not in ("on", "off")]
    return " ".join(["user default", *state, f"#{password_sha256}", *permissions])


def _default_rules(texts: Mapping[str, str]) -> list[str] | None:
    for text in texts.values():
        for line in text.split("\n"):
            found = words(line)
            if found[:1] and found[0].lower() == USER and found[1:2] == ["default"]:
                return found[2:]
    return None


def _replaced(text: str, wanted: Mapping[str, str], drop: frozenset[str]) -> str:
    """Each wanted line at the place of the first one of its directive (or at the end); the others are removed."""
    left = dict(wanted)
    lines: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        name = directive(line)
        key = "user default" if name == USER and words(line)[1:2] == ["default"] else name
        if key in left:
            lines.append(left.pop(key))
        elif key not in wanted and key not in drop:
            lines.append(line)
    lines.extend(left.values())
    if "\n".join(lines) == text.removesuffix("\n"):
        return text
    return "\n".join(lines) + "\n"


def secured(main: str, texts: Mapping[str, str], acl_file: str | None, wanted: Wanted) -> dict[str, str]:
    """The new text of each file that must change.

    :param main: path of the main file; ``texts``: path to text of it, of what it includes, and of the ACL file
    :param acl_file: path of the ACL file in use, or None
    :raises RedisSettingsError: no password is asked for now and none was given
    """
    if wanted.password_sha256 is not None and not HASH.fullmatch(wanted.password_sha256):
        raise RedisSettingsError("the hash of the Redis password is not 64 lower-case hexadecimal digits")
    if wanted.password_sha256 is None and not authenticated(texts):
        raise RedisSettingsError(
            "Redis asks for no password and none was given: set care_redis_password (in a vault) and give it to the "
            "applications that use this Redis"
        )
    lines = {BIND: "bind " + " ".join(wanted.addresses), PROTECTED: "protected-mode yes"}
    drop: frozenset[str] = frozenset()
    user = ""
    if wanted.password_sha256 is not None:
        user = default_user(_default_rules(texts), wanted.password_sha256)
        drop = frozenset({REQUIREPASS, "user default"})
        if acl_file is None:
            lines["user default"] = user
    result = {main: _replaced(texts[main], lines, drop)}
    for path, text in texts.items():
        if path == main:
            continue
        if path == acl_file:
            if wanted.password_sha256 is not None:
                result[path] = _replaced(text, {"user default": user}, frozenset())
        else:  # an included file must not win over the main one
            result[path] = _replaced(text, {}, drop | {BIND, PROTECTED})
    return {path: text for path, text in result.items() if text != texts[path]}
