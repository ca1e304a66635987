# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Censys knows of hosts: JSON of its Search API v2 (``/v2/hosts/{ip}``, ``/v2/hosts/search``), of its Platform API
v3 (``/v3/global/asset/host/{ip}``, lists and searches), and what its command line saves of them.

Fields: docs.censys.com and the models of censys-sdk-python. Censys looked some day, from outside: nothing that it does
not say is proved to be closed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from ..records import HOST, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .errors import ReportError
from .jsonstream import Head, items, lines
from .jsonvalues import (
    MAX_LONG,
    Begun,
    cves,
    cwes,
    grade_of,
    kept,
    listed,
    mapping,
    moment,
    number,
    port_number,
    sequence,
    text,
    texts,
)

MAX_SERVICES: Final = 10_000
MAX_RISKS: Final = 5000
MAX_ASSETS: Final = 50_000
GRADES: Final = frozenset(["critical", "high", "medium", "low"])
_TRANSPORT: Final = {"tcp": "tcp", "udp": "udp", "quic": "udp", "sctp": "sctp"}
# Where nmap, whose names the catalogue knows, calls the service otherwise.
_SERVICES: Final = {"postgres": "postgresql", "mssql": "ms-sql-s", "unknown": None}
# Parts of one host of API v2: as a whole they would hide the other forms of "result".
_V2: Final = ("ip", "services", "dns", "labels", "last_updated_at", "operating_system")
_PLACES: Final = ("result.hits.item", "result.resource", "result.resources.item", "result.item", "resource", "host")
_RISKS: Final = ("vulns", "misconfigs", "exposures", "threats")
_MARKS: Final = re.compile(
    r'"(?:services|transport_protocol|service_name|autonomous_system|service_count|last_updated_at)"'
)


