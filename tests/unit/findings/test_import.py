# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the reports say, host by host and object by object, and how sources are joined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import document, model
from ansible_collections.care.remediation.plugins.module_utils.findings.importing import imported as importing
from ansible_collections.care.remediation.plugins.module_utils.findings.importing import pingcastle as import_rules
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.audit import import_audit
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.scan import Ran
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import pingcastle, pingcastle_details
from ansible_collections.care.remediation.plugins.module_utils.findings.records import normal_address

from .builders import DN, DOMAIN, REPORTS, SID, account, audit, merged

NMAP = REPORTS / "nmap-web1.xml"
NORMAL = REPORTS / "pingcastle-normal.xml"
FULL = REPORTS / "pingcastle-full.xml"


def found(findings: dict[str, Any], control: str) -> list[str]:
    return sorted(f["object"]["id"] for f in findings["findings"] if f["control"] == control)


def test_open_ports_become_findings_and_the_policy_is_heeded(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, NMAP)
    document.check(findings, "findings/1", where="test")
    assert found(findings, "expo_port") == ["tcp/21", "tcp/23", "tcp/5432", "tcp/6379", "tcp/8443"]
    assert found(findings, "expo_telnet") == ["tcp/23"]
    assert found(findings, "expo_ftp") == ["tcp/21"]
    assert found(findings, "expo_redis_unauthenticated") == ["tcp/6379"]
    assert found(findings, "expo_postgresql_public") == ["tcp/5432"]
    assert found(findings, "expo_tls_obsolete") == ["tcp/443", "tcp/8443"]
    assert found(findings, "expo_ssh_password") == ["tcp/22"]
    redis = next(f for f in findings["findings"] if f["control"] == "expo_redis_unauthenticated")
    assert redis["evidence"]["port"] == 6379 and redis["evidence"]["protocol"] == "tcp"
    assert redis["severity"] == "critical" and redis["level"] is None


def test_a_scan_that_asked_names_the_service(controls: Any, inventory: Any, tmp_path: Path) -> None:
    quick = tmp_path / "a.xml"
    quick.write_text(
        '<nmaprun args="nmap -p-"><host><address addr="10.9.0.3" addrtype="ipv4"/><ports><port protocol="tcp" '
        'portid="8443"><state state="open"/><service name="https-alt"/></port></ports></host></nmaprun>'
    )
    for order in ((quick, NMAP), (NMAP, quick)):
        findings = merged(controls, inventory, *order)
        port = next(f for f in findings["findings"] if (f["control"], f["object"]["id"]) == ("expo_port", "tcp/8443"))
        assert port["object"]["label"] == "tcp/8443 (http)" and port["evidence"]["service"] == "http"
        assert len(port["sources"]) == 2


def test_nothing_of_a_scan_is_lost(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, NMAP)
    left = {(one["object"], one["reason"]) for one in findings["unmapped"]}
    assert ("10.9.0.2 (web1)", "the host is not in the inventory") in left  # a PTR record is nobody's word
    assert ("fd00:9::7", "the host is not in the inventory") in left
    assert ("web1 udp/161", "the scan could not tell whether this port is open") in left
    source = findings["sources"][0]
    assert source["scan"]["hosts"]["web1"]["undetermined"] == ["udp/161"]
    assert source["scan"]["tried"] == {"tcp": "1-65535", "udp": "123,161"}
    assert "hosts up: 3, hosts down: 1" in source["notes"]
    counts = findings["counts"]
    assert counts["read"] == counts["mapped"] + counts["unmapped"]
    assert counts["mapped"] - counts["duplicates"] == len(findings["findings"])


def test_an_ipv6_only_host_of_the_inventory_is_recognised(controls: Any) -> None:
    inventory = Inventory({"v6": {"addresses": ["FD00:9:0::7"], "policy": []}})
    findings = merged(controls, inventory, NMAP)
    assert {f["host"] for f in findings["findings"]} == {"v6"}
    assert found(findings, "expo_port") == ["tcp/80"]


