# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Changes of access lists of files, forward and back, and of single registry values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_changes import portable
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl, to_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import (
    Ace,
    Acl,
    SecurityDescriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol import plan_contents, registry_pol
from ansible_collections.care.remediation.plugins.module_utils.sysvol.descriptor import (
    file_mask,
    folder_descriptor,
)
from ansible_collections.care.remediation.plugins.module_utils.sysvol.plan_contents import PasswordFloor
from ansible_collections.care.remediation.plugins.module_utils.sysvol.sysvol_change import aces_applied, aces_where
from hypothesis import given
from hypothesis import strategies as st

POOL = [from_sddl(text) for text in ("(A;OICI;0x1f01ff;;;BA)", "(A;ID;0x1200a9;;;AU)", "(A;;0x1301bf;;;BU)",
                                     "(D;OICI;0x2;;;WD)", "(A;OICIID;0x1f01ff;;;SY)")]  # fmt: skip
lists = st.lists(st.sampled_from(POOL), max_size=8)


@given(lists, st.data())
def test_forward_and_back_is_where_it_was(present: list[Ace], data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from(range(len(present))))) if present else set()
    new = data.draw(st.lists(st.sampled_from([ace for ace in POOL if ace not in present] or [POOL[0]]), max_size=3))
    if any(ace in present for ace in new):
        new = []
    # a change names all copies of an entry, or the comparison could not tell which are meant
    gone = {n for n, ace in enumerate(present) if any(present[m] == ace for m in gone)}
    start = [portable(present[n], n) for n in sorted(gone)]
    goal = [portable(ace, index) for index, ace in enumerate(new)]
    if not start and not goal:
        return
    assert aces_where(present, start, goal) == "before"
    after = aces_applied(present, start, goal)
    assert aces_where(after, start, goal) == "after"
    assert sorted(a.raw for a in after) == sorted(
        [a.raw for n, a in enumerate(present) if n not in gone] + [a.raw for a in new]
    )
    assert list(aces_applied(after, goal, start)) == present


def test_another_list_is_neither() -> None:
    start, goal = [portable(POOL[2], 0)], [portable(POOL[1], 0)]
    assert aces_where([POOL[0]], start, goal) == "other"
    assert aces_where([POOL[1], POOL[2]], start, goal) == "other"


@pytest.mark.parametrize(
    ("right", "wanted"),
    [("0xf00ff", 0x1F01FF), ("0x20094", 0x1200A9), ("GA", 0x1F01FF), ("0x100", 0), ("WP", 0x100116), ("WD", 0x40000)],
)
def test_rights_on_a_file_from_rights_on_the_object(right: str, wanted: int) -> None:
    mask = from_sddl(f"(A;;{right};;;BU)").mask
    assert mask is not None and file_mask(mask) == wanted


def directory(*aces: str) -> SecurityDescriptor:
    return SecurityDescriptor(0x9004, "S-1-5-32-544", "S-1-5-32-544", None, Acl(tuple(map(from_sddl, aces))))


def test_windows_and_samba_folders() -> None:
    given_list = ("(A;CI;0xf00ff;;;BA)", "(A;CIIO;0xf00ff;;;CO)", "(A;;0xf00ff;;;BA)", "(D;CI;0x20;;;BG)",
                  "(OA;CI;CR;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;AU)", "(A;CI;0x20094;;;RU)")  # fmt: skip
    windows = folder_descriptor(directory(*given_list), samba=False)
    assert [to_sddl(ace) for ace in windows.dacl.aces] == [  # type: ignore[union-attr]
        "(A;OICI;0x1f01ff;;;S-1-5-32-544)", "(A;OICIIO;0x1f01ff;;;S-1-3-0)", "(D;OICI;0x100116;;;S-1-5-32-546)",
    ]  # fmt: skip
    samba = folder_descriptor(directory(*given_list), samba=True)
    assert [to_sddl(ace) for ace in samba.dacl.aces] == [  # type: ignore[union-attr]
        "(A;OICI;0x1f01ff;;;S-1-5-32-544)", "(A;OICIIO;0x1f01ff;;;S-1-3-0)", "(A;OICI;0x1f01ff;;;S-1-5-32-544)",
        "(OA;OICI;;edacfd8f-ffb3-11d1-b41d-00a0c968f939;;S-1-5-11)",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no access list"):
        folder_descriptor(SecurityDescriptor(), samba=False)


def registry(state: str, **more: Any) -> dict[str, Any]:
    item = {"key": "Software\\X", "value": "y", "type": "dword", "data": 1, "side": "user", "state": state, **more}
    return {"registry": [item]}


@pytest.mark.parametrize(
    ("state", "values"), [("present", ["y"]), ("absent", []), ("deleted", ["**del.y"])]
)  # fmt: skip
def test_a_registry_value_in_each_state(state: str, values: list[str]) -> None:
    old = registry_pol.RegistryPolicy()
    old.set("Software\\X", "y", registry_pol.REG_DWORD, bytes(4))
    present = {plan_contents.USER_REGISTRY: old.to_bytes()}
    made = plan_contents.edits(registry(state), present, PasswordFloor(), PasswordFloor())
    (file,) = made.files
    assert file.path == plan_contents.USER_REGISTRY and made.user_extensions and not made.machine_extensions
    assert [entry.value for entry in registry_pol.RegistryPolicy.parse(file.content).entries] == values
    again = plan_contents.edits(
        registry(state), {plan_contents.USER_REGISTRY: file.content}, PasswordFloor(), PasswordFloor()
    )
    assert not again.files


def test_taking_back_what_was_never_said_makes_no_file() -> None:
    assert not plan_contents.edits(registry("absent"), {}, PasswordFloor(), PasswordFloor()).files


@pytest.mark.parametrize(
    ("type_", "data", "raw"),
    [("dword", "0x10", b"\x10\0\0\0"), ("binary", "00ff", b"\0\xff"), ("multi_sz", "a", "a\0\0".encode("utf-16-le")),
     ("sz", 5, "5\0".encode("utf-16-le")), ("none", None, b"")],
)  # fmt: skip
def test_data_as_a_playbook_writes_it(type_: str, data: Any, raw: bytes) -> None:
    number = registry_pol.TYPE_NAMES[type_]
    assert registry_pol.encode(number, plan_contents.registry_data(number, data)) == raw
