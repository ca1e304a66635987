# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What Shodan knows of hosts: the host JSON of its API (``/shodan/host/{ip}``), the answer of its search, and the lines
of ``shodan download``. Fields: datapedia.shodan.io and help.shodan.io (vulnerability assessment).

Shodan looked some day, from outside: nothing that it does not say is proved to be closed.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..records import HOST, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .errors import ReportError
from .jsonstream import Head, items, lines
from .jsonvalues import (
    MAX_LONG,
    Begun,
    cves,
    flag,
    grade_of,
    kept,
    mapping,
    moment,
    number,
    port_number,
    sequence,
    text,
    texts,
)

MAX_VULNERABILITIES: Final = 5000
MAX_ASSETS: Final = 50_000
_PROTOCOLS: Final = ("tcp", "udp", "sctp")
# Shodan's crawler modules where nmap, whose names the catalogue knows, calls the service otherwise.
_SERVICES: Final = {"postgres": "postgresql", "ssh": "ssh", "http-simple-new": "http", "https-simple-new": "https"}
_OBSOLETE: Final = frozenset(["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"])
_RULE: Final = re.compile(r"[\w.:/-]{1,100}")
# The host document's own fields beside its banners.
_HOST: Final = ("ip_str", "hostnames", "last_update", "ports", "vulns", "tags", "data")


