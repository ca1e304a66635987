"""ADS-Open's report.json: what goes in comes out, in ANSSI's names."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers import anssi, jsonstream
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.ads import AdsReader
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import open_report
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, WEAKNESS, Record

from ..builders import DOMAIN, merged

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "reports" / "ads"


def read(name: str) -> tuple[AdsReader, list[Record]]:
    report = open_report(FIXTURES / f"{name}.json")
    records = list(report.records())
    assert report.type == "ads"
    return report.handler, records


def report(*controls: Any, **more: Any) -> bytes:
    whole = {"Product": "ADS-Open", "Version": "1.5.0", "Domain": "x.test", "Controls": list(controls)} | more
    return json.dumps(whole).encode()


def parse(data: bytes) -> tuple[AdsReader, list[Record]]:
    reader = AdsReader()
    return reader, list(reader.records(io.BytesIO(data)))


def control(**more: Any) -> dict[str, Any]:
    return {"Id": "vuln_guest", "Status": "Failed", "Levels": [2], "FailedLevels": [2], "Findings": []} | more


def test_empty() -> None:
    reader, records = read("empty")
    assert [record.kind for record in records] == [HOST]
    assert reader.info["covers"] == [] and reader.skipped.count == 0


def test_one() -> None:
    reader, records = read("one")
    assert reader.info["version"] == "1.5.0"
    assert reader.info["generated"] == "2026-11-21T08:12:33Z"
    assert reader.info["level"] == 1
    host, found = records
    assert host.asset is found.asset and host.asset is not None and host.asset.domain
    assert host.asset.typed_names == ["chu-valmont.test"]
    assert (found.rule, found.severity, found.grade) == ("vuln_spn_priv", "1", "critical")
    assert found.object is not None
    assert found.object["type"] == "user" and found.object["label"] == "svc-sauvegarde"
    assert found.object["id"] == found.object["dn"] == "CN=svc-sauvegarde,OU=Comptes de service,DC=chu-valmont,DC=test"
    assert found.facts["control"] == "vuln_spn_priv" and found.facts["level"] == 1


def test_many_counts_in_are_counts_out() -> None:
    reader, records = read("many")
    whole = json.loads((FIXTURES / "many.json").read_text(encoding="utf-8-sig"))
    kinds = Counter(record.kind for record in records)
    failed = [each for each in whole["Controls"] if each["Status"] == "Failed"]
    others = len(whole["Controls"]) - len(failed)
    assert kinds == {
        HOST: 1,
        WEAKNESS: sum(len(each["Findings"]) for each in failed),
        INFO: others + len(whole["Advisories"]),
    }
    assert reader.skipped.count == 0
    for state, name in (("Passed", "passed"), ("Failed", "failed"), ("NotEvaluated", "not_evaluated")):
        assert reader.info[name] == sorted(each["Id"] for each in whole["Controls"] if each["Status"] == state)
    assert reader.info["covers"] == sorted({*reader.info["passed"], *reader.info["failed"]})
    assert "vuln_adupdate_bad" not in reader.info["covers"]


@pytest.mark.parametrize(
    ("rule", "type", "id"),
    [
        ("vuln_delegation_t4d", "computer", "CN=SRV-PACS,OU=Serveurs,DC=chu-valmont,DC=test"),
        ("vuln_sidhistory_present", "group", "CN=Pharmacie,OU=Groupes,DC=chu-valmont,DC=test"),
        ("vuln_user_accounts_machineaccountquota", "domain", "chu-valmont.test"),
        ("vuln_dsheuristics_bad", "setting", "dSHeuristics/7"),
        (
            "vuln_privileged_members_perm",
            "ace",
            "cn=admins du domaine,cn=users,dc=chu-valmont,dc=test#S-1-5-21-2026112205-1402361377-3310489042-1180",
        ),
        ("vuln_privileged_members", None, None),
    ],
)
def test_objects(rule: str, type: str | None, id: str | None) -> None:
    _reader, records = read("many")
    found = next(record for record in records if record.rule == rule)
    assert (found.object and found.object["type"]) == type
    assert (found.object and found.object["id"]) == id


def test_the_level_is_the_findings_own_where_it_says_one() -> None:
    _reader, records = read("many")
    found = [record for record in records if record.rule == "vuln_dsheuristics_bad"]
    assert [(record.facts["level"], record.grade, record.severity) for record in found] == [
        (2, "high", "2, 4"),
        (4, "low", "2, 4"),
    ]


def test_hostile() -> None:
    reader, records = read("hostile")
    rules = Counter(record.rule for record in records if record.kind == WEAKNESS)
    assert rules == {
        "vuln_krbtgt": 1,  # vuln2_krbtgt: its level was in its name
        "vuln_guest": 5,
        "../../vuln_guest": 1,
        "vuln_spn_priv": 1,
        "vuln_owner": 1,
        "vuln_rodc_reveal": 1,
    }
    assert next(record for record in records if record.rule == "../../vuln_guest").facts.get("control") is None
    # 5 findings of vuln_guest that are none, its second entry, no Id (4 entries are no objects), an unknown status,
    # Findings that are no list, two advisories without Id
    assert reader.skipped.count == 5 + 1 + 1 + 4 + 1 + 1 + 2
    assert all(entry["place"] and entry["reason"] for entry in reader.skipped.first)
    assert reader.info["closes"] is False
    assert reader.info["generated"] is None
    spn = next(record for record in records if record.rule == "vuln_spn_priv")
    assert spn.facts.get("level") is None and spn.grade is None
    guest = [record.object["label"] for record in records if record.rule == "vuln_guest" and record.object]
    assert guest[:2] == ["{{ 7*7 }}", "=1+1"]
    assert any("counts 4000 findings" in note for note in reader.notes)


def test_a_failed_point_without_findings_is_kept() -> None:
    _reader, records = parse(report(control(Title="Compte invité actif")))
    assert records[1].object is None and records[1].wording == "Compte invité actif"


def test_no_domain_is_refused() -> None:
    with pytest.raises(ReportError, match="which domain"):
        parse(report(control(), Domain=""))


def test_too_many_points_are_skipped_and_counted() -> None:
    reader, records = parse(report(*(control(Id=f"vuln_x{number}") for number in range(2_100))))
    assert len(records) == 2_001 and reader.skipped.count == 100


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_encodings(mark: bytes, encoding: str) -> None:
    data = report(control(Findings=[{"dn": "CN=Évariste,DC=x,DC=test", "sAMAccountName": "é"}])).decode()
    raw = data.encode("utf-16") if encoding == "utf-16" else mark + data.encode()
    _reader, records = parse(raw)
    assert records[1].object is not None and records[1].object["label"] == "é"


def test_recognised_by_content() -> None:
    def head(data: bytes) -> jsonstream.Head:
        found = jsonstream.head(data)
        assert found is not None
        return found

    assert AdsReader.recognise(head((FIXTURES / "many.json").read_bytes()))
    assert AdsReader.recognise(head(report(control(), Product="Autre")))  # the shape, whoever wrote it
    assert not AdsReader.recognise(head(b'{"Domain": "x", "findings": []}'))
    assert not AdsReader.recognise(head(b'[{"Domain": "x", "Controls": []}]'))


def test_truncated_anywhere_gives_what_is_complete_and_says_so() -> None:
    data = (FIXTURES / "many.json").read_bytes()
    _reader, whole = parse(data)
    for end in range(1_000, len(data) - 10, 431):
        reader = AdsReader()
        got: list[Record] = []
        with pytest.raises(ReportError) as caught:
            for record in reader.records(io.BytesIO(data[:end])):
                got.append(record)
        assert caught.value.truncated
        assert [(r.rule, r.object) for r in got] == [(r.rule, r.object) for r in whole[: len(got)]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vuln2_krbtgt", ("vuln_krbtgt", 2)),
        ("vuln_krbtgt-l3", ("vuln_krbtgt", 3)),
        ("VULN_Guest", ("vuln_guest", None)),
        ("vuln9_krbtgt", None),
        ("warning_rid500", None),
        ("vuln_" + "a" * 200, None),
        ("vuln_a\nb", None),
    ],
)
def test_names_of_control_points(text: str, expected: Any) -> None:
    assert anssi.point(text) == expected


@pytest.mark.parametrize(
    ("dn", "name"),
    [("CN=Dupont\\, Anne,OU=x", "Dupont, Anne"), ("OU=y", "y"), ("rien", "rien"), ("CN=,OU=x", "CN=,OU=x")],
)
def test_common_names(dn: str, name: str) -> None:
    assert anssi.common_name(dn) == name


@pytest.mark.parametrize(("state", "closed"), [("Passed", 1), ("NotEvaluated", 0), ("Failed", 0)])
def test_a_later_report_closes_what_it_judged_and_no_more(
    controls: Any, inventory: Any, tmp_path: Path, state: str, closed: int
) -> None:
    paths = []
    for number, status in enumerate(("Failed", state)):
        path = tmp_path / f"{number}.report"  # what it is, its content says
        when = f"2026-11-{10 + number}T08:00:00Z"
        finding = [{"dn": "CN=Invité,CN=Users,DC=chu-valmont,DC=test", "sAMAccountName": "Invité"}]
        path.write_bytes(report(control(Status=status, Findings=finding), Domain=DOMAIN, GeneratedAt=when))
        paths.append(path)
    first = merged(controls, inventory, paths[0])
    assert [finding["control"] for finding in first["findings"]] == ["vuln_guest"]
    assert first["findings"][0]["level"] == 2
    second = merged(controls, inventory, paths[1], previous=first)
    assert len(second["closed"]) == closed
    assert second["sources"][0]["covers"] == ([] if state == "NotEvaluated" else ["vuln_guest"])
