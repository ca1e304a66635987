# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    document,
    merge,
    model,
    verdicts,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.decisions import Decision
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import DOMAIN, REPORTS, account, audit, merged

TODAY = datetime.date(2026, 11, 22)
NMAP = REPORTS / "nmap-web1.xml"


def decide(findings: dict[str, Any], decision: str = "apply", **waiver: Any) -> dict[str, Decision]:
    return {f["id"]: Decision(f["id"], f["control"], f["host"], decision, **waiver) for f in findings["findings"]}


def judge(before: Any, after: Any, chosen: Any, controls: Any) -> dict[str, Any]:
    made = verdicts.build(before, after, chosen, controls, edition=catalogue.edition(), today=TODAY)
    document.check(made, "verdicts/1", where="test")
    return made


def of(made: dict[str, Any], control: str) -> dict[str, str]:
    return {one["object"]["id"]: one["verdict"] for one in made["findings"] if one["control"] == control}


def control_of(made: dict[str, Any], control: str) -> dict[str, Any]:
    return next(one for one in made["controls"] if one["control"] == control)


@pytest.fixture
def before(controls: Any, inventory: Any, tmp_path: Path) -> dict[str, Any]:
    live = audit(
        tmp_path / "before.json",
        [account("vuln_guest", "Invité", 501), account("vuln_spn_priv", "svc", 1301, level=1)],
        evaluated=["vuln_krbtgt", "vuln_dont_expire_priv"],
    )
    return merged(controls, inventory, live, NMAP)


def scan(tmp_path: Path, *, drop: tuple[int, ...] = (), **replace: str) -> Path:
    """The scan of the fixtures without some ports, or otherwise changed."""
    text = NMAP.read_text()
    lines = [line for line in text.splitlines() if not any(f'portid="{port}"' in line for port in drop)]
    text = "\n".join(lines)
    for old, new in replace.values():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "after.xml"
    path.write_text(text)
    return path


def test_gone_still_there_and_never_there(controls: Any, inventory: Any, before: Any, tmp_path: Path) -> None:
    live = audit(
        tmp_path / "after.json",
        [account("vuln_spn_priv", "svc", 1301, level=1)],
        evaluated=["vuln_guest", "vuln_krbtgt"],
        unreadable={"vuln_dont_expire_priv": "insufficient rights"},
    )
    made = judge(before, merged(controls, inventory, live, NMAP), decide(before), controls)
    assert set(of(made, "vuln_guest").values()) == {"changed"}
    assert set(of(made, "vuln_spn_priv").values()) == {"failed"}
    assert control_of(made, "vuln_krbtgt")["verdict"] == "compliant"
    unread = control_of(made, "vuln_dont_expire_priv")
    assert (unread["verdict"], unread["reason"]) == ("unverified", "insufficient rights")
    assert made["before"]["levels"][0]["reached"] == 1
    assert [one["control"] for one in verdicts.failing(made) if one["host"] == DOMAIN] == ["vuln_spn_priv"]


def test_a_source_that_was_not_read_again_proves_nothing(controls: Any, inventory: Any, before: Any) -> None:
    made = judge(before, merged(controls, inventory, NMAP), decide(before), controls)
    assert set(of(made, "vuln_guest").values()) == {"unverified"}
    assert control_of(made, "vuln_krbtgt")["verdict"] == "unverified"
    assert not [one for one in verdicts.failing(made) if one["host"] == DOMAIN]
    (level,) = made["after"]["levels"]
    assert level["reached"] == 1  # silence raises no level
    assert level["evaluated"] == 0
    strict = {one["control"] for one in verdicts.failing(made, strict=True)}
    assert {"vuln_guest", "vuln_krbtgt"} <= strict


def test_an_unreadable_control_is_unverified_though_nothing_was_found(
    controls: Any, inventory: Any, before: Any, tmp_path: Path
) -> None:
    live = audit(tmp_path / "after.json", [], unreadable={"vuln_guest": "access denied"})
    made = judge(before, merged(controls, inventory, live), decide(before), controls)
    assert next(iter(of(made, "vuln_guest").values())) == "unverified"


def test_closed_ports(controls: Any, inventory: Any, before: Any, tmp_path: Path) -> None:
    after = merged(controls, inventory, scan(tmp_path, drop=(23, 6379)))
    made = judge(before, after, decide(before), controls)
    assert of(made, "expo_telnet") == {"tcp/23": "changed"}
    assert of(made, "expo_redis_unauthenticated") == {"tcp/6379": "changed"}
    assert of(made, "expo_port")["tcp/6379"] == "changed" and of(made, "expo_port")["tcp/8443"] == "failed"
    assert control_of(made, "expo_port")["verdict"] == "failed"


