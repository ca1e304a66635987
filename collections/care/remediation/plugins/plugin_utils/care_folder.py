# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the care folder is, and whether Ansible would mistake it for inventory.

Ansible reads every file below an inventory *folder* as inventory, at every depth. Findings and journals hold text from
attackers' machines; read that way, it would become hosts and groups. Ansible leaves out hidden names and those that
``[inventory] ignore_patterns`` of ansible.cfg names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail

_ALWAYS_IGNORED = (r"^\.", r"^host_vars$", r"^group_vars$", r"^vars_plugins$")


def read_as_inventory(folder: Path, sources: Iterable[str]) -> Path | None:
    """The inventory folder that contains ``folder`` without ignoring it; None when there is none."""
    patterns = [
        re.compile(p) for p in (*_ALWAYS_IGNORED, *constants.config.get_config_value("INVENTORY_IGNORE_PATTERNS"))
    ]
    for source in sources:
        base = Path(source).absolute()
        if not base.is_dir() or not folder.is_relative_to(base):
            continue
        if not any(pattern.search(part) for part in folder.relative_to(base).parts for pattern in patterns):
            return base
    return None


def care_folder(given: str | None, task_vars: Mapping[str, Any]) -> Path:
    """The care folder: ``given`` (the variable ``care_dir``), else ``care`` beside the inventory, else in the working
    directory. Where the inventory is a folder that Ansible would read ``care`` from, the default is ``.care``.

    Raises ``AnsibleActionFail`` for a given folder that Ansible would read as inventory.
    """
    sources = [str(source) for source in task_vars.get("ansible_inventory_sources") or []]
    if given:
        folder = Path(given).expanduser().absolute()
        holder = read_as_inventory(folder, sources)
        if holder is not None:
            raise AnsibleActionFail(
                f"care_dir ({folder}) is inside the inventory folder {holder}, so Ansible would read reports and "
                "journals as inventory. Set care_dir to a folder elsewhere, or add to ansible.cfg, in the section "
                f"[inventory]: ignore_patterns = ^{re.escape(folder.relative_to(holder).parts[0])}$"
            )
        return folder
    inventory = task_vars.get("inventory_dir")
    folder = Path(str(inventory) if inventory else ".").absolute() / "care"
    return folder if read_as_inventory(folder, sources) is None else folder.with_name(".care")
