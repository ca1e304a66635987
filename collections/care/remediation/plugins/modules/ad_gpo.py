#!/usr/bin/python
# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ad_gpo
short_description: Create, fill and link group policies, and clean them
version_added: 0.1.0
description:
  - Makes group policy objects and sets single settings of them, in the directory and in SYSVOL. Registry values
    (C(Registry.pol)), security settings and user rights (C(GptTmpl.inf)), advanced audit (C(audit.csv)).
  - Settings that are not named stay byte for byte, in policies that a person made too. The version is counted up once
    and is equal in the directory and in C(gpt.ini). The client-side extensions that the settings need are entered.
  - Finds passwords that Group Policy Preferences hold (C(cpassword)) and takes them out.
  - Takes away rights on files that the directory does not give.
  - Reads and writes on the one domain controller of O(server). The others follow by replication.
options:
  policies:
    description: The policies and what they must hold. Two entries of one policy are taken together.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The display name. A policy that is not there is made.
          - One of O(policies[].name) and O(policies[].gpo) is needed.
          - One that was made by this module is still found after it was renamed.
        type: str
      gpo:
        description: A policy that is there, by GUID, or V(default_domain) or V(default_domain_controllers).
        type: str
      control:
        description: Id of the catalogue's control that asks for this entry.
        type: str
      registry:
        description: Values of the registry.
        type: list
        elements: dict
        default: []
        suboptions:
          key:
            description: The key, without its hive.
            type: str
            required: true
          value:
            description: Name of the value.
            type: str
            required: true
          type:
            description: Its type.
            type: str
            choices: [binary, dword, expand_sz, multi_sz, none, qword, sz]
            default: dword
          data:
            description: A number, a text, a list of texts, or hexadecimal digits for V(binary).
            type: raw
          side:
            description: Settings of the computer or of the user.
            type: str
            choices: [machine, user]
            default: machine
          state:
            description: V(present) sets the value, V(deleted) has clients delete it, V(absent) says nothing of it.
            type: str
            choices: [absent, deleted, present]
            default: present
      security:
        description: Settings of the security template.
        type: list
        elements: dict
        default: []
        suboptions:
          section:
            description: Section, for instance V(System Access), V(Registry Values) or V(Event Audit).
            type: str
            required: true
          key:
            description: Name of the setting.
            type: str
            required: true
          value:
            description: Its value as the template writes it; of V(Registry Values) the number of the type comes first.
            type: str
            required: true
      user_rights:
        description: User rights and who has them, nobody else.
        type: list
        elements: dict
        default: []
        suboptions:
          right:
            description: The right, for instance V(SeDenyNetworkLogonRight).
            type: str
            required: true
          accounts:
            description: Accounts and groups, as SID, C(sAMAccountName) or distinguished name.
            type: list
            elements: str
            required: true
      audit:
        description: Subcategories of the advanced audit policy. What is audited already stays so.
        type: list
        elements: dict
        default: []
        suboptions:
          subcategory:
            description: Its GUID, or its English name.
            type: str
            required: true
          success:
            description: Whether success is audited.
            type: bool
            default: true
          failure:
            description: Whether failure is audited.
            type: bool
            default: true
      password_policy:
        description:
          - What the policy must at least demand of passwords.
          - What it or the domain already demands is never made weaker.
        type: dict
        suboptions:
          minimum_length:
            description: Length.
            type: int
          maximum_age_days:
            description: Days after which a password must be renewed.
            type: int
          complexity:
            description: Whether several kinds of characters are demanded; V(false) leaves it as it is.
            type: bool
          no_reversible:
            description: Whether passwords must not be stored reversibly; V(false) leaves it as it is.
            type: bool
      links:
        description: Where the policy applies.
        type: list
        elements: dict
        default: []
        suboptions:
          target:
            description:
              - The OU, domain or site, as distinguished name or GUID, or V(domain) or V(domain_controllers).
            type: str
            required: true
          state:
            description: Whether the link is there.
            type: str
            choices: [absent, present]
            default: present
          enabled:
            description: Whether the link is followed. Without it, a link that is there stays as it is.
            type: bool
          enforced:
            description: Whether nothing below overrides it. Without it, a link that is there stays as it is.
            type: bool
          order:
            description: Its place, from 1, which wins. Without it, a new link comes last.
            type: int
  block_inheritance:
    description: OUs or the domain (as O(policies[].links[].target)) and whether policies linked above stay out.
    type: dict
    default: {}
  stored_passwords:
    description:
      - What to do about passwords in preferences. V(report) returns RV(stored_passwords), V(remove) takes them out too.
      - A password that was there was readable by the whole domain. Change it first, for what uses it stops otherwise.
    type: str
    choices: [ignore, remove, report]
    default: ignore
  remove_from:
    description: The first day (YYYY-MM-DD) on which O(stored_passwords=remove) removes; before it, it reports.
    type: str
  restrict_permissions:
    description:
      - Policies whose files nobody may change who may not change the policy's object in the directory.
    type: list
    elements: dict
    default: []
    suboptions:
      policy:
        description: GUID or distinguished name, V(default_domain), V(default_domain_controllers), or V(all).
        type: str
        required: true
      without:
        description:
          - Entries of the object's access list, in SDDL, that do not count, because the same run takes them away.
        type: list
        elements: str
        default: []
  weak_keys:
    description: Whether to return RV(weak_keys), those whom domain controllers that take AES only would lock out.
    type: bool
    default: false
