"""vuln_trusts_domain_notfiltered, …_forest_sidhistory, …_tgt_deleg and …_accounts."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import BASE, computer, domain, labels, outcome, unreadable, user

FILTERED, HISTORY = "vuln_trusts_domain_notfiltered", "vuln_trusts_forest_sidhistory"
DELEGATION, ACCOUNTS = "vuln_trusts_tgt_deleg", "vuln_trusts_accounts"
INBOUND, OUTBOUND, BOTH = 1, 2, 3
QUARANTINED, FOREST, WITHIN, EXTERNAL, NO_TGT, TGT = 0x4, 0x8, 0x20, 0x40, 0x200, 0x800


def trust(direction: int, attributes: int, **facts: Any) -> dict[str, Any]:
    return {
        "dn": f"CN=partenaire.test,CN=System,{BASE}",
        "guid": "0a0b0c0d-0000-0000-0000-000000000001",
        "partner": "partenaire.test",
        "flat_name": "PARTENAIRE",
        "sid": "S-1-5-21-1-2-3",
        "direction": direction,
        "type": 2,
        "attributes": attributes,
        "changed": "2026-01-01T00:00:00+00:00",
        **facts,
    }


CASES = [
    pytest.param(trust(OUTBOUND, 0), {FILTERED}, id="external, unfiltered"),
    pytest.param(trust(BOTH, 0x1), {FILTERED}, id="external, both ways, not transitive"),
    pytest.param(trust(OUTBOUND, 0, type=1), {FILTERED}, id="NT 4 domain, unfiltered"),
    pytest.param(trust(INBOUND, 0), set(), id="external, inbound only"),
    pytest.param(trust(0, 0), set(), id="disabled"),
    pytest.param(trust(BOTH, QUARANTINED), set(), id="external, filtered"),
    pytest.param(trust(BOTH, WITHIN), set(), id="inside the forest"),
    pytest.param(trust(BOTH, WITHIN | TGT), set(), id="inside the forest, delegation"),
    pytest.param(trust(BOTH, FOREST), set(), id="forest"),
    pytest.param(trust(BOTH, FOREST | EXTERNAL), {HISTORY}, id="forest with SID history"),
    pytest.param(trust(INBOUND, FOREST | EXTERNAL), set(), id="forest with SID history, inbound only"),
    pytest.param(trust(BOTH, FOREST | QUARANTINED), set(), id="forest, quarantined"),
    pytest.param(trust(OUTBOUND, 0, type=3), set(), id="another Kerberos realm"),
    pytest.param(trust(OUTBOUND, 0, type=5), set(), id="Entra"),
    pytest.param(trust(INBOUND, FOREST | TGT), {DELEGATION}, id="delegation"),
    pytest.param(trust(OUTBOUND, FOREST | TGT), set(), id="delegation, outbound only"),
    pytest.param(trust(BOTH, FOREST | NO_TGT), set(), id="delegation forbidden"),
    pytest.param(trust(BOTH, EXTERNAL | TGT), {FILTERED, DELEGATION}, id="two at once"),
]


@pytest.mark.parametrize(("each", "wrong"), CASES)
@pytest.mark.parametrize("control", [FILTERED, HISTORY, DELEGATION])
def test_trust(control: str, each: dict[str, Any], wrong: set[str]) -> None:
    result = outcome(control, domain(trusts=[each]))
    assert result.state == "evaluated"
    assert [(found.type, found.id, found.label) for found in result.found] == (
        [("object", each["guid"], "partenaire.test")] if control in wrong else []
    )
    for found in result.found:
        assert found.level == (3 if control == DELEGATION else 1)


@pytest.mark.parametrize("control", [FILTERED, HISTORY, DELEGATION, ACCOUNTS])
def test_no_trust_and_unreadable_trusts(control: str) -> None:
    assert labels(control, domain()) == []
    assert unreadable(control, domain(unreadable={"trusts": "hidden"})) == "hidden"


def trust_account(changed: str | None, name: str = "PARTENAIRE$") -> dict[str, Any]:
    flags = uac.INTERDOMAIN_TRUST_ACCOUNT | uac.PASSWD_NOTREQD
    return user(1301, name, kind="trust", pwd_last_set=changed) | {"uac": flags}


@pytest.mark.parametrize(
    ("changed", "old"),
    [
        pytest.param("2025-11-22T02:00:00+00:00", False, id="exactly a year"),
        pytest.param("2025-11-22T01:59:59+00:00", True, id="a second older"),
        pytest.param(None, True, id="no date"),
    ],
)
@pytest.mark.parametrize("left", [False, True], ids=["with its trust", "left behind"])
def test_trust_account(changed: str | None, old: bool, left: bool) -> None:
    snapshot = domain([trust_account(changed)], trusts=[] if left else [trust(INBOUND, QUARANTINED)])
    result = outcome(ACCOUNTS, snapshot)
    assert [each.label for each in result.found] == (["PARTENAIRE$"] if old else [])
    for found in result.found:
        assert (found.level, found.evidence["trust_exists"], found.evidence["entra_sso"]) == (2, not left, False)


def test_entra_single_sign_on() -> None:
    old = {"pwd_last_set": "2024-01-01T00:00:00+00:00"}
    sso = computer(1401, "AzureADSSOAcc$", **old)
    assert labels(ACCOUNTS, domain([sso, computer(1402, "PC1$", **old)])) == ["AzureADSSOAcc$"]
    assert outcome(ACCOUNTS, domain([sso])).found[0].evidence["entra_sso"] is True
    disabled = sso | {"uac": uac.WORKSTATION_TRUST_ACCOUNT | uac.ACCOUNTDISABLE}
    assert labels(ACCOUNTS, domain([disabled])) == []
    person = user(1403, "azureadssoacc$", **old)  # a user of that name is no computer
    assert labels(ACCOUNTS, domain([person])) == []


def test_trust_accounts_unreadable() -> None:
    hidden = trust_account(None) | {"pwd_known": False}
    assert "pwdLastSet" in unreadable(ACCOUNTS, domain([hidden]))
