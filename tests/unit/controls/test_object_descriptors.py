"""Reading the objects whose access lists matter, and keeping their descriptors once."""

from __future__ import annotations

import tracemalloc

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import DescriptorPool
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import descriptors

from controls.domain import BASE, sid
from controls.test_snapshot_reader import CONFIG, SYSTEM, account, read, world


def raw(*sddl: str, owner: str = sid(512), protected: bool = False) -> bytes:
    aces = tuple(map(from_sddl, sddl))
    control = sd.SELF_RELATIVE | (sd.DACL_PROTECTED if protected else 0)
    return sd.SecurityDescriptor(control=control, owner=owner, dacl=sd.Acl(aces)).with_dacl(aces).to_bytes()


def test_every_kind_of_object_is_read_with_its_role() -> None:
    snapshot = read()
    roles = {each.dn: each.role for each in snapshot.secured}
    assert roles[f"CN=AdminSDHolder,{SYSTEM}"] == descriptors.ADMINSDHOLDER
    assert roles[f"CN=MicrosoftDNS,{SYSTEM}"] == descriptors.MSDNS
    assert roles[f"CN=DFSR-GlobalSettings,{SYSTEM}"] == descriptors.DFSR
    assert roles[f"CN=BCKUPKEY_P Secret,{SYSTEM}"] == descriptors.DPAPI
    assert roles[f"CN=Group Key Distribution Service,CN=Services,{CONFIG}"] == descriptors.ROOT_KEY
    assert roles[f"CN=person,CN=Schema,{CONFIG}"] == descriptors.SCHEMA
    assert roles[f"CN=Site,CN=Sites,{CONFIG}"] == descriptors.SITE
    assert roles[f"CN=Admins du domaine,CN=Users,{BASE}"] == descriptors.GROUP
    assert roles[BASE] == descriptors.DOMAIN_HEAD


def test_links_of_policies_sites_and_members() -> None:
    by_dn = {each.dn: each for each in read().secured}
    unit = by_dn[f"OU=Unité de soins d'urgence,{BASE}"]
    assert [options for _dn, options in unit.links] == [2, 1]
    assert unit.blocks
    assert by_dn[f"CN=Site,CN=Sites,{CONFIG}"].members == (account(1000, "DC1$")[0],)
    admins = by_dn[f"CN=Admins du domaine,CN=Users,{BASE}"]
    assert account(500, "Administrateur")[0] in admins.members


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("", ()),
        (" ", ()),
        ("[LDAP://cn={A},cn=policies,dc=x;0]", (("cn={A},cn=policies,dc=x", 0),)),
        ("[LDAP://cn={A},dc=x;2][ldap://CN={B},dc=x;1]", (("cn={A},dc=x", 2), ("CN={B},dc=x", 1))),
        ("[LDAP://cn={A},dc=x;two][garbage]", ()),
    ],
)
def test_links(text: str, links: tuple[tuple[str, int], ...]) -> None:
    assert descriptors.links_of(text) == links


@pytest.mark.parametrize(
    ("dn", "name"),
    [("OU=Urgences\\, Nord,DC=x", "Urgences, Nord"), ("CN=a=b,DC=x", "a=b"), ("DC=x", "x"), ("no name", "no name")],
)
def test_first_name(dn: str, name: str) -> None:
    assert descriptors.first_name(dn) == name


def test_a_descriptor_that_is_not_shown_leaves_the_object_listed() -> None:
    objects = world()
    holder = f"CN=AdminSDHolder,{SYSTEM}"
    del objects[holder]["nTSecurityDescriptor"]
    (one,) = [each for each in read(objects).secured if each.dn == holder]
    assert one.descriptor is None


def test_silence_is_unreadable() -> None:
    objects = world()
    for each in objects.values():
        each.pop("nTSecurityDescriptor", None)
    assert "READ_CONTROL" in read(objects).unreadable[descriptors.OBJECT_DESCRIPTORS]
    gone = {dn: each for dn, each in world().items() if "AdminSDHolder" not in dn}
    assert "AdminSDHolder" in read(gone).unreadable[descriptors.OBJECT_DESCRIPTORS]
    for name, part in (
        ("CN=BCKUPKEY_", descriptors.BACKUP_KEYS),
        ("CN=DFSR-Global", descriptors.SYSVOL_REPLICATION),
        ("CN=Group Key", descriptors.ROOT_KEYS),
        ("CN=person", descriptors.SCHEMA_OBJECTS),
        ("CN=MicrosoftDNS", descriptors.DNS_SETTINGS),
        ("CN={31B2F340", descriptors.POLICY_LINKS),
    ):
        assert part in read({dn: each for dn, each in world().items() if not dn.startswith(name)}).unreadable


def test_what_an_administrator_does_not_see_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controls.test_snapshot_reader.FakeSession.connected_sid", sid(500))
    gone = {dn: each for dn, each in world().items() if not dn.startswith(("CN=BCKUPKEY_", "CN=Group Key"))}
    assert not {descriptors.BACKUP_KEYS, descriptors.ROOT_KEYS} & read(gone).unreadable.keys()


def test_the_pool_keeps_each_descriptor_and_entry_once() -> None:
    pool = DescriptorPool()
    common = f"(A;;GA;;;{sid(512)})"
    one, same, other = pool.of(raw(common)), pool.of(raw(common)), pool.of(raw(common, owner=sid(1105)))
    assert one is same and one is not other
    assert one is not None and other is not None and one.aces and other.aces
    assert one.aces[0] is other.aces[0]
    assert (one.owner, other.owner, len(pool)) == (sid(512), sid(1105), 2)
    assert pool.of(None) is None


def test_what_the_pool_does_not_understand_says_why() -> None:
    pool = DescriptorPool()
    broken, bare = pool.of(b"\x01\x00"), pool.of(sd.SecurityDescriptor(owner=sid(512)).to_bytes())
    assert broken is not None and broken.blind and "cut short" in broken.blind
    assert bare is not None and bare.aces is None and bare.blind is None
    guarded = pool.of(raw(protected=True))
    assert guarded is not None and guarded.protected
    strange = sd.Ace.parse(b"\x7f\x00\x08\x00\x00\x00\x00\x00")
    odd = pool.of(sd.SecurityDescriptor(dacl=sd.Acl((strange,))).with_dacl((strange,)).to_bytes())
    assert odd is not None and odd.blind and "0x7f" in odd.blind


def test_a_descriptor_of_its_own_for_each_object_takes_little_memory() -> None:
    """Forty common entries and one of its own, as computers have that someone joined: the worst usual case."""
    shared = [f"(OA;CIID;RP;{index:08x}-0de6-11d0-a285-00aa003049e2;;S-1-5-11)" for index in range(40)]
    descriptions = [raw(f"(A;;RPWP;;;{sid(10_000 + index)})", *shared) for index in range(500)]
    pool = DescriptorPool()
    pool.of(descriptions[0])
    tracemalloc.start()
    kept = [pool.of(each) for each in descriptions]
    size, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(set(map(id, kept))) == 500
    assert size / 500 < 1500
