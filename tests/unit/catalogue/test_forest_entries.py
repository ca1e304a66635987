"""What controls of domain controllers, trusts and DNS zones find becomes what their roles take."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls.audit import finding
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from controls.domain import domain, outcome, sid, user
from controls.test_dns_zones import zone
from controls.test_domain_controllers import ENTRA, dc, rodc
from controls.test_read_only_controllers import ADMIN, ROOT, groups, kept, krbtgt, principal
from controls.test_trusts import FOREST, TGT, trust

ALL = catalogue.load()
PERSON = user(1201, "hélène.d'aubigné")
TRUST = trust(3, FOREST | TGT | 0x40)
ZONE = zone("chu-valmont.test", 1)
RODC_SID = rodc()["sid"]


def entries(control: str, snapshot: Any) -> list[dict[str, Any]]:
    fix = ALL[control].remediation
    assert fix is not None
    return [
        entry
        for found in outcome(control, snapshot).found
        for entry in fix.entries(finding("chu-valmont.test", control, found, snapshot))
    ]


CASES = [
    ("vuln_dnszone_bad_prop", domain(dns_zones=[ZONE]), [{"zone": ZONE["guid"], "label": "chu-valmont.test"}]),
    ("vuln_trusts_forest_sidhistory", domain(trusts=[TRUST]), [{"trust": TRUST["guid"], "label": "partenaire.test"}]),
    ("vuln_trusts_tgt_deleg", domain(trusts=[TRUST]), [{"trust": TRUST["guid"], "label": "partenaire.test"}]),
    (
        "vuln_rodc_reveal",
        domain(controllers=[rodc(reveal_on_demand=[principal(sid(512)), principal(sid(1301))])]),
        [{"rodc": RODC_SID, "principal": sid(512), "label": sid(512)}],
    ),
    ("vuln_rodc_reveal", domain(controllers=[ENTRA | {"reveal_on_demand": [principal(sid(513))]}]), []),
    (
        "vuln_rodc_never_reveal",
        domain(
            controllers=[
                rodc(
                    never_reveal=[
                        principal(each) for each in ("S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-551", sid(572))
                    ]
                )
            ]
        ),
        [{"rodc": RODC_SID, "principal": "S-1-5-32-549", "label": "BUILTIN\\Server Operators"}],
    ),
    (
        "vuln_rodc_denied_group",
        domain(
            controllers=[dc()],
            root_domain_sid=ROOT,
            replication_groups=groups(denied=[502, 516, 517, 518, 519, 520, 521]),
        ),
        [{"member": sid(512), "label": "Admins du domaine"}],
    ),
    (
        "vuln_rodc_allowed_group",
        domain([PERSON], controllers=[dc()], replication_groups=groups(principal(PERSON["sid"], "hélène.d'aubigné"))),
        [{"member": sid(1201), "label": "hélène.d'aubigné"}],
    ),
    (
        "vuln_rodc_priv_revealed",
        domain([ADMIN], admins=[ADMIN], controllers=[rodc(revealed=[kept(ADMIN["dn"])])]),
        [{"member": sid(1201), "label": "adm.benoît"}],
    ),
    (
        "vuln_rodc_orphan_krbtgt",
        domain(controllers=[dc()], secondary_krbtgt=[krbtgt(2)]),
        [{"identity": sid(2002), "label": "krbtgt_2"}],
    ),
]


@pytest.mark.parametrize(("control", "snapshot", "expected"), CASES, ids=lambda value: str(value)[:30])
def test_entries(control: str, snapshot: Any, expected: list[dict[str, Any]]) -> None:
    assert entries(control, snapshot) == expected
