# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the removal of explicit ACEs. An inherited one is refused with the place it comes from, a default one too.

The accounts that must stay (break-glass, automation, the one in use) are hazards when they lose what they hold
themselves or through a group of their own. What they hold like everyone is no hazard: it is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, acl_order, acl_reorder
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_holder import BACK, AdminSdHolder
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_inheritance import handed_down_by
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_names import Names
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    NOTHING,
    Plan,
    PlanError,
    guid_of,
    label_of,
    type_of,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import DACL, Session

# Who holds rights in a domain as it was installed: without them it stops replicating, or can no longer be managed
_DEFAULT_SIDS: Final = frozenset(
    {
        sids.SYSTEM,
        sids.ENTERPRISE_DOMAIN_CONTROLLERS,
        sids.BUILTIN_ADMINISTRATORS,
        sids.SELF,
        sids.CREATOR_OWNER,
    }
)
_DEFAULT_RIDS: Final = frozenset(
    {
        sids.RID_ENTERPRISE_READ_ONLY_DOMAIN_CONTROLLERS,
        sids.RID_ADMINISTRATOR,
        sids.RID_DOMAIN_ADMINS,
        sids.RID_DOMAIN_CONTROLLERS,
        sids.RID_SCHEMA_ADMINS,
        sids.RID_ENTERPRISE_ADMINS,
        sids.RID_READ_ONLY_DOMAIN_CONTROLLERS,
        sids.RID_CLONEABLE_DOMAIN_CONTROLLERS,
        sids.RID_KEY_ADMINS,
        sids.RID_ENTERPRISE_KEY_ADMINS,
    }
)


@dataclass(frozen=True, slots=True)
class AclWish:
    """One ACE that must not be there: ``object`` as an identity, ``trustee`` a SID, ``ace`` one ACE in SDDL."""

    object: str
    trustee: str
    ace: str
    control: str | None = None


@dataclass(slots=True)
class _Removal:
    """One ACE of one object that goes, and where it is in the list."""

    entry: Entry
    ace: Ace
    places: list[tuple[int, Ace]]
    controls: list[str] = field(default_factory=list)


def is_default_holder(sid: str) -> bool:
    """True for a trustee to which the domain itself gives its rights when it is made (by SID or RID, in any domain)."""
    return sid in _DEFAULT_SIDS or (sids.domain_of(sid) is not None and sids.rid(sid) in _DEFAULT_RIDS)


def wished_ace(wish: AclWish, domain_sid: str) -> Ace:
    """The ACE of a wish; PlanError when it is not understood or is another trustee's."""
    try:
        ace = from_sddl(wish.ace, domain_sid)
        trustee = sids.from_bytes(sids.to_bytes(wish.trustee))
    except ValueError as error:
        raise PlanError(f"{wish.object}: {error}.") from error
    if ace.sid != trustee:
        raise PlanError(f"{wish.object}: the entry {wish.ace} is not one of {trustee}. Correct trustee or ace.")
    return ace


def plan_acls(
    session: Session,
    plan: Plan,
    entries: Mapping[str, Entry],
    wishes: Sequence[AclWish],
    protected: Protected,
    allow_default_holders: bool = False,
    reorder: bool = False,
) -> None:
    """Add a change for each ACE to remove. ``entries``: each wish's object with its nTSecurityDescriptor (DACL).

    An object whose DACL is not in canonical order gets one change of its whole list, and only with ``reorder``. Raises
    PlanError with every refusal in one message.
    """
    names = Names(session)
    found: dict[tuple[object, ...], _Removal] = {}
    refused: list[str] = []
    for wish in wishes:
        if wish.object not in entries:
            continue
        entry = entries[wish.object]
        try:
            ace = wished_ace(wish, session.domain_sid)
            key = (entry.guid(), ace.key)
            if key not in found:
                places = _places(session, entry, ace, names)
                if places and is_default_holder(wish.trustee) and not allow_default_holders:
                    raise PlanError(
                        f"{entry.dn}: {names.trustee(wish.trustee)} holds rights in every domain by default; removing"
                        " them can stop replication or management. Say allow_default_holders: true if that is meant."
                    )
                found[key] = _Removal(entry, ace, places)
        except PlanError as error:
            refused.append(str(error))
            continue
        if wish.control:
            found[key].controls.append(wish.control)
    removals = [removal for removal in found.values() if removal.places]
    names.load(removal.ace for removal in removals)
    by_object: dict[str, list[_Removal]] = {}
    for removal in removals:
        by_object.setdefault(str(removal.entry.guid()), []).append(removal)
    for of_object in by_object.values():
        try:
            plan.changes.extend(_changes(of_object, names, protected, reorder))
        except PlanError as error:
            refused.append(str(error))
    if refused:
        raise PlanError(" ".join(refused))
    for removal in removals:
        _warn(plan, removal, protected, names)
    back = AdminSdHolder(session).warn_of_aces(plan, [(one.entry, one.ace, names.text(one.ace)) for one in removals])
    for change in plan.changes:
        if change["kind"] == "aces" and change["object"]["id"] in back:
            change["display"]["after"] += f"\n{BACK}"


