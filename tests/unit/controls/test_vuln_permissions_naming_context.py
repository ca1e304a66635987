from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import rights
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

from controls import access
from controls.domain import BASE, DOMAIN, domain, outcome, sid, unreadable

CONTROL = "vuln_permissions_naming_context"
GC, GCA, GCF = rights.GET_CHANGES, rights.GET_CHANGES_ALL, rights.GET_CHANGES_FILTERED
SVC = sid(1201)
# What Windows and Samba put on a domain's head, of the entries that matter here.
DEFAULTS = [
    f"(OA;;CR;{GC};;S-1-5-9)",
    f"(OA;;CR;{rights.MANAGE_TOPOLOGY};;S-1-5-9)",
    f"(OA;;CR;{GCF};;S-1-5-9)",
    f"(OA;;CR;{GC};;S-1-5-32-544)",
    f"(OA;;CR;{GCA};;S-1-5-32-544)",
    f"(OA;;CR;{GCA};;{sid(516)})",
    f"(OA;;CR;{GC};;{sid(498)})",
    f"(OA;CI;RPWP;5b47d60f-6090-40b2-9f37-2a4de88f3063;;{sid(526)})",
    f"(A;;RPWPCRCCLCLORCWOWDSW;;;{sid(512)})",
    f"(A;CI;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{sid(519)})",
    "(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;S-1-5-18)",
    "(A;CI;RPWPCRCCLCLORCWOWDSDSW;;;S-1-5-32-544)",
    "(A;;RPLCLORC;;;S-1-5-11)",
]


def head(*sddl: str, role: str = "domain", dn: str = BASE, guid: str = "aaaaaaaa-0000-0000-0000-000000000001") -> dict:
    raw = sd.SecurityDescriptor(owner="S-1-5-32-544", dacl=sd.Acl(tuple(map(from_sddl, sddl)))).with_dacl(
        tuple(map(from_sddl, sddl))
    )
    return {"dn": dn, "guid": guid, "role": role, "descriptor": base64.b64encode(raw.to_bytes()).decode()}


def snapshot(*sddl: str, **facts: Any) -> Snapshot:
    return domain(naming_contexts=[head(*DEFAULTS, *sddl)], root_domain_sid=DOMAIN, names={SVC: "svc-synchro"}, **facts)


def test_defaults_are_compliant() -> None:
    result = outcome(CONTROL, snapshot())
    assert (result.state, result.found) == ("evaluated", [])


@pytest.mark.parametrize("rid", [526, 527])
def test_key_administrators_of_a_domain_are_another_controls(rid: int) -> None:
    """What adprep gave them too much is found, and taken away, by vuln_adupdate_bad; elsewhere nothing gave it."""
    ace = f"(A;CI;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{sid(rid)})"
    assert outcome(CONTROL, snapshot(ace)).found == []
    schema = head(ace, role="schema", dn=f"CN=Schema,CN=Configuration,{BASE}")
    (found,) = outcome(CONTROL, domain(naming_contexts=[schema], root_domain_sid=DOMAIN)).found
    assert found.sid == sid(rid)


