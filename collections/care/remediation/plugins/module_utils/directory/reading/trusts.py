# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The trusts of the domain (trustedDomain objects, MS-ADTS 6.1.6.7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

TRUSTS: Final = "trusts"

# trustDirection (MS-ADTS 6.1.6.7.12): whose accounts are accepted where
INBOUND: Final = 1  # the partner accepts ours
OUTBOUND: Final = 2  # we accept the partner's
# trustType (MS-ADTS 6.1.6.7.15): the two with SIDs
DOWNLEVEL: Final = 1
UPLEVEL: Final = 2
# trustAttributes (MS-ADTS 6.1.6.7.9)
ATTRIBUTES: Final[dict[str, int]] = {
    "NON_TRANSITIVE": 0x1,
    "UPLEVEL_ONLY": 0x2,
    "QUARANTINED_DOMAIN": 0x4,
    "FOREST_TRANSITIVE": 0x8,
    "CROSS_ORGANIZATION": 0x10,
    "WITHIN_FOREST": 0x20,
    "TREAT_AS_EXTERNAL": 0x40,
    "USES_RC4_ENCRYPTION": 0x80,
    "CROSS_ORGANIZATION_NO_TGT_DELEGATION": 0x200,
    "PIM_TRUST": 0x400,
    "CROSS_ORGANIZATION_ENABLE_TGT_DELEGATION": 0x800,
    "DISABLE_AUTH_TARGET_VALIDATION": 0x1000,
}
QUARANTINED: Final = ATTRIBUTES["QUARANTINED_DOMAIN"]
FOREST_TRANSITIVE: Final = ATTRIBUTES["FOREST_TRANSITIVE"]
WITHIN_FOREST: Final = ATTRIBUTES["WITHIN_FOREST"]
TREAT_AS_EXTERNAL: Final = ATTRIBUTES["TREAT_AS_EXTERNAL"]
ENABLE_TGT_DELEGATION: Final = ATTRIBUTES["CROSS_ORGANIZATION_ENABLE_TGT_DELEGATION"]

_READ: Final = (
    "objectGUID",
    "trustPartner",
    "flatName",
    "securityIdentifier",
    "trustDirection",
    "trustType",
    "trustAttributes",
    "whenChanged",
)


def names(value: int) -> list[str]:
    """Names of the bits of trustAttributes that are set, lowest first; an unnamed one as ``0x…``."""
    known = {bit: name for name, bit in ATTRIBUTES.items()}
    return [known.get(1 << n, f"0x{1 << n:x}") for n in range(32) if value >> n & 1]


@dataclass(slots=True)
class Trust:
    """One trust, as this side has written it down."""

    dn: str
    guid: str
    partner: str  # DNS name, or NetBIOS name of an old domain
    direction: int
    type: int
    attributes: int
    flat_name: str | None = None
    sid: str | None = None  # of the partner domain
    changed: datetime | None = None

    def has(self, flag: int) -> bool:
        """Whether a bit of trustAttributes is set."""
        return bool(self.attributes & flag)

    @property
    def outbound(self) -> bool:
        """Whether accounts of the partner are accepted here."""
        return bool(self.direction & OUTBOUND)

    @property
    def inbound(self) -> bool:
        """Whether accounts of this domain are accepted by the partner."""
        return bool(self.direction & INBOUND)

    @property
    def windows(self) -> bool:
        """A trust between domains; a realm of another Kerberos, or Entra's, sends no SID that could be filtered."""
        return self.type in (DOWNLEVEL, UPLEVEL)


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the trusts. A domain without one is one whose container is readable and holds none."""
    base = f"CN=System,{session.domain_dn}"
    entries = quiet.search(session, base, "(objectClass=trustedDomain)", _READ)
    if entries is None or not quiet.visible(session, base):
        snapshot.unreadable[TRUSTS] = f"{base} is not readable by the account in use"
        return
    for entry in entries:
        guid, direction = entry.guid(), entry.int("trustDirection")
        kind, attributes = entry.int("trustType"), entry.int("trustAttributes")
        # trustAttributes may be absent: the trust of an NT 4 domain or of another Kerberos has none
        if guid is None or direction is None or kind is None:
            snapshot.unreadable[TRUSTS] = f"{entry.dn} does not show trustDirection and trustType to the account in use"
            continue
        changed = entry.text("whenChanged")
        snapshot.trusts.append(
            Trust(
                dn=entry.dn,
                guid=guid,
                partner=entry.text("trustPartner") or entry.dn,
                direction=direction,
                type=kind,
                attributes=(attributes or 0) & 0xFFFFFFFF,
                flat_name=entry.text("flatName"),
                sid=entry.sid("securityIdentifier"),
                changed=ad_time.from_generalized(changed) if changed else None,
            )
        )


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    values["trusts"] = [_trust(item) for item in values.get("trusts", ())]


def _trust(item: Mapping[str, Any]) -> Trust:
    changed = item.get("changed")
    return Trust(**dict(item, changed=datetime.fromisoformat(changed) if isinstance(changed, str) else changed))
