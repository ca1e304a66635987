# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import datetime
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.care.remediation.plugins.action import findings_plan
from ansible_collections.care.remediation.plugins.module_utils.findings import decisions, document, plan
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import REPORTS, account, audit, merged

TODAY = datetime.date(2026, 11, 22)
JINJA = "{{ lookup('pipe','id') }}"


@pytest.fixture
def findings(controls: Any, inventory: Any, tmp_path: Path) -> dict[str, Any]:
    live = audit(
        tmp_path / "audit.json",
        [
            account("vuln_guest", "Invité", 501),
            account("vuln_spn_priv", f'svc {JINJA} # "x"\n- a: b', 1301, level=1, spns=["MSSQL/a"]),
            account("vuln_kerberos_properties_preauth_priv", "bris-de-glace-1", 1302, level=1, protected="break_glass"),
        ],
    )
    return merged(controls, inventory, live, REPORTS / "nmap-web1.xml")


def sheet_of(findings: dict[str, Any], controls: Any, text: str = "", **options: Any) -> decisions.Update:
    return decisions.update(decisions.parse(text, name="d.yml"), findings["findings"], controls, **options)


def identity(findings: dict[str, Any], control: str) -> str:
    return str(next(f["id"] for f in findings["findings"] if f["control"] == control))


def test_a_new_sheet_proposes_by_class_and_spares_protected_accounts(controls: Any, findings: Any) -> None:
    update = sheet_of(findings, controls)
    chosen = {d.control: d.decision for d in update.decisions.values()}
    assert chosen["vuln_guest"] == "apply"  # auto
    assert chosen["vuln_spn_priv"] == "undecided"  # assisted
    assert chosen["vuln_kerberos_properties_preauth_priv"] == "undecided"  # auto, but protected
    assert set(update.added) == set(update.decisions)
    written = yaml.safe_load(update.text)
    document.check(written, "decisions/1", where="test")
    labels = [entry["object"] for entry in written["decisions"]]
    assert f'svc {JINJA} # "x"\n- a: b' in labels


def test_standing_decisions_hold_for_new_findings_only(controls: Any, findings: Any) -> None:
    defaults = {"vuln_guest": "undecided", "vuln_spn_priv": "apply", "vuln_kerberos_properties_preauth_priv": "apply"}
    chosen = {d.control: d.decision for d in sheet_of(findings, controls, defaults=defaults).decisions.values()}
    assert (chosen["vuln_guest"], chosen["vuln_spn_priv"]) == ("undecided", "apply")
    assert chosen["vuln_kerberos_properties_preauth_priv"] == "undecided"
    for wrong, said in (({"vuln_guest": "waive"}, "neither"), ({"nope": "apply"}, "no control nope")):
        with pytest.raises(decisions.DecisionError, match=said):
            sheet_of(findings, controls, defaults=wrong)


def test_what_a_person_wrote_is_kept_word_for_word(controls: Any, findings: Any) -> None:
    text = sheet_of(findings, controls).text
    guest = identity(findings, "vuln_guest")
    at = text.index(f"  - finding: {guest}")
    end = text.index("    decision: apply", at)
    edited = (
        "# our own note for the whole sheet\n"
        + text[:at]
        + "  # asked by the ward, ticket 42\n"
        + text[at:end]
        + "    decision: waive   # until the new kiosk\n"
        + '    waiver: {owner: "DSI", reason: "borne d\'accueil", until: 2027-03-31}\n'
        + text[end + len("    decision: apply\n") :]
    )
    again = sheet_of(findings, controls, edited)
    assert again.text == edited
    assert again.added == [] and again.dropped == []
    kept = again.decisions[guest]
    assert kept.waiver() == {"owner": "DSI", "reason": "borne d'accueil", "until": "2027-03-31"}
    assert sheet_of(findings, controls, again.text).text == again.text


