# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whose finding is it: the hosts and domains of a report, matched to the inventory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..records import Asset, Port, normal_address

NOT_THERE: Final = "the host is not in the inventory"
NO_DOMAIN: Final = "the domain is not in the inventory"


@dataclass(frozen=True, slots=True)
class Match:
    """``host`` of the inventory, or None and why. ``learnt``: only by a name that the scanned machine gave itself."""

    host: str | None
    reason: str = ""
    learnt: str | None = None


class Inventory:
    """What the inventory says of its hosts.

    ``hosts`` maps an inventory host to ``{"addresses": [...], "names": [...], "sids": [...], "domains": [...],
    "policy": [{port, protocol}]}``: addresses and names of a machine, its SID, and DNS name, NetBIOS name or SID of a
    domain.
    """

    def __init__(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        self.hosts = hosts
        self._places: dict[str, set[str]] = {}
        self._domains: dict[str, set[str]] = {}
        self._policy: dict[str, set[tuple[str, str]]] = {}
        self._known: dict[Asset, Match] = {}
        for name, facts in hosts.items():
            for place in [*(facts.get("addresses") or []), *(facts.get("names") or []), *(facts.get("sids") or [])]:
                self._places.setdefault(_place(str(place)), set()).add(name)
            for domain in [name, *(facts.get("domains") or [])]:
                self._domains.setdefault(_place(str(domain)), set()).add(name)

    def match(self, asset: Asset) -> Match:
        """The inventory host of an asset, by address, name or SID; remembered, as a report names a host often."""
        known = self._known.get(asset)
        if known is None:
            known = self._known[asset] = self._domain_of(asset) if asset.domain else self._host_of(asset)
        return known

    def _domain_of(self, asset: Asset) -> Match:
        host = self.domain(*asset.typed_names, *asset.sids)
        return Match(host) if host else Match(None, NO_DOMAIN)

    def _host_of(self, asset: Asset) -> Match:
        found = self._find([*asset.addresses, *asset.typed_names, *asset.sids])
        if len(found) > 1:
            return Match(None, f"its address belongs to several hosts of the inventory: {', '.join(sorted(found))}")
        if found:
            return Match(found.pop())
        # A PTR record or a certificate says whatever its owner likes: it counts for a host that has nothing else, and
        # even then never enough to correct anything.
        for name in asset.names if not (asset.addresses or asset.typed_names) else []:
            found = self._find([name])
            if len(found) == 1:
                return Match(found.pop(), learnt=name)
        return Match(None, NOT_THERE)

    def _find(self, places: list[str]) -> set[str]:
        found: set[str] = set()
        for place in places:
            found |= self._places.get(_place(place), set())
        return found

    def domain(self, *names: str) -> str | None:
        """The inventory host that stands for a domain, by DNS name, NetBIOS name or SID."""
        for name in names:
            hosts = self._domains.get(_place(name), set()) if name else set()
            if len(hosts) == 1:
                return next(iter(hosts))
        return None

    def allowed(self, host: str, port: Port) -> bool:
        """Whether the exposure policy of a host lets a port stay open."""
        if host not in self._policy:
            self._policy[host] = {
                (str(rule.get("protocol") or "tcp"), str(rule.get("port")))
                for rule in self.hosts[host].get("policy") or []
            }
        return (port.protocol, str(port.number)) in self._policy[host]


def _place(text: str) -> str:
    return normal_address(text) or text.casefold().rstrip(".")
