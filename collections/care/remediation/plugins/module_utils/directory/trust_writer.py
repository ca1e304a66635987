# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes trustAttributes through the Local Security Authority: no server lets a trust be changed over LDAP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.lsa_messages import LsaError, TrustInformation
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Result, Session

ATTRIBUTE: Final = "trustattributes"
MOD_ADD: Final = 0
# What stands for the LSA's answers where the writer expects LDAP's: noSuchAttribute (it is not as you said), and
# unwillingToPerform (RFC 4511 4.1.9)
MOVED: Final = 16
REFUSED: Final = 53


class Policy(Protocol):
    """The part of ``sysvol.lsa.TrustPolicy`` that is used here."""

    def query(self, name: str) -> TrustInformation:
        """The trust with the domain of that name."""

    def set(self, name: str, trust: TrustInformation) -> None:
        """Write a trust as a whole."""


Connect = Callable[[Session], AbstractContextManager[Policy]]


def write(session: Session, items: Sequence[tuple[str, list[Any]]], connect: Connect | None) -> list[Result]:
    """Write each ``(dn, modlist)`` of trustAttributes; a Result each, in order. Never raises for one item.

    The LSA cannot compare and swap: what it holds is compared with the value to be replaced right before.
    """
    if connect is None:
        why = "trusts are changed through the Local Security Authority, which cannot be reached from here"
        return [Result(dn, REFUSED, DirectoryError(why)) for dn, _modlist in items]
    try:
        with connect(session) as policy:
            return [_write(session, policy, dn, modlist) for dn, modlist in items]
    except LsaError as error:
        return [Result(dn, REFUSED, DirectoryError(str(error))) for dn, _modlist in items]


def _write(session: Session, policy: Policy, dn: str, modlist: list[Any]) -> Result:
    old = next((int(values[0]) for verb, _name, values in modlist if verb != MOD_ADD), 0) & 0xFFFFFFFF
    new = next((int(values[0]) for verb, _name, values in modlist if verb == MOD_ADD), 0) & 0xFFFFFFFF
    try:
        entry = session.read(dn, ["trustPartner"])
        partner = entry.text("trustPartner") if entry is not None else None
        if partner is None:
            raise LsaError(f"{dn}: trustPartner cannot be read, so the trust cannot be named to the LSA")
        trust = policy.query(partner)
        if trust.attributes != old:
            held = f"{partner}: the Local Security Authority holds {trust.attributes}, not {old}"
            return Result(dn, MOVED, DirectoryError(held))
        policy.set(partner, trust.with_attributes(new))
    except (LsaError, DirectoryError) as error:
        return Result(dn, REFUSED, DirectoryError(str(error)))
    return Result(dn, 0)
