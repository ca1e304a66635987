# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""SARIF 2.1.0 (OASIS), one result at a time.

A result is about a host only where its location says so: an absolute URI with an authority (RFC 3986), or the request
that was sent (``webRequest``). A file, a container image or a repository is no host; such results stay with a person.
"""

from __future__ import annotations

import json
import re
import tempfile
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..model import make_object
from ..records import HOST, INFO, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .errors import ReportError
from .jsonstream import Head, items
from .jsonvalues import (
    MAX_LONG,
    cves,
    cwes,
    grade_of,
    kept,
    listed,
    mapping,
    moment,
    number,
    sequence,
    text,
    texts,
)
from .xmlstream import cut

MAX_RULES: Final = 50_000
MAX_ASSETS: Final = 50_000
MAX_HELP: Final = 4000
MAX_LOCATIONS: Final = 100
LEVELS: Final = {"error": "high", "warning": "medium", "note": "low"}
KINDS: Final = frozenset(["fail", "open", "review"])  # a weakness, or what a person must judge (SARIF 3.27.9)
# The driver's parts come one by one, whatever stands before what; of a place within another only the outer is given.
_DRIVER: Final = "runs.item.tool.driver."
_PLACES: Final = (
    "version",
    f"{_DRIVER}name",
    f"{_DRIVER}version",
    f"{_DRIVER}semanticVersion",
    f"{_DRIVER}rules.item",
    "runs.item.tool.extensions.item",
    "runs.item.invocations.item",
    "runs.item.automationDetails",
    "runs.item.results.item",
)
_ARGUMENT: Final = re.compile(r"\{([0-9]{1,3})\}")
_WEB_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "ssh": 22, "ldap": 389, "ldaps": 636}


class _Tool:
    """The tool of one run: its rules, by id and by place, cut to what a record takes."""

    def __init__(self) -> None:
        self.name = ""
        self.rules: list[dict[str, Any]] = []
        self.by_id: dict[str, dict[str, Any]] = {}
        self.left = 0
        self.used = False

    def add(self, value: Any, *, indexed: bool = True) -> None:
        """One rule (a reportingDescriptor), of the driver (``indexed``) or of an extension."""
        rule = mapping(value)
        properties = mapping(rule.get("properties"))
        configuration = mapping(rule.get("defaultConfiguration"))
        identifier = text(rule.get("id"), 200)
        made: dict[str, Any] = {
            "id": identifier,
            "title": _message(rule.get("shortDescription")) or text(rule.get("name"), 300),
            "wording": _message(rule.get("fullDescription")),
            "help": _message(rule.get("help"), MAX_HELP),
            "uri": text(rule.get("helpUri"), 1000),
            "level": text(configuration.get("level"), 20),
            "severity": properties.get("security-severity"),
            "tags": texts(properties.get("tags"), 200),
            "messages": {name: _message(one) for name, one in list(mapping(rule.get("messageStrings")).items())[:50]},
            "taxa": [
                text(mapping(mapping(one).get("target")).get("id"), 40)
                for one in sequence(rule.get("relationships"))[:50]
                if text(mapping(mapping(mapping(one).get("target")).get("toolComponent")).get("name"), 40) == "CWE"
            ],
        }
        if len(self.by_id) >= MAX_RULES:
            self.left += 1
            return
        if indexed:
            self.rules.append(made)
        if identifier:
            self.by_id.setdefault(identifier, made)

    def rule(self, result: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        """Id and facts of the rule of a result: by ``ruleId``, ``rule`` or ``ruleIndex`` (SARIF 3.27.5 to 3.27.7)."""
        reference = mapping(result.get("rule"))
        identifier = text(result.get("ruleId"), 200) or text(reference.get("id"), 200)
        found = self.by_id.get(identifier)
        if found is None and identifier:  # a hierarchical id, CA1000/1, is one of the rule CA1000
            found = self.by_id.get(identifier.rpartition("/")[0])
        if found is None:
            index = result.get("ruleIndex", reference.get("index"))
            if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self.rules):
                found = self.rules[index]
        return identifier or (found or {}).get("id", ""), found or {}


class SarifReader:
    """``records`` gives what the file holds; the facts of the whole file are in ``info`` afterwards."""

    type = "sarif"

    def __init__(self) -> None:
        self.info = new_info(closes=False)  # the format does not say what was looked at
        self.notes: list[str] = []
        self.skipped = Skipped()
        self._assets: dict[str, Asset] = {}
        self._quiet: Counter[str] = Counter()
        self._tools: list[str] = []
        self._count = 0
        # whether results stand before their tool, as the SDK of SARIF writes them; told by the first run that has any
        self._late: bool | None = None

    @staticmethod
    def recognise(head: Head) -> bool:
        """A top object with ``runs`` and SARIF's version or schema; where they stand after long results, what looks
        like a run."""
        if head.top != "object" or not ({"runs", "$schema"} & head.keys):
            return False
        if "sarif" in head.text[:500].lower() or {"runs", "version"} <= head.keys:
            return True
        return any(mark in head.text for mark in ('"driver"', '"ruleId"', '"ruleIndex"', '"physicalLocation"'))

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """One record for each result (and location on a host), one for each host before its first. Raises ReportError.

        A tool may write its results before its rules: those wait on disk until the rules are known.
        """
        tool = _Tool()
        with tempfile.TemporaryFile() as waiting:
            try:
                for place, value in items(stream, _PLACES, self.skipped, self.notes):
                    if place == "runs.item.results.item":
                        self._count += 1
                        if self._late is None:
                            self._late = not tool.name
                        if not self._late:
                            tool.used = True
                            yield from self._result(value, tool, f"result {self._count}")
                            continue
                        if tool.name:  # of the next run: the tool that was read is that of those that wait
                            yield from self._release(waiting, tool)
                            tool = _Tool()
                        waiting.write(json.dumps([self._count, value]).encode("ascii") + b"\n")
                    elif place.startswith("runs.item.tool."):
                        if tool.used or (tool.name and place == f"{_DRIVER}name"):  # the tool of another run
                            yield from self._release(waiting, tool)
                            tool = _Tool()
                        self._of_tool(place, value, tool)
                    else:
                        self._of_run(place, value)
            except ReportError:
                yield from self._release(waiting, tool)  # of a truncated file, what is complete
                raise
            yield from self._release(waiting, tool)
        self._summary(tool)

    def _of_tool(self, place: str, value: Any, tool: _Tool) -> None:
        if place == f"{_DRIVER}name":
            tool.name = text(value, 100) or "unnamed"
            self._tools.append(tool.name)
        elif place == f"{_DRIVER}rules.item":
            tool.add(value)
        elif place == "runs.item.tool.extensions.item":
            for rule in sequence(mapping(value).get("rules")):
                tool.add(rule, indexed=False)
        elif place == f"{_DRIVER}semanticVersion" or self.info["version"] is None:
            self.info["version"] = text(value, 40) or None

    def _of_run(self, place: str, value: Any) -> None:
        if place == "version":
            if value != "2.1.0":
                self.notes.append(f"SARIF {text(value, 20)!r}: read as 2.1.0")
        elif place == "runs.item.automationDetails":
            # the category of the run; what follows its last slash is this run's own (3.17.3)
            self.info["profile"] = text(mapping(value).get("id"), 200).rpartition("/")[0] or self.info["profile"]
        else:
            invocation = mapping(value)
            when = moment(invocation.get("endTimeUtc")) or moment(invocation.get("startTimeUtc"))
            if when:
                self.info["generated"] = max(self.info["generated"] or when, when)
            self.info["arguments"] = text(invocation.get("commandLine"), 4000) or self.info["arguments"]
            if invocation.get("executionSuccessful") is False:
                reason = text(invocation.get("exitCodeDescription"), 200) or text(invocation.get("exitCode"), 20)
                self.info["finished"] = f"executionSuccessful is false {reason}".strip()
            elif self.info["finished"] is None and invocation.get("executionSuccessful") is True:
                self.info["finished"] = "success"

    def _summary(self, tool: _Tool) -> None:
        if self._tools:
            named = ", ".join(dict.fromkeys(self._tools[:20]))
            self.notes.append(f"tools: {named}")
        if tool.left:
            self.notes.append(f"{tool.left} rules after the first {MAX_RULES} were not used")
        for reason, count in sorted(self._quiet.items()):
            self.notes.append(f"{count} result(s) {reason}: counted as information")

    def _release(self, waiting: Any, tool: _Tool) -> Iterator[Record]:
        """The results that waited for their rules."""
        if not waiting.tell():
            return
        waiting.seek(0)
        for line in waiting:
            index, value = json.loads(line)
            yield from self._result(value, tool, f"result {index}")
        waiting.seek(0)
        waiting.truncate()

    def _result(self, value: Any, tool: _Tool, place: str) -> Iterator[Record]:
        if not isinstance(value, dict):
            self.skipped.add(place, "is no result (no object)")
            return
        identifier, rule = tool.rule(value)
        wording = _message(value.get("message"), MAX_LONG, rule.get("messages", {}))
        if not identifier and not wording:
            self.skipped.add(place, "has neither a rule nor a message")
            return
        kind, quiet = _kind(value)
        if quiet:
            self._quiet[quiet] += 1
        severity, grade = _grade(value, rule) if kind == WEAKNESS else (text(value.get("level"), 20) or None, None)
        properties = mapping(value.get("properties"))
        facts = kept(
            {
                "cve": cves(identifier, rule.get("title"), *rule.get("tags", []), properties.get("cve")),
                "cvss": number(_severity(value, rule), 0, 10),
                "cwe": cwes([*rule.get("tags", []), *(f"CWE-{one}" for one in rule.get("taxa", []))]),
                "solution": rule.get("help"),
                "references": texts([rule.get("uri")], 1000),
                "tool": tool.name,
                "state": quiet,
                "first_seen": moment(mapping(value.get("provenance")).get("firstDetectionTimeUtc")),
            }
        )
        given = listed(value.get("locations"), "locations", place, self.skipped)
        if len(given) > MAX_LOCATIONS or any(not isinstance(one, dict) for one in given):
            self.skipped.add(place, f"locations that are none, or after the first {MAX_LOCATIONS}")
        locations = [mapping(one) for one in given[:MAX_LOCATIONS]]
        hosts: list[tuple[str | None, Port | None]] = [*_hosts(value, locations)]
        about, seen = _about(value, locations)
        for host, port in hosts or [(None, None)]:
            asset = None
            if host is not None:
                asset, new = self._asset(host)
                if new:
                    yield Record(kind=HOST, asset=asset, place=place)
            yield Record(
                kind=kind,
                asset=asset,
                # two tools may give the same id to different rules
                rule=f"{tool.name or 'sarif'}:{identifier or cut(wording, 80)}",
                title=rule.get("title") or identifier,
                wording=wording or rule.get("wording", ""),
                severity=severity,
                grade=grade,
                port=port,
                object=None if host is not None else about,
                facts=facts | ({"location": seen} if seen else {}),
                place=place,
            )

    def _asset(self, host: str) -> tuple[Asset, bool]:
        asset = self._assets.get(host)
        if asset is not None:
            return asset, False
        if len(self._assets) >= MAX_ASSETS:
            self._assets.clear()
        address = normal_address(host)
        asset = Asset(addresses=[address] if address else [], typed_names=[] if address else [host])
        self._assets[host] = asset
        return asset, True


def _message(value: Any, limit: int = 2000, strings: Mapping[str, str] | None = None) -> str:
    """The text of a message: ``text``, else ``markdown``, else the rule's message ``id``, with its arguments (3.11)."""
    given = mapping(value)
    found = text(given.get("text"), limit) or text(given.get("markdown"), limit)
    found = found or (strings or {}).get(text(given.get("id"), 200), "")
    arguments = [text(one, 300) for one in sequence(given.get("arguments"))[:100]]
    if not arguments:
        return found

    def argument(match: re.Match[str]) -> str:
        place = int(match[1])
        return arguments[place] if place < len(arguments) else match[0]

    return cut(_ARGUMENT.sub(argument, found), limit)


