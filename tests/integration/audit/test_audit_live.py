"""The audit of a real domain, against what Samba's own tools say of it."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest
from conftest import SAM, Lab

ENABLED = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
IN_CHAIN = "1.2.840.113556.1.4.1941"
PERSON = "(sAMAccountType=805306368)"
# by SID; the names are French
PRIVILEGED_RIDS = (512, 518, 519, 526, 527)
PRIVILEGED_BUILTIN = ("S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549", "S-1-5-32-550", "S-1-5-32-551")


def found(document: dict[str, Any], control: str) -> set[str]:
    assert document["controls"][control]["state"] == "evaluated", document["controls"][control]
    return {each["object"]["label"] for each in document["findings"] if each["control"] == control}


def flag(bits: int) -> str:
    return f"(userAccountControl:1.2.840.113556.1.4.803:={bits})"


@pytest.fixture(scope="module")
def privileged(lab: Lab, document: dict[str, Any]) -> set[str]:
    """sAMAccountNames of privileged accounts: the server's own transitive match, and primary groups."""
    domain_sid = document["target"]["domain_sid"]
    names: set[str] = set()
    for sid in [*PRIVILEGED_BUILTIN, *(f"{domain_sid}-{rid}" for rid in PRIVILEGED_RIDS)]:
        for dn in lab.ldb(f"(objectSid={sid})", "dn"):
            names |= lab.ldb(f"(&(objectClass=user)(memberOf:{IN_CHAIN}:={dn}))")
    for rid in PRIVILEGED_RIDS:
        names |= lab.ldb(f"(&(objectClass=user)(primaryGroupID={rid}))")
    assert len(names) > 5
    return names


@pytest.mark.parametrize(
    ("control", "ldap_filter"),
    [
        ("vuln_kerberos_properties_preauth", f"(&(objectClass=user){ENABLED}{flag(0x400000)})"),
        (
            "vuln_kerberos_properties_deskey",
            f"(&(objectClass=user){ENABLED}(!(primaryGroupID=516))"
            f"(|{flag(0x200000)}(msDS-SupportedEncryptionTypes:1.2.840.113556.1.4.804:=3)))",
        ),
        ("vuln_delegation_t4d", f"(&(objectClass=user){ENABLED}{flag(0x80000)}(!{flag(0x2000)}))"),
        ("vuln_dont_expire", f"(&{PERSON}{ENABLED}{flag(0x10000)})"),
    ],
)
def test_flags(lab: Lab, document: dict[str, Any], control: str, ldap_filter: str) -> None:
    expected = lab.ldb(ldap_filter)
    assert expected
    assert found(document, control) == expected


@pytest.mark.parametrize(
    ("control", "ldap_filter"),
    [
        ("vuln_kerberos_properties_preauth_priv", f"(&{ENABLED}{flag(0x400000)})"),
        ("vuln_dont_expire_priv", f"(&{PERSON}{ENABLED}{flag(0x10000)})"),
        ("vuln_reversible_password_priv_uac", flag(0x80)),
        ("vuln_spn_priv", f"(&{PERSON}{ENABLED}(servicePrincipalName=*))"),
        ("mie_ad_smartcard", f"(&{PERSON}{ENABLED}(!{flag(0x40000)}))"),
        ("vuln_protected_users", f"(&{PERSON}{ENABLED})"),
    ],
)
def test_privileged_flags(
    lab: Lab, document: dict[str, Any], privileged: set[str], control: str, ldap_filter: str
) -> None:
    expected = lab.ldb(ldap_filter) & privileged
    assert expected
    domain_sid = document["target"]["domain_sid"]
    if control in ("mie_ad_smartcard", "vuln_protected_users"):
        expected -= lab.ldb(f"(objectSid={domain_sid}-500)")
    if control == "vuln_protected_users":
        for dn in lab.ldb(f"(objectSid={domain_sid}-525)", "dn"):
            expected -= lab.ldb(f"(memberOf:{IN_CHAIN}:={dn})")
    assert found(document, control) == expected


