"""LDAP filters as the readers write them, applied to plain entries."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import ldap_filter
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import escape
from hypothesis import given
from hypothesis import strategies as st

ENTRY = {
    "objectclass": [b"top", b"person", b"user"],
    "samaccountname": ["Élodie (soins)*".encode()],
    "useraccountcontrol": [b"66048"],
    "accountexpires": [b"133900000000000000"],
    "grouptype": [b"-2147483646"],
    "objectsid": [sids.to_bytes("S-1-5-21-1-2-3-500")],
    "objectcategory": [b"CN=Person,CN=Schema,CN=Configuration,DC=x"],
    "member": [b"CN=A,DC=x", b"CN=B,DC=x"],
}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("(objectClass=*)", True),
        ("(objectClass=USER)", True),
        ("(objectClass=computer)", False),
        ("(&(objectClass=user)(!(objectClass=computer)))", True),
        ("(|(objectClass=computer)(mail=*))", False),
        ("(&)", True),
        ("(|)", False),
        ("(mail=*)", False),
        ("(!(mail=*))", True),
        ("(sAMAccountName=élodie \\28soins\\29\\2a)", True),
        ("(sAMAccountName=élo*soins*)", True),
        ("(sAMAccountName=*soins\\29*)", True),
        ("(sAMAccountName=élo*absent*)", False),
        ("(sAMAccountName=élodie (soins\\29\\2a)", True),
        ("(userAccountControl:1.2.840.113556.1.4.803:=65536)", True),
        ("(userAccountControl:1.2.840.113556.1.4.803:=65538)", False),
        ("(userAccountControl:1.2.840.113556.1.4.804:=65538)", True),
        ("(groupType:1.2.840.113556.1.4.803:=2147483648)", True),
        ("(sAMAccountName:1.2.840.113556.1.4.803:=1)", False),
        ("(accountExpires>=1)", True),
        ("(accountExpires<=9)", False),
        ("(accountExpires>=133900000000000000)", True),
        ("(objectSid=S-1-5-21-1-2-3-500)", True),
        (f"(objectSid={sids.filter_value('S-1-5-21-1-2-3-500')})", True),
        ("(objectSid=S-1-5-21-1-2-3-501)", False),
        ("(objectCategory=person)", True),
        ("(member=cn=b,dc=x)", True),
    ],
)
def test_matches(text: str, fits: bool) -> None:
    assert ldap_filter.matches(ldap_filter.parse(text), ENTRY) is fits


@pytest.mark.parametrize(
    "text", ["", "objectClass=*", "(a=b", "(a=b))", "(&(a=b)", "(!(a=b)(c=d))", "(=x)", "(a)", "()"]
)
def test_what_is_no_filter(text: str) -> None:
    with pytest.raises(ldap_filter.FilterError):
        ldap_filter.parse(text)


def test_an_unknown_rule_is_refused() -> None:
    condition = ldap_filter.parse("(useraccountcontrol:1.2.3:=1)")
    with pytest.raises(ldap_filter.FilterError, match=r"1\.2\.3"):
        ldap_filter.matches(condition, ENTRY)


@given(st.text(min_size=1).filter(lambda text: "\x00" not in text))
def test_an_escaped_value_is_found_again(value: str) -> None:
    condition = ldap_filter.parse(f"(cn={escape(value)})")
    assert ldap_filter.matches(condition, {"cn": [value.encode("utf-8", "surrogatepass")]})
    assert ldap_filter.attributes(condition) == {"cn"}


@given(st.text(alphabet="()&|!=*<>:\\ab1. é", max_size=30))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        condition = ldap_filter.parse(text)
    except ldap_filter.FilterError:
        return
    ldap_filter.attributes(condition)
