# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: samba-tool dsacl, the database, and the theft of secrets itself (DCSync)."""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab import laps_schema
from care_lab.constants import USER_PASSWORD
from domain_probe import BASE, Probe, main

THIEF = "svc.d'été"
CHANGES, SECRETS = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
UNIT = f"OU=Équipe d'imagerie\\, 2e étage \\+ (nuit),{BASE}"
BELOW = f"OU=Sous-unité,{UNIT}"
OWNED = f"OU=À son ancien gestionnaire,{BASE}"
MIXED = f"OU=Désordre d'accès,{BASE}"
LINK = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
POSTS = f"OU=Postes d'essai,{BASE}"
OIDS = f"CN=OID,CN=Public Key Services,CN=Services,CN=Configuration,{BASE}"


def entries(probe: Probe, dn: str) -> list[str]:
    """The ACEs of an object's DACL in order, as samba-tool writes them."""
    said = probe.must("samba-tool", "dsacl", "get", f"--objectdn={dn}")
    dacl = re.search(r"D:[A-Z]*((?:\([^)]*\))+)", said)
    if dacl is None:
        raise SystemExit(f"{dn}: no DACL in {said}")
    return re.findall(r"\([^)]*\)", dacl.group(1))


def owner(probe: Probe, dn: str) -> str:
    """The owner of an object, as samba-tool writes it."""
    said = probe.must("samba-tool", "dsacl", "get", f"--objectdn={dn}")
    return re.search(r"O:(S-[-0-9]+|[A-Z]{2})", said)[1]  # type: ignore[index]


def steals(probe: Probe) -> tuple[bool, str]:
    """Whether the thief can replicate krbtgt's secrets, as a domain controller would."""
    script = (Path(__file__).parent / "steal.py").read_text(encoding="utf-8")
    done = probe.run("python3", "-", THIEF, USER_PASSWORD, f"CN=krbtgt,CN=Users,{BASE}", given=script)
    return done.returncode == 0 and "stolen" in done.stdout, done.stdout + done.stderr


def prepare(probe: Probe) -> None:
    """An account that may replicate secrets and owns two units, its rights elsewhere, and what must be refused."""
    probe.run("samba-tool", "user", "create", THIEF, USER_PASSWORD)
    sid = probe.one(f"(sAMAccountName={THIEF})")["objectsid"][0]
    care = probe.one("(sAMAccountName=svc-care)")["objectsid"][0]
    for dn in (UNIT, BELOW, OWNED, MIXED, POSTS):
        probe.must("samba-tool", "ou", "create", dn)
    laps_schema.extend(lambda command, given: probe.must(*command, given=given), BASE)
    password = _guid_of(probe, "msLAPS-Password")
    curious = f"(OA;CIIO;RPCR;{password};{laps_schema.COMPUTER};{sid})"
    probe.must("samba-tool", "dsacl", "set", f"--objectdn={POSTS}", f"--sddl={curious}")
    replication = [f"(OA;;CR;{right};;{sid})" for right in (CHANGES, SECRETS)]
    down = f"(A;CI;WD;;;{sid})"
    automation = f"(OA;;CR;{CHANGES};;{care})"
    probe.must("samba-tool", "dsacl", "set", f"--objectdn={BASE}", f"--sddl={''.join(replication)}{automation}")
    probe.must("samba-tool", "dsacl", "set", f"--objectdn={UNIT}", f"--sddl={down}")
    # Another right of the thief's stands before what denies it to everyone: order would take it away
    mixed = [f"(A;;WD;;;{sid})", f"(OA;;WP;{LINK};;{sid})", "(D;;WP;;;AU)"]
    descriptors = {OWNED: f"O:{sid}G:DAD:AI(A;;GA;;;DA)", MIXED: f"O:{sid}G:DAD:AI{''.join(mixed)}(A;;GA;;;DA)"}
    for dn, sddl in descriptors.items():
        name = base64.b64encode(dn.encode()).decode()
        probe.modify(f"dn:: {name}\nchangetype: modify\nreplace: nTSecurityDescriptor\nnTSecurityDescriptor: {sddl}\n")
    probe.must("samba-tool", "dsacl", "set", f"--objectdn={OIDS}", f"--sddl=(A;;WO;;;{sid})")
    unit = probe.one("(ou=Équipe d'imagerie, 2e étage + \\28nuit\\29)")
    domain = probe.one("(objectClass=domainDNS)")
    admins = f"{domain['objectsid'][0]}-512"
    default = next(ace for ace in entries(probe, BASE) if ace.endswith((f";{admins})", ";DA)")))
    (probe.folder / "variables.json").write_text(json.dumps({"care_acl_remove": [
        {"object": BASE, "trustee": sid, "ace": replication[0], "label": THIEF},
        {"object": BASE, "trustee": sid, "ace": replication[1], "label": THIEF},
        {"object": unit["objectguid"][0], "trustee": sid, "ace": down, "label": THIEF},
        {"object": OIDS, "trustee": sid, "ace": f"(A;;WO;;;{sid})", "control": "vuln_adcs_control", "label": THIEF},
        {"object": MIXED, "trustee": sid, "ace": mixed[0], "label": THIEF},
        {"object": MIXED, "trustee": sid, "ace": f"O:{sid}", "label": THIEF},
    ], "care_acl_owner": [{"object": OWNED, "label": OWNED}], "care_acl_reorder": True, "care_acl_laps": [
        {"units": [POSTS], "readers": [f"{domain['objectsid'][0]}-512"], "exclusive": True},
    ]}), encoding="utf-8")
    probe.note(sid=sid, password=password, care_refused=[
        {"name": "inherited", "entry": {"object": BELOW, "trustee": sid, "ace": down}, "reason": "it is set on OU="},
        {"name": "default holder", "entry": {"object": BASE, "trustee": admins, "ace": default},
         "reason": "holds rights in every domain by default"},
        {"name": "automation account", "entry": {"object": BASE, "trustee": care, "ace": automation},
         "reason": "svc-care"},
        {"name": "another trustee", "entry": {"object": BASE, "trustee": care, "ace": replication[0]},
         "reason": "is not one of"},
        {"name": "not SDDL", "entry": {"object": BASE, "trustee": sid, "ace": "(A;;RP)"}, "reason": "6 fields"},
        {"name": "out of order", "entry": {"object": MIXED, "trustee": sid, "ace": mixed[0]},
         "reason": "newly DENY whoever is both"},
        {"name": "an owner of another name", "entry": {"object": MIXED, "trustee": care, "ace": f"O:{sid}"},
         "reason": "does not say that"},
        {"name": "no such object", "entry": {"object": "x)(objectClass=*", "trustee": sid, "ace": down},
         "reason": "no object in"},
    ])  # fmt: skip
    probe.judge(sum(sid in ace for ace in entries(probe, BASE)) == 2, "the thief holds two entries on the domain", "")
    probe.judge(any(sid in ace for ace in entries(probe, BELOW)), "the unit below inherits the third", "")
    ok, said = steals(probe)
    probe.judge(ok, "the thief replicates the domain with its secrets", said)
    probe.dump("before")
    probe.judge(all(owner(probe, dn) == sid for dn in (OWNED, MIXED)), "the thief owns two units", "")
    probe.note(before={dn: entries(probe, dn) for dn in (BASE, UNIT, BELOW, MIXED, OIDS, POSTS)})


