# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who controls whom: the graph behind ``vuln_permissions_*`` and ``vuln_privileged_members_perm``.

A *node* is a principal (its SID) or something through which one is controlled: an OU by the entries that it hands down
(``acl:``), an OU, domain or site by the policies that it links (``policies:``, or ``enforced:`` where a block of
inheritance lets only enforced ones through), a policy (``gpo:``). A *hop* leads from who acts to what is acted on. Hops
are made when they are asked for, from the end of a path backwards, so that a domain costs what its dangerous rights
cost, not what its size does. Nothing here is recursive; each node is visited once.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias

from ansible_collections.care.remediation.plugins.module_utils.controls import delegations, rights
from ansible_collections.care.remediation.plugins.module_utils.controls.rights import Grant, Trusted
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_inheritance import parent_of
from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import Descriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import (
    closure,
    dn_key,
    privileged_group_sids,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.reading import descriptors as roles
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import Secured, first_name
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import Ace
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    COMPUTER,
    MSA,
    TRUST,
    Account,
    Snapshot,
)

# How a hop that is no right in an access list leads on
MEMBER_OF: Final = "MemberOf"
PRIMARY_GROUP: Final = "PrimaryGroup"
SID_HISTORY: Final = "SidHistory"
ALLOWED_TO_ACT: Final = "AllowedToAct"
ALLOWED_TO_DELEGATE: Final = "AllowedToDelegate"
HANDS_DOWN: Final = "HandsDown"  # what is written into the OU's access list comes to the object
GOVERNS: Final = "Governs"  # the policies that are linked there apply to the object
LINKS: Final = "LinkedTo"  # the policy is linked there
APPLIES: Final = "AppliesTo"
CONTAINS: Final = "Contains"
COPIED: Final = "CopiedTo"  # AdminSDHolder's entries are those of every protected object

_ROLES: Final = {
    roles.GROUP: rights.GROUP,
    roles.OU: rights.OU,
    roles.CONTAINER: rights.CONTAINER,
    roles.GPO: rights.GPO,
    roles.DOMAIN_HEAD: rights.DOMAIN,
    roles.SITE: rights.SITE,
    roles.ADMINSDHOLDER: rights.ADMINSDHOLDER,
    roles.SCHEMA: rights.STRICT,
    roles.DFSR: rights.STRICT,
    roles.DPAPI: rights.STRICT,
    roles.MSDNS: rights.STRICT,
    roles.ROOT_KEY: rights.ROOT_KEY,
}
_KINDS: Final = {COMPUTER: rights.COMPUTER, MSA: rights.MSA}
# Rights over an OU that let their holder write an entry that objects below inherit
_HANDING: Final = frozenset(
    {rights.GENERIC_ALL, rights.WRITE_DACL, rights.WRITE_OWNER, rights.OWNER, rights.NO_DACL}
)
# Rights over an OU, domain or site that let their holder link a policy
LINKING: Final = _HANDING | {rights.GENERIC_WRITE, rights.WRITE_ALL, rights.WRITE_GPLINK}
_READING: Final = sd.READ_CONTROL | sd.LIST_CONTENTS | sd.LIST_OBJECT | sd.READ_PROPERTY
_SEND_TO: Final = uuid.UUID("ab721a55-1e2f-11d0-9819-00aa0040529b")  # extended right of mail
_LINK_DISABLED: Final = 1
_LINK_ENFORCED: Final = 2

