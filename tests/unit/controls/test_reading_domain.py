# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading settings, menus, silos and groups of the whole domain: what comes out, and what silence means."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Acl,
    SecurityDescriptor,
)

from controls.domain import BASE, DOMAIN, labels, sid, unreadable
from controls.test_snapshot_reader import CONFIG, FOREIGN, GUID, SYSTEM, account, group, read, world

Objects = dict[str, dict[str, Any]]
CONTAINER = {"objectGUID": GUID, "objectClass": ["top", "container"]}


def without(objects: Objects, *dns: str) -> Objects:
    return {dn: each for dn, each in objects.items() if dn not in dns}


def blank(objects: Objects, dn: str, *attributes: str) -> Objects:
    return {**objects, dn: {k: v for k, v in objects[dn].items() if k not in attributes}}


def test_settings() -> None:
    settings = read().settings
    assert (settings.domain_level, settings.forest_level) == (7, 7)
    assert (settings.password_properties, settings.minimum_length, settings.maximum_age_days) == (1, 12, 365)
    assert settings.expire_smartcard_passwords is True
    assert (settings.domain_revision, settings.migration, settings.frs_members) == (16, 48, 0)


@pytest.mark.parametrize(
    ("objects", "control", "says"),
    [
        (blank(world(), BASE, "maxPwdAge"), "vuln_reversible_password_priv_namingcontext", "maxPwdAge"),
        (blank(world(), BASE, "minPwdLength"), "vuln_privileged_members_password", "Lockout Policies"),
        (without(world(), f"CN=Partitions,{CONFIG}"), "vuln_functional_level", "Partitions"),
        (
            blank(world(), f"CN=ActiveDirectoryUpdate,CN=DomainUpdates,{SYSTEM}", "revision"),
            "vuln_adupdate_bad",
            "revision of",
        ),
        (
            blank(world(), f"CN=DFSR-GlobalSettings,{SYSTEM}", "msDFSR-Flags"),
            "vuln_sysvol_ntfrs",
            "neither FRS nor DFSR",
        ),
        (without(world(), f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,{CONFIG}"), "vuln_display_specifier", "menus"),
        (
            without(world(), f"CN=Accès compatible pré-Windows 2000,CN=Users,{BASE}"),
            "vuln_compatible_2000_not_default",
            "S-1-5-32-554",
        ),
        (blank(world(), f"CN=MicrosoftDNS,{SYSTEM}", "nTSecurityDescriptor"), "vuln_dnsadmins", "MicrosoftDNS"),
    ],
)
def test_what_is_not_shown_is_not_judged(objects: Objects, control: str, says: str) -> None:
    assert says in unreadable(control, read(objects))


def test_no_password_ever_expires() -> None:
    for value in (0, -0x8000000000000000):
        snapshot = read({**world(), BASE: {**world()[BASE], "maxPwdAge": value}})
        assert snapshot.settings.maximum_age_days is None
        assert "domain password policy" not in snapshot.unreadable


def test_hidden_groups_make_loops_unreadable() -> None:
    snapshot = read({dn: {k: v for k, v in each.items() if k != "member"} for dn, each in world().items()})
    assert "memberOf" in unreadable("vuln_group_loop", snapshot)


def test_the_circle_of_the_test_domain_is_found() -> None:
    # « Admins du domaine » and the team below it contain each other there
    assert len(labels("vuln_group_loop", read())) == 1


def test_frs_is_found_below_its_replica_set() -> None:
    objects = world()
    replica = f"CN=Domain System Volume (SYSVOL share),CN=File Replication Service,{SYSTEM}"
    objects[replica] = {"objectClass": ["top", "nTFRSReplicaSet"], "fRSReplicaSetType": 2, "cn": "x"}
    objects[f"CN=DC1,{replica}"] = {"objectClass": ["top", "nTFRSMember"], "cn": "DC1"}
    objects[f"CN=DFSR-GlobalSettings,{SYSTEM}"]["msDFSR-Flags"] = 32
    snapshot = read(objects)
    assert (snapshot.settings.frs_members, snapshot.settings.migration) == (1, 32)
    assert labels("vuln_sysvol_ntfrs", snapshot) == ["chu-valmont.test"]


def test_dfsr_from_the_first_day_has_no_migration_state() -> None:
    objects = world()
    settings = f"CN=DFSR-GlobalSettings,{SYSTEM}"
    del objects[settings]["msDFSR-Flags"]
    objects[f"CN=DC1,CN=Topology,CN=Domain System Volume,{settings}"] = {"objectClass": ["msDFSR-Member"], "cn": "DC1"}
    assert labels("vuln_sysvol_ntfrs", read(objects)) == []


def test_menus_that_start_programs() -> None:
    objects = world()
    display = f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,{CONFIG}"
    objects[display]["adminContextMenu"].append(r"9,&Aide,\\srv1\outils\aide.exe")
    (entry,) = read(objects).menu_entries
    assert (entry.attribute, entry.program) == ("adminContextMenu", r"\\srv1\outils\aide.exe")


@pytest.mark.parametrize(
    ("gone", "visible"), [(f"CN=AdminSDHolder,{SYSTEM}", False), (f"CN=Admins du domaine,CN=Users,{BASE}", False)]
)
def test_critical_objects(gone: str, visible: bool) -> None:
    snapshot = read(without(world(), gone))
    names = {each.name: each.visible for each in snapshot.critical_objects}
    assert names["krbtgt"] is True
    assert names["AdminSDHolder" if "Holder" in gone else "Domain Admins"] is visible
    assert set(names) >= {"Schema Admins", "Enterprise Admins", "built-in Administrator"}


# --- silos ------------------------------------------------------------------------------------------------------

SILOS = f"CN=AuthN Policy Configuration,CN=Services,{CONFIG}"
SILO = f"CN=Tier 0,CN=AuthN Silos,{SILOS}"
CLASS = f"CN=ms-DS-AuthN-Policy-Silo,CN=Schema,{CONFIG}"


def with_silo(enforced: str = "TRUE") -> Objects:
    objects = world()
    benoit = next(dn for dn in objects if "benoît" in dn)
    objects[benoit]["msDS-AssignedAuthNPolicySilo"] = SILO
    objects[CLASS] = {"objectGUID": GUID, "objectClass": ["top", "classSchema"]}
    objects[SILOS] = dict(CONTAINER)
    objects[SILO] = {
        "objectGUID": GUID,
        "objectClass": ["top", "msDS-AuthNPolicySilo"],
        "msDS-AuthNPolicySiloEnforced": enforced,
        "msDS-AuthNPolicySiloMembers": [benoit],
    }
    return objects


def test_silos() -> None:
    snapshot = read(with_silo())
    assert [(silo.dn, silo.enforced) for silo in snapshot.silos] == [(SILO, True)]
    assert snapshot.silo_of == {sid(1201): SILO}
    assert labels("vuln_silo_priv", snapshot) == ["Administrateur"]
    assert labels("vuln_silo_priv", read(with_silo("FALSE"))) == ["Administrateur", "benoît"]


def test_a_forest_that_does_not_know_silos_is_judged_all_the_same() -> None:
    snapshot = read()
    assert "authentication silos" not in snapshot.unreadable
    assert labels("vuln_silo_priv", snapshot) == ["Administrateur", "benoît"]


def test_hidden_silos() -> None:
    assert "AuthN Policy" in unreadable("vuln_silo_priv", read(without(with_silo(), SILOS)))
    assert SILO in unreadable("vuln_silo_priv", read(without(with_silo(), SILO)))


# --- administrators of DNS --------------------------------------------------------------------------------------

RULES = "CCDCLCSWRPWPDTCRSDRCWDWO"


def dns(objects: Objects, *aces: str) -> Objects:
    raw = SecurityDescriptor(0x8004, owner="S-1-5-18", dacl=Acl(tuple(map(from_sddl, aces)))).to_bytes()
    objects[f"CN=MicrosoftDNS,{SYSTEM}"]["nTSecurityDescriptor"] = raw
    return objects


def team(objects: Objects, rid: int, name: str, *members: str) -> str:
    dn, facts = group(sid(rid), name, *members)
    safe = SecurityDescriptor(0x8004, owner=sid(512), dacl=Acl((from_sddl("(A;;GA;;;S-1-5-18)"),))).to_bytes()
    objects[dn] = {**facts, "nTSecurityDescriptor": safe, "objectGUID": GUID}
    return dn


def test_dns_admins_are_known_by_their_rights_whatever_they_are_called() -> None:
    objects = dns(world(), f"(A;CI;{RULES};;;{sid(1101)})", f"(A;CI;{RULES};;;{sid(1102)})", f"(A;;GA;;;{sid(512)})")
    benoit = next(dn for dn in objects if "benoît" in dn)
    team(objects, 1102, "Délégation DNS")
    team(objects, 1101, "Équipe réseau (ex-DnsAdmins)", benoit)
    (found,) = read(objects).dns_admins
    assert (found.sid, found.found_by) == (sid(1101), "its rights over CN=MicrosoftDNS")
    assert [(each.sid, each.label, each.group) for each in found.members] == [(sid(1201), "benoît", False)]


def test_the_name_decides_between_several_and_is_never_enough_to_hide() -> None:
    objects = dns(world(), f"(A;CI;{RULES};;;{sid(1101)})", f"(A;CI;{RULES};;;{sid(1103)})")
    team(objects, 1101, "Équipe réseau")
    team(objects, 1103, "DnsAdmins")
    assert [each.sid for each in read(objects).dns_admins] == [sid(1103)]
    # a decoy of that name, without rights: the group with the rights is judged as well
    decoy = dns(world(), f"(A;CI;{RULES};;;{sid(1101)})")
    team(decoy, 1101, "Équipe réseau")
    team(decoy, 1103, "DnsAdmins")
    assert [(each.sid, each.found_by) for each in read(decoy).dns_admins] == [
        (sid(1101), "its rights over CN=MicrosoftDNS"),
        (sid(1103), "its name"),
    ]


@pytest.mark.parametrize(
    "ace",
    [
        f"(A;CI;RPLCRC;;;{sid(1101)})",
        f"(A;CIIO;{RULES};;;{sid(1101)})",
        f"(D;CI;{RULES};;;{sid(1101)})",
        f"(OA;CI;CCWP;e0fa1e8c-9b45-11d0-afdd-00c04fd930c9;;{sid(1101)})",
        f"(A;CI;{RULES};;;{sid(512)})",
        f"(A;CI;{RULES};;;S-1-5-21-9-9-9-1101)",
    ],
)
def test_lesser_rights_make_nobody_an_administrator_of_dns(ace: str) -> None:
    objects = dns(world(), ace)
    team(objects, 1101, "Équipe réseau")
    assert read(objects).dns_admins == []


def test_an_account_or_an_unknown_sid_with_the_rights_is_no_group() -> None:
    objects = dns(world(), f"(A;CI;{RULES};;;{sid(1201)})", f"(A;CI;{RULES};;;{sid(4444)})")
    assert read(objects).dns_admins == []


def test_foreign_members_are_named_by_their_sid() -> None:
    objects = dns(world(), f"(A;CI;{RULES};;;{sid(1101)})")
    stranger = f"CN=S-1-5-21-7-7-7-1104,{FOREIGN}"
    team(objects, 1101, "Équipe réseau", stranger)
    (found,) = read(objects).dns_admins
    assert [each.sid for each in found.members] == ["S-1-5-21-7-7-7-1104"]


def test_groups_of_the_compatible_access_are_told_from_accounts() -> None:
    objects = world()
    dn, facts = account(1310, "CA1$", 805306369)
    objects[dn] = facts
    objects[f"CN=Accès compatible pré-Windows 2000,CN=Users,{BASE}"]["member"].append(dn)
    compatible = read(objects).pre_windows_2000
    assert compatible is not None
    assert [(each.sid, each.label) for each in compatible.members] == [
        ("S-1-5-11", "Authenticated Users"),
        (sid(1310), "CA1$"),
    ]
    assert sids.domain_of(compatible.members[1].sid or "") == DOMAIN


def test_a_well_known_principal_of_the_configuration_is_known_by_its_sid() -> None:
    """Samba lets a group name CN=Anonymous Logon itself, which no search below the domain shows."""
    objects = world()
    anonymous = f"CN=Anonymous Logon,CN=WellKnown Security Principals,{CONFIG}"
    objects[anonymous] = {"objectClass": ["top", "foreignSecurityPrincipal"], "objectSid": sids.to_bytes("S-1-5-7")}
    del objects[f"CN=S-1-5-11,{FOREIGN}"]
    objects[f"CN=Accès compatible pré-Windows 2000,CN=Users,{BASE}"]["member"].append(anonymous)
    snapshot = read(objects)
    assert labels("vuln_compatible_2000_anonymous", snapshot) == ["Anonymous Logon"]
    assert labels("vuln_compatible_2000_not_default", snapshot) == []
