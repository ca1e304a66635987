# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nessus and Tenable reports, format version 2 (``.nessus``), one finding at a time.

Format: Tenable, "Nessus File (.nessus) Format". Every text came from a scanned machine or from Tenable, and is hostile.
Credentials that the policy may hold in clear are never read.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ..records import HOST, INFO, PORT, WEAKNESS, Asset, Port, Record, Skipped, normal_address
from .nessus_fields import ITEM, MANY, ONE, OTHER, UNUSED
from .nessus_scan import Scan, timestamp
from .xmlstream import MAX_DEPTH, Refused, Unknown, cut

# expat gives a text in pieces of 8 to 256 KiB. A plugin_set is the longest that Nessus writes, some 2 MB.
MAX_PIECES: Final = 256
MAX_VALUES: Final = 500
MAX_PORTS: Final = 140_000
MAX_NAMES: Final = 64
MAX_OUTPUT: Final = 1 << 14
MAX_KNOWN: Final = 8 << 20

# The guide's table of severities: 0 informational, 1 low, 2 medium, 3 high, 4 critical.
GRADES: Final = {"0": None, "1": "low", "2": "medium", "3": "high", "4": "critical"}
RISKS: Final = {"none": "0", "low": "1", "medium": "2", "high": "3", "critical": "4"}

# Whose only content is that a port is open: netstat (SSH, WMI), TCP connect, SYN, UDP and SNMP scanners.
OPEN_PORTS: Final = frozenset({"14272", "34220", "10335", "11219", "34277", "14274"})
SERVICES: Final = "22964"
PING: Final = "10180"
# "OS Security Patch Assessment Failed", "Target Credential Status … Failure for Provided Credentials"
LOGIN_FAILED: Final = frozenset({"21745", "104410"})
SCAN_INFORMATION: Final = "19506"
LEARNT: Final = LOGIN_FAILED | {SERVICES, PING, SCAN_INFORMATION}
DEAD: Final = "considered as dead"


