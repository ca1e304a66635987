# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""HTML pages: self-contained, without script or external resource, everything escaped."""

from __future__ import annotations

import contextlib
import datetime
import functools
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

with contextlib.suppress(ImportError):  # only a control node has it, and nothing of this runs elsewhere
    import jinja2

from . import summary
from .escape import terminal
from .pages_text import TEXTS, kind, number, reason, sentence
from .ways_text import how

TEMPLATES: Final = Path(__file__).resolve().parents[2] / "plugin_utils" / "pages"
LANGUAGES: Final = ("fr", "en")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
# A page shows that many objects of a piece of work, fewer where it would hold more than ROWS in all; the JSON beside it
# holds all. Pieces of work of the generic controls have a section up to the SECTIONS-th, all have a line up to LINES.
SHOWN: Final = 400
LEAST: Final = 10
ROWS: Final = 6000
SECTIONS: Final = 150
LINES: Final = 1000


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,  # always, whatever the file is called
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["plain"] = lambda value: terminal(value, 2000)
    environment.filters["typo"] = french
    environment.filters["fact"] = fact
    environment.filters["reached"] = summary.reached
    environment.filters["bounds"] = summary.bounds
    environment.filters["could_lower"] = summary.could_lower
    environment.filters["kind"] = kind
    environment.filters["num"] = number
    environment.filters["short"] = lambda value: str(value)[:12]
    return environment


def french(text: str) -> str:
    """Our own text with the no-break spaces of French typography, so that no line begins with a lone mark."""
    for mark in (":", ";", "?", "!", "»", "%"):
        text = text.replace(f" {mark}", f"\u00a0{mark}")
    return text.replace("« ", "«\u00a0")


def render(template: str, language: str, **values: Any) -> str:
    """The page ``template`` (for instance ``plan.html.j2``) in ``fr`` or ``en``."""
    page = _environment().get_template(template)
    return page.render(
        t=TEXTS[language],
        lang=language,
        shown=SHOWN,
        lines_shown=LINES,
        sentence=functools.partial(sentence, language=language),
        when=functools.partial(when, language=language),
        why=functools.partial(reason, language=language),
        how=functools.partial(how, language=language),
        **values,
    )


def when(moment: str | None, *, language: str) -> str:
    """A time of a document as people write it: ``22/11/2026 à 02:00 UTC`` or ``2026-11-22 02:00 UTC``."""
    if not moment:
        return "–"
    try:
        parsed = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return terminal(moment, 40)
    if "T" not in moment:
        return parsed.strftime("%d/%m/%Y" if language == "fr" else "%Y-%m-%d")
    return parsed.strftime("%d/%m/%Y à %H:%M UTC" if language == "fr" else "%Y-%m-%d %H:%M UTC")


def fact(text: str, language: str) -> str:
    """A short detail of an observation: a time as people write it, a word of ours in the language of the page."""
    return when(text, language=language) if _MOMENT.fullmatch(text) else reason(text, language)


def plan(document: Mapping[str, Any], language: str) -> str:
    """``plan.html`` from a plan/1 document."""
    t, sections = TEXTS[language], _sections(document)
    return render(
        "plan.html.j2",
        language,
        plan=document,
        titles=_titles(document["controls"]),
        kinds={source["id"]: kind(source["type"], t) for source in document["sources"]},
        lines=document["works"][:LINES],
        sections=sections,
        placed={section["work"]["id"] for section in sections},
    )


def _sections(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The pieces of work that get a section of the page, in their order, each with the findings that it shows."""
    controls = {control["control"]: control for control in document["controls"]}
    sections: dict[str, dict[str, Any]] = {}
    cured, seen = 0, set()
    for work in document["works"]:
        cured += work["cure"] is not None
        if work["cure"] is None or cured <= SECTIONS:
            first = work["control"] not in seen
            seen.add(work["control"])
            sections[work["id"]] = {
                "work": work,
                "control": controls[work["control"]],
                "first": first,
                "findings": [],
            }
    rows = sum(min(section["work"]["findings"], SHOWN) for section in sections.values())
    each = SHOWN if rows <= ROWS else max(LEAST, ROWS // len(sections))
    for control in controls.values():
        for finding in control["findings"]:  # in the order of their pieces of work, most urgent first
            section = sections.get(finding["work"])
            if section is not None and len(section["findings"]) < each:
                section["findings"].append(finding)
    return list(sections.values())


def evidence(document: Mapping[str, Any], language: str) -> str:
    """``evidence.html`` from an evidence/1 document."""
    before = {one["host"]: one for one in document["before"]["levels"]}
    return render(
        "evidence.html.j2",
        language,
        evidence=document,
        remains=grouped(document["remains"]),
        before=before,
        titles=_titles(document["controls"]),
    )


def _titles(controls: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {one["control"]: one["title"] for one in controls}


def grouped(remains: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What remains, one line for all objects of a control and host that the same person must see to for one reason."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in remains:
        reason_of = "" if one["role"] == "owner" else one["reason"]
        key = (one["control"], one["host"], one["verdict"], one["role"], one["name"], reason_of)
        groups.setdefault(key, {**one, "reason": reason_of, "objects": []})["objects"].append(one["object"])
    return list(groups.values())
