"""vuln_dnszone_bad_prop."""

from __future__ import annotations

from typing import Any

import pytest

from controls.domain import BASE, domain, labels, outcome, unreadable

ID = "vuln_dnszone_bad_prop"


def zone(name: str, allow_update: int | None, **facts: Any) -> dict[str, Any]:
    partition = f"DC=DomainDnsZones,{BASE}"
    return {
        "dn": f"DC={name},CN=MicrosoftDNS,{partition}",
        "guid": f"0a0b0c0d-0000-0000-0000-{len(name):012d}",
        "name": name,
        "partition": partition,
        "allow_update": allow_update,
        "properties": 7,
        **facts,
    }


@pytest.mark.parametrize(
    ("name", "level"),
    [
        pytest.param("chu-valmont.test", 1, id="the domain's"),
        pytest.param("CHU-Valmont.Test", 1, id="the domain's, other case"),
        pytest.param("_msdcs.chu-valmont.test", 1, id="the controllers'"),
        pytest.param("_msdcs.racine.test", 1, id="the forest's controllers'"),
        pytest.param("0.10.in-addr.arpa", 3, id="reverse"),
        pytest.param("imagerie.chu-valmont.test", 3, id="below the domain's"),
        pytest.param("chu-valmont.test.example", 3, id="begins like the domain's"),
    ],
)
def test_level(name: str, level: int) -> None:
    (found,) = outcome(ID, domain(dns_zones=[zone(name, 1)])).found
    assert (found.type, found.label, found.level) == ("object", name, level)


@pytest.mark.parametrize(("update", "wrong"), [(0, False), (1, True), (2, False), (None, False)])
def test_update(update: int | None, wrong: bool) -> None:
    assert labels(ID, domain(dns_zones=[zone("chu-valmont.test", update)])) == (["chu-valmont.test"] if wrong else [])


def test_no_zone_and_bare_zone() -> None:
    assert outcome(ID, domain()).reason == "the directory holds no DNS zone"
    bare = domain(dns_zones=[zone("_msdcs.chu-valmont.test", None, properties=0)])
    assert labels(ID, bare) == []
    assert "_msdcs.chu-valmont.test" in (outcome(ID, bare).reason or "")


def test_unreadable() -> None:
    assert unreadable(ID, domain(unreadable={"DNS zones": "hidden"})) == "hidden"
