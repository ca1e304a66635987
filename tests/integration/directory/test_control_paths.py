# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Control paths in a real domain: entries set by samba-tool are found, an attacker proves that they work, the planner
and the writer take them away, the attacker is refused, and undoing puts them back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import ldap
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import Outcome, evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_plan import AclWish, plan_acls
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.owner_plan import OwnerWish, plan_owners
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import IDENTITY_ATTRIBUTES, Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import protected_accounts
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    DACL,
    OWNER,
    ConnectionOptions,
    Session,
    sd_flags_control,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from conftest import DOMAIN, Domain

UNIT = "OU=Essai de chemins\\, contrôle"
PASSWORD = "Essai-2026-Chemins"
ATTACKER, HELPER, ADMIN, GROUP = "essai.attaquant", "essai.support", "essai.admin", "GG essai support"
RESET = "00299570-246d-11d0-a768-00aa006e0529"
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
RBCD = "3f78c3e5-f79a-46bd-a0b8-9d18116ddc79"
GPLINK = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
SCHEMA_TOO = "--option=dsdb:schema update allowed=yes"
CONTROLLERS_POLICY = "CN={6AC1786C-016F-11D2-945F-00C04FB984F9},CN=Policies,CN=System"


# Who may act for others on the domain controller: the system itself
HARMLESS = SecurityDescriptor(owner="S-1-5-32-544").with_dacl((from_sddl("(A;;GA;;;S-1-5-18)"),)).to_bytes()


@dataclass(frozen=True)
class Case:
    """One entry for ``{a}`` (the attacker) or ``{g}`` (a group that he gets into), and what it lets him do."""

    control: str
    where: str  # without the domain's DN
    sddl: str
    rights: tuple[str, ...]
    level: int
    attempt: Callable[[Any, str], None] | None = None
    corrected: bool = True


def write_attribute(name: str, value: bytes) -> Callable[[Any, str], None]:
    def attempt(attacker: Any, dn: str) -> None:
        attacker.modify_s(dn, [(ldap.MOD_REPLACE, name, [value])])

    return attempt


def reset_password(attacker: Any, dn: str) -> None:
    attacker.modify_s(dn, [(ldap.MOD_REPLACE, "unicodePwd", [f'"{PASSWORD}2"'.encode("utf-16-le")])])