def _guid_of(probe: Probe, attribute: str) -> str:
    """The schemaIDGUID of an attribute, which Samba chose."""
    found = probe.find(f"(lDAPDisplayName={attribute})", "schemaIDGUID", base=f"CN=Schema,CN=Configuration,{BASE}")
    return next(iter(found.values()))["schemaidguid"][0]


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """The three entries are gone, all others are as before in their order, and the theft fails."""
    facts = probe.facts()
    for dn in (BASE, UNIT, BELOW, OIDS):
        wanted = [ace for ace in facts["before"][dn] if facts["sid"] not in ace]
        probe.judge(entries(probe, dn) == wanted, f"{dn}: only the named entries are gone", str(entries(probe, dn)))
    here = "".join(entries(probe, POSTS))
    probe.judge(facts["sid"] not in here, "the thief can no longer read the computers' passwords", here)
    for right, who in (("WP", "PS"), ("RPCR", "DA")):
        wanted = f"(OA;CIIO;{right};{facts['password']};{laps_schema.COMPUTER};{who})"
        probe.judge(wanted in here.replace("CRRP", "RPCR"), f"LAPS: {who} may {right}", here)
    for dn in (OWNED, MIXED):
        probe.judge(owner(probe, dn) == "DA", f"{dn}: administrators own it", owner(probe, dn))
    now, before = entries(probe, MIXED), facts["before"][MIXED]
    probe.judge(sorted(now) == sorted(before[1:]), f"{MIXED}: only the named entry is gone", str(now))
    denies = [ace.startswith("(D") for ace in now if "ID" not in ace.split(";")[1]]
    probe.judge(denies == sorted(denies, reverse=True), f"{MIXED}: what denies stands first", str(now))
    ok, said = steals(probe)
    probe.judge(not ok, "the thief can no longer replicate secrets", said)


def restored(probe: Probe) -> None:
    """All is as it was, entry for entry."""
    probe.dump("after")
    probe.same("before", "after")
    facts = probe.facts()
    for dn in (BASE, UNIT, BELOW, MIXED, OIDS, POSTS):
        probe.judge(entries(probe, dn) == facts["before"][dn], f"{dn}: every entry is in its place", "")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
