# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The DNS zones that the directory holds, and whether they take updates from anyone (MS-DNSP 2.3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import dns_property
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

DNS_ZONES: Final = "DNS zones"
# FLAG_CR_NTDS_NC of systemFlags (MS-ADTS 2.2.10): a partition that domain controllers hold
_PARTITIONS: Final = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=1))"


@dataclass(slots=True)
class DnsZone:
    """One zone. ``allow_update`` is fAllowUpdate, None when the zone has no such property (updates are off then)."""

    dn: str
    guid: str
    name: str
    partition: str  # DN of the partition that holds it
    allow_update: int | None = None
    properties: int = 0  # how many properties the server showed


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the zones of this domain: of its DNS partition, of the forest's, and of CN=System (as Windows 2000 did)."""
    partitions = f"CN=Partitions,{session.configuration_dn}"
    cross_refs = quiet.search(session, partitions, _PARTITIONS, ["nCName"], scope="onelevel")
    if not cross_refs:
        snapshot.unreadable[DNS_ZONES] = f"{partitions} shows no partition to the account in use"
        return
    held = {dn_key(each.text("nCName") or "") for each in cross_refs}
    root = (session.root_dse.get("rootDomainNamingContext") or [session.domain_dn])[0]
    wanted = [f"DC=DomainDnsZones,{session.domain_dn}", f"DC=ForestDnsZones,{root}"]
    hidden = [
        dn for dn in wanted if dn_key(dn) in held and not _read_zones(session, snapshot, dn, f"CN=MicrosoftDNS,{dn}")
    ]
    old = f"CN=MicrosoftDNS,CN=System,{session.domain_dn}"
    if not _read_zones(session, snapshot, session.domain_dn, old) and not any(
        each.name.casefold() == snapshot.dns_name.casefold() for each in snapshot.dns_zones
    ):
        # this one may rightly be absent, but then the zone of the domain is in a partition, if the directory holds DNS
        if any(dn_key(dn) in held for dn in wanted):
            hidden.append(old)
        else:
            snapshot.notes.append("The directory holds no DNS zone: the zones of the domain are served by other means.")
    if hidden:
        snapshot.unreadable[DNS_ZONES] = (
            f"{'; '.join(hidden)} cannot be read: this server does not hold it, or the account in use lacks the right"
        )
    elif snapshot.dns_zones and not any(each.properties for each in snapshot.dns_zones):
        snapshot.unreadable[DNS_ZONES] = "dNSProperty of not one DNS zone is readable by the account in use"


def _read_zones(session: Reader, snapshot: Snapshot, partition: str, container: str) -> bool:
    """Whether the container is visible. Adds its zones."""
    if not quiet.visible(session, container):
        return False
    entries = quiet.search(session, container, "(objectClass=dnsZone)", ["objectGUID", "name", "dNSProperty"])
    if entries is None:
        return False
    for entry in entries:
        guid, name = entry.guid(), entry.text("name")
        if guid is None or name is None:
            snapshot.unreadable[DNS_ZONES] = f"{entry.dn} does not show objectGUID and name to the account in use"
        elif not name.startswith("..Deleted"):  # what the DNS server renames before it deletes
            snapshot.dns_zones.append(_zone(snapshot, entry, guid, name, partition))
    return True


def _zone(snapshot: Snapshot, entry: Entry, guid: str, name: str, partition: str) -> DnsZone:
    values = entry.attributes.get("dNSProperty") or []
    try:
        update: Iterable[int] = [each.number for _raw, each in dns_property.find(values, dns_property.ALLOW_UPDATE)]
    except ValueError as error:
        snapshot.unreadable[DNS_ZONES] = f"dNSProperty of {entry.dn}: {error}"
        update = ()
    numbers = set(update)
    # said twice, the worse one counts
    worst = dns_property.UPDATE_UNSECURE if dns_property.UPDATE_UNSECURE in numbers else min(numbers, default=None)
    return DnsZone(entry.dn, guid, name, partition, worst, len(values))


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    items: Iterable[Mapping[str, Any]] = values.get("dns_zones", ())
    values["dns_zones"] = [DnsZone(**item) for item in items]
