# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lab domain of its own. ``CARE_LAB_INSTANCE=name`` uses one that is up, and leaves it up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from care_lab.constants import AUTOMATION, AUTOMATION_PASSWORD, DC_FQDN, DOMAIN, NETBIOS, REALM

PROBE = Path(__file__).with_name("session_probe.py")


@dataclass(frozen=True)
class Domain:
    """The domain controller of one instance."""

    name: str
    address: str
    ca_cert: Path

    def options(self, **more: Any) -> dict[str, Any]:
        """Connection options of the automation account."""
        return {
            "server": DC_FQDN,
            "username": f"{AUTOMATION}@{DOMAIN}",
            "password": AUTOMATION_PASSWORD,
            "ca_cert": str(self.ca_cert),
            **more,
        }

    def probe(self, options: dict[str, Any], environment: dict[str, str] | None = None) -> dict[str, Any]:
        """Connect in a process of its own, where the domain controller's name is known and nowhere else."""
        hosts = Path(self.ca_cert).with_name("hosts-of-test")
        hosts.write_text(f"127.0.0.1 localhost\n{self.address} {DC_FQDN} other-name.test\n", encoding="utf-8")
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && exec "$2" "$3"', "sh", str(hosts),
             sys.executable, str(PROBE)],
            input=json.dumps(options), capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT / "collections"), **(environment or {})},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert AUTOMATION_PASSWORD not in done.stdout + done.stderr
        return answer

    def must(self, *command: str, given: str = "") -> str:
        """Run a command on the domain controller."""
        from care_lab.podman import environment

        done = subprocess.run(
            ["podman", "exec", "-i", f"care-{self.name}-dc1", *command],
            input=given, capture_output=True, text=True, env=environment(), check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def domain() -> Iterator[Domain]:
    given = os.environ.get("CARE_LAB_INSTANCE")
    name = given or "directory-test"
    run = [sys.executable, "-m", "care_lab"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "molecule" / "lab")}
    if not given:
        subprocess.run([*run, "up", "--instance", name, "--hosts", "dc1"], cwd=ROOT, env=env, check=True, timeout=900)
    folder = ROOT / "build" / "lab" / name
    address = json.loads((folder / "addresses.json").read_text(encoding="utf-8"))["hosts"]["dc1"]
    up = Domain(name, address, folder / "ca.pem")
    # What every domain controller registers for itself; the lab's image leaves Samba's task for it out
    if f"ldap/{DC_FQDN}\n" not in up.must("samba-tool", "spn", "list", "DC1$"):
        up.must("samba-tool", "spn", "add", f"ldap/{DC_FQDN}", "DC1$")
    try:
        yield up
    finally:
        if not given:
            subprocess.run([*run, "down", "--instance", name], cwd=ROOT, env=env, check=True, timeout=120)


__all__ = ["AUTOMATION", "DC_FQDN", "DOMAIN", "NETBIOS", "REALM", "Domain", "domain"]
