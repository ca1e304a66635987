"""Readiness for Protected Users and for smart cards: each blocker by itself, on accounts made for it."""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, plan_readiness
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_certificate import not_after
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_readiness import Facts, report
from hypothesis import given
from hypothesis import strategies as st

from .certificate import CERTIFICATE, CERTIFICATE_NOT_AFTER
from .conftest import BASE, DOMAIN, make_entry

NOW = datetime(2026, 11, 22, tzinfo=UTC)
AES_SINCE = datetime(2015, 3, 1, tzinfo=UTC)
GROUP_DN = f"CN=Utilisateurs protégés,CN=Users,{BASE}"
FACTS = Facts(NOW, Protected([Account("break_glass", f"{DOMAIN}-1107", "bris-de-glace-1")]), AES_SINCE, GROUP_DN)


def admin(rid: int = 1104, **attributes: Any) -> Entry:
    recent = ad_time.to_filetime(NOW - timedelta(days=200))
    return make_entry(
        "adm.é",
        rid,
        **{
            "userAccountControl": 0x200,
            "pwdLastSet": recent,
            "userPrincipalName": "adm@chu-valmont.test",
            **attributes,
        },
    )


def blockers(entry: Entry, purpose: str, facts: Facts = FACTS) -> list[str]:
    return [item["code"] for item in report(entry, purpose, facts)["blockers"]]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(admin(), [], id="ready"),
        pytest.param(admin(1107), ["protected_account"], id="break-glass"),
        pytest.param(admin(servicePrincipalName="HTTP/x"), ["service"], id="service"),
        pytest.param(admin(userAccountControl=0x200200), ["des_only"], id="des-only"),
        pytest.param(admin(msDS_SupportedEncryptionTypes=7), ["no_aes"], id="rc4-and-des"),
        pytest.param(admin(msDS_SupportedEncryptionTypes=0x18), [], id="aes"),
        pytest.param(admin(msDS_SupportedEncryptionTypes=0), [], id="types-default"),
        pytest.param(
            admin(pwdLastSet=ad_time.to_filetime(AES_SINCE - timedelta(seconds=1))), ["password_before_aes"], id="old"
        ),
        pytest.param(admin(pwdLastSet=0), ["password_never_set"], id="never-set"),
        pytest.param(admin(userAccountControl=0x80200), ["delegation"], id="unconstrained"),
        pytest.param(admin(msDS_AllowedToDelegateTo="HTTP/y"), ["delegation"], id="constrained"),
        pytest.param(
            make_entry(
                "PC$", 1300, classes=("computer",), userAccountControl=0x1000, pwdLastSet=ad_time.to_filetime(NOW)
            ),
            ["not_a_person"],
            id="computer",
        ),
    ],
)
def test_protected_users(entry: Entry, expected: list[str]) -> None:
    assert blockers(entry, "protected_users") == expected


def test_unknown_age_of_aes_is_unverified_not_ready() -> None:
    assert blockers(admin(), "protected_users", Facts(NOW, Protected(), None, GROUP_DN)) == ["aes_unverified"]


def test_unreadable_flags_are_not_ready() -> None:
    assert "unreadable" in blockers(make_entry("x", pwdLastSet=ad_time.to_filetime(NOW)), "protected_users")


@pytest.mark.parametrize(
    ("attributes", "ready"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({"userCertificate": CERTIFICATE}, True, id="certificate"),
        pytest.param({"userCertificate": b"\x30\x03\x02\x01\x01"}, False, id="broken-certificate"),
        pytest.param({"altSecurityIdentities": "X509:<I>DC=test<SR>0011aa"}, True, id="strong-mapping"),
        pytest.param({"altSecurityIdentities": "X509:<SKI>aabb"}, True, id="ski"),
        pytest.param({"altSecurityIdentities": "X509:<S>CN=adm"}, False, id="weak-mapping"),
        pytest.param({"altSecurityIdentities": "Kerberos:adm@AUTRE.TEST"}, False, id="kerberos-mapping"),
        pytest.param({"msDS_KeyCredentialLink": "B:4:dead:CN=x"}, True, id="key-credential"),
    ],
)
def test_smartcard(attributes: dict[str, Any], ready: bool) -> None:
    assert report(admin(**attributes), "smartcard", FACTS)["ready"] is ready


def test_an_expired_certificate_does_not_count() -> None:
    later = Facts(CERTIFICATE_NOT_AFTER + timedelta(days=1), Protected(), AES_SINCE, GROUP_DN)
    row = report(admin(userCertificate=CERTIFICATE), "smartcard", later)
    assert row["ready"] is False
    assert "expired" in row["blockers"][0]["text"]


@pytest.mark.parametrize(
    ("entry", "purpose", "enforced"),
    [
        (admin(memberOf=GROUP_DN.upper()), "protected_users", True),
        (admin(), "protected_users", False),
        (admin(userAccountControl=0x40200), "smartcard", True),
        (admin(), "smartcard", False),
    ],
)
def test_enforced(entry: Entry, purpose: str, enforced: bool) -> None:
    assert report(entry, purpose, FACTS)["enforced"] is enforced


def test_a_group_that_is_unknown_enforces_nothing() -> None:
    assert plan_readiness.is_enforced(admin(), "protected_users", None) is False


def test_end_of_validity() -> None:
    assert not_after(CERTIFICATE) == CERTIFICATE_NOT_AFTER


@given(st.binary(max_size=400))
def test_any_bytes_give_a_date_or_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        not_after(data)


@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(0, 255))
def test_a_damaged_certificate_never_breaks_the_report(position: int, byte: int) -> None:
    damaged = CERTIFICATE[:position] + bytes([byte]) + CERTIFICATE[position + 1 :]
    report(admin(userCertificate=damaged), "smartcard", FACTS)
    assert base64.b64encode(damaged)


@pytest.mark.parametrize(
    ("entry", "accepted", "stops"),
    [
        pytest.param(admin(), False, False, id="ready"),
        pytest.param(admin(servicePrincipalName="HTTP/x"), False, True, id="not-ready"),
        pytest.param(admin(servicePrincipalName="HTTP/x"), True, False, id="accepted"),
        pytest.param(admin(1107), True, True, id="break-glass-is-never-accepted"),
        pytest.param(admin(servicePrincipalName="HTTP/x", memberOf=GROUP_DN), False, False, id="already-enforced"),
    ],
)
def test_what_stops_an_enforcement(entry: Entry, accepted: bool, stops: bool) -> None:
    row = report(entry, "protected_users", FACTS, accepted=accepted)
    assert (plan_readiness.line(row) is not None) is stops