def test_an_address_of_two_hosts_is_left_to_a_person(controls: Any) -> None:
    inventory = Inventory({"a": {"addresses": ["10.9.0.3"]}, "b": {"addresses": ["10.9.0.3"]}})
    findings = merged(controls, inventory, NMAP)
    assert not findings["findings"]
    assert any("several hosts of the inventory: a, b" in one["reason"] for one in findings["unmapped"])


@pytest.mark.parametrize(
    ("arguments", "redis", "tls"),
    [
        ("nmap -sV --script=redis-info,ssl-enum-ciphers -p- h", True, True),
        ("nmap -sV --script redis-info h", True, False),
        ("nmap -A h", True, True),
        ("nmap -sV h", False, False),
        ("nmap --script 'default or safe' h", True, True),
    ],
)
def test_a_scan_judges_only_what_its_scripts_show(controls: Any, arguments: str, redis: bool, tls: bool) -> None:
    ran = Ran(arguments)

    def judged(control: str) -> bool:
        return all(ran.can_judge(hook) for hook in controls[control].nmap)

    assert judged("expo_redis_unauthenticated") is redis
    assert judged("expo_tls_obsolete") is tls
    assert judged("expo_telnet") is True


def test_pingcastle_normal_gives_findings_of_the_domain(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, NORMAL)
    assert found(findings, "vuln_guest") == [DOMAIN]
    assert found(findings, "vuln_kerberos_properties_preauth_priv") == [DOMAIN]
    of_controls = [f for f in findings["findings"] if f["control"] != "other_directory"]
    assert all(f["object"]["type"] == "domain" and f["object"]["sid"] is None for f in of_controls)
    source = findings["sources"][0]
    assert source["level"] == "Normal" and source["tool_version"] == "3.5.0.40"
    assert source["generated"] == "2026-11-18T08:30:00Z"
    assert not any("IntegrityRules" in note for note in source["notes"])
    assert any("SomethingNew (1)" in note for note in source["notes"])
    others = {"domain/pingcastle:A-LAPS-Not-Installed", "domain/pingcastle:A-FutureRule2027"}
    assert set(found(findings, "other_directory")) == others and not findings["unmapped"]


def test_an_edited_report_is_noticed(controls: Any, inventory: Any, tmp_path: Path) -> None:
    edited = tmp_path / "edited.xml"
    edited.write_text(NORMAL.read_text().replace("<RiskId>A-Guest</RiskId>", "<RiskId>A-Krbtgt</RiskId>"))
    findings = merged(controls, inventory, edited)
    assert any("IntegrityRules does not match" in note for note in findings["sources"][0]["notes"])


def test_pingcastle_full_gives_objects(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, FULL)
    assert found(findings, "vuln_kerberos_properties_preauth") == [f"CN=svc-imagerie,OU=Comptes de service,{DN}"]
    assert found(findings, "vuln_kerberos_properties_preauth_priv") == [f"CN=Chloé D'Arc,OU=Comptes à privilèges,{DN}"]
    # the list named TrustedToAuthenticateForDelegation holds unconstrained delegation; detail and list are one account
    assert found(findings, "vuln_delegation_t4d") == [f"CN=SRV-PACS,OU=Serveurs,{DN}"]
    assert len(found(findings, "vuln_dont_expire")) == 3
    # another population than ANSSI's: never object by object
    assert found(findings, "vuln_privileged_members") == [DOMAIN]


@pytest.mark.parametrize("level", ["Light", "Paranoid"])
def test_other_levels_and_older_engines_are_tolerated(
    controls: Any, inventory: Any, tmp_path: Path, level: str
) -> None:
    text = NORMAL.read_text().replace("<Level>Normal<", f"<Level>{level}<").replace("3.5.0.40", "2.9.0.0")
    text = text.replace(
        "<MachineAccountQuota>", "<DsHeuristicsAnonymousAccess>false</DsHeuristicsAnonymousAccess><MachineAccountQuota>"
    )
    report = tmp_path / "old.xml"
    report.write_text(text)
    findings = merged(controls, inventory, report)
    assert findings["sources"][0]["level"] == level and found(findings, "vuln_guest") == [DOMAIN]


