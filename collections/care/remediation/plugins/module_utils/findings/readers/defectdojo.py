# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""DefectDojo's generic findings JSON (its import type "Generic Findings Import"), one finding at a time.

What ``export_defectdojo`` wrote is recognised and gives the very findings that it was written from.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..model import OBJECT_TYPES, finding_id, make_object
from ..records import HOST, INFO, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .jsonstream import Head, items
from .jsonvalues import (
    MAX_LONG,
    Begun,
    cves,
    cwes,
    flag,
    kept,
    listed,
    mapping,
    moment,
    number,
    plain_path,
    port_number,
    sequence,
    text,
    texts,
)
from .xmlstream import Unknown, cut

OWN: Final = "care.remediation"
GRADES: Final = {"critical": "critical", "high": "high", "medium": "medium", "low": "low"}
INFORMATIONAL: Final = frozenset(["info", "informational", "information", "none"])
# Why a finding that DefectDojo still holds is no work any more.
SETTLED: Final = ("false_p", "duplicate", "out_of_scope", "is_mitigated")
MAX_ENDPOINTS: Final = 1000
MAX_ASSETS: Final = 50_000
_META: Final = ("name", "type", "version", "description", "static_tool", "dynamic_tool", "soc")
_CONTROL: Final = re.compile(r"(?:vuln|expo|mie|win|other)_[a-z0-9_]{1,100}")
# The fields of its importer, as of 2026 (dojo/tools/generic/json_parser.py), and what its exports add.
_FIELDS: Final = """
    title severity description date cwe cwes cve epss_score epss_percentile cvssv3 cvssv3_score cvssv4 cvssv4_score
    mitigation impact steps_to_reproduce severity_justification references active verified false_p out_of_scope
    risk_accepted under_review is_mitigated thread_id mitigated numerical_severity param payload line file_path
    component_name component_version static_finding dynamic_finding scanner_confidence unique_id_from_tool
    vuln_id_from_tool sast_source_object sast_sink_object sast_source_line sast_source_file_path nb_occurences
    publish_date service planned_remediation_date planned_remediation_version effort_for_fixing tags kev_date
    known_exploited ransomware_used fix_available fix_version endpoints locations files vulnerability_ids duplicate
"""
_KNOWN: Final = frozenset(_FIELDS.split())