CASES = [
    Case("vuln_permissions_adminsdholder", "CN=AdminSDHolder,CN=System", f"(OA;;CR;{RESET};;{{g}})", ("ResetPassword",),
         1),
    Case("vuln_permissions_adminsdholder", "CN=AdminSDHolder,CN=System", "(A;;WP;;;{a})", ("WriteAllProperties",), 1,
         write_attribute("description", b"x")),
    Case("vuln_permissions_dc", "CN=DC1,OU=Domain Controllers", f"(OA;;WP;{RBCD};;{{a}})", ("WriteAllowedToAct",), 1,
         write_attribute("msDS-AllowedToActOnBehalfOfOtherIdentity", HARMLESS)),
    Case("vuln_permissions_gpo_priv", CONTROLLERS_POLICY, "(A;;CCLCRPWPRC;;;{a})", ("WriteAllProperties",), 1,
         write_attribute("description", b"x")),
    Case("vuln_permissions_gpo_container_priv", "OU=Domain Controllers", f"(OA;;WP;{GPLINK};;{{a}})", ("WriteGPLink",),
         2, write_attribute("gPLink", f"[LDAP://{CONTROLLERS_POLICY},DC=chu-valmont,DC=test;0]".encode())),
    Case("vuln_permissions_msdns", "CN=MicrosoftDNS,CN=System", "(A;;WP;;;{a})", ("WriteAllProperties",), 1,
         write_attribute("description", b"x")),
    Case("vuln_permissions_dfsr_sysvol", "CN=DFSR-GlobalSettings,CN=System", "(A;;WD;;;{a})", ("WriteDacl",), 1),
    Case("vuln_permissions_gmsa_keys",
         "CN=Master Root Keys,CN=Group Key Distribution Service,CN=Services,CN=Configuration", "(A;;WD;;;{a})",
         ("WriteDacl",), 1),
    Case("vuln_permissions_schema", "CN=Person,CN=Schema,CN=Configuration", "(A;;WDWO;;;{a})",
         ("WriteDacl", "WriteOwner"), 1, corrected=False),  # Samba lets nobody change the schema over LDAP
    Case("vuln_privileged_members_perm", f"CN={ADMIN},{UNIT}", f"(OA;;CR;{RESET};;{{g}})", ("ResetPassword",), 1,
         reset_password),
]  # fmt: skip
ALL = sorted({case.control for case in CASES} | {"vuln_owner", "vuln_sd_failed_sd_read_on_priv"})


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture(scope="module")
def people(domain: Domain, session: Session) -> Iterator[dict[str, str]]:
    """By name the SIDs of the people of this test, each with a password; gone afterwards."""
    raw, unit = session._ldap, f"{UNIT},{session.domain_dn}"
    _remove(raw, unit)
    raw.add_s(unit, [("objectClass", [b"organizationalUnit"])])
    for name in (ATTACKER, HELPER, ADMIN):
        raw.add_s(f"CN={name},{unit}", [("objectClass", [b"user"]), ("sAMAccountName", [name.encode()])])
        domain.must("samba-tool", "user", "setpassword", name, f"--newpassword={PASSWORD}")
        domain.must("samba-tool", "user", "enable", name)
    raw.add_s(f"CN={GROUP},{unit}", [("objectClass", [b"group"]), ("sAMAccountName", [GROUP.encode()])])
    domain.must("samba-tool", "group", "addmembers", GROUP, HELPER)
    admins = f"<SID={session.domain_sid}-512>"
    raw.modify_s(admins, [(ldap.MOD_ADD, "member", [f"CN={ADMIN},{unit}".encode()])])
    found = identity.resolve_many(session, [ATTACKER, HELPER, ADMIN, GROUP])
    sids = {name: entry.sid() or "" for name, entry in found.items()}
    # he may reset the helper's password: the first hop to what the helper's group may do
    domain.must(
        "samba-tool", "dsacl", "set", f"--objectdn=CN={HELPER},{unit}", f"--sddl=(OA;;CR;{RESET};;{sids[ATTACKER]})"
    )
    try:
        yield sids
    finally:
        _remove(raw, unit)


@pytest.fixture(scope="module")
def wrong(domain: Domain, session: Session, people: dict[str, str]) -> Iterator[dict[Case, str]]:
    """Every entry, set by samba-tool; by case the DN."""
    made: dict[Case, str] = {}
    try:
        for case in CASES:
            made[case] = f"{case.where},{session.domain_dn}"
            _dsacl(domain, "set", made[case], _sddl(case, people))
        yield made
    finally:
        for case, dn in made.items():
            with contextlib.suppress(AssertionError):
                _dsacl(domain, "delete", dn, _sddl(case, people))


def _sddl(case: Case, people: dict[str, str]) -> str:
    return case.sddl.format(a=people[ATTACKER], g=people[GROUP])


def _dsacl(domain: Domain, action: str, dn: str, sddl: str) -> None:
    domain.must("samba-tool", "dsacl", action, SCHEMA_TOO, f"--objectdn={dn}", f"--sddl={sddl}")


def _remove(raw: Any, unit: str) -> None:
    with contextlib.suppress(ldap.NO_SUCH_OBJECT):
        for dn, _attributes in raw.search_s(unit, ldap.SCOPE_ONELEVEL, "(objectClass=*)", ["1.1"]):
            raw.delete_s(dn)
        raw.delete_s(unit)


def audit(session: Session, controls: list[str] = ALL) -> dict[str, Outcome]:
    snapshot = read(session)
    return {outcome.control: outcome for outcome in evaluate(snapshot, select(controls))}


def read(session: Session) -> Snapshot:
    return read_snapshot(session, thresholds=catalogue.thresholds(catalogue.load())).snapshot


@contextlib.contextmanager
def bound(domain: Domain, name: str, password: str = PASSWORD) -> Iterator[Any]:
    """An ordinary LDAP client of that account: an oracle that knows nothing of this program."""
    raw = ldap.initialize(f"ldaps://{domain.address}")
    raw.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_NEVER)
    raw.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    raw.simple_bind_s(f"{name}@{DOMAIN}", password)
    try:
        yield raw
    finally:
        raw.unbind_s()


