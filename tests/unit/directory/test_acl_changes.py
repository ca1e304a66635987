# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changing a DACL and back: the same list, whatever was removed; inherited entries never move."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import INHERITED, Ace
from hypothesis import given
from hypothesis import strategies as st


def explicit(number: int) -> Ace:
    return Ace.build(0, 0, number, "S-1-5-21-1-2-3-1105")


def inherited(number: int) -> Ace:
    return Ace.build(0, INHERITED, number, "S-1-5-21-1-2-3-1105")


@given(st.integers(1, 8), st.integers(0, 4), st.data())
def test_removed_and_undone_is_the_same_list(count: int, handed_down: int, data: st.DataObject) -> None:
    aces = [*map(explicit, range(1, count + 1)), *map(inherited, range(handed_down))]
    chosen = data.draw(st.lists(st.integers(0, count - 1), unique=True, min_size=1))
    removals = [([acl_changes.portable(aces[n], n)], []) for n in chosen]
    removed = acl_changes.apply(aces, removals)
    assert list(removed) == [ace for n, ace in enumerate(aces) if n not in chosen]
    assert list(acl_changes.apply(removed, [(after, before) for before, after in removals])) == aces


def test_never_put_behind_an_inherited_one() -> None:
    """The explicit part grew shorter meanwhile: the entry is last of it, before what comes from above."""
    aces = [explicit(1), inherited(2), inherited(3)]
    result = acl_changes.apply(aces, [([], [acl_changes.portable(explicit(9), 7)])])
    assert [ace.inherited for ace in result] == [False, False, True, True]


def test_an_inherited_twin_is_left() -> None:
    twin = Ace.parse(explicit(5).raw)
    down = Ace.build(0, INHERITED, 5, "S-1-5-21-1-2-3-1105")
    assert acl_changes.apply([twin, down], [([acl_changes.portable(twin, 0)], [])]) == (down,)


def test_of_two_equal_ones_the_named_place_goes() -> None:
    aces = [explicit(5), explicit(1), explicit(5)]
    assert acl_changes.apply(aces, [([acl_changes.portable(aces[2], 2)], [])]) == (explicit(5), explicit(1))


@pytest.mark.parametrize(
    ("aces", "expected"),
    [([1, 2, 3], "before"), ([1, 3], "after"), ([], "after"), ([2, 2], "before")],
)
def test_state(aces: list[int], expected: str) -> None:
    before = [acl_changes.portable(explicit(2), 1)]
    assert acl_changes.state([explicit(n) for n in aces], before, []) == expected


def test_state_when_one_of_two_is_gone_is_other() -> None:
    before = [acl_changes.portable(explicit(n), n) for n in (1, 2)]
    assert acl_changes.state([explicit(1)], before, []) == "other"


def test_an_inherited_one_does_not_count_as_present() -> None:
    assert acl_changes.state([inherited(2)], [acl_changes.portable(inherited(2), 0)], []) == "after"


@pytest.mark.parametrize("raw", ["", "AAAA", "!!", base64.b64encode(explicit(1).raw[:-1]).decode()])
def test_bytes_that_are_no_entry_are_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        acl_changes.raw_of({"raw": raw})
