# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the passwords that preferences of policies hold, and plans taking them out. They are never decrypted or shown.

Every folder of SYSVOL is looked at, also one whose object is gone: its files are read by everyone all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol import sysvol_change as files
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_gpo import Known, Phases, Policies
from ansible_collections.care.remediation.plugins.module_utils.sysvol.preferences import (
    StoredPassword,
    stored_passwords,
    without_passwords,
)

REASON = "cpassword_removed"


@dataclass(slots=True)
class Holder:
    """One file that holds passwords."""

    folder: str  # the policy's folder
    path: str  # within it
    content: bytes
    items: list[StoredPassword]
    known: Known | None

    @property
    def facts(self) -> list[dict[str, Any]]:
        """What a person must know: whose password must be changed. No password is in it."""
        return [
            {
                "policy": self.known.name if self.known is not None else self.folder,
                "guid": self.folder,
                "file": self.path,
                "item": item.item,
                "name": item.name,
                "account": item.account,
                "changed": item.changed,
                "disabled": item.disabled,
            }
            for item in self.items
        ]


def find(policies: Policies) -> tuple[list[Holder], list[str]]:
    """All files with passwords, and those that could not be judged, each with its reason. SysvolError."""
    share = policies.share
    found: list[Holder] = []
    problems: list[str] = []
    for folder in share.children(""):
        guid = policy.guid_of(folder.name)
        if not folder.is_folder or guid is None:
            continue
        known = policies.known.get(guid)
        for node in share.walk(folder.path):
            inside = node.path[len(folder.path) + 1 :]
            path = f"\\{inside.lower()}"
            if node.is_folder or "\\preferences\\" not in path or not path.endswith(".xml"):
                continue
            content = share.read(node.path)
            try:
                items = stored_passwords(content or b"")
                if items and content is not None:
                    without_passwords(content)
                    found.append(Holder(folder.name, inside, content, items, known))
            except FormatError as error:
                problems.append(f"{share.label(node.path)}: {error}")
    return found, problems


def plan_removal(policies: Policies, phases: Phases, holders: list[Holder], control: str | None) -> None:
    """Add the changes that take the passwords out, and count the versions up so that clients notice."""
    by_folder: dict[str, list[Holder]] = {}
    for holder in holders:
        by_folder.setdefault(holder.folder, []).append(holder)
    for folder, mine in by_folder.items():
        known = mine[0].known
        described = (
            {**known.described, "id": folder}
            if known is not None
            else {"id": folder, "label": folder, "dn": policies.share.label(folder)}
        )
        for holder in mine:
            cleaned = without_passwords(holder.content)
            before = [f"{item.item} {item.name}: password of {item.account or '?'}" for item in holder.items]
            after = [f"{item.item} {item.name}: no password" for item in holder.items]
            phases.files.append(
                files.file_change(
                    described,
                    holder.path,
                    files.state_of(holder.content, before, keep=False),
                    {**files.state_of(cleaned, after, keep=False), "edit": files.CPASSWORD},
                    display=("\n".join(before), "\n".join(after)),
                    irreversible_reason=REASON,
                    context={"sequence": folder.upper()},
                    controls=[control] if control else [],
                )
            )
        if known is None:
            continue
        policies.load(known)
        sides = {holder.path.partition("\\")[0].lower() for holder in mine}
        step = policies.step(known, [control] if control else [])
        step.machine |= "machine" in sides
        step.user |= "user" in sides
