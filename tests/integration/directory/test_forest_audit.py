# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Domain controllers, trusts, DNS zones and certificates of a real domain: read over LDAP, judged, made wrong, judged
again. What is made wrong is made so in Samba's database, by its own tools."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import Outcome, evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.controls.registry import CONTROLS
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from care_lab.constants import ADMINISTRATOR, ADMINISTRATOR_PASSWORD
from conftest import DC_FQDN, DOMAIN, Domain

DATABASE = "/var/lib/samba/private/sam.ldb"
OURS = [name for name in CONTROLS if name.startswith(("vuln_dc_", "vuln_rodc_", "vuln_trusts_"))]
OURS += ["vuln_dnszone_bad_prop", "vuln_certificates_vuln"]
ZONE = "AQAAAAAAAAAAAAAAAQAAAAIAAAA{}AAAAAA=="
# Not a certificate: what a truncated export leaves
DAMAGED = base64.b64encode(b"0\x82\x03\x01 not a certificate").decode()


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


def audit(session: Session) -> dict[str, Outcome]:
    snapshot = read_snapshot(session, thresholds=catalogue.thresholds(catalogue.load())).snapshot
    return {each.control: each for each in evaluate(snapshot, select(OURS))}


def found(outcomes: dict[str, Outcome]) -> dict[str, list[str]]:
    return {name: sorted(each.label for each in one.found) for name, one in outcomes.items() if one.found}


@pytest.fixture(scope="module")
def wrong(domain: Domain, session: Session) -> Iterator[None]:
    """Each of these things wrong once; put right again afterwards."""
    base, config = session.domain_dn, session.configuration_dn
    zone = f"DC={DOMAIN},CN=MicrosoftDNS,DC=DomainDnsZones,{base}"
    trust = f"CN=audite.test,CN=System,{base}"
    authority = f"CN=Audit,CN=AIA,CN=Public Key Services,CN=Services,{config}"
    (_dc,) = (entry for entry in session.search(base, "(sAMAccountName=DC1$)", ["objectSid"]))
    allowed = next(iter(session.search(base, f"(objectSid={session.domain_sid}-571)", ["objectSid"]))).dn

    def property_changed(before: str, after: str) -> str:
        return (
            f"dn: {zone}\nchangetype: modify\ndelete: dNSProperty\ndNSProperty:: {ZONE.format(before)}\n-\n"
            f"add: dNSProperty\ndNSProperty:: {ZONE.format(after)}\n\n"
        )

    def member(verb: str) -> str:
        # a DN with accents must be base64 in LDIF (RFC 2849)
        name = base64.b64encode(allowed.encode()).decode()
        return f"dn:: {name}\nchangetype: modify\n{verb}: member\nmember: {_dc.dn}\n\n"

    def crypto(value: int) -> str:
        return (
            f"dn: {_dc.dn}\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\n"
            f"msDS-SupportedEncryptionTypes: {value}\n\n"
        )

    domain.must("ldbmodify", "-H", DATABASE, given=property_changed("C", "B") + member("add") + crypto(31))
    domain.must(
        "ldbadd", "-H", DATABASE, "--relax",
        given=f"dn: {trust}\nobjectClass: trustedDomain\ntrustPartner: audite.test\nflatName: AUDITE\n"
        "securityIdentifier: S-1-5-21-4-5-6\ntrustDirection: 3\ntrustType: 2\ntrustAttributes: 2048\n\n"
        f"dn: {authority}\nobjectClass: certificationAuthority\ncACertificate:: {DAMAGED}\n"
        f"authorityRevocationList:: AA==\ncertificateRevocationList:: AA==\n",
    )  # fmt: skip
    domain.must(
        "samba-tool", "domain", "join", DOMAIN, "RODC", f"--server={DC_FQDN}", f"-U{ADMINISTRATOR}",
        f"--password={ADMINISTRATOR_PASSWORD}", "--option=netbios name=RODCAUDIT", "--targetdir=/tmp/rodcaudit",
        "--option=interfaces=lo",
    )  # fmt: skip
    rodc = next(iter(session.search(base, "(sAMAccountName=RODCAUDIT$)", ["objectSid"]))).dn
    domain.must(
        "ldbmodify", "-H", DATABASE,
        given=f"dn: {rodc}\nchangetype: modify\nreplace: msDS-NeverRevealGroup\n-\nadd: msDS-RevealOnDemandGroup\n"
        f"msDS-RevealOnDemandGroup: <SID=S-1-5-32-551>\n-\nadd: operatingSystem\noperatingSystem: Samba\n\n",
    )  # fmt: skip
    krbtgt = next(iter(session.search(base, "(msDS-SecondaryKrbTgtNumber=*)", ["objectSid"]))).dn
    yield
    domain.must("ldbmodify", "-H", DATABASE, given=property_changed("B", "C") + member("delete") + crypto(28))
    domain.must("ldbdel", "-H", DATABASE, "--relax", trust, authority, krbtgt)


def test_a_fresh_domain_is_judged_whole(session: Session) -> None:
    outcomes = audit(session)
    assert {name: each.reason for name, each in outcomes.items() if each.state != "evaluated"} == {}
    # Samba's default: RC4 beside AES
    assert outcomes["vuln_dc_crypto"].found[0].level == 4
    for name in ("vuln_dc_inconsistent_uac", "vuln_dnszone_bad_prop", "vuln_certificates_vuln", "vuln_rodc_reveal"):
        assert outcomes[name].found == [], name


def test_each_wrong_thing_is_found(session: Session, wrong: None) -> None:
    del wrong
    outcomes = audit(session)
    assert {name: each.reason for name, each in outcomes.items() if each.state != "evaluated"} == {}
    labels = found(outcomes)
    assert labels["vuln_dnszone_bad_prop"] == [DOMAIN]
    assert labels["vuln_trusts_domain_notfiltered"] == ["audite.test"]
    assert labels["vuln_trusts_tgt_deleg"] == ["audite.test"]
    assert [each.evidence["weaknesses"] for each in outcomes["vuln_certificates_vuln"].found] == [["undecodable"]]
    assert "DC1$" in labels["vuln_rodc_allowed_group"]
    assert outcomes["vuln_dc_crypto"].found[0].level == 2 or outcomes["vuln_dc_crypto"].found[1].level == 2
    (never,) = (each for each in outcomes["vuln_rodc_never_reveal"].found if each.label == "RODCAUDIT$")
    assert len(never.evidence["missing"]) == 5
    (reveal,) = (each for each in outcomes["vuln_rodc_reveal"].found if each.label == "RODCAUDIT$")
    assert [each["sid"] for each in reveal.evidence["principals"]] == ["S-1-5-32-551"]
    # its own secret and krbtgt's of its own are always there
    assert "vuln_rodc_priv_revealed" not in labels
    # what samba-tool joined is consistent
    assert "vuln_dc_inconsistent_uac" not in labels


def test_a_removed_controller_leaves_its_krbtgt_account(domain: Domain, session: Session, wrong: None) -> None:
    del wrong
    assert audit(session)["vuln_rodc_orphan_krbtgt"].found == []
    rodc = next(iter(session.search(session.domain_dn, "(sAMAccountName=RODCAUDIT$)", ["objectSid"]))).dn
    domain.must("ldbdel", "-H", DATABASE, "--relax", "--recursive", rodc)
    (orphan,) = audit(session)["vuln_rodc_orphan_krbtgt"].found
    assert orphan.label.startswith("krbtgt_")
