# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is neither an administrator nor one of DNS may write the properties of CN=MicrosoftDNS,CN=System.

Whoever writes them can have every DNS server of the domain load a program of his own (ServerLevelPluginDll), as SYSTEM
on a domain controller. Who administers DNS is judged by ``vuln_dnsadmins``.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    DNS_SETTINGS,
    MSDNS,
    OBJECT_DESCRIPTORS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.groups import DNS_ADMINS
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, MEMBERSHIP, Snapshot

ID: Final = "vuln_permissions_msdns"
LEVELS: Final = (1,)
NEEDS: Final = frozenset({ACCOUNTS, DNS_ADMINS, DNS_SETTINGS, MEMBERSHIP, OBJECT_DESCRIPTORS})
_WRITING: Final = frozenset(
    {
        rights.GENERIC_ALL,
        rights.GENERIC_WRITE,
        rights.NO_DACL,
        rights.OWNER,
        rights.WRITE_ALL,
        rights.WRITE_DACL,
        rights.WRITE_OWNER,
        rights.WRITE_PROPERTY,
    }
)


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    found = privileged_objects.settings(snapshot, MSDNS)
    for target in found:
        target.only = _WRITING
        target.exempt = frozenset(group.sid for group in snapshot.dns_admins)
    return found
