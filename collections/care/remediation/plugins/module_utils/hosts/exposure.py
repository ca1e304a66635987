# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ruleset of a host whose exposed ports are to be closed.

Only numbers and addresses that were parsed get into the text; nothing that a report says is copied into it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.management import Management
from ansible_collections.care.remediation.plugins.module_utils.hosts.rulesets import Table

ANYWHERE = frozenset({"any", "all", "0.0.0.0/0", "::/0"})
PROTOCOLS = ("tcp", "udp")
Port = tuple[str, int]  # ("tcp", 6379)


@dataclass(frozen=True)
class Wanted:
    """The table to have (`""`: none), what speaks against it, and the ports it closes."""

    text: str
    hazards: list[dict[str, str]]
    closed: list[Port]


@dataclass(frozen=True)
class Request:
    """What a task asks for, parsed: `allowed` gives the sources of each port of the policy (None: from anywhere)."""

    close: frozenset[Port]
    allowed: dict[Port, tuple[str, ...] | None]
    management: tuple[str, ...]
    drop: bool


def parse(
    close: Iterable[dict[str, Any]], policy: Iterable[dict[str, Any]], sources: Iterable[str], default: str
) -> Request:
    """Checks a task's options. Raises HostError naming the entry that is wrong."""
    allowed: dict[Port, tuple[str, ...] | None] = {}
    for entry in policy:
        port = _port(entry)
        listed = entry.get("sources")
        if not listed or ANYWHERE & set(listed):
            allowed[port] = None
        elif port not in allowed:
            allowed[port] = _networks(listed)
        else:
            before = allowed[port]
            allowed[port] = before and _networks([*before, *listed])
    return Request(frozenset(_port(entry) for entry in close), allowed, _networks(sources), default == "drop")


def wanted(request: Request, present: str, path: Management, table: Table) -> Wanted:
    """The table that closes what is asked for and what `present`, its text now, closes already.

    A port that was closed is no longer found by the next scan: it stays closed until the policy allows it. The path of
    the operator comes first in the table, whatever is asked; to ask for that path to be closed is a hazard.
    """
    operators = _networks([*request.management, *([path.peer] if path.peer else [])])
    asked = request.close | closed_by(present)
    closed = sorted(port for port in asked if request.allowed.get(port, ()) is not None)
    hazards = [
        model.hazard("management_path", f"{source} tcp/{number}")
        for number in path.ports
        for source in operators
        if ("tcp", number) in request.close and not _covered(source, request.allowed.get(("tcp", number), ()))
    ]
    if not closed and not request.drop:
        return Wanted("", hazards, closed)
    rules = ["ct state established,related accept", 'iif "lo" accept']
    rules += _accept(operators, [("tcp", number) for number in path.ports])
    if request.drop:
        # Neighbour discovery, path MTU and the host's own address leases must go on.
        rules += [
            "meta l4proto { icmp, ipv6-icmp } accept",
            "udp sport 67 udp dport 68 accept",
            "ip6 saddr fe80::/10 udp dport 546 accept",
        ]
    for port, sources in sorted(request.allowed.items()):
        if sources is None and request.drop:
            rules.append(f"{port[0]} dport {port[1]} accept")
        elif sources and (request.drop or port in closed):
            rules += _accept(sources, [port])
    for protocol in PROTOCOLS:
        numbers = [str(number) for kind, number in closed if kind == protocol]
        if numbers:
            rules.append(f"{protocol} dport {{ {', '.join(numbers)} }} drop")
    policy = "drop" if request.drop else "accept"
    lines = [f"table {table} {{", "chain input {", f"type filter hook input priority filter; policy {policy};"]
    return Wanted("\n".join([*lines, *rules, "}", "}", ""]), hazards, closed)


def closed_by(text: str) -> frozenset[Port]:
    """The ports that a table written here closes, from its listing."""
    found: set[Port] = set()
    for protocol, one, several in re.findall(r"^\s*(tcp|udp) dport (?:(\d+)|\{ ([^}]*) \}) drop$", text, re.MULTILINE):
        for item in (one or several).split(","):
            first, _dash, last = item.strip().partition("-")
            found.update((protocol, number) for number in range(int(first), int(last or first) + 1))
    return frozenset(found)


def _accept(sources: Iterable[str], ports: list[Port]) -> list[str]:
    rules = []
    for family, version in (("ip", 4), ("ip6", 6)):
        chosen = [source for source in sources if ipaddress.ip_network(source).version == version]
        for protocol in PROTOCOLS:
            numbers = sorted(number for kind, number in ports if kind == protocol)
            if chosen and numbers:
                rules.append(f"{family} saddr {_set(chosen)} {protocol} dport {_set(map(str, numbers))} accept")
    return rules


def _set(items: Iterable[str]) -> str:
    listed = list(items)
    return listed[0] if len(listed) == 1 else "{ " + ", ".join(listed) + " }"


def _port(entry: dict[str, Any]) -> Port:
    protocol = str(entry.get("protocol") or "tcp").lower()
    try:
        number = int(entry["port"])
    except (KeyError, TypeError, ValueError):
        number = 0
    if protocol not in PROTOCOLS or not 0 < number < 65536:
        raise HostError(f"not a port: {str({key: entry.get(key) for key in ('port', 'protocol')})[:200]}")
    return protocol, number


def _networks(sources: Iterable[str]) -> tuple[str, ...]:
    """The sources as networks, those inside another one left out (nft refuses intervals that overlap)."""
    parsed = []
    for source in sources:
        try:
            parsed.append(ipaddress.ip_network(str(source).strip(), strict=False))
        except ValueError as error:
            raise HostError(f"{str(source)[:100]!r} is not an address or network") from error
    four = ipaddress.collapse_addresses(net for net in parsed if isinstance(net, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(net for net in parsed if isinstance(net, ipaddress.IPv6Network))
    return tuple(str(network) for network in [*four, *six])


def _covered(source: str, allowed: Iterable[str] | None) -> bool:
    if allowed is None:
        return True
    network = ipaddress.ip_network(source)
    others = [ipaddress.ip_network(entry) for entry in allowed]
    return any(
        (
            isinstance(network, ipaddress.IPv4Network)
            and isinstance(other, ipaddress.IPv4Network)
            and network.subnet_of(other)
        )
        or (
            isinstance(network, ipaddress.IPv6Network)
            and isinstance(other, ipaddress.IPv6Network)
            and network.subnet_of(other)
        )
        for other in others
    )
