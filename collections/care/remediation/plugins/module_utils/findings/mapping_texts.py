# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a person reads on the terminal about a mapping that was proposed or tried, in French and English."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .escape import terminal
from .mapping_trial import Trial

MAX_LINES: Final = 20

_TEXTS: Final[dict[str, dict[str, str]]] = {
    "proposed": {"fr": "Correspondance proposée : {dest}", "en": "Mapping proposed: {dest}"},
    "kept": {
        "fr": "Correspondance présente, conservée et essayée : {dest}",
        "en": "Mapping that was there, kept and tried: {dest}",
    },
    "read": {
        "fr": "lignes lues : {rows} ; hôtes et domaines : {hosts} ; constats : {weaknesses} ; pour information : "
        "{informational}",
        "en": "rows read: {rows}; hosts and domains: {hosts}; findings: {weaknesses}; for information: {informational}",
    },
    "ungraded": {
        "fr": "constats sans gravité : {count} (complétez severities)",
        "en": "findings without a grade: {count} (complete severities)",
    },
    "error": {"fr": "ARRÊT : {error}", "en": "STOPPED: {error}"},
    "skipped": {"fr": "non lu : {count}", "en": "not read: {count}"},
    "place": {"fr": "  {place} : {reason}", "en": "  {place}: {reason}"},
    "more": {"fr": "  … et {count} autres", "en": "  … and {count} more"},
    "unsure": {"fr": "à vérifier : {count}", "en": "to check: {count}"},
    "next": {
        "fr": "Relisez le fichier, puis relancez la même commande : elle dit ce qu'il ne lit pas encore.",
        "en": "Read the file through, then run the same command again: it says what it does not read yet.",
    },
    "done": {
        "fr": "Tout est lu. plan.yml reconnaît désormais ce rapport.",
        "en": "All of it is read. plan.yml knows this report from now on.",
    },
}


def told(trial: Trial, *, dest: str, kept: bool, unsure: Sequence[str], language: str) -> tuple[str, list[str]]:
    """Heading and lines, safe for a terminal; ``language`` is fr or en."""

    def say(key: str, **values: object) -> str:
        return _TEXTS[key][language].format(**values)

    lines = []
    if trial.error is not None:
        lines.append(say("error", error=terminal(trial.error, 400)))
    lines.append(
        say(
            "read",
            rows=trial.rows,
            hosts=trial.hosts,
            weaknesses=trial.weaknesses,
            informational=trial.informational,
        )
    )
    if trial.ungraded:
        lines.append(say("ungraded", count=trial.ungraded))
    lines += [terminal(note, 400) for note in trial.notes]
    if trial.skipped.count:
        lines.append(say("skipped", count=trial.skipped.count))
        lines += [
            say("place", place=terminal(one["place"], 120), reason=terminal(one["reason"], 300))
            for one in trial.skipped.first[:MAX_LINES]
        ]
        if trial.skipped.count > MAX_LINES:
            lines.append(say("more", count=trial.skipped.count - MAX_LINES))
    if unsure:
        lines.append(say("unsure", count=len(unsure)))
        lines += [f"  {terminal(one, 200)}" for one in unsure[:MAX_LINES]]
        if len(unsure) > MAX_LINES:
            lines.append(say("more", count=len(unsure) - MAX_LINES))
    whole = kept and trial.error is None and not trial.skipped.count and not trial.ungraded
    lines.append(say("done" if whole else "next"))
    return say("kept" if kept else "proposed", dest=terminal(dest)), lines
