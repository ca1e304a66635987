# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The certificates that the forest trusts or publishes: those in CN=Public Key Services (MS-WCCE 2.2.2.11)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

CERTIFICATES: Final = "certificates of the forest"
_ATTRIBUTES: Final = ("cACertificate", "userCertificate")
# Every forest has these, with or without certificate services
_ALWAYS: Final = ("CN=AIA", "CN=Certification Authorities", "CN=Enrollment Services")
# What a mandatory cACertificate holds when there is none
_PLACEHOLDERS: Final = frozenset({b"", b"\0"})


@dataclass(slots=True)
class Certificate:
    """One certificate in one attribute of one object."""

    dn: str
    guid: str
    attribute: str
    der: bytes


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read every certificate below CN=Public Key Services."""
    base = f"CN=Public Key Services,CN=Services,{session.configuration_dn}"
    hidden = [dn for dn in (base, *(f"{each},{base}" for each in _ALWAYS)) if not quiet.visible(session, dn)]
    wanted = "".join(f"({name}=*)" for name in _ATTRIBUTES)
    entries = quiet.search(session, base, f"(|{wanted})", ["objectGUID", *_ATTRIBUTES])
    if hidden or entries is None:
        snapshot.unreadable[CERTIFICATES] = f"{'; '.join(hidden) or base} is not readable by the account in use"
    for entry in entries or ():
        guid = entry.guid()
        if guid is None:
            snapshot.unreadable[CERTIFICATES] = f"{entry.dn} does not show its objectGUID to the account in use"
            continue
        for name in _ATTRIBUTES:
            for der in entry.attributes.get(name) or []:
                if der not in _PLACEHOLDERS:
                    snapshot.certificates.append(Certificate(entry.dn, guid, name, der))


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module (``der`` is base64)."""
    values["certificates"] = [_certificate(item) for item in values.get("certificates", ())]


def _certificate(item: Mapping[str, Any]) -> Certificate:
    der = item["der"]
    return Certificate(**dict(item, der=base64.b64decode(der) if isinstance(der, str) else der))
