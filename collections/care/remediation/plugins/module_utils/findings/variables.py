# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The remediation variables: what the roles are told to correct, in the inventory's ``host_vars``.

Every text that came from a report or a directory is written ``!unsafe``: Ansible never takes it for a template.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import yaml

from . import document
from .model import Finding

FILE: Final = "care_remediation.yml"
MARK: Final = "# care.remediation: generated"
HEADER: Final = f"""\
{MARK} by plan.yml from the decision sheet. Do not edit: change the decisions and run plan.yml again.
# Généré par plan.yml à partir de la feuille de décisions. Ne pas modifier : changer les décisions, relancer plan.yml.
---
"""
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


_identity = json.JSONEncoder(sort_keys=True).encode


class VariablesError(Exception):
    """The variables cannot be written; the message names the file and says what to do."""


class Unsafe(str):
    """A text that Ansible must never template."""


@dataclass(slots=True)
class Variables:
    """The variables by host, and the approved findings that give none (``without``: no object that can be used)."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    without: list[Finding] = field(default_factory=list)


def build(
    findings: Sequence[Finding],
    approved: Iterable[str],
    catalogue: Mapping[str, Any],
    sides: Mapping[str, Iterable[str]],
) -> Variables:
    """The variables that correct the approved findings.

    ``sides`` says what each host is, ``directory`` or ``host`` or both: every variable of the roles of that side is
    written, empty where nothing is to be done, so that a later plan withdraws what an earlier one asked for.
    """
    result = Variables()
    wanted = set(approved)
    known: dict[tuple[str, str], set[str]] = {}  # the entries of each list: one may hold tens of thousands
    for host, of_host in sides.items():
        result.hosts[host] = empty(catalogue, set(of_host))
    for finding in findings:
        remediation = catalogue[finding["control"]].remediation
        if finding["id"] not in wanted or remediation is None:
            continue
        table = result.hosts.setdefault(finding["host"], {})
        if remediation.shape == "value":
            table[remediation.variable] = remediation.value
            continue
        entries = remediation.entries(finding)
        if not entries:
            result.without.append(finding)
        elif remediation.shape == "list":
            present = table.setdefault(remediation.variable, [])
            seen = known.setdefault((finding["host"], remediation.variable), set())
            for entry in entries:
                key = _identity(entry)
                if key not in seen:
                    seen.add(key)
                    present.append(entry)
        else:
            for entry in entries:
                table.setdefault(remediation.variable, {}).update(entry)
    return result


def empty(catalogue: Mapping[str, Any], sides: set[str]) -> dict[str, Any]:
    """Every variable of the roles of these sides, as it is when nothing is to be corrected.

    A variable that takes a number or a text has no empty value: it is left out, and the role's default holds.
    """
    table: dict[str, Any] = {}
    for control in catalogue.values():
        remediation = control.remediation
        if remediation is None or ("directory" if remediation.role.startswith("directory") else "host") not in sides:
            continue
        if remediation.shape == "list":
            table.setdefault(remediation.variable, [])
        elif remediation.shape == "dict":
            table.setdefault(remediation.variable, {})
        elif isinstance(remediation.value, bool):
            table.setdefault(remediation.variable, not remediation.value)
    return table


def render(variables: Mapping[str, Any]) -> str:
    """The text of one host's file: our header, variables in the order of their names, every text ``!unsafe``."""
    lines = [HEADER]
    _block(variables, "", "", lines)
    return "".join(lines)


def path_of(host_vars: Path, host: str) -> Path:
    """Where a host's file stands; refuses a name that would leave the folder."""
    if not host or host in (".", "..") or any(mark in host for mark in "/\\\0"):
        raise VariablesError(f"host name {host!r} cannot be a folder name below {host_vars}")
    return host_vars / host / FILE


