# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an earlier import knew stays until a later report of the same scope no longer says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import document, merge
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.imported import Imported, new_source
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.scan import ScanImport
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.censys import CensysReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.defectdojo import DefectDojoReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.nuclei import NucleiReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.sarif import SarifReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.shodan import ShodanReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import Asset, Port, Record

from .builders import DOMAIN, REPORTS, account, audit, merged

NMAP = REPORTS / "nmap-web1.xml"


def nmap(folder: Path, name: str, ports: dict[int, str], *, start: int, arguments: str = "nmap -sV h") -> Path:
    listed = "".join(
        f'<port protocol="tcp" portid="{number}"><state state="{state}"/></port>' for number, state in ports.items()
    )
    path = folder / name
    path.write_text(
        f'<nmaprun scanner="nmap" args="{arguments}" start="{start}"><scaninfo protocol="tcp" services="1-1024"/><host>'
        f'<status state="up"/><address addr="10.9.0.3" addrtype="ipv4"/><ports>{listed}</ports></host></nmaprun>'
    )
    return path


def ids(findings: dict[str, Any], control: str = "expo_port") -> list[str]:
    return sorted(f["object"]["id"] for f in findings["findings"] if f["control"] == control)


def test_the_same_reports_again_change_nothing(controls: Any, inventory: Any, tmp_path: Path) -> None:
    live = audit(tmp_path / "live.json", [account("vuln_guest", "Invité", 501)])
    first = merged(controls, inventory, live, NMAP, REPORTS / "pingcastle-full.xml", generated="2026-11-22T00:00:00Z")
    full = REPORTS / "pingcastle-full.xml"
    again = merged(controls, inventory, live, NMAP, full, generated="2026-11-22T00:00:00Z", previous=first)
    assert again == first and not again["closed"]


def test_a_report_taken_away_closes_nothing(controls: Any, inventory: Any, tmp_path: Path) -> None:
    old = nmap(tmp_path, "old.xml", {21: "open", 23: "open"}, start=1_700_000_000)
    first = merged(controls, inventory, old)
    later = merged(controls, inventory, REPORTS / "pingcastle-normal.xml", previous=first)
    document.check(later, "findings/1", where="test")
    assert ids(later) == ["tcp/21", "tcp/23"]
    assert [s["remembered"] for s in later["sources"]] == [False, True]
    third = merged(controls, inventory, REPORTS / "pingcastle-normal.xml", previous=later)
    assert ids(third) == ["tcp/21", "tcp/23"]
    gone = merged(controls, inventory, REPORTS / "pingcastle-normal.xml", previous=third, forget=[str(old)])
    assert ids(gone) == [] and len(gone["sources"]) == 1


def test_the_same_scan_written_again_takes_the_place_of_its_file(controls: Any, inventory: Any, tmp_path: Path) -> None:
    path = nmap(tmp_path, "scan.xml", {21: "open", 23: "open"}, start=1_700_000_000)
    first = merged(controls, inventory, path)
    nmap(tmp_path, "scan.xml", {21: "open"}, start=1_700_000_000)
    second = merged(controls, inventory, path, previous=first)
    assert ids(second) == ["tcp/21"] and len(second["sources"]) == 1
    # another scan written over it, earlier: it closes nothing, and what the first one said stays
    nmap(tmp_path, "scan.xml", {21: "open"}, start=1_600_000_000)
    assert ids(merged(controls, inventory, path, previous=first)) == ["tcp/21", "tcp/23"]


def test_what_was_closed_is_told_until_the_report_that_closed_it_goes(
    controls: Any, inventory: Any, tmp_path: Path
) -> None:
    old = nmap(tmp_path, "old.xml", {21: "open", 23: "open"}, start=1_700_000_000)
    new = nmap(tmp_path, "new.xml", {21: "open"}, start=1_700_000_100)
    moment = {"generated": "2026-11-22T00:00:00Z"}
    first = merged(controls, inventory, old, **moment)
    second = merged(controls, inventory, new, previous=first, **moment)
    assert len(second["closed"]) == 2
    assert merged(controls, inventory, new, previous=second, **moment) == second
    live = audit(tmp_path / "live.json", [])
    third = merged(controls, inventory, live, new, previous=second, **moment)  # it is s2 now
    assert [one["by"] for one in third["closed"]] == ["s2", "s2"]
    assert merged(controls, inventory, live, previous=third, **moment)["closed"] == []
    again = nmap(tmp_path, "again.xml", {21: "open", 23: "open"}, start=1_700_000_200)
    assert merged(controls, inventory, new, again, previous=second, **moment)["closed"] == []


