# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare a running lab with what the generator says of it, asking with OpenLDAP's, Samba's and nmap's programs.

usage: lab_is_as_it_should.py INSTANCE. Exit code 1 and one line for each thing that is not so.
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from care_lab import reports, scan
from care_lab.constants import ADMINISTRATOR_PASSWORD, DOMAIN_DN, REALM, USER_PASSWORD, WEB_ROOT_PASSWORD
from care_lab.generator.expected import expected
from care_lab.generator.french import BUILTIN_NAMES, DOMAIN_NAMES
from care_lab.generator.model import DOMAIN_SID
from care_lab.instance import Instance
from care_lab.podman import execute
from care_lab.server import PORTS

PROBLEMS: list[str] = []
LAB = Instance(sys.argv[1])
DC = LAB.container("dc1")
ADDRESS = LAB.addresses().hosts["dc1"]


def check(good: bool, text: str) -> None:
    """One thing seen, said either way."""
    print(f"{'ok' if good else 'NOT SO'}: {text}", flush=True)
    if not good:
        PROBLEMS.append(text)


def search(expression: str, *attributes: str, base: str = DOMAIN_DN, scope: str = "sub") -> list[dict[str, list[str]]]:
    """Ask over verified LDAPS as the built-in administrator."""
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(ADMINISTRATOR_PASSWORD)
        secret.flush()
        said = subprocess.run(
            [
                "ldapsearch",
                "-x",
                "-LLL",
                "-o",
                "ldif-wrap=no",
                "-E",
                "pr=500/noprompt",
                "-H",
                f"ldaps://{ADDRESS}",
                "-D",
                f"Administrateur@{REALM.lower()}",
                "-y",
                secret.name,
                "-b",
                base,
                "-s",
                scope,
                expression,
                *attributes,
            ],
            capture_output=True,
            text=True,
            check=True,
            env={"LDAPTLS_CACERT": str(LAB.folder / "ca.pem"), "PATH": "/usr/bin"},
        ).stdout
    found = []
    for block in said.split("\n\n"):
        entry: dict[str, list[str]] = {}
        for name, mark, value in re.findall(r"^([A-Za-z][\w-]*):(:?) (.*)$", block, flags=re.MULTILINE):
            entry.setdefault(name, []).append(base64.b64decode(value).decode("latin-1") if mark else value)
        if "dn" in entry:
            found.append(entry)
    return found


def sid(raw: str) -> str:
    """An objectSid as text."""
    data = raw.encode("latin-1")
    parts = [int.from_bytes(data[8 + 4 * i : 12 + 4 * i], "little") for i in range(data[1])]
    return "-".join(["S", "1", str(int.from_bytes(data[2:8], "big")), *map(str, parts)])


def sids(expression: str) -> list[str]:
    """The SIDs of what matches."""
    return sorted(sid(entry["objectSid"][0]) for entry in search(expression, "objectSid"))


