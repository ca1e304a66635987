# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""nuclei's results: JSON a line (``-jsonl``, ``-jsonl-export``) or one array (``-json-export``), one result at a time.

Format: ``ResultEvent`` of nuclei 3 (pkg/output/output.go), and the names that nuclei 2 used. The rule is the template's
id, with the matcher's name behind a colon where a template has several: each is a weakness of its own.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..records import HOST, INFO, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .jsonstream import Head, elements
from .jsonvalues import MAX_LONG, cves, cwes, kept, mapping, moment, number, port_number, text, texts
from .xmlstream import Unknown, cut

# https://docs.projectdiscovery.io/templates/structure: info, low, medium, high, critical; nuclei adds "unknown"
GRADES: Final = {"critical": "critical", "high": "high", "medium": "medium", "low": "low"}
# Templates that their authors grade as information, though what they state is what a control asks to correct.
STATEMENTS: Final = frozenset(
    ["deprecated-tls", "ftp-detect", "ssh-password-auth", "ssh-root-password-enabled", "telnet-detect"]
)
# These answer over UDP, or about a name; everything else that nuclei has a port for is TCP.
WITHOUT_PORT: Final = frozenset(["dns", "whois", "file", "workflow", "code", "offlinehttp"])
DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
MAX_HOSTS: Final = 65_536
MAX_PLACE: Final = 2000
MAX_OUTPUT: Final = 4000
MAX_TEMPLATES: Final = 16_384
MAX_SHAPES: Final = 1000

_BYTE: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}")
_FIELDS: Final = """
    template template-url template-id template-path template-encoded info matcher-name extractor-name type host port
    scheme url path matched-at extracted-results request response meta ip timestamp interaction curl-command
    matcher-status matched-line global-matchers issue_trackers req_url_pattern is_fuzzing_result fuzzing_method
    fuzzing_parameter fuzzing_position analyzer_details error
    templateID matched matcher_name extractor_name extracted_results matched-lines
"""
_KNOWN: Final = frozenset(_FIELDS.split())


class _Template:
    """What every result of one template says alike."""

    __slots__ = ("facts", "grade", "kind", "rule", "said", "severity", "title", "wording")

    def __init__(self, rule: str, info: Mapping[str, Any]) -> None:
        self.rule = cut(rule, 200)
        self.said = _identity(info)
        self.title = text(info.get("name"))
        self.wording = text(info.get("description"), MAX_LONG)
        self.severity = text(info.get("severity"), 40) or None
        word = (self.severity or "unknown").lower()
        self.grade = GRADES.get(word)
        self.kind = INFO if word == "info" and rule not in STATEMENTS else WEAKNESS
        classified = mapping(info.get("classification"))
        tags = texts(info.get("tags"), 100)
        if len(tags) == 1:  # nuclei 2 wrote them as one text
            tags = [tag.strip() for tag in tags[0].split(",")]
        self.facts = kept(
            {
                "cve": cves(classified.get("cve-id")),
                "cwe": cwes(texts(classified.get("cwe-id"))),
                "cvss": number(classified.get("cvss-score"), 0, 10),
                "cvss_vector": text(classified.get("cvss-metrics"), 200),
                "epss": number(classified.get("epss-score"), 0, 1),
                "kev": True if "kev" in tags else None,
                "solution": text(info.get("remediation"), MAX_LONG),
                "references": texts(info.get("reference"), 500),
            }
        )

    def describes(self, info: Mapping[str, Any]) -> bool:
        """Whether a result's info is what this was made of (of two files in one, templates may differ)."""
        return self.said == _identity(info)


def _identity(info: Mapping[str, Any]) -> tuple[Any, ...]:
    """What changes when a template says something else. The texts beside it are long, and are not compared."""
    classified = info.get("classification")
    if not isinstance(classified, dict):
        return info.get("severity"), info.get("name"), classified
    get = classified.get
    return info.get("severity"), info.get("name"), get("cvss-score"), get("epss-score"), get("cve-id")