def test_a_port_that_was_not_tried_again_is_unverified(
    controls: Any, inventory: Any, before: Any, tmp_path: Path
) -> None:
    after = scan(tmp_path, drop=(23, 6379), ports=('services="1-65535"', 'services="1-1000"'))
    made = judge(before, merged(controls, inventory, after), decide(before), controls)
    assert of(made, "expo_telnet") == {"tcp/23": "changed"}
    assert of(made, "expo_redis_unauthenticated") == {"tcp/6379": "unverified"}


def test_an_open_port_without_the_script_is_unverified(
    controls: Any, inventory: Any, before: Any, tmp_path: Path
) -> None:
    text = NMAP.read_text()
    after = tmp_path / "after.xml"
    quiet = "".join(line + "\n" for line in text.splitlines())
    quiet = quiet.replace("--script=redis-info,ssl-enum-ciphers,ssh-auth-methods ", "")
    quiet = __import__("re").sub(r"<script [^>]*/>", "", quiet)
    after.write_text(quiet)
    made = judge(before, merged(controls, inventory, after), decide(before), controls)
    assert of(made, "expo_redis_unauthenticated") == {"tcp/6379": "unverified"}
    assert of(made, "expo_tls_obsolete") == {"tcp/443": "unverified", "tcp/8443": "unverified"}


def test_a_service_that_no_longer_shows_it_is_changed(
    controls: Any, inventory: Any, before: Any, tmp_path: Path
) -> None:
    after = scan(tmp_path, tls=("TLSv1.0:", "TLSv1.3:"))
    made = judge(before, merged(controls, inventory, after), decide(before), controls)
    assert of(made, "expo_tls_obsolete") == {"tcp/443": "changed", "tcp/8443": "failed"}


def test_what_a_port_serves_is_judged_by_the_hosts_own_audit(controls: Any, inventory: Any, tmp_path: Path) -> None:
    port = model.make_object(type="port", id="tcp/22", label="tcp/22")
    found = model.make_finding(control="expo_ssh_root_password", host="web1", object=port, severity="high")
    options = {"host": "web1", "source": "host"}
    live = audit(tmp_path / "before.json", [found | {"sources": []}], **options)
    before = merged(controls, inventory, live, NMAP)
    good = audit(tmp_path / "good.json", [], evaluated=["expo_ssh_root_password"], **options)
    bad = audit(tmp_path / "bad.json", [], unreadable={"expo_ssh_root_password": "no sudo"}, **options)
    for path, verdict in ((good, "changed"), (bad, "unverified"), (live, "failed")):
        made = judge(before, merged(controls, inventory, path, NMAP), decide(before), controls)
        assert of(made, "expo_ssh_root_password") == {"tcp/22": verdict}
        # whether a port is open, only a scan tells
        assert set(of(made, "expo_port").values()) == {"failed"}
    made = judge(before, merged(controls, inventory, good), decide(before), controls)
    assert set(of(made, "expo_port").values()) == {"unverified"}


def test_an_undetermined_port_is_unverified(controls: Any, inventory: Any, before: Any, tmp_path: Path) -> None:
    text = NMAP.read_text()
    at = text.index('portid="23"')
    after = tmp_path / "after.xml"
    after.write_text(text[:at] + text[at:].replace('state="open"', 'state="open|filtered"', 1))
    made = judge(before, merged(controls, inventory, after), decide(before), controls)
    assert of(made, "expo_telnet") == {"tcp/23": "unverified"}


def test_a_truncated_scan_proves_nothing_gone(controls: Any, inventory: Any, before: Any, tmp_path: Path) -> None:
    path = scan(tmp_path, drop=(23,))
    path.write_text(path.read_text()[: path.read_text().index('portid="443"')])
    imported = import_report(
        path, source_id="s1", catalogue=controls, inventory=inventory, accept_partial=True
    )
    after = merge.merge([imported])
    assert after["sources"][0]["partial"]
    made = judge(before, after, decide(before), controls)
    assert of(made, "expo_telnet") == {"tcp/23": "unverified"}
    assert of(made, "expo_ftp") == {"tcp/21": "failed"}


def test_waivers(controls: Any, inventory: Any, before: Any) -> None:
    good = decide(before, "waive", owner="DSI", reason="r", until=datetime.date(2027, 1, 1))
    made = judge(before, before, good, controls)
    assert {one["verdict"] for one in made["findings"]} == {"waived"}
    assert made["findings"][0]["waiver"]["owner"] == "DSI" and not verdicts.failing(made)
    late = decide(before, "waive", owner="DSI", reason="r", until=datetime.date(2026, 1, 1))
    made = judge(before, before, late, controls)
    assert {one["verdict"] for one in made["findings"]} == {"failed"}
    assert made["findings"][0]["reason"] == "the waiver has run out"