extends_documentation_fragment:
  - care.remediation.attributes
  - care.remediation.directory
  - care.remediation.planner
requirements:
  - smbprotocol with its Kerberos extra (C(pip install 'smbprotocol[kerberos]'))
notes:
  - On a Samba domain controller, an account other than C(Administrator) can only write below new folders when the share
    C(sysvol) has C(create mask = 0770) and C(directory mask = 0770).
  - Domain controllers apply a new policy within 5 minutes, other computers within 2 hours.
author:
  - care.remediation contributors (@care-remediation)
"""

EXAMPLES = r"""
- name: Domain controllers offer AES only, in a policy of its own
  care.remediation.ad_gpo:
    server: dc1.chu-valmont.test
    username: svc-care@CHU-VALMONT.TEST
    password: "{{ vault_care_password }}"
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    policies:
      - name: CaRE - Kerberos des contrôleurs de domaine
        control: vuln_dc_crypto
        security:
          - section: Registry Values
            key: "{{ kerberos }}\\SupportedEncryptionTypes"
            value: 4,2147483640
        links:
          - target: domain_controllers
            order: 1
  vars:
    kerberos: MACHINE\Software\Microsoft\Windows\CurrentVersion\Policies\System\Kerberos\Parameters

- name: Which passwords are in SYSVOL
  care.remediation.ad_gpo:
    break_glass_accounts: [bris-de-glace-1, bris-de-glace-2]
    automation_accounts: [svc-care]
    stored_passwords: report
"""

RETURN = r"""
changes:
  description: What would change, or changed, in the form of C(docs/architecture.md).
  returned: success
  type: list
  elements: dict
notices:
  description: What a person should know and no change shows.
  returned: success
  type: list
  elements: dict
stored_passwords:
  description: Where passwords are, whose they are and since when. The passwords themselves are not in it.
  returned: when O(stored_passwords) is not V(ignore)
  type: list
  elements: dict
not_understood:
  description: Files of preferences that could not be judged, with the reason. Unverified, not clean.
  returned: when O(stored_passwords) is not V(ignore)
  type: list
  elements: str
weak_keys:
  description: Accounts and trusts without AES, with the reason.
  returned: when O(weak_keys)
  type: list
  elements: dict
unresolved:
  description: Always empty.
  returned: success
  type: list
  elements: str
