# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dynamic updates of DNS zones in the directory: one property of the zone, every other byte as it is."""

from __future__ import annotations

import base64
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import dns_property
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError

ATTRIBUTES: Final = ("objectGUID", "objectClass", "name", "dNSProperty")
PROPERTY: Final = "dNSProperty"
# What a person asks for, and the present values that it narrows. "Secure" is more than "off": a zone that takes no
# update is left alone.
WISHES: Final = {
    "secure": (dns_property.UPDATE_SECURE, frozenset({dns_property.UPDATE_UNSECURE})),
    "off": (
        dns_property.UPDATE_OFF,
        frozenset({dns_property.UPDATE_UNSECURE, dns_property.UPDATE_SECURE}),
    ),
}


def plan_zone(plan: Plan, zone: Entry, wish: str) -> None:
    """Add the change of ``zone`` (read with ATTRIBUTES); ``wish`` is ``secure`` or ``off``. Nothing is ever widened.

    Raises PlanError for what is no zone, and for a property that cannot be understood.
    """
    name = zone.text("name") or zone.dn
    if "dnszone" not in [each.lower() for each in zone.texts("objectClass")]:
        raise PlanError(f"{zone.dn} is no DNS zone.")
    values = zone.attributes.get(PROPERTY) or []
    if not values:
        raise PlanError(
            f"{name} ({zone.dn}): dNSProperty cannot be read, or the zone has none. Give the account in use the right "
            "to read it, or set dynamic updates in the DNS console."
        )
    try:
        found = dns_property.find(values, dns_property.ALLOW_UPDATE)
    except ValueError as error:
        raise PlanError(f"{name} ({zone.dn}): {error}. Correct the zone in the DNS console.") from error
    wanted, narrows = WISHES[wish]
    for raw, each in found:
        if each.number in narrows:
            plan.changes.append(_exchange(zone, name, raw, each.with_number(wanted).to_bytes()))


def _exchange(zone: Entry, name: str, before: bytes, after: bytes) -> model.Change:
    guid = zone.guid()
    if guid is None:
        raise PlanError(f"{zone.dn}: its objectGUID cannot be read, so it cannot be named in a change.")
    return model.new_change(
        target="directory",
        kind="values",
        object_type="object",
        object_id=guid,
        label=name,
        dn=zone.dn,
        attribute=PROPERTY,
        before=[_encoded(before)],
        after=[_encoded(after)],
        display_before=_shown(before),
        display_after=_shown(after),
    )


def _encoded(value: bytes) -> dict[str, str]:
    return {"base64": base64.b64encode(value).decode("ascii")}


def _shown(value: bytes) -> str:
    number = dns_property.Property.parse(value).number
    return f"dynamic updates: {dns_property.UPDATE_NAMES.get(number, number)}"