def _changes(removals: list[_Removal], names: Names, protected: Protected, reorder: bool) -> list[model.Change]:
    """The changes of one object."""
    entry = removals[0].entry
    dacl = descriptor_of(entry).dacl
    aces = dacl.aces if dacl is not None else ()
    if acl_order.is_canonical(aces):
        return [_change(removal, names, protected) for removal in removals]
    gone = sorted((place for removal in removals for place in removal.places), key=lambda place: place[0])
    controls = sorted({control for removal in removals for control in removal.controls})
    return [acl_reorder.plan(entry, aces, gone, names, protected, reorder, controls)]


def _warn(plan: Plan, removal: _Removal, protected: Protected, names: Names) -> None:
    entry, ace = removal.entry, removal.ace
    if not ace.allows:
        plan.notice(
            label_of(entry),
            "not_allowing",
            f"{entry.dn}: {names.text(ace)} does not allow anything; without it {ace.sid} may be able to do more.",
        )
    if sids.is_everyone(ace.sid) and (losing := protected.hazards_of_member(ace.sid)):
        accounts = ", ".join(sorted({one["object"] for one in losing}))
        plan.notice(
            label_of(entry),
            "everyone",
            f"{entry.dn}: {names.text(ace)} goes for everyone, protected accounts too: {accounts}.",
        )


def descriptor_of(entry: Entry) -> SecurityDescriptor:
    """What nTSecurityDescriptor of an entry says; PlanError where it cannot be read or understood."""
    raw = entry.raw("nTSecurityDescriptor")
    if raw is None:
        raise PlanError(f"{entry.dn}: its access list cannot be read. Give the account in use the right to read it.")
    try:
        return SecurityDescriptor.parse(raw)
    except ValueError as error:
        raise PlanError(f"{entry.dn}: its access list is not understood: {error}.") from error


def _places(session: Session, entry: Entry, ace: Ace, names: Names) -> list[tuple[int, Ace]]:
    """Where the explicit ACE is in the DACL; PlanError when it is only inherited."""
    descriptor = descriptor_of(entry)
    aces = descriptor.dacl.aces if descriptor.dacl is not None else ()
    wanted = _without_inherited(ace)
    places = [(n, one) for n, one in enumerate(aces) if not one.inherited and one.key == wanted]
    if places:
        return places
    if any(one.inherited and _without_inherited(one) == wanted for one in aces):
        names.load([ace])
        source = _source(session, entry, ace)
        where = f"it is set on {source}: name that object instead" if source else "the object it is on cannot be read"
        raise PlanError(f"{entry.dn}: {names.text(ace)} is inherited and cannot be removed here; {where}.")
    return []


def _without_inherited(ace: Ace) -> tuple[object, ...]:
    return (ace.type, ace.flags & ~sd.INHERITED, *ace.key[2:]) if ace.sid is not None else ace.key


def _source(session: Session, entry: Entry, ace: Ace) -> str | None:
    """The nearest object above that carries the ACE itself and hands it down."""

    def aces_of(dn: str) -> tuple[Ace, ...] | None:
        above = session.read(dn, ["nTSecurityDescriptor"], sd_flags=DACL)
        if above is None or above.raw("nTSecurityDescriptor") is None:
            return None
        dacl = descriptor_of(above).dacl
        return dacl.aces if dacl is not None else ()

    found = handed_down_by(entry.dn, ace, aces_of)
    return found[0] if found is not None else None


def _change(removal: _Removal, names: Names, protected: Protected) -> model.Change:
    entry, ace = removal.entry, removal.ace
    guid = guid_of(entry)
    lost = [] if sids.is_everyone(ace.sid) else protected.hazards_of_member(ace.sid)
    return model.new_change(
        target="directory",
        kind="aces",
        object_type=type_of(entry),
        object_id=guid,
        label=label_of(entry),
        dn=entry.dn,
        sid=entry.sid(),
        attribute="nTSecurityDescriptor",
        before=[acl_changes.portable(one, index) for index, one in removal.places],
        after=[],
        display_before="\n".join(names.text(one) for _index, one in removal.places),
        display_after=NOTHING,
        hazards=[*protected.hazards(entry.sid()), *lost],
        context={"trustee_sid": ace.sid},
        controls=removal.controls,
    )
