"""The controls of access lists: what each finds, at which level, by which path, and what it leaves to another."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import ControlGraph
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from controls import access, domain
from controls.access import ADMINS_OU, CLERK, CONTROLLERS, HELPER, OTHER_POLICY, POLICY, SYSTEM
from controls.domain import BASE, outcome, sid, unreadable
from controls.test_rights import GPLINK, KEY, MEMBER, RBCD, RESET, ROOT_KEY, SPN

CONTROLS = [
    "vuln_owner",
    "vuln_permissions_adminsdholder",
    "vuln_permissions_dc",
    "vuln_permissions_dfsr_sysvol",
    "vuln_permissions_dpapi",
    "vuln_permissions_gmsa_keys",
    "vuln_permissions_gpo_container_priv",
    "vuln_permissions_gpo_priv",
    "vuln_permissions_msdns",
    "vuln_permissions_schema",
    "vuln_privileged_members_perm",
    "vuln_sd_failed_sd_read_on_priv",
]
MEMBERS = "vuln_privileged_members_perm"
PERSONAL = "77b5b886-944a-11d1-aebd-0000f80367c1"  # property set Personal-Information
SUPPORT = access.group(sid(1301), "Support", members=[domain.user(1201, "support")["dn"]])


def found(control: str, snapshot: Snapshot) -> list[Found]:
    result = outcome(control, snapshot)
    assert result.state == "evaluated", result.reason
    return result.found


def hops(one: Found) -> list[tuple[str, str, str]]:
    return [(hop["from"], hop["how"], hop["to"]) for hop in one.evidence["path"]]


@pytest.mark.parametrize("control", CONTROLS)
def test_a_domain_as_it_was_installed_is_compliant(control: str) -> None:
    settings = [
        access.secured(f"CN=DFSR-GlobalSettings,{SYSTEM}", "dfsr"),
        access.secured(f"CN=BCKUPKEY_P Secret,{SYSTEM}", "dpapi"),
        access.secured(f"CN=k,CN=Master Root Keys,{access.CONFIG}", "root key"),
        access.secured(f"CN=person,CN=Schema,{access.CONFIG}", "schema"),
    ]
    assert found(control, access.domain(more=settings)) == []


@pytest.mark.parametrize(
    ("control", "where", "ace", "rights", "level"),
    [
        ("vuln_permissions_adminsdholder", "holder", f"(OA;;CR;{RESET};;{HELPER})", ["ResetPassword"], 1),
        ("vuln_permissions_adminsdholder", "holder", f"(OA;;WP;{MEMBER};;{HELPER})", ["AddMember"], 1),
        ("vuln_permissions_adminsdholder", "holder", f"(OA;;WP;{SPN};;{HELPER})", ["WriteSPN"], 2),
        ("vuln_permissions_dc", "controller", f"(OA;;WP;{RBCD};;{HELPER})", ["WriteAllowedToAct"], 1),
        ("vuln_permissions_dc", "controller", f"(A;;GA;;;{HELPER})", ["GenericAll"], 1),
        ("vuln_permissions_dc", "controller", f"(OA;;WP;{SPN};;{HELPER})", ["WriteSPN"], 2),
        (MEMBERS, "admin", f"(OA;;CR;{RESET};;{HELPER})", ["ResetPassword"], 1),
        (MEMBERS, "admin", f"(OA;;WP;{KEY};;{HELPER})", ["WriteKeyCredentialLink"], 1),
        (MEMBERS, "admin", f"(A;ID;WD;;;{HELPER})", ["WriteDacl"], 1),
        (MEMBERS, "domain_admins", f"(OA;;WP;{MEMBER};;{HELPER})", ["AddMember"], 1),
        (MEMBERS, "domain_admins", f"(OA;;SW;{MEMBER};;S-1-5-11)", ["AddSelf"], 1),
        ("vuln_permissions_gpo_priv", "policy", f"(A;;CCLCRPWPRC;;;{HELPER})", ["WriteAllProperties"], 1),
        ("vuln_permissions_gpo_priv", "policy", f"(A;;WD;;;{HELPER})", ["WriteDacl"], 1),
        ("vuln_permissions_gpo_container_priv", "head", f"(OA;;WP;{GPLINK};;{HELPER})", ["WriteGPLink"], 2),
    ],
)
def test_dangerous_rights(control: str, where: str, ace: str, rights: list[str], level: int) -> None:
    (one,) = found(control, access.domain(**{where: [ace]}))
    assert (one.evidence["rights"], one.level) == (rights, level)
    assert one.level in catalogue.load()[control].levels


@pytest.mark.parametrize(
    ("control", "place", "role", "ace", "level"),
    [
        ("vuln_permissions_dfsr_sysvol", f"CN=Topology,CN=DFSR-GlobalSettings,{SYSTEM}", "dfsr", "(A;;CC;;;{})", 2),
        ("vuln_permissions_dfsr_sysvol", f"CN=DFSR-GlobalSettings,{SYSTEM}", "dfsr", "(A;;WO;;;{})", 1),
        ("vuln_permissions_dpapi", f"CN=BCKUPKEY_P Secret,{SYSTEM}", "dpapi", "(A;;GA;;;{})", 1),
        ("vuln_permissions_gmsa_keys", f"CN=k,CN=Master Root Keys,{access.CONFIG}", "root key", "(A;;RPCR;;;{})", 1),
        ("vuln_permissions_gmsa_keys", f"CN=k,CN=Master Root Keys,{access.CONFIG}", "root key",
         f"(OA;;RPCR;{ROOT_KEY};;{{}})", 1),
        ("vuln_permissions_gmsa_keys", f"CN=Master Root Keys,{access.CONFIG}", "root key", "(A;;WD;;;{})", 1),
        ("vuln_permissions_schema", f"CN=person,CN=Schema,{access.CONFIG}", "schema", "(A;;WP;;;{})", 2),
        ("vuln_permissions_schema", f"CN=person,CN=Schema,{access.CONFIG}", "schema", "(A;;WD;;;{})", 1),
    ],
)  # fmt: skip
def test_settings(control: str, place: str, role: str, ace: str, level: int) -> None:
    snapshot = access.domain(more=[access.secured(place, role, ace.format(HELPER))])
    (one,) = found(control, snapshot)
    assert (one.level, one.dn) == (level, place)


def test_writing_the_settings_of_dns_is_for_its_administrators() -> None:
    place = f"CN=MicrosoftDNS,{SYSTEM}"
    snapshot = access.domain()
    snapshot.secured = [each for each in snapshot.secured if each.role != "msdns"]
    wrong = access.domain(more=[access.secured(place, "msdns", f"(A;;WP;;;{HELPER})", f"(A;;CC;;;{HELPER})")])
    (one,) = found("vuln_permissions_msdns", wrong)
    assert (one.level, one.evidence["rights"]) == (1, ["WriteAllProperties"])
    admins = {"dn": "CN=DnsAdmins", "sid": HELPER, "label": "DnsAdmins", "members": (), "found_by": "test"}
    known = access.domain(more=[access.secured(place, "msdns", f"(A;;GA;;;{HELPER})")], dns_admins=[admins])
    assert found("vuln_permissions_msdns", known) == []


def test_evidence_is_what_the_role_takes() -> None:
    ace = f"(OA;;CR;{RESET};;{HELPER})"
    (one,) = found(MEMBERS, access.domain(admin=[ace]))
    entry = catalogue.load()[MEMBERS].remediation
    assert entry is not None
    finding = {"control": MEMBERS, "object": {"label": one.label}, "evidence": one.evidence}
    (wanted,) = entry.entries(finding)
    assert wanted["control"] == MEMBERS
    assert (wanted["object"], wanted["trustee"]) == (f"CN=a.dupont,{ADMINS_OU}", HELPER)
    assert from_sddl(wanted["ace"]).raw == base64.b64decode(one.evidence["raw"]) == from_sddl(ace).raw


def test_an_entry_of_adminsdholder_is_one_finding_not_one_for_each_member() -> None:
    ace = f"(OA;;CR;{RESET};;{HELPER})"
    snapshot = access.domain(holder=[ace], admin=[ace], domain_admins=[ace])
    assert found(MEMBERS, snapshot) == []
    (one,) = found("vuln_permissions_adminsdholder", snapshot)
    assert hops(one)[-1] == ("AdminSDHolder", "CopiedTo", "Admins du domaine")
    open_ = access.domain(holder=[ace], accounts=[access.user(1102, "b.durand", ace)])
    open_.groups[next(iter(open_.groups))].members += (domain.user(1102, "b.durand")["dn"],)
    assert [each.label for each in found(MEMBERS, open_)] == ["support : ResetPassword (b.durand)"]  # not protected


def test_an_inherited_entry_is_reported_once_where_it_is_set() -> None:
    unit = {"sddl": [f"(OA;CI;CR;{RESET};bf967aba-0de6-11d0-a285-00aa003049e2;{HELPER})"]}
    below = f"(OA;CIID;CR;{RESET};bf967aba-0de6-11d0-a285-00aa003049e2;{HELPER})"
    second = access.user(1102, "b.durand", below, dn=f"CN=b.durand,{ADMINS_OU}")
    snapshot = access.domain(admins_ou=unit, admin=[below], accounts=[second])
    admins = next(each for each in snapshot.groups.values() if each.sid == sid(512))
    admins.members += (second["dn"],)
    (one,) = found(MEMBERS, snapshot)
    assert one.dn == ADMINS_OU
    assert one.evidence["ace"] == unit["sddl"][0]
    assert (one.evidence["inherited"], one.evidence["reaches_total"]) == (False, 2)
    assert "inherited from OU=Administration" in one.wording


def test_an_inherited_entry_from_nowhere_cannot_be_removed_by_the_role() -> None:
    (one,) = found(MEMBERS, access.domain(admin=[f"(A;CIID;WD;;;{HELPER})"]))
    assert (one.evidence["inherited"], one.evidence["ace"]) == (True, None)
    entry = catalogue.load()[MEMBERS].remediation
    assert entry is not None and entry.entries({"object": {"label": "x"}, "evidence": one.evidence}) == []


def test_the_owner_controls_too() -> None:
    snapshot = access.domain()
    admin = next(each for each in snapshot.accounts if each.label == "a.dupont")
    admin.descriptor = access.parsed(*access.USUAL, owner=HELPER, protected=True)
    (one,) = found(MEMBERS, snapshot)
    assert (one.id, one.evidence["rights"], one.level) == ("guid of a.dupont#owner", ["Owner"], 1)
    assert "owns" in one.wording
    assert one.evidence["ace"] == f"O:{HELPER}"  # as the role takes it


# --- paths -----------------------------------------------------------------------------------------------------------


def chain(*more: dict[str, Any], admin: list[str], **facts: Any) -> Found:
    (one,) = found(MEMBERS, access.domain(admin=admin, more=more, **facts))
    return one


def test_path_through_a_group_and_a_password() -> None:
    """accueil resets support's password; support is in Support; Support resets a.dupont's, who is Domain Admin."""
    clerk_resets = f"(OA;;CR;{RESET};;{CLERK})"
    snapshot = access.domain(admin=[f"(OA;;CR;{RESET};;{sid(1301)})"], more=[SUPPORT])
    helper = next(each for each in snapshot.accounts if each.label == "support")
    helper.descriptor = access.parsed(clerk_resets, *access.USUAL)
    (one,) = found(MEMBERS, snapshot)
    assert hops(one) == [("support", "MemberOf", "Support"), ("Support", "ResetPassword", "a.dupont")]
    (longer,) = one.evidence["paths"]
    assert [(hop["from"], hop["how"], hop["to"]) for hop in longer] == [
        ("accueil", "ResetPassword", "support"),
        ("support", "MemberOf", "Support"),
        ("Support", "ResetPassword", "a.dupont"),
    ]
    assert longer[0]["ace"] == clerk_resets
    assert longer[0]["object"].startswith("CN=support,")
    assert (one.level, one.evidence["principals"], one.evidence["principals_total"]) == (1, ["support", "accueil"], 2)


def test_everyone_comes_first() -> None:
    broad = access.group(sid(1301), "Support", f"(OA;;WP;{MEMBER};;S-1-5-11)", members=SUPPORT["members"])
    one = chain(broad, admin=[f"(A;;WD;;;{sid(1301)})"])
    assert hops(one)[0] == ("Authenticated Users", "AddMember", "Support")
    assert one.evidence["principals"][0] == "Authenticated Users"


def test_path_through_an_ou_that_hands_down() -> None:
    care = f"OU=Unité de soins d'urgence,{BASE}"
    snapshot = access.domain(admin=[f"(A;;WD;;;{HELPER})"])
    unit = next(each for each in snapshot.secured if each.dn == care)
    unit.descriptor = access.parsed(f"(A;;WD;;;{CLERK})", *access.USUAL)
    (one,) = found(MEMBERS, snapshot)
    assert [hop["how"] for hop in one.evidence["paths"][0]] == ["WriteDacl", "HandsDown", "WriteDacl"]
    helper = next(each for each in snapshot.accounts if each.label == "support")
    # protected, but someone else writes into it: no Tier 0
    helper.descriptor = access.parsed(f"(OA;;WP;{PERSONAL};;{CLERK})", *access.USUAL, protected=True)
    again = found(MEMBERS, Snapshot(**vars_of(snapshot)))[0]
    # it inherits no right; a policy that is linked there applies to it all the same
    assert [hop["how"] for hop in again.evidence["paths"][0]] == ["WriteDacl", "Governs", "WriteDacl"]
    unit.descriptor = access.parsed(f"(OA;;WP;{GPLINK};;{CLERK})", *access.USUAL)
    linked = found(MEMBERS, Snapshot(**vars_of(snapshot)))[0]
    assert [hop["how"] for hop in linked.evidence["paths"][0]] == ["WriteGPLink", "Governs", "WriteDacl"]


def vars_of(snapshot: Snapshot) -> dict[str, Any]:
    """The fields of a snapshot without what was worked out from them."""
    return {name: getattr(snapshot, name) for name in Snapshot.__dataclass_fields__}


@pytest.mark.parametrize(
    ("links", "blocks", "reached"),
    [
        pytest.param([[OTHER_POLICY, 0]], False, True, id="linked above"),
        pytest.param([[OTHER_POLICY, 1]], False, False, id="link disabled"),
        pytest.param([[OTHER_POLICY, 0]], True, False, id="blocked"),
        pytest.param([[OTHER_POLICY, 2]], True, True, id="blocked but enforced"),
        pytest.param([[OTHER_POLICY, 3]], False, False, id="enforced but disabled"),
    ],
)
def test_policies_come_down_unless_blocked(links: list[Any], blocks: bool, reached: bool) -> None:
    snapshot = access.domain()
    policy = next(each for each in snapshot.secured if each.dn == OTHER_POLICY)
    policy.descriptor = access.parsed(f"(A;;WD;;;{HELPER})", *access.USUAL)
    head = next(each for each in snapshot.secured if each.dn == BASE)
    head.links = tuple((dn, options) for dn, options in links)
    for each in snapshot.secured:
        if each.role == "ou":
            each.blocks = blocks
    result = found("vuln_permissions_gpo_priv", snapshot)
    assert bool(result) is reached
    if reached:
        assert [hop["how"] for hop in result[0].evidence["path"]] == ["WriteDacl", "LinkedTo", "AppliesTo"]


def test_a_policy_of_the_controllers_site_counts() -> None:
    snapshot = access.domain()
    policy = next(each for each in snapshot.secured if each.dn == OTHER_POLICY)
    policy.descriptor = access.parsed(f"(A;;WP;;;{HELPER})", *access.USUAL)
    site = next(each for each in snapshot.secured if each.role == "site")
    assert found("vuln_permissions_gpo_priv", snapshot) == []
    site.links = ((OTHER_POLICY, 0),)
    (one,) = found("vuln_permissions_gpo_priv", Snapshot(**vars_of(snapshot)))
    assert hops(one)[1:] == [("Administration", "LinkedTo", "Site"), ("Site", "AppliesTo", "DC1$")]


def test_policy_of_an_ordinary_unit_is_a_hop_not_a_target() -> None:
    care = f"OU=Unité de soins d'urgence,{BASE}"
    elsewhere = access.user(1203, "secrétariat", dn=f"CN=secrétariat,OU=Secrétariat,{BASE}")
    unit = access.secured(f"OU=Secrétariat,{BASE}", "ou", links=[[OTHER_POLICY, 0]])
    snapshot = access.domain(admin=[f"(A;;WD;;;{sid(1203)})"], accounts=[elsewhere], more=[unit])
    policy = next(each for each in snapshot.secured if each.dn == OTHER_POLICY)
    policy.descriptor = access.parsed(f"(A;;WD;;;{HELPER})", *access.USUAL)
    assert found("vuln_permissions_gpo_priv", snapshot) == []
    (one,) = found(MEMBERS, snapshot)
    assert [hop["how"] for hop in one.evidence["paths"][0]] == ["WriteDacl", "LinkedTo", "Governs", "WriteDacl"]
    assert care


@pytest.mark.parametrize(
    ("facts", "how"),
    [
        ({"sid_histories": [{"dn": "CN=accueil", "sid": CLERK, "label": "accueil", "type": "user",
                             "values": (HELPER,)}]}, "SidHistory"),
    ],
)  # fmt: skip
def test_sid_history_is_a_hop(facts: dict[str, Any], how: str) -> None:
    (one,) = found(MEMBERS, access.domain(admin=[f"(A;;WD;;;{HELPER})"], **facts))
    assert [hop["how"] for hop in one.evidence["paths"][0]] == [how, "WriteDacl"]


def test_a_primary_group_is_a_hop() -> None:
    clerk = access.user(1206, "stagiaire", primary_group_id=1301)
    one = chain(access.group(sid(1301), "Support"), admin=[f"(A;;WD;;;{sid(1301)})"], accounts=[clerk])
    assert hops(one) == [("stagiaire", "PrimaryGroup", "Support"), ("Support", "WriteDacl", "a.dupont")]


def test_administrators_are_no_start_of_a_path() -> None:
    """a.dupont, who is Domain Admin, is in Support too and may reset the password of its other member."""
    members = [*SUPPORT["members"], f"CN=a.dupont,{ADMINS_OU}"]
    support = access.group(sid(1301), "Support", f"(A;;GA;;;{sid(1101)})", members=members)
    one = chain(support, admin=[f"(A;;WD;;;{sid(1301)})"])
    assert (one.evidence["principals"], one.evidence["principals_total"]) == (["support"], 1)


@pytest.mark.parametrize(("options", "blocks", "reached"), [(0, False, True), (0, True, False), (2, True, True)])
def test_blocking_holds_on_the_way_too(options: int, blocks: bool, reached: bool) -> None:
    """secrétariat, in a unit of a unit that links a policy that support may change, controls an administrator."""
    above = access.secured(f"OU=Site,{BASE}", "ou", links=[[OTHER_POLICY, options]])
    unit = access.secured(f"OU=Secrétariat,OU=Site,{BASE}", "ou", blocks=blocks)
    clerk = access.user(1203, "secrétariat", dn=f"CN=secrétariat,OU=Secrétariat,OU=Site,{BASE}")
    snapshot = access.domain(admin=[f"(A;;WD;;;{sid(1203)})"], accounts=[clerk], more=[above, unit])
    policy = next(each for each in snapshot.secured if each.dn == OTHER_POLICY)
    policy.descriptor = access.parsed(f"(A;;WD;;;{HELPER})", *access.USUAL)
    (one,) = found(MEMBERS, snapshot)
    assert bool(one.evidence["paths"]) is reached


def test_delegations_are_hops() -> None:
    allowed = access.descriptor(f"(A;;GA;;;{CLERK})", usual=())
    server = access.computer(1401, "SRV1$", resource_delegation=allowed)
    front = access.user(1204, "frontal", delegates_to=("cifs/srv1",))
    (one,) = found(MEMBERS, access.domain(admin=[f"(A;;WD;;;{sid(1401)})"], accounts=[server, front]))
    ways = {way[0]["from"]: [hop["how"] for hop in way] for way in one.evidence["paths"]}
    assert ways == {"accueil": ["AllowedToAct", "WriteDacl"], "frontal": ["AllowedToDelegate", "WriteDacl"]}


def test_who_reads_the_password_of_a_privileged_gmsa_controls_it() -> None:
    readers = access.descriptor(f"(A;;GA;;;{HELPER})", f"(A;;GA;;;{sid(512)})", f"(A;;GA;;;{HELPER})", usual=())
    gmsa = access.user(1601, "gmsa$", kind="msa", password_readers=readers, owner=HELPER, protected=True)
    snapshot = access.domain(accounts=[gmsa])
    admins = next(each for each in snapshot.groups.values() if each.sid == sid(512))
    admins.members += (gmsa["dn"],)
    owner, reader = sorted(found(MEMBERS, snapshot), key=lambda one: one.evidence["rights"])
    assert owner.evidence["rights"] == ["Owner"]
    assert hops(reader) == [("support", "ReadManagedPassword", "gmsa$")]
    assert (reader.level, reader.evidence["ace"], reader.id) == (1, None, f"guid of gmsa$#reader-{HELPER}")
    assert "msDS-GroupMSAMembership" in reader.wording
    snapshot.unreadable["readers of managed passwords"] = "not in the dump"
    assert "not in the dump" in unreadable(MEMBERS, snapshot)
    without = access.domain(unreadable={"readers of managed passwords": "not in the dump"})
    assert outcome(MEMBERS, without).state == "evaluated"  # no managed account is privileged
    # one that is not privileged is a step on the way
    plain = access.user(1601, "gmsa$", kind="msa", password_readers=readers)
    (one,) = found(MEMBERS, access.domain(admin=[f"(A;;WD;;;{sid(1601)})"], accounts=[plain]))
    assert [hop["how"] for hop in one.evidence["paths"][0]] == ["ReadManagedPassword", "WriteDacl"]


def test_a_holder_that_nobody_can_be_is_level_2() -> None:
    gone = sid(4242)
    assert [each.level for each in found(MEMBERS, access.domain(admin=[f"(A;;WD;;;{gone})"]))] == [2]
    empty = access.group(sid(1301), "Support")
    assert chain(empty, admin=[f"(A;;WD;;;{sid(1301)})"]).level == 2
    joined = access.group(sid(1301), "Support", f"(OA;;SW;{MEMBER};;{HELPER})")
    assert chain(joined, admin=[f"(A;;WD;;;{sid(1301)})"]).level == 1
    leaver = access.user(1205, "parti", flags=2)
    one = chain(admin=[f"(A;;WD;;;{sid(1205)})"], accounts=[leaver])
    assert (one.level, one.evidence["principals_total"]) == (2, 0)
    other = chain(admin=["(A;;WD;;;S-1-5-21-1-2-3-1105)"])
    assert other.level == 1  # of another domain: nobody here knows


def test_a_foreign_principal_in_a_group_is_known_by_its_name() -> None:
    """Authenticated Users as a member stands in CN=ForeignSecurityPrincipals under its SID."""
    members = [f"CN=S-1-5-11,CN=ForeignSecurityPrincipals,{BASE}", f"CN=Prestataire,OU=Contacts,{BASE}"]
    one = chain(access.group(sid(1301), "Support", members=members), admin=[f"(A;;WD;;;{sid(1301)})"])
    assert hops(one)[0] == ("Authenticated Users", "MemberOf", "Support")
    assert one.evidence["principals"] == ["Authenticated Users"]


def test_loops_end() -> None:
    first = access.group(sid(1301), "Un", members=[domain.group_dn("Deux"), domain.user(1201, "support")["dn"]])
    second = access.group(sid(1302), "Deux", members=[domain.group_dn("Un")])
    one = chain(first, second, admin=[f"(A;;WD;;;{sid(1302)})"])
    assert [hop["how"] for hop in one.evidence["path"]] == ["MemberOf", "MemberOf", "WriteDacl"]


def test_long_paths_and_many_starts_are_bounded_and_the_total_is_said() -> None:
    groups = [
        access.group(sid(3000 + index), f"G{index}", members=[domain.group_dn(f"G{index + 1}")]) for index in range(40)
    ]
    crowd = [access.user(5000 + index, f"u{index}") for index in range(30)]
    groups.append(access.group(sid(3040), "G40", members=[each["dn"] for each in crowd]))
    one = chain(*groups, admin=[f"(A;;WD;;;{sid(3000)})"], accounts=crowd)
    assert len(one.evidence["path"]) == 12
    assert hops(one)[-1] == ("G0", "WriteDacl", "a.dupont")
    assert (len(one.evidence["principals"]), one.evidence["principals_total"]) == (5, 30)
    assert len(one.evidence["paths"]) <= 3


def test_the_members_of_everyone_are_not_listed() -> None:
    one = chain(admin=["(A;;WD;;;S-1-5-11)"])
    assert hops(one) == [("Authenticated Users", "WriteDacl", "a.dupont")]
    assert one.evidence["principals_total"] == 1


# --- additional Tier 0 -----------------------------------------------------------------------------------------------

SYNC = sid(1501)


def synchronisation(*sddl: str, **facts: Any) -> dict[str, Any]:
    return access.user(1501, "MSOL_1", *sddl, **{"protected": True, **facts})


@pytest.mark.parametrize(
    ("account", "accepted"),
    [
        pytest.param(synchronisation(), True, id="like AdminSDHolder"),
        pytest.param(synchronisation("(A;;RPLC;;;S-1-5-9)", f"(A;;RP;;;{CLERK})"), True, id="others read"),
        pytest.param(synchronisation("(A;;GA;;;S-1-5-10)"), True, id="itself"),
        pytest.param(synchronisation(f"(OA;;CR;ab721a55-1e2f-11d0-9819-00aa0040529b;;{CLERK})"), True, id="Send-To"),
        pytest.param(synchronisation(f"(D;;GA;;;{CLERK})"), True, id="denied"),
        pytest.param(synchronisation(protected=False), False, id="inherits"),
        pytest.param(synchronisation(f"(OA;;CR;{RESET};;{CLERK})"), False, id="another's right"),
        pytest.param(synchronisation(f"(OA;;WP;{PERSONAL};;{CLERK})"), False, id="a harmless one, but no reading"),
        pytest.param(synchronisation(owner=CLERK), False, id="another's own"),
    ],
)
def test_what_is_protected_like_adminsdholder_may_hold_rights(account: dict[str, Any], accepted: bool) -> None:
    snapshot = access.domain(admin=[f"(OA;;CR;{RESET};;{SYNC})"], accounts=[account])
    result = outcome(MEMBERS, snapshot)
    assert bool(result.found) is not accepted
    if accepted:
        assert result.reason is not None and "MSOL_1" in result.reason  # never without a word
    else:
        assert result.reason is None


def test_a_group_is_tier_0_when_all_its_members_are() -> None:
    def judged(*members: str, **facts: Any) -> list[Found]:
        team = access.group(sid(1301), "Équipe Tier 0", members=members, **{"protected": True, **facts})
        holder = [f"(A;;WD;;;{sid(1301)})"]
        return found(MEMBERS, access.domain(admin=holder, more=[team], accounts=[synchronisation()]))

    guarded, plain = synchronisation()["dn"], domain.user(1201, "support")["dn"]
    assert judged(guarded) == []
    assert len(judged(guarded, plain)) == 1
    assert len(judged(guarded, domain.group_dn("Admins du domaine"))) == 1  # no groups in it
    assert len(judged(guarded, f"CN=gone,{BASE}")) == 1
    assert len(judged()) == 1
    assert len(judged(guarded, protected=False)) == 1
    everyone = access.group(sid(513), "Utilisateurs du domaine", members=[guarded], protected=True)
    holder = [f"(A;;WD;;;{sid(513)})"]  # its other members have it as their primary group
    assert len(found(MEMBERS, access.domain(admin=holder, more=[everyone], accounts=[synchronisation()]))) == 1


def test_without_adminsdholder_nothing_is_like_it() -> None:
    snapshot = access.domain(admin=[f"(A;;WD;;;{SYNC})"], accounts=[synchronisation()])
    for each in snapshot.secured:
        if each.role == "adminsdholder":
            each.descriptor = None
    assert len(outcome(MEMBERS, snapshot).found) == 1


# --- containers, owners, what cannot be read --------------------------------------------------------------------


def test_containers_of_privileged_objects() -> None:
    control = "vuln_permissions_gpo_container_priv"
    unit = {"sddl": [f"(A;;WD;;;{HELPER})", f"(A;;CCDC;;;{CLERK})"], "links": [[POLICY, 0]]}
    (one,) = found(control, access.domain(controllers_ou=unit))
    assert (one.dn, one.level) == (CONTROLLERS, 2)
    assert hops(one) == [("support", "WriteDacl", "Domain Controllers"), ("Domain Controllers", "Contains", "DC1$")]
    snapshot = access.domain(head=[f"(A;;WD;;;{HELPER})"])
    assert found(control, snapshot) == []  # the head is another control's
    site = next(each for each in snapshot.secured if each.role == "site")
    site.descriptor = access.parsed(f"(OA;;WP;{GPLINK};;{HELPER})", *access.USUAL)
    (site_one,) = found(control, Snapshot(**vars_of(snapshot)))
    assert site_one.dn == site.dn


@pytest.mark.parametrize(
    ("owner", "created", "expected"),
    [
        (sid(512), "2020-01-01T00:00:00+00:00", 0),
        (sid(519), "2020-01-01T00:00:00+00:00", 0),
        ("S-1-5-32-544", "2020-01-01T00:00:00+00:00", 0),
        ("S-1-5-18", "2020-01-01T00:00:00+00:00", 0),
        (HELPER, "2020-01-01T00:00:00+00:00", 1),
        (sid(1101), "2020-01-01T00:00:00+00:00", 1),  # an administrator himself is not his group
        ("S-1-5-21-1-2-3-512", "2020-01-01T00:00:00+00:00", 1),
        (HELPER, None, 1),
        (HELPER, "2026-11-15T01:59:59+00:00", 1),  # 7 days and a second before the audit
        (HELPER, "2026-11-15T02:00:00+00:00", 1),
        (HELPER, "2026-11-15T02:00:01+00:00", 0),
    ],
)
def test_owners(owner: str, created: str | None, expected: int) -> None:
    machine = access.computer(1402, "PC1$", owner=owner, created=created)
    result = found("vuln_owner", access.domain(accounts=[machine]))
    assert len(result) == expected
    for one in result:
        assert (one.id, one.type, one.level, one.evidence["owner_sid"]) == (sid(1402), "computer", 3, owner)


@pytest.mark.parametrize("role", ["group", "ou", "gpo"])
def test_owners_of_other_objects(role: str) -> None:
    thing = access.secured(f"CN=chose,{BASE}", role, owner=HELPER)
    (one,) = found("vuln_owner", access.domain(more=[thing]))
    entry = catalogue.load()["vuln_owner"].remediation
    assert entry is not None
    finding = {"object": {"label": one.label}, "evidence": one.evidence}
    assert entry.entries(finding) == [{"object": f"CN=chose,{BASE}", "label": "chose"}]


def test_owners_of_containers_are_not_asked_for() -> None:
    assert found("vuln_owner", access.domain(more=[access.secured(f"CN=c,{BASE}", "container", owner=HELPER)])) == []


def test_an_unreadable_descriptor_is_a_finding_and_blinds_the_others() -> None:
    snapshot = access.domain()
    next(each for each in snapshot.accounts if each.label == "a.dupont").descriptor = None
    (one,) = found("vuln_sd_failed_sd_read_on_priv", snapshot)
    assert (one.id, one.level, one.type) == (sid(1101), 3, "user")
    assert "READ_CONTROL" in one.evidence["missing_right"]
    assert "READ_CONTROL" in unreadable(MEMBERS, snapshot)
    assert "a.dupont" in unreadable("vuln_owner", snapshot)
    for role, control in (
        ("adminsdholder", "vuln_permissions_adminsdholder"),
        ("gpo", "vuln_permissions_gpo_priv"),
        ("ou", "vuln_permissions_gpo_container_priv"),
        ("msdns", "vuln_permissions_msdns"),
    ):
        blank = access.domain()
        for each in blank.secured:
            if each.role == role:
                each.descriptor = None
        assert "READ_CONTROL" in unreadable(control, blank)
    broken = access.domain()
    next(each for each in broken.accounts if each.label == "DC1$").descriptor = broken.pool.of(b"\x01\x00")
    assert "not understood" in unreadable("vuln_permissions_dc", broken)
    assert [each.label for each in found("vuln_sd_failed_sd_read_on_priv", broken)] == ["DC1$"]


@pytest.mark.parametrize("control", ["vuln_permissions_dpapi", "vuln_permissions_gmsa_keys"])
def test_nothing_to_judge_is_said(control: str) -> None:
    result = outcome(control, access.domain())
    assert result.state == "evaluated" and result.reason and "no" in result.reason


def test_time_grows_with_the_domain_and_no_faster() -> None:
    """Everyone in nested groups that lead to an administrator: ten times the people, at most thirty times as long."""

    def seconds(people: int) -> float:
        crowd = [access.user(10_000 + index, f"u{index}") for index in range(people)]
        groups = [
            access.group(sid(3000 + start), f"G{start}", members=[each["dn"] for each in crowd[start : start + 100]])
            for start in range(0, people, 100)
        ]
        top = access.group(sid(2999), "Tous", members=[each["dn"] for each in groups])
        snapshot = access.domain(admin=[f"(A;;WD;;;{sid(2999)})"], accounts=crowd, more=[top, *groups])
        started = time.perf_counter()
        (one,) = found(MEMBERS, snapshot)
        elapsed = time.perf_counter() - started
        assert one.evidence["principals_total"] == people
        return elapsed

    small = min(seconds(300) for _ in range(3))
    assert seconds(3000) < 30 * small + 0.5


def test_the_graph_is_made_once() -> None:
    snapshot = access.domain()
    assert ControlGraph.of(snapshot) is ControlGraph.of(snapshot)
