# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What sshd and its PAM stack should be set to: reads the host, decides, writes nothing."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import files
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import accounts, oath, pam, sshd
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings.model import Settings, WantedFile

MAIN = "/etc/ssh/sshd_config"
PAM = "/etc/pam.d/sshd"
USERS = "/etc/users.oath"
NOT_A_LOGIN = 4294967295


def connecting_user(told: str | None) -> str:
    """Who is connected: as told, else who called sudo, else who logged in, else who runs this."""
    if told:
        return told
    if os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        number = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        number = NOT_A_LOGIN
    return pwd.getpwuid(os.getuid() if number == NOT_A_LOGIN else number).pw_name


def _read(path: str) -> str:
    content = files.read(path).content
    if content is None:
        raise HostError(f"{path} does not exist on this host")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HostError(f"{path} is not UTF-8 text (byte {error.start}): it is not touched") from error


def _listed(directory: str) -> list[str]:
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def _drop_in(result: Settings, path: str, content: str, keywords: tuple[str, ...]) -> None:
    """The drop-in, the main file when it does not read it first, and what would be read before it and win."""
    result.files.append(WantedFile(path, content))
    main = os.path.realpath(MAIN)
    text = _read(main)
    new = sshd.with_include(text, path)
    if new != text:
        present = files.read(main)
        result.files.append(WantedFile(main, new, f"{present.mode:04o}", present.owner, present.group))
    for name in sshd.read_before([entry for entry in _listed(sshd.DIRECTORY) if entry.endswith(".conf")], path):
        stated = sshd.states(_read(os.path.realpath(f"{sshd.DIRECTORY}/{name}")), keywords)
        if stated:
            result.problems.append(
                f"{sshd.DIRECTORY}/{name} is read before {path} and states {', '.join(stated)}: rename it so that it "
                "comes after 01-care, or take that out of it"
            )


def _ways_in(result: Settings, options: dict[str, Any]) -> None:
    """Hazards: the operator's own account, and the break-glass accounts, must get in with a key."""
    connected = connecting_user(options.get("connecting_user"))
    for kind, names in (
        ("management_path", [connected]),
        ("automation", options.get("automation_accounts") or []),
        ("break_glass", options.get("break_glass_accounts") or []),
    ):
        for name in names:
            if kind != "management_path" and not accounts.exists(name):
                result.notes.append(f"{name} ({kind}) does not exist on this host")
                continue
            reason = accounts.no_key_login(name)
            if reason is None and not sshd.key_is_enough(
                accounts.first(accounts.effective(name), "authenticationmethods", "any")
            ):
                reason = f"sshd asks {name} for more than a key"
            if reason is not None:
                result.hazards.append({"kind": kind, "object": name})
                result.problems.append(f"{name} ({kind}) could not log in any more: {reason}")


def keys_only(options: dict[str, Any]) -> Settings:
    """Control expo_ssh_password."""
    result = Settings()
    _drop_in(
        result,
        sshd.KEYS_ONLY,
        sshd.keys_only(),
        (
            "PasswordAuthentication",
            "KbdInteractiveAuthentication",
            "ChallengeResponseAuthentication",
            "PubkeyAuthentication",
            "PermitEmptyPasswords",
        ),
    )
    _ways_in(result, options)
    enforced = _enforced_members()
    for name in accounts.people():
        if name in enforced:
            continue
        methods = accounts.first(accounts.effective(name), "authenticationmethods", "any")
        if sshd.needs_prompt(methods):
            result.problems.append(
                f'sshd asks {name} for "{methods}": without passwords and prompts that account could not log in; '
                "change AuthenticationMethods first, or put the account into the group of mie_ssh"
            )
        elif (reason := accounts.no_key_login(name)) is not None and name != "root":
            result.notes.append(f"{reason}: that account will not get in over ssh any more")
    return result


def _enforced_members() -> set[str]:
    """Accounts for which the drop-in of mie_ssh already keeps keyboard-interactive on, whatever comes after it."""
    present = files.read(sshd.MIE).content
    if present is None:
        return set()
    for line in present.decode("utf-8", errors="replace").splitlines():
        found = sshd.words(line)
        if found[:2] == ["match", "Group"] and len(found) > 2:
            try:
                return set(accounts.members(found[2]))
            except HostError:
                return set()
    return set()


