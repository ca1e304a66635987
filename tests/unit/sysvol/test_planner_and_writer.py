# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies planned, applied and undone over a SYSVOL in memory."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import limits, model
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_model import Plan, PlanError
from ansible_collections.care.remediation.plugins.module_utils.directory.plan_protected import Account, Protected
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor
from ansible_collections.care.remediation.plugins.module_utils.sysvol import inf, policy, registry_pol, writer
from ansible_collections.care.remediation.plugins.module_utils.sysvol import plan_gpo as plans
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_contents import PasswordFloor
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_links import Links, inheritance_change
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_passwords import find, plan_removal
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_permissions import plan_permissions
from ansible_collections.care.remediation.plugins.module_utils.sysvol.reading import read_policies

from .fakes import ADMINS, BASE, DIRECTORY, DOMAIN, FILES, Directory, Share, descriptor, entry, gpo, tree

DEFAULT = policy.DEFAULT_DOMAIN_POLICY
CONTROLLERS = policy.DEFAULT_DOMAIN_CONTROLLERS_POLICY
TEMPLATE = "machine\\microsoft\\windows nt\\secedit\\gpttmpl.inf"
SECRET = "j1Uyj3Vx8TY9LtLZil2uAuZkFQA"
USERS = "S-1-5-32-545"
NO_FLOOR = PasswordFloor()
WISH: dict[str, Any] = {
    "name": "Stratégie d'été",
    "control": "vuln_dc_crypto",
    "registry": [
        {"key": "Software\\X", "value": "y", "type": "dword", "data": 1, "side": "machine", "state": "present"}
    ],
    "security": [{"section": "Registry Values", "key": "MACHINE\\Z", "value": "4,1"}],
    "audit": [{"subcategory": "Logon", "success": True, "failure": False}],
}


def domain(*more: Any, vendor: str = "", **head: Any) -> Directory:
    return Directory(
        gpo(DEFAULT, "Default Domain Policy"),
        gpo(CONTROLLERS, "Default Domain Controllers Policy"),
        entry(BASE, objectClass=["domainDNS"], minPwdLength=7, maxPwdAge=-36288000000000, **head),
        entry(f"OU=Domain Controllers,{BASE}", objectClass=["organizationalUnit"]),
        *more,
        vendor=vendor,
    )


def planned(
    directory: Directory,
    share: Share,
    *wishes: dict[str, Any],
    floor: PasswordFloor = NO_FLOOR,
    passwords: bool = False,
) -> list[model.Change]:
    policies = plans.Policies(directory, share)  # type: ignore[arg-type]
    phases = plans.Phases()
    for wish in plans.merged(policies, wishes):
        plans.plan_policy(policies, phases, Plan(), wish, floor)
    if passwords:
        holders, problems = find(policies)
        assert not problems
        plan_removal(policies, phases, holders, None)
    for step in policies.steps.values():
        step.finish(phases)
    return [model.completed(change, "chu-valmont.test") for change in phases.all()]


def on_sysvol(changes: Sequence[model.Change]) -> list[model.Change]:
    return [change for change in changes if change["target"] == "sysvol"]


def write(
    directory: Directory, share: Share, operation: str, changes: Sequence[model.Change], check: bool = False
) -> list[str]:
    done = writer.write(directory, share, operation, on_sysvol(changes), check_mode=check)  # type: ignore[arg-type]
    return [result["status"] for result in done["results"]]


@pytest.fixture(autouse=True)
def _no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    import contextlib

    monkeypatch.setattr(writer, "lock", lambda _sid: contextlib.nullcontext())


def test_a_new_policy_whole() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    changes = planned(domain(), share, WISH)
    first = changes[0]
    assert first["kind"] == "object" and first["after"]["attributes"]["versionNumber"] == ["1"]
    assert first["after"]["attributes"]["gPCMachineExtensionNames"][0].startswith("[{35378EAC")
    assert [c["object"]["dn"].partition(",")[0] for c in changes[1:3]] == ["CN=Machine", "CN=User"]
    assert [c["attribute"] for c in changes if c["kind"] == "folder"][:3] == [".", "Machine", "User"]
    assert changes[-1]["attribute"] == "GPT.INI"
    assert {c["context"]["sequence"] for c in changes} == {first["after"]["attributes"]["gPCFileSysPath"][0][-38:]}
    assert all(c["controls"] == ["vuln_dc_crypto"] for c in changes)
    # the same wish makes the same changes, or an approval would not hold
    assert changes == planned(domain(), Share(DEFAULT, CONTROLLERS), WISH)
    assert not limits.blockers(changes, 10)


