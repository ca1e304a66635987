# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""LAPS in a real domain: the computer keeps its password, the support reads it, others do not; an ordinary LDAP client
judges, and undoing puts everything back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import ldap
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_laps import LapsWish, plan_laps
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import IDENTITY_ATTRIBUTES, Plan
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import protected_accounts
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    DACL,
    ConnectionOptions,
    Session,
)
from care_lab import laps_schema
from conftest import DOMAIN, Domain

UNIT = "OU=Postes d'essai\\, LAPS"
PASSWORD = "Essai-2026-Postes"
COMPUTER, READER, OTHER = "POSTE-ESSAI", "essai.support.laps", "essai.curieux.laps"
SECRET = b'{"n":"Administrateur","p":"tres-secret"}'


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    base = "DC=" + DOMAIN.replace(".", ",DC=")
    known = domain.must("ldbsearch", "-H", laps_schema.DATABASE, "-b", f"CN=Schema,CN=Configuration,{base}",
                        "(lDAPDisplayName=msLAPS-Password)", "dn")  # fmt: skip
    if "dn: CN=" not in known:
        laps_schema.extend(lambda command, given: domain.must(*command, given=given), base)
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture(scope="module")
def unit(domain: Domain, session: Session) -> Iterator[str]:
    raw, dn = session._ldap, f"{UNIT},{session.domain_dn}"
    _remove(raw, dn)
    raw.add_s(dn, [("objectClass", [b"organizationalUnit"])])
    for name in (READER, OTHER):
        raw.add_s(f"CN={name},{dn}", [("objectClass", [b"user"]), ("sAMAccountName", [name.encode()])])
        domain.must("samba-tool", "user", "setpassword", name, f"--newpassword={PASSWORD}")
        domain.must("samba-tool", "user", "enable", name)
    raw.add_s(f"CN={COMPUTER},{dn}", [
        ("objectClass", [b"computer"]), ("sAMAccountName", [f"{COMPUTER}$".encode()]),
        ("userAccountControl", [b"4096"]),
    ])  # fmt: skip
    domain.must("samba-tool", "user", "setpassword", f"{COMPUTER}$", f"--newpassword={PASSWORD}")
    try:
        yield dn
    finally:
        _remove(raw, dn)


def _remove(raw: Any, unit: str) -> None:
    with contextlib.suppress(ldap.NO_SUCH_OBJECT):
        for dn, _attributes in raw.search_s(unit, ldap.SCOPE_ONELEVEL, "(objectClass=*)", ["1.1"]):
            raw.delete_s(dn)
        raw.delete_s(unit)


@contextlib.contextmanager
def bound(domain: Domain, name: str) -> Iterator[Any]:
    """An ordinary LDAP client of that account."""
    raw = ldap.initialize(f"ldaps://{domain.address}")
    raw.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_NEVER)
    raw.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    raw.simple_bind_s(f"{name}@{DOMAIN}", PASSWORD)
    try:
        yield raw
    finally:
        raw.unbind_s()


def reads(domain: Domain, who: str, unit: str) -> bool:
    with bound(domain, who) as raw:
        ((_dn, found),) = raw.search_s(f"CN={COMPUTER},{unit}", ldap.SCOPE_BASE, attrlist=["msLAPS-Password"])
        return found.get("msLAPS-Password") == [SECRET]


def writes(domain: Domain, unit: str) -> bool:
    with bound(domain, f"{COMPUTER}$") as raw:
        try:
            raw.modify_s(f"CN={COMPUTER},{unit}", [(ldap.MOD_REPLACE, "msLAPS-Password", [SECRET])])
        except ldap.INSUFFICIENT_ACCESS:
            return False
        return True


def test_the_computer_writes_the_support_reads_and_undoing_takes_it_back(
    domain: Domain, session: Session, unit: str
) -> None:
    assert not writes(domain, unit)
    sid = identity.resolve_many(session, [READER])[READER].sid() or ""

    def planned(**more: Any) -> Plan:
        plan = Plan()
        entries = identity.resolve_many(
            session, [unit], [*IDENTITY_ATTRIBUTES, "nTSecurityDescriptor"], sd_flags=DACL
        )
        wish = LapsWish(**{"variant": "windows", "computers": True, "readers": (sid,), "exclusive": False, **more})
        plan_laps(session, plan, [entries[unit]], wish, protected_accounts(session, {}, {}))
        return plan

    before = _descriptor(session, unit)
    plan = planned()
    (change,) = plan.changes
    assert _write(session, "apply", change) == ["applied"]
    assert writes(domain, unit) and reads(domain, READER, unit) and not reads(domain, OTHER, unit)
    assert not planned().changes
    # somebody else was let in: told, and taken out when asked
    other = identity.resolve_many(session, [OTHER])[OTHER].sid()
    foreign = next(item["sddl"] for item in change["after"] if sid in item["sddl"]).replace(sid, str(other))
    domain.must("samba-tool", "dsacl", "set", f"--objectdn={unit}", f"--sddl={foreign}")
    assert reads(domain, OTHER, unit) and planned().notices
    (taken,) = planned(exclusive=True).changes
    assert _write(session, "apply", taken) == ["applied"]
    assert not reads(domain, OTHER, unit) and reads(domain, READER, unit)
    for done in (taken, change):
        assert _write(session, "undo", done) == ["undone"]
    domain.must("samba-tool", "dsacl", "delete", f"--objectdn={unit}", f"--sddl={foreign}")
    assert _descriptor(session, unit) == before
    assert not writes(domain, unit) and not reads(domain, READER, unit)


def _write(session: Session, operation: str, change: Any) -> list[str]:
    done = writer.write(session, operation, [model.completed(change, DOMAIN)])["results"]
    return [result["status"] for result in done]


def _descriptor(session: Session, dn: str) -> bytes | None:
    entry = session.read(dn, ["nTSecurityDescriptor"], sd_flags=DACL)
    return entry.raw("nTSecurityDescriptor") if entry else None
