# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whose service a delegation targets: a service principal name resolved to the account that carries it.

A service that a machine offers without a name of its own (``cifs`` where only ``HOST`` is registered, by the
forest's sPNMappings) is that machine's all the same: for domain controllers and privileged computers the host of the
name decides, compared with the hosts of their own names, their dNSHostName and their NetBIOS name. Nothing is concluded
from how a name looks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    COMPUTER,
    Account,
    Snapshot,
)

# The ticket-granting service is called by its protocol name (RFC 4120 7.3), not by a service principal name.
TICKET_GRANTING: Final = "krbtgt"


@dataclass(slots=True)
class Services:
    """The services of some accounts, by folded service principal name and by folded host."""

    names: dict[str, Account] = field(default_factory=dict)
    hosts: dict[str, Account] = field(default_factory=dict)
    krbtgt: Account | None = None

    def add(self, account: Account) -> None:
        """Add all that an account answers to."""
        for spn in account.spns:
            self.names.setdefault(spn.casefold(), account)
        if account.kind != COMPUTER:
            return
        for host in (*map(host_of, account.spns), account.host_name or "", account.label.removesuffix("$")):
            if host:
                self.hosts.setdefault(host.casefold(), account)

    def carrier(self, target: str) -> Account | None:
        """The account whose service ``target`` (a service principal name) is; None when it is none of these."""
        found = self.names.get(target.casefold()) or self.hosts.get(host_of(target).casefold())
        if found is None and target.partition("/")[0].casefold() == TICKET_GRANTING:
            return self.krbtgt
        return found


def host_of(spn: str) -> str:
    """The host of ``class/host:port/name``; empty when there is none."""
    parts = spn.split("/")
    return parts[1].partition(":")[0] if len(parts) > 1 else ""


def controllers(snapshot: Snapshot) -> Services:
    """The services of the domain controllers and of krbtgt."""
    services = Services(krbtgt=snapshot.by_rid(sids.RID_KRBTGT))
    for account in snapshot.accounts:
        if account.is_dc:
            services.add(account)
    if services.krbtgt is not None:
        services.add(services.krbtgt)
    return services


def privileged(snapshot: Snapshot) -> Services:
    """The services of every privileged object: domain controllers, krbtgt and the members of privileged groups."""
    services = controllers(snapshot)
    for account, _privilege in snapshot.privileged_accounts():
        services.add(account)
    return services


def targets(account: Account, services: Services) -> dict[str, str]:
    """Of the targets of an account, those that belong to ``services``: service principal name to its carrier's name."""
    found = ((target, services.carrier(target)) for target in account.delegates_to)
    return {target: carrier.label for target, carrier in sorted(found, key=str) if carrier is not None}
