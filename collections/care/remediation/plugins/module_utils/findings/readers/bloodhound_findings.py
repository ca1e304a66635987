# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the snapshot of a BloodHound collection shows, judged by the controls of the live audit, as records.

Rights that one holder has over one object are one record, whatever the number of edges: the entry itself is not in the
collection. So no record carries an entry to remove; it says who, over what, and by which way, hop by hop.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.controls import permissions, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.controls.registry import CONTROLS
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import descriptors as roles
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    FLAGS,
    MEMBERSHIP,
    PROTECTED_USERS,
    USER,
    Snapshot,
)

from ..model import make_object
from ..records import HOST, WEAKNESS, Asset, Record
from .anssi import GRADES
from .bloodhound_domain import Collection, Domain
from .xmlstream import cut

# Control points about rights, to the rule that these records carry. What others than administrators may do is told for
# certain; that nobody may is not: deny entries, sites and files of SYSVOL are not in a collection.
PATHS: Final = {
    "vuln_permissions_adminsdholder": "path/adminsdholder",
    "vuln_permissions_dc": "path/domain-controllers",
    "vuln_permissions_gpo_container_priv": "path/containers",
    "vuln_permissions_gpo_priv": "path/group-policies",
    "vuln_permissions_naming_context": "path/domain-head",
    "vuln_privileged_members_perm": "path/privileged",
}
# Control points about accounts: their rule, and the properties that every user and every computer must show for finding
# nothing to mean something; None where a collection never shows all that the control point looks at
ACCOUNTS: Final[Mapping[str, tuple[str, tuple[str, ...] | None, tuple[str, ...]]]] = {
    "vuln_delegation_a2d2": ("allowedtodelegate", None, ()),  # SharpHound names them with protocol transition only
    "vuln_delegation_sourcedeleg": ("allowedtoact", ("enabled",), ("enabled",)),
    "vuln_delegation_t2a4d": ("allowedtodelegate", ("enabled", "trustedtoauth"), ("enabled", "trustedtoauth")),
    "vuln_delegation_t4d": (
        "unconstraineddelegation",
        ("enabled", "unconstraineddelegation"),
        ("enabled", "unconstraineddelegation"),
    ),
    "vuln_dont_expire_priv": ("pwdneverexpires", ("enabled", "pwdneverexpires"), ()),
    "vuln_guest": ("enabled", ("enabled",), ()),
    "vuln_kerberos_properties_deskey": ("usedeskeyonly", ("enabled", "usedeskeyonly"), ("enabled", "usedeskeyonly")),
    "vuln_kerberos_properties_preauth": ("dontreqpreauth", ("enabled", "dontreqpreauth"), ()),
    "vuln_kerberos_properties_preauth_priv": ("dontreqpreauth", ("enabled", "dontreqpreauth"), ()),
    "vuln_privileged_members_no_admincount": ("admincount", ("admincount",), ()),
    "vuln_protected_users": ("protectedusers", ("enabled",), ()),
    "vuln_reversible_password_priv_uac": ("encryptedtextpwdallowed", ("encryptedtextpwdallowed",), ()),
    "vuln_sidhistory_present": ("sidhistory", None, ()),  # not of groups, before SharpHound 2.7
    "vuln_spn_priv": ("hasspn", ("enabled", "hasspn"), ()),
}
# Control points about certificate templates; the objects of the authorities themselves are not judged here
TEMPLATE_RIGHTS: Final = "vuln_adcs_template_control"
TEMPLATE_WAYS: Final = "vuln_adcs_template_auth_enroll_with_name"
# An entry that AdminSDHolder has too is AdminSDHolder's, not the object's; without it nobody can tell which it is
_HOLDER: Final = "vuln_permissions_adminsdholder"
_MEMBERS: Final = "vuln_privileged_members_perm"
NEVER_EXPIRES: Final = "vuln_dont_expire"
QUOTA: Final = "vuln_user_accounts_machineaccountquota"
_PARTS: Final = frozenset({FLAGS, MEMBERSHIP, PROTECTED_USERS})
_KEPT: Final = ("partition", "template", "published_by")
ABOVE: Final = "above"  # where an inherited right is set, when the collection does not show it


