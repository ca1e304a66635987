# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Evidence: before, after, verdicts, waivers, what was changed, what remains and who must do it."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from . import document, waivers
from .escape import cell
from .plan import text
from .ways import ways

SCHEMA: Final = "care.remediation/evidence/1"

VERDICTS: Final = {
    "fr": {
        "compliant": "conforme",
        "changed": "corrigé",
        "failed": "en échec",
        "unverified": "non vérifié",
        "waived": "dérogation",
    },
    "en": {
        "compliant": "compliant",
        "changed": "corrected",
        "failed": "failed",
        "unverified": "unverified",
        "waived": "waived",
    },
}


def build(
    before: Mapping[str, Any],
    verdicts: Mapping[str, Any],
    catalogue: Mapping[str, Any],
    *,
    establishment: str = "",
    responsibles: Mapping[str, str] | None = None,
    change_set: Mapping[str, Any] | None = None,
    runs: Sequence[Mapping[str, Any]] = (),
    documents: Sequence[Path] = (),
    today: datetime.date | None = None,
) -> dict[str, Any]:
    """The evidence/1 document.

    ``responsibles`` maps a catalogue family (or ``default``) to who answers for it; ``documents`` are the files that
    this evidence rests on, named with their SHA-256.
    """
    names, day = dict(responsibles or {}), today or datetime.datetime.now(datetime.UTC).date()
    known = {finding["id"]: ways(finding["evidence"]) for finding in before["findings"]}
    remains = [
        one | {"what": _what(one, catalogue)}
        for finding in verdicts["findings"]
        if (one := _remaining(finding, catalogue, names)) is not None
    ]
    new = _new(verdicts)
    there = {(one["control"], one["host"]) for one in remains}
    for control in verdicts["controls"]:
        if control["verdict"] == "unverified" and (control["control"], control["host"]) not in there:
            one = _remain(control, "–", "unverified", "auditor", "", control["reason"])
            remains.append(one | {"what": _what(one, catalogue)})
    return {
        "schema": SCHEMA,
        "generated": document.now(),
        "catalogue": verdicts["catalogue"],
        "establishment": establishment,
        "before": {
            "generated": before["generated"],
            "levels": verdicts["before"]["levels"],
            "findings": len(before["findings"]),
            "sources": [_source(source) for source in before["sources"]],
        },
        "after": verdicts["after"],
        "counts": verdicts["counts"] | {"waivers": waivers.count(_ends(verdicts), day)},
        "controls": [
            control | {"before": sum(control["findings"].values()) - new[control["control"], control["host"]]}
            for control in verdicts["controls"]
        ],
        "findings": [
            finding
            | {
                "title": _title(catalogue, finding["control"]),
                "responsible": _who(finding, catalogue, names),
                "ways": known.get(finding["id"]),
            }
            for finding in verdicts["findings"]
        ],
        "waivers": [finding for finding in verdicts["findings"] if finding["waiver"]],
        "change_set": _change_set(change_set),
        "runs": list(runs),
        "remains": remains,
        "unmapped": before["unmapped"],
        "documents": [
            {"file": str(path), "sha256": document.digest_file(path)} for path in documents if path.is_file()
        ],
    }


def _ends(verdicts: Mapping[str, Any]) -> Iterator[str]:
    """The last day of each waiver whose finding still stands."""
    for finding in verdicts["findings"]:
        if finding["waiver"] and finding["verdict"] not in ("changed", "compliant"):
            yield finding["waiver"]["until"]


def _new(verdicts: Mapping[str, Any]) -> Counter[tuple[str, str]]:
    """How many findings of each control and host were not there before."""
    return Counter((one["control"], one["host"]) for one in verdicts["findings"] if one["new"])


def _title(catalogue: Mapping[str, Any], control: str) -> dict[str, str]:
    return text(catalogue[control].title) if control in catalogue else {"fr": control, "en": control}


def _who(finding: Mapping[str, Any], catalogue: Mapping[str, Any], names: Mapping[str, str]) -> str:
    family = catalogue[finding["control"]].family if finding["control"] in catalogue else ""
    return names.get(family) or names.get("default") or ""


