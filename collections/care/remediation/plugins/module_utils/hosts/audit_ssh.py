# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How accounts get in over ssh, from what sshd applies to each of them and from what the running sshd offers."""

from __future__ import annotations

import grp
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts.audit_model import Unreadable, plain

PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
MAX_ACCOUNTS = 300
# RFC 5737: a documentation address, which no Match Address of a real network fits: what a stranger would get.
STRANGER = "203.0.113.1"
NOBODY = "care-audit-nobody"
OTP_MODULES = frozenset(
    {
        "pam_oath.so",
        "pam_google_authenticator.so",
        "pam_privacyidea.so",
        "pam_u2f.so",
        "pam_yubico.so",
        "pam_radius_auth.so",
    }
)
NO_SHELL = re.compile(r"/(?:nologin|false|sync|halt|shutdown)$")


def run(*argv: str, timeout: float = 20.0) -> subprocess.CompletedProcess[bytes]:
    """Runs a program by its list of arguments.

    :raises Unreadable: it is not installed, or does not end in time
    """
    program = shutil.which(argv[0], path=PATH)
    if program is None:
        raise Unreadable(f"{argv[0]} is not installed")
    try:
        return subprocess.run(  # noqa: S603  fixed program, argument list
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            cwd="/",
            env={"PATH": PATH, "LC_ALL": "C", "HOME": "/nonexistent"},
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(f"{argv[0]} did not answer within {timeout:.0f} s") from error


@dataclass(frozen=True)
class Way:
    """How one account gets in. ``alternatives``: lists of methods that are enough, each method without its device."""

    user: str
    alternatives: tuple[tuple[str, ...], ...]
    permit_root: str

    @property
    def without_key(self) -> bool:
        """Whether a password or a prompt alone is enough."""
        prompts = {"password", "keyboard-interactive"}
        return any(steps and set(steps) <= prompts for steps in self.alternatives)

    @property
    def two_factors(self) -> bool:
        """Whether every way asks for a key and for a prompt. No way at all is not two factors."""
        return bool(self.alternatives) and all(
            "publickey" in steps and "keyboard-interactive" in steps for steps in self.alternatives
        )


def way(user: str, dump: str) -> Way:
    """From the text of ``sshd -T -C user=…``: what is listed and switched on."""
    values: dict[str, str] = {}
    for line in dump.splitlines():
        keyword, _space, value = line.strip().partition(" ")
        values.setdefault(keyword.lower(), value)
    enabled = {
        "publickey": values.get("pubkeyauthentication", "yes") == "yes",
        "password": values.get("passwordauthentication", "yes") == "yes",
        "keyboard-interactive": values.get(
            "kbdinteractiveauthentication", values.get("challengeresponseauthentication", "yes")
        )
        == "yes"
        and values.get("usepam", "no") == "yes",
        "gssapi-with-mic": values.get("gssapiauthentication", "no") == "yes",
        "hostbased": values.get("hostbasedauthentication", "no") == "yes",
    }
    permit_root = values.get("permitrootlogin", "prohibit-password")
    if user == "root":
        if permit_root == "no":
            return Way(user, (), permit_root)
        if permit_root in ("prohibit-password", "without-password", "forced-commands-only"):
            enabled["password"] = enabled["keyboard-interactive"] = False
    listed = values.get("authenticationmethods", "any")
    if listed == "any":
        return Way(user, tuple((method,) for method, on in enabled.items() if on), permit_root)
    alternatives = [tuple(step.partition(":")[0] for step in alternative.split(",")) for alternative in listed.split()]
    return Way(
        user, tuple(steps for steps in alternatives if all(enabled.get(step, False) for step in steps)), permit_root
    )


def effective(user: str) -> Way:
    """How ``user`` gets in from an address that no rule names. :raises Unreadable: with sshd's words"""
    said = run("sshd", "-T", "-C", f"user={user},host={STRANGER},addr={STRANGER}")
    if said.returncode != 0:
        raise Unreadable(f"sshd -T: {plain(said.stderr)}")
    return way(user, said.stdout.decode("utf-8", errors="replace"))


def offered(port: int) -> list[str] | None:
    """The methods that the running sshd offers to a name nobody has; None when no ssh client can ask."""
    if shutil.which("ssh", path=PATH) is None:
        return None
    said = run(
        "ssh",
        "-F",
        "/dev/null",
        "-p",
        str(port),
        "-o",
        "PreferredAuthentications=none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
        "-o",
        "LogLevel=ERROR",
        "-o",
        "ConnectTimeout=5",
        "-o",
        "ProxyCommand=none",
        f"{NOBODY}@127.0.0.1",
    )
    return methods_of(said.stderr.decode("utf-8", errors="replace"))


def methods_of(text: str) -> list[str] | None:
    """The methods in a client's ``Permission denied (publickey,password).``"""
    found = re.search(r"Permission denied \(([a-z0-9,.@-]+)\)", text)
    return sorted(found.group(1).split(",")) if found else None


def people() -> list[str]:
    """Login names that can have a session: root, and numbers from 1000 on, with a shell."""
    found = [
        entry.pw_name
        for entry in pwd.getpwall()
        if (entry.pw_uid == 0 or 1000 <= entry.pw_uid < 65534) and not NO_SHELL.search(entry.pw_shell)
    ]
    if len(found) > MAX_ACCOUNTS:
        raise Unreadable(f"this host has {len(found)} accounts with a shell, more than {MAX_ACCOUNTS} are not judged")
    return found


def ways(users: Iterable[str]) -> dict[str, Way]:
    """How each of them gets in."""
    return {user: effective(user) for user in users}


def group_members(group: str) -> list[str]:
    """Members by list and by primary group. :raises Unreadable: no such group"""
    try:
        entry = grp.getgrnam(group)
    except KeyError as error:
        raise Unreadable(
            f"this host has no group {group!r}: name the administrators' one in care_mie_ssh_group"
        ) from error
    return sorted({*entry.gr_mem, *(user.pw_name for user in pwd.getpwall() if user.pw_gid == entry.gr_gid)})


def pam_rules(service: str, directory: Path = Path("/etc/pam.d"), depth: int = 0) -> list[tuple[str, str, str]]:
    """The auth rules of a PAM service, includes followed: control, module, arguments (pam.conf(5))."""
    if depth > 8:
        raise Unreadable(f"the PAM files of {service} include each other")
    try:
        text = (directory / service).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Unreadable(f"{directory / service} cannot be read: {error.strerror}") from error
    found: list[tuple[str, str, str]] = []
    for line in text.replace("\\\n", " ").splitlines():
        rule = line.partition("#")[0].strip()
        if rule.startswith("@include"):
            found += pam_rules(rule.split()[1], directory, depth + 1)
            continue
        parts = re.fullmatch(r"-?auth\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)", rule)
        if parts is None:
            continue
        if parts.group(1) in ("include", "substack"):
            found += pam_rules(parts.group(2), directory, depth + 1)
        else:
            found.append((parts.group(1), parts.group(2).rpartition("/")[2], parts.group(3)))
    return found


def asks_for_code(rules: Iterable[tuple[str, str, str]]) -> bool:
    """Whether a rule of a one-time-code module decides: a wrong code ends in a refusal."""
    for control, module, _arguments in rules:
        if module not in OTP_MODULES:
            continue
        if control in ("required", "requisite") or re.search(r"default=(?:die|bad)", control):
            return True
    return False


def facts(ports: Iterable[int]) -> Mapping[str, Any]:
    """The part ``ssh`` of a snapshot."""
    return {"ways": ways(people()), "offered": {port: offered(port) for port in ports}}


def second_factor(group: str, exempt: Iterable[str]) -> Mapping[str, Any]:
    """The part ``mie`` of a snapshot: the group's members that are not exempt, and whether PAM asks for a code."""
    members = [name for name in group_members(group) if name not in set(exempt)]
    return {"group": group, "ways": ways(members), "code": asks_for_code(pam_rules("sshd"))}
