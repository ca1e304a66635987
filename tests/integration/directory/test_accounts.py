# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delegations, primary groups, SID histories, marks and AES in a real domain: found, corrected, undone.

What is there is asked of the database by ``ldbsearch``, on the domain controller, never of the code under test.

Samba lets nobody change sIDHistory or msDS-AllowedToActOnBehalfOfOtherIdentity over LDAP (Active Directory takes a
removal of both), so the writer's requests for these two reach the database through ``ldbmodify``. That the server's
refusal is told as it is, is tested over LDAP.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ldap
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import (
    plan_account,
    plan_delegation,
    plan_primary_group,
    plan_sid_history,
    writer,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    ConnectionOptions,
    Entry,
    Result,
    Session,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from conftest import DC_FQDN, DOMAIN, Domain

DATABASE = "/var/lib/samba/private/sam.ldb"
UNIT = "OU=Comptes d'essai\\, été"
NOBODY = Protected()
BOTH = ("AES128_CTS_HMAC_SHA1_96", "AES256_CTS_HMAC_SHA1_96")
PORTAL, HIDDEN, OUTSIDER, MIGRATED, ADMIN, SERVICE, SERVER = (
    "essai.portail",
    "essai.caché",
    "essai.externe",
    "essai.migré",
    "essai.admin",
    "essai.svc",
    "ESSAI-SRV$",
)


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


def ask(domain: Domain, dn: str, *attributes: str) -> dict[str, list[str]]:
    """The attributes of one object, as the database has them: ``name`` or ``name:`` (base64) to values."""
    said = domain.must("ldbsearch", "-H", DATABASE, "-b", dn, "-s", "base", "(objectClass=*)", *attributes)
    found: dict[str, list[str]] = {}
    for line in said.replace("\n ", "").splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith(("#", "dn:")):
            text = base64.b64decode(value[1:].strip()).decode("utf-8", "replace") if value[:1] == ":" else value.strip()
            found.setdefault(name, []).append(text)
    return found


def write_there(domain: Domain, ldif: str, *controls: str) -> None:
    domain.must("ldbmodify", "-H", DATABASE, *(f"--controls={each}" for each in controls), given=ldif)


@pytest.fixture(scope="module")
def people(domain: Domain, session: Session) -> Iterator[dict[str, str]]:
    """The accounts of this test, by logon name their DNs; gone afterwards."""
    raw, unit = session._ldap, f"{UNIT},{session.domain_dn}"
    _remove(raw, unit)
    raw.add_s(unit, [("objectClass", [b"organizationalUnit"])])
    dns: dict[str, str] = {}
    for name in (PORTAL, HIDDEN, OUTSIDER, MIGRATED, ADMIN, SERVICE, SERVER):
        dn = dns[name] = f"CN={name.removesuffix('$')},{unit}"
        kind, flags = (b"computer", b"4098") if name.endswith("$") else (b"user", b"514")
        raw.add_s(
            dn, [("objectClass", [kind]), ("sAMAccountName", [name.encode()]), ("userAccountControl", [flags])]
        )
        if not name.endswith("$"):
            domain.must("samba-tool", "user", "setpassword", name, "--newpassword=Essai-2026-secret")
            domain.must("samba-tool", "user", "enable", name)
    group = f"CN=GG Externes,{unit}"
    raw.add_s(group, [("objectClass", [b"group"]), ("sAMAccountName", [b"GG Externes essai"])])
    try:
        yield dns | {"group": group}
    finally:
        _remove(raw, unit)


def _remove(raw: Any, unit: str) -> None:
    try:
        below = raw.search_s(unit, ldap.SCOPE_ONELEVEL, "(objectClass=*)", ["1.1"])
    except ldap.NO_SUCH_OBJECT:
        return
    # a group cannot go before those whose primary group it is
    for dn, _attributes in sorted(below, key=lambda item: str(item[0]).startswith("CN=GG")):
        raw.delete_s(dn)
    raw.delete_s(unit)


def read(session: Session, dn: str, attributes: tuple[str, ...]) -> Entry:
    entry = session.read(dn, list(attributes))
    assert entry is not None
    return entry


def completed(plan: Plan) -> list[model.Change]:
    return [model.completed(change, DOMAIN) for change in plan.changes]


class Within:
    """A session that reads over LDAP and has its modifications made inside the domain controller."""

    def __init__(self, domain: Domain, session: Session) -> None:
        self.domain, self.session = domain, session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def modify_many(self, items: Iterable[tuple[str, list[Any], Any]], window: int = 64) -> Iterator[Result]:
        for dn, modlist, _controls in items:
            entry = self.session.read(dn, ["objectGUID"])
            assert entry is not None
            parts = [f"dn:: {base64.b64encode(entry.dn.encode()).decode()}", "changetype: modify"]
            for operation, attribute, values in modlist:
                verb = {ldap.MOD_ADD: "add", ldap.MOD_DELETE: "delete", ldap.MOD_REPLACE: "replace"}[operation]
                parts += [f"{verb}: {attribute}"]
                parts += [f"{attribute}:{_ldif(attribute, value)}" for value in values or []]
                parts += ["-"]
            write_there(self.domain, "\n".join(parts) + "\n", "relax:0", "provision:0")
            yield Result(dn, 0)


def _ldif(attribute: str, value: bytes) -> str:
    # ldbmodify takes SIDs as text only
    return f" {sids.from_bytes(value)}" if attribute == "sIDHistory" else f": {base64.b64encode(value).decode()}"


def statuses(session: Any, operation: str, changes: list[model.Change]) -> list[str]:
    result = writer.write(session, operation, changes)
    return [r["status"] + (f": {r['message']}" if r["message"] else "") for r in result["results"]]


def found(session: Session, control: str, *, days_later: float = 0) -> dict[str, dict[str, Any]]:
    """What a live audit finds, by label its evidence; the control must be evaluated."""
    now = datetime.now(UTC) + timedelta(days=days_later)
    snapshot = read_snapshot(session, now=now, thresholds=catalogue.thresholds(catalogue.load())).snapshot
    (outcome,) = evaluate(snapshot, select([control]))
    assert outcome.state == "evaluated", outcome.reason
    return {each.label: each.evidence for each in outcome.found}


def test_constrained_delegation(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn = people[PORTAL]
    write_there(
        domain,
        f"dn: {dn}\nchangetype: modify\nadd: msDS-AllowedToDelegateTo\nmsDS-AllowedToDelegateTo: cifs/{DC_FQDN}\n"
        f"msDS-AllowedToDelegateTo: LDAP/DC1\nmsDS-AllowedToDelegateTo: HTTP/intranet.{DOMAIN}\n",
    )
    assert found(session, "vuln_delegation_a2d2")[PORTAL]["targets"] == ["LDAP/DC1", f"cifs/{DC_FQDN}"]
    assert PORTAL not in found(session, "vuln_delegation_t2a4d")
    write_there(domain, f"dn: {dn}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: 16777728\n")
    before = ask(domain, dn, "msDS-AllowedToDelegateTo", "userAccountControl")
    evidence = found(session, "vuln_delegation_t2a4d")[PORTAL]
    assert set(evidence["carriers"].values()) == {"DC1$"}
    assert PORTAL not in found(session, "vuln_delegation_a2d2")

    plan = Plan()
    wish = plan_delegation.DelegationWish(tuple(evidence["targets"]), "clear_unused")
    plan_delegation.plan_delegation(plan, read(session, dn, plan_delegation.ATTRIBUTES), wish, NOBODY)
    changes = completed(plan)
    assert statuses(session, "apply", changes) == ["applied"]
    assert ask(domain, dn, "msDS-AllowedToDelegateTo", "userAccountControl") == before | {
        "msDS-AllowedToDelegateTo": [f"HTTP/intranet.{DOMAIN}"]
    }
    assert PORTAL not in found(session, "vuln_delegation_t2a4d")
    assert statuses(session, "apply", changes) == ["already"]

    rest = Plan()
    wish = plan_delegation.DelegationWish((f"http/intranet.{DOMAIN}",), "clear_unused")
    plan_delegation.plan_delegation(rest, read(session, dn, plan_delegation.ATTRIBUTES), wish, NOBODY)
    more = completed(rest)
    assert statuses(session, "apply", more) == ["applied", "applied"]
    assert ask(domain, dn, "msDS-AllowedToDelegateTo", "userAccountControl") == {"userAccountControl": ["512"]}
    assert statuses(session, "undo", more) == ["undone", "undone"]
    assert statuses(session, "undo", changes) == ["undone"]
    now = ask(domain, dn, "msDS-AllowedToDelegateTo", "userAccountControl")
    assert {name: sorted(values) for name, values in now.items()} == {n: sorted(v) for n, v in before.items()}


def test_resource_based_delegation_of_the_domain_controller(
    domain: Domain, session: Session, people: dict[str, str]
) -> None:
    controller = domain.must("ldbsearch", "-H", DATABASE, "(sAMAccountName=DC1$)", "dn").split("dn: ")[1].split("\n")[0]
    domain.must("samba-tool", "delegation", "add-principal", "DC1$", SERVER)
    try:
        before = ask(domain, controller, "msDS-AllowedToActOnBehalfOfOtherIdentity")
        assert len(before) == 1
        assert found(session, "vuln_delegation_sourcedeleg")["DC1$"]["allowed_names"] == [SERVER]
        plan = Plan()
        entry = read(session, controller, plan_delegation.ATTRIBUTES)
        wish = plan_delegation.DelegationWish(clear_resource_delegation=True)
        plan_delegation.plan_delegation(plan, entry, wish, NOBODY)
        changes = completed(plan)
        (refused,) = statuses(session, "apply", changes)
        assert refused.startswith("failed: DC1$ (msDS-AllowedToActOnBehalfOfOtherIdentity)"), refused
        assert statuses(Within(domain, session), "apply", changes) == ["applied"]
        assert ask(domain, controller, "msDS-AllowedToActOnBehalfOfOtherIdentity") == {}
        assert SERVER not in domain.must("samba-tool", "delegation", "show", "DC1$")
        assert found(session, "vuln_delegation_sourcedeleg") == {}
        assert statuses(Within(domain, session), "undo", changes) == ["undone"]
        assert ask(domain, controller, "msDS-AllowedToActOnBehalfOfOtherIdentity") == before
        assert SERVER.removesuffix("$") in domain.must("samba-tool", "delegation", "show", "DC1$")
    finally:
        write_there(
            domain, f"dn: {controller}\nchangetype: modify\nreplace: msDS-AllowedToActOnBehalfOfOtherIdentity\n"
        )


def members(domain: Domain, session: Session, rid: int) -> list[str]:
    dn = f"<SID={sids.in_domain(session.domain_sid, rid)}>"
    return ask(domain, dn, "member").get("member", [])


def primary(session: Session, dn: str, *, join: bool) -> list[model.Change]:
    wanted = ("objectGUID", "objectSid", "objectClass", "sAMAccountName")
    groups = {rid: read(session, f"<SID={sids.in_domain(session.domain_sid, rid)}>", wanted) for rid in (513, 515)}
    plan = Plan()
    entry = read(session, dn, plan_primary_group.ATTRIBUTES)
    plan_primary_group.plan_primary_group(plan, entry, groups, join=join, protected=NOBODY)
    return completed(plan)


def test_a_hidden_administrator(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn = people[HIDDEN]
    admins = f"<SID={sids.in_domain(session.domain_sid, 512)}>"
    name = ask(domain, admins, "sAMAccountName")["sAMAccountName"][0]
    domain.must("samba-tool", "group", "addmembers", name, HIDDEN)
    write_there(domain, f"dn: {dn}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: 512\n")
    assert dn not in members(domain, session, 512), "hidden: the membership is not in member"
    for control in ("vuln_primary_group_id_1000", "vuln_primary_group_id_nochange"):
        assert found(session, control)[HIDDEN]["expected"] == 513
    changes = primary(session, dn, join=False)
    assert statuses(session, "apply", changes) == ["applied"]
    assert ask(domain, dn, "primaryGroupID") == {"primaryGroupID": ["513"]}
    assert dn in members(domain, session, 512), "visible now"
    assert HIDDEN not in found(session, "vuln_primary_group_id_1000")
    assert statuses(session, "undo", changes) == ["undone"]
    assert ask(domain, dn, "primaryGroupID") == {"primaryGroupID": ["512"]}
    assert dn not in members(domain, session, 512)
    assert dn in members(domain, session, 513)
    write_there(domain, f"dn: {dn}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: 513\n")
    domain.must("samba-tool", "group", "removemembers", name, HIDDEN)


def test_an_account_kept_out_of_domain_users(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn, group = people[OUTSIDER], people["group"]
    write_there(domain, f"dn: {group}\nchangetype: modify\nadd: member\nmember: {dn}\n")
    rid = sids.rid(read(session, group, ("objectSid",)).sid() or "")
    write_there(domain, f"dn: {dn}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {rid}\n")
    users = ask(domain, f"<SID={sids.in_domain(session.domain_sid, 513)}>", "sAMAccountName")["sAMAccountName"][0]
    domain.must("samba-tool", "group", "removemembers", users, OUTSIDER)
    assert OUTSIDER in found(session, "vuln_primary_group_id_nochange")
    assert OUTSIDER not in found(session, "vuln_primary_group_id_1000")
    with pytest.raises(PlanError, match="join_default_group"):
        primary(session, dn, join=False)
    changes = primary(session, dn, join=True)
    assert statuses(session, "apply", changes) == ["applied", "applied"]
    assert ask(domain, dn, "primaryGroupID") == {"primaryGroupID": ["513"]}
    assert ask(domain, group, "member") == {"member": [dn]}
    assert statuses(session, "undo", changes) == ["undone", "undone"]
    assert ask(domain, dn, "primaryGroupID") == {"primaryGroupID": [str(rid)]}
    assert dn not in members(domain, session, 513)
    assert ask(domain, group, "member") == {}


def test_sid_history(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn, group = people[MIGRATED], people["group"]
    own = sids.in_domain(session.domain_sid, 512)
    migrated = "S-1-5-21-1004336348-1177238915-682003331-1604"
    for target, values in ((dn, (own, migrated)), (group, (migrated,))):
        lines = "".join(f"sIDHistory: {value}\n" for value in values)
        write_there(domain, f"dn: {target}\nchangetype: modify\nadd: sIDHistory\n{lines}", "provision:0", "relax:0")
    assert found(session, "vuln_sidhistory_dangerous")[MIGRATED]["sids"] == [own]
    present = found(session, "vuln_sidhistory_present")
    assert present[MIGRATED]["own_domain"] == [own]
    assert present["GG Externes essai"]["sids"] == [migrated]
    plan = Plan()
    plan_sid_history.plan_sid_history(plan, read(session, dn, plan_sid_history.ATTRIBUTES), [own, migrated], NOBODY)
    changes = completed(plan)
    dangerous = [change for change in changes if change["display"]["before"] == own]
    (refused,) = statuses(session, "apply", dangerous)
    assert refused.startswith("failed: essai.migré (sIDHistory)"), refused
    within = Within(domain, session)
    assert statuses(within, "apply", dangerous) == ["applied"]
    assert ask(domain, dn, "sIDHistory") == {"sIDHistory": [migrated]}
    assert MIGRATED not in found(session, "vuln_sidhistory_dangerous")
    assert sorted(statuses(within, "apply", changes)) == ["already", "applied"]
    assert ask(domain, dn, "sIDHistory") == {}
    assert MIGRATED not in found(session, "vuln_sidhistory_present")
    assert all(status.startswith("irreversible") for status in statuses(within, "undo", changes))
    assert ask(domain, dn, "sIDHistory") == {}


def test_admin_count(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn = people[ADMIN]
    name = ask(domain, f"<SID={sids.in_domain(session.domain_sid, 512)}>", "sAMAccountName")["sAMAccountName"][0]
    domain.must("samba-tool", "group", "addmembers", name, ADMIN)
    assert ADMIN in found(session, "vuln_privileged_members_no_admincount")
    plan = Plan()
    entry = read(session, dn, plan_account.ATTRIBUTES)
    plan_account.plan_account(
        plan, entry, plan_account.AccountWish(admin_count=True), plan_account.Surroundings(datetime.now(UTC))
    )
    changes = completed(plan)
    assert statuses(session, "apply", changes) == ["applied"]
    assert ask(domain, dn, "adminCount") == {"adminCount": ["1"]}
    assert ADMIN not in found(session, "vuln_privileged_members_no_admincount")
    assert statuses(session, "undo", changes) == ["undone"]
    assert ask(domain, dn, "adminCount") == {}


def test_a_privileged_person_must_choose_a_new_password(
    domain: Domain, session: Session, people: dict[str, str]
) -> None:
    dn = people[ADMIN]
    # the account is made now: the audit looks at it from three years later
    later = 3 * 366 + 1
    assert found(session, "vuln_password_change_priv", days_later=later)[ADMIN]["must_change_at_next_logon"] is False
    plan = Plan()
    entry = read(session, dn, plan_account.ATTRIBUTES)
    plan_account.plan_account(
        plan, entry, plan_account.AccountWish(password_must_change=True), plan_account.Surroundings(datetime.now(UTC))
    )
    changes = completed(plan)
    assert statuses(session, "apply", changes) == ["applied"]
    assert ask(domain, dn, "pwdLastSet") == {"pwdLastSet": ["0"]}
    said = domain.must(
        "sh", "-c", f"smbclient //127.0.0.1/IPC$ -U '{ADMIN}%Essai-2026-secret' --use-kerberos=off -c quit 2>&1 || true"
    )
    assert "PASSWORD_MUST_CHANGE" in said, said
    evidence = found(session, "vuln_password_change_priv", days_later=later)[ADMIN]
    assert evidence["must_change_at_next_logon"] is True, "asked for is not done"
    assert [status.split(":")[0] for status in statuses(session, "undo", changes)] == ["irreversible"]
    domain.must("samba-tool", "user", "setpassword", ADMIN, "--newpassword=Nouveau-2026-secret")
    assert ADMIN not in found(session, "vuln_password_change_priv")


def test_aes_of_a_service(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn = people[SERVICE]
    domain.must("samba-tool", "spn", "add", f"HTTP/essai.{DOMAIN}", SERVICE)
    assert found(session, "vuln_kerberos_properties_encryption")[SERVICE]["encryption_types"] is None
    plan = Plan()
    wish = plan_account.wish([], [], ["DES_CBC_CRC", "DES_CBC_MD5"], [], BOTH)
    entry = read(session, dn, plan_account.ATTRIBUTES)
    plan_account.plan_account(plan, entry, wish, plan_account.Surroundings(datetime.now(UTC)))
    changes = completed(plan)
    assert set(statuses(session, "apply", changes)) == {"applied"}
    assert ask(domain, dn, "msDS-SupportedEncryptionTypes") == {"msDS-SupportedEncryptionTypes": ["28"]}
    assert SERVICE not in found(session, "vuln_kerberos_properties_encryption")
    assert set(statuses(session, "undo", changes)) == {"undone"}
    assert ask(domain, dn, "msDS-SupportedEncryptionTypes") == {}, "absent, as it was, and not 0"


def test_machines_that_are_not_heard_of(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn = people[SERVER]
    write_there(
        domain,
        f"dn: {dn}\nchangetype: modify\nreplace: operatingSystem\noperatingSystem: Windows Server 2019 Standard\n"
        "-\nreplace: userAccountControl\nuserAccountControl: 4096\n",
    )
    assert SERVER in found(session, "vuln_password_change_server_no_change_45", days_later=46)
    assert SERVER not in found(session, "vuln_password_change_server_no_change_45", days_later=44)
    assert SERVER in found(session, "vuln_password_change_server_no_change_90", days_later=91)
    assert SERVER in found(session, "vuln_password_change_inactive_servers", days_later=91)
    assert "DC1$" in found(session, "vuln_password_change_dc_no_change", days_later=46)
    assert "DC1$" in found(session, "vuln_password_change_inactive_dc", days_later=61)
    plan = Plan()
    entry = read(session, dn, plan_account.ATTRIBUTES)
    wish = plan_account.wish(["ACCOUNTDISABLE"], [], [], [])
    plan_account.plan_account(plan, entry, wish, plan_account.Surroundings(datetime.now(UTC)))
    changes = completed(plan)
    assert statuses(session, "apply", changes) == ["applied"]
    assert ask(domain, dn, "userAccountControl") == {"userAccountControl": ["4098"]}
    assert SERVER not in found(session, "vuln_password_change_inactive_servers", days_later=91)
    assert statuses(session, "undo", changes) == ["undone"]
    assert ask(domain, dn, "userAccountControl") == {"userAccountControl": ["4096"]}


def test_clusters_and_managed_accounts(domain: Domain, session: Session, people: dict[str, str]) -> None:
    dn, unit = people[SERVER], people[SERVER].partition(",")[2]
    managed = f"CN=essai-msa,{unit}"
    write_there(
        domain,
        f"dn: {managed}\nchangetype: add\nobjectClass: msDS-ManagedServiceAccount\nsAMAccountName: essai-msa$\n"
        f"userAccountControl: 4096\n\ndn: {dn}\nchangetype: modify\nadd: servicePrincipalName\n"
        "servicePrincipalName: MSServerCluster/essai\n",
    )
    later = 3 * 366 + 1
    assert set(found(session, "vuln_password_change_cluster_no_change_3years", days_later=later)) == {SERVER}
    assert SERVER not in found(session, "vuln_password_change_server_no_change_45", days_later=later)
    assert "essai-msa$" not in found(session, "vuln_password_change_msa_no_change_90", days_later=89)
    evidence = found(session, "vuln_password_change_msa_no_change_90", days_later=91)["essai-msa$"]
    assert evidence["unused"] == read(session, managed, ("objectSid",)).sid()
    assert "essai-msa$" not in found(session, "vuln_password_change_server_no_change_90", days_later=91)
