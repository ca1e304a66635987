# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a finding is: its parts, its id, its order. Standard library only, so that audit modules may use it.

Documents are plain dictionaries, exactly as they stand in ``findings.json`` (``schemas/findings-1.json``); the
functions here are the only place that builds them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

SCHEMA: Final = "care.remediation/findings/1"
SEVERITIES: Final = ("critical", "high", "medium", "low")
OBJECT_TYPES: Final = (
    ("user", "computer", "group", "domain", "setting", "ace", "port", "service", "host", "object", "weakness")
)
# Audits of ours, of what holds now
LIVE_TYPES: Final = frozenset(("directory", "host"))
# What looks at a directory rather than at hosts
DIRECTORY_TYPES: Final = frozenset(("directory", "pingcastle", "ads", "purple_knight", "bloodhound"))
PROTECTED: Final = ("break_glass", "automation", "connected_account")

Finding = dict[str, Any]
Object = dict[str, Any]
Mention = dict[str, Any]


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(value: Any) -> bytes:
    """The canonical JSON (UTF-8, sorted keys, no spaces) that ids and digests are made of."""
    return _canonical(value).encode("utf-8", errors="surrogatepass")


def finding_id(control: str, host: str, object_id: str) -> str:
    """``f-`` and 16 hexadecimal digits, the same for the same control, host and object in every run."""
    return "f-" + hashlib.sha256(canonical([control, host, object_id])).hexdigest()[:16]


def make_object(
    *, type: str, id: str, label: str | None = None, dn: str | None = None, sid: str | None = None
) -> Object:
    """The object of a finding. ``id``: SID (or DN) of an account, DNS name of a domain, ``tcp/6379`` of a port."""
    return {"type": type, "id": id, "label": label or id, "dn": dn, "sid": sid}


def make_mention(*, source: str, rule: str, wording: str, severity: str | None = None) -> Mention:
    """What one source says of a finding, in its own words."""
    return {"source": source, "rule": rule, "wording": wording, "severity": severity}


def make_finding(
    *,
    control: str,
    host: str,
    object: Object,
    level: int | None = None,
    severity: str | None = None,
    protected: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    sources: Iterable[Mention] = (),
) -> Finding:
    """A finding, with its id. ``level`` is ANSSI's 1..5 (directory), ``severity`` one of SEVERITIES (the others)."""
    return {
        "id": finding_id(control, host, object["id"]),
        "control": control,
        "host": host,
        "object": object,
        "level": level,
        "severity": severity,
        "protected": protected,
        "evidence": dict(evidence or {}),
        "unconfirmed": None,
        "sources": list(sources),
    }


def rank(level: int | None, severity: str | None) -> tuple[int, int]:
    """Sort key of a finding: ANSSI level first (1 is worst), then severity; an ungraded one comes last.

    A critical exposure stands with level 1, a high one with level 2, and so on, after the directory's own.
    """
    if level is not None:
        return (level, 0)
    if severity in SEVERITIES:
        return (SEVERITIES.index(severity) + 1, 1)
    return (9, 9)


def order(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    """Total and stable order of findings: rank, control, host, object."""
    return (
        rank(finding["level"], finding["severity"]),
        finding["control"],
        finding["host"],
        str(finding["object"]["label"]).casefold(),
        finding["object"]["id"],
    )
