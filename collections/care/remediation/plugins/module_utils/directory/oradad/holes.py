# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which parts of a snapshot are unreadable because a dump does not hold an attribute.

A directory that hides an attribute and a dump without its column look the same to a reader: nothing there. So each step
of the reading says which parts it fills, and what it asked for in vain makes those parts unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import snapshot as parts
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import (
    certificates,
    controllers,
    descriptors,
    display_specifiers,
    dns,
    domain,
    enrolment,
    groups,
    observed,
    services,
    sid_history,
    silos,
    trusts,
)

# Steps of ``read_snapshot`` and the parts that each fills
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "domain": (parts.DOMAIN,),
    "accounts": (parts.ACCOUNTS,),
    "groups": (parts.MEMBERSHIP, parts.PROTECTED_USERS),
    "services": (services.SERVICES,),
    "SID histories": (sid_history.SID_HISTORY,),
    "password settings": (parts.PSOS,),
    "settings": (parts.DSHEURISTICS, parts.FOREST),
    "domain settings": (
        domain.FUNCTIONAL_LEVELS,
        domain.PASSWORD_POLICY,
        domain.PREPARATION,
        domain.SYSVOL_REPLICATION,
    ),
    "display specifiers": (display_specifiers.DISPLAY_SPECIFIERS,),
    "silos": (silos.SILOS,),
    "groups in groups": (groups.NESTING, groups.PRE_WINDOWS_2000, groups.DNS_ADMINS),
    "certificate services": (enrolment.PUBLIC_KEY_SERVICES, enrolment.TEMPLATES),
    "domain controllers": (
        controllers.CONTROLLERS,
        controllers.SITES,
        controllers.RODC_LISTS,
        controllers.REPLICATION_GROUPS,
        controllers.SECONDARY_KRBTGT,
    ),
    "trusts": (trusts.TRUSTS,),
    "DNS zones": (dns.DNS_ZONES,),
    "certificates": (certificates.CERTIFICATES,),
    "object descriptors": (
        descriptors.OBJECT_DESCRIPTORS,
        descriptors.POLICY_LINKS,
        descriptors.SCHEMA_OBJECTS,
        descriptors.SYSVOL_REPLICATION,
        descriptors.BACKUP_KEYS,
        descriptors.ROOT_KEYS,
        descriptors.DNS_SETTINGS,
    ),
    "observations": (observed.EXPIRED, observed.KEYS, observed.LAPS, observed.POLICIES, observed.SCRIPTS),
    "descriptors": (parts.DESCRIPTORS,),
}
# What only a part of its step needs: (step, attribute) to the parts; () where its absence changes no judgement
NARROW: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("accounts", "lastlogontimestamp"): (parts.LOGONS,),
    ("accounts", "whencreated"): (parts.LOGONS,),
    ("accounts", "msds-groupmsamembership"): (parts.MANAGED_PASSWORDS,),
    ("accounts", "ntsecuritydescriptor"): (descriptors.OBJECT_DESCRIPTORS,),
    ("accounts", "operatingsystem"): (parts.SYSTEMS,),
    ("accounts", "primarygroupid"): (parts.PRIMARY_GROUPS, parts.MEMBERSHIP),
    ("accounts", "pwdlastset"): (parts.PASSWORDS,),
    ("accounts", "useraccountcontrol"): (parts.FLAGS,),
    ("domain controllers", "msds-behavior-version"): (controllers.SITES,),
    ("domain settings", "minpwdlength"): (domain.PASSWORD_POLICY,),
    ("domain settings", "maxpwdage"): (domain.PASSWORD_POLICY,),
    ("domain settings", "pwdproperties"): (domain.PASSWORD_POLICY,),
    ("domain settings", "msds-behavior-version"): (domain.FUNCTIONAL_LEVELS,),
    ("domain settings", "revision"): (domain.PREPARATION,),
    ("domain settings", "msdfsr-flags"): (domain.SYSVOL_REPLICATION,),
    ("object descriptors", "gplink"): (descriptors.POLICY_LINKS,),
    ("object descriptors", "gpoptions"): (descriptors.POLICY_LINKS,),
    ("observations", "accountexpires"): (observed.EXPIRED,),
    ("observations", "displayname"): (),
    ("observations", "ms-mcs-admpwdexpirationtime"): (),  # the attribute of legacy LAPS: a forest may lack it
    ("observations", "msds-keycredentiallink"): (observed.KEYS,),
    ("observations", "mslaps-passwordexpirationtime"): (observed.LAPS,),
    ("observations", "scriptpath"): (observed.SCRIPTS,),
    ("observations", "whenchanged"): (observed.POLICIES,),
    ("trusts", "flatname"): (),
    ("trusts", "whenchanged"): (),
}
# Names and other facts that only make a result easier to read
HARMLESS: Final = frozenset({"cn", "description", "displayname", "name"})


def of_step(step: str, absent: Mapping[str, str]) -> dict[str, str]:
    """The parts that are unreadable after ``step``, with the reason. ``absent``: attributes (lower case) that the step
    asked for and that the dump does not hold, with the reason.

    A step that is not known here makes a KeyError: it must say which parts it fills.
    """
    lost: dict[str, str] = {}
    for attribute, reason in sorted(absent.items()):
        if attribute in HARMLESS:
            continue
        for part in NARROW.get((step, attribute), STEPS[step]):
            lost.setdefault(part, reason)
    return lost
