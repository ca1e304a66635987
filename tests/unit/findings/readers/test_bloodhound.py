"""A BloodHound collection gives what the live audit would say of the same domain, and never an entry to remove."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import ways
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import bloodhound, jsonstream
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.bloodhound import (
    BloodHoundPart,
    BloodHoundReader,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.bloodhound_domain import sid_of
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import Report, open_report
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, WEAKNESS, Record

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "reports" / "bloodhound"
S = "S-1-5-21-1004336348-1177238915-682003330"
D = "DC=X,DC=TEST"
ADMINS, USERS = f"{S}-512", f"{S}-513"
Objects = dict[str, list[Any]]


def ace(trustee: str, right: str, *, inherited: bool = False) -> dict[str, Any]:
    return {"PrincipalSID": trustee, "PrincipalType": "User", "RightName": right, "IsInherited": inherited}


def thing(identifier: str, name: str, dn: str, *aces: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"name": f"{name}@X.TEST", "domainsid": S, "distinguishedname": dn} | more.pop("properties", {})
    return {
        "ObjectIdentifier": identifier,
        "Properties": properties,
        "Aces": [ace(ADMINS, "Owns"), *aces],
        "IsDeleted": False,
        "IsACLProtected": False,
    } | more


def user(rid: int, name: str, *aces: dict[str, Any], ou: str = "CN=USERS", **properties: Any) -> dict[str, Any]:
    shown = {"enabled": True, "samaccountname": name, "hasspn": False, "pwdneverexpires": False} | properties
    one = thing(f"{S}-{rid}", name, f"CN={name},{ou},{D}", *aces, properties=shown)
    return one | {"PrimaryGroupSID": USERS}


def computer(rid: int, name: str, *aces: dict[str, Any], controller: bool = False, **more: Any) -> dict[str, Any]:
    shown = {"enabled": True, "samaccountname": f"{name}$", "unconstraineddelegation": controller}
    one = thing(f"{S}-{rid}", name, f"CN={name},OU=SERVERS,{D}", *aces, properties=shown | more.pop("properties", {}))
    return one | {"PrimaryGroupSID": f"{S}-516" if controller else f"{S}-515", "IsDC": controller} | more


def group(sid: str, name: str, members: list[str], *aces: dict[str, Any], protected: bool = False) -> dict[str, Any]:
    one = thing(sid, name, f"CN={name},CN=USERS,{D}", *aces, Members=[{"ObjectIdentifier": each} for each in members])
    return one | {"IsACLProtected": protected}


def unit(number: int, name: str, *aces: dict[str, Any], **more: Any) -> dict[str, Any]:
    return thing(f"00000000-0000-4000-8000-{number:012}", name, f"OU={name},{D}", *aces, **more)


def whole(**more: list[Any]) -> Objects:
    """A domain with one administrator; AdminSDHolder is in the collection."""
    holder = thing(
        "00000000-0000-4000-8000-000000000999", "ADMINSDHOLDER", f"CN=ADMINSDHOLDER,CN=SYSTEM,{D}", IsACLProtected=True
    )
    base: Objects = {
        "domains": [thing(S, "X.TEST", D, Links=[])],
        "gpos": [],
        "ous": [],
        "containers": [holder],
        "groups": [group(ADMINS, "ADMINS", [f"{S}-500"], protected=True)],
        "users": [user(500, "ADMINISTRATEUR")],
        "computers": [],
    }
    return {kind: [*base[kind], *more.get(kind, [])] for kind in base}


def opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def files(objects: Objects, *, version: Any = 6, when: str = "20261121083000_") -> dict[str, bytes]:
    return {
        f"{when}{kind}.json": json.dumps(
            {"data": listed, "meta": {"methods": 7, "type": kind, "count": len(listed), "version": version}}
        ).encode()
        for kind, listed in objects.items()
    }


def parse(objects: Objects, **options: Any) -> tuple[BloodHoundReader, list[Record]]:
    reader = BloodHoundReader()
    members = {name: opener(data) for name, data in files(objects, **options).items()}
    return reader, list(reader.records(members))


def hops(way: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(hop["from"], hop["how"], hop["to"]) for hop in way]


def of(records: list[Record], control: str) -> list[Record]:
    return [record for record in records if record.facts.get("control") == control]


def read(name: str) -> tuple[Report, list[Record]]:
    report = open_report(FIXTURES / f"{name}.zip")
    records = list(report.records())
    assert report.type == "bloodhound"
    return report, records


# --- the fixtures


def test_empty() -> None:
    report, records = read("empty")
    assert records == [] and report.skipped.count == 0 and report.info["covers"] == []


def test_one() -> None:
    report, records = read("one")
    host, found = records
    assert (host.kind, found.kind) == (HOST, WEAKNESS)
    assert found.asset is not None and found.asset.domain
    assert found.asset.sids == [S] and found.asset.typed_names == ["chu-valmont.test"]
    assert (found.rule, found.grade, found.facts["level"]) == ("path/domain-head", "critical", 1)
    assert found.facts["control"] == "vuln_permissions_naming_context"
    assert found.facts["rights"] == ["WriteDacl"] and found.facts["trustee_sid"] == f"{S}-1105"
    assert report.info["generated"] == "2026-11-21T08:30:00Z" and report.info["closes"]


def test_many_is_a_real_collection_and_says_what_the_live_audit_of_that_domain_said() -> None:
    """bloodhound-ce-python collected the lab's domain; the live audit gave these figures at that moment."""
    report, records = read("many")
    assert report.skipped.count == 0
    assert Counter(record.facts["control"] for record in records if record.kind == WEAKNESS) == {
        "vuln_delegation_a2d2": 1,
        "vuln_delegation_sourcedeleg": 1,
        "vuln_delegation_t2a4d": 1,
        "vuln_delegation_t4d": 3,
        "vuln_dont_expire": 1,  # a figure, for a person: the threshold is not the collector's
        "vuln_dont_expire_priv": 7,
        "vuln_guest": 1,
        "vuln_kerberos_properties_preauth": 9,
        "vuln_kerberos_properties_preauth_priv": 2,
        "vuln_permissions_adminsdholder": 1,
        "vuln_permissions_dc": 1,
        "vuln_permissions_gpo_container_priv": 1,
        "vuln_permissions_gpo_priv": 1,
        "vuln_permissions_naming_context": 2,
        "vuln_privileged_members_no_admincount": 1,
        "vuln_privileged_members_perm": 2,
        "vuln_protected_users": 59,
        "vuln_sidhistory_present": 2,
        "vuln_spn_priv": 2,
    }
    (figure,) = of(records, "vuln_dont_expire")
    assert figure.facts["population"] == "differs" and (figure.facts["count"], figure.facts["of"]) == (67, 304)
    perm = of(records, "vuln_privileged_members_perm")
    by_member = [record for record in perm if record.facts["rights"] != ["Owner"]]
    assert hops(by_member[0].facts["path"]) == [
        ("svc-annuaire-tél", "AddMember", "GG Gestion d'identités"),
        ("GG Gestion d'identités", "GenericWrite", "adm-ludivine.daulnay"),
    ]
    assert by_member[0].facts["principals_total"] == 31
    # this collector does not show these two flags: nothing was looked for, and nothing is cleared
    assert not {"vuln_kerberos_properties_deskey", "vuln_reversible_password_priv_uac"} & {*report.info["judged"]}
    assert "vuln_guest" in report.info["covers"]
    assert not [control for control in report.info["covers"] if "perm" in control]


