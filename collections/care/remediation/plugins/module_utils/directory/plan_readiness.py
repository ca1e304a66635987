# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether an account can go into Protected Users, log on by smart card only, choose a new password at its next logon,
or announce AES, without locking out its owner or stopping its service.

Read only: this is the observation step before ``enforce``. What the directory cannot show (an application that keeps
a password, a certificate that is published nowhere) is a person's to check; it is said, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time, sid, uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_account import cannot_change_password
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_certificate import not_after
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    ENCRYPTION_TYPES,
    IDENTITY_ATTRIBUTES,
    label_of,
    type_of,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected

ATTRIBUTES: Final = (
    *IDENTITY_ATTRIBUTES,
    "userAccountControl",
    "pwdLastSet",
    "servicePrincipalName",
    "userPrincipalName",
    "memberOf",
    "msDS-SupportedEncryptionTypes",
    "msDS-AllowedToDelegateTo",
    "userCertificate",
    "altSecurityIdentities",
    "msDS-KeyCredentialLink",
    "primaryGroupID",
)
AES: Final = ENCRYPTION_TYPES["AES128_CTS_HMAC_SHA1_96"] | ENCRYPTION_TYPES["AES256_CTS_HMAC_SHA1_96"]
# KB5014754: mappings by subject, issuer and subject, or e-mail address are weak, and refused since February 2025.
STRONG_MAPPINGS: Final = ("<sr>", "<ski>", "<sha1-pukey>", "<sid>")


@dataclass(slots=True)
class Readiness:
    """Blockers stop an enforcement unless a person accepts them; notices are things to know."""

    blockers: list[dict[str, str]] = field(default_factory=list)
    notices: list[dict[str, str]] = field(default_factory=list)

    def block(self, code: str, text: str) -> None:
        """Add a reason why the account is not ready."""
        self.blockers.append({"code": code, "text": text})

    def note(self, code: str, text: str) -> None:
        """Add something a person should know."""
        self.notices.append({"code": code, "text": text})


@dataclass(frozen=True, slots=True)
class Facts:
    """What readiness is judged by.

    ``aes_since``: when the domain began to make AES keys, shown by the creation of the group Read-only Domain
    Controllers (RID 521), which comes with the first domain controller of Windows 2008. None: it cannot be told.
    """

    now: datetime
    protected: Protected
    aes_since: datetime | None = None
    protected_users_dn: str | None = None


def protected_users(entry: Entry, facts: Facts) -> Readiness:
    """Readiness for Protected Users: no NTLM, no DES or RC4, no delegation, tickets of 4 hours."""
    ready = _common(entry, facts)
    flags = entry.int("userAccountControl") or 0
    types = entry.int("msDS-SupportedEncryptionTypes")
    if flags & uac.USE_DES_KEY_ONLY:
        ready.block("des_only", "USE_DES_KEY_ONLY is set: it has no key that Protected Users may use.")
    if types and not types & AES:
        ready.block("no_aes", "msDS-SupportedEncryptionTypes allows no AES: clear it, then change the password.")
    _password_keys(ready, entry, facts)
    if flags & (uac.TRUSTED_FOR_DELEGATION | uac.TRUSTED_TO_AUTH_FOR_DELEGATION) or entry.attributes.get(
        "msDS-AllowedToDelegateTo"
    ):
        ready.block("delegation", "Delegation is configured for it, and Protected Users ends it.")
    return ready


def smartcard(entry: Entry, facts: Facts) -> Readiness:
    """Readiness for SMARTCARD_REQUIRED: a way in without the password, which becomes random and stays unknown."""
    ready = _common(entry, facts)
    mappings = [text.casefold() for text in entry.texts("altSecurityIdentities") if text.casefold().startswith("x509:")]
    strong = [text for text in mappings if any(mark in text for mark in STRONG_MAPPINGS)]
    valid, problems = _certificates(entry, facts.now)
    if not (strong or valid or entry.attributes.get("msDS-KeyCredentialLink")):
        detail = f" ({'; '.join(problems)})" if problems else ""
        ready.block(
            "no_certificate",
            "The directory shows no certificate of it (userCertificate, altSecurityIdentities, "
            f"msDS-KeyCredentialLink){detail}. Have its card tried before its password goes.",
        )
    if mappings and not strong:
        ready.note(
            "weak_mapping",
            "Its certificate is mapped by subject, issuer or e-mail only, which domain "
            "controllers refuse since KB5014754. Map it by serial number, SKI or public key.",
        )
    if not entry.text("userPrincipalName"):
        ready.note("no_upn", "It has no userPrincipalName, by which certificates usually name their owner.")
    return ready


def password_change(entry: Entry, facts: Facts) -> Readiness:
    """Readiness for "must change password at next logon": a person who logs on somewhere that lets them choose one."""
    ready = Readiness()
    _protected(ready, entry, facts)
    for reason in cannot_change_password(entry):
        ready.block("cannot_change", reason[0].upper() + reason[1:])
    if entry.int("pwdLastSet") is None:
        ready.block("unreadable", "pwdLastSet cannot be read: unverified.")
    return ready


