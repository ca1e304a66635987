# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which of a task's options its writer takes too: how to reach the target, and what no change may carry (secrets)."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import Any

import yaml

FRAGMENTS = "ansible_collections.care.remediation.plugins.doc_fragments"
# The doc fragment that says how to reach a target, by writer. A Linux host is reached by Ansible's own connection.
_FRAGMENTS = {"directory_change": "directory", "sysvol_change": "directory"}
# What else a writer takes from the planner's task, by writer.
_OTHERS = {"host_change": frozenset({"files", "secrets", "guard_seconds"})}


@functools.cache
def option_names(writer: str) -> frozenset[str]:
    """Names and aliases of the options of a task that its writer takes as well."""
    fragment = _FRAGMENTS.get(writer)
    if fragment is None:
        return frozenset()
    documentation = importlib.import_module(f"{FRAGMENTS}.{fragment}").ModuleDocFragment.DOCUMENTATION
    options = yaml.safe_load(documentation)["options"]
    names = set(options)
    for option in options.values():
        names.update(option.get("aliases") or [])
    return frozenset(names)


def writer_options(writer: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a task's arguments to hand on to its writer."""
    names = option_names(writer)
    names |= _OTHERS.get(writer, frozenset())
    return {name: value for name, value in arguments.items() if name in names}
