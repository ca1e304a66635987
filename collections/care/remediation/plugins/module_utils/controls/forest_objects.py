# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Findings about domain controllers, trusts and other objects that are no accounts of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found, day
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.controllers import (
    Controller,
    Principal,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.trusts import Trust, names
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot


def machines(snapshot: Snapshot) -> Iterator[Controller]:
    """The domain controllers that are machines: without the object that Entra Kerberos keeps."""
    return (each for each in snapshot.controllers if not each.entra)


def entra_remark(snapshot: Snapshot) -> str | None:
    """What the result of a control about machines says of the object of Entra Kerberos."""
    found = [each.label for each in snapshot.controllers if each.entra]
    if not found:
        return None
    return f"{', '.join(found)} is the object of Entra Kerberos, no machine: left out"


def controller_found(controller: Controller, *, level: int, wording: str, **facts: Any) -> Found:
    """A finding about one domain controller."""
    return Found(
        type="computer",
        id=controller.sid,
        label=controller.label,
        dn=controller.dn,
        sid=controller.sid,
        level=level,
        wording=wording,
        evidence={
            "read_only": controller.read_only,
            "operating_system": controller.operating_system,
            "version": controller.version,
            "user_account_control": uac.names(controller.uac or 0),
            **facts,
        },
    )


def trust_found(trust: Trust, *, level: int, wording: str, **facts: Any) -> Found:
    """A finding about one trust; its id is the objectGUID."""
    directions = [name for name, there in (("inbound", trust.inbound), ("outbound", trust.outbound)) if there]
    return Found(
        type="object",
        id=trust.guid,
        label=trust.partner,
        dn=trust.dn,
        level=level,
        wording=wording,
        evidence={
            "partner": trust.partner,
            "partner_sid": trust.sid,
            "direction": directions,
            "trust_type": trust.type,
            "trust_attributes": names(trust.attributes),
            "changed": day(trust.changed),
            **facts,
        },
    )


def listed(principals: Iterable[Principal]) -> list[dict[str, str | None]]:
    """Principals as evidence holds them, sorted by SID."""
    return [
        {"sid": each.sid, "label": each.label, "dn": each.dn}
        for each in sorted(principals, key=lambda each: (each.sid or "", each.dn))
    ]
