# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A privileged object lets others act for anyone at its services (resource-based constrained delegation)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, account_found
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    Snapshot,
)

ID: Final = "vuln_delegation_sourcedeleg"
# msDS-AllowedToActOnBehalfOfOtherIdentity is read by the same right as userAccountControl (both are of the property
# set User-Account-Restrictions): where the flags of an account are shown, its absence is an answer.
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each domain controller, krbtgt and privileged account that has the attribute, whomever it names."""
    krbtgt = sids.in_domain(snapshot.domain_sid, sids.RID_KRBTGT)
    names = None
    for account in snapshot.accounts:
        if account.resource_delegation is None:
            continue
        if account.is_dc or account.sid == krbtgt or snapshot.is_privileged(account):
            if names is None:
                names = {each.sid: each.label for each in snapshot.accounts}
            allowed = _allowed(account.resource_delegation)
            shown = [names.get(sid) or snapshot.name_of(sid) for sid in allowed]
            yield account_found(
                snapshot,
                account,
                level=1,
                wording=f"Privileged object at whose services {', '.join(shown) or 'nobody yet'} may act as anyone.",
                allowed=allowed,
                allowed_names=shown,
            )


def _allowed(raw: bytes) -> list[str]:
    """The SIDs that the descriptor's list names; empty when there are none, or it cannot be read."""
    try:
        dacl = SecurityDescriptor.parse(raw).dacl
    except ValueError:
        return []
    return sorted({ace.sid for ace in dacl.aces if ace.sid and ace.allows}) if dacl is not None else [sids.EVERYONE]
