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

# What shows that a folder is a care folder.
_OURS = ("reports", "audit", "findings.json", "runs")
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


def inventory_folder(task_vars: Mapping[str, Any]) -> Path | None:
    """The folder of the first inventory source that is a file or a folder; None when all are lists of hosts.

    ``host_vars`` beside it is read for every host, whatever source the host is from. The variable ``inventory_dir``
    would not do: it differs between the hosts of several sources and of folders within a source.
    """
    for source in _sources(task_vars):
        path = Path(source).absolute()
        if path.exists():
            return path if path.is_dir() else path.parent
    return None


def care_folder(given: str | None, task_vars: Mapping[str, Any]) -> Path:
    """The care folder: ``given`` (the variable ``care_dir``), else ``care`` in the inventory's folder, else (a list of
    hosts) in the working directory. Where Ansible would read ``care`` as inventory, and where there is one already, it
    is ``.care``. It is the same for every host and every playbook.

    Raises ``AnsibleActionFail`` for a given folder that Ansible would read as inventory, and for a ``care`` with
    reports or results in it that it would: a new, empty ``.care`` would hide them.
    """
    sources = _sources(task_vars)
    if given:
        folder = Path(given).expanduser().absolute()
        _refuse_inventory(folder, sources, "care_dir")
        return folder
    base = inventory_folder(task_vars) or Path.cwd()
    folder, hidden = base / "care", base / ".care"
    if hidden.is_dir() and not folder.is_dir():
        return hidden
    if folder.is_dir() and any((folder / name).exists() for name in _OURS):
        _refuse_inventory(folder, sources, "the care folder")
    return folder if read_as_inventory(folder, sources) is None else hidden


def _sources(task_vars: Mapping[str, Any]) -> list[str]:
    return [str(source) for source in task_vars.get("ansible_inventory_sources") or []]


def _refuse_inventory(folder: Path, sources: Iterable[str], what: str) -> None:
    holder = read_as_inventory(folder, sources)
    if holder is not None:
        raise AnsibleActionFail(
            f"{what} ({folder}) is inside the inventory folder {holder}, so Ansible would read reports and journals as "
            "inventory. Move it and set care_dir to where it is, or rename it to .care, or add to ansible.cfg, in the "
            f"section [inventory]: ignore_patterns = ^{re.escape(folder.relative_to(holder).parts[0])}$"
        )
