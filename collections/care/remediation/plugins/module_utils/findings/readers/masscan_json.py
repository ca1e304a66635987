# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""masscan's JSON (``-oJ``) and its JSON a line (``-oD``), one port at a time. Format: out-json.c, out-ndjson.c of
masscan 1.3.

masscan writes ``-oJ`` a record a line. Its older versions leave a comma behind the last record, or write
``{finished: 1}`` there, which is no JSON; so the file is read by lines, unless something formatted it again. What
masscan was asked to try is not in it: nothing is ever closed by it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..records import HOST, INFO, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .errors import ReportError
from .jsonstream import MAX_LINE, TRUNCATED, Head, elements, lines
from .jsontext import Text
from .jsonvalues import Begun, cves, kept, mapping, port_number, sequence, text
from .xmlstream import Unknown, cut

MAX_ASSETS: Final = 65_536
MAX_BANNER: Final = 512
PROTOCOLS: Final = frozenset(["tcp", "udp", "sctp"])
WITHOUT_PORTS: Final = frozenset(["icmp", "oproto"])
# masscan's names of what it understood (masscan-app.c) to the names of services that everybody else uses
SERVICES: Final = {"pop": "pop3", "vnc-info": "vnc", "http.server": "http", "title": "http", "html": "http"}
# What it says about a port without naming its service
ABOUT: Final = frozenset(["unknown", "safe", "error", "scripting", "versioning"])
TLS: Final = frozenset(["ssl", "X509", "X509CA"])
VULNERABLE: Final = frozenset(["vuln", "heartbleed", "ticketbleed"])

_RECORD: Final = re.compile(r"\s*(?:\[\s*)?,?\s*\{[^\n]*\}\s*,?\s*(?:\n|\Z)")
_FINISHED: Final = re.compile(rb"\{\s*\"?finished\"?\s*:\s*1\s*\}")


