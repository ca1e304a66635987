# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From a live audit (``audit/1``) to statements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .. import document
from ..model import make_mention, make_object
from .imported import Catalogue, Imported, Statement, new_source


def import_audit(path: Path, *, source_id: str, catalogue: Catalogue) -> Imported:
    """Read one document of ``audit.yml`` (``audit/1``). Raises DocumentError."""
    audit = document.read(path, "audit/1")
    imported = Imported(new_source(source_id, audit["source"], path))
    source = imported.source
    source["sha256"] = document.digest_file(path)
    source["generated"] = audit["started"]
    source["targets"] = [audit["host"]]
    if audit.get("observations"):
        source["observations"] = audit["observations"]
    target = audit["target"]
    imported.domains = [str(target[key]) for key in ("dns_name", "domain_sid") if target.get(key)]
    for control, answer in sorted(audit["controls"].items()):
        if answer["state"] == "evaluated":
            source["covers"].append(control)
        else:
            source["unreadable"][control] = str(answer.get("reason") or "could not be read")
    for known in audit.get("objects") or []:
        if isinstance(known, Mapping) and known.get("sid"):
            for key in ("dn", "sam", "name", "sAMAccountName", "id"):
                if known.get(key):
                    imported.identities[str(known[key]).casefold()] = str(known["sid"])
    for finding in audit["findings"]:
        made = finding["object"]
        if made.get("sid") and made["type"] in ("user", "computer", "group"):
            for key in ("dn", "label"):
                if made.get(key):
                    imported.identities[str(made[key]).casefold()] = str(made["sid"])
        mentions = finding.get("sources") or []
        said = mentions[0] if mentions else {}
        control = finding["control"]
        entry = catalogue.get(control)
        mention = make_mention(
            source=source_id,
            rule=str(said.get("rule") or control),
            wording=str(said.get("wording") or (entry.title["fr"] if entry else control)),
            severity=said.get("severity"),
        )
        if entry is None:
            imported.leave(
                rule=control, wording=mention["wording"], object=made["label"], reason="no control in the catalogue"
            )
            continue
        imported.add(
            Statement(
                control=control,
                host=audit["host"],
                object=make_object(**{key: made.get(key) for key in ("type", "id", "label", "dn", "sid")}),
                mention=mention,
                level=finding.get("level"),
                severity=finding.get("severity"),
                protected=finding.get("protected"),
                evidence=dict(finding.get("evidence") or {}),
            )
        )
    return imported