def test_no_record_carries_an_entry_to_remove() -> None:
    _report, records = read("many")
    assert not any(record.facts.get("ace") or record.facts.get("raw") for record in records)
    steps = [hop for record in records for hop in record.facts.get("path") or []]
    assert steps and all(hop["ace"] is None for hop in steps)


def test_paths_are_what_pages_draw() -> None:
    _report, records = read("many")
    drawn = [ways.ways(record.facts) for record in records if "path" in record.facts]
    assert drawn and all(drawn)


def test_hostile() -> None:
    report, records = read("hostile")
    assert report.skipped.count == 6
    assert all(entry["place"] and entry["reason"] for entry in report.skipped.first)
    labels = [record.object["label"] for record in of(records, "vuln_kerberos_properties_preauth") if record.object]
    assert labels == ["{{ lookup('pipe','id') }}", "<script>alert(1)</script>"]
    assert report.info["closes"] is False and report.info["covers"] == []
    assert any("PartyTime (1)" in note for note in report.notes)
    assert any("deleted objects, not judged: 1" in note for note in report.notes)


# --- rights


@pytest.mark.parametrize(
    ("kind", "edges", "control", "level"),
    [
        ("users", ["GenericAll"], "vuln_privileged_members_perm", 1),
        ("users", ["ForceChangePassword"], "vuln_privileged_members_perm", 1),
        ("users", ["AddKeyCredentialLink"], "vuln_privileged_members_perm", 1),
        ("users", ["WriteSPN"], "vuln_privileged_members_perm", 2),
        ("users", ["AllExtendedRights", "GenericWrite"], "vuln_privileged_members_perm", 1),
        ("users", ["ReadLAPSPassword"], None, None),
        ("users", ["Enroll"], None, None),
        ("groups", ["AddMember"], "vuln_privileged_members_perm", 1),
        ("groups", ["AddSelf"], "vuln_privileged_members_perm", 1),
        ("groups", ["WriteOwner"], "vuln_privileged_members_perm", 1),
        ("groups", ["Owns"], "vuln_privileged_members_perm", 1),
        ("groups", ["ForceChangePassword"], None, None),  # nothing that can be done to a group
        ("computers", ["AddAllowedToAct"], "vuln_permissions_dc", 1),
        ("computers", ["WriteAccountRestrictions"], "vuln_permissions_dc", 1),
        ("domains", ["GetChanges", "GetChangesAll"], "vuln_permissions_naming_context", 1),
        ("domains", ["GetChanges"], "vuln_permissions_naming_context", 2),
        ("domains", ["WriteDacl"], "vuln_permissions_naming_context", 1),
        ("containers", ["WriteDacl"], "vuln_permissions_adminsdholder", 1),
    ],
)
def test_each_edge_is_the_right_it_stands_for(kind: str, edges: list[str], control: str | None, level: Any) -> None:
    objects = whole(users=[user(1105, "svc-tiers")], computers=[computer(1000, "DC1", controller=True)])
    # as written last, so that a new owner counts
    objects[kind][0]["Aces"] += [ace(f"{S}-1105", edge) for edge in edges]
    _reader, records = parse(objects)
    found = [record for record in records if "trustee_sid" in record.facts]
    told = [(record.facts["control"], record.facts["level"]) for record in found]
    assert told == ([(control, level)] if control else [])


