# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of the whole domain: the machine account quota, dSHeuristics by its positions, password settings, menus."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    NOTHING,
    Plan,
    PlanError,
    flags_changes,
    replace_change,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import display_specifiers
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import (
    LEVEL_2016,
    STORE_CLEARTEXT,
)

QUOTA: Final = "ms-DS-MachineAccountQuota"
HEURISTICS: Final = "dSHeuristics"
PASSWORD_PROPERTIES: Final = "pwdProperties"  # noqa: S105
EXPIRE_SMARTCARD: Final = "msDS-ExpirePasswordsOnSmartCardOnlyAccounts"
LEVEL: Final = "msDS-Behavior-Version"
ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, QUOTA, HEURISTICS, PASSWORD_PROPERTIES, EXPIRE_SMARTCARD, LEVEL)

# MS-ADTS 6.1.1.2.4.1.2. A directory refuses a string whose 10th character is not "1", its 20th "2", its 30th "3":
# they show that the writer can count.
CONTROL_POSITIONS: Final = {position: str(position // 10) for position in range(10, 100, 10)}
MEANINGS: Final = {
    1: "fSupFirstLastANR",
    2: "fSupLastFirstANR",
    3: "fDoListObject",
    4: "fDoNickRes",
    5: "fLDAPUsePermMod",
    6: "ulHideDSID",
    7: "fLDAPBlockAnonOps",
    8: "fAllowAnonNSPI",
    9: "fUserPwdSupport",
    11: "fSpecifyGUIDOnAdd",
    12: "fDontStandardizeSDs",
    13: "fAllowPasswordOperationsOverNonSecureConnection",
    14: "fDontPropagateOnNoChangeUpdate",
    15: "fComputeANRStats",
    16: "dwAdminSDExMask",
    17: "fKVNOEmuW2K",
    18: "fLDAPBypassUpperBoundsOnLimits",
    19: "fDisableAutoIndexingOnSchemaUpdate",
    21: "DoNotVerifyUPNAndOrSPNUniqueness",
    28: "AttributeAuthorizationOnLDAPAdd",
    29: "BlockOwnerImplicitRights",
}
_CHARACTER = re.compile(r"[0-9A-Fa-f]\Z")


def heuristics_dn(configuration_dn: str) -> str:
    """The object that holds dSHeuristics, the same for the whole forest."""
    return f"CN=Directory Service,CN=Windows NT,CN=Services,{configuration_dn}"


def wanted_positions(wish: Mapping[str, str]) -> dict[int, str]:
    """The wish as position → character; PlanError for what is no position, no digit, or a control character."""
    positions: dict[int, str] = {}
    for key, character in wish.items():
        if not re.fullmatch(r"[1-9][0-9]?", key):
            raise PlanError(f"dsheuristics: {key!r} is no position; they go from 1 to 99.")
        position = int(key)
        if not _CHARACTER.match(character):
            raise PlanError(
                f"dsheuristics: the value {character!r} of position {position} is not one digit (0-9, a-f). "
                "Write it in quotes."
            )
        if position in CONTROL_POSITIONS:
            raise PlanError(f"dsheuristics: position {position} is a control character; it is kept by itself.")
        positions[position] = character
    return positions


def with_positions(present: str, positions: Mapping[int, str]) -> str:
    """``present`` with these characters at their positions (from 1), every other one as it is.

    Padded with "0" up to the last position that must differ from the default, with the control characters where
    padding passes them. A wrong control character that is there is kept: this is not what was asked for, and the
    server says so if it minds. "0" beyond the end is what an absent character means already: nothing is added.
    """
    characters = list(present)
    for position in sorted(positions):
        wanted = positions[position]
        if position > len(characters):
            if wanted == "0":
                continue
            while len(characters) < position:
                characters.append(CONTROL_POSITIONS.get(len(characters) + 1, "0"))
        if characters[position - 1].lower() != wanted.lower():
            characters[position - 1] = wanted
    return "".join(characters)


def explain(before: str, after: str) -> tuple[str, str]:
    """Both strings for ``display``, with what each position that differs means."""

    def at(text: str, position: int) -> str:
        return text[position - 1] if position <= len(text) else "0"

    differing = [
        p
        for p in range(1, max(len(before), len(after)) + 1)
        if p not in CONTROL_POSITIONS and at(before, p).lower() != at(after, p).lower()
    ]
    named = [(p, MEANINGS.get(p, "no published name")) for p in differing]
    return (
        "\n".join([before or NOTHING, *(f"{p}: {name} = {at(before, p)}" for p, name in named)]),
        "\n".join([after or NOTHING, *(f"{p}: {name} = {at(after, p)}" for p, name in named)]),
    )


def plan_heuristics(plan: Plan, entry: Entry, wish: Mapping[str, str]) -> None:
    """Add the change of dSHeuristics; ``entry`` is the Directory Service object, read with ATTRIBUTES."""
    present = entry.text(HEURISTICS) or ""
    after = with_positions(present, wanted_positions(wish))
    if after == present:
        return
    change = replace_change(entry, HEURISTICS, [after], display=explain(present, after))
    if change is not None:
        plan.changes.append(change)


def plan_quota(plan: Plan, domain: Entry, quota: int) -> None:
    """Add the change of the machine account quota; ``domain`` is the domain's root object, read with ATTRIBUTES.

    An absent attribute is written too, so that what holds is written down and not a server's default.
    """
    if quota < 0:
        raise PlanError(f"machine_account_quota: {quota} is negative.")
    if domain.int(QUOTA) == quota:
        return
    change = replace_change(domain, QUOTA, [str(quota)])
    if change is not None:
        plan.changes.append(change)


def plan_no_reversible_passwords(plan: Plan, domain: Entry) -> None:
    """Clear DOMAIN_PASSWORD_STORE_CLEARTEXT, and no other bit of pwdProperties."""
    if domain.int(PASSWORD_PROPERTIES) is None:
        raise PlanError(f"{PASSWORD_PROPERTIES} of {domain.dn} cannot be read: unverified, so nothing is planned.")
    changes = flags_changes(domain, PASSWORD_PROPERTIES, clear_mask=STORE_CLEARTEXT)
    for change in changes:
        change["display"] = {"before": "DOMAIN_PASSWORD_STORE_CLEARTEXT", "after": NOTHING}
        plan.notice(
            domain.dn,
            "rewritten_by_policy",
            "The group policy that carries the domain's password policy writes this setting back within minutes if it"
            " says otherwise: disable reversible encryption there too. Passwords kept readable stay so until changed.",
        )
    plan.changes += changes


def expire_smartcard_schema_dn(schema_dn: str) -> str:
    """Where the schema describes the attribute, from Windows Server 2016 on."""
    return f"CN=ms-DS-Expire-Passwords-On-Smart-Card-Only-Accounts,{schema_dn}"


def plan_expire_smartcard_passwords(plan: Plan, domain: Entry, known: bool) -> None:
    """Have the secrets of smart-card-only accounts renewed; ``known``: the schema has the attribute."""
    if domain.bool(EXPIRE_SMARTCARD):
        return
    level = domain.int(LEVEL) or 0
    if not known:
        plan.notice(
            domain.dn,
            "schema",
            f"The schema does not know {EXPIRE_SMARTCARD}: prepare the forest for Windows Server 2016 first (adprep).",
        )
        return
    if level < LEVEL_2016:
        plan.notice(
            domain.dn,
            "functional_level",
            f"{EXPIRE_SMARTCARD} takes effect with the domain functional level of Windows Server 2016; {domain.dn} has"
            f" {level}.",
        )
    change = replace_change(domain, EXPIRE_SMARTCARD, ["TRUE"])
    if change is not None:
        plan.changes.append(change)


def plan_menu_entries(plan: Plan, wanted: Iterable[tuple[Entry, str, str]]) -> None:
    """Remove values of display specifiers: (object, attribute, value). One that is gone is as it should be."""
    removed: dict[tuple[str, str], tuple[Entry, set[str]]] = {}
    for entry, attribute, value in wanted:
        if "displayspecifier" not in {each.lower() for each in entry.texts("objectClass")}:
            raise PlanError(f"{entry.dn} is no display specifier.")
        name = next((each for each in display_specifiers.ATTRIBUTES if each.lower() == attribute.lower()), None)
        if name is None:
            raise PlanError(
                f"{attribute!r} of {entry.dn} holds no menus; those that do: "
                f"{', '.join(display_specifiers.ATTRIBUTES)}."
            )
        if value in entry.texts(name):
            removed.setdefault((entry.dn, name), (entry, set()))[1].add(value)
    for (_dn, name), (entry, values) in removed.items():
        for value in sorted(values):
            change = values_change(entry, name, remove=[value])
            if change is not None:
                plan.changes.append(change)
