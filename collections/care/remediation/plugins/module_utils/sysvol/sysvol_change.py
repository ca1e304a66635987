# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One change of SYSVOL as planners describe it: where it stands and what it leads to. Nothing here connects.

Kinds (target ``sysvol``; ``object.id`` is the policy's folder ``{GUID}``, ``attribute`` a path in it, ``.`` the folder
itself):

- ``file``: ``{"exists", "sha256", "content", "shown"}``; ``content`` is base64. With ``"edit": "cpassword"`` there is
  none, because it would hold a password: the writer takes the passwords out itself and compares the hash.
- ``folder``: ``{"exists"}``.
- ``aces``: lists of entries, inherited ones included: a file carries its copies of what its folder hands down.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_changes import moved, portable, raw_of
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from ansible_collections.care.remediation.plugins.module_utils.sysvol.preferences import without_passwords
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import join

TARGET: Final = "sysvol"
FOLDER_ITSELF: Final = "."
CPASSWORD: Final = "cpassword"
# Reading back a change set must stay possible for a person and for the journal
MAX_CONTENT: Final = 2**20

Change = Mapping[str, Any]
Where = Literal["before", "after", "other"]


def state_of(content: bytes | None, shown: Sequence[str] = (), *, keep: bool = True) -> dict[str, Any]:
    """A file as a change writes it; None: there is none. ``keep`` False leaves the content out (it holds a secret)."""
    if content is None:
        return {"exists": False, "sha256": None}
    state: dict[str, Any] = {"exists": True, "sha256": hashlib.sha256(content).hexdigest(), "shown": list(shown)}
    if keep:
        state["content"] = base64.b64encode(content).decode("ascii")
    return state


def file_change(
    policy: Mapping[str, str],
    path: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    display: tuple[str, str],
    irreversible_reason: str | None = None,
    **more: Any,
) -> model.Change:
    """A change of one file. ``policy``: ``id`` (its folder), ``label`` and ``dn`` of its object."""
    return model.new_change(
        target=TARGET,
        kind="file",
        object_type="policy",
        object_id=policy["id"],
        label=policy["label"],
        dn=policy.get("dn"),
        attribute=path,
        before=dict(before),
        after=dict(after),
        display_before=display[0],
        display_after=display[1],
        reversible=irreversible_reason is None,
        irreversible_reason=irreversible_reason,
        **more,
    )


def folder_change(policy: Mapping[str, str], path: str, **more: Any) -> model.Change:
    """The change that makes a folder."""
    return model.new_change(
        target=TARGET,
        kind="folder",
        object_type="policy",
        object_id=policy["id"],
        label=policy["label"],
        dn=policy.get("dn"),
        attribute=path,
        before={"exists": False},
        after={"exists": True},
        display_after=path if path != FOLDER_ITSELF else policy["id"],
        **more,
    )


def aces_change(
    policy: Mapping[str, str],
    path: str,
    before: Sequence[tuple[int, Ace]],
    after: Sequence[tuple[int, Ace]],
    *,
    display: tuple[str, str],
    **more: Any,
) -> model.Change:
    """A change of the access list of a file or folder: entries with their places, those that go and those that come."""
    return model.new_change(
        target=TARGET,
        kind="aces",
        object_type="policy",
        object_id=policy["id"],
        label=policy["label"],
        dn=policy.get("dn"),
        attribute=path,
        before=[portable(ace, index) for index, ace in before],
        after=[portable(ace, index) for index, ace in after],
        display_before=display[0],
        display_after=display[1],
        **more,
    )


def path_of(change: Change) -> str:
    """Where the change is, below the folder Policies."""
    attribute = str(change["attribute"])
    return join(str(change["object"]["id"]), "" if attribute == FOLDER_ITSELF else attribute)


def file_where(content: bytes | None, start: Mapping[str, Any], goal: Mapping[str, Any]) -> Where:
    """Where a file stands, by hash."""
    present = hashlib.sha256(content).hexdigest() if content is not None else None
    if present == _hash(goal):
        return "after"
    return "before" if present == _hash(start) else "other"


def content_of(change: Change, goal: Mapping[str, Any], present: bytes | None) -> bytes | None:
    """The content that ``goal`` asks for, None for no file; ValueError when it is not what its hash says."""
    if not goal["exists"]:
        return None
    if goal.get("edit") == CPASSWORD:
        content = without_passwords(present or b"")
    elif "content" in goal:
        content = base64.b64decode(str(goal["content"]), validate=True)
    else:
        raise ValueError("the change does not say what the file is to hold")
    if hashlib.sha256(content).hexdigest() != goal["sha256"]:
        raise ValueError("what the file would hold is not what was approved (its hash differs)")
    return content


def aces_where(aces: Iterable[Ace], start: Iterable[Mapping[str, Any]], goal: Iterable[Mapping[str, Any]]) -> Where:
    """Where an access list stands; an entry that is there twice counts twice. Inherited entries count too."""
    present = [ace.raw for ace in aces]
    gone, come = moved(start, goal)
    if _contains(present, come) and not _any_more(present, gone, come):
        return "after"
    if _contains(present, gone) and not _any_more(present, come, gone):
        return "before"
    return "other"


def aces_applied(
    aces: Iterable[Ace], start: Sequence[Mapping[str, Any]], goal: Sequence[Mapping[str, Any]]
) -> tuple[Ace, ...]:
    """The list after the change, for one that stands at its start."""
    gone, come = moved(start, goal)
    result = list(aces)
    places = {raw_of(item): int(item.get("index", 0)) for item in start}
    for raw in gone:
        candidates = [n for n, ace in enumerate(result) if ace.raw == raw]
        result.pop(min(candidates, key=lambda n: abs(n - places[raw])))
    # a list, not a dictionary: the same entry may come twice
    waiting = list(come)
    coming: list[tuple[int, bytes]] = []
    for item in goal:
        raw = raw_of(item)
        if raw in waiting:
            waiting.remove(raw)
            coming.append((int(item.get("index", 0)), raw))
    for index, raw in sorted(coming, key=lambda item: item[0]):
        result.insert(min(index, len(result)), Ace.parse(raw))
    return tuple(result)


def _hash(state: Mapping[str, Any]) -> str | None:
    return str(state["sha256"]) if state["exists"] else None


def _contains(have: Sequence[bytes], wanted: Sequence[bytes]) -> bool:
    rest = list(have)
    for raw in wanted:
        if raw not in rest:
            return False
        rest.remove(raw)
    return True


def _any_more(have: Sequence[bytes], these: Sequence[bytes], besides: Sequence[bytes]) -> bool:
    """Whether one of ``these`` is there, the ones that are rightly there (``besides``) not counted."""
    rest = list(have)
    for raw in besides:
        if raw in rest:
            rest.remove(raw)
    return any(raw in rest for raw in these)
