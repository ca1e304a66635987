# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which rights over an object let their holder take it over, and who holds them.

``ace_rights`` judges one ACE, ``grants`` a whole descriptor (owner, deny ACEs before allowing ones, inherit-only ACEs
left out). Both judge by the *kind* of the object: writing ``member`` matters on a group, resetting a password on an
account. ``level_of`` says which of ANSSI's two levels a right is, ``Trusted`` who may hold such rights at all.

What an access check does is in MS-DTYP 2.5.3.2 and MS-ADTS 5.1.3.3; the GUIDs are schemaIDGUID, attributeSecurityGUID
and rightsGuid of the schema and of Extended-Rights (MS-ADTS 5.1.3.2.1, MS-ADA*).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import Descriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import privileged_group_sids
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

# Kinds of objects, by what a right over them gives
USER: Final = "user"
COMPUTER: Final = "computer"
MSA: Final = "msa"
GROUP: Final = "group"
ADMINSDHOLDER: Final = "adminsdholder"  # its entries become those of every protected user, group and computer
DOMAIN: Final = "domain"  # the head of a partition
OU: Final = "ou"
SITE: Final = "site"
CONTAINER: Final = "container"
GPO: Final = "gpo"
ROOT_KEY: Final = "root key"  # a KDS root key: reading it is enough
STRICT: Final = "strict"  # settings where any write by others is dangerous: schema, DFSR, certificate services

# Rights over the whole object
GENERIC_ALL: Final = "GenericAll"
GENERIC_WRITE: Final = "GenericWrite"
WRITE_DACL: Final = "WriteDacl"
WRITE_OWNER: Final = "WriteOwner"
OWNER: Final = "Owner"  # the owner may write the DACL without any ACE that says so
NO_DACL: Final = "NoDacl"  # everyone may do everything
WRITE_ALL: Final = "WriteAllProperties"
ALL_EXTENDED: Final = "AllExtendedRights"
# Rights over a part of it
RESET_PASSWORD: Final = "ResetPassword"  # noqa: S105
ADD_MEMBER: Final = "AddMember"
ADD_SELF: Final = "AddSelf"
WRITE_KEY: Final = "WriteKeyCredentialLink"
WRITE_RBCD: Final = "WriteAllowedToAct"
WRITE_SPN: Final = "WriteSPN"
WRITE_UAC: Final = "WriteUserAccountControl"
WRITE_RESTRICTIONS: Final = "WriteAccountRestrictions"
WRITE_PUBLIC: Final = "WritePublicInformation"
WRITE_ALT: Final = "WriteAltSecurityIdentities"
WRITE_DELEGATION: Final = "WriteAllowedToDelegateTo"
WRITE_SCRIPT: Final = "WriteLogonScript"
WRITE_LOGON: Final = "WriteLogonInformation"
WRITE_GMSA: Final = "WriteManagedPasswordReaders"
WRITE_GPLINK: Final = "WriteGPLink"
WRITE_GPO: Final = "WriteGPOContent"
WRITE_PROPERTY: Final = "WriteProperty"
CREATE_CHILD: Final = "CreateChild"
DELETE: Final = "Delete"
READ_KEY: Final = "ReadRootKey"
READ_PASSWORD: Final = "ReadManagedPassword"  # noqa: S105  # not in the access list: msDS-GroupMSAMembership says so

