# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may write and read what LAPS keeps: what is given, what is taken, what is refused, what is said."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_laps import LapsWish, plan_laps
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected

from planners.conftest import BASE, DOMAIN, FakeDirectory, make_entry

SUPPORT, OTHER, CARE, ADMINS = f"{DOMAIN}-1300", f"{DOMAIN}-1301", f"{DOMAIN}-1105", f"{DOMAIN}-512"
COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"
ENCRYPTED = "f3531ec6-6330-4f8e-8d39-7a671fbac605"
PASSWORD, EXPIRATION = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
LEGACY, LEGACY_EXPIRATION = "22222222-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
PROTECTED = Protected([Account("automation", CARE, "svc-care", frozenset())])
NAMES = {
    "msLAPS-Password": PASSWORD, "msLAPS-PasswordExpirationTime": EXPIRATION,
    "ms-Mcs-AdmPwd": LEGACY, "ms-Mcs-AdmPwdExpirationTime": LEGACY_EXPIRATION,
}  # fmt: skip


class Directory(FakeDirectory):
    """A forest whose schema has these attributes."""

    schema_dn = f"CN=Schema,CN=Configuration,{BASE}"

    def __init__(self, *attributes: str) -> None:
        super().__init__()
        self.attributes = attributes

    def search(self, base: str, ldap_filter: str, attributes: Any, scope: str = "subtree", sd_flags: Any = None) -> Any:
        if base != self.schema_dn or "lDAPDisplayName=" not in ldap_filter:
            return iter(())
        return iter(
            Entry(f"CN={name},{base}", CaseInsensitiveDict({
                "lDAPDisplayName": [name.encode()], "schemaIDGUID": [uuid.UUID(NAMES[name]).bytes_le]}))
            for name in self.attributes if f"={name})" in ldap_filter
        )  # fmt: skip


def unit(*sddl: str) -> Entry:
    raw = sd.SecurityDescriptor(owner=ADMINS).with_dacl(tuple(map(from_sddl, sddl))).to_bytes()
    return make_entry("Postes d'imagerie", None, classes=("top", "organizationalUnit"), nTSecurityDescriptor=raw)


def planned(
    *sddl: str,
    variant: str = "windows",
    computers: bool = True,
    readers: tuple[str, ...] = (SUPPORT,),
    exclusive: bool = False,
    schema: tuple[str, ...] = tuple(NAMES),
) -> Plan:
    plan = Plan()
    wish = LapsWish(variant, computers, readers, exclusive)
    plan_laps(Directory(*schema), plan, [unit(*sddl)], wish, PROTECTED)  # type: ignore[arg-type]
    return plan


def given(plan: Plan) -> list[str]:
    return [item["sddl"] for change in plan.changes for item in change["after"]]


def test_windows_laps_gives_what_microsofts_commands_give() -> None:
    assert given(planned()) == [
        f"(OA;CIIO;WP;{PASSWORD};{COMPUTER};S-1-5-10)",
        f"(OA;CIIO;RPWP;{EXPIRATION};{COMPUTER};S-1-5-10)",
        f"(OA;CIIO;RPWP;{ENCRYPTED};{COMPUTER};S-1-5-10)",
        f"(OA;CIIO;RPCR;{PASSWORD};{COMPUTER};{SUPPORT})",
        f"(OA;CIIO;RP;{EXPIRATION};{COMPUTER};{SUPPORT})",
        f"(OA;CIIO;RPCR;{ENCRYPTED};{COMPUTER};{SUPPORT})",
    ]


def test_legacy_laps_uses_this_forests_own_attributes() -> None:
    assert given(planned(variant="legacy", schema=("ms-Mcs-AdmPwd", "ms-Mcs-AdmPwdExpirationTime"))) == [
        f"(OA;CIIO;WP;{LEGACY};{COMPUTER};S-1-5-10)",
        f"(OA;CIIO;RPWP;{LEGACY_EXPIRATION};{COMPUTER};S-1-5-10)",
        f"(OA;CIIO;RPCR;{LEGACY};{COMPUTER};{SUPPORT})",
        f"(OA;CIIO;RP;{LEGACY_EXPIRATION};{COMPUTER};{SUPPORT})",
    ]