@pytest.mark.parametrize("vendor", ["", "Samba Team"])
def test_written_read_undone(vendor: str) -> None:
    share = Share(DEFAULT, CONTROLLERS)
    directory = domain(vendor=vendor)
    before = tree(share)
    changes = planned(directory, share, WISH)
    guid = plans.Policies(directory, share).find(WISH)[0]  # type: ignore[arg-type]
    directory.entries.append(gpo(guid, WISH["name"], 1))
    assert write(directory, share, "apply", changes, check=True) == ["applied"] * len(on_sysvol(changes))
    assert tree(share) == before
    assert set(write(directory, share, "apply", changes)) == {"applied"}
    read = read_policies(share).policies[guid]  # type: ignore[arg-type]
    assert read.version == policy.Version(1) and not read.problems and read.unreadable is None
    assert [(e.key, e.value, e.decoded) for e in read.machine_registry] == [("Software\\X", "y", 1)]
    assert read.security_value("registry values", "machine\\z") == "4,1" and list(read.audit.values()) == [1]
    root = SecurityDescriptor.parse(read.files[""].descriptor or b"")
    assert [ace.mask for ace in root.dacl.aces] == [0x1F01FF, 0x1F01FF, 0x1200A9]  # type: ignore[union-attr]
    if vendor:  # Samba wants each file to carry the whole list
        raws = {share.descriptor(node.path) for node in share.walk(read.name)}
        assert raws == {share.descriptor(read.name)}
    assert set(write(directory, share, "apply", changes)) == {"already"}
    assert set(write(directory, share, "undo", changes)) == {"undone"}
    assert tree(share) == before
    assert set(write(directory, share, "undo", changes)) == {"nothing_to_undo"}


def test_an_existing_policy_keeps_what_is_not_named() -> None:
    share = Share(DEFAULT, CONTROLLERS, case="MACHINE")
    old = registry_pol.RegistryPolicy()
    old.set("Software\\Other", "a", 1, registry_pol.encode(1, "é"))
    share.put(f"{policy.braced(DEFAULT)}\\MACHINE\\registry.pol", old.to_bytes())
    directory = domain()
    changes = planned(directory, share, {**WISH, "name": None, "gpo": "default_domain"})
    assert [c["attribute"] for c in changes if c["kind"] == "file"] == [
        "MACHINE\\registry.pol",
        "MACHINE\\Microsoft\\Windows NT\\SecEdit\\GptTmpl.inf",
        "MACHINE\\Microsoft\\Windows NT\\Audit\\audit.csv",
        "GPT.INI",
    ]
    assert [(c["attribute"], c["after"]) for c in changes if c["target"] == "directory"][1] == ("versionNumber", ["1"])
    before = tree(share)
    assert set(write(directory, share, "apply", changes)) == {"applied"}
    new = registry_pol.RegistryPolicy.parse(share.read(f"{policy.braced(DEFAULT)}\\machine\\registry.pol") or b"")
    assert new.entries[0] == old.entries[0] and len(new.entries) == 2
    # once the directory follows, there is nothing left to do
    known = directory.entries[0].attributes
    known["versionNumber"] = [b"1"]
    known["gPCMachineExtensionNames"] = [
        policy.with_extensions("", [policy.REGISTRY, policy.SECURITY, policy.AUDIT], policy.MACHINE_TOOLS).encode()
    ]
    assert planned(directory, share, {**WISH, "name": None, "gpo": "default_domain"}) == []
    assert set(write(directory, share, "undo", changes)) == {"undone"} and tree(share) == before


def test_someone_elses_change_is_left_alone_both_ways() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    changes = planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"})
    path = f"{policy.braced(DEFAULT)}\\GPT.INI"
    share.put(path, b"[General]\r\nVersion=9\r\n")
    statuses = write(domain(), share, "apply", changes)
    assert statuses[-1] == "conflict" and set(statuses[:-1]) == {"applied"}
    assert share.read(path) == b"[General]\r\nVersion=9\r\n"
    registry = f"{policy.braced(DEFAULT)}\\Machine\\Registry.pol"
    share.put(registry, b"")
    assert "conflict" in write(domain(), share, "undo", changes) and share.read(registry) == b""