GET_CHANGES: Final = uuid.UUID("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2")
GET_CHANGES_ALL: Final = uuid.UUID("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")
GET_CHANGES_FILTERED: Final = uuid.UUID("89e95b76-444d-4c62-991a-0facbeda640c")
MANAGE_TOPOLOGY: Final = uuid.UUID("1131f6ac-9c07-11d1-f79f-00c04fc2dcd2")
INSTALL_REPLICA: Final = uuid.UUID("9923a32a-3607-11d2-b9be-0000f87a36b2")
REPLICATION: Final = {
    GET_CHANGES: "DS-Replication-Get-Changes",
    GET_CHANGES_ALL: "DS-Replication-Get-Changes-All",
    GET_CHANGES_FILTERED: "DS-Replication-Get-Changes-In-Filtered-Set",
    MANAGE_TOPOLOGY: "DS-Replication-Manage-Topology",
    INSTALL_REPLICA: "DS-Install-Replica",
}
_RESET_PASSWORD: Final = uuid.UUID("00299570-246d-11d0-a768-00aa006e0529")
_MEMBER: Final = uuid.UUID("bf9679c0-0de6-11d0-a285-00aa003049e2")
_MEMBERSHIP_SET: Final = uuid.UUID("bc0ac240-79a9-11d0-9020-00c04fc2d4cf")
_KEY: Final = uuid.UUID("5b47d60f-6090-40b2-9f37-2a4de88f3063")
_KEY_SET: Final = uuid.UUID("9b026da6-0d3c-465c-8bee-5199d7165cba")
_RBCD: Final = uuid.UUID("3f78c3e5-f79a-46bd-a0b8-9d18116ddc79")
_UAC: Final = uuid.UUID("bf967a68-0de6-11d0-a285-00aa003049e2")
_RESTRICTIONS_SET: Final = uuid.UUID("4c164200-20c0-11d0-a768-00aa006e0529")
_SPN: Final = uuid.UUID("f3a64788-5306-11d1-a9c5-0000f80367c1")
_ALT: Final = uuid.UUID("00fbf30c-91fe-11d1-aebc-0000f80367c1")
_DELEGATION: Final = uuid.UUID("800d94d7-b7a1-42a1-b14d-7cae1423d07f")
_PUBLIC_SET: Final = uuid.UUID("e48d0154-bcf8-11d1-8702-00c04fb96050")
_SCRIPT: Final = uuid.UUID("bf9679a8-0de6-11d0-a285-00aa003049e2")
_LOGON_SET: Final = uuid.UUID("5f202010-79a5-11d0-9020-00c04fc2d4cf")
_GMSA_READERS: Final = uuid.UUID("888eedd6-ce04-df40-b462-b8a50e41ba38")
_GPLINK: Final = uuid.UUID("f30e3bbe-9ff0-11d1-b603-0000f80367c1")
_GPOPTIONS: Final = uuid.UUID("f30e3bbf-9ff0-11d1-b603-0000f80367c1")
_GPO_PATH: Final = uuid.UUID("f30e3bc1-9ff0-11d1-b603-0000f80367c1")
_GPO_MACHINE: Final = uuid.UUID("32ff8ecc-783f-11d2-9916-0000f87a57d4")
_GPO_USER: Final = uuid.UUID("42a75fc6-783f-11d2-9916-0000f87a57d4")
_ROOT_KEY_DATA: Final = uuid.UUID("26627c27-08a2-0a40-a1b1-8dce85b42993")

