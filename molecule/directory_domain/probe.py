# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by ldbsearch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from domain_probe import BASE, Probe, main

SERVICE = f"CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration,{BASE}"


def settings(probe: Probe) -> tuple[list[str], list[str]]:
    """The quota and dSHeuristics."""
    root = probe.find("(objectClass=domainDNS)", "ms-DS-MachineAccountQuota")[BASE.lower()]
    service = probe.find("(objectClass=*)", "dSHeuristics", base=SERVICE)[SERVICE.lower()]
    return root.get("ms-ds-machineaccountquota", []), service.get("dsheuristics", [])


def prepare(probe: Probe) -> None:
    """A dSHeuristics with bad positions and others that must stay."""
    probe.modify(f"dn: {SERVICE}\nchangetype: modify\nreplace: dSHeuristics\ndSHeuristics: 00100021010000010002\n")
    quota, heuristics = settings(probe)
    probe.judge(quota == ["10"], "any user may join computers before", str(quota))
    probe.judge(heuristics == ["00100021010000010002"], "dSHeuristics is bad before", str(heuristics))
    (probe.folder / "variables.json").write_text(
        json.dumps(
            {
                "care_domain_machine_account_quota": 0,
                "care_domain_dsheuristics": {"7": "0", "8": "0", "16": "0", "28": "1", "29": "1"},
            }
        ),
        encoding="utf-8",
    )
    probe.note(prepared=True)
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """The settings hold."""
    quota, heuristics = settings(probe)
    probe.judge(quota == ["0"], "nobody may join computers without a right to", str(quota))
    wanted = "00100000010000000002000000011"
    probe.judge(
        heuristics == [wanted], "five positions changed, position 3 and the control characters stay", str(heuristics)
    )


def restored(probe: Probe) -> None:
    """All is as it was."""
    probe.dump("after")
    probe.same("before", "after")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