def test_a_domain_outside_the_inventory_stays_manual(controls: Any) -> None:
    findings = merged(controls, Inventory({"web1": {}}), FULL)
    assert not findings["findings"]
    assert {one["reason"] for one in findings["unmapped"]} == {"the domain is not in the inventory"}
    assert "A-FutureRule2027" in {one["rule"] for one in findings["unmapped"]}


def test_sources_are_joined_by_sid(controls: Any, inventory: Any, tmp_path: Path) -> None:
    live = audit(
        tmp_path / "live.json",
        [
            account("vuln_kerberos_properties_preauth", "svc-imagerie", 1201),
            account("vuln_guest", "Invité", 501),
            account("vuln_dont_expire", "svc-sauvegarde", 1202),
        ],
    )
    findings = merged(controls, inventory, FULL, live, NORMAL)
    document.check(findings, "findings/1", where="test")
    guest = [f for f in findings["findings"] if f["control"] == "vuln_guest"]
    assert len(guest) == 1 and guest[0]["object"]["sid"] == f"{SID}-501"
    assert [m["source"] for m in guest[0]["sources"]] == ["s2", "s1", "s3"]
    imagerie = [f for f in findings["findings"] if f["control"] == "vuln_kerberos_properties_preauth"]
    assert len(imagerie) == 1 and imagerie[0]["object"]["id"] == f"{SID}-1201"
    assert imagerie[0]["unconfirmed"] is None and len(imagerie[0]["sources"]) == 3
    # the live audit evaluated the control and does not find the two others
    others = [f for f in findings["findings"] if f["control"] == "vuln_dont_expire" and f["unconfirmed"]]
    assert len(others) == 2 and all("2026-11-22" in f["unconfirmed"] for f in others)
    assert findings["counts"]["mapped"] - findings["counts"]["duplicates"] == len(findings["findings"])


def test_protected_accounts_are_marked_whoever_names_them(controls: Any, inventory: Any, tmp_path: Path) -> None:
    live = audit(tmp_path / "live.json", [account("vuln_guest", "svc-sauvegarde", 1202, protected="automation")])
    protected = {DOMAIN: {"break_glass": ["BRIS-DE-GLACE-1"], "automation": []}}
    findings = merged(controls, inventory, live, FULL, protected=protected)
    marks = {f["object"]["label"]: f["protected"] for f in findings["findings"] if f["control"] == "vuln_dont_expire"}
    assert marks["bris-de-glace-1"] == "break_glass"
    assert marks["svc-sauvegarde"] == "automation"


def test_the_same_report_twice_adds_nothing(controls: Any, inventory: Any) -> None:
    once, twice = merged(controls, inventory, FULL, NMAP), merged(controls, inventory, FULL, NMAP, FULL, NMAP)
    assert [f["id"] for f in once["findings"]] == [f["id"] for f in twice["findings"]]
    assert twice["counts"]["duplicates"] == once["counts"]["mapped"] + once["counts"]["duplicates"]


def test_manual_work_is_listed_once_with_the_fullest_words(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, NORMAL, FULL)
    future = [f for f in findings["findings"] if f["object"]["id"] == "domain/pingcastle:A-FutureRule2027"]
    assert len(future) == 1 and future[0]["control"] == "other_directory" and future[0]["severity"] == "medium"
    assert len(future[0]["sources"]) == 2 and any("lookup" in said["wording"] for said in future[0]["sources"])


def test_findings_are_ordered_by_level_then_severity(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, FULL, NMAP)["findings"]
    ranks = [model.rank(f["level"], f["severity"]) for f in findings]
    assert ranks == sorted(ranks) and ranks[0] == (1, 0)


