# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What other tools get: accepted by their importers, the same bytes each time, and the same findings when read back."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    export_ciso_assistant,
    export_defectdojo,
    merge,
    model,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.imported import new_source
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.report import import_report
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.defectdojo import DefectDojoReader
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import DN, DOMAIN, SID

DAY = datetime.date(2026, 11, 22)
# The fields that DefectDojo's parser takes (dojo/tools/generic/json_parser.py); one more, and it refuses the file.
# Those of 2025 and 2026 (cvssv4, known_exploited, cwes, fix_available…) are left out: older servers refuse them.
FIELDS = """
    title severity description date cwe cve epss_score epss_percentile cvssv3 cvssv3_score mitigation impact
    steps_to_reproduce severity_justification references active verified false_p out_of_scope risk_accepted
    under_review is_mitigated thread_id mitigated numerical_severity param payload line file_path component_name
    component_version static_finding dynamic_finding scanner_confidence unique_id_from_tool vuln_id_from_tool
    sast_source_object sast_sink_object sast_source_line sast_source_file_path nb_occurences publish_date service
    planned_remediation_date planned_remediation_version effort_for_fixing tags endpoints vulnerability_ids
"""
ALLOWED = set(FIELDS.split())
HOSTILE = "=cmd|'/c calc'!A1 {{ lookup('pipe','id') }} <script>alert(1)</script> \x1b[2J\u202etxt ```\n# titre\n../../x"


def account(control: str, name: str, rid: int, level: int, **more: Any) -> dict[str, Any]:
    made = model.make_object(
        type="user", id=f"{SID}-{rid}", label=name, dn=f"CN={name},OU=Comptes de l'hôpital,{DN}", sid=f"{SID}-{rid}"
    )
    return model.make_finding(control=control, host=DOMAIN, object=made, level=level, **more)


def weakness(control: str, port: int, identifier: str, **more: Any) -> dict[str, Any]:
    made = model.make_object(type="weakness", id=f"tcp/{port}/{identifier}", label=f"tcp/{port} — {identifier}")
    return model.make_finding(control=control, host="web1", object=made, **more)


@pytest.fixture
def findings() -> dict[str, Any]:
    def mention(source: str, rule: str, wording: str, severity: str | None = None) -> dict[str, Any]:
        return model.make_mention(source=source, rule=rule, wording=wording, severity=severity)

    audit = new_source("s1", "directory", Path("audit/chu-valmont.test.json"))
    scan = new_source("s2", "nmap", Path("reports/nmap.xml"))
    old = new_source("s3", "pingcastle", Path("reports/ad_hc.xml"))
    for number, source in enumerate((audit, scan, old), 1):
        source |= {"sha256": f"{number}" * 64, "generated": f"2026-11-2{number}T02:00:00Z", "tool_version": "1.0"}
    audit |= {
        "targets": [DOMAIN],
        "covers": ["vuln_guest", "vuln_dont_expire_priv", "vuln_krbtgt", "vuln_dsheuristics_bad"],
        "unreadable": {"vuln_owner": "no right to read"},
    }
    scan |= {"targets": ["web1"], "covers": ["expo_port"]}
    old |= {"targets": [DOMAIN], "covers": ["vuln_owner"], "partial": True}
    listed = [
        account("vuln_guest", "Invité", 501, 2, sources=[mention("s1", "vuln_guest", "Guest is enabled", "15 points")]),
        account(
            "vuln_dont_expire_priv", HOSTILE, 1104, 1, protected="automation", sources=[mention("s1", "x", HOSTILE)]
        ),
        weakness(
            "other_exposure",
            443,
            "CVE-2021-44228",
            severity="critical",
            sources=[mention("s2", "vulners", HOSTILE, "10.0")],
            evidence={
                "title": "Log4Shell",
                "cve": ["CVE-2021-44228", "not a CVE"],
                "cvss": 10.0,
                "cvss_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
                "epss": 0.94,
                "kev": True,
                "cwe": ["CWE-502"],
                "port": 443,
                "protocol": "tcp",
                "addresses": ["10.9.0.3", "2001:db8::3"],
                "solution": "Update Log4j.\n</textarea>",
                "first_seen": "2026-10-01T00:00:00Z",
                "references": ["https://logging.apache.org/"],
            },
        ),
        weakness(
            "other_exposure",
            8080,
            "nessus:99999",
            severity="medium",
            sources=[mention("s2", "99999", "…")],
            evidence={
                "cvss": 7.5,
                "cvss_vector": "AV:N/AC:L/Au:N/C:P/I:P/A:P",
                "epss": 7,
                "port": "80",
                "addresses": 1,
            },
        ),
        account("vuln_dsheuristics_bad", "réglage", 9, 4, sources=[mention("s3", "A-DsHeuristics", "bad")])
        | {"unconfirmed": "the audit of 2026-11-21 does not bear it out"},
    ]
    return {
        "schema": model.SCHEMA,
        "generated": "2026-11-22T03:00:00Z",
        "sources": [audit, scan, old],
        "findings": listed,
        "unmapped": [],
        "counts": {"read": 5, "mapped": 5, "unmapped": 0, "duplicates": 0},
    }