def directory() -> None:
    """The domain."""
    model = reports.model(LAB)
    wanted = expected(model)
    enabled = "(!(userAccountControl:1.2.840.113556.1.4.803:=2))"
    people = f"(&(objectCategory=person)(objectClass=user){enabled}"
    bit = "(userAccountControl:1.2.840.113556.1.4.803:={})"
    privileged = set(model.privileged())
    for flag, name, own in (
        (4194304, "preauth", "vuln_kerberos_properties_preauth"),
        (65536, "expiry", "vuln_dont_expire"),
    ):
        seen = [s for s in sids(f"{people}{bit.format(flag)})") if s != f"{DOMAIN_SID}-501"]
        check(
            sorted(set(seen) & privileged) == wanted[f"{own}_priv"],
            f"{name}, privileged: {len(set(seen) & privileged)}",
        )
        check(sorted(set(seen) - privileged) == wanted[own], f"{name}, others: {len(set(seen) - privileged)}")
    check(sids(f"{people}{bit.format(2097152)})") == wanted["vuln_kerberos_properties_deskey"], "DES")
    reversible = sids(f"{people}{bit.format(128)})")
    check(
        [s for s in reversible if s in privileged] == wanted["vuln_reversible_password_priv_uac"],
        "reversible passwords",
    )
    check(
        sids(f"(&(objectClass=user){bit.format(524288)}(!(primaryGroupID=516)))") == wanted["vuln_delegation_t4d"],
        "delegation",
    )
    check(sids(f"(&(objectSid={DOMAIN_SID}-501){enabled})") == wanted["vuln_guest"], "guest enabled")

    def old(days: int) -> int:
        return int((model.now.timestamp() + 11644473600 - days * 86400) * 10_000_000)

    dormant = sids(
        f"{people}(pwdLastSet<={old(1095)})(!(pwdLastSet=0))(|(lastLogonTimestamp<={old(365)})(!(lastLogonTimestamp=*))))"
    )
    check(dormant == wanted["vuln_user_accounts_dormant"], f"dormant: {len(dormant)}")
    users = len(sids(f"{people})"))
    check(len(dormant) * 4 > users, f"more than a quarter of {users} accounts is dormant")
    transitive = "".join(
        f"(memberOf:1.2.840.113556.1.4.1941:={entry['dn'][0]})"
        for rid in (512, 518, 519)
        for entry in search(f"(objectSid={DOMAIN_SID}-{rid})", "cn")
        if entry["dn"][0].isascii()
    )
    check(len(sids(f"{people}(|{transitive}))")) > 20, "many privileged members, by the server's own transitive match")
    root = search("(objectClass=domain)", "ms-DS-MachineAccountQuota", scope="base")[0]
    check(root["ms-DS-MachineAccountQuota"] == ["10"], "machine account quota")
    services = f"CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{DOMAIN_DN}"
    check(
        search("(objectClass=*)", "dSHeuristics", base=services, scope="base")[0]["dSHeuristics"]
        == [model.dsheuristics],
        "dSHeuristics",
    )
    krbtgt = search(f"(objectSid={DOMAIN_SID}-502)", "pwdLastSet")[0]
    check(int(krbtgt["pwdLastSet"][0]) < old(365), "krbtgt's password is more than a year old")
    sddl = execute(
        DC, ["samba-tool", "dsacl", "get", f"--objectdn={DOMAIN_DN}", "-H", "/var/lib/samba/private/sam.ldb"]
    ).stdout
    check(
        all(ace.sddl.split(";;")[1].split(";")[0] in sddl and ace.trustee in sddl for ace in model.aces),
        "rights on the root",
    )

    names = {str(entry["sAMAccountName"][0]) for entry in search("(objectClass=group)", "sAMAccountName")}
    # Samba's provision does not make these three.
    absent = {500, 501, 522, 526, 527}
    french = [*BUILTIN_NAMES.values(), *(name for rid, name in DOMAIN_NAMES.items() if rid not in absent)]
    latin = {name.encode().decode("latin-1") for name in french}
    check(latin - names == set(), f"French groups ({sorted(latin - names)} missing)")
    checked = execute(DC, ["samba-tool", "dbcheck", "--cross-ncs"], check=False).stdout
    check("(0 errors)" in checked, f"dbcheck: {checked.strip().splitlines()[-1]}")
    user = next(
        a
        for a in model.users()
        if a.kind == "user"
        and a.attributes.get("department")
        and a.enabled
        and a.sid not in dormant
        and not a.uac & 0x200000
    )
    ticket = execute(DC, ["kinit", f"{user.sam}@{REALM}"], check=False, stdin=f"{USER_PASSWORD}\n")
    check(ticket.returncode == 0, f"a copied account gets a ticket ({ticket.stderr.strip()})")
    anonymous = subprocess.run(
        [
            "ldapsearch",
            "-x",
            "-H",
            f"ldap://{ADDRESS}",
            "-D",
            f"Administrateur@{REALM.lower()}",
            "-w",
            ADMINISTRATOR_PASSWORD,
            "-b",
            DOMAIN_DN,
            "-s",
            "base",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    check(anonymous.returncode == 8, "a simple bind in the clear is refused (strongerAuthRequired)")


def exposed() -> None:
    """The server."""
    with tempfile.TemporaryDirectory() as folder:
        ports = scan.scan(LAB, "web1", Path(folder) / "scan.xml")
        xml = (Path(folder) / "scan.xml").read_text(encoding="utf-8")
    check(ports == sorted(PORTS), f"open ports {ports}")
    for text in ("TLSv1.0", "Anonymous FTP login allowed", 'name="telnet"', "Redis key-value store", "PostgreSQL DB"):
        check(text in xml, f"nmap saw {text}")
    web = LAB.addresses().hosts["web1"]
    done = subprocess.run(
        [
            "sshpass",
            "-d",
            "0",
            "ssh",
            "-o",
            f"UserKnownHostsFile={LAB.folder / 'known_hosts'}",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "PubkeyAuthentication=no",
            f"root@{web}",
            "id",
            "-u",
        ],
        input=WEB_ROOT_PASSWORD,
        capture_output=True,
        text=True,
        check=False,
    )
    check(done.stdout.strip() == "0", f"root gets in with a password alone {done.stderr.strip()}")
    query = execute(LAB.container("scanner"), ["redis-cli", "-h", web, "ping"], check=False).stdout
    check(query.strip() == "PONG", "redis answers to anyone")


directory()
exposed()
sys.exit(1 if PROBLEMS else 0)
