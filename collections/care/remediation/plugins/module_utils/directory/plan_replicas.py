# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which domain controllers a domain has, and what each of them knows of krbtgt's last reset.

The list comes from two places that must agree: the NTDS Settings objects below CN=Sites (who replicates) and the
accounts whose primary group is Domain Controllers (516) or Read-only Domain Controllers (521). A domain controller
that only one of them names is asked as well: a forgotten one that still answers still issues tickets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry

AZURE_KRBTGT: Final = "krbtgt_azuread"
KRBTGT_ATTRIBUTES: Final = (
    "objectGUID",
    "objectSid",
    "objectClass",
    "sAMAccountName",
    "userAccountControl",
    "pwdLastSet",
    "msDS-KeyVersionNumber",
    "distinguishedName",
)


class Searcher(Protocol):
    """The part of a directory session that is needed here."""

    domain_dn: str
    configuration_dn: str

    def search(self, base: str, ldap_filter: str, attributes: list[str], scope: str = "subtree") -> Iterable[Entry]:
        """Entries, streamed."""


@dataclass(slots=True)
class Controller:
    """One domain controller: its DNS name, where it is registered, and the krbtgt account of its own (RODC)."""

    name: str
    read_only: bool = False
    settings: bool = False
    account: bool = False
    server_only: bool = False
    krbtgt: str | None = None


@dataclass(frozen=True, slots=True)
class KeyState:
    """What one domain controller answers about krbtgt: pwdLastSet (FILETIME) and msDS-KeyVersionNumber."""

    password_set: int
    key_version: int | None


