# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The writer against a directory in memory that refuses as a real one does: compare, write, read back, undo."""

from __future__ import annotations

import copy
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    Acl,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Result

GUID = "2c1b7c1e-0000-1111-2222-{:012d}"
ACES = [Ace.build(0, 0, n, "S-1-5-21-1-2-3-1105") for n in (1, 2, 3)]
DESCRIPTOR = SecurityDescriptor(0x8004, dacl=Acl(tuple(ACES))).to_bytes()


class Directory:
    """Objects in memory. ``meddle`` runs between the writer's read and its write; ``lost``: answers that never come."""

    domain_sid = "S-1-5-21-111-222-333"
    encrypted = True

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, list[bytes]]] = {
            f"<GUID={GUID.format(n)}>": {
                "userAccountControl": [b"4260352"],
                "servicePrincipalName": [b"HTTP/a", b"http/b"],
                "pwdLastSet": [b"100"],
                "nTSecurityDescriptor": [DESCRIPTOR],
            }
            for n in range(3)
        }
        self.meddle: Callable[[], None] = lambda: None
        self.lost = False
        self.ignores_writes = False
        self.refuses: int | None = None
        self.writes: list[tuple[str, Any]] = []

    def read_many(self, dns: Any, attributes: Any, sd_flags: Any = None, window: int = 64) -> Iterator[Any]:
        for dn in dns:
            found = self.objects.get(dn)
            if self.lost and self.writes:
                yield dn, DirectoryError("connection lost")
            else:
                yield dn, None if found is None else Entry(dn, CaseInsensitiveDict(copy.deepcopy(found)))

    def modify_many(self, items: Any, window: int = 64) -> Iterator[Result]:
        items = list(items)
        self.meddle()
        for dn, modlist, controls in items:
            assert (controls is not None) == (modlist[0][1] == "nTSecurityDescriptor")
            self.writes.append((dn, modlist))
            if self.refuses is not None:
                yield Result(dn, self.refuses, DirectoryError("refused"))
                continue
            code = 0 if self.ignores_writes else self._modify(dn, modlist)
            if self.lost:
                yield Result(dn, None, DirectoryError("connection lost"))
            else:
                yield Result(dn, code, DirectoryError(f"code {code}") if code else None)

    def _modify(self, dn: str, modlist: Any) -> int:
        new = copy.deepcopy(self.objects[dn])
        for action, name, values in modlist:
            if name == "unicodePwd":
                new["pwdLastSet"] = [b"200"]
                continue
            present = new.setdefault(name, [])
            for value in values if action == 1 else ():
                if value not in present:
                    return 16
                present.remove(value)
            for value in values if action == 0 else ():
                if value in present or (name == "userAccountControl" and present):
                    return 20
                present.append(value)
            if action == 2:
                new[name] = list(values)
        self.objects[dn] = {name: values for name, values in new.items() if values}
        return 0


def change(kind: str, attribute: str, before: Any, after: Any, number: int = 0, **more: Any) -> model.Change:
    if kind == "password":
        more |= {"reversible": False, "irreversible_reason": "a password"}
    return model.completed(
        model.new_change(
            target="directory", kind=kind, object_type="user", object_id=GUID.format(number), label=f"u{number}",
            attribute=attribute, before=before, after=after, **more,
        ),
        "chu.test",
    )  # fmt: skip


def flag(bit: int, before: int, number: int = 0) -> model.Change:
    return change("flags", "userAccountControl", before, bit - before, number, mask=bit)


CHANGES = [
    flag(0x400000, 0x400000),
    flag(0x10000, 0x10000),
    flag(0x400000, 0x400000, 1),
    change("values", "servicePrincipalName", ["HTTP/A"], []),
    change("replace", "description", [], ["é"]),
    change("aces", "nTSecurityDescriptor", [acl_changes.portable(ACES[1], 1)], []),
]


def statuses(directory: Directory, operation: str, changes: Any, check_mode: bool = False) -> list[str]:
    result = writer.write(directory, operation, changes, check_mode)  # type: ignore[arg-type]
    assert [r["id"] for r in result["results"]] == [c["id"] for c in changes]
    return [r["status"] for r in result["results"]]