def waive(finding: dict[str, Any], until: datetime.date, reason: str = "remplacé en 2027") -> decisions.Decision:
    return decisions.Decision(
        finding["id"], finding["control"], finding["host"], "waive", owner="RSSI", reason=reason, until=until
    )


@pytest.fixture
def sheet(findings: dict[str, Any]) -> dict[str, decisions.Decision]:
    guest, _, log4j, other, _ = findings["findings"]
    return {
        guest["id"]: decisions.Decision(guest["id"], guest["control"], guest["host"], "apply"),
        log4j["id"]: waive(log4j, DAY, "=1+1 <b>"),
        other["id"]: waive(other, DAY - datetime.timedelta(days=1)),
    }


def dojo(findings: Any, sheet: Any, language: str = "fr") -> Any:
    return json.loads(dojo_file(findings, sheet, language))


def dojo_file(findings: Any, sheet: Any, language: str = "fr") -> bytes:
    made = export_defectdojo.entries(findings, sheet, catalogue.load(), language=language, day=DAY)
    return b"".join(export_defectdojo.render(findings, made))


class TestDefectDojo:
    def test_only_fields_that_its_parser_takes(self, findings: Any, sheet: Any) -> None:
        made = dojo(findings, sheet)
        assert set(made) <= {"name", "type", "version", "description", "static_tool", "dynamic_tool", "soc", "findings"}
        assert len(made["findings"]) == len(findings["findings"])
        for one in made["findings"]:
            assert set(one) <= ALLOWED, set(one) - ALLOWED
            assert {"title", "severity", "description"} <= set(one) and one["title"] and one["description"]
            assert one["severity"] in ("Critical", "High", "Medium", "Low", "Info")
            assert len(one["title"]) <= 511 and len(one["service"]) <= 200
            assert "cve" not in one  # with vulnerability_ids beside it, its parser makes a list in a list
            datetime.date.fromisoformat(one["date"])
            assert all(re.fullmatch(r"[a-z0-9._-]+", tag) for tag in one["tags"])
            for endpoint in one["endpoints"]:
                assert set(endpoint) <= {"host", "port", "protocol"}
                assert isinstance(endpoint.get("port", 1), int)

    def test_identity_grade_and_vulnerability(self, findings: Any, sheet: Any) -> None:
        guest, priv, log4j, other, _ = dojo(findings, sheet)["findings"]
        assert guest["unique_id_from_tool"] == findings["findings"][0]["id"]
        assert guest["vuln_id_from_tool"] == "vuln_guest"
        assert (guest["severity"], priv["severity"], log4j["severity"]) == ("High", "Critical", "Critical")
        assert guest["verified"] and not log4j["verified"]
        assert guest["endpoints"] == [{"host": DOMAIN}]
        assert log4j["endpoints"] == [
            {"host": "10.9.0.3", "port": 443, "protocol": "tcp"},
            {"host": "2001:db8::3", "port": 443, "protocol": "tcp"},
        ]
        assert log4j["vulnerability_ids"] == ["CVE-2021-44228"] and log4j["cwe"] == 502
        assert log4j["cvssv3_score"] == 10.0 and log4j["cvssv3"].startswith("CVSS:3.1/") and log4j["epss_score"] == 0.94
        assert log4j["date"] == "2026-10-01" and guest["date"] == "2026-11-21"
        assert {"kev", "exposure", "class-manual", "source-nmap"} <= set(log4j["tags"])
        # a vector of CVSS 2 is no vector of CVSS 3, 7 is no probability: left out, the score is said in words
        assert not {"cvssv3", "cvssv3_score", "epss_score"} & set(other) and "7.5" in other["description"]
        assert other["endpoints"] == [{"host": "web1"}]

    def test_waivers(self, findings: Any, sheet: Any) -> None:
        states = {
            one["unique_id_from_tool"]: (one["active"], one["risk_accepted"], one["false_p"])
            for one in dojo(findings, sheet)["findings"]
        }
        ids = [one["id"] for one in findings["findings"]]
        assert states[ids[0]] == (True, False, False)  # apply
        assert states[ids[2]] == (False, True, False)  # the last day counts
        assert states[ids[3]] == (True, False, False)  # expired yesterday
        sheet[ids[0]] = waive(findings["findings"][0], DAY, "Faux positif : compte de test")
        again = dojo(findings, sheet)["findings"][0]
        assert (again["active"], again["risk_accepted"], again["false_p"]) == (False, False, True)
        assert "RSSI" in again["severity_justification"] and "2026-11-22" in again["severity_justification"]

    def test_text_of_a_report_stays_text(self, findings: Any, sheet: Any) -> None:
        for one in dojo(findings, sheet)["findings"]:
            for name, value in one.items():
                if isinstance(value, str) and name != "param":
                    assert "\x1b" not in value and "\u202e" not in value, name
            for line in one["description"].splitlines():
                if "<script" in line or line.lstrip().startswith("#") or "```" in line:
                    assert line.startswith("    "), line  # Markdown shows an indented block as it is

    def test_same_input_same_bytes(self, findings: Any, sheet: Any) -> None:
        assert dojo_file(findings, sheet) == dojo_file(findings, sheet)

    def test_both_languages(self, findings: Any, sheet: Any) -> None:
        french, english = (dojo(findings, sheet, tongue)["findings"][0] for tongue in ("fr", "en"))
        control = catalogue.load()["vuln_guest"]
        assert french["mitigation"] == " ".join(control.manual["fr"].split())
        assert english["mitigation"] == " ".join(control.manual["en"].split())
        assert french["unique_id_from_tool"] == english["unique_id_from_tool"]

    def test_read_back_it_is_the_same(self, findings: Any, sheet: Any) -> None:
        made = dojo_file(findings, sheet)
        reader = DefectDojoReader()
        records = [one for one in reader.records(io.BytesIO(made)) if one.kind != "host"]
        assert reader.skipped.count == 0 and len(records) == len(findings["findings"])
        for record, finding in zip(records, findings["findings"], strict=True):
            assert record.kind == "weakness"  # what is waived is settled by the decision sheet, not by DefectDojo
            assert record.facts["control"] == finding["control"] and record.object == finding["object"]
            assert record.asset is not None and record.asset.typed_names == [finding["host"]]
            assert record.asset.domain == (finding["host"] == DOMAIN)
            if finding["host"] == "web1":
                assert record.asset.addresses == ["10.9.0.3", "2001:db8::3"]

    def test_imported_again_it_changes_nothing(self, findings: Any, sheet: Any, tmp_path: Path) -> None:
        made = dojo_file(findings, sheet)
        path = tmp_path / "defectdojo.json"
        path.write_bytes(made)
        inventory = Inventory({DOMAIN: {"addresses": [], "domains": []}, "web1": {"addresses": ["10.9.0.3", "web1"]}})
        imported = import_report(path, source_id="s1", catalogue=catalogue.load(), inventory=inventory)
        merged = merge.merge([imported])
        assert imported.source["type"] == "defectdojo" and not merged["unmapped"]
        assert {one["id"] for one in merged["findings"]} == {one["id"] for one in findings["findings"]}
        before = {one["id"]: one for one in findings["findings"]}
        for one in merged["findings"]:
            assert one["object"] == before[one["id"]]["object"]
            assert (one["id"], one["level"]) == (one["id"], before[one["id"]]["level"])
            assert (one["id"], one["severity"]) == (one["id"], before[one["id"]]["severity"])

    def test_what_was_edited_on_the_way_is_anybodys(self, findings: Any, sheet: Any) -> None:
        made = dojo(findings, sheet)
        made["findings"][0]["param"] = made["findings"][0]["param"].replace("-501", "-500")
        record = next(
            one for one in DefectDojoReader().records(io.BytesIO(json.dumps(made).encode())) if one.kind != "host"
        )
        assert "control" not in record.facts and record.object is None


