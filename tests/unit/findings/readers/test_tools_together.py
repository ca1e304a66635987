# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What several tools say of one machine of the lab, imported together: real reports of web1, from file to finding."""

from __future__ import annotations

from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.findings import merge
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report

from .checks import REPORTS

WEB1 = Inventory({"web1": {"addresses": ["10.89.1.2", "10.9.0.3"], "policy": [{"port": 22, "protocol": "tcp"}]}})


def findings(controls: Any, *names: str) -> dict[str, Any]:
    imports = [
        import_report(REPORTS / name, source_id=f"s{index}", catalogue=controls, inventory=WEB1)
        for index, name in enumerate(names, 1)
    ]
    return merge.merge(imports)


def test_one_piece_of_work_for_what_four_tools_say(controls: Any) -> None:
    merged = findings(
        controls, "testssl/many-3.0-flat.json", "sslyze/many-6.3.json", "sslyze/many-5.2.json", "nuclei/many.jsonl"
    )
    tls = [one for one in merged["findings"] if one["control"] == "expo_tls_obsolete"]
    assert [one["object"]["id"] for one in tls] == ["tcp/8443"]
    said = {(mention["source"], mention["rule"]) for mention in tls[0]["sources"]}
    assert said == {
        ("s1", "TLS1"),
        ("s1", "TLS1_1"),
        ("s2", "tls_1_0_cipher_suites"),
        ("s2", "tls_1_1_cipher_suites"),
        ("s3", "tls_1_0_cipher_suites"),
        ("s3", "tls_1_1_cipher_suites"),
        ("s4", "deprecated-tls"),
    }
    assert {mention["severity"] for mention in tls[0]["sources"]} == {"LOW", "info", None}


def test_every_exposure_of_the_lab_is_found(controls: Any) -> None:
    merged = findings(controls, "masscan_json/many-1.3-banners.json", "nuclei/many.jsonl", "ssh_audit/many-3.9.json")
    found = {(one["control"], one["object"]["id"]) for one in merged["findings"] if one["host"] == "web1"}
    assert {
        ("expo_ftp", "tcp/21"),
        ("expo_telnet", "tcp/23"),
        ("expo_postgresql_public", "tcp/5432"),
        ("expo_redis_unauthenticated", "tcp/6379"),
        ("expo_ssh_password", "tcp/22"),
        ("expo_tls_obsolete", "tcp/8443"),
    } <= found
    other = {one["object"]["id"] for one in merged["findings"] if one["control"] == "other_exposure"}
    assert {"tcp/22/ssh_audit:critical.del.mac", "tcp/22/CVE-2023-48795", "tcp/8080/CVE-2021-41773"} <= other


def test_what_ssh_audit_says_is_work_of_its_own_and_informs_of_the_rest(controls: Any) -> None:
    merged = findings(controls, "ssh_audit/many-3.9.json")
    assert len([one for one in merged["findings"] if one["control"] == "other_exposure"]) == 7
    [source] = merged["sources"]
    assert (source["type"], source["informational"], source["generated"]) == ("ssh_audit", 1, None)


def test_the_same_reports_again_give_the_same_findings(controls: Any) -> None:
    names = ("testssl/many-3.0-pretty.json", "sslyze/many.json", "masscan_json/many-1.3.ndjson")
    once, twice = findings(controls, *names), findings(controls, *names)
    assert [one["id"] for one in once["findings"]] == [one["id"] for one in twice["findings"]]
    assert len({one["id"] for one in once["findings"]}) == len(once["findings"])
