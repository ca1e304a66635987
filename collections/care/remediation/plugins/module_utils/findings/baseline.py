# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What was found before the first change, kept from later plans.

``findings.json`` and ``decisions.yml`` say what is so now: a plan made after a correction no longer knows what it
corrected. So each run that is about to change something adds what is known at that moment to
``baseline/findings.json``, and keeps the decisions beside its journal. Nothing ever leaves the baseline but by a
person's hand (``baseline`` moved away: a new campaign).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from . import decisions, document

NAME: Final = "baseline/findings.json"
SHEET: Final = "decisions.yml"


def keep(care_dir: Path, run: Path) -> bool:
    """Before the first change of the run with folder ``run``: add the present findings to the baseline, copy the sheet.

    True when the baseline was written. Without ``findings.json`` (nothing was planned from findings) there is nothing
    to keep. Raises DocumentError for a findings.json or a baseline that cannot be read: then nothing may be changed,
    because nothing could be proved afterwards.
    """
    sheet = care_dir / SHEET
    if sheet.is_file():
        document.write_bytes(run / SHEET, sheet.read_bytes())
    if not (care_dir / "findings.json").is_file():
        return False
    present = document.read(care_dir / "findings.json", "findings/1")
    path = care_dir / NAME
    if not path.exists():
        document.write(path, present, "findings/1")
        return True
    known = document.read(path, "findings/1")
    made = extended(known, present)
    if made == known:
        return False
    document.write(path, made, "findings/1")
    return True


def extended(known: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """``known`` with what ``present`` found besides, and the sources that say so; all of ``known`` stays as it is."""
    there = {finding["id"] for finding in known["findings"]}
    fresh = [finding for finding in present["findings"] if finding["id"] not in there]
    if not fresh:
        return dict(known)
    sources = list(known["sources"])
    identities = {(source["type"], source["file"], source["sha256"]): source["id"] for source in sources}
    number = max((int(source["id"][1:]) for source in sources), default=0)
    cited = {said["source"] for finding in fresh for said in finding["sources"]}
    renamed: dict[str, str] = {}
    for source in present["sources"]:
        identity = (source["type"], source["file"], source["sha256"])
        if identity not in identities and source["id"] in cited:
            number += 1
            identities[identity] = f"s{number}"
            sources.append({**source, "id": f"s{number}"})
        if identity in identities:
            renamed[source["id"]] = identities[identity]
    added = [
        {**finding, "sources": [{**said, "source": renamed[said["source"]]} for said in finding["sources"]]}
        for finding in fresh
    ]
    statements = sum(len(finding["sources"]) for finding in added)
    counts = {key: known["counts"][key] + (statements if key in ("read", "mapped") else 0) for key in known["counts"]}
    findings = [*known["findings"], *added]
    return {**known, "generated": present["generated"], "sources": sources, "findings": findings, "counts": counts}


def before(care_dir: Path) -> Path:
    """The findings to compare with: the baseline once something was changed, else ``findings.json``."""
    path = care_dir / NAME
    return path if path.exists() else care_dir / "findings.json"


def settled(care_dir: Path) -> dict[str, decisions.Decision]:
    """The decisions by finding id: those of the sheet, and for findings that a later plan dropped from it those in
    force at the last run that knew them. Raises DecisionError."""
    found: dict[str, decisions.Decision] = {}
    for path in [*sorted(care_dir.glob(f"runs/*/{SHEET}")), care_dir / SHEET]:
        found.update(decisions.read(path).decisions)
    return found
