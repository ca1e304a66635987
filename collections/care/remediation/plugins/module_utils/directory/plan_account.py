# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flags, encryption types and service principal names of accounts: bits set or cleared, never a value replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, sid, uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    ENCRYPTION_TYPES,
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
    flags_changes,
    label_of,
    replace_change,
    type_of,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected

ATTRIBUTES: Final = (
    *IDENTITY_ATTRIBUTES,
    "userAccountControl",
    "msDS-SupportedEncryptionTypes",
    "servicePrincipalName",
    "primaryGroupID",
    "pwdLastSet",
    "adminCount",
)

# What kind of account it is: the server sets these (MS-SAMR 3.1.1.8.10), and changing one breaks the account.
TYPE_FLAGS: Final = (
    uac.TEMP_DUPLICATE_ACCOUNT
    | uac.NORMAL_ACCOUNT
    | uac.INTERDOMAIN_TRUST_ACCOUNT
    | uac.WORKSTATION_TRUST_ACCOUNT
    | uac.SERVER_TRUST_ACCOUNT
    | uac.PARTIAL_SECRETS_ACCOUNT
)
# These live in other attributes (msDS-User-Account-Control-Computed, lockoutTime, the DACL): writing them does nothing.
COMPUTED_FLAGS: Final = uac.LOCKOUT | uac.PASSWORD_EXPIRED | uac.PASSWD_CANT_CHANGE
DES_TYPES: Final = ENCRYPTION_TYPES["DES_CBC_CRC"] | ENCRYPTION_TYPES["DES_CBC_MD5"]
AES_TYPES: Final = ENCRYPTION_TYPES["AES128_CTS_HMAC_SHA1_96"] | ENCRYPTION_TYPES["AES256_CTS_HMAC_SHA1_96"]
RC4_TYPE: Final = ENCRYPTION_TYPES["RC4_HMAC"]
# What SDProp writes on a protected account (MS-ADTS 3.1.1.6.1)
ADMIN_COUNT: Final = "1"
DC_PRIMARY_GROUPS: Final = (sid.RID_DOMAIN_CONTROLLERS, sid.RID_READ_ONLY_DOMAIN_CONTROLLERS)

# What a server does by itself when SMARTCARD_REQUIRED is set: new random keys (MS-SAMR 3.1.1.8.10). Measured on
# Samba 4.22: unicodePwd, supplementalCredentials and the histories change and the key version grows by one;
# pwdLastSet stays. Windows writes pwdLastSet where the domain renews such passwords (functional level 2016).
SMARTCARD_EFFECTS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {"attribute": name, "irreversible": True}
    for name in (
        "unicodePwd",
        "dBCSPwd",
        "supplementalCredentials",
        "ntPwdHistory",
        "lmPwdHistory",
        "msDS-KeyVersionNumber",
        "pwdLastSet",
    )
)


@dataclass(frozen=True, slots=True)
class AccountWish:
    """What one account should be like; masks are bits of userAccountControl and msDS-SupportedEncryptionTypes."""

    set_mask: int = 0
    clear_mask: int = 0
    encryption_clear_mask: int = 0
    spns_absent: tuple[str, ...] = ()
    encryption_set_mask: int = 0
    admin_count: bool = False
    password_must_change: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a change of an account is judged by: the domain's password age limit (None: no limit) and the clock."""

    now: datetime
    max_password_age: timedelta | None = None
    protected: Protected = field(default_factory=Protected)


def flag_mask(names: Iterable[str]) -> int:
    """The bits of userAccountControl of these names; PlanError for a name that is no flag or may not be changed."""
    mask = 0
    for name in names:
        bit = uac.FLAGS.get(name.upper())
        if bit is None:
            raise PlanError(f"{name!r} is no flag of userAccountControl. Known ones: {', '.join(sorted(uac.FLAGS))}.")
        if bit & TYPE_FLAGS:
            raise PlanError(
                f"{name} says what kind of account it is; only the server sets it. Remove it from the flags."
            )
        if bit & COMPUTED_FLAGS:
            raise PlanError(
                f"{name} is computed by the server and not kept in userAccountControl: setting or clearing "
                "it has no effect. Remove it from the flags."
            )
        mask |= bit
    return mask


