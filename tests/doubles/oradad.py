# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A double of the collector ORADAD: writes the objects of a directory in the format of ORADAD 3.6.

Only for tests: no Windows runs here. Requests, classes, types and levels follow ORADAD's own schema for the attributes
that controls look at (and some more); what it writes for each type follows its source.
"""

from __future__ import annotations

import uuid
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids

Objects = Iterable[tuple[str, Mapping[str, Sequence[bytes]]]]

# attribute: (type, collection level); INT+ and INT64+ are those that the collector also decodes to text
TYPES: dict[str, tuple[str, int]] = {
    "accountExpires": ("DATEINT64", 2), "adminContextMenu": ("STRS", 4), "adminCount": ("INT", 1),
    "adminPropertyPages": ("STRS", 9), "cACertificate": ("BIN", 1), "certificateTemplates": ("STRS", 2),
    "cn": ("STR", 1), "description": ("STRS", 1), "displayName": ("STR", 1), "dNSHostName": ("STR", 1),
    "dNSProperty": ("BIN", 1), "dnsRoot": ("STRS", 1), "dSHeuristics": ("STR", 1), "flags": ("INT", 1),
    "flatName": ("STR", 1), "gPLink": ("STR", 1), "gPOptions": ("INT", 1), "groupType": ("INT+", 1),
    "isDeleted": ("BOOL", 1), "lastLogonTimestamp": ("DATEINT64", 1), "lDAPDisplayName": ("STR", 2),
    "maxPwdAge": ("INT64+", 1), "member": ("STRS", 1), "memberOf": ("STRS", 1), "minPwdLength": ("INT", 1),
    "ms-DS-MachineAccountQuota": ("INT", 3), "msDFSR-Flags": ("INT", 2),
    "msDS-AllowedToActOnBehalfOfOtherIdentity": ("SD", 1), "msDS-AllowedToDelegateTo": ("STRS", 1),
    "msDS-AssignedAuthNPolicySilo": ("STR", 2), "msDS-AuthNPolicySiloEnforced": ("BOOL", 1),
    "msDS-AuthNPolicySiloMembers": ("STRS", 1), "msDS-Behavior-Version": ("INT", 1),
    "msDS-ExpirePasswordsOnSmartCardOnlyAccounts": ("BOOL", 1), "msDS-KeyCredentialLink": ("BIN", 1),
    "msDS-KrbTgtLinkBl": ("STRS", 1), "msDS-MaximumPasswordAge": ("INT64+", 1), "msDS-KrbTgtLink": ("STR", 2),
    "msDS-MinimumPasswordLength": ("INT", 1), "msDS-NeverRevealGroup": ("STRS", 1),
    "msDS-PasswordReversibleEncryptionEnabled": ("BOOL", 1), "msDS-PasswordSettingsPrecedence": ("INT", 1),
    "msDS-PSOAppliesTo": ("STRS", 1), "msDS-RevealedUsers": ("STRS", 1), "msDS-RevealOnDemandGroup": ("STRS", 1),
    "msDS-SecondaryKrbTgtNumber": ("INT", 1), "msDS-SupportedEncryptionTypes": ("INT+", 1),
    "msDS-UserAuthNPolicy": ("STR", 1), "msLAPS-PasswordExpirationTime": ("DATEINT64", 1),
    "msPKI-Certificate-Application-Policy": ("STRS", 4), "msPKI-Certificate-Name-Flag": ("INT", 4),
    "msPKI-Enrollment-Flag": ("INT", 4), "msPKI-RA-Signature": ("INT", 4), "msPKI-Template-Schema-Version": ("INT", 4),
    "name": ("STR", 1), "nCName": ("STR", 1), "nTSecurityDescriptor": ("SD", 1), "objectCategory": ("STR", 1),
    "objectClass": ("STRS", 1), "objectGUID": ("GUID", 1), "objectSid": ("SID", 1), "objectVersion": ("INT", 1),
    "operatingSystem": ("STR", 1), "operatingSystemVersion": ("STR", 1), "pKIExtendedKeyUsage": ("STRS", 4),
    "primaryGroupID": ("INT", 1), "pwdLastSet": ("DATEINT64", 1), "pwdProperties": ("INT", 1), "revision": ("INT", 2),
    "sAMAccountName": ("STR", 1), "sAMAccountType": ("INT", 1), "scriptPath": ("STR", 1),
    "securityIdentifier": ("SID", 1), "serverReference": ("STR", 1), "servicePrincipalName": ("STRS", 1),
    "shellContextMenu": ("STRS", 9), "sIDHistory": ("SID", 1), "systemFlags": ("INT+", 1),
    "trustAttributes": ("INT+", 1), "trustDirection": ("INT+", 1), "trustPartner": ("STR", 1), "trustType": ("INT+", 1),
    "userAccountControl": ("INT+", 1), "userCertificate": ("BIN", 1), "whenChanged": ("DATE", 1),
    "whenCreated": ("DATE", 1), "fRSReplicaSetType": ("INT", 1), "msDFSR-ReplicationGroupType": ("INT", 1),
}  # fmt: skip
PRINCIPAL = ("sAMAccountName", "objectSid", "sIDHistory", "sAMAccountType")
PERSON = (
    *PRINCIPAL, "msDS-AllowedToDelegateTo", "msDS-AllowedToActOnBehalfOfOtherIdentity", "msDS-KeyCredentialLink",
    "msDS-AssignedAuthNPolicySilo", "msDS-SupportedEncryptionTypes", "msDS-SecondaryKrbTgtNumber", "userCertificate",
    "userAccountControl", "servicePrincipalName", "scriptPath", "pwdLastSet", "primaryGroupID", "lastLogonTimestamp",
    "adminCount", "accountExpires", "displayName",
)  # fmt: skip
MACHINE = (
    *PERSON, "dNSHostName", "operatingSystem", "operatingSystemVersion", "msDS-NeverRevealGroup",
    "msDS-RevealOnDemandGroup", "msDS-RevealedUsers", "msDS-KrbTgtLink", "msLAPS-PasswordExpirationTime",
)  # fmt: skip
TOP = (
    "objectClass", "objectCategory", "nTSecurityDescriptor", "whenCreated", "whenChanged", "systemFlags", "revision",
    "name", "objectVersion", "objectGUID", "memberOf", "isDeleted", "flags", "displayName", "description", "cn",
    "msDS-KrbTgtLinkBl",
)  # fmt: skip


def is_a(name: str) -> Callable[[set[str]], bool]:
    return lambda classes: name.lower() in classes


def _user(classes: set[str]) -> bool:
    return "user" in classes and not classes & {
        "computer", "msds-managedserviceaccount", "msds-groupmanagedserviceaccount",
    }  # fmt: skip


def _computer(classes: set[str]) -> bool:
    managed = {"msds-managedserviceaccount", "msds-groupmanagedserviceaccount"}
    return "computer" in classes and not classes & managed


@dataclass(frozen=True)
class Request:
    """One request of the collector: a table in each of its places."""

    name: str
    places: tuple[str, ...]
    takes: Callable[[set[str]], bool]
    columns: tuple[str, ...]


REQUESTS = (
    Request("top", ("domain", "configuration", "schema", "domaindns", "forestdns"), lambda _classes: True, TOP),
    Request("class", ("schema",), is_a("classSchema"), ("lDAPDisplayName",)),
    Request("attribute", ("schema",), is_a("attributeSchema"), ("lDAPDisplayName",)),
    Request("user", ("domain",), _user, PERSON),
    Request("computer", ("domain",), _computer, MACHINE),
    Request("trustedDomain", ("domain",), is_a("trustedDomain"), (
        "trustType", "trustPartner", "trustDirection", "trustAttributes", "securityIdentifier", "flatName",
        "msDS-SupportedEncryptionTypes")),
    Request("smsa", ("domain",), is_a("msDS-ManagedServiceAccount"), MACHINE),
    Request("gmsa", ("domain",), is_a("msDS-GroupManagedServiceAccount"), MACHINE),
    Request("group", ("domain", "configuration"), is_a("group"), (*PRINCIPAL, "member", "groupType", "adminCount")),
    Request("ou", ("domain",), is_a("organizationalUnit"), ("gPLink", "gPOptions")),
    Request("gpo", ("domain",), is_a("groupPolicyContainer"), ("flags", "displayName")),
    Request("passwordSettings", ("domain",), is_a("msDS-PasswordSettings"), (
        "msDS-PasswordReversibleEncryptionEnabled", "msDS-MinimumPasswordLength", "msDS-MaximumPasswordAge",
        "msDS-PSOAppliesTo", "msDS-PasswordSettingsPrecedence")),
    Request("msDFSR-LocalSettings", ("domain",), is_a("msDFSR-LocalSettings"), ("msDFSR-Flags",)),
    Request("msDFSR-ReplicationGroup", ("domain",), is_a("msDFSR-ReplicationGroup"), ("msDFSR-ReplicationGroupType",)),
    Request("msDFSR-GlobalSettings", ("domain",), is_a("msDFSR-GlobalSettings"), ("msDFSR-Flags",)),
    Request("nTFRSReplicaSet", ("domain",), is_a("nTFRSReplicaSet"), ("fRSReplicaSetType",)),
    Request("foreignSecurityPrincipal", ("domain", "configuration"), is_a("foreignSecurityPrincipal"), ("objectSid",)),
    Request("site", ("configuration",), is_a("site"), ("gPLink", "gPOptions")),
    Request("server", ("configuration",), is_a("server"), ("serverReference", "dNSHostName")),
    Request("nTDSDSA", ("configuration",), is_a("nTDSDSA"), ("msDS-Behavior-Version",)),
    Request("certificationauthority", ("configuration",), is_a("certificationAuthority"), ("cACertificate",)),
    Request("authNPolicySilo", ("configuration",), is_a("msDS-AuthNPolicySilo"), (
        "msDS-AuthNPolicySiloMembers", "msDS-AuthNPolicySiloEnforced", "msDS-UserAuthNPolicy")),
    Request("crossRefContainer", ("configuration",), is_a("crossRefContainer"), ("msDS-Behavior-Version",)),
    Request("crossRef", ("configuration",), is_a("crossRef"), ("nCName", "dnsRoot", "msDS-Behavior-Version")),
    Request("nTDSService", ("configuration",), is_a("nTDSService"), ("dSHeuristics",)),
    Request("displaySpecifier", ("configuration",), is_a("displaySpecifier"), (
        "adminContextMenu", "adminPropertyPages", "shellContextMenu")),
    Request("dnsZone", ("domain", "domaindns", "forestdns"), is_a("dnsZone"), ("dNSProperty",)),
    Request("pKICertificateTemplate", ("configuration",), is_a("pKICertificateTemplate"), (
        "flags", "pKIExtendedKeyUsage", "msPKI-Certificate-Name-Flag", "msPKI-Enrollment-Flag", "msPKI-RA-Signature",
        "msPKI-Template-Schema-Version", "msPKI-Certificate-Application-Policy")),
    Request("pKIEnrollmentService", ("configuration",), is_a("pKIEnrollmentService"), (
        "certificateTemplates", "cACertificate", "dNSHostName")),
)  # fmt: skip
ROOT = Request("root", ("domain",), is_a("domainDNS"), (
    "objectSid", "ms-DS-MachineAccountQuota", "msDS-ExpirePasswordsOnSmartCardOnlyAccounts", "msDS-Behavior-Version",
    "minPwdLength", "maxPwdAge", "pwdProperties", "gPLink", "gPOptions"))  # fmt: skip
ROOT_DSE = (
    ("configurationNamingContext", "STR"), ("currentTime", "DATE"), ("dNSHostName", "STR"),
    ("defaultNamingContext", "STR"), ("domainFunctionality", "INT"), ("forestFunctionality", "INT"),
    ("namingContexts", "STRS"), ("rootDomainNamingContext", "STR"), ("schemaNamingContext", "STR"),
    ("tokenGroups", "BIN"),
)  # fmt: skip
SQL = {
    "STR": "nvarchar(200)", "STRS": "nvarchar(max)", "INT": "int", "INT64": "bigint", "SID": "varchar(100)",
    "SD": "varchar(max)", "BIN": "varchar(max)", "GUID": "uniqueidentifier", "DATE": "datetime2",
    "DATEINT64": "datetime2", "BOOL": "tinyint",
}  # fmt: skip
# every attribute that a directory must be asked for
ATTRIBUTES = tuple(sorted({*TYPES}))


@dataclass
class Collector:
    """``write`` makes one collection. ``level`` 1 to 4 leaves out what a lower level does not collect."""

    version: str = "3.6.0.218"
    level: int = 4
    header: bool = False
    leave_out: tuple[str, ...] = ()  # attributes that this version does not know
    leave_out_tables: tuple[str, ...] = ()
    _tables: list[str] = field(default_factory=list)

    def write(
        self,
        folder: Path,
        *,
        dns: str,
        partitions: Mapping[str, Objects],
        root_dse: Mapping[str, Sequence[str]],
        taken: datetime,
        sysvol: Iterable[tuple[str, str, bytes]] | None = None,
    ) -> Path:
        """``partitions``: domain, configuration, schema, domaindns, forestdns to their objects (raw LDAP values).
        ``sysvol``: GUID of the policy in braces, path below the domain's folder, descriptor of each file.

        Gives the folder of the collection.
        """
        root = folder / dns / f"{taken:%Y%m%d-%H%M%S}"
        root.mkdir(parents=True)
        self._tables = [f"{dns}_{taken:%Y%m%d-%H%M%S}", _line("metadata.tsv", "metadata", "metadata", [
            ("key", "nvarchar(255)"), ("value", "nvarchar(1024)")])]  # fmt: skip
        metadata = [["oradad_version", self.version], ["oradad_level", str(self.level)], ["oradad_processtime", "1234"]]
        _write(root / "metadata.tsv", metadata)
        self._root_dse(root, root_dse, taken)
        for place, objects in partitions.items():
            folder_of = root / place / dns if place in ("domain", "domaindns") else root / place
            folder_of.mkdir(parents=True)
            self._partition(root, folder_of, place, objects, (root_dse.get("defaultNamingContext") or [""])[0])
        if sysvol is not None:
            self._sysvol(root, dns, sysvol)
        (root / "tables.tsv").write_bytes("\n".join([*self._tables, ""]).encode("ascii"))
        return root

    def _root_dse(self, root: Path, root_dse: Mapping[str, Sequence[str]], taken: datetime) -> None:
        shown = {**root_dse, "currentTime": [f"{taken:%Y%m%d%H%M%S}.0Z"]}
        cells = [(root_dse.get("dNSHostName") or ["dc1"])[0]]
        for name, kind in ROOT_DSE:
            if name == "tokenGroups":
                cells.append(";".join(shown.get(name, [])))  # the collector decodes them
                continue
            cells += _cells(kind, [value.encode() for value in shown.get(name, [])])
        _write(root / "rootDSE.tsv", [cells])
        columns = [("server", "nvarchar(50)"), *((name, SQL[kind]) for name, kind in ROOT_DSE)]
        self._tables.append(_line("rootDSE.tsv", "rootDSE", "rootDSE", columns))

    def _sysvol(self, root: Path, dns: str, files: Iterable[tuple[str, str, bytes]]) -> None:
        texts = ("forest", "domain", "guid", "path", "filename", "archivename", "securitydescriptor")
        columns = [(name, "nvarchar(300)") for name in texts] + [
            ("fileattributes", "int"), ("ftCreationTime", "datetime2"), ("ftLastAccessTime", "datetime2"),
            ("ftCreaftLastWriteTimetionTime", "datetime2"), ("filesize", "int"), ("take", "tinyint"),
            ("errorCode", "int"),
        ]  # fmt: skip
        date = "2026-11-01 00:00:00"
        rest = ["32", date, date, date, "9", "0", "0"]
        rows = [
            [dns, dns, guid, path, path.rpartition("\\")[2], "123", descriptor.hex(), *rest]
            for guid, path, descriptor in files
        ]
        if self.header:
            rows.insert(0, [name for name, _kind in columns])
        _write(root / "domain" / dns / "sysvol.tsv", rows)
        self._tables.append(
            _line(f"domain\\{dns}\\sysvol.tsv", f"domain_{dns}_sysvol", "domain_sysvol", columns)
        )

    def _partition(self, root: Path, folder: Path, place: str, objects: Objects, base: str) -> None:
        chosen = [request for request in (*REQUESTS, ROOT) if place in request.places]
        chosen = [request for request in chosen if request.name not in self.leave_out_tables]
        rows: dict[str, list[list[str]]] = {request.name: [] for request in chosen}
        for dn, attributes in objects:
            known = {name.lower(): values for name, values in attributes.items()}
            classes = {value.decode().lower() for value in known.get("objectclass", ())}
            for request in chosen:
                if request is ROOT and dn.lower() != base.lower():
                    continue
                if request.takes(classes):
                    rows[request.name].append(self._row(request, dn, known, base))
        for request in chosen:
            columns = self._columns(request)
            listed = [[name for name, _kind in columns]] if self.header else []
            _write(folder / f"{request.name}.tsv", [*listed, *rows[request.name]])
            parts = folder.relative_to(root).parts
            self._tables.append(
                _line(
                    "\\".join([*parts, f"{request.name}.tsv"]),
                    "_".join([*parts, request.name]),
                    f"{place}_{request.name}",
                    columns,
                )
            )

    def _columns(self, request: Request) -> list[tuple[str, str]]:
        columns = [("dn", "nvarchar(300)")]
        if request.name == "top":
            columns += [("shortname", "nvarchar(50)"), ("shortdn", "nvarchar(300)")]
        for name, kind in self._collected(request):
            if kind.endswith("+"):
                columns += [(name, "nvarchar(100)"), (f"{name}_int", SQL[kind[:-1]])]
            else:
                columns.append((name, SQL[kind]))
        return columns

    def _collected(self, request: Request) -> list[tuple[str, str]]:
        return [
            (name, TYPES[name][0])
            for name in dict.fromkeys(request.columns)
            if TYPES[name][1] <= self.level and name not in self.leave_out
        ]

    def _row(self, request: Request, dn: str, known: Mapping[str, Sequence[bytes]], base: str) -> list[str]:
        cells = [_clean(dn)]
        if request.name == "top":
            short = dn[: -len(base) - 1] if dn.lower().endswith("," + base.lower()) else ""
            cells += ["domain/chu", _clean(short)]
        for name, kind in self._collected(request):
            cells += _cells(kind, list(known.get(name.lower(), ())))
        return cells


def archive(root: Path, target: Path, separator: str = "/") -> Path:
    """The collection as a ZIP archive; Windows' own tool may write backslashes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as opened:
        for each in sorted(root.parent.rglob("*")):
            if each.is_file():
                opened.writestr(separator.join(each.relative_to(root.parent).parts), each.read_bytes())
    return target


