"""Reading a snapshot over a session: what is asked, what comes out, and what silence of the server means."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Acl,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import (
    escape,
    read_snapshot,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from controls.domain import BASE, DOMAIN, sid, unreadable
from controls.ldap_filter import parse

CONFIG = f"CN=Configuration,{BASE}"
SYSTEM = f"CN=System,{BASE}"
PSO_FOLDER = f"CN=Password Settings Container,{SYSTEM}"
SERVICE = f"CN=Directory Service,CN=Windows NT,CN=Services,{CONFIG}"
FOREIGN = f"CN=ForeignSecurityPrincipals,{BASE}"
DNS_DESCRIPTOR = SecurityDescriptor(0x8004, owner=sid(512), dacl=Acl((from_sddl("(A;;GA;;;S-1-5-18)"),))).to_bytes()
GUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff").bytes_le


def raw(value: Any) -> list[bytes]:
    values = value if isinstance(value, list) else [value]
    return [each if isinstance(each, bytes) else str(each).encode() for each in values]


class Refused(Exception):
    """Stands for python-ldap's exception."""


class FakeSession:
    """Objects as ``{dn: {attribute: value}}``."""

    domain_dn, configuration_dn, schema_dn = BASE, CONFIG, f"CN=Schema,{CONFIG}"
    domain_sid, dns_name, server = DOMAIN, "chu-valmont.test", "dc1.chu-valmont.test"
    connected_sid = sid(1105)
    root_dse: ClassVar[dict[str, list[str]]] = {"rootDomainNamingContext": [BASE]}

    def __init__(self, objects: dict[str, dict[str, Any]], refuse: dict[str, int] | None = None) -> None:
        self.objects, self.refuse = objects, refuse or {}

    def _entry(self, dn: str, attributes: Sequence[str]) -> Entry:
        wanted = {each.lower() for each in attributes}
        shown = {k: raw(v) for k, v in self.objects[dn].items() if k.lower() in wanted}
        parents = [name for name, other in self.objects.items() if dn in other.get("member", [])]
        if "memberof" in wanted and parents:
            shown["memberOf"] = raw(parents)
        return Entry(dn, CaseInsensitiveDict(shown))

    def _check(self, dn: str) -> None:
        if dn in self.refuse:
            raise DirectoryError(f"refused: {dn}") from Refused({"result": self.refuse[dn]})

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
        self._check(dn)
        if dn.startswith("<SID="):
            binary = sids.to_bytes(dn[5:-1])
            found = [name for name, each in self.objects.items() if each.get("objectSid") == binary]
            return self._entry(found[0], attributes) if found else None
        return self._entry(dn, attributes) if dn in self.objects else None

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        sd_flags: int | None = None,
    ) -> Iterator[Entry]:
        self._check(base)
        asked = parse(ldap_filter)
        for dn, each in self.objects.items():
            parents = [name for name, other in self.objects.items() if dn in other.get("member", [])]
            match = asked({**each, "memberOf": parents})
            if match and dn.endswith(base):
                yield self._entry(dn, attributes)


def account(rid: int, name: str, kind: int = 805306368, **facts: Any) -> tuple[str, dict[str, Any]]:
    dn = facts.pop("dn", f"CN={name},OU=Unité de soins d'urgence,{BASE}")
    return dn, {
        "objectSid": sids.to_bytes(sid(rid)),
        "objectClass": ["top", "user"],
        "sAMAccountName": name,
        "sAMAccountType": kind,
        "userAccountControl": uac.NORMAL_ACCOUNT,
        "pwdLastSet": 133_000_000_000_000_000,
        "lastLogonTimestamp": 134_000_000_000_000_000,
        "whenCreated": "20200101080000.0Z",
        "primaryGroupID": 513,
        "objectGUID": uuid.UUID(int=rid).bytes_le,
        "nTSecurityDescriptor": b"sd",
        **facts,
    }


def group(identity: str, name: str, *members: str) -> tuple[str, dict[str, Any]]:
    return f"CN={name},CN=Users,{BASE}", {
        "objectSid": sids.to_bytes(identity),
        "objectClass": ["top", "group"],
        "sAMAccountName": name,
        "member": list(members),
    }