class DefectDojoReader:
    """``records`` gives what the file holds; the facts of the whole file are in ``info`` afterwards."""

    type = "defectdojo"

    def __init__(self) -> None:
        self.info = new_info(closes=False)  # an export is what somebody filtered
        self.notes: list[str] = []
        self.skipped = Skipped()
        self._unknown = Unknown()
        self._settled: Counter[str] = Counter()
        self._assets: dict[str, Asset] = {}
        self._own = False

    @staticmethod
    def recognise(head: Head) -> bool:
        """A top object with ``findings``, which have a title and a severity (or are none at all)."""
        if head.top != "object" or "findings" not in head.keys or "schema" in head.keys:
            return False
        return head.keys <= {"findings", *_META} or ('"title"' in head.text and '"severity"' in head.text)

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """One record for each finding and endpoint, one for each host before its first. Raises ReportError."""
        begun = Begun(stream)
        place = 0
        for prefix, value in items(begun, ["findings.item", *_META], self.skipped, self.notes):  # type: ignore[arg-type]
            if prefix == "findings.item":
                place += 1
                yield from self._finding(value, f"finding {place}")
            elif prefix == "version":
                self.info["version"] = text(value, 40) or None
            elif prefix == "name":
                self._own = value == OWN
                self.info["profile"] = text(value, 100) or None
        self.notes += self._unknown.note()
        for reason, count in sorted(self._settled.items()):
            self.notes.append(f"{count} finding(s) are no work in DefectDojo ({reason}): counted as information")

    def _finding(self, value: Any, place: str) -> Iterator[Record]:
        if not isinstance(value, dict):
            self.skipped.add(place, "is no object")
            return
        title = text(value.get("title"))
        severity = text(value.get("severity"), 40)
        if not title and not severity:
            self.skipped.add(place, "has neither a title nor a severity")
            return
        for name in value:
            if name not in _KNOWN:
                self._unknown.add(name)
        own = self._own_finding(value) if self._own else None
        kind, state = (WEAKNESS, {}) if own else self._kind(value, severity)
        cve = cves(value.get("vulnerability_ids"), value.get("cve"))
        facts = self._facts(value, cve) | state
        record = Record(
            kind=kind,
            asset=None,
            rule=_rule(value, cve, title),
            title=title,
            wording=text(value.get("description"), MAX_LONG),
            severity=severity or None,
            grade=GRADES.get(severity.lower()),
            object=_about(value),
            facts=facts,
            place=place,
        )
        if own is not None:
            yield from self._own_record(record, own)
            return
        yield from self._of_endpoints(record, value)

    def _kind(self, value: Mapping[str, Any], severity: str) -> tuple[str, dict[str, Any]]:
        state = {name: True for name in (*SETTLED, "risk_accepted", "under_review") if flag(value.get(name))}
        reasons: list[str] = [name for name in SETTLED if name in state]
        if not reasons and flag(value.get("active")) is False and "risk_accepted" not in state:
            reasons = ["not active"]
        if reasons:
            self._settled[reasons[0]] += 1
            return INFO, state
        return (INFO if severity.lower() in INFORMATIONAL else WEAKNESS), state

    @staticmethod
    def _facts(value: Mapping[str, Any], cve: list[str]) -> dict[str, Any]:
        vector = text(value.get("cvssv4"), 200) or text(value.get("cvssv3"), 200)
        score = number(value.get("cvssv4_score"), 0, 10)
        score = number(value.get("cvssv3_score"), 0, 10) if score is None else score
        tags = texts(value.get("tags"), 100)
        known = flag(value.get("known_exploited"))
        path, line = plain_path(text(value.get("file_path"))), number(value.get("line"), 0, 10**9)
        return kept(
            {
                "cve": cve,
                "cvss": score,
                "cvss_vector": vector,
                "epss": number(value.get("epss_score"), 0, 1),
                "kev": True if known or "kev" in tags else None if known is None else False,
                "cwe": cwes([value.get("cwe"), *sequence(value.get("cwes"))]),
                "solution": text(value.get("mitigation"), MAX_LONG),
                "references": texts(text(value.get("references"), MAX_LONG).split()),
                "first_seen": moment(value.get("date")),
                "output": text(value.get("steps_to_reproduce"), MAX_LONG),
                "impact": text(value.get("impact"), MAX_LONG),
                "component": text(value.get("component_name")),
                "component_version": text(value.get("component_version"), 100),
                "file": path,
                "line": int(line) if line is not None and path else None,
                "verified": flag(value.get("verified")),
                "static": flag(value.get("static_finding")),
                "dynamic": flag(value.get("dynamic_finding")),
                "unique_id": text(value.get("unique_id_from_tool")),
                "service": text(value.get("service"), 200),
                "tags": tags,
            }
        )

    def _of_endpoints(self, record: Record, value: Mapping[str, Any]) -> Iterator[Record]:
        given = [
            one
            for name in ("endpoints", "locations")
            for one in listed(value.get(name), name, record.place, self.skipped)
        ]
        if len(given) > MAX_ENDPOINTS:
            self.skipped.add(record.place, f"{len(given) - MAX_ENDPOINTS} endpoints after the first {MAX_ENDPOINTS}")
        done: set[tuple[str, str | None]] = set()
        for endpoint in given[:MAX_ENDPOINTS]:
            found = _endpoint(endpoint)
            if found is None:
                self.skipped.add(record.place, f"an endpoint names no host: {cut(str(endpoint), 100)!r}")
                continue
            host, port = found
            if (key := (host, port.id if port else None)) in done:
                continue
            done.add(key)
            asset, new = self._asset(host)
            if new:
                yield Record(kind=HOST, asset=asset, place=record.place)
            yield Record(
                kind=record.kind,
                asset=asset,
                rule=record.rule,
                title=record.title,
                wording=record.wording,
                severity=record.severity,
                grade=record.grade,
                port=port,
                object=record.object,
                facts=dict(record.facts),
                place=record.place,
            )
        if not done:
            yield record

    def _asset(self, host: str, *, domain: bool = False) -> tuple[Asset, bool]:
        key = f"{domain}{host.casefold()}"
        asset = self._assets.get(key)
        if asset is not None:
            return asset, False
        if len(self._assets) >= MAX_ASSETS:
            self._assets.clear()
        address = normal_address(host)
        asset = Asset(addresses=[address] if address else [], typed_names=[] if address else [host], domain=domain)
        self._assets[key] = asset
        return asset, True

    # --- what export_defectdojo wrote

    def _own_finding(self, value: Mapping[str, Any]) -> Mapping[str, Any] | None:
        control, host = text(value.get("vuln_id_from_tool"), 120), text(value.get("service"), 200)
        if not _CONTROL.fullmatch(control) or not host or not isinstance(value.get("unique_id_from_tool"), str):
            return None
        try:
            about = mapping(json.loads(text(value.get("param"), MAX_LONG)))
        except (ValueError, RecursionError):
            return None
        given = {name: text(about.get(name), 1000) for name in ("type", "id", "label", "dn", "sid")}
        if given["type"] not in OBJECT_TYPES or not given["id"]:
            return None
        made = make_object(
            type=given["type"],
            id=given["id"],
            label=given["label"] or None,
            dn=given["dn"] or None,
            sid=given["sid"] or None,
        )
        if finding_id(control, host, made["id"]) != value["unique_id_from_tool"]:
            return None  # edited on the way: taken as anybody's finding
        return {"control": control, "host": host, "object": made, "endpoints": sequence(value.get("endpoints"))}

    def _own_record(self, record: Record, own: Mapping[str, Any]) -> Iterator[Record]:
        asset, new = self._asset(own["host"], domain="directory" in record.facts.get("tags", []))
        if new:
            yield Record(kind=HOST, asset=asset, place=record.place)
        for endpoint in own["endpoints"][:16]:
            found = _endpoint(endpoint)
            if found is not None:
                record.port = record.port or found[1]
                address = normal_address(found[0])
                if address and address not in asset.addresses and len(asset.addresses) < 64:
                    asset.addresses.append(address)
        tags = record.facts.get("tags", [])
        level = next((int(tag[-1]) for tag in tags if re.fullmatch(r"anssi-level-[1-5]", tag)), None)
        for name in ("service", "unique_id", "tags", "verified", "dynamic", "static", "impact"):
            record.facts.pop(name, None)
        if level is not None:
            record.facts["level"], record.grade = level, None
        record.facts["control"] = own["control"]
        record.asset, record.object = asset, own["object"]
        yield record


