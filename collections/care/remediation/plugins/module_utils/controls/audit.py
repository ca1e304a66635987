# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The ``audit/1`` document of a domain: what the controls said of a snapshot, in the shape that others read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import EVALUATED, Outcome
from ansible_collections.care.remediation.plugins.module_utils.controls.level import assess
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, day
from ansible_collections.care.remediation.plugins.module_utils.controls.observations import observe
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import describe

SCHEMA: Final = "care.remediation/audit/1"
# Accounts with one of these bits, a service principal name or a privilege are those that other reports may name.
REMARKABLE: Final = (
    uac.ENCRYPTED_TEXT_PWD_ALLOWED
    | uac.DONT_EXPIRE_PASSWORD
    | uac.TRUSTED_FOR_DELEGATION
    | uac.USE_DES_KEY_ONLY
    | uac.DONT_REQ_PREAUTH
)


def document(
    *,
    host: str,
    snapshot: Snapshot,
    outcomes: Iterable[Outcome],
    catalogue: Mapping[str, Any],
    finished: datetime,
    durations: dict[str, float],
) -> dict[str, Any]:
    """The whole document. ``host`` is the inventory name that findings carry; ``catalogue`` what the control node's
    catalogue gives an audit: version, scored controls with their levels, classes, observations."""
    outcomes = list(outcomes)
    counts = describe(snapshot)
    findings = [finding(host, outcome.control, found, snapshot) for outcome in outcomes for found in outcome.found]
    return {
        "schema": SCHEMA,
        "host": host,
        "source": "directory",
        "started": day(snapshot.taken),
        "finished": day(finished),
        "server": snapshot.server or None,
        "target": {
            "domain_sid": snapshot.domain_sid,
            "dns_name": snapshot.dns_name,
            "domain_dn": snapshot.domain_dn,
            "accounts": counts["accounts"],
        },
        "controls": {outcome.control: {"state": outcome.state, "reason": outcome.reason} for outcome in outcomes},
        "findings": findings,
        "catalogue": catalogue["version"],
        "level": assess(
            scored=catalogue["scored"],
            evaluated={outcome.control for outcome in outcomes if outcome.state == EVALUATED},
            found=[(each["control"], each["level"]) for each in findings],
            classes=catalogue["classes"],
        ),
        "observations": observe(snapshot, catalogue["observations"]),
        "objects": objects(snapshot, {each["object"]["sid"] for each in findings}),
        "notes": list(snapshot.notes),
        "counts": counts | {"findings": len(findings)},
        "durations": durations,
    }


def finding(host: str, control: str, found: Found, snapshot: Snapshot) -> dict[str, Any]:
    """One finding of ``findings/1``, without its source: the reader of the document names that."""
    return {
        "id": finding_id(control, host, found.id),
        "control": control,
        "host": host,
        "object": {"type": found.type, "id": found.id, "label": found.label, "dn": found.dn, "sid": found.sid},
        "level": found.level,
        "severity": found.severity,
        "protected": snapshot.protected.get(found.id) if found.sid == found.id else None,
        "evidence": found.evidence,
        "sources": [{"source": "directory", "rule": control, "wording": found.wording, "severity": None}],
    }


def finding_id(control: str, host: str, object_id: str) -> str:
    """``f-`` and 16 hexadecimal digits of the SHA-256 of the canonical JSON of the three (``findings/1``).

    Written here again because ``findings`` is a layer above; a test holds both to the same result.
    """
    canonical = json.dumps([control, host, object_id], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "f-" + hashlib.sha256(canonical.encode("utf-8", errors="surrogatepass")).hexdigest()[:16]


def objects(snapshot: Snapshot, also: set[str | None]) -> list[dict[str, str]]:
    """SID, DN and sAMAccountName of the accounts that another report may name by one of the last two."""
    return [
        {"sid": account.sid, "dn": account.dn, "sam": account.label}
        for account in snapshot.accounts
        if account.sid in also
        or account.has(REMARKABLE)
        or account.spns
        or account.sid in snapshot.privileged.accounts
        or account.encryption_types
    ]
