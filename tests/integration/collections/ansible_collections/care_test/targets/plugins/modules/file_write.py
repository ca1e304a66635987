# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Test writer: compare and swap of whole files. Slow on purpose (pause), so that tests can kill in the middle."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule


def matches(path: Path, state: dict[str, Any]) -> bool:
    if not state["exists"]:
        return not path.exists()
    return path.exists() and path.read_text() == state["content"]


def swap(path: Path, old: dict[str, Any], new: dict[str, Any], check: bool, done: str, nothing: str) -> str:
    if matches(path, new):
        return nothing
    if not matches(path, old):
        return "conflict"
    if not check:
        if new["exists"]:
            path.write_text(new["content"])
        else:
            path.unlink()
    return done


def main() -> None:
    module = AnsibleModule(
        {
            "operation": {"type": "str", "required": True},
            "changes": {"type": "list", "elements": "dict", "required": True},
            "token": {"type": "str", "no_log": False},
        },
        supports_check_mode=True,
    )
    apply = module.params["operation"] == "apply"
    results = []
    changes = module.params["changes"] if apply else module.params["changes"][::-1]
    for change in changes:
        path = Path(change["object"]["id"])
        pause = path.parent / "pause"
        if pause.exists():
            time.sleep(float(pause.read_text()))
        if (path.parent / "crash").exists():
            raise RuntimeError("the writer was told to crash")
        before, after = change["before"], change["after"]
        if apply:
            status = swap(path, before, after, module.check_mode, "applied", "already")
        else:
            status = swap(path, after, before, module.check_mode, "undone", "nothing_to_undo")
        results.append({"id": change["id"], "status": status, "message": ""})
    changed = any(result["status"] in ("applied", "undone") for result in results)
    module.exit_json(changed=changed, results=results)


if __name__ == "__main__":
    main()