def test_a_scan_that_broke_off_closes_nothing(controls: Any, inventory: Any, tmp_path: Path) -> None:
    old = nmap(tmp_path, "old.xml", {21: "open", 23: "open"}, start=1_700_000_000)
    new = nmap(tmp_path, "new.xml", {21: "open"}, start=1_700_000_100)
    ended = '<runstats><finished exit="error" errormsg="out of memory"/></runstats></nmaprun>'
    new.write_text(new.read_text().replace("</nmaprun>", ended))
    assert ids(merged(controls, inventory, old, new)) == ["tcp/21", "tcp/23"]


def test_findings_do_not_name_every_scan_there_ever_was(controls: Any, inventory: Any, tmp_path: Path) -> None:
    known = None
    for month in range(4):
        path = nmap(tmp_path, "scan.xml", {21: "open"}, start=1_700_000_000 + month)
        known = merged(controls, inventory, path, previous=known)
    assert known is not None and len(known["sources"]) == 1
    assert [len(f["sources"]) for f in known["findings"]] == [1, 1] and ids(known) == ["tcp/21"]


@pytest.mark.parametrize("together", [True, False])
def test_a_later_scan_of_the_same_scope_closes(controls: Any, inventory: Any, tmp_path: Path, together: bool) -> None:
    old = nmap(tmp_path, "old.xml", {21: "open", 23: "open", 8080: "open"}, start=1_700_000_000)
    new = nmap(tmp_path, "new.xml", {21: "open", 23: "closed"}, start=1_700_000_100)
    first = merged(controls, inventory, old)
    assert ids(first) == ["tcp/21", "tcp/23", "tcp/8080"]
    second = merged(controls, inventory, old, new) if together else merged(controls, inventory, new, previous=first)
    assert ids(second) == ["tcp/21", "tcp/8080"]  # 8080 was not among the ports that it tried
    assert ids(second, "expo_telnet") == []
    closed = {(one["control"], one["object"]) for one in second["closed"]}
    assert closed == {("expo_port", "tcp/23"), ("expo_telnet", "tcp/23")}
    assert second["counts"]["closed"] == 2
    named = {s["id"]: s["file"] for s in second["sources"]}
    assert all(named[one["by"]] == str(new) for one in second["closed"])


@pytest.mark.parametrize(
    ("ports", "start", "tail"),
    [
        ({21: "open"}, 1_600_000_000, ""),  # earlier than what it would close
        ({21: "open", 23: "open|filtered"}, 1_700_000_100, ""),  # could not tell
    ],
)
def test_what_does_not_cover_does_not_close(
    controls: Any, inventory: Any, tmp_path: Path, ports: dict[int, str], start: int, tail: str
) -> None:
    old = nmap(tmp_path, "old.xml", {21: "open", 23: "open"}, start=1_700_000_000)
    new = nmap(tmp_path, "new.xml", ports, start=start)
    assert "tcp/23" in ids(merged(controls, inventory, old, new))


def test_a_truncated_report_closes_nothing(controls: Any, inventory: Any, tmp_path: Path) -> None:
    old = nmap(tmp_path, "old.xml", {21: "open", 23: "open"}, start=1_700_000_000)
    new = nmap(tmp_path, "new.xml", {21: "open"}, start=1_700_000_100)
    new.write_text(new.read_text().replace("</nmaprun>", ""))
    from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report

    imports = [
        import_report(path, source_id=f"s{n}", catalogue=controls, inventory=inventory, accept_partial=True)
        for n, path in enumerate((old, new), 1)
    ]
    assert imports[1].source["partial"]
    assert ids(merge.merge(imports)) == ["tcp/21", "tcp/23"]


def test_a_live_audit_closes_what_it_could_judge(controls: Any, inventory: Any, tmp_path: Path) -> None:
    old = audit(
        tmp_path / "live.json", [account("vuln_guest", "Invité", 501), account("vuln_dont_expire", "svc-a", 1301)]
    )
    first = merged(controls, inventory, old)
    new = audit(tmp_path / "live.json", [], evaluated=["vuln_guest"], unreadable={"vuln_dont_expire": "no"})
    new.write_text(new.read_text().replace("2026-11-22T02:00:00Z", "2026-11-22T03:00:00Z"))
    second = merged(controls, inventory, new, previous=first)
    assert [f["control"] for f in second["findings"]] == ["vuln_dont_expire"]
    assert [one["control"] for one in second["closed"]] == ["vuln_guest"]
    old_source = second["sources"][1]
    # its word stays, but it is no judgement of today: the level counts the control as not judged
    assert old_source["remembered"] and old_source["covers"] == []