def judge(collection: Collection, info: dict[str, Any], notes: list[str]) -> Iterator[Record]:
    """Every record about every domain of the collection.

    ``info`` gets ``covers`` (the control points of which nothing was left out) and ``judged`` (those that this
    collection would have said something about), ``notes`` the rest.
    """
    taken = _time(info.get("generated"))
    covers: set[str] | None = None
    judged: set[str] = set()
    for sid in sorted(collection.domains):
        domain = collection.domains[sid]
        if not domain.accounts and not domain.secured:
            continue
        asset = Asset(typed_names=[domain.name] if domain.name else [], sids=[sid], domain=True)
        yield Record(HOST, asset)
        snapshot = domain.snapshot(taken, collection.forest_root)
        here: set[str] = set()
        yield from _paths(domain, snapshot, asset, here, notes)
        yield from _accounts(domain, snapshot, asset, here)
        yield from _templates(domain, snapshot, asset, here)
        yield from _settings(domain, asset)
        judged |= here
        clean = here & ACCOUNTS.keys() if collection.complete else set()
        covers = clean if covers is None else covers & clean
        notes.append(
            f"{domain.name or sid}: {len(domain.accounts)} accounts, {len(snapshot.groups)} groups, "
            f"{len(domain.secured) - len(snapshot.groups)} other objects, "
            f"{len(snapshot.privileged.accounts)} privileged accounts"
        )
        collection.domains[sid] = Domain(sid, domain.name)  # what was judged is given back
    info["covers"] = sorted(covers or ())
    info["judged"] = sorted(judged)


def _whole(domain: Domain, control: str) -> bool:
    """Whether the collection shows all that a control point about accounts looks at."""
    _rule, users, computers = ACCOUNTS[control]
    return users is not None and domain.shows(users, computers)


def _blind(snapshot: Snapshot, control: str) -> bool:
    """Whether something that this control point looks at is not in the collection."""
    module = CONTROLS[control]
    unseen = any(snapshot.why_unreadable(part) for part in module.needs & _PARTS)
    return unseen or not snapshot.accounts or module.blind(snapshot) is not None


# --- who may do what


def _paths(domain: Domain, snapshot: Snapshot, asset: Asset, judged: set[str], notes: list[str]) -> Iterator[Record]:
    if not domain.has_access_lists:
        notes.append(f"{domain.name}: the collection holds no access lists (method ACL), so no control path is judged")
        return
    holder = any(each.role == roles.ADMINSDHOLDER for each in snapshot.secured)
    if not holder:
        notes.append(
            f"{domain.name}: AdminSDHolder is not in the collection. A right over a protected object may be one that "
            "it hands out: such records are for a person to look at"
        )
    for control, rule in PATHS.items():
        if control == _HOLDER and not holder:
            continue
        module = CONTROLS[control]
        if not _blind(snapshot, control):
            judged.add(control)
        for found in _joined(module.detect(snapshot)):
            facts = dict(found.evidence)
            if control == _MEMBERS and not holder:
                facts["population"] = "differs"
            yield _record(asset, control, rule, found, facts)
        remark = module.remark(snapshot)
        if remark and "additional Tier 0" in remark:
            notes.append(f"{domain.name}: {cut(remark, 2000)}")


def _joined(found: Iterable[Found]) -> Iterator[Found]:
    """One for each holder and object, or holder and objects that inherit from one that the collection does not show."""
    joined: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        place = ABOVE if one.evidence.get("inherited") else str(one.evidence.get("object") or one.id).casefold()
        joined.setdefault((place, str(one.evidence.get("trustee_sid"))), []).append(one)
    for (place, trustee), ones in joined.items():
        yield _one(place, trustee, ones)


def _one(place: str, trustee: str, ones: list[Found]) -> Found:
    ones = sorted(ones, key=lambda one: one.level or 9)
    first = ones[0]
    names = list(dict.fromkeys(right for one in ones for right in one.evidence.get("rights") or []))
    reached = _reached(ones)
    evidence: dict[str, Any] = {
        "object": first.evidence.get("object") if place != ABOVE else None,
        "trustee": first.evidence.get("trustee"),
        "trustee_sid": trustee,
        "rights": names,
        "inherited": place == ABOVE,
        "path": _without_entries(first.evidence.get("path") or []),
        "paths": [_without_entries(way) for way in first.evidence.get("paths") or []],
        "principals": first.evidence.get("principals") or [],
        "principals_total": first.evidence.get("principals_total") or 0,
    }
    evidence |= {name: first.evidence[name] for name in _KEPT if name in first.evidence}
    listed = ", ".join(names)
    name = first.evidence.get("trustee") or trustee
    if place == ABOVE:
        label = f"{name} : {listed} ({len(reached)})"
        more = f" and {len(reached) - 5} more" if len(reached) > 5 else ""
        wording = (
            f"{name} ({trustee}) holds {listed}, inherited from above, on {', '.join(list(reached)[:5])}{more}. "
            "Where it is set is not in the collection."
        )
    else:
        label = f"{name} : {listed} ({_last(first)})"
        wording = f"{name} ({trustee}) holds {listed} on {first.evidence.get('object')}."
        if names == [rights.OWNER]:
            wording = first.wording
    if len(reached) > 1 or place == ABOVE:
        evidence["reaches"] = list(reached)[: permissions.SHOWN_OBJECTS]
        evidence["reaches_total"] = len(reached)
    return Found(
        type="ace",
        id=f"{place}#{trustee}",
        label=cut(label, 500),
        dn=first.dn if place != ABOVE else None,
        sid=first.sid,
        level=first.level,
        wording=cut(wording, 4000),
        evidence=evidence,
    )


