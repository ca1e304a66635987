# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certipy, which knows nothing of this collection, reads the templates before and after they are corrected.

``CARE_CERTIPY=/path/to/python`` names the Python of an environment that has it (PyPI certipy-ad); without it this is
skipped. Its way to log on (ldap3's NTLM, impacket's Kerberos) is one that Samba refuses, so it is given a simple bind
over TLS; what it reads and how it judges is its own.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from conftest import DOMAIN, Domain
from test_certificates import MANAGER, MANAGER_PASSWORD, audit, manager, planned, scene, statuses

CERTIPY = os.environ.get("CARE_CERTIPY")
DRIVER = """
import sys
import ldap3

USER = sys.argv.pop(1)

class Simple(ldap3.Connection):
    def __init__(self, server, user=None, authentication=None, **more):
        super().__init__(server, user=USER, authentication=ldap3.SIMPLE, **more)

ldap3.Connection = Simple
from certipy.entry import main
sys.exit(main())
"""
pytestmark = pytest.mark.skipif(not CERTIPY, reason="CARE_CERTIPY names no certipy")
__all__ = ["manager"]  # the fixture


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture
def forest(session: Session, domain: Domain, manager: str, tmp_path: Path) -> Iterator[None]:
    where = session.configuration_dn
    names = ["ESC1", "ESC2", "ESC3", "ESC4", "ESC9"]
    enroll = f"(OA;;CR;{scene.ENROLL};;DU)"
    key, der = tmp_path / "key.pem", tmp_path / "ca.der"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-outform", "DER", "-out",
         str(der), "-subj", "/CN=AC de test", "-days", "30"], check=True, capture_output=True,
    )  # fmt: skip
    ldif = "".join(
        [
            scene.authority(where, der.read_bytes(), names, "dc1.chu-valmont.test"),
            scene.template(where, "ESC1", enroll, names=scene.FROM_DIRECTORY | 1),
            scene.template(where, "ESC2", enroll, ekus=("2.5.29.37.0",)),
            scene.template(where, "ESC3", enroll, ekus=(scene.AGENT,)),
            scene.template(where, "ESC4", "(A;;WDWOWP;;;DU)", owner=manager),
            scene.template(where, "ESC9", enroll, enrolment=0x80029),
        ]
    )
    domain.must("ldbadd", "-H", "/var/lib/samba/private/sam.ldb", "--controls=relax:0", given=ldif)
    yield
    for dn in (*(scene.template_dn(where, name) for name in names), scene.service_dn(where), scene.nt_auth_dn(where)):
        session._ldap.delete_s(dn)


def vulnerable(domain: Domain, folder: Path) -> dict[str, list[str]]:
    """What certipy finds: template to the names of its weaknesses."""
    # An ordinary user: certipy says what the account that it connects with could do
    account = f"{MANAGER}@{DOMAIN}"
    done = subprocess.run(
        [str(CERTIPY), "-c", DRIVER, account, "find", "-u", account, "-p", MANAGER_PASSWORD, "-target", domain.address,
         "-dc-ip", domain.address, "-scheme", "ldaps", "-dc-only", "-enabled", "-json", "-output", "found"],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    written = folder / "found_Certipy.json"
    assert written.exists(), done.stdout + done.stderr
    said: dict[str, Any] = json.loads(written.read_text(encoding="utf-8"))
    written.unlink()
    templates = said["Certificate Templates"].values()
    return {one["Template Name"]: sorted(one.get("[!] Vulnerabilities", {})) for one in templates}


def test_certipy_agrees(session: Session, domain: Domain, forest: None, tmp_path: Path) -> None:
    seen = vulnerable(domain, tmp_path)
    # good for any purpose is good for an enrolment agent's
    more = {"ESC2": ["ESC2", "ESC3"]}
    assert seen == {name: more.get(name, [name]) for name in ("ESC1", "ESC2", "ESC3", "ESC4", "ESC9")}
    outcomes = audit(session)
    changes = planned(session, outcomes)
    assert statuses(session, "apply", changes) == {"applied"}
    after = vulnerable(domain, tmp_path)
    assert (after.keys(), any(after.values())) == (seen.keys(), False), after
    assert statuses(session, "undo", changes) == {"undone"}
    assert vulnerable(domain, tmp_path) == seen