def test_what_was_put_into_a_new_folder_stays() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    changes = planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"})
    write(domain(), share, "apply", changes)
    share.put(f"{policy.braced(DEFAULT)}\\Machine\\Microsoft\\mine.txt", b"x")
    done = writer.write(domain(), share, "undo", on_sysvol(changes))  # type: ignore[arg-type]
    (kept,) = [result for result in done["results"] if result["status"] == "conflict"]
    assert "mine.txt" in kept["message"]


def test_a_file_that_cannot_be_written_is_failed_and_the_rest_said() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    changes = planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"})
    share.broken.add(f"{policy.braced(DEFAULT)}\\machine\\registry.pol".lower())
    statuses = write(domain(), share, "apply", changes)
    assert statuses.count("failed") == 1 and "applied" in statuses


def test_content_that_is_not_what_was_approved_is_not_written() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    changes = planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"})
    for change in changes:
        if change["kind"] == "file":
            change["after"]["content"] = base64.b64encode(b"other").decode()
    before = tree(share)
    statuses = [s for c, s in zip(on_sysvol(changes), write(domain(), share, "apply", changes), strict=True)
                if c["kind"] == "file"]  # fmt: skip
    assert set(statuses) == {"failed"}
    assert {k: v for k, v in tree(share).items() if v[0] is not None} == {
        k: v for k, v in before.items() if v[0] is not None
    }


def test_versions_that_differ_become_equal() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    share.put(f"{policy.braced(DEFAULT)}\\GPT.INI", b"[General]\r\nVersion=3\r\ndisplayName=x\r\n")
    directory = domain()
    directory.entries[0].attributes["versionNumber"] = [str(2 << 16).encode()]
    changes = planned(directory, share, {"name": None, "gpo": "default_domain", "control": None})
    assert {c["attribute"] for c in changes} == {"GPT.INI", "versionNumber"}
    assert changes[-1]["after"] == [str(2 << 16 | 3)]


@pytest.mark.parametrize(
    ("present", "floor", "wanted"),
    [
        ("", (12, 1095), {"MinimumPasswordLength": "12", "MaximumPasswordAge": "42"}),
        ("MinimumPasswordLength = 14\r\nMaximumPasswordAge = 90\r\n", (12, 1095), {}),
        ("MinimumPasswordLength = 7\r\nMaximumPasswordAge = -1\r\n", (12, 1095),
         {"MinimumPasswordLength": "12", "MaximumPasswordAge": "1095"}),
        ("", (5, None), {"MinimumPasswordLength": "7"}),
    ],
)  # fmt: skip
def test_passwords_only_ever_get_stricter(
    present: str, floor: tuple[int, int | None], wanted: dict[str, str]
) -> None:
    share = Share(DEFAULT, CONTROLLERS)
    raw = b"\xff\xfe" + ("[System Access]\r\n" + present).encode("utf-16-le")
    path = f"{policy.braced(DEFAULT)}\\{TEMPLATE}"
    share.put(path, raw)
    directory = domain()
    asked = PasswordFloor(minimum_length=floor[0], maximum_age_days=floor[1])
    changes = planned(directory, share, {"gpo": "default_domain"}, floor=asked)
    write(directory, share, "apply", changes)
    found = dict(inf.Document.parse(share.read(path) or b"").items("System Access"))
    assert {key: value for key, value in found.items() if f"{key} = {value}" not in present} == wanted
    effects = {e["attribute"] for c in changes for e in c["side_effects"]}
    assert effects == {{"MinimumPasswordLength": "minPwdLength", "MaximumPasswordAge": "maxPwdAge"}[k] for k in wanted}


def groups() -> bytes:
    return f'<G><User name="u" changed="2013"><Properties userName="u" cpassword="{SECRET}"/></User></G>'.encode()


def test_passwords_are_taken_out_never_kept_and_never_put_back() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    orphan = uuid.uuid4()
    paths = [f"{policy.braced(DEFAULT)}\\User\\Preferences\\Groups\\Groups.xml",
             f"{policy.braced(orphan)}\\Machine\\Preferences\\Groups\\groups.XML"]  # fmt: skip
    for path in paths:
        share.put(path, groups())
    directory = domain()
    changes = planned(directory, share, passwords=True)
    assert SECRET not in json.dumps(changes)
    assert not any("content" in c[side] for c in changes if not c["reversible"] for side in ("before", "after"))
    assert [c["after"] for c in changes if c["attribute"] == "versionNumber"] == [["65536"]]
    assert [c["irreversible_reason"] for c in changes if not c["reversible"]] == ["cpassword_removed"] * 2
    assert set(write(directory, share, "apply", changes)) == {"applied"}
    assert all(SECRET.encode() not in (share.read(path) or b"") for path in paths)
    statuses = write(directory, share, "undo", changes)
    assert statuses.count("irreversible") == 2
    assert all(SECRET.encode() not in (share.read(path) or b"") for path in paths)


