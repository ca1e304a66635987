# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Links of policies to the domain, OUs and sites: one change of ``gPLink`` for each of them, whatever asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    NOTHING,
    PlanError,
    replace_change,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy

LINK: Final = "gPLink"
OPTIONS: Final = "gPOptions"
ATTRIBUTES: Final = (LINK, OPTIONS, "objectClass", "objectGUID", "name")


@dataclass(slots=True)
class Target:
    """One domain, OU or site, as it is, and the links it is to have."""

    entry: Entry
    links: list[policy.Link]
    sequences: set[str] = field(default_factory=set)
    controls: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Links:
    """The targets of a task, by DN."""

    names: Mapping[str, str]  # DN of a policy in lower case → its display name
    _targets: dict[str, Target] = field(default_factory=dict)

    def add(self, entry: Entry, dn: str, wish: Mapping[str, Any], sequence: str, controls: Iterable[str]) -> None:
        """One wished link of the policy ``dn``; PlanError when the present links are not understood."""
        target = self._targets.get(entry.dn.lower())
        if target is None:
            try:
                target = Target(entry, policy.links(entry.text(LINK) or ""))
            except ValueError as error:
                raise PlanError(f"{entry.dn}: {error}. Its links are left as they are.") from error
            self._targets[entry.dn.lower()] = target
        before = list(target.links)
        if wish.get("state") == "absent":
            key = dn.lower().replace(" ", "")
            target.links = [link for link in target.links if link.dn.lower().replace(" ", "") != key]
        else:
            target.links = policy.with_link(
                target.links, dn, enabled=wish.get("enabled"), enforced=wish.get("enforced"), order=wish.get("order")
            )
        if target.links != before:
            target.sequences.add(sequence)
            target.controls.update(controls)

    def changes(self) -> list[model.Change]:
        """One change for each target whose links are not as wanted."""
        found = []
        for target in self._targets.values():
            present = policy.links(target.entry.text(LINK) or "")
            if target.links == present:
                continue
            change = replace_change(
                target.entry,
                LINK,
                [policy.links_text(target.links)] if target.links else [],
                display=(self._shown(present), self._shown(target.links)),
            )
            if change is None:
                continue
            change["context"]["sequence"] = sorted(target.sequences)
            change["controls"] = sorted(target.controls)
            found.append(change)
        return found

    def _shown(self, links: Iterable[policy.Link]) -> str:
        lines = []
        for number, link in enumerate(links, 1):
            marks = [*([] if link.enabled else ["disabled"]), *(["enforced"] if link.enforced else [])]
            name = self.names.get(link.dn.lower().replace(" ", ""), link.dn)
            lines.append(f"{number}. {name}" + (f" ({', '.join(marks)})" if marks else ""))
        return "\n".join(lines) or NOTHING


def inheritance_change(entry: Entry, blocked: bool) -> model.Change | None:
    """The change of ``gPOptions`` so that policies linked above come down or not, None when it is so."""
    present = entry.int(OPTIONS) or 0
    wanted = present | policy.BLOCK_INHERITANCE if blocked else present & ~policy.BLOCK_INHERITANCE
    if wanted == present:
        return None
    texts = ["blocked" if value & policy.BLOCK_INHERITANCE else "inherited" for value in (present, wanted)]
    return replace_change(entry, OPTIONS, [str(wanted)], display=(texts[0], texts[1]))
