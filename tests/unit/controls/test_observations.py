"""ANSSI's warnings and information points: seen where they are, absent where not, never silent."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import observations
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from controls.domain import BASE, DC1, KRBTGT, RID_500, computer, domain, group, sid, user

OLD = "2022-01-01T00:00:00+00:00"
LISTED = catalogue.for_audit()["observations"]
THRESHOLDS = catalogue.for_audit()["thresholds"]
PC = computer(2001, "PC1$")
SERVICE = user(1201, "svc-sql", spns=["MSSQLSvc/sql1:1433"], flags=uac.DONT_EXPIRE_PASSWORD, encryption_types=0x18)
PSO = {
    "dn": f"CN=Longue,CN=Password Settings Container,CN=System,{BASE}",
    "guid": "1",
    "precedence": 1,
    "minimum_length": 40,
    "maximum_age_days": 365.0,
    "changed": "2026-01-01T00:00:00+00:00",
    "applies_to": [SERVICE["dn"]],
}


def made(**facts: Any) -> Snapshot:
    return domain(**{"thresholds": THRESHOLDS, **facts})


def seen(id_: str, snapshot: Snapshot) -> dict[str, Any]:
    (one,) = observations.observe(snapshot, {id_: LISTED[id_]})
    assert one["id"] == id_
    return one


def secured(role: str, aces: list[sd.Ace], *, control: int = 0, **facts: Any) -> dict[str, Any]:
    label = "Urgences"
    raw = sd.SecurityDescriptor(
        owner=sid(512), group=sid(512), dacl=sd.Acl(tuple(aces)), control=control | 0x8004
    ).to_bytes()
    return {
        "dn": f"OU={label},{BASE}",
        "guid": "00112233-4455-6677-8899-aabbccddeeff",
        "role": role,
        "label": label,
        "descriptor": base64.b64encode(raw).decode(),
        **facts,
    }


def allow(trustee: str, mask: int, flags: int = 0) -> sd.Ace:
    return sd.Ace.build(0, flags, mask, trustee)


READABLE = allow("S-1-5-11", 0x20094)
OU_BLOCKED = secured("ou", [READABLE], control=sd.DACL_PROTECTED)
OU_PLAIN = secured("ou", [READABLE])
LOCKED = user(1301, "ancien", flags=uac.ACCOUNTDISABLE)
KEYED = user(1302, "admin.un")

CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("info_user_accounts_dormant", {"accounts": [user(1, "parti", pwd_last_set=OLD, last_logon=OLD)]}, {}, ["parti"]),
    ("warning_dont_expire", {"accounts": [user(1, "jamais", flags=uac.DONT_EXPIRE_PASSWORD)]}, {}, ["jamais"]),
    ("warning_password_change", {"accounts": [user(1, "vieux", pwd_last_set=OLD)]}, {}, ["vieux"]),
    ("warning_reversible_password", {"accounts": [user(1, "r", flags=uac.ENCRYPTED_TEXT_PWD_ALLOWED)]}, {}, ["r"]),
    (
        "warning_rid500",
        {"builtin": [RID_500 | {"last_logon": "2026-11-01T00:00:00+00:00"}, KRBTGT, DC1]},
        {"builtin": [RID_500 | {"last_logon": "2026-10-01T00:00:00+00:00"}, KRBTGT, DC1]},
        ["Administrateur"],
    ),
    ("warning_admincount", {"accounts": [user(1, "marque", admin_count=1)]}, {}, ["marque"]),
    ("warning_admincount_0", {"accounts": [user(1, "zero", admin_count=0)]}, {}, ["zero"]),
    (
        "info_keycredentiallink_priv",
        {"accounts": [KEYED], "admins": [KEYED], "observed": {"keys": [KEYED["sid"]]}},
        {"accounts": [KEYED], "observed": {"keys": [KEYED["sid"]]}},
        ["admin.un"],
    ),
    ("info_keycredentiallink_dc", {"observed": {"keys": [DC1["sid"]]}}, {}, ["DC1$"]),
    (
        "info_keycredentiallink_silo",
        {"accounts": [PC], "silo_of": {PC["sid"]: "CN=s"}, "observed": {"keys": [PC["sid"]]}},
        {"accounts": [PC], "observed": {"keys": [PC["sid"]]}},
        ["PC1$"],
    ),
    (
        "warning_logonscript_priv",
        {"accounts": [KEYED], "admins": [KEYED], "observed": {"scripts": {KEYED["sid"]: "x.bat"}}},
        {"accounts": [KEYED], "observed": {"scripts": {KEYED["sid"]: "x.bat"}}},
        ["admin.un"],
    ),
    (
        "warning_privileged_members_expired_disabled",
        {"accounts": [LOCKED, KEYED], "admins": [LOCKED, KEYED], "observed": {"expired": [KEYED["sid"]]}},
        {"accounts": [LOCKED, KEYED], "admins": [KEYED]},
        ["admin.un", "ancien"],
    ),
    (
        "warning_privileged_members_foreign",
        {"admins": ["CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals," + BASE]},
        {},
        ["S-1-5-21-1-2-3-1104"],
    ),
    (
        "warning_privileged_members_no_adminsdholder",
        {"accounts": [KEYED], "admins": [KEYED], "builtin": [RID_500 | {"admin_count": 1}, KRBTGT, DC1]},
        {"builtin": [RID_500 | {"admin_count": 1}, KRBTGT, DC1]},
        ["admin.un"],
    ),
    (
        "warning_privileged_members_not_empty",
        {"groups": [group("S-1-5-32-548", "Opérateurs de compte", RID_500)]},
        {"groups": [group("S-1-5-32-548", "Opérateurs de compte")]},
        ["Opérateurs de compte"],
    ),
    (
        "warning_spn_priv",
        {"accounts": [SERVICE | {"uac": uac.NORMAL_ACCOUNT}], "admins": [SERVICE], "psos": [PSO]},
        {"accounts": [SERVICE], "admins": [SERVICE]},
        ["svc-sql"],
    ),
    (
        "info_gpo",
        {"observed": {"policies": [{"dn": "CN=a", "label": "Postes", "changed": OLD}]}},
        {},
        ["Postes"],
    ),
    ("info_password_policy_pso", {"psos": [PSO]}, {}, ["Longue"]),
    ("warning_password_policy_pso_missing", {"unreadable": {"password settings objects": "hidden"}}, {}, ["hidden"]),
    ("info_laps", {"accounts": [PC], "observed": {"laps": [PC["sid"]]}}, {}, ["chu-valmont.test"]),
    (
        "info_laps_missing",
        {"accounts": [PC]},
        {"accounts": [PC], "observed": {"laps": [PC["sid"]]}},
        ["chu-valmont.test"],
    ),
    (
        "warning_trusts_tgt_deleg",
        {"trusts": [{"dn": "CN=p", "guid": "g", "partner": "p.test", "direction": 1, "type": 2, "attributes": 0x800}]},
        {"trusts": [{"dn": "CN=p", "guid": "g", "partner": "p.test", "direction": 1, "type": 2, "attributes": 0}]},
        ["p.test"],
    ),
    (
        "warning_dnszone_duplicated_zones",
        {"dns_zones": [{"dn": f"DC=z,{p}", "guid": "g", "name": "z.test", "partition": p} for p in ("DC=a", "DC=b")]},
        {"dns_zones": [{"dn": "DC=z", "guid": "g", "name": "z.test", "partition": "DC=a"}]},
        ["z.test"],
    ),
    ("warning_tool_version", {"collector": "3.5.100"}, {"collector": "3.6.0.220"}, ["3.5.100"]),
    ("info_sd", {"secured": [secured("ou", [allow("S-1-5-7", 0x10)])]}, {"secured": [OU_PLAIN]}, ["Urgences"]),
    (
        "warning_sd_anonymous_control",
        {"secured": [secured("ou", [allow("S-1-5-7", 0x40000)])]},
        {"secured": [secured("ou", [allow("S-1-5-7", 0x10)])]},
        ["Urgences"],
    ),
    (
        "warning_sd_deny_read",
        {"secured": [secured("ou", [sd.Ace.build(1, 0, 0x10, "S-1-1-0"), READABLE])]},
        {"secured": [secured("ou", [sd.Ace.build(1, 0, 0x10040, "S-1-1-0"), READABLE])]},  # as Windows protects it
        ["Urgences"],
    ),
    (
        "warning_sd_generic_perm",
        {"secured": [secured("ou", [allow(sid(512), 0x10000000)])]},
        {"secured": [secured("ou", [allow(sid(512), 0x10000000, sd.CONTAINER_INHERIT | sd.INHERIT_ONLY)])]},
        ["Urgences"],
    ),
    (
        "warning_sd_unknown_sid",
        {"secured": [secured("ou", [allow(sid(9999), 0x10)])]},
        {"secured": [secured("ou", [allow(RID_500["sid"], 0x10)])]},
        ["Urgences"],
    ),
    ("info_sd_protected_ou", {"secured": [OU_BLOCKED]}, {"secured": [OU_PLAIN]}, ["Urgences"]),
    (
        "info_sd_missing_au_lc",
        {"secured": [secured("ou", [allow(sid(512), 0x20094)])]},
        {"secured": [OU_PLAIN]},
        ["Urgences"],
    ),
    (
        "warning_sd_adminsdholder_protec",
        {"secured": [secured("adminsdholder", [READABLE])]},
        {"secured": [secured("adminsdholder", [READABLE], control=sd.DACL_PROTECTED)]},
        ["Urgences"],
    ),
]


@pytest.mark.parametrize(("id_", "wrong", "right", "labels"), CASES, ids=[case[0] for case in CASES])
def test_observed_where_it_is_and_nothing_where_it_is_not(
    id_: str, wrong: dict[str, Any], right: dict[str, Any], labels: list[str]
) -> None:
    one = seen(id_, made(**wrong))
    assert one["state"] == "observed", one
    assert sorted(each["label"] for each in one["objects"]) == labels
    assert one["count"] == len(labels)
    assert seen(id_, made(**right))["state"] == "nothing"


def test_an_object_without_descriptor() -> None:
    shown = [each | {"descriptor": OU_PLAIN["descriptor"]} for each in (RID_500, KRBTGT, DC1)]
    hidden = made(builtin=shown, secured=[OU_PLAIN | {"descriptor": None}])
    assert seen("warning_sd_failed_sd_read", hidden)["count"] == 1
    assert seen("warning_sd_failed_sd_read", made(builtin=shown))["state"] == "nothing"


def test_every_function_has_its_case_and_its_entry() -> None:
    assert set(observations.OBSERVERS) <= set(LISTED)
    assert {case[0] for case in CASES} | {"warning_sd_failed_sd_read"} == set(observations.OBSERVERS)
    without = {id_ for id_, reason in LISTED.items() if reason is None} - set(observations.OBSERVERS)
    assert not without, "neither examined nor said why not"
    both = {id_ for id_, reason in LISTED.items() if reason is not None} & set(observations.OBSERVERS)
    assert both == {"warning_tool_version"}  # of a dump only


def test_all_fifty_are_listed_with_a_reason_where_not_examined() -> None:
    made_all = observations.observe(made(), LISTED)
    assert len(made_all) == 50
    for one in made_all:
        assert (one["state"] in ("unreadable", "not_examined")) == bool(one["reason"]), one


def test_what_cannot_be_read_is_never_nothing() -> None:
    hidden = made(unreadable={"logon scripts": "scriptPath is not readable"})
    assert seen("warning_logonscript_priv", hidden)["state"] == "unreadable"


def test_long_lists_are_counted_whole_and_shown_in_part() -> None:
    many = [user(3000 + n, f"u{n}", flags=uac.DONT_EXPIRE_PASSWORD) for n in range(80)]
    one = seen("warning_dont_expire", made(accounts=many))
    assert (one["count"], len(one["objects"])) == (80, observations.LISTED)


def test_a_live_directory_has_no_collector() -> None:
    one = seen("warning_tool_version", made())
    assert (one["state"], one["reason"]) == ("not_examined", LISTED["warning_tool_version"])
    assert seen("warning_tool_version", made(collector=""))["state"] == "observed"
