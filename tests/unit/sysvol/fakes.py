# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A domain with its SYSVOL in memory, so that planners and the writer are tested without a server."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    DACL_PRESENT,
    DACL_PROTECTED,
    SELF_RELATIVE,
    Acl,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import Node, checked, join

DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
BASE = "DC=chu-valmont,DC=test"
DNS = "chu-valmont.test"
ADMINS = f"{DOMAIN}-512"


def descriptor(*aces: str, owner: str = ADMINS) -> bytes:
    """A descriptor with these entries (SDDL), of Domain Admins."""
    dacl = Acl(tuple(from_sddl(ace, DOMAIN) for ace in aces))
    return SecurityDescriptor(SELF_RELATIVE | DACL_PRESENT | DACL_PROTECTED, owner, ADMINS, None, dacl).to_bytes()


# As the schema gives policies
DIRECTORY = descriptor("(A;CI;0xf00ff;;;DA)", "(A;CI;0xf00ff;;;SY)", "(A;CI;0x20094;;;AU)")
FILES = descriptor("(A;OICI;0x1f01ff;;;DA)", "(A;OICI;0x1f01ff;;;SY)", "(A;OICI;0x1200a9;;;AU)")


def entry(dn: str, **values: Any) -> Entry:
    """An object of the directory; values are text, bytes, numbers or lists of them."""
    found: dict[str, list[bytes]] = {"objectGUID": [uuid.uuid5(uuid.NAMESPACE_X500, dn.casefold()).bytes_le]}
    for name, value in values.items():
        items = value if isinstance(value, list) else [value]
        found[name] = [item if isinstance(item, bytes) else str(item).encode() for item in items]
    return Entry(dn, CaseInsensitiveDict(found))


def gpo(guid: uuid.UUID, name: str, version: int = 0, **values: Any) -> Entry:
    """A group policy object."""
    braced = policy.braced(guid)
    return entry(
        f"CN={braced},CN=Policies,CN=System,{BASE}",
        **{
            "cn": braced, "displayName": name, "versionNumber": version, "flags": 0,
            "objectClass": ["top", "container", "groupPolicyContainer"], "nTSecurityDescriptor": DIRECTORY,
            "gPCFileSysPath": f"\\\\{DNS}\\sysvol\\{DNS}\\Policies\\{braced}", **values,
        },
    )  # fmt: skip


class Directory:
    """What planners ask of a session."""

    domain_dn, configuration_dn, domain_sid, dns_name = BASE, f"CN=Configuration,{BASE}", DOMAIN, DNS

    def __init__(self, *entries: Entry, vendor: str = "") -> None:
        self.entries = list(entries)
        self.vendor = vendor

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
        if dn == "":
            return entry("", **({"vendorName": self.vendor} if self.vendor else {}))
        if dn.startswith("<WKGUID="):
            dn = f"OU=Domain Controllers,{BASE}"
        return next((one for one in self.entries if one.dn.lower() == dn.lower()), None)

    def search(
        self, base: str, ldap_filter: str, attributes: Sequence[str], scope: str = "subtree", sd_flags: int = 0
    ) -> Iterator[Entry]:
        if "groupPolicyContainer" in ldap_filter:
            return iter([one for one in self.entries if "groupPolicyContainer" in one.texts("objectClass")])
        return iter([])


class Share:
    """The folder Policies: path in lower case → (path, content; None for a folder)."""

    def __init__(self, *policies: uuid.UUID, case: str = "Machine") -> None:
        self.items: dict[str, tuple[str, bytes | None]] = {}
        self.descriptors: dict[str, bytes] = {}
        self.broken: set[str] = set()
        self.log: list[str] = []
        for guid in policies:
            folder = policy.braced(guid)
            for path in (folder, f"{folder}\\{case}", f"{folder}\\User"):
                self.put(path, None)
            self.put(f"{folder}\\GPT.INI", b"[General]\r\nVersion=0\r\n")

    def put(self, path: str, content: bytes | None, raw: bytes = FILES) -> None:
        parts = path.split("\\")
        for number in range(1, len(parts)):
            folder = "\\".join(parts[:number])
            if folder.lower() not in self.items:
                self.items[folder.lower()] = (folder, None)
                self.descriptors[folder.lower()] = raw
        known = self.items.get(path.lower())
        self.items[path.lower()] = (known[0] if known else path, content)
        self.descriptors.setdefault(path.lower(), raw)

    def label(self, path: str) -> str:
        return "\\\\dc1\\sysvol\\" + path

    def _check(self, path: str) -> None:
        checked(path)
        if path.lower() in self.broken:
            raise SysvolError(f"{self.label(path)}: access denied")

    def children(self, path: str) -> list[Node]:
        self._check(path)
        prefix = path.lower() + "\\" if path else ""
        return [
            Node(real, content is None, len(content or b""))
            for key, (real, content) in sorted(self.items.items())
            if key.startswith(prefix) and "\\" not in key[len(prefix) :] and key != path.lower()
        ]

    def walk(self, path: str) -> Iterable[Node]:
        for node in self.children(path):
            yield node
            if node.is_folder:
                yield from self.walk(node.path)

    def find(self, path: str) -> Node | None:
        found = self.items.get(path.lower())
        return None if found is None else Node(found[0], found[1] is None)

    def read(self, path: str) -> bytes | None:
        self._check(path)
        return self.items.get(path.lower(), ("", None))[1]

    def descriptor(self, path: str, parts: int = 7) -> bytes | None:
        return self.descriptors.get(path.lower())

    def write(self, path: str, content: bytes, raw: bytes | None = None) -> None:
        self._check(path)
        if path.rpartition("\\")[0].lower() not in self.items:
            raise SysvolError(f"{path}: there is no such folder")
        self.log.append(path)
        self.put(path, content)
        if raw is not None:
            self.descriptors[path.lower()] = raw

    def remove(self, path: str) -> None:
        self._check(path)
        self.items.pop(path.lower(), None)
        self.descriptors.pop(path.lower(), None)

    def make_folder(self, path: str) -> bool:
        self._check(path)
        self.put(path, None)
        return True

    def set_descriptor(self, path: str, raw: bytes, parts: int = 4) -> None:
        self._check(path)
        old = SecurityDescriptor.parse(self.descriptors[path.lower()])
        new = SecurityDescriptor.parse(raw)
        self.descriptors[path.lower()] = raw if parts == 7 else old.with_dacl(new.dacl.aces).to_bytes()  # type: ignore[union-attr]


def tree(share: Share) -> dict[str, tuple[bytes | None, bytes]]:
    """Everything in the share, to compare."""
    return {key: (content, share.descriptors[key]) for key, (_path, content) in share.items.items()}


__all__ = ["ADMINS", "BASE", "DIRECTORY", "DNS", "DOMAIN", "FILES", "Directory", "Share", "descriptor", "entry", "gpo",
           "join", "sids", "tree"]  # fmt: skip