def _cells(kind: str, values: list[bytes]) -> list[str]:
    """What the collector writes for the values of one attribute: one cell, two for a decoded number."""
    if kind.endswith("+"):
        return ["decoded text", str(int(values[0]))] if values else ["", ""]
    if not values:
        return [""]
    first = values[0]
    made: dict[str, Callable[[], str]] = {
        "STR": lambda: _clean(_text(first)),
        "STRS": lambda: ";".join(_clean(_text(value)) for value in values),
        "INT": lambda: _text(first),
        "SID": lambda: sids.from_bytes(first),  # of a history, the first only
        "SD": first.hex,
        "BIN": lambda: ";".join(value.hex() for value in values),
        "GUID": lambda: str(uuid.UUID(bytes_le=bytes(first))),
        "DATE": lambda: _generalized(_text(first)),
        "DATEINT64": lambda: _filetime(int(first)),
        "BOOL": lambda: "1" if first.upper() == b"TRUE" else "0",
    }
    return [made[kind]()]


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _clean(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ").replace("\t", " ")


def _generalized(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:14]}"


def _filetime(value: int) -> str:
    if value == 0x7FFFFFFFFFFFFFFF:
        return "2999-12-12 23:59:59"
    if value == 0:
        return ""
    return f"{datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 10):%Y-%m-%d %H:%M:%S}"


def _write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("wb") as stream:
        stream.write(b"\xff\xfe")
        for row in rows:
            stream.write(("\t".join(row) + "\r\n").encode("utf-16-le", "surrogatepass"))


def _line(path: str, table: str, without: str, columns: Sequence[tuple[str, str]]) -> str:
    pairs: list[Any] = [each for column in columns for each in column]
    return "\t".join([path, table, without, str(len(columns)), *pairs])