def test_undecided_findings_do_not_fail_the_gate(controls: Any, before: Any) -> None:
    made = judge(before, before, decide(before, "undecided"), controls)
    assert {one["verdict"] for one in made["findings"]} == {"failed"} and not verdicts.failing(made)


def test_a_new_finding_fails(controls: Any, inventory: Any, before: Any, tmp_path: Path) -> None:
    live = audit(
        tmp_path / "after.json",
        [account("vuln_dont_expire_priv", "nouveau", 1400, level=1)],
        evaluated=["vuln_guest", "vuln_spn_priv"],
    )
    made = judge(before, merged(controls, inventory, live), decide(before), controls)
    new = [one for one in made["findings"] if one["new"]]
    assert [(one["control"], one["verdict"]) for one in new] == [("vuln_dont_expire_priv", "failed")]
    assert new[0]["id"] in [one["id"] for one in verdicts.failing(made)]


def test_a_report_without_objects_is_judged_by_the_new_audit(controls: Any, inventory: Any, tmp_path: Path) -> None:
    before = merged(controls, inventory, REPORTS / "pingcastle-normal.xml")
    live = audit(
        tmp_path / "after.json",
        [account("vuln_guest", "Invité", 501)],
        evaluated=["vuln_dont_expire"],
    )
    made = judge(before, merged(controls, inventory, live), decide(before), controls)
    assert set(of(made, "vuln_guest").values()) == {"failed"}
    assert not any(one["new"] for one in made["findings"])  # the object is what the report meant
    assert set(of(made, "vuln_dont_expire").values()) == {"changed"}
    assert set(of(made, "vuln_delegation_t4d").values()) == {"unverified"}


def test_an_account_known_by_dn_before_is_found_by_sid_after(controls: Any, inventory: Any, tmp_path: Path) -> None:
    before = merged(controls, inventory, REPORTS / "pingcastle-full.xml")
    live = audit(tmp_path / "after.json", [account("vuln_kerberos_properties_preauth", "svc-imagerie", 1201)])
    made = judge(before, merged(controls, inventory, live), decide(before), controls)
    lines = [one for one in made["findings"] if one["control"] == "vuln_kerberos_properties_preauth"]
    assert [(one["verdict"], one["new"]) for one in lines] == [("failed", False)]


@pytest.mark.parametrize(
    ("number", "ranges", "expected"),
    [
        (80, "1-1000", True),
        (80, "22,80", True),
        (81, "22,80", False),
        (65535, "1-65535", True),
        (1, "", False),
        (5, "x-y", False),
    ],
)
def test_port_ranges(number: int, ranges: str, expected: bool) -> None:
    assert verdicts.in_ranges(number, ranges) is expected


def test_a_truncated_report_proves_nothing_of_the_domain(controls: Any, inventory: Any, tmp_path: Path) -> None:
    whole = REPORTS / "pingcastle-normal.xml"
    before = merged(controls, inventory, whole)
    fixed = whole.read_text().replace("<RiskId>A-Guest</RiskId>", "<RiskId>A-Other</RiskId>")
    for text, verdict in ((fixed, "changed"), (fixed[: fixed.index("<MachineAccountQuota>")], "unverified")):
        path = tmp_path / "after.xml"
        path.write_text(text)
        imported = import_report(
            path, source_id="s1", catalogue=controls, inventory=inventory, accept_partial=True
        )
        made = judge(before, merge.merge([imported]), decide(before), controls)
        assert of(made, "vuln_guest") == {DOMAIN: verdict}


@pytest.mark.parametrize(
    ("rules", "when", "profile", "verdict"),
    [
        (["200"], "2026-11-23T00:00:00Z", "mensuel", "changed"),
        (["100", "200"], "2026-11-23T00:00:00Z", "mensuel", "failed"),
        (["200"], "2026-11-23T00:00:00Z", "autre", "unverified"),
        (["200"], "2026-11-01T00:00:00Z", "mensuel", "unverified"),
    ],
)
def test_what_a_tools_rule_said_is_judged_by_the_same_tool(
    controls: Any, rules: list[str], when: str, profile: str, verdict: str
) -> None:
    from .test_closing import scan as nessus

    old = nessus(controls, 1, ["100"], when="2026-11-20T00:00:00Z", profile="mensuel")
    new = nessus(controls, 1, rules, when=when, profile=profile)
    first, second = merge.merge([old]), merge.merge([new])
    made = judge(first, second, decide(first, "undecided"), controls)
    assert of(made, "other_exposure")["tcp/443/nessus:100"] == verdict
