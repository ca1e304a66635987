"""The rules of audit tools that no control takes: each written once, in both languages."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

FACTS = Path(__file__).resolve().parents[2] / "fixtures" / "anssi"
MANUAL = catalogue.rules("pingcastle")


def test_every_rule_of_pingcastle_is_in_exactly_one_place() -> None:
    with (FACTS / "pingcastle-rules.csv").open(encoding="utf-8", newline="") as stream:
        known = {row["rule"] for row in csv.DictReader(stream)}
    taken = [rule for control in catalogue.load().values() for rule in control.pingcastle]
    assert len(known) == 187
    assert Counter([*taken, *MANUAL]) == Counter(known)


@pytest.mark.parametrize("rule", MANUAL.values(), ids=lambda each: each.id)
def test_texts(rule: catalogue.Rule) -> None:
    assert rule.control is None
    assert rule.title.fr != rule.title.en and rule.manual.fr != rule.manual.en
    for text in (rule.title.fr, rule.title.en):
        assert text == text.strip() and len(text) < 120
    for text in (rule.manual.fr, rule.manual.en):
        assert text == text.strip() and 40 < len(text) < 800
        assert text.endswith("."), text[-40:]
    assert not re.search(r"[^\s0-9a-z:][;!?»](?:\s|$)", rule.manual.fr), rule.manual.fr
    assert not re.search(r"\S\s[;:!?](?:\s|$)", rule.manual.en), rule.manual.en


def test_a_tool_that_nothing_is_written_about() -> None:
    assert catalogue.rules("nothing_such") == {}
    assert catalogue.rules("../anssi/edition") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: care.remediation/catalogue-rules/1\ntool: other\nrules: {X: {title: {fr: aaaaa, en: bbbbb}, "
         "manual: {fr: ccccc, en: ddddd}}}", "named other.yml"),
        ("schema: care.remediation/catalogue-rules/1\ntool: broken\nrules: {X: {title: {fr: aaaaa}}}", "rules/X"),
        ("schema: care.remediation/catalogue-rules/1\ntool: broken\nrules: {X: {title: {fr: aaaaa, en: bbbbb}, "
         "manual: {fr: ccccc, en: ddddd}, control: vuln_guest}}", "rules/X/control"),
        ("rules: [", "YAML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.yml").write_text(text, encoding="utf-8")
    with pytest.raises(catalogue.CatalogueError, match=said):
        catalogue.rules("broken", tmp_path)
