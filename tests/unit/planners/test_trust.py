"""Trusts: the right bit, in the right direction, on the right kind of trust."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_trust
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError

from .conftest import BASE, DOMAIN, make_entry

QUARANTINED, FOREST, WITHIN, EXTERNAL, NO_TGT, TGT = 0x4, 0x8, 0x20, 0x40, 0x200, 0x800
IN, OUT, BOTH = 1, 2, 3


def trust(direction: int | None, attributes: int | None, classes: tuple[str, ...] = ("top", "trustedDomain")) -> Any:
    facts: dict[str, Any] = {"trustPartner": "partenaire.test", "trustType": 2}
    if direction is not None:
        facts["trustDirection"] = direction
    if attributes is not None:
        facts["trustAttributes"] = attributes
    return make_entry("x", None, dn=f"CN=partenaire.test,CN=System,{BASE}", classes=classes, **facts)


def planned(entry: Any, wish: str, connected: str = f"{DOMAIN}-1105") -> Plan:
    plan = Plan()
    plan_trust.plan_trust(plan, entry, wish, domain_sid=DOMAIN, connected_sid=connected)
    return plan


@pytest.mark.parametrize(
    ("wish", "direction", "attributes", "mask", "after"),
    [
        pytest.param("quarantine", BOTH, 0, QUARANTINED, QUARANTINED, id="quarantine"),
        pytest.param("quarantine", OUT, None, QUARANTINED, QUARANTINED, id="quarantine, no attributes yet"),
        pytest.param("quarantine", OUT, EXTERNAL, QUARANTINED, QUARANTINED, id="quarantine beside another bit"),
        pytest.param("no_sid_history", OUT, FOREST | EXTERNAL, EXTERNAL, 0, id="SID history"),
        pytest.param("no_tgt_delegation", IN, FOREST | TGT, TGT, 0, id="delegation"),
    ],
)
def test_restricted(wish: str, direction: int, attributes: int | None, mask: int, after: int) -> None:
    plan = planned(trust(direction, attributes), wish)
    (change,) = plan.changes
    assert (change["kind"], change["attribute"], change["mask"], change["after"]) == (
        "flags", "trustAttributes", mask, after,
    )  # fmt: skip
    assert change["hazards"] == [] and change["object"]["label"] == "partenaire.test"
    assert "ACCOUNTDISABLE" not in str(change["display"])
    (notice,) = plan.notices
    assert "partenaire.test" in notice["text"]
    assert "lose" in notice["text"] or "no longer" in notice["text"]


@pytest.mark.parametrize(
    ("wish", "direction", "attributes"),
    [
        ("quarantine", OUT, QUARANTINED),
        ("quarantine", IN, QUARANTINED),
        ("no_sid_history", BOTH, FOREST),
        ("no_tgt_delegation", BOTH, FOREST | NO_TGT),
    ],
)
def test_nothing_to_do(wish: str, direction: int, attributes: int) -> None:
    plan = planned(trust(direction, attributes), wish)
    assert plan.changes == [] and plan.notices == []


@pytest.mark.parametrize(
    ("wish", "entry", "said"),
    [
        pytest.param("quarantine", trust(OUT, FOREST), "breaks the trust", id="forest trust in quarantine"),
        pytest.param("quarantine", trust(OUT, WITHIN), "breaks the trust", id="quarantine inside the forest"),
        pytest.param("quarantine", trust(IN, 0), "makes no sense", id="quarantine inbound"),
        pytest.param("no_sid_history", trust(OUT, EXTERNAL), "not for a trust of this kind", id="external trust"),
        pytest.param("no_sid_history", trust(IN, FOREST | EXTERNAL), "makes no sense", id="inbound only"),
        pytest.param("no_tgt_delegation", trust(OUT, FOREST | TGT), "makes no sense", id="outbound only"),
        pytest.param("quarantine", trust(None, 0), "cannot be read", id="direction hidden"),
        pytest.param("quarantine", trust(OUT, 0, ("top", "user")), "no trust", id="no trust"),
    ],
)
def test_refused(wish: str, entry: Any, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        planned(entry, wish)


def test_an_account_of_another_domain_does_not_cut_its_own_branch() -> None:
    plan = planned(trust(OUT, 0), "quarantine", connected="S-1-5-21-1-2-3-1104")
    assert [each["kind"] for each in plan.changes[0]["hazards"]] == ["connected_account"]
    assert planned(trust(IN, TGT), "no_tgt_delegation", connected="S-1-5-21-1-2-3-1104").changes[0]["hazards"] == []
