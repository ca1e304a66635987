# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The three kinds of things a host change touches, behind one face: read, compare, write."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import file_plan, files, rulesets, units
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.layout import Layout, private_directory

Change = dict[str, Any]


@dataclass
class Secrets:
    """What is needed to write secret files: the task's own entries and texts, and the before-copies on the host."""

    layout: Layout
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def content(self, change: Change, wanted: dict[str, Any]) -> bytes:
        """The bytes of a secret file in state `wanted`. Raises HostError when they are not the planned ones."""
        path = change["object"]["id"]
        if wanted is change["before"] or wanted == change["before"]:
            content = self._kept(change)
        elif path in self.entries:
            content = file_plan.wanted_content(self.entries[path], self.texts, files.read(path)) or b""
        else:
            raise HostError(f"{path}: its content is secret and was not given with this call")
        if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
            raise HostError(f"{path}: the secret content at hand is not the one of this change (its sha256 differs)")
        return content

    def keep(self, change: Change, present: files.Present) -> None:
        """Keeps the present content of a secret file for undo, readable by root only."""
        if present.content is None:
            return
        directory = private_directory(os.path.join(self.layout.backup, _safe(change["id"])))
        files.write(os.path.join(directory, "content"), present.content, "0600", str(os.geteuid()), str(os.getegid()))

    def forget(self, change_ids: Iterable[str]) -> None:
        """Removes the before-copies of changes that are undone: nothing needs these secrets on the host any more."""
        for change_id in change_ids:
            shutil.rmtree(os.path.join(self.layout.backup, _safe(change_id)), ignore_errors=True)

    def _kept(self, change: Change) -> bytes:
        kept = files.read(os.path.join(self.layout.backup, _safe(change["id"]), "content"))
        if kept.content is None:
            raise HostError(
                f"{change['object']['id']}: the copy of its secret content is no longer in {self.layout.backup}"
            )
        return kept.content


def is_secret(change: Change) -> bool:
    """Whether a file change carries no content because it must not."""
    return any(state["exists"] and "content" not in state for state in (change["before"], change["after"]))


def is_creation(change: Change) -> bool:
    """Whether the change makes a file that was not there."""
    return change["kind"] == "file" and not change["before"]["exists"]


def read(change: Change) -> Any:
    """The present state of what the change touches, as it would stand in a change."""
    name = change["object"]["id"]
    if change["kind"] == "file":
        return files.read(name).state(is_secret(change))
    if change["kind"] == "service":
        state = units.read(units.full_name(name))
        if state is None:
            raise HostError(f"this host has no unit {name} any more")
        return {key: state[key] for key in change["before"]}
    if change["kind"] == "ruleset":
        return rulesets.read(rulesets.parse_name(name))
    raise HostError(f"{name}: this writer does not know changes of kind {change['kind']!r}")


def same(change: Change, one: Any, other: Any) -> bool:
    """Whether two states of the same thing are equal."""
    return files.same(one, other) if change["kind"] == "file" else bool(one == other)


def shown(change: Change, state: Any) -> Any:
    """A state for a message or result: without the content of a file."""
    if change["kind"] == "file":
        return {key: value for key, value in state.items() if key != "content"}
    return state


def capture(change: Change) -> files.Present | None:
    """What is needed to put the thing back within this call, beyond its state: a file's bytes."""
    return files.read(change["object"]["id"]) if change["kind"] == "file" else None


def write(change: Change, present: Any, wanted: Any, secrets: Secrets) -> None:
    """Brings the thing from `present` to `wanted` (states as in a change). Raises HostError or OSError."""
    name = change["object"]["id"]
    if change["kind"] == "service":
        units.put(units.full_name(name), present, wanted)
    elif change["kind"] == "ruleset":
        rulesets.replace(rulesets.parse_name(name), wanted)
    elif not wanted["exists"]:
        files.remove(name, change.get("context", {}).get("created_directories"))
    else:
        content = secrets.content(change, wanted) if is_secret(change) else files.decode(wanted["content"])
        if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
            raise HostError(f"{name}: the content in the change does not have the sha256 in the change")
        files.write(name, content, wanted["mode"], wanted["owner"], wanted["group"])


def put_back(change: Change, present: Any, before: Any, captured: files.Present | None) -> None:
    """Undoes a write of this call."""
    if captured is None:
        write(change, present, before, Secrets(Layout()))
    elif captured.content is None:
        files.remove(change["object"]["id"], change.get("context", {}).get("created_directories"))
    else:
        files.write(change["object"]["id"], captured.content, f"{captured.mode:04o}", captured.owner, captured.group)


def _safe(change_id: str) -> str:
    if not change_id.replace("-", "").isalnum():
        raise HostError(f"{change_id!r} is not the id of a change")
    return change_id