def world() -> dict[str, dict[str, Any]]:
    """A small domain whose names need escaping in filters."""
    nested_dn = f"CN=Équipe (d'astreinte) *,CN=Users,{BASE}"
    people = [account(500, "Administrateur"), account(501, "Invité"), account(502, "krbtgt"), account(1201, "benoît")]
    admin, _guest, _krbtgt, person = (dn for dn, _ in people)
    machines = [
        account(
            1000,
            "DC1$",
            805306369,
            userAccountControl=uac.SERVER_TRUST_ACCOUNT,
            primaryGroupID=516,
            operatingSystem="Windows Server 2022 Standard",
            dNSHostName="dc1.chu-valmont.test",
            servicePrincipalName=["HOST/dc1.chu-valmont.test", "ldap/DC1"],
        ),
        account(1301, "gmsa$", 805306369, objectClass=["top", "computer", "msDS-GroupManagedServiceAccount"]),
        account(1302, "svc-sql", servicePrincipalName=["MSSQLSvc/sql1:1433", "HTTP/sql1"]),
    ]
    groups = [
        group("S-1-5-32-544", "Administrateurs", admin, f"CN=Admins du domaine,CN=Users,{BASE}"),
        group(sid(512), "Admins du domaine", admin, nested_dn),
        (nested_dn, group(sid(1401), "Équipe", person, f"CN=Admins du domaine,CN=Users,{BASE}")[1]),
        group(sid(525), "Utilisateurs protégés"),
    ]
    pso = {
        "objectGUID": GUID,
        "objectClass": ["top", "msDS-PasswordSettings"],
        "msDS-PasswordSettingsPrecedence": 10,
        "msDS-MinimumPasswordLength": 40,
        "msDS-MaximumPasswordAge": -(365 * 86400 * 10**7),
        "msDS-PSOAppliesTo": [person],
        "whenChanged": "20260101000000.0Z",
    }
    heads = {dn: {"objectGUID": GUID, "nTSecurityDescriptor": b"sd"} for dn in (BASE, CONFIG, f"CN=Schema,{CONFIG}")}
    heads[BASE]["ms-DS-MachineAccountQuota"] = 10
    return {
        **dict(people),
        **dict(machines),
        **dict(groups),
        **heads,
        PSO_FOLDER: {"objectGUID": GUID},
        f"CN=PSO administrateurs,{PSO_FOLDER}": pso,
        SERVICE: {"objectGUID": GUID, "dSHeuristics": "0000002"},
        f"CN=Services,{CONFIG}": {"objectGUID": GUID},
        f"CN=CHUVALMONT,CN=Partitions,{CONFIG}": {
            "objectClass": ["crossRef"],
            "cn": "CHUVALMONT",
            "systemFlags": 3,
            "nCName": BASE,
        },
        **infrastructure(),
        **secured(),
        **settings(),
    }


def settings() -> dict[str, dict[str, Any]]:
    """What the heads of domain and forest say, and what every forest has in its Configuration."""
    plain = {"objectGUID": GUID, "objectClass": ["top", "container"]}
    head = {
        "objectGUID": GUID,
        "nTSecurityDescriptor": b"sd",
        "ms-DS-MachineAccountQuota": 10,
        "msDS-Behavior-Version": 7,
        "pwdProperties": 1,
        "minPwdLength": 12,
        "maxPwdAge": -(365 * 86400 * 10**7),
        "msDS-ExpirePasswordsOnSmartCardOnlyAccounts": "TRUE",
    }
    compatible = group("S-1-5-32-554", "Accès compatible pré-Windows 2000", f"CN=S-1-5-11,{FOREIGN}")
    return {
        BASE: head,
        f"CN=Partitions,{CONFIG}": {**plain, "msDS-Behavior-Version": 7},
        f"CN=Policies,{SYSTEM}": dict(plain),
        f"CN=DomainUpdates,{SYSTEM}": dict(plain),
        f"CN=ActiveDirectoryUpdate,CN=DomainUpdates,{SYSTEM}": {**plain, "revision": 16},
        f"CN=File Replication Service,{SYSTEM}": dict(plain),
        f"CN=DFSR-GlobalSettings,{SYSTEM}": {
            "objectGUID": GUID,
            "objectClass": ["top", "msDFSR-GlobalSettings"],
            "nTSecurityDescriptor": b"sd",
            "msDFSR-Flags": 48,
        },
        f"CN=MicrosoftDNS,{SYSTEM}": {**plain, "nTSecurityDescriptor": DNS_DESCRIPTOR},
        f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,{CONFIG}": {
            "objectGUID": GUID,
            "objectClass": ["top", "displaySpecifier"],
            "adminContextMenu": ["1,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6}"],
        },
        compatible[0]: {**compatible[1], "nTSecurityDescriptor": DNS_DESCRIPTOR},
        f"CN=S-1-5-11,{FOREIGN}": {
            "objectClass": ["top", "foreignSecurityPrincipal"],
            "objectSid": sids.to_bytes("S-1-5-11"),
        },
    }


