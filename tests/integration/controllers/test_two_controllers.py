# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two real domain controllers: what one does not know yet, and one that is down.

The second joined the first (``care_lab up --hosts dc1,dc2``); its replication is stopped and started by samba-tool, and
what each of them has is asked by ldbsearch in its own database.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from care_lab.constants import AUTOMATION, AUTOMATION_PASSWORD, DOMAIN, DOMAIN_DN
from care_lab.podman import execute, podman

SAM = "/var/lib/samba/private/sam.ldb"
SECOND = f"dc2.{DOMAIN}"
# DSDB_CONTROL_PASSWORD_BYPASS_LAST_SET: a test cannot wait for a day between two resets.
BYPASS = "local_oid:1.3.6.1.4.1.7165.4.3.20:0"


@dataclass(frozen=True)
class Controllers:
    """The domain controllers of one instance."""

    name: str
    work: Path

    @property
    def folder(self) -> Path:
        return ROOT / "build" / "lab" / self.name

    def on(self, host: str, *command: str, given: str | None = None) -> str:
        """A command on one of them."""
        options = {} if given is None else {"stdin": given}
        return execute(f"care-{self.name}-{host}", list(command), **options).stdout

    def value(self, host: str, account: str, attribute: str) -> str:
        """An attribute of an account, in that one's own database; nothing when there is none."""
        said = self.on(host, "ldbsearch", "-H", SAM, "-b", DOMAIN_DN, f"(sAMAccountName={account})", attribute)
        found = re.findall(rf"^{attribute}: (.*)$", said, re.MULTILINE)
        return found[0] if found else ""

    def replication(self, on: bool) -> None:
        """Whether the second one takes changes from the first."""
        option = f"{'-' if on else '+'}DISABLE_INBOUND_REPL"
        login = f"{AUTOMATION}%{AUTOMATION_PASSWORD}"
        self.on("dc2", "samba-tool", "drs", "options", SECOND, f"--dsa-option={option}", "-U", login)
        if on:
            self.on("dc2", "samba-tool", "drs", "replicate", SECOND, f"dc1.{DOMAIN}", DOMAIN_DN, "-P")

    def play(self, text: str, *options: str, variables: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """Run a playbook where both are known by their names, and nowhere else."""
        addresses = json.loads((self.folder / "addresses.json").read_text(encoding="utf-8"))["hosts"]
        hosts, playbook = self.work / "hosts", self.work / "playbook.yml"
        known = "".join(f"{addresses[host]} {host}.{DOMAIN}\n" for host in ("dc1", "dc2"))
        hosts.write_text(f"127.0.0.1 localhost\n{known}", encoding="utf-8")
        playbook.write_text(text, encoding="utf-8")
        given = {"care_dir": str(self.work / "care"), "care_directory_connection_timeout": 5, **variables}
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/hosts && shift && exec "$@"', "sh", str(hosts),
             "ansible-playbook", "-i", str(self.folder / "hosts.yml"), *options, "-e", json.dumps(given),
             str(playbook)],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
            env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "1"},
        )  # fmt: skip

    def krbtgt(self, step: str) -> tuple[bool, str]:
        """One step of the role; whether it was made, and all that was said in one line."""
        play = [{"hosts": "care_directory", "gather_facts": False, "roles": ["care.remediation.directory_krbtgt"]}]
        done = self.play(json.dumps(play), variables={"care_krbtgt_rotate": True, "care_krbtgt_step": step})
        return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


def wait(until: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether something became true in time."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            return False
        time.sleep(1)
    return True


@pytest.fixture(scope="module")
def controllers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controllers]:
    given = os.environ.get("CARE_LAB_TWO_INSTANCE")
    name = given or "controllers-test"
    run = [sys.executable, "-m", "care_lab"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "molecule" / "lab")}
    if not given:
        up = [*run, "up", "--instance", name, "--hosts", "dc1,dc2"]
        subprocess.run(up, cwd=ROOT, env=env, check=True, timeout=900)
    try:
        yield Controllers(name, tmp_path_factory.mktemp("controllers"))
    finally:
        if not given:
            subprocess.run([*run, "down", "--instance", name], cwd=ROOT, env=env, check=True, timeout=120)