class CensysReader:
    """``records`` gives what the file holds; the facts of the whole file are in ``info`` afterwards."""

    type = "censys"

    def __init__(self) -> None:
        self.info = new_info(closes=False)  # it says what it found some day, not what it looked for
        self.notes: list[str] = []
        self.skipped = Skipped()
        self._truncated: Counter[str] = Counter()
        self._assets: dict[str, Asset] = {}

    @staticmethod
    def recognise(head: Head) -> bool:
        """A host with its services, alone, in ``result``, in an array or one a line."""
        keys = head.keys | head.first
        if "ip_str" in keys or "runs" in keys:
            return False
        if "ip" in keys and keys & {"services", "service_count", "autonomous_system"}:
            return True
        if keys & {"result", "resource", "host_v1", "host"}:
            return '"ip"' in head.text and _MARKS.search(head.text) is not None
        return False

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """One record for each service, one for each of its weaknesses, one for each host. Raises ReportError."""
        begun: Any = Begun(stream)
        head: Head | None = begun.head
        if head is None:
            raise ReportError(begun.name, "is no JSON")
        if head.top == "lines":
            for line, value in lines(begun, self.skipped, self.notes):
                yield from self._host(value, f"line {line}")
        elif head.top == "array":
            for index, (_place, value) in enumerate(items(begun, ["item"], self.skipped, self.notes), 1):
                yield from self._host(value, f"item {index}")
        elif "ip" in head.keys:
            for _place, value in items(begun, [""], self.skipped, self.notes):
                yield from self._host(value, "host")
        else:
            yield from self._envelope(begun)
        for what, count in sorted(self._truncated.items()):
            self.notes.append(f"{count} {what}")

    def _envelope(self, stream: Any) -> Iterator[Record]:
        one: dict[str, Any] = {}
        prefixes = [*_PLACES, *(f"result.{name}" for name in _V2)]
        try:
            for index, (place, value) in enumerate(items(stream, prefixes, self.skipped, self.notes), 1):
                name = place.removeprefix("result.")
                if name in _V2:
                    one[name] = value
                else:
                    yield from self._host(value, f"host {index}")
        except ReportError:
            if one.get("ip"):  # of a truncated file, what is complete
                yield from self._host(one, "host")
            raise
        if one:
            yield from self._host(one, "host")

    def _host(self, value: Any, place: str) -> Iterator[Record]:
        """A host, however it is wrapped: ``resource``, ``host_v1.resource``, ``host``."""
        for _layer in range(3):
            inner = mapping(value)
            if "ip" in inner:
                break
            value = next((inner[name] for name in ("host_v1", "resource", "host", "result") if name in inner), value)
        host = mapping(value)
        if "ip" not in host and (host.keys() & {"webproperty_v1", "certificate_v1"}):
            self.skipped.add(place, "is a certificate or a web property, no host")
            return
        address = normal_address(text(host.get("ip"), 60))
        if address is None:
            self.skipped.add(place, f"names no address (ip is {text(host.get('ip'), 60)!r})")
            return
        dns = mapping(host.get("dns"))
        names = [*texts(dns.get("names"), 255), *texts(mapping(dns.get("reverse_dns")).get("names"), 255)]
        # names that point here and PTR records, both found by Censys: nobody of ours typed them
        self._seen(host.get("last_updated_at"))
        asset = self._assets.get(address)
        if asset is None:  # virtual hosts of one address are one machine
            if len(self._assets) >= MAX_ASSETS:
                self._assets.clear()
            known = dict.fromkeys([*names, *texts(host.get("name"), 255)])
            asset = self._assets[address] = Asset(addresses=[address], names=list(known)[:64])
            yield Record(kind=HOST, asset=asset, place=place)
        services = listed(host.get("services"), "services", place, self.skipped)
        if len(services) > MAX_SERVICES:
            self.skipped.add(place, f"{len(services) - MAX_SERVICES} services after the first {MAX_SERVICES}")
        for index, service in enumerate(services[:MAX_SERVICES], 1):
            yield from self._service(service, asset, f"{place}, service {index}")

    def _service(self, value: Any, asset: Asset, place: str) -> Iterator[Record]:
        if not isinstance(value, dict):
            self.skipped.add(place, "is no service (no object)")
            return
        number_ = port_number(value.get("port"))
        transport = _TRANSPORT.get(text(value.get("transport_protocol"), 20).lower() or "tcp")
        if number_ is None or transport is None:
            given = f"{text(value.get('port'), 20)!r}/{text(value.get('transport_protocol'), 20)!r}"
            self.skipped.add(place, f"names no port: {given}")
            return
        if value.get("truncated") is True:
            self._truncated["services were cut by Censys (it takes the host for a pseudo service)"] += 1
        when = self._seen(value.get("observed_at") or value.get("scan_time"))
        named = text(value.get("service_name") or value.get("protocol"), 60).lower()
        software = next((mapping(one) for one in sequence(value.get("software"))), {})
        product = " ".join(dict.fromkeys([*texts(software.get("vendor"), 100), *texts(software.get("product"), 200)]))
        extended = text(value.get("extended_service_name"), 60).upper()
        port = Port(
            transport,
            number_,
            state="open",
            service=_SERVICES.get(named, named) or None,
            product=product,
            version=text(software.get("version"), 100),
            tunnel="ssl" if value.get("tls") or extended == "HTTPS" else "",
        )
        labels = [text(one, 60) or text(mapping(one).get("value"), 60) for one in sequence(value.get("labels"))]
        facts = {
            "seen": when,
            "tags": [one for one in labels if one][:100],
            "output": text(value.get("banner"), 2000),
        }
        yield Record(kind=PORT, asset=asset, port=port, facts=kept(facts), place=place)
        for kind in _RISKS:
            risks = listed(value.get(kind), kind, place, self.skipped)
            if len(risks) > MAX_RISKS:
                self.skipped.add(place, f"{kind} after the first {MAX_RISKS}")
            for risk in risks[:MAX_RISKS]:
                yield from self._risk(kind, risk, asset, port, place)

    def _risk(self, kind: str, value: Any, asset: Asset, port: Port, place: str) -> Iterator[Record]:
        risk = mapping(value)
        identifier, name = text(risk.get("id"), 200), text(risk.get("name"))
        if not identifier and not name:
            self.skipped.add(place, f"an entry of {kind} has neither an id nor a name")
            return
        metrics = mapping(risk.get("metrics"))
        given = next(
            (one for key in ("cvss_v40", "cvss_v31", "cvss_v30") if (one := mapping(metrics.get(key)))),
            mapping(risk.get("cvss")),
        )
        score, severity = number(given.get("score"), 0, 10), text(risk.get("severity"), 40)
        weaknesses = [mapping(one).get("id") or mapping(one).get("name") or one for one in sequence(risk.get("cwes"))]
        evidence = [
            text(mapping(one).get("found_value") or mapping(one).get("data_path"), 300)
            for one in sequence(risk.get("evidence"))
        ]
        yield Record(
            kind=WEAKNESS,
            asset=asset,
            rule=identifier or name,
            title=name or identifier,
            wording=text(risk.get("description"), MAX_LONG) or (f"{kind}: {name}" if name else kind),
            severity=severity or None,
            grade=severity.lower() if severity.lower() in GRADES else grade_of(score),
            port=port,
            facts=kept(
                {
                    "cve": cves(identifier, name),
                    "cvss": score,
                    "cvss_vector": text(given.get("vector"), 200),
                    "epss": number(mapping(metrics.get("epss")).get("score"), 0, 1),
                    "kev": True if sequence(risk.get("kev")) else None,
                    "cwe": cwes(weaknesses),
                    "confidence": number(risk.get("confidence"), 0, 1),
                    "output": "\n".join(one for one in evidence[:20] if one),
                }
            ),
            place=place,
        )

    def _seen(self, value: Any) -> str | None:
        """The newest time of the file is when it was made."""
        when = moment(value)
        if when is not None:
            self.info["generated"] = max(self.info["generated"] or when, when)
        return when
