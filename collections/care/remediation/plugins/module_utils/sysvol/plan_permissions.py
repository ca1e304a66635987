# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans that nobody may change a policy's files who may not change its object in the directory.

Rights are only taken away, never given: whoever edits a policy with Windows' console gets both together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import is_default_holder
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl, to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import NOTHING, Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol import sysvol_change as files
from ansible_collections.care.remediation.plugins.module_utils.sysvol.descriptor import (
    FILE_CHANGE,
    file_mask,
    generic_file_mask,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_gpo import Known, Phases, Policies

_KEPT: Final = frozenset({sids.CREATOR_OWNER, sids.CREATOR_GROUP, sids.SYSTEM, sids.BUILTIN_ADMINISTRATORS})


def plan_permissions(
    policies: Policies,
    phases: Phases,
    plan: Plan,
    known: Known,
    without: Sequence[str],
    protected: Protected,
    control: str | None,
) -> None:
    """Add a change for each file whose access list lets someone change it who may not change the object.

    ``without``: entries of the object's access list (SDDL) that do not count, because they are to go. An owner
    (``O:…``) among them, which ad_acl takes in the same place, says nothing of entries.
    """
    policies.load(known)
    try:
        ignored = {from_sddl(text, policies.session.domain_sid).key for text in without if not text.startswith("O:")}
    except ValueError as error:
        raise PlanError(f"{known.name}: {error}.") from error
    allowed = _allowed(known, ignored)
    for path, node in sorted(known.nodes.items()):
        where = policies.share.label(node.path)
        raw = policies.share.descriptor(node.path)
        if raw is None:
            continue
        try:
            descriptor = SecurityDescriptor.parse(raw)
        except ValueError as error:
            raise PlanError(f"{where}: its access list is not understood: {error}.") from error
        if descriptor.dacl is None:
            text = f"{where} has no access list: everyone may change it. Correct that by hand (Security tab)."
            plan.notice(known.name, "no_access_list", text)
            continue
        if descriptor.owner is not None and not _may_own(descriptor.owner, known):
            text = f"{where} belongs to {descriptor.owner}, who may take every right. Make Domain Admins its owner."
            plan.notice(known.name, "owner", text)
        before, after = _reduced(descriptor, allowed)
        if not before:
            continue
        hazards = _hazards(descriptor.dacl.aces, before, after, protected)
        relative = node.path[len(known.nodes[""].path) + 1 :] if path else files.FOLDER_ITSELF
        phases.files.append(
            files.aces_change(
                known.described,
                relative,
                before,
                after,
                display=(
                    "\n".join(to_sddl(ace) for _index, ace in before),
                    "\n".join(to_sddl(ace) for _index, ace in after) or NOTHING,
                ),
                hazards=hazards,
                controls=[control] if control else [],
            )
        )


def _allowed(known: Known, ignored: set[tuple[object, ...]]) -> dict[str, int]:
    """Trustee → rights on files that belong to the rights on the object in the directory."""
    raw = known.entry.raw("nTSecurityDescriptor")
    if raw is None:
        raise PlanError(
            f"{known.entry.dn}: its access list cannot be read: unverified, so nothing is planned. Give the account in "
            "use the right to read it."
        )
    try:
        dacl = SecurityDescriptor.parse(raw).dacl
    except ValueError as error:
        raise PlanError(f"{known.entry.dn}: its access list is not understood: {error}.") from error
    found: dict[str, int] = {}
    for ace in dacl.aces if dacl else ():
        if ace.type == sd.ACCESS_ALLOWED and ace.sid is not None and ace.mask is not None and ace.key not in ignored:
            found[ace.sid] = found.get(ace.sid, 0) | file_mask(ace.mask)
    return found


def _reduced(
    descriptor: SecurityDescriptor, allowed: Mapping[str, int]
) -> tuple[list[tuple[int, Ace]], list[tuple[int, Ace]]]:
    """The entries that grant too much, and what is left of them, each with its place."""
    before: list[tuple[int, Ace]] = []
    after: list[tuple[int, Ace]] = []
    removed = 0
    for index, ace in enumerate(descriptor.dacl.aces if descriptor.dacl else ()):
        if ace.type != sd.ACCESS_ALLOWED or ace.sid is None or ace.mask is None:
            continue
        if ace.sid in _KEPT or is_default_holder(ace.sid):
            continue
        mask = generic_file_mask(ace.mask)
        excess = mask & FILE_CHANGE & ~allowed.get(ace.sid, 0)
        if not excess:
            continue
        before.append((index, ace))
        # who is not on the object's list at all has no business here; the others keep what they have there
        left = mask & ~excess if ace.sid in allowed else 0
        if left:
            after.append((index - removed, Ace.build(ace.type, ace.flags, left, ace.sid)))
        else:
            removed += 1
    return before, after


def _hazards(
    present: Sequence[Ace], before: Sequence[tuple[int, Ace]], after: Sequence[tuple[int, Ace]], protected: Protected
) -> list[dict[str, str]]:
    """The protected accounts that could change the file and no longer can: not by themselves, nor by another group."""
    gone = {index for index, _ace in before}
    kept = [ace for index, ace in enumerate(present) if index not in gone] + [ace for _index, ace in after]

    def rights(account: Account, aces: Iterable[Ace]) -> int:
        token = {account.sid, *account.groups, sids.EVERYONE, sids.AUTHENTICATED_USERS}
        held = 0
        for ace in aces:
            if ace.type == sd.ACCESS_ALLOWED and ace.sid in token:
                held |= generic_file_mask(ace.mask or 0)
        return held & FILE_CHANGE

    return [
        hazard
        for account in protected.accounts
        if rights(account, present) & ~rights(account, kept)
        for hazard in protected.hazards(account.sid)
    ]


def _may_own(owner: str, known: Known) -> bool:
    raw = known.entry.raw("nTSecurityDescriptor")
    own = SecurityDescriptor.parse(raw).owner if raw is not None else None
    return owner == own or owner in _KEPT or is_default_holder(owner)
