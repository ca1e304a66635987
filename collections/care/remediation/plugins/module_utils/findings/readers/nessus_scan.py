# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a Nessus scan covered: its policy, its ports, its plugins, and whether it came to its end."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from typing import Final

from ..records import new_info
from .xmlstream import cut

MAX_PLUGIN: Final = 8_000_000
MAX_SET: Final = 8 << 20  # characters; a real one has some 2 millions
MAX_TARGETS: Final = 100_000
# The C locale's names: what the scanner writes, whatever the language of this machine
_MONTHS: Final = {
    "JanFebMarAprMayJunJulAugSepOctNovDec"[3 * number : 3 * number + 3]: number + 1 for number in range(12)
}
_DATE: Final = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})")
_PLUGIN: Final = re.compile(r"(?<![^;\s])(\d{1,8})(?![^;\s])", re.ASCII)
_RANGE: Final = re.compile(r"(?:([TU]):)?(\d{1,5}(?:-\d{1,5})?)")
# The port scanners as plugin 19506 names them. What netstat lists is what listens: as good as a scan.
_TCP_SCANNERS: Final = ("syn_scanner", "tcp_scanner", "netstat")
_FINISHED: Final = "success"


class Plugins:
    """A set of plugin ids as bits: a policy names some 200,000."""

    def __init__(self) -> None:
        self.count = 0
        self._bits = bytearray()

    def fill(self, text: str) -> None:
        """Ids with semicolons between them, as ``plugin_set`` has them; others are ignored."""
        for match in _PLUGIN.finditer(text, 0, MAX_SET):
            number = int(match[1])
            byte, bit = divmod(number, 8)
            if number >= MAX_PLUGIN:
                continue
            if byte >= len(self._bits):
                self._bits.extend(bytes(byte + 1 - len(self._bits)))
            if not self._bits[byte] >> bit & 1:
                self._bits[byte] |= 1 << bit
                self.count += 1

    def has(self, plugin: str) -> bool | None:
        """Whether the id is in it; None where there is no set."""
        if not self.count:
            return None
        if not plugin.isascii() or not plugin.isdigit() or len(plugin) > 8:
            return False
        byte, bit = divmod(int(plugin), 8)
        return byte < len(self._bits) and bool(self._bits[byte] >> bit & 1)


