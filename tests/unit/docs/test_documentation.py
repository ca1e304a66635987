# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pages that a newcomer reads say what is true of the files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
COLLECTION = PROJECT / "collections/care/remediation"
CATALOGUE = sorted((COLLECTION / "catalogue").glob("*.yml"))
ROLES = sorted(path.parent.parent for path in (PROJECT / "roles").glob("*/meta/argument_specs.yml"))


@pytest.mark.parametrize("path", CATALOGUE, ids=lambda path: path.stem)
def test_readme_lists_each_control_with_its_role_and_class(path: Path) -> None:
    control = yaml.safe_load(path.read_text(encoding="utf-8"))
    row = re.search(rf"^\| `{control['id']}` \|.*$", (PROJECT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert row, f"README.md has no row for {control['id']}"
    assert f"| {control['class']} |" in row[0]
    if control["remediation"]:
        assert f"`{control['remediation']['role']}`" in row[0]


def test_every_control_is_a_file_of_its_own_name() -> None:
    assert CATALOGUE
    for path in CATALOGUE:
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["id"] == path.stem


def test_every_role_is_documented_and_tested() -> None:
    assert len(ROLES) == len([path for path in (PROJECT / "roles").iterdir() if path.is_dir()])
    for role in ROLES:
        assert (role / "README.md").stat().st_size > 200, role.name
        assert (PROJECT / "molecule" / role.name / "molecule.yml").exists(), f"no Molecule scenario for {role.name}"


def test_directory_modules_share_their_connection_options() -> None:
    runtime = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text(encoding="utf-8"))
    using = {
        path.stem
        for path in (COLLECTION / "plugins/modules").glob("*.py")
        if "- care.remediation.directory\n" in path.read_text(encoding="utf-8")
    }
    assert set(runtime["action_groups"]["directory"]) == using


def test_tracked_files_name_no_path_of_this_checkout() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=False).stdout
    found = [
        name
        for name in filter(None, tracked.split("\0"))
        if (PROJECT / name).is_file() and f"{PROJECT}/".encode() in (PROJECT / name).read_bytes()
    ]
    assert not found
