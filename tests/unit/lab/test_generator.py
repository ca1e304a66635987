# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The generator: reproducible, as weak as promised at every size, and its PingCastle file as that program writes it."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest
from care_lab.generator import pingcastle
from care_lab.generator.build import bad_dsheuristics, build
from care_lab.generator.expected import expected
from care_lab.generator.model import Domain, rdn
from care_lab.generator.names import HOSTILE

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def domain() -> Domain:
    return build(300, 1, NOW)


def test_same_seed_same_domain_other_seed_another(domain: Domain) -> None:
    assert build(300, 1, NOW) == domain
    assert build(300, 2, NOW) != domain


@pytest.mark.parametrize("accounts", [200, 300, 2000])
def test_every_weakness_is_there_at_every_size(accounts: int) -> None:
    domain = build(accounts, 7, NOW)
    assert len(list(domain.users())) == accounts
    assert {control for control, concerned in expected(domain).items() if not concerned} == set()
    enabled = [account for account in domain.users() if account.enabled]
    assert len(expected(domain)["vuln_user_accounts_dormant"]) * 4 > len(enabled)  # type: ignore[arg-type]
    never = expected(domain)["vuln_dont_expire"]
    assert len(never) * 10 > len(enabled)  # type: ignore[arg-type]
    assert len(expected(domain)["vuln_privileged_members"]) > 50  # type: ignore[arg-type]


def test_names_and_numbers_are_unique(domain: Domain) -> None:
    for values in (
        [a.sam.lower() for a in domain.accounts],
        [a.dn.lower() for a in domain.accounts],
        [a.sid for a in domain.accounts] + list(domain.groups),
    ):
        assert len(values) == len(set(values))
    assert all(len(a.sam) <= 20 for a in domain.users())


def test_nested_groups_with_a_loop_do_not_hang_and_give_members(domain: Domain) -> None:
    loop = [g for g in domain.groups.values() if g.cn.startswith("GU ")]
    assert len(loop) == 3
    members = [domain.members([g.sid]) for g in loop]
    assert members[0] == members[1] == members[2] != set()


def test_protected_accounts_have_only_what_is_meant(domain: Domain) -> None:
    found = expected(domain)
    mandatory = {domain.account(name).sid for name in ("svc-care", "bris-de-glace-1", "bris-de-glace-2")}
    for control in ("vuln_user_accounts_dormant", "vuln_spn_priv", "vuln_kerberos_properties_preauth_priv"):
        assert not mandatory & set(found[control])  # type: ignore[call-overload]


def test_dsheuristics_has_its_control_digits_and_is_bad_where_it_says() -> None:
    value = bad_dsheuristics()
    assert (len(value), value[9], value[19]) == (21, "1", "2")
    assert (value[6], value[7], value[15], value[20]) == ("2", "1", "1", "1")


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("Achats, travaux", "Achats\\, travaux"),
        ('a"+b\\c', 'a\\"\\+b\\\\c'),
        ("#x ", "\\#x\\ "),
        ("Pôle d'imagerie", "Pôle d'imagerie"),
    ],
)
def test_rdn_escaping(value: str, escaped: str) -> None:
    assert rdn(value) == escaped


@pytest.mark.parametrize("full", [False, True])
def test_pingcastle_file(domain: Domain, full: bool) -> None:
    root = ET.fromstring(pingcastle.write(domain, full))
    assert root.tag == "HealthcheckData"
    assert root.findtext("Level") == ("Full" if full else "Normal")
    rules = [rule.findtext("RiskId") or "" for rule in root.iter("HealthcheckRiskRule")]
    ids = ",".join(sorted(rule.replace("-", "") for rule in rules))
    assert root.attrib["IntegrityRules"] == base64.b64encode(hashlib.sha256(ids.encode()).digest()).decode()
    # What PingCastle names only at level Full.
    assert bool(list(root.iter("Details"))) is full
    assert bool(list(root.iter("HealthcheckAccountDetailData"))) is full
    assert bool(list(root.iter("HealthCheckGroupMemberData"))) is full
    users = root.find("UserAccountData")
    assert users is not None
    found = expected(domain)
    preauth = [*found["vuln_kerberos_properties_preauth"], *found["vuln_kerberos_properties_preauth_priv"]]  # type: ignore[misc]
    assert int(users.findtext("NumberNoPreAuth") or 0) == len(preauth)
    if full:
        assert len(users.findall("ListNoPreAuth/HealthcheckAccountDetailData")) == len(preauth)
        names = {element.text for element in root.iter("Name")}
        assert {sam for _cn, sam, _text in HOSTILE} <= names


def test_rules_stop_when_the_weakness_is_gone(domain: Domain) -> None:
    clean = build(300, 1, NOW)
    clean.guest_enabled = False
    clean.machine_account_quota = 0
    clean.dsheuristics = "0000000001000000000200000001130"
    for account in clean.accounts:
        account.uac &= ~(0x400000 | 0x200000 | 0x80000)
    before = {rule.id for rule in pingcastle.Report(domain, True).rules()}
    after = {rule.id for rule in pingcastle.Report(clean, True).rules()}
    assert before - after == {
        "A-Guest", "S-PwdNotRequired",
        "S-ADRegistration", "S-NoPreAuth", "S-NoPreAuthAdmin", "S-DesEnabled", "P-UnconstrainedDelegation",
        "P-DsHeuristicsAdminSDExMask", "A-DsHeuristicsAllowAnonNSPI", "A-DsHeuristicsAnonymous",
        "A-DsHeuristicsDoNotVerifyUniqueness", "A-DsHeuristicsLDAPSecurity",
    }  # fmt: skip


def test_command_line_writes_json() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "care_lab.generator", "--accounts=200", "--now=2026-11-22", "--format=expected"],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": "molecule/lab"},
    ).stdout  # fmt: skip
    assert json.loads(said)["vuln_user_accounts_machineaccountquota"] == 10
