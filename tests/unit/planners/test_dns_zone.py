"""Zones: only one property changes, and never towards more."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_dns_zone
from ansible_collections.care.remediation.plugins.module_utils.directory.attribute_change import AttributeChange
from ansible_collections.care.remediation.plugins.module_utils.directory.dns_property import Property
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError

from .conftest import BASE, make_entry

DN = f"DC=chu-valmont.test,CN=MicrosoftDNS,DC=DomainDnsZones,{BASE}"
TYPE = Property(1, b"\1\0\0\0", (0, 0, 1), b"").to_bytes()
AGING = Property(0x40, b"A\0\0\0", (0, 0, 1), b"\0").to_bytes()


def update(number: int) -> bytes:
    return Property(2, bytes([number]), (0, 0, 1), b"\0\0\0\0").to_bytes()


def zone(*values: bytes, **facts: Any) -> Any:
    classes = facts.pop("classes", ("top", "dnsZone"))
    entry = make_entry("x", None, dn=DN, classes=classes, dNSProperty=list(values), **facts)
    entry.attributes["name"] = [b"chu-valmont.test"]
    return entry


def planned(entry: Any, wish: str = "secure") -> list[dict[str, Any]]:
    plan = Plan()
    plan_dns_zone.plan_zone(plan, entry, wish)
    return plan.changes


@pytest.mark.parametrize(
    ("present", "wish", "after"),
    [
        (1, "secure", 2), (0, "secure", None), (2, "secure", None),
        (1, "off", 0), (2, "off", 0), (0, "off", None), (7, "secure", None),
    ],
)  # fmt: skip
def test_only_narrower(present: int, wish: str, after: int | None) -> None:
    changes = planned(zone(TYPE, update(present), AGING), wish)
    assert len(changes) == (0 if after is None else 1)
    for change in changes:
        assert (change["kind"], change["attribute"], change["object"]["dn"]) == ("values", "dNSProperty", DN)
        assert base64.b64decode(change["before"][0]["base64"]) == update(present)
        assert base64.b64decode(change["after"][0]["base64"]) == update(after or 0)
        assert change["display"]["before"].startswith("dynamic updates:")


def test_the_writer_exchanges_that_value_and_no_other() -> None:
    entry = zone(TYPE, update(1), AGING)
    (change,) = planned(entry)
    operation = AttributeChange("guid", "dNSProperty", "values", undo=False, changes=[change])
    assert operation.where(change, entry) == "before"
    assert operation.modlist(entry, [change]) == [(1, "dNSProperty", [update(1)]), (0, "dNSProperty", [update(2)])]
    assert operation.where(change, zone(TYPE, update(2), AGING)) == "after"
    assert operation.where(change, zone(TYPE, update(0), AGING)) == "other"
    # bytes that are letters are not compared as letters
    other_case = zone(TYPE, update(1), AGING)
    low = Property(2, b"A", (0, 0, 1), b"").to_bytes()
    assert operation._fold(low) != operation._fold(low.replace(b"A", b"a"))
    assert AttributeChange("guid", "dNSProperty", "values", undo=True).where(change, other_case) == "after"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        pytest.param(zone(update(1), classes=("top", "container")), "no DNS zone", id="no zone"),
        pytest.param(zone(), "cannot be read", id="no property"),
        pytest.param(zone(update(1)[:9]), "cut short", id="damaged"),
    ],
)
def test_refused(entry: Any, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        planned(entry)
