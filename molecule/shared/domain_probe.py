# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the lab's domain by programs that are not ours: ldbsearch, kinit, kvno, smbclient, samba-tool.

The scenarios of the directory roles judge by this, never by the code that they test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "lab")]

import ldif_equal  # noqa: E402
from care_lab.constants import DOMAIN_DN, NETBIOS, REALM  # noqa: E402

BASE = DOMAIN_DN
KRB5 = f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 rdns = false
[realms]
 {REALM} = {{
  kdc = 127.0.0.1
 }}
"""


class Probe:
    """The domain controller of one instance, and the folder of the scenario's notes."""

    def __init__(self, instance: str) -> None:
        self.container = f"care-{instance}-dc1"
        self.folder = ldif_equal.TOP / "build" / "lab" / instance / "scenario"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.failures: list[str] = []
        self.run("sh", "-c", "cat > /tmp/probe-krb5.conf", given=KRB5)

    def run(
        self, *command: str, given: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command in the container; its output and exit code, whatever they are."""
        settings = [f"--env={name}={value}" for name, value in (env or {}).items()]
        return subprocess.run(
            ["podman", "exec", "-i", *settings, self.container, *command],
            input=given,
            check=False,
            capture_output=True,
            text=True,
            env=ldif_equal.environment(),
        )

    def must(self, *command: str, given: str = "") -> str:
        """A command that must succeed; its output."""
        done = self.run(*command, given=given)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    # -- reading -----------------------------------------------------------------------------------------------

    def find(self, expression: str, *attributes: str, base: str = BASE) -> ldif_equal.Dump:
        """Objects by an LDAP filter, from the database itself."""
        found = self.must("ldbsearch", "-H", ldif_equal.DATABASE, "-b", base, expression, *(attributes or ("*",)))
        return ldif_equal.parse(found.splitlines())

    def one(self, expression: str, base: str = BASE) -> dict[str, list[str]]:
        """The one object of a filter, with its ``dn``."""
        found = self.find(expression, "*", *ldif_equal.SECRETS, base=base)
        if len(found) != 1:
            raise SystemExit(f"{expression}: {len(found)} objects where one is expected")
        ((dn, attributes),) = found.items()
        return {**attributes, "dn": [dn]}

    def by_sid(self, sid: str) -> dict[str, list[str]]:
        """The object of a SID."""
        return self.one(f"(objectSid={sid})")

    # -- writing, to set a scene up ------------------------------------------------------------------------------

    def modify(self, ldif: str, *controls: str) -> None:
        """ldbmodify, with Samba's own controls where a scene needs what LDAP forbids."""
        self.must(
            "ldbmodify", "-H", ldif_equal.DATABASE, *[f"--controls={control}" for control in controls], given=ldif
        )

    def set_password(self, name: str, password: str) -> None:
        """A new password for an account."""
        self.must("samba-tool", "user", "setpassword", name, f"--newpassword={password}")

    # -- real clients ------------------------------------------------------------------------------------------

    def kinit(self, name: str, password: str, cache: str = "/tmp/probe-cache", *options: str) -> tuple[bool, str]:
        """Whether MIT kinit gets a ticket, and all it said and traced."""
        done = self.run(
            "kinit",
            *options,
            name,
            given=f"{password}\n",
            env={
                "KRB5_CONFIG": "/tmp/probe-krb5.conf",
                "KRB5CCNAME": cache,
                "KRB5_TRACE": "/dev/stderr",
                "LC_ALL": "C.UTF-8",
            },
        )
        return done.returncode == 0, done.stdout + done.stderr

    def roastable(self, name: str) -> bool:
        """Whether the KDC hands out an AS-REP to somebody who does not know the password (AS-REP roasting)."""
        _ok, said = self.kinit(name, "surely-not-the-password")
        if "Additional pre-authentication required" in said or "PREAUTH_REQUIRED" in said:
            return False
        if (
            "Decrypted AS reply" in said
            or "Preauth module" in said
            or "AS key obtained" in said
            or "Salt derived" in said
        ):
            return True
        raise SystemExit(f"{name}: kinit said nothing that can be judged:\n{said}")

    def ticket_works(self, cache: str) -> tuple[bool, str]:
        """Whether the TGT in a cache still buys a service ticket (from a copy: the cache stays as it is)."""
        self.must("cp", cache, "/tmp/probe-copy")
        done = self.run(
            "kvno",
            f"host/dc1.{REALM.lower()}@{REALM}",
            env={"KRB5_CONFIG": "/tmp/probe-krb5.conf", "KRB5CCNAME": "/tmp/probe-copy"},
        )
        return done.returncode == 0, done.stdout + done.stderr

    def ticket_hours(self, name: str, password: str) -> float:
        """How long a new TGT lives."""
        ok, said = self.kinit(name, password, "/tmp/probe-life")
        if not ok:
            raise SystemExit(f"{name}: {said}")
        script = (
            "import subprocess,datetime,re;"
            "o=subprocess.run(['klist','-c','/tmp/probe-life'],capture_output=True,text=True,"
            "env={'LC_ALL':'C','KRB5_CONFIG':'/tmp/probe-krb5.conf'}).stdout;"
            "a,b=re.search(r'(\\d\\d/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d)  (\\d\\d/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d)  krbtgt',o).groups();"  # noqa: E501
            "f='%m/%d/%y %H:%M:%S';d=datetime.datetime.strptime;"
            "print((d(b,f)-d(a,f)).total_seconds()/3600)"
        )
        return float(self.must("python3", "-c", script))

    def ntlm(self, name: str, password: str) -> tuple[bool, str]:
        """Whether smbclient gets in with NTLM, and what it said."""
        done = self.run(
            "smbclient", "//127.0.0.1/IPC$", "-U", f"{NETBIOS}\\{name}%{password}", "--use-kerberos=off", "-c", "quit"
        )
        return done.returncode == 0, done.stdout + done.stderr

    # -- judging -----------------------------------------------------------------------------------------------

    def dump(self, name: str) -> Path:
        """Write the whole domain down under a name."""
        path = self.folder / f"{name}.ldif"
        path.touch(mode=0o600)
        path.write_text(ldif_equal.dump(self.container), encoding="utf-8")
        return path

    def same(self, before: str, after: str, excepted: list[tuple[str, str]] | None = None) -> None:
        """Judge that two dumps are equal."""
        lines = ldif_equal.compare(self.folder / f"{before}.ldif", self.folder / f"{after}.ldif", excepted or [])
        self.judge(not lines, f"the domain is as it was ({before} = {after})", "\n    ".join(lines))

    def judge(self, holds: bool, what: str, said: str = "") -> None:
        """Say whether something holds; the first failure decides the exit code, all are shown."""
        print(f"{'ok  ' if holds else 'FAIL'} {what}" + (f"\n    {said.strip()}" if said and not holds else ""))
        if not holds:
            self.failures.append(what)

    def note(self, **facts: Any) -> None:
        """Remember facts for a later step of the scenario."""
        self.facts_file.write_text(
            json.dumps({**self.facts(), **facts}, indent=2, ensure_ascii=False), encoding="utf-8"
        )

    def facts(self) -> dict[str, Any]:
        """What was noted."""
        return json.loads(self.facts_file.read_text(encoding="utf-8")) if self.facts_file.exists() else {}

    @property
    def facts_file(self) -> Path:
        """Where notes are; the scenario's plays read it as variables."""
        return self.folder / "facts.json"


def main(steps: dict[str, Callable[[Probe], None]]) -> None:
    """``python probe.py STEP INSTANCE``: run one step, exit 1 when something did not hold."""
    step, instance = sys.argv[1:3]
    probe = Probe(instance)
    steps[step](probe)
    sys.exit(1 if probe.failures else 0)
