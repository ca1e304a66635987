# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What gets a domain to the next level with the fewest changes, and what stands in the way."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import level as rule
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    model,
    pages,
    plan,
    summary,
    waivers,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import DOMAIN, SID, account, audit, merged

TODAY = datetime.date(2026, 11, 22)
FOUND = [
    account("vuln_spn_priv", "a", 1101, level=1, spns=["x/a"]),
    account("vuln_spn_priv", "b", 1102, level=1, spns=["x/b"]),
    account("vuln_kerberos_properties_preauth_priv", "a", 1101, level=1),
    account("vuln_delegation_t4d", "c", 1103, level=1, protected="break_glass"),
    account("vuln_guest", "g", 501, level=2),
    account("vuln_dont_expire", "a", 1101, level=2),
    account("vuln_dont_expire", "d", 1104, level=2),
    account("vuln_smartcard_expire_passwords", "s", 1105, level=4),
]


def made(controls: Any, inventory: Any, tmp_path: Path, found: Any, decide: Any = None, **judged: Any) -> Any:
    scored = judged.pop("evaluated", catalogue.edition().scored)
    live = audit(tmp_path / "audit.json", found, evaluated=scored, **judged)
    findings = merged(controls, inventory, live)
    update = decisions.update(decisions.Sheet(), findings["findings"], controls)
    for one in findings["findings"]:
        if decide:
            decide(one, update.decisions[one["id"]])
    built = plan.build(findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    document.check(built, "plan/1", where="test")
    return built


def waive(until: datetime.date) -> Any:
    def decide(_finding: Any, decision: Any) -> None:
        decision.decision, decision.owner, decision.reason, decision.until = "waive", "DSI", "r", until

    return decide


def apply(_finding: Any, decision: Any) -> None:
    decision.decision = "apply"


def test_every_finding_of_the_level_and_nothing_else(controls: Any, inventory: Any, tmp_path: Path) -> None:
    (step,) = made(controls, inventory, tmp_path, FOUND)["next_level"]
    assert (step["host"], step["from"], step["to"]) == (DOMAIN, 1, 2)
    # account a is named by two controls: one object, two changes
    assert (step["total"]["findings"], step["total"]["objects"], step["total"]["changes"]) == (4, 3, 4)
    assert [(one["control"], one["objects"]) for one in step["controls"]] == [
        ("vuln_kerberos_properties_preauth_priv", 1),  # fewest first; of equal ones the safest
        ("vuln_delegation_t4d", 1),
        ("vuln_spn_priv", 2),
    ]
    # preauth is automatic, so decided; the rest waits, and a protected account is a person's work
    assert step["total"]["planned"] == 1
    assert step["total"]["obstacles"] == {"undecided": 2, "protected": 1}
    assert step["in_the_way_total"] == 3
    assert [(one["why"], one["protected"]) for one in step["in_the_way"]] == [
        ("undecided", None),
        ("undecided", None),
        ("protected", "break_glass"),
    ]
    assert step["with_decisions"]["at_most"] == 1
    # level 2 done too leads to 4: nothing fails at 3
    assert [(one["to"], one["objects"]) for one in step["further"]] == [(4, 5), (5, 6)]


@pytest.mark.parametrize("removed", range(4))
def test_less_than_all_of_it_does_not_help(controls: Any, inventory: Any, tmp_path: Path, removed: int) -> None:
    """The answer against the rule itself: without these findings the level is ``to``; with any of them it is not."""
    here = [one for one in FOUND if one["level"] == 1]
    left = [one for one in FOUND if one["level"] != 1]
    (step,) = made(controls, inventory, tmp_path, FOUND)["next_level"]
    assert {one["finding"] for one in step["in_the_way"]} <= {one["id"] for one in here}

    def reached(found: Any) -> int:
        scored = catalogue.edition().scored
        judged = rule.assess(
            scored=scored, evaluated=scored, found=[(one["control"], one["level"]) for one in found], classes={}
        )
        return int(judged["at_most"])

    assert reached(left) == step["to"] == 2
    assert reached([*left, here[removed]]) == 1


@pytest.mark.parametrize(
    ("decide", "obstacles", "level", "planned"),
    [
        (apply, {}, 5, 2),  # what stands at 4 is automatic, so decided already
        (waive(TODAY), {"waived": 3}, 2, 0),  # a waiver accepts the risk, it does not raise the level
        (waive(TODAY - datetime.timedelta(days=1)), {"expired": 3}, 2, 0),
        (None, {"undecided": 2}, 2, 1),
    ],
)
def test_decisions(
    controls: Any, inventory: Any, tmp_path: Path, decide: Any, obstacles: Any, level: int, planned: int
) -> None:
    found = [one for one in FOUND if one["level"] in (2, 4) and "smartcard" not in one["control"]]
    found.append(account("vuln_smartcard_expire_passwords", "s", 1105, level=4))

    def only_two(finding: Any, decision: Any) -> None:
        if decide and finding["level"] == 2:
            decide(finding, decision)

    (step,) = made(controls, inventory, tmp_path, found, only_two)["next_level"]
    assert (step["from"], step["to"]) == (2, 4)
    assert step["total"]["obstacles"] == obstacles
    assert step["with_decisions"]["at_most"] == level
    assert bool(step["total"]["planned"]) == bool(planned)
    untils = {one["until"] for one in step["in_the_way"]}
    assert untils == ({None} if "undecided" in obstacles else set() if not obstacles else untils - {None})


def test_manual_controls_and_unknown_objects_stand_in_the_way(controls: Any, inventory: Any, tmp_path: Path) -> None:
    manual = next(
        c for c in controls.values() if c.class_ == "manual" and c.levels and c.id in catalogue.edition().scored
    )
    whole = model.make_finding(
        control="vuln_dont_expire",
        host=DOMAIN,
        object=model.make_object(type="domain", id=DOMAIN),
        level=min(manual.levels),
    )
    found = [account(manual.id, "m", 1200, level=min(manual.levels)), whole | {"sources": []}]
    (step,) = made(controls, inventory, tmp_path, found)["next_level"]
    assert step["total"]["obstacles"] == {"undecided": 1, "manual": 1}
    assert step["total"]["uncounted"] == 1


def test_what_nobody_judged_may_hold_it_back(controls: Any, inventory: Any, tmp_path: Path) -> None:
    scored = catalogue.edition().scored
    seen = [control for control in scored if control not in ("vuln_krbtgt", "vuln_trusts_forest_sidhistory")]
    (step,) = made(controls, inventory, tmp_path, FOUND, evaluated=seen)["next_level"]
    assert all(min(scored[control]) < step["to"] for control in step["unverified"])
    assert "vuln_krbtgt" not in step["unverified"]  # level 2: it cannot hold the domain at 1
    assert "vuln_krbtgt" in [
        control
        for one in made(controls, inventory, tmp_path, FOUND[4:], evaluated=seen)["next_level"]
        for control in one["unverified"]
    ]


def test_the_best_level_needs_nothing(controls: Any, inventory: Any, tmp_path: Path) -> None:
    assert made(controls, inventory, tmp_path, [])["next_level"] == []


def test_what_is_not_confirmed_is_no_obstacle(controls: Any, inventory: Any, tmp_path: Path) -> None:
    found = [FOUND[4], {**FOUND[0], "unconfirmed": "the live audit does not find it"}]
    built = made(controls, inventory, tmp_path, found[:1])
    assert built["next_level"][0]["from"] == 2


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "fr",
            ["Passer au niveau 2 avec le moins de changements", "compte bris de glace", "Ce qui y fait obstacle (3)"],
        ),
        ("en", ["To level 2 with the fewest changes", "break-glass account", "What stands in the way (3)"]),
    ],
)
def test_it_is_on_the_page_and_in_the_terminal(
    controls: Any, inventory: Any, tmp_path: Path, language: str, words: list[str]
) -> None:
    built = made(controls, inventory, tmp_path, FOUND)
    html = pages.plan(built, language).replace("\u00a0", " ")
    for word in words:
        assert word in html
    lines = "\n".join(summary.plan(built, language, "plan.html"))
    assert words[0] in lines and words[2] in lines
    assert lines.index("vuln_kerberos_properties_preauth_priv (1") < lines.index("vuln_spn_priv (2")


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], (0, 0, 0, None)),
        ([0], (1, 1, 0, "2026-11-22")),  # the last day counts
        ([-1], (0, 0, 1, None)),
        ([30, 31], (2, 1, 0, "2026-12-22")),
        ([-400, -1, 5, 90], (2, 1, 2, "2026-11-27")),
    ],
)
def test_waivers_are_counted(days: list[int], expected: tuple[int, int, int, str | None]) -> None:
    counted = waivers.count([TODAY + datetime.timedelta(days=day) for day in days], TODAY)
    assert (counted["in_force"], counted["expiring"], counted["expired"], counted["next"]) == expected
    texts = [(TODAY + datetime.timedelta(days=day)).isoformat() for day in days]
    assert waivers.count(texts, TODAY) == counted


def test_levels_of_many_domains_are_their_own(controls: Any, inventory: Any, tmp_path: Path) -> None:
    built = made(controls, inventory, tmp_path, FOUND)
    assert [one["at_most"] for one in built["levels"]] == [1]
    assert SID in next(one["object"]["sid"] for one in built["controls"][0]["findings"])
