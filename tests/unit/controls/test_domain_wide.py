# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controls of the whole domain: levels, policies, preparation, SYSVOL, menus of the consoles, essential objects."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls.vuln_display_specifier import in_sysvol
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.display_specifiers import program_of
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Acl,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

from controls.domain import BASE, DOMAIN, domain, group, labels, outcome, sid, unreadable, user

GOOD: dict[str, Any] = {
    "domain_level": 7,
    "forest_level": 7,
    "password_properties": 1,
    "minimum_length": 12,
    "maximum_age_days": 365.0,
    "expire_smartcard_passwords": True,
    "domain_revision": 16,
    "forest_revision": 16,
    "migration": 48,
}


def world(**facts: Any) -> Snapshot:
    """A domain whose settings are good but for those that are given; ``snapshot`` facts by their own name."""
    known = {*GOOD, "frs_members", "domain_names"}
    settings = {name: facts.pop(name) for name in list(facts) if name in known}
    return domain(facts.pop("accounts", ()), settings=GOOD | settings, **facts)


# --- functional level -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forest", "level"),
    [(0, 1), (2, 1), (3, 1), (4, 3), (5, 3), (6, 4), (7, None), (10, None)],
)
def test_functional_level(forest: int, level: int | None) -> None:
    result = outcome("vuln_functional_level", world(forest_level=forest))
    assert result.state == "evaluated"
    assert [found.level for found in result.found] == ([] if level is None else [level])
    for found in result.found:
        assert (found.type, found.id, found.evidence["forest_level"]) == ("domain", "chu-valmont.test", forest)


def test_functional_level_unreadable() -> None:
    assert "Partitions" in unreadable(
        "vuln_functional_level", world(forest_level=None, unreadable={"functional levels": "CN=Partitions hidden"})
    )


# --- password policies ------------------------------------------------------------------------------------------

CHIEF = user(1201, "adm.chef")
WEAK = "vuln_privileged_members_password"


@pytest.mark.parametrize(
    ("length", "days", "weak"),
    [
        pytest.param(8, 1096.0, False, id="just enough"),
        pytest.param(7, 365.0, True, id="short"),
        pytest.param(0, 365.0, True, id="none"),
        pytest.param(14, 1097.0, True, id="four years"),
        pytest.param(14, None, True, id="never expires"),
    ],
)
def test_domain_policy_for_privileged_accounts(length: int, days: float | None, weak: bool) -> None:
    snapshot = world(accounts=[CHIEF], admins=[CHIEF], minimum_length=length, maximum_age_days=days)
    result = outcome(WEAK, snapshot)
    assert result.state == "evaluated", result.reason
    assert [found.type for found in result.found] == (["domain"] if weak else [])
    if weak:
        assert result.found[0].evidence["accounts"] == 2  # the built-in account too
        assert "adm.chef" in result.found[0].evidence["examples"]


def pso(guid: str, *targets: str, length: int = 16, age: float | None = 365.0, precedence: int = 10) -> dict[str, Any]:
    return {
        "dn": f"CN=PSO {guid},CN=Password Settings Container,CN=System,{BASE}",
        "guid": guid,
        "precedence": precedence,
        "minimum_length": length,
        "maximum_age_days": age,
        "changed": "2025-01-01T00:00:00+00:00",
        "applies_to": targets,
    }


def test_a_password_settings_object_replaces_the_domain_policy() -> None:
    admins = f"CN=Admins du domaine,CN=Users,{BASE}"
    strong = world(accounts=[CHIEF], admins=[CHIEF], minimum_length=4, psos=[pso("a", admins)])
    assert labels(WEAK, strong) == []
    weak = world(accounts=[CHIEF], admins=[CHIEF], psos=[pso("a", admins), pso("b", CHIEF["dn"], length=6)])
    (found,) = outcome(WEAK, weak).found
    assert (found.type, found.id, found.evidence["examples"]) == ("setting", "b", ["adm.chef"])


def test_a_weak_policy_that_holds_for_nobody_privileged_is_left() -> None:
    nurse = user(1301, "infirmière")
    assert labels(WEAK, world(accounts=[nurse], psos=[pso("a", nurse["dn"], length=4)])) == []


def test_unreadable_password_settings_are_never_credited() -> None:
    snapshot = world(minimum_length=4, unreadable={"password settings objects": "hidden"})
    result = outcome(WEAK, snapshot)
    assert result.state == "unreadable"
    assert len(result.found) == 1
    assert "minPwdLength" in unreadable(WEAK, world(unreadable={"domain password policy": "minPwdLength hidden"}))


REVERSIBLE = "vuln_reversible_password_priv_namingcontext"


@pytest.mark.parametrize(("properties", "count"), [(0, 0), (1, 0), (15, 0), (16, 1), (17, 1), (-1, 1)])
def test_reversible_passwords_of_the_domain(properties: int, count: int) -> None:
    assert len(labels(REVERSIBLE, world(password_properties=properties))) == count


