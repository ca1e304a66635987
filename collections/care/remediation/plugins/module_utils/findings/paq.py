# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""``plan.paq.csv``: the plan as actions of a hospital's quality-improvement plan (plan d'amélioration de la qualité).

One line a piece of work, in the order to act, then one line a reason for which something could not be taken up. The
number of a line is the id of its piece of work: it stays the same from one plan to the next, so that lines can be
compared, and the quality service keeps what it added beside ours.
"""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from .escape import cell
from .pages_text import TEXTS, kind, reason, sentence

FILE: Final = "plan.paq.csv"

COLUMNS: Final = {
    "fr": (
        "Numéro",
        "Priorité",
        "Origine",
        "Constat",
        "Gravité",
        "Périmètre",
        "Justification de la priorité",
        "Action corrective",
        "Responsable",
        "Échéance",
        "État d'avancement",
        "Indicateur",
        "Preuve attendue",
        "Date du constat",
    ),
    "en": (
        "Number",
        "Priority",
        "Source",
        "Observation",
        "Severity",
        "Scope",
        "Why this priority",
        "Corrective action",
        "Responsible",
        "Due date",
        "Progress",
        "Indicator",
        "Expected evidence",
        "Date of observation",
    ),
}


def to_csv(
    plan: Mapping[str, Any],
    language: str,
    *,
    responsibles: Mapping[str, str] | None = None,
    deadlines: Mapping[int, int] | None = None,
) -> bytes:
    """The file for a spreadsheet set to French: UTF-8 with BOM, semicolons, CRLF, every cell quoted and none that a
    program takes for a formula.

    ``responsibles``: catalogue family, or ``default``, to who answers for it. ``deadlines``: urgency (1 to 5) to days
    after the plan; without one a line has no due date, since only the hospital can promise one.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS[language])
    for row in rows(plan, language, responsibles or {}, deadlines or {}):
        writer.writerow([cell(value) for value in row])
    return stream.getvalue().encode("utf-8-sig", errors="replace")


def rows(
    plan: Mapping[str, Any], language: str, responsibles: Mapping[str, str], deadlines: Mapping[int, int]
) -> Iterator[tuple[Any, ...]]:
    """The cells of each line, not yet escaped."""
    t = TEXTS[language]
    day = plan["generated"][:10]
    sources = {one["id"]: one for one in plan["sources"]}
    controls = {control["control"]: control for control in plan["controls"]}
    told = _told(plan, sources, t)
    for work in plan["works"]:
        control, (origins, ends) = controls[work["control"]], told[work["id"]]
        title = control["title"][language]
        manual = control["role"] is None or control["class"] == "manual"
        steps = (work["manual"] or {}).get(language) or work["cure"] or control["manual"][language]
        yield (
            work["id"],
            work["place"],
            ", ".join(sorted(origins)),
            f"{title} — {work['title'][language]}" if work["cure"] else title,
            _grade(work, t),
            _scope(work, t),
            " ; ".join(sentence(one, language) for one in work["reasons"]),
            steps if manual else t["paq_role"].format(role=control["role"], steps=steps),
            responsibles.get(control["family"]) or responsibles.get("default") or "",
            _due(work, ends, day, deadlines),
            ", ".join(f"{t['actions'][action]} : {count}" for action, count in work["actions"].items()),
            t["paq_indicator"].format(open=work["open"], findings=work["findings"]),
            t["paq_proof"],
            day,
        )
    for why, (count, first, origins) in _left(plan, sources, t).items():
        text = reason(why, language)
        number = "u-" + hashlib.sha256(why.encode("utf-8", errors="replace")).hexdigest()[:16]
        yield (
            number,
            "",
            ", ".join(sorted(origins)),
            f"{t['paq_left']} : {text}",
            "",
            f"{count} : {', '.join(first)}{', …' if count > len(first) else ''}",
            "",
            t["paq_left_action"],
            responsibles.get("default") or "",
            "",
            t["actions"]["manual"],
            t["paq_left_indicator"].format(n=count),
            "plan.json",
            day,
        )


def _told(
    plan: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]], t: Mapping[str, Any]
) -> dict[str, tuple[set[str], set[str]]]:
    """Work id to who says it and, of what is waived, the end dates."""
    told: dict[str, tuple[set[str], set[str]]] = {work["id"]: (set(), set()) for work in plan["works"]}
    names = {key: kind(source["type"], t) for key, source in sources.items()}
    for control in plan["controls"]:
        for finding in control["findings"]:
            origins, ends = told[finding["work"]]
            origins.update(names[mention["source"]] for mention in finding["sources"])
            if finding["action"] == "waived":
                ends.add(finding["waiver"]["until"])
    return told


def _left(
    plan: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]], t: Mapping[str, Any]
) -> dict[str, tuple[int, list[str], set[str]]]:
    """Reason to how many things no control takes for it, the first few, and who says them."""
    left: dict[str, tuple[int, list[str], set[str]]] = {}
    for one in plan["unmapped"]:
        count, first, origins = left.get(one["reason"], (0, [], set()))
        if len(first) < 5:
            first.append(str(one["object"] or one["rule"])[:120])
        origins.add(kind(sources[one["source"]]["type"], t) if one["source"] in sources else "?")
        left[one["reason"]] = (count + 1, first, origins)
    return dict(sorted(left.items(), key=lambda item: (-item[1][0], item[0])))


def _grade(work: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    if work["level"] is not None:
        return f"{t['level_n'].format(n=work['level'])} ({t['anssi_levels'][work['level']]})"
    return str(t["severities"][work["severity"]]) if work["severity"] else ""


def _scope(work: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    more = ", …" if work["hosts_total"] > 5 else ""
    return f"{t['host_count'].format(n=work['hosts_total'])} : {', '.join(work['hosts'][:5])}{more}"


def _due(work: Mapping[str, Any], ends: Iterable[str], day: str, deadlines: Mapping[int, int]) -> str:
    """When the first waiver ends where all is waived, else by urgency; empty where nobody said."""
    if not work["open"]:
        return min(ends, default="")
    days = deadlines.get(work["urgency"])
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat() if days else ""