def _kind(result: Mapping[str, Any]) -> tuple[str, str]:
    """WEAKNESS, or INFO and why (3.27.9 kind, 3.27.23 suppressions, 3.27.24 baselineState)."""
    kind = text(result.get("kind"), 20) or "fail"
    if kind not in KINDS:
        return INFO, f"of the kind {kind}"
    if text(result.get("baselineState"), 20) == "absent":
        return INFO, "are absent now (baselineState)"
    suppressions = [mapping(one) for one in sequence(result.get("suppressions"))]
    # suppressed, unless a suppression is still under review or was rejected
    if suppressions and not any(one.get("status") in ("underReview", "rejected") for one in suppressions):
        return INFO, "are suppressed in the file (someone dismissed them in the tool)"
    if kind == "fail" and text(result.get("level"), 20) == "none":
        return INFO, "have the level none"
    return WEAKNESS, ""


def _severity(result: Mapping[str, Any], rule: Mapping[str, Any]) -> Any:
    given = mapping(result.get("properties")).get("security-severity")
    return rule.get("severity") if given is None else given


def _grade(result: Mapping[str, Any], rule: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """``security-severity`` (0 to 10) by the scale that GitHub documents for it, else the level (3.27.10) by ours:
    error is high, warning is medium, note is low."""
    given = _severity(result, rule)
    score = number(given, 0, 10)
    if score is not None:
        return f"security-severity {text(given, 20)}", grade_of(score)
    level = text(result.get("level"), 20) or rule.get("level") or "warning"
    return level, LEVELS.get(level)


def _hosts(result: Mapping[str, Any], locations: list[Mapping[str, Any]]) -> list[tuple[str, Port | None]]:
    """Host and port of every location that names one, each once."""
    uris = []
    for one in locations:
        physical = mapping(one.get("physicalLocation"))
        uris.append(text(mapping(physical.get("artifactLocation")).get("uri"), 2000))
        uris.append(text(mapping(physical.get("address")).get("fullyQualifiedName"), 2000))
    request = mapping(result.get("webRequest"))
    uris.append(text(request.get("target"), 2000))
    headers = {str(name).lower(): value for name, value in list(mapping(request.get("headers")).items())[:100]}
    if (named := text(headers.get("host"), 300)) and not any(_host(uri) for uri in uris):
        uris.append(f"{text(request.get('protocol'), 10).lower() or 'http'}://{named}")
    found = {(host[0], host[1].id if host[1] else ""): host for uri in uris if (host := _host(uri))}
    return list(found.values())


def _host(uri: str) -> tuple[str, Port | None] | None:
    if "://" not in uri:
        return None
    try:
        parts = urllib.parse.urlsplit(uri)
        number_ = parts.port or _WEB_PORTS.get(parts.scheme)
    except ValueError:
        return None
    # file://server/share and git+ssh://host/repository are places of files, not what was looked at
    if not parts.hostname or parts.scheme == "file" or "+" in parts.scheme or parts.scheme in ("git", "pkg", "docker"):
        return None
    if number_ is None:
        return parts.hostname, None
    udp = parts.scheme == "udp"
    service = None if parts.scheme in ("tcp", "udp") else parts.scheme
    return parts.hostname, Port("udp" if udp else "tcp", number_, service=service)


def _about(result: Mapping[str, Any], locations: list[Mapping[str, Any]]) -> tuple[dict[str, Any] | None, str]:
    """The file or logical thing that a result is about; and its location for a person. A fingerprint of the tool tells
    two places of one file apart over time; a line does so only where there is none."""
    for one in locations:
        physical = mapping(one.get("physicalLocation"))
        uri = text(mapping(physical.get("artifactLocation")).get("uri"), 1000)
        line = text(mapping(physical.get("region")).get("startLine"), 12)
        logical = next(
            (
                name
                for where in sequence(one.get("logicalLocations"))[:10]
                if (name := text(mapping(where).get("fullyQualifiedName")) or text(mapping(where).get("name")))
            ),
            "",
        )
        if not uri and not logical:
            continue
        prints = mapping(result.get("fingerprints")) or mapping(result.get("partialFingerprints"))
        mark = (
            next((text(value, 64) for _name, value in sorted(prints.items(), key=lambda item: str(item[0]))), "")
            or line
        )
        where = f"{uri or logical}{f':{line}' if line else ''}"
        label = f"{where} ({logical})" if uri and logical else where
        return make_object(type="object", id=f"{uri or logical}#{mark}" if mark else uri or logical, label=label), label
    return None, ""