def allowed(domain: Domain, case: Case, dn: str) -> bool:
    assert case.attempt is not None
    who = HELPER if "{g}" in case.sddl else ATTACKER
    with bound(domain, who) as raw:
        try:
            case.attempt(raw, dn)
        except ldap.INSUFFICIENT_ACCESS:
            return False
        except (ldap.CONSTRAINT_VIOLATION, ldap.UNWILLING_TO_PERFORM, ldap.INVALID_SYNTAX, ldap.OPERATIONS_ERROR):
            return True  # it was allowed to, and what it wrote is refused
        return True


def test_a_new_domain_has_no_such_right(session: Session, people: dict[str, str]) -> None:
    del people
    found = audit(session)
    assert {control: outcome.reason for control, outcome in found.items() if outcome.state != "evaluated"} == {}
    assert [each.wording for outcome in found.values() for each in outcome.found] == []


def test_each_entry_is_found_and_works(
    domain: Domain, session: Session, people: dict[str, str], wrong: dict[Case, str]
) -> None:
    found = audit(session)
    for case, dn in wrong.items():
        holder = people[GROUP] if "{g}" in case.sddl else people[ATTACKER]
        mine = [
            each
            for each in found[case.control].found
            if each.dn is not None and each.dn.casefold() == dn.casefold() and each.evidence["trustee_sid"] == holder
        ]
        assert [(tuple(each.evidence["rights"]), each.level) for each in mine] == [(case.rights, case.level)], case
        if case.attempt is not None:
            assert allowed(domain, case, dn), case
    assert sum(len(outcome.found) for outcome in found.values()) == len(CASES)


def test_the_path_is_explained_hop_by_hop(session: Session, people: dict[str, str], wrong: dict[Case, str]) -> None:
    del wrong
    (one,) = audit(session)["vuln_privileged_members_perm"].found
    drawn = [one.evidence["path"], *one.evidence["paths"]]
    ways = [[(hop["from"], hop["how"], hop["to"]) for hop in way] for way in drawn]
    short = [(HELPER, "MemberOf", GROUP), (GROUP, "ResetPassword", ADMIN)]
    long = [(ATTACKER, "ResetPassword", HELPER), *short]
    assert ways[0] == short
    assert long in ways  # besides those of the lab, whose svc-supervision rules the head of the domain
    hops = one.evidence["paths"][ways.index(long) - 1]
    assert hops[0]["ace"] == f"(OA;;CR;{RESET};;{people[ATTACKER]})"
    assert {ATTACKER, HELPER} <= set(one.evidence["principals"])


def test_corrected_and_undone(
    domain: Domain, session: Session, people: dict[str, str], wrong: dict[Case, str]
) -> None:
    del people
    remediation = {control: catalogue.load()[control].remediation for control in ALL}
    wishes = []
    corrected = {case.control for case in CASES if case.corrected}
    for control, outcome in audit(session).items():
        for each in outcome.found if control in corrected else ():
            finding = {"control": control, "object": {"label": each.label}, "evidence": each.evidence}
            entry_of = remediation[control]
            assert entry_of is not None
            (entry,) = entry_of.entries(finding) or pytest.fail(f"{each}")
            wishes.append(AclWish(entry["object"], entry["trustee"], entry["ace"]))
    objects = list(dict.fromkeys(wish.object for wish in wishes))
    entries = identity.resolve_many(session, objects, [*IDENTITY_ATTRIBUTES, "nTSecurityDescriptor"], sd_flags=DACL)
    plan = Plan()
    plan_acls(session, plan, entries, wishes, protected_accounts(session, {}, {}))
    changes = [model.completed(change, DOMAIN) for change in plan.changes]
    assert len(changes) == sum(case.corrected for case in CASES)
    results = writer.write(session, "apply", changes)["results"]
    assert {result["status"] for result in results} == {"applied"}, results
    left = audit(session)
    assert [each.wording for control in corrected for each in left[control].found] == []
    refused = {case: allowed(domain, case, dn) for case, dn in wrong.items() if case.attempt is not None}
    assert not any(refused.values()), refused
    results = writer.write(session, "undo", changes)["results"]
    assert {result["status"] for result in results} == {"undone"}, results
    assert sum(len(outcome.found) for outcome in audit(session).values()) == len(CASES)


