# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vuln_permissions_gpo_priv, the side of SYSVOL: who may change files of policies that apply to administrators."""

from __future__ import annotations

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.policy_files import (
    POLICY_FILES,
    PolicyFile,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.sysvol.audit import add_files

from controls import access
from controls.access import CLERK, HELPER, OTHER_POLICY, POLICY, parsed
from controls.domain import outcome, sid

CONTROL = "vuln_permissions_gpo_priv"
FOLDER = POLICY.partition(",")[0].partition("=")[2].lower()
USUAL = (f"(A;OICI;0x1f01ff;;;{sid(512)})", f"(A;OICI;0x1f01ff;;;{sid(519)})", "(A;OICIIO;0x1f01ff;;;S-1-3-0)",
         "(A;OICI;0x1f01ff;;;S-1-5-18)", "(A;OICI;0x1200a9;;;S-1-5-11)", "(A;OICI;0x1200a9;;;S-1-5-9)")  # fmt: skip


def snapshot(*aces: str, owner: str = sid(512), path: str = "Machine\\Registry.pol") -> Snapshot:
    made = access.domain()
    made.policy_files = {
        FOLDER: [PolicyFile("", parsed(*USUAL)), PolicyFile(path, parsed(*USUAL, *aces, owner=owner))]
    }
    return made


def test_files_as_they_were_installed_are_compliant() -> None:
    result = outcome(CONTROL, snapshot())
    assert (result.state, result.found, result.reason) == ("evaluated", [], None)


@pytest.mark.parametrize(
    ("aces", "owner", "holder", "rights"),
    [
        ((f"(A;;0x1301bf;;;{HELPER})",), sid(512), HELPER, ["ChangeFiles"]),
        ((f"(A;ID;0x100116;;;{HELPER})", f"(A;;WD;;;{HELPER})"), sid(512), HELPER, ["ChangeFiles"]),
        ((f"(A;;GW;;;{HELPER})",), sid(512), HELPER, ["ChangeFiles"]),
        ((), CLERK, CLERK, ["Owner"]),
        (("(A;;0x1301bf;;;S-1-5-11)",), sid(512), "S-1-5-11", ["ChangeFiles"]),
    ],
)
def test_whoever_may_change_a_file_is_found_once(
    aces: tuple[str, ...], owner: str, holder: str, rights: list[str]
) -> None:
    (one,) = outcome(CONTROL, snapshot(*aces, owner=owner)).found
    assert (one.sid, one.level, one.evidence["rights"]) == (holder, 1, rights)
    assert one.evidence["files"] == ["Machine\\Registry.pol"] and one.id.endswith(f"#sysvol-{holder}")
    assert one.dn == POLICY


def test_reading_is_no_finding() -> None:
    assert outcome(CONTROL, snapshot(f"(A;;0x1200a9;;;{HELPER})", f"(D;;0x1f01ff;;;{HELPER})")).found == []


def test_what_cannot_be_read_is_not_compliant() -> None:
    made = snapshot()
    assert made.policy_files is not None
    made.policy_files[FOLDER][1].descriptor = None
    result = outcome(CONTROL, made)
    assert result.state == "unreadable" and "Registry.pol" in (result.reason or "")
    closed = snapshot()
    closed.policy_files, closed.unreadable[POLICY_FILES] = {}, "\\\\dc1 port 445: connection refused"
    result = outcome(CONTROL, closed)
    assert result.state == "unreadable" and "445" in (result.reason or "")


def test_a_dump_without_sysvol_says_so() -> None:
    result = outcome(CONTROL, access.domain())
    assert result.state == "evaluated" and "SYSVOL were not looked at" in (result.reason or "")


def test_the_reader_fills_the_snapshot() -> None:
    import uuid

    from sysvol.fakes import FILES, Share

    made = access.domain()
    add_files(Share(uuid.UUID(FOLDER.strip("{}"))), made, [POLICY, OTHER_POLICY])  # type: ignore[arg-type]
    assert made.policy_files is not None and set(made.policy_files) == {FOLDER}
    assert [file.path for file in made.policy_files[FOLDER]] == ["", "GPT.INI", "Machine", "User"]
    assert all(file.descriptor is not None and FILES for file in made.policy_files[FOLDER])
    assert any("has no folder in SYSVOL" in note for note in made.notes)
