# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of the sheet: decisions and waivers for many findings at once."""

from __future__ import annotations

import datetime
import fnmatch
import time
from typing import Any

import pytest
import yaml
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decision_rules,
    decisions,
    document,
    model,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from hypothesis import given, settings
from hypothesis import strategies as st

CONTROLS = catalogue.load()
WAIVER = '    waiver: {owner: "DSI", reason: "replaced in March", until: 2027-03-31}\n'


def finding(control: str, host: str, number: int = 443, **changed: Any) -> dict[str, Any]:
    made = model.make_finding(
        control=control,
        host=host,
        object=model.make_object(type="port", id=f"tcp/{number}", label=f"tcp/{number} (https)"),
        severity="high",
        evidence={"cve": ["CVE-2021-44228", "CVE-2021-45046"]} if number == 8080 else {},
        sources=[model.make_mention(source="s1", rule=f"{number}00", wording="w")],
    )
    return made | changed


FINDINGS = [
    finding("expo_tls_obsolete", "kiosk-1"),
    finding("expo_tls_obsolete", "kiosk-2"),
    finding("expo_tls_obsolete", "web1"),
    finding("expo_port", "kiosk-1", 8080),
    finding("expo_telnet", "web1", 23, protected=None),
    finding("other_exposure", "web1", 8080),
]
# control and host of each finding, to its place
PLACES = {(one["control"], one["host"]): one["id"] for one in FINDINGS}


def rule(name: str, decision: str, **conditions: Any) -> str:
    lines = "".join(
        f"    {key}: {yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}\n"
        for key, value in conditions.items()
    )
    return f"  - name: {name}\n{lines}    decision: {decision}\n" + (WAIVER if decision == "waive" else "")


def sheet(*rules: str, entries: str = "") -> str:
    listed = f"decisions:\n{entries}" if entries else "decisions: []\n"
    return f"schema: {decisions.SCHEMA}\n# ours\nrules:\n{''.join(rules)}{listed}"


def update(text: str, findings: list[dict[str, Any]] = FINDINGS, **options: Any) -> decisions.Update:
    return decisions.update(decisions.parse(text, name="d.yml"), findings, CONTROLS, name="d.yml", **options)


def decided(made: decisions.Update) -> dict[tuple[str, str], str]:
    by_id = {value: key for key, value in PLACES.items()}
    return {by_id[key]: one.proposed for key, one in made.decisions.items()}


def test_the_most_specific_rule_wins() -> None:
    rules = [
        rule("all", "undecided", control="*"),
        rule("kiosks", "waive", host="kiosk-*"),
        rule("tls", "apply", control="expo_tls_obsolete"),
        rule("tls-on-kiosks", "waive", control="expo_tls_obsolete", host="kiosk-*"),
        rule("tls-on-one", "apply", control="expo_tls_obsolete", host="kiosk-2"),
    ]
    for order in (rules, rules[::-1]):
        made = update(sheet(*order))
        assert decided(made) == {
            ("expo_tls_obsolete", "kiosk-1"): "waive by tls-on-kiosks",
            ("expo_tls_obsolete", "kiosk-2"): "apply by tls-on-one",
            ("expo_tls_obsolete", "web1"): "apply by tls",
            ("expo_port", "kiosk-1"): "waive by kiosks",
            ("expo_telnet", "web1"): "undecided by all",
            ("other_exposure", "web1"): "undecided by all",
        }
        assert {one.name: (one.matched, one.governs) for one in made.rules} == {
            "all": (6, 2), "kiosks": (3, 1), "tls": (3, 1), "tls-on-kiosks": (2, 1), "tls-on-one": (1, 1),
        }  # fmt: skip
        one = made.decisions[PLACES["expo_port", "kiosk-1"]]
        assert (one.decision, one.waiver()) == (
            "waive",
            {"owner": "DSI", "reason": "replaced in March", "until": "2027-03-31"},
        )


