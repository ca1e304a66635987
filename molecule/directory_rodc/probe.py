# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by ldbsearch.

The read-only domain controllers are real: samba-tool joins them (into a folder that is never started), so that their
accounts, lists, krbtgt accounts and server objects are what Samba makes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

import ldif_equal
from domain_probe import Probe, main

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from care_lab.constants import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, DC_FQDN, DOMAIN

NEVER, REVEAL = "msds-neverrevealgroup", "msds-revealondemandgroup"
OPERATORS, BACKUP = "S-1-5-32-548", "S-1-5-32-551"


def join(probe: Probe, name: str) -> dict[str, list[str]]:
    """A new read-only domain controller; its account."""
    probe.must(
        "samba-tool", "domain", "join", DOMAIN, "RODC", f"--server={DC_FQDN}", f"-U{ADMINISTRATOR}",
        f"--password={ADMINISTRATOR_PASSWORD}", f"--option=netbios name={name}", f"--targetdir=/tmp/{name}",
        "--option=interfaces=lo",
    )  # fmt: skip
    return account(probe, f"{name}$")


def account(probe: Probe, name: str) -> dict[str, list[str]]:
    """An account with its lists."""
    return probe.one(f"(sAMAccountName={name})")


def group(probe: Probe, rid: int) -> dict[str, list[str]]:
    """A group of the domain by its RID."""
    sid = probe.one("(objectClass=domainDNS)")["objectsid"][0]
    return probe.by_sid(f"{sid}-{rid}")


def members(probe: Probe, rid: int) -> set[str]:
    """SIDs of a group's members."""
    return {probe.one("(objectClass=*)", base=dn)["objectsid"][0] for dn in group(probe, rid).get("member", [])}


def sids_of(probe: Probe, name: str, attribute: str) -> set[str]:
    """SIDs in a list of a read-only domain controller."""
    listed = account(probe, name).get(attribute, [])
    return {probe.one("(objectClass=*)", base=dn)["objectsid"][0] for dn in listed}


def change(dn: str, verb: str, attribute: str, value: str) -> str:
    """LDIF that adds or deletes one value."""
    return f"dn: {dn}\nchangetype: modify\n{verb}: {attribute}\n{attribute}: {value}\n\n"


def prepare(probe: Probe) -> None:
    """Two read-only domain controllers, one of which goes; lists and groups that are wrong."""
    kept, lost = join(probe, "RODC1"), join(probe, "RODC2")
    orphan = lost["msds-krbtgtlink"][0]
    probe.must("ldbdel", "-H", ldif_equal.DATABASE, "--recursive", "--relax", lost["dn"][0])
    operators, backup = probe.by_sid(OPERATORS)["dn"][0], probe.by_sid(BACKUP)["dn"][0]
    denied, allowed = group(probe, 572)["dn"][0], group(probe, 571)["dn"][0]
    admins, person = group(probe, 512), probe.one("(&(objectClass=user)(sAMAccountName=bris-de-glace-2))")
    site = probe.find("(&(objectCategory=person)(servicePrincipalName=*))", "objectSid", "sAMAccountName")
    service_dn, service = next((dn, facts) for dn, facts in sorted(site.items()) if "objectsid" in facts)
    rodc = kept["dn"][0]
    probe.modify(change(rodc, "delete", "msDS-NeverRevealGroup", operators))
    probe.modify(change(rodc, "add", "msDS-RevealOnDemandGroup", backup))
    probe.modify(change(denied, "delete", "member", admins["dn"][0]))
    probe.modify(change(allowed, "add", "member", service_dn))
    probe.judge(OPERATORS not in sids_of(probe, "RODC1$", NEVER), "the deny list lacks a group before")
    probe.judge(BACKUP in sids_of(probe, "RODC1$", REVEAL), "a built-in group may be kept before")
    krbtgt = probe.one("(objectClass=*)", base=orphan)
    probe.judge("msds-krbtgtlinkbl" not in krbtgt, "a krbtgt account is left behind", str(krbtgt))
    used = probe.one("(objectClass=*)", base=kept["msds-krbtgtlink"][0])["objectsid"][0]
    variables = {
        "care_rodc_never_reveal": [{"rodc": kept["objectsid"][0], "principal": OPERATORS}],
        "care_rodc_reveal_remove": [{"rodc": kept["objectsid"][0], "principal": BACKUP}],
        "care_rodc_denied_members": [{"member": admins["objectsid"][0]}],
        "care_rodc_deny_revealed": [{"member": service["objectsid"][0], "label": "service"}],
        "care_rodc_allowed_members_remove": [{"member": service["objectsid"][0]}],
        "care_rodc_orphan_krbtgt": [{"identity": krbtgt["objectsid"][0]}],
    }
    (probe.folder / "variables.json").write_text(json.dumps(variables), encoding="utf-8")
    probe.note(
        used=used, orphan=krbtgt["objectsid"][0], orphan_dn=orphan, service=service["objectsid"][0],
        admins=admins["objectsid"][0], secret=krbtgt["unicodepwd"][0], person=person["objectsid"][0],
    )  # fmt: skip
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """Lists and groups are as wanted, and the krbtgt account that was left behind signs nothing any more."""
    facts = probe.facts()
    probe.judge(OPERATORS in sids_of(probe, "RODC1$", NEVER), "the deny list is complete")
    probe.judge(BACKUP not in sids_of(probe, "RODC1$", REVEAL), "no built-in group may be kept")
    denied = members(probe, 572)
    probe.judge({facts["admins"], facts["service"]} <= denied, "both are denied for all", str(denied))
    probe.judge(members(probe, 571) == set(), "nobody is allowed for all")
    krbtgt = probe.by_sid(facts["orphan"])
    probe.judge(krbtgt["unicodepwd"][0] != facts["secret"], "the secret of the krbtgt account is another one")
    probe.judge("[care.remediation]" in krbtgt["description"][0], "its description says why", str(krbtgt))
    probe.judge(int(krbtgt["useraccountcontrol"][0]) & 2 == 2, "it is disabled")
    used = probe.by_sid(facts["used"])
    probe.judge("description" not in used or "[care" not in used["description"][0], "the one in use is untouched")


def restored(probe: Probe) -> None:
    """All is as it was but the secret that was declared lost."""
    probe.dump("after")
    dn = probe.facts()["orphan_dn"]
    lost = [*ldif_equal.SECRETS, "pwdLastSet", "msDS-KeyVersionNumber"]
    probe.same("before", "after", [(dn, name) for name in lost])


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
