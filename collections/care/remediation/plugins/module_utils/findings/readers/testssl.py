# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""testssl.sh's JSON, flat (``--jsonfile``) and pretty (``--jsonfile-pretty``), one finding or one target at a time.

Format and severities: testssl(1), section "OUTPUT OPTIONS"; testssl.sh 3.0 and 3.2. ``OK`` and ``INFO`` are said for
information; ``LOW`` to ``CRITICAL`` are weaknesses; ``WARN`` and ``FATAL``: testssl.sh could not test something.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..records import HOST, INFO, PORT, WEAKNESS, Asset, Port, Record, Skipped, new_info, normal_address
from .jsonstream import Head, items
from .jsonvalues import MAX_LONG, Begun, cves, cwes, kept, mapping, port_number, text
from .xmlstream import Unknown, cut

GRADES: Final = {"CRITICAL": "critical", "HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
FOR_INFORMATION: Final = frozenset(["OK", "INFO", "DEBUG"])
PROBLEMS: Final = frozenset(["WARN", "FATAL"])
# Said of the scanning machine, or of the time that it took: nothing was left untested because of it.
HARMLESS: Final = frozenset(["engine_problem", "scanTime", "DROWN_hint", "old_openssl", "fallback_SCSV"])
# Whatever follows for this target was not said by a TLS server.
NO_TLS: Final = frozenset(["optimal_proto", "scanProblem"])
MAX_ASSETS: Final = 65_536
MAX_PROBLEMS: Final = 20

# One id of each group of tests that can be chosen on the command line: what was tested is what these say.
VULNERABILITIES: Final = """
    heartbleed CCS ticketbleed ROBOT secure_renego secure_client_renego CRIME_TLS BREACH POODLE_SSL fallback_SCSV
    SWEET32 FREAK DROWN LOGJAM BEAST LUCKY13 winshock RC4 opossum
"""
GROUPS: Final = {
    "SSLv2": "protocols",
    "cipherlist_NULL": "ciphers",
    "PFS": "forward secrecy",
    "FS": "forward secrecy",
    "cipher_order": "server preference",
    "cert_numbers": "certificate",
    "HTTP_status_code": "HTTP headers",
    **{name: name for name in VULNERABILITIES.split()},
}
OF_HTTP: Final = frozenset(["HTTP headers", "BREACH", "opossum"])
# The sum of the other findings (3.2), no finding of its own
SUMS: Final = frozenset(["overall_grade"])
# One id for each cipher; cipherlist_… judges the same ciphers by their kind.
_CIPHER: Final = re.compile(r"cipher(?:-(?:tls|ssl)[0-9_v]+)?_x[0-9a-f]+|cipherorder_.*")
_PLAIN: Final = ("version", "startTime", "Invocation", "scanTime")
_PRETTY: Final = (*_PLAIN, "scanResult.item", *(f"clientProblem{number}.item" for number in range(1, 10)))
_TARGET: Final = frozenset(["targetHost", "ip", "port", "rDNS", "service", "hostname"])
_FIELDS: Final = frozenset(["id", "ip", "port", "severity", "finding", "cve", "cwe", "hint"])


class _Target:
    """One address and port, while its findings are read."""

    def __init__(self, key: tuple[str, str], asset: Asset | None, port: Port | None) -> None:
        self.key = key
        self.asset = asset
        self.port = port
        self.said = False
        self.tls = True
        self.tested: set[str] = set()


class SslTestReader:
    """Reads one file."""

    type = "testssl"

    def __init__(self) -> None:
        self.info = new_info()
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.unknown = Unknown()
        self._assets: dict[str, Asset] = {}
        self._new: list[Asset] = []
        self._target: _Target | None = None
        self._without_tls: set[str] = set()
        self._problems = 0
        # What was tested of every target, and of any
        self._always: set[str] | None = None
        self._ever: set[str] = set()

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether a file that begins so is testssl.sh's."""
        if head.top == "array":
            return {"id", "ip", "port", "severity", "finding"} <= head.first
        return {"Invocation", "scanResult"} <= head.keys

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record. Raises ReportError."""
        begun = Begun(stream)
        flat = begun.head is not None and begun.head.top == "array"
        if flat:
            values = items(begun, ["item"], self.skipped, self.notes)  # type: ignore[arg-type]
            for number, (_place, value) in enumerate(values, start=1):
                yield from self._flat(mapping(value), f"item {number}")
        else:
            number = 0
            for place, value in items(begun, _PRETTY, self.skipped, self.notes):  # type: ignore[arg-type]
                number += place == "scanResult.item"
                yield from self._pretty(place, value, f"{place} {number}")
        self._finish()

    # --- the two forms

    def _flat(self, entry: Mapping[str, Any], place: str) -> Iterator[Record]:
        key = (text(entry.get("ip"), 600), text(entry.get("port"), 20))
        if self._target is None or self._target.key != key:
            self._leave()
            name, _slash, address = key[0].rpartition("/")
            self._target = self._begin(key, name, address, place)
        target = self._target
        if target is None:
            return
        if entry.get("id") == "service" and target.port is not None and not target.said:
            _name_service(target.port, text(entry.get("finding"), 100))
        yield from self._finding(entry, target, place)

    def _pretty(self, where: str, value: Any, place: str) -> Iterator[Record]:
        if where == "version":
            self.info["version"] = text(value, 40).split(" ")[0] or None
        elif where == "Invocation":
            self.info["arguments"] = text(value, 4000)
        elif where == "startTime":
            self.info["generated"] = _time(text(value, 20))
        elif where == "scanTime":
            # "Scan interrupted" stands there after every run over a list of targets, whole or not.
            self.info["finished"] = "success" if isinstance(value, int) else None
        elif "targetHost" in mapping(value) or "ip" in mapping(value):
            yield from self._one_target(value, place)
        else:  # a problem, said outside of any target
            yield from self._finding(mapping(value), _Target(("", ""), None, None), place)

    def _one_target(self, entry: Mapping[str, Any], place: str) -> Iterator[Record]:
        host, number = text(entry.get("targetHost")), text(entry.get("port"), 20)
        target = self._target = self._begin((host, number), host, text(entry.get("ip"), 80), place)
        if target is None:
            return
        reverse = text(entry.get("rDNS"), 255).rstrip(".")
        if target.asset is not None and reverse and " " not in reverse and not reverse.startswith(("(", "-")):
            target.asset.names.append(reverse)
        if target.port is not None:
            _name_service(target.port, text(entry.get("service"), 100))
        if f"{host}:{number}" in self._without_tls:
            target.tls = False
        for section, findings in entry.items():
            if isinstance(findings, list):
                for number_of_it, finding in enumerate(findings, start=1):
                    yield from self._finding(mapping(finding), target, f"{place}, {section[:40]} {number_of_it}")
            elif section not in _TARGET:
                self.unknown.add(section)
        self._leave()

    # --- what both have

    def _begin(self, key: tuple[str, str], name: str, address: str, place: str) -> _Target | None:
        name, plain = name.strip("[]"), normal_address(address.strip("[]"))
        if not name and not address:
            return _Target(key, None, None)  # of the scanning machine
        number = port_number(key[1])
        if (plain is None and not name) or number is None:
            self.skipped.add(place, f"names no address and port: {key[0][:80]!r}, {key[1]!r}")
            return None
        own = normal_address(name)
        known = f"{plain or own or ''} {'' if own else name.casefold()}"
        asset = self._assets.get(known)
        if asset is None:
            if len(self._assets) >= MAX_ASSETS:
                self._assets.clear()
            found = plain or own
            asset = self._assets[known] = Asset([found] if found else [], [] if own or not name else [cut(name, 255)])
            self._new = [asset]
        target = _Target(key, asset, Port("tcp", number, "open", tunnel="ssl"))
        target.tls = " ".join(key) not in self._without_tls
        return target

    def _leave(self) -> None:
        """The findings of a target are over: what was tested of it."""
        target, self._target = self._target, None
        if target is None or target.asset is None or not target.tls:
            return
        self._ever |= target.tested
        self._always = target.tested if self._always is None else self._always & target.tested

    def _finding(self, entry: Mapping[str, Any], target: _Target, place: str) -> Iterator[Record]:
        rule, severity = text(entry.get("id"), 200), text(entry.get("severity"), 40)
        if not rule or severity not in FOR_INFORMATION | PROBLEMS | GRADES.keys():
            self.skipped.add(place, f"is no finding: id {rule[:40]!r}, severity {severity!r}")
            return
        for key in entry.keys() - _FIELDS:
            self.unknown.add(key)
        said = text(entry.get("finding"), MAX_LONG)
        if severity in PROBLEMS:
            self._problem(rule, said, target)
        if target.asset is not None and not target.said and (target.tls or severity in PROBLEMS):
            target.said = True
            if target.asset in self._new:
                self._new.clear()
                yield Record(HOST, target.asset, place=place)
            if target.tls:
                yield Record(PORT, target.asset, port=target.port, place=place)
        grade = GRADES.get(severity) if target.tls else None
        if rule in GROUPS:
            target.tested.add(GROUPS[rule])
        if rule in SUMS or ("ciphers" in target.tested and _CIPHER.fullmatch(rule)):
            grade = None
        yield Record(
            INFO if grade is None else WEAKNESS,
            target.asset,
            rule=rule,
            title=f"testssl.sh: {rule}",
            wording=said,
            severity=severity,
            grade=grade,
            # Where no TLS server answered, the port was not looked at: nothing said of it earlier is closed.
            port=target.port if target.tls else None,
            facts=kept(
                {
                    "cve": cves(entry.get("cve")),
                    "cwe": cwes([entry.get("cwe")]),
                    "solution": text(entry.get("hint"), MAX_LONG),
                }
            ),
            place=place,
        )

    def _problem(self, rule: str, said: str, target: _Target) -> None:
        if rule in NO_TLS:
            target.tls = False
            # the pretty form says it before the target, of "host:port …"
            if len(self._without_tls) < MAX_ASSETS:
                self._without_tls.add(said.split(" ", 1)[0] if target.asset is None else " ".join(target.key))
        elif rule in HARMLESS:
            return
        else:
            self.info["closes"] = False
        self._problems += 1
        if self._problems <= MAX_PROBLEMS:
            where = "" if target.asset is None else f"{target.asset.label} {target.port.id if target.port else ''}: "
            self.notes.append(f"testssl.sh could not test {where}{rule}: {cut(said, 200)}")

    def _finish(self) -> None:
        self._leave()
        tested = ((self._always or set()) - OF_HTTP) | (self._ever & OF_HTTP)
        self.info["profile"] = ", ".join(sorted(tested, key=str.casefold)) or None
        if self._problems > MAX_PROBLEMS:
            self.notes.append(f"testssl.sh could not test {self._problems - MAX_PROBLEMS} more things")
        self.notes += self.unknown.note()
        if self.info["generated"] is None:
            self.notes.append("testssl.sh's flat JSON has no date: it closes nothing (use --jsonfile-pretty)")


def _name_service(port: Port, name: str) -> None:
    if name and " " not in name:
        port.service = name.lower()


def _time(seconds: str) -> str | None:
    try:
        moment = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment.year < 10_000 else None
