# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Owners and whole lists through the writer, against a directory that honours the SD flags control."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import limits, model
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, acl_order, writer
from ansible_collections.care.remediation.plugins.module_utils.directory import security_descriptor as sd
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Result

GUID = "2c1b7c1e-0000-1111-2222-000000000001"
DN = f"<GUID={GUID}>"
DOMAIN = "S-1-5-21-111-222-333"
SVC, ADMINS = f"{DOMAIN}-1105", f"{DOMAIN}-512"
MIXED = tuple(map(from_sddl, (f"(A;;WD;;;{SVC})", f"(A;;WP;;;{DOMAIN}-1106)", f"(D;;WP;;;{DOMAIN}-1107)")))
INHERITED = from_sddl(f"(A;ID;GA;;;{ADMINS})")


class Directory:
    """One object. Owner and DACL are read and written by the flags of the control; ``meddle`` runs before a write."""

    domain_sid = DOMAIN
    encrypted = True

    def __init__(self, owner: str = SVC, aces: tuple[Ace, ...] = (*MIXED, INHERITED)) -> None:
        self.descriptor = SecurityDescriptor(owner=owner, control=sd.SELF_RELATIVE).with_dacl(aces)
        self.meddle: Callable[[], None] = lambda: None
        self.gone = False
        self.deaf = False
        self.writes: list[int] = []

    def read_many(self, dns: Any, attributes: Any, sd_flags: int | None = None, window: int = 64) -> Iterator[Any]:
        for dn in dns:
            shown = SecurityDescriptor(owner=self.descriptor.owner) if sd_flags == 1 else self.descriptor.dacl_only()
            assert sd_flags in (1, 4)
            found = None if self.gone else Entry(dn, CaseInsensitiveDict({"nTSecurityDescriptor": [shown.to_bytes()]}))
            yield dn, found

    def modify_many(self, items: Any, window: int = 64) -> Iterator[Result]:
        for dn, ((action, name, (raw,)),), (control,) in items:
            assert (action, name) == (2, "nTSecurityDescriptor")
            flags = control.encodedControlValue[-1]
            self.meddle()
            self.writes.append(flags)
            sent = SecurityDescriptor.parse(raw)
            if self.deaf:
                yield Result(dn, 50, DirectoryError("insufficient access rights"))
                continue
            old = self.descriptor
            if flags == 1:
                assert sent.dacl is None
                self.descriptor = SecurityDescriptor(control=old.control, owner=sent.owner, dacl=old.dacl)
            else:
                assert sent.owner is None
                self.descriptor = SecurityDescriptor(control=old.control, owner=old.owner, dacl=sent.dacl)
            yield Result(dn, 0)


def change(kind: str, before: Any, after: Any, **more: Any) -> model.Change:
    return model.completed(
        model.new_change(
            target="directory", kind=kind, object_type="object", object_id=GUID, label="x",
            attribute="nTSecurityDescriptor", before=before, after=after, **more,
        ),
        "chu.test",
    )  # fmt: skip


OWNER = change("owner", SVC, ADMINS)
ORDER = change(
    "aces",
    [acl_changes.portable(ace, n) for n, ace in enumerate(MIXED)],
    [acl_changes.portable(ace, n) for n, ace in enumerate(acl_order.canonical(MIXED[1:]))],
    context={"whole_list": True},
)


def statuses(directory: Directory, operation: str, *changes: Any, check_mode: bool = False) -> list[str]:
    result = writer.write(directory, operation, changes, check_mode)  # type: ignore[arg-type]
    return [one["status"] for one in result["results"]]


@pytest.mark.parametrize("changes", [(OWNER,), (ORDER,), (OWNER, ORDER), (ORDER, OWNER)])
def test_there_and_back(changes: tuple[model.Change, ...]) -> None:
    directory = Directory()
    start = copy.deepcopy(directory.descriptor)
    assert set(statuses(directory, "apply", *changes, check_mode=True)) == {"applied"}
    assert directory.descriptor == start
    assert set(statuses(directory, "apply", *changes)) == {"applied"}
    assert directory.descriptor.owner == (ADMINS if OWNER in changes else SVC)
    assert directory.descriptor.dacl is not None
    assert acl_order.is_canonical(directory.descriptor.dacl.aces) is (ORDER in changes)
    assert directory.descriptor.dacl.aces[-1] == INHERITED
    # each part is sent alone: what one does not name it cannot change
    assert sorted(directory.writes) == sorted({1 if one is OWNER else 4 for one in changes})
    assert set(statuses(directory, "apply", *changes)) == {"already"}
    assert set(statuses(directory, "undo", *changes)) == {"undone"}
    assert directory.descriptor.to_bytes() == start.to_bytes()
    assert set(statuses(directory, "undo", *changes)) == {"nothing_to_undo"}


def test_a_third_owner_is_left_alone() -> None:
    directory = Directory(owner=f"{DOMAIN}-1999")
    assert statuses(directory, "apply", OWNER) == ["conflict"]
    assert statuses(directory, "undo", OWNER) == ["conflict"]
    assert directory.writes == []


def test_a_list_that_moved_is_left_alone() -> None:
    more = Directory(aces=(*MIXED, from_sddl(f"(A;;RP;;;{SVC})"), INHERITED))
    order = Directory(aces=(MIXED[1], MIXED[0], MIXED[2], INHERITED))
    for directory in (more, order):
        assert statuses(directory, "apply", ORDER) == ["conflict"]
        assert directory.writes == []


def test_an_object_that_is_gone_and_one_that_cannot_be_written() -> None:
    directory = Directory()
    directory.gone = True
    assert statuses(directory, "apply", OWNER, ORDER) == ["conflict", "conflict"]
    directory = Directory()
    directory.deaf = True
    assert statuses(directory, "apply", OWNER, ORDER) == ["failed", "failed"]
    (result,) = writer.write(directory, "apply", [OWNER])["results"]  # type: ignore[arg-type]
    assert "connect as a member of Domain Admins" in result["message"]


def test_a_list_of_64_kilobytes() -> None:
    room = (0xFFFF - 8 - len(MIXED[0].raw)) // 36
    many = tuple(from_sddl(f"(A;;RP;;;{DOMAIN}-{n})") for n in range(100000, 100000 + room))
    directory = Directory(aces=(MIXED[0], *many))
    assert len(directory.descriptor.to_bytes()) > 65000
    gone = change("aces", [acl_changes.portable(MIXED[0], 0)], [])
    assert statuses(directory, "apply", gone) == ["applied"]
    assert statuses(directory, "undo", gone) == ["undone"]
    assert directory.descriptor.dacl is not None
    assert directory.descriptor.dacl.aces == (MIXED[0], *many)
    with pytest.raises(ValueError, match="64 KiB"):
        directory.descriptor.with_dacl((*many, *many)).to_bytes()


def test_two_owners_wanted_for_one_object_contradict() -> None:
    other = change("owner", SVC, "S-1-5-32-544")
    assert [one.kind for one in limits.blockers([OWNER, other], 10)] == ["contradiction"]
    assert limits.blockers([OWNER, ORDER], 10) == []
