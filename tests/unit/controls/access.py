"""A small domain with access lists: accounts, groups, OUs, policies and settings, each with a descriptor in SDDL."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import (
    Descriptor,
    DescriptorPool,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot

from controls import domain as base
from controls.domain import BASE, DOMAIN, sid

SYSTEM = f"CN=System,{BASE}"
CONFIG = f"CN=Configuration,{BASE}"
ADMINS_OU = f"OU=Administration,{BASE}"
CONTROLLERS = f"OU=Domain Controllers,{BASE}"
POLICY = f"CN={{6AC1786C-016F-11D2-945F-00C04FB984F9}},CN=Policies,{SYSTEM}"
OTHER_POLICY = f"CN={{AAAAAAAA-016F-11D2-945F-00C04FB984F9}},CN=Policies,{SYSTEM}"
HELPER, CLERK, GROUP_SID = sid(1201), sid(1202), sid(1301)
# What every object of a domain has: administrators, the system, everyone who may read, the object itself
USUAL = (
    f"(A;;GA;;;{sid(512)})",
    f"(A;CI;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{sid(519)})",
    "(A;;GA;;;S-1-5-18)",
    "(A;CI;RPWPCRCCLCLORCWOWDSDSW;;;S-1-5-32-544)",
    "(A;;GA;;;S-1-5-32-548)",
    "(A;;RPLCLORC;;;S-1-5-11)",
    "(OA;;CR;ab721a53-1e2f-11d0-9819-00aa0040529b;;S-1-1-0)",
    "(OA;;RPWP;77b5b886-944a-11d1-aebd-0000f80367c1;;S-1-5-10)",
    "(A;CIIO;GA;;;S-1-3-0)",
)


# …and what principals have besides: certificate publishers write certificates into them
PRINCIPAL = (f"(OA;;RPWP;bf967a7f-0de6-11d0-a285-00aa003049e2;;{sid(517)})",)


def descriptor(*sddl: str, owner: str = sid(512), protected: bool = False, usual: tuple[str, ...] = USUAL) -> str:
    """Base64 of a descriptor: ``sddl`` before what every object has."""
    aces = tuple(map(from_sddl, [*sddl, *usual]))
    control = sd.SELF_RELATIVE | (sd.DACL_PROTECTED if protected else 0)
    raw = sd.SecurityDescriptor(control=control, owner=owner, dacl=sd.Acl(aces)).with_dacl(aces).to_bytes()
    return base64.b64encode(raw).decode()


def parsed(*sddl: str, **facts: Any) -> Descriptor:
    """The descriptor of these entries alone."""
    found = DescriptorPool().of(base64.b64decode(descriptor(*sddl, usual=(), **facts)))
    assert found is not None
    return found


def secured(dn: str, role: str, *sddl: str, **facts: Any) -> dict[str, Any]:
    known = {name: facts.pop(name) for name in ("owner", "protected") if name in facts}
    return {
        "dn": dn,
        "guid": f"guid of {dn}",
        "role": role,
        "label": facts.pop("label", dn.partition(",")[0].partition("=")[2]),
        "descriptor": descriptor(*sddl, **known),
        "created": "2020-01-01T08:00:00+00:00",
        **facts,
    }


def user(rid: int, name: str, *sddl: str, **facts: Any) -> dict[str, Any]:
    known = {key: facts.pop(key) for key in ("owner", "protected") if key in facts}
    made = base.user(rid, name, **facts)
    return {**made, "guid": f"guid of {name}", "descriptor": descriptor(*sddl, *PRINCIPAL, **known)}


def computer(rid: int, name: str, *sddl: str, **facts: Any) -> dict[str, Any]:
    known = {key: facts.pop(key) for key in ("owner", "protected") if key in facts}
    made = base.computer(rid, name, **facts)
    return {**made, "guid": f"guid of {name}", "descriptor": descriptor(*sddl, *PRINCIPAL, **known)}


def group(identity: str, name: str, *sddl: str, members: Iterable[str] = (), **facts: Any) -> dict[str, Any]:
    dn = facts.pop("dn", base.group_dn(name))
    return secured(dn, "group", *sddl, label=name, sid=identity, members=list(members), **facts)


def domain(
    *,
    accounts: Iterable[dict[str, Any]] = (),
    admin: Iterable[str] = (),
    controller: Iterable[str] = (),
    holder: Iterable[str] = (),
    head: Iterable[str] = (),
    admins_ou: dict[str, Any] | None = None,
    controllers_ou: dict[str, Any] | None = None,
    domain_admins: Iterable[str] = (),
    policy: Iterable[str] = (),
    more: Iterable[dict[str, Any]] = (),
    **facts: Any,
) -> Snapshot:
    """A domain in which nothing is wrong but what the entries in SDDL of some objects say.

    ``admin``: on « a.dupont », a member of Domain Admins in OU=Administration; ``controller``: on DC1$; ``holder``: on
    AdminSDHolder; ``head``: on the domain head; ``policy``: on the policy linked to OU=Domain Controllers.
    """
    a_dupont = user(1101, "a.dupont", *admin, dn=f"CN=a.dupont,{ADMINS_OU}", protected=True)
    dc1 = computer(1000, "DC1$", *controller, dn=f"CN=DC1,{CONTROLLERS}", uac=base.DC_FLAGS, primary_group_id=516)
    builtin = [
        user(500, "Administrateur", protected=True),
        user(502, "krbtgt", protected=True, flags=2),
        dc1,
    ]
    ordinary = [user(1201, "support"), user(1202, "accueil")]
    units = [
        secured(BASE, "domain head", *head, label="chu-valmont.test"),
        secured(f"OU=Unité de soins d'urgence,{BASE}", "ou"),
        _unit(ADMINS_OU, admins_ou),
        _unit(CONTROLLERS, controllers_ou or {"links": [[POLICY, 0]]}),
        secured(f"CN=Users,{BASE}", "container"),
        secured(f"CN=AdminSDHolder,{SYSTEM}", "adminsdholder", *holder, *PRINCIPAL, protected=True),
        secured(f"CN=MicrosoftDNS,{SYSTEM}", "msdns"),
        secured(POLICY, "gpo", *policy, label="Contrôleurs de domaine"),
        secured(OTHER_POLICY, "gpo", label="Administration"),
        secured(f"CN=Site,CN=Sites,{CONFIG}", "site", members=[dc1["dn"]]),
        group("S-1-5-32-544", "Administrateurs", protected=True, members=[base.group_dn("Admins du domaine")]),
        group(sid(512), "Admins du domaine", *domain_admins, protected=True, members=[a_dupont["dn"]]),
        group(sid(516), "Contrôleurs de domaine", protected=True),
    ]
    return base.domain(
        [a_dupont, *ordinary, *accounts],
        builtin=builtin,
        admins=[a_dupont],
        secured=[*units, *more],
        root_domain_sid=DOMAIN,
        **facts,
    )


def _unit(dn: str, facts: dict[str, Any] | None) -> dict[str, Any]:
    known = dict(facts or {})
    return secured(dn, "ou", *known.pop("sddl", ()), **known)