class MasscanJsonReader:
    """Reads one file."""

    type = "masscan"

    def __init__(self) -> None:
        self.info = new_info(closes=False)  # it says what it found, not what it looked for
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.unknown = Unknown()
        self._assets: dict[str, Asset] = {}
        self._latest = 0

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether a file that begins so is masscan's."""
        keys = head.first or head.keys
        if {"ip", "timestamp"} <= keys and ("ports" in keys or {"port", "proto", "rec_type"} <= keys):
            return True
        return head.top != "scalar" and _old_form(head.text)

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record. Raises ReportError."""
        begun = Begun(stream)
        beginning = begun.head.text if begun.head is not None else ""
        if _RECORD.match(beginning):
            cleaned = _OneALine(begun)
            numbered = lines(cleaned, self.skipped, self.notes)  # type: ignore[arg-type]
            for number, value in numbered:
                yield from self._entry(value, f"line {number}")
            self._end(cleaned)
        else:
            for place, value in elements(begun, self.skipped, self.notes):  # type: ignore[arg-type]
                yield from self._entry(value, place)
        self.notes += self.unknown.note()
        if self._latest:
            moment = datetime.datetime.fromtimestamp(self._latest, datetime.UTC)
            self.info["generated"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _end(self, cleaned: _OneALine) -> None:
        if (cleaned.opened or cleaned.goes_on) and not cleaned.closed:
            raise ReportError(
                cleaned.name,
                f"the list that masscan began does not end: {TRUNCATED}",
                line=cleaned.line,
                truncated=True,
            )
        if cleaned.closed or cleaned.finished:
            self.info["finished"] = "success"

    def _entry(self, value: Any, place: str) -> Iterator[Record]:
        entry = mapping(value)
        if not entry:
            self.skipped.add(place, "is no record of masscan")
            return
        if "finished" in entry and "ip" not in entry:
            self.info["finished"] = "success"
            return
        address = normal_address(text(entry.get("ip")))
        if address is None:
            self.skipped.add(place, f"its ip is no address: {text(entry.get('ip'), 80)!r}")
            return
        asset = self._assets.get(address)
        if asset is None:
            if len(self._assets) >= MAX_ASSETS:  # a host that comes again after so many others is said again
                self._assets.pop(next(iter(self._assets), ""), None)
            asset = self._assets[address] = Asset(addresses=[address])
            yield Record(HOST, asset, place=place)
        for key in entry.keys() - {"ip", "timestamp", "ports", "port", "proto", "rec_type", "data"}:
            self.unknown.add(key)
        seen = text(entry.get("timestamp"), 20)
        if seen.isascii() and seen.isdigit() and len(seen) <= 10:
            self._latest = max(self._latest, int(seen))
        ports = sequence(entry.get("ports"))
        if "port" in entry:  # -oD: what -oJ writes into the port stands in "data"
            ports = [{"port": entry["port"], "proto": entry.get("proto"), **_data(entry)}]
        if not ports:
            self.skipped.add(place, "names no port")
        for one in ports:
            yield from self._port(mapping(one), asset, place)

    def _port(self, entry: Mapping[str, Any], asset: Asset, place: str) -> Iterator[Record]:
        protocol = text(entry.get("proto"), 20)
        number = port_number(entry.get("port"))
        if protocol in WITHOUT_PORTS:
            yield Record(INFO, asset, rule=protocol, wording=text(entry.get("status"), 80), place=place)
            return
        if protocol not in PROTOCOLS or number is None:
            self.skipped.add(place, f"its port is none: {protocol[:20]}/{text(entry.get('port'), 20)}")
            return
        facts: dict[str, Any] = {"reason": text(entry.get("reason"), 80)}
        service = mapping(entry.get("service"))
        if not service:
            port = Port(protocol, number, text(entry.get("status"), 40) or "unknown")
            yield Record(PORT, asset, port=port, facts=kept(facts), place=place)
            return
        name, banner = text(service.get("name"), 100), text(service.get("banner"), 1 << 14)
        # Only a port that answered has a banner.
        port = Port(protocol, number, "open")
        if name in TLS:
            port.tunnel = "ssl"
            if name != "ssl":  # the certificate, in base64
                yield Record(INFO, asset, rule=name, wording=cut(banner, 200), port=port, place=place)
                return
        elif name and name not in ABOUT and name not in VULNERABLE:
            port.service = SERVICES.get(name, name)
        port.product = cut(banner, MAX_BANNER)
        if name in VULNERABLE:
            yield Record(
                WEAKNESS,
                asset,
                rule=name,
                title=f"masscan: {name}",
                wording=banner,
                port=port,
                facts=kept({"cve": cves(banner), "output": banner}),
                place=place,
            )
        yield Record(PORT, asset, port=port, place=place)


def _old_form(beginning: str) -> bool:
    """The record of a version that writes no JSON in the end: told by the words of its first line."""
    match = _RECORD.match(beginning)
    return match is not None and all(word in match[0] for word in ('"ip"', '"ports"', '"proto"'))


def _data(entry: Mapping[str, Any]) -> dict[str, Any]:
    data = mapping(entry.get("data"))
    if "service_name" in data or "banner" in data:
        return {"service": {"name": data.get("service_name"), "banner": data.get("banner")}}
    return {"status": data.get("status"), "reason": data.get("reason")}


class _OneALine:
    """The file as one JSON value a line: without brackets and commas around the records, line numbers kept."""

    def __init__(self, stream: Any) -> None:
        self.name = stream.name
        self.opened = self.closed = self.finished = self.goes_on = False
        self.line = 1
        self._pieces = Text(stream).utf8()
        self._rest = b""
        self._done = False

    def read(self, _size: int) -> bytes:
        """The next lines; nothing at the end."""
        while not self._done:
            piece = next(self._pieces, None)
            self._done = piece is None
            parts = (self._rest + (piece or b"")).split(b"\n")
            self._rest = parts.pop()
            if len(self._rest) > MAX_LINE:
                raise ReportError(self.name, "a line is longer than masscan writes one", line=self.line + len(parts))
            out = b"".join(self._clean(part) + b"\n" for part in parts)
            self.line += len(parts)
            if self._done:
                out += self._clean(self._rest)
            if out:
                return out
        return b""

    def _clean(self, line: bytes) -> bytes:
        part = line.strip()
        if part == b"[" or part.startswith((b"[{", b"[ {")):
            self.opened = True
            part = part[1:].lstrip()
        if part == b"]" or part.endswith((b"}]", b"} ]")):
            self.closed = True
            part = part[:-1].rstrip()
        self.goes_on = self.goes_on or part.endswith(b",")  # of the form without brackets
        part = part.strip(b", \t")
        if _FINISHED.fullmatch(part):
            self.finished = self.closed = True
            return b""
        return part
