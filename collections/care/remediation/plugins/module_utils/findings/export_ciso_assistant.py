# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Findings and decisions as CISO Assistant (intuitem) reads them: CSV files for its data import wizard.

Columns and values are those of its documentation (guide/data-import-wizard.md) and of its importer
(backend/data_wizard/views.py, 2026); it reads them with pandas: UTF-8, commas. An audit is keyed by the requirement
nodes of its library ``anssi-points-de-controle-active-directory`` (``vuln_krbtgt-l2``: control and level), which must
be loaded there first. There is no library of CaRE domain 1: exposure goes into the follow-up of findings.
"""

from __future__ import annotations

import codecs
import csv
import datetime
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .decisions import Decision
from .document import digest_file
from .escape import cell, terminal
from .model import DIRECTORY_TYPES, LIVE_TYPES

FRAMEWORK: Final = "anssi-points-de-controle-active-directory"
URN: Final = f"urn:intuitem:risk:req_node:{FRAMEWORK}:"
# Where its library (version 2, April 2026) has another level than the list of ANSSI that we follow.
OTHER_LEVELS: Final = {"vuln_dsheuristics_bad": (1, 2, 3)}

AUDIT: Final = (
    "urn",
    "assessable",
    "ref_id",
    "name",
    "description",
    "compliance_result",
    "requirement_progress",
    # There and empty: its importer takes a missing column of a score for a score.
    "score",
    "implementation_score",
    "documentation_score",
    "observations",
)
FINDINGS: Final = ("ref_id", "name", "description", "severity", "status", "priority", "observation")
EXCEPTIONS: Final = ("ref_id", "name", "description", "severity", "status", "expiration_date", "observation")
EVIDENCES: Final = ("ref_id", "name", "description")

SEVERITIES: Final = ("critical", "high", "medium", "low")
MAX_NAME: Final = 200
MAX_TEXT: Final = 8000
MAX_LISTED: Final = 50

TEXTS: Final = {
    "fr": {
        "level": "niveau",
        "object": "Objet",
        "host": "Hôte",
        "control": "Point de contrôle",
        "todo": "À faire",
        "said": "D'après {type}, {rule} : {wording}",
        "unconfirmed": "Non confirmé par l'audit : {unconfirmed}",
        "protected": "Compte protégé ({protected}) : jamais modifié.",
        "accepted": "Risque accepté par {owner} jusqu'au {until} : {reason}",
        "expired": "Dérogation échue le {until} ({owner} : {reason})",
        "found": "{count} constat(s) : {objects}",
        "waived": "dont {count} avec un risque accepté",
        "none": "Rien trouvé.",
        "unread": "Non évalué : {reason}",
        "not_judged": "Aucune source ne l'a évalué.",
        "sources": "Sources : {sources}",
        "document": "Document de care.remediation, à joindre à cette preuve. SHA-256 : {sha256}",
    },
    "en": {
        "level": "level",
        "object": "Object",
        "host": "Host",
        "control": "Control",
        "todo": "To do",
        "said": "According to {type}, {rule}: {wording}",
        "unconfirmed": "Not confirmed by the audit: {unconfirmed}",
        "protected": "Protected account ({protected}): never changed.",
        "accepted": "Risk accepted by {owner} until {until}: {reason}",
        "expired": "The waiver ended on {until} ({owner}: {reason})",
        "found": "{count} finding(s): {objects}",
        "waived": "of which {count} with an accepted risk",
        "none": "Nothing found.",
        "unread": "Not evaluated: {reason}",
        "not_judged": "No source evaluated it.",
        "sources": "Sources: {sources}",
        "document": "Document of care.remediation, to be attached to this evidence. SHA-256: {sha256}",
    },
}


class _Export:
    """One export: what it is made from, and the day on which waivers are judged."""

    def __init__(
        self,
        findings: Mapping[str, Any],
        decisions: Mapping[str, Decision],
        catalogue: Mapping[str, Any],
        language: str,
        today: datetime.date,
    ) -> None:
        self.findings: Sequence[Mapping[str, Any]] = findings["findings"]
        self.sources: Sequence[Mapping[str, Any]] = findings["sources"]
        self.decisions = decisions
        self.catalogue = catalogue
        self.language = language
        self.words = TEXTS[language]
        self.day = today
        self._names: Counter[int] | None = None
        self.of_id = {source["id"]: source for source in self.sources}
        self.by_control: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for one in self.findings:
            self.by_control.setdefault((one["host"], one["control"]), []).append(one)

    def domains(self) -> list[str]:
        """Every domain that a source judged, or a directory finding names."""
        hosts = {host for source in self.sources if source["type"] in DIRECTORY_TYPES for host in source["targets"]}
        hosts |= {one["host"] for one in self.findings if one["level"] is not None}
        return sorted(hosts)

    def waived(self, one: Mapping[str, Any]) -> bool:
        decision = self.decisions.get(one["id"])
        return decision is not None and decision.effective(self.day) == "waive"

    def judged_by(self, host: str, control: str) -> list[Mapping[str, Any]]:
        """The sources that evaluated a control on a host, whole."""
        return [
            source
            for source in self.sources
            if host in source["targets"] and control in source["covers"] and not source["partial"]
        ]

    def unread(self, host: str, control: str) -> str:
        """Why a source could not evaluate a control, or nothing."""
        reasons = (s["unreadable"].get(control) for s in self.sources if host in s["targets"])
        return next((reason for reason in reasons if reason), "")

    def title(self, control: str) -> str:
        entry = self.catalogue.get(control)
        return str(entry.title[self.language]) if entry else control

    # --- the audit of a domain

    def audit(self, host: str, scored: Mapping[str, Sequence[int]]) -> Iterator[dict[str, str]]:
        """One row for each requirement node of the framework: a control at one of its levels."""
        for control, levels in sorted(scored.items()):
            for level in OTHER_LEVELS.get(control, levels):
                ref_id = f"{control}-l{level}"
                result, observations = self._result(host, control, level)
                yield {
                    "urn": f"{URN}{ref_id}",
                    "assessable": "x",
                    "ref_id": ref_id,
                    "name": f"{self.title(control)} ({self.words['level']} {level})",
                    "compliance_result": result,
                    "requirement_progress": {"compliant": "done", "non_compliant": "in_progress"}.get(result, "to_do"),
                    "observations": observations,
                }

    def _result(self, host: str, control: str, level: int) -> tuple[str, str]:
        """A level is not held by what stands at it or below it: its thresholds are stricter than those of the lower."""
        found = [one for one in self.by_control.get((host, control), []) if (one["level"] or 1) <= level]
        counted = [one for one in found if not one.get("unconfirmed")]
        if counted:
            return "non_compliant", self._found(counted)
        judges = self.judged_by(host, control)
        if found:  # a report says so, and the live audit does not bear it out: a person decides
            return "not_assessed", self._found(found)
        if not judges:
            reason = self.unread(host, control)
            words = self.words["unread"].format(reason=reason) if reason else self.words["not_judged"]
            return "not_assessed", words
        return "compliant", f"{self.words['none']} {self._who(judges)}"

    def _found(self, found: Sequence[Mapping[str, Any]]) -> str:
        labels = [str(one["object"]["label"]) for one in found[:MAX_LISTED]]
        objects = ", ".join(labels) + ("…" if len(found) > MAX_LISTED else "")
        parts = [self.words["found"].format(count=len(found), objects=objects)]
        waived = sum(map(self.waived, found))
        if waived:
            parts.append(self.words["waived"].format(count=waived))
        return "; ".join(parts)

    def _who(self, judges: Iterable[Mapping[str, Any]]) -> str:
        named = (
            " ".join(str(part) for part in (source["type"], source["tool_version"], source["generated"]) if part)
            for source in judges
        )
        return self.words["sources"].format(sources=", ".join(sorted(set(named))))

    # --- findings

    def follow_up(self) -> Iterator[dict[str, str]]:
        """One row for each finding."""
        for one in self.findings:
            decision = self.decisions.get(one["id"])
            yield {
                "ref_id": one["id"],
                "name": self._name(one),
                "description": self._description(one),
                "severity": self._severity(one),
                "status": self._status(one, decision),
                "priority": str(min(max(one["level"], 1), 4)) if one["level"] else "",
                "observation": self._observation(one, decision),
            }

    def exceptions(self) -> Iterator[dict[str, str]]:
        """One row for each waiver, expired ones too: who accepts the risk, why, until when."""
        for one in self.findings:
            decision = self.decisions.get(one["id"])
            waiver = decision.waiver() if decision else None
            if decision is None or waiver is None:
                continue
            yield {
                "ref_id": one["id"],
                "name": self._name(one),
                "description": self._description(one),
                "severity": self._severity(one) or "undefined",
                "status": "approved" if self.waived(one) else "expired",
                "expiration_date": waiver["until"],
                "observation": f"{waiver['owner']}: {waiver['reason']}",
            }

    def _name(self, one: Mapping[str, Any]) -> str:
        """Names that several findings have get their id: its importer tells rows apart by id or name."""
        name = self._plain_name(one)
        if self._names is None:
            self._names = Counter(hash(self._plain_name(other).casefold()) for other in self.findings)
        return f"{_cut(name, MAX_NAME - 25)} [{one['id']}]" if self._names[hash(name.casefold())] > 1 else name

    def _plain_name(self, one: Mapping[str, Any]) -> str:
        title = one["evidence"].get("title") or self.title(one["control"])
        return terminal(f"{one['control']} · {one['host']} · {one['object']['label']} · {title}", MAX_NAME - 1)

    def _description(self, one: Mapping[str, Any]) -> str:
        words, what = self.words, one["object"]
        parts = [self.title(one["control"])]
        entry = self.catalogue.get(one["control"])
        parts += [str(entry.why[self.language])] if entry else []
        parts.append(f"{words['control']}: {one['control']}. {words['host']}: {one['host']}.")
        parts.append(
            f"{words['object']}: {what['label']}" + (f" ({what['id']})" if what["id"] != what["label"] else "")
        )
        for mention in one["sources"][:10]:
            source = self.of_id[mention["source"]]
            wording = _cut(mention["wording"], 1000)
            parts.append(words["said"].format(type=source["type"], rule=mention["rule"], wording=wording))
        parts += [f"{words['todo']}: {entry.manual[self.language]}"] if entry else []
        return " | ".join(parts)

    @staticmethod
    def _severity(one: Mapping[str, Any]) -> str:
        if one["severity"] in SEVERITIES:
            return str(one["severity"])
        return SEVERITIES[min(one["level"], 4) - 1] if one["level"] else ""

    def _status(self, one: Mapping[str, Any], decision: Decision | None) -> str:
        """``dismissed``: a waiver that still holds; ``in_progress``: to be corrected; else what is known of it."""
        if self.waived(one):
            return "dismissed"
        if decision is not None and decision.decision == "apply":
            return "in_progress"
        types = {self.of_id[mention["source"]]["type"] for mention in one["sources"]}
        return "confirmed" if types & LIVE_TYPES and not one.get("unconfirmed") else "identified"

    def _observation(self, one: Mapping[str, Any], decision: Decision | None) -> str:
        parts = []
        waiver = decision.waiver() if decision else None
        if waiver:
            parts.append(self.words["accepted" if self.waived(one) else "expired"].format(**waiver))
        if one.get("unconfirmed"):
            parts.append(self.words["unconfirmed"].format(unconfirmed=one["unconfirmed"]))
        if one["protected"]:
            parts.append(self.words["protected"].format(protected=one["protected"]))
        return " | ".join(parts)

    # --- evidences

    def evidences(self, scored: Mapping[str, Sequence[int]], documents: Sequence[Path]) -> list[dict[str, str]]:
        """One row for each document, and for each control judged on a domain: who judged it, when, with what result."""
        rows = [
            {
                "ref_id": f"care.{path.name}",
                "name": f"care.remediation · {path.name}",
                "description": self.words["document"].format(sha256=digest_file(path)),
            }
            for path in documents
        ]
        for host in self.domains():
            for control in sorted(scored):
                judges = self.judged_by(host, control)
                found = self.by_control.get((host, control), [])
                if not judges and not found:
                    continue
                sources = judges or [self.of_id[mention["source"]] for one in found for mention in one["sources"]]
                result = self._found(found) if found else self.words["none"]
                rows.append(
                    {
                        "ref_id": _cut(f"{control}.{host}", 100),
                        "name": _cut(f"{control} · {host}", MAX_NAME),
                        "description": f"{self.title(control)}: {result} | {self._who(sources)} | "
                        + ", ".join(sorted({f"{Path(s['file']).name} SHA-256 {s['sha256']}" for s in sources})),
                    }
                )
        return rows


def build(
    findings: Mapping[str, Any],
    decisions: Mapping[str, Decision],
    catalogue: Mapping[str, Any],
    *,
    scored: Mapping[str, Sequence[int]],
    documents: Sequence[Path] = (),
    language: str = "fr",
    today: datetime.date | None = None,
) -> dict[str, Iterator[bytes]]:
    """File name to content, piece by piece. ``scored``: control id to its ANSSI levels (the catalogue's edition);
    ``documents``: files that the evidence rests on. The same input gives the same bytes."""
    export = _Export(findings, decisions, catalogue, language, today or datetime.datetime.now(datetime.UTC).date())
    files = {f"audit-{_file_name(host)}.csv": _csv(AUDIT, export.audit(host, scored)) for host in export.domains()}
    files["findings.csv"] = _csv(FINDINGS, export.follow_up())
    files["exceptions.csv"] = _csv(EXCEPTIONS, export.exceptions())
    files["evidences.csv"] = _csv(EVIDENCES, export.evidences(scored, documents))
    return files


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> Iterator[bytes]:
    """As its importer reads it (pandas, the defaults), with a byte order mark for spreadsheet programs; no cell is a
    formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(columns)
    yield codecs.BOM_UTF8
    for row in rows:
        writer.writerow([cell(_cut(row.get(name, ""), MAX_TEXT)) for name in columns])
        yield stream.getvalue().encode("utf-8", errors="replace")
        stream.seek(0)
        stream.truncate()
    yield stream.getvalue().encode("utf-8", errors="replace")


def _cut(value: Any, limit: int) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _file_name(host: str) -> str:
    """A host of the inventory as part of a file's name: it cannot leave its folder."""
    plain = re.sub(r"[^\w.-]", "_", host).strip(".")[:100]
    return plain if plain == host else f"{plain}-{hashlib.sha256(host.encode('utf-8', 'replace')).hexdigest()[:8]}"