Securable: TypeAlias = "Account | Secured"


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path. ``ace`` is None where the step is no ACE; ``object`` is the DN of what carries the ACE."""

    source: str
    target: str
    how: str
    ace: Ace | None = None
    object: str | None = None


@dataclass(slots=True)
class Reached:
    """Who gets to one end of paths: how many accounts and groups of everyone, and the first of them."""

    count: int = 0
    starts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Paths:
    """The shortest paths to some ends. ``onward``: node to its next hop; an end has None."""

    onward: dict[str, Hop | None] = field(default_factory=dict)
    ends: dict[str, Reached] = field(default_factory=dict)

    def path(self, start: str) -> list[Hop]:
        """The hops from a node to the end nearest to it; [] for an end itself."""
        hops = []
        hop = self.onward.get(start)
        while hop is not None:
            hops.append(hop)
            hop = self.onward.get(hop.target)
        return hops


class ControlGraph:
    """The graph of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.trusted = Trusted(snapshot)
        self._grants: dict[tuple[int, str], tuple[Grant, ...]] = {}
        self._broad = rights.broad(snapshot.domain_sid)
        self._own = snapshot.domain_sid + "-"
        self._guarded: dict[tuple[int, str], bool] = {}
        self._tier_0: dict[str, bool] = {}

    @classmethod
    def of(cls, snapshot: Snapshot) -> ControlGraph:
        """The graph of a snapshot, made once for all controls."""
        graph = snapshot.__dict__.get("_control_graph")
        if not isinstance(graph, cls):
            graph = snapshot.__dict__["_control_graph"] = cls(snapshot)
        return graph

    # --- objects -----------------------------------------------------------------------------------------------------

    @cached_property
    def principals(self) -> dict[str, Securable]:
        """Accounts and groups of the domain by SID."""
        found: dict[str, Securable] = {each.sid: each for each in self.snapshot.accounts}
        found.update((each.sid, each) for each in self.snapshot.secured if each.role == roles.GROUP and each.sid)
        return found

    @cached_property
    def controllers(self) -> list[Account]:
        """The accounts of the domain controllers, read-only ones included."""
        return [account for account in self.snapshot.accounts if account.is_dc]

    @cached_property
    def privileged(self) -> list[Securable]:
        """Privileged groups, groups in them, their members (domain controllers apart) and krbtgt."""
        snapshot = self.snapshot
        inside = closure(snapshot.groups, privileged_group_sids(snapshot.domain_sid))
        found: list[Securable] = [each for key in sorted(inside) if (each := self.by_dn.get(key)) is not None]
        found += [account for account, _privilege in snapshot.privileged_accounts()]
        krbtgt = snapshot.by_rid(sids.RID_KRBTGT)
        if krbtgt is not None and not any(each is krbtgt for each in found):
            found.append(krbtgt)
        return found

    @cached_property
    def by_dn(self) -> dict[str, Secured]:
        """The objects that are no accounts, by ``dn_key``."""
        return {dn_key(each.dn): each for each in self.snapshot.secured}

    @cached_property
    def _sid_of(self) -> dict[str, str]:
        """SIDs of accounts and groups by DN, written as members are."""
        return {each.dn: sid for sid, each in self.principals.items()}

    def sid_of(self, dn: str) -> str:
        """The SID of an account or group by its DN as members are written; the DN itself when it is not known."""
        return self._sid_of.get(dn, dn)

    @cached_property
    def _primary(self) -> dict[int, list[str]]:
        """SIDs of the accounts by primary group, the usual ones (everyone) left out."""
        found: dict[int, list[str]] = {}
        for account in self.snapshot.accounts:
            rid = account.primary_group_id
            if rid is not None and rid not in rights.BROAD_RIDS:
                found.setdefault(rid, []).append(account.sid)
        return found

    @cached_property
    def _history(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for each in self.snapshot.sid_histories:
            for value in each.values:
                found.setdefault(value, []).append(each.sid)
        return found

    @cached_property
    def _delegating(self) -> dict[str, list[str]]:
        """SIDs of the accounts that may delegate to a computer's services, by that computer's SID."""
        asked = [account for account in self.snapshot.accounts if account.delegates_to and account.enabled]
        services = delegations.Services()
        for account in self.snapshot.accounts if asked else ():
            services.add(account)
        found: dict[str, list[str]] = {}
        for account in asked:
            carriers = {carrier.sid for spn in account.delegates_to if (carrier := services.carrier(spn)) is not None}
            for carrier_sid in sorted(carriers):
                found.setdefault(carrier_sid, []).append(account.sid)
        return found

    @cached_property
    def _sites(self) -> dict[str, Secured]:
        """The site of each domain controller, by the DN of its account."""
        return {dn: each for each in self.snapshot.secured if each.role == roles.SITE for dn in each.members}

    def kind(self, item: Securable) -> str:
        """The kind under which rights over an object are judged."""
        return _KINDS.get(item.kind, rights.USER) if isinstance(item, Account) else _ROLES[item.role]

    def grants(self, item: Securable, kind: str | None = None) -> tuple[Grant, ...]:
        """The dangerous rights over an object that others than the trusted hold."""
        found = self.untrusted(item.descriptor, kind or self.kind(item))
        return (*found, *self._password_readers(item)) if isinstance(item, Account) and item.password_readers else found

    def _password_readers(self, account: Account) -> Iterator[Grant]:
        """Who reads the password of a group managed service account, by its msDS-GroupMSAMembership."""
        allowed = self.snapshot.pool.of(account.password_readers)
        aces = (allowed.aces if allowed is not None else None) or ()
        for sid in dict.fromkeys(ace.sid for ace in aces if ace.allows and ace.sid is not None):
            if not self.is_trusted(sid):
                yield Grant(sid, rights.READ_PASSWORD, None)

    def untrusted(self, descriptor: Descriptor | None, kind: str) -> tuple[Grant, ...]:
        """The dangerous rights that a descriptor gives to others than the trusted; worked out once for each."""
        if descriptor is None:
            return ()
        key = (id(descriptor), kind)
        found = self._grants.get(key)
        if found is None:
            found = tuple(each for each in rights.grants(descriptor, kind) if not self.is_trusted(each.sid))
            self._grants[key] = found
        return found

    def above(self, dn: str) -> Iterator[Secured]:
        """The OUs and containers above an object, the nearest first, up to the domain head."""
        parent = parent_of(dn)
        while parent:
            found = self.by_dn.get(dn_key(parent))
            if found is not None:
                yield found
                if found.role == roles.DOMAIN_HEAD:
                    return
            parent = parent_of(parent)

    def policies_of(self, item: Securable) -> list[tuple[Secured, Secured]]:
        """The group policies that apply to an object, each with the OU, domain or site that links it (MS-GPOL
        3.2.5.1.5).

        Security filtering, WMI filters and disabled halves of a policy are not looked at: who controls the policy
        controls them too.
        """
        found: dict[str, tuple[Secured, Secured]] = {}
        places = list(self.above(item.dn))
        if item.dn in self._sites:
            places.append(self._sites[item.dn])
        blocked = False
        for place in places:
            for dn, options in place.links:
                policy = self.by_dn.get(dn_key(dn))
                if options & _LINK_DISABLED or policy is None or (blocked and not options & _LINK_ENFORCED):
                    continue
                found.setdefault(policy.dn, (policy, place))
            blocked = blocked or place.blocks
        return list(found.values())

    def name(self, node: str) -> str:
        """The name of a node for a reader."""
        head, colon, key = node.partition(":")
        if colon and head in ("acl", "policies", "enforced", "gpo"):
            found = self.by_dn.get(key)
            return found.label if found is not None else first_name(key)
        principal = self.principals.get(node)
        return principal.label if principal is not None else self.snapshot.name_of(node)

    def is_broad(self, sid: str) -> bool:
        """Everyone, or nearly: everyone who can log on."""
        return sid in self._broad

    # --- additional Tier 0 -------------------------------------------------------------------------------------------

    def is_trusted(self, sid: str) -> bool:
        """Who may hold dangerous rights without its being a finding: the privileged, and what is guarded like them."""
        return sid in self.trusted or self.is_tier_0(sid)

    def is_tier_0(self, sid: str) -> bool:
        """An account or group that is not privileged but protected like AdminSDHolder protects what is (ANSSI's way to
        accept a risk): it inherits nothing, an administrator owns it, and every entry for anyone else is one of
        AdminSDHolder's, is for itself, or lets only read or send mail. So must be each member of a group; groups in it
        disqualify it."""
        known = self._tier_0.get(sid)
        if known is None:
            excluded = sid in self.trusted or sid in self._broad
            known = self._tier_0[sid] = not excluded and self._is_guarded_principal(sid)
        return known

    def tier_0_holders(self, descriptor: Descriptor | None, kind: str) -> set[str]:
        """The additional Tier 0 that holds dangerous rights by this descriptor."""
        if descriptor is None:
            return set()
        return {each.sid for each in rights.grants(descriptor, kind) if self.is_tier_0(each.sid)}

    @cached_property
    def common(self) -> frozenset[bytes]:
        """The entries of AdminSDHolder, byte for byte."""
        return frozenset(
            ace.raw
            for each in self.snapshot.secured
            if each.role == roles.ADMINSDHOLDER and each.descriptor is not None
            for ace in each.descriptor.aces or ()
        )

    def _is_guarded_principal(self, sid: str) -> bool:
        item = self.principals.get(sid)
        if item is None or not self._is_guarded(item):
            return False
        if isinstance(item, Account):
            return True
        members = [self.principals.get(self._sid_of.get(dn, "")) for dn in item.members]
        members += [self.principals.get(each) for each in self._primary.get(sids.rid(sid), ())]
        return bool(members) and all(isinstance(each, Account) and self._is_guarded(each) for each in members)

    def _is_guarded(self, item: Securable) -> bool:
        descriptor = item.descriptor
        if descriptor is None or not descriptor.protected or descriptor.blind or descriptor.owner not in self.trusted:
            return False
        key = (id(descriptor), self.kind(item))
        known = self._guarded.get(key)
        if known is None:
            known = self._guarded[key] = descriptor.aces is not None and bool(self.common) and all(
                not ace.allows
                or ace.flags & sd.INHERIT_ONLY
                or ace.sid in self.trusted
                or ace.raw in self.common
                or not sd.expanded(ace.mask or 0) & ~_READING
                or ace.object_type == _SEND_TO
                for ace in descriptor.aces
            )
        return known

    # --- paths -------------------------------------------------------------------------------------------------------

    def paths_to(self, ends: Iterable[str], keep: int = 5) -> Paths:
        """The shortest path of everyone who gets to one of these nodes (SIDs or other nodes), with ``keep`` starts
        each.

        Who is nearly everyone is a start and nothing is looked for behind it; who is trusted is neither.
        """
        paths = Paths()
        end_of: dict[str, str] = {}
        pending: deque[str] = deque()
        for end in ends:
            if end not in paths.onward:
                paths.onward[end] = None
                paths.ends[end] = Reached()
                end_of[end] = end
                pending.append(end)
        while pending:
            node = pending.popleft()
            end = end_of[node]
            self._count(paths.ends[end], node, keep)
            if self.is_broad(node):
                continue
            for hop in self.hops_to(node):
                if hop.source in paths.onward or self.is_trusted(hop.source):
                    continue
                paths.onward[hop.source] = hop
                end_of[hop.source] = end
                pending.append(hop.source)
        return paths

    def _count(self, reached: Reached, node: str, keep: int) -> None:
        broad = self.is_broad(node)
        item = self.principals.get(node)
        if not broad and (not isinstance(item, Account) or not item.enabled):
            return
        reached.count += 1
        if broad:
            reached.starts.insert(0, node)  # nothing says more
            del reached.starts[keep:]
        elif len(reached.starts) < keep:
            reached.starts.append(node)

    def hops_to(self, node: str) -> Iterator[Hop]:
        """Who acts directly on a node."""
        head, colon, key = node.partition(":")
        if colon and head == "acl":
            yield from self._hops_to_acl(node, key)
        elif colon and head in ("policies", "enforced"):
            yield from self._hops_to_policies(node, key, enforced=head == "enforced")
        elif colon and head == "gpo":
            policy = self.by_dn[key]
            yield from self._granted(policy, node)
        else:
            yield from self._hops_to_principal(node)

    def _granted(self, item: Securable, node: str, only: frozenset[str] | None = None) -> Iterator[Hop]:
        for grant in self.grants(item):
            if only is None or grant.right in only:
                yield Hop(grant.sid, node, grant.right, grant.ace, item.dn)

    def _hops_to_principal(self, sid: str) -> Iterator[Hop]:
        for holder in self._history.get(sid, ()):
            yield Hop(holder, sid, SID_HISTORY)
        item = self.principals.get(sid)
        if item is None:
            return
        if isinstance(item, Secured):
            for member in item.members:
                member_sid = self._sid_of.get(member)
                if member_sid is None and sids.is_sid(first_name(member)):
                    member_sid = first_name(member)  # a foreign security principal is named after its SID
                if member_sid is not None:
                    yield Hop(member_sid, sid, MEMBER_OF, object=item.dn)
            if sid.startswith(self._own):
                for member_sid in self._primary.get(sids.rid(sid), ()):
                    yield Hop(member_sid, sid, PRIMARY_GROUP, object=item.dn)
        elif item.kind == TRUST:
            return
        else:
            allowed = self.snapshot.pool.of(item.resource_delegation)
            for ace in (allowed.aces if allowed is not None else None) or ():
                if ace.allows and ace.sid is not None:
                    yield Hop(ace.sid, sid, ALLOWED_TO_ACT, ace, item.dn)
            for holder in self._delegating.get(sid, ()):
                yield Hop(holder, sid, ALLOWED_TO_DELEGATE, object=item.dn)
        yield from self._granted(item, sid)
        above = next(self.above(item.dn), None)
        if above is None:
            return
        if item.descriptor is not None and not item.descriptor.protected:
            yield Hop(f"acl:{dn_key(above.dn)}", sid, HANDS_DOWN, object=above.dn)
        if isinstance(item, Account):
            yield Hop(f"policies:{dn_key(above.dn)}", sid, GOVERNS, object=above.dn)

    def _hops_to_acl(self, node: str, key: str) -> Iterator[Hop]:
        item = self.by_dn[key]
        yield from self._granted(item, node, _HANDING)
        above = next(self.above(item.dn), None)
        if above is not None and item.descriptor is not None and not item.descriptor.protected:
            yield Hop(f"acl:{dn_key(above.dn)}", node, HANDS_DOWN, object=above.dn)

    def _hops_to_policies(self, node: str, key: str, *, enforced: bool) -> Iterator[Hop]:
        place = self.by_dn[key]
        for grant in self.grants(place, rights.OU):
            if grant.right in LINKING:
                yield Hop(grant.sid, node, grant.right, grant.ace, place.dn)
        for dn, options in place.links:
            if options & _LINK_DISABLED or (enforced and not options & _LINK_ENFORCED):
                continue
            if dn_key(dn) in self.by_dn:
                yield Hop(f"gpo:{dn_key(dn)}", node, LINKS, object=place.dn)
        above = next(self.above(place.dn), None)
        if above is not None:
            through = "enforced" if enforced or place.blocks else "policies"
            yield Hop(f"{through}:{dn_key(above.dn)}", node, GOVERNS, object=above.dn)