def check(path: Path) -> None:
    """Raise VariablesError where writing ``path`` would lose or hide something that a person wrote."""
    folder = path.parent
    if path.is_symlink() or folder.is_symlink():
        raise VariablesError(
            f"{path}: is a symbolic link; it is not followed. Replace it by a file or folder of its own"
        )
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as stream:
            if not stream.readline().startswith(MARK):
                raise VariablesError(
                    f"{path}: was not written by care.remediation (its first line is not ours), so it is left alone. "
                    "Rename it and run plan.yml again"
                )
    if folder.exists() and not folder.is_dir():
        raise VariablesError(
            f"{folder}: is a file, and plan.yml needs a folder of that name. Move it to {folder}/main.yml"
        )
    if not folder.is_dir():
        # Ansible reads host_vars/<host>/ and then no longer looks at host_vars/<host>.yml
        for extension in (".yml", ".yaml", ".json"):
            hidden = folder.parent / f"{folder.name}{extension}"
            if hidden.exists():
                raise VariablesError(
                    f"{hidden}: making the folder {folder} would hide this file from Ansible. Move it to "
                    f"{folder}/main{extension} and run plan.yml again"
                )


def texts(host_vars: Path, hosts: Mapping[str, Mapping[str, Any]]) -> dict[Path, str]:
    """Every host's file and its text, in the order of the names, after checking that all of them may be written."""
    made = {path_of(host_vars, host): render(variables) for host, variables in sorted(hosts.items())}
    for path in made:
        check(path)
    return made


def write(host_vars: Path, hosts: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write every host's file, after checking all of them; returns those whose content changed."""
    changed = {path: text for path, text in texts(host_vars, hosts).items() if present(path) != text}
    document.write_texts(changed)
    return list(changed)


def present(path: Path) -> str | None:
    """What a file holds now, None where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def generated_hosts(host_vars: Path) -> list[str]:
    """The hosts that an earlier plan wrote variables for."""
    found = []
    for path in sorted(host_vars.glob(f"*/{FILE}")):
        with path.open(encoding="utf-8", errors="replace") as stream:
            if stream.readline().startswith(MARK):
                found.append(path.parent.name)
    return found


def _block(value: Any, first: str, pad: str, lines: list[str]) -> None:
    """One value in YAML's block style, as PyYAML writes it, which takes thirty times as long.

    ``first`` is what stands before it on its first line, ``pad`` before its further lines.
    """
    if isinstance(value, Mapping):
        if not value and not first:
            lines.append("{}\n")
        for key in sorted(value, key=str):
            item = value[key]
            named = f"{first}{_key(str(key))}:"
            first = pad
            if isinstance(item, Mapping) and item:
                lines.append(f"{named}\n")
                _block(item, pad + "  ", pad + "  ", lines)
            elif isinstance(item, list | tuple) and item:
                lines.append(f"{named}\n")
                _block(item, pad, pad, lines)
            else:
                lines.append(f"{named} {_scalar(item)}\n")
        return
    for item in value:
        if isinstance(item, Mapping | list | tuple) and item:
            _block(item, f"{first}- ", pad + "  ", lines)
        else:
            lines.append(f"{first}- {_scalar(item)}\n")
        first = pad


# What PyYAML writes between single quotes: printable, on one line
_SINGLE: Final = re.compile("[ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffe]*\\Z")


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value) if len(value) < _REPEATED else _text.__wrapped__(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _dump(float(value))
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return _text(str(value))


_REPEATED: Final = 100


@functools.lru_cache(maxsize=10_000)
def _text(text: str) -> str:
    if _SINGLE.match(text):
        return "!unsafe '" + text.replace("'", "''") + "'"
    return _dump(Unsafe(text))


@functools.lru_cache(maxsize=10_000)
def _key(key: str) -> str:
    if not _KEY.match(key):
        raise VariablesError(f"key {key[:80]!r} cannot be the name of a setting")
    return _dump(key)


def _dump(value: Any) -> str:
    """What PyYAML makes of a scalar."""
    text = yaml.dump(value, Dumper=_dumper(), allow_unicode=True, width=1 << 30)
    return str(text).removesuffix("\n").removesuffix("\n...")


@functools.cache
def _dumper() -> type[yaml.SafeDumper]:
    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(Unsafe, _represent)
    return Dumper


def _represent(dumper: yaml.SafeDumper, text: Unsafe) -> yaml.Node:
    style = '"' if any(mark in text for mark in "\n\r\t\x85\u2028\u2029") else "'"
    return dumper.represent_scalar("!unsafe", str(text), style=style)