def aes(entry: Entry, facts: Facts) -> Readiness:
    """Readiness of a service account for AES: it has AES keys. Its keytabs are a person's to check."""
    ready = Readiness()
    _protected(ready, entry, facts)
    if type_of(entry) != "user":
        ready.block("announces_itself", f"It is a {type_of(entry)}: it announces its encryption types by itself.")
    if (entry.int("userAccountControl") or 0) & uac.USE_DES_KEY_ONLY:
        ready.block("des_only", "USE_DES_KEY_ONLY is set: it has no AES key. Clear it, then change the password.")
    _password_keys(ready, entry, facts)
    ready.note("keytabs", "Each keytab of it must hold AES keys (klist -ke); events 4769 show who asks for RC4 (0x17).")
    return ready


CHECKS: Final[dict[str, Callable[[Entry, Facts], Readiness]]] = {
    "aes": aes,
    "password_change": password_change,
    "protected_users": protected_users,
    "smartcard": smartcard,
}


def report(entry: Entry, purpose: str, facts: Facts, *, accepted: bool = False) -> dict[str, Any]:
    """The row of one account (read with ATTRIBUTES) for ``purpose``, a key of CHECKS.

    ``accepted``: a person takes it although it is not ready; a protected account cannot be accepted.
    """
    ready = CHECKS[purpose](entry, facts)
    return {
        "label": label_of(entry),
        "dn": entry.dn,
        "sid": entry.sid(),
        "enforced": is_enforced(entry, purpose, facts.protected_users_dn),
        "accepted": accepted and facts.protected.kind_of(entry.sid()) is None,
        "ready": not ready.blockers,
        "blockers": ready.blockers,
        "notices": ready.notices,
    }


def line(row: Mapping[str, Any]) -> str | None:
    """Why the account of this row must not be enforced yet, or None when it may be or is."""
    if row["ready"] or row["enforced"] or row["accepted"]:
        return None
    return f"{row['label']}: {' '.join(blocker['text'] for blocker in row['blockers'])}"


def is_enforced(entry: Entry, purpose: str, protected_users_dn: str | None) -> bool:
    """True when the account has what ``purpose`` asks for already."""
    if purpose == "smartcard":
        return bool((entry.int("userAccountControl") or 0) & uac.SMARTCARD_REQUIRED)
    if purpose == "password_change":
        return entry.int("pwdLastSet") == 0
    if purpose == "aes":
        return bool((entry.int("msDS-SupportedEncryptionTypes") or 0) & AES)
    wanted = (protected_users_dn or "").casefold()
    return any(dn.casefold() == wanted for dn in entry.texts("memberOf"))


def _protected(ready: Readiness, entry: Entry, facts: Facts) -> str | None:
    kind = facts.protected.kind_of(entry.sid())
    if kind is not None:
        ready.block("protected_account", f"It is protected ({kind}) and stays out.")
    return kind


def _common(entry: Entry, facts: Facts) -> Readiness:
    ready = Readiness()
    kind = _protected(ready, entry, facts)
    if type_of(entry) != "user":
        ready.block("not_a_person", f"It is a {type_of(entry)}, not the account of a person.")
    if entry.int("userAccountControl") is None:
        ready.block("unreadable", "userAccountControl cannot be read: unverified.")
    elif (entry.int("userAccountControl") or 0) & uac.ACCOUNTDISABLE:
        ready.note("disabled", "It is disabled.")
    spns = entry.texts("servicePrincipalName")
    if spns:
        ready.block(
            "service", f"It has service principal names ({', '.join(sorted(spns))}): a service logs on with it."
        )
    own = entry.sid()
    if own is not None and sid.domain_of(own) and sid.rid(own) == sid.RID_ADMINISTRATOR and kind is None:
        ready.note(
            "built_in_administrator",
            "It is the built-in administrator: keep a way in that needs no card and no domain controller of your own.",
        )
    return ready


def _password_keys(ready: Readiness, entry: Entry, facts: Facts) -> None:
    last_set = ad_time.from_filetime(entry.int("pwdLastSet") or 0)
    if last_set is None:
        ready.block(
            "password_never_set",
            "pwdLastSet is 0: its password was never set, or must be changed at next logon. "
            "Whether it has AES keys is not known.",
        )
    elif facts.aes_since is None:
        ready.block(
            "aes_unverified",
            "The group Read-only Domain Controllers (RID 521) cannot be read, so since when the "
            "domain makes AES keys is not known: unverified.",
        )
    elif last_set < facts.aes_since:
        ready.block(
            "password_before_aes",
            f"Its password is of {last_set.date()}, before the domain made AES keys "
            f"({facts.aes_since.date()}): it has RC4 keys only. Change it first.",
        )


def _certificates(entry: Entry, now: datetime) -> tuple[int, list[str]]:
    """How many published certificates are valid now, and what is wrong with the others."""
    valid, problems = 0, []
    for der in entry.attributes.get("userCertificate") or []:
        try:
            end = not_after(der)
        except (ValueError, UnicodeDecodeError) as error:
            problems.append(f"unreadable certificate: {error}")
            continue
        if end < now:
            problems.append(f"certificate expired on {end.date()}")
        else:
            valid += 1
    return valid, problems