def secured() -> dict[str, dict[str, Any]]:
    """Objects whose access lists matter, one of each kind."""
    policy = f"CN={{31B2F340-016D-11D2-945F-00C04FB984F9}},CN=Policies,{SYSTEM}"
    facts = {"objectGUID": GUID, "nTSecurityDescriptor": b"sd"}
    container = {**facts, "objectClass": ["top", "container"]}
    return {
        f"CN=AdminSDHolder,{SYSTEM}": dict(container),
        f"CN=MicrosoftDNS,{SYSTEM}": dict(container),
        f"CN=DFSR-GlobalSettings,{SYSTEM}": {**facts, "objectClass": ["top", "msDFSR-GlobalSettings"]},
        f"CN=BCKUPKEY_P Secret,{SYSTEM}": {**facts, "objectClass": ["top", "secret"]},
        f"CN=Group Key Distribution Service,CN=Services,{CONFIG}": dict(container),
        f"CN=person,CN=Schema,{CONFIG}": {**facts, "objectClass": ["top", "classSchema"]},
        f"CN=Site,CN=Sites,{CONFIG}": {**facts, "objectClass": ["top", "site"]},
        policy: {**facts, "objectClass": ["top", "container", "groupPolicyContainer"], "displayName": "Par défaut"},
        f"OU=Unité de soins d'urgence,{BASE}": {
            **facts,
            "objectClass": ["top", "organizationalUnit"],
            "gPLink": f"[LDAP://{policy};2][LDAP://cn={{x}},{SYSTEM};1]",
            "gPOptions": 1,
            "whenCreated": "20200101080000.0Z",
        },
    }


def infrastructure() -> dict[str, dict[str, Any]]:
    """What every forest has besides accounts: the server object of its controller, containers of the PKI, of DNS."""
    server = f"CN=DC1,CN=Servers,CN=Site,CN=Sites,{CONFIG}"
    dc1, _facts = account(1000, "DC1$")
    keys = f"CN=Public Key Services,CN=Services,{CONFIG}"
    below = [f"CN={name},{keys}" for name in ("AIA", "Certification Authorities", "Enrollment Services")]
    container = {"objectGUID": GUID, "objectClass": ["top", "container"], "nTSecurityDescriptor": b"sd"}
    return {
        server: {"objectGUID": GUID, "objectClass": ["top", "server"], "serverReference": dc1},
        f"CN=NTDS Settings,{server}": {"objectClass": ["top", "nTDSDSA"], "msDS-Behavior-Version": 7},
        **{dn: dict(container) for dn in (SYSTEM, keys, *below)},
    }


def read(objects: dict[str, dict[str, Any]] | None = None, refuse: dict[str, int] | None = None) -> Snapshot:
    session = FakeSession(world() if objects is None else objects, refuse)
    return read_snapshot(session, trustees=lambda _: [], thresholds=catalogue.for_audit()["thresholds"]).snapshot


def test_reads_everything() -> None:
    snapshot = read()
    assert snapshot.unreadable == {}
    kinds = {each.label: each.kind for each in snapshot.accounts}
    assert (kinds["gmsa$"], kinds["DC1$"], kinds["svc-sql"]) == ("msa", "computer", "user")
    (service,) = [each for each in snapshot.accounts if each.spns and each.kind == "user"]
    assert service.spns == ("MSSQLSvc/sql1:1433", "HTTP/sql1")
    assert {a.label for a, _ in snapshot.privileged_accounts()} == {"Administrateur", "benoît"}
    assert snapshot.ds_heuristics == "0000002"
    assert (snapshot.machine_account_quota, snapshot.domain_count) == (10, 1)
    (pso,) = snapshot.psos
    assert (pso.minimum_length, pso.maximum_age_days) == (40, 365)
    benoit = next(each for each in snapshot.accounts if each.label == "benoît")
    assert snapshot.resultant_pso(benoit) is pso
    assert [each.role for each in snapshot.naming_contexts] == ["domain", "configuration", "schema"]
    assert benoit.pwd_last_set is not None and benoit.pwd_last_set.year == 2022


