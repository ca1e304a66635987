# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The JSON schemas of the files of this program (``schemas/``), on the control node.

jsonschema-rs checks Python objects where they are, without a copy: half a million findings take half a second.
"""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

try:
    import jsonschema_rs

    MISSING: str | None = None
except ImportError as error:  # said when something is first checked
    MISSING = error.name

SCHEMAS: Final = Path(__file__).resolve().parents[2] / "schemas"
# Schemas that refer to one another by file name.
_SHARED: Final = ("change-set-1", "journal-1", "gate-1")
_COUNTED: Final = 1000
_LENGTH: Final = 300
# What says only that something deeper is wrong gives way to what is deeper.
_VAGUE: Final = ("AnyOf", "OneOfNotValid")


class MissingLibrary(Exception):
    """The control node lacks a library; the message says how to get it."""


class Problem(NamedTuple):
    """One thing that a schema does not allow: its place in the document (keys and indexes), and the reason."""

    place: tuple[str | int, ...]
    reason: str

    @property
    def path(self) -> str:
        """The place as ``findings/3/host``; empty for the document itself."""
        return "/".join(str(part) for part in self.place)


@functools.cache
def validator(name: str) -> Any:
    """The validator of ``schemas/<name>.json``, for instance ``findings-1``."""
    if MISSING is not None:
        raise MissingLibrary(
            f"the control node lacks the Python library {MISSING}: pip install 'jsonschema-rs>=0.60,<1'"
        )
    shared = jsonschema_rs.Registry([(f"{each}.json", _load(each)) for each in _SHARED])
    return jsonschema_rs.Draft202012Validator(_load(name), registry=shared)


def problems(document: Any, name: str) -> list[Problem]:
    """What of ``document`` schema ``name`` does not allow, in the order of places; at most the first thousand.

    What JSON cannot express (a set, a key that is no text, endless nesting) is a problem of the whole document.
    """
    known = validator(name)
    try:
        if known.is_valid(document):
            return []
    except ValueError:
        # subclasses of str and dict, such as Ansible's tagged texts, are what they are once written
        try:
            document = json.loads(json.dumps(document))
            if known.is_valid(document):
                return []
        except (TypeError, ValueError, RecursionError) as error:
            return [Problem((), str(error)[:_LENGTH])]
    found = [_problem(error) for error in itertools.islice(known.iter_errors(document), _COUNTED)]
    return sorted(found, key=lambda one: [(isinstance(part, str), part) for part in one.place])


def _problem(error: Any) -> Problem:
    while type(error.kind).__name__ in _VAGUE and any(error.kind.context):
        error = max(
            (each for branch in error.kind.context for each in branch), key=lambda each: len(each.instance_path)
        )
    reason = "is not allowed here" if type(error.kind).__name__ == "FalseSchema" else str(error.message)
    return Problem(tuple(error.instance_path), reason if len(reason) <= _LENGTH else reason[:_LENGTH] + "…")


def _load(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