def test_a_sheet_in_another_layout_is_kept_by_its_meaning(controls: Any, findings: Any) -> None:
    written = yaml.safe_load(sheet_of(findings, controls).text)
    for entry in written["decisions"]:
        entry["decision"] = "undecided"
        del entry["proposed"]
    for text in (json.dumps(written), yaml.safe_dump(written), yaml.safe_dump(written, indent=4, sort_keys=False)):
        again = sheet_of(findings, controls, text)
        assert {d.decision for d in again.decisions.values()} == {"undecided"}
        document.check(yaml.safe_load(again.text), "decisions/1", where="test")


def test_an_entry_that_leans_on_a_dropped_one_keeps_its_meaning(controls: Any, findings: Any) -> None:
    text = sheet_of(findings, controls).text
    ids = [f["id"] for f in findings["findings"] if not f["protected"]][:2]
    waiver = '{owner: "DSI", reason: "r", until: 2027-01-01}'
    for finding, value in zip(ids, (f"&w {waiver}", "*w"), strict=True):
        at = text.index(finding)
        end = text.index("    decision: ", at)
        rest = text[text.index("\n", end) + 1 :]
        text = f"{text[:end]}    decision: waive\n    waiver: {value}\n{rest}"
    less = findings | {"findings": [f for f in findings["findings"] if f["id"] != ids[0]]}
    again = sheet_of(less, controls, text)
    assert decisions.parse(again.text, name="d").decisions[ids[1]].owner == "DSI"


def test_a_finding_that_is_gone_is_dropped_and_named(controls: Any, findings: Any) -> None:
    text = sheet_of(findings, controls).text
    gone = identity(findings, "vuln_guest")
    less = findings | {"findings": [f for f in findings["findings"] if f["id"] != gone]}
    again = sheet_of(less, controls, text)
    assert [d.finding for d in again.dropped] == [gone] and gone not in again.text


def test_a_protected_account_cannot_be_applied(controls: Any, findings: Any) -> None:
    text = sheet_of(findings, controls).text
    at = text.index(identity(findings, "vuln_kerberos_properties_preauth_priv"))
    edited = text[:at] + text[at:].replace("decision: undecided", "decision: apply", 1)
    with pytest.raises(
        decisions.DecisionError, match=r"d\.yml, line \d+, column 15: f-[0-9a-f]+ is about bris-de-glace-1"
    ):
        sheet_of(findings, controls, edited, name="d.yml")


ENTRY = "schema: care.remediation/decisions/1\ndecisions:\n  - finding: f-1\n    control: c\n    host: h\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("decisions: []\n", "line 1, column 1: 'schema"),
        ("schema: care.remediation/decisions/1\ndecisions: 5\n", "line 2, column 12: 'decisions' must be a list"),
        (ENTRY + "    decision: aply\n", "line 6, column 15: decision 'aply' is none of"),
        (ENTRY, "line 3, column 5: 'decision' is missing"),
        (ENTRY + "    decision: waive\n", "line 6, column 15: a waiver needs its owner"),
        (
            ENTRY + "    decision: waive\n    waiver: {owner: a, until: 2027-01-01}\n",
            "line 7, column 13: the waiver has no 'reason'",
        ),
        (ENTRY + "    decision: waive\n    waiver: {owner: a, reason: '…', until: 2027-01-01}\n", "no 'reason'"),
        (
            ENTRY + "    decision: waive\n    waiver: {owner: a, reason: b, until: soon}\n",
            "line 7, column 42: until 'soon' is not a date",
        ),
        (ENTRY + "    decision: waive\n    waiver: {owner: a, reason: b, until: 2027-02-30}\n", "is not a date"),
        (ENTRY + "    decision: apply\n    decison: apply\n", "unknown key 'decison'"),
        (ENTRY + "    decision: apply\n    decision: waive\n", "line 7, column 5: 'decision' is written twice"),
        (
            ENTRY + "    decision: apply\n  - finding: f-1\n    control: c\n    host: h\n    decision: apply\n",
            "decided twice",
        ),
        (ENTRY + "   decision: apply\n", "line 6, column 4: not YAML"),
        (ENTRY + "    decision: !!python/object/apply:os.system [id]\n", "'decision' is missing"),
        ("- a\n", "must be a mapping"),
        ("[" * 5000, "not YAML"),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, said: str) -> None:
    with pytest.raises(decisions.DecisionError) as caught:
        decisions.parse(text, name="d.yml")
    assert said in str(caught.value) and str(caught.value).startswith("d.yml")


