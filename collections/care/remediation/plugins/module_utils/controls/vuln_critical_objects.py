# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An object on which every judgement rests is not shown to the account in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_critical_objects"
NEEDS: Final[frozenset[str]] = frozenset()


def blind(snapshot: Snapshot) -> str | None:
    """Nobody looked."""
    return None if snapshot.critical_objects else "the critical objects were not looked for"


def remark(snapshot: Snapshot) -> str | None:
    """Two of the groups live in the forest's root domain only."""
    if snapshot.root_domain_sid == snapshot.domain_sid:
        return None
    return "Enterprise Admins and Schema Admins are in the forest's root domain: audit that domain as well"


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """AdminSDHolder, RID 500, krbtgt, Domain Admins, and in the root domain Schema and Enterprise Admins."""
    for each in snapshot.critical_objects:
        if not each.visible:
            yield Found(
                type="object",
                id=each.identity,
                label=each.name,
                level=1,
                wording=f"{each.name} ({each.identity}) is not visible to the account that audits.",
                evidence={"identity": each.identity, "server": snapshot.server},
            )
