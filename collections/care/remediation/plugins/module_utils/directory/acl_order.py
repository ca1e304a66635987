# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The order of a DACL: whether it is the canonical one, and what putting it into that order would change.

Canonical (MS-DTYP 2.4.5): explicit ACEs before inherited ones, and among the explicit ones those that deny before those
that allow. An access check takes the first ACE that says something about a right, so the order is part of what a DACL
means. Windows' own tools reorder what is not canonical, and so does a server that computes inheritance anew.

Which ACE comes first only matters between one that allows and one that denies, so each effect is found by looking at
one such pair: at an account that is in both their trustees.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace

# Everyone who can log on is in these, whoever else they are
_ALWAYS: Final = frozenset({sids.EVERYONE, sids.AUTHENTICATED_USERS})
_CONDITIONAL: Final = frozenset(
    {
        sd.ACCESS_ALLOWED_CALLBACK,
        sd.ACCESS_DENIED_CALLBACK,
        sd.ACCESS_ALLOWED_CALLBACK_OBJECT,
        sd.ACCESS_DENIED_CALLBACK_OBJECT,
    }
)
# More trustees than a person can judge
_MOST_PAIRS: Final = 200


class OrderError(ValueError):
    """What a reordering would do cannot be worked out; the message says why."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What whoever is in all of ``trustees`` gains or loses. ``below``: on objects below, of ``of_class`` if given."""

    trustees: tuple[str, ...]
    allowed: int  # bits of an access mask that are newly granted
    denied: int  # …and that are no longer granted
    object_type: uuid.UUID | None = None
    below: bool = False
    of_class: uuid.UUID | None = None


def is_canonical(aces: Sequence[Ace]) -> bool:
    """Whether explicit ACEs come before inherited ones, and explicit denying ones before explicit allowing ones."""
    return order(aces) == list(range(len(aces)))


def order(aces: Sequence[Ace]) -> list[int]:
    """The indexes of ``aces`` in canonical order. Within each kind, and among the inherited ones, nothing moves."""
    return sorted(range(len(aces)), key=lambda n: 2 if aces[n].inherited else 0 if aces[n].type in sd.DENYING else 1)


def canonical(aces: Sequence[Ace]) -> tuple[Ace, ...]:
    """The same ACEs in canonical order."""
    return tuple(aces[n] for n in order(aces))


def effects(aces: Sequence[Ace], sets: Mapping[uuid.UUID, uuid.UUID] | None = None) -> list[Effect]:
    """Everything that putting ``aces`` into canonical order would newly allow or deny.

    ``sets`` gives the property set of an attribute. Raises OrderError for a DACL whose meaning is not known: entries of
    an unknown type, entries with a condition that change places, or too many trustees to show.
    """
    if any(ace.sid is None for ace in aces):
        raise OrderError("it holds entries of an unknown type")
    new = canonical(aces)
    found: list[Effect] = []
    for trustees, types, classes in _pairs(aces):
        token = trustees | _ALWAYS
        for below in (False, True):
            for of_class in classes if below else (None,):
                for object_type in types:
                    where = (object_type, below, of_class, sets or {})
                    was, will = _granted(aces, token, *where), _granted(new, token, *where)
                    if was != will:
                        found.append(
                            Effect(tuple(sorted(trustees)), will & ~was, was & ~will, object_type, below, of_class)
                        )
    return _plain(found)


def _pairs(
    aces: Sequence[Ace],
) -> Iterator[tuple[frozenset[str], list[uuid.UUID | None], list[uuid.UUID | None]]]:
    """The trustees of each allowing and denying ACE that change places; object types and classes to look at."""
    place = {number: position for position, number in enumerate(order(aces))}
    pairs: dict[frozenset[str], tuple[dict[uuid.UUID | None, None], dict[uuid.UUID | None, None]]] = {}
    allowing = [n for n, ace in enumerate(aces) if ace.allows]
    for number, ace in enumerate(aces):
        if ace.type not in sd.DENYING or ace.sid is None:
            continue
        for other in allowing:
            if (number < other) == (place[number] < place[other]):
                continue
            allow = aces[other]
            if not sd.expanded(ace.mask or 0) & sd.expanded(allow.mask or 0) or allow.sid is None:
                continue
            if _CONDITIONAL & {ace.type, allow.type}:
                raise OrderError("entries with a condition would change places")
            types, classes = pairs.setdefault(frozenset({ace.sid, allow.sid}), ({None: None}, {None: None}))
            for one in (ace, allow):
                types[one.object_type] = classes[one.inherited_object_type] = None
            if len(pairs) > _MOST_PAIRS:
                raise OrderError(f"more than {_MOST_PAIRS} pairs of trustees are concerned")
    for trustees, (types, classes) in pairs.items():
        yield trustees, list(types), list(classes)


def _granted(
    aces: Sequence[Ace],
    token: frozenset[str],
    object_type: uuid.UUID | None,
    below: bool,
    of_class: uuid.UUID | None,
    sets: Mapping[uuid.UUID, uuid.UUID],
) -> int:
    """The rights that an access check finds, ACE by ACE (MS-DTYP 2.5.3.2)."""
    granted = denied = 0
    about = {None, object_type, sets.get(object_type) if object_type is not None else None}
    for ace in aces:
        if ace.sid not in token or ace.object_type not in about:
            continue
        if below:
            if not ace.flags & sd.CONTAINER_INHERIT or ace.inherited_object_type not in (None, of_class):
                continue
        elif ace.flags & sd.INHERIT_ONLY:
            continue
        mask = sd.expanded(ace.mask or 0)
        if ace.allows:
            granted |= mask & ~denied
        elif ace.type in sd.DENYING:
            denied |= mask & ~granted
    return granted


def _plain(found: list[Effect]) -> list[Effect]:
    """Without what another effect says already: the whole object includes each part of it, all classes each one."""
    kept = []
    for one in found:
        wider = [
            other
            for other in found
            if other is not one
            and other.trustees == one.trustees
            and other.below == one.below
            and (other.object_type is None or other.object_type == one.object_type)
            and (other.of_class is None or other.of_class == one.of_class)
            and (other.object_type, other.of_class) != (one.object_type, one.of_class)
        ]
        allowed = one.allowed & ~_all(other.allowed for other in wider)
        denied = one.denied & ~_all(other.denied for other in wider)
        if allowed or denied:
            kept.append(Effect(one.trustees, allowed, denied, one.object_type, one.below, one.of_class))
    return kept


def _all(masks: Iterator[int]) -> int:
    whole = 0
    for mask in masks:
        whole |= mask
    return whole