# An ACE that names the object's own class is about the whole object (MS-ADTS 5.1.3.3.3: the class is the root of the
# tree of object types)
CLASSES: Final[Mapping[str, frozenset[uuid.UUID]]] = MappingProxyType(
    {
        USER: frozenset(
            {uuid.UUID("bf967aba-0de6-11d0-a285-00aa003049e2"), uuid.UUID("4828cc14-1437-45bc-9b07-ad6f015e5f28")}
        ),
        COMPUTER: frozenset({uuid.UUID("bf967a86-0de6-11d0-a285-00aa003049e2")}),
        MSA: frozenset(
            {uuid.UUID("7b8b558a-93a5-4af7-adca-c017e67f1057"), uuid.UUID("ce206244-5827-4a86-ba1c-1c0c386c1b64")}
        ),
        GROUP: frozenset({uuid.UUID("bf967a9c-0de6-11d0-a285-00aa003049e2")}),
        ADMINSDHOLDER: frozenset(
            {
                uuid.UUID("bf967aba-0de6-11d0-a285-00aa003049e2"),
                uuid.UUID("bf967a86-0de6-11d0-a285-00aa003049e2"),
                uuid.UUID("bf967a9c-0de6-11d0-a285-00aa003049e2"),
            }
        ),
        DOMAIN: frozenset({uuid.UUID("19195a5b-6da0-11d0-afd3-00c04fd930c9")}),
        OU: frozenset({uuid.UUID("bf967aa5-0de6-11d0-a285-00aa003049e2")}),
        SITE: frozenset({uuid.UUID("bf967ab3-0de6-11d0-a285-00aa003049e2")}),
        CONTAINER: frozenset({uuid.UUID("bf967a8b-0de6-11d0-a285-00aa003049e2")}),
        GPO: frozenset({uuid.UUID("f30e3bc2-9ff0-11d1-b603-0000f80367c1")}),
        ROOT_KEY: frozenset({uuid.UUID("aa02fd41-17e0-4f18-8687-b2239649736b")}),
    }
)
_ACCOUNT_WRITES: Final = {
    _SPN: WRITE_SPN,
    _UAC: WRITE_UAC,
    _ALT: WRITE_ALT,
    _DELEGATION: WRITE_DELEGATION,
    _PUBLIC_SET: WRITE_PUBLIC,
    _KEY: WRITE_KEY,
    _KEY_SET: WRITE_KEY,
    _RBCD: WRITE_RBCD,
}
_USER_WRITES: Final = _ACCOUNT_WRITES | {
    _RESTRICTIONS_SET: WRITE_RESTRICTIONS,
    _SCRIPT: WRITE_SCRIPT,
    _LOGON_SET: WRITE_LOGON,
}
# On a computer the set holds msDS-AllowedToActOnBehalfOfOtherIdentity, which is all that it takes
_COMPUTER_WRITES: Final = _ACCOUNT_WRITES | {_RESTRICTIONS_SET: WRITE_RBCD}
_GROUP_WRITES: Final = {_MEMBER: ADD_MEMBER, _MEMBERSHIP_SET: ADD_MEMBER}
_LINK_WRITES: Final = {_GPLINK: WRITE_GPLINK, _GPOPTIONS: WRITE_GPLINK}
# Attribute or property set whose writing (WRITE_PROPERTY) is dangerous
WRITES: Final[Mapping[str, Mapping[uuid.UUID, str]]] = MappingProxyType(
    {
        USER: _USER_WRITES,
        COMPUTER: _COMPUTER_WRITES,
        MSA: _COMPUTER_WRITES | {_GMSA_READERS: WRITE_GMSA},
        GROUP: _GROUP_WRITES,
        ADMINSDHOLDER: _USER_WRITES | _GROUP_WRITES,
        OU: _LINK_WRITES,
        SITE: _LINK_WRITES,
        GPO: {_GPO_PATH: WRITE_GPO, _GPO_MACHINE: WRITE_GPO, _GPO_USER: WRITE_GPO},
    }
)
# Extended rights (CONTROL_ACCESS) that are dangerous
EXTENDED: Final[Mapping[str, Mapping[uuid.UUID, str]]] = MappingProxyType(
    {
        USER: {_RESET_PASSWORD: RESET_PASSWORD},
        COMPUTER: {_RESET_PASSWORD: RESET_PASSWORD},
        ADMINSDHOLDER: {_RESET_PASSWORD: RESET_PASSWORD},
        DOMAIN: REPLICATION,
    }
)
# Validated writes (SELF_WRITE) that are dangerous
VALIDATED: Final[Mapping[str, Mapping[uuid.UUID, str]]] = MappingProxyType(
    {GROUP: {_MEMBER: ADD_SELF}, ADMINSDHOLDER: {_MEMBER: ADD_SELF}}
)
# Kinds on which writing every property, or holding every extended right, gives something
_WRITABLE: Final = frozenset({*WRITES, DOMAIN, ROOT_KEY, STRICT})
_EXTENDABLE: Final = frozenset({*EXTENDED, STRICT})

# Exploitable as they are. GenericWrite, WriteAllProperties and AllExtendedRights are so on some kinds only.
_ALWAYS: Final = frozenset(
    {
        GENERIC_ALL,
        WRITE_DACL,
        WRITE_OWNER,
        OWNER,
        NO_DACL,
        RESET_PASSWORD,
        ADD_MEMBER,
        ADD_SELF,
        WRITE_KEY,
        WRITE_RBCD,
        WRITE_GMSA,
        WRITE_GPO,
        READ_KEY,
        READ_PASSWORD,
        REPLICATION[GET_CHANGES_ALL],
    }
)
_WHOLE: Final = frozenset({GENERIC_WRITE, WRITE_ALL, ALL_EXTENDED})
_WHOLE_KINDS: Final = frozenset({USER, COMPUTER, MSA, GROUP, ADMINSDHOLDER, GPO})