class Scan:
    """Collects what the policy, the hosts' times and plugin 19506 (Nessus Scan Information) say into ``info``."""

    def __init__(self) -> None:
        self.info = new_info()
        self.plugins = Plugins()
        self.compliance: Counter[str] = Counter()
        self.hosts = self.dead = self.unfinished = self.uninformed = self.refused = self.credentialed = 0
        self._targets: frozenset[str] = frozenset()
        self._policy_range = ""
        self._ranges: set[str] = set()
        self._tcp = self._udp = True

    def preference(self, name: str, value: str) -> None:
        """One of the policy's server preferences."""
        if name == "TARGET":
            self.info["arguments"] = cut(value, 4000)
            words = (word.strip().lower() for word in re.split(r"[,;\s]+", value, maxsplit=MAX_TARGETS))
            self._targets = frozenset(word for word in words if word)
        elif name == "port_range":
            self._policy_range = cut(value, 4000)
        elif name == "plugin_set":
            self.plugins.fill(value)

    def typed(self, name: str) -> bool:
        """Whether the operator gave this very name as a target."""
        return name.lower() in self._targets

    def moment(self, moment: str) -> None:
        """A time at which the scan worked: the last is the report's."""
        if self.info["generated"] is None or moment > self.info["generated"]:
            self.info["generated"] = moment

    def information(self, output: str) -> None:
        """What plugin 19506 says of one host."""
        facts = dict(line.split(":", 1) for line in output[:20000].splitlines() if ":" in line)
        facts = {key.strip().lower(): value.strip() for key, value in facts.items()}
        self.info["version"] = self.info["version"] or cut(facts.get("nessus version", "").split(" ")[0], 40) or None
        self.info["profile"] = self.info["profile"] or cut(facts.get("scan policy used", ""), 200) or None
        scanners = facts.get("port scanner(s)", "")
        self._tcp = self._tcp and any(scanner in scanners for scanner in _TCP_SCANNERS)
        self._udp = self._udp and ("udp_scanner" in scanners or "netstat" in scanners)
        if len(self._ranges) < 10:
            self._ranges.add(cut(facts.get("port range", ""), 4000))
        if facts.get("credentialed checks", "no").startswith("yes"):
            self.credentialed += 1

    def host(self, *, dead: bool, ended: bool, informed: bool, refused: bool) -> bool:
        """A host is complete. Whether it was looked at, so that what is not said of it is not there."""
        self.hosts += 1
        self.dead += dead
        self.unfinished += not ended and not dead
        self.uninformed += not informed and not dead
        self.refused += refused
        return ended and informed and not dead and not refused

    def end(self) -> None:
        """The document is complete: what it covered can be said."""
        ranges = {text for text in (self._policy_range, *self._ranges) if text}
        if len(ranges) == 1 and self.hosts > self.uninformed + self.dead:
            tried = port_range(ranges.pop())
            self.info["tried"] = {
                protocol: ports
                for protocol, ports in tried.items()
                if (self._tcp if protocol == "tcp" else self._udp) and ports
            }
        if self.credentialed and self.info["profile"]:
            # what it finds from inside, it does not find from outside
            self.info["profile"] += " (with credentials)"
        self.info["finished"] = (
            f"{self.unfinished} of {self.hosts} hosts have no end of scan" if self.unfinished else _FINISHED
        )

    def notes(self) -> list[str]:
        """What a person should know about the scan."""
        notes = [f"hosts: {self.hosts}, of which scanned with credentials: {self.credentialed}"]
        if self.dead:
            notes.append(f"hosts that Nessus took for dead and did not scan: {self.dead}")
        for count, what in (
            (self.unfinished, "an end of scan: it was stopped, or exported while it ran"),
            (self.uninformed, "Nessus Scan Information (plugin 19506): was the export filtered?"),
        ):
            if count:
                notes.append(f"hosts that close nothing, {count} without {what}")
        if self.refused:
            notes.append(f"hosts that close nothing, {self.refused} to which the login failed (plugins 21745, 104410)")
        if self.hosts > self.uninformed + self.dead and not self.info["tried"]:
            said = self._policy_range or ", ".join(sorted(self._ranges)) or "nothing"
            notes.append(
                f"the ports that were tried are not known (the scan says: {cut(said, 100)}): no port counts as closed. "
                "Give the scan an explicit port range (1-65535) for that"
            )
        if self.plugins.count:
            notes.append(f"plugins of the policy: {self.plugins.count}")
        if self.compliance:
            counted = ", ".join(f"{result} {count}" for result, count in sorted(self.compliance.items()))
            notes.append(f"compliance checks: {counted}")
        return notes


def port_range(text: str) -> dict[str, str]:
    """The ports of a port range by protocol: ``all``, ``1-1024,T:8080,U:53``. Of ``default`` (Nessus's own list of some
    4,790 ports) and of what is not understood: nothing. What names no protocol is for both."""
    if text.strip().lower() == "all":
        return {"tcp": "1-65535", "udp": "1-65535"}
    found: dict[str, list[str]] = {"tcp": [], "udp": []}
    prefix = None
    for word in text.replace(" ", "").split(","):
        match = _RANGE.fullmatch(word)
        if match is None:
            return {}
        prefix = match[1] or prefix
        if prefix != "U":
            found["tcp"].append(match[2])
        if prefix != "T":
            found["udp"].append(match[2])
    return {protocol: ",".join(ports) for protocol, ports in found.items()}


def timestamp(text: str) -> str | None:
    """A host's time as YYYY-MM-DDTHH:MM:SSZ: seconds since 1970, or ``Wed Mar 09 22:55:00 2011``, which is the
    scanner's local time and taken as UTC."""
    try:
        if text.isascii() and text.isdigit():
            moment = datetime.datetime.fromtimestamp(int(text), datetime.UTC)
        else:
            match = _DATE.fullmatch(text)
            if match is None or match[1] not in _MONTHS:
                return None
            day, hour, minute, second, year = (int(match[group]) for group in range(2, 7))
            moment = datetime.datetime(year, _MONTHS[match[1]], day, hour, minute, second)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