def _remaining(
    finding: Mapping[str, Any], catalogue: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any] | None:
    verdict, label = finding["verdict"], finding["object"]["label"]
    who = _who(finding, catalogue, names)
    if verdict == "failed":
        if finding["protected"]:
            role = "protected"
        elif finding["decision"] == "apply":
            role = "administrator"
        elif finding["waiver"]:
            role = "expired"
        else:
            role = "decide"
        return _remain(finding, label, verdict, role, who, finding["reason"])
    if verdict == "unverified":
        return _remain(finding, label, verdict, "auditor", who, finding["reason"])
    if verdict == "waived":
        return _remain(finding, label, verdict, "owner", finding["waiver"]["owner"], f"{finding['waiver']['until']}")
    return None


def _remain(one: Mapping[str, Any], label: str, verdict: str, role: str, name: str, reason: str) -> dict[str, Any]:
    return {
        "control": one["control"],
        "host": one["host"],
        "object": label,
        "level": one["level"],
        "severity": one["severity"],
        "verdict": verdict,
        "role": role,
        "name": name,
        "reason": reason,
    }


def _what(one: Mapping[str, Any], catalogue: Mapping[str, Any]) -> dict[str, str]:
    entry = catalogue.get(one["control"])
    return text(entry.manual) if entry and one["verdict"] == "failed" else {"fr": "", "en": ""}


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {key: source[key] for key in ("type", "file", "sha256", "generated", "level", "partial")}


def _change_set(change_set: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if change_set is None:
        return None
    changes = change_set["changes"]
    return {
        "digest": str(change_set["digest"]),
        "created": change_set["created"],
        "changes": len(changes),
        "irreversible": sum(not change.get("reversible", True) for change in changes),
    }


def read_change_set(path: Path) -> dict[str, Any] | None:
    """The change set in ``path``, or None where there is none. Raises DocumentError."""
    return document.read(path, "change-set/1") if path.exists() else None


def read_run(path: Path) -> dict[str, Any]:
    """What a journal (``runs/<run id>/journal.jsonl``) says was done. A torn last line is counted, not an error.

    Raises DocumentError for a journal that is not one.
    """
    statuses: dict[str, int] = {}
    first = last = None
    lines = torn = 0
    undone = False
    with path.open(encoding="utf-8", errors="replace") as stream:
        for raw in stream:
            try:
                entry = json.loads(raw)
            except json.JSONDecodeError as exc:
                if not raw.endswith("\n"):
                    torn += 1
                    break
                raise document.DocumentError(f"{path}: line {lines + 1}: not JSON: {exc.msg}") from exc
            lines += 1
            first = first or entry.get("time")
            last = entry.get("time") or last
            if entry.get("event") in ("result", "undo_result"):
                status = str(entry.get("status"))
                statuses[status] = statuses.get(status, 0) + 1
                undone = undone or entry.get("event") == "undo_result"
    return {
        "run": path.parent.name,
        "file": str(path),
        "sha256": document.digest_file(path),
        "started": first,
        "ended": last,
        "lines": lines,
        "torn": torn,
        "undone": undone,
        "results": dict(sorted(statuses.items())),
    }


COLUMNS: Final = (
    "Contrôle",
    "Intitulé",
    "Hôte",
    "Objet",
    "Niveau ANSSI",
    "Criticité",
    "Compte protégé",
    "Décision",
    "Verdict",
    "Motif",
    "Dérogation : responsable",
    "Dérogation : motif",
    "Dérogation : fin",
    "Responsable",
    "Identifiant du constat",
)


def to_csv(evidence: Mapping[str, Any]) -> bytes:
    """The findings as CSV for a spreadsheet program set to French: UTF-8 with BOM, semicolons, every cell quoted and
    none that a program takes for a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for finding in evidence["findings"]:
        waiver = finding["waiver"] or {"owner": "", "reason": "", "until": ""}
        row = (
            finding["control"],
            finding["title"]["fr"],
            finding["host"],
            finding["object"]["label"],
            finding["level"],
            finding["severity"],
            finding["protected"],
            finding["decision"],
            VERDICTS["fr"][finding["verdict"]],
            finding["reason"],
            waiver["owner"],
            waiver["reason"],
            waiver["until"],
            finding["responsible"],
            finding["id"],
        )
        writer.writerow([cell(value) for value in row])
    return stream.getvalue().encode("utf-8-sig", errors="replace")
