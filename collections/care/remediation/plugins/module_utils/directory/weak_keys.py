# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who stops working when domain controllers take AES only: what the directory shows of it.

Three things show: an account or a trust whose own list of encryption types has no AES; and a password set before the
domain knew AES, so that there is no AES key of it. The group Read-only Domain Controllers (RID 521) came with that
version of the directory: its creation is the date. What a program keeps (an RC4 keytab, an old device) does not show:
events 4768 and 4769 of the domain controllers do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import PlanError, label_of
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

_BIT: Final = "1.2.840.113556.1.4.803"
_NO_AES: Final = (
    f"(msDS-SupportedEncryptionTypes>=1)(!(msDS-SupportedEncryptionTypes:{_BIT}:=8))"
    f"(!(msDS-SupportedEncryptionTypes:{_BIT}:=16))"
)
_ENABLED: Final = f"(!(userAccountControl:{_BIT}:=2))"
_ATTRIBUTES: Final = ["sAMAccountName", "objectSid", "pwdLastSet", "msDS-SupportedEncryptionTypes", "trustPartner"]
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


def weak_keys(session: Session) -> list[dict[str, Any]]:
    """One row an account or trust without AES (``label``, ``dn``, ``sid``, ``why``). PlanError when nobody can tell."""
    rows: dict[str, dict[str, Any]] = {}

    def add(ldap_filter: str, why: str) -> None:
        for entry in session.search(session.domain_dn, ldap_filter, _ATTRIBUTES):
            label = entry.text("trustPartner") or label_of(entry)
            row = {"label": label, "dn": entry.dn, "sid": entry.sid(), "why": why}
            rows.setdefault(entry.dn.lower(), row)

    add(f"(&(objectClass=user){_ENABLED}{_NO_AES})", "its list of encryption types has no AES")
    add(f"(&(objectClass=trustedDomain){_NO_AES})", "the trust's list of encryption types has no AES")
    moment = _aes_since(session)
    # 100 ns since 1601, in integers: a float would lose the last digits
    ticks = int((moment - _EPOCH).total_seconds()) * 10_000_000
    add(
        f"(&(objectClass=user){_ENABLED}(pwdLastSet>=1)(pwdLastSet<={ticks}))",
        f"its password is older than AES in this domain ({moment.date()})",
    )
    return sorted(rows.values(), key=lambda row: str(row["label"]).casefold())


def _aes_since(session: Session) -> datetime:
    sid = sids.in_domain(session.domain_sid, sids.RID_READ_ONLY_DOMAIN_CONTROLLERS)
    entry = session.read(f"<SID={sid}>", ["whenCreated"])
    text = entry.text("whenCreated") if entry is not None else None
    if text is None:
        raise PlanError(
            "The group Read-only Domain Controllers (RID 521) cannot be read, which says since when the domain knows "
            "AES: who has no AES key is unverified. Give the account in use the right to read it."
        )
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
