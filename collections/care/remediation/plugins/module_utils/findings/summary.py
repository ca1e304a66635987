# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the terminal shows of a plan, of verdicts and of evidence: short, aligned, no escape sequence from anywhere."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .escape import terminal
from .pages_text import TEXTS, reason

# The terminal shows that many pieces of work, findings in the way and waivers that have run out; the page has more.
SHOWN: Final = 40


def plan(document: Mapping[str, Any], language: str, page: str) -> list[str]:
    """The plan, in the order to act."""
    t = TEXTS[language]
    actions = document["counts"]["actions"]
    lines = []
    onward = {one["host"]: one for one in document["next_level"]}
    for one in document["levels"]:
        lines += level(one, language, blocking=False)
        lines += [*(next_level(onward[one["host"]], language) if one["host"] in onward else []), ""]
    rows = [
        (
            str(work["place"]),
            _grade(work, t),
            work["control"],
            terminal(work["title"][language], 60),
            str(work["hosts_total"]),
            str(work["changes"]),
            str(work["findings"]),
            ", ".join(f"{count} {t['actions'][action]}" for action, count in work["actions"].items()),
        )
        for work in document["works"][:SHOWN]
    ]
    head = ("", t["level"], t["control"], "", t["hosts"], t["changes"], t["findings"], t["decision"])
    lines += table(head, rows) if rows else [t["nothing"]]
    if len(document["works"]) > SHOWN:
        lines.append(f"… {t['more_works'].format(n=len(document['works']) - SHOWN)}")
    waiting = sum(actions.get(key, 0) for key in ("undecided", "expired", "no_object"))
    lines += [
        "",
        f"{document['counts']['findings']} {t['findings']} : {actions.get('apply', 0)} {t['will_apply']}, {waiting} "
        f"{t['to_decide']}, {actions.get('waived', 0)} {t['waived_count']}, "
        f"{actions.get('manual', 0) + len(document['unmapped'])} {t['manual_work']}",
        *waived(document["waivers"], language),
        *_expired(document, t),
    ]
    if document["dropped"]:
        lines.append(
            f"{t['dropped_title']} : {', '.join(terminal(one['finding'], 20) for one in document['dropped'][:20])}"
        )
    lines += _notes(document, t)
    return [*lines, page]


def next_level(one: Mapping[str, Any], language: str) -> list[str]:
    """What gets one domain to the next level with the fewest changes, and what stands in the way."""
    t, total = TEXTS[language], one["total"]
    lines = [
        f"  {t['next_title'].format(n=one['to'])} : {t['next_total'].format(n=one['to'], **_counts(total))}",
        *(
            f"  {place:3}. {each['control']} ({t['object_count'].format(n=each['objects'])}, "
            f"{t['change_count'].format(n=each['changes'])}"
            f"{', ' + t['classes'][each['class']] if each['class'] else ''}{obstacles(each['obstacles'], t)})"
            for place, each in enumerate(one["controls"], start=1)
        ),
    ]
    if total["uncounted"]:
        lines.append(f"  {t['next_uncounted'].format(n=total['uncounted'])}")
    if one["in_the_way_total"]:
        lines.append(f"  {t['next_in_the_way'].format(n=one['in_the_way_total'])}{obstacles(total['obstacles'], t)}")
    else:
        lines.append(f"  {t['next_nothing_in_the_way']}")
    if one["unverified"]:
        lines.append(f"  {t['next_unverified']} : {_some(one['unverified'])}")
    lines += [
        f"  {t['next_further']}, {t['level_n'].format(n=step['to']).lower()} : "
        f"{t['object_count'].format(n=step['objects'])}, {t['change_count'].format(n=step['changes'])}"
        for step in one["further"]
    ]
    return lines


def _counts(tally: Mapping[str, Any]) -> dict[str, int]:
    return {key: tally[key] for key in ("objects", "changes", "planned")}


def obstacles(found: Mapping[str, int], t: Mapping[str, Any]) -> str:
    """How many findings stand in the way for which reason, after a colon; nothing where none does."""
    said = ", ".join(f"{count} {t['obstacles'][kind]}" for kind, count in found.items())
    return f" : {said}" if said else ""


def waived(counts: Mapping[str, Any], language: str) -> list[str]:
    """The line that counts waivers; none where there never was one."""
    t = TEXTS[language]
    if not counts["in_force"] and not counts["expired"]:
        return []
    line = t["waivers_line"].format(**{key: counts[key] for key in ("in_force", "expiring", "days", "expired")})
    after = f" ({t['waivers_next'].format(date=counts['next'])})" if counts["next"] else ""
    return [f"{t['waivers']} : {line}{after}"]


def _expired(document: Mapping[str, Any], t: Mapping[str, Any]) -> list[str]:
    found = (
        (control["control"], finding)
        for control in document["controls"]
        if document["waivers"]["expired"]
        for finding in control["findings"]
        if finding["action"] == "expired"
    )
    return [
        f"! {t['actions']['expired']} : {control} {terminal(finding['object']['label'], 60)} "
        f"({finding['waiver']['until']}, {terminal(finding['waiver']['owner'], 60)})"
        for control, finding in itertools.islice(found, SHOWN)
    ]


def _notes(document: Mapping[str, Any], t: Mapping[str, Any]) -> list[str]:
    return [
        f"! {terminal(source['file'], 120)} : {t['partial']}" for source in document["sources"] if source["partial"]
    ] + [
        f"! {t['unread_title']} : {one['control']} ({terminal(one['host'], 60)}) : {terminal(one['reason'], 160)}"
        for one in document["unread"]
    ]


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


def level(
    one: Mapping[str, Any], language: str, *, before: Mapping[str, Any] | None = None, blocking: bool = True
) -> list[str]:
    """The level of one domain (before and now), its bounds while something is unverified, what blocks the next one
    (left out where ``next_level`` says it).

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
    if blocking and one["blocking_next"]:
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
    lines += waived(document["counts"]["waivers"], language)
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