@pytest.mark.parametrize(
    "trustee",
    [ADMINS, "X.TEST-S-1-5-32-544", f"{S}-519", "S-1-5-18", "X.TEST-S-1-5-9", f"{S}-516", "X.TEST-S-1-5-32-548"],
)
def test_administrators_and_operators_may_hold_rights(trustee: str) -> None:
    objects = whole()
    objects["users"][0]["Aces"].append(ace(trustee, "GenericAll"))
    _reader, records = parse(objects)
    assert [record for record in records if "trustee_sid" in record.facts] == []


def test_everyone_is_named() -> None:
    objects = whole()
    objects["users"][0]["Aces"].append(ace("X.TEST-S-1-5-11", "GenericWrite"))
    (found,) = of(parse(objects)[1], "vuln_privileged_members_perm")
    assert found.facts["trustee_sid"] == "S-1-5-11" and found.facts["principals_total"] == 1


def test_a_path_through_groups_and_an_ou() -> None:
    """compte -> (member) HOTLINE -> (GenericAll) OU -> (hands down) svc-relais -> (AddMember) ADMINS."""
    objects = whole(
        ous=[unit(1, "COMPTES", ace(f"{S}-1200", "GenericAll"))],
        groups=[group(f"{S}-1200", "HOTLINE", [f"{S}-1300"])],
        users=[user(1300, "compte"), user(1400, "svc-relais", ou="OU=COMPTES")],
    )
    objects["groups"][0]["Aces"].append(ace(f"{S}-1400", "AddMember"))
    (found,) = of(parse(objects)[1], "vuln_privileged_members_perm")
    assert found.facts["trustee_sid"] == f"{S}-1400"
    assert found.facts["principals_total"] == 2
    assert sorted(found.facts["principals"]) == ["compte", "svc-relais"]
    assert [
        ("compte", "MemberOf", "HOTLINE"),
        ("HOTLINE", "GenericAll", "COMPTES"),
        ("COMPTES", "HandsDown", "svc-relais"),
        ("svc-relais", "AddMember", "ADMINS"),
    ] in [hops(way) for way in [found.facts["path"], *found.facts["paths"]]]


