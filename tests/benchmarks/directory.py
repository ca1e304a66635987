# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading and changing many accounts: our session against ldapsearch and ldapmodify, and a loop object by object.

Prints ratios and asserts no time: machines differ. Every program runs in the same minutes against the same server, in
turns; the median of the rounds counts.

    python tests/benchmarks/directory.py INSTANCE [--users 2000] [--rounds 3] [--peer VENV/bin/ansible-playbook]

``--peer`` names the ansible-playbook of an environment that has community.general and python-ldap: its ldap_attrs is
run in a loop over some of the accounts.

It makes its own accounts in an OU of its own in the instance's domain, and removes them. LDAPS with a password.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections"), str(ROOT / "molecule" / "lab")]

import ldap
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import writer
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from care_lab.constants import AUTOMATION, AUTOMATION_PASSWORD, DOMAIN, DOMAIN_DN

UNIT = f"OU=Bench,{DOMAIN_DN}"
BIT = 0x400000
# What takes half a second each need not be done thousands of times to be known
LOOPED = 60
LOOP = """
- hosts: localhost
  gather_facts: false
  tasks:
    - community.general.ldap_attrs:
        server_uri: "{{ url }}"
        bind_dn: "{{ user }}"
        bind_pw: "{{ lookup('env', 'BENCH_PASSWORD') }}"
        ca_path: "{{ ca }}"
        dn: "{{ item }}"
        attributes: {userAccountControl: "{{ value }}"}
        state: exact
      loop: "{{ dns }}"
"""
ATTRIBUTES = ["objectGUID", "objectSid", "sAMAccountName", "userAccountControl", "pwdLastSet", "memberOf"]


def options(instance: str) -> ConnectionOptions:
    """LDAPS with a password: what ldapsearch and we can both do without more."""
    folder = ROOT / "build" / "lab" / instance
    address = json.loads((folder / "addresses.json").read_text(encoding="utf-8"))["hosts"]["dc1"]
    return ConnectionOptions(
        server=address, tls_mode="ldaps", auth_protocol="simple", username=f"{AUTOMATION}@{DOMAIN}",
        password=AUTOMATION_PASSWORD, ca_cert=str(folder / "ca.pem"),
    )  # fmt: skip