def wish(
    flags_set: Iterable[str],
    flags_clear: Iterable[str],
    encryption_types_clear: Iterable[str],
    spns_absent: Iterable[str],
    encryption_types_set: Iterable[str] = (),
    admin_count: bool = False,
    password_must_change: bool = False,
) -> AccountWish:
    """A checked wish; PlanError when a flag is to be both set and cleared, or is not one to be changed."""
    set_mask, clear_mask = flag_mask(flags_set), flag_mask(flags_clear)
    if set_mask & clear_mask:
        raise PlanError(f"{uac.text(set_mask & clear_mask)} is both in flags_set and in flags_clear.")
    encryption = 0
    for name in encryption_types_clear:
        bit = ENCRYPTION_TYPES.get(name.upper(), 0)
        if not bit & DES_TYPES:
            raise PlanError(f"{name!r} cannot be cleared here; only DES_CBC_CRC and DES_CBC_MD5 can.")
        encryption |= bit
    added = 0
    for name in encryption_types_set:
        bit = ENCRYPTION_TYPES.get(name.upper(), 0)
        if not bit & AES_TYPES:
            raise PlanError(f"{name!r} cannot be set here; only the AES types can.")
        added |= bit
    return AccountWish(
        set_mask, clear_mask, encryption, tuple(spns_absent), added, bool(admin_count), bool(password_must_change)
    )


def is_domain_controller(entry: Entry) -> bool:
    """True for the account of a domain controller, read-only ones too."""
    flags = entry.int("userAccountControl") or 0
    return (
        bool(flags & (uac.SERVER_TRUST_ACCOUNT | uac.PARTIAL_SECRETS_ACCOUNT))
        or entry.int("primaryGroupID") in DC_PRIMARY_GROUPS
    )


def refusals(entry: Entry, wanted: AccountWish) -> list[str]:
    """Why this wish makes no sense, or breaks the domain, for this account; empty when it may be planned."""
    who = f"{label_of(entry)} ({entry.dn})"
    flags = entry.int("userAccountControl")
    object_sid = entry.sid()
    reasons: list[str] = []
    if flags is None:
        return [f"{who}: userAccountControl cannot be read: it is no account, or the account in use may not read it."]
    if flags & uac.INTERDOMAIN_TRUST_ACCOUNT:
        reasons.append(f"{who} is the account of a trust; its flags belong to the trust.")
    if object_sid is not None and sid.domain_of(object_sid) and sid.rid(object_sid) == sid.RID_KRBTGT:
        reasons.append(f"{who} is krbtgt: it is always disabled, and care.remediation.ad_krbtgt is what changes it.")
    if is_domain_controller(entry):
        if wanted.clear_mask & uac.TRUSTED_FOR_DELEGATION:
            reasons.append(f"{who} is a domain controller: Kerberos and replication need TRUSTED_FOR_DELEGATION there.")
        if wanted.set_mask & uac.ACCOUNTDISABLE:
            reasons.append(
                f"{who} is a domain controller; disabling its account takes it out of the domain. Demote it."
            )
        if wanted.spns_absent:
            reasons.append(f"{who} is a domain controller; its service principal names carry replication.")
        if wanted.encryption_set_mask:
            reasons.append(f"{who} is a domain controller; its encryption types are set by a GPO only.")
    if wanted.set_mask & uac.SMARTCARD_REQUIRED and type_of(entry) != "user":
        reasons.append(f"{who} is a {type_of(entry)}: SMARTCARD_REQUIRED is for accounts of people.")
    if wanted.encryption_set_mask and type_of(entry) != "user":
        reasons.append(f"{who} is a {type_of(entry)}: it announces its encryption types by itself.")
    if wanted.password_must_change:
        reasons += [f"{who}: {reason}" for reason in cannot_change_password(entry)]
    return reasons


def cannot_change_password(entry: Entry) -> list[str]:
    """Why "must change password at next logon" would lock this account out, or have no effect on it."""
    flags, own = entry.int("userAccountControl") or 0, entry.sid()
    reasons = []
    if type_of(entry) != "user":
        return ["it is no person, and cannot choose a new password."]
    if entry.attributes.get("servicePrincipalName"):
        reasons.append("a service logs on with it (service principal names) and cannot choose a new password.")
    if own is not None and sid.domain_of(own) and sid.rid(own) in (sid.RID_ADMINISTRATOR, sid.RID_KRBTGT):
        reasons.append("it is a built-in account: change its password with two people, seal it, try it.")
    if flags & uac.ACCOUNTDISABLE:
        reasons.append("it is disabled: neutralise it, or set a new password when it is enabled.")
    if flags & uac.DONT_EXPIRE_PASSWORD:
        reasons.append("DONT_EXPIRE_PASSWORD is set, which overrides it: clear that first.")
    if flags & uac.SMARTCARD_REQUIRED:
        reasons.append("it logs on by smart card and knows no password: renew it by the smart card setting.")
    return reasons