class NessusHandler:
    """Puts a host's records into ``out``: its findings as they come, its ports and itself once it is complete."""

    type = "nessus"
    ROOTS: Final = frozenset({"NessusClientData_v2"})

    def __init__(self) -> None:
        self.out: deque[Any] = deque()
        self.notes: list[str] = []
        self.unknown = Unknown()
        self.skipped = Skipped()
        self.scan = Scan()
        self.info: dict[str, Any] = self.scan.info
        self.items = self.port_items = 0
        self._pieces: deque[str] = deque(maxlen=MAX_PIECES)
        # expat fills the pieces itself, without a Python call for each text: they are most of such a file.
        self.text = self._pieces.append
        self._clear = self._pieces.clear
        self._depth = 0
        self._preference: dict[str, str] | None = None
        self._tag = ""
        self._host: Asset | None = None
        self._name = ""
        self._dead = self._ended = self._informed = self._refused = False
        self._open: dict[str, Port] = {}
        self._ports: dict[tuple[str, str, str], Port | None] = {}
        self._attributes: dict[str, str] = {}
        self._item: dict[str, Any] | None = None
        self._known: dict[str, tuple[dict[str, Any], tuple[str, dict[str, Any]]]] = {}
        self._known_size = 0
        self._starts = {
            "ReportItem": self._start_item,
            "tag": self._start_tag,
            "ReportHost": self._start_host,
            "ServerPreferences": self._start_preferences,
        }
        self._ends = {
            "tag": self._end_tag,
            "ReportHost": self._end_host,
            "name": self._end_preference_part,
            "value": self._end_preference_part,
            "preference": self._end_preference,
            "ServerPreferences": self._end_preferences,
            "policyName": self._end_policy_name,
            "NessusClientData_v2": self._end_document,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """expat: an element begins."""
        self._clear()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}: Nessus does not write that")
        if name in self._starts:
            self._starts[name](attributes)

    def end(self, name: str) -> None:
        """expat: an element ends."""
        self._depth -= 1
        item = self._item
        if item is not None:
            use = ITEM.get(name)
            if use == ONE:
                pieces = self._pieces
                item[name] = pieces[0].strip() if len(pieces) == 1 else self._value()
            elif use == UNUSED:
                pass
            elif use == MANY:
                values = item.setdefault(name, [])
                if len(values) < MAX_VALUES:
                    values.append(self._value())
            elif name == "ReportItem":
                self._end_item(self._attributes, item)
            elif not name.startswith("cm:"):
                self.unknown.add(name)
        elif name in self._ends:
            self._ends[name](name)
        elif name not in OTHER:
            self.unknown.add(name)

    def flush(self) -> None:
        """The file ends here: what is complete of the host begun. A finding begun is not complete."""
        self._item = None
        if self._host is not None:
            self._end_host("")

    def finish(self) -> list[str]:
        """Notes about the whole file, once it is read."""
        return [*self.notes, *self.unknown.note(), *self.scan.notes()]

    def covers(self, rule: str) -> bool | None:
        """Whether the scan's policy had the plugin of a rule on; None where the file does not say."""
        return self.scan.plugins.has(rule.partition(":")[0])

    def _value(self) -> str:
        text = "".join(self._pieces).strip()
        return cut(text if len(self._pieces) < MAX_PIECES else f"[cut: the beginning was too long] {text}")

    # --- policy: only names, targets, ports and plugins of it are read, never what logs in

    def _start_preferences(self, attributes: dict[str, str]) -> None:
        self._preference = {}

    def _end_preference_part(self, name: str) -> None:
        if self._preference is not None:
            # plugin_set may be some megabytes
            self._preference[name] = "".join(self._pieces).strip()

    def _end_preference(self, name: str) -> None:
        if self._preference is not None:
            self.scan.preference(self._preference.get("name", ""), self._preference.get("value", ""))
            self._preference.clear()

    def _end_preferences(self, name: str) -> None:
        self._preference = None

    def _end_policy_name(self, name: str) -> None:
        self.info["profile"] = cut(self._value(), 200) or None

    # --- host

    def _start_host(self, attributes: dict[str, str]) -> None:
        if self._host is not None:
            raise Refused("a <ReportHost> inside another: Nessus does not write that")
        self._name = cut(attributes.get("name", ""), 255)
        self._host = Asset()
        self._dead = self._ended = self._informed = self._refused = False
        self._open, self._ports = {}, {}
        address = normal_address(self._name)
        if address:
            self._host.addresses.append(address)
        elif self._name:
            (self._host.typed_names if self.scan.typed(self._name) else self._host.names).append(self._name)

    def _start_tag(self, attributes: dict[str, str]) -> None:
        self._tag = attributes.get("name", "")

    def _end_tag(self, name: str) -> None:
        host, tag = self._host, self._tag
        if host is None:
            return
        if tag == "host-ip":
            address = normal_address(self._value())
            if address and address not in host.addresses and len(host.addresses) < MAX_NAMES:
                host.addresses.append(address)
        elif tag in ("host-fqdn", "host-rdns", "hostname", "netbios-name"):
            # a NetBIOS name may come as DOMAIN\NAME
            self._add_name(host, self._value().rpartition("\\")[2])
        elif tag in ("HOST_END", "HOST_END_TIMESTAMP", "HOST_START", "HOST_START_TIMESTAMP"):
            moment = timestamp(self._value())
            if tag.startswith("HOST_END"):
                self._ended = True
            if moment:
                self.scan.moment(moment)

    def _add_name(self, host: Asset, name: str) -> None:
        known = {known.lower() for known in (*host.names, *host.typed_names)}
        new = 0 < len(name) <= 255 and name.lower() not in known and normal_address(name) is None
        if new and len(known) < MAX_NAMES:
            host.names.append(name)

    def _end_host(self, name: str) -> None:
        host = self._host
        self._host = None
        if host is None:
            return
        place = f"host {self._name}"
        if not host.addresses and not host.names and not host.typed_names:
            self.skipped.add(place, "a host without address and name")
            return
        for port in self._open.values():
            self.out.append(Record(PORT, host, rule="open-port", port=port, place=f"{place}, {port.id}"))
        looked = self.scan.host(dead=self._dead, ended=self._ended, informed=self._informed, refused=self._refused)
        if looked:
            self.out.append(Record(HOST, host, place=place))

    # --- finding

    def _start_item(self, attributes: dict[str, str]) -> None:
        self._attributes = attributes
        self._item = {}

    def _end_item(self, attributes: dict[str, str], item: dict[str, Any]) -> None:
        self._item = None
        self.items += 1
        plugin = attributes.get("pluginID", "")
        protocol, number = attributes.get("protocol", ""), attributes.get("port", "")
        host = self._host
        if host is None:
            self.skipped.add(f"plugin {plugin[:20]}", "a finding outside of any host")
            return
        if not plugin.isascii() or not plugin.isdigit() or len(plugin) > 10:
            self.skipped.add(
                f"host {self._name}, {protocol[:10]}/{number[:10]}", f"pluginID {plugin[:20]!r} is no number"
            )
            return
        key = (protocol, number, attributes.get("svc_name", ""))
        try:
            port = self._ports[key]
        except KeyError:
            if not self._known_port(key):
                self.skipped.add(
                    f"host {self._name}, plugin {plugin}", f"port {protocol[:20]!r}/{number[:20]!r} is not a port"
                )
                return
            port = self._ports[key]
        if plugin in OPEN_PORTS and port is not None:
            self.port_items += 1
            return
        if plugin in LEARNT:
            self._learn(plugin, item.get("plugin_output", ""), port)
        place = f"host {self._name}, plugin {plugin}{'' if port is None else ', ' + port.id}"
        if "cm:compliance-check-name" in item or "cm:compliance-result" in item:
            self._compliance(plugin, host, port, attributes, item, place)
            return
        severity = attributes.get("severity")
        if severity not in GRADES:
            severity = RISKS.get(item.get("risk_factor", "").lower(), severity)
        output = item.pop("plugin_output", "")
        item["family"] = attributes.get("pluginFamily", "")
        wording, facts = self._same(plugin, item, _finding)
        self.out.append(
            Record(
                INFO if severity == "0" else WEAKNESS,
                host,
                plugin,
                cut(attributes.get("pluginName", ""), 500),
                wording,
                cut(severity, 40) if severity else None,
                GRADES.get(severity or ""),
                port,
                None,
                facts | {"output": cut(output, MAX_OUTPUT)} if output else facts.copy(),
                place,
            )
        )

    def _same(
        self, rule: str, item: dict[str, Any], work_out: Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
    ) -> tuple[str, dict[str, Any]]:
        """Wording and facts of a rule: worked out once where the file says the same of it for every host, and then the
        same objects, however many hosts have it. What is remembered is bounded."""
        known = self._known.get(rule)
        if known is not None and known[0] == item:
            return known[1]
        made = work_out(item)
        if known is None and self._known_size < MAX_KNOWN:
            self._known_size += sum(len(text) for text in item.values() if isinstance(text, str))
            self._known_size += sum(len(text) for texts in item.values() if isinstance(texts, list) for text in texts)
            self._known[rule] = (item, made)
        return made

    def _known_port(self, key: tuple[str, str, str]) -> bool:
        """Remember a port of the host; False where it is none."""
        protocol, number, service = key
        if protocol not in ("tcp", "udp", "icmp", "sctp", "ip") or not number.isascii() or not number.isdigit():
            return False
        if len(number) > 5 or int(number) > 65535:
            return False
        if len(self._ports) >= MAX_PORTS:
            raise Refused(f"more than {MAX_PORTS} ports and services on one host: Nessus does not write that")
        if number == "0" or protocol not in ("tcp", "udp", "sctp"):
            self._ports[key] = None
            return True
        # "https?" is a guess by the port's number; "general" and "unknown" say nothing
        guessed = service.endswith("?")
        name = cut(service.removesuffix("?"), 100)
        named = None if name in ("", "unknown", "general") else name
        port = self._ports[key] = Port(protocol, int(number), "open", named)
        known = self._open.get(port.id)
        if known is None:
            self._open[port.id] = Port(protocol, int(number), "open", named)
        elif named and (known.service is None or not guessed):
            known.service = named
        return True

    def _learn(self, plugin: str, output: str, port: Port | None) -> None:
        """What these plugins say of the host, the port and the scan."""
        if plugin == SERVICES:
            if port is not None and ("through TLS" in output or "through SSL" in output):
                self._open[port.id].tunnel = "ssl"
        elif plugin == PING:
            self._dead = self._dead or DEAD in output
        elif plugin in LOGIN_FAILED:
            self._refused = True
        else:
            self._informed = True
            self.scan.information(output)

    def _compliance(
        self, plugin: str, host: Asset, port: Port | None, attributes: dict[str, str], item: dict[str, Any], place: str
    ) -> None:
        """A check of an audit file. All checks of a kind share one plugin: the check's own id makes them different."""
        title = item.get("cm:compliance-check-name", "") or attributes.get("pluginName", "")
        audit = item.get("cm:compliance-audit-file", "")
        check = item.get("cm:compliance-check-id") or item.get("cm:compliance-functional-id")
        if not check or len(check) > 200:
            check = hashlib.sha256(f"{audit}\n{title}".encode("utf-8", "replace")).hexdigest()
        result = item.pop("cm:compliance-result", "").upper()
        severity = attributes.get("severity", "")
        weak = result not in ("PASSED", "SKIPPED") and severity != "0"
        self.scan.compliance[result if result in ("PASSED", "FAILED", "WARNING", "ERROR") else "other"] += 1
        output = item.pop("cm:compliance-actual-value", "") or item.pop("cm:compliance-output", "")
        output = output or item.pop("cm:compliance-error", "")
        if "cm:compliance-info" in item:
            item.pop("description", None)  # says the result and the value found once more
        rule = f"{plugin}:{check}"
        wording, facts = self._same(rule, item, _check)
        said = {"result": cut(result, 40), "output": cut(output, MAX_OUTPUT)}
        self.out.append(
            Record(
                WEAKNESS if weak else INFO,
                host,
                rule,
                cut(title, 500),
                wording,
                f"{result} ({severity})"[:60] if result else severity[:40] or None,
                GRADES.get(severity) if weak else None,
                port,
                None,
                facts | {name: value for name, value in said.items() if value},
                place,
            )
        )

    def _end_document(self, name: str) -> None:
        self.scan.end()


