"""A small French domain as plain dictionaries, from which each test makes the one it needs."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import Outcome, evaluate, select
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
BASE = "DC=chu-valmont,DC=test"
NOW = "2026-11-22T02:00:00+00:00"
NORMAL = uac.NORMAL_ACCOUNT
DC_FLAGS = uac.SERVER_TRUST_ACCOUNT | uac.TRUSTED_FOR_DELEGATION

ADMINS, DOMAIN_ADMINS, PROTECTED = "S-1-5-32-544", f"{DOMAIN}-512", f"{DOMAIN}-525"


def sid(rid: int) -> str:
    return f"{DOMAIN}-{rid}"


def user(rid: int, name: str, **facts: Any) -> dict[str, Any]:
    """An ordinary, enabled, recently used account; ``flags`` are added to NORMAL_ACCOUNT."""
    flags = facts.pop("flags", 0)
    return {
        "dn": f"CN={name},OU=Unité de soins d'urgence,{BASE}",
        "sid": sid(rid),
        "label": name,
        "uac": NORMAL | flags,
        "pwd_last_set": "2026-06-01T08:00:00+00:00",
        "last_logon": "2026-11-20T08:00:00+00:00",
        "created": "2020-01-01T08:00:00+00:00",
        "primary_group_id": 513,
        **facts,
    }


def computer(rid: int, name: str, **facts: Any) -> dict[str, Any]:
    flags = facts.pop("uac", uac.WORKSTATION_TRUST_ACCOUNT)
    return user(rid, name, kind="computer", uac=flags, **{"primary_group_id": 515, **facts})


def group(identity: str, name: str, *members: dict[str, Any] | str) -> dict[str, Any]:
    return {
        "dn": f"CN={name},CN=Users,{BASE}",
        "sid": identity,
        "label": name,
        "members": [member if isinstance(member, str) else member["dn"] for member in members],
    }


def group_dn(name: str) -> str:
    return f"CN={name},CN=Users,{BASE}"


RID_500 = user(500, "Administrateur")
GUEST = user(501, "Invité", flags=uac.ACCOUNTDISABLE)
KRBTGT = user(502, "krbtgt", flags=uac.ACCOUNTDISABLE, pwd_last_set="2026-09-01T00:00:00+00:00")
DC1 = computer(1000, "DC1$", uac=DC_FLAGS, primary_group_id=516)


def domain(
    accounts: Iterable[dict[str, Any]] = (),
    *,
    admins: Iterable[dict[str, Any] | str] = (),
    groups: Iterable[dict[str, Any]] = (),
    protected_users: Iterable[dict[str, Any] | str] = (),
    builtin: Iterable[dict[str, Any]] = (RID_500, GUEST, KRBTGT, DC1),
    **facts: Any,
) -> Snapshot:
    """A snapshot: the built-in accounts, ``accounts``, and the members of « Admins du domaine »."""
    known = {
        "domain_sid": DOMAIN,
        "domain_dn": BASE,
        "dns_name": "chu-valmont.test",
        "taken": NOW,
        "thresholds": catalogue.for_audit()["thresholds"],
        "machine_account_quota": 0,
        "ds_heuristics": "0000000001000000000200000001130",
        "accounts": copy.deepcopy([*builtin, *accounts]),
        "groups": [
            group(ADMINS, "Administrateurs", RID_500, group_dn("Admins du domaine")),
            group(DOMAIN_ADMINS, "Admins du domaine", RID_500, *admins),
            group(sid(516), "Contrôleurs de domaine"),
            group(PROTECTED, "Utilisateurs protégés", *protected_users),
            *groups,
        ],
    }
    return Snapshot.from_dict(known | facts)


def outcome(control: str, snapshot: Snapshot) -> Outcome:
    (result,) = evaluate(snapshot, select([control]))
    assert result.control == control
    return result


def labels(control: str, snapshot: Snapshot) -> list[str]:
    """The labels of what an evaluated control finds, sorted."""
    result = outcome(control, snapshot)
    assert result.state == "evaluated", result.reason
    return sorted(found.label for found in result.found)


def unreadable(control: str, snapshot: Snapshot) -> str:
    """Why a control is unreadable; fails when it is not."""
    result = outcome(control, snapshot)
    assert result.state == "unreadable", f"{control} was evaluated: {result}"
    assert result.reason
    return result.reason
