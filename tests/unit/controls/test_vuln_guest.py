from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import DC1, GUEST, KRBTGT, RID_500, domain, labels, outcome, unreadable, user

CONTROL = "vuln_guest"


@pytest.mark.parametrize(
    ("guest", "expected"),
    [
        pytest.param(GUEST, [], id="disabled"),
        pytest.param(user(501, "Invité"), ["Invité"], id="enabled"),
        pytest.param(user(501, "Personne d'autre"), ["Personne d'autre"], id="renamed"),
        pytest.param(user(501, "Invité", flags=uac.DONT_EXPIRE_PASSWORD), ["Invité"], id="enabled with other flags"),
    ],
)
def test_guest(guest: dict, expected: list[str]) -> None:
    assert labels(CONTROL, domain(builtin=[RID_500, guest, KRBTGT, DC1])) == expected


def test_a_user_called_guest_is_not_the_guest_account() -> None:
    assert labels(CONTROL, domain([user(1201, "Guest"), user(1501, "Invité2")])) == []


def test_finding_names_the_account_and_its_level() -> None:
    (found,) = outcome(CONTROL, domain(builtin=[RID_500, user(501, "Invité"), KRBTGT, DC1])).found
    assert (found.type, found.level, found.sid) == ("user", 2, found.id)
    assert found.id.endswith("-501")


def test_unreadable() -> None:
    assert "501" in unreadable(CONTROL, domain(builtin=[RID_500, KRBTGT, DC1]))
    assert "userAccountControl" in unreadable(CONTROL, domain(builtin=[RID_500, GUEST | {"uac": None}, KRBTGT, DC1]))
    assert unreadable(CONTROL, domain(unreadable={"accounts": "refused"})) == "refused"
