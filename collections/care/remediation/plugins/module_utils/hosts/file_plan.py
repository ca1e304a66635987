# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the wanted files of a task to `file` changes. Reads only."""

from __future__ import annotations

from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.hosts import edits, files
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

HIDDEN = "(secret content)"


def plan(
    wanted: list[dict[str, Any]], secrets: dict[str, str], profile: str | None
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The changes that make the host's files as `wanted` (the option `files` of host_config), and their diff.

    `secrets` holds the texts that `content_from` and `line_from` name. Raises HostError, naming the file.
    """
    changes: list[dict[str, Any]] = []
    diff: list[dict[str, str]] = []
    seen: set[str] = set()
    for entry in wanted:
        path = files.check_path(entry["path"])
        if path in seen:
            raise HostError(f"{path} is named twice in one task: put its edits together")
        seen.add(path)
        present = files.read(path)
        after = wanted_state(entry, secrets, present)
        secret = is_secret(entry)
        before = present.state(secret)
        if files.same(before, after):
            continue
        changes.append(make_change(path, before, after, profile))
        diff.append(make_diff(path, before, after))
    return changes, diff


def is_secret(entry: dict[str, Any]) -> bool:
    """Whether the content of this file must not leave the host."""
    if entry.get("content_from") or any(edit.get("line_from") for edit in entry.get("edits") or []):
        return True
    return bool(entry.get("secret"))


def wanted_content(entry: dict[str, Any], secrets: dict[str, str], present: files.Present) -> bytes | None:
    """The bytes the file must have after the task (None: no file), from `content`, `content_from` or `edits`."""
    path = entry["path"]
    if (entry.get("state") or "present") == "absent":
        return None
    if entry.get("secret") and entry.get("content") is not None:
        raise HostError(f"{path}: a secret file takes its text from 'secrets' (content_from), else it would be logged")
    if entry.get("content_from"):
        return _secret(secrets, entry["content_from"], path).encode("utf-8")
    if entry.get("content") is not None:
        return files.decode(entry["content"])
    if entry.get("edits"):
        resolved = [
            {**edit, "line": _secret(secrets, edit["line_from"], path)} if edit.get("line_from") else edit
            for edit in entry["edits"]
        ]
        return edits.apply(present.content or b"", resolved, path)
    if present.content is None:
        raise HostError(f"{path} does not exist and the task says neither its content nor edits")
    return present.content  # only mode, owner or group are wanted


def wanted_state(entry: dict[str, Any], secrets: dict[str, str], present: files.Present) -> dict[str, Any]:
    """The state the file must have; mode, owner and group not named stay as they are (new file: root, root, 0644)."""
    content = wanted_content(entry, secrets, present)
    if content is None:
        return dict(files.ABSENT)
    if len(content) > files.MAX_BYTES:
        raise HostError(f"{entry['path']} would be larger than {files.MAX_BYTES} bytes")
    secret = is_secret(entry)
    mode = _mode(entry, present, secret)
    owner = entry.get("owner") or (present.owner if present.exists else "root")
    group = entry.get("group") or (present.group if present.exists else "root")
    return files.make_state(content, mode, owner, group, secret)


def make_change(path: str, before: dict[str, Any], after: dict[str, Any], profile: str | None) -> dict[str, Any]:
    """A `file` change. `host`, `id` and `controls` are filled in on the control node."""
    return model.new_change(
        target="host",
        kind="file",
        object_type="file",
        object_id=path,
        label=path,
        before=before,
        after=after,
        display_before=_display(before),
        display_after=_display(after),
        context={} if before["exists"] else {"created_directories": files.missing_parents(path)},
        profile=profile,
    )


def make_diff(path: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """What `--diff` shows of one file; of a secret one only that it differs."""
    return {
        "before_header": f"{path} ({_display(before)})",
        "after_header": f"{path} ({_display(after)})",
        "before": _shown(before),
        "after": _shown(after),
    }


def _shown(state: dict[str, Any]) -> str:
    if not state["exists"]:
        return ""
    head = "" if "content" in state else f"{HIDDEN} sha256 {state['sha256']}\n"
    if "content" not in state:
        return head
    content = state["content"]
    return f"(not text) {content['base64']}\n" if isinstance(content, dict) else content


def _display(state: dict[str, Any]) -> str:
    if not state["exists"]:
        return "–"
    return f"{state['owner']}:{state['group']} {state['mode']} sha256 {state['sha256'][:12]}"


def _mode(entry: dict[str, Any], present: files.Present, secret: bool) -> str:
    mode = entry.get("mode")
    if mode is None:
        return f"{present.mode:04o}" if present.exists else ("0600" if secret else "0644")
    try:
        number = int(str(mode), 8)
    except ValueError:
        number = -1
    if not 0 <= number <= 0o7777:
        raise HostError(f'{entry["path"]}: {mode!r} is not an octal mode such as "0640"')
    return f"{number:04o}"


def _secret(secrets: dict[str, str], name: str, path: str) -> str:
    if name not in secrets or secrets[name] is None:
        raise HostError(f"{path}: the task's 'secrets' have no entry {name!r}")
    return str(secrets[name])