_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,12}", re.IGNORECASE | re.ASCII)
# The score that Nessus grades by unless told otherwise comes first.
_SCORES: Final = (
    ("cvss3_base_score", "cvss3_vector"),
    ("cvss4_base_score", "cvss4_vector"),
    ("cvss_base_score", "cvss_vector"),
)


def _finding(item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What a plugin says of a weakness, but for its output."""
    get = item.get
    facts: dict[str, Any] = {}
    references = _lines(get("see_also"))
    for cve in get("cve", ()):
        if _CVE.fullmatch(cve):
            facts.setdefault("cve", []).append(cve.upper())
        else:
            references.append(cut(cve, 300))
    for score, vector in _SCORES:
        value = _number(get(score, ""), 10)
        if value is not None:
            facts["cvss"] = value
            if get(vector):
                facts["cvss_vector"] = cut(item[vector].removeprefix("CVSS2#"), 200)
            break
    for name, element, highest in (("epss", "epss_score", 1), ("vpr", "vpr_score", 10)):
        value = _number(get(element, ""), highest)
        if value is not None:
            facts[name] = value
    cwe = [f"CWE-{number[:20]}" for number in get("cwe", ())]
    kev = get("cisa-known-exploited", "").lower() not in ("", "false")
    for xref in get("xref", ()):
        references.append(cut(xref, 300))
        kev = kev or xref.startswith("CISA-KNOWN-EXPLOITED")
        if xref.startswith("CWE:"):
            cwe.append(f"CWE-{xref[4:24]}")
    if kev:
        facts["kev"] = True
    if cwe:
        facts["cwe"] = list(dict.fromkeys(cwe))
    if "exploit_available" in item:
        facts["exploit"] = item["exploit_available"].lower() == "true"
    if get("solution", "n/a") not in ("", "n/a"):
        facts["solution"] = cut(item["solution"])
    if references:
        facts["references"] = references[:MAX_VALUES]
    if item["family"]:
        facts["family"] = cut(item["family"], 100)
    synopsis, description = get("synopsis", ""), get("description", "")
    return cut(f"{synopsis}\n\n{description}" if synopsis and description else synopsis or description), facts


def _check(item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """What an audit file says of one of its checks, but for the result."""
    get = item.get
    facts = {
        "audit_file": cut(get("cm:compliance-audit-file", ""), 255),
        "expected": cut(get("cm:compliance-policy-value", ""), MAX_OUTPUT),
        "solution": cut(get("cm:compliance-solution", "")),
        "references": _lines(get("cm:compliance-see-also")) + _lines(get("cm:compliance-reference")),
    }
    wording = cut(get("cm:compliance-info") or get("description", ""))
    return wording, {name: value for name, value in facts.items() if value}


def _lines(values: list[str] | None) -> list[str]:
    """The lines of several texts: Nessus puts several addresses into one element."""
    lines = [line.strip() for value in values or () for line in value.splitlines()]
    return [cut(line, 500) for line in lines if line][:MAX_VALUES]


def _number(text: str, highest: float) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value <= highest else None
