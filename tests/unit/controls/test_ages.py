"""vuln_user_accounts_dormant and vuln_krbtgt."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import DC1, GUEST, KRBTGT, RID_500, computer, domain, labels, outcome, unreadable, user

DORMANT, KRB = "vuln_user_accounts_dormant", "vuln_krbtgt"
OLD = {"pwd_last_set": "2021-01-01T00:00:00+00:00", "last_logon": "2023-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("facts", "dormant"),
    [
        pytest.param(OLD, True, id="old password, old logon"),
        pytest.param(OLD | {"pwd_last_set": "2023-11-22T02:00:00+00:00"}, False, id="password exactly 3 years old"),
        pytest.param(OLD | {"pwd_last_set": "2023-11-22T01:59:59+00:00"}, True, id="a second older"),
        pytest.param(OLD | {"last_logon": "2025-11-22T02:00:00+00:00"}, False, id="logon exactly 1 year ago"),
        pytest.param(OLD | {"last_logon": "2025-11-22T01:59:59+00:00"}, True, id="logon a second earlier"),
        pytest.param(OLD | {"last_logon": None}, True, id="never logged on, created in 2020"),
        pytest.param(OLD | {"last_logon": None, "created": "2026-10-01T00:00:00+00:00"}, False, id="created lately"),
        pytest.param(OLD | {"last_logon": None, "created": None}, False, id="creation unknown"),
        pytest.param(OLD | {"pwd_last_set": None}, False, id="must change at next logon"),
    ],
)
def test_dormant_account(facts: dict, dormant: bool) -> None:
    # with RID 500 it is one of two enabled accounts: 50 %
    assert labels(DORMANT, domain([user(1201, "é", **facts)])) == (["é"] if dormant else [])


@pytest.mark.parametrize(
    ("dormant", "total", "exceeded"),
    [pytest.param(25, 100, False, id="25 % exactly"), pytest.param(26, 100, True, id="26 %")],
)
def test_dormant_ratio(dormant: int, total: int, exceeded: bool) -> None:
    accounts = [user(2000 + n, f"u{n}", **(OLD if n < dormant else {})) for n in range(total - 1)]
    accounts += [user(5000 + n, f"d{n}", flags=uac.ACCOUNTDISABLE, **OLD) for n in range(40)]
    accounts += [computer(6000 + n, f"pc{n}$", **OLD) for n in range(40)]
    result = outcome(DORMANT, domain(accounts))
    assert len(result.found) == (dormant if exceeded else 0)
    if exceeded:
        assert result.found[0].evidence["of"] == total
        assert result.found[0].level == 1


def test_dormant_unreadable() -> None:
    assert "pwdLastSet" in unreadable(DORMANT, domain([user(1201, "é", pwd_known=False)]))
    assert "hidden" in unreadable(DORMANT, domain(unreadable={"logon dates": "hidden"}))


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        pytest.param("2025-11-22T02:00:00+00:00", 0, id="exactly a year"),
        pytest.param("2025-11-22T01:59:59+00:00", 1, id="a second older"),
        pytest.param("2016-03-01T00:00:00+00:00", 1, id="never changed since the domain was made"),
        pytest.param(None, 1, id="no date"),
    ],
)
def test_krbtgt(changed: str | None, found: int) -> None:
    result = outcome(KRB, domain(builtin=[RID_500, GUEST, KRBTGT | {"pwd_last_set": changed}, DC1]))
    assert result.state == "evaluated"
    assert len(result.found) == found
    if found:
        assert result.found[0].id.endswith("-502")


def test_krbtgt_unreadable() -> None:
    assert "502" in unreadable(KRB, domain(builtin=[RID_500, GUEST, DC1]))
    hidden = KRBTGT | {"pwd_last_set": None, "pwd_known": False}
    assert "pwdLastSet" in unreadable(KRB, domain(builtin=[RID_500, GUEST, hidden, DC1]))
