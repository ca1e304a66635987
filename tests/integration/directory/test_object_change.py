# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whole objects in a real domain: created, seen by another program, taken back, and left when someone uses them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import ldap
import ldap.dn
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import plan_model, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from conftest import Domain

# samba-tool, which looks at the result, does not escape a comma; the names with one are further down
NAME = "Comptes privilégiés d'astreinte 24/7"
SETTINGS = {
    "objectClass": ["msDS-PasswordSettings"],
    "msDS-PasswordSettingsPrecedence": ["7"],
    "msDS-PasswordReversibleEncryptionEnabled": ["FALSE"],
    "msDS-PasswordHistoryLength": ["24"],
    "msDS-PasswordComplexityEnabled": ["TRUE"],
    "msDS-MinimumPasswordLength": ["16"],
    "msDS-MinimumPasswordAge": ["0"],
    "msDS-MaximumPasswordAge": ["-946080000000000"],
    "msDS-LockoutThreshold": ["0"],
    "msDS-LockoutObservationWindow": ["-18000000000"],
    "msDS-LockoutDuration": ["-18000000000"],
}


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture
def change(session: Session) -> Iterator[model.Change]:
    admins = session.read(f"<SID={session.domain_sid}-512>", ["cn"])
    assert admins is not None
    dn = f"CN={ldap.dn.escape_dn_chars(NAME)},CN=Password Settings Container,CN=System,{session.domain_dn}"
    attributes = {**SETTINGS, "msDS-PSOAppliesTo": [admins.dn]}
    yield model.completed(plan_model.creation(dn, attributes, label=NAME), "chu-valmont.test")
    with contextlib.suppress(ldap.NO_SUCH_OBJECT):
        session._ldap.delete_s(dn)


def result(session: Session, operation: str, change: model.Change, check: bool = False) -> dict[str, Any]:
    (each,) = writer.write(session, operation, [change], check)["results"]
    return dict(each)


def test_created_and_taken_back(session: Session, domain: Domain, change: model.Change) -> None:
    assert result(session, "apply", change, check=True)["status"] == "applied"
    assert result(session, "undo", change)["status"] == "nothing_to_undo"
    assert result(session, "apply", change)["status"] == "applied"
    shown = domain.must("samba-tool", "domain", "passwordsettings", "pso", "show", NAME)
    assert "Minimum password length: 16" in shown
    assert result(session, "apply", change)["status"] == "already"
    assert result(session, "undo", change, check=True)["status"] == "undone"
    assert result(session, "undo", change)["status"] == "undone"
    assert NAME not in domain.must("samba-tool", "domain", "passwordsettings", "pso", "list")
    assert result(session, "undo", change)["status"] == "nothing_to_undo"


def test_what_someone_uses_is_not_taken_back(session: Session, domain: Domain, change: model.Change) -> None:
    assert result(session, "apply", change)["status"] == "applied"
    domain.must("samba-tool", "domain", "passwordsettings", "pso", "set", NAME, "--min-pwd-length=20")
    found = result(session, "undo", change)
    assert found["status"] == "conflict"
    assert "msDS-MinimumPasswordLength = 20" in found["message"]
    shown = domain.must("samba-tool", "domain", "passwordsettings", "pso", "show", NAME)
    assert "Minimum password length: 20" in shown


def test_something_below_it_stops_the_undo(session: Session) -> None:
    dn = f"OU={ldap.dn.escape_dn_chars('Unité, essai + #1')},{session.domain_dn}"
    unit = model.completed(
        plan_model.creation(dn, {"objectClass": ["organizationalUnit"]}, label="Unité d'essai"), "chu-valmont.test"
    )
    below = model.completed(
        plan_model.creation(f"OU=Dessous,{dn}", {"objectClass": ["organizationalUnit"]}, label="Dessous"), "x.test"
    )
    assert result(session, "apply", unit)["status"] == "applied"
    assert result(session, "apply", below)["status"] == "applied"
    found = result(session, "undo", unit)
    assert (found["status"], "below it" in found["message"]) == ("conflict", True), found
    undone = writer.write(session, "undo", [unit, below])["results"]
    assert [each["status"] for each in undone] == ["undone", "undone"]


def test_deletion_takes_what_was_seen_and_never_comes_back(session: Session, change: model.Change) -> None:
    assert result(session, "apply", change)["status"] == "applied"
    entry = session.read(change["object"]["dn"], ["objectGUID", "objectClass", "msDS-MinimumPasswordLength"])
    assert entry is not None
    gone = model.completed(plan_model.deletion(entry, ["msDS-MinimumPasswordLength"]), "chu-valmont.test")
    assert result(session, "apply", gone)["status"] == "applied"
    assert session.read(entry.dn, ["cn"]) is None
    assert result(session, "apply", gone)["status"] == "already"
    assert result(session, "undo", gone)["status"] == "irreversible"
