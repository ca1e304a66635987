# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans who may write and read the passwords that LAPS keeps on computers, on the units that hold them.

Windows LAPS keeps them in ``msLAPS-*`` (its encrypted attributes are one property set), legacy LAPS in
``ms-Mcs-AdmPwd`` (whose schemaIDGUID differs from forest to forest). The password attributes are confidential
(searchFlags 128): reading one takes the right to read it and the right to its control access (MS-ADTS 3.1.1.4.4).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, acl_order
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_names import Names
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import (
    descriptor_of,
    is_default_holder,
)
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
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

COMPUTER: Final = uuid.UUID("bf967a86-0de6-11d0-a285-00aa003049e2")
# ms-LAPS-Encrypted-Password-Attributes: the property set of all encrypted passwords and their history
ENCRYPTED: Final = uuid.UUID("f3531ec6-6330-4f8e-8d39-7a671fbac605")
BELOW: Final = sd.CONTAINER_INHERIT | sd.INHERIT_ONLY
READ: Final = sd.READ_PROPERTY | sd.CONTROL_ACCESS


@dataclass(frozen=True, slots=True)
class Variant:
    """The attributes of one LAPS: where the password is, when it expires, and the property set of encrypted ones."""

    password: str
    expiration: str
    encrypted: uuid.UUID | None = None


VARIANTS: Final[Mapping[str, Variant]] = {
    "windows": Variant("msLAPS-Password", "msLAPS-PasswordExpirationTime", ENCRYPTED),
    "legacy": Variant("ms-Mcs-AdmPwd", "ms-Mcs-AdmPwdExpirationTime"),
}


@dataclass(frozen=True, slots=True)
class LapsWish:
    """What must hold on the units: computers write their own password, ``readers`` (SIDs) read it, and with
    ``exclusive`` no entry of the units lets anybody else."""

    variant: str
    computers: bool
    readers: tuple[str, ...]
    exclusive: bool


def plan_laps(
    session: Session, plan: Plan, units: Sequence[Entry], wish: LapsWish, protected: Protected
) -> None:
    """Add one change for each unit that needs one. ``units`` come with their nTSecurityDescriptor (DACL).

    Raises PlanError, all refusals in one message: the schema has no such LAPS, a reader is everyone, a list cannot be
    read or is not in canonical order.
    """
    kind = VARIANTS[wish.variant]
    password, expiration = _schema(session, wish.variant, (kind.password, kind.expiration))
    if general := [sid for sid in wish.readers if sids.is_everyone(sid)]:
        raise PlanError(f"{', '.join(general)} is everyone: nobody may read local administrators' passwords so widely.")
    secrets = frozenset(guid for guid in (password, kind.encrypted) if guid is not None)
    wanted = list(_wanted(wish, password, expiration, kind.encrypted))
    names = Names(session)
    names.load(wanted)
    refused: list[str] = []
    for entry in units:
        try:
            change = _unit(plan, entry, wanted, secrets, wish, names, protected)
        except PlanError as error:
            refused.append(str(error))
            continue
        if change is not None:
            plan.changes.append(change)
    if refused:
        raise PlanError(" ".join(refused))


def _schema(session: Session, variant: str, attributes: Sequence[str]) -> list[uuid.UUID]:
    """The schemaIDGUIDs of these attributes."""
    terms = "".join(f"(lDAPDisplayName={name})" for name in attributes)
    found = {
        entry.text("lDAPDisplayName"): entry.raw("schemaIDGUID")
        for entry in session.search(
            session.schema_dn, f"(|{terms})", ["lDAPDisplayName", "schemaIDGUID"], scope="onelevel"
        )
    }
    guids = [raw for name in attributes if (raw := found.get(name)) is not None]
    if len(guids) < len(attributes):
        how = "Update-LapsADSchema" if variant == "windows" else "Update-AdmPwdADSchema"
        lacking = " or ".join(name for name in attributes if name not in found)
        raise PlanError(
            f"the schema of this forest has no {lacking}: {variant} LAPS was never prepared here. Run {how} first."
        )
    return [uuid.UUID(bytes_le=raw) for raw in guids]