OWNER_RIGHTS: Final = "S-1-3-4"
# They stand for someone else in an ACE that children inherit, or for the object itself: never a principal of their own
_PLACEHOLDERS: Final = frozenset({sids.CREATOR_OWNER, sids.CREATOR_GROUP, sids.SELF})
# Everyone, or everyone who can log on, of this domain
BROAD: Final = frozenset(
    {
        sids.EVERYONE,
        sids.ANONYMOUS,
        sids.AUTHENTICATED_USERS,
        sids.BUILTIN_USERS,
        sids.BUILTIN_GUESTS,
        sids.BUILTIN_PRE_WINDOWS_2000,
        "S-1-5-2",  # Network
        "S-1-5-4",  # Interactive
        "S-1-5-15",  # This Organization
    }
)
# The forest root's groups and account that are administrators of each domain
_FOREST_RIDS: Final = (
    sids.RID_ADMINISTRATOR,
    sids.RID_DOMAIN_ADMINS,
    sids.RID_ENTERPRISE_ADMINS,
    sids.RID_ENTERPRISE_KEY_ADMINS,
    sids.RID_SCHEMA_ADMINS,
)
BROAD_RIDS: Final = frozenset({sids.RID_DOMAIN_USERS, sids.RID_DOMAIN_GUESTS, sids.RID_DOMAIN_COMPUTERS})


@dataclass(frozen=True, slots=True)
class Grant:
    """One right that someone holds over an object. ``ace`` is None for the owner's right and for a missing DACL."""

    sid: str
    right: str
    ace: Ace | None


def ace_rights(ace: Ace, kind: str, denied: int = 0) -> list[str]:
    """The names of the dangerous rights that an ACE grants on the object of this kind that carries it; [] for none.

    ``denied`` are bits of the mask that an earlier ACE takes away. Whom the ACE is for is not looked at.
    """
    if not ace.allows or ace.mask is None or ace.flags & sd.INHERIT_ONLY:
        return []
    mask = sd.expanded(ace.mask) & ~denied
    about = None if ace.object_type in CLASSES.get(kind, ()) else ace.object_type
    if about is None and mask & sd.FULL_CONTROL == sd.FULL_CONTROL:
        return [GENERIC_ALL]
    # A part of an object that is inherited by everything was meant for objects of another kind; on a setting it counts
    # only where it was set on the object itself
    meant = about is None or not ace.inherited
    rights = []
    if mask & sd.WRITE_DAC:
        rights.append(WRITE_DACL)
    if mask & sd.WRITE_OWNER:
        rights.append(WRITE_OWNER)
    if mask & sd.WRITE_PROPERTY:
        if about is not None:
            name = WRITES.get(kind, {}).get(about) or (WRITE_PROPERTY if kind == STRICT and meant else None)
            rights += [name] if name else []
        elif ace.mask & sd.GENERIC_WRITE and mask & sd.SELF_WRITE:
            rights += [GENERIC_WRITE] if kind in _WRITABLE else []
        elif kind in _WRITABLE:
            rights.append(WRITE_ALL)
    elif mask & sd.SELF_WRITE:
        validated = VALIDATED.get(kind, {})
        names = [validated.get(about)] if about is not None else validated.values()
        rights += sorted({name for name in names if name})
    if mask & sd.CONTROL_ACCESS:
        if about is None:
            rights += [ALL_EXTENDED] if kind in _EXTENDABLE else []
        elif about in EXTENDED.get(kind, {}):
            rights.append(EXTENDED[kind][about])
    if kind == ROOT_KEY and about in (None, _ROOT_KEY_DATA):
        # the attribute is confidential: reading it takes both (MS-ADTS 3.1.1.4.4)
        both = sd.READ_PROPERTY | sd.CONTROL_ACCESS
        rights += [READ_KEY] if mask & both == both else []
    if kind == STRICT:
        rights += [CREATE_CHILD] if mask & sd.CREATE_CHILD and meant else []
        rights += [DELETE] if mask & (sd.DELETE | sd.DELETE_TREE | sd.DELETE_CHILD) else []
    return rights


