# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was found before the first change stays known, whatever is planned later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import baseline, document, verdicts
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import account, audit, merged

PREAUTH = "vuln_kerberos_properties_preauth_priv"


@pytest.fixture
def site(tmp_path: Path, controls: Any, inventory: Any) -> Any:
    """Called with accounts (name to RID): a live audit that finds them is imported, as plan.yml does."""
    care = tmp_path / "care"

    def plan(run: str | None = None, **found: int) -> dict[str, Any]:
        path = tmp_path / "audit.json"
        audit(path, [account(PREAUTH, name, rid) for name, rid in found.items()], evaluated=(PREAUTH,))
        made = merged(controls, inventory, path)
        document.write(care / "findings.json", made, "findings/1")
        sheet = [
            f"  - {{finding: {f['id']}, control: {PREAUTH}, host: {f['host']}, decision: apply}}"
            for f in made["findings"]
        ]
        text = "schema: care.remediation/decisions/1\ndecisions:\n" + "\n".join(sheet or ["  []"]) + "\n"
        document.write_text(care / "decisions.yml", text)
        if run:
            baseline.keep(care, care / "runs" / run)
        return made

    plan.care = care  # type: ignore[attr-defined]
    return plan


def labels(path: Path) -> list[str]:
    return [finding["object"]["label"] for finding in document.read(path, "findings/1")["findings"]]


def test_a_later_plan_does_not_change_what_is_compared_with(site: Any) -> None:
    site(alice=1101)
    assert baseline.before(site.care) == site.care / "findings.json"  # nothing was changed yet
    site("20260101", alice=1101, bob=1102)
    site()  # both corrected, and planned again
    assert labels(site.care / "findings.json") == []
    assert sorted(labels(baseline.before(site.care))) == ["alice", "bob"]


def test_what_is_found_later_is_added_and_nothing_leaves(site: Any) -> None:
    site("20260101", alice=1101)
    first = (site.care / baseline.NAME).read_bytes()
    site("20260102", alice=1101)
    assert (site.care / baseline.NAME).read_bytes() == first
    site("20260103", carole=1103)
    made = document.read(site.care / baseline.NAME, "findings/1")
    assert [finding["object"]["label"] for finding in made["findings"]] == ["alice", "carole"]
    sources = {source["id"]: source["sha256"] for source in made["sources"]}
    one, two = (finding["sources"][0]["source"] for finding in made["findings"])
    assert one != two and sources[one] != sources[two]  # each is still said by the file that said it
    assert made["counts"]["mapped"] == 2


def test_corrections_are_judged_after_a_later_plan_and_a_relapse_fails(site: Any, controls: Any) -> None:
    known = site("20260101", alice=1101)
    after = site()
    judged = verdicts.build(
        document.read(baseline.before(site.care), "findings/1"), after, baseline.settled(site.care), controls,
        edition=catalogue.edition(),
    )
    assert [one["verdict"] for one in judged["findings"]] == ["changed"]
    assert judged["findings"][0]["decision"] == "apply"  # although the sheet has dropped it
    again = verdicts.build(
        document.read(baseline.before(site.care), "findings/1"), known, baseline.settled(site.care), controls,
        edition=catalogue.edition(),
    )
    assert [one["id"] for one in verdicts.failing(again)] == [known["findings"][0]["id"]]


def test_the_present_sheet_counts_more_than_an_earlier_one(site: Any) -> None:
    made = site("20260101", alice=1101)
    sheet = site.care / "decisions.yml"
    sheet.write_text(sheet.read_text().replace("decision: apply", "decision: undecided"))
    assert baseline.settled(site.care)[made["findings"][0]["id"]].decision == "undecided"


def test_a_broken_baseline_is_not_overwritten(site: Any) -> None:
    site("20260101", alice=1101)
    (site.care / baseline.NAME).write_text(json.dumps({"schema": "x"}))
    with pytest.raises(document.DocumentError, match="baseline"):
        site("20260102", bob=1102)