def _wanted(
    wish: LapsWish, password: uuid.UUID, expiration: uuid.UUID, encrypted: uuid.UUID | None
) -> Iterable[Ace]:
    def below(mask: int, sid: str, attribute: uuid.UUID) -> Ace:
        return Ace.build(sd.ACCESS_ALLOWED_OBJECT, BELOW, mask, sid, attribute, COMPUTER)

    both = sd.READ_PROPERTY | sd.WRITE_PROPERTY
    if wish.computers:
        yield below(sd.WRITE_PROPERTY, sids.SELF, password)
        yield below(both, sids.SELF, expiration)
        if encrypted is not None:  # a computer reads what it has kept, to write the history
            yield below(both, sids.SELF, encrypted)
    for reader in wish.readers:
        yield below(READ, reader, password)
        yield below(sd.READ_PROPERTY, reader, expiration)
        if encrypted is not None:
            yield below(READ, reader, encrypted)


def _unit(
    plan: Plan,
    entry: Entry,
    wanted: Sequence[Ace],
    secrets: frozenset[uuid.UUID],
    wish: LapsWish,
    names: Names,
    protected: Protected,
) -> model.Change | None:
    aces = _aces(entry)
    coming = [ace for ace in wanted if not any(_gives(one, ace) for one in aces)]
    others = [
        (index, ace)
        for index, ace in enumerate(aces)
        if _lets_read(ace, secrets) and ace.sid not in wish.readers and ace.sid != sids.SELF
        and not is_default_holder(str(ace.sid))
    ]  # fmt: skip
    names.load(ace for _index, ace in others)
    gone = [one for one in others if wish.exclusive and not one[1].inherited and one[1].object_type in secrets]
    for index, ace in others:
        if (index, ace) not in gone:
            text = f"{entry.dn}: {names.text(ace)} lets read the passwords too; {_why_kept(ace, secrets)}."
            plan.notice(label_of(entry), "others_read", text)
    if not coming and not gone:
        return None
    if not acl_order.is_canonical(aces):
        raise PlanError(f"{entry.dn}: its access list is not in canonical order: put it in order first (ad_acl).")
    guid = guid_of(entry)
    end = next((index for index, ace in enumerate(aces) if ace.inherited), len(aces)) - len(gone)
    return model.new_change(
        target="directory",
        kind="aces",
        object_type=type_of(entry),
        object_id=guid,
        label=label_of(entry),
        dn=entry.dn,
        sid=entry.sid(),
        attribute="nTSecurityDescriptor",
        before=[acl_changes.portable(ace, index) for index, ace in gone],
        after=[acl_changes.portable(ace, end + place) for place, ace in enumerate(coming)],
        display_before="\n".join(names.text(ace) for _index, ace in gone) or NOTHING,
        display_after="\n".join(names.text(ace) for ace in coming) or NOTHING,
        hazards=[hazard for _index, ace in gone for hazard in protected.hazards_of_member(ace.sid)],
    )


def _why_kept(ace: Ace, secrets: frozenset[uuid.UUID]) -> str:
    if ace.inherited:
        return "it comes from above"
    return "exclusive: true removes it" if ace.object_type in secrets else "it gives far more: ad_acl removes it"


def _aces(entry: Entry) -> tuple[Ace, ...]:
    dacl = descriptor_of(entry).dacl
    return dacl.aces if dacl is not None else ()


def _gives(ace: Ace, wanted: Ace) -> bool:
    """Whether an entry, explicit or inherited, already gives what ``wanted`` gives."""
    return (
        ace.allows
        and not ace.data
        and ace.sid == wanted.sid
        and ace.object_type in (None, wanted.object_type)
        and ace.inherited_object_type in (None, COMPUTER)
        and bool(ace.flags & sd.CONTAINER_INHERIT)
        and not ace.flags & sd.NO_PROPAGATE_INHERIT
        and sd.FULL_CONTROL & int(ace.mask or 0) & int(wanted.mask or 0) == wanted.mask
    )


def _lets_read(ace: Ace, secrets: frozenset[uuid.UUID]) -> bool:
    """Whether an entry lets its trustee read a password of a computer below (the control access is what decides)."""
    reaches = bool(ace.flags & sd.CONTAINER_INHERIT) and ace.inherited_object_type in (None, COMPUTER)
    mask = int(ace.mask or 0)
    control = bool(mask & (sd.CONTROL_ACCESS | sd.GENERIC_ALL))
    return ace.allows and reaches and control and (ace.object_type is None or ace.object_type in secrets)
