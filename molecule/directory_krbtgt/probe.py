# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by ldbsearch and by tickets that MIT Kerberos got before each reset."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
from domain_probe import BASE, Probe, main

USER = "svc-dpi"
PHANTOM = f"CN=DC9,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,{BASE}"
# DSDB_CONTROL_PASSWORD_BYPASS_LAST_SET: nothing else can move pwdLastSet, and a test cannot wait for a day.
BYPASS = "local_oid:1.3.6.1.4.1.7165.4.3.20:0"


def krbtgt(probe: Probe) -> tuple[int, int, str]:
    """pwdLastSet, key version and hash of krbtgt."""
    entry = probe.one("(sAMAccountName=krbtgt)")
    said = probe.must(
        "ldbsearch",
        "-H",
        "/var/lib/samba/private/sam.ldb",
        "-b",
        BASE,
        "(sAMAccountName=krbtgt)",
        "msDS-KeyVersionNumber",
    )
    version = next(line for line in said.splitlines() if line.startswith("msDS-KeyVersionNumber"))
    return int(entry["pwdlastset"][0]), int(version.split()[1]), entry["unicodepwd"][0]


def hours_ago(hours: float) -> int:
    """A FILETIME."""
    return int((time.time() - hours * 3600 + 11644473600) * 10_000_000)


def backdate(probe: Probe, hours: float) -> None:
    """Let the last reset be some hours older."""
    probe.modify(
        f"dn: CN=krbtgt,CN=Users,{BASE}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {hours_ago(hours)}\n",
        BYPASS,
    )


def prepare(probe: Probe) -> None:
    """A reset of long ago, and a ticket."""
    backdate(probe, 9000)
    ok, said = probe.kinit(USER, USER_PASSWORD, "/tmp/tgt-before")
    probe.judge(ok, "a ticket before the first reset", said)
    probe.judge(probe.ticket_works("/tmp/tgt-before")[0], "it buys a service ticket")
    _last, version, secret = krbtgt(probe)
    (probe.folder / "variables.json").write_text(
        json.dumps({"care_krbtgt_rotate": True, "care_krbtgt_step": "first"}), encoding="utf-8"
    )
    probe.note(version=version, secrets=[secret])
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def resets(probe: Probe, count: int) -> None:
    """As many resets as that, and each ticket is worth what it should be."""
    facts = probe.facts()
    last, version, secret = krbtgt(probe)
    probe.judge(
        version == facts["version"] + count,
        f"the key is {count} version(s) further",
        f"{facts['version']} -> {version}",
    )
    probe.judge(secret not in facts["secrets"], "it is a new one")
    ok, said = probe.kinit(USER, USER_PASSWORD, f"/tmp/tgt-{count}")
    probe.judge(ok and probe.ticket_works(f"/tmp/tgt-{count}")[0], "new tickets are issued and work", said)
    probe.judge(last > 0, "pwdLastSet is set")


def first(probe: Probe) -> None:
    """One reset: tickets of before still work."""
    resets(probe, 1)
    ok, said = probe.ticket_works("/tmp/tgt-before")
    probe.judge(ok, "a ticket of before the first reset still works: nobody is cut off", said)


def phantom(probe: Probe) -> None:
    """A day passes, and a domain controller is registered that does not answer."""
    backdate(probe, 25)
    probe.modify(f"dn: {PHANTOM}\nchangetype: add\nobjectClass: server\ndNSHostName: dc9.chu-valmont.test\n")
    probe.judge(bool(probe.find("(objectClass=server)", "cn", base=PHANTOM)), "the phantom is registered")


def phantom_gone(probe: Probe) -> None:
    """Its metadata is cleaned up."""
    probe.must("ldbdel", "-H", "/var/lib/samba/private/sam.ldb", PHANTOM)


def second(probe: Probe) -> None:
    """Two resets. Samba 4.22 keeps two previous keys, Windows one: on Samba a third one ends the old ticket."""
    resets(probe, 2)


def third(probe: Probe) -> None:
    """By Samba's own tool: the ticket of before is refused once its key is no longer kept."""
    probe.must("samba-tool", "user", "setpassword", "krbtgt", "--newpassword=Ignored-by-Samba-2026")
    ok, said = probe.ticket_works("/tmp/tgt-before")
    probe.judge(not ok and "Key version" in said, "the ticket of before is refused after the last key went", said)


if __name__ == "__main__":
    main(
        {
            "prepare": prepare,
            "unchanged": unchanged,
            "first": first,
            "phantom": phantom,
            "phantom_gone": phantom_gone,
            "second": second,
            "third": third,
        }
    )
