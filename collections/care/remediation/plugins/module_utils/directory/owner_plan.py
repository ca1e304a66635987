# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the owner of objects: Domain Admins (RID 512 of this domain) in place of anybody who is no administrator.

The owner may write the access list whatever that list says (MS-DTYP 2.5.3.2), so a wrong owner is as good as full
control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_holder import BACK, AdminSdHolder
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_names import Names
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    Plan,
    PlanError,
    label_of,
    type_of,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session


@dataclass(frozen=True, slots=True)
class OwnerWish:
    """An object that administrators must own; ``not_owner``: only while that SID owns it."""

    object: str
    not_owner: str | None = None
    control: str | None = None


def owner_wish(identity: str, trustee: str, ace: str, control: str | None = None) -> OwnerWish | None:
    """The wish that ``ace`` is when it is ``O:`` and a SID (SDDL of an owner); None for an entry of the list.

    Raises PlanError when the SID is not one, or not that of ``trustee``.
    """
    if not ace.startswith("O:"):
        return None
    if not sids.is_sid(ace[2:]) or ace[2:] != trustee:
        raise PlanError(f"{identity}: {ace!r} does not say that {trustee} is the owner. Correct trustee or ace.")
    return OwnerWish(identity, trustee, control)


@dataclass(slots=True)
class _Wanted:
    entry: Entry
    owner: str
    controls: list[str] = field(default_factory=list)


def accepted_owners(session: Session) -> frozenset[str]:
    """Who may own objects: Domain Admins, Administrators, the system, and Enterprise Admins of the forest's root."""
    accepted = {
        sids.in_domain(session.domain_sid, sids.RID_DOMAIN_ADMINS),
        sids.BUILTIN_ADMINISTRATORS,
        sids.SYSTEM,
    }
    root = (session.root_dse.get("rootDomainNamingContext") or [session.domain_dn])[0]
    above = session.read(root, ["objectSid"]) if root.casefold() != session.domain_dn.casefold() else None
    root_sid = above.sid() if above is not None else session.domain_sid
    if root_sid is not None:
        accepted |= {sids.in_domain(root_sid, rid) for rid in (sids.RID_ENTERPRISE_ADMINS, sids.RID_DOMAIN_ADMINS)}
    return frozenset(accepted)


def plan_owners(
    session: Session, plan: Plan, entries: Mapping[str, Entry], wishes: Sequence[OwnerWish], protected: Protected
) -> None:
    """Add a change for each object with a wrong owner. ``entries``: each wish's object with its descriptor's owner.

    Raises PlanError with every refusal in one message, and when the group Domain Admins cannot be read.
    """
    accepted = accepted_owners(session)
    goal = sids.in_domain(session.domain_sid, sids.RID_DOMAIN_ADMINS)
    wanted: dict[str, _Wanted] = {}
    refused: list[str] = []
    for wish in wishes:
        if wish.object not in entries:
            continue
        entry = entries[wish.object]
        guid = entry.guid()
        try:
            owner = owner_of(entry)
        except PlanError as error:
            refused.append(str(error))
            continue
        if guid is None:
            refused.append(f"{entry.dn}: its objectGUID cannot be read. Give the account in use the right to read it.")
        elif owner != goal and (owner not in accepted if wish.not_owner is None else owner == wish.not_owner):
            controls = wanted.setdefault(guid, _Wanted(entry, owner)).controls
            if wish.control:
                controls.append(wish.control)
    if refused:
        raise PlanError(" ".join(refused))
    if not wanted:
        return
    if session.read(f"<SID={goal}>", ["objectSid"]) is None:
        raise PlanError(f"The group {goal} (RID 512) cannot be read, so it is made the owner of nothing.")
    names = Names(session)
    names.load_trustees({goal, *(one.owner for one in wanted.values())})
    holder = AdminSdHolder(session)
    for guid, one in wanted.items():
        change = _change(guid, one, goal, names, protected)
        if _may_be_protected(one.entry) and holder.warn_of_owner(plan, one.entry, accepted, holder.guid in wanted):
            change["display"]["after"] += f"\n{BACK}"
        plan.changes.append(change)
    _warn(plan, list(wanted.values()), protected, names)


def owner_of(entry: Entry) -> str:
    """The owner of an entry that was read with it; PlanError when it does not show."""
    raw = entry.raw("nTSecurityDescriptor")
    try:
        owner = SecurityDescriptor.parse(raw).owner if raw is not None else None
    except ValueError as error:
        raise PlanError(f"{entry.dn}: its security descriptor is not understood: {error}.") from error
    if owner is None:
        raise PlanError(f"{entry.dn}: its owner cannot be read. Give the account in use the right to read permissions.")
    return owner


def _may_be_protected(entry: Entry) -> bool:
    return entry.int("adminCount") is not None


def _warn(plan: Plan, wanted: Sequence[_Wanted], protected: Protected, names: Names) -> None:
    """Say of each protected account what it owns: it keeps what access lists give it, and loses the rest."""
    owned: dict[str, list[Entry]] = {}
    for one in wanted:
        owned.setdefault(one.owner, []).append(one.entry)
    for owner, entries in owned.items():
        if protected.hazards_of_member(owner):
            plan.notice(
                names.trustee(owner),
                "protected_owner",
                f"{names.trustee(owner)} is a protected account or a group of one, and owns {len(entries)} of these"
                f" objects, for instance {entries[0].dn}. From then on it has only the rights that their access lists"
                " give it.",
            )


def _change(guid: str, one: _Wanted, goal: str, names: Names, protected: Protected) -> model.Change:
    entry = one.entry
    return model.new_change(
        target="directory",
        kind="owner",
        object_type=type_of(entry),
        object_id=guid,
        label=label_of(entry),
        dn=entry.dn,
        sid=entry.sid(),
        attribute="nTSecurityDescriptor",
        before=one.owner,
        after=goal,
        display_before=f"owner {names.trustee(one.owner)}",
        display_after=f"owner {names.trustee(goal)}",
        hazards=protected.hazards(entry.sid()),
        context={"owner_sid": one.owner},
        controls=one.controls,
    )