@pytest.mark.parametrize(
    ("ace", "rights", "level"),
    [
        pytest.param(f"(OA;;CR;{GCA};;{SVC})", ["DS-Replication-Get-Changes-All"], 1, id="secrets"),
        pytest.param(f"(OA;;CR;{GC};;{SVC})", ["DS-Replication-Get-Changes"], 2, id="changes alone"),
        pytest.param(f"(OA;;CR;{GCF};;{SVC})", ["DS-Replication-Get-Changes-In-Filtered-Set"], 2, id="filtered set"),
        pytest.param(f"(A;;GA;;;{SVC})", ["GenericAll"], 1, id="generic all"),
        pytest.param(f"(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{SVC})", ["GenericAll"], 1, id="full control"),
        pytest.param(f"(A;CI;WD;;;{SVC})", ["WriteDacl"], 1, id="WriteDacl, here and below"),
        pytest.param(f"(A;;WO;;;{SVC})", ["WriteOwner"], 1, id="WriteOwner"),
        pytest.param(f"(A;;CR;;;{SVC})", ["AllExtendedRights"], 1, id="all extended rights"),
        pytest.param(f"(A;;WP;;;{SVC})", ["WriteAllProperties"], 2, id="all properties"),
        pytest.param(f"(A;;GW;;;{SVC})", ["GenericWrite"], 2, id="generic write"),
        pytest.param("(A;;WD;;;S-1-1-0)", ["WriteDacl"], 1, id="everyone"),
        pytest.param(f"(OA;;CR;{GCA};;{sid(521)})", ["DS-Replication-Get-Changes-All"], 1, id="read-only DC"),
        pytest.param("(A;;WD;;;S-1-5-9)", ["WriteDacl"], 1, id="DCs hold replication rights only"),
        pytest.param("(A;;GA;;;S-1-5-21-1-2-3-512)", ["GenericAll"], 1, id="Domain Admins of another domain"),
    ],
)
def test_dangerous(ace: str, rights: list[str], level: int) -> None:
    (found,) = outcome(CONTROL, snapshot(ace)).found
    assert (found.evidence["rights"], found.level) == (rights, level)


@pytest.mark.parametrize(
    "ace",
    [
        pytest.param(f"(OA;CIIO;CR;{GCA};;{SVC})", id="inherit only"),
        pytest.param(f"(A;CIIO;GA;;;{SVC})", id="inherit only, everything"),
        pytest.param(f"(OD;;CR;{GCA};;{SVC})", id="denied"),
        pytest.param(f"(OA;;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;;{SVC})", id="one property"),
        pytest.param(f"(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;{SVC})", id="another extended right"),
        pytest.param(f"(OA;;RP;{GCA};;{SVC})", id="no CONTROL_ACCESS"),
        pytest.param(f"(A;;RPLCLORC;;;{SVC})", id="reading"),
    ],
)
def test_harmless(ace: str) -> None:
    assert outcome(CONTROL, snapshot(ace)).found == []


def test_dcsync_takes_both_rights_and_both_are_level_1() -> None:
    found = outcome(CONTROL, snapshot(f"(OA;;CR;{GC};;{SVC})", f"(OA;;CR;{GCA};;{SVC})")).found
    assert [each.level for each in found] == [1, 1]


def test_evidence_is_what_the_role_takes() -> None:
    ace = f"(OA;;CR;{GCA};;{SVC})"
    (found,) = outcome(CONTROL, snapshot(ace)).found
    assert found.evidence["object"] == BASE
    assert (found.evidence["trustee_sid"], found.evidence["trustee"]) == (SVC, "svc-synchro")
    assert from_sddl(found.evidence["ace"]).raw == base64.b64decode(found.evidence["raw"]) == from_sddl(ace).raw
    assert (found.type, found.evidence["inherited"]) == ("ace", False)


def test_the_same_ace_twice_is_one_finding_and_inherited_ones_are_said() -> None:
    ace = f"(A;ID;WD;;;{SVC})"
    (found,) = outcome(CONTROL, snapshot(ace, ace)).found
    assert found.evidence["inherited"] is True


def test_ids_differ_by_ace_and_by_partition() -> None:
    ace = f"(A;;WD;;;{SVC})"
    heads = [head(ace), head(ace, role="configuration", dn=f"CN=Configuration,{BASE}", guid="b" * 8)]
    found = outcome(CONTROL, domain(naming_contexts=heads, root_domain_sid=DOMAIN)).found
    assert len({each.id for each in found}) == 2


def test_replication_of_a_partition_without_secrets_is_level_2() -> None:
    heads = [head(f"(OA;;CR;{GCA};;{SVC})", role="configuration", dn=f"CN=Configuration,{BASE}")]
    assert [each.level for each in outcome(CONTROL, domain(naming_contexts=heads)).found] == [2]


