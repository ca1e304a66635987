# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Greenbone (OpenVAS) reports: exported XML (``report``), or what GMP's ``get_reports`` answered, one result at a time.

Format: Greenbone Management Protocol, ``get_reports`` with details. Every text of it is hostile.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from ..records import HOST, PORT, Asset, Port, Record, Skipped, new_info, normal_address
from .openvas_fields import ASIDE, ASIDE_KEPT, KNOWN, OLD_REFS, REPORT, RESULT, SPECIAL, STARTS, VECTOR
from .openvas_result import MAX_REFERENCES, make, moment, number, old_refs, parse_port
from .xmlstream import MAX_DEPTH, Refused, Unknown, cut

MAX_PIECES: Final = 256
MAX_ASSETS: Final = 100_000
MAX_PENDING: Final = 300_000
MAX_HOST: Final = 300
MAX_SHARED: Final = 8 << 20


class OpenvasHandler:
    """Puts records of results into ``out`` as they come; of ports and hosts once the report has said all of them."""

    type = "openvas"
    ROOTS: Final = frozenset({"report", "get_reports_response"})

    def __init__(self) -> None:
        self.out: deque[Any] = deque()
        self.notes: list[str] = []
        self.unknown = Unknown()
        self.skipped = Skipped()
        self.info = new_info()
        self.results = self.errors = self.reports = 0
        self._pieces: deque[str] = deque(maxlen=MAX_PIECES)
        self.text = self._pieces.append
        self._clear = self._pieces.clear
        self._path: list[str] = []
        # the text before the first child: <host>10.0.0.1<asset/><hostname>…</hostname></host>
        self._lead = ""
        self._aside = 0
        self._report: dict[str, str] = {}
        self._read_before = 0
        self._has_results = self._delta = False
        self._fields: dict[str, str] | None = None
        self._refs: list[tuple[str, str]] = []
        self._severity_type = ""
        self._line_host = ""
        self._host: dict[str, str] | None = None
        self._assets: dict[str, Asset] = {}
        self._open: dict[str, dict[str, Port]] = {}
        self._pending = self._unfinished = self._forgotten = 0
        self._ended: dict[str, Asset] = {}
        self._erred: set[str] = set()
        self._shared: dict[str, str] = {}
        self._shared_size = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """expat: an element begins."""
        path = self._path
        depth = len(path)
        if depth >= MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}: Greenbone does not write that")
        if self._fields is not None:
            if name in STARTS and not self._aside:
                self._start_in_result(self._fields, name, path[-1], attributes)
            self._clear()
            path.append(name)
            return
        parent = path[-1] if depth else ""
        if parent == "port" and not self._lead:
            self._lead = self._value()
        elif parent == "host" and not self._line_host:
            self._line_host = self._value()[:MAX_HOST]
        self._clear()
        path.append(name)
        if (name, parent) in (("result", "results"), ("error", "errors")):
            self._fields, self._refs, self._lead = {}, [], ""
        elif name == "results" and parent == "report":
            self._has_results = True
        elif name == "host" and parent == "report":
            self._host = {}
        elif name == "port" and path[-3:-1] == ["report", "ports"]:
            self._line_host = self._lead = ""
        elif name == "report" and parent in ("", "get_reports_response", "report"):
            self._start_report(parent, attributes)
        elif name == "get_reports_response" and attributes.get("status", "200") != "200":
            said = f"{attributes.get('status', '')[:20]} {attributes.get('status_text', '')[:200]}"
            raise Refused(f"Greenbone answered with an error instead of a report: {said}")

    def end(self, name: str) -> None:
        """expat: an element ends."""
        path = self._path
        path.pop()
        fields = self._fields
        if fields is not None:
            around = RESULT.get(name)
            if self._aside:
                self._end_aside(fields, name, path)
            elif around is not None and path[-1] in around:
                key = around[path[-1]]
                pieces = self._pieces
                if key in SPECIAL:
                    self._keep(fields, key)
                else:
                    fields[key] = pieces[0].strip() if len(pieces) == 1 else self._value()
            elif name in ("result", "error") and path[-1] in ("results", "errors"):
                self._fields = None
                self._end_result(fields, error=name == "error")
            elif name not in KNOWN:
                self.unknown.add(name)
            return
        parent = path[-1] if path else ""
        if self._host is not None:
            self._end_in_host(name, parent)
        elif f"{parent}/{name}" in REPORT:
            self._report[f"{parent}/{name}"] = self._value()
        elif name == "host" and parent == "port":
            self._line_host = self._line_host or self._value()[:MAX_HOST]
            self._clear()  # OMP writes the port behind it
        elif name == "port" and path[-2:] == ["report", "ports"]:  # a certificate has ports as well
            self._end_port_line(self._lead or self._value())
        elif name == "report":
            self._end_report(parent)
        elif name not in KNOWN:
            self.unknown.add(name)

    def flush(self) -> None:
        """The file ends here: the ports and hosts of the results so far. A result begun is not complete."""
        self._fields = None
        self._leave()

    def finish(self) -> list[str]:
        """Notes about the whole file, once it is read."""
        notes = [*self.notes, *self.unknown.note()]
        if self.errors:
            notes.append(f"errors of the scanner, for instance tests that did not end in time: {self.errors}")
        counted = (
            (self._unfinished, "without an end of scan"),
            (len(self._erred), "with errors"),
            (self._forgotten, "that were too many to remember"),
        )
        if said := ", ".join(f"{count} {what}" for count, what in counted if count):
            notes.append(f"hosts that close nothing: {said}")
        return notes

    def _value(self) -> str:
        text = "".join(self._pieces).strip()
        return cut(text if len(self._pieces) < MAX_PIECES else f"[cut: the beginning was too long] {text}")

    # --- report

    def _start_report(self, parent: str, attributes: dict[str, str]) -> None:
        if attributes.get("type") == "delta" or attributes.get("delta") not in (None, "", "0"):
            self._delta = True
        if parent != "report":
            self._report = {}
            self._has_results = False
            self._read_before = self.results

    def _end_report(self, parent: str) -> None:
        if parent == "report":
            return  # the inner one: what is around it is the same report
        if not self._has_results:
            if "report/scan_run_status" in self._report or parent:
                raise Refused(
                    "it holds no results, only their summary: export the report as XML from the web interface, or ask "
                    'GMP for it with details="1" and the report format XML'
                )
            raise Refused(
                "this <report> is not one of Greenbone (OpenVAS): it has neither results nor the status of a scan"
            )
        self.reports += 1
        self._leave(whole=True)
        get = self._report.get
        version = get("gmp/version") or get("omp/version")
        self.info["version"] = cut(f"GMP {version}", 40) if version else self.info["version"]
        when = next(filter(None, (moment(get(f"report/{name}", "")) for name in _TIMES)), None)
        self.info["generated"] = min(filter(None, (self.info["generated"], when)), default=None)
        term = " ".join(get("filters/term", "").split())
        self.info["arguments"] = cut(f"filter: {term}", 4000) if term else ""
        self.info["profile"] = _profile(get("task/name", ""), term)
        self._judge(get("report/scan_run_status", ""), term)

    def _judge(self, status: str, term: str) -> None:
        """Whether the report is whole: what it does not hold may be corrected, or just not in it."""
        read = self.results - self._read_before
        full = number(self._report.get("result_count/full", ""), 0, 1e9)
        filtered = number(self._report.get("result_count/filtered", ""), 0, 1e9)
        reasons = []
        if status not in ("Done", "Container", ""):
            reasons.append(f"the scan's status is {cut(status, 40)}")
        if filtered is not None and read < filtered:
            reasons.append(f"it holds {read} of {filtered:.0f} results (one page?)")
        if self._delta:
            reasons.append("it is a comparison of two reports (delta)")
        if self.reports > 1:
            reasons.append("several reports in one file")
        if full is not None and filtered is not None and filtered < full:
            self.notes.append(
                f"the filter of the export hides {full - filtered:.0f} of {full:.0f} results: {cut(term, 300)}"
            )
        self.info["finished"] = "; ".join(reasons) or "success"
        if reasons:
            self.info["closes"] = False

    # --- result

    def _start_in_result(self, fields: dict[str, str], name: str, parent: str, attributes: dict[str, str]) -> None:
        if name == "ref":
            if parent == "refs" and len(self._refs) < MAX_REFERENCES and attributes.get("id"):
                self._refs.append((attributes.get("type", "").lower()[:40], attributes["id"]))
        elif name in ASIDE:
            self._aside = len(self._path) + 1
        elif name == "nvt":
            fields["oid"] = attributes.get("oid", "").strip()
        elif name == "severity":
            self._severity_type = attributes.get("type", "")
        elif name == "severities":
            fields["score"] = attributes.get("score", "")
        elif parent == "host" and not self._lead:
            self._lead = self._value()

    def _keep(self, fields: dict[str, str], key: str) -> None:
        """The text of an element that needs more than to be kept."""
        if key in OLD_REFS:
            self._refs += old_refs(key, self._value())[: max(0, MAX_REFERENCES - len(self._refs))]
        elif key == VECTOR:
            # of several, the newest version's: cvss_base_v2 comes before cvss_base_v3
            if VECTOR not in fields or self._severity_type != "cvss_base_v2":
                fields[key] = self._value()
        else:
            fields[key] = self._lead or self._value()

    def _end_aside(self, fields: dict[str, str], name: str, path: list[str]) -> None:
        """The end of an element of what stands beside a result: an override, a note…"""
        if len(path) < self._aside:
            self._aside = 0
        elif (key := f"{path[-1]}/{name}") in ASIDE_KEPT:
            fields[key] = self._value()

    def _end_result(self, fields: dict[str, str], *, error: bool) -> None:
        self.errors += error
        self.results += not error
        host = fields.get("result/host", "")[:MAX_HOST]
        if error and len(self._erred) < MAX_ASSETS:
            self._erred.add(host)
        if len(self._assets) >= MAX_ASSETS:
            self._leave()
        asset = self._asset(host, fields.get("host/hostname", ""))
        try:
            record = make(fields, self._refs, asset, host[:100], error=error)
        except ValueError as exc:
            self.skipped.add(f"host {host[:100]}, result {self.results + self.errors}", str(exc))
            return
        if record.port is not None and not error and "false_positive" not in record.facts:
            self._opened(host, record.port)
        record.wording = self._once(record.wording)
        if "solution" in record.facts:
            record.facts["solution"] = self._once(record.facts["solution"])
        self.out.append(record)

    def _once(self, text: str) -> str:
        """The same text as one string, however many hosts have it; bounded."""
        known = self._shared.get(text)
        if known is None and self._shared_size < MAX_SHARED:
            self._shared_size += len(text)
            self._shared[text] = text
        return known if known is not None else text

    # --- hosts and ports

    def _asset(self, host: str, name: str) -> Asset | None:
        asset = self._assets.get(host)
        if asset is None:
            address = normal_address(host)
            # the scanner found the name by itself, in DNS, in a certificate or on the host
            names = [each for each in dict.fromkeys((host if address is None else "", name)) if 0 < len(each) <= 255]
            if address is None and not names:
                return None
            asset = Asset(addresses=[address] if address else [], names=names)
            self._assets[host] = asset
        return asset

    def _opened(self, host: str, port: Port) -> None:
        """Remember a port until the report has said all of it."""
        ports = self._open.setdefault(host, {})
        known = ports.get(port.id)
        if known is None:
            ports[port.id] = Port(port.protocol, port.number, "open", port.service)
            self._pending += 1
        elif port.service and known.service is None:
            known.service = port.service
        if self._pending >= MAX_PENDING:
            self._leave()

    def _end_port_line(self, text: str) -> None:
        try:
            port = parse_port(text)
        except ValueError:
            self.skipped.add(f"host {self._line_host[:100]}, list of ports", f"port {text[:40]!r} is not a port")
            return
        if port is not None:
            self._opened(self._line_host, port)

    def _end_in_host(self, name: str, parent: str) -> None:
        """The report's element of a host: its end, and what was learnt of it."""
        host = self._host
        if host is None:
            return
        key = f"{parent}/{name}"
        if key in ("host/ip", "host/end", "detail/name", "detail/value"):
            host[key] = self._value()
        elif key == "host/detail":
            self._end_detail(host, host.pop("detail/name", ""), host.pop("detail/value", ""))
        elif key == "report/host":
            self._host = None
            self._end_host(host)
        elif name not in KNOWN:
            self.unknown.add(name)

    def _end_detail(self, host: dict[str, str], name: str, value: str) -> None:
        if name == "hostname":
            host.setdefault("name", value)
        elif name in ("ports", "tcp_ports", "udp_ports"):
            protocol = "udp" if name == "udp_ports" else "tcp"
            for word in value.split(",")[:65536]:
                self._detail_port(host, f"{word.strip()}/{protocol}", None)
        elif name == "Services":
            port, _comma, rest = value.partition(",")  # 443,tcp,www
            protocol, _comma, service = rest.partition(",")
            self._detail_port(host, f"{port.strip()}/{protocol.strip()}", service.strip())

    def _detail_port(self, host: dict[str, str], text: str, service: str | None) -> None:
        try:
            port = parse_port(text)
        except ValueError:
            port = None
        if port is not None and "host/ip" in host:
            port.service = cut(service, 100) if service and service != "unknown" else None
            self._opened(host["host/ip"][:MAX_HOST], port)

    def _end_host(self, host: dict[str, str]) -> None:
        address = host.get("host/ip", "")[:MAX_HOST]
        if len(self._assets) >= MAX_ASSETS:
            self._leave()
        asset = self._asset(address, host.get("name", ""))
        if asset is None:
            self.skipped.add("a host of the report", "a host without address and name")
            return
        if host.get("host/end"):
            self._ended[address] = asset
        else:
            self._unfinished += 1
        self._leave_ports(address)

    def _leave_ports(self, host: str) -> None:
        asset = self._asset(host, "")
        ports = self._open.pop(host, {})
        self._pending -= len(ports)
        for port in ports.values():
            place = f"host {host[:100]}, {port.id}"
            if asset is None:
                self.skipped.add(place, "an open port without a host")
            else:
                self.out.append(Record(PORT, asset, rule="open-port", port=port, place=place))

    def _leave(self, *, whole: bool = False) -> None:
        """Everything that is remembered of hosts, given and forgotten. Only at the end of the report (``whole``) is it
        known which of them were looked at: errors stand behind the hosts."""
        for host in list(self._open):
            self._leave_ports(host)
        for host, asset in self._ended.items():
            if not whole:
                self._forgotten += 1
            elif host not in self._erred:
                self.out.append(Record(HOST, asset, place=f"host {host[:100]}"))
        self._assets, self._open, self._ended, self._pending = {}, {}, {}, 0


_TIMES: Final = ("scan_end", "timestamp", "scan_start", "creation_time")


def _profile(task: str, term: str) -> str | None:
    """The task, and those words of the export's filter that choose what is in the report."""
    words = [word for word in term.split(" ") if word.split("=", 1)[0] in ("levels", "min_qod", "apply_overrides")]
    words += [word for word in term.split(" ") if word.startswith(("severity>", "severity<"))]
    return cut(f"{task} [{' '.join(sorted(words))}]" if words else task, 200) or None
