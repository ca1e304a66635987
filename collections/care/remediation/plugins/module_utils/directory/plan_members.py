# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Members of groups, one change a member: added or removed, never a list replaced.

Membership through the primary group (``primaryGroupID``) is not in ``member``: such an account counts as a member
here, and cannot be removed by removing a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    Plan,
    PlanError,
    label_of,
    type_of,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.privileged import (
    PRIVILEGED_BUILTIN,
    PRIVILEGED_RIDS,
)

# A group is read without "member": it may hold 100,000 values. A member says itself what it is in.
GROUP_ATTRIBUTES: Final = IDENTITY_ATTRIBUTES
MEMBER_ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "memberOf", "primaryGroupID")

# ANSSI asks for these to be empty (members come for one operation and go), so emptying one is no accident.
MEANT_EMPTY_BUILTIN: Final = PRIVILEGED_BUILTIN - {sids.BUILTIN_ADMINISTRATORS}
MEANT_EMPTY_RIDS: Final = frozenset({sids.RID_SCHEMA_ADMINS, sids.RID_ENTERPRISE_ADMINS})


class Searcher(Protocol):
    """The part of a directory session that is needed here."""

    domain_dn: str

    def search(self, base: str, ldap_filter: str, attributes: list[str], scope: str = "subtree") -> Iterable[Entry]:
        """Entries, streamed."""


def is_privileged(group_sid: str | None) -> bool:
    """True for a group of ANSSI's list, known by its SID alone."""
    if group_sid is None:
        return False
    if group_sid in PRIVILEGED_BUILTIN:
        return True
    return sids.domain_of(group_sid) is not None and sids.rid(group_sid) in PRIVILEGED_RIDS


def may_be_empty(group_sid: str | None) -> bool:
    """True for a privileged group that ANSSI wants without permanent members, known by its SID alone."""
    if group_sid is None or group_sid in MEANT_EMPTY_BUILTIN:
        return group_sid is not None
    return sids.domain_of(group_sid) is not None and sids.rid(group_sid) in MEANT_EMPTY_RIDS


def escape_filter(text: str) -> str:
    """``text`` as the value of an LDAP filter (RFC 4515): a DN may hold parentheses, asterisks and backslashes."""
    return "".join(f"\\{ord(char):02x}" if char in "\\*()\x00" else char for char in text)


def count_members(session: Searcher, group: Entry) -> int:
    """How many objects are direct members of ``group``, by ``member`` or as their primary group."""
    parts = [f"(memberOf={escape_filter(group.dn)})"]
    group_sid = group.sid()
    if group_sid is not None and sids.domain_of(group_sid):
        parts.append(f"(primaryGroupID={sids.rid(group_sid)})")
    return sum(1 for _entry in session.search(session.domain_dn, f"(|{''.join(parts)})", ["objectGUID"]))


def group_context(group: Entry, count: Callable[[Entry], int]) -> dict[str, object]:
    """What the limits need to know of the group; the members of a privileged one are counted."""
    group_sid = group.sid()
    privileged = is_privileged(group_sid)
    context: dict[str, object] = {
        "group_sid": group_sid,
        "privileged": privileged,
        "members_before": count(group) if privileged else None,
    }
    if may_be_empty(group_sid):
        context["may_be_empty"] = True
    return context


def is_direct_member(group: Entry, member: Entry) -> bool:
    """True when ``member`` is in the group's ``member``."""
    wanted = group.dn.casefold()
    return any(dn.casefold() == wanted for dn in member.texts("memberOf"))


def is_primary_member(group: Entry, member: Entry) -> bool:
    """True when the group is the primary group of ``member``."""
    group_sid, member_sid, primary = group.sid(), member.sid(), member.int("primaryGroupID")
    if group_sid is None or member_sid is None or primary is None:
        return False
    return sids.domain_of(group_sid) is not None and group_sid == f"{sids.domain_of(member_sid)}-{primary}"


def member_change(
    group: Entry, member: Entry, *, present: bool, protected: Protected, context: Mapping[str, object]
) -> model.Change | None:
    """The change that puts ``member`` into ``group`` or takes it out, None when it is so already.

    Raises PlanError when the membership comes from the primary group and is to be removed.
    """
    if type_of(group) != "group":
        raise PlanError(f"{label_of(group)} ({group.dn}) is no group.")
    if is_primary_member(group, member):
        if present:
            return None
        raise PlanError(
            f"{label_of(member)} ({member.dn}) is in {label_of(group)} by its primary group (primaryGroupID "
            f"{member.int('primaryGroupID')}), which is not a value of member. Give it another primary group first."
        )
    if is_direct_member(group, member) == present:
        return None
    hazards = protected.hazards_of_member(member.sid())
    if present:
        return values_change(group, "member", add=[member.dn], hazards=hazards, context=context)
    return values_change(group, "member", remove=[member.dn], hazards=hazards, context=context)


def plan_members(
    plan: Plan,
    pairs: Iterable[tuple[Entry, Entry]],
    *,
    present: bool,
    protected: Protected,
    count: Callable[[Entry], int],
) -> None:
    """Add the changes for all (group, member) pairs; all refusals are in one PlanError."""
    contexts: dict[str, dict[str, object]] = {}
    refused: list[str] = []
    for group, member in pairs:
        try:
            change = member_change(group, member, present=present, protected=protected, context={})
        except PlanError as error:
            refused.append(str(error))
            continue
        if change is None:
            continue
        if group.dn not in contexts:
            contexts[group.dn] = group_context(group, count)
        change["context"] = dict(contexts[group.dn], member_sid=member.sid(), member=label_of(member))
        change["display"] = {
            "before": NOT_THERE if present else label_of(member),
            "after": label_of(member) if present else NOT_THERE,
        }
        plan.changes.append(change)
    if refused:
        raise PlanError(" ".join(refused))


NOT_THERE: Final = "–"
