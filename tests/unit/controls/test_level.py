"""The level of a domain: ANSSI's rule, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls.level import assess

SCORED = {"vuln_a": [1], "vuln_b": [1, 2], "vuln_c": [3], "vuln_d": [4], "vuln_e": [2]}
CLASSES = {"vuln_a": "manual", "vuln_b": "auto", "vuln_c": "staged", "vuln_d": "auto", "vuln_e": "auto"}


def level(*found: tuple[str, int | None], evaluated: Any = SCORED) -> dict[str, Any]:
    return assess(scored=SCORED, evaluated=evaluated, found=found, classes=CLASSES)


@pytest.mark.parametrize(
    ("found", "reached"),
    [
        ((), 5),
        ((("vuln_d", 4),), 4),
        ((("vuln_d", 4), ("vuln_b", 2)), 2),
        ((("vuln_b", 2), ("vuln_b", 1)), 1),
        ((("mie_ad_smartcard", None), ("vuln_other", 1)), 5),
    ],
)
def test_the_lowest_level_of_a_failed_control(found: Any, reached: int) -> None:
    assert level(*found)["reached"] == reached


def test_what_was_not_judged_never_counts_as_passed() -> None:
    made = level(("vuln_d", 4), evaluated={"vuln_a", "vuln_b", "vuln_d", "vuln_e"})
    assert (made["reached"], made["at_least"], made["at_most"]) == (None, 3, 4)
    assert made["unverified"] == ["vuln_c"]
    assert made["by_level"]["3"] == {"failed": [], "unverified": ["vuln_c"], "passed": 0}
    assert (made["evaluated"], made["scored"]) == (4, 5)


def test_what_was_not_judged_matters_only_where_it_could_lower_the_level() -> None:
    made = level(("vuln_b", 2), evaluated={"vuln_a", "vuln_b"})
    assert made["reached"] == 2
    assert made["unverified"] == ["vuln_c", "vuln_d", "vuln_e"]


def test_a_control_that_was_not_judged_whole_still_fails_by_what_it_found() -> None:
    made = level(("vuln_b", 2), evaluated=set(SCORED) - {"vuln_b"})
    assert (made["reached"], made["at_least"], made["at_most"]) == (None, 1, 2)
    assert made["by_level"]["1"]["unverified"] == ["vuln_b"]
    assert made["by_level"]["2"]["unverified"] == []


def test_what_blocks_the_next_level_safest_and_fewest_first() -> None:
    made = level(("vuln_a", 1), ("vuln_b", 1), ("vuln_b", 1), ("vuln_b", 2), ("vuln_d", 4))
    assert made["blocking_next"] == [
        {"control": "vuln_b", "findings": 2, "class": "auto"},
        {"control": "vuln_a", "findings": 1, "class": "manual"},
    ]
    assert made["by_level"]["2"]["failed"] == [{"control": "vuln_b", "findings": 1, "class": "auto"}]
    assert made["by_level"]["1"]["passed"] == 0
    assert made["by_level"]["2"]["passed"] == 1
    assert level()["blocking_next"] == []
