# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the terminal shows of a plan, of verdicts and of evidence: short, aligned, no escape sequence from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .escape import terminal
from .pages_text import TEXTS, reason


def plan(document: Mapping[str, Any], language: str, page: str) -> list[str]:
    """The plan, in the order to act."""
    t = TEXTS[language]
    actions = document["counts"]["actions"]
    lines = []
    for one in document["levels"]:
        lines += [*level(one, language), ""]
    rows = [
        (
            _grade(control, t),
            control["control"],
            terminal(control["title"][language], 52),
            str(len(control["findings"])),
            ", ".join(f"{count} {t['actions'][action]}" for action, count in _actions(control).items()),
        )
        for control in document["controls"]
    ]
    lines += table((t["level"], t["control"], "", t["findings"], t["decision"]), rows) if rows else [t["nothing"]]
    waiting = sum(actions.get(key, 0) for key in ("undecided", "expired", "no_object"))
    lines += [
        "",
        f"{document['counts']['findings']} {t['findings']} : {actions.get('apply', 0)} {t['will_apply']}, {waiting} "
        f"{t['to_decide']}, {actions.get('waived', 0)} {t['waived_count']}, "
        f"{actions.get('manual', 0) + len(document['unmapped'])} {t['manual_work']}",
    ]
    for control in document["controls"]:
        for finding in control["findings"]:
            if finding["action"] == "expired":
                lines.append(
                    f"! {t['actions']['expired']} : {control['control']} {terminal(finding['object']['label'], 60)} "
                    f"({finding['waiver']['until']}, {terminal(finding['waiver']['owner'], 60)})"
                )
    if document["dropped"]:
        lines.append(
            f"{t['dropped_title']} : {', '.join(terminal(one['finding'], 20) for one in document['dropped'][:20])}"
        )
    lines += _notes(document, t)
    return [*lines, page]


def _notes(document: Mapping[str, Any], t: Mapping[str, Any]) -> list[str]:
    return [
        f"! {terminal(source['file'], 120)} : {t['partial']}" for source in document["sources"] if source["partial"]
    ] + [
        f"! {t['unread_title']} : {one['control']} ({terminal(one['host'], 60)}) : {terminal(one['reason'], 160)}"
        for one in document["unread"]
    ]


def _actions(control: Mapping[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for finding in control["findings"]:
        counts[finding["action"]] = counts.get(finding["action"], 0) + 1
    return counts


def verdicts(document: Mapping[str, Any], language: str) -> list[str]:
    """One line a control and host, worst grade first."""
    t = TEXTS[language]
    rows = []
    for one in document["controls"]:
        counts = ", ".join(f"{count} {t['verdicts'][verdict]}" for verdict, count in one["findings"].items() if count)
        rows.append(
            (
                _grade(one, t),
                one["control"],
                terminal(one["host"], 40),
                t["verdicts"][one["verdict"]],
                terminal(reason(one["reason"], language), 90) or counts,
            )
        )
    lines = table((t["level"], t["control"], t["host"], t["verdict"], ""), rows)
    for one in document["after"]["levels"]:
        before = next((each for each in document["before"]["levels"] if each["host"] == one["host"]), None)
        lines += ["", *level(one, language, before=before)]
    return lines


def level(one: Mapping[str, Any], language: str, *, before: Mapping[str, Any] | None = None) -> list[str]:
    """The level of one domain (before and now), its bounds while something is unverified, what blocks the next one.

    ``one``: what ``controls.level.assess`` gives, with the ``host``.
    """
    t = TEXTS[language]
    now = f"{reached(before, t)} → {reached(one, t)}" if before else reached(one, t)
    lines = [
        f"{t['ads_level_estimate']} : {now} {t['of_five']} — {terminal(one['host'], 60)} "
        f"({one['evaluated']} {t['evaluated'].format(scored=one['scored'])})"
    ]
    if one["reached"] is None:
        lines.append(f"  {bounds(one, t)} : {_some(could_lower(one))}")
    if one["blocking_next"]:
        lines.append(f"  {t['to_reach'].format(n=one['at_most'] + 1)} :")
        lines += [
            f"  {place:3}. {each['control']} ({t['object_count'].format(n=each['findings'])}"
            f"{', ' + t['classes'][each['class']] if each['class'] else ''})"
            for place, each in enumerate(one["blocking_next"], start=1)
        ]
    return lines


def reached(one: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    """The level as a number, or ``at most`` its upper bound."""
    return str(one["reached"]) if one["reached"] is not None else f"{t['at_most']} {one['at_most']}"


def bounds(one: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    """Between which levels a domain stands while controls are unverified."""
    count = len(could_lower(one))
    return str(t["level_bounds"].format(at_least=one["at_least"], at_most=one["at_most"], count=count))


def could_lower(one: Mapping[str, Any]) -> list[str]:
    """The unverified controls whose failure would lower the level."""
    below = [entry["unverified"] for level, entry in one["by_level"].items() if int(level) < one["at_most"]]
    return sorted({control for controls in below for control in controls})


def _some(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f", … ({len(names)})" if len(names) > most else "")


def failures(bad: Sequence[Mapping[str, Any]], language: str) -> str:
    """Why a verification fails: which control, on which object."""
    t = TEXTS[language]
    lines = [
        f"- {t['verdicts'][one['verdict']]} : {one['control']} — {terminal(one['object']['label'], 80)} "
        f"({terminal(one['host'], 60)}) : {terminal(reason(one['reason'], language), 160)}"
        for one in bad[:30]
    ]
    if len(bad) > 30:
        lines.append(t["and_n_more"].format(n=len(bad) - 30))
    return "\n".join(lines)


def evidence(document: Mapping[str, Any], language: str, files: Sequence[str]) -> list[str]:
    """The counts, what remains by whom, and where the files are."""
    t = TEXTS[language]
    counts = document["counts"]["findings"]
    lines = [", ".join(f"{counts[verdict]} {t['verdicts'][verdict]}" for verdict in counts)]
    roles: dict[str, int] = {}
    for one in document["remains"]:
        roles[one["role"]] = roles.get(one["role"], 0) + 1
    lines += [f"{t['remains_title']} :"] if roles else [t["remains_none"]]
    lines += [f"  {count:4}  {t['roles'][role]}" for role, count in roles.items()]
    return [*lines, *files]


def _grade(one: Mapping[str, Any], t: Mapping[str, Any]) -> str:
    if one["level"] is not None:
        return str(t["level_n"].format(n=one["level"]))
    return str(t["severities"].get(one["severity"], "–")) if one["severity"] else "–"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Aligned columns; the last one is not padded."""
    widths = [max(len(row[index]) for row in (head, *rows)) for index in range(len(head))]
    lines = [
        "  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    ]
    return [lines[0], "  ".join("─" * width for width in widths), *lines[1:]]
