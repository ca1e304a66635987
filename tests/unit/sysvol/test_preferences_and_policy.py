# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Passwords in preferences: found, taken out, everything else kept; names of a policy's parts."""

from __future__ import annotations

import uuid

import pytest
from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.preferences import (
    StoredPassword,
    stored_passwords,
    without_passwords,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET = "j1Uyj3Vx8TY9LtLZil2uAuZkFQA/4latT76ZwgdHdhw"  # the example of MS-GPPREF, "Local*P4ssword!"
GROUPS = (
    '<?xml version="1.0" encoding="utf-8"?>\r\n<Groups clsid="{3125E937-EB16-4b4c-9934-544FC6D24D26}">'
    '<!-- cpassword="in a comment" -->\r\n'
    '  <User clsid="{DF5F1855-51E5-4d24-8B1A-D9BDE98BA1D1}" name="Opérateur" image="2" '
    'changed="2013-07-04 00:07:13" uid="{AA}"><Properties action="U" newName="" description="a &gt; b" '
    f'cpassword="{SECRET}" changeLogon="0" userName="Opérateur"/></User>\r\n'
    '  <User name="vide"><Properties action="U" cpassword="" userName="vide" /></User>\r\n'
    f"  <User name='deux' disabled=\"1\"><Properties cpassword='{SECRET}' action='C' userName='deux > un'></Properties>"
    "</User><![CDATA[<Properties cpassword=\"x\"/>]]>\r\n</Groups>\r\n"
)


def test_passwords_are_named_never_shown() -> None:
    found = stored_passwords(GROUPS.encode())
    assert found == [
        StoredPassword("User", "Opérateur", "Opérateur", "U", "2013-07-04 00:07:13", False),
        StoredPassword("User", "deux", "deux > un", "C", "", True),
    ]
    assert SECRET not in repr(found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_only_the_attribute_goes(encoding: str) -> None:
    text = GROUPS.replace("utf-8", "utf-8" if encoding == "utf-8-sig" else encoding)
    wanted = text.replace(f' cpassword="{SECRET}"', "").replace(f" cpassword='{SECRET}'", "")
    assert without_passwords(text.encode(encoding)) == wanted.encode(encoding)
    assert without_passwords(wanted.encode(encoding)) == wanted.encode(encoding)


@pytest.mark.parametrize(
    "element",
    [
        '<Drive name="P:"><Properties action="R" path="\\\\srv\\p" userName="adm" cpassword="{0}"/></Drive>',
        '<Task name="t"><Properties action="U" runAs="CHU\\adm" cpassword="{0}"/></Task>',
        '<NTService name="s"><Properties serviceName="s" accountName="adm" cpassword="{0}"/></NTService>',
        '<DataSource name="d"><Properties action="C" username="adm" cpassword="{0}"/></DataSource>',
    ],
)
def test_every_kind_of_item(element: str) -> None:
    raw = f"<Items>{element.format(SECRET)}</Items>".encode()
    (found,) = stored_passwords(raw)
    assert found.account.endswith("adm") and found.item in element
    assert SECRET.encode() not in without_passwords(raw)


def test_a_document_type_is_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a cpassword="&c;"/>'
    for call in (stored_passwords, without_passwords):
        with pytest.raises(FormatError, match="document type"):
            call(bomb)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(FormatError, match="100"):
        stored_passwords(b"<a>" * 200 + b"</a>" * 200)


@given(st.binary(max_size=200))
def test_hostile_bytes(raw: bytes) -> None:
    for given_raw in (raw, b"<a>" + raw + b"</a>"):
        try:
            cleaned = without_passwords(given_raw)
        except FormatError:
            continue
        assert len(cleaned) <= len(given_raw) and not stored_passwords(cleaned)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), st.text("abc &", max_size=10))
def test_any_text_around_stays(text: str, name: str) -> None:
    from xml.sax.saxutils import escape, quoteattr

    before = f"<G>{escape(text)}<User name={quoteattr(text)}><Properties x={quoteattr(name)}"
    after = f" y={quoteattr(text)}/></User></G>"
    raw = f'{before} cpassword="{SECRET}"{after}'.encode()
    assert without_passwords(raw) == f"{before}{after}".encode()


