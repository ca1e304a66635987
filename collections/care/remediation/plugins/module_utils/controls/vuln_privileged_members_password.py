# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The password policy that holds for privileged accounts is too weak."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import (
    Found,
    enabled_privileged,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import PASSWORD_POLICY
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    MEMBERSHIP,
    PSOS,
    USER,
    Account,
    Snapshot,
)

ID: Final = "vuln_privileged_members_password"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, MEMBERSHIP, PASSWORD_POLICY, PSOS})
_SHOWN: Final = 20


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each policy (the domain's, or a password settings object) that is too weak and holds for a privileged account.

    Computers and managed service accounts do not count: nobody chooses their password.
    """
    holders: dict[str, list[Account]] = {}
    policies: dict[str, tuple[str, str, int | None, float | None, str]] = {}
    for account in enabled_privileged(snapshot):
        if account.kind != USER:
            continue
        pso = snapshot.resultant_pso(account)
        if pso is None:
            if PASSWORD_POLICY in snapshot.unreadable:
                continue
            settings = snapshot.settings
            key, label, dn = snapshot.dns_name, "the domain's password policy", snapshot.domain_dn
            policy = ("domain", label, settings.minimum_length, settings.maximum_age_days, dn)
        else:
            key = pso.guid
            policy = ("setting", pso.dn, pso.minimum_length, pso.maximum_age_days, pso.dn)
        policies[key] = policy
        holders.setdefault(key, []).append(account)
    for key, (kind, label, length, age, dn) in sorted(policies.items()):
        weak = weaknesses(snapshot, length, age)
        if weak:
            accounts = sorted(holders[key], key=lambda each: each.label)
            evidence: dict[str, Any] = {
                "minimum_length": length,
                "maximum_age_days": None if age is None else round(age),
                "weak": weak,
                "accounts": len(accounts),
                "examples": [each.label for each in accounts[:_SHOWN]],
                "password_settings": None if kind == "domain" else dn,
            }
            yield Found(
                type=kind,
                id=key,
                label=label,
                dn=dn,
                level=2,
                wording=f"{label} holds for {len(accounts)} privileged accounts: {', '.join(weak)}.",
                evidence=evidence,
            )


def weaknesses(snapshot: Snapshot, length: int | None, age_days: float | None) -> list[str]:
    """What of a policy is weaker than ANSSI asks for privileged accounts; [] for one that is strong enough."""
    least, most = snapshot.limit(ID, "characters"), snapshot.limit(ID, "age_days")
    weak = []
    if (length or 0) < least:
        weak.append(f"{length or 0} characters, {least:g} needed")
    if age_days is None:
        weak.append("passwords never expire")
    elif age_days > most:
        weak.append(f"passwords expire after {age_days:g} days, {most:g} allowed")
    return weak