"""

import datetime
import uuid
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.care.remediation.plugins.module_utils.directory import identity, plan_module
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session
from ansible_collections.care.remediation.plugins.module_utils.directory.weak_keys import weak_keys
from ansible_collections.care.remediation.plugins.module_utils.sysvol import plan_gpo, plan_passwords, policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_contents import PasswordFloor
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_links import (
    ATTRIBUTES,
    Links,
    inheritance_change,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_permissions import plan_permissions
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import SMB_IMPORT_ERROR, Share

# In every logon token and in no list of groups
_EVERYBODY = frozenset({sids.EVERYONE, sids.AUTHENTICATED_USERS, sids.BUILTIN_USERS, "S-1-5-2", "S-1-5-4"})
# GUID_DOMAIN_CONTROLLERS_CONTAINER (MS-ADTS 6.1.1.4): the OU keeps it when it is renamed
_DOMAIN_CONTROLLERS = "a361b2ffffd211d1aa4b00c04fd7d83a"


def planned(module: AnsibleModule, session: Session, protected: Protected, plan: Plan) -> dict[str, Any]:
    """Plan everything that is asked for; an unreachable SYSVOL is an error that says so."""
    if SMB_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("smbprotocol"), exception=str(SMB_IMPORT_ERROR))
    try:
        with Share.connect(session.options, session) as share:
            return _planned(module.params, session, share, protected, plan)
    except SysvolError as error:
        raise PlanError(f"{error}. SYSVOL is unverified, so nothing is planned.") from error


def _planned(
    params: dict[str, Any], session: Session, share: Share, protected: Protected, plan: Plan
) -> dict[str, Any]:
    policies = plan_gpo.Policies(session, share)
    phases = plan_gpo.Phases()
    wishes = plan_gpo.merged(policies, params["policies"])
    linked = [link["target"] for wish in wishes for link in wish["links"]]
    targets = _targets(session, [*linked, *params["block_inheritance"]])
    _resolve_rights(session, wishes)
    for wish in wishes:
        wish["hazards"] = _locked_out(policies, wish, targets, protected)
    links = Links({**policies.names})
    for wish in wishes:
        floor = PasswordFloor(**{key: value for key, value in wish["password_policy"].items() if value})
        dn = plan_gpo.plan_policy(policies, phases, plan, wish, floor)
        guid, _known = policies.find(wish)
        links.names = {**links.names, dn.lower().replace(" ", ""): wish.get("name") or links.names.get(dn.lower(), dn)}
        for link in wish["links"]:
            links.add(targets[link["target"]], dn, link, policy.braced(guid), wish["controls"])
        if floor != PasswordFloor():
            plan_gpo.weaker_elsewhere(policies, plan, guid, floor)
    extra = _stored_passwords(params, policies, phases, plan)
    for step in policies.steps.values():
        step.finish(phases)
    for guid, without in _restricted(params["restrict_permissions"], policies).items():
        plan_permissions(policies, phases, plan, policies.known[guid], without, protected, params["control"])
    phases.links += links.changes()
    for target, blocked in params["block_inheritance"].items():
        change = inheritance_change(targets[target], bool(blocked))
        if change is not None:
            phases.links.append(change)
    plan.changes += phases.all()
    if params["weak_keys"]:
        extra["weak_keys"] = weak_keys(session)
    return extra


def _stored_passwords(
    params: dict[str, Any], policies: plan_gpo.Policies, phases: plan_gpo.Phases, plan: Plan
) -> dict[str, Any]:
    if params["stored_passwords"] == "ignore":
        return {}
    holders, problems = plan_passwords.find(policies)
    for problem in problems:
        plan.notice(policies.container, "not_understood", f"{problem}. Whether it holds a password is unverified.")
    facts = [fact for holder in holders for fact in holder.facts]
    if params["stored_passwords"] == "remove":
        first = _day(params["remove_from"])
        if first is None or first <= datetime.datetime.now(datetime.UTC).date():
            plan_passwords.plan_removal(policies, phases, holders, params["control"])
        elif holders:
            plan.notice(policies.container, "later", f"{len(facts)} passwords are removed from {first} on.")
    return {"stored_passwords": facts, "not_understood": problems}


def _day(text: str | None) -> datetime.date | None:
    if not text:
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise PlanError(f"remove_from: {text!r} is no day (YYYY-MM-DD).") from error


def _targets(session: Session, wanted: list[str]) -> dict[str, Entry]:
    """The OUs, domains and sites of the links; an error names those that are not there or take no links."""
    found: dict[str, Entry] = {}
    special = {
        "domain": session.domain_dn,
        "domain_controllers": f"<WKGUID={_DOMAIN_CONTROLLERS},{session.domain_dn}>",
    }
    for name in dict.fromkeys(wanted):
        dn = special.get(name)
        entry = (
            session.read(dn, list(ATTRIBUTES))
            if dn is not None
            else identity.resolve_many(session, [name], list(ATTRIBUTES))[name]
        )
        if entry is None:
            raise PlanError(f"{name}: it cannot be read: unverified, so nothing is planned.")
        classes = {text.lower() for text in entry.texts("objectClass")}
        if not classes & {"organizationalunit", "domaindns", "site"}:
            raise PlanError(f"{entry.dn}: a policy is linked to a domain, an OU or a site, which this is not.")
        found[name] = entry
    return found


def _resolve_rights(session: Session, wishes: list[dict[str, Any]]) -> None:
    """Accounts of user rights as SIDs; a SID of no domain is taken as it is, any other must be there."""
    names = {
        account
        for wish in wishes
        for item in wish["user_rights"]
        for account in item["accounts"]
        if not (sids.is_sid(account) and sids.domain_of(account) is None)
    }
    known = identity.resolve_many(session, sorted(names), ["objectSid"])
    for wish in wishes:
        for item in wish["user_rights"]:
            found = [known[account].sid() if account in known else account for account in item["accounts"]]
            item["sids"] = [sid for sid in found if sid is not None]
            if len(item["sids"]) != len(found):
                raise PlanError(f"{item['right']}: an account's SID cannot be read; nothing is planned.")


def _locked_out(
    policies: plan_gpo.Policies, wish: dict[str, Any], targets: dict[str, Entry], protected: Protected
) -> list[dict[str, str]]:
    """The protected accounts that a right to deny a logon hits, where the policy reaches domain controllers."""
    denied = {sid for item in wish["user_rights"] if item["right"].lower().startswith("sedeny") for sid in item["sids"]}
    if not denied:
        return []
    session = policies.session
    guid, known = policies.find(wish)
    holders = [targets[link["target"]] for link in wish["links"] if link["state"] == "present"]
    if known is not None:
        for base in (session.domain_dn, f"CN=Sites,{session.configuration_dn}"):
            holders += session.search(base, f"(gPLink=*{policy.braced(guid)}*)", list(ATTRIBUTES))
    controllers = _targets(session, ["domain_controllers"])["domain_controllers"].dn.lower()
    # a site has domain controllers in it; a domain or an OU hands down
    reaches = any(
        "site" in {name.lower() for name in entry.texts("objectClass")}
        or f",{controllers}".endswith(f",{entry.dn.lower()}")
        for entry in holders
    )
    if not reaches:
        return []
    if denied & _EVERYBODY:
        return [hazard for account in protected.accounts for hazard in protected.hazards(account.sid)]
    return [hazard for sid in sorted(denied) for hazard in protected.hazards_of_member(sid)]


def _restricted(wanted: list[dict[str, Any]], policies: plan_gpo.Policies) -> dict[uuid.UUID, list[str]]:
    """Each policy with the entries of its object that do not count."""
    found: dict[uuid.UUID, list[str]] = {}
    for item in wanted:
        guids = sorted(policies.known) if item["policy"] == "all" else [policies.find({"gpo": item["policy"]})[0]]
        for guid in guids:
            found.setdefault(guid, []).extend(item["without"])
    return found


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    flag = {"type": "bool"}
    plan_module.run(
        {
            "policies": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str"},
                    "gpo": {"type": "str"},
                    "control": {"type": "str"},
                    "registry": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {
                            "key": {**text, "no_log": False},
                            "value": dict(text),
                            "type": {
                                "type": "str",
                                "choices": ["binary", "dword", "expand_sz", "multi_sz", "none", "qword", "sz"],
                                "default": "dword",
                            },
                            "data": {"type": "raw"},
                            "side": {"type": "str", "choices": ["machine", "user"], "default": "machine"},
                            "state": {"type": "str", "choices": ["absent", "deleted", "present"], "default": "present"},
                        },
                    },
                    "security": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {"section": dict(text), "key": {**text, "no_log": False}, "value": dict(text)},
                    },
                    "user_rights": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {
                            "right": dict(text),
                            "accounts": {"type": "list", "elements": "str", "required": True},
                        },
                    },
                    "audit": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {
                            "subcategory": dict(text),
                            "success": {"type": "bool", "default": True},
                            "failure": {"type": "bool", "default": True},
                        },
                    },
                    "password_policy": {
                        "type": "dict",
                        "no_log": False,
                        "options": {
                            "minimum_length": {"type": "int"},
                            "maximum_age_days": {"type": "int"},
                            "complexity": dict(flag),
                            "no_reversible": dict(flag),
                        },
                    },
                    "links": {
                        "type": "list",
                        "elements": "dict",
                        "default": [],
                        "options": {
                            "target": dict(text),
                            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
                            "enabled": dict(flag),
                            "enforced": dict(flag),
                            "order": {"type": "int"},
                        },
                    },
                },
                "required_one_of": [("name", "gpo")],
                "mutually_exclusive": [("name", "gpo")],
            },
            "block_inheritance": {"type": "dict", "default": {}},
            "stored_passwords": {"type": "str", "choices": ["ignore", "remove", "report"], "default": "ignore"},
            "remove_from": {"type": "str"},
            "restrict_permissions": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {"policy": dict(text), "without": {"type": "list", "elements": "str", "default": []}},
            },
            "weak_keys": {"type": "bool", "default": False},
        },
        planned,
    )


if __name__ == "__main__":
    main()
