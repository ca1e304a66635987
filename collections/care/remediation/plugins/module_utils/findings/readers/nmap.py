# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""nmap's XML output (``-oX``), one host at a time. Format: nmap.dtd of nmap 7.

Every text of it (banner, host name, script output) came from the scanned machine and is hostile.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from .xmlstream import MAX_DEPTH, Refused, Unknown, cut

MAX_PORTS: Final = 200_000
MAX_SCRIPTS: Final = 64
MAX_OUTPUT: Final = 1 << 14
MAX_BANNER: Final = 512


@dataclass(slots=True)
class Port:
    """One port line: ``state`` as nmap says it (open, closed, filtered, open|filtered…)."""

    protocol: str
    number: int
    state: str = "unknown"
    service: str | None = None
    product: str = ""
    version: str = ""
    tunnel: str = ""
    scripts: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`tcp/6379`, the id of the finding's object."""
        return f"{self.protocol}/{self.number}"


@dataclass(slots=True)
class Host:
    """One host that answered, or that nmap lists ports for."""

    up: bool = True
    addresses: list[str] = field(default_factory=list)
    typed_names: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)

    @property
    def label(self) -> str:
        """An address (or a name, or a mark that there is none), with the name that nmap was given."""
        address = self.addresses[0] if self.addresses else "(no address)"
        names = self.typed_names or self.names
        return f"{address} ({names[0]})" if names else address


_KNOWN: Final = frozenset(
    [
        "nmaprun",
        "scaninfo",
        "verbose",
        "debugging",
        "taskbegin",
        "taskend",
        "taskprogress",
        "hosthint",
        "prescript",
        "postscript",
        "host",
        "status",
        "address",
        "hostnames",
        "hostname",
        "ports",
        "extraports",
        "extrareasons",
        "port",
        "state",
        "service",
        "cpe",
        "owner",
        "script",
        "elem",
        "table",
        "os",
        "portused",
        "osmatch",
        "osclass",
        "osfingerprint",
        "distance",
        "tcpsequence",
        "ipidsequence",
        "tcptssequence",
        "trace",
        "hop",
        "times",
        "hostscript",
        "smurf",
        "uptime",
        "runstats",
        "finished",
        "hosts",
        "target",
        "output",
    ]
)


