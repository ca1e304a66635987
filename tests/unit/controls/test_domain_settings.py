"""vuln_user_accounts_machineaccountquota and vuln_dsheuristics_bad."""

from __future__ import annotations

import pytest

from controls.domain import domain, outcome, unreadable

QUOTA, HEURISTICS = "vuln_user_accounts_machineaccountquota", "vuln_dsheuristics_bad"


@pytest.mark.parametrize(("quota", "found"), [(0, 0), (1, 1), (10, 1)])
def test_machine_account_quota(quota: int, found: int) -> None:
    result = outcome(QUOTA, domain(machine_account_quota=quota))
    assert result.state == "evaluated"
    assert len(result.found) == found
    if found:
        each = result.found[0]
        assert (each.type, each.id, each.level, each.evidence["quota"]) == ("domain", "chu-valmont.test", 4, quota)


def test_machine_account_quota_unreadable() -> None:
    assert "MachineAccountQuota" in unreadable(QUOTA, domain(machine_account_quota=None))
    assert unreadable(QUOTA, domain(unreadable={"domain object": "refused"})) == "refused"


GOOD = "0000000001000000000200000001130"


def with_digit(position: int, digit: str) -> str:
    return GOOD[: position - 1] + digit + GOOD[position:]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(GOOD, {}, id="the value that reaches level 5"),
        pytest.param("", {28: 4, 29: 4}, id="absent"),
        pytest.param("001", {28: 4, 29: 4}, id="short: list object mode only"),
        pytest.param("0000002", {7: 2, 28: 4, 29: 4}, id="anonymous operations"),
        pytest.param(with_digit(7, "1"), {}, id="position 7 is wrong only as 2"),
        pytest.param(with_digit(8, "1"), {8: 1}, id="anonymous NSPI"),
        pytest.param(with_digit(16, "f"), {16: 1}, id="AdminSDHolder exclusions"),
        pytest.param(with_digit(21, "3"), {21: 2}, id="uniqueness"),
        pytest.param(with_digit(28, "2"), {28: 2}, id="KB5008383 off"),
        pytest.param(with_digit(28, "0"), {28: 4}, id="KB5008383 audit"),
        pytest.param(with_digit(29, "2"), {29: 2}, id="owner rights off"),
        pytest.param(with_digit(31, "1"), {31: 2}, id="confidential attributes"),
    ],
)
def test_ds_heuristics(value: str, expected: dict[int, int]) -> None:
    result = outcome(HEURISTICS, domain(ds_heuristics=value))
    assert {int(found.evidence["position"]): found.level for found in result.found} == expected
    for found in result.found:
        assert found.type == "setting"
        assert found.id == f"dSHeuristics/{found.evidence['position']}"
        assert found.evidence["expected"] == ("1" if found.evidence["position"] in ("28", "29") else "0")


def test_ds_heuristics_unreadable() -> None:
    assert unreadable(HEURISTICS, domain(unreadable={"dSHeuristics": "refused"})) == "refused"
