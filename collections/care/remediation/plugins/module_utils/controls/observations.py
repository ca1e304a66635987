# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ANSSI's warnings and information points, as far as a snapshot answers them. They never change the level.

The catalogue's ``anssi/observations.yml`` lists all of them; those without a function here are ``not_examined``, with
the reason that the catalogue gives. What could not be read is ``unreadable``, never ``nothing``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any, Final, TypeAlias

from ansible_collections.care.remediation.plugins.module_utils.controls import tolerance
from ansible_collections.care.remediation.plugins.module_utils.controls.model import day, years_before
from ansible_collections.care.remediation.plugins.module_utils.controls.vuln_user_accounts_dormant import is_dormant
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import snapshot as parts
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import Descriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import (
    descriptors,
    dns,
    observed,
    silos,
    trusts,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Account, Snapshot

OBSERVED: Final = "observed"
NOTHING: Final = "nothing"
UNREADABLE: Final = "unreadable"
NOT_EXAMINED: Final = "not_examined"
# So many objects of each are listed; the count says how many there are.
LISTED: Final = 50

ANONYMOUS: Final = "S-1-5-7"
EVERYONE: Final = "S-1-1-0"
AUTHENTICATED_USERS: Final = "S-1-5-11"
OPERATORS: Final = (
    sids.BUILTIN_ACCOUNT_OPERATORS,
    sids.BUILTIN_SERVER_OPERATORS,
    sids.BUILTIN_PRINT_OPERATORS,
    sids.BUILTIN_BACKUP_OPERATORS,
)
# Access masks (MS-ADTS 5.1.3.2)
LIST_CHILDREN: Final = 0x4
READ: Final = 0x10 | 0x80 | LIST_CHILDREN | 0x20000  # properties, object, contents, descriptor
WRITE: Final = 0x1 | 0x2 | 0x8 | 0x20 | 0x10000 | 0x40000 | 0x80000  # child, self, property, delete, DACL, owner
GENERIC: Final = 0xF0000000
GENERIC_READ_OR_ALL: Final = 0x90000000
GENERIC_WRITE_OR_ALL: Final = 0x50000000
# ACCESS_DENIED_ACE_TYPE and its object and callback forms (MS-DTYP 2.4.4.1)
DENYING: Final = (0x1, 0x6, 0xA, 0xC)


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that an observation is about; ``fact`` is a short detail."""

    label: str
    dn: str | None = None
    sid: str | None = None
    fact: str | None = None


Look: TypeAlias = "Callable[[Snapshot], Iterable[Seen] | None]"


@dataclass(frozen=True, slots=True)
class Observer:
    """How one observation is made: the parts of the snapshot it needs; None from ``look``: it does not apply here."""

    needs: frozenset[str]
    look: Look


OBSERVERS: Final[dict[str, Observer]] = {}


def _observer(id_: str, *needs: str) -> Callable[[Look], Look]:
    def keep(look: Look) -> Look:
        OBSERVERS[id_] = Observer(frozenset(needs), look)
        return look

    return keep


def observe(snapshot: Snapshot, listed: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Every observation of the catalogue (``listed``: id to why it is not examined, None when it is), as audit/1
    holds them."""
    return [_observe(snapshot, id_, reason) for id_, reason in sorted(listed.items())]


def _observe(snapshot: Snapshot, id_: str, unexamined: str | None) -> dict[str, Any]:
    observer = OBSERVERS.get(id_)
    if observer is None:
        return _result(id_, NOT_EXAMINED, unexamined or "this version does not examine it")
    reasons = [why for part in sorted(observer.needs) if (why := snapshot.why_unreadable(part))]
    if reasons:
        return _result(id_, UNREADABLE, "; ".join(reasons))
    found = observer.look(snapshot)
    if found is None:
        return _result(id_, NOT_EXAMINED, unexamined or "it does not apply here")
    shown, count = [], 0
    for each in found:
        count += 1
        if count <= LISTED:
            one = {"label": each.label, "dn": each.dn, "sid": each.sid}
            shown.append(one if each.fact is None else one | {"fact": each.fact})
    return _result(id_, OBSERVED if count else NOTHING, None, count, shown)


def _result(
    id_: str, state: str, reason: str | None, count: int = 0, objects: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    return {"id": id_, "state": state, "reason": reason, "count": count, "objects": objects or []}


def _of(account: Account, fact: str | None = None) -> Seen:
    return Seen(account.label, account.dn, account.sid, fact)


# --- accounts


@_observer("info_user_accounts_dormant", parts.ACCOUNTS, parts.FLAGS, parts.PASSWORDS, parts.LOGONS)
def _dormant(snapshot: Snapshot) -> Iterator[Seen]:
    limit = "info_user_accounts_dormant"
    password = years_before(snapshot.taken, snapshot.limit(limit, "password_years"))
    logon = years_before(snapshot.taken, snapshot.limit(limit, "logon_years"))
    for account in snapshot.enabled_users():
        if is_dormant(account, password, logon):
            yield _of(account, day(account.last_logon))


@_observer("warning_dont_expire", parts.ACCOUNTS, parts.FLAGS)
def _never_expires(snapshot: Snapshot) -> Iterator[Seen]:
    never = (each for each in snapshot.enabled_users() if each.has(uac.DONT_EXPIRE_PASSWORD))
    return (_of(each, day(each.pwd_last_set)) for each in never)


@_observer("warning_password_change", parts.ACCOUNTS, parts.FLAGS, parts.PASSWORDS)
def _old_password(snapshot: Snapshot) -> Iterator[Seen]:
    before = years_before(snapshot.taken, snapshot.limit("warning_password_change", "password_years"))
    for account in snapshot.enabled_users():
        if account.pwd_last_set is not None and account.pwd_last_set < before:
            yield _of(account, day(account.pwd_last_set))


@_observer("warning_reversible_password", parts.ACCOUNTS, parts.FLAGS)
def _reversible(snapshot: Snapshot) -> Iterator[Seen]:
    return (_of(each) for each in snapshot.accounts if each.enabled and each.has(uac.ENCRYPTED_TEXT_PWD_ALLOWED))


@_observer("warning_rid500", parts.ACCOUNTS, parts.LOGONS)
def _administrator_used(snapshot: Snapshot) -> Iterator[Seen]:
    since = snapshot.taken - timedelta(days=snapshot.limit("warning_rid500", "days"))
    account = snapshot.by_rid(sids.RID_ADMINISTRATOR)
    if account is not None and account.last_logon is not None and account.last_logon >= since:
        yield _of(account, day(account.last_logon))


@_observer("warning_admincount", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _marked(snapshot: Snapshot) -> Iterator[Seen]:
    return _with_mark(snapshot, 1)


@_observer("warning_admincount_0", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _unmarked(snapshot: Snapshot) -> Iterator[Seen]:
    return _with_mark(snapshot, 0)


def _with_mark(snapshot: Snapshot, value: int) -> Iterator[Seen]:
    yield from (_of(each) for each in snapshot.accounts if each.admin_count == value)
    for group in snapshot.secured:
        if group.admin_count == value:
            yield Seen(group.label, group.dn, group.sid)


# --- privileged accounts


@_observer("info_keycredentiallink_priv", parts.ACCOUNTS, parts.MEMBERSHIP, observed.KEYS)
def _privileged_keys(snapshot: Snapshot) -> Iterator[Seen]:
    return (_of(each) for each, _why in snapshot.privileged_accounts() if each.sid in snapshot.observed.keys)


@_observer("info_keycredentiallink_dc", parts.ACCOUNTS, parts.FLAGS, observed.KEYS)
def _controller_keys(snapshot: Snapshot) -> Iterator[Seen]:
    return (_of(each) for each in snapshot.accounts if each.is_dc and each.sid in snapshot.observed.keys)


@_observer("info_keycredentiallink_silo", parts.ACCOUNTS, silos.SILOS, observed.KEYS)
def _silo_keys(snapshot: Snapshot) -> Iterator[Seen]:
    for account in snapshot.accounts:
        if account.kind == parts.COMPUTER and account.sid in snapshot.silo_of and account.sid in snapshot.observed.keys:
            yield _of(account)


@_observer("warning_logonscript_priv", parts.ACCOUNTS, parts.MEMBERSHIP, observed.SCRIPTS)
def _scripts(snapshot: Snapshot) -> Iterator[Seen]:
    for account, _why in snapshot.privileged_accounts():
        if account.sid in snapshot.observed.scripts:
            yield _of(account, snapshot.observed.scripts[account.sid])


@_observer(
    "warning_privileged_members_expired_disabled", parts.ACCOUNTS, parts.FLAGS, parts.MEMBERSHIP, observed.EXPIRED
)
def _useless(snapshot: Snapshot) -> Iterator[Seen]:
    for account, _why in snapshot.privileged_accounts():
        if account.sid in snapshot.observed.expired:
            yield _of(account, "expired")
        elif not account.enabled:
            yield _of(account, "disabled")


@_observer("warning_privileged_members_foreign", parts.ACCOUNTS, parts.MEMBERSHIP)
def _foreign(snapshot: Snapshot) -> Iterator[Seen]:
    for identity, privilege in sorted(snapshot.privileged.foreign.items()):
        groups = ", ".join(sorted({edge.group_label for edge in privilege.memberships}))
        known = sids.is_sid(identity)
        yield Seen(snapshot.name_of(identity), None if known else identity, identity if known else None, groups)


@_observer("warning_privileged_members_no_adminsdholder", parts.ACCOUNTS, parts.MEMBERSHIP)
def _unprotected(snapshot: Snapshot) -> Iterator[Seen]:
    return (_of(each) for each, _why in snapshot.privileged_accounts() if each.admin_count != 1)


@_observer("warning_privileged_members_not_empty", parts.MEMBERSHIP)
def _operators(snapshot: Snapshot) -> Iterator[Seen]:
    for group in snapshot.groups.values():
        if group.sid in OPERATORS and group.members:
            yield Seen(group.label, group.dn, group.sid, str(len(group.members)))


@_observer("warning_spn_priv", parts.ACCOUNTS, parts.FLAGS, parts.MEMBERSHIP)
def _tolerated_services(snapshot: Snapshot) -> Iterator[Seen]:
    for account, _why in snapshot.privileged_accounts():
        tolerated = account.kind == parts.MSA or (
            account.kind == parts.USER and tolerance.refusal(snapshot, account, "vuln_spn_priv") is None
        )
        if account.enabled and account.spns and tolerated:
            yield _of(account, ", ".join(sorted(account.spns)[:3]))


# --- policies


@_observer("info_gpo", observed.POLICIES)
def _policies(snapshot: Snapshot) -> Iterator[Seen]:
    dated = [each for each in snapshot.observed.policies if each.changed is not None]
    for policy in sorted(dated, key=lambda each: each.changed or snapshot.taken, reverse=True):
        yield Seen(policy.label, policy.dn, None, day(policy.changed))


@_observer("info_password_policy_pso", parts.PSOS)
def _psos(snapshot: Snapshot) -> Iterator[Seen]:
    for pso in sorted(snapshot.psos, key=lambda each: each.precedence):
        age = "no expiry" if pso.maximum_age_days is None else f"{pso.maximum_age_days:.0f} days"
        yield Seen(pso.dn.split(",", 1)[0][3:], pso.dn, None, f"{pso.minimum_length} characters, {age}")


@_observer("warning_password_policy_pso_missing")
def _psos_missing(snapshot: Snapshot) -> Iterator[Seen]:
    if parts.PSOS in snapshot.unreadable:
        yield Seen(snapshot.unreadable[parts.PSOS])


@_observer("info_laps", parts.ACCOUNTS, parts.FLAGS, observed.LAPS)
def _laps(snapshot: Snapshot) -> Iterator[Seen]:
    machines = [each for each in snapshot.accounts if each.kind == parts.COMPUTER and each.enabled and not each.is_dc]
    covered = sum(each.sid in snapshot.observed.laps for each in machines)
    if machines:
        yield Seen(snapshot.dns_name, None, None, f"{covered} / {len(machines)}")


@_observer("info_laps_missing", parts.ACCOUNTS, parts.FLAGS, observed.LAPS)
def _no_laps(snapshot: Snapshot) -> Iterator[Seen]:
    if not snapshot.observed.laps and any(each.kind == parts.COMPUTER and not each.is_dc for each in snapshot.accounts):
        yield Seen(snapshot.dns_name, snapshot.domain_dn)


@_observer("warning_trusts_tgt_deleg", trusts.TRUSTS)
def _delegating_trusts(snapshot: Snapshot) -> Iterator[Seen]:
    for trust in snapshot.trusts:
        if trust.inbound and trust.has(trusts.ENABLE_TGT_DELEGATION):
            yield Seen(trust.partner, trust.dn, trust.sid)


@_observer("warning_dnszone_duplicated_zones", dns.DNS_ZONES)
def _twice(snapshot: Snapshot) -> Iterator[Seen]:
    places: dict[str, list[str]] = {}
    for zone in snapshot.dns_zones:
        places.setdefault(zone.name.casefold(), []).append(zone.partition)
    for name, held in sorted(places.items()):
        if len(held) > 1:
            yield Seen(name, None, None, "; ".join(sorted(held)))


@_observer("warning_tool_version")
def _collector(snapshot: Snapshot) -> Iterable[Seen] | None:
    """Only where a dump was read; a version that is not three numbers is unknown."""
    if snapshot.collector is None:
        return None
    limit = tuple(int(snapshot.limit("warning_tool_version", name)) for name in ("major", "minor", "build"))
    numbers = [int(each) for each in snapshot.collector.split(".") if each.isdigit()]
    # 3.6.0.218 and 3.6.218 are both written; the third number of four is always 0
    version = (*numbers[:2], numbers[-1]) if len(numbers) in (3, 4) else ()
    return [] if version >= limit else [Seen(snapshot.collector or "?", None, None, ".".join(map(str, limit)))]


# --- security descriptors of accounts, groups, organisational units and policies


def _described(snapshot: Snapshot) -> Iterator[tuple[Seen, Descriptor | None]]:
    for account in snapshot.accounts:
        yield Seen(account.label, account.dn, account.sid), account.descriptor
    for each in snapshot.secured:
        yield Seen(each.label, each.dn, each.sid), each.descriptor


def _gives(ace: Ace, rights: int) -> bool:
    return ace.mask is not None and bool(ace.mask & rights)


def _with_ace(snapshot: Snapshot, wrong: Callable[[Ace], bool]) -> Iterator[Seen]:
    """Objects with an entry of their own (not inherited) like this; each distinct descriptor is looked at once."""
    known: dict[Descriptor, Ace | None] = {}
    for seen, descriptor in _described(snapshot):
        if descriptor is None or descriptor.aces is None:
            continue
        if descriptor not in known:
            own = (ace for ace in descriptor.aces if not ace.flags & sd.INHERITED)
            known[descriptor] = next((ace for ace in own if wrong(ace)), None)
        ace = known[descriptor]
        if ace is not None:
            yield Seen(seen.label, seen.dn, seen.sid, snapshot.name_of(ace.sid or "?"))


@_observer("info_sd", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _anonymous(snapshot: Snapshot) -> Iterator[Seen]:
    return _with_ace(snapshot, lambda ace: ace.allows and ace.sid == ANONYMOUS)


@_observer("warning_sd_anonymous_control", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _anonymous_control(snapshot: Snapshot) -> Iterator[Seen]:
    return _with_ace(
        snapshot,
        lambda ace: ace.allows and ace.sid == ANONYMOUS and _gives(ace, WRITE | GENERIC_WRITE_OR_ALL),
    )


@_observer("warning_sd_deny_read", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _denied(snapshot: Snapshot) -> Iterator[Seen]:
    return _with_ace(snapshot, lambda ace: ace.type in DENYING and _gives(ace, READ | GENERIC_READ_OR_ALL))


@_observer("warning_sd_generic_perm", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _generic(snapshot: Snapshot) -> Iterator[Seen]:
    # an entry that only children inherit keeps its generic rights until then
    return _with_ace(snapshot, lambda ace: _gives(ace, GENERIC) and not ace.flags & sd.INHERIT_ONLY)


@_observer("warning_sd_unknown_sid", parts.ACCOUNTS, descriptors.OBJECT_DESCRIPTORS)
def _unknown(snapshot: Snapshot) -> Iterator[Seen]:
    """Of this domain only: whether a SID of another one still exists is not known here."""
    known = set(chain((each.sid for each in snapshot.accounts), (each.sid for each in snapshot.secured)))
    ours = snapshot.domain_sid + "-"
    return _with_ace(snapshot, lambda ace: ace.sid is not None and ace.sid.startswith(ours) and ace.sid not in known)


@_observer("warning_sd_failed_sd_read", parts.ACCOUNTS)
def _hidden(snapshot: Snapshot) -> Iterator[Seen]:
    return (seen for seen, descriptor in _described(snapshot) if descriptor is None)


def _units(snapshot: Snapshot) -> Iterator[tuple[Seen, Descriptor]]:
    for each in snapshot.secured:
        if each.role == descriptors.OU and each.descriptor is not None:
            yield Seen(each.label, each.dn), each.descriptor


@_observer("info_sd_protected_ou", descriptors.OBJECT_DESCRIPTORS)
def _blocked(snapshot: Snapshot) -> Iterator[Seen]:
    return (seen for seen, descriptor in _units(snapshot) if descriptor.protected)


@_observer("info_sd_missing_au_lc", descriptors.OBJECT_DESCRIPTORS)
def _unlistable(snapshot: Snapshot) -> Iterator[Seen]:
    wanted = LIST_CHILDREN | GENERIC_READ_OR_ALL
    for seen, descriptor in _units(snapshot):
        if descriptor.aces is not None and not any(
            ace.allows
            and ace.sid in (AUTHENTICATED_USERS, EVERYONE)
            and _gives(ace, wanted)
            and not ace.flags & sd.INHERIT_ONLY
            for ace in descriptor.aces
        ):
            yield seen


@_observer("warning_sd_adminsdholder_protec", descriptors.OBJECT_DESCRIPTORS)
def _holder(snapshot: Snapshot) -> Iterator[Seen]:
    for each in snapshot.secured:
        if each.role == descriptors.ADMINSDHOLDER and each.descriptor is not None and not each.descriptor.protected:
            yield Seen(each.label, each.dn)