def root_key_only(options: dict[str, Any]) -> Settings:
    """Control expo_ssh_root_password."""
    result = Settings()
    _drop_in(result, sshd.ROOT_KEY_ONLY, sshd.root_key_only(), ("PermitRootLogin",))
    present = accounts.first(accounts.effective("root"), "permitrootlogin")
    if present == "no":
        # Stricter already: prohibit-password would open it.
        result.files.clear()
        return result
    if connecting_user(options.get("connecting_user")) == "root":
        reason = accounts.no_key_login("root")
        if reason is not None:
            result.hazards.append({"kind": "management_path", "object": "root"})
            result.problems.append(f"root (management_path) could not log in any more: {reason}")
    return result


def _check_names(group: str, names: list[str]) -> None:
    for name in [group, *names]:
        if not sshd.NAME.fullmatch(name):
            raise HostError(
                f"{name!r} cannot stand in a Match line of sshd and a PAM rule: letters, digits, dot, dash and "
                "underscore only"
            )


def mie(options: dict[str, Any]) -> Settings:
    """Control mie_ssh_otp. The enrolment itself is another step: see ``enrolment``."""
    result = Settings()
    group = str(options["group"])
    exempt = sorted({*(options.get("automation_accounts") or []), *(options.get("break_glass_accounts") or [])})
    _check_names(group, exempt)
    if not options.get("install") and not _pam_oath():
        result.problems.append(
            "pam_oath.so is not installed: install libpam-oath (pam_oath on other distributions), or say "
            "care_mie_ssh_install: true"
        )
    folder = [f"{sshd.DIRECTORY}/{name}" for name in _listed(sshd.DIRECTORY) if name.endswith(".conf")]
    for path in [MAIN, *folder]:
        if path != sshd.MIE and sshd.clashes(_read(os.path.realpath(path))):
            result.problems.append(
                f'{path} says "AuthenticationMethods any", which makes sshd drop the connections of whoever needs two '
                "factors: take that line out (it is the default)"
            )
    _drop_in(
        result,
        sshd.MIE,
        sshd.mie(group, exempt),
        ("AuthenticationMethods", "KbdInteractiveAuthentication", "PubkeyAuthentication", "UsePAM"),
    )
    rules = pam.block(group, exempt, str(options["users_file"]), int(options["window"]), int(options["digits"]))
    stack = files.read(PAM)
    try:
        new = pam.with_block(_read(PAM), rules)
    except pam.PamLayoutError as error:
        result.problems.append(str(error))
    else:
        result.files.append(WantedFile(PAM, new, f"{stack.mode:04o}", stack.owner, stack.group))
    connected = connecting_user(options.get("connecting_user"))
    if connected in accounts.members(group) and connected not in exempt:
        result.hazards.append({"kind": "management_path", "object": connected})
        result.problems.append(
            f"{connected} runs this and is a member of {group}: a code would be asked of Ansible itself; "
            "name the account in care_automation_accounts"
        )
    return result


def _pam_oath() -> bool:
    places = ("/lib", "/usr/lib", "/lib64", "/usr/lib64")
    return any(
        next(iter([*Path(place).glob("security/pam_oath.so"), *Path(place).glob("*/security/pam_oath.so")]), None)
        for place in places
    )


def enrolment(options: dict[str, Any], with_secret: list[str]) -> dict[str, list[str]]:
    """Who of the group is ready.

    :param with_secret: login names that a secret was given for
    :return: ``missing``: to be appended to the file; ``unready``: members who could not log in any more, with why;
        ``enrolled``: those with a line already
    """
    exempt = {*(options.get("automation_accounts") or []), *(options.get("break_glass_accounts") or [])}
    content = files.read(str(options["users_file"])).content or b""
    present = oath.users(content.decode("utf-8", errors="replace"))
    unready: list[str] = []
    for name in accounts.members(str(options["group"])):
        if name in exempt:
            continue
        reasons = []
        if name not in present and name not in with_secret:
            reasons.append("has no one-time code secret (care_mie_ssh_secrets)")
        no_key = accounts.no_key_login(name)
        if no_key is not None:
            reasons.append(f"cannot log in with a key ({no_key})")
        if reasons:
            unready.append(f"{name} {' and '.join(reasons)}")
    return {
        "missing": sorted(set(with_secret) - present),
        "unready": unready,
        "enrolled": sorted(present),
    }