def test_what_is_there_already_explicit_or_inherited_is_not_given_again() -> None:
    there = given(planned())
    assert not planned(*there).changes
    inherited = [ace.replace("(OA;CIIO;", "(OA;CIIOID;") for ace in there]
    assert not planned(*inherited).changes
    full = f"(A;CI;GA;;;{SUPPORT})".replace("GA", "RPWPCRCCDCLCLORCWOWDSDDTSW")
    assert [ace for ace in given(planned(full)) if SUPPORT in ace] == []
    # a right for users below, or for one level only, is not one for computers below
    narrow = [there[3].replace(COMPUTER, "bf967aba-0de6-11d0-a285-00aa003049e2"), there[3].replace("CIIO", "CINPIO")]
    assert there[3] in given(planned(*narrow))


def test_entries_come_after_those_that_deny_and_before_inherited_ones() -> None:
    deny, allow, inherited = f"(D;;SD;;;{OTHER})", "(A;;RP;;;S-1-5-11)", "(A;CIID;RP;;;S-1-5-11)"
    plan = planned(deny, allow, inherited, computers=False)
    assert [item["index"] for item in plan.changes[0]["after"]] == [2, 3, 4]
    aces = tuple(map(from_sddl, (deny, allow, inherited)))
    after = acl_changes.apply(aces, [(plan.changes[0]["before"], plan.changes[0]["after"])])
    assert [ace.inherited for ace in after] == [False] * 5 + [True]


def test_others_are_told_and_taken_out_only_when_asked() -> None:
    foreign = f"(OA;CIIO;RPCR;{PASSWORD};{COMPUTER};{OTHER})"
    everything = f"(A;CI;CR;;;{OTHER})"
    above = f"(OA;CIIOID;RPCR;{PASSWORD};{COMPUTER};{OTHER})"
    admins = f"(A;CI;CR;;;{ADMINS})"
    plan = planned(foreign, everything, admins, above)
    assert all(change["before"] == [] for change in plan.changes)
    said = [notice["text"] for notice in plan.notices]
    assert len(said) == 3 and "exclusive: true removes it" in said[0] and "ad_acl removes it" in said[1]
    assert "comes from above" in said[2] and not any(ADMINS in text for text in said)
    plan = planned(foreign, everything, admins, above, exclusive=True)
    (change,) = plan.changes
    assert [item["sddl"] for item in change["before"]] == [foreign]
    aces = tuple(map(from_sddl, (foreign, everything, admins, above)))
    after = acl_changes.apply(aces, [(change["before"], change["after"])])
    assert acl_changes.apply(after, [(change["after"], change["before"])]) == aces
    assert len(plan.notices) == 2


def test_a_protected_account_that_would_lose_its_right_is_a_hazard() -> None:
    plan = planned(f"(OA;CIIO;RPCR;{PASSWORD};{COMPUTER};{CARE})", exclusive=True)
    assert [hazard["kind"] for hazard in plan.changes[0]["hazards"]] == ["automation"]


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"readers": ("S-1-1-0",)}, "is everyone"),
        ({"readers": ("S-1-5-11",)}, "is everyone"),
        ({"schema": ("msLAPS-Password",)}, "Update-LapsADSchema"),
        ({"variant": "legacy", "schema": ()}, "Update-AdmPwdADSchema"),
    ],
)
def test_what_cannot_be_right_is_refused(wanted: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        planned(**wanted)


def test_a_list_that_is_not_in_order_is_left_alone() -> None:
    with pytest.raises(PlanError, match="not in canonical order"):
        planned("(A;;RP;;;S-1-5-11)", f"(D;;SD;;;{OTHER})")


def test_a_list_that_cannot_be_read_is_refused() -> None:
    entry = make_entry("Postes", None, classes=("top", "organizationalUnit"))
    with pytest.raises(PlanError, match="cannot be read"):
        plan_laps(Directory(*NAMES), Plan(), [entry], LapsWish("windows", True, (), False), PROTECTED)  # type: ignore[arg-type]