def grants(descriptor: Descriptor, kind: str) -> Iterator[Grant]:
    """Every dangerous right over an object of this kind that its descriptor gives, default holders included.

    A deny ACE counts for its own trustee, or for everyone (Everyone, Authenticated Users): those of a group of which
    the trustee is a member do not, so that what is found is never less than what someone can do. Conditional allowing
    ACEs count as if their condition held, conditional denying ones as if it did not.
    """
    if descriptor.why is not None:
        return
    if descriptor.aces is None:
        yield Grant(sids.EVERYONE, NO_DACL, None)
        return
    denied: dict[str, int] = {}
    denied_parts: set[tuple[str, uuid.UUID | None, int]] = set()
    owner_limited = False
    for ace in descriptor.aces:
        if ace.sid is None or ace.mask is None or ace.flags & sd.INHERIT_ONLY:
            continue
        if ace.sid == OWNER_RIGHTS:
            owner_limited = True
        if ace.type == sd.ACCESS_DENIED or (ace.type == sd.ACCESS_DENIED_OBJECT and ace.object_type is None):
            denied[ace.sid] = denied.get(ace.sid, 0) | sd.expanded(ace.mask)
        elif ace.type == sd.ACCESS_DENIED_OBJECT:
            denied_parts.add((ace.sid, ace.object_type, sd.expanded(ace.mask)))
        if not ace.allows or ace.sid in _PLACEHOLDERS:
            continue
        taken = 0
        for sid in _covering(ace.sid):
            taken |= denied.get(sid, 0)
            if denied_parts and ace.object_type is not None:
                for who, part, mask in denied_parts:
                    taken |= mask if (who, part) == (sid, ace.object_type) else 0
        holder = descriptor.owner if ace.sid == OWNER_RIGHTS else ace.sid
        for right in ace_rights(ace, kind, taken):
            if holder is not None:
                yield Grant(holder, right, ace)
    if descriptor.owner is not None and not owner_limited:
        yield Grant(descriptor.owner, OWNER, None)


def _covering(sid: str) -> tuple[str, ...]:
    """The SIDs whose deny ACEs hold for everyone who is ``sid``."""
    if sid in (sids.EVERYONE, sids.ANONYMOUS):
        return (sid, sids.EVERYONE) if sid == sids.ANONYMOUS else (sid,)
    return (sid, sids.EVERYONE, sids.AUTHENTICATED_USERS)


def level_of(right: str, kind: str) -> int:
    """1 for a right that is exploitable without a major prerequisite, 2 for one that is potentially dangerous.

    Without prerequisite: one request to the directory gives control of the object (its password, its members, its
    descriptor, its keys, its policy). With one: a password must be cracked (WriteSPN, WriteUserAccountControl), a
    certificate authority or a policy of one's own be there (WriteAltSecurityIdentities, WriteGPLink), a user log on
    (WriteLogonScript), or a second right be held (Get-Changes alone, WriteAllowedToDelegateTo).
    """
    if right in _ALWAYS or (right in _WHOLE and kind in _WHOLE_KINDS):
        return 1
    return 1 if right == ALL_EXTENDED and kind == DOMAIN else 2


class Trusted:
    """Who may hold dangerous rights without it being a finding: ANSSI's privileged groups and everyone in them, the
    system, domain controllers. The forest root's groups are the same principals in each domain."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._sids: set[str] = {sids.SYSTEM, sids.ENTERPRISE_DOMAIN_CONTROLLERS, *_PLACEHOLDERS}
        self._sids |= privileged_group_sids(snapshot.domain_sid)
        if snapshot.root_domain_sid is not None:
            self._sids |= {sids.in_domain(snapshot.root_domain_sid, rid) for rid in _FOREST_RIDS}
        self._sids.add(sids.in_domain(snapshot.domain_sid, sids.RID_ADMINISTRATOR))
        self._sids |= snapshot.privileged.accounts.keys()
        self._sids |= {each for each in snapshot.privileged.foreign if sids.is_sid(each)}
        # read-only domain controllers stand where others have access to them: they are no one's equal
        self._sids |= {
            account.sid
            for account in snapshot.accounts
            if account.is_dc and not account.has(uac.PARTIAL_SECRETS_ACCOUNT)
        }

    def __contains__(self, sid: object) -> bool:
        return sid in self._sids


def broad(domain_sid: str) -> frozenset[str]:
    """Principals that are nearly everyone: Everyone, Authenticated Users, Domain Users, Domain Computers…"""
    return BROAD | {sids.in_domain(domain_sid, rid) for rid in BROAD_RIDS}


def is_broad(sid: str, domain_sid: str) -> bool:
    """True for a principal that is nearly everyone."""
    return sid in broad(domain_sid)
