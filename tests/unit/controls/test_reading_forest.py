"""Reading domain controllers, trusts, DNS zones and certificates: what comes out, and what silence means."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    revealed,
    secret_time,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from hypothesis import given
from hypothesis import strategies as st

from controls.domain import BASE, sid
from controls.made_certificates import certificate
from controls.test_domain_controllers import RODC_FLAGS
from controls.test_snapshot_reader import CONFIG, GUID, SYSTEM, account, group, read, world

KEYS = f"CN=Public Key Services,CN=Services,{CONFIG}"
DOMAIN_ZONES, FOREST_ZONES = f"DC=DomainDnsZones,{BASE}", f"DC=ForestDnsZones,{BASE}"
SITE = f"CN=Servers,CN=Site,CN=Sites,{CONFIG}"
# what a real domain controller wrote for a RODC's own password on 2026-11-22
METADATA = "5A000900020000007005132103000000A71272E3E5C5AF4DAFA4B7140AD3FDDB73120000000000007312000000000000"
UPDATE_OFF = base64.b64decode("AQAAAAAAAAAAAAAAAQAAAAIAAAAAAAAAAA==")
UPDATE_SECURE = base64.b64decode("AQAAAAAAAAAAAAAAAQAAAAIAAAACAAAAAA==")
UPDATE_UNSECURE = base64.b64decode("AQAAAAAAAAAAAAAAAQAAAAIAAAABAAAAAA==")
ZONE_TYPE = base64.b64decode("BAAAAAAAAAAAAAAAAQAAAAEAAAABAAAAAAAAAA==")


def with_rodc(**facts: Any) -> dict[str, dict[str, Any]]:
    """The small world with one read-only domain controller."""
    krbtgt, krbtgt_facts = account(1501, "krbtgt_36292", **{"msDS-SecondaryKrbTgtNumber": 36292})
    allowed, denied = group(sid(571), "RODC autorisé"), group(sid(572), "RODC refusé")
    administrators = f"CN=Administrateurs,CN=Users,{BASE}"
    dn, controller = account(
        1500, "RODC1$", 805306369, userAccountControl=RODC_FLAGS, primaryGroupID=521,
        **{
            "msDS-NeverRevealGroup": [denied[0], administrators],
            "msDS-RevealOnDemandGroup": [allowed[0]],
            "msDS-KrbTgtLink": krbtgt,
            **facts,
        },
    )  # fmt: skip
    server = f"CN=RODC1,{SITE}"
    controller.setdefault("msDS-RevealedUsers", [f"B:96:{METADATA}:{dn}"])
    return world() | {
        dn: controller,
        krbtgt: krbtgt_facts,
        allowed[0]: allowed[1],
        denied[0]: denied[1],
        server: {"objectGUID": GUID, "objectClass": ["top", "server"], "serverReference": dn},
        f"CN=NTDS Settings,{server}": {
            "objectClass": ["top", "nTDSDSA"],
            "objectCategory": f"CN=NTDS-DSA-RO,CN=Schema,{CONFIG}",
            "msDS-Behavior-Version": 7,
        },
    }


def test_domain_controllers() -> None:
    snapshot = read(with_rodc())
    assert unread(snapshot) == set()
    by_name = {each.label: each for each in snapshot.controllers}
    dc1, rodc = by_name["DC1$"], by_name["RODC1$"]
    assert (dc1.read_only, dc1.settings_read_only, dc1.behavior_version) == (False, False, 7)
    assert dc1.server == f"CN=DC1,{SITE}" and dc1.settings == f"CN=NTDS Settings,CN=DC1,{SITE}"
    assert (rodc.read_only, rodc.settings_read_only, rodc.entra) == (True, True, False)
    assert [each.sid for each in rodc.never_reveal] == [sid(572), "S-1-5-32-544"]
    assert [(each.sid, each.label) for each in rodc.reveal_on_demand] == [(sid(571), "RODC autorisé")]
    assert [each.dn for each in rodc.revealed] == [rodc.dn]
    assert [each.sid for each in snapshot.replication_groups] == [sid(571), sid(572)]
    (krbtgt,) = snapshot.secondary_krbtgt
    assert (krbtgt.number, krbtgt.controllers) == (36292, (rodc.dn,))


def test_an_orphan_krbtgt_and_the_one_of_entra() -> None:
    objects = with_rodc()
    dn, facts = account(1502, "krbtgt_4711", **{"msDS-SecondaryKrbTgtNumber": 4711})
    entra, entra_facts = account(1503, "krbtgt_AzureAD", **{"msDS-SecondaryKrbTgtNumber": 4712})
    cloud, cloud_facts = account(
        1504, "AzureADKerberos$", 805306369, userAccountControl=RODC_FLAGS, primaryGroupID=521,
        **{"msDS-KrbTgtLink": entra},
    )  # fmt: skip
    snapshot = read(objects | {dn: facts, entra: entra_facts, cloud: cloud_facts})
    assert {each.label: bool(each.controllers) for each in snapshot.secondary_krbtgt} == {
        "krbtgt_36292": True,
        "krbtgt_4711": False,
        "krbtgt_AzureAD": True,
    }
    assert [each.label for each in snapshot.controllers if each.entra] == ["AzureADKerberos$"]


def without(objects: dict[str, dict[str, Any]], *names: str) -> dict[str, dict[str, Any]]:
    return {dn: facts for dn, facts in objects.items() if not any(name in dn for name in names)}


def stripped(objects: dict[str, dict[str, Any]], name: str, *attributes: str) -> dict[str, dict[str, Any]]:
    return {
        dn: {key: value for key, value in facts.items() if name not in dn or key not in attributes}
        for dn, facts in objects.items()
    }


OURS = {
    "domain controllers", "server objects of the sites", "lists of the read-only domain controllers", "trusts",
    "krbtgt accounts of read-only domain controllers", "DNS zones", "certificates of the forest",
}  # fmt: skip


def unread(snapshot: Snapshot) -> set[str]:
    return OURS & snapshot.unreadable.keys()


LISTS = ("msDS-NeverRevealGroup", "msDS-RevealOnDemandGroup", "msDS-RevealedUsers", "msDS-KrbTgtLink")


@pytest.mark.parametrize(
    ("objects", "part", "said"),
    [
        pytest.param(without(world(), "CN=DC1"), "domain controllers", "not one writable", id="no controller"),
        pytest.param(
            stripped(world(), "CN=DC1$", "objectSid"), "domain controllers", "does not show its objectSid", id="SID"
        ),
        pytest.param(without(world(), "CN=NTDS Settings"), "server objects of the sites", "CN=Sites", id="no settings"),
        pytest.param(
            stripped(with_rodc(), "CN=RODC1$", *LISTS),
            "lists of the read-only domain controllers",
            "RODC1",
            id="no lists",
        ),
        pytest.param(
            with_rodc(**{"msDS-RevealOnDemandGroup": [f"CN=caché,{BASE}"]}),
            "lists of the read-only domain controllers",
            "CN=caché",
            id="hidden entry",
        ),
        pytest.param(
            without(with_rodc(), "krbtgt_36292"),
            "krbtgt accounts of read-only domain controllers",
            "krbtgt_36292",
            id="hidden krbtgt",
        ),
        pytest.param(without(world(), f"{SYSTEM}"), "trusts", "CN=System", id="no CN=System"),
        pytest.param(without(world(), "CN=AIA"), "certificates of the forest", "CN=AIA", id="no AIA"),
        pytest.param(without(world(), "CN=CHUVALMONT"), "DNS zones", "CN=Partitions", id="no partitions"),
    ],
)
def test_silence(objects: dict[str, dict[str, Any]], part: str, said: str) -> None:
    assert said in read(objects).unreadable[part]


@given(st.text(max_size=40))
def test_hostile_revealed_values(text: str) -> None:
    assert len(revealed([text])) == 1


def test_revealed_users() -> None:
    later = METADATA[:16] + "7105132103000000" + METADATA[32:]
    found = revealed([f"B:96:{METADATA}:CN=A,{BASE}", f"B:96:{later}:CN=a,{BASE}", f"B:8:00:CN=B: C,{BASE}"])
    assert [each.dn for each in found] == [f"CN=A,{BASE}", f"CN=B: C,{BASE}"]
    first, second = found
    assert first.changed is not None and first.changed.isoformat() == "2026-11-22T04:49:53+00:00"
    assert second.changed is None
    assert secret_time("FF" * 48) is None
    # one secret of unknown age, and the account counts as such, in either order
    for values in (["B:8:00:CN=A", f"B:96:{METADATA}:CN=A"], [f"B:96:{METADATA}:CN=A", "B:8:00:CN=A"]):
        assert [each.changed for each in revealed(values)] == [None]


def trust(**facts: Any) -> dict[str, Any]:
    return {
        "objectGUID": GUID, "objectClass": ["top", "leaf", "trustedDomain"], "trustPartner": "partenaire.test",
        "flatName": "PARTENAIRE", "securityIdentifier": sids.to_bytes("S-1-5-21-1-2-3"), "trustDirection": 3,
        "trustType": 2, "trustAttributes": 8, "whenChanged": "20260101000000.0Z", **facts,
    }  # fmt: skip


def test_trusts() -> None:
    assert read().trusts == []
    (each,) = read(world() | {f"CN=partenaire.test,{SYSTEM}": trust()}).trusts
    assert (each.partner, each.sid, each.direction, each.attributes) == ("partenaire.test", "S-1-5-21-1-2-3", 3, 8)
    assert each.guid == str(uuid.UUID(bytes_le=GUID))
    hidden = trust()
    del hidden["trustDirection"]
    snapshot = read(world() | {f"CN=partenaire.test,{SYSTEM}": hidden})
    assert "trustDirection" in snapshot.unreadable["trusts"] and snapshot.trusts == []
    bare = trust()
    del bare["trustAttributes"]  # as an old domain's
    assert read(world() | {f"CN=partenaire.test,{SYSTEM}": bare}).trusts[0].attributes == 0


def partition(dn: str) -> dict[str, dict[str, Any]]:
    name = dn.partition(",")[0][3:]
    return {f"CN={name},CN=Partitions,{CONFIG}": {"objectClass": ["crossRef"], "systemFlags": 5, "nCName": dn}}


def zones(where: str, **names: list[bytes]) -> dict[str, dict[str, Any]]:
    container = f"CN=MicrosoftDNS,{where}"
    return {
        container: {"objectGUID": GUID, "objectClass": ["top", "container"]},
        **{
            f"DC={name},{container}": {
                "objectGUID": GUID, "objectClass": ["top", "dnsZone"], "name": name, "dNSProperty": values
            }
            for name, values in names.items()
        },
    }  # fmt: skip


def dns(*parts: dict[str, dict[str, Any]]) -> Snapshot:
    objects = without(world(), "CN=MicrosoftDNS")
    for part in parts:
        objects |= part
    return read(objects)


ZONE = "chu-valmont.test"
HERE = zones(DOMAIN_ZONES, **{ZONE: [ZONE_TYPE, UPDATE_SECURE]})


def test_dns_zones() -> None:
    snapshot = dns(
        partition(DOMAIN_ZONES), partition(FOREST_ZONES), HERE, zones(FOREST_ZONES, _msdcs=[UPDATE_UNSECURE]),
        zones(SYSTEM, old=[UPDATE_OFF], bare=[], **{"..Deleted-x": [UPDATE_UNSECURE]}),
    )  # fmt: skip
    assert unread(snapshot) == set()
    assert {each.name: each.allow_update for each in snapshot.dns_zones} == {
        ZONE: 2, "_msdcs": 1, "old": 0, "bare": None,
    }  # fmt: skip


@pytest.mark.parametrize("other", [UPDATE_OFF, UPDATE_SECURE])
def test_dns_said_twice_counts_as_the_worse(other: bytes) -> None:
    snapshot = dns(partition(DOMAIN_ZONES), zones(DOMAIN_ZONES, **{ZONE: [other, UPDATE_UNSECURE]}))
    assert [each.allow_update for each in snapshot.dns_zones] == [1]


def test_a_directory_without_dns() -> None:
    snapshot = dns()
    assert "DNS zones" not in snapshot.unreadable and snapshot.dns_zones == []
    assert any("other means" in note for note in snapshot.notes)


def test_dns_in_partitions_only() -> None:
    assert "DNS zones" not in dns(partition(DOMAIN_ZONES), HERE).unreadable


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        pytest.param([partition(DOMAIN_ZONES)], "DomainDnsZones", id="domain partition not held"),
        pytest.param([partition(DOMAIN_ZONES), partition(FOREST_ZONES), HERE], "ForestDnsZones", id="forest's hidden"),
        pytest.param(
            [partition(DOMAIN_ZONES), zones(DOMAIN_ZONES, other=[UPDATE_OFF])], "CN=System", id="zone of the domain"
        ),
        pytest.param([zones(SYSTEM, **{ZONE: []})], "not one DNS zone", id="all properties hidden"),
        pytest.param([zones(SYSTEM, **{ZONE: [UPDATE_OFF[:9]]})], "cut short", id="damaged property"),
    ],
)
def test_dns_unreadable(parts: list[dict[str, dict[str, Any]]], said: str) -> None:
    assert said in dns(*parts).unreadable["DNS zones"]


def test_certificates() -> None:
    der, other = certificate("AC"), certificate("AC 2")
    objects = world() | {
        f"CN=NTAuthCertificates,{KEYS}": {"objectGUID": GUID, "cACertificate": [der, other]},
        f"CN=AC,CN=AIA,{KEYS}": {"objectGUID": GUID, "cACertificate": [b"\0"]},
        f"CN=AC,CN=KRA,{KEYS}": {"objectGUID": GUID, "userCertificate": [der]},
    }
    snapshot = read(objects)
    assert [(each.attribute, each.der) for each in snapshot.certificates] == [
        ("cACertificate", der),
        ("cACertificate", other),
        ("userCertificate", der),
    ]
    assert "certificates of the forest" not in snapshot.unreadable