def test_files_get_no_more_rights_than_the_object_has() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    root = policy.braced(DEFAULT)
    bad = descriptor("(A;OICI;0x1f01ff;;;DA)", f"(A;OICI;0x1301bf;;;{USERS})", f"(A;ID;0x1f01ff;;;{DOMAIN}-1105)",
                     "(A;OICI;0x1200a9;;;AU)", "(A;OICIIO;0x1f01ff;;;CO)")  # fmt: skip
    share.descriptors[f"{root}\\gpt.ini".lower()] = bad
    directory = domain()
    directory.entries[0].attributes["nTSecurityDescriptor"] = [
        descriptor("(A;CI;0xf00ff;;;DA)", "(A;CI;0x20094;;;AU)", f"(A;CI;0x20094;;;{USERS})")
    ]
    policies = plans.Policies(directory, share)  # type: ignore[arg-type]
    phases, plan = plans.Phases(), Plan()
    protected = Protected([Account("automation", f"{DOMAIN}-1105", "svc-care")])
    plan_permissions(policies, phases, plan, policies.known[DEFAULT], [], protected, "vuln_permissions_gpo_priv")
    (change,) = [model.completed(c, "chu-valmont.test") for c in phases.all()]
    assert change["attribute"] == "GPT.INI" and len(change["before"]) == 2
    # the first may read the object, the second has nothing there
    assert [item["sddl"] for item in change["after"]] == [f"(A;OICI;0x1200a9;;;{USERS})"]
    assert change["hazards"]
    phases = plans.Phases()
    protected = Protected([Account("automation", f"{DOMAIN}-1105", "svc-care", frozenset({ADMINS, USERS}))])
    plan_permissions(policies, phases, plan, policies.known[DEFAULT], [], protected, "vuln_permissions_gpo_priv")
    assert not phases.all()[0]["hazards"]  # as a domain administrator it still may
    change["hazards"] = []
    before = tree(share)
    assert write(directory, share, "apply", [change]) == ["applied"]
    found = SecurityDescriptor.parse(share.descriptor(f"{root}\\gpt.ini") or b"")
    assert [(a.sid, a.mask) for a in found.dacl.aces][1] == (USERS, 0x1200A9)  # type: ignore[union-attr]
    assert write(directory, share, "apply", [change]) == ["already"]
    assert write(directory, share, "undo", [change]) == ["undone"] and tree(share) == before


def test_an_entry_that_the_same_run_takes_away_does_not_count() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    trustee = f"{DOMAIN}-1200"
    share.descriptors[f"{policy.braced(DEFAULT)}\\gpt.ini".lower()] = descriptor(
        "(A;OICI;0x1f01ff;;;DA)", f"(A;OICI;0x1f01ff;;;{trustee})"
    )
    directory = domain()
    entry_sddl = f"(A;CI;0xf00ff;;;{trustee})"
    directory.entries[0].attributes["nTSecurityDescriptor"] = [
        descriptor("(A;CI;0xf00ff;;;DA)", entry_sddl)
    ]
    policies = plans.Policies(directory, share)  # type: ignore[arg-type]
    for without, count in (([], 0), ([entry_sddl], 1)):
        phases = plans.Phases()
        plan_permissions(policies, phases, Plan(), policies.known[DEFAULT], without, Protected(), None)
        assert len([c for c in phases.all() if c["attribute"] == "GPT.INI"]) == count


def test_two_wishes_for_one_policy_count_once() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    other = {"gpo": "default_domain", "control": "b", "registry": [{**WISH["registry"][0], "value": "z"}]}
    changes = planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"}, other)
    assert len([c for c in changes if c["attribute"] == "GPT.INI"]) == 1
    assert {tuple(c["controls"]) for c in changes} == {("b", "vuln_dc_crypto")}
    clash = {"gpo": "default_domain", "registry": [{**WISH["registry"][0], "data": 0}]}
    with pytest.raises(PlanError, match="contradict"):
        planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"}, clash)