def rows(content: bytes) -> list[dict[str, str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


class TestCisoAssistant:
    SCORED = {"vuln_guest": [2], "vuln_dont_expire_priv": [1], "vuln_krbtgt": [2], "vuln_owner": [3]} | {
        "vuln_dsheuristics_bad": [1, 2, 4],
        "vuln_dnsadmins": [1],
    }

    def made(self, findings: Any, sheet: Any, language: str = "fr", documents: Any = ()) -> dict[str, bytes]:
        files = export_ciso_assistant.build(
            findings,
            sheet,
            catalogue.load(),
            scored=self.SCORED,
            documents=documents,
            language=language,
            today=DAY,
        )
        return {name: b"".join(pieces) for name, pieces in files.items()}

    def test_audit_of_a_domain(self, findings: Any, sheet: Any) -> None:
        audit = {one["ref_id"]: one for one in rows(self.made(findings, sheet)[f"audit-{DOMAIN}.csv"])}
        assert {key: one["compliance_result"] for key, one in audit.items()} == {
            "vuln_guest-l2": "non_compliant",
            "vuln_dont_expire_priv-l1": "non_compliant",
            "vuln_krbtgt-l2": "compliant",
            "vuln_owner-l3": "not_assessed",  # could not be read, and the other report was truncated
            "vuln_dnsadmins-l1": "not_assessed",  # nobody looked
            "vuln_dsheuristics_bad-l1": "compliant",
            "vuln_dsheuristics_bad-l2": "compliant",
            "vuln_dsheuristics_bad-l3": "compliant",
        }
        one = audit["vuln_krbtgt-l2"]
        assert one["urn"] == "urn:intuitem:risk:req_node:anssi-points-de-controle-active-directory:vuln_krbtgt-l2"
        assert one["assessable"] and one["requirement_progress"] == "done"
        assert one["score"] == one["implementation_score"] == one["documentation_score"] == ""
        assert "no right to read" in audit["vuln_owner-l3"]["observations"]
        assert "Invité" in audit["vuln_guest-l2"]["observations"]

    def test_a_finding_fails_its_level_and_the_stricter_ones(self, findings: Any, sheet: Any) -> None:
        findings["findings"][4] |= {"unconfirmed": None, "level": 2}
        audit = {one["ref_id"]: one for one in rows(self.made(findings, sheet)[f"audit-{DOMAIN}.csv"])}
        results = [audit[f"vuln_dsheuristics_bad-l{level}"]["compliance_result"] for level in (1, 2, 3)]
        assert results == ["compliant", "non_compliant", "non_compliant"]

    def test_a_waiver_is_no_compliance(self, findings: Any, sheet: Any) -> None:
        guest = findings["findings"][0]
        sheet[guest["id"]] = waive(guest, DAY)
        audit = {one["ref_id"]: one for one in rows(self.made(findings, sheet)[f"audit-{DOMAIN}.csv"])}
        assert audit["vuln_guest-l2"]["compliance_result"] == "non_compliant"
        assert "dont 1 avec un risque accepté" in audit["vuln_guest-l2"]["observations"]

    def test_follow_up(self, findings: Any, sheet: Any) -> None:
        listed = rows(self.made(findings, sheet)["findings.csv"])
        assert [one["ref_id"] for one in listed] == [one["id"] for one in findings["findings"]]
        statuses = ["in_progress", "confirmed", "dismissed", "identified", "identified"]
        assert [one["status"] for one in listed] == statuses
        assert [one["severity"] for one in listed] == ["high", "critical", "critical", "medium", "low"]
        assert [one["priority"] for one in listed] == ["2", "1", "", "", "4"]
        assert len({one["name"] for one in listed}) == 5 and all(0 < len(one["name"]) <= 200 for one in listed)

    def test_exceptions(self, findings: Any, sheet: Any) -> None:
        listed = rows(self.made(findings, sheet)["exceptions.csv"])
        assert [(one["status"], one["expiration_date"]) for one in listed] == [
            ("approved", "2026-11-22"),
            ("expired", "2026-11-21"),
        ]

    def test_evidences(self, findings: Any, sheet: Any, tmp_path: Path) -> None:
        path = tmp_path / "findings.json"
        path.write_text("{}", encoding="utf-8")
        listed = {one["ref_id"]: one for one in rows(self.made(findings, sheet, documents=[path])["evidences.csv"])}
        assert document.digest_file(path) in listed["care.findings.json"]["description"]
        assert "1" * 64 in listed[f"vuln_krbtgt.{DOMAIN}"]["description"]
        assert not any(key.startswith(("vuln_owner", "vuln_dnsadmins")) for key in listed)

    def test_no_cell_is_a_formula_and_no_line_is_lost(self, findings: Any, sheet: Any) -> None:
        for name, content in self.made(findings, sheet).items():
            for one in rows(content):
                for value in one.values():
                    assert not value.startswith(("=", "+", "-", "@", "|", "%")), (name, value)
                    assert "\x1b" not in value and "\u202e" not in value and "\n" not in value

    def test_same_input_same_bytes_in_both_languages(self, findings: Any, sheet: Any) -> None:
        for language in ("fr", "en"):
            assert self.made(findings, sheet, language) == self.made(findings, sheet, language)
        assert self.made(findings, sheet, "fr") != self.made(findings, sheet, "en")

    def test_names_that_are_alike_are_told_apart(self, findings: Any, sheet: Any) -> None:
        twins = [weakness("other_exposure", 1, "x" * 300 + str(number), severity="low") for number in range(2)]
        listed = rows(self.made(findings | {"findings": twins}, {})["findings.csv"])
        assert len({one["name"].casefold() for one in listed}) == 2 and all(len(one["name"]) <= 200 for one in listed)

    @pytest.mark.parametrize("host", ["../../etc/passwd", "a/b", "..", "C:\\x", "hôpital.test", "-x"])
    def test_a_host_cannot_leave_the_folder(self, host: str) -> None:
        name = export_ciso_assistant._file_name(host)
        assert "/" not in name and "\\" not in name and name not in ("", ".", "..")

    def test_the_nodes_are_those_of_the_published_list(self) -> None:
        """95 graded entries of 76 points (version 2 of its library), as far as the levels agree."""
        scored = catalogue.edition().scored
        nodes = sum(len(export_ciso_assistant.OTHER_LEVELS.get(control, levels)) for control, levels in scored.items())
        assert (len(scored), nodes) == (76, 95)


def test_the_playbook_writes_once(findings: Any, tmp_path: Path) -> None:
    """Check mode says what would change and changes nothing; a second run changes nothing."""
    project = Path(__file__).parents[3]
    (tmp_path / "hosts.yml").write_text("all: {hosts: {web1: {ansible_connection: local}}}", encoding="utf-8")
    document.write(tmp_path / "care/findings.json", findings, "findings/1")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(tmp_path / "hosts.yml")]
    command += [str(project / "playbooks/export.yml"), "-e", f"care_dir={tmp_path / 'care'}"]

    def run(*more: str) -> str:
        done = subprocess.run(
            [*command, *more], cwd=project, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    planned = run("--check", "--diff")
    assert "changed=1" in planned and '"unique_id_from_tool"' in planned and not (tmp_path / "care/export").exists()
    assert "changed=1" in run()
    written = sorted(path for path in (tmp_path / "care/export").rglob("*") if path.is_file())
    assert [path.name for path in written] == [
        f"audit-{DOMAIN}.csv",
        "evidences.csv",
        "exceptions.csv",
        "findings.csv",
        "defectdojo.json",
    ]
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert "changed=0" in run()
