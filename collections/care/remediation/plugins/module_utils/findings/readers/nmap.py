# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""nmap's XML output (``-oX``), port by port, once a host is complete. Format: nmap.dtd of nmap 7.

Every text of it (banner, host name, script output) came from the scanned machine and is hostile.
"""

from __future__ import annotations

import datetime
from collections import deque
from typing import Any, Final

from ..records import HOST, PORT, Asset, Port, Record, Skipped, new_info, normal_address
from .xmlstream import MAX_DEPTH, Refused, Unknown, cut

MAX_PORTS: Final = 200_000
MAX_SCRIPTS: Final = 64
MAX_OUTPUT: Final = 1 << 14
MAX_BANNER: Final = 512


_PROTOCOLS: Final = frozenset(("tcp", "udp", "sctp", "ip"))
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
    """Puts the records of finished hosts into ``out``; the facts of the whole scan into ``info``."""

    type = "nmap"
    ROOTS: Final = frozenset({"nmaprun"})

    def __init__(self) -> None:
        self.out: deque[Any] = deque()
        self.notes: list[str] = []
        self.unknown = Unknown()
        self.skipped = Skipped()
        self.info = new_info()
        self.hosts_up = self.hosts_down = 0
        self.host_scripts = Unknown()
        self._host: Asset | None = None
        self._up = True
        self._ports: list[Port] = []
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
        begin = self._starts.get(name)
        if begin is not None:
            begin(attributes)
        elif name not in _KNOWN:
            self.unknown.add(name)
        if self._depth > MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}: nmap does not write that")

    def end(self, name: str) -> None:
        """expat: an element ends."""
        self._depth -= 1
        if name == "port":
            self._port = None
        elif name == "host" and self._host is not None:
            host, ports = self._host, self._ports
            self._host, self._port, self._ports = None, None, []
            if not (host.addresses or host.typed_names or host.names):
                self.skipped.add(f"host {self.hosts_up + self.hosts_down + self.skipped.count + 1}", "names no address")
            elif self._up:
                self.hosts_up += 1
                self.out.append(Record(HOST, host))
                self.out.extend(Record(PORT, host, rule="open-port", port=port) for port in ports)
            else:
                self.hosts_down += 1

    def text(self, data: str) -> None:
        """expat: character data; nmap puts nothing that matters there."""

    def flush(self) -> None:
        """The file ends here: the host begun, with its ports so far; the last may lack its state. Before its address
        stands its status: without an address, nothing says that it is up."""
        if self._host is not None and self._host.addresses:
            self.end("host")

    def finish(self) -> list[str]:
        """Notes about the whole file, once it is read."""
        notes = [*self.notes, *self.unknown.note()]
        notes += self.host_scripts.note("scripts about a whole host, which are not used")
        notes.append(f"hosts up: {self.hosts_up}, hosts down: {self.hosts_down}")
        return notes

    def _start_nmaprun(self, attributes: dict[str, str]) -> None:
        self.info["version"] = cut(attributes.get("version", ""), 40) or None
        self.info["arguments"] = cut(attributes.get("args", ""), 4000)
        self.info["generated"] = _time(attributes.get("start"))

    def _start_scaninfo(self, attributes: dict[str, str]) -> None:
        protocol, services = attributes.get("protocol", ""), attributes.get("services", "")
        if protocol in ("tcp", "udp", "sctp", "ip") and len(services) <= 1 << 19:
            known = self.info["tried"].get(protocol)
            if len(known or "") <= 1 << 19:  # what was tried and is not told closes less, never more
                self.info["tried"][protocol] = f"{known},{services}" if known else services

    def _start_finished(self, attributes: dict[str, str]) -> None:
        self.info["finished"] = cut(attributes.get("errormsg") or attributes.get("exit") or "success", 500)

    def _start_host(self, attributes: dict[str, str]) -> None:
        self._host, self._up, self._ports = Asset(), True, []

    def _start_status(self, attributes: dict[str, str]) -> None:
        if self._host is not None:
            self._up = attributes.get("state") != "down"

    def _start_address(self, attributes: dict[str, str]) -> None:
        # a host may have an IPv6 address only, or a MAC address beside the others
        if self._host is None or attributes.get("addrtype") == "mac" or len(self._host.addresses) >= 64:
            return
        address = normal_address(attributes.get("addr", ""))
        if address and address not in self._host.addresses:
            self._host.addresses.append(address)

    def _start_hostname(self, attributes: dict[str, str]) -> None:
        if self._host is None:
            return
        # "user" is what the operator typed; a PTR record is whatever the owner of the address likes
        names = self._host.typed_names if attributes.get("type") == "user" else self._host.names
        name = cut(attributes.get("name", ""), 255)
        if name and len(names) < 64:
            names.append(name)

    def _start_port(self, attributes: dict[str, str]) -> None:
        self._port = None
        if self._host is None:
            return
        protocol, number = attributes.get("protocol", ""), attributes.get("portid", "")
        if protocol not in _PROTOCOLS or not number.isascii() or not number.isdigit():
            raise Refused(f"port {protocol[:20]!r}/{number[:20]!r} is not a port")
        if len(number) > 5 or int(number) > 65535:
            raise Refused(f"port number {number[:20]} is not between 0 and 65535")
        if len(self._ports) >= MAX_PORTS:
            raise Refused(f"more than {MAX_PORTS} ports on one host: nmap does not write that")
        self._port = Port(protocol, int(number))
        self._ports.append(self._port)

    def _start_state(self, attributes: dict[str, str]) -> None:
        if self._port is not None:
            self._port.state = attributes.get("state", "unknown")[:40]

    def _start_service(self, attributes: dict[str, str]) -> None:
        port = self._port
        if port is not None:
            get = attributes.get
            port.service = get("name", "")[:100] or None
            port.product = cut(get("product", ""), MAX_BANNER)
            port.version = cut(get("version", ""), MAX_BANNER)
            port.tunnel = get("tunnel", "")[:20]

    def _start_script(self, attributes: dict[str, str]) -> None:
        if self._port is not None and len(self._port.scripts) < MAX_SCRIPTS:
            # Blank lines say nothing, and thousands of them would make the catalogue's expressions (^\s*…) quadratic.
            lines = attributes.get("output", "")[:MAX_OUTPUT].splitlines()
            self._port.scripts[cut(attributes.get("id", ""), 100)] = "\n".join(line for line in lines if line.strip())
        elif self._port is None:
            self.host_scripts.add(attributes.get("id", ""))


def _time(seconds: str | None) -> str | None:
    try:
        moment = datetime.datetime.fromtimestamp(int(seconds or ""), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
