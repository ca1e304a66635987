# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Primary groups set back to the default. The server keeps the former group as an ordinary, visible membership.

Setting primaryGroupID (MS-SAMR 3.1.1.8, triggers of updates) needs the account to be a member of the new group; the
server then takes it out of that group's ``member`` and puts it into the former one's. Undoing is the same backwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_members import is_direct_member
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    IDENTITY_ATTRIBUTES,
    NOTHING,
    Plan,
    PlanError,
    label_of,
    replace_change,
    type_of,
    values_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected

ATTRIBUTES: Final = (*IDENTITY_ATTRIBUTES, "userAccountControl", "primaryGroupID", "memberOf")
DEFAULTS: Final = (
    sids.RID_DOMAIN_USERS,
    sids.RID_DOMAIN_GUESTS,
    sids.RID_DOMAIN_COMPUTERS,
    sids.RID_DOMAIN_CONTROLLERS,
    sids.RID_READ_ONLY_DOMAIN_CONTROLLERS,
)


def default_rid(entry: Entry) -> int:
    """The RID of the default primary group of an account; PlanError when it is no account or one of a trust."""
    who = f"{label_of(entry)} ({entry.dn})"
    flags, own, kind = entry.int("userAccountControl"), entry.sid(), type_of(entry)
    if flags is None or own is None or sids.domain_of(own) is None or kind not in ("user", "computer"):
        raise PlanError(f"{who} is no account, or the account in use may not read it: it has no primary group.")
    if flags & uac.INTERDOMAIN_TRUST_ACCOUNT:
        raise PlanError(f"{who} is the account of a trust; its primary group belongs to the trust.")
    if flags & uac.PARTIAL_SECRETS_ACCOUNT:
        return sids.RID_READ_ONLY_DOMAIN_CONTROLLERS
    if flags & uac.SERVER_TRUST_ACCOUNT:
        return sids.RID_DOMAIN_CONTROLLERS
    if kind == "computer":
        return sids.RID_DOMAIN_COMPUTERS
    return sids.RID_DOMAIN_GUESTS if sids.rid(own) == sids.RID_GUEST else sids.RID_DOMAIN_USERS


def plan_primary_group(
    plan: Plan, entry: Entry, groups: Mapping[int, Entry], *, join: bool, protected: Protected
) -> None:
    """Add the changes that give ``entry`` (read with ATTRIBUTES) its default primary group.

    ``groups``: the default groups by RID. An account that is not yet a member of its default group gets that group's
    rights with it: PlanError unless ``join`` says that this is meant.
    """
    who = f"{label_of(entry)} ({entry.dn})"
    rid, present = default_rid(entry), entry.int("primaryGroupID")
    accepted = (sids.RID_DOMAIN_USERS, sids.RID_DOMAIN_GUESTS) if type_of(entry) == "user" else (rid,)
    if present is None:
        raise PlanError(f"{who}: primaryGroupID cannot be read. Give the account in use the right to read it.")
    if present in accepted:
        return
    group = groups.get(rid)
    if group is None:
        raise PlanError(f"{who}: the group of RID {rid}, its default primary group, cannot be read.")
    hazards = protected.hazards(entry.sid())
    if not is_direct_member(group, entry):
        if not join:
            raise PlanError(
                f"{who} is not a member of {label_of(group)}, its default primary group: setting it would give the "
                "account all that is granted to that group. Check that, then allow it (join_default_group)."
            )
        joined = values_change(
            group, "member", add=[entry.dn], display=(NOTHING, label_of(entry)), hazards=hazards
        )
        if joined is not None:
            plan.changes.append(joined)
            plan.notice(
                label_of(entry), "joins_default_group", f"{label_of(entry)} becomes a member of {label_of(group)}."
            )
    change = replace_change(
        entry,
        "primaryGroupID",
        [str(rid)],
        display=(f"RID {present}", f"RID {rid} ({label_of(group)})"),
        hazards=hazards,
    )
    if change is not None:
        plan.changes.append(change)
        plan.notice(
            label_of(entry),
            "former_group_stays",
            f"{label_of(entry)} stays a member of the group of RID {present}, now visibly: take it out if it does not "
            "belong there.",
        )