def test_reversible_passwords_unreadable() -> None:
    assert unreadable(REVERSIBLE, world(password_properties=None, unreadable={"domain password policy": "x"})) == "x"


SMARTCARD = "vuln_smartcard_expire_passwords"


@pytest.mark.parametrize(("value", "count"), [(True, 0), (False, 1), (None, 1)])
def test_smartcard_secrets(value: bool | None, count: int) -> None:
    assert len(labels(SMARTCARD, world(expire_smartcard_passwords=value))) == count


def test_smartcard_secrets_say_when_the_level_does_not_allow_it() -> None:
    (found,) = outcome(SMARTCARD, world(expire_smartcard_passwords=None, domain_level=6)).found
    assert (found.evidence["possible"], "2016" in found.wording) == (False, True)
    result = outcome(SMARTCARD, world(expire_smartcard_passwords=None, unreadable={"domain password policy": "x"}))
    assert (result.state, result.found) == ("unreadable", [])


# --- preparation ------------------------------------------------------------------------------------------------

ADPREP = "vuln_adupdate_bad"
KEY_LINK = "5b47d60f-6090-40b2-9f37-2a4de88f3063"


def head(*aces: str) -> list[dict[str, Any]]:
    descriptor = SecurityDescriptor(0x8004, dacl=Acl(tuple(map(from_sddl, aces))))
    raw = descriptor.to_bytes()
    return [{"dn": BASE, "guid": "2c1b7c1e-0000-1111-2222-000000000000", "role": "domain", "descriptor": raw}]


GOOD_HEAD = head(
    f"(OA;CI;RPWP;{KEY_LINK};;{DOMAIN}-526)", f"(OA;CI;RPWP;{KEY_LINK};;{DOMAIN}-527)", f"(A;;GA;;;{DOMAIN}-512)"
)


@pytest.mark.parametrize(("revision", "count"), [(9, 0), (15, 1), (16, 0), (17, 0), (None, 0)])
def test_revision_of_the_preparation(revision: int | None, count: int) -> None:
    snapshot = world(domain_revision=revision, naming_contexts=GOOD_HEAD)
    assert [each.type for each in outcome(ADPREP, snapshot).found] == ["domain"] * count


@pytest.mark.parametrize(
    ("ace", "found"),
    [
        (f"(A;CI;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;{DOMAIN}-527)", True),
        (f"(A;CIIO;GA;;;{DOMAIN}-526)", True),
        (f"(A;CI;WP;;;{DOMAIN}-526)", True),
        (f"(OA;CI;RPWP;bf9679c0-0de6-11d0-a285-00aa003049e2;;{DOMAIN}-526)", True),
        (f"(OA;CI;RPWPCR;{KEY_LINK};;{DOMAIN}-526)", True),
        (f"(A;;RPLCRC;;;{DOMAIN}-526)", False),
        (f"(D;CI;WP;;;{DOMAIN}-526)", False),
        ("(A;CI;GA;;;S-1-5-21-9-9-9-526)", False),  # of a domain that is not this forest's root
        (f"(A;CI;GA;;;{DOMAIN}-519)", False),
    ],
)
def test_what_the_faulty_preparation_granted(ace: str, found: bool) -> None:
    result = outcome(ADPREP, world(naming_contexts=head(ace)))
    assert [each.type for each in result.found] == (["ace"] if found else [])
    if found:
        assert result.found[0].evidence["ace"] == ace or "GA" in ace
        assert result.found[0].evidence["object_guid"] == "2c1b7c1e-0000-1111-2222-000000000000"


def test_preparation_unreadable() -> None:
    part = {"revision of the domain's preparation": "revision hidden"}
    assert "revision hidden" in unreadable(ADPREP, world(domain_revision=None, unreadable=part))


# --- SYSVOL -----------------------------------------------------------------------------------------------------

FRS = "vuln_sysvol_ntfrs"


@pytest.mark.parametrize(
    ("migration", "members", "state"),
    [(None, 2, "start"), (0, 2, "start"), (16, 2, "prepared"), (32, 2, "redirected"), (48, 2, None), (0, 0, None)],
)
def test_sysvol(migration: int | None, members: int, state: str | None) -> None:
    result = outcome(FRS, world(migration=migration, frs_members=members))
    assert result.state == "evaluated"
    assert [found.evidence["migration_state"] for found in result.found] == ([] if state is None else [state])


def test_sysvol_unreadable() -> None:
    assert unreadable(FRS, world(migration=None, unreadable={"replication of SYSVOL": "hidden"})) == "hidden"


# --- menus of the consoles --------------------------------------------------------------------------------------

MENUS = "vuln_display_specifier"


def menu(value: str, name: str = "user-Display") -> dict[str, Any]:
    program = program_of(value)
    assert program is not None
    return {
        "dn": f"CN={name},CN=40C,CN=DisplaySpecifiers,CN=Configuration,{BASE}",
        "guid": "2c1b7c1e-0000-1111-2222-000000000001",
        "attribute": "adminContextMenu",
        "value": value,
        "program": program,
    }


