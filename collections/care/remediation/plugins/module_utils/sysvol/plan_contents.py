# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the files of a policy become under a wish. Contents in, contents out; nothing here connects or writes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import PlanError
from ansible_collections.care.remediation.plugins.module_utils.sysvol import audit_csv, inf, policy, registry_pol
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError

GPT_INI: Final = "GPT.INI"
MACHINE_REGISTRY: Final = "Machine\\Registry.pol"
USER_REGISTRY: Final = "User\\Registry.pol"
TEMPLATE: Final = "Machine\\Microsoft\\Windows NT\\SecEdit\\GptTmpl.inf"
AUDIT: Final = "Machine\\Microsoft\\Windows NT\\Audit\\audit.csv"

SYSTEM_ACCESS: Final = "System Access"
PRIVILEGE_RIGHTS: Final = "Privilege Rights"
REGISTRY_VALUES: Final = "Registry Values"
# A password age of "never" in a security template (MS-GPSB 2.2.1.1)
NEVER: Final = (-1, 0)


@dataclass(slots=True)
class File:
    """One file of the policy that is to become another one."""

    path: str
    content: bytes
    before: tuple[str, ...]  # the settings concerned, as a person reads them
    after: tuple[str, ...]


@dataclass(slots=True)
class Edits:
    """All files that a wish changes, and the extensions that clients need for what it names."""

    files: list[File] = field(default_factory=list)
    machine_extensions: set[str] = field(default_factory=set)
    user_extensions: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class PasswordFloor:
    """What a domain's password policy must at least demand; None: no demand. Ages in days."""

    minimum_length: int | None = None
    maximum_age_days: int | None = None
    complexity: bool | None = None
    no_reversible: bool | None = None


def edits(
    wish: Mapping[str, Any], present: Mapping[str, bytes | None], floor: PasswordFloor, current: PasswordFloor
) -> Edits:
    """The edits of one policy. ``wish``: the options of ``ad_gpo``; ``present``: the files by the paths of this module.

    ``current`` is what holds in the domain today: a policy that says nothing yet never makes that weaker. PlanError
    names the file that is not understood or the value that is not possible.
    """
    result = Edits()
    for path, side, extensions in (
        (MACHINE_REGISTRY, "machine", result.machine_extensions),
        (USER_REGISTRY, "user", result.user_extensions),
    ):
        wanted = [item for item in wish.get("registry") or [] if item["side"] == side]
        if wanted:
            extensions.add(policy.REGISTRY)
            _collect(result, path, present.get(path), _registry(path, present.get(path), wanted))
    if wish.get("security") or wish.get("user_rights") or floor != PasswordFloor():
        result.machine_extensions.add(policy.SECURITY)
        _collect(result, TEMPLATE, present.get(TEMPLATE), _template(wish, present.get(TEMPLATE), floor, current))
    if wish.get("audit"):
        result.machine_extensions.add(policy.AUDIT)
        _collect(result, AUDIT, present.get(AUDIT), _audit(wish["audit"], present.get(AUDIT)))
    return result


def _collect(result: Edits, path: str, present: bytes | None, edited: tuple[bytes, list[str], list[str]]) -> None:
    content, before, after = edited
    if content != (present or b""):
        result.files.append(File(path, content, tuple(before), tuple(after)))


# -- registry.pol ------------------------------------------------------------------------------------------------


def _registry(path: str, raw: bytes | None, wanted: Sequence[Mapping[str, Any]]) -> tuple[bytes, list[str], list[str]]:
    try:
        file = registry_pol.RegistryPolicy.parse(raw or b"")
    except FormatError as error:
        raise PlanError(f"{path}: {error}. It is left as it is; open the policy in its editor.") from error
    before, after = [], []
    for item in wanted:
        key, value = item["key"], item["value"]
        old = file.get(key, value)
        try:
            if item["state"] == "present":
                type_ = registry_pol.TYPE_NAMES[item["type"]]
                changed = file.set(key, value, type_, registry_pol.encode(type_, registry_data(type_, item["data"])))
            elif item["state"] == "deleted":
                changed = file.delete_value(key, value)
            else:
                changed = file.remove(key, value)
        except ValueError as error:
            raise PlanError(f"registry value {key}\\{value}: {error}.") from error
        if changed:
            new = file.get(key, value)
            before.append(f"{key}\\{value} = {_shown(old)}")
            after.append(f"{key}\\{value} = {'deleted' if item['state'] == 'deleted' else _shown(new)}")
    return (file.to_bytes() if after else raw or b""), before, after


def registry_data(type_: int, data: Any) -> registry_pol.Data:
    """What a playbook gives as data, as `registry_pol.encode` takes it; ValueError when it is not of that type."""
    if type_ in (registry_pol.REG_DWORD, registry_pol.REG_QWORD):
        return int(str(data), 0)
    if type_ == registry_pol.REG_MULTI_SZ:
        return [str(item) for item in (data if isinstance(data, list) else [data])]
    if type_ in (registry_pol.REG_BINARY, registry_pol.REG_NONE):
        return bytes.fromhex(str(data or ""))
    return str(data if data is not None else "")


def _shown(entry: registry_pol.PolicyValue | None) -> str:
    if entry is None:
        return "–"
    data = entry.decoded
    text = data.hex() if isinstance(data, bytes) else ", ".join(data) if isinstance(data, list) else str(data)
    return text if len(text) <= 200 else text[:199] + "…"


# -- GptTmpl.inf -------------------------------------------------------------------------------------------------


