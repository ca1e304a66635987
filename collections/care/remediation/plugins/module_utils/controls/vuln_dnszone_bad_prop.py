# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A DNS zone of the directory takes dynamic updates from anyone (MS-DNSP 2.3.2.1, DSPROPERTY_ZONE_ALLOW_UPDATE)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.dns_property import (
    UPDATE_NAMES,
    UPDATE_UNSECURE,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.dns import DNS_ZONES, DnsZone
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

ID: Final = "vuln_dnszone_bad_prop"
NEEDS: Final = frozenset({DNS_ZONES})
FOREST_ZONE: Final = "_msdcs."


def remark(snapshot: Snapshot) -> str | None:
    """Where there is nothing to judge, or a zone has no properties."""
    if not snapshot.dns_zones:
        return "the directory holds no DNS zone"
    bare = sorted(each.name for each in snapshot.dns_zones if not each.properties)
    return f"without any property, so without dynamic updates: {', '.join(bare)}" if bare else None


def level(snapshot: Snapshot, zone: DnsZone) -> int:
    """1 for the zone of the domain and those of the domain controllers (_msdcs), 3 for any other."""
    name = zone.name.casefold().rstrip(".")
    return 1 if name == snapshot.dns_name.casefold() or name.startswith(FOREST_ZONE) else 3


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each zone that takes updates without authentication."""
    for zone in snapshot.dns_zones:
        if zone.allow_update != UPDATE_UNSECURE:
            continue
        yield Found(
            type="object",
            id=zone.guid,
            label=zone.name,
            dn=zone.dn,
            level=level(snapshot, zone),
            wording=f"The DNS zone {zone.name} takes dynamic updates from anyone.",
            evidence={
                "zone": zone.name,
                "partition": zone.partition,
                "allow_update": zone.allow_update,
                "allow_update_text": UPDATE_NAMES[zone.allow_update],
            },
        )
