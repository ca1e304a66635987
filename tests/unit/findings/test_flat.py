# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What playbooks get: flat findings, and the selections."""

from __future__ import annotations

import datetime
from typing import Any

import jmespath
import pytest
from ansible_collections.care.remediation.plugins.filter import care_findings, care_hosts
from ansible_collections.care.remediation.plugins.module_utils.findings import flat, model

TODAY = datetime.date(2026, 11, 22)


def finding(control: str, host: str, identity: str, **more: Any) -> Any:
    made = model.make_object(type=more.pop("type", "weakness"), id=identity)
    graded = {key: more.pop(key, None) for key in ("level", "severity")}
    mention = model.make_mention(source="s1", rule="r1", wording="said", severity="4")
    return model.make_finding(control=control, host=host, object=made, **graded, evidence=more, sources=[mention])


FINDINGS = [
    finding("vuln_guest", "domain.test", "S-1-5-21-1-501", type="user", level=2),
    finding("vuln_spn_priv", "domain.test", "S-1-5-21-1-1101", type="user", level=1),
    finding("expo_port", "web1", "tcp/8443", type="port", severity="medium", service="https"),
    finding(
        "other_exposure", "web1", "udp/161/CVE-2026-1", severity="critical", cve=["CVE-2026-1"], kev=True, cvss=9.8
    ),
    finding("other_exposure", "web2", "CVE-2026-1", severity="low", title="T", solution="Do it", epss=0.4),
]
DOCUMENT = {
    "schema": "care.remediation/findings/1",
    "sources": [{"id": "s1", "type": "nessus"}],
    "findings": FINDINGS,
}


def entry(one: Any, decision: str, **waiver: Any) -> dict[str, Any]:
    made = {"finding": one["id"], "control": one["control"], "host": one["host"], "decision": decision}
    return made | ({"waiver": {"owner": "DSI", "reason": "r"} | waiver} if waiver else {})


SHEET = {
    "schema": "care.remediation/decisions/1",
    "decisions": [
        entry(FINDINGS[0], "apply"),
        entry(FINDINGS[2], "waive", until=datetime.date(2099, 1, 1)),
        entry(FINDINGS[3], "waive", until="2020-01-01"),
    ],
}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"host": "web1"}, [2, 3]),
        ({"host": ["web1", "web2"]}, [2, 3, 4]),
        ({"control": "other_exposure"}, [3, 4]),
        ({"control": ("expo_port", "vuln_guest")}, [0, 2]),
        ({"severity": "critical"}, [3]),
        ({"severity": ["medium", "low"]}, [2, 4]),
        ({"min_level": 1}, [1, 3]),
        ({"min_level": 2}, [0, 1, 3]),
        ({"min_level": "3"}, [0, 1, 2, 3]),
        ({"min_level": 5}, [0, 1, 2, 3, 4]),
        ({"decision": "apply"}, [0]),
        ({"decision": "undecided"}, [1, 4]),
        ({"decision": "waive"}, [2]),
        ({"decision": ["expired", "apply"]}, [0, 3]),
        ({"host": "web1", "severity": "critical", "control": "expo_port"}, []),
        ({"host": []}, [0, 1, 2, 3, 4]),
    ],
)
def test_selection(wanted: dict[str, Any], expected: list[int]) -> None:
    found = care_findings.care_findings(DOCUMENT, **wanted, decisions=SHEET)
    assert [one["id"] for one in found] == [FINDINGS[number]["id"] for number in expected]
    assert care_findings.care_findings(found, **wanted) == found  # what it gave can be selected again


def test_a_waiver_of_a_rule() -> None:
    rules = [{"name": "kiosks", "decision": "waive", "waiver": {"owner": "DSI", "reason": "r", "until": "2020-01-01"}}]
    follows = entry(FINDINGS[2], "waive") | {"proposed": "waive by kiosks"}
    (found,) = care_findings.care_findings(
        DOCUMENT, decision="expired", decisions={"rules": rules, "decisions": [follows]}
    )
    assert (found["id"], found["owner"], found["until"]) == (FINDINGS[2]["id"], "DSI", "2020-01-01")
    with pytest.raises(Exception, match="holds a rule"):
        care_findings.care_findings(DOCUMENT, decisions={"rules": [5], "decisions": []})


