# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A trust changed through the Local Security Authority of a real domain controller, and put back.

Samba's LSA lets only FOREST_TRANSITIVE of a trust change; so that bit stands here for those that Windows takes too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_trust, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, flags_changes
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    ConnectionOptions,
    Entry,
    Session,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol import lsa
from conftest import Domain

DATABASE = "/var/lib/samba/private/sam.ldb"
NAME = "essai.test"


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture
def trust(domain: Domain, session: Session) -> Iterator[Entry]:
    """An external, unfiltered trust."""
    dn = f"CN={NAME},CN=System,{session.domain_dn}"
    ldif = (
        f"dn: {dn}\nobjectClass: trustedDomain\ntrustPartner: {NAME}\nflatName: ESSAI\n"
        "securityIdentifier: S-1-5-21-9-8-7\ntrustDirection: 3\ntrustType: 2\ntrustAttributes: 0\n"
    )
    domain.must("ldbadd", "-H", DATABASE, "--relax", given=ldif)
    entry = session.read(dn, plan_trust.ATTRIBUTES)
    assert entry is not None
    yield entry
    domain.must("ldbdel", "-H", DATABASE, "--relax", dn)


def identified(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for change in changes:
        change["host"] = "chu-valmont.test"
        change["id"] = model.change_id(change)
    return changes


def attributes(domain: Domain) -> str:
    said = domain.must("samba-tool", "domain", "trust", "list")
    return next(line for line in said.splitlines() if NAME in line)


def run(session: Session, operation: str, changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = writer.write(session, operation, changes, trust_policy=lsa.TrustPolicy.connect)
    results: list[dict[str, Any]] = answer["results"]
    return results


def test_applied_and_undone(domain: Domain, session: Session, trust: Entry) -> None:
    changes = identified(flags_changes(trust, "trustAttributes", set_mask=0x8))
    assert "Type[External]" in attributes(domain)
    assert [each["status"] for each in run(session, "apply", changes)] == ["applied"]
    assert "Type[Forest]" in attributes(domain)
    assert [each["status"] for each in run(session, "apply", changes)] == ["already"]
    assert [each["status"] for each in run(session, "undo", changes)] == ["undone"]
    assert "Type[External]" in attributes(domain)


def test_what_the_server_refuses_is_said_and_nothing_changes(domain: Domain, session: Session, trust: Entry) -> None:
    plan = Plan()
    plan_trust.plan_trust(plan, trust, "quarantine", domain_sid=session.domain_sid, connected_sid="")
    (result,) = run(session, "apply", identified(plan.changes))
    assert result["status"] == "failed"
    assert "NTSTATUS 0xc000000d" in result["message"]
    now = session.read(trust.dn, ["trustAttributes"])
    assert now is not None and now.int("trustAttributes") == 0


def test_without_the_authority_nothing_is_written(session: Session, trust: Entry) -> None:
    changes = identified(flags_changes(trust, "trustAttributes", set_mask=0x8))
    (result,) = writer.write(session, "apply", changes)["results"]
    assert result["status"] == "failed"
    assert "Local Security Authority" in result["message"]
