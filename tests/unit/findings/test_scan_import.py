# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The records of any tool: whose they are, which control takes them, and that none is lost."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import document, merge, records
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.imported import Imported, new_source
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.scan import ScanImport
from ansible_collections.care.remediation.plugins.module_utils.findings.model import make_object
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Asset, Port, Record

from .builders import DOMAIN, SID

INVENTORY = {
    DOMAIN: {"domains": ["CHUVALMONT", SID]},
    "web1": {"addresses": ["10.9.0.3", "fd00::3"], "names": ["portail.chu-valmont.test"], "sids": [f"{SID}-1105"],
             "policy": [{"port": 443}]},
    "pacs": {"addresses": ["10.9.0.4"]},
}  # fmt: skip


def scan(controls: Any, type: str, said: list[Record], **info: Any) -> Imported:
    number = len(said)
    imported = Imported(new_source(f"s{number or 9}", type, f"{type}.x"))
    importing = ScanImport(imported, controls, Inventory(INVENTORY))
    importing.take(said)
    importing.finish({"generated": "2026-11-20T10:00:00Z", **info})
    imported.source["sha256"] = "0" * 64
    return imported


def found(imported: Imported) -> list[tuple[str, str, str]]:
    return [(s.control, s.host, s.object["id"] if s.object else "") for s in imported.statements]


def weakness(asset: Asset, rule: str, number: int | None = 443, **facts: Any) -> Record:
    port = Port("tcp", number, "open") if number else None
    return Record("weakness", asset, rule=rule, title=f"title of {rule}", severity="High", grade="high", port=port,
                  facts=facts)  # fmt: skip


@pytest.mark.parametrize(
    ("asset", "host"),
    [
        (Asset(addresses=["10.9.0.3"]), "web1"),
        (Asset(addresses=["fd00::3"]), "web1"),
        (Asset(typed_names=["Portail.CHU-Valmont.test."]), "web1"),
        (Asset(sids=[f"{SID}-1105"]), "web1"),
        (Asset(addresses=["10.9.0.9"], names=["portail.chu-valmont.test"]), None),
        (Asset(names=["portail.chu-valmont.test"]), "web1"),
        (Asset(addresses=["10.9.0.3", "10.9.0.4"]), None),
        (Asset(domain=True, typed_names=["chuvalmont"]), DOMAIN),
        (Asset(domain=True, sids=[SID]), DOMAIN),
        (Asset(domain=True, typed_names=["web1"]), "web1"),
        (Asset(typed_names=["CHUVALMONT"]), None),
    ],
)
def test_a_host_is_known_by_address_name_and_sid(asset: Asset, host: str | None) -> None:
    match = Inventory(INVENTORY).match(asset)
    assert match.host == host
    assert (match.host is None) == bool(match.reason)


def test_a_name_that_only_the_machine_gave_is_never_enough_to_correct(controls: Any) -> None:
    imported = scan(controls, "nessus", [weakness(Asset(names=["portail.chu-valmont.test"]), "12345")])
    finding = merge.merge([imported])["findings"][0]
    assert finding["host"] == "web1" and "only by a name that it gave itself" in finding["unconfirmed"]
    known = scan(controls, "nessus", [weakness(Asset(addresses=["10.9.0.3"]), "12345"), weakness(Asset(), "1")])
    assert merge.merge([imported, known])["findings"][0]["unconfirmed"] is None


def test_four_tools_that_say_the_same_are_one_finding_with_four_sources(controls: Any) -> None:
    imports = [
        scan(controls, type, [weakness(Asset(addresses=["10.9.0.3"]), rule, cve=["CVE-2014-0160"])])
        for type, rule in (("nessus", "73412"), ("openvas", "1.3.6"), ("nuclei", "CVE-2014-0160"), ("testssl", "h"))
    ]
    for index, imported in enumerate(imports, 1):
        imported.source["id"] = f"s{index}"
        imported.statements[0].mention["source"] = f"s{index}"
    findings = merge.merge(imports)
    document.check(findings, "findings/1", where="test")
    (one,) = findings["findings"]
    assert one["object"]["id"] == "tcp/443/CVE-2014-0160" and one["control"] == "other_exposure"
    assert {said["source"] for said in one["sources"]} == {"s1", "s2", "s3", "s4"}
    assert one["severity"] == "high" and {said["severity"] for said in one["sources"]} == {"High"}


def test_what_no_control_takes_keeps_the_identity_of_its_rule(controls: Any) -> None:
    asset = Asset(addresses=["10.9.0.3"])
    item = make_object(type="setting", id="minimum-password-length", label="Longueur")
    imported = scan(
        controls,
        "nessus",
        [
            weakness(asset, "100", cve=["CVE-2023-1", "CVE-2023-2"]),
            weakness(asset, "100", 8443, cve=["CVE-2023-1", "CVE-2023-2"]),
            weakness(asset, "200", None),
            Record("weakness", asset, rule="21156", title="compliance", grade="medium", object=item),
        ],
    )
    assert [made for _control, _host, made in found(imported)] == [
        "tcp/443/nessus:100", "tcp/8443/nessus:100", "host/nessus:200", "host/nessus:21156/minimum-password-length",
    ]  # fmt: skip
    assert {control for control, _host, _made in found(imported)} == {"other_exposure"}