def clients(where: ConnectionOptions) -> tuple[list[str], dict[str, str]]:
    """The arguments and environment of OpenLDAP's own programs."""
    arguments = ["-x", "-H", where.url, "-D", where.username or "", "-y", "/dev/stdin"]
    return arguments, {**os.environ, "LDAPTLS_CACERT": where.ca_cert or ""}


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor seconds, of this process and its children."""

    def spent() -> float:
        return sum(
            usage.ru_utime + usage.ru_stime
            for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
        )

    wall, cpu = time.perf_counter(), spent()
    work()
    return time.perf_counter() - wall, spent() - cpu


def compare(title: str, works: dict[str, Callable[[], None]], rounds: int) -> None:
    """Run each in turns, and say how each relates to the first one."""
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _round in range(rounds):
        for name, work in works.items():
            results[name].append(timed(work))
    floor = next(iter(works))
    base = [statistics.median(r[n] for r in results[floor]) for n in (0, 1)]
    print(f"\n{title} (median of {rounds}; {floor} = 1: {base[0]:.2f} s, {base[1]:.2f} s of processor)")
    for name, measured in results.items():
        wall, cpu = (statistics.median(r[n] for r in measured) / max(base[n], 1e-9) for n in (0, 1))
        print(f"  {name:<44} wall × {wall:5.2f}   processor × {cpu:5.2f}")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("instance")
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", help="ansible-playbook of an environment with community.general and python-ldap")
    args = parser.parse_args()
    where = options(args.instance)
    arguments, environment = clients(where)
    with Session.connect(where) as session:
        raw = session._ldap
        dns = [f"CN=bench-{n:05d},{UNIT}" for n in range(args.users)]
        raw.add_s(UNIT, [("objectClass", [b"organizationalUnit"])])
        try:
            print(f"making {args.users} accounts…", flush=True)
            for number, dn in enumerate(dns):
                raw.add_s(dn, [
                    ("objectClass", [b"user"]), ("sAMAccountName", [f"bench-{number:05d}".encode()]),
                    ("userAccountControl", [b"514"]),
                ])  # fmt: skip
            measure(session, where, dns, arguments, environment, args.rounds)
            if args.peer:
                loop(args.peer, where, dns[:LOOPED], arguments, environment)
        finally:
            for dn in dns:
                try:
                    raw.delete_s(dn)
                except ldap.NO_SUCH_OBJECT:
                    break
            raw.delete_s(UNIT)


def measure(
    session: Session, where: ConnectionOptions, dns: list[str], arguments: list[str], environment: dict[str, str],
    rounds: int,
) -> None:  # fmt: skip
    """Both comparisons."""
    secret = (where.password or "").encode()

    def run(command: list[str]) -> None:
        done = subprocess.run(command, input=secret, env=environment, capture_output=True, check=True)
        assert done.returncode == 0

    def ours() -> None:
        with Session.connect(where) as fresh:
            assert sum(1 for _ in fresh.search(UNIT, "(objectClass=user)", ATTRIBUTES)) == len(dns)

    def one_by_one() -> None:
        with Session.connect(where) as fresh:
            assert all(fresh.read(dn, ATTRIBUTES) for dn in dns)

    compare(
        f"reading {len(dns)} accounts",
        {
            "ldapsearch (floor)": lambda: run(
                [
                    "ldapsearch",
                    *arguments,
                    "-LLL",
                    "-E",
                    "pr=1000/noprompt",
                    "-b",
                    UNIT,
                    "(objectClass=user)",
                    *ATTRIBUTES,
                ]
            ),
            "Session.search": ours,
            "read object by object": one_by_one,
        },
        rounds,
    )

    entries = list(session.search(UNIT, "(objectClass=user)", ["objectGUID"]))
    changes = [
        model.completed(
            model.new_change(
                target="directory", kind="flags", object_type="user", object_id=entry.guid() or "", label=entry.dn,
                attribute="userAccountControl", mask=BIT, before=0, after=BIT,
            ),
            DOMAIN,
        )
        for entry in entries
    ]  # fmt: skip
    ldif = ROOT / "build" / "bench.ldif"

    def set_all(value: int) -> None:
        ldif.write_text(
            "".join(
                f"dn: {dn}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: {value}\n\n"
                for dn in dns
            ),
            encoding="utf-8",
        )
        run(["ldapmodify", *arguments, "-f", str(ldif)])

    def write(operation: str) -> None:
        with Session.connect(where) as fresh:
            results = writer.write(fresh, operation, changes)["results"]
        assert {r["status"] for r in results} == {"applied" if operation == "apply" else "undone"}

    def naive() -> None:
        # what a module with an object an item does: find it, compare, change it, read it back
        for value in (514 | BIT, 514):
            with Session.connect(where) as fresh:
                for dn in dns:
                    present = fresh.read(dn, ["userAccountControl"])
                    assert present is not None
                    fresh._ldap.modify_s(dn, [(ldap.MOD_REPLACE, "userAccountControl", [str(value).encode()])])
                    assert fresh.read(dn, ["userAccountControl"]) is not None

    def both_ways() -> None:
        set_all(514 | BIT)
        set_all(514)

    compare(
        f"setting and clearing one flag of {len(dns)} accounts",
        {
            "ldapmodify, unchecked (floor)": both_ways,
            "writer: compare, write, read back": lambda: (write("apply"), write("undo"))[0],
            "the same object by object": naive,
        },
        rounds,
    )
    ldif.unlink()


def loop(
    playbook: str, where: ConnectionOptions, dns: list[str], arguments: list[str], environment: dict[str, str]
) -> None:
    """community.general.ldap_attrs in a loop against ldapmodify over the same accounts."""
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loop.yml").write_text(LOOP, encoding="utf-8")
    (folder / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")  # not this project's
    quiet = {
        **environment, "BENCH_PASSWORD": where.password or "", "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "LC_ALL": "C.UTF-8",
    }  # fmt: skip

    def peer() -> None:
        for value in (514 | BIT, 514):
            variables = {
                "url": where.url, "user": where.username, "ca": where.ca_cert, "dns": dns, "value": str(value),
                "ansible_python_interpreter": str(Path(playbook).with_name("python")),
            }  # fmt: skip
            (folder / "loop.json").write_text(json.dumps(variables), encoding="utf-8")
            command = [playbook, "-e", f"@{folder / 'loop.json'}", str(folder / "loop.yml")]
            done = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def floor() -> None:
        for value in (514 | BIT, 514):
            text = "".join(
                f"dn: {dn}\nchangetype: modify\nreplace: userAccountControl\nuserAccountControl: {value}\n\n"
                for dn in dns
            )
            (folder / "loop.ldif").write_text(text, encoding="utf-8")
            command = ["ldapmodify", *arguments, "-f", str(folder / "loop.ldif")]
            subprocess.run(
                command, input=(where.password or "").encode(), env=environment, capture_output=True, check=True
            )

    title = f"setting and clearing one flag of {len(dns)} accounts"
    compare(title, {"ldapmodify, unchecked (floor)": floor, "community.general.ldap_attrs in a loop": peer}, 1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
