# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What only ANSSI's warnings and information points look at: local passwords kept by LAPS, public keys, logon scripts,
expired accounts, group policies. One search each, of a few attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import ad_time
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import quiet

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
    from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import Reader

LAPS: Final = "local passwords kept by LAPS"
KEYS: Final = "public keys of accounts"
SCRIPTS: Final = "logon scripts"
EXPIRED: Final = "expiry dates of accounts"
POLICIES: Final = "group policies"

# MS-ADTS 2.2.17, SAM_MACHINE_ACCOUNT
MACHINES: Final = "(sAMAccountType=805306369)"
# Legacy Microsoft LAPS, then Windows LAPS; a schema without them matches nothing
LAPS_FILTER: Final = f"(&{MACHINES}(|(ms-Mcs-AdmPwdExpirationTime=*)(msLAPS-PasswordExpirationTime=*)))"
# A date that never comes, as two different tools write it (MS-ADA1 2.3)
NEVER: Final = (0, 0x7FFFFFFFFFFFFFFF)


@dataclass(slots=True)
class Policy:
    """One group policy object."""

    dn: str
    label: str
    changed: datetime | None


@dataclass(slots=True)
class Observed:
    """By SID of the account: whether LAPS keeps its local password, has a key, runs a script, has expired."""

    laps: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    scripts: dict[str, str] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    policies: list[Policy] = field(default_factory=list)


def from_plain(values: dict[str, Any]) -> None:
    """Replace the plain dictionary of a snapshot's dictionary by the classes of this module."""
    plain = values.get("observed", {})
    policies = [
        Policy(each["dn"], each["label"], datetime.fromisoformat(each["changed"]) if each.get("changed") else None)
        for each in plain.get("policies", ())
    ]
    values["observed"] = Observed(
        laps=set(plain.get("laps", ())),
        keys=set(plain.get("keys", ())),
        scripts=dict(plain.get("scripts", {})),
        expired=set(plain.get("expired", ())),
        policies=policies,
    )


def read(session: Reader, snapshot: Snapshot) -> None:
    """Read the five parts; a refused search makes its part unreadable."""
    seen = snapshot.observed
    seen.laps = _sids(session, snapshot, LAPS, LAPS_FILTER)
    seen.keys = _sids(session, snapshot, KEYS, "(msDS-KeyCredentialLink=*)")
    now = ad_time.to_filetime(snapshot.taken)
    found = quiet.search(
        session, snapshot.domain_dn, f"(&(accountExpires>=1)(accountExpires<={now}))", ["objectSid", "accountExpires"]
    )
    if found is None:
        snapshot.unreadable[EXPIRED] = "accountExpires is not readable by the account in use"
    seen.expired = {
        sid for entry in found or () if (sid := entry.sid()) and (entry.int("accountExpires") or 0) not in NEVER
    }
    # only privileged accounts matter, and those carry adminCount
    scripted = quiet.search(session, snapshot.domain_dn, "(&(adminCount=1)(scriptPath=*))", ["objectSid", "scriptPath"])
    if scripted is None:
        snapshot.unreadable[SCRIPTS] = "scriptPath is not readable by the account in use"
    seen.scripts = {sid: entry.text("scriptPath") or "" for entry in scripted or () if (sid := entry.sid())}
    folder = f"CN=Policies,CN=System,{snapshot.domain_dn}"
    policies = None
    if quiet.visible(session, folder):
        policies = quiet.search(
            session, folder, "(objectClass=groupPolicyContainer)", ["displayName", "whenChanged"], scope="onelevel"
        )
    if policies is None:
        snapshot.unreadable[POLICIES] = f"{folder} is not visible to the account in use"
    for entry in policies or ():
        changed = entry.text("whenChanged")
        seen.policies.append(
            Policy(
                dn=entry.dn,
                label=entry.text("displayName") or entry.dn,
                changed=ad_time.from_generalized(changed) if changed else None,
            )
        )


def _sids(session: Reader, snapshot: Snapshot, part: str, ldap_filter: str) -> set[str]:
    found = quiet.search(session, snapshot.domain_dn, ldap_filter, ["objectSid"])
    if found is None:
        snapshot.unreadable[part] = f"the search {ldap_filter} is refused to the account in use"
    return {sid for entry in found or () if (sid := entry.sid())}
