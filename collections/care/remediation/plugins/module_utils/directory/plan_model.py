# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every directory planner returns: changes in the form of ``docs/architecture.md``, notices and a diff.

A planner compares and describes. Nothing here writes, and nothing here decides whether a change may be applied.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry

IDENTITY_ATTRIBUTES: tuple[str, ...] = ("objectGUID", "objectSid", "objectClass", "sAMAccountName")
NOTHING = "–"

# msDS-SupportedEncryptionTypes (MS-KILE 2.2.7): only the bits that this collection names.
ENCRYPTION_TYPES: dict[str, int] = {
    "DES_CBC_CRC": 0x1,
    "DES_CBC_MD5": 0x2,
    "RC4_HMAC": 0x4,
    "AES128_CTS_HMAC_SHA1_96": 0x8,
    "AES256_CTS_HMAC_SHA1_96": 0x10,
}


class PlanError(Exception):
    """The wanted state is refused: it makes no sense or is dangerous for the object that the message names."""


@dataclass(slots=True)
class Plan:
    """The changes of one task, in the order in which they are to be applied, and what a person must know of them."""

    changes: list[model.Change] = field(default_factory=list)
    notices: list[dict[str, str]] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)

    def notice(self, obj: str, code: str, text: str) -> None:
        """Say something about ``obj`` that no change shows; ``code`` is stable, ``text`` is for a person."""
        self.notices.append({"object": obj, "code": code, "text": text})

    def result(self) -> dict[str, Any]:
        """The result of the planner module."""
        return {
            "changed": bool(self.changes),
            "changes": list(self.changes),
            "diff": [diff_of(change) for change in self.changes],
            "notices": self.notices,
            "unresolved": self.unresolved,
        }


def guid_of(entry: Entry) -> str:
    """The objectGUID that a change names an object by; PlanError where it cannot be read."""
    guid = entry.guid()
    if guid is None:
        raise PlanError(f"{entry.dn}: its objectGUID cannot be read. Give the account in use the right to read it.")
    return guid


def label_of(entry: Entry) -> str:
    """The name a person knows the object by: its logon name, else its DN."""
    return entry.text("sAMAccountName") or entry.dn


def type_of(entry: Entry) -> str:
    """``user``, ``computer``, ``group``, ``domain`` or ``object``; the most specific class decides."""
    classes = {name.lower() for name in entry.texts("objectClass")}
    # A computer is a user as well, and so is a managed service account (MS-ADSC).
    for name, kind in (("computer", "computer"), ("group", "group"), ("user", "user"), ("domaindns", "domain")):
        if name in classes:
            return kind
    return "object"


def _change(
    entry: Entry,
    kind: str,
    attribute: str | None,
    before: Any,
    after: Any,
    display: tuple[str, str],
    irreversible_reason: str | None = None,
    **more: Any,
) -> model.Change:
    guid = entry.guid()
    if guid is None:
        raise PlanError(
            f"{entry.dn}: its objectGUID cannot be read, so it cannot be named in a change. "
            "Give the account in use the right to read it."
        )
    return model.new_change(
        target="directory",
        kind=kind,
        object_type=type_of(entry),
        object_id=guid,
        label=label_of(entry),
        dn=entry.dn,
        sid=entry.sid(),
        attribute=attribute,
        before=before,
        after=after,
        display_before=display[0],
        display_after=display[1],
        reversible=irreversible_reason is None,
        irreversible_reason=irreversible_reason,
        **more,
    )


def encryption_text(value: int) -> str:
    """Names of the encryption types in ``value``, for ``display``."""
    names = [name for name, bit in ENCRYPTION_TYPES.items() if value & bit]
    rest = value & ~sum(ENCRYPTION_TYPES.values())
    return " | ".join([*names, *([f"0x{rest:x}"] if rest else [])]) or NOTHING


def flags_changes(
    entry: Entry,
    attribute: str,
    *,
    set_mask: int = 0,
    clear_mask: int = 0,
    side_effects: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    hazards: Sequence[Mapping[str, str]] = (),
) -> list[model.Change]:
    """One ``flags`` change for each bit that is not as wanted, lowest bit first.

    One a bit, so that the same bit asked for by two controls is the same change. ``side_effects``: what the server
    changes by itself when that bit is set. An absent attribute counts as 0; ``context.absent`` tells undo to remove it.
    """
    present = entry.int(attribute)
    value = (present or 0) & 0xFFFFFFFF
    text = encryption_text if attribute.lower() == "msds-supportedencryptiontypes" else uac.text
    changes: list[model.Change] = []
    for bit in (1 << n for n in range(32)):
        wanted = bit if set_mask & bit else 0
        if not (set_mask | clear_mask) & bit or value & bit == wanted:
            continue
        changes.append(
            _change(
                entry,
                "flags",
                attribute,
                value & bit,
                wanted,
                (text(value & bit), text(wanted)),
                mask=bit,
                side_effects=(side_effects or {}).get(wanted, ()),
                hazards=hazards,
                context={"absent": True} if present is None else None,
            )
        )
    return changes