def test_counts(lab: Lab, document: dict[str, Any], privileged: set[str]) -> None:
    counts = document["counts"]
    assert counts["users"] == len(lab.ldb(PERSON))
    assert counts["enabled_users"] == len(lab.ldb(f"(&{PERSON}{ENABLED})"))
    assert counts["computers"] == len(lab.ldb("(sAMAccountType=805306369)"))
    dcs = lab.ldb("(primaryGroupID=516)")
    assert counts["privileged"] == len(privileged - dcs)


def test_privileged_members_threshold(lab: Lab, document: dict[str, Any], privileged: set[str]) -> None:
    rid_500 = lab.ldb(f"(objectSid={document['target']['domain_sid']}-500)")
    count = len(privileged - rid_500 - lab.ldb("(primaryGroupID=516)"))
    assert len(found(document, "vuln_privileged_members")) == (count if count > 50 else 0)


def test_settings(lab: Lab, document: dict[str, Any]) -> None:
    (quota,) = lab.ldb("(objectClass=domainDNS)", "ms-DS-MachineAccountQuota", "DC=chu-valmont,DC=test")
    assert bool(found(document, "vuln_user_accounts_machineaccountquota")) == (int(quota) > 0)
    service = "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,DC=chu-valmont,DC=test"
    (heuristics,) = lab.ldb("(objectClass=*)", "dSHeuristics", service) or {""}
    for each in document["findings"]:
        if each["control"] == "vuln_dsheuristics_bad":
            assert each["evidence"]["value"] == heuristics
    guest = lab.ldb(f"(&(objectSid={document['target']['domain_sid']}-501){ENABLED})")
    assert found(document, "vuln_guest") == guest


def test_replication_rights(lab: Lab, document: dict[str, Any]) -> None:
    """Samba's own SDDL of the domain's head: who holds DS-Replication-Get-Changes-All."""
    sddl = lab.dc("samba-tool", "dsacl", "get", "--objectdn=DC=chu-valmont,DC=test")
    aces = re.findall(r"\(OA;[^;]*;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;([^)]*)\)", sddl)
    strangers = {each for each in aces if each.startswith("S-1-5-21-") and int(each.rpartition("-")[2]) >= 1000}
    assert strangers
    said = {
        each["object"]["sid"]
        for each in document["findings"]
        if each["control"] == "vuln_permissions_naming_context"
        and "DS-Replication-Get-Changes-All" in each["evidence"]["rights"]
        and each["evidence"]["partition"] == "domain"
    }
    assert said == strangers


def test_marks(document: dict[str, Any]) -> None:
    marks = {each["object"]["label"]: each["protected"] for each in document["findings"] if each["protected"]}
    assert marks["bris-de-glace-1"] == "break_glass"
    assert marks["svc-care"] == "automation"


def test_nothing_was_changed(lab: Lab, tmp_path: Path) -> None:
    """Every write moves the server's update sequence number."""

    def usn() -> int:
        said = lab.dc("ldbsearch", "-H", SAM, "-s", "base", "-b", "", "highestCommittedUSN")
        return int(re.search(r"highestCommittedUSN: (\d+)", said)[1])  # type: ignore[index]

    lab.audit(tmp_path)  # a first bind may move lastLogonTimestamp of the account in use, once in 14 days
    before = usn()
    lab.audit(tmp_path)
    assert usn() == before


def test_the_document_is_for_its_owner_only(lab: Lab, tmp_path: Path) -> None:
    lab.audit(tmp_path)
    assert stat.S_IMODE((tmp_path / "chu-valmont.test.json").stat().st_mode) == 0o600


# --- what an ordinary account cannot see


