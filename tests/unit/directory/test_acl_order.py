# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists that are not in canonical order: recognised, what order would change, and changed and put back whole."""

from __future__ import annotations

import itertools
import uuid

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, acl_order
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_order import Effect
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from hypothesis import given
from hypothesis import strategies as st

DOMAIN = "S-1-5-21-1-2-3"
A, B, C = (f"{DOMAIN}-{rid}" for rid in (1101, 1102, 1103))
MEMBER = uuid.UUID("bf9679c0-0de6-11d0-a285-00aa003049e2")
MEMBERSHIP = uuid.UUID("bc0ac240-79a9-11d0-9020-00c04fc2d4cf")
GROUP = uuid.UUID("bf967a9c-0de6-11d0-a285-00aa003049e2")
WP, WD = sd.WRITE_PROPERTY, sd.WRITE_DAC


def acl(*sddl: str) -> list[Ace]:
    return [from_sddl(text) for text in sddl]


@pytest.mark.parametrize(
    ("sddl", "canonical"),
    [
        ([], True),
        ([f"(D;;WP;;;{A})", f"(A;;WP;;;{A})", f"(D;ID;WP;;;{A})", f"(A;ID;WP;;;{A})"], True),
        ([f"(A;;WP;;;{A})", f"(A;ID;WP;;;{A})", f"(D;ID;WP;;;{A})"], True),  # by generation: not ours to judge
        ([f"(A;;WP;;;{A})", f"(D;;WP;;;{A})"], False),
        ([f"(A;ID;WP;;;{A})", f"(A;;WP;;;{A})"], False),
        ([f"(A;;WP;;;{A})", f"(OD;;WP;{MEMBER};;{B})"], False),
        ([f"(OA;;WP;{MEMBER};;{A})", f"(A;;WP;;;{A})"], True),  # what allows may stand in any order
    ],
)
def test_canonical(sddl: list[str], canonical: bool) -> None:
    aces = acl(*sddl)
    assert acl_order.is_canonical(aces) is canonical
    assert acl_order.is_canonical(acl_order.canonical(aces))
    if canonical:
        assert acl_order.effects(aces) == []


@pytest.mark.parametrize(
    ("sddl", "expected"),
    [
        pytest.param([f"(A;;WPWD;;;{A})", f"(D;;WP;;;{A})"], [Effect((A,), 0, WP)], id="newly denied"),
        pytest.param([f"(D;ID;WP;;;{A})", f"(A;;WP;;;{A})"], [Effect((A,), WP, 0)], id="newly allowed"),
        pytest.param([f"(A;;WP;;;{A})", f"(D;;WP;;;{B})"], [Effect((A, B), 0, WP)], id="whoever is both"),
        pytest.param([f"(A;;WP;;;{A})", f"(D;;WD;;;{A})"], [], id="another right"),
        pytest.param([f"(D;;WP;;;{A})", f"(A;;WP;;;{A})", f"(D;;WP;;;{A})"], [], id="denied before and after"),
        pytest.param([f"(A;;GA;;;{A})", f"(D;;GW;;;{A})"], [Effect((A,), 0, sd.READ_CONTROL | WP | 8)], id="generic"),
        pytest.param(
            [f"(A;;WP;;;{A})", f"(OD;;WP;{MEMBER};;{A})"], [Effect((A,), 0, WP, MEMBER)], id="one attribute"
        ),
        pytest.param([f"(OA;;WP;{GROUP};;{A})", f"(OD;;WP;{MEMBER};;{A})"], [], id="two attributes"),
        pytest.param(
            [f"(A;CIIO;WP;;;{A})", f"(D;CIIO;WP;;;{A})"], [Effect((A,), 0, WP, None, True)], id="below only"
        ),
        pytest.param(
            [f"(OA;CIIO;WP;;{GROUP};{A})", f"(OD;CIIO;WP;;{GROUP};{A})"],
            [Effect((A,), 0, WP, None, True, GROUP)],
            id="below, one class",
        ),
        pytest.param(["(A;;WP;;;S-1-1-0)", f"(D;;WP;;;{A})"], [Effect(("S-1-1-0", A), 0, WP)], id="everyone"),
        pytest.param(
            ["(A;;WP;;;S-1-1-0)", f"(A;;WP;;;{A})", f"(D;;WP;;;{A})"],
            [Effect(("S-1-1-0", A), 0, WP), Effect((A,), 0, WP)],
            id="everyone and one",
        ),
    ],
)
def test_effects(sddl: list[str], expected: list[Effect]) -> None:
    assert sorted(acl_order.effects(acl(*sddl)), key=lambda one: one.trustees) == expected