def _rule(value: Mapping[str, Any], cve: list[str], title: str) -> str:
    """The tool's own id; else the vulnerability, else the kind of weakness; else a mark made of the title."""
    weakness = cwes([value.get("cwe"), *sequence(value.get("cwes"))])
    ids = (text(value.get("vuln_id_from_tool"), 200), *cve, *texts(value.get("vulnerability_ids"), 200), *weakness)
    found = next((one for one in ids if one), "")
    return found or f"title:{hashlib.sha256(title.casefold().encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _about(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The file or the component that a finding is about."""
    path, line = plain_path(text(value.get("file_path"))), text(value.get("line"), 20)
    if path:
        return make_object(type="object", id=f"file:{path}{f':{line}' if line else ''}", label=path)
    component, version = text(value.get("component_name")), text(value.get("component_version"), 100)
    if component:
        # without the version: an update that did not mend it is the same finding
        return make_object(type="object", id=f"component:{component}", label=f"{component} {version}".strip())
    return None


def _endpoint(value: Any) -> tuple[str, Port | None] | None:
    """Host and port of an endpoint: a URI, ``host:port``, or an object with ``host``, ``port``, ``protocol``."""
    if isinstance(value, dict):
        url = text(value.get("url"), 2000)
        if url and not value.get("host"):
            return _endpoint(url)
        host, protocol = text(value.get("host"), 255).strip("[]"), text(value.get("protocol"), 20).lower()
        number = port_number(value.get("port"))
        return (host, _port(protocol, number)) if host else None
    given = text(value, 2000) if isinstance(value, str) else ""
    if not given:
        return None
    if normal_address(given):  # an IPv6 address alone has colons, and no port
        return given, None
    try:
        parts = urllib.parse.urlsplit(given if "://" in given else f"//{given}")
        return (parts.hostname, _port(parts.scheme.lower(), parts.port)) if parts.hostname else None
    except ValueError:
        return None


def _port(protocol: str, number: int | None) -> Port | None:
    if number is None:
        number = {"https": 443, "http": 80}.get(protocol)
    if number is None:
        return None
    transport = protocol if protocol in ("tcp", "udp", "sctp") else "tcp"
    return Port(transport, number, service=None if protocol in ("tcp", "udp", "sctp", "") else protocol)
