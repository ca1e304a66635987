# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a reader gives: one record for each thing that a report says, the same shape for every tool.

Every text of a record is the report's and hostile. A reader knows its format; it knows no control, no inventory and no
policy: those are ``importing``'s.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from typing import Any, Final

PORT: Final = "port"  # a port, with its state
WEAKNESS: Final = "weakness"  # something that is wrong
INFO: Final = "info"  # said for information: counted, never work
HOST: Final = "host"  # this host was looked at, whatever was found
KINDS: Final = (PORT, WEAKNESS, INFO, HOST)

MAX_PLACES: Final = 100


@dataclass(slots=True, eq=False)
class Asset:
    """What a report looked at: a host, or (``domain``) an Active Directory domain. One object a host, shared by its
    records, so that it is matched to the inventory once.

    ``addresses``: in normal form (``normal_address``). ``typed_names``: what the operator gave the tool to scan, and a
    domain's own DNS and NetBIOS name. ``names``: what the tool learnt on the way (PTR, certificate, NetBIOS): whatever
    the scanned machine likes. ``sids``: of the machine or the domain.
    """

    addresses: list[str] = field(default_factory=list)
    typed_names: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sids: list[str] = field(default_factory=list)
    domain: bool = False

    @property
    def label(self) -> str:
        """An address (or a name, or a mark that there is none), with the name that the operator gave."""
        names = self.typed_names or self.names
        if not self.addresses:
            return names[0] if names else "(no address)"
        return f"{self.addresses[0]} ({names[0]})" if names else self.addresses[0]


@dataclass(slots=True)
class Port:
    """One port: ``state`` as the tool says it (open, closed, filtered, open|filtered…)."""

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
class Record:
    """One thing that a report says about one asset.

    ``rule``: the tool's own stable id (plugin, template, OID, check), never its title. ``severity``: the tool's word or
    number as the report writes it; ``grade``: ours, by the tool's documented scale (``critical`` to ``low``, None where
    it is for information or not graded). ``object``: a ``model.make_object`` where it is about an account, a group, a
    setting…; None: the port where there is one, else the asset. ``facts``: evidence; with a meaning to us: ``cve``
    (list of ids), ``cvss`` (0..10), ``cvss_vector``, ``epss`` (0..1), ``kev`` (bool), ``cwe`` (list), ``solution``,
    ``references`` (list), ``first_seen``, ``output``. ``place``: where in the file, for a person.
    """

    kind: str
    asset: Asset | None
    rule: str = ""
    title: str = ""
    wording: str = ""
    severity: str | None = None
    grade: str | None = None
    port: Port | None = None
    object: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    place: str = ""


def new_info(**more: Any) -> dict[str, Any]:
    """What a reader says of its whole file, with nothing known yet.

    ``version`` of the tool; ``generated`` (``YYYY-MM-DDTHH:MM:SSZ``) when it was made; ``arguments`` of the scan;
    ``tried``: protocol to port ranges; ``profile``: scan policy, template set, mapping; ``finished``: ``success``, or
    how the tool says that it ended. ``more``: other values, and further facts: ``closes=False`` where what a later file
    no longer holds may be there still, because such a file does not say what was looked for; ``covers``, the controls
    that a file says it judged.
    """
    known = dict.fromkeys(("version", "generated", "profile", "finished"))
    return {**known, "arguments": "", "tried": {}, **more}


class Skipped:
    """What a reader could not use: counted, the first places kept with their reason; nothing is lost silently."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[dict[str, str]] = []

    def add(self, place: str, reason: str) -> None:
        """One thing skipped; ``place`` as a person finds it (line, item, element)."""
        self.count += 1
        if len(self.first) < MAX_PLACES:
            self.first.append({"place": place[:200], "reason": reason[:300]})


def normal_address(text: str) -> str | None:
    """An IP address in its one normal form (IPv4-mapped IPv6 as IPv4, no zone), or None where it is none."""
    try:  # most are IPv4 in normal form already, and ipaddress takes ten times as long
        return socket.inet_ntop(socket.AF_INET, socket.inet_pton(socket.AF_INET, text))
    except (OSError, ValueError):
        pass
    try:
        address = ipaddress.ip_address(text.strip().split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)