def test_both_replicate(controllers: Controllers) -> None:
    """The lab itself: a change made on either is on the other after a while."""

    def text_is(host: str, text: str) -> Callable[[], bool]:
        return lambda: controllers.value(host, "bris-de-glace-1", "description") == text

    for here, there, text in (("dc1", "dc2", "vu du premier"), ("dc2", "dc1", "vu du second")):
        dn = f"CN=Bris de glace 1,OU=Comptes de secours,OU=CHU de Valmont,{DOMAIN_DN}"
        change = f"dn: {dn}\nchangetype: modify\nreplace: description\ndescription: {text}\n"
        controllers.on(here, "ldbmodify", "-H", SAM, given=change)
        assert wait(text_is(there, text))


def test_what_was_written_is_read_back_where_it_was_written(controllers: Controllers) -> None:
    """One domain controller for a run: it is compliant there at once, and on the other one when it has replicated."""
    controllers.replication(False)
    flags = {host: int(controllers.value(host, "Invité", "userAccountControl")) for host in ("dc1", "dc2")}
    assert not flags["dc1"] & 2
    assert not flags["dc2"] & 2
    play = [{"hosts": "care_directory", "gather_facts": False, "roles": ["care.remediation.directory_accounts"]}]
    guest = [{"identity": f"{_domain_sid(controllers)}-501", "label": "Invité"}]
    for changed in (1, 0):
        done = controllers.play(json.dumps(play), variables={"care_accounts_disable_guest": guest})
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"changed={changed} " in done.stdout
    assert int(controllers.value("dc1", "Invité", "userAccountControl")) & 2
    assert not int(controllers.value("dc2", "Invité", "userAccountControl")) & 2
    assert _guest_found(controllers, "dc1") == set()
    assert _guest_found(controllers, "dc2") == {"Invité"}
    controllers.replication(True)
    assert wait(lambda: bool(int(controllers.value("dc2", "Invité", "userAccountControl")) & 2))
    assert _guest_found(controllers, "dc2") == set()


def _domain_sid(controllers: Controllers) -> str:
    return controllers.value("dc1", "krbtgt", "objectSid").rpartition("-")[0]


def _guest_found(controllers: Controllers, host: str) -> set[str]:
    """Whom the audit of one of them finds for the guest's control."""
    folder = controllers.work / f"audit-{host}"
    done = controllers.play(
        json.dumps([{"ansible.builtin.import_playbook": str(ROOT / "playbooks" / "audit.yml")}]), "--tags", "directory",
        variables={"care_audit_dir": str(folder), "care_directory_server": f"{host}.{DOMAIN}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((folder / f"{DOMAIN}.json").read_text(encoding="utf-8"))
    assert document["server"].lower() == f"{host}.{DOMAIN}"
    assert document["controls"]["vuln_guest"]["state"] == "evaluated"
    return {each["object"]["label"] for each in document["findings"] if each["control"] == "vuln_guest"}


def test_the_second_reset_of_krbtgt_waits_for_every_controller(controllers: Controllers) -> None:
    """Refused while one does not have the first reset, and while one does not answer; each is named."""

    def version(host: str) -> int:
        return int(controllers.value(host, "krbtgt", "msDS-KeyVersionNumber"))

    def is_older(hours: int) -> None:
        moment = int((time.time() - hours * 3600 + 11644473600) * 10_000_000)
        change = f"dn: CN=krbtgt,CN=Users,{DOMAIN_DN}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {moment}\n"
        controllers.on("dc1", "ldbmodify", "-H", SAM, f"--controls={BYPASS}", given=change)

    before = version("dc1")
    assert version("dc2") == before
    controllers.replication(False)
    made, said = controllers.krbtgt("first")
    assert made, said
    assert version("dc1") == before + 1
    assert version("dc2") == before
    is_older(25)

    made, said = controllers.krbtgt("second")
    assert not made
    assert SECOND in said, said
    assert "behind" in said, said
    assert version("dc1") == before + 1

    podman("pause", f"care-{controllers.name}-dc2")
    try:
        made, said = controllers.krbtgt("second")
    finally:
        podman("unpause", f"care-{controllers.name}-dc2")
    assert not made
    assert SECOND in said, said
    assert "unverified" in said, said
    assert version("dc1") == before + 1

    controllers.replication(True)
    assert wait(lambda: version("dc2") == before + 1)
    made, said = controllers.krbtgt("second")
    assert made, said
    assert version("dc1") == before + 2
    assert wait(lambda: version("dc2") == before + 2)