def test_an_inherited_right_is_told_once_where_it_is_set() -> None:
    helpdesk = f"{S}-1200"
    objects = whole(
        ous=[unit(1, "COMPTES", ace(helpdesk, "WriteDacl"))],
        users=[user(rid, f"a{rid}", ace(helpdesk, "WriteDacl", inherited=True), ou="OU=COMPTES") for rid in range(20)],
    )
    objects["groups"][0]["Members"] += [{"ObjectIdentifier": f"{S}-{rid}"} for rid in range(20)]
    objects["users"].append(user(1200, "helpdesk"))
    (found,) = of(parse(objects)[1], "vuln_privileged_members_perm")
    assert found.facts["object"] == f"OU=COMPTES,{D}" and found.facts["inherited"] is False
    assert found.object is not None and found.object["id"] == f"ou=comptes,{D.lower()}#{helpdesk}"


def test_an_inherited_right_whose_place_is_not_shown_is_told_once() -> None:
    """A right that only accounts inherit does not stand among the rights over the OU."""
    helpdesk = f"{S}-1200"
    given = ace(helpdesk, "ForceChangePassword", inherited=True)
    users = [user(rid, f"adm{rid}", given, ou="OU=COMPTES") for rid in range(20)]
    objects = whole(ous=[unit(1, "COMPTES")], users=users)
    objects["groups"][0]["Members"] += [{"ObjectIdentifier": f"{S}-{rid}"} for rid in range(20)]
    objects["users"].append(user(1200, "helpdesk"))
    (found,) = of(parse(objects)[1], "vuln_privileged_members_perm")
    assert found.facts["inherited"] is True and found.facts["reaches_total"] == 20
    assert len(found.facts["reaches"]) == 10
    assert "Where it is set is not in the collection" in found.wording


def test_without_adminsdholder_a_right_over_a_protected_object_is_for_a_person() -> None:
    objects = whole(users=[user(1105, "svc-tiers")])
    objects["groups"][0]["Aces"].append(ace(f"{S}-1105", "AddMember"))
    objects["containers"] = []
    reader, records = parse(objects)
    (found,) = of(records, "vuln_privileged_members_perm")
    assert found.facts["population"] == "differs"
    assert any("AdminSDHolder is not in the collection" in note for note in reader.notes)
    assert "vuln_permissions_adminsdholder" not in reader.info["judged"]


def test_policies_and_their_links() -> None:
    guid = "11111111-2222-4333-8444-555555555555"
    place = f"CN={{{guid}}},CN=POLICIES,CN=SYSTEM,{D}"
    policy = thing(guid.upper(), "POLITIQUE", place, ace(f"{S}-1105", "GenericWrite"))
    servers = unit(2, "SERVERS", Links=[{"GUID": guid.upper(), "IsEnforced": True}])
    objects = whole(
        gpos=[policy], ous=[servers], users=[user(1105, "svc")], computers=[computer(1000, "DC1", controller=True)]
    )
    (found,) = of(parse(objects)[1], "vuln_permissions_gpo_priv")
    assert [(hop["how"], hop["to"]) for hop in found.facts["path"]] == [
        ("GenericWrite", "POLITIQUE"),
        ("LinkedTo", "SERVERS"),
        ("AppliesTo", "DC1$"),
    ]


def test_what_accounts_say() -> None:
    objects = whole(
        users=[
            user(1105, "adm", hasspn=True, serviceprincipalnames=["HTTP/x"], pwdneverexpires=True),
            user(1106, "roast", dontreqpreauth=True),
            user(1107, "ancien", enabled=False, dontreqpreauth=True),
            user(501, "Invité"),
        ],
        computers=[
            computer(1001, "PRINT", properties={"unconstraineddelegation": True}),
            computer(1000, "DC1", controller=True, AllowedToAct=[{"ObjectIdentifier": f"{S}-1106"}]),
        ],
    )
    objects["groups"][0]["Members"].append({"ObjectIdentifier": f"{S}-1105"})
    _reader, records = parse(objects)
    told = {(r.facts["control"], r.object["label"]) for r in records if r.kind == WEAKNESS and r.object is not None}
    assert told == {
        ("vuln_spn_priv", "adm"),
        ("vuln_dont_expire_priv", "adm"),
        ("vuln_kerberos_properties_preauth", "roast"),
        ("vuln_guest", "Invité"),
        ("vuln_delegation_t4d", "PRINT$"),
        ("vuln_delegation_sourcedeleg", "DC1$"),
        *((("vuln_privileged_members_no_admincount"), name) for name in ("ADMINISTRATEUR", "adm")),
    }