@pytest.fixture(autouse=True)
def _values(monkeypatch: pytest.MonkeyPatch) -> None:
    # HTTP/A of the change is written as the directory spells it by the planner
    CHANGES[3]["before"] = ["HTTP/a"]


def test_apply_again_undo_again() -> None:
    directory = Directory()
    directory.objects["<GUID=" + GUID.format(0) + ">"]["userAccountControl"] = [str(4260352 | 0x10000).encode()]
    start = copy.deepcopy(directory.objects)
    assert statuses(directory, "apply", CHANGES, check_mode=True) == ["applied"] * 6
    assert directory.objects == start
    assert directory.writes == []
    assert statuses(directory, "apply", CHANGES) == ["applied"] * 6
    assert directory.objects["<GUID=" + GUID.format(0) + ">"]["userAccountControl"] == [b"512"]
    # both bits of one account went in one request
    assert len(directory.writes) == 5
    written = len(directory.writes)
    assert statuses(directory, "apply", CHANGES) == ["already"] * 6
    assert len(directory.writes) == written
    assert statuses(directory, "undo", CHANGES) == ["undone"] * 6
    for dn, attributes in start.items():
        assert {k: sorted(v) for k, v in directory.objects[dn].items()} == {k: sorted(v) for k, v in attributes.items()}
    assert statuses(directory, "undo", CHANGES) == ["nothing_to_undo"] * 6


@pytest.mark.parametrize(("absent", "left"), [(True, None), (False, [b"0"])])
def test_undoing_bits_of_an_absent_attribute_removes_it(absent: bool, left: list[bytes] | None) -> None:
    directory, name, dn = Directory(), "msDS-SupportedEncryptionTypes", "<GUID=" + GUID.format(0) + ">"
    if not absent:
        directory.objects[dn][name] = [b"0"]
    context = {"absent": True} if absent else {}
    bits = [change("flags", name, 0, bit, mask=bit, context=context) for bit in (4, 8, 16)]
    assert statuses(directory, "apply", bits) == ["applied"] * 3
    assert directory.objects[dn][name] == [b"28"]
    assert statuses(directory, "undo", bits[:1]) == ["undone"]
    assert directory.objects[dn][name] == [b"24"]
    assert statuses(directory, "undo", bits) == ["nothing_to_undo", "undone", "undone"]
    assert directory.objects[dn].get(name) == left


def test_other_bits_that_moved_do_not_disturb() -> None:
    directory = Directory()
    directory.objects["<GUID=" + GUID.format(0) + ">"]["userAccountControl"] = [b"4260354"]  # disabled meanwhile
    assert statuses(directory, "apply", [flag(0x400000, 0x400000)]) == ["applied"]
    assert directory.objects["<GUID=" + GUID.format(0) + ">"]["userAccountControl"] == [b"66050"]


def test_conflict_is_left_alone() -> None:
    directory = Directory()
    stale = change("replace", "description", ["what it was"], ["new"])
    spn = change("values", "servicePrincipalName", ["HTTP/a", "HTTP/gone"], [])
    assert statuses(directory, "apply", [stale, spn]) == ["conflict", "conflict"]
    assert directory.writes == []


def test_moved_between_read_and_write_is_a_conflict() -> None:
    """Delete-old, add-new: the server itself refuses, and nothing of the other's is overwritten."""
    directory = Directory()
    dn = "<GUID=" + GUID.format(0) + ">"

    def meddle() -> None:
        directory.objects[dn]["userAccountControl"] = [b"4260354"]

    directory.meddle = meddle
    assert statuses(directory, "apply", [flag(0x400000, 0x400000)]) == ["conflict"]
    assert directory.objects[dn]["userAccountControl"] == [b"4260354"]


def test_write_that_did_nothing_is_failed() -> None:
    directory = Directory()
    directory.ignores_writes = True
    result = writer.write(directory, "apply", [flag(0x400000, 0x400000)])  # type: ignore[arg-type]
    assert result["results"][0]["status"] == "failed"
    assert "read back differently" in result["results"][0]["message"]


def test_refused_is_failed_with_the_reason() -> None:
    directory = Directory()
    directory.refuses = 50
    result = writer.write(directory, "apply", [flag(0x400000, 0x400000)])  # type: ignore[arg-type]
    assert (result["results"][0]["status"], result["changed"]) == ("failed", False)
    assert "refused" in result["results"][0]["message"]