def test_rules_of_the_catalogue_and_of_a_mapping_lead_to_their_control(controls: Any) -> None:
    import dataclasses

    ours = dict(controls)
    ours["expo_telnet"] = dataclasses.replace(ours["expo_telnet"], rules={"nessus": ("42263",)})
    asset = Asset(addresses=["10.9.0.4"])
    imported = scan(ours, "nessus", [weakness(asset, "42263", 23), weakness(asset, "1", 21, control="expo_ftp")])
    assert found(imported) == [("expo_telnet", "pacs", "tcp/23"), ("expo_ftp", "pacs", "tcp/21")]
    assert imported.statements[0].severity == ours["expo_telnet"].severity  # ours; the tool's stays with its words
    assert imported.statements[0].mention["severity"] == "High"
    assert "expo_telnet" in imported.source["covers"] and "control" not in imported.statements[1].evidence


def test_ports_of_any_tool_meet_the_policy_and_the_matchers(controls: Any) -> None:
    asset = Asset(addresses=["10.9.0.3"])
    said = [Record("host", asset)] + [
        Record("port", asset, port=Port("tcp", number, state, service))
        for number, state, service in ((443, "open", "https"), (23, "open", None), (80, "closed", None))
    ]
    imported = scan(controls, "masscan", said, tried={"tcp": "1-1024"})
    assert found(imported) == [("expo_telnet", "web1", "tcp/23"), ("expo_port", "web1", "tcp/23")]
    source = imported.source
    assert source["scan"]["hosts"] == {"web1": {"open": ["tcp/23", "tcp/443"], "undetermined": []}}
    assert {"expo_port", "expo_telnet"} <= set(source["covers"])
    assert "expo_tls_obsolete" not in source["covers"]  # no scan of ports alone shows that


def test_unknown_hosts_are_told_once_with_all_that_was_said(controls: Any) -> None:
    stranger = Asset(addresses=["192.0.2.7"], names=["{{ evil }}"])
    said = [Record("host", stranger), Record("port", stranger, port=Port("tcp", 22, "open", "ssh"))]
    said += [weakness(stranger, str(number)) for number in range(300)]
    imported = scan(controls, "nessus", said)
    assert not imported.statements and len(imported.unmapped) == 1
    (host,) = imported.unmatched
    assert host["records"] == 301 and host["addresses"] == ["192.0.2.7"]
    assert "open: tcp/22 (ssh)" in imported.unmapped[0]["wording"] and "300 high" in imported.unmapped[0]["wording"]


def test_information_is_counted_and_what_names_no_host_is_left_to_a_person(controls: Any) -> None:
    asset = Asset(addresses=["10.9.0.3"])
    said = [Record("info", asset, rule="19506"), Record("info", None)]
    said.append(Record("weakness", None, rule="r", place="line 7"))
    imported = scan(controls, "sarif", said)
    assert imported.source["informational"] == 2
    assert [(one["object"], one["reason"]) for one in imported.unmapped] == [
        ("line 7", "the report names no host for it")
    ]
    assert records.KINDS == ("port", "weakness", "info", "host")


def test_a_tool_that_names_its_own_control_points_says_what_it_covers_and_at_which_level(controls: Any) -> None:
    domain = Asset(domain=True, typed_names=["chuvalmont"])
    one = make_object(type="user", id=f"{SID}-1301", label="svc-a", sid=f"{SID}-1301")
    said = [
        Record("host", domain),
        Record("weakness", domain, rule="vuln_spn_priv", object=one, facts={"control": "vuln_spn_priv", "level": 1}),
        Record("weakness", domain, rule="hasspn", object=one,
               facts={"control": "vuln_delegation_t4d", "population": "differs"}),
        Record("weakness", domain, rule="vuln_new_2027", title="Nouveau", object=one, grade="high"),
    ]  # fmt: skip
    imported = scan(controls, "ads", said, covers=["vuln_spn_priv", "vuln_guest", "vuln_new_2027"], level=2)
    assert imported.source["covers"] == ["vuln_guest", "vuln_spn_priv"] and imported.source["level"] == "2"
    certain, other, unknown = imported.statements
    assert certain.level == 1 and certain.unconfirmed is None
    assert other.unconfirmed == "the tool judges others than the control does: only an audit can tell"
    assert (unknown.control, unknown.severity) == ("other_directory", "high")
    assert unknown.object is not None and unknown.object["sid"] == f"{SID}-1301"
    assert unknown.object["id"] == f"domain/ads:vuln_new_2027/{SID}-1301"
    nobody = scan(controls, "ads", [Record("host", Asset(domain=True, typed_names=["x"]))], covers=["vuln_guest"])
    assert nobody.source["covers"] == [] and nobody.source["targets"] == []
