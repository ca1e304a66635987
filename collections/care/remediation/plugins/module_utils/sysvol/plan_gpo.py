# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans group policy objects: made, filled, linked; in the directory and in SYSVOL, equal in both.

Order of the changes: objects that come, then files (``gpt.ini`` last), then versions and extensions in the directory,
then links. So nobody follows a link to a policy that is not whole. All changes of one policy carry its GUID as
``context.sequence``: after one that failed, the later ones are not tried.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.identity import as_guid
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import (
    NOTHING,
    Plan,
    PlanError,
    creation,
    replace_change,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session
from ansible_collections.care.remediation.plugins.module_utils.sysvol import plan_contents as contents
from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol import sysvol_change as files
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_contents import PasswordFloor
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import Node, Share, join

ATTRIBUTES: Final = (
    "cn", "displayName", "objectGUID", "objectClass", "gPCFileSysPath", "versionNumber", "flags",
    "gPCMachineExtensionNames", "gPCUserExtensionNames", "nTSecurityDescriptor",
)  # fmt: skip
_SD_PARTS: Final = 7
MACHINE_NAMES: Final = "gPCMachineExtensionNames"
USER_NAMES: Final = "gPCUserExtensionNames"
VERSION: Final = "versionNumber"
# flags of a policy (MS-GPOL 2.2.3)
USER_DISABLED: Final = 1
MACHINE_DISABLED: Final = 2
# A policy of ours has the same GUID whenever it is planned: the change that makes it has the same id
_NAMESPACE: Final = uuid.UUID("6f0e3c0a-5d3d-5f0e-9b39-0d3f1f6b6a52")
WELL_KNOWN: Final = {
    "default_domain": policy.DEFAULT_DOMAIN_POLICY,
    "default_domain_controllers": policy.DEFAULT_DOMAIN_CONTROLLERS_POLICY,
}
_PATH: Final = re.compile(r"\\\\[^\\]+\\sysvol\\([^\\]+)\\Policies\\(\{[0-9A-Fa-f-]{36}\})\\?\Z", re.IGNORECASE)


@dataclass(slots=True)
class Known:
    """One policy of the domain: its object, and what its folder holds (read when it is asked for)."""

    guid: uuid.UUID
    entry: Entry
    nodes: dict[str, Node] = field(default_factory=dict)  # by path within it, lower case

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.entry.text("displayName") or policy.braced(self.guid)

    @property
    def described(self) -> dict[str, str]:
        """The policy as changes of SYSVOL name it."""
        return {"id": policy.braced(self.guid), "label": self.name, "dn": self.entry.dn}

    @property
    def version(self) -> policy.Version:
        """What the directory says."""
        return policy.Version.of(self.entry.int(VERSION) or 0)


@dataclass(slots=True)
class Phases:
    """The changes of a task by when they are made."""

    objects: list[model.Change] = field(default_factory=list)
    files: list[model.Change] = field(default_factory=list)
    versions: list[model.Change] = field(default_factory=list)
    links: list[model.Change] = field(default_factory=list)

    def all(self) -> list[model.Change]:
        """In the order in which they are to be made."""
        return [*self.objects, *self.files, *self.versions, *self.links]


class Policies:
    """The group policy objects of the domain, read once."""

    def __init__(self, session: Session, share: Share) -> None:
        """Raises PlanError when the container of policies cannot be read: that is no domain without policies."""
        self.session = session
        self.share = share
        self.container = f"CN=Policies,CN=System,{session.domain_dn}"
        self.known: dict[uuid.UUID, Known] = {}
        self.steps: dict[uuid.UUID, Step] = {}
        for entry in session.search(
            self.container, "(objectClass=groupPolicyContainer)", list(ATTRIBUTES), "onelevel", sd_flags=_SD_PARTS
        ):
            guid = policy.guid_of(entry.text("cn") or "")
            if guid is not None:
                self.known[guid] = Known(guid, entry)
        if policy.DEFAULT_DOMAIN_POLICY not in self.known:
            raise PlanError(
                f"{self.container}: the default domain policy is not shown, which every domain has: unverified, so "
                "nothing is planned. Give the account in use the right to read group policies."
            )

    @property
    def names(self) -> dict[str, str]:
        """DN in lower case → display name."""
        return {known.entry.dn.lower().replace(" ", ""): known.name for known in self.known.values()}

    def find(self, wish: Mapping[str, Any]) -> tuple[uuid.UUID, Known | None]:
        """The policy of a wish, by ``gpo`` or ``name``; None for one that is to be made."""
        if wish.get("gpo"):
            given = str(wish["gpo"])
            guid = WELL_KNOWN.get(given) or as_guid(given)
            for known in self.known.values():
                # the GUID of its name, or of its object
                if guid is not None and guid in (known.guid, as_guid(known.entry.guid() or "")):
                    return known.guid, known
                if known.entry.dn.lower().replace(" ", "") == given.lower().replace(" ", ""):
                    return known.guid, known
            raise PlanError(
                f"There is no policy {given!r} in this domain, or it is not shown (a GUID, a DN, "
                f"{' or '.join(WELL_KNOWN)} is expected)."
            )
        name = str(wish.get("name") or "").strip()
        if not name or len(name) > 255:
            raise PlanError("Each policy needs a name (of at most 255 characters) or gpo.")
        own = uuid.uuid5(_NAMESPACE, f"{self.session.domain_sid}/{name.casefold()}")
        if own in self.known:
            return own, self.known[own]
        same = [known for known in self.known.values() if known.name.casefold() == name.casefold()]
        if len(same) > 1:
            guids = ", ".join(policy.braced(known.guid) for known in same)
            raise PlanError(f"More than one policy is called {name!r}: {guids}. Name it by gpo.")
        return (same[0].guid, same[0]) if same else (own, None)

    def load(self, known: Known) -> None:
        """Read what is in the policy's folder; PlanError when it is not where it belongs or not there."""
        if known.nodes:
            return
        path = known.entry.text("gPCFileSysPath") or ""
        match = _PATH.match(path)
        folder = policy.braced(known.guid)
        if match is None or match[1].lower() != self.session.dns_name or match[2].upper() != folder:
            raise PlanError(
                f"{known.name}: its files are at {path!r}, not at {self.share.label(folder)}. Correct that first."
            )
        if self.share.find(folder) is None:
            raise PlanError(
                f"{known.name}: {self.share.label(folder)} is not there. Restore it from a backup, or wait for the "
                "replication of SYSVOL."
            )
        known.nodes[""] = Node(folder, True)
        for node in self.share.walk(folder):
            known.nodes[node.path[len(folder) + 1 :].lower()] = node

    def step(self, known: Known, controls: Iterable[str] = ()) -> Step:
        """The changes of a policy that is there: one for a task, whatever asks for them."""
        step = self.steps.setdefault(known.guid, Step(self, known))
        step.controls.update(controls)
        return step

    def content(self, known: Known, path: str) -> bytes | None:
        """A file of a policy that was loaded, None when there is none."""
        node = known.nodes.get(path.lower())
        return None if node is None or node.is_folder else self.share.read(node.path)


def current_passwords(session: Session) -> PasswordFloor:
    """What the domain's own object demands today; PlanError when it cannot be read."""
    entry = session.read(session.domain_dn, ["minPwdLength", "maxPwdAge"])
    length = entry.int("minPwdLength") if entry is not None else None
    age = entry.int("maxPwdAge") if entry is not None else None
    if length is None or age is None:
        raise PlanError(f"{session.domain_dn}: its password policy cannot be read: unverified, so nothing is planned.")
    # 100 ns, negative; 0 and the smallest number mean never (MS-ADTS 3.1.1.4.5.24)
    days = -1 if age in (0, -(2**63)) else -age // 864_000_000_000
    return PasswordFloor(minimum_length=length, maximum_age_days=days)


def merged(policies: Policies, wishes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The wishes, those of one policy together: its files and version change once. PlanError for a contradiction."""
    by_guid: dict[uuid.UUID, dict[str, Any]] = {}
    for wish in wishes:
        guid, _known = policies.find(wish)
        joined = by_guid.setdefault(guid, {"gpo": wish.get("gpo"), "name": wish.get("name"), "controls": []})
        joined["controls"] += [wish["control"]] if wish.get("control") else []
        for key in ("registry", "security", "user_rights", "audit", "links"):
            joined[key] = joined.get(key, []) + list(wish.get(key) or [])
        floor = joined.setdefault("password_policy", {})
        for key, value in (wish.get("password_policy") or {}).items():
            if value is not None:
                strictest = min if key == "maximum_age_days" else max
                floor[key] = strictest(floor[key], value) if key in floor else value
    for joined in by_guid.values():
        _consistent(joined)
    return list(by_guid.values())


def _consistent(wish: Mapping[str, Any]) -> None:
    """PlanError when a wish, joined from several, wants two things of one setting."""
    for kind, names, values in (
        ("registry", ("side", "key", "value"), ("type", "data", "state")),
        ("security", ("section", "key"), ("value",)),
        ("user_rights", ("right",), ("accounts",)),
        ("links", ("target",), ("state", "enabled", "enforced", "order")),
    ):
        seen: dict[tuple[str, ...], list[Any]] = {}
        for item in wish[kind]:
            subject = tuple(str(item.get(name)).lower() for name in names)
            wanted = [item.get(value) for value in values]
            if seen.setdefault(subject, wanted) != wanted:
                named = ", ".join(str(item.get(name)) for name in names)
                raise PlanError(f"{wish.get('name') or wish.get('gpo')}: two entries contradict each other on {named}.")


def plan_policy(policies: Policies, phases: Phases, plan: Plan, wish: Mapping[str, Any], floor: PasswordFloor) -> str:
    """Add the changes of one policy without its links; returns the DN of its object. ``wish``: options of ad_gpo."""
    guid, known = policies.find(wish)
    if known is not None:
        policies.load(known)
    paths = (contents.MACHINE_REGISTRY, contents.USER_REGISTRY, contents.TEMPLATE, contents.AUDIT)
    present = {path: policies.content(known, path) if known is not None else None for path in paths}
    current = current_passwords(policies.session) if floor != PasswordFloor() else PasswordFloor()
    edits = contents.edits(wish, present, floor, current)
    if known is None:
        return _create(policies, phases, wish, guid, edits)
    _notices(plan, known, edits)
    step = policies.step(known, wish.get("controls") or [])
    for file in edits.files:
        step.machine |= file.path != contents.USER_REGISTRY
        step.user |= file.path == contents.USER_REGISTRY
        step.write(
            phases,
            file.path,
            present[file.path],
            file.content,
            file.before,
            file.after,
            _hazards(wish, file.path),
            _side_effects(file),
        )
    step.machine_extensions |= edits.machine_extensions
    step.user_extensions |= edits.user_extensions
    return known.entry.dn


@dataclass(slots=True)
class Step:
    """The changes of one policy that is there; ``machine`` and ``user`` say whose settings change."""

    policies: Policies
    known: Known
    controls: set[str] = field(default_factory=set)
    machine: bool = False
    user: bool = False
    machine_extensions: set[str] = field(default_factory=set)
    user_extensions: set[str] = field(default_factory=set)
    _made: set[str] = field(default_factory=set)

    @property
    def _more(self) -> dict[str, Any]:
        return {
            "context": {"sequence": policy.braced(self.known.guid)},
            "controls": sorted(self.controls),
        }

    def write(
        self,
        phases: Phases,
        path: str,
        old: bytes | None,
        new: bytes,
        before: Sequence[str] = (),
        after: Sequence[str] = (),
        hazards: Sequence[Mapping[str, str]] = (),
        side_effects: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """One file with a new content, and the folders that it needs."""
        actual = self.place(phases, path)
        if max(len(old or b""), len(new)) > files.MAX_CONTENT:
            raise PlanError(f"{self.known.name}: {actual} is larger than {files.MAX_CONTENT} bytes; edit it by hand.")
        phases.files.append(
            files.file_change(
                self.known.described,
                actual,
                files.state_of(old, before),
                files.state_of(new, after),
                display=("\n".join(before) or NOTHING, "\n".join(after) or NOTHING),
                hazards=hazards,
                side_effects=side_effects,
                **self._more,
            )
        )

    def place(self, phases: Phases, path: str) -> str:
        """The path with its folders called as the server calls them; changes for those that are missing."""
        node = self.known.nodes.get(path.lower())
        root = policy.braced(self.known.guid)
        if node is not None:
            return node.path[len(root) + 1 :]
        folder, _backslash, name = path.rpartition("\\")
        actual = ""
        for part in folder.split("\\") if folder else []:
            key = join(actual, part).lower()
            there = self.known.nodes.get(key)
            if there is not None:
                actual = there.path[len(root) + 1 :]
                continue
            actual = join(actual, part)
            if key not in self._made:
                self._made.add(key)
                phases.files.append(files.folder_change(self.known.described, actual, **self._more))
        return join(actual, name)

    def finish(self, phases: Phases) -> None:
        """Extensions and versions: counted up for what changes, and equal in the directory and gpt.ini."""
        machine, user = self.machine, self.user
        entry = self.known.entry
        attributes: list[tuple[str, str]] = []
        for name, needed, tools in (
            (MACHINE_NAMES, self.machine_extensions, policy.MACHINE_TOOLS),
            (USER_NAMES, self.user_extensions, policy.USER_TOOLS),
        ):
            present = entry.text(name) or ""
            try:
                wanted = policy.with_extensions(present, needed, tools)
            except ValueError as error:
                raise PlanError(f"{self.known.name}: {name}: {error}. Correct it in the policy's editor.") from error
            if wanted != present:
                attributes.append((name, wanted))
                machine, user = machine or name == MACHINE_NAMES, user or name == USER_NAMES
        raw = self.policies.content(self.known, contents.GPT_INI)
        stated = contents.gpt_version(raw)
        version = self.known.version.joined(stated or policy.Version())
        if machine or user:
            version = version.next(machine=machine, user=user)
        if stated != version:
            ini = contents.gpt_ini(raw, version)
            shown = [f"Version={stated.number}" if stated else NOTHING], [f"Version={version.number}"]
            self.write(phases, contents.GPT_INI, raw, ini, *shown)
        if self.known.version != version:
            attributes.append((VERSION, str(version.signed)))
        for name, value in attributes:
            change = replace_change(entry, name, [value])
            if change is not None:
                change["context"]["sequence"] = policy.braced(self.known.guid)
                change["controls"] = sorted(self.controls)
                change["object"].update(type="policy", label=self.known.name)
                phases.versions.append(change)


def _create(
    policies: Policies, phases: Phases, wish: Mapping[str, Any], guid: uuid.UUID, edits: contents.Edits
) -> str:
    """The changes that make a policy with its contents. Its access list is the one the schema gives such objects."""
    name = str(wish["name"]).strip()
    session = policies.session
    dn = f"CN={policy.braced(guid)},{policies.container}"
    controls = sorted(wish.get("controls") or [])
    sequence = policy.braced(guid)
    more = {"context": {"sequence": sequence}}
    user = any(file.path == contents.USER_REGISTRY for file in edits.files)
    machine = any(file.path != contents.USER_REGISTRY for file in edits.files)
    version = policy.Version().next(machine=machine, user=user) if edits.files else policy.Version()
    attributes = {
        "objectClass": ["groupPolicyContainer"],
        "displayName": [name],
        "gPCFileSysPath": [f"\\\\{session.dns_name}\\sysvol\\{session.dns_name}\\Policies\\{sequence}"],
        "gPCFunctionalityVersion": ["2"],
        "flags": ["0"],
        VERSION: [str(version.signed)],
        MACHINE_NAMES: _names(edits.machine_extensions, policy.MACHINE_TOOLS),
        USER_NAMES: _names(edits.user_extensions, policy.USER_TOOLS),
    }
    for child, values in (
        (dn, attributes),
        (f"CN=Machine,{dn}", {"objectClass": ["container"]}),
        (f"CN=User,{dn}", {"objectClass": ["container"]}),
    ):
        label = name if child == dn else f"{name} ({child.partition(',')[0][3:]})"
        change = creation(child, values, label=label, object_type="policy", context=dict(more["context"]))
        change["controls"] = controls
        phases.objects.append(change)
    described = {"id": sequence, "label": name, "dn": dn}
    extra: dict[str, Any] = {**more, "controls": controls}
    folders = [files.FOLDER_ITSELF, "Machine", "User"]
    for file in edits.files:
        parts = file.path.split("\\")[:-1]
        folders += ["\\".join(parts[: n + 1]) for n in range(len(parts))]
    phases.files += [files.folder_change(described, path, **extra) for path in dict.fromkeys(folders)]
    ini = contents.gpt_ini(None, version)
    for path, content, after, side_effects in (
        *((file.path, file.content, file.after, _side_effects(file)) for file in edits.files),
        (contents.GPT_INI, ini, (f"Version={version.number}",), []),
    ):
        phases.files.append(
            files.file_change(
                described,
                path,
                files.state_of(None),
                files.state_of(content, after),
                display=(NOTHING, "\n".join(after) or NOTHING),
                hazards=_hazards(wish, path),
                side_effects=side_effects,
                **extra,
            )
        )
    return dn


def _hazards(wish: Mapping[str, Any], path: str) -> Sequence[Mapping[str, str]]:
    """Whom the wish would lock out; user rights are in the security template."""
    return list(wish.get("hazards") or []) if path == contents.TEMPLATE else []


def _side_effects(file: contents.File) -> list[dict[str, Any]]:
    """What domain controllers write into the domain's object from the password policy, and no rollback takes back."""
    if file.path != contents.TEMPLATE:
        return []
    written = {"MinimumPasswordLength": "minPwdLength", "MaximumPasswordAge": "maxPwdAge",
               "PasswordComplexity": "pwdProperties", "ClearTextPassword": "pwdProperties"}  # fmt: skip
    names = [written[key] for line in file.after for key in written if line.startswith(f"[System Access] {key} ")]
    return [{"attribute": name, "irreversible": True} for name in dict.fromkeys(names)]


def _names(needed: set[str], tools: Mapping[str, str]) -> list[str]:
    text = policy.with_extensions("", sorted(needed), dict(tools))
    return [text] if text else []


def _notices(plan: Plan, known: Known, edits: contents.Edits) -> None:
    flags = known.entry.int("flags") or 0
    if edits.machine_extensions and flags & MACHINE_DISABLED:
        plan.notice(known.name, "machine_disabled", f"{known.name}: its computer settings are disabled (flags).")
    if edits.user_extensions and flags & USER_DISABLED:
        plan.notice(known.name, "user_disabled", f"{known.name}: its user settings are disabled (flags).")


def weaker_elsewhere(policies: Policies, plan: Plan, chosen: uuid.UUID, floor: PasswordFloor) -> None:
    """Notices for policies linked to the domain that win over the chosen one and demand less of passwords."""
    head = policies.session.read(policies.session.domain_dn, ["gPLink"])
    try:
        linked = policy.links((head.text("gPLink") if head else None) or "")
    except ValueError:
        return
    # enforced ones win, the highest of them last asked; then the order of the links
    for link in sorted(linked, key=lambda link: not link.enforced):
        guid = policy.guid_of(link.dn.partition(",")[0].partition("=")[2])
        if guid == chosen:
            return
        known = policies.known.get(guid) if guid is not None else None
        if known is None or not link.enabled:
            continue
        policies.load(known)
        raw = policies.content(known, contents.TEMPLATE)
        if raw is None:
            continue
        try:
            document = contents.inf.Document.parse(raw)
        except contents.FormatError:
            continue
        weaker = contents.password_values(document, floor, PasswordFloor())
        stated = [key for key, _value in weaker if document.get(contents.SYSTEM_ACCESS, key) is not None]
        if stated:
            plan.notice(
                known.name,
                "weaker_policy_wins",
                f"{known.name} is linked to the domain before the policy that is to demand more of passwords, and "
                f"demands less ({', '.join(stated)}): name it in gpo, or change the order of the links.",
            )
