# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a PAM stack can be used: PAM has no checker, and a stack that cannot be read refuses everyone.

Format: pam.conf(5) of Linux-PAM: type, control, module, arguments; @include (Debian) and include/substack.
"""

from __future__ import annotations

import glob
import os
import re

_TYPES = ("account", "auth", "password", "session")
_CONTROLS = ("required", "requisite", "sufficient", "optional", "include", "substack")
_RULE = re.compile(r"(?P<type>-?[a-z]+)\s+(?P<control>\[[^\]]*\]|\S+)\s+(?P<module>\S+)(?P<rest>.*)\Z")
_ACTION = re.compile(r"[a-z_]+=(?:ignore|bad|die|ok|done|reset|[0-9]+)\Z")
_DIRECTORIES = (
    "/lib/*/security",
    "/usr/lib/*/security",
    "/lib/security",
    "/lib64/security",
    "/usr/lib64/security",
    "/usr/lib/security",
)


def problem(service: str, root: str = "/etc/pam.d") -> str | None:
    """What is wrong with the stack of `service` and all it includes, or None."""
    return _check(os.path.join(root, service), root, set())


def _check(path: str, root: str, seen: set[str]) -> str | None:
    if path in seen:
        return None
    seen.add(path)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            text = stream.read()
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    for number, line in enumerate(text.replace("\\\n", " ").split("\n"), start=1):
        rule = line.split("#", 1)[0].strip()
        wrong = _check_rule(rule, root, seen) if rule else None
        if wrong:
            return wrong if wrong.startswith(root) else f"{path} line {number}: {wrong}"
    return None


def _check_rule(rule: str, root: str, seen: set[str]) -> str | None:
    if rule.startswith("@include"):
        return _check(os.path.join(root, rule[8:].strip()), root, seen)
    match = _RULE.match(rule)
    if match is None:
        return f"{rule!r} is not 'type control module'"
    kind, control, module = match["type"], match["control"], match["module"]
    if kind.lstrip("-") not in _TYPES:
        return f"{kind!r} is none of {', '.join(_TYPES)}"
    if control in ("include", "substack"):
        return _check(os.path.join(root, module), root, seen)
    if control.startswith("["):
        wrong = [action for action in control[1:-1].split() if not _ACTION.match(action)]
        if wrong:
            return f"{wrong[0]!r} is not value=action"
    elif control not in _CONTROLS:
        return f"{control!r} is none of {', '.join(_CONTROLS)}"
    # A leading "-" says that the module may be missing.
    if not kind.startswith("-") and not _installed(module):
        return f"the module {module} is not installed"
    return None


def _installed(module: str) -> bool:
    if module.startswith("/"):
        return os.path.exists(module)
    return any(glob.glob(os.path.join(directory, module)) for directory in _DIRECTORIES)