def plan_account(plan: Plan, entry: Entry, wanted: AccountWish, around: Surroundings) -> None:
    """Add the changes that bring ``entry`` (read with ATTRIBUTES) to ``wanted``; PlanError when it is refused."""
    reasons = refusals(entry, wanted)
    if reasons:
        raise PlanError(" ".join(reasons))
    hazards = around.protected.hazards(entry.sid())
    changes = flags_changes(
        entry,
        "userAccountControl",
        set_mask=wanted.set_mask,
        clear_mask=wanted.clear_mask,
        side_effects={uac.SMARTCARD_REQUIRED: SMARTCARD_EFFECTS},
        hazards=hazards,
    )
    _notices(plan, entry, {change["mask"]: change["after"] for change in changes}, around)
    changes += _encryption(plan, entry, wanted, hazards)
    changes += _marks(plan, entry, wanted, hazards)
    spns = values_change(entry, "servicePrincipalName", remove=_present(entry, wanted.spns_absent), hazards=hazards)
    plan.changes.extend(changes)
    if spns is not None:
        plan.changes.append(spns)


def _encryption(
    plan: Plan, entry: Entry, wanted: AccountWish, hazards: Sequence[Mapping[str, str]]
) -> list[model.Change]:
    """Changes of the encryption types. An account that announces none uses RC4 today: the first announcement keeps it,
    or services with older keys would stop at once; an account that left RC4 behind does not get it back."""
    present, added = entry.int("msDS-SupportedEncryptionTypes") or 0, wanted.encryption_set_mask
    if added and not present & (AES_TYPES | RC4_TYPE):
        added |= RC4_TYPE
        plan.notice(
            label_of(entry),
            "rc4_kept",
            f"{label_of(entry)} announces RC4 besides AES (28), as ANSSI asks and as accounts without a value use it. "
            "Take it away once events 4769 show that nobody asks for it.",
        )
    return flags_changes(
        entry,
        "msDS-SupportedEncryptionTypes",
        set_mask=added,
        clear_mask=wanted.encryption_clear_mask,
        hazards=hazards,
    )


def _marks(
    plan: Plan, entry: Entry, wanted: AccountWish, hazards: Sequence[Mapping[str, str]]
) -> Iterable[model.Change]:
    """adminCount and pwdLastSet, whole values."""
    if wanted.admin_count:
        change = replace_change(entry, "adminCount", [ADMIN_COUNT], hazards=hazards)
        if change is not None:
            yield change
    if wanted.password_must_change:
        last_set = ad_time.from_filetime(entry.int("pwdLastSet") or 0)
        change = replace_change(
            entry,
            "pwdLastSet",
            ["0"],
            display=(last_set.strftime("%Y-%m-%d") if last_set else "–", "must change at next logon"),
            irreversible_reason="password_date_lost",
            hazards=hazards,
        )
        if change is not None:
            yield change
            plan.notice(
                label_of(entry),
                "needs_a_local_logon",
                f"{label_of(entry)} must choose a new password where it logs on locally: remote desktop with NLA, LDAP "
                "and RADIUS refuse it until then.",
            )


def _present(entry: Entry, spns: Sequence[str]) -> list[str]:
    """Those of ``spns`` that the entry has, as the directory spells them (they match without regard to case)."""
    wanted = {spn.casefold() for spn in spns}
    return [spn for spn in entry.texts("servicePrincipalName") if spn.casefold() in wanted]


def _notices(plan: Plan, entry: Entry, bits: Mapping[int, int], around: Surroundings) -> None:
    label = label_of(entry)
    last_set = ad_time.from_filetime(entry.int("pwdLastSet") or 0)
    limit = around.max_password_age
    if bits.get(uac.DONT_EXPIRE_PASSWORD) == 0 and limit and (last_set is None or around.now - last_set > limit):
        age = "never set" if last_set is None else f"{(around.now - last_set).days} days old"
        plan.notice(
            label,
            "password_expires_now",
            f"The password of {label} is {age} and the domain allows {limit.days}: it expires as soon as "
            "this is applied. Have its owner change it first, or right after.",
        )
    if bits.get(uac.ENCRYPTED_TEXT_PWD_ALLOWED) == 0:
        plan.notice(
            label,
            "reversible_password_stays",
            f"The password of {label} that is stored reversibly stays until it is next changed: have it changed.",
        )
    if bits.get(uac.USE_DES_KEY_ONLY) == 0:
        plan.notice(
            label,
            "keys_of_old_password",
            f"{label} has only the keys made when its password was last set: change it if AES logons fail.",
        )
    if uac.SMARTCARD_REQUIRED in bits and bits[uac.SMARTCARD_REQUIRED] and entry.attributes.get("servicePrincipalName"):
        plan.notice(
            label,
            "service_password_lost",
            f"{label} has service principal names; a service that logs on with its password will stop.",
        )