class NmapHandler:
    """Collects hosts into ``out``; the facts of the whole scan into ``info``."""

    type = "nmap"

    def __init__(self) -> None:
        self.out: deque[Any] = deque()
        self.notes: list[str] = []
        self.unknown = Unknown()
        self.info: dict[str, Any] = {"version": None, "arguments": "", "generated": None, "tried": {}, "finished": None}
        self.hosts_up = self.hosts_down = 0
        self._host: Host | None = None
        self._port: Port | None = None
        self._depth = 0
        self._starts = {
            "host": self._start_host,
            "status": self._start_status,
            "address": self._start_address,
            "hostname": self._start_hostname,
            "port": self._start_port,
            "state": self._start_state,
            "service": self._start_service,
            "script": self._start_script,
            "scaninfo": self._start_scaninfo,
            "finished": self._start_finished,
            "nmaprun": self._start_nmaprun,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """expat: an element begins."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}: nmap does not write that")
        begin = self._starts.get(name)
        if begin is not None:
            begin(attributes)
        elif name not in _KNOWN:
            self.unknown.add(name)

    def end(self, name: str) -> None:
        """expat: an element ends."""
        self._depth -= 1
        if name == "port":
            self._port = None
        elif name == "host" and self._host is not None:
            host, self._host, self._port = self._host, None, None
            if host.up:
                self.hosts_up += 1
                self.out.append(host)
            else:
                self.hosts_down += 1

    def text(self, data: str) -> None:
        """expat: character data; nmap puts nothing that matters there."""

    def flush(self) -> None:
        """The file ends here: the host begun, with its ports so far; the last one may lack its state."""
        if self._host is not None:
            self.end("host")

    def finish(self) -> list[str]:
        """Notes about the whole file, once it is read."""
        notes = [*self.notes, *self.unknown.note()]
        notes.append(f"hosts up: {self.hosts_up}, hosts down: {self.hosts_down}")
        if self.info["finished"] not in (None, "success"):
            notes.append(f"nmap itself says that the scan ended with: {cut(str(self.info['finished']), 200)}")
        return notes

    def _start_nmaprun(self, attributes: dict[str, str]) -> None:
        self.info["version"] = cut(attributes.get("version", ""), 40) or None
        self.info["arguments"] = cut(attributes.get("args", ""), 4000)
        self.info["generated"] = _time(attributes.get("start"))

    def _start_scaninfo(self, attributes: dict[str, str]) -> None:
        protocol, services = attributes.get("protocol", ""), attributes.get("services", "")
        if protocol in ("tcp", "udp", "sctp", "ip") and len(services) <= 1 << 19:
            known = self.info["tried"].get(protocol)
            self.info["tried"][protocol] = f"{known},{services}" if known else services

    def _start_finished(self, attributes: dict[str, str]) -> None:
        self.info["finished"] = attributes.get("errormsg") or attributes.get("exit") or "success"

    def _start_host(self, attributes: dict[str, str]) -> None:
        self._host = Host()

    def _start_status(self, attributes: dict[str, str]) -> None:
        if self._host is not None:
            self._host.up = attributes.get("state") != "down"

    def _start_address(self, attributes: dict[str, str]) -> None:
        # a host may have an IPv6 address only, or a MAC address beside the others
        if self._host is None or attributes.get("addrtype") == "mac" or len(self._host.addresses) >= 64:
            return
        address = normal_address(attributes.get("addr", ""))
        if address and address not in self._host.addresses:
            self._host.addresses.append(address)

    def _start_hostname(self, attributes: dict[str, str]) -> None:
        if self._host is None or len(self._host.names) >= 64:
            return
        name = cut(attributes.get("name", ""), 255)
        # "user" is what the operator typed; a PTR record is whatever the owner of the address likes
        (self._host.typed_names if attributes.get("type") == "user" else self._host.names).append(name)

    def _start_port(self, attributes: dict[str, str]) -> None:
        self._port = None
        if self._host is None:
            return
        protocol, number = attributes.get("protocol", ""), attributes.get("portid", "")
        if protocol not in ("tcp", "udp", "sctp", "ip") or not number.isascii() or not number.isdigit():
            raise Refused(f"port {protocol[:20]!r}/{number[:20]!r} is not a port")
        if len(number) > 5 or int(number) > 65535:
            raise Refused(f"port number {number[:20]} is not between 0 and 65535")
        if len(self._host.ports) >= MAX_PORTS:
            raise Refused(f"more than {MAX_PORTS} ports on one host: nmap does not write that")
        self._port = Port(protocol, int(number))
        self._host.ports.append(self._port)

    def _start_state(self, attributes: dict[str, str]) -> None:
        if self._port is not None:
            self._port.state = cut(attributes.get("state", "unknown"), 40)

    def _start_service(self, attributes: dict[str, str]) -> None:
        port = self._port
        if port is not None:
            port.service = cut(attributes.get("name", ""), 100) or None
            port.product = cut(attributes.get("product", ""), MAX_BANNER)
            port.version = cut(attributes.get("version", ""), MAX_BANNER)
            port.tunnel = cut(attributes.get("tunnel", ""), 20)

    def _start_script(self, attributes: dict[str, str]) -> None:
        if self._port is not None and len(self._port.scripts) < MAX_SCRIPTS:
            # Blank lines say nothing, and thousands of them would make the catalogue's expressions (^\s*…) quadratic.
            lines = attributes.get("output", "")[:MAX_OUTPUT].splitlines()
            self._port.scripts[cut(attributes.get("id", ""), 100)] = "\n".join(line for line in lines if line.strip())


def normal_address(text: str) -> str | None:
    """An IP address in its one normal form (IPv4-mapped IPv6 as IPv4, no zone), or None where it is none."""
    try:
        address = ipaddress.ip_address(text.strip().split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def _time(seconds: str | None) -> str | None:
    try:
        moment = datetime.datetime.fromtimestamp(int(seconds or ""), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
