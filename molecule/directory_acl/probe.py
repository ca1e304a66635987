# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: samba-tool dsacl, the database, and the theft of secrets itself (DCSync)."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
from domain_probe import BASE, Probe, main

THIEF = "svc.d'été"
CHANGES, SECRETS = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
UNIT = f"OU=Équipe d'imagerie\\, 2e étage \\+ (nuit),{BASE}"
BELOW = f"OU=Sous-unité,{UNIT}"


def entries(probe: Probe, dn: str) -> list[str]:
    """The ACEs of an object's DACL in order, as samba-tool writes them."""
    said = probe.must("samba-tool", "dsacl", "get", f"--objectdn={dn}")
    dacl = re.search(r"D:[A-Z]*((?:\([^)]*\))+)", said)
    if dacl is None:
        raise SystemExit(f"{dn}: no DACL in {said}")
    return re.findall(r"\([^)]*\)", dacl.group(1))


def steals(probe: Probe) -> tuple[bool, str]:
    """Whether the thief can replicate krbtgt's secrets, as a domain controller would."""
    script = (Path(__file__).parent / "steal.py").read_text(encoding="utf-8")
    done = probe.run("python3", "-", THIEF, USER_PASSWORD, f"CN=krbtgt,CN=Users,{BASE}", given=script)
    return done.returncode == 0 and "stolen" in done.stdout, done.stdout + done.stderr


def prepare(probe: Probe) -> None:
    """An account that may replicate secrets, one right on an OU that goes down to another, and what must be refused."""
    probe.run("samba-tool", "user", "create", THIEF, USER_PASSWORD)
    sid = probe.one(f"(sAMAccountName={THIEF})")["objectsid"][0]
    care = probe.one("(sAMAccountName=svc-care)")["objectsid"][0]
    for dn in (UNIT, BELOW):
        probe.must("samba-tool", "ou", "create", dn)
    replication = [f"(OA;;CR;{right};;{sid})" for right in (CHANGES, SECRETS)]
    down = f"(A;CI;WD;;;{sid})"
    automation = f"(OA;;CR;{CHANGES};;{care})"
    probe.must("samba-tool", "dsacl", "set", f"--objectdn={BASE}", f"--sddl={''.join(replication)}{automation}")
    probe.must("samba-tool", "dsacl", "set", f"--objectdn={UNIT}", f"--sddl={down}")
    unit = probe.one("(ou=Équipe d'imagerie, 2e étage + \\28nuit\\29)")
    domain = probe.one("(objectClass=domainDNS)")
    admins = f"{domain['objectsid'][0]}-512"
    default = next(ace for ace in entries(probe, BASE) if ace.endswith((f";{admins})", ";DA)")))
    (probe.folder / "variables.json").write_text(json.dumps({"care_acl_remove": [
        {"object": BASE, "trustee": sid, "ace": replication[0], "label": THIEF},
        {"object": BASE, "trustee": sid, "ace": replication[1], "label": THIEF},
        {"object": unit["objectguid"][0], "trustee": sid, "ace": down, "label": THIEF},
    ]}), encoding="utf-8")
    probe.note(sid=sid, care_refused=[
        {"name": "inherited", "entry": {"object": BELOW, "trustee": sid, "ace": down}, "reason": "it is set on OU="},
        {"name": "default holder", "entry": {"object": BASE, "trustee": admins, "ace": default},
         "reason": "holds rights in every domain by default"},
        {"name": "automation account", "entry": {"object": BASE, "trustee": care, "ace": automation},
         "reason": "svc-care"},
        {"name": "another trustee", "entry": {"object": BASE, "trustee": care, "ace": replication[0]},
         "reason": "is not one of"},
        {"name": "not SDDL", "entry": {"object": BASE, "trustee": sid, "ace": "(A;;RP)"}, "reason": "6 fields"},
        {"name": "no such object", "entry": {"object": "x)(objectClass=*", "trustee": sid, "ace": down},
         "reason": "no object in"},
    ])  # fmt: skip
    probe.judge(sum(sid in ace for ace in entries(probe, BASE)) == 2, "the thief holds two entries on the domain", "")
    probe.judge(any(sid in ace for ace in entries(probe, BELOW)), "the unit below inherits the third", "")
    ok, said = steals(probe)
    probe.judge(ok, "the thief replicates the domain with its secrets", said)
    probe.dump("before")
    probe.note(before={dn: entries(probe, dn) for dn in (BASE, UNIT, BELOW)})


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """The three entries are gone, all others are as before in their order, and the theft fails."""
    facts = probe.facts()
    for dn in (BASE, UNIT, BELOW):
        wanted = [ace for ace in facts["before"][dn] if facts["sid"] not in ace]
        probe.judge(entries(probe, dn) == wanted, f"{dn}: only the named entries are gone", str(entries(probe, dn)))
    ok, said = steals(probe)
    probe.judge(not ok, "the thief can no longer replicate secrets", said)


def restored(probe: Probe) -> None:
    """All is as it was, entry for entry."""
    probe.dump("after")
    probe.same("before", "after")
    facts = probe.facts()
    for dn in (BASE, UNIT, BELOW):
        probe.judge(entries(probe, dn) == facts["before"][dn], f"{dn}: every entry is in its place", "")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
