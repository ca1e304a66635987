# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue, expressions
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "true", "null", "_x1"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
EXPRESSIONS = st.lists(NAMES, min_size=1, max_size=3).map(".".join) | st.sampled_from(
    ["a[0]", "a[].b", "a || b", "'text'", "`5`", "a.b[?a=='x'].b", "@", "{x: a}"]
)


@given(expression=EXPRESSIONS, value=VALUES)
def test_the_answer_is_that_of_jmespath(expression: str, value: Any) -> None:
    assert expressions.compiled(expression)(value) == jmespath.search(expression, value)


@pytest.mark.parametrize("wrong", ["a..b", "a.", "", "é", "a b", "a\n"])
def test_what_is_no_expression_is_refused(wrong: str) -> None:
    try:
        expected = jmespath.compile(wrong)
    except jmespath.exceptions.JMESPathError:
        with pytest.raises(jmespath.exceptions.JMESPathError):
            expressions.compiled(wrong)
    else:
        assert expressions.compiled(wrong)({"a": 1}) == expected.search({"a": 1})


def test_every_expression_of_the_catalogue_gives_what_jmespath_gives() -> None:
    scope = {"object": {"sid": "S-1", "label": "x", "id": "y"}, "evidence": {"port": 1}, "control": "c", "each": {}}
    found = 0
    for control in catalogue.load().values():
        if control.remediation and control.remediation.entry:
            for expression in control.remediation.entry.values():
                found += 1
                assert expressions.compiled(expression)(scope) == jmespath.search(expression, scope)
    assert found > 50
