# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by ldbsearch and samba-tool.

The trusts are made in the database: samba-tool makes one only together with a second domain.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

import ldif_equal
from domain_probe import BASE, Probe, main

SYSTEM = f"CN=System,{BASE}"
# name: direction, trustAttributes before, and after (MS-ADTS 6.1.6.7.9)
TRUSTS = {
    "externe.test": (3, 0x0, 0x4),  # external, unfiltered
    "externe-rc4.test": (2, 0x80, 0x84),  # the same, with a bit that must stay
    "filtre.test": (2, 0x4, 0x4),  # filtered already
    "foret.test": (3, 0x48, 0x8),  # forest with SID history
    "delegation.test": (1, 0x808, 0x8),  # forest that receives whole tickets
    "externe-historique.test": (2, 0x40, 0x40),  # external: this bit means nothing there
    "tranquille.test": (3, 0x8, 0x8),  # a forest trust that nobody names
}


def dn(name: str) -> str:
    """The object of a trust."""
    return f"CN={name},{SYSTEM}"


def attributes(probe: Probe) -> dict[str, int]:
    """trustAttributes of each trust."""
    found = probe.find("(objectClass=trustedDomain)", "trustAttributes")
    return {name: int(found[dn(name).lower()]["trustattributes"][0]) for name in TRUSTS}


def prepare(probe: Probe) -> None:
    """Trusts of each kind."""
    for number, (name, (direction, flags, _after)) in enumerate(TRUSTS.items()):
        ldif = (
            f"dn: {dn(name)}\nobjectClass: trustedDomain\ntrustPartner: {name}\n"
            f"flatName: {name.partition('.')[0].upper()}\nsecurityIdentifier: S-1-5-21-{number + 1}-2-3\n"
            f"trustDirection: {direction}\ntrustType: 2\ntrustAttributes: {flags}\n"
        )
        probe.must("ldbadd", "-H", ldif_equal.DATABASE, "--relax", given=ldif)
    seen = attributes(probe)
    probe.judge(seen == {name: each[1] for name, each in TRUSTS.items()}, "the trusts are as wanted before", str(seen))
    said = probe.must("samba-tool", "domain", "trust", "list")
    probe.judge("Type[Forest]" in said and "Type[External]" in said, "samba-tool knows them as trusts", said)
    guid = probe.find("(objectClass=*)", "objectGUID", base=dn("foret.test"))[dn("foret.test").lower()]["objectguid"][0]
    variables = {
        "care_trusts_quarantine": [
            {"trust": dn(name), "label": name} for name in ("externe.test", "externe-rc4.test", "filtre.test")
        ],
        "care_trusts_no_sid_history": [{"trust": guid, "label": "foret.test"}],
        "care_trusts_no_tgt_delegation": [{"trust": dn("delegation.test"), "label": "delegation.test"}],
    }
    probe.note(variables=variables)
    probe.note(forest=dn("tranquille.test"), external=dn("externe-historique.test"), no_trust=SYSTEM)
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """What was refused changed nothing, and what was planned is what should be."""
    seen = attributes(probe)
    probe.judge(seen == {name: each[1] for name, each in TRUSTS.items()}, "trustAttributes are as before", str(seen))
    unchanged(probe)
    planned = {}
    for path in sorted((probe.folder / "care" / "runs").glob("*/journal.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["event"] == "intent":
                change = event["change"]
                name = change["object"]["label"]
                planned[name] = TRUSTS[name][1] & ~change["mask"] | change["after"]
    wanted = {name: after for name, (_direction, before, after) in TRUSTS.items() if before != after}
    probe.judge(planned == wanted, "each trust that is wrong, and no other, was planned to be right", str(planned))


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify})