def test_hidden_flags_are_unreadable_never_compliant(lab: Lab, reader: dict[str, str], tmp_path: Path) -> None:
    """userAccountControl of the delegated account is denied to the reader: the control may not be called evaluated."""
    plain = lab.audit(tmp_path / "before", **reader)
    assert plain["controls"]["vuln_delegation_t4d"]["state"] == "evaluated"
    victim = next(each["object"] for each in plain["findings"] if each["control"] == "vuln_delegation_t4d")
    (sid,) = lab.ldb("(sAMAccountName=lecteur.audit)", "objectSid")
    denied = f"(OD;;RP;bf967a68-0de6-11d0-a285-00aa003049e2;;{sid})"
    hide = ["samba-tool", "dsacl", "set", f"--objectdn={victim['dn']}", "--action", "deny", f"--sddl={denied}"]
    lab.dc(*hide)
    try:
        blind = lab.audit(tmp_path / "after", **reader)
    finally:
        lab.dc("samba-tool", "dsacl", "delete", f"--objectdn={victim['dn']}", f"--sddl={denied}")
    answer = blind["controls"]["vuln_delegation_t4d"]
    assert answer["state"] == "unreadable"
    assert victim["dn"] in answer["reason"] or "userAccountControl" in answer["reason"]
    assert victim["sid"] not in {
        each["object"]["sid"] for each in blind["findings"] if each["control"] == "vuln_delegation_t4d"
    }


def test_an_ordinary_account_sees_the_same_or_says_that_it_cannot(
    lab: Lab, reader: dict[str, str], document: dict[str, Any], tmp_path: Path
) -> None:
    theirs = lab.audit(tmp_path, **reader)
    for control, answer in theirs["controls"].items():
        if answer["state"] != "evaluated":
            assert answer["reason"]
            continue
        mine = {each["id"] for each in document["findings"] if each["control"] == control}
        seen = {each["id"] for each in theirs["findings"] if each["control"] == control}
        assert mine <= seen, f"{control} is evaluated but misses {len(mine - seen)} findings"


def test_tolerance_of_a_password_settings_object(lab: Lab, reader: dict[str, str], tmp_path: Path) -> None:
    """Made with samba-tool: a long password under a strict PSO, AES only, makes up for the missing flag."""
    control, name = "vuln_kerberos_properties_preauth", "svc-long"
    lab.dc("samba-tool", "user", "create", name, "Premier-mot-de-passe-2026")
    pso = ["samba-tool", "domain", "passwordsettings", "pso"]
    try:
        (dn,) = lab.ldb(f"(sAMAccountName={name})", "dn")
        lab.modify(f"dn: {dn}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: {0x400200}\n-\n"
                   "replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24\n")  # fmt: skip
        assert name in found(lab.audit(tmp_path / "without"), control)

        lab.dc(*pso, "create", "PSO comptes de service", "1", "--min-pwd-length=33", "--max-pwd-age=365")
        lab.dc(*pso, "apply", "PSO comptes de service", name)
        document = lab.audit(tmp_path / "old password")
        evidence = next(each["evidence"] for each in document["findings"]
                        if each["control"] == control and each["object"]["label"] == name)  # fmt: skip
        assert "has not been changed since" in evidence["tolerance"]

        lab.dc("samba-tool", "user", "setpassword", name, "--newpassword=Une phrase de passe vraiment tres longue 2026")
        document = lab.audit(tmp_path / "with")
        assert name not in found(document, control)
        assert document["counts"]["password_settings"] == 1

        # ANSSI credits a PSO only where it can be read
        blind = lab.audit(tmp_path / "reader", **reader)
        if blind["counts"]["password_settings"] == 0:
            assert name in found(blind, control)
            assert "password settings" in blind["controls"][control]["reason"]
        else:
            assert name not in found(blind, control)
    finally:
        lab.dc("samba-tool", "user", "delete", name)
        if "PSO comptes de service" in lab.dc(*pso, "list"):
            lab.dc(*pso, "delete", "PSO comptes de service")