def test_reads_service_names_of_domain_controllers_and_clusters_only() -> None:
    objects = world()
    names = ["HOST/srv1", "MSServerClusterMgmtAPI/srv1"]
    objects.update(
        [
            account(1311, "SRV1$", 805306369, servicePrincipalName=names),
            account(1312, "GRAPPE$", 805306369, servicePrincipalName=["MSServerCluster/grappe", "HOST/grappe"]),
            account(1313, "GRAPPE-SQL$", 805306369, servicePrincipalName=["MSClusterVirtualServer/grappe-sql"]),
        ]
    )
    spns = {each.label: each.spns for each in read(objects).accounts if each.kind == "computer"}
    assert spns == {
        "DC1$": ("HOST/dc1.chu-valmont.test", "ldap/DC1"),
        "SRV1$": (),
        "GRAPPE$": ("MSServerCluster/grappe", "HOST/grappe"),
        "GRAPPE-SQL$": ("MSClusterVirtualServer/grappe-sql",),
    }
    (dc1,) = [each for each in read(objects).accounts if each.is_dc]
    assert (dc1.host_name, dc1.operating_system) == ("dc1.chu-valmont.test", "Windows Server 2022 Standard")


def test_reads_what_only_few_accounts_have() -> None:
    objects = world()
    dn, facts = account(1201, "benoît")
    history = [sids.to_bytes("S-1-5-21-1-2-3-500"), sids.to_bytes("S-1-5-32-544")]
    objects[dn] = facts | {
        "adminCount": 1,
        "msDS-AllowedToDelegateTo": ["cifs/srv1", "ldap/dc1"],
        "msDS-AllowedToActOnBehalfOfOtherIdentity": b"\x01\x00descriptor",
        "sIDHistory": history,
    }
    group_dn = f"CN=Utilisateurs protégés,CN=Users,{BASE}"
    objects[group_dn] |= {"sIDHistory": history[:1], "sAMAccountType": 268435456}
    snapshot = read(objects)
    benoit = next(each for each in snapshot.accounts if each.label == "benoît")
    assert (benoit.admin_count, benoit.delegates_to) == (1, ("cifs/srv1", "ldap/dc1"))
    assert benoit.resource_delegation == b"\x01\x00descriptor"
    assert {each.label: (each.type, each.values) for each in snapshot.sid_histories} == {
        "benoît": ("user", ("S-1-5-21-1-2-3-500", "S-1-5-32-544")),
        "Utilisateurs protégés": ("group", ("S-1-5-21-1-2-3-500",)),
    }
    objects[dn]["sIDHistory"] = [b"\x01\x05cut"]
    assert "no SID" in read(objects).unreadable["SID histories"]
    objects[dn]["sIDHistory"] = history
    del objects[dn]["objectSid"]
    assert "benoît" in read(objects).unreadable["SID histories"]


def test_durations_name_each_part() -> None:
    durations = read_snapshot(FakeSession(world())).durations
    assert set(durations) >= {"domain", "accounts", "groups", "password settings", "settings", "descriptors"}


def _without(objects: dict[str, dict[str, Any]], *dns: str) -> dict[str, dict[str, Any]]:
    return {dn: each for dn, each in objects.items() if dn not in dns}


def _blank(objects: dict[str, dict[str, Any]], attribute: str) -> dict[str, dict[str, Any]]:
    return {dn: {k: v for k, v in each.items() if k != attribute} for dn, each in objects.items()}


