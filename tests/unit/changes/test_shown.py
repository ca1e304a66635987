"""What a person reads: page and terminal; nothing in it is interpreted."""

from __future__ import annotations

import html
import re
import string

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import approval, limits, model, summary, texts
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_krbtgt
from ansible_collections.care.remediation.plugins.plugin_utils import change_set_page

from .builders import file, flags, values

HOSTILE = "<script>alert(1)</script>{{ 7*7 }}{% raw %}\"'`$(id)\x1b[31m"


def document(*changes: model.Change) -> dict[str, object]:
    return approval.change_set(changes, mode="check", run="20261122-020209.794-3820", max_changes=500)


def test_both_languages_say_the_same_things() -> None:
    french, english = (texts.texts(language) for language in texts.LANGUAGES)
    assert french.keys() == english.keys()
    fields = {
        key: [{name for _, name, _, _ in string.Formatter().parse(t[key]) if name} for t in (french, english)]
        for key in french
    }
    assert {key: pair for key, pair in fields.items() if pair[0] != pair[1]} == {}
    with pytest.raises(ValueError, match="must be one of: fr, en"):
        texts.texts("de")


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_hostile_names_are_text(language: str) -> None:
    change = flags(label=HOSTILE, display_before=HOSTILE, hazards=[model.hazard("automation", HOSTILE)])
    shown = file(path="/etc/" + HOSTILE, after=HOSTILE)
    page = change_set_page.render(document(change, shown), language, [HOSTILE], {"vuln_test": HOSTILE})
    assert "<script" not in page
    assert html.escape("<script>alert(1)</script>{{ 7*7 }}", quote=True) in page
    assert not re.search(r"(src|href)=|https?://|@import|url\(", page)  # nothing is fetched
    lines = summary.change_set(language, document(change, shown), limits.blockers([change], 500), "x.html")
    assert "\x1b" not in "\n".join(lines)


def test_the_summary_names_what_cannot_be_undone() -> None:
    final = flags(reversible=False, irreversible_reason="krbtgt")
    effect = flags(object_id="b", side_effects=[{"attribute": "pwdLastSet", "irreversible": True}])
    lines = "\n".join(summary.change_set("fr", document(final, effect, values()), [], "x.html"))
    assert "Irréversibles (1)" in lines and "krbtgt" in lines and "pwdLastSet" in lines
    assert "care_approve=" in lines


@pytest.mark.parametrize(
    ("language", "said"), [("fr", "l’ancien mot de passe ne peut pas être remis"), ("en", "cannot be put back")]
)
def test_why_it_cannot_be_undone_is_said_in_the_reader_s_language(language: str, said: str) -> None:
    known = document(flags(reversible=False, irreversible_reason="password_lost"))
    page, lines = change_set_page.render(known, language), summary.change_set(language, known, [], "x.html")
    for text in (html.unescape(page), "\n".join(lines)):
        assert said in text and "password_lost" not in text
    other = document(flags(reversible=False, irreversible_reason="<b>words of somebody else"))
    assert "&lt;b&gt;words of somebody else" in change_set_page.render(other, language)
    assert "words of somebody else" in "\n".join(summary.change_set(language, other, [], "x.html"))


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_code_of_a_planner_has_its_sentence(language: str) -> None:
    for code in (*plan_krbtgt.REASON.values(), "password_lost"):
        assert texts.reason(language, code) != code


def test_a_set_that_will_be_refused_gives_no_approval_line() -> None:
    change = flags(hazards=[model.hazard("break_glass", "bris-de-glace-1")])
    found = limits.blockers([change], 500)
    lines = "\n".join(summary.change_set("fr", document(change), found, "x.html"))
    assert "bris-de-glace-1 est un compte de bris de glace" in lines and "care_approve=" not in lines
    assert "care_approve=" not in change_set_page.render(document(change), "fr", summary.blockers("fr", found))


def test_the_detail_of_a_file_is_a_comparison_of_lines() -> None:
    change = file(before="Port 22\nPasswordAuthentication yes\n", after="Port 22\nPasswordAuthentication no\n")
    marked = change_set_page.detail(change)
    assert ("-", "PasswordAuthentication yes") in marked and ("+", "PasswordAuthentication no") in marked
    assert (" ", "Port 22") in marked