def test_lost_connection_is_unverified_not_done() -> None:
    directory = Directory()
    directory.lost = True
    result = writer.write(directory, "apply", [flag(0x400000, 0x400000)])  # type: ignore[arg-type]
    assert (result["results"][0]["status"], result["changed"]) == ("unverified", True)


def test_object_that_is_gone_is_a_conflict() -> None:
    directory = Directory()
    directory.objects.clear()
    assert statuses(directory, "apply", [flag(0x400000, 0x400000)]) == ["conflict"]


def test_password() -> None:
    directory = Directory()
    reset = change("password", "unicodePwd", "100", "random")
    assert statuses(directory, "undo", [reset]) == ["irreversible"]
    assert statuses(directory, "apply", [reset]) == ["applied"]
    assert statuses(directory, "apply", [reset]) == ["conflict"]  # pwdLastSet is another one: never reset twice
    assert len(directory.writes) == 1
    directory = Directory()
    directory.encrypted = False
    assert statuses(directory, "apply", [reset]) == ["failed"]
    assert directory.writes == []


def test_protected_account_is_never_written() -> None:
    directory = Directory()
    hit = change("replace", "description", [], ["x"], hazards=[model.hazard("break_glass", "bris-de-glace-1")])
    assert statuses(directory, "apply", [hit]) == ["failed"]
    assert directory.writes == []


def test_change_that_cannot_be_understood_is_failed_alone() -> None:
    directory = Directory()
    broken = change("aces", "nTSecurityDescriptor", [{"index": 0, "sddl": "(A;;;;;)", "raw": "AAAA"}], [])
    foreign = {**flag(0x400000, 0x400000), "kind": "file"}
    assert statuses(directory, "apply", [broken, foreign, flag(0x400000, 0x400000, 1)]) == [
        "failed", "failed", "applied",
    ]  # fmt: skip


def test_primary_group_waits_for_the_membership() -> None:
    member = change("values", "member", [], ["CN=u0"], 1)
    primary = change("replace", "primaryGroupID", ["513"], ["514"])
    later = change("values", "member", ["CN=u0"], [], 2)
    order = [[op.attribute for op in batch] for batch in writer.batches([member, primary, later], undo=False)]
    assert order == [["member"], ["primaryGroupID"], ["member"]]


def test_random_passwords_differ_and_are_complex() -> None:
    from ansible_collections.care.remediation.plugins.module_utils.directory.attribute_change import random_password

    first, second = (random_password().decode("utf-16-le") for _ in range(2))
    assert first != second
    assert first[0] == first[-1] == '"'
    assert len(first) > 100
    assert '"' not in first[1:-1]


def _hold(domain: str, ready: Any, go: Any) -> None:
    with writer.lock(domain):
        ready.set()
        go.wait(10)


def test_two_writers_never_interleave_and_a_dead_one_lets_go() -> None:
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()
    domain = "S-1-5-21-999-888-777"
    other = context.Process(target=_hold, args=(domain, ready, go))
    other.start()
    assert ready.wait(10)
    with pytest.raises(DirectoryError, match="another run"), writer.lock(domain, wait=0.2):
        pass
    other.kill()
    other.join()
    with writer.lock(domain, wait=0.2):
        pass


def test_a_functional_level_is_sent_as_a_plain_replacement() -> None:
    """Active Directory takes delete-and-add of most attributes, this one only as one value that replaces another."""
    directory = Directory()
    directory.objects["<GUID=" + GUID.format(0) + ">"]["msDS-Behavior-Version"] = [b"6"]
    raised = change("replace", "msDS-Behavior-Version", ["6"], ["7"], reversible=False, irreversible_reason="x")
    assert statuses(directory, "apply", [raised]) == ["applied"]
    assert directory.writes[0][1] == [(2, "msDS-Behavior-Version", [b"7"])]
    assert statuses(directory, "undo", [raised]) == ["irreversible"]
    directory.objects["<GUID=" + GUID.format(0) + ">"]["msDS-Behavior-Version"] = [b"5"]
    assert statuses(directory, "apply", [raised]) == ["conflict"]
