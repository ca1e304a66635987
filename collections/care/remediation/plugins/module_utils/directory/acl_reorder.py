# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans a change of a DACL that is not in canonical order: what that would do is said first, then it must be asked for.

Taking an entry out of such a list leaves the rest to whoever writes it next: Windows' tools put it in order without a
word, and that can allow or deny something. So nothing is removed from it, unless it is put in order in the same change
and what that does was shown.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, acl_order
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_names import Names, rights_text
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_order import Effect, OrderError
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    NOTHING,
    PlanError,
    guid_of,
    label_of,
    type_of,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace

_SHOWN = 20
_AMONG_INHERITED = "nTSecurityDescriptor (the place of own entries among inherited ones)"


def plan(
    entry: Entry,
    aces: Sequence[Ace],
    gone: Sequence[tuple[int, Ace]],
    names: Names,
    protected: Protected,
    allowed: bool,
    controls: Sequence[str],
) -> model.Change:
    """The change that takes ``gone`` (index and ACE) out of the list ``aces`` of an object and puts the rest in order.

    Raises PlanError, with everything that the order would newly allow or deny, unless that is ``allowed``; and always
    when it cannot be worked out.
    """
    names.load(aces)
    removed = {index for index, _ace in gone}
    rest = [ace for index, ace in enumerate(aces) if index not in removed]
    try:
        effects = acl_order.effects(rest, names.sets)
    except OrderError as error:
        raise PlanError(
            f"{entry.dn}: its access list is not in canonical order, and what putting it in order would do cannot be"
            f" worked out: {error}. Correct it by hand (dsacls, or the Security tab) first."
        ) from error
    said = [effect_text(effect, names) for effect in effects]
    if not allowed:
        what = f"would do this: {' '.join(_some(said))}" if said else "would neither allow nor deny anything new."
        raise PlanError(
            f"{entry.dn}: its access list is not in canonical order: {_first_wrong(aces, names)}. Removing an entry"
            f" puts it in order, which {what} Say reorder: true if that is meant."
        )
    ordered = [ace for ace in acl_order.canonical(rest) if not ace.inherited]
    guid = guid_of(entry)
    hazards = [*protected.hazards(entry.sid())]
    for _index, ace in gone:
        if not sids.is_everyone(ace.sid):
            hazards += [one for one in protected.hazards_of_member(ace.sid) if one not in hazards]
    # What a protected account would be denied by the order counts like an entry that is taken from it
    for effect in effects:
        for account in protected.accounts if effect.denied else ():
            own = {account.sid, *account.groups}
            if all(trustee in own or sids.is_everyone(trustee) for trustee in effect.trustees):
                hazards += [one for one in protected.hazards(account.sid) if one not in hazards]
    return model.new_change(
        target="directory",
        kind="aces",
        object_type=type_of(entry),
        object_id=guid,
        label=label_of(entry),
        dn=entry.dn,
        sid=entry.sid(),
        attribute="nTSecurityDescriptor",
        before=[acl_changes.portable(ace, index) for index, ace in enumerate(aces) if not ace.inherited],
        after=[acl_changes.portable(ace, index) for index, ace in enumerate(ordered)],
        display_before="\n".join([*(names.text(ace) for _index, ace in gone), "(not in canonical order)"]),
        display_after="\n".join(["(in canonical order)", *_some(said)]) if said else f"{NOTHING} (in canonical order)",
        # The server keeps an object's own entries in the order given, but before the inherited ones
        side_effects=[{"attribute": _AMONG_INHERITED, "irreversible": True}] if _interleaved(aces) else (),
        hazards=hazards,
        context={"whole_list": True, "trustee_sids": sorted({ace.sid for _index, ace in gone if ace.sid})},
        controls=controls,
    )


def effect_text(effect: Effect, names: Names) -> str:
    """One sentence: who newly gets or loses what, on what."""
    who = " and also ".join(names.trustee(sid) for sid in effect.trustees)
    whoever = who if len(effect.trustees) == 1 else f"whoever is both {who}"
    part = f" [{names.object_type(effect.object_type)}]" if effect.object_type is not None else ""
    place = ""
    if effect.below:
        place = " on objects below" + (f" of {names.object_type(effect.of_class)}" if effect.of_class else "")
    said = []
    if effect.allowed:
        said.append(f"newly ALLOW {whoever}: {rights_text(effect.allowed)}{part}{place}.")
    if effect.denied:
        said.append(f"newly DENY {whoever}: {rights_text(effect.denied)}{part}{place}.")
    return " ".join(said)


def _interleaved(aces: Sequence[Ace]) -> bool:
    return any(before.inherited and not after.inherited for before, after in itertools.pairwise(aces))


def _first_wrong(aces: Sequence[Ace], names: Names) -> str:
    """The first entry that stands behind one that it must precede."""
    for number, ace in enumerate(aces):
        before = aces[:number]
        if not ace.inherited and any(one.inherited for one in before):
            return f"an entry of its own ({names.text(ace)}) stands behind inherited ones"
        if not acl_order.is_canonical(aces[: number + 1]):
            return f"an entry that denies ({names.text(ace)}) stands behind one that allows"
    return "its entries are mixed"


def _some(said: list[str]) -> list[str]:
    return said if len(said) <= _SHOWN else [*said[:_SHOWN], f"… and {len(said) - _SHOWN} more."]
