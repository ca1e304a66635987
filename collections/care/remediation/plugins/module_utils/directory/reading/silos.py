# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Authentication policy silos (MS-ADTS 3.1.1.4.5.42, MS-KILE 3.3.5.5) and the accounts assigned to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

SILOS: Final = "authentication silos"


@dataclass(slots=True)
class Silo:
    """One silo. An account is in it when it is one of its members *and* is assigned to it."""

    dn: str
    enforced: bool
    members: tuple[str, ...] = ()  # DNs: who may be assigned
    user_policy: str | None = None  # DN


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionaries of a snapshot's dictionary by the classes of this module."""
    silos = values.get("silos", ())
    values["silos"] = [Silo(**{**item, "members": tuple(item.get("members", ()))}) for item in silos]


def container_dn(configuration_dn: str) -> str:
    """Where silos and policies are."""
    return f"CN=AuthN Policy Configuration,CN=Services,{configuration_dn}"


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the silos and who is assigned to which. A forest older than Windows Server 2012 R2 has none."""
    if not quiet.visible(session, f"CN=ms-DS-AuthN-Policy-Silo,{session.schema_dn}"):
        if quiet.visible(session, session.schema_dn):
            return  # the schema does not know them
        snapshot.unreadable[SILOS] = f"{session.schema_dn} is not visible to the account in use"
        return
    container = container_dn(session.configuration_dn)
    entries = None
    if quiet.visible(session, container):
        entries = quiet.search(
            session,
            container,
            "(objectClass=msDS-AuthNPolicySilo)",
            ["objectGUID", "msDS-AuthNPolicySiloEnforced", "msDS-AuthNPolicySiloMembers", "msDS-UserAuthNPolicy"],
        )
    if entries is None:
        snapshot.unreadable[SILOS] = f"{container} is not visible to the account in use"
        return
    known = set()
    for entry in entries:
        known.add(entry.dn.casefold())
        snapshot.silos.append(
            Silo(
                dn=entry.dn,
                enforced=bool(entry.bool("msDS-AuthNPolicySiloEnforced")),
                members=tuple(entry.texts("msDS-AuthNPolicySiloMembers")),
                user_policy=entry.text("msDS-UserAuthNPolicy"),
            )
        )
    assigned = "msDS-AssignedAuthNPolicySilo"
    for entry in session.search(session.domain_dn, f"({assigned}=*)", ["objectSid", assigned]):
        sid, silo = entry.sid(), entry.text(assigned)
        if sid is None or silo is None:
            continue
        snapshot.silo_of[sid] = silo
        if silo.casefold() not in known:
            snapshot.unreadable[SILOS] = f"the silo {silo} is not visible to the account in use"
