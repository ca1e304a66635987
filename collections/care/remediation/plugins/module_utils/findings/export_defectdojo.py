# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Findings and decisions as DefectDojo's generic findings JSON (its import type "Generic Findings Import").

Its importer refuses a whole file for one field that it does not know, so only fields are written that it has known for
long. What a report said goes into the description as an indented block, which Markdown shows as it is.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from .decisions import Decision
from .escape import terminal
from .model import LIVE_TYPES, canonical
from .records import normal_address

NAME: Final = "care.remediation"
SEVERITIES: Final = {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"}
# As model.rank puts them side by side: a critical exposure stands with level 1, and so on.
LEVELS: Final = {1: "Critical", 2: "High", 3: "Medium", 4: "Low", 5: "Low"}
FALSE_POSITIVE: Final = ("faux positif", "faux-positif", "false positive", "false-positive")
MAX_TITLE: Final = 500  # DefectDojo keeps 511 characters
MAX_LINES: Final = 200
MAX_ENDPOINTS: Final = 16
_VULNERABILITY: Final = re.compile(r"(?:CVE-[0-9]{4}-[0-9]{4,19}|GHSA(?:-[0-9a-z]{4}){3})")
_CWE: Final = re.compile(r"CWE-([0-9]{1,6})")
_CVSS3: Final = re.compile(r"CVSS:3\.[01](?:/[A-Z]{1,3}:[A-Z]){8,22}")
_dumps: Final = json.JSONEncoder(ensure_ascii=False).encode
_TAG: Final = re.compile(r"[^a-z0-9._-]+")
# What DefectDojo takes for a host name; anything else would be an invalid endpoint there.
_HOST: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{1,252}")

TEXTS: Final = {
    "fr": {
        "control": "Point de contrôle",
        "host": "Hôte",
        "object": "Objet",
        "said": "D'après",
        "cvss": "Score CVSS du rapport",
        "level": "Niveau ANSSI",
        "vendor": "Gravité selon le rapport",
        "ungraded": "Non gradé.",
        "unconfirmed": "Non confirmé par l'audit",
        "accepted": "Risque accepté par {owner} jusqu'au {until} : {reason}",
        "expired": "Dérogation échue le {until} ({owner} : {reason})",
        "protected": "Compte protégé",
    },
    "en": {
        "control": "Control",
        "host": "Host",
        "object": "Object",
        "said": "According to",
        "cvss": "CVSS score of the report",
        "level": "ANSSI level",
        "vendor": "Severity in the report",
        "ungraded": "Not graded.",
        "unconfirmed": "Not confirmed by the audit",
        "accepted": "Risk accepted by {owner} until {until}: {reason}",
        "expired": "The waiver ended on {until} ({owner}: {reason})",
        "protected": "Protected account",
    },
}


def entries(
    findings: Mapping[str, Any],
    decisions: Mapping[str, Decision],
    catalogue: Mapping[str, Any],
    *,
    language: str = "fr",
    day: datetime.date | None = None,
) -> Iterator[dict[str, Any]]:
    """What DefectDojo imports, finding by finding. ``findings`` is a findings/1 document, ``decisions`` by finding id.

    The same input gives the same output: ``unique_id_from_tool`` is the finding's id, so that importing again changes
    nothing, and DefectDojo's "close old findings" closes what is gone.
    """
    sources = {source["id"]: source for source in findings["sources"]}
    for one in findings["findings"]:
        control = catalogue.get(one["control"])
        yield _finding(one, decisions.get(one["id"]), control, sources, language, day or today())


def render(findings: Mapping[str, Any], entries: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The file, piece by piece, a finding a line: it is never held as a whole."""
    head = {"name": NAME, "description": f"findings.json of {findings['generated']}"}
    yield f'{_dumps(head)[:-1]}, "findings": ['.encode()
    comma = "\n"
    for one in entries:
        yield f"{comma}{_dumps(one)}".encode("utf-8", errors="replace")
        comma = ",\n"
    yield b"\n]}\n"


def today() -> datetime.date:
    """The day on which waivers are judged (UTC, as everywhere)."""
    return datetime.datetime.now(datetime.UTC).date()


def _finding(
    one: Mapping[str, Any],
    decision: Decision | None,
    control: Any,
    sources: Mapping[str, Mapping[str, Any]],
    language: str,
    day: datetime.date,
) -> dict[str, Any]:
    words, evidence = TEXTS[language], one["evidence"]
    title = _text(evidence.get("title") or (control.title[language] if control else one["control"]))
    label = _text(one["object"]["label"])
    accepted = decision is not None and decision.effective(day) == "waive"
    false_positive = accepted and decision is not None and decision.reason.casefold().startswith(FALSE_POSITIVE)
    types = {sources[mention["source"]]["type"] for mention in one["sources"]}
    made: dict[str, Any] = {
        "title": _text(title if label in title else f"{title} – {label}", MAX_TITLE),
        "severity": _severity(one, control),
        "description": _description(one, sources, words, control, language),
        "severity_justification": _justification(one, decision, words, day),
        "active": not accepted,
        "verified": bool(types & LIVE_TYPES) and not one.get("unconfirmed"),
        "false_p": false_positive,
        "risk_accepted": accepted and not false_positive,
        "static_finding": False,
        "dynamic_finding": True,
        "unique_id_from_tool": one["id"],
        "vuln_id_from_tool": one["control"],
        "service": _text(one["host"], 200),
        # the object as it is, so that our own reader gives the same finding again
        "param": canonical(one["object"]).decode("utf-8", errors="replace"),
        "endpoints": _endpoints(one),
        "tags": _tags(one, decision, control, types),
    }
    if control is not None:
        made["impact"] = _text(control.why[language], 4000)
        made["mitigation"] = _text(control.manual[language], 4000)
    solution = _block(evidence.get("solution"))
    if solution:
        made["mitigation"] = f"{made['mitigation']}\n\n{solution}" if "mitigation" in made else solution
    references = [_text(item) for item in _list(evidence.get("references"))[:20]]
    made["references"] = "\n".join([*([_text(control.reference)] if control else []), *references])
    return made | _vulnerability(evidence) | _date(one, sources)


def _vulnerability(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """CVE, CWE, CVSS and EPSS, each only where DefectDojo can take it as it is."""
    made: dict[str, Any] = {}
    ids = [item for item in _list(evidence.get("cve")) if _VULNERABILITY.fullmatch(item)]
    if ids:  # never with "cve": its importer would put the list into the list
        made["vulnerability_ids"] = ids
    weakness = next((match for item in _list(evidence.get("cwe")) if (match := _CWE.fullmatch(item))), None)
    if weakness:
        made["cwe"] = int(weakness[1])
    vector, score = evidence.get("cvss_vector"), _number(evidence.get("cvss"), 10)
    if isinstance(vector, str) and _CVSS3.fullmatch(vector):
        made["cvssv3"] = vector
        if score is not None:
            made["cvssv3_score"] = score
    probability = _number(evidence.get("epss"), 1)
    if probability is not None:
        made["epss_score"] = probability
    return made


def _date(one: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """When it was first seen: as the report says, else the oldest report that says it."""
    seen = one["evidence"].get("first_seen")
    times = [seen] if isinstance(seen, str) else []
    times = times or [str(t) for m in one["sources"] if (t := sources[m["source"]]["generated"])]
    days = sorted(time[:10] for time in times if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", time))
    try:
        return {"date": datetime.date.fromisoformat(days[0]).isoformat()} if days else {}
    except ValueError:
        return {}


def _severity(one: Mapping[str, Any], control: Any) -> str:
    severity, level = one["severity"], one["level"]
    if severity is None and level is None and control is not None:
        severity, level = control.severity, min(control.levels, default=None)
    return SEVERITIES.get(severity or "") or LEVELS.get(level or 0) or "Info"


def _description(
    one: Mapping[str, Any],
    sources: Mapping[str, Mapping[str, Any]],
    words: Mapping[str, str],
    control: Any,
    language: str,
) -> str:
    what = one["object"]
    lines = [f"{words['control']}: {one['control']}", f"{words['host']}: {one['host']}"]
    lines.append(f"{words['object']}: {what['label']}" + (f" ({what['id']})" if what["id"] != what["label"] else ""))
    if what["dn"] and what["dn"] not in (what["label"], what["id"]):
        lines.append(f"DN: {what['dn']}")
    score = _number(one["evidence"].get("cvss"), 10)
    if score is not None:
        lines.append(f"{words['cvss']}: {score}")
    if one["protected"]:
        lines.append(f"{words['protected']}: {one['protected']}")
    parts = ["\n".join(f"    {_text(line, 1000)}" for line in lines)]
    for mention in one["sources"]:
        type = sources[mention["source"]]["type"]
        parts += [f"{words['said']} {type}:", _block(f"{mention['rule']}\n{mention['wording']}")]
    return "\n\n".join([*([_text(control.title[language])] if control else []), *parts])


def _justification(
    one: Mapping[str, Any], decision: Decision | None, words: Mapping[str, str], day: datetime.date
) -> str:
    lines = []
    if one["level"] is not None:
        lines.append(f"{words['level']} {one['level']}.")
    vendor = list(dict.fromkeys(mention["severity"] for mention in one["sources"] if mention["severity"]))
    if vendor:
        lines.append(f"{words['vendor']}: {', '.join(vendor[:10])}.")
    if one["level"] is None and one["severity"] is None:
        lines.append(words["ungraded"])
    if one.get("unconfirmed"):
        lines.append(f"{words['unconfirmed']}: {one['unconfirmed']}")
    waiver = decision.waiver() if decision else None
    if decision is not None and waiver:
        key = "accepted" if decision.effective(day) == "waive" else "expired"
        lines.append(words[key].format(**waiver))
    return "\n\n".join(_text(line, 2000) for line in lines)


def _endpoints(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Where it is: the addresses that the reports saw, else the host's name; with the port where there is one."""
    evidence = one["evidence"]
    addresses = [found for item in _list(evidence.get("addresses")) if (found := normal_address(item))]
    hosts = addresses or ([one["host"]] if _HOST.fullmatch(one["host"]) or normal_address(one["host"]) else [])
    made: list[dict[str, Any]] = []
    number, protocol = evidence.get("port"), evidence.get("protocol")
    for host in dict.fromkeys(hosts[:MAX_ENDPOINTS]):
        endpoint: dict[str, Any] = {"host": host}
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 65536:
            endpoint["port"] = number
            if protocol in ("tcp", "udp", "sctp"):
                endpoint["protocol"] = protocol
        made.append(endpoint)
    return made


def _tags(one: Mapping[str, Any], decision: Decision | None, control: Any, types: set[str]) -> list[str]:
    tags = [NAME, *([control.family, f"class-{control.class_}"] if control else [])]
    if one["level"] is not None:
        tags.append(f"anssi-level-{one['level']}")
    if decision is not None:
        tags.append(f"decision-{decision.decision}")
    if one["evidence"].get("kev") is True:
        tags.append("kev")
    if one["protected"]:
        tags.append("protected")
    return [_TAG.sub("-", tag.lower()) for tag in [*tags, *sorted(f"source-{type}" for type in types)]]


def _list(value: Any) -> Sequence[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _number(value: Any, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        return None
    return float(value)


def _text(value: Any, limit: int = 500) -> str:
    return terminal(" ".join(str(value).split()), limit)


def _block(value: Any) -> str:
    """Text of a report as Markdown shows it unchanged: a block of code, by indentation, which no text can close."""
    lines = str(value or "").splitlines()
    more = [f"    … ({len(lines) - MAX_LINES})"] if len(lines) > MAX_LINES else []
    return "\n".join([*(f"    {terminal(line, 2000)}" for line in lines[:MAX_LINES] if line.strip()), *more])
