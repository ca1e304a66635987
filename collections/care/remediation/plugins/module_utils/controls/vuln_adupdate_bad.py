# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The domain was prepared by the first adprep of Windows Server 2016 (revision 15), which gave the groups Key Admins
far more than writing msDS-KeyCredentialLink; or what it granted is still there."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.domain import PREPARATION
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import DESCRIPTORS, Snapshot

ID: Final = "vuln_adupdate_bad"
NEEDS: Final = frozenset({DESCRIPTORS, PREPARATION})
# schemaIDGUID of msDS-KeyCredentialLink (MS-ADA2 2.466): all that both groups are meant to read and write
_KEY_CREDENTIAL_LINK: Final = uuid.UUID("5b47d60f-6090-40b2-9f37-2a4de88f3063")
_MEANT: Final = sd.READ_PROPERTY | sd.WRITE_PROPERTY
_HARMLESS: Final = sd.READ_PROPERTY | sd.READ_CONTROL | sd.LIST_CONTENTS | sd.LIST_OBJECT | sd.GENERIC_READ
_RIDS: Final = (sids.RID_KEY_ADMINS, sids.RID_ENTERPRISE_KEY_ADMINS)


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """The domain, when its revision is the faulty one; and each entry of its head that grants both groups more."""
    revision = snapshot.settings.domain_revision
    if revision is not None and revision == snapshot.limit(ID, "bad_revision"):
        yield Found(
            type="domain",
            id=snapshot.dns_name,
            label=snapshot.dns_name,
            dn=snapshot.domain_dn,
            level=2,
            wording=f"The domain was prepared by a faulty adprep: revision {revision}.",
            evidence={"domain_revision": revision, "forest_revision": snapshot.settings.forest_revision},
        )
    for head in snapshot.naming_contexts:
        if head.role != "domain":
            continue
        try:
            dacl = sd.SecurityDescriptor.parse(head.descriptor or b"").dacl
        except ValueError:
            continue  # the control of the naming contexts says so
        seen = set()
        for ace in dacl.aces if dacl is not None else ():
            if ace.raw in seen or not _excessive(snapshot, ace) or ace.sid is None:
                continue
            seen.add(ace.raw)
            name = snapshot.name_of(ace.sid)
            yield Found(
                type="ace",
                id=f"{head.guid}#{hashlib.sha256(ace.raw).hexdigest()[:16]}",
                label=f"{name} ({head.dn})",
                dn=head.dn,
                sid=ace.sid,
                level=2,
                wording=f"{name} ({ace.sid}) may do more on {head.dn} than write msDS-KeyCredentialLink.",
                evidence={
                    "object": head.dn,
                    "object_guid": head.guid,
                    "trustee": name,
                    "trustee_sid": ace.sid,
                    "ace": to_sddl(ace),
                    "raw": base64.b64encode(ace.raw).decode("ascii"),
                    "inherited": ace.inherited,
                    "domain_revision": revision,
                },
            )


def _excessive(snapshot: Snapshot, ace: sd.Ace) -> bool:
    """Whether an entry grants one of the two groups more than it is meant to have; inherited by children counts."""
    if not ace.allows or ace.sid is None or ace.mask is None or sids.domain_of(ace.sid) is None:
        return False
    if sids.domain_of(ace.sid) not in (snapshot.domain_sid, snapshot.root_domain_sid) or sids.rid(ace.sid) not in _RIDS:
        return False
    allowed = _MEANT if ace.object_type == _KEY_CREDENTIAL_LINK else _HARMLESS
    return bool(ace.mask & ~(allowed | _HARMLESS))
