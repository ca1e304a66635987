# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The change set as one self-contained HTML page."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from ansible_collections.care.remediation.plugins.module_utils.changes.texts import reason, texts

TEMPLATES = Path(__file__).resolve().parent / "templates"


@functools.cache
def _template() -> jinja2.Template:
    # Object names and file contents come from the audited machines: everything is escaped.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("change_set.html.j2")


def render(
    document: Mapping[str, Any], language: str, blockers: Iterable[str] = (), titles: Mapping[str, str] | None = None
) -> str:
    """The page in ``fr`` or ``en``.

    ``blockers``: sentences that say why the set will be refused. ``titles``: control id to its title in that language.
    """
    hosts: dict[str, list[dict[str, Any]]] = {}
    for change in document["changes"]:
        hosts.setdefault(change["host"], []).append({"change": change, "detail": detail(change)})
    return _template().render(
        language=language,
        reason=functools.partial(reason, language),
        t={key.removeprefix("page."): text for key, text in texts(language).items() if key.startswith("page.")},
        document=document,
        hosts=hosts,
        created=f"{document['created'][:16].replace('T', ' ')} UTC",
        digits=document["digest"].removeprefix("sha256:")[:12],
        blockers=list(blockers),
        titles=dict(titles or {}),
    )


def detail(change: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What goes and comes, as (mark, line) pairs: ``-``, ``+``, a space for a line around, ``@`` between two places."""
    before, after = (_lines(change["kind"], change[side]) for side in ("before", "after"))
    lines = list(difflib.unified_diff(before, after, lineterm=""))[2:]
    marked = [("@", "…") if line.startswith("@@") else (line[0], line[1:]) for line in lines]
    return marked[1:] if marked and marked[0][0] == "@" else marked


def _lines(kind: str, value: Any) -> list[str]:
    if kind == "object":
        named = sorted((value or {}).get("attributes", {}).items())
        return [f"{name}: {item}" for name, values in named for item in values]
    if kind == "ruleset":
        return str(value).splitlines()
    if kind == "file" and isinstance(value, dict) and isinstance(value.get("shown"), list):
        return [str(line) for line in value["shown"]]  # a file of a policy: what it says, not its bytes
    if kind == "file" and isinstance(value, dict) and isinstance(value.get("content"), str):
        facts = [f"{key}: {value[key]}" for key in ("mode", "owner", "group") if key in value]
        return [*facts, *value["content"].splitlines()]
    if kind == "aces":
        return [str(ace["sddl"]) for ace in value]
    if isinstance(value, list):
        return [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in value]
    if isinstance(value, dict):
        return [f"{key}: {json.dumps(item, ensure_ascii=False)}" for key, item in sorted(value.items())]
    return [str(value)]
