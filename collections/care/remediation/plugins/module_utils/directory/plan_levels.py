# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Raising the functional level of the domain and of the forest: irreversible, so never while one part is too old.

The level is msDS-Behavior-Version of the domain's head, then of CN=Partitions (MS-ADTS 6.1.4.2 to 6.1.4.4). Active
Directory accepts the first on the PDC emulator and the second on the schema master only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
    replace_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import LEVEL_NAMES

LEVELS: Final[Mapping[str, int]] = {"2008": 3, "2008R2": 4, "2012": 5, "2012R2": 6, "2016": 7, "2025": 10}
VERSION: Final = "msDS-Behavior-Version"
REASON: Final = "functional_level"
# FLAG_CR_NTDS_DOMAIN of systemFlags (MS-ADTS 2.2.10)
_DOMAINS: Final = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))"


class Reader(Protocol):
    """The part of a directory session that is needed here."""

    domain_dn: str
    configuration_dn: str
    schema_dn: str
    root_dse: dict[str, list[str]]

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        """One object."""

    def search(self, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree") -> Iterable[Entry]:
        """Entries, streamed."""


@dataclass(slots=True)
class Forest:
    """What decides whether a level can be raised."""

    domain: Entry
    partitions: Entry
    controllers: list[tuple[str, int]] = field(default_factory=list)  # server name, msDS-Behavior-Version
    domains: list[tuple[str, int]] = field(default_factory=list)  # DN and level of the other domains
    own_settings: str = ""  # DN of the NTDS Settings of the server in use
    pdc: str = ""  # DN of the NTDS Settings of the PDC emulator
    schema_master: str = ""


def read(session: Reader) -> Forest:
    """Read it. Raises PlanError when a part of it cannot be seen: an unseen domain controller may be an old one."""
    head = _needed(session, session.domain_dn)
    partitions = _needed(session, f"CN=Partitions,{session.configuration_dn}")
    schema = _needed(session, session.schema_dn)
    forest = Forest(
        head,
        partitions,
        own_settings=(session.root_dse.get("dsServiceName") or [""])[0],
        pdc=head.text("fSMORoleOwner") or "",
        schema_master=schema.text("fSMORoleOwner") or "",
    )
    sites = f"CN=Sites,{session.configuration_dn}"
    for entry in session.search(sites, "(objectClass=nTDSDSA)", [VERSION]):
        forest.controllers.append((server_of(entry.dn), entry.int(VERSION) or 0))
    if not forest.controllers:
        raise PlanError(f"{sites} shows no domain controller: unverified, so no functional level is planned.")
    for entry in session.search(partitions.dn, _DOMAINS, ["nCName", VERSION], scope="onelevel"):
        name = entry.text("nCName") or entry.dn
        if name.casefold() != session.domain_dn.casefold():
            forest.domains.append((name, entry.int(VERSION) or 0))
    return forest


def _needed(session: Reader, dn: str) -> Entry:
    entry = session.read(dn, [*IDENTITY_ATTRIBUTES, VERSION, "fSMORoleOwner"])
    if entry is None:
        raise PlanError(f"{dn} cannot be read: unverified, so no functional level is planned.")
    return entry


def server_of(settings_dn: str) -> str:
    """The name of the domain controller whose NTDS Settings this is."""
    first = settings_dn.split(",", 2)[1:2]
    return first[0].partition("=")[2] if first else settings_dn


def plan_level(plan: Plan, forest: Forest, wanted: str, *, enforce: bool) -> None:
    """Add the changes that raise both levels to ``wanted`` (a key of LEVELS), or with ``enforce`` False only say what
    stands in the way. Raises PlanError while a domain controller or another domain is older."""
    target = LEVELS[wanted]
    present, above = forest.domain.int(VERSION) or 0, forest.partitions.int(VERSION) or 0
    if present >= target and above >= target:
        return
    problems = _problems(forest, target)
    if not enforce:
        for text in problems or [f"Every domain controller is ready for the functional level {wanted}."]:
            plan.notice(forest.domain.dn, "functional_level", text)
        return
    if problems:
        raise PlanError(" ".join(problems))
    if present < target:
        _at_master(forest, forest.pdc, f"the level of the domain {forest.domain.dn}", "PDC emulator")
        plan.changes += _raised(forest.domain, present, target)
    if above < target:
        if forest.own_settings.casefold() != forest.schema_master.casefold():
            plan.notice(
                forest.partitions.dn,
                "functional_level",
                f"The level of the forest is raised on the schema master {server_of(forest.schema_master)}: run this"
                " again with that domain controller as server.",
            )
            return
        plan.changes += _raised(forest.partitions, above, target)


def _problems(forest: Forest, target: int) -> list[str]:
    old = [f"{name} ({_name(version)})" for name, version in sorted(forest.controllers) if version < target]
    older = [f"{name} ({_name(version)})" for name, version in sorted(forest.domains) if version < target]
    problems = []
    if old:
        problems.append(
            f"These domain controllers are older than {_name(target)}: {', '.join(old)}. Replace them, or remove those"
            " that no longer exist (metadata cleanup), first."
        )
    if older:
        problems.append(f"These domains of the forest have a lower level: {', '.join(older)}. Raise them first.")
    return problems


def _at_master(forest: Forest, owner: str, what: str, role: str) -> None:
    if owner and forest.own_settings.casefold() != owner.casefold():
        raise PlanError(
            f"{what[0].upper()}{what[1:]} can only be raised on the {role}, {server_of(owner)}: use that domain"
            " controller as server."
        )


def _raised(entry: Entry, present: int, target: int) -> list[dict[str, object]]:
    shown = (f"{present} (Windows Server {_name(present)})", f"{target} (Windows Server {_name(target)})")
    change = replace_change(entry, VERSION, [str(target)], display=shown, irreversible_reason=REASON)
    return [change] if change is not None else []


def _name(level: int) -> str:
    return LEVEL_NAMES.get(level, str(level))
