"""PingCastle's XML, engines 2.9 and 3.x, levels Normal and Full: rules, lists and members as the file has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.pingcastle import Account, Member, Rule
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.report import Report, open_report

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "reports" / "pingcastle"
DN = "DC=chu-valmont,DC=test"


def read(path: Path, **options: bool) -> tuple[Report, list[Rule], list[Account], list[Member]]:
    report = open_report(path, **options)
    records = list(report.records())
    assert report.type == "pingcastle"
    return (
        report,
        [each for each in records if isinstance(each, Rule)],
        [each for each in records if isinstance(each, Account)],
        [each for each in records if isinstance(each, Member)],
    )


def fixture(name: str) -> tuple[Report, list[Rule], list[Account], list[Member]]:
    return read(FIXTURES / f"{name}.xml")


def test_empty() -> None:
    report, rules, accounts, members = fixture("empty")
    assert (rules, accounts, members) == ([], [], [])
    assert report.info["Level"] == "Normal" and report.skipped.count == 0


def test_one_of_an_old_engine() -> None:
    report, rules, _accounts, _members = fixture("one")
    assert rules == [Rule("A-Guest", "15", "Anomalies", "The guest account is enabled")]
    assert report.info["EngineVersion"] == "2.9.0.0 Beta"
    assert not any("does not know" in note or "IntegrityRules" in note for note in report.notes)


@pytest.mark.parametrize("name", ["many", "many-2.9"])
def test_counts_in_are_counts_out(name: str) -> None:
    text = (FIXTURES / f"{name}.xml").read_text(encoding="utf-8")
    report, rules, accounts, members = fixture(name)
    assert len(rules) == text.count("<RiskId>") and len(members) == text.count("<HealthCheckGroupMemberData>")
    assert len(accounts) == text.count("<HealthcheckAccountDetailData>")
    plain = sum(part.partition("</Details>")[0].count("<string>") for part in text.split("<Details>")[1:])
    assert sum(len(rule.details) for rule in rules) == plain + text.count("<ExtraDetail>")
    assert report.skipped.count == 0


def test_names_that_vary_from_one_engine_to_the_next() -> None:
    old, _rules, accounts, members = fixture("many-2.9")
    # in engine 2 this list held protocol transition or unconstrained delegation, depending on the version: it keeps
    # its own name, which no rule is fed from
    assert Counter((each.section, each.list) for each in accounts) == {
        ("UserAccountData", "ListPwdNeverExpires"): 3,
        ("UserAccountData", "ListTrustedToAuthenticateForDelegation"): 1,
        ("UserAccountData", "ListNoPreAuth"): 2,
        ("ComputerAccountData", "ListTrustedToAuthenticateForDelegation"): 1,
    }
    assert [(each.name, each.sid, each.group) for each in members] == [("adm-cardio", "", "Admins du domaine")]
    assert not any("does not know" in note for note in old.notes)
    new, _rules, accounts, members = fixture("many")
    assert ("ComputerAccountData", "ListEnabledTrustedToAuthenticateForDelegation") in {
        (each.section, each.list) for each in accounts
    }
    assert members[0].sid.endswith("-1180")
    assert any("SomethingNew (1)" in note for note in new.notes)
    assert not any("IntegrityRules" in note for note in new.notes)


def test_extra_details_are_lines_like_the_others() -> None:
    _report, rules, _accounts, _members = fixture("many")
    by_id = {rule.id: rule for rule in rules}
    assert by_id["A-BadSuccessor"].details == [
        f"Principal: CHUVALMONT\\Support de niveau 2 Permission: CreateChild OU: OU=Utilisateurs,OU=CHU de Valmont,{DN}"
    ]
    assert by_id["A-CertTempAnyPurpose"].details == [
        "Name: PosteAutoInscrit CA: AC-CHU CA: AC-SECOURS EnrollmentPrincipals: Utilisateurs authentifiés"
    ]
    assert by_id["A-FutureRule2027"].category == "CategoryOfTomorrow"


def test_hostile() -> None:
    report, rules, accounts, _members = fixture("hostile")
    assert [rule.id[:30] for rule in rules] == [
        "{{ lookup('pipe','id') }}",
        "S-NoPreAuth",
        "S-NoPreAuth",
        "A" * 30,
        "A-Guest",
    ]
    assert report.skipped.count == 1 and report.skipped.first[0]["place"] == "RiskRules, rule 3"
    assert len(rules[3].id) < 200 and len(accounts) == 3
    assert rules[0].details[1:3] == ["=1+1", "../../etc/passwd"]
    assert rules[4].details == ["sans nom {{ y }}: =2+2"]
    notes = "\n".join(report.notes)
    assert "IntegrityRules does not match" in notes and "(others)" in notes and len(notes) < 20_000


@pytest.mark.parametrize("name", ["many", "many-2.9"])
def test_truncated_anywhere(name: str, tmp_path: Path) -> None:
    data = (FIXTURES / f"{name}.xml").read_bytes()
    whole = [rule.id for rule in fixture(name)[1]]
    path = tmp_path / "cut.xml"
    for end in range(400, len(data) - 30, 211):
        path.write_bytes(data[:end])
        with pytest.raises(ReportError):
            read(path)
        report, rules, _accounts, _members = read(path, accept_partial=True)
        assert report.partial
        ids = [rule.id for rule in rules]
        assert ids[:-1] == whole[: len(ids)][:-1] and len(ids) <= len(whole)