def test_all_mistakes_are_told_at_once() -> None:
    text = ENTRY + "    decision: x\n  - finding: f-2\n    control: c\n    host: h\n    decision: y\n"
    with pytest.raises(decisions.DecisionError) as caught:
        decisions.parse(text, name="d.yml")
    assert "line 6" in str(caught.value) and "line 10" in str(caught.value)


def test_an_expired_waiver_is_a_finding_again(controls: Any, findings: Any) -> None:
    one = decisions.Decision("f", "c", "h", "waive", "a", "b", datetime.date(2026, 11, 21))
    assert one.effective(TODAY) == "expired"
    one.until = TODAY
    assert one.effective(TODAY) == "waive"
    update = sheet_of(findings, controls)
    guest = update.decisions[identity(findings, "vuln_guest")]
    guest.decision, guest.owner, guest.reason, guest.until = "waive", "DSI", "r", datetime.date(2026, 1, 1)
    made = plan.build(findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    control = next(c for c in made["controls"] if c["control"] == "vuln_guest")
    assert control["findings"][0]["action"] == "expired"


@given(label=st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_label_survives_the_sheet(label: str) -> None:
    text = f"a: {decisions.quoted(label)}\n"
    assert text.count("\n") == 1 or "\n" not in text[:-1]
    expected = label.encode("utf-8", "replace").decode()
    assert yaml.safe_load(text)["a"] == expected


def test_the_plan_says_what_a_person_could_overlook(
    controls: Any, findings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document.write(tmp_path / "findings.json", findings, "findings/1")
    said: list[str] = []
    monkeypatch.setattr(findings_plan.display, "warning", said.append)
    task = SimpleNamespace(check_mode=False, diff=True, async_val=0, args={})
    plugin = findings_plan.ActionModule(
        task, None, None, None, SimpleNamespace(template=lambda value: value), None
    )  # fmt: skip
    given = dict.fromkeys(plugin.ARGUMENTS) | {"folder": str(tmp_path), "host_vars": str(tmp_path / "host_vars")}
    assert plugin.act(given, {})["changed"] and said == []
    sheet = tmp_path / "decisions.yml"
    text = sheet.read_text(encoding="utf-8")
    rule = "rules:\n  - {name: slip, control: expo_tlenet, decision: apply}\n"
    gone = "  - finding: f-00000000000000aa\n    control: vuln_guest\n    host: chu.test\n"
    gone += "    decision: apply  # \xe0 garder\n"
    text = text.replace("\ndecisions:\n", f"\n{rule}decisions:\n{gone}")
    sheet.write_bytes(text.encode("cp1252").replace(b"\n", b"\r\n"))
    result = plugin.act(given, {})
    assert result["changed"] and [Path(one["after_header"]).name for one in result["diff"]] == ["decisions.yml"]
    line = text[: text.index("- {name: slip")].count("\n") + 1
    assert len(said) == 3 and "Windows-1252" in said[0]
    assert said[1].endswith(f"decisions.yml, line {line}: rule slip matches no finding") and "1 decisions" in said[2]
    assert result["rules"] == [{"name": "slip", "line": line, "matched": 0, "governs": 0}]
    assert result["absent"] == ["f-00000000000000aa"] and "# \xe0 garder" in sheet.read_text(encoding="utf-8")
    assert not plugin.act(given, {})["changed"]