@pytest.mark.parametrize(
    ("objects", "control", "part"),
    [
        (_blank(world(), "userAccountControl"), "vuln_delegation_t4d", "userAccountControl"),
        (_blank(world(), "pwdLastSet"), "vuln_user_accounts_dormant", "pwdLastSet"),
        (_blank(world(), "pwdLastSet"), "vuln_krbtgt", "pwdLastSet"),
        (_blank(world(), "lastLogonTimestamp"), "vuln_user_accounts_dormant", "lastLogonTimestamp"),
        (_blank(world(), "member"), "vuln_dont_expire_priv", "S-1-5-32-544"),
        (_blank(world(), "ms-DS-MachineAccountQuota"), "vuln_user_accounts_machineaccountquota", "MachineAccountQuota"),
        (_without(world(), SERVICE), "vuln_dsheuristics_bad", "Directory Service"),
        (_without(world(), f"CN=CHUVALMONT,CN=Partitions,{CONFIG}"), "vuln_privileged_members", "Partitions"),
        (_without(world(), f"CN=Utilisateurs protégés,CN=Users,{BASE}"), "vuln_protected_users", "525"),
        (_without(world(), f"CN=Admins du domaine,CN=Users,{BASE}"), "vuln_spn_priv", ""),
        (_without(world(), account(1201, "benoît")[0]), "mie_ad_smartcard", "benoît"),
        ({BASE: {"objectGUID": GUID}}, "vuln_guest", "no account"),
        (_blank(world(), "servicePrincipalName"), "vuln_delegation_a2d2", "servicePrincipalName"),
        (_blank(world(), "servicePrincipalName"), "vuln_delegation_t2a4d", "DC1$"),
        (_blank(world(), "operatingSystem"), "vuln_password_change_server_no_change_90", "operatingSystem"),
        (_blank(world(), "primaryGroupID"), "vuln_primary_group_id_1000", "primaryGroupID"),
        (_blank(world(), "adminCount"), "vuln_privileged_members_no_admincount", "adminCount"),
    ],
)
def test_silence_is_unreadable(objects: dict[str, dict[str, Any]], control: str, part: str) -> None:
    assert part in unreadable(control, read(objects))


def test_psos_that_only_domain_admins_see() -> None:
    hidden = world()
    hidden[PSO_FOLDER] = {}
    assert "password settings objects" in read(hidden).unreadable
    assert "password settings objects" in read(_without(world(), PSO_FOLDER)).unreadable
    one = world()
    one[f"CN=PSO administrateurs,{PSO_FOLDER}"] = {"objectClass": ["top", "msDS-PasswordSettings"]}
    assert "password settings objects" in read(one).unreadable


@pytest.mark.parametrize("code", [50, 32, 10])
def test_a_refusal_is_unreadable(code: int) -> None:
    assert "dSHeuristics" in read(refuse={SERVICE: code}).unreadable
    assert "forest partitions" in read(refuse={f"CN=Partitions,{CONFIG}": code}).unreadable


def test_a_lost_connection_is_an_error() -> None:
    with pytest.raises(DirectoryError):
        read(refuse={SERVICE: 81})


def test_a_contact_in_a_privileged_group_has_no_rights() -> None:
    objects = world()
    contact = f"CN=Prestataire,OU=Contacts,{BASE}"
    objects[contact] = {"objectClass": ["top", "contact"]}
    objects[f"CN=Admins du domaine,CN=Users,{BASE}"]["member"].append(contact)
    snapshot = read(objects)
    assert snapshot.unreadable == {}
    assert snapshot.privileged.foreign == {}


def test_escaping_of_filters() -> None:
    assert escape("CN=É (a) *\\x\0") == "CN=É \\28a\\29 \\2a\\5cx\\00"


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        ("BENOÎT", "break_glass"),
        (sid(1201), "break_glass"),
        (account(1201, "benoît")[0].upper(), "break_glass"),
    ],
)
def test_protected_accounts(identity: str, kind: str) -> None:
    snapshot = read()
    snapshot.connected_sid = sid(1302)
    missing = snapshot.protect({"break_glass": [identity, "personne"], "automation": [sid(1201), "svc-sql"]})
    assert missing == ["personne"]
    assert snapshot.protected == {sid(1201): kind, sid(1302): "automation"}


def test_the_connected_account_is_marked() -> None:
    snapshot = read()
    snapshot.connected_sid = sid(1302)
    snapshot.protect({"break_glass": ["benoît"], "automation": []})
    assert snapshot.protected == {sid(1201): "break_glass", sid(1302): "connected_account"}