class NucleiReader:
    """Reads one file."""

    type = "nuclei"

    def __init__(self) -> None:
        self.info = new_info(closes=False)  # it does not say which templates were tried
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.unknown = Unknown()
        self._assets: dict[str, Asset] = {}
        self._hosts: dict[str, tuple[Asset | None, int | None]] = {}
        self._ports: dict[str, Port] = {}
        self._templates: dict[str, _Template] = {}
        self._shapes: set[tuple[str, ...]] = set()  # keys, in their order, that are all known
        self._latest = ""
        self._new: list[Asset] = []

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether a file that begins so is nuclei's."""
        keys = head.first | head.keys
        return "info" in keys and bool(keys & {"template-id", "templateID"})

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record. Raises ReportError."""
        new = self._new
        for place, entry in elements(stream, self.skipped, self.notes):
            record = self._result(entry, place)
            if record is None:
                continue
            if new:
                for asset in new:
                    yield Record(HOST, asset, place=place)
                new.clear()
            yield record
        self.notes += self.unknown.note()
        self.info["generated"] = moment(self._latest)

    def _result(self, entry: Any, place: str) -> Record | None:
        # A million lines: what most of them have is looked at here, without a call for each field.
        if not isinstance(entry, dict):
            self.skipped.add(place, "is no result of nuclei")
            return None
        shape = tuple(entry)
        if shape not in self._shapes:
            if not entry.keys() <= _KNOWN:
                for key in entry.keys() - _KNOWN:
                    self.unknown.add(key)
            elif len(self._shapes) < MAX_SHAPES:
                self._shapes.add(shape)
        get = entry.get
        rule, info = get("template-id") or get("templateID"), get("info")
        if not isinstance(rule, str) or not isinstance(info, dict):
            self.skipped.add(place, "has no template-id, or no info")
            return None
        template = self._templates.get(rule)
        if template is None or not template.describes(info):
            if len(self._templates) >= MAX_TEMPLATES:
                self._templates.clear()
            template = self._templates[rule] = _Template(rule, info)
        asset, port = self._where(entry)
        timestamp = get("timestamp")
        if isinstance(timestamp, str) and timestamp > self._latest:
            self._latest = timestamp
        kind, facts, rule = template.kind, template.facts.copy(), template.rule
        if matcher := get("matcher-name") or get("matcher_name"):
            rule = f"{rule}:{text(matcher, 200)}"
        matched = get("matched-at") or get("matched")
        if isinstance(matched, str):
            facts["matched_at"] = matched if len(matched) <= MAX_PLACE else cut(matched, MAX_PLACE)
        if extracted := get("extracted-results") or get("extracted_results"):
            alone = extracted[0] if isinstance(extracted, list) and len(extracted) == 1 else None
            output = alone if isinstance(alone, str) else "\n".join(texts(extracted, 1000))
            facts["output"] = output if len(output) <= MAX_OUTPUT else cut(output, MAX_OUTPUT)
        if get("matcher-status") is False:  # of -matcher-status: what was tried and did not match
            kind = INFO
            if error := text(get("error"), 1000):
                facts["error"] = error
        grade = template.grade if kind is WEAKNESS else None
        return Record(
            kind, asset, rule, template.title, template.wording, template.severity, grade, port, None, facts, place
        )

    def _where(self, entry: Mapping[str, Any]) -> tuple[Asset | None, Port | None]:
        get = entry.get
        host, ip, number, kind = get("host") or "", get("ip") or "", get("port"), get("type")
        if not isinstance(host, str) or not isinstance(ip, str) or not isinstance(kind, str):
            host, ip, kind = text(host, MAX_PLACE), text(ip, MAX_PLACE), text(kind)
        if kind == "file":  # of this machine's disk: no host
            return None, None
        known = self._hosts.get(f"{host} {ip}")
        if known is None:
            known = self._host(host, ip, entry)
        asset, port_of_host = known
        if asset is None or kind in WITHOUT_PORT:
            return asset, None
        if isinstance(number, str):
            port = self._ports.get(number + kind if kind == "ssl" else number)
            if port is not None:
                return asset, port
        value = port_number(number) if number else None
        if value is None:
            value = _split(_matched(entry))[1] or port_of_host
        if value is None:
            return asset, None
        key = f"{value}ssl" if kind == "ssl" else str(value)
        port = self._ports.get(key)
        if port is None:
            port = self._ports[key] = Port("tcp", value, "open", tunnel="ssl" if kind == "ssl" else "")
        return asset, port

    def _host(self, host: str, ip: str, entry: Mapping[str, Any]) -> tuple[Asset | None, int | None]:
        if host == ip:
            name, port, address = "", None, _address(ip)
        else:
            name, port = _split(host)
            own = _address(name)
            address = _address(ip) or own
            name = "" if own else name
        if not address and not name:
            name = _split(_matched(entry))[0]
            address = _address(name)
            name = "" if address else name
            if not address and not name:
                return None, None
            host, ip = name, address
        if len(self._hosts) >= MAX_HOSTS:  # one that comes again after so many others is said again
            self._hosts.clear()
            self._assets.clear()
        asset = self._assets.get(f"{address} {name}")
        if asset is None:
            asset = Asset([address] if address else [], [cut(name, 255)] if name else [])
            self._assets[f"{address} {name}"] = asset
            self._new.append(asset)
        known = self._hosts[f"{host} {ip}"] = (asset, port)
        return known


def _matched(entry: Mapping[str, Any]) -> str:
    return text(entry.get("matched-at") or entry.get("matched"), MAX_PLACE)


def _address(text: str) -> str:
    """An address in its normal form, or nothing. Most are IPv4 in that form already."""
    if _IPV4.fullmatch(text):
        return text
    return normal_address(text) or "" if text else ""


def _split(where: str) -> tuple[str, int | None]:
    """Host and port of an URL, of ``host:port``, ``[address]:port`` or of either alone."""
    if not where or not (":" in where or "/" in where) or normal_address(where):
        return where, None
    try:
        parts = urllib.parse.urlsplit(where if "://" in where else f"//{where}")
        return parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", None
