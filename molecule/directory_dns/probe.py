# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by samba-tool (the DNS server's own RPC) and ldbsearch."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from domain_probe import BASE, Probe, main

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from care_lab.constants import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, DOMAIN

PARTITION = f"DC=DomainDnsZones,{BASE}"
REVERSE, OFF = "0.10.in-addr.arpa", "sans-mise-a-jour.test"
# DSPROPERTY_ZONE_ALLOW_UPDATE as Samba writes it (MS-DNSP 2.3.2.1): one byte of data differs
VALUE = "AQAAAAAAAAAAAAAAAQAAAAIAAAA{}AAAAAA=="
NUMBERS = {"off": VALUE.format("A"), "unsecure": VALUE.format("B"), "secure": VALUE.format("C")}


def dn(zone: str) -> str:
    """The object of a zone."""
    return f"DC={zone},CN=MicrosoftDNS,{PARTITION}"


def tool(probe: Probe, *command: str) -> str:
    """samba-tool dns, as the domain's administrator."""
    login = f"-U{ADMINISTRATOR}%{ADMINISTRATOR_PASSWORD}"
    return probe.must("samba-tool", "dns", command[0], "127.0.0.1", *command[1:], login)


def updates(probe: Probe, zone: str) -> str:
    """What the DNS server says of a zone's dynamic updates."""
    found = re.search(r"fAllowUpdate\s*:\s*DNS_ZONE_UPDATE_(\w+)", tool(probe, "zoneinfo", zone))
    return found.group(1).lower() if found else "?"


def properties(probe: Probe) -> dict[str, list[str]]:
    """Every property of every zone, as the database holds it."""
    zones = probe.find("(objectClass=dnsZone)", "dNSProperty", base=PARTITION)
    return {name: facts.get("dnsproperty", []) for name, facts in sorted(zones.items())}


def put(probe: Probe, zone: str, before: str, after: str) -> None:
    """Another value for the property of a zone."""
    probe.modify(
        f"dn: {dn(zone)}\nchangetype: modify\ndelete: dNSProperty\ndNSProperty:: {NUMBERS[before]}\n-\n"
        f"add: dNSProperty\ndNSProperty:: {NUMBERS[after]}\n"
    )


def prepare(probe: Probe) -> None:
    """The domain's zone and a reverse one take updates from anyone, a third from nobody."""
    for zone in (REVERSE, OFF):
        tool(probe, "zonecreate", zone)
    put(probe, DOMAIN, "secure", "unsecure")
    put(probe, REVERSE, "secure", "unsecure")
    put(probe, OFF, "secure", "off")
    seen = {zone: updates(probe, zone) for zone in (DOMAIN, REVERSE, OFF)}
    probe.judge(seen == {DOMAIN: "unsecure", REVERSE: "unsecure", OFF: "off"}, "two zones are open before", str(seen))
    guid = probe.find("(objectClass=dnsZone)", "objectGUID", base=dn(REVERSE))[dn(REVERSE).lower()]["objectguid"][0]
    wanted = [{"zone": dn(DOMAIN)}, {"zone": guid, "label": REVERSE}, {"zone": dn(OFF)}]
    (probe.folder / "variables.json").write_text(json.dumps({"care_dns_secure_updates": wanted}), encoding="utf-8")
    probe.note(properties=properties(probe), wrong=f"CN=MicrosoftDNS,{PARTITION}")
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.judge(properties(probe) == probe.facts()["properties"], "no property of a zone changed")
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """Both zones are secure, the third is as it was, and one byte a zone is all that changed."""
    seen = {zone: updates(probe, zone) for zone in (DOMAIN, REVERSE, OFF)}
    probe.judge(seen == {DOMAIN: "secure", REVERSE: "secure", OFF: "off"}, "what the DNS server says", str(seen))
    before, now = probe.facts()["properties"], properties(probe)
    gone = {name: sorted(set(before[name]) - set(now[name])) for name in before if before[name] != now[name]}
    probe.judge(
        sorted(gone) == sorted([dn(DOMAIN).lower(), dn(REVERSE).lower()]) and all(len(v) == 1 for v in gone.values()),
        "one value of each of the two zones changed, and nothing else",
        str(gone),
    )
    answer = probe.run("host", "-t", "SRV", f"_ldap._tcp.{DOMAIN}", "127.0.0.1")
    if answer.returncode != 127:
        probe.judge(answer.returncode == 0, "the zone still answers", answer.stdout + answer.stderr)


def restored(probe: Probe) -> None:
    """All is as it was."""
    probe.judge(properties(probe) == probe.facts()["properties"], "each property is as it was, byte for byte")
    probe.dump("after")
    probe.same("before", "after")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