def test_of_two_as_specific_the_first_of_the_sheet_wins() -> None:
    one, other = rule("b", "waive", host="web1"), rule("a", "apply", host="web1")
    assert decided(update(sheet(one, other)))["expo_telnet", "web1"] == "waive by b"
    assert decided(update(sheet(other, one)))["expo_telnet", "web1"] == "apply by a"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"cve": "CVE-2021-44228"}, {"expo_port", "other_exposure"}),
        ({"cve": "cve-2021-4*"}, {"expo_port", "other_exposure"}),
        ({"cve": ["CVE-1999-1", "CVE-2021-45046"]}, {"expo_port", "other_exposure"}),
        ({"cve": "CVE-2021"}, set()),
        ({"source_rule": "2300"}, {"expo_telnet"}),
        ({"source_rule": "*00", "host": "WEB1", "object": "tcp/2?"}, {"expo_telnet"}),
        ({"object": "tcp/8080 (https)"}, {"expo_port", "other_exposure"}),
        ({"object": "tcp/8080", "control": ["other_*", "expo_telnet"]}, {"other_exposure"}),
        ({"control": "expo", "host": "*"}, set()),
        ({"host": "kiosk-["}, set()),
    ],
)
def test_what_a_rule_is_about(conditions: dict[str, Any], expected: set[str]) -> None:
    made = update(sheet(rule("one", "waive", **conditions)))
    assert {one.control for one in made.decisions.values() if one.by == "rule"} == expected
    assert [one.name for one in made.idle] == ([] if expected else ["one"])


def test_an_entry_that_a_person_settled_wins_over_every_rule() -> None:
    head, mark, listed = update(sheet(rule("all", "waive", host="*"))).text.partition("decisions:\n")
    followed = "    proposed: waive by all\n    decision: waive\n"
    assert listed.count(followed) == len(FINDINGS)
    own = '    decision: waive\n    waiver: {owner: "me", reason: "r", until: 2028-01-01}\n'
    for replaced in (followed.replace("waive\n", "undecided  # mine\n"), "    decision: undecided\n", own):
        listed = listed.replace(followed, replaced, 1)
    held = head + mark + listed
    again = update(held)
    assert again.text == held
    assert sorted(one.by for one in again.decisions.values()) == ["person"] * 3 + ["rule"] * 3
    without = update(f"{head[: head.index('rules:')]}{mark}{listed}")
    assert sum(one.decision == "waive" for one in without.decisions.values()) == 1
    assert "undecided  # mine" in without.text and own in without.text
    assert "proposed: waive by" not in without.text.replace(
        "proposed: waive by all\n    decision: undecided  # mine", ""
    )


def test_a_rule_that_changes_or_goes_takes_its_decisions_along() -> None:
    waived = update(sheet(rule("kiosks", "waive", host="kiosk-*"))).text
    applied = update(waived.replace("    decision: waive\n" + WAIVER, "    decision: apply\n", 1))
    assert decided(applied)["expo_tls_obsolete", "kiosk-1"] == "apply by kiosks"
    later = update(waived.replace("2027-03-31", "2026-01-01"))
    one = later.decisions[PLACES["expo_tls_obsolete", "kiosk-1"]]
    assert one.effective(datetime.date(2026, 11, 22)) == "expired"
    gone = update(waived[: waived.index("rules:\n")] + waived[waived.index("decisions:\n") :])
    assert {one.decision for one in gone.decisions.values()} <= {"apply", "undecided"}
    # a comment at such an entry stays where it is
    noted = waived.replace("    decision: waive\n  -", "    decision: waive  # seen by the ward\n  -")
    assert update(noted).text == noted
    unruled = noted[: noted.index("rules:\n")] + noted[noted.index("decisions:\n") :]
    assert update(unruled).text.count("# seen by the ward") == noted.count("# seen by the ward") > 0


def test_a_sheet_read_alone_knows_the_waivers_of_its_rules() -> None:
    text = update(sheet(rule("kiosks", "waive", host="kiosk-*"))).text
    read = decisions.parse(text, name="d.yml").decisions[PLACES["expo_tls_obsolete", "kiosk-1"]]
    assert read.waiver() == {"owner": "DSI", "reason": "replaced in March", "until": "2027-03-31"}
    # and takes none from a rule that is not there
    read = decisions.parse(text.replace("name: kiosks", "name: other"), name="d.yml").decisions[read.finding]
    assert (read.decision, read.waiver()) == ("undecided", None)