def test_two_domains_of_a_forest_are_apart() -> None:
    other = "S-1-5-21-7-8-9"
    first = whole(users=[user(1106, "roast", dontreqpreauth=True)])
    text = json.dumps(whole(users=[user(1106, "grill", dontreqpreauth=True)]))
    text = text.replace(S, other).replace("DC=X,DC=TEST", "DC=ENFANT,DC=X,DC=TEST").replace("X.TEST-", "ENFANT.X.TEST-")
    objects = {kind: listed + json.loads(text)[kind] for kind, listed in first.items()}
    _reader, records = parse(objects)
    hosts = [record.asset for record in records if record.kind == HOST]
    assert [(asset.typed_names, asset.sids) for asset in hosts if asset] == [
        (["x.test"], [S]),
        (["enfant.x.test"], [other]),
    ]
    found = {r.object["label"]: r.asset for r in of(records, "vuln_kerberos_properties_preauth") if r.object}
    assert found == {"roast": hosts[0], "grill": hosts[1]}


# --- what a collection is, and what it is not


def test_without_access_lists_no_path_is_judged() -> None:
    objects = whole(users=[user(1105, "x")])
    for listed in objects.values():
        for each in listed:
            each["Aces"] = []
    reader, records = parse(objects)
    assert not [record for record in records if "trustee_sid" in record.facts]
    assert not [control for control in reader.info["judged"] if "perm" in control]
    assert any("no access lists" in note for note in reader.notes)


def test_a_collection_without_properties_clears_nothing() -> None:
    objects = whole()
    for each in objects["users"]:
        each["Properties"] = {name: each["Properties"][name] for name in ("name", "domainsid", "distinguishedname")}
    reader, _records = parse(objects)
    assert reader.info["covers"] == []


@pytest.mark.parametrize("version", [4, 7, "6a", None, 5.5])
def test_other_versions_are_refused(version: Any) -> None:
    with pytest.raises(ReportError, match="BloodHound Community Edition"):
        parse(whole(), version=version)


@pytest.mark.parametrize("version", [5, 6])
def test_versions_that_are_read(version: int) -> None:
    assert parse(whole(), version=version)[0].info["version"] == str(version)


def members(objects: Objects, **changed: bytes) -> dict[str, Callable[[], BinaryIO]]:
    return {name: opener(changed.get(name.partition("_")[2][:-5], data)) for name, data in files(objects).items()}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"data": []}', "no `meta`"),
        (b'{"data": [], "meta": {"version": 6, "type": "computers", "count": 0}}', "its name says users"),
        (b"[]", "no `meta`"),
        (b"", "is empty"),
    ],
)
def test_a_file_that_is_none_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ReportError, match=said):
        list(BloodHoundReader().records(members(whole(), users=data)))


def test_a_truncated_file_gives_the_rest_and_then_says_so() -> None:
    objects = whole(users=[user(1106, "roast", dontreqpreauth=True), user(1107, "grill", dontreqpreauth=True)])
    users = files(objects)["20261121083000_users.json"]
    for end in range(20, len(users) - 1, 37):
        reader = BloodHoundReader()
        got = []
        with pytest.raises(ReportError) as caught:
            for record in reader.records(members(objects, users=users[:end])):
                got.append(record)
        assert caught.value.truncated
        assert reader.info["closes"] is False and reader.info["covers"] == []
        assert len(of(got, "vuln_kerberos_properties_preauth")) <= 2


def test_one_file_alone_says_what_to_give(tmp_path: Path) -> None:
    data = files(whole())["20261121083000_users.json"]
    head = jsonstream.head(data)
    assert head is not None and BloodHoundPart.recognise(head)
    path = tmp_path / "users.json"
    path.write_bytes(data)
    with pytest.raises(ReportError, match="give the ZIP"):
        list(open_report(path).records())