@pytest.mark.parametrize(
    ("value", "program"),
    [
        ("1,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6}", None),
        ("2,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6},paramètres", None),
        ("{E62F8206-B71C-11D1-808D-00A024C48131}", None),
        (r"5,&Dépanner,\\srv1\outils\aide.exe", r"\\srv1\outils\aide.exe"),
        (r"5,&Dépanner,C:\a, b\aide.vbs", r"C:\a, b\aide.vbs"),
        (r'5,&Dépanner,"\\srv1\x y.exe"', r"\\srv1\x y.exe"),
        ("calc.exe", "calc.exe"),
    ],
)
def test_program_of_a_menu(value: str, program: str | None) -> None:
    assert program_of(value) == program


@pytest.mark.parametrize(
    ("program", "inside"),
    [
        (r"\\chu-valmont.test\SYSVOL\chu-valmont.test\scripts\aide.vbs", True),
        (r"\\CHU-VALMONT.test\netlogon\aide.vbs", True),
        (r"\\dc1\sysvol\chu-valmont.test\scripts\aide.vbs", True),
        (r"\\dc1.chu-valmont.test/sysvol/aide.vbs", True),
        (r"\\autre.chu-valmont.test\sysvol\aide.vbs", True),  # another domain of the forest
        (r"\\srv1\sysvol\aide.vbs", False),
        (r"\\chu-valmont.test\SYSVOL\..\..\temp\aide.vbs", False),
        (r"\\chu-valmont.test\partage\aide.vbs", False),
        (r"\\chu-valmont.test\SYSVOL", False),
        (r"C:\Windows\SYSVOL\aide.vbs", False),
        (r"chu-valmont.test\sysvol\aide.vbs", False),
        ("aide.vbs", False),
        ("https://chu-valmont.test/sysvol/aide.vbs", False),
        ("", False),
    ],
)
def test_a_path_below_sysvol(program: str, inside: bool) -> None:
    servers = frozenset({"chu-valmont.test", "autre.chu-valmont.test", "dc1", "dc1.chu-valmont.test"})
    assert in_sysvol(program, servers) is inside
    value = f"5,&Aide,{program or ' '}"
    snapshot = world(menu_entries=[menu(value)], domain_names=["chu-valmont.test", "autre.chu-valmont.test"])
    result = outcome(MENUS, snapshot)
    assert bool(result.found) is not inside
    if result.found:
        assert (result.found[0].evidence["value"], result.found[0].level) == (value, 1)


def test_the_program_that_windows_brings_along_is_none() -> None:
    default = menu("0,&Gérer...,RsAdmin.msc", "remoteStorageServicePoint-Display")
    assert labels(MENUS, world(menu_entries=[default])) == []
    assert len(labels(MENUS, world(menu_entries=[menu("0,&Gérer...,RsAdmin.msc")]))) == 1


def test_menus_unreadable() -> None:
    assert unreadable(MENUS, world(unreadable={"display specifiers": "hidden"})) == "hidden"


# --- essential objects ------------------------------------------------------------------------------------------

CRITICAL = "vuln_critical_objects"


def test_critical_objects() -> None:
    seen = [{"identity": sid(502), "name": "krbtgt", "visible": True}]
    hidden = [{"identity": sid(512), "name": "Domain Admins", "visible": False}]
    snapshot = world(critical_objects=seen + hidden, root_domain_sid=DOMAIN)
    (found,) = outcome(CRITICAL, snapshot).found
    assert (found.id, found.type, found.level) == (sid(512), "object", 1)
    assert outcome(CRITICAL, snapshot).reason is None
    assert labels(CRITICAL, world(critical_objects=seen, root_domain_sid=DOMAIN)) == []


def test_critical_objects_of_another_domain_are_said_to_be() -> None:
    seen = [{"identity": sid(502), "name": "krbtgt", "visible": True}]
    assert "root domain" in (outcome(CRITICAL, world(critical_objects=seen)).reason or "")
    assert "not looked for" in unreadable(CRITICAL, world())


def test_only_a_global_group_carries_password_settings() -> None:
    """MS-ADTS 3.1.1.4.5.36: one that names a built-in, domain local or universal group holds for nobody."""
    for kind, credited in ((0x80000002, True), (0x80000004, False), (0x80000008, False)):
        team = {**group(sid(1401), "Équipe", CHIEF), "type": kind}
        snapshot = world(
            accounts=[CHIEF], admins=[CHIEF], groups=[team], minimum_length=4, psos=[pso("a", team["dn"])]
        )
        (found,) = outcome(WEAK, snapshot).found
        assert ("adm.chef" not in found.evidence["examples"]) is credited
    builtin = world(accounts=[CHIEF], admins=[CHIEF], psos=[pso("a", f"CN=Administrateurs,CN=Users,{BASE}", length=4)])
    assert labels(WEAK, builtin) == []
