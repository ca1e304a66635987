# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The access list of a policy's folder, from that of its object in the directory: who may edit one may edit both.

Windows (GPMC) and Samba (``samba-tool ntacl sysvolcheck``) translate rights the same way and differ in two things.
Windows drops entries for single properties and lets files inherit from the policy's folder; Samba keeps such entries
without a right, and wants each file to carry the whole list itself.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    Acl,
    SecurityDescriptor,
)

# Rights on files (MS-DTYP 2.4.3, MS-SMB2 2.2.13.1)
SYNCHRONIZE: Final = 0x100000
_STANDARD: Final = 0x1F0000
_READ: Final = SYNCHRONIZE | 0x1 | 0x8 | 0x20 | 0x80  # data, EA, traverse, attributes
_WRITE: Final = SYNCHRONIZE | 0x2 | 0x4 | 0x10 | 0x100  # data, append, EA, attributes
_ADD: Final = 0x2 | 0x4
_DELETE_CHILD: Final = 0x40
FILE_ALL: Final = 0x1F01FF
# What lets someone change a policy or who may: anything but reading
FILE_CHANGE: Final = 0x2 | 0x4 | 0x10 | _DELETE_CHILD | 0x100 | sd.DELETE | sd.WRITE_DAC | sd.WRITE_OWNER
_GENERIC: Final = (
    (sd.GENERIC_ALL, FILE_ALL),
    (sd.GENERIC_WRITE, _WRITE | sd.READ_CONTROL),
    (sd.GENERIC_READ, _READ | sd.READ_CONTROL),
    (sd.GENERIC_EXECUTE, SYNCHRONIZE | 0x20 | 0x80 | sd.READ_CONTROL),
)
_INHERIT: Final = sd.OBJECT_INHERIT | sd.CONTAINER_INHERIT


def file_mask(mask: int) -> int:
    """The rights on a file that belong to rights on the policy's object in the directory."""
    result = mask & _STANDARD
    if mask & sd.GENERIC_ALL:
        result |= FILE_ALL
    if (mask & sd.READ_PROPERTY and mask & sd.LIST_CONTENTS) or mask & sd.GENERIC_READ:
        result |= _READ
    if mask & sd.WRITE_PROPERTY or mask & sd.GENERIC_WRITE:
        result |= _WRITE
    if mask & sd.CREATE_CHILD:
        result |= _ADD
    if mask & sd.DELETE_CHILD:
        result |= _DELETE_CHILD
    return result


def generic_file_mask(mask: int) -> int:
    """Rights on a file with its generic ones spelled out (MS-DTYP 2.5.3)."""
    for bit, meaning in _GENERIC:
        if mask & bit:
            mask = mask & ~bit | meaning
    return mask


def folder_descriptor(directory: SecurityDescriptor, *, samba: bool) -> SecurityDescriptor:
    """The descriptor of the policy's folder, from the one of its object; ValueError when that has no DACL."""
    if directory.dacl is None:
        raise ValueError("the policy's object has no access list")
    aces: list[Ace] = []
    for ace in directory.dacl.aces:
        plain, specific = ace.type == sd.ACCESS_ALLOWED, ace.type == sd.ACCESS_ALLOWED_OBJECT
        denies = ace.type == sd.ACCESS_DENIED and not samba
        if not (plain or denies or (specific and samba)) or ace.sid is None or ace.mask is None:
            continue
        if ace.sid == sids.BUILTIN_PRE_WINDOWS_2000:
            continue
        flags = (ace.flags & ~sd.INHERITED if not samba else ace.flags) | _INHERIT
        if ace.sid == sids.CREATOR_OWNER:
            flags |= sd.INHERIT_ONLY
        mask = file_mask(ace.mask)
        if not mask and not samba:
            continue
        aces.append(
            Ace.build(ace.type, flags, mask, ace.sid, ace.object_type, ace.inherited_object_type)
            if specific
            else Ace.build(ace.type, flags, mask, ace.sid)
        )
    control = sd.SELF_RELATIVE | sd.DACL_PRESENT | (directory.control & sd.DACL_PROTECTED)
    if not samba:
        # the folder Policies hands down other rights
        control |= sd.DACL_PROTECTED
        aces = list({ace.key: ace for ace in aces}.values())
    revision = 4 if any(ace.type == sd.ACCESS_ALLOWED_OBJECT for ace in aces) else 2
    return SecurityDescriptor(control, directory.owner, directory.group, None, Acl(tuple(aces), revision))