def test_a_file_that_says_another_number_of_objects_closes_nothing() -> None:
    data = json.dumps({"data": [user(500, "A")], "meta": {"version": 6, "type": "users", "count": 9}}).encode()
    reader = BloodHoundReader()
    list(reader.records(members(whole(), users=data)))
    assert any("says that it holds 9 objects, 1 are there" in note for note in reader.notes)
    assert reader.info["covers"] == [] and reader.info["closes"] is False


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["20260101000000_users.json", "20260101000000_groups.json"], True),
        (["a/b/20260101_BloodHound-users.json", "domains.json"], True),
        (["users.json"], False),
        (["gpos.json", "ous.json"], False),
        (["report.xml", "users.csv"], False),
    ],
)
def test_recognised_by_its_names(names: list[str], expected: bool) -> None:
    assert BloodHoundReader.recognise(names) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("X.TEST-S-1-5-32-544", "S-1-5-32-544"),
        ("S-1-5-21-1-2-3-500", "S-1-5-21-1-2-3-500"),
        ("CHU-S-1.TEST-S-1-5-11", "S-1-5-11"),
        ("S-1-5-21-1-2-3-500 ", None),
        ("S-1-" + "9" * 400, None),
        ("3F2504E0-4F89-41D3-9A0C-0305E82C3301", None),
        (None, None),
    ],
)
def test_sids(text: Any, expected: str | None) -> None:
    assert sid_of(text) == expected


def test_read_from_a_zip_that_a_person_made(tmp_path: Path) -> None:
    path = tmp_path / "collecte.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files(whole(), when="").items():
            archive.writestr(f"dossier/{name}", b"\xef\xbb\xbf" + data)
        archive.writestr("dossier/LISEZMOI.txt", "notes")
    report = open_report(path)
    assert [record.kind for record in report.records() if record.kind == HOST] == [HOST]
    assert report.info["generated"] is None
    assert any("LISEZMOI.txt" in note for note in report.notes)
    assert bloodhound.kind_of("dossier/users.json") == "users"


def test_a_protected_object_takes_nothing_from_its_ou() -> None:
    def reached(*, protected: bool) -> int:
        relay = thing(f"{S}-1400", "RELAIS", f"CN=RELAIS,OU=COMPTES,{D}", Members=[], IsACLProtected=protected)
        unit_ = unit(1, "COMPTES", ace(f"{S}-1300", "WriteDacl"))
        objects = whole(ous=[unit_], users=[user(1300, "compte")], groups=[relay])
        objects["groups"][0]["Aces"].append(ace(f"{S}-1400", "AddMember"))
        (found,) = of(parse(objects)[1], "vuln_privileged_members_perm")
        return int(found.facts["principals_total"])

    assert (reached(protected=False), reached(protected=True)) == (1, 0)


def test_enterprise_admins_of_the_forest_root_are_administrators_everywhere() -> None:
    objects = whole()
    objects["users"][0]["Aces"].append(ace("S-1-5-21-7-8-9-519", "GenericAll"))  # there is one such group in a forest
    objects["users"][0]["Aces"].append(ace("S-1-5-21-7-8-9-1105", "GenericAll"))
    found = of(parse(objects)[1], "vuln_privileged_members_perm")
    assert [record.facts["trustee_sid"] for record in found] == ["S-1-5-21-7-8-9-1105"]


def test_another_scope_is_another_profile() -> None:
    """What a collection with less in it no longer says is not gone."""
    objects = whole(users=[user(1105, "x", dontreqpreauth=False)])
    full = parse(objects)[0].info["profile"]
    assert full == parse(whole(users=[user(1106, "y", dontreqpreauth=False)]))[0].info["profile"]
    for each in objects["users"]:
        each["Aces"] = []
    assert parse(objects)[0].info["profile"] != full


def template(number: int, name: str, *aces: dict[str, Any], **properties: Any) -> dict[str, Any]:
    dn = f"CN={name},CN=CERTIFICATE TEMPLATES,CN=PUBLIC KEY SERVICES,CN=SERVICES,CN=CONFIGURATION,{D}"
    shown = {
        "displayname": name.title(),
        "schemaversion": 2,
        "enrolleesuppliessubject": False,
        "requiresmanagerapproval": False,
        "authorizedsignatures": 0,
        "ekus": ["1.3.6.1.5.5.7.3.2"],
    } | properties
    return thing(f"AAAAAAAA-0000-4000-8000-{number:012}", name, dn, *aces, properties=shown)


