# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Test planner: wants some lines of text in some files. Never writes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.care.remediation.plugins.module_utils.changes import model


def state(content: str | None) -> dict[str, Any]:
    if content is None:
        return {"exists": False}
    return {"exists": True, "sha256": hashlib.sha256(content.encode()).hexdigest(), "content": content}


def main() -> None:
    module = AnsibleModule(
        {
            "control": {"type": "str"},
            "files": {"type": "list", "elements": "dict", "required": True},
            "hazard": {"type": "str"},
            "irreversible": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    changes = []
    for file in module.params["files"]:
        name, wanted = file["path"], file.get("content")
        path = Path(name)
        present = path.read_text() if path.exists() else None
        if present == wanted:
            continue
        final = name in module.params["irreversible"]
        changes.append(
            model.new_change(
                target="host",
                kind="file",
                object_type="file",
                object_id=name,
                label=path.name,
                before=state(present),
                after=state(wanted),
                display_before=repr(present)[:40],
                display_after=repr(wanted)[:40],
                reversible=not final,
                irreversible_reason="said so by the test" if final else None,
                hazards=[model.hazard("management_path", name)] if module.params["hazard"] == name else [],
            )
        )
    module.exit_json(changed=bool(changes), changes=changes, diff=model.diff({**c, "host": "-"} for c in changes))


if __name__ == "__main__":
    main()