def _template(
    wish: Mapping[str, Any], raw: bytes | None, floor: PasswordFloor, current: PasswordFloor
) -> tuple[bytes, list[str], list[str]]:
    try:
        document = inf.Document.parse(raw) if raw else inf.new_template()
    except FormatError as error:
        raise PlanError(f"{TEMPLATE}: {error}. It is left as it is; open the policy in its editor.") from error
    before, after = [], []
    wanted = [
        *((item["section"], item["key"], str(item["value"])) for item in wish.get("security") or []),
        *((PRIVILEGE_RIGHTS, item["right"], rights_text(item["sids"])) for item in wish.get("user_rights") or []),
        *((SYSTEM_ACCESS, key, value) for key, value in password_values(document, floor, current)),
    ]  # fmt: skip
    for section, key, value in wanted:
        old = document.get(section, key)
        if section == PRIVILEGE_RIGHTS and old is not None and _same_rights(old, value):
            continue
        try:
            changed = document.set(section, key, value)
        except ValueError as error:
            raise PlanError(f"[{section}] {key}: {error}.") from error
        if changed:
            before.append(f"[{section}] {key} = {'–' if old is None else old}")
            after.append(f"[{section}] {key} = {value}")
    try:
        return (document.to_bytes() if after else raw or b""), before, after
    except FormatError as error:
        raise PlanError(f"{TEMPLATE}: {error}.") from error


def rights_text(sids: Iterable[str]) -> str:
    """The value of a user right: SIDs with an asterisk (MS-GPSB 2.2.6)."""
    return ",".join(f"*{sid}" for sid in sorted(set(sids)))


def _same_rights(old: str, new: str) -> bool:
    return {part.strip().lower() for part in old.split(",")} == {part.strip().lower() for part in new.split(",")}


def password_values(document: inf.Document, floor: PasswordFloor, current: PasswordFloor) -> list[tuple[str, str]]:
    """The keys of the password policy that must change, only ever to something stricter."""
    wanted: list[tuple[str, str]] = []
    if floor.minimum_length is not None:
        length = _number(document, "MinimumPasswordLength")
        least = max(floor.minimum_length, length if length is not None else current.minimum_length or 0)
        if length is None or length < floor.minimum_length:
            wanted.append(("MinimumPasswordLength", str(least)))
    if floor.maximum_age_days is not None:
        age = _number(document, "MaximumPasswordAge")
        known = age if age is not None else current.maximum_age_days
        longest = floor.maximum_age_days if known is None or known in NEVER else min(known, floor.maximum_age_days)
        if age is None or age in NEVER or age > floor.maximum_age_days:
            wanted.append(("MaximumPasswordAge", str(longest)))
    if floor.complexity and _number(document, "PasswordComplexity") != 1:
        wanted.append(("PasswordComplexity", "1"))
    if floor.no_reversible and _number(document, "ClearTextPassword") != 0:
        wanted.append(("ClearTextPassword", "0"))
    return wanted


def _number(document: inf.Document, key: str) -> int | None:
    text = document.get(SYSTEM_ACCESS, key)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise PlanError(f"{TEMPLATE}: [{SYSTEM_ACCESS}] {key} is {text!r}, a number is expected.") from error


# -- audit.csv ---------------------------------------------------------------------------------------------------


def _audit(wanted: Sequence[Mapping[str, Any]], raw: bytes | None) -> tuple[bytes, list[str], list[str]]:
    try:
        file = audit_csv.AuditPolicy.parse(raw) if raw else audit_csv.AuditPolicy()
    except FormatError as error:
        raise PlanError(f"{AUDIT}: {error}. It is left as it is; open the policy in its editor.") from error
    before, after = [], []
    for item in wanted:
        subcategory = subcategory_of(item["subcategory"])
        old = file.settings.get(subcategory)
        setting = (old or 0) | int(bool(item["success"])) | int(bool(item["failure"])) << 1
        if file.set(subcategory, setting):
            name = audit_csv.SUBCATEGORIES.get(str(subcategory), str(subcategory))
            before.append(f"{name}: {'–' if old is None else audit_csv.SETTINGS.get(old, str(old))}")
            after.append(f"{name}: {audit_csv.SETTINGS[setting]}")
    return (file.to_bytes() if after else raw or b""), before, after


def subcategory_of(text: str) -> uuid.UUID:
    """A subcategory by GUID or English name (which names it in this program only); PlanError otherwise."""
    guid = audit_csv.parse_guid(text)
    if guid is None:
        known = {name.lower(): key for key, name in audit_csv.SUBCATEGORIES.items()}
        if text.lower() not in known:
            raise PlanError(f"audit: {text!r} is no subcategory that is known by name; give its GUID.")
        guid = uuid.UUID(known[text.lower()])
    return guid


# -- gpt.ini -----------------------------------------------------------------------------------------------------


def gpt_ini(raw: bytes | None, version: policy.Version) -> bytes:
    """The file with this version; PlanError when it is not understood."""
    try:
        document = inf.Document.parse(raw) if raw else inf.new_ini()
        document.set("General", "Version", str(version.number))
        return document.to_bytes()
    except FormatError as error:
        raise PlanError(f"{GPT_INI}: {error}.") from error


def gpt_version(raw: bytes | None) -> policy.Version | None:
    """The version that the file says, None when there is none; PlanError when it is no number."""
    if raw is None:
        return None
    try:
        text = inf.Document.parse(raw).get("General", "Version")
    except FormatError as error:
        raise PlanError(f"{GPT_INI}: {error}.") from error
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 10:
        raise PlanError(f"{GPT_INI}: its version {text[:50]!r} is no number.")
    return policy.Version.of(int(text))