def test_the_id_of_a_finding_is_for_good() -> None:
    assert (
        model.finding_id("vuln_guest", DOMAIN, f"{SID}-501")
        == "f-" + __import__("hashlib").sha256(f'["vuln_guest","{DOMAIN}","{SID}-501"]'.encode()).hexdigest()[:16]
    )


@pytest.mark.parametrize(
    ("rule", "line", "expected"),
    [
        ("S-NoPreAuth", "Account: CN=a,DC=b Created: x LastLogon: y", "CN=a,DC=b"),
        ("P-Kerberoasting", "User: svc sql Groups: Admins du domaine SPNs: MSSQL/a", "svc sql"),
        ("S-DesEnabled", "DN: CN=a Created: b,DC=c", "CN=a Created: b,DC=c"),
        # a name that holds a label: two readings, so none
        ("S-NoPreAuth", "Account: CN=a Created: z,DC=b Created: x LastLogon: y", None),
        ("S-NoPreAuth", "something else", None),
        ("P-DelegationEveryone", "DN: OU=x delegation: Tout le monde right: GenericAll", None),
        ("A-FutureRule", "DN: CN=a", None),
    ],
)
def test_detail_lines_are_read_in_one_way_or_not_at_all(rule: str, line: str, expected: str | None) -> None:
    assert pingcastle_details.account(rule, line) == expected


def test_every_layout_compiles() -> None:
    for rule, layout in pingcastle_details.LAYOUTS.items():
        if not layout.startswith("<"):
            compiled = pingcastle_details._pattern(rule)
            assert compiled is not None and len(compiled[1]) == compiled[0].groups


def test_integrity_is_pingcastles_formula() -> None:
    rules = ["S-DC.X", "A-Guest"]
    import base64
    import hashlib

    expected = base64.b64encode(hashlib.sha256(b"AGuest,SDCX").digest()).decode()
    assert expected in pingcastle.integrity(rules)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("FE80::1%eth0", "fe80::1"),
        ("web1", None),
        ("", None),
    ],
)
def test_addresses_have_one_form(text: str, expected: str | None) -> None:
    assert normal_address(text) == expected


def test_a_flood_of_statements_is_refused(
    controls: Any, inventory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_STATEMENTS", 5)
    with pytest.raises(importing.ImportRefused, match="more than 5 things"):
        merged(controls, inventory, NMAP)


def test_an_unreadable_control_is_no_evaluated_one(controls: Any, inventory: Any, tmp_path: Path) -> None:
    live = audit(tmp_path / "live.json", [], unreadable={"vuln_krbtgt": "access denied"})
    source = merged(controls, inventory, live)["sources"][0]
    assert source["covers"] == [] and source["unreadable"] == {"vuln_krbtgt": "access denied"}


def test_an_audit_that_breaks_its_schema_is_named(controls: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{\n "schema": \n')
    with pytest.raises(document.DocumentError, match=r"a\.json: line 3, column 1: not JSON"):
        import_audit(path, source_id="s1", catalogue=controls)
    path.write_text('{"schema": "care.remediation/audit/1"}')
    with pytest.raises(document.DocumentError, match="required"):
        import_audit(path, source_id="s1", catalogue=controls)


def test_a_rule_about_another_population_gives_no_objects(controls: Any, tmp_path: Path) -> None:
    imported = importing.Imported(importing.new_source("s1", "pingcastle", tmp_path))
    for name in ("A-AdminSDHolder", "S-DesEnabled"):
        rule = pingcastle.Rule(id=name, rationale="r", details=[f"DN: CN=a,{DN}"])
        import_rules.import_rule(imported, rule, [], controls["vuln_guest"], DOMAIN, DOMAIN)
    other, same = imported.statements
    assert other.object is None
    assert same.object is not None and same.object["dn"] == f"CN=a,{DN}"
