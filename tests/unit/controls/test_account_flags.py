"""The controls of one flag: DES, reversible passwords, unconstrained delegation, passwords that never expire."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import uac

from controls.domain import DC1, GUEST, KRBTGT, RID_500, computer, domain, labels, outcome, unreadable, user

DES, REVERSIBLE = "vuln_kerberos_properties_deskey", "vuln_reversible_password_priv_uac"
T4D, NEVER_PRIV, NEVER = "vuln_delegation_t4d", "vuln_dont_expire_priv", "vuln_dont_expire"
OFF = uac.ACCOUNTDISABLE


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(user(1201, "é"), [], id="none"),
        pytest.param(user(1201, "é", flags=uac.USE_DES_KEY_ONLY), ["é"], id="flag"),
        pytest.param(user(1201, "é", encryption_types=0x1F), ["é"], id="DES among the types"),
        pytest.param(user(1201, "é", encryption_types=0x1C), [], id="RC4 and AES"),
        pytest.param(user(1201, "é", flags=uac.USE_DES_KEY_ONLY | OFF), [], id="disabled"),
        pytest.param(computer(1202, "IRM-03$", encryption_types=0x3), ["IRM-03$"], id="computer"),
    ],
)
def test_des(account: dict, expected: list[str]) -> None:
    assert labels(DES, domain([account])) == expected


def test_des_leaves_domain_controllers_to_their_own_control() -> None:
    assert labels(DES, domain(builtin=[RID_500, GUEST, KRBTGT, DC1 | {"encryption_types": 0x1F}])) == []


@pytest.mark.parametrize(
    ("flags", "privileged", "expected"),
    [
        pytest.param(uac.ENCRYPTED_TEXT_PWD_ALLOWED, True, ["é"], id="privileged"),
        pytest.param(uac.ENCRYPTED_TEXT_PWD_ALLOWED, False, [], id="ordinary: only a warning of ANSSI"),
        pytest.param(uac.ENCRYPTED_TEXT_PWD_ALLOWED | OFF, True, ["é"], id="disabled: still readable"),
        pytest.param(0, True, [], id="compliant"),
    ],
)
def test_reversible(flags: int, privileged: bool, expected: list[str]) -> None:
    account = user(1201, "é", flags=flags)
    assert labels(REVERSIBLE, domain([account], admins=[account] if privileged else [])) == expected


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(
            computer(1201, "IMPRIM$", uac=uac.WORKSTATION_TRUST_ACCOUNT | uac.TRUSTED_FOR_DELEGATION),
            ["IMPRIM$"],
            id="server",
        ),
        pytest.param(
            user(1202, "svc-portail", flags=uac.TRUSTED_FOR_DELEGATION), ["svc-portail"], id="service account"
        ),
        pytest.param(user(1202, "svc-portail", flags=uac.TRUSTED_FOR_DELEGATION | OFF), [], id="disabled"),
        pytest.param(user(1202, "svc-portail", flags=uac.TRUSTED_TO_AUTH_FOR_DELEGATION), [], id="protocol transition"),
        pytest.param(
            computer(1203, "DC2$", uac=uac.SERVER_TRUST_ACCOUNT | uac.TRUSTED_FOR_DELEGATION, primary_group_id=516),
            [],
            id="second domain controller",
        ),
        pytest.param(
            user(1204, "faux-dc", flags=uac.TRUSTED_FOR_DELEGATION, primary_group_id=516),
            ["faux-dc"],
            id="a user in the group of domain controllers is not one",
        ),
    ],
)
def test_unconstrained_delegation(account: dict, expected: list[str]) -> None:
    assert labels(T4D, domain([account])) == expected


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        pytest.param(user(1201, "é", flags=uac.DONT_EXPIRE_PASSWORD), ["é"], id="enabled"),
        pytest.param(user(1201, "é", flags=uac.DONT_EXPIRE_PASSWORD | OFF), [], id="disabled"),
        pytest.param(user(1201, "gmsa$", kind="msa", flags=uac.DONT_EXPIRE_PASSWORD), [], id="gMSA"),
        pytest.param(user(1201, "é"), [], id="compliant"),
    ],
)
def test_never_expires_privileged(account: dict, expected: list[str]) -> None:
    assert labels(NEVER_PRIV, domain([account], admins=[account])) == expected
    assert labels(NEVER_PRIV, domain([account])) == []


@pytest.mark.parametrize(
    ("never", "total", "exceeded"),
    [
        pytest.param(10, 100, False, id="10 % exactly"),
        pytest.param(11, 100, True, id="11 %"),
        pytest.param(0, 10, False, id="none"),
        pytest.param(1, 9, True, id="a small domain"),
    ],
)
def test_never_expires_ratio(never: int, total: int, exceeded: bool) -> None:
    # RID 500 is enabled and one of the total; the disabled and the computers do not count
    accounts = [user(2000 + n, f"u{n}", flags=uac.DONT_EXPIRE_PASSWORD if n < never else 0) for n in range(total - 1)]
    accounts += [user(5000 + n, f"d{n}", flags=uac.DONT_EXPIRE_PASSWORD | OFF) for n in range(30)]
    accounts += [
        computer(6000 + n, f"pc{n}$", uac=uac.WORKSTATION_TRUST_ACCOUNT | uac.DONT_EXPIRE_PASSWORD) for n in range(30)
    ]
    result = outcome(NEVER, domain(accounts))
    assert len(result.found) == (never if exceeded else 0)
    if exceeded:
        evidence = result.found[0].evidence
        assert (evidence["count"], evidence["of"]) == (never, total)
        assert evidence["ratio"] == pytest.approx(never / total, abs=0.0001)


@pytest.mark.parametrize("control", [DES, REVERSIBLE, T4D, NEVER_PRIV, NEVER])
def test_unreadable(control: str) -> None:
    assert "userAccountControl" in unreadable(control, domain([user(1201, "é", uac=None)]))
    assert unreadable(control, domain(unreadable={"accounts": "refused"})) == "refused"


@pytest.mark.parametrize("control", [REVERSIBLE, NEVER_PRIV])
def test_unreadable_membership(control: str) -> None:
    assert unreadable(control, domain(unreadable={"privileged groups": "hidden"})) == "hidden"
