"""Which rights over an object are dangerous, by its kind; what deny entries take away; who may hold them."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import rights
from ansible_collections.care.remediation.plugins.module_utils.controls.rights import Trusted, grants, level_of
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import DescriptorPool

from controls import access
from controls.domain import DOMAIN, sid

WHO = sid(1201)
OWNED_BY_ADMINS = {"owner": "S-1-5-32-544"}
RESET = "00299570-246d-11d0-a768-00aa006e0529"
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
MEMBERSHIP = "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
KEY = "5b47d60f-6090-40b2-9f37-2a4de88f3063"
RBCD = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
RESTRICTIONS = "4c164200-20c0-11d0-a768-00aa006e0529"
SPN = "f3a64788-5306-11d1-a9c5-0000f80367c1"
PUBLIC = "e48d0154-bcf8-11d1-8702-00c04fb96050"
GPLINK = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
USER_CLASS = "bf967aba-0de6-11d0-a285-00aa003049e2"
GROUP_CLASS = "bf967a9c-0de6-11d0-a285-00aa003049e2"
ROOT_KEY = "26627c27-08a2-0a40-a1b1-8dce85b42993"


def held(kind: str, *sddl: str, who: str = WHO, **facts: str) -> list[str]:
    descriptor = access.parsed(*sddl, **{**OWNED_BY_ADMINS, **facts})
    return [grant.right for grant in grants(descriptor, kind) if grant.sid == who]


@pytest.mark.parametrize(
    ("kind", "ace", "expected"),
    [
        ("user", f"(A;;GA;;;{WHO})", ["GenericAll"]),
        ("user", f"(A;;GW;;;{WHO})", ["GenericWrite"]),
        ("user", f"(A;;WDWO;;;{WHO})", ["WriteDacl", "WriteOwner"]),
        ("user", f"(OA;;CR;{RESET};;{WHO})", ["ResetPassword"]),
        ("user", f"(A;;CR;;;{WHO})", ["AllExtendedRights"]),
        ("user", f"(OA;;WP;{KEY};;{WHO})", ["WriteKeyCredentialLink"]),
        ("user", f"(OA;;WP;{SPN};;{WHO})", ["WriteSPN"]),
        ("user", f"(OA;;WP;{PUBLIC};;{WHO})", ["WritePublicInformation"]),
        ("user", f"(OA;;WP;{RESTRICTIONS};;{WHO})", ["WriteAccountRestrictions"]),
        ("user", f"(OA;;WP;{USER_CLASS};;{WHO})", ["WriteAllProperties"]),  # its own class: the whole object
        ("user", f"(OA;;WP;{GROUP_CLASS};;{WHO})", []),
        ("user", f"(OA;;WP;{MEMBER};;{WHO})", []),  # a user has no members
        ("user", f"(OA;;RP;{KEY};;{WHO})", []),
        ("user", f"(A;;SW;;;{WHO})", []),
        ("user", f"(OA;CIIO;CR;{RESET};;{WHO})", []),
        ("user", f"(XA;;WD;;;{WHO})", ["WriteDacl"]),  # conditional: as if its condition held
        ("computer", f"(OA;;WP;{RBCD};;{WHO})", ["WriteAllowedToAct"]),
        ("computer", f"(OA;;WP;{RESTRICTIONS};;{WHO})", ["WriteAllowedToAct"]),
        ("computer", f"(OA;;SW;{SPN};;{WHO})", []),  # validated: names of the machine itself only
        ("msa", "(OA;;WP;888eedd6-ce04-df40-b462-b8a50e41ba38;;" + WHO + ")", ["WriteManagedPasswordReaders"]),
        ("msa", f"(OA;;CR;{RESET};;{WHO})", []),  # nobody resets the password of a managed account
        ("group", f"(OA;;WP;{MEMBER};;{WHO})", ["AddMember"]),
        ("group", f"(OA;;WP;{MEMBERSHIP};;{WHO})", ["AddMember"]),
        ("group", f"(OA;;SW;{MEMBER};;{WHO})", ["AddSelf"]),
        ("group", f"(A;;SW;;;{WHO})", ["AddSelf"]),
        ("group", f"(A;;WP;;;{WHO})", ["WriteAllProperties"]),
        ("group", f"(A;;CR;;;{WHO})", []),  # Send-To and the like
        ("ou", f"(OA;;WP;{GPLINK};;{WHO})", ["WriteGPLink"]),
        ("ou", f"(OA;CI;CR;{RESET};;{WHO})", []),  # means something on the users below only
        ("ou", f"(A;;CCDC;;;{WHO})", []),
        ("container", f"(A;;WP;;;{WHO})", []),
        ("container", f"(A;;WD;;;{WHO})", ["WriteDacl"]),
        ("gpo", f"(A;;CCLCRPWPRC;;;{WHO})", ["WriteAllProperties"]),  # « Edit settings » of GPMC
        ("gpo", "(OA;;CR;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;S-1-5-11)", []),  # apply
        ("adminsdholder", f"(OA;;CR;{RESET};;{WHO})", ["ResetPassword"]),
        ("adminsdholder", f"(OA;;WP;{MEMBER};;{WHO})", ["AddMember"]),
        ("strict", f"(OA;;WP;{MEMBER};;{WHO})", ["WriteProperty"]),
        ("strict", f"(A;;CCDC;;;{WHO})", ["CreateChild", "Delete"]),
        ("strict", f"(OA;CIID;WPCC;{PUBLIC};;{WHO})", []),  # meant for users; comes to everything in the domain
        ("strict", f"(A;CIID;WPCC;;;{WHO})", ["WriteAllProperties", "CreateChild"]),
        ("root key", f"(A;;RPCR;;;{WHO})", ["ReadRootKey"]),
        ("root key", f"(OA;;RPCR;{ROOT_KEY};;{WHO})", ["ReadRootKey"]),
        ("root key", f"(A;;RP;;;{WHO})", []),  # the attribute is confidential
    ],
)
def test_rights_by_kind(kind: str, ace: str, expected: list[str]) -> None:
    assert held(kind, ace) == expected


@pytest.mark.parametrize(
    ("kind", "sddl", "expected"),
    [
        pytest.param("user", (f"(D;;WD;;;{WHO})", f"(A;;WD;;;{WHO})"), [], id="denied before"),
        pytest.param("user", (f"(A;;WD;;;{WHO})", f"(D;;WD;;;{WHO})"), ["WriteDacl"], id="denied after"),
        pytest.param("user", ("(D;;WD;;;S-1-1-0)", f"(A;;WD;;;{WHO})"), [], id="denied to everyone"),
        pytest.param("user", ("(D;;WD;;;S-1-5-11)", f"(A;;WD;;;{WHO})"), [], id="denied to who logs on"),
        pytest.param("user", (f"(D;;WD;;;{sid(1301)})", f"(A;;WD;;;{WHO})"), ["WriteDacl"], id="denied to others"),
        pytest.param("user", (f"(D;CIIO;WD;;;{WHO})", f"(A;;WD;;;{WHO})"), ["WriteDacl"], id="denied below only"),
        pytest.param("user", (f"(D;;SD;;;{WHO})", f"(A;;GA;;;{WHO})"),
                     ["WriteDacl", "WriteOwner", "WriteAllProperties", "AllExtendedRights"], id="not all, but enough"),
        pytest.param("group", (f"(OD;;WP;{MEMBER};;{WHO})", f"(OA;;WP;{MEMBER};;{WHO})"), [], id="one property"),
        pytest.param("group", (f"(OD;;WP;{SPN};;{WHO})", f"(OA;;WP;{MEMBER};;{WHO})"), ["AddMember"],
                     id="another property"),
        pytest.param("user", (f"(XD;;WD;;;{WHO})", f"(A;;WD;;;{WHO})"), ["WriteDacl"], id="denied on a condition"),
    ],
)  # fmt: skip
def test_deny_entries(kind: str, sddl: tuple[str, ...], expected: list[str]) -> None:
    assert held(kind, *sddl) == expected


def test_the_owner_holds_a_right_unless_owner_rights_say_otherwise() -> None:
    assert held("user", owner=WHO) == ["Owner"]
    assert held("user", "(A;;RC;;;S-1-3-4)", owner=WHO) == []
    assert held("user", "(A;;WD;;;S-1-3-4)", owner=WHO) == ["WriteDacl"]
    assert held("user", "(A;CIIO;RC;;;S-1-3-4)", owner=WHO) == ["Owner"]


def test_placeholders_are_nobody() -> None:
    for placeholder in ("S-1-3-0", "S-1-3-1", "S-1-5-10"):
        assert held("user", f"(A;;GA;;;{placeholder})", who=placeholder) == []


def test_no_access_list_is_everyone() -> None:
    bare = DescriptorPool().of(sd.SecurityDescriptor(owner="S-1-5-18").to_bytes())
    assert bare is not None
    assert [(grant.sid, grant.right) for grant in grants(bare, "user")] == [("S-1-1-0", "NoDacl")]


def test_levels() -> None:
    alone = ["GenericAll", "WriteDacl", "WriteOwner", "Owner", "ResetPassword", "AddMember", "WriteAllowedToAct"]
    assert [level_of(each, "user") for each in alone] == [1] * len(alone)
    more = ["WriteSPN", "WriteUserAccountControl", "WriteAltSecurityIdentities", "WriteGPLink", "WriteLogonScript"]
    assert [level_of(each, "user") for each in more] == [2] * len(more)
    assert [level_of("WriteAllProperties", kind) for kind in ("user", "group", "domain", "strict")] == [1, 1, 2, 2]
    assert [level_of("AllExtendedRights", kind) for kind in ("user", "domain", "strict")] == [1, 1, 2]


def test_trusted_are_the_privileged_and_the_system() -> None:
    read_only = access.computer(1050, "RODC1$", uac=uac.PARTIAL_SECRETS_ACCOUNT, primary_group_id=521)
    trusted = Trusted(access.domain(accounts=[read_only]))
    for each in ("S-1-5-18", "S-1-5-9", "S-1-5-32-544", "S-1-5-32-548", sid(512), sid(519), sid(500), sid(1101)):
        assert each in trusted
    assert sid(1000) in trusted  # a domain controller
    for each in (WHO, sid(513), sid(1050), "S-1-5-11", "S-1-5-21-1-2-3-512", sid(520), sid(517)):
        assert each not in trusted


def test_administrators_of_the_forest_are_trusted_in_each_domain() -> None:
    snapshot = access.domain()
    snapshot.root_domain_sid = "S-1-5-21-7-7-7"
    assert "S-1-5-21-7-7-7-519" in Trusted(snapshot)
    assert "S-1-5-21-7-7-7-1105" not in Trusted(snapshot)


def test_broad() -> None:
    for each in ("S-1-1-0", "S-1-5-11", "S-1-5-32-545", sid(513), sid(515)):
        assert rights.is_broad(each, DOMAIN)
    for each in (sid(512), WHO, "S-1-5-21-1-2-3-513", "S-1-5-9"):
        assert not rights.is_broad(each, DOMAIN)