def test_read_only_controllers_copy_the_schema_whole() -> None:
    aces = [f"(OA;;CR;{GCA};;{sid(498)})", f"(OA;;CR;{GCF};;{sid(498)})"]
    heads = [head(*aces, role="schema", dn=f"CN=Schema,CN=Configuration,{BASE}")]
    assert outcome(CONTROL, domain(naming_contexts=heads, root_domain_sid=DOMAIN)).found == []


def test_child_domain_and_its_root() -> None:
    root = "S-1-5-21-7-7-7"
    heads = [head(f"(A;;GA;;;{root}-519)", f"(A;;GA;;;{root}-1105)")]
    known = outcome(CONTROL, domain(naming_contexts=heads, root_domain_sid=root)).found
    assert [each.sid for each in known] == [f"{root}-1105"]
    unknown = outcome(CONTROL, domain(naming_contexts=heads, root_domain_sid=None)).found
    assert len(unknown) == 2


def test_unreadable() -> None:
    assert unreadable(CONTROL, snapshot(unreadable={"naming context descriptors": "refused"})) == "refused"
    assert "no security descriptor" in unreadable(CONTROL, domain())
    broken = head() | {"descriptor": base64.b64encode(b"\x01\x00").decode()}
    assert "not understood" in unreadable(CONTROL, domain(naming_contexts=[broken]))
    bare = sd.SecurityDescriptor(owner="S-1-5-18").to_bytes()
    empty = head() | {"descriptor": base64.b64encode(bare).decode()}
    assert "no DACL" in unreadable(CONTROL, domain(naming_contexts=[empty]))
    strange = sd.Ace.parse(b"\x7f\x00\x08\x00\x00\x00\x00\x00")
    odd = sd.SecurityDescriptor(dacl=sd.Acl((strange,))).with_dacl((strange,)).to_bytes()
    odd_head = head() | {"descriptor": base64.b64encode(odd).decode()}
    assert "unknown type" in unreadable(CONTROL, domain(naming_contexts=[odd_head]))


def test_the_path_to_the_head_is_explained() -> None:
    """accueil is in Support, which may replicate secrets."""
    member = access.user(1202, "accueil")
    support = access.group(sid(1301), "Support", members=[member["dn"]])
    heads = [head(*DEFAULTS, f"(OA;;CR;{GCA};;{sid(1301)})")]
    (found,) = outcome(CONTROL, access.domain(more=[support], naming_contexts=heads)).found
    way = [(hop["from"], hop["how"], hop["to"]) for hop in found.evidence["path"]]
    assert way == [("accueil", "MemberOf", "Support"), ("Support", "DS-Replication-Get-Changes-All", BASE)]


def test_the_owner_of_a_head_is_an_administrator() -> None:
    def owned(owner: str) -> list[dict]:
        aces = tuple(map(from_sddl, DEFAULTS))
        raw = sd.SecurityDescriptor(owner=owner, dacl=sd.Acl(aces)).with_dacl(aces).to_bytes()
        return [head() | {"descriptor": base64.b64encode(raw).decode()}]

    (found,) = outcome(CONTROL, domain(naming_contexts=owned(SVC), root_domain_sid=DOMAIN)).found
    assert (found.level, found.evidence["rights"], found.evidence["ace"]) == (1, ["Owner"], f"O:{SVC}")
    for owner in ("S-1-5-32-544", "S-1-5-18", sid(512), sid(519), sid(518)):
        assert outcome(CONTROL, domain(naming_contexts=owned(owner), root_domain_sid=DOMAIN)).found == []


def test_a_protected_synchronisation_account_may_replicate_and_is_said() -> None:
    sync = access.user(1501, "MSOL_1", protected=True)
    heads = [head(*DEFAULTS, f"(OA;;CR;{GCA};;{sid(1501)})")]
    result = outcome(CONTROL, access.domain(accounts=[sync], naming_contexts=heads))
    assert (result.found, result.state) == ([], "evaluated")
    assert result.reason is not None and "MSOL_1" in result.reason
