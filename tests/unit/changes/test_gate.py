"""Limits, approval and the comparison of a fresh plan with an approved one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import approval, documents, limits, model
from hypothesis import given
from hypothesis import strategies as st

from .builders import file, flags, values


def document(*changes: dict[str, Any], limit: int = 500) -> dict[str, Any]:
    return approval.change_set(changes, mode="check", run="20261122-020209.794-3820", max_changes=limit)


def kinds(*changes: dict[str, Any], limit: int = 500) -> list[str]:
    return [blocker.kind for blocker in limits.blockers(model.merged(changes), limit)]


def test_the_limit_counts_objects_not_changes() -> None:
    many = [flags(), flags(mask=2, before=0, after=2), flags(object_id="b")]
    assert kinds(*many, limit=2) == []
    assert kinds(*many, limit=1) == ["max_changes"]
    assert kinds(file(host="web1"), file(host="web2"), limit=1) == ["max_changes"]


@pytest.mark.parametrize("kind", model.HAZARDS)
def test_a_hazard_always_stops(kind: str) -> None:
    assert kinds(flags(hazards=[model.hazard(kind, "bris-de-glace-1")])) == ["hazard"]


def test_the_last_member_is_counted_over_all_changes() -> None:
    one, two = values(("CN=a",), members=2), values(("CN=b",), members=2)
    assert kinds(one) == [] and kinds(two) == []
    assert kinds(one, two) == ["last_member"]
    assert kinds(one, two, values((), ("CN=c",), members=2)) == []  # someone comes
    assert kinds(one, values(("CN=b",), members=2, host="other.test")) == []  # another domain's group
    assert kinds(values(("CN=a", "CN=b"), members=2)) == ["last_member"]


def test_a_group_that_should_be_empty_may_become_empty() -> None:
    assert kinds(values(("CN=a", "CN=b"), members=2, may_be_empty=True)) == []
    assert kinds(values(("CN=a", "CN=b"), members=2, may_be_empty=False)) == ["last_member"]


def test_contradictions_are_found() -> None:
    assert kinds(file(after="b"), file(after="c")) == ["contradiction"]
    assert kinds(flags(), flags(mask=2, before=0, after=2)) == []  # other bits of the same attribute
    assert kinds(flags(), flags(mask=4194306, before=4194304, after=4194304 + 2)) == ["contradiction"]
    assert kinds(values(("CN=a",)), values((), ("CN=a",))) == ["contradiction"]
    assert kinds(values(("CN=a",)), values(("CN=b",))) == []


def test_a_change_set_is_valid_and_reads_back(tmp_path: Any) -> None:
    written = document(flags(), values(), file())
    documents.write_json(tmp_path / "x" / "change-set.json", written, "change-set-1")
    assert documents.read_json(tmp_path / "x" / "change-set.json", "change-set-1") == written
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "x" / "change-set.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not JSON"),
        ("[]", 'is not of type "object"'),
        ('{"schema": "care.remediation/change-set/2"}', "care.remediation/change-set/1"),
    ],
)
def test_a_bad_file_is_an_error_that_names_it(tmp_path: Any, content: str, said: str) -> None:
    path = tmp_path / "change-set.json"
    path.write_text(content)
    with pytest.raises(documents.DocumentError, match=r"change-set\.json: ") as error:
        documents.read_json(path, "change-set-1")
    assert said in str(error.value) or "required" in str(error.value)


def test_an_error_names_the_place() -> None:
    broken = document(flags())
    broken["changes"][0]["mask"] = "all"
    with pytest.raises(documents.DocumentError, match='at changes/0/mask: "all" is not'):
        documents.validate(broken, "change-set-1", "x.json")


def test_the_approval_must_name_this_set() -> None:
    written = document(flags())
    digits = written["digest"].removeprefix("sha256:")
    assert approval.check(written, digits[:12]) == written["digest"]
    assert approval.check(written, f"sha256:{digits.upper()}") == written["digest"]
    for given_, reason in ((digits[:11], "short"), ("oui", "short"), ("0" * 12, "mismatch"), (digits + "0", "short")):
        with pytest.raises(approval.ApprovalError) as error:
            approval.check(written, given_)
        assert error.value.reason == reason


@pytest.mark.parametrize("field", ["after", "reversible", "host", "id", "controls"])
def test_an_edited_set_is_refused(field: str) -> None:
    written = document(flags(), file())
    written["changes"][0][field] = {"after": 2, "reversible": None, "host": "x", "id": "c-0", "controls": []}[field]
    with pytest.raises(approval.ApprovalError) as error:
        approval.check(written, written["digest"])
    assert error.value.reason == "altered"


def test_an_edit_that_recomputes_the_digest_but_not_the_id_is_refused() -> None:
    written = document(flags())
    written["changes"][0]["after"] = 2
    written["digest"] = model.changes_digest(written["changes"])
    with pytest.raises(approval.ApprovalError) as error:
        approval.check(written, written["digest"])
    assert error.value.reason == "altered"


def ids(changes: list[dict[str, Any]]) -> set[str]:
    return {change["id"] for change in changes}


def test_what_moved_what_is_new_and_what_is_in_place() -> None:
    approved = document(flags(), file(before="a"), flags(object_id="done"), file("/etc/other", host="away"))
    moved, new = file(before="z"), flags(object_id="new")
    scope = approval.Scope(frozenset({"chu-valmont.test", "web1"}))
    gate = approval.compare([flags(), moved, new], approved, scope)
    assert ids(gate.allowed) == {flags()["id"]}
    assert {(r.reason, r.change["id"]) for r in gate.refused} == {("moved", moved["id"]), ("not_approved", new["id"])}
    assert ids(gate.in_place) == {flags(object_id="done")["id"]}
    assert ids(gate.out_of_scope) == {file("/etc/other", host="away")["id"]}
    documents.validate(gate.document("20261122-020209.794-3820"), "gate-1", "gate")


def test_tags_say_what_a_run_looks_at() -> None:
    approved = document(flags(controls=["vuln_a"]), flags(object_id="b", controls=["vuln_b"]))
    gate = approval.compare([], approved, approval.Scope(tags=frozenset({"vuln_a"})))
    assert [change["controls"] for change in gate.in_place] == [["vuln_a"]]
    assert [change["controls"] for change in gate.out_of_scope] == [["vuln_b"]]
    gate = approval.compare([], approved, approval.Scope(skip_tags=frozenset({"vuln_a"})))
    assert [change["controls"] for change in gate.in_place] == [["vuln_b"]]


pool = (
    [flags(object_id=str(n)) for n in range(4)]
    + [file(before=str(n)) for n in range(3)]
    + [values((f"CN={n}",)) for n in "ab"]
)


@given(st.sets(st.sampled_from(range(len(pool)))), st.sets(st.sampled_from(range(len(pool)))))
def test_the_gate_never_lets_through_what_is_not_in_both(fresh: set[int], approved: set[int]) -> None:
    gate = approval.compare([pool[n] for n in fresh], document(*[pool[n] for n in approved]), approval.Scope())
    assert ids(gate.allowed) == {pool[n]["id"] for n in fresh & approved}
    assert {r.change["id"] for r in gate.refused} == {pool[n]["id"] for n in fresh - approved}
    said = ids(gate.in_place) | ids(gate.out_of_scope)
    assert said <= {pool[n]["id"] for n in approved - fresh}