def _reached(ones: list[Found]) -> dict[str, None]:
    """The names of what these rights come to, each once; of an entry that says no more, the object it stands on."""
    reached: dict[str, None] = {}
    for one in ones:
        for name in one.evidence.get("reaches") or [_last(one)]:
            reached[str(name)] = None
    return reached


def _last(found: Found) -> str:
    """The object in a label like ``somebody : GenericAll (object)``."""
    inside = found.label.rpartition(" (")[2]
    return inside.removesuffix(")") if inside != found.label else found.label


def _without_entries(way: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**hop, "ace": None} for hop in way]


# --- what accounts and the domain say of themselves


def _accounts(domain: Domain, snapshot: Snapshot, asset: Asset, judged: set[str]) -> Iterator[Record]:
    for control, (rule, _users, _computers) in ACCOUNTS.items():
        module = CONTROLS[control]
        # what was found is told in any case; having found nothing counts only where all was there to be seen
        if _whole(domain, control) and not _blind(snapshot, control):
            judged.add(control)
        for found in module.detect(snapshot):
            yield _record(asset, control, rule, found, dict(found.evidence))


def _templates(domain: Domain, snapshot: Snapshot, asset: Asset, judged: set[str]) -> Iterator[Record]:
    """Who may change a template, and which one gives a certificate in another's name."""
    if not domain.templates:
        return
    judged.add(TEMPLATE_RIGHTS)
    for found in _joined(CONTROLS[TEMPLATE_RIGHTS].detect(snapshot)):
        yield _record(asset, TEMPLATE_RIGHTS, "certtemplate/control", found, dict(found.evidence))
    if not (domain.templates_known and domain.authorities):
        return
    judged.add(TEMPLATE_WAYS)
    for found in CONTROLS[TEMPLATE_WAYS].detect(snapshot):
        left_out = ("entries", "corrections", "in_nt_auth")  # a person, or the live audit, says what to change
        facts = {name: value for name, value in found.evidence.items() if name not in left_out}
        yield _record(asset, TEMPLATE_WAYS, f"certtemplate/{facts.get('way')}", found, facts)


def _settings(domain: Domain, asset: Asset) -> Iterator[Record]:
    """Where the threshold is the catalogue's, the figure alone is told: a person, or another source, decides."""
    users = [account for account in domain.accounts if account.kind == USER and account.enabled]
    never = sum(1 for account in users if account.has(uac.DONT_EXPIRE_PASSWORD))
    if never and domain.shows(("enabled", "pwdneverexpires")):
        yield Record(
            WEAKNESS,
            asset,
            rule="pwdneverexpires",
            wording=f"The password of {never} of {len(users)} enabled accounts never expires.",
            facts={"control": NEVER_EXPIRES, "population": "differs", "count": never, "of": len(users)},
            place="users",
        )
    if domain.quota:
        yield Record(
            WEAKNESS,
            asset,
            rule="machineaccountquota",
            wording=f"Any user may join {int(domain.quota)} computers to the domain.",
            object=make_object(type="domain", id=domain.name, dn=domain.dn, sid=domain.sid),
            facts={"control": QUOTA, "quota": int(domain.quota), "level": 4},
            grade=GRADES[4],
            place="domains",
        )


def _record(asset: Asset, control: str, rule: str, found: Found, facts: dict[str, Any]) -> Record:
    facts["control"] = control
    if found.level is not None:
        facts["level"] = found.level
    return Record(
        WEAKNESS,
        asset,
        rule=rule,
        wording=found.wording,
        grade=GRADES.get(found.level) if found.level else None,
        object=make_object(type=found.type, id=cut(found.id, 4096), label=found.label, dn=found.dn, sid=found.sid),
        facts=facts,
        place=cut(found.dn or found.id, 300),
    )


def _time(text: Any) -> datetime.datetime:
    """The moment of the collection; now, where nothing tells. No age is judged by it."""
    if isinstance(text, str):
        return datetime.datetime.fromisoformat(text)
    return datetime.datetime.now(datetime.UTC)
