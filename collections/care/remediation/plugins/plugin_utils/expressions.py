# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The JMESPath expressions of the catalogue, each prepared once: they are asked for every finding."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

with contextlib.suppress(ImportError):  # the catalogue says so
    import jmespath

# A chain of names, which nearly all are: the same answer without JMESPath's interpreter.
_CHAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*", re.ASCII)


@functools.cache
def compiled(expression: str) -> Callable[[Mapping[str, Any]], Any]:
    """A function from what is searched to what the expression finds there; JMESPathError where it is none."""
    if _CHAIN.fullmatch(expression):
        return functools.partial(_chain, tuple(expression.split(".")))
    search: Callable[[Mapping[str, Any]], Any] = jmespath.compile(expression).search
    return search


def _chain(names: tuple[str, ...], value: Any) -> Any:
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
