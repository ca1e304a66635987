"""vuln_dc_inconsistent_uac, vuln_dc_obsolete and vuln_dc_crypto."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import BASE, computer, domain, labels, outcome, sid, unreadable

UAC, OBSOLETE, CRYPTO = "vuln_dc_inconsistent_uac", "vuln_dc_obsolete", "vuln_dc_crypto"
RODC_FLAGS = uac.PARTIAL_SECRETS_ACCOUNT | uac.TRUSTED_TO_AUTH_FOR_DELEGATION | uac.WORKSTATION_TRUST_ACCOUNT


def dc(name: str = "DC1$", rid: int = 1000, **facts: Any) -> dict[str, Any]:
    server = f"CN={name[:-1]},CN=Servers,CN=Site,CN=Sites,CN=Configuration,{BASE}"
    return {
        "dn": f"CN={name[:-1]},OU=Domain Controllers,{BASE}",
        "sid": sid(rid),
        "label": name,
        "uac": uac.SERVER_TRUST_ACCOUNT | uac.TRUSTED_FOR_DELEGATION,
        "primary_group_id": 516,
        "operating_system": "Windows Server 2022 Standard",
        "version": "10.0 (20348)",
        "encryption_types": 24,
        "server": server,
        "settings": f"CN=NTDS Settings,{server}",
        "behavior_version": 7,
        **facts,
    }


def rodc(name: str = "RODC1$", rid: int = 1500, **facts: Any) -> dict[str, Any]:
    return dc(
        name,
        rid,
        **{"read_only": True, "uac": RODC_FLAGS, "primary_group_id": 521, "settings_read_only": True, **facts},
    )


ENTRA = rodc(
    "AzureADKerberos$", 1600, entra=True, server=None, settings=None, operating_system=None, version=None,
    encryption_types=None, behavior_version=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("controller", "problem"),
    [
        pytest.param(dc(), None, id="writable"),
        pytest.param(rodc(), None, id="read-only"),
        pytest.param(ENTRA, None, id="Entra Kerberos"),
        pytest.param(dc(uac=uac.SERVER_TRUST_ACCOUNT), "TRUSTED_FOR_DELEGATION", id="no delegation"),
        pytest.param(dc(uac=uac.WORKSTATION_TRUST_ACCOUNT), "SERVER_TRUST_ACCOUNT", id="a workstation's flags"),
        pytest.param(
            rodc(uac=RODC_FLAGS & ~uac.TRUSTED_TO_AUTH_FOR_DELEGATION), "TRUSTED_TO_AUTH", id="RODC without transition"
        ),
        pytest.param(rodc(uac=uac.PARTIAL_SECRETS_ACCOUNT), "WORKSTATION_TRUST_ACCOUNT", id="RODC, one flag"),
        pytest.param(dc(server=None, settings=None), "no server object", id="no server object"),
        pytest.param(dc(settings=None), "no NTDS Settings", id="no settings"),
        pytest.param(dc(settings_read_only=True), "read-only domain controller", id="settings of an RODC"),
        pytest.param(rodc(settings_read_only=False), "writable domain controller", id="settings of a writable one"),
        pytest.param(dc(behavior_version=None), "no msDS-Behavior-Version", id="no level"),
        pytest.param(dc(behavior_version=6), "is 6, 7", id="level of 2012 R2 on 2022"),
        pytest.param(dc(version="10.0 (26100)", behavior_version=10), None, id="2025"),
        pytest.param(dc(version="10.0 (26100)", behavior_version=7), "is 7, 10", id="level of 2016 on 2025"),
        pytest.param(dc(version="6.3 (9600)", behavior_version=6), None, id="2012 R2"),
        pytest.param(dc(version="5.0 (2195)", behavior_version=0), None, id="older than the catalogue knows"),
        pytest.param(dc(operating_system="Samba", version="10.0 (14393)", behavior_version=4), None, id="Samba"),
    ],
)
def test_inconsistent(controller: dict[str, Any], problem: str | None) -> None:
    result = outcome(UAC, domain(controllers=[controller]))
    assert result.state == "evaluated"
    assert [found.level for found in result.found] == ([] if problem is None else [1])
    if problem is not None:
        assert problem in result.found[0].wording


def test_inconsistent_unreadable() -> None:
    assert unreadable(UAC, domain(unreadable={"server objects of the sites": "hidden"})) == "hidden"
    assert unreadable(UAC, domain(unreadable={"domain controllers": "hidden"})) == "hidden"


@pytest.mark.parametrize(
    ("system", "version", "obsolete"),
    [
        pytest.param("Windows Server 2008 R2 Standard", "6.1 (7601)", True, id="2008 R2"),
        pytest.param("Windows Server 2012 R2 Datacenter", "6.3 (9600)", True, id="2012 R2"),
        pytest.param("Windows Server 2016 Standard", "10.0 (14393)", False, id="2016, two months left"),
        pytest.param("Windows Server Datacenter", "10.0 (18363)", True, id="semi-annual 1909"),
        pytest.param("Windows Server 2022 Standard", "10.0 (20348)", False, id="2022"),
        pytest.param("Windows Server 2025 Standard", "10.0 (26100)", False, id="2025"),
        pytest.param("Windows Server vNext", "10.0 (30000)", False, id="newer than the catalogue"),
        pytest.param("Samba-4.22", "10.0 (14393)", False, id="Samba"),
    ],
)
def test_obsolete(system: str, version: str, obsolete: bool) -> None:
    snapshot = domain(controllers=[dc(operating_system=system, version=version), ENTRA])
    assert labels(OBSOLETE, snapshot) == (["DC1$"] if obsolete else [])


def test_support_ends_on_a_day() -> None:
    controllers = [dc(operating_system="Windows Server 2016 Standard", version="10.0 (14393)")]
    assert labels(OBSOLETE, domain(controllers=controllers, taken="2027-01-12T23:00:00+00:00")) == []
    assert labels(OBSOLETE, domain(controllers=controllers, taken="2027-01-13T00:00:00+00:00")) == ["DC1$"]


def test_what_a_build_number_cannot_judge_is_said() -> None:
    newer = dc(operating_system="Windows Server vNext", version="10.0 (30000)")
    samba = dc("DC2$", 1001, operating_system="Samba-4.22", version="10.0 (14393)")
    prepared = rodc(operating_system=None, version=None)
    said = outcome(OBSOLETE, domain([computer(1500, "RODC1$", last_logon=None)], controllers=[newer, samba, prepared]))
    assert said.state == "evaluated"
    for part in ("newer than the catalogue knows: DC1$", "DC2$ (Samba-4.22)", "not in service yet: RODC1$"):
        assert part in (said.reason or "")


@pytest.mark.parametrize("facts", [{"operating_system": None}, {"version": None}, {"version": "10.0"}])
def test_a_controller_that_does_not_say_what_it_runs(facts: dict[str, Any]) -> None:
    assert "DC1$" in unreadable(OBSOLETE, domain(controllers=[dc(**facts)]))
    in_service = rodc(operating_system=None)
    assert "RODC1$" in unreadable(OBSOLETE, domain([computer(1500, "RODC1$")], controllers=[dc(), in_service]))


@pytest.mark.parametrize(
    ("types", "level"),
    [
        pytest.param(24, None, id="AES"),
        pytest.param(16, None, id="AES 256 only"),
        pytest.param(0x7FFFFFF8, None, id="AES and future types"),
        pytest.param(28, 4, id="RC4"),
        pytest.param(4, 3, id="RC4 without AES"),
        pytest.param(31, 2, id="everything"),
        pytest.param(25, 2, id="DES-CBC-CRC"),
        pytest.param(26, 2, id="DES-CBC-MD5"),
        pytest.param(0, 4, id="0 means the default"),
        pytest.param(None, 4, id="not set means the default"),
    ],
)
def test_crypto(types: int | None, level: int | None) -> None:
    good = dc("DC2$", 1001)
    result = outcome(CRYPTO, domain(controllers=[dc(encryption_types=types), good, ENTRA]))
    assert result.state == "evaluated"
    assert [found.level for found in result.found] == ([] if level is None else [level])


def test_crypto_hidden_everywhere() -> None:
    snapshot = domain(controllers=[dc(encryption_types=None)])
    assert "msDS-SupportedEncryptionTypes" in unreadable(CRYPTO, snapshot)
    assert outcome(CRYPTO, snapshot).found == []