def test_an_attribute_belongs_to_its_property_set() -> None:
    aces = acl(f"(OA;;WP;{MEMBERSHIP};;{A})", f"(OD;;WP;{MEMBER};;{A})")
    assert acl_order.effects(aces) == []
    assert acl_order.effects(aces, {MEMBER: MEMBERSHIP}) == [Effect((A,), 0, WP, MEMBER)]


def test_what_cannot_be_worked_out_is_said() -> None:
    unknown = Ace.parse(b"\x7f\x00\x08\x00\x00\x00\x00\x00")
    with pytest.raises(acl_order.OrderError, match="unknown type"):
        acl_order.effects([*acl(f"(A;;WP;;;{A})", f"(D;;WP;;;{A})"), unknown])
    conditional = Ace.build(sd.ACCESS_ALLOWED_CALLBACK, 0, WP, A, data=b"artx")
    with pytest.raises(acl_order.OrderError, match="condition"):
        acl_order.effects([conditional, *acl(f"(D;;WP;;;{A})")])
    assert acl_order.effects([*acl(f"(D;;WP;;;{A})"), conditional]) == []
    many = [f"(A;;WP;;;{DOMAIN}-{n})" for n in range(2000, 2300)]
    with pytest.raises(acl_order.OrderError, match="200"):
        acl_order.effects(acl(*many, f"(D;;WP;;;{A})"))


def brute(aces: list[Ace], token: set[str]) -> int:
    granted = denied = 0
    for ace in aces:
        if ace.sid in token:
            if ace.allows:
                granted |= (ace.mask or 0) & ~denied
            else:
                denied |= (ace.mask or 0) & ~granted
    return granted


entries = st.builds(
    lambda kind, flags, mask, who: Ace.build(kind, flags, mask, who),
    st.sampled_from([0, 1]),
    st.sampled_from([0, sd.INHERITED]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([A, B, C]),
)


@given(st.lists(entries, max_size=7))
def test_effects_are_all_there_is(aces: list[Ace]) -> None:
    """For every set of memberships: when its rights change, an effect on a part of it says so; none is made up."""
    new = list(acl_order.canonical(aces))
    found = acl_order.effects(aces)
    for size in (1, 2, 3):
        for token in map(set, itertools.combinations((A, B, C), size)):
            was, will = brute(aces, token), brute(new, token)
            said = [one for one in found if set(one.trustees) <= token]
            for bit in (1, 2):
                if (was ^ will) & bit:
                    assert any((one.allowed if will & bit else one.denied) & bit for one in said)
    for one in found:
        token = set(one.trustees)
        was, will = brute(aces, token), brute(new, token)
        assert (one.allowed, one.denied) == (will & ~was, was & ~will)


@given(st.lists(entries, max_size=7), st.data())
def test_a_whole_list_goes_and_comes_back(aces: list[Ace], data: st.DataObject) -> None:
    explicit = [ace for ace in aces if not ace.inherited]
    if not explicit or acl_order.is_canonical(aces):
        return
    gone = data.draw(st.sampled_from(range(len(explicit))))
    rest = [ace for number, ace in enumerate(explicit) if number != gone]
    before = [acl_changes.portable(ace, n) for n, ace in enumerate(aces) if not ace.inherited]
    after = [acl_changes.portable(ace, n) for n, ace in enumerate(acl_order.canonical(rest))]
    assert acl_changes.whole_state(aces, before, after) == "before"
    changed = acl_changes.apply_whole(aces, after)
    assert acl_order.is_canonical(changed)
    assert acl_changes.whole_state(changed, before, after) == "after"
    assert [ace.raw for ace in changed if ace.inherited] == [ace.raw for ace in aces if ace.inherited]
    undone = acl_changes.apply_whole(changed, before)
    assert [ace.raw for ace in undone] == [ace.raw for ace in aces]
    other = [*explicit, Ace.build(0, 0, 4, A)]
    assert acl_changes.whole_state(other, before, after) == "other"


def test_a_server_that_sorts_further_is_still_after() -> None:
    aces = acl(f"(A;;WP;;;{B})", f"(D;;WD;;;{A})", f"(A;;WP;;;{A})", f"(A;;WD;;;{C})")
    before = [acl_changes.portable(ace, n) for n, ace in enumerate(aces)]
    after = [acl_changes.portable(ace, n) for n, ace in enumerate(acl_order.canonical(aces[:3]))]
    assert acl_changes.whole_state(acl(f"(D;;WD;;;{A})", f"(A;;WP;;;{A})", f"(A;;WP;;;{B})"), before, after) == "after"
    assert acl_changes.whole_state([*aces[1:], aces[0]], before, after) == "other"
    assert acl_changes.whole_state(aces[:3], before, after) == "other"  # the same entries, out of order
