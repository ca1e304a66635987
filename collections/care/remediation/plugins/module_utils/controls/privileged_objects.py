# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The objects that ANSSI calls privileged, and the OUs, sites and policies that act on them."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.care.remediation.plugins.module_utils.controls import rights
from ansible_collections.care.remediation.plugins.module_utils.controls.control_graph import (
    APPLIES,
    CONTAINS,
    LINKING,
    ControlGraph,
    Hop,
    Securable,
)
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import dn_key
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import descriptors as roles
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import Secured
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Account, Snapshot


def controllers(snapshot: Snapshot) -> list[Account]:
    """The accounts of the domain controllers, read-only ones included."""
    return ControlGraph.of(snapshot).controllers


def members(snapshot: Snapshot) -> list[Securable]:
    """Privileged groups, groups in them, their members (domain controllers apart) and krbtgt."""
    return ControlGraph.of(snapshot).privileged


def everything(snapshot: Snapshot) -> list[Securable]:
    """Every privileged object whose descriptor must be readable."""
    settings = {roles.ADMINSDHOLDER, roles.DOMAIN_HEAD}
    found: list[Securable] = [each for each in snapshot.secured if each.role in settings]
    found += [*members(snapshot), *controllers(snapshot)]
    found += [target.item for target in [*containers(snapshot), *policies(snapshot)]]
    unique: dict[str, Securable] = {dn_key(each.dn): each for each in found}
    return list(unique.values())


def of_role(snapshot: Snapshot, role: str) -> Iterator[Secured]:
    """The objects of one role."""
    return (each for each in snapshot.secured if each.role == role)


def settings(snapshot: Snapshot, role: str, *, but: str | None = None) -> list[Target]:
    """The objects of one role as targets; ``but`` is the DN of one that another control judges."""
    graph = ControlGraph.of(snapshot)
    leave = dn_key(but) if but is not None else None
    return [Target(each, graph.kind(each)) for each in of_role(snapshot, role) if dn_key(each.dn) != leave]


def policies(snapshot: Snapshot) -> list[Target]:
    """The group policies that apply to privileged members or to domain controllers."""
    graph = ControlGraph.of(snapshot)
    found: dict[str, Target] = {}
    done: set[str] = set()
    accounts = [each for each in members(snapshot) if isinstance(each, Account)]
    for account in [*controllers(snapshot), *accounts]:
        above = next(graph.above(account.dn), None)
        if above is None or (above.dn in done and not account.is_dc):
            continue
        done.add(above.dn)
        for policy, place in graph.policies_of(account):
            then = (Hop(policy.dn, place.label, "LinkedTo", object=place.dn), Hop(place.label, account.label, APPLIES))
            found.setdefault(policy.dn, Target(policy, rights.GPO, then))
    return list(found.values())


def containers(snapshot: Snapshot) -> list[Target]:
    """The OUs, containers and sites that hold privileged objects, and the domain head for the policies it links."""
    graph = ControlGraph.of(snapshot)
    found: dict[str, Target] = {}
    held: list[Securable] = [*members(snapshot), *controllers(snapshot)]
    for item in held:
        for place in graph.above(item.dn):
            only = frozenset({rights.WRITE_GPLINK}) if place.role == roles.DOMAIN_HEAD else None
            kind = rights.CONTAINER if place.role == roles.CONTAINER else rights.OU
            then = (Hop(place.dn, item.label, CONTAINS),)
            found.setdefault(place.dn, Target(place, kind, then, only))
    for site in of_role(snapshot, roles.SITE):
        if site.members:
            then = (Hop(site.dn, graph.name(graph.sid_of(site.members[0])), CONTAINS),)
            found.setdefault(site.dn, Target(site, rights.SITE, then, LINKING))
    return list(found.values())