def test_the_keys_are_flat() -> None:
    found = care_findings.care_findings(DOCUMENT, decisions=SHEET)
    for one in found:
        nested = {key for key, value in one.items() if isinstance(value, dict)}
        assert nested == {"evidence"}
        assert list(one) == list(found[0])
    guest, _spn, port, exploited, other = found
    assert (port["port"], port["protocol"], port["service"], port["until"]) == (8443, "tcp", "https", "2099-01-01")
    assert (exploited["port"], exploited["protocol"], exploited["cve"]) == (161, "udp", ["CVE-2026-1"])
    assert (exploited["decision"], exploited["owner"], exploited["urgency"]) == ("expired", "DSI", 1)
    assert (guest["port"], guest["cve"], guest["kev"], guest["decision"]) == (None, [], False, "apply")
    assert (other["title"], other["solution"], other["epss"], other["sources"]) == ("T", "Do it", 0.4, ["nessus"])


def test_jmespath_reads_them() -> None:
    found = care_findings.care_findings(DOCUMENT)
    assert jmespath.search("[?kev].{host: host, port: port}", found) == [{"host": "web1", "port": 161}]
    assert jmespath.search("[?severity=='medium'].port | [0]", found) == 8443
    assert jmespath.search("length([?level])", found) == 2


def test_hosts_most_urgent_first() -> None:
    hosts = care_hosts.care_hosts(DOCUMENT)
    assert [one["host"] for one in hosts] == ["domain.test", "web1", "web2"]
    assert hosts[1] == {
        "host": "web1",
        "findings": 2,
        "urgency": 1,
        "level": None,
        "severity": "critical",
        "kev": 1,
        "controls": ["expo_port", "other_exposure"],
    }
    assert hosts[0]["level"] == 1 and hosts[0]["severity"] is None
    assert care_hosts.care_hosts(DOCUMENT, min_level=1, host="web2") == []


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("tcp/443", ("tcp", 443)),
        ("tcp/443/nessus:1", ("tcp", 443)),
        ("sctp/36412", ("sctp", 36412)),
        ("tcp/0/nessus:1", (None, None)),
        ("tcp/99999", (None, None)),
        ("tcp/" + "9" * 5000, (None, None)),
        ("tcp/x", (None, None)),
        ("S-1-5-21", (None, None)),
        ("", (None, None)),
    ],
)
def test_ports(identity: str, expected: Any) -> None:
    assert flat.port(identity) == expected


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"decision": "apply"}, "holds no decisions"),
        ({"decision": "later", "decisions": SHEET}, "none of apply, undecided, waive, expired"),
        ({"severity": "Critical"}, "none of critical"),
        ({"severity": 3}, "must be a text or a list"),
        ({"min_level": 0}, "no ANSSI level"),
        ({"min_level": True}, "no ANSSI level"),
        ({"min_level": "high"}, "no ANSSI level"),
        ({"decisions": {"decisions": [{"finding": "f-1"}]}}, "none of decisions.yml"),
        ({"decisions": "x"}, "content of decisions.yml"),
    ],
)
def test_mistakes(wanted: dict[str, Any], said: str) -> None:
    for function in (care_findings.care_findings, care_hosts.care_hosts):
        with pytest.raises(Exception, match=said):
            function(DOCUMENT, **wanted)


@pytest.mark.parametrize(
    "value", [None, 5, "text", {}, {"schema": "x"}, [5], [{"id": "f"}], {"schema": DOCUMENT["schema"], "findings": [1]}]
)
def test_what_is_no_document_is_said(value: Any) -> None:
    for function in (care_findings.care_findings, care_hosts.care_hosts):
        with pytest.raises(Exception, match=r"neither a findings document|as care_findings gives them|is damaged"):
            function(value)