class ShodanReader:
    """``records`` gives what the file holds; the facts of the whole file are in ``info`` afterwards."""

    type = "shodan"

    def __init__(self) -> None:
        self.info = new_info(closes=False)  # it says what it found some day, not what it looked for
        self.notes: list[str] = []
        self.skipped = Skipped()
        self._assets: dict[str, Asset] = {}
        self._unverified = 0

    @staticmethod
    def recognise(head: Head) -> bool:
        """A host, banners one a line or in an array, or ``matches`` of a search."""
        if head.top == "object" and {"matches", "total"} <= head.keys:
            return '"ip_str"' in head.text or head.keys <= {"matches", "total", "facets"}
        keys = head.keys if head.top == "object" else head.first
        return "ip_str" in keys and bool(keys & {"data", "ports", "port", "_shodan", "transport"})

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """One record for each port, one for each of its vulnerabilities, one for each host. Raises ReportError."""
        begun: Any = Begun(stream)
        head: Head | None = begun.head
        if head is None:
            raise ReportError(begun.name, "is no JSON")
        if head.top == "lines" or (head.top == "object" and "port" in head.keys):
            for line, value in lines(begun, self.skipped, self.notes):
                yield from self._banner(value, f"line {line}")
        elif head.top == "array":
            for index, (_place, value) in enumerate(items(begun, ["item"], self.skipped, self.notes), 1):
                yield from self._host_or_banner(value, f"item {index}")
        elif "matches" in head.keys:
            for index, (_place, value) in enumerate(items(begun, ["matches.item"], self.skipped, self.notes), 1):
                yield from self._banner(value, f"match {index}")
        else:
            yield from self._host(begun)
        if self._unverified:
            self.notes.append(
                f"{self._unverified} vulnerabilities are not verified: Shodan deduces them from a version, and says "
                "that many such are wrong; look at the host before correcting"
            )

    # --- a host document: its banners come one by one, what it says of itself may stand before or after them

    def _host(self, stream: Any) -> Iterator[Record]:
        prefixes = [*(name for name in _HOST if name != "data"), "data.item"]
        host: dict[str, Any] = {}
        banners = 0
        said: set[str] = set()
        open_ports: set[int] = set()
        for place, value in items(stream, prefixes, self.skipped, self.notes):
            if place != "data.item":
                host[place] = value
                continue
            banners += 1
            if isinstance(value, dict):
                said.update(_vulnerabilities(value.get("vulns")))
                open_ports.add(port_number(value.get("port")) or 0)
                value = {"ip_str": host.get("ip_str"), "hostnames": host.get("hostnames")} | value
            yield from self._banner(value, f"banner {banners}")
        yield from self._rest_of_host(host, "host", said, open_ports)

    def _host_or_banner(self, value: Any, place: str) -> Iterator[Record]:
        host = mapping(value)
        if "port" in host or not (host.keys() & {"data", "ports"}):
            yield from self._banner(value, place)
            return
        said: set[str] = set()
        open_ports: set[int] = set()
        own = {"ip_str": host.get("ip_str"), "hostnames": host.get("hostnames")}
        for index, banner in enumerate(sequence(host.get("data")), 1):
            if isinstance(banner, dict):
                said.update(_vulnerabilities(banner.get("vulns")))
                open_ports.add(port_number(banner.get("port")) or 0)
                banner = own | banner
            yield from self._banner(banner, f"{place}, banner {index}")
        yield from self._rest_of_host(host, place, said, open_ports)

    def _rest_of_host(
        self, host: Mapping[str, Any], place: str, said: set[str], open_ports: set[int]
    ) -> Iterator[Record]:
        """What only the host says: vulnerabilities and ports that no banner has (``minify``, a truncated history)."""
        asset = yield from self._asset(host, place)
        if asset is None:
            return
        self._seen(host.get("last_update"))
        for identifier in self._vulnerabilities_of(host, place):
            if identifier not in said:
                yield self._vulnerability(identifier, {}, asset, None, place)
        ports = [port for item in sequence(host.get("ports")) if (port := port_number(item))]
        missing = sorted(set(ports) - open_ports)
        if missing:
            listed = ", ".join(map(str, missing[:50]))
            self.skipped.add(place, f"ports without a banner, so neither tcp nor udp (ask without minify): {listed}")

    # --- banners

    def _banner(self, value: Any, place: str) -> Iterator[Record]:
        if not isinstance(value, dict):
            self.skipped.add(place, "is no banner (no object)")
            return
        asset = yield from self._asset(value, place)
        if asset is None:
            return
        number_, transport = port_number(value.get("port")), text(value.get("transport"), 10).lower() or "tcp"
        if number_ is None or transport not in _PROTOCOLS:
            self.skipped.add(place, f"names no port: {text(value.get('port'), 20)!r}/{transport!r}")
            return
        when = self._seen(value.get("timestamp"))
        module = text(mapping(value.get("_shodan")).get("module"), 60).lower()
        port = Port(
            transport,
            number_,
            state="open",
            service=_SERVICES.get(module, module) or None,
            product=text(value.get("product")),
            version=text(value.get("version"), 100),
            tunnel="ssl" if value.get("ssl") else "",
        )
        facts = kept(
            {"first_seen": when, "tags": texts(value.get("tags"), 60), "output": text(value.get("data"), 2000)}
        )
        yield Record(kind=PORT, asset=asset, port=port, facts=facts, place=place)
        yield from self._weaknesses(value, asset, port, place)
        vulnerabilities = self._vulnerabilities_of(value, place)
        if len(vulnerabilities) > MAX_VULNERABILITIES:
            self.skipped.add(place, f"vulnerabilities after the first {MAX_VULNERABILITIES}")
        for identifier, facts_of_it in list(vulnerabilities.items())[:MAX_VULNERABILITIES]:
            yield self._vulnerability(identifier, facts_of_it, asset, port, place)

    def _vulnerabilities_of(self, value: Mapping[str, Any], place: str) -> dict[str, Mapping[str, Any]]:
        given = value.get("vulns")
        found = _vulnerabilities(given)
        lost = (len(given) if isinstance(given, dict | list) else 0) - len(found)
        if lost > 0:
            self.skipped.add(place, f"{lost} of its vulnerabilities: twice, not vulnerable, or no identifier")
        return found

    def _vulnerability(
        self, identifier: str, given: Mapping[str, Any], asset: Asset, port: Port | None, place: str
    ) -> Record:
        score = number(given.get("cvss"), 0, 10)
        score = number(given.get("cvss_v2"), 0, 10) if score is None else score
        version = number(given.get("cvss_version"), 1, 9)
        verified = flag(given.get("verified"))
        self._unverified += verified is False
        return Record(
            kind=WEAKNESS,
            asset=asset,
            rule=identifier,
            title=identifier,
            wording=text(given.get("summary"), MAX_LONG),
            severity=None if score is None else f"CVSS {score:g}",
            grade=grade_of(score, 2.0 if given.get("cvss") is None and score is not None else version),
            port=port,
            facts=kept(
                {
                    "cve": cves(identifier),
                    "cvss": score,
                    "epss": number(given.get("epss"), 0, 1),
                    "kev": flag(given.get("kev")),
                    "verified": verified,
                    "references": texts(given.get("references") or given.get("ref")),
                }
            ),
            place=place,
        )

    def _weaknesses(self, banner: Mapping[str, Any], asset: Asset, port: Port, place: str) -> Iterator[Record]:
        """What Shodan's crawler saw for itself. The rule is the field that says it."""

        def weakness(rule: str, title: str, wording: str) -> Record:
            return Record(kind=WEAKNESS, asset=asset, rule=rule, title=title, wording=wording, port=port, place=place)

        # "-TLSv1" is a version that was tried and refused
        obsolete = [one for one in texts(mapping(banner.get("ssl")).get("versions"), 20) if one in _OBSOLETE]
        if obsolete:
            yield weakness("ssl.versions", "Obsolete TLS versions accepted", f"accepted: {', '.join(obsolete)}")
        if flag(mapping(banner.get("ftp")).get("anonymous")):
            yield weakness("ftp.anonymous", "Anonymous FTP", "the server lets anybody in (anonymous)")
        if mapping(mapping(banner.get("redis")).get("server")):
            wording = "the server answered INFO without a password"
            yield weakness("redis.server", "Redis without authentication", wording)

    def _asset(self, value: Mapping[str, Any], place: str) -> Generator[Record, None, Asset | None]:
        """A generator, for ``yield from``: gives the host's record at its first banner, returns the asset or None."""
        address = normal_address(text(value.get("ip_str"), 60) or text(value.get("ipv6"), 60))
        if address is None:
            self.skipped.add(place, f"names no address (ip_str is {text(value.get('ip_str'), 60)!r})")
            return None
        asset = self._assets.get(address)
        if asset is None:
            if len(self._assets) >= MAX_ASSETS:
                self._assets.clear()
            # PTR records (datapedia: "based on the PTR/ reverse DNS information"): whatever their owner likes
            asset = self._assets[address] = Asset(addresses=[address], names=texts(value.get("hostnames"), 255, 64))
            yield Record(kind=HOST, asset=asset, place=place)
        return asset

    def _seen(self, value: Any) -> str | None:
        """The newest time of the file is when it was made."""
        when = moment(value)
        if when is not None:
            self.info["generated"] = max(self.info["generated"] or when, when)
        return when


def _vulnerabilities(value: Any) -> dict[str, Mapping[str, Any]]:
    """Identifier to facts, of ``vulns`` of a banner (an object) or of a host (a list; ``!CVE-…`` is not vulnerable)."""
    if isinstance(value, list):
        return {one: {} for one in texts(value, 100, MAX_VULNERABILITIES) if _RULE.fullmatch(one)}
    return {
        identifier: mapping(facts)
        for identifier, facts in mapping(value).items()
        if isinstance(identifier, str) and _RULE.fullmatch(identifier)
    }