def test_a_tag_that_never_ends_takes_no_time() -> None:
    with pytest.raises(FormatError):
        stored_passwords(b'<a b="' * 100_000)


# -- names of a policy's parts -----------------------------------------------------------------------------------


def test_extensions_are_sorted_and_what_is_there_stays() -> None:
    present = f"[{{{policy.SECURITY}}}{{{policy.MACHINE_TOOLS[policy.SECURITY]}}}]"
    wanted = policy.with_extensions(present, [policy.REGISTRY, policy.SECURITY], policy.MACHINE_TOOLS)
    assert wanted == (
        "[{35378EAC-683F-11D2-A89A-00C04FBBCFA2}{D02B1F72-3407-48AE-BA88-E8213C6761F1}]"
        "[{827D319E-6EAC-11D2-A4EA-00C04F79F83A}{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}]"
    )
    assert policy.with_extensions(present.lower(), [policy.SECURITY], policy.MACHINE_TOOLS) == present.lower()
    assert policy.with_extensions("", [policy.AUDIT], policy.MACHINE_TOOLS).startswith("[{F3CCC681")
    with pytest.raises(ValueError, match="not a list"):
        policy.extensions("[{no}]")


def test_versions_never_come_back_to_zero() -> None:
    assert policy.Version.of(65537) == policy.Version(1, 1)
    assert policy.Version(0xFFFF, 0xFFFF).next(machine=True, user=True) == policy.Version(1, 1)
    assert policy.Version(1, 0x8000).signed == -(2**31) + 1 and policy.Version.of(-(2**31) + 1).user == 0x8000
    assert policy.Version(3, 1).joined(policy.Version(2, 5)) == policy.Version(3, 5)


DN = "cn={31B2F340-016D-11D2-945F-00C04FB984F9},cn=policies,cn=system,DC=chu,DC=test"


def test_links_are_read_the_winning_one_first() -> None:
    text = f"[LDAP://{DN};2][LDAP://CN={{X}},DC=y;1]"
    found = policy.links(text)
    assert [link.options for link in found] == [1, 2]
    assert policy.links_text(found) == text
    with pytest.raises(ValueError, match="not a list of links"):
        policy.links(text + "[LDAP://broken]")
    assert policy.links(" ") == []


@pytest.mark.parametrize(
    ("order", "enabled", "enforced", "wanted"),
    [
        (None, None, None, "a0 b2 new0"),
        (1, None, True, "new2 a0 b2"),
        (2, False, None, "a0 new1 b2"),
        (9, True, True, "a0 b2 new2"),
    ],
)
def test_a_new_link(order: int | None, enabled: bool | None, enforced: bool | None, wanted: str) -> None:
    present = [policy.Link("a"), policy.Link("b", 2)]
    found = policy.with_link(present, "new", enabled=enabled, enforced=enforced, order=order)
    assert " ".join(f"{link.dn}{link.options}" for link in found) == wanted


def test_a_link_that_is_there_keeps_its_place_and_what_is_not_asked() -> None:
    found = [policy.Link("a"), policy.Link("B", 3), policy.Link("c")]
    assert policy.with_link(found, "b", enabled=None, enforced=None, order=None) == found
    assert policy.with_link(found, "b", enabled=True, enforced=None, order=None)[1] == policy.Link("B", 2)
    assert [link.dn for link in policy.with_link(found, "b", enabled=None, enforced=None, order=1)] == ["B", "a", "c"]


def test_guids() -> None:
    assert policy.guid_of("{31b2f340-016d-11d2-945f-00c04fb984f9}") == policy.DEFAULT_DOMAIN_POLICY
    assert policy.braced(policy.DEFAULT_DOMAIN_POLICY) == "{31B2F340-016D-11D2-945F-00C04FB984F9}"
    assert policy.guid_of("PolicyDefinitions") is None and policy.guid_of(str(uuid.uuid4())) is None
