"""Canonical form, identity, merging and digest of changes."""

from __future__ import annotations

import hashlib
import json
import random
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from hypothesis import given
from hypothesis import strategies as st

from .builders import flags, values

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_canonical_json_is_json_and_stable(value: Any) -> None:
    data = model.canonical(value)
    assert json.loads(data) == value
    assert model.canonical(json.loads(data)) == data


@given(st.dictionaries(text, json_values, min_size=2, max_size=6), st.randoms())
def test_canonical_json_does_not_depend_on_the_order_of_keys(value: dict[str, Any], chance: random.Random) -> None:
    keys = list(value)
    chance.shuffle(keys)
    assert model.canonical({key: value[key] for key in keys}) == model.canonical(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_say_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError):
        model.canonical(value)


def test_the_id_never_changes_between_versions() -> None:
    # printf '%s' '{"after":0,…}' | sha256sum, said by another program
    text = (
        '{"after":0,"attribute":"userAccountControl","before":4194304,"host":"chu-valmont.test","kind":"flags",'
        '"mask":4194304,"object.id":"2c1b7c1e","target":"directory"}'
    )
    assert hashlib.sha256(text.encode()).hexdigest().startswith("ba5169db0c22f3ca")
    assert flags()["id"] == "c-ba5169db0c22f3ca"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "autre.test"),
        ("kind", "replace"),
        ("attribute", "adminCount"),
        ("mask", 2),
        ("before", 0),
        ("after", 4194304),
        ("object", {"type": "user", "id": "other", "label": "CN=x"}),
    ],
)
def test_the_id_changes_with_what_the_change_does(field: str, value: Any) -> None:
    assert model.change_id({**flags(), field: value}) != flags()["id"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("controls", ["other"]), ("display", {"before": "", "after": ""}), ("context", {"a": 1}), ("side_effects", [1])],
)
def test_the_id_does_not_change_with_who_asks_or_how_it_is_shown(field: str, value: Any) -> None:
    assert model.change_id({**flags(), field: value}) == flags()["id"]


def test_a_renamed_object_keeps_its_id() -> None:
    renamed = flags()
    renamed["object"] = {**renamed["object"], "label": "CN=renommé", "dn": "CN=renommé"}
    assert model.change_id(renamed) == flags()["id"]


def test_an_ace_that_moved_in_its_list_is_the_same_ace() -> None:
    ace = {"sddl": "(A;;CR;;;S-1-5-21-1-2-3-1104)", "raw": "AAAA"}
    base = {**flags(), "kind": "aces", "attribute": "nTSecurityDescriptor", "mask": None, "after": []}
    one, other = ({**base, "before": [{"index": index, **ace}]} for index in (3, 2))
    assert model.change_id(one) == model.change_id(other)
    assert model.change_id(one) != model.change_id({**base, "before": [{"index": 3, **ace, "raw": "BBBB"}]})


@given(st.permutations([flags(), flags(object_id="b"), values(), flags(host="web1")]))
def test_merge_and_digest_do_not_depend_on_order(changes: list[dict[str, Any]]) -> None:
    merged = model.merged(changes)
    assert [change["id"] for change in merged] == [change["id"] for change in model.merged(reversed(changes))]
    assert model.changes_digest(merged) == model.changes_digest(changes)


def test_a_change_asked_for_twice_is_one_change_with_both_controls() -> None:
    risky = flags(controls=["vuln_b"], hazards=[model.hazard("automation", "svc")])
    (merged,) = model.merged([flags(controls=["vuln_a"]), risky])
    assert merged["controls"] == ["vuln_a", "vuln_b"]
    assert merged["hazards"] == [{"kind": "automation", "object": "svc"}]  # the danger is not lost


def test_the_digest_covers_every_field() -> None:
    assert model.changes_digest([flags()]) != model.changes_digest([{**flags(), "reversible": False}])
    assert model.changes_digest([]).startswith(
        "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    )


def test_an_irreversible_change_must_say_why() -> None:
    with pytest.raises(ValueError, match="must say why"):
        flags(reversible=False)
    with pytest.raises(ValueError, match="unknown kind"):
        flags(kind="file")
