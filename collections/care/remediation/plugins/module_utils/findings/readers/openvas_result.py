# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One result of a Greenbone report, from its elements to a record."""

from __future__ import annotations

import datetime
import re
from typing import Any, Final

from ..records import INFO, WEAKNESS, Asset, Port, Record
from .xmlstream import cut

MAX_OUTPUT: Final = 1 << 14
MAX_REFERENCES: Final = 500

# "443/tcp"; older versions also "http (80/tcp)". "general/tcp", "general/CPE-T" and "package" are about the host.
_PORT: Final = re.compile(r"(?:(?P<name>[^()/]{1,60}) \()?(?P<number>\d{1,5})/(?P<protocol>tcp|udp|sctp)\)?", re.ASCII)
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,12}", re.IGNORECASE | re.ASCII)
_OID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)+", re.ASCII)

FALSE_POSITIVE: Final = "false positive"
# What the scanner says in words: "Alarm" and "Critical" are of different versions. None: for information.
_WORDS: Final = {
    "critical": "critical",
    "alarm": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
    "log": None,
    "debug": None,
    "error": None,
    FALSE_POSITIVE: None,
}


def parse_port(text: str) -> Port | None:
    """The port of a result or a list of ports; None where it is about the host. ValueError where it is no port."""
    match = _PORT.fullmatch(text.strip())
    if match is None:
        if re.match(r"\d", text.strip()):
            raise ValueError
        return None
    number = int(match["number"])
    if number > 65535:
        raise ValueError
    name = match["name"]
    return Port(match["protocol"], number, "open", name if name and name != "unknown" else None) if number else None


def grade(score: float | None, word: str) -> tuple[bool, str | None]:
    """Whether it is a weakness, and its grade.

    By the number, as Greenbone's newest scale has it (Critical from 9.0, High from 7.0, Medium from 4.0, Low above 0;
    0 Log, -1 False Positive, -2 Debug, -3 Error), else by the word. Older versions call 9.8 High.
    """
    if score is not None and score > -50:  # -99: no severity at all
        if score <= 0:
            return False, None
        return True, "critical" if score >= 9 else "high" if score >= 7 else "medium" if score >= 4 else "low"
    known = word.lower()
    return not (known in _WORDS and _WORDS[known] is None), _WORDS.get(known)


def make(fields: dict[str, str], refs: list[tuple[str, str]], asset: Asset | None, host: str, *, error: bool) -> Record:
    """The record of a result or (``error``) of what the scanner could not do. ValueError, with a reason, where it is
    none."""
    get = fields.get
    title = get("result/name") or get("nvt/name") or ""
    rule = get("oid", "")
    if not _OID.fullmatch(rule) and not _CVE.fullmatch(rule):
        # what the manager itself puts in has 0 for an id
        if not title:
            raise ValueError(f"neither an OID ({rule[:40]!r}) nor a name")
        rule = f"0/{title[:200]}"
    try:
        port = parse_port(get("result/port", ""))
    except ValueError:
        raise ValueError(f"port {get('result/port', '')[:40]!r} is not a port") from None
    word = get("result/threat", "")
    score = number(get("result/severity", ""), -100, 10)
    if score is None and not word:
        score = number(get("nvt/cvss_base", ""), 0, 10)
    weak, graded = grade(score, word)
    if get("result/compliance") == "no":
        weak = True
    tags = dict(tag.split("=", 1) for tag in get("nvt/tags", "").split("|") if "=" in tag)
    facts = _facts(fields, refs, rule, tags)
    if error:
        weak, facts["error"] = False, True
    elif word.lower() == FALSE_POSITIVE or score == -1:
        weak, facts["false_positive"] = False, True
    given = get("result/severity", "")
    place = f"host {host}, {title[:100] or rule}" if port is None else f"host {host}, {title[:100] or rule}, {port.id}"
    return Record(
        WEAKNESS if weak else INFO,
        asset,
        rule,
        cut(title, 500),
        _wording(tags) or cut(get("result/description", "")),
        cut(f"{given} ({word})" if given and word else given or word, 60) or None,
        graded if weak else None,
        port,
        None,
        facts,
        place,
    )


def _facts(fields: dict[str, str], refs: list[tuple[str, str]], rule: str, tags: dict[str, str]) -> dict[str, Any]:
    get = fields.get
    facts: dict[str, Any] = {}
    cves = [name.upper() for kind, name in refs if kind == "cve" and _CVE.fullmatch(name)]
    if _CVE.fullmatch(rule):
        cves.insert(0, rule.upper())
    if cves:
        facts["cve"] = list(dict.fromkeys(cves))
    cvss = number(get("nvt/cvss_base", "") or get("score", ""), 0, 10)
    if cvss:
        facts["cvss"] = cvss
    vector = get("vector") or tags.get("cvss_base_vector", "")
    if vector:
        facts["cvss_vector"] = cut(vector, 200)
    epss = number(get("max_epss/score", ""), 0, 1)
    if epss is not None:
        facts["epss"] = epss
    quality = number(get("qod/value", ""), 0, 100)
    if quality is not None:
        facts["qod"] = int(quality)
    solution = get("nvt/solution") or tags.get("solution", "").strip()
    if solution:
        facts["solution"] = cut(solution)
    references = [cut(name if kind == "url" else f"{kind}:{name}", 500) for kind, name in refs if kind != "cve"]
    if references:
        facts["references"] = references
    if get("result/description"):
        facts["output"] = cut(fields["result/description"], MAX_OUTPUT)
    if get("nvt/family"):
        facts["family"] = cut(fields["nvt/family"], 100)
    if get("result/compliance") in ("yes", "no", "incomplete"):
        facts["result"] = fields["result/compliance"]
    if get("result/original_severity", "") not in ("", get("result/severity", "")):
        word = get("result/original_threat", "")
        facts["original_severity"] = cut(f"{fields['result/original_severity']} ({word})", 60)
    for name, element in (("override", "override/text"), ("note", "note/text"), ("delta", "result/delta")):
        if get(element):
            facts[name] = cut(fields[element], 2000)
    return facts


def old_refs(element: str, text: str) -> list[tuple[str, str]]:
    """The references of versions before 10: ``cve`` and ``xref`` with commas between them, NOCVE, NOXREF."""
    words = [word.strip() for word in text.split(",")][:MAX_REFERENCES]
    kind = "cve" if element == "nvt/cve" else "url"
    return [(kind, word.removeprefix("URL:")) for word in words if word and word not in ("NOCVE", "NOXREF")]


def _wording(tags: dict[str, str]) -> str:
    parts = [tags.get(name, "").strip() for name in ("summary", "insight")]
    return cut("\n\n".join(part for part in parts if part))


def number(text: str, lowest: float, highest: float) -> float | None:
    """A number between two others, or None."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if lowest <= value <= highest else None


def moment(text: str) -> str | None:
    """A time of the report (ISO 8601) as YYYY-MM-DDTHH:MM:SSZ; without a zone it is taken as UTC."""
    try:
        when = datetime.datetime.fromisoformat(text)
        when = when.replace(tzinfo=datetime.UTC) if when.tzinfo is None else when.astimezone(datetime.UTC)
        return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when.year >= 1000 else None
    except (ValueError, OverflowError):
        return None
