# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What SYSVOL holds of each group policy object: descriptors of its files, settings, version, stored passwords.

Reads only. A file that is not understood is named in ``problems`` and the rest is read; a folder that may not be read
is ``unreadable``. Which policy is linked where is in the directory, not here.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ansible_collections.care.remediation.plugins.module_utils.sysvol import audit_csv, policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError, SysvolError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.inf import Document
from ansible_collections.care.remediation.plugins.module_utils.sysvol.preferences import (
    StoredPassword,
    stored_passwords,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol.registry_pol import PolicyValue, RegistryPolicy
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import Node, Share

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.connection import ConnectionOptions
    from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

# The part of a snapshot that this is, as controls name it
SYSVOL: Final = "SYSVOL"

GPT_INI: Final = "gpt.ini"
MACHINE_REGISTRY: Final = "machine\\registry.pol"
USER_REGISTRY: Final = "user\\registry.pol"
TEMPLATE: Final = "machine\\microsoft\\windows nt\\secedit\\gpttmpl.inf"
AUDIT: Final = "machine\\microsoft\\windows nt\\audit\\audit.csv"
_PREFERENCES: Final = ("machine\\preferences\\", "user\\preferences\\")


@dataclass(slots=True)
class PolicyFile:
    """One file or folder of a policy; ``descriptor`` is self-relative (owner, group, DACL), None: not shown."""

    path: str  # within the policy, as the server writes it; "" is the policy's own folder
    is_folder: bool
    descriptor: bytes | None = None


@dataclass(slots=True)
class PolicyFolder:
    """One policy's folder. Settings are what its files say; names in lower case are keys of ``files``."""

    guid: uuid.UUID
    name: str  # of the folder
    files: dict[str, PolicyFile] = field(default_factory=dict)  # by path in lower case
    version: policy.Version | None = None  # None: no gpt.ini, or not understood
    machine_registry: list[PolicyValue] = field(default_factory=list)
    user_registry: list[PolicyValue] = field(default_factory=list)
    security: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # GptTmpl.inf, section in lower case
    audit: dict[uuid.UUID, int] = field(default_factory=dict)
    passwords: list[tuple[str, StoredPassword]] = field(default_factory=list)  # with the file's path
    problems: list[str] = field(default_factory=list)  # files that are not understood
    unreadable: str | None = None  # why what is above is not all

    def security_value(self, section: str, key: str) -> str | None:
        """The last value of a key of GptTmpl.inf, or None."""
        found = [value for name, value in self.security.get(section.lower(), []) if name.lower() == key.lower()]
        return found[-1] if found else None


@dataclass(slots=True)
class SysvolReading:
    """All policies that have a folder, by GUID; ``unreadable`` says why there are none or not all."""

    policies: dict[uuid.UUID, PolicyFolder] = field(default_factory=dict)
    unreadable: str | None = None


def read_sysvol(options: ConnectionOptions, session: Session) -> SysvolReading:
    """Connect to the session's domain controller and read every policy. Never raises for what SYSVOL does."""
    try:
        with Share.connect(options, session) as share:
            return read_policies(share)
    except SysvolError as error:
        return SysvolReading(unreadable=str(error))


def read_policies(share: Share, *, descriptors: bool = True) -> SysvolReading:
    """Every policy of an open share. Raises SysvolError when the folder Policies itself cannot be read."""
    reading = SysvolReading()
    pool: dict[bytes, bytes] = {}
    for node in share.children(""):
        guid = policy.guid_of(node.name)
        if guid is not None and node.is_folder:
            reading.policies[guid] = read_policy(share, guid, node.name, pool if descriptors else None)
    return reading


def read_policy(
    share: Share, guid: uuid.UUID, name: str | None = None, pool: dict[bytes, bytes] | None = None
) -> PolicyFolder:
    """One policy. With ``pool``, descriptors too, each distinct one kept once."""
    name = name or policy.braced(guid)
    found = PolicyFolder(guid, name)
    try:
        nodes = [Node(name, True), *share.walk(name)]
    except SysvolError as error:
        found.unreadable = str(error)
        return found
    for node in nodes:
        path = node.path[len(name) + 1 :]
        file = PolicyFile(path, node.is_folder)
        found.files[path.lower()] = file
        try:
            if pool is not None:
                raw = share.descriptor(node.path)
                file.descriptor = None if raw is None else pool.setdefault(raw, raw)
            if not node.is_folder:
                _content(share, node, path.lower(), found)
        except SysvolError as error:
            found.unreadable = found.unreadable or str(error)
        except FormatError as error:
            found.problems.append(f"{share.label(node.path)}: {error}")
    return found


def _content(share: Share, node: Node, path: str, found: PolicyFolder) -> None:
    """What one file says, when it is one that is understood."""
    preferences = path.startswith(_PREFERENCES) and path.endswith(".xml")
    if not preferences and path not in (GPT_INI, MACHINE_REGISTRY, USER_REGISTRY, TEMPLATE, AUDIT):
        return
    raw = share.read(node.path)
    if raw is None:  # gone since it was listed
        return
    if path == GPT_INI:
        number = Document.parse(raw).get("General", "Version") or ""
        if not number.isdecimal():
            raise FormatError(f"its version is {number[:50]!r}")
        found.version = policy.Version.of(int(number[:12]))
    elif path == MACHINE_REGISTRY:
        found.machine_registry = RegistryPolicy.parse(raw).entries
    elif path == USER_REGISTRY:
        found.user_registry = RegistryPolicy.parse(raw).entries
    elif path == TEMPLATE:
        document = Document.parse(raw)
        for section in dict.fromkeys(name.lower() for name in document.sections):
            found.security[section] = document.items(section)
    elif path == AUDIT:
        found.audit = audit_csv.AuditPolicy.parse(raw).settings
    else:
        found.passwords += [(node.path, item) for item in stored_passwords(raw)]