@dataclass(slots=True)
class Inventory:
    """The domain controllers; ``nameless`` are registrations without a DNS name, which nobody can ask,
    ``remnants`` server objects of no domain controller of this domain, ``left_alone`` krbtgt accounts of no machine."""

    controllers: dict[str, Controller] = field(default_factory=dict)
    nameless: list[str] = field(default_factory=list)
    remnants: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Proof:
    """For each domain controller, whether it has the reset of the one that is written to."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def unproven(self) -> list[dict[str, Any]]:
        """The rows that are not ``known``."""
        return [row for row in self.rows if row["state"] != "known"]


def list_controllers(session: Searcher) -> Inventory:
    """Every domain controller of the domain, from CN=Sites and from the accounts, RODCs with their own krbtgt."""
    inventory = Inventory()
    _from_accounts(session, inventory)
    _from_sites(session, inventory)
    return inventory


def _from_accounts(session: Searcher, inventory: Inventory) -> None:
    own_krbtgt: dict[str, str] = {}
    for entry in session.search(
        session.domain_dn,
        "(&(objectClass=user)(msDS-SecondaryKrbTgtNumber=*))",
        ["sAMAccountName", "distinguishedName"],
    ):
        own_krbtgt[entry.dn.casefold()] = entry.text("sAMAccountName") or entry.dn
    ldap_filter = (
        f"(&(objectClass=computer)(|(primaryGroupID={sids.RID_DOMAIN_CONTROLLERS})"
        f"(primaryGroupID={sids.RID_READ_ONLY_DOMAIN_CONTROLLERS})))"
    )
    for entry in session.search(session.domain_dn, ldap_filter, ["dNSHostName", "primaryGroupID", "msDS-KrbTgtLink"]):
        link = (entry.text("msDS-KrbTgtLink") or "").casefold()
        krbtgt = own_krbtgt.get(link, link.split(",")[0].removeprefix("cn=") or None)
        if krbtgt is not None and krbtgt.casefold() == AZURE_KRBTGT:
            # Microsoft Entra Kerberos: no machine, and its key is renewed from the cloud side only.
            inventory.left_alone.append(krbtgt)
            continue
        name = entry.text("dNSHostName")
        if not name:
            inventory.nameless.append(entry.dn)
            continue
        controller = inventory.controllers.setdefault(name.casefold(), Controller(name))
        controller.account = True
        controller.read_only |= entry.int("primaryGroupID") == sids.RID_READ_ONLY_DOMAIN_CONTROLLERS
        controller.krbtgt = krbtgt


def _from_sites(session: Searcher, inventory: Inventory) -> None:
    base = f"CN=Sites,{session.configuration_dn}"
    servers = {
        entry.dn.casefold(): entry
        for entry in session.search(base, "(objectClass=server)", ["dNSHostName", "serverReference"])
    }
    domain = session.domain_dn.casefold()
    settled: set[str] = set()
    for entry in session.search(
        base,
        "(objectClass=nTDSDSA)",
        ["objectClass", "objectCategory", "msDS-HasDomainNCs", "hasMasterNCs", "msDS-hasMasterNCs"],
    ):
        parent = entry.dn.partition(",")[2].casefold()
        settled.add(parent)
        held = [
            dn.casefold()
            for name in ("msDS-HasDomainNCs", "hasMasterNCs", "msDS-hasMasterNCs")
            for dn in entry.texts(name)
        ]
        # A forest's CN=Sites lists the domain controllers of all its domains. One that says nothing is not left out.
        if held and domain not in held:
            continue
        server = servers.get(parent)
        name = server.text("dNSHostName") if server else None
        if not name:
            inventory.nameless.append(entry.dn)
            continue
        controller = inventory.controllers.setdefault(name.casefold(), Controller(name))
        controller.settings = True
        controller.read_only |= "ntdsdsaro" in [value.casefold() for value in entry.texts("objectClass")] or (
            entry.text("objectCategory") or ""
        ).casefold().startswith("cn=ntds-dsa-ro,")
    for dn, server in servers.items():
        name, reference = server.text("dNSHostName"), (server.text("serverReference") or "").casefold()
        if dn in settled:
            continue
        if not name or (reference and not reference.endswith(f",{domain}")):
            inventory.remnants.append(server.dn)
            continue
        # Without NTDS Settings it is what a demotion left behind, or the account in use may not read them. Nobody can
        # tell from here, so it is asked like the others.
        inventory.controllers.setdefault(name.casefold(), Controller(name)).server_only = True


def prove(inventory: Inventory, reference: KeyState, ask: Callable[[str], KeyState]) -> Proof:
    """Ask every domain controller and compare with ``reference``, the state on the one that is written to.

    ``ask`` raises any exception when the one of that DNS name cannot be read: then its row is ``unverified`` with
    the reason. A row is ``known`` when pwdLastSet and the key version agree (an RODC does not hold the domain's own
    key, so there only pwdLastSet must), else ``behind``.
    """
    proof = Proof()
    for dn in inventory.nameless:
        proof.rows.append(
            {
                "name": dn,
                "state": "unverified",
                "read_only": False,
                "krbtgt": None,
                "registered": "",
                "reason": "registered as a domain controller, without a DNS name to ask it by",
            }
        )
    for controller in sorted(inventory.controllers.values(), key=lambda item: item.name.casefold()):
        where = [
            word
            for word, there in (
                ("sites", controller.settings),
                ("account", controller.account),
                ("server object", controller.server_only),
            )
            if there
        ]
        row: dict[str, Any] = {
            "name": controller.name,
            "read_only": controller.read_only,
            "krbtgt": controller.krbtgt,
            "registered": "+".join(where),
            "state": "known",
            "reason": "",
        }
        proof.rows.append(row)
        try:
            state = ask(controller.name)
        except Exception as error:  # whatever the reason is, it could not be read
            row.update(state="unverified", reason=f"cannot be read: {error}")
            continue
        row.update(password_set=str(state.password_set), key_version=state.key_version)
        versions_differ = state.key_version != reference.key_version and not (
            controller.read_only and state.key_version is None
        )
        if state.password_set != reference.password_set or versions_differ:
            row.update(
                state="behind",
                reason=(
                    f"has pwdLastSet {state.password_set} and key version {state.key_version}, the one in "
                    f"use has {reference.password_set} and {reference.key_version}: not replicated"
                ),
            )
    return proof