def test_a_rule_never_applies_what_must_be_looked_at_one_by_one() -> None:
    protected = finding("vuln_guest", "chu.test", 1, protected="break_glass")
    unconfirmed = finding("vuln_guest", "chu.test", 2, unconfirmed="not found by the live audit")
    plain = finding("vuln_spn_priv", "chu.test", 3)
    manual = finding("other_exposure", "chu.test", 4)
    made = update(sheet(rule("all", "apply", host="*")), [protected, unconfirmed, plain, manual])
    assert [one.decision for one in made.decisions.values()] == ["undecided", "undecided", "apply", "undecided"]
    made = update(sheet(rule("all", "waive", host="*")), [protected, unconfirmed, plain, manual])
    assert {one.decision for one in made.decisions.values()} == {"waive"}


def test_the_schema_takes_what_is_written() -> None:
    text = update(sheet(rule("kiosks", "waive", host=["kiosk-*", "pc-*"]), rule("a", "apply", cve="CVE-*"))).text
    document.check(yaml.load(text, Loader=yaml.BaseLoader), "decisions/1", where="sheet")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("rules: 5\n", "line 2, column 8: 'rules' must be a list"),
        ("rules:\n  - 5\n", "line 3, column 5: a rule must be a mapping"),
        ("rules:\n  - host: a\n    decision: apply\n", "line 3, column 5: a rule needs a 'name'"),
        ("rules:\n  - name: a b\n    host: a\n    decision: apply\n", "line 3, column 11: a rule needs a 'name'"),
        ("rules:\n  - name: a\n    decision: apply\n", "line 3, column 5: rule a says of nothing what it is about"),
        ("rules:\n  - name: a\n    hots: x\n    decision: apply\n", "line 4, column 5: unknown key 'hots'"),
        ("rules:\n  - name: a\n    host: x\n    decision: yes\n", "line 5, column 15: decision 'yes'"),
        ("rules:\n  - name: a\n    host: x\n    decision: waive\n", "line 5, column 15: rule a: 'decision: waive' and"),
        ("rules:\n  - name: a\n    host: x\n    decision: apply\n" + WAIVER, "line 5, column 15: rule a:"),
        ("rules:\n  - name: a\n    host: []\n    decision: apply\n", "line 4, column 11: 'host' must be a text"),
        ("rules:\n  - name: a\n    host: {a: b}\n    decision: apply\n", "line 4, column 11: 'host' must be a text"),
        ("rules:\n" + (rule("a", "apply", host="x") * 2), "line 6, column 5: two rules are named 'a'"),
        (
            "rules:\n  - name: a\n    host: x\n    decision: waive\n"
            "    waiver: {owner: a, reason: b, until: 31/03/2027}\n",
            "line 6, column 42: until '31/03/2027' is not a date",
        ),
    ],
)
def test_mistakes_in_rules_are_named_with_their_place(rules: str, said: str) -> None:
    with pytest.raises(decisions.DecisionError) as caught:
        decisions.parse(f"schema: {decisions.SCHEMA}\n{rules}decisions: []\n", name="d.yml")
    assert str(caught.value).startswith(f"d.yml, {said}")


@given(pattern=st.text("ab*?[.\\é\n", min_size=1, max_size=8), text=st.text("ab*?[.\\é\n", max_size=10))
@settings(max_examples=500, deadline=None)
def test_wildcards_are_those_of_a_shell_without_brackets(pattern: str, text: str) -> None:
    expected = fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
    assert bool(decision_rules._pattern([pattern]).fullmatch(text)) == expected


def test_no_pattern_takes_long() -> None:
    hostile = decision_rules._pattern(["*a" * 200 + "b", "a*" * 200 + "b"])
    begin = time.process_time()
    assert not hostile.fullmatch("a" * 20_000)
    assert time.process_time() - begin < 2


def test_many_rules_and_many_findings() -> None:
    rules = [rule(f"r{number}", "waive", control="expo_port", host=f"h{number}") for number in range(2_000)]
    many = [finding("expo_port", f"h{number % 2_000}", number) for number in range(20_000)]
    begin = time.process_time()
    made = update(sheet(*rules), many)
    assert all(one.governs == 10 for one in made.rules)
    assert time.process_time() - begin < 10  # each rule asked for each host: 30