def test_an_owner_is_found_after_a_week_and_replaced(
    domain: Domain, session: Session, people: dict[str, str]
) -> None:
    """Who made an object may rewrite its access list, until administrators own it."""
    unit = f"{UNIT},{session.domain_dn}"
    dn = f"CN=essai.cree,{unit}"
    domain.must("samba-tool", "dsacl", "set", f"--objectdn={unit}", f"--sddl=(A;;CC;;;{people[ATTACKER]})")
    with bound(domain, ATTACKER) as raw:
        raw.add_s(dn, [("objectClass", [b"user"]), ("sAMAccountName", [b"essai.cree"])])
    assert _rewrites_list(domain, session, dn)
    assert audit(session, ["vuln_owner"])["vuln_owner"].found == []  # too young
    snapshot = read(session)
    snapshot.taken += timedelta(days=8)
    (outcome,) = evaluate(snapshot, select(["vuln_owner"]))
    (one,) = [each for each in outcome.found if each.dn == dn]
    assert one.evidence["owner_sid"] == people[ATTACKER]
    remediation = catalogue.load()["vuln_owner"].remediation
    assert remediation is not None
    finding = {"control": "vuln_owner", "object": {"label": one.label}, "evidence": one.evidence}
    (wanted,) = remediation.entries(finding)
    entries = identity.resolve_many(
        session, [wanted["object"]], [*IDENTITY_ATTRIBUTES, "adminCount", "nTSecurityDescriptor"], sd_flags=OWNER
    )
    plan = Plan()
    plan_owners(session, plan, entries, [OwnerWish(wanted["object"])], protected_accounts(session, {}, {}))
    changes = [model.completed(change, DOMAIN) for change in plan.changes]
    assert [r["status"] for r in writer.write(session, "apply", changes)["results"]] == ["applied"]
    assert not _rewrites_list(domain, session, dn)
    again = read(session)
    again.taken += timedelta(days=8)
    (outcome,) = evaluate(again, select(["vuln_owner"]))
    assert dn not in [each.dn for each in outcome.found]
    assert [r["status"] for r in writer.write(session, "undo", changes)["results"]] == ["undone"]
    assert _rewrites_list(domain, session, dn)


def _rewrites_list(domain: Domain, session: Session, dn: str) -> bool:
    """Whether the attacker may write back the access list that the object has."""
    entry = session.read(dn, ["nTSecurityDescriptor"], sd_flags=DACL)
    assert entry is not None
    with bound(domain, ATTACKER) as raw:
        try:
            raw.modify_ext_s(
                dn,
                [(ldap.MOD_REPLACE, "nTSecurityDescriptor", [entry.raw("nTSecurityDescriptor")])],
                serverctrls=[sd_flags_control(DACL)],
            )
        except ldap.INSUFFICIENT_ACCESS:
            return False
        return True


def test_a_reader_without_rights_is_told_which_are_missing(
    domain: Domain, session: Session, people: dict[str, str]
) -> None:
    """A deny entry for the reader hides a descriptor as an attacker would hide it."""
    options = domain.options(server=domain.address, auth_protocol="ntlm", username=f"{HELPER}@{DOMAIN}")
    dn = f"CN={ADMIN},{UNIT},{session.domain_dn}"
    deny = f"(D;;RC;;;{people[HELPER]})"
    domain.must("samba-tool", "dsacl", "set", f"--objectdn={dn}", f"--sddl={deny}")
    try:
        with Session.connect(ConnectionOptions.from_params({**options, "password": PASSWORD})) as plain:
            found = audit(plain, ["vuln_privileged_members_perm", "vuln_sd_failed_sd_read_on_priv"])
        assert [each.label for each in found["vuln_sd_failed_sd_read_on_priv"].found] == [ADMIN]
        assert "READ_CONTROL" in str(found["vuln_privileged_members_perm"].reason)
    finally:
        domain.must("samba-tool", "dsacl", "delete", f"--objectdn={dn}", f"--sddl={deny}")


