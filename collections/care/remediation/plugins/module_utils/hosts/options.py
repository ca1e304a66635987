# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that the modules of a host have in common."""

from __future__ import annotations

from typing import Any

EDITS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "match": {"type": "str", "required": True},
        "line": {"type": "str"},
        "line_from": {"type": "str", "no_log": False},
        "insert": {"type": "str", "default": "end"},
        "comment": {"type": "str"},
        "backrefs": {"type": "bool", "default": False},
    },
    "mutually_exclusive": [("line", "line_from")],
}

FILES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "path": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "content": {"type": "str"},
        "content_from": {"type": "str", "no_log": False},
        "edits": EDITS,
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "str"},
        "secret": {"type": "bool", "default": False, "no_log": False},
    },
    "mutually_exclusive": [("content", "content_from", "edits")],
}

# At the top of a module's options, so that Ansible leaves it out of the host's log as a whole. (Inside a list, it
# replaces
# the value only where it finds it again, which it does not for a text of several lines.)
SECRETS: dict[str, Any] = {"type": "dict", "default": {}, "no_log": True}

UNITS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        "name": {"type": "str", "required": True},
        "enabled": {"type": "str", "choices": ["enabled", "disabled", "masked"]},
        "active": {"type": "bool"},
    },
}

_PORT: dict[str, Any] = {
    "port": {"type": "int", "required": True},
    "protocol": {"type": "str", "choices": ["tcp", "udp"], "default": "tcp"},
    "label": {"type": "str"},
}

EXPOSURE: dict[str, Any] = {
    "type": "dict",
    "options": {
        "close": {"type": "list", "elements": "dict", "default": [], "options": _PORT},
        "policy": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {**_PORT, "sources": {"type": "list", "elements": "str", "default": []}},
        },
        "management_sources": {"type": "list", "elements": "str", "default": []},
        "default": {"type": "str", "choices": ["accept", "drop"], "default": "accept"},
    },
}
