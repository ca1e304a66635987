# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an audit of a generated domain must find, said from the model alone.

Written from ANSSI's definitions and not from the collection's detection, so that the one can judge the other.
Values are sorted SIDs of accounts, except for settings of the whole domain (a value) and ACEs (trustee SIDs).
"""

from __future__ import annotations

from datetime import timedelta

from care_lab.generator.model import (
    DES_ONLY,
    DOMAIN_SID,
    DONT_EXPIRE,
    NO_PREAUTH,
    REVERSIBLE,
    SMARTCARD_REQUIRED,
    UNCONSTRAINED,
    Account,
    Domain,
)

YEAR = timedelta(days=365)


def is_dormant(account: Account, domain: Domain) -> bool:
    """ANSSI's dormant: enabled, password over three years old, no logon for a year (or never, and created before)."""
    if not account.enabled or account.password_set is None or domain.now - account.password_set <= 3 * YEAR:
        return False
    last = account.last_logon or account.created
    return last is not None and domain.now - last > YEAR


def expected(domain: Domain) -> dict[str, object]:
    """By control id: who is concerned."""
    privileged = domain.privileged()
    users = [account for account in domain.users() if account.enabled]

    def flagged(flag: int, accounts: list[Account], priv: bool) -> list[str]:
        return sorted(a.sid for a in accounts if a.uac & flag and (a.sid in privileged) == priv)

    protected = domain.members([f"{DOMAIN_SID}-525"])
    dangerous = {ace.trustee for ace in domain.aces if ";CR;" in ace.sddl or ";WD;" in ace.sddl}
    return {
        "vuln_kerberos_properties_preauth_priv": flagged(NO_PREAUTH, users, True),
        "vuln_kerberos_properties_preauth": flagged(NO_PREAUTH, users, False),
        "vuln_kerberos_properties_deskey": sorted(a.sid for a in users if a.uac & DES_ONLY),
        "vuln_dont_expire_priv": flagged(DONT_EXPIRE, users, True),
        "vuln_dont_expire": flagged(DONT_EXPIRE, users, False),
        "vuln_reversible_password_priv_uac": flagged(REVERSIBLE, users, True),
        "vuln_guest": [f"{DOMAIN_SID}-501"] if domain.guest_enabled else [],
        "vuln_user_accounts_machineaccountquota": domain.machine_account_quota,
        "vuln_dsheuristics_bad": domain.dsheuristics,
        "vuln_delegation_t4d": sorted(a.sid for a in domain.accounts if a.uac & UNCONSTRAINED and a.enabled),
        "vuln_spn_priv": sorted(
            a.sid for a in users if a.sid in privileged and a.attributes.get("servicePrincipalName")
        ),
        "vuln_privileged_members": sorted(privileged - {f"{DOMAIN_SID}-500"}),
        "vuln_user_accounts_dormant": sorted(a.sid for a in users if is_dormant(a, domain)),
        "vuln_krbtgt": [f"{DOMAIN_SID}-502"],
        "vuln_permissions_naming_context": sorted(dangerous),
        "vuln_protected_users": sorted(privileged - protected),
        "mie_ad_smartcard": sorted(a.sid for a in users if a.sid in privileged and not a.uac & SMARTCARD_REQUIRED),
    }