def with_templates(*templates: dict[str, Any], published: int = 9) -> Objects:
    enabled = [{"ObjectIdentifier": each["ObjectIdentifier"]} for each in templates[:published]]
    dn = f"CN=AC,CN=ENROLLMENT SERVICES,CN=PUBLIC KEY SERVICES,CN=SERVICES,CN=CONFIGURATION,{D}"
    guid = "BBBBBBBB-0000-4000-8000-000000000001"
    authority = thing(guid, "AC", dn, EnabledCertTemplates=enabled, properties={"caname": "AC Valmont"})
    objects = whole(users=[user(1105, "svc-tiers")])
    return objects | {"certtemplates": list(templates), "enterprisecas": [authority]}


@pytest.mark.parametrize(("published", "level"), [(1, 1), (0, 2)])
@pytest.mark.parametrize("right", ["GenericAll", "WriteDacl", "WriteOwner", "GenericWrite", "WritePKINameFlag", "Owns"])
def test_who_may_change_a_certificate_template(right: str, published: int, level: int) -> None:
    objects = with_templates(template(1, "POSTE", ace(f"{S}-1105", right)), published=published)
    reader, records = parse(objects)
    (found,) = of(records, "vuln_adcs_template_control")
    assert found.facts["level"] == level and found.facts["trustee_sid"] == f"{S}-1105"
    assert found.facts["template"] == "POSTE" and found.facts["published_by"] == ["AC Valmont"] * published
    assert "raw" not in found.facts and "ace" not in found.facts
    assert "vuln_adcs_template_control" in reader.info["judged"]
    assert "vuln_adcs_template_control" not in reader.info["covers"]


@pytest.mark.parametrize(
    ("properties", "way"),
    [
        ({"enrolleesuppliessubject": True}, "supplied_subject"),
        ({"nosecurityextension": True}, "no_security_extension"),
        ({"ekus": ["2.5.29.37.0"]}, "any_purpose"),
        ({"ekus": ["1.3.6.1.4.1.311.20.2.1"]}, "request_agent"),
        ({"enrolleesuppliessubject": True, "requiresmanagerapproval": True}, None),
        ({"enrolleesuppliessubject": True, "authorizedsignatures": 1}, None),
        ({"enrolleesuppliessubject": True, "ekus": ["1.3.6.1.5.5.7.3.1"]}, None),
        ({}, None),
    ],
)
def test_templates_that_give_a_certificate_in_anothers_name(properties: dict[str, Any], way: str | None) -> None:
    objects = with_templates(template(1, "POSTE", ace(USERS, "Enroll"), **properties))
    found = of(parse(objects)[1], "vuln_adcs_template_auth_enroll_with_name")
    assert [record.facts["way"] for record in found] == ([way] if way else [])
    for record in found:
        assert record.facts["broad"] and not {"entries", "corrections"} & record.facts.keys()
        # the id that the live audit gives, so that both are one finding
        assert record.object is not None and record.object["id"].startswith("aaaaaaaa-0000-4000-8000-000000000001#")


def test_enrolment_by_administrators_or_of_nothing_published_is_fine() -> None:
    for objects in (
        with_templates(template(1, "POSTE", ace(ADMINS, "Enroll"), enrolleesuppliessubject=True)),
        with_templates(template(1, "POSTE", ace(USERS, "Enroll"), enrolleesuppliessubject=True), published=0),
    ):
        assert not [record for record in parse(objects)[1] if "certtemplate" in record.rule]


def test_templates_whose_flags_are_not_told_are_not_judged_for_them() -> None:
    objects = with_templates(template(1, "POSTE", ace(USERS, "Enroll"), enrolleesuppliessubject=None))
    assert "vuln_adcs_template_auth_enroll_with_name" not in parse(objects)[0].info["judged"]


def test_many_holders_who_control_each_other_cost_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of disabled accounts, each with a right over the administrators: walked once, not once for each."""
    from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import ControlGraph

    count = 300
    ring = [
        user(2000 + i, f"u{i}", ace(f"{S}-{2000 + (i + 1) % count}", "GenericAll"), enabled=False) for i in range(count)
    ]
    objects = whole(users=ring)
    objects["groups"][0]["Aces"] += [ace(f"{S}-{2000 + i}", "WriteDacl") for i in range(count)]
    walked = Counter[str]()
    hops_to = ControlGraph.hops_to
    monkeypatch.setattr(ControlGraph, "hops_to", lambda graph, node: (walked.update("x"), hops_to(graph, node))[1])
    found = of(parse(objects)[1], "vuln_privileged_members_perm")
    assert len(found) == count and {record.facts["level"] for record in found} == {2}  # nobody is left to use them
    assert walked["x"] < 10 * count