def values_change(
    entry: Entry,
    attribute: str,
    *,
    remove: Iterable[str] = (),
    add: Iterable[str] = (),
    display: tuple[str, str] | None = None,
    hazards: Sequence[Mapping[str, str]] = (),
    context: Mapping[str, Any] | None = None,
) -> model.Change | None:
    """A ``values`` change of a multi-valued attribute, or None when there is nothing to do.

    ``remove`` are values that are there, ``add`` values that are not: the caller has compared them, by the rules of
    the attribute.
    """
    before, after = sorted(set(remove)), sorted(set(add))
    if before == after:
        return None
    return _change(
        entry,
        "values",
        attribute,
        before,
        after,
        display or ("\n".join(before) or NOTHING, "\n".join(after) or NOTHING),
        hazards=hazards,
        context=context,
    )


def binary_removal(
    entry: Entry, attribute: str, value: bytes, *, shown: str, reason: str, hazards: Sequence[Mapping[str, str]] = ()
) -> model.Change:
    """A ``values`` change that removes one binary value that no one can write back; ``reason`` says why."""
    return _change(entry, "values", attribute, [_encoded(value)], [], (shown, NOTHING), reason, hazards=hazards)


def replace_change(
    entry: Entry,
    attribute: str,
    after: Sequence[str],
    *,
    display: tuple[str, str] | None = None,
    irreversible_reason: str | None = None,
    binary: bool = False,
    hazards: Sequence[Mapping[str, str]] = (),
) -> model.Change | None:
    """A ``replace`` change of all values of an attribute, or None when they are the wanted ones.

    ``binary``: the values there are octets, whatever they look like. ``irreversible_reason``: why it cannot be undone.
    """
    present = entry.attributes.get(attribute) or []
    before = [_encoded(value) if binary else _portable(value) for value in present]
    if before == list(after):
        return None
    shown = display or (", ".join(map(str, before)) or NOTHING, ", ".join(after) or NOTHING)
    return _change(entry, "replace", attribute, before, list(after), shown, irreversible_reason, hazards=hazards)


def password_change(
    entry: Entry,
    *,
    reason: str,
    side_effects: Sequence[Mapping[str, Any]],
    hazards: Sequence[Mapping[str, str]] = (),
    context: Mapping[str, Any] | None = None,
) -> model.Change:
    """A ``password`` change: a random one that nobody learns; ``reason`` says why it cannot be taken back."""
    last_set = str(entry.int("pwdLastSet") or 0)
    return _change(
        entry,
        "password",
        "unicodePwd",
        last_set,
        "random",
        (f"pwdLastSet {last_set}", "random password"),
        irreversible_reason=reason,
        side_effects=side_effects,
        hazards=hazards,
        context=context,
    )


def creation(
    dn: str,
    attributes: Mapping[str, Sequence[str]],
    *,
    label: str,
    object_type: str = "object",
    hazards: Sequence[Mapping[str, str]] = (),
    context: Mapping[str, Any] | None = None,
) -> model.Change:
    """The change that makes the object ``dn``, which there is not yet, with these attributes (objectClass among them).

    The object is named by its DN: it has no GUID before the server gives it one. Undoing deletes it, as long as it is
    still what was created.
    """
    values = {name: list(given) for name, given in attributes.items() if given}
    return model.new_change(
        target="directory",
        kind="object",
        object_type=object_type,
        object_id=dn,
        label=label,
        dn=dn,
        before=None,
        after={"attributes": values},
        display_before=NOTHING,
        display_after="\n".join(f"{name}: {', '.join(given)}" for name, given in sorted(values.items())),
        hazards=hazards,
        context=context,
    )


def deletion(entry: Entry, names: Sequence[str], *, hazards: Sequence[Mapping[str, str]] = ()) -> model.Change:
    """The change that deletes an object, irreversibly; it must still have these attributes (``names``) as now."""
    before = {name: [_portable(value) for value in values] for name in names if (values := entry.attributes.get(name))}
    shown = "\n".join(f"{name}: {', '.join(map(str, values))}" for name, values in sorted(before.items()))
    return _change(
        entry, "object", None, {"attributes": before}, None, (shown, NOTHING), "object_deleted", hazards=hazards
    )


def diff_of(change: model.Change) -> dict[str, str]:
    """The change as Ansible's ``diff`` shows it."""
    header = f"{change['object']['dn']} ({change['attribute'] or change['kind']})"
    return {
        "before_header": header,
        "after_header": header,
        "before": change["display"]["before"] + "\n",
        "after": change["display"]["after"] + "\n",
    }


def _portable(value: bytes) -> str | dict[str, str]:
    """A value as a change writes it: text, or base64 when it is not UTF-8."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return _encoded(value)


def _encoded(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode("ascii")}
