# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Control paths in plan and evidence: drawn hop by hop in both languages, bounded, and hostile text only shown."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import control_graph, rights
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    evidence,
    pages,
    plan,
    verdicts,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.ways import ways
from ansible_collections.care.remediation.plugins.module_utils.findings.ways_text import HOWS, how
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import account, audit, merged
from .test_pages import PAYLOADS, Tags

TODAY = datetime.date(2026, 11, 22)
ACE = "(OA;;CR;00299570-246d-11d0-a768-00aa006e0529;;S-1-5-21-1-2-3-1301)"


def hop(source: str, name: str, target: str, ace: str | None = ACE) -> dict[str, Any]:
    return {"from": source, "to": target, "how": name, "ace": ace, "object": f"CN={target},DC=x"}


PATH = [hop("accueil", "MemberOf", "Support", None), hop("Support", "ResetPassword", "a.dupont")]


def made(tmp_path: Path, controls: Any, inventory: Any, **facts: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    found = account("vuln_privileged_members_perm", "a.dupont", 1101, level=1, **facts)
    findings = merged(controls, inventory, audit(tmp_path / "audit.json", [found]))
    sheet = decisions.update(decisions.Sheet(), findings["findings"], controls)
    planned = plan.build(findings, sheet.decisions, controls, edition=catalogue.edition(), today=TODAY)
    judged = verdicts.build(findings, findings, sheet.decisions, controls, edition=catalogue.edition(), today=TODAY)
    proof = evidence.build(findings, judged, controls)
    document.check(planned, "plan/1", where="test")
    document.check(proof, "evidence/1", where="test")
    return planned, proof


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["est membre de", "peut réinitialiser le mot de passe de", "Y parviennent (2)"]),
        ("en", ["is a member of", "may reset the password of", "Who gets there (2)"]),
    ],
)
def test_the_path_is_drawn_in_both_pages(
    tmp_path: Path, controls: Any, inventory: Any, language: str, words: list[str]
) -> None:
    facts = {"path": PATH, "paths": [[hop("x", "Owner", "y", None)]], "principals": ["accueil"], "principals_total": 2}
    planned, proof = made(tmp_path, controls, inventory, **facts)
    for page in (pages.plan(planned, language), pages.evidence(proof, language)):
        for text in [*words, "accueil", "Support", ACE, "CN=a.dupont,DC=x"]:
            assert text in page
        assert page.count('<p class="way">') == 2


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_hops_are_only_shown(tmp_path: Path, controls: Any, inventory: Any, payload: str) -> None:
    path = [dict.fromkeys(("from", "to", "how", "ace", "object"), payload)]
    facts = {"path": path, "paths": [path], "principals": [payload], "reaches": [payload, payload]}
    planned, proof = made(tmp_path, controls, inventory, **facts)
    for page in (pages.plan(planned, "fr"), pages.evidence(proof, "en")):
        seen = Tags()
        seen.feed(page)
        assert not {"script", "img", "iframe", "object"} & set(seen.tags)
        assert not [name for name, _value in seen.attributes if name.startswith("on")]
        assert "\x1b" not in page and "\u202e" not in page


@pytest.mark.parametrize(
    "evidence_of",
    [{}, {"path": []}, {"path": "x"}, {"path": [1]}, {"path": [{"from": "a"}]}, {"path": [{**PATH[0], "how": 3}]}],
)
def test_what_is_no_path_is_not_drawn(evidence_of: dict[str, Any]) -> None:
    assert ways(evidence_of) is None


def test_paths_are_bounded_and_totals_are_kept() -> None:
    long = [hop(str(index), "MemberOf", str(index + 1)) for index in range(500)]
    facts = {"path": long, "paths": [long] * 50, "principals": ["x" * 10**6] * 100, "principals_total": 4711}
    drawn = ways(facts)
    assert drawn is not None
    assert (len(drawn["paths"]), len(drawn["paths"][0]), drawn["principals_total"]) == (4, 16, 4711)
    assert drawn["paths"][0][-1]["to"] == "500"  # what matters is its end
    assert (len(drawn["principals"]), len(drawn["principals"][0])) == (10, 2000)
    assert drawn["reaches_total"] == 0
    wrong = ways({"path": PATH, "principals": ["a"], "principals_total": -1, "reaches_total": True})
    assert wrong is not None and (wrong["principals_total"], wrong["reaches_total"]) == (1, 0)


def test_every_hop_has_words_in_both_languages() -> None:
    named = {value for key, value in vars(control_graph).items() if key.isupper() and isinstance(value, str)}
    kinds = {"user", "computer", "msa", "group", "adminsdholder", "domain", "ou", "site", "container", "gpo"}
    named |= {value for key, value in vars(rights).items() if key.isupper() and isinstance(value, str)}
    named |= set(rights.REPLICATION.values())
    named -= {*kinds, "root key", "strict", rights.OWNER_RIGHTS, *[each for each in named if each.startswith("_")]}
    named = {each for each in named if each[:1].isupper()}
    used = {"TRUST", "COMPUTER", "MSA"}
    assert named - set(HOWS) - used == set()
    assert how("Owner", language="fr") != how("Owner", language="en")
    assert how("quelque chose", language="fr") == "quelque chose"
