# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Join what all sources say: one finding a control, host and object, whatever the number of sources.

Live audits come first: they know SIDs, and they say what holds now; then the latest reports. A report that names no
object is added to the objects that another source names for the same control and host. A report that names an object
which a live audit of the same control does not find is kept, marked ``unconfirmed``, and never proposed for correction.
What a later report of the same scope no longer holds is closed (``closing``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .closing import Closing, remember, still_closed
from .document import now
from .entries import Entries
from .importing.imported import Imported, Statement
from .model import LIVE_TYPES, SCHEMA, Finding, Object, finding_id, make_finding, make_object, order


def merge(
    imports: Sequence[Imported],
    *,
    protected: Mapping[str, Mapping[str, Iterable[str]]] | None = None,
    generated: str | None = None,
    previous: Mapping[str, Any] | None = None,
    forget: Iterable[str] = (),
) -> dict[str, Any]:
    """The findings/1 document of these imports.

    ``protected`` maps a host to ``{"break_glass": [...], "automation": [...]}`` (SIDs, DNs or account names): their
    findings are marked, whichever source they come from. ``previous`` is the findings/1 document of the import before:
    what its sources said stays until it is closed, apart from the files that ``forget`` names.
    """
    before = still_closed(previous, imports)
    imports = [*imports, *remember(previous, imports, forget=forget)]
    ordered = sorted(imports, key=lambda one: one.source["generated"] or "", reverse=True)
    ordered.sort(key=lambda one: (one.source["type"] not in LIVE_TYPES, one.source["remembered"]))
    identities = _identities(ordered)
    findings: dict[tuple[str, str, str], Finding] = {}
    vague: list[tuple[Statement, str]] = []
    entries = Entries()
    read = duplicates = 0
    for imported in ordered:
        # what is only remembered was counted when it was read
        counted = 0 if imported.source["remembered"] else 1
        for statement in imported.statements:
            read += counted
            if statement.object is None:
                vague.append((statement, imported.source["type"]))
                continue
            audited = entries.same(statement.control, statement.host, statement.object, statement.evidence)
            if audited:
                duplicates += counted
                for finding in audited:
                    _mention(finding, statement)
                continue
            made = _identify(statement.object, identities.get(statement.host, {}), identities.get("", {}))
            if not _join(findings, statement, made):
                duplicates += counted
            elif imported.source["type"] in LIVE_TYPES:
                entries.add(findings[_key(statement, made)])
    by_target: dict[tuple[str, str], list[Finding]] = {}
    for (control, host, _object), finding in findings.items():
        by_target.setdefault((control, host), []).append(finding)
    for statement, _type in vague:
        there = by_target.get((statement.control, statement.host))
        if there:
            duplicates += 1
            for finding in there:
                _mention(finding, statement)
        else:
            domain = statement.evidence.get("domain") or statement.host
            made = make_object(type="domain", id=domain)
            if _join(findings, statement, made):
                key = (statement.control, statement.host, domain)
                by_target[(statement.control, statement.host)] = [findings[key]]
            else:
                duplicates += 1
    closed = _close(findings, [imported.source for imported in imports], before)
    _confirm(findings.values(), ordered)
    _protect(findings.values(), protected or {}, identities)
    said = {mention["source"] for finding in findings.values() for mention in finding["sources"]}
    imports = [one for one in imports if not one.source["remembered"] or one.source["id"] in said or one.unmapped]
    left = [entry for imported in imports for entry in imported.unmapped]
    old = {imported.source["id"] for imported in imports if imported.source["remembered"]}
    unmapped: dict[tuple[str, str, str], dict[str, str]] = {}
    for entry in left:  # the same rule about the same object, exported at two levels: the one that says more
        same = (entry["rule"], entry["object"], entry["reason"])
        if same not in unmapped or len(entry["wording"]) > len(unmapped[same]["wording"]):
            unmapped[same] = entry
    return {
        "schema": SCHEMA,
        "generated": generated or now(),
        "sources": [imported.source for imported in imports],
        "findings": sorted(findings.values(), key=order),
        "unmapped": list(unmapped.values()),
        "unmatched": _strangers(imports),
        "closed": closed,
        "counts": {
            "read": read + len(left),
            "mapped": read,
            "unmapped": len(left),
            "duplicates": duplicates,
            "remembered": sum(
                all(mention["source"] in old for mention in finding["sources"]) for finding in findings.values()
            ),
            "closed": len(closed),
            "informational": sum(imported.source["informational"] for imported in imports),
            "skipped": sum(imported.source["skipped"]["count"] for imported in imports),
        },
    }


def _close(
    findings: dict[tuple[str, str, str], Finding],
    sources: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Take back what later sources no longer say; a finding that nobody says any more is closed, and told here.

    ``before``: what was closed by an earlier import, and is told again unless it is found again.
    """
    closing = Closing(sources)
    closed: list[dict[str, Any]] = []
    for key, finding in list(findings.items()):
        closers = [(mention, closing.closer(finding, mention)) for mention in finding["sources"]]
        left = [m for m, closer in closers if closer is None and not closing.superseded(finding, m)]
        if len(left) == len(closers):
            continue
        if left:
            finding["sources"] = left
            continue
        del findings[key]
        last = max((closer for _mention, closer in closers if closer), key=lambda one: one["generated"])
        closed.append(
            {
                "id": finding["id"],
                "control": finding["control"],
                "host": finding["host"],
                "object": finding["object"]["label"],
                "by": last["id"],
            }
        )
    there = {finding["id"] for finding in findings.values()} | {one["id"] for one in closed}
    closed += [dict(one) for one in before if one["id"] not in there]
    return sorted(closed, key=lambda one: (one["control"], one["host"], one["object"], one["id"]))


def _strangers(imports: Iterable[Imported]) -> list[dict[str, Any]]:
    """Hosts that the inventory does not know, once each: by their first address, else by their label."""
    known: dict[str, dict[str, Any]] = {}
    for imported in imports:
        for host in imported.unmatched:
            known.setdefault(host["addresses"][0] if host["addresses"] else host["label"], host)
    return [known[place] for place in sorted(known)]


def _identities(imports: Iterable[Imported]) -> dict[str, dict[str, str]]:
    """Host to (DN or name, case folded) to SID; what live audits know wins over what reports say."""
    known: dict[str, dict[str, str]] = {}
    for imported in imports:
        for host in imported.source["targets"]:
            table = known.setdefault(host, {})
            for name, sid in imported.identities.items():
                table.setdefault(name, sid)
    return known


def _identify(made: Object, local: Mapping[str, str], everywhere: Mapping[str, str]) -> Object:
    if made["sid"] or made["type"] not in ("user", "computer", "group"):
        return made
    for key in (made["dn"], made["id"], made["label"]):
        if key and (sid := local.get(str(key).casefold()) or everywhere.get(str(key).casefold())):
            return made | {"id": sid, "sid": sid}
    return made


def _key(statement: Statement, made: Object) -> tuple[str, str, str]:
    # DNs are compared without regard to case, so the same account of two reports is one object
    identity = made["id"] if made["sid"] or made["type"] not in ("user", "computer", "group") else made["id"].casefold()
    return statement.control, statement.host, identity


def _join(findings: dict[tuple[str, str, str], Finding], statement: Statement, made: Object) -> bool:
    """Add a statement; False when its finding was there already."""
    key = _key(statement, made)
    identity = key[2]
    found = findings.get(key)
    if found is None:
        findings[key] = make_finding(
            control=statement.control,
            host=statement.host,
            object=made,
            level=statement.level,
            severity=statement.severity,
            protected=statement.protected,
            evidence=statement.evidence,
            sources=[statement.mention],
        )
        if identity != made["id"]:
            findings[key]["id"] = finding_id(statement.control, statement.host, identity)
        findings[key]["unconfirmed"] = statement.unconfirmed
        return True
    _mention(found, statement)
    if statement.unconfirmed is None:
        found["unconfirmed"] = None  # another source knew the host by more than a name of its own
    if made["type"] == "port" and statement.evidence.get("banner") and not found["evidence"].get("banner"):
        # a scan that asked the service what it is knows better than the table of usual ports
        found["object"] = found["object"] | {"label": made["label"]}
        found["evidence"] |= {key: statement.evidence[key] for key in ("service", "banner")}
    found["protected"] = found["protected"] or statement.protected
    for name, value in statement.evidence.items():
        found["evidence"].setdefault(name, value)
    return False


def _mention(finding: Finding, statement: Statement) -> None:
    if statement.mention not in finding["sources"]:
        finding["sources"].append(statement.mention)


def _confirm(findings: Iterable[Finding], imports: Sequence[Imported]) -> None:
    live = {imported.source["id"]: imported.source for imported in imports if imported.source["type"] in LIVE_TYPES}
    judged: dict[tuple[str, str], dict[str, Any]] = {
        (control, host): source
        for source in live.values()
        for control in source["covers"]
        for host in source["targets"]
    }
    for finding in findings:
        source = judged.get((finding["control"], finding["host"]))
        if source is None or finding["object"]["type"] == "port":
            continue  # an open port is a fact of the network, which a host's own audit cannot deny
        if finding["unconfirmed"] is None and not any(m["source"] in live for m in finding["sources"]):
            finding["unconfirmed"] = (
                f"the live audit of {source['generated']} evaluated this control and does not find it"
            )


def _protect(
    findings: Iterable[Finding],
    protected: Mapping[str, Mapping[str, Iterable[str]]],
    identities: Mapping[str, Mapping[str, str]],
) -> None:
    marks: dict[str, dict[str, str]] = {}
    for host, kinds in protected.items():
        table = marks.setdefault(host, {})
        for kind, names in kinds.items():
            for name in names:
                table[str(name).casefold()] = kind
                sid = identities.get(host, {}).get(str(name).casefold())
                if sid:
                    table[sid.casefold()] = kind
    known: dict[tuple[str, str], str] = {}
    listed = list(findings)
    for finding in listed:
        made, table = finding["object"], marks.get(finding["host"], {})
        if not finding["protected"]:
            for name in (made["sid"], made["dn"], made["id"], made["label"]):
                if name and str(name).casefold() in table:
                    finding["protected"] = table[str(name).casefold()]
        if finding["protected"] and made["sid"]:
            known[(finding["host"], made["sid"])] = finding["protected"]
    for finding in listed:  # what one control's audit knows of an account holds for all
        if not finding["protected"]:
            finding["protected"] = known.get((finding["host"], str(finding["object"]["sid"])))
