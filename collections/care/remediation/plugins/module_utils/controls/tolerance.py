# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The tolerance that ANSSI grants where an offline attack on the password is hopeless (vuln_spn_priv, …_preauth).

A password settings object with a great length and an expiry within some years applies (thresholds
``pso_characters_above`` and ``pso_age_years`` of the control), the password has been changed since, and the account
uses AES only. ANSSI credits a PSO only where the collection could read it.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import PSOS, Account, Snapshot

DAYS_A_YEAR: Final = 365.25  # as a PSO counts: an interval has no calendar
# msDS-SupportedEncryptionTypes (MS-KILE 2.2.7)
AES: Final = 0x8 | 0x10
DES: Final = 0x1 | 0x2
RC4: Final = 0x4


def refusal(snapshot: Snapshot, account: Account, control: str) -> str | None:
    """Why an account is not tolerated by ``control``, for its evidence; None when it is."""
    if PSOS in snapshot.unreadable:
        return f"password settings objects could not be read, so none is credited: {snapshot.unreadable[PSOS]}"
    pso = snapshot.resultant_pso(account)
    if pso is None:
        return "no password settings object applies"
    above = int(snapshot.limit(control, "pso_characters_above"))
    if pso.minimum_length <= above:
        return f"the password settings object asks for {pso.minimum_length} characters, more than {above} needed"
    years = int(snapshot.limit(control, "pso_age_years"))
    oldest = pso.maximum_age_days
    if oldest is None or oldest > years * DAYS_A_YEAR or account.has(uac.DONT_EXPIRE_PASSWORD):
        return f"the password does not expire within {years} years"
    # whenChanged is later than the day the length was raised at the latest: strict, never too generous.
    if pso.changed is None or account.pwd_last_set is None or account.pwd_last_set < pso.changed:
        return "the password has not been changed since the password settings object was"
    types = account.encryption_types or 0
    if not types & AES or types & (DES | RC4):
        return "the account is not limited to AES"
    return None


def remark(snapshot: Snapshot) -> str | None:
    """What the result of the control must say when PSOs could not be read."""
    if PSOS not in snapshot.unreadable:
        return None
    return f"password settings objects could not be read, so no tolerance was granted ({snapshot.unreadable[PSOS]})"
