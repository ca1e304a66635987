# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""masscan's XML (``-oX``): nmap's elements, but one ``<host>`` for each port and for each banner, in any order.

Format: out-xml.c of masscan 1.3. What masscan was asked to try is not in it: nothing is ever closed by it.
"""

from __future__ import annotations

import datetime
from collections import deque
from typing import Any, Final

from ..records import HOST, INFO, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .jsonvalues import cves
from .masscan_json import ABOUT, MAX_BANNER, SERVICES, TLS, VULNERABLE
from .xmlstream import MAX_DEPTH, Refused, Unknown, cut

# Ports that are kept until all that is said of them is known; with more, what comes later is said in a second record.
MAX_PENDING: Final = 100_000
MAX_TEXTS: Final = 16 << 20
MAX_OUTPUT: Final = 1 << 14
_KNOWN: Final = frozenset(
    [
        *(
            "nmaprun",
            "scaninfo",
            "host",
            "address",
            "ports",
            "port",
            "state",
            "service",
            "runstats",
            "finished",
            "hosts",
        ),
        *("status", "hostnames", "hostname", "verbose", "debugging"),
    ]
)


class MasscanHandler:
    """Collects the elements of a host; puts the records of its ports, and of itself, into ``out`` at the end."""

    type = "masscan"
    ROOTS: Final = frozenset({"nmaprun"})

    def __init__(self) -> None:
        self.out: deque[Any] = deque()
        self.notes: list[str] = []
        self.unknown = Unknown()
        self.skipped = Skipped()
        self.info = new_info(closes=False)
        self.elements = 0
        self._depth = self._pending = self._texts = 0
        self._address = ""
        self._host: Asset | None = None
        self._port: Port | None = None
        self._hosts: dict[str, Asset] = {}
        self._ports: dict[str, dict[str, Port]] = {}
        self._starts = {
            "port": self._start_port,
            "state": self._start_state,
            "service": self._start_service,
            "address": self._start_address,
            "host": self._start_host,
            "nmaprun": self._start_nmaprun,
            "finished": self._start_finished,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """expat: an element begins."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}: masscan does not write that")
        if name in self._starts:
            self._starts[name](attributes)
        elif name not in _KNOWN:
            self.unknown.add(name)

    def end(self, name: str) -> None:
        """expat: an element ends."""
        self._depth -= 1
        if name == "port":
            self._end_port()
        elif name == "host":
            self._host, self._address = None, ""
            if self._pending >= MAX_PENDING or len(self._hosts) >= MAX_PENDING or self._texts >= MAX_TEXTS:
                self.flush()
        elif name == "nmaprun":
            self.flush()

    def text(self, data: str) -> None:
        """expat: character data; masscan puts nothing there."""

    def flush(self) -> None:
        """Everything collected, given and forgotten. Of a truncated file as well: what stands there was seen."""
        for address, asset in self._hosts.items():
            place = f"host {address}"
            for port in self._ports.get(address, {}).values():
                self.out.append(Record(PORT, asset, rule="open-port", port=port, place=f"{place}, {port.id}"))
            self.out.append(Record(HOST, asset, place=place))
        self._hosts, self._ports, self._pending, self._texts = {}, {}, 0, 0
        self._host = self._port = None

    def finish(self) -> list[str]:
        """Notes about the whole file, once it is read."""
        return [*self.notes, *self.unknown.note()]

    def _start_nmaprun(self, attributes: dict[str, str]) -> None:
        # of the form of the output, not of the program
        self.info["version"] = cut(attributes.get("version", ""), 40) or None
        start = attributes.get("start", "")
        if start.isascii() and start.isdigit() and len(start) <= 10:
            moment = datetime.datetime.fromtimestamp(int(start), datetime.UTC)
            self.info["generated"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _start_finished(self, attributes: dict[str, str]) -> None:
        self.info["finished"] = "success"

    def _start_host(self, attributes: dict[str, str]) -> None:
        self._host, self._address, self._port = None, "", None

    def _start_address(self, attributes: dict[str, str]) -> None:
        given = attributes.get("addr", "")
        address = normal_address(given)
        if address is None:
            self.skipped.add(f"host {given[:80]}", "its address is none")
            return
        self._address = address
        known = self._hosts.get(address)
        self._host = self._hosts[address] = known if known is not None else Asset(addresses=[address])

    def _start_port(self, attributes: dict[str, str]) -> None:
        self.elements += 1
        self._port = None
        protocol, number = attributes.get("protocol", ""), attributes.get("portid", "")
        place = f"host {self._address or '?'}, {protocol[:10]}/{number[:10]}"
        if self._host is None:
            self.skipped.add(place, "a port of a host without address")
        elif protocol == "icmp":  # answered a ping
            self.out.append(Record(INFO, self._host, rule="icmp", title="answers pings", place=place))
        elif protocol not in ("tcp", "udp", "sctp") or not _is_port(number):
            self.skipped.add(place, "is not a port")
        else:
            self._port = Port(protocol, int(number))

    def _start_state(self, attributes: dict[str, str]) -> None:
        if self._port is not None:
            self._port.state = cut(attributes.get("state", "unknown"), 40)

    def _start_service(self, attributes: dict[str, str]) -> None:
        port, host = self._port, self._host
        if port is None or host is None:
            return
        name, banner = cut(attributes.get("name", ""), 100), attributes.get("banner", "")
        self._texts += len(name) + min(len(banner), MAX_OUTPUT)
        port.scripts[f"banner-{name}"] = cut(banner, MAX_OUTPUT)
        if name in TLS:
            port.tunnel = "ssl"
        elif name in VULNERABLE:
            facts: dict[str, Any] = {"output": cut(banner, MAX_OUTPUT)}
            if cves(banner):
                facts["cve"] = cves(banner)
            place = f"host {self._address}, {port.id}"
            self.out.append(
                Record(WEAKNESS, host, name, f"masscan: {name}", cut(banner), port=port, facts=facts, place=place)
            )
        elif name and name not in ABOUT:
            port.service = SERVICES.get(name, name)
            port.product = cut(banner.strip(), MAX_BANNER)

    def _end_port(self) -> None:
        """Join what this element says to what earlier ones said of the same port."""
        port = self._port
        self._port = None
        if port is None:
            return
        ports = self._ports.setdefault(self._address, {})
        known = ports.get(port.id)
        if known is None:
            # a weakness has this object already: what later elements say of the port must not change it
            ports[port.id] = Port(
                port.protocol,
                port.number,
                port.state,
                port.service,
                port.product,
                port.version,
                port.tunnel,
                dict(port.scripts),
            )
            self._pending += 1
            return
        if port.state == "open" or known.state == "unknown":
            known.state = port.state
        if port.service and (known.service is None or not known.product):
            known.service, known.product = port.service, port.product
        known.tunnel = known.tunnel or port.tunnel
        if len(known.scripts) < len(SERVICES) + 64:
            known.scripts.update(port.scripts)


def _is_port(number: str) -> bool:
    return number.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535
