# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: samba-tool shows the silo, kinit how long tickets last."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
from domain_probe import BASE, Probe, main

NAMES = ("adm.silo", "adm.second", "adm.dehors")
SILO, POLICY = "Comptes privilégiés", "Billets courts"
SERVICES = f"CN=AuthN Policy Configuration,CN=Services,CN=Configuration,{BASE}"


def account(probe: Probe, name: str) -> dict[str, list[str]]:
    """An account by name."""
    return probe.one(f"(sAMAccountName={name})")


def show(probe: Probe, kind: str, name: str) -> dict[str, object]:
    """A silo or a policy as samba-tool reads it."""
    found: dict[str, object] = json.loads(probe.must("samba-tool", "domain", "auth", kind, "view", f"--name={name}"))
    return found


def hours(probe: Probe, name: str) -> float:
    """How long a ticket lasts."""
    return probe.ticket_hours(name, USER_PASSWORD)


def prepare(probe: Probe) -> None:
    """Three administrators, whose tickets last as long as everyone's."""
    for name in NAMES:
        probe.run("samba-tool", "user", "delete", name)
        probe.must("samba-tool", "user", "create", name, USER_PASSWORD)
        probe.judge(hours(probe, name) == 10, f"a ticket of {name} lasts 10 hours before")
    members = [{"identity": account(probe, name)["objectsid"][0]} for name in NAMES[:2]]
    (probe.folder / "variables.json").write_text(
        json.dumps(
            {
                "care_silos_privileged": members,
                "care_silos_silo": SILO,
                "care_silos_policy": POLICY,
                "care_silos_ticket_lifetime_minutes": 120,
                "care_silos_stage": "enforce",
            }
        ),
        encoding="utf-8",
    )
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def inside(probe: Probe) -> None:
    """Who is in the silo, as the silo and the accounts say."""
    silo = show(probe, "silo", SILO)
    wanted = {account(probe, name)["dn"][0] for name in NAMES[:2]}
    members = {str(dn).lower() for dn in silo.get("msDS-AuthNPolicySiloMembers", [])}  # type: ignore[attr-defined]
    probe.judge(members == wanted, "the silo names both accounts and no other", str(members))
    for name in NAMES:
        assigned = account(probe, name).get("msds-assignedauthnpolicysilo", [])
        probe.judge(
            bool(assigned) == (name in NAMES[:2]), f"{name} is {'' if assigned else 'not '}assigned", str(assigned)
        )


def observed(probe: Probe) -> None:
    """The silo is there and only audits."""
    silo, policy = show(probe, "silo", SILO), show(probe, "policy", POLICY)
    probe.judge(silo.get("msDS-AuthNPolicySiloEnforced") is False, "the silo only audits", str(silo))
    probe.judge(policy.get("msDS-AuthNPolicyEnforced") is False, "its policy too", str(policy))
    inside(probe)
    for name in NAMES:
        probe.judge(hours(probe, name) == 10, f"a ticket of {name} still lasts 10 hours")


def verify(probe: Probe) -> None:
    """The silo holds: tickets of its accounts are short, those of others are not."""
    silo, policy = show(probe, "silo", SILO), show(probe, "policy", POLICY)
    probe.judge(silo.get("msDS-AuthNPolicySiloEnforced") is True, "the silo is enforced", str(silo))
    probe.judge(policy.get("msDS-AuthNPolicyEnforced") is True, "its policy too", str(policy))
    inside(probe)
    for name in NAMES:
        wanted = 2 if name in NAMES[:2] else 10
        life = hours(probe, name)
        probe.judge(life == wanted, f"a ticket of {name} lasts {wanted} hours", str(life))


def restored(probe: Probe) -> None:
    """All is as it was."""
    probe.dump("after")
    probe.same("before", "after")
    left = probe.find("(|(objectClass=msDS-AuthNPolicySilo)(objectClass=msDS-AuthNPolicy))", "cn", base=SERVICES)
    probe.judge(not left, "no silo and no policy is left", str(left))
    probe.judge(hours(probe, "adm.silo") == 10, "tickets last 10 hours again")


if __name__ == "__main__":
    main(
        {
            "prepare": prepare,
            "unchanged": unchanged,
            "observed": observed,
            "verify": verify,
            "restored": restored,
        }
    )
