# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Pages, CSV and terminal: everything hostile is shown, nothing is evaluated."""

from __future__ import annotations

import csv
import datetime
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    escape,
    evidence,
    merge,
    model,
    pages,
    pages_text,
    plan,
    summary,
    verdicts,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import DOMAIN, REPORTS, account, audit, merged
from .test_closing import scan as nessus_scan

TODAY = datetime.date(2026, 11, 22)
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ lookup('pipe','id') }}",
    "{% for x in y %}",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
    "\t=1+1",
    "\x1b]0;owned\x07\x1b[31m",
    "\x9b31m",
    "\u202eexe.tset",
    "$(reboot)`id`",
    "*)(objectClass=*",
    "{0.__class__} %s",
]


class Tags(HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def observed() -> list[dict[str, Any]]:
    """One observation of each state, with what a hostile directory could name an object."""
    seen = [{"label": payload, "dn": None, "sid": None, "fact": payload} for payload in PAYLOADS]
    seen.append({"label": "sans détail", "dn": None, "sid": None})
    return [
        {"id": "warning_rid500", "state": "observed", "reason": None, "count": 99, "objects": seen},
        {"id": "info_gpo", "state": "unreadable", "reason": PAYLOADS[0], "count": 0, "objects": []},
        {"id": "info_laps", "state": "nothing", "reason": None, "count": 0, "objects": []},
        {"id": "info_gpo_sysvol", "state": "not_examined", "reason": "not read", "count": 0, "objects": []},
    ]


@pytest.fixture
def made(controls: Any, inventory: Any, tmp_path: Path) -> dict[str, Any]:
    live = audit(
        tmp_path / "audit.json",
        [account("vuln_guest", payload, 2000 + n) for n, payload in enumerate(PAYLOADS)]
        + [account("vuln_spn_priv", "bris", 1301, level=1, protected="break_glass")],
        unreadable={"vuln_krbtgt": PAYLOADS[0]},
        observations=observed(),
    )
    findings = merged(controls, inventory, live, REPORTS / "nmap-web1.xml", REPORTS / "pingcastle-full.xml")
    update = decisions.update(decisions.Sheet(), findings["findings"], controls)
    for one in list(update.decisions.values())[:4]:
        one.decision, one.owner, one.reason, one.until = "waive", PAYLOADS[0], PAYLOADS[3], datetime.date(2027, 3, 31)
    planned = plan.build(findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    judged = verdicts.build(findings, findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    proof = evidence.build(findings, judged, controls, establishment=PAYLOADS[0], responsibles={"default": PAYLOADS[1]})
    document.check(planned, "plan/1", where="test")
    document.check(judged, "verdicts/1", where="test")
    document.check(proof, "evidence/1", where="test")
    return {"plan": planned, "verdicts": judged, "evidence": proof, "findings": findings}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("page", ["plan", "evidence"])
def test_pages_are_self_contained_and_inert(made: Any, page: str, language: str) -> None:
    html = getattr(pages, page)(made[page], language)
    found = Tags()
    found.feed(html)
    assert not {"script", "img", "link", "iframe", "object", "embed", "form", "base", "svg"} & set(found.tags)
    assert not [
        name for name, _value in found.attributes if name.startswith("on") or name in ("src", "srcset", "action")
    ]
    links = [value for name, value in found.attributes if name == "href"]
    assert all(value and value.startswith("#") for value in links)
    assert "url(" not in html and "@import" not in html and "http:" not in html and "https:" not in html
    policy = next(value for name, value in found.attributes if name == "content" and value and "default-src" in value)
    assert "default-src 'none'" in policy and "script-src" not in policy
    assert f'<html lang="{language}">' in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ lookup" in html  # shown as it is, in a page that Jinja has done with
    for raw in ("\x1b", "\x9b", "\u202e", "\x07"):
        assert raw not in html


def test_a_page_shows_what_the_catalogue_says(made: Any, controls: Any) -> None:
    html = pages.plan(made["plan"], "fr")
    for control in made["plan"]["controls"]:
        assert f'id="{control["control"]}"' in html
    assert "compte bris de glace, jamais modifié" in html
    assert "A-FutureRule2027" in html and "10.9.0.2 (web1)" in html
    assert html.index('id="vuln_guest"') < html.index('id="vuln_user_accounts_machineaccountquota"')  # level 2, then 4
    assert html.index('id="vuln_guest"') < html.index('id="vuln_delegation_t4d"')  # all of it is waived


def test_both_languages_say_the_same_things() -> None:
    def shape(value: Any) -> Any:
        return {key: shape(item) for key, item in value.items()} if isinstance(value, dict) else type(value)

    assert shape(pages_text.FR) == shape(pages_text.EN)


def test_every_reason_of_ours_is_said_in_french(controls: Any, inventory: Any, tmp_path: Path, made: Any) -> None:
    ours = {one["reason"] for one in made["findings"]["unmapped"]} | {
        one["reason"] for one in made["verdicts"]["findings"] + made["verdicts"]["controls"] if one["reason"]
    }
    before = merged(controls, inventory, REPORTS / "nmap-web1.xml")
    after = merged(controls, inventory, audit(tmp_path / "after.json", []))
    judged = verdicts.build(before, after, {}, controls, edition=catalogue.edition(), today=TODAY)
    ours |= {one["reason"] for one in judged["findings"]}
    tool = merge.merge([nessus_scan(controls, 1, ["100"], when="2026-11-20T00:00:00Z")])
    judged = verdicts.build(tool, after, {}, controls, edition=catalogue.edition(), today=TODAY)
    ours |= {one["reason"] for one in judged["findings"]}
    ours |= {
        "the host was recognised only by a name that it gave itself: x",
        "the tool judges others than the control does: only an audit can tell",
        "the report names no host for it",
    }
    assert len(ours) > 8
    for reason in ours - {PAYLOADS[0]}:
        assert pages_text.reason(reason, "fr") != reason
        assert pages_text.reason(reason, "en") == reason


def test_no_cell_of_the_csv_is_a_formula(made: Any) -> None:
    content = evidence.to_csv(made["evidence"])
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 1 + len(made["evidence"]["findings"])
    assert all(len(row) == len(evidence.COLUMNS) for row in rows)
    for row in rows:
        for value in row:
            assert not value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"))
            assert not any(ord(mark) < 32 or 0x7F <= ord(mark) < 0xA0 for mark in value)
    assert any("'=cmd|" in value for row in rows for value in row)


@given(st.text(max_size=80))
@settings(max_examples=500, deadline=None)
def test_any_cell_is_inert_and_any_terminal_line_is_one_line(text: str) -> None:
    cell = escape.cell(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠"))
    for shown in (cell, escape.terminal(text)):
        assert shown.isprintable() or all(
            mark.isprintable() or mark in "\xa0\xad" or ord(mark) > 0xA0 for mark in shown
        )
        assert "\x1b" not in shown and "\n" not in shown and "\x9b" not in shown and "\u202e" not in shown


def test_the_terminal_gets_no_escape_sequence(made: Any) -> None:
    lines = summary.plan(made["plan"], "fr", "plan.html")
    lines += summary.verdicts(made["verdicts"], "en") + summary.evidence(made["evidence"], "fr", [])
    lines += summary.failures(verdicts.failing(made["verdicts"], strict=True), "fr").split("\n")
    for line in lines:
        assert all(mark == " " or mark.isprintable() or mark == "\xa0" for mark in line), repr(line)


def test_evidence_says_what_remains_and_who(made: Any) -> None:
    remains = made["evidence"]["remains"]
    roles = {(one["control"], one["role"]) for one in remains}
    assert ("vuln_spn_priv", "protected") in roles or ("vuln_spn_priv", "owner") in roles
    assert ("vuln_krbtgt", "auditor") in roles
    assert any(role == "decide" for _control, role in roles)
    assert any(role == "administrator" for _control, role in roles)
    assert len(made["evidence"]["waivers"]) == 4
    telnet = next(one for one in remains if one["control"] == "expo_telnet")
    assert telnet["what"]["fr"]


def test_evidence_reads_change_set_and_journals(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "20261122-1" / "journal.jsonl"
    run.parent.mkdir(parents=True)
    events = [
        {"seq": 1, "time": "2026-11-22T02:00:00Z", "event": "open"},
        {"seq": 2, "time": "2026-11-22T02:00:01Z", "event": "intent", "change": {"id": "c-1"}},
        {"seq": 3, "time": "2026-11-22T02:00:02Z", "event": "result", "id": "c-1", "status": "applied"},
    ]
    run.write_text("".join(json.dumps(event) + "\n" for event in events) + '{"seq": 4, "ev')
    read = evidence.read_run(run)
    assert read["results"] == {"applied": 1} and read["torn"] == 1 and read["run"] == "20261122-1"
    run.write_text("{}\nnot json\n{}\n")
    with pytest.raises(document.DocumentError, match="line 2"):
        evidence.read_run(run)
    assert evidence.read_change_set(tmp_path / "absent.json") is None


def test_documents_are_checked_on_both_ways_and_kept_when_equal(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    assert document.write_if_changed(path, dict(made["plan"]), "plan/1") is True
    again = made["plan"] | {"generated": "2030-01-01T00:00:00Z"}
    assert document.write_if_changed(path, again, "plan/1") is False
    assert again["generated"] == made["plan"]["generated"]
    with pytest.raises(document.DocumentError, match="controls"):
        document.write(path, made["plan"] | {"controls": 5}, "plan/1")
    path.write_text(path.read_text().replace('"apply"', '"aply"'))
    with pytest.raises(document.DocumentError, match="aply"):
        document.read(path, "plan/1")


def test_a_level_is_ours_and_says_what_was_not_read(made: Any) -> None:
    level = made["plan"]["levels"][0]
    assert (level["host"], level["reached"], level["at_least"]) == (DOMAIN, 1, 1)
    assert "vuln_krbtgt" in level["by_level"]["2"]["unverified"]
    assert level["blocking_next"]


def test_the_level_and_its_bounds_are_shown(made: Any, controls: Any, inventory: Any, tmp_path: Path) -> None:
    html = pages.plan(made["plan"], "fr")
    assert "Passer au niveau 2 avec le moins de changements" in html
    assert html.index('href="#vuln_spn_priv"') < html.index('id="vuln_spn_priv"')
    assert "Catalogue 2026.1" in html
    live = audit(tmp_path / "ok.json", [account("vuln_dont_expire", "u", 3000)], evaluated=["vuln_guest"])
    known = merged(controls, inventory, live)
    open_level = plan.levels(known, controls, catalogue.edition())[0]
    assert (open_level["reached"], open_level["at_least"], open_level["at_most"]) == (None, 1, 2)
    update = decisions.update(decisions.Sheet(), known["findings"], controls)
    planned = plan.build(known, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    assert "au plus 2 <small>sur 5" in pages.plan(planned, "fr")
    assert any("au plus 2 sur 5" in line for line in summary.plan(planned, "fr", "plan.html"))
    assert any("Between 1 and 2: " in line for line in summary.plan(planned, "en", "plan.html"))


@pytest.mark.parametrize("page", ["plan", "evidence"])
def test_observations_are_shown_with_their_reasons(made: Any, page: str) -> None:
    html = getattr(pages, page)(made[page], "fr")
    assert "Compte administrateur intégré (RID 500) utilisé récemment" in html
    assert "et 89 autres" in html or "89" in html
    assert "Couverture de LAPS" in html
    assert pages.fact("2026-11-21T03:00:00Z", "fr") == "21/11/2026 à 03:00 UTC"
    assert pages.fact("15 characters, 365 days", "fr") == "15 caractères, 365 jours"
    assert pages.fact("15 characters, no expiry", "en") == "15 characters, no expiry"
    assert "demande les permissions de chaque fichier de SYSVOL" in html  # the catalogue's reason, in French


def test_verification_shows_the_level_before_and_after(made: Any) -> None:
    lines = summary.verdicts(made["verdicts"], "fr")
    assert any(line.startswith("Niveau ADS estimé : 1 → 1 sur 5") for line in lines)


def test_thousands_of_objects_make_a_page_of_bounded_size(controls: Any, inventory: Any, tmp_path: Path) -> None:
    live = audit(tmp_path / "audit.json", [account("vuln_dont_expire", f"u{n}", 3000 + n) for n in range(3000)])
    findings = merged(controls, inventory, live)
    update = decisions.update(decisions.Sheet(), findings["findings"], controls)
    html = pages.plan(plan.build(findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY), "fr")
    assert f"{pages.number(3000 - pages.SHOWN, 'fr')} autres objets" in html and len(html) < 500_000


def test_thousands_of_pieces_of_work_make_a_page_of_bounded_size(controls: Any) -> None:
    number = pages.LINES + 250
    listed = [
        model.make_finding(
            control="other_exposure",
            host=f"h{n % 50}",
            object=model.make_object(type="weakness", id=f"tcp/443/nessus:{n}"),
            severity="medium",
            evidence={"title": f"Weakness number {n}", "cvss": 5.0},
            sources=[model.make_mention(source="s1", rule=str(n), wording="w" * 3000)],
        )
        for n in range(number)
    ]
    findings = merge.merge([]) | {"findings": listed}
    findings["sources"] = [
        {"id": "s1", "type": "a-tool-of-tomorrow", "file": "f", "sha256": "0" * 64, "tool_version": None, "level": None}
        | {"generated": None, "targets": [], "partial": False, "notes": [], "unreadable": {}, "covers": []}
    ]
    update = decisions.update(decisions.Sheet(), listed, controls)
    planned = plan.build(findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    document.check(planned, "plan/1", where="test")
    assert len(planned["works"]) == number
    wordings = [one["sources"][0]["wording"] for control in planned["controls"] for one in control["findings"]]
    assert {len(wording) for wording in wordings} == {plan.WORDING + 1}  # all of it is in findings.json
    for language in ("fr", "en"):
        html = pages.plan(planned, language)
        assert html.count('<section class="control') == pages.SECTIONS
        assert pages_text.TEXTS[language]["more_works"].format(n=250).replace(" :", "\u00a0:") in html
        assert "a-tool-of-tomorrow" in html and len(html) < 1_500_000
        found = Tags()
        found.feed(html)
        anchors = {value for name, value in found.attributes if name == "id"}
        links = [value[1:] for name, value in found.attributes if name == "href" and value]
        assert links and set(links) <= anchors  # no link into nowhere
        lines = summary.plan(planned, language, "plan.html")
        assert len(lines) < summary.SHOWN + 20


def test_plan_and_evidence_count_waivers(made: Any) -> None:
    expected = {"in_force": 4, "expiring": 0, "expired": 0, "days": 30, "next": "2027-03-31"}
    assert made["plan"]["waivers"] == made["evidence"]["counts"]["waivers"] == expected
    for language, words in (("fr", "4 en cours, dont 0 à échéance sous 30 jours"), ("en", "4 in force, 0 of them end")):
        assert words in pages.plan(made["plan"], language) and words in pages.evidence(made["evidence"], language)
        assert any(words in line for line in summary.plan(made["plan"], language, "plan.html"))
        assert any(words in line for line in summary.evidence(made["evidence"], language, []))