def scan(controls: Any, number: int, rules: list[str], *, type: str = "nessus", when: str, **info: Any) -> Imported:
    imported = Imported(new_source(f"s{number}", type, f"{number}.nessus"))
    imported.source["sha256"] = f"{number:064x}"
    importing = ScanImport(imported, controls, Inventory({"web1": {"addresses": ["10.9.0.3"]}}))
    asset = Asset(addresses=["10.9.0.3"])
    importing.take(
        [Record("host", asset)]
        + [Record("weakness", asset, rule=rule, grade="high", port=Port("tcp", 443, "open")) for rule in rules]
    )
    importing.finish({"generated": when, **info})
    return imported


@pytest.mark.parametrize(
    ("type", "info", "closes"),
    [
        ("nessus", {"profile": "hebdomadaire"}, True),
        ("nessus", {"profile": "autre"}, False),  # another policy may not have looked
        ("openvas", {"profile": "hebdomadaire"}, False),  # another tool
        ("nessus", {"profile": "hebdomadaire", "closes": False}, False),
    ],
)
def test_rules_are_closed_by_the_same_tool_with_the_same_policy(
    controls: Any, type: str, info: dict[str, Any], closes: bool
) -> None:
    old = scan(controls, 1, ["100", "200"], when="2026-10-01T00:00:00Z", profile="hebdomadaire")
    new = scan(controls, 2, ["200"], type=type, when="2026-11-01T00:00:00Z", **info)
    left = ids(merge.merge([old, new]), "other_exposure")
    assert ("tcp/443/nessus:100" not in left) is closes


@pytest.mark.parametrize("reader", [NucleiReader, SarifReader, ShodanReader, CensysReader, DefectDojoReader])
def test_tools_that_do_not_say_what_they_looked_for_close_nothing(controls: Any, reader: Any) -> None:
    old = scan(controls, 1, ["a", "b"], type="nuclei", when="2026-10-01T00:00:00Z")
    new = scan(controls, 2, ["b"], type="nuclei", when="2026-11-01T00:00:00Z", closes=reader().info["closes"])
    assert ids(merge.merge([old, new]), "other_exposure") == ["tcp/443/nuclei:a", "tcp/443/nuclei:b"]


def test_a_tool_of_one_port_closes_only_at_that_port(controls: Any) -> None:
    old = scan(controls, 1, ["weak"], type="testssl", when="2026-10-01T00:00:00Z")
    new = scan(controls, 2, [], type="testssl", when="2026-11-01T00:00:00Z")
    assert ids(merge.merge([old, new]), "other_exposure") == ["tcp/443/testssl:weak"]
    new = scan(controls, 2, ["other"], type="testssl", when="2026-11-01T00:00:00Z")
    assert ids(merge.merge([old, new]), "other_exposure") == ["tcp/443/testssl:other"]


def test_pingcastle_below_full_still_names_what_full_named(controls: Any, inventory: Any, tmp_path: Path) -> None:
    normal = tmp_path / "later.xml"
    normal.write_text(
        (REPORTS / "pingcastle-normal.xml").read_text().replace("2026-11-18T", "2026-11-19T")
    )
    full = REPORTS / "pingcastle-full.xml"
    before = {f["id"] for f in merged(controls, inventory, full)["findings"]}
    after = {f["id"] for f in merged(controls, inventory, full, normal)["findings"]}
    assert before <= after
    assert all(f["host"] == DOMAIN for f in merged(controls, inventory, full, normal)["findings"])


@pytest.mark.parametrize("said", [{"matched_by": "portail"}, {"population": "differs"}])
def test_what_was_in_doubt_is_still_in_doubt_when_its_report_is_gone(controls: Any, said: dict[str, Any]) -> None:
    imported = Imported(new_source("s1", "nessus", "1.nessus"))
    imported.source["sha256"] = f"{1:064x}"
    importing = ScanImport(imported, controls, Inventory({"web1": {"addresses": ["10.9.0.3"]}}))
    asset = Asset(addresses=["10.9.0.3"])
    port = Port("tcp", 23, "open")
    importing.take([Record("host", asset), Record("weakness", asset, rule="a", port=port,
                                                  facts={"control": "expo_port", **said})])  # fmt: skip
    importing.finish({"generated": "2026-10-01T00:00:00Z"})
    first = merge.merge([imported])
    later = merge.merge([], previous=first)
    assert [f["unconfirmed"] for f in later["findings"]] == [f["unconfirmed"] for f in first["findings"]]
    assert later["findings"][0]["unconfirmed"]