def test_links_of_one_target_are_one_change() -> None:
    target = entry(f"OU=Domain Controllers,{BASE}", objectClass=["organizationalUnit"],
                   gPLink=f"[LDAP://CN={policy.braced(CONTROLLERS)},CN=Policies,CN=System,{BASE};0]")  # fmt: skip
    links = Links({})
    links.add(target, "CN={A}", {"order": 1}, "{A}", ["a"])
    links.add(target, "CN={B}", {"enabled": False}, "{B}", ["b"])
    (change,) = links.changes()
    assert change["after"] == [f"[LDAP://CN={{B}};1]{target.text('gPLink')}[LDAP://CN={{A}};0]"]
    assert change["context"]["sequence"] == ["{A}", "{B}"] and change["controls"] == ["a", "b"]
    links = Links({})
    links.add(target, f"cn={policy.braced(CONTROLLERS)},CN=Policies,CN=System,{BASE}", {"state": "absent"}, "x", [])
    assert links.changes()[0]["after"] == []
    assert inheritance_change(target, False) is None
    assert inheritance_change(target, True)["after"] == ["1"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"gpo": "{00000000-0000-0000-0000-000000000001}"}, "no policy"),
        ({"gpo": "nonsense"}, "no policy"),
        ({"name": " "}, "needs a name"),
        ({**WISH, "registry": [{**WISH["registry"][0], "data": "x"}]}, "invalid literal"),
        ({**WISH, "audit": [{"subcategory": "?", "success": True, "failure": True}]}, "no subcategory"),
        ({**WISH, "security": [{"section": "A", "key": "a=b", "value": "1"}]}, "not a line"),
    ],
)
def test_what_makes_no_sense_is_refused(wish: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        planned(domain(), Share(DEFAULT, CONTROLLERS), wish)


def test_unreadable_is_never_an_empty_domain() -> None:
    with pytest.raises(PlanError, match="unverified"):
        plans.Policies(Directory(), Share())  # type: ignore[arg-type]
    share = Share(CONTROLLERS)
    with pytest.raises(PlanError, match="is not there"):
        planned(domain(), share, {"gpo": "default_domain"})
    elsewhere = domain()
    elsewhere.entries[0].attributes["gPCFileSysPath"] = [b"\\\\autre\\sysvol\\autre\\Policies\\{X}"]
    with pytest.raises(PlanError, match="Correct that first"):
        planned(elsewhere, Share(DEFAULT), {"gpo": "default_domain"})


def test_files_that_are_not_understood_are_left_and_named() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    share.put(f"{policy.braced(DEFAULT)}\\Machine\\Registry.pol", b"PReg\2\0\0\0")
    with pytest.raises(PlanError, match=r"Registry\.pol.*left as it is"):
        planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"})
    read = read_policies(share).policies[DEFAULT]  # type: ignore[arg-type]
    assert read.problems and "version 2" in read.problems[0]
    share.put(f"{policy.braced(DEFAULT)}\\Machine\\Preferences\\x.xml", b"<!DOCTYPE a><a/>")
    _holders, problems = find(plans.Policies(domain(), share))  # type: ignore[arg-type]
    assert len(problems) == 1


def test_a_folder_that_may_not_be_read_is_unreadable() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    share.broken.add(policy.braced(DEFAULT).lower())
    reading = read_policies(share)  # type: ignore[arg-type]
    assert reading.policies[DEFAULT].unreadable and reading.policies[CONTROLLERS].unreadable is None
    assert reading.policies[CONTROLLERS].files["gpt.ini"].descriptor == FILES
    assert DIRECTORY != FILES and ADMINS


def test_hazards_and_foreign_targets_are_never_written() -> None:
    share = Share(DEFAULT, CONTROLLERS)
    changes = planned(domain(), share, {**WISH, "name": None, "gpo": "default_domain"})
    changes[-3]["hazards"] = []
    for change in changes:
        change["hazards"] = [{"kind": "break_glass", "object": "x"}]
    assert set(write(domain(), share, "apply", changes)) == {"failed"}
    foreign = {**changes[0], "target": "directory", "hazards": []}
    done = writer.write(domain(), share, "apply", [foreign])  # type: ignore[arg-type]
    assert done["results"][0]["status"] == "failed"
