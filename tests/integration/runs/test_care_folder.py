"""Every playbook finds the same care folder, whatever the inventory is, with nothing but the collection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import LOCAL, ROOT

EXECUTABLE = Path(sys.executable).parent / "ansible-playbook"
IGNORE = "[inventory]\nignore_patterns = ^care$\n"


def inventory(host: str, group: str) -> str:
    return yaml.safe_dump({group: {"hosts": {host: {"care_break_glass_accounts": [], "care_automation_accounts": []}}}})


def play(where: Path, name: str, sources: list[str], *arguments: str) -> str:
    """The output; a target that is not there fails, but not before the care folder was used."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    command = [
        str(EXECUTABLE),
        *(x for source in sources for x in ("-i", source)),
        f"care.remediation.{name}",
        *arguments,
    ]
    environment = {**kept, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_NOCOLOR": "1"}
    extra = ["-e", json.dumps({**LOCAL, "ansible_become": False})]
    done = subprocess.run(
        [*command, *extra], cwd=where, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sources", "config", "expected"),
    [
        (["inventory"], "", "inventory/.care"),
        (["inventory"], IGNORE, "inventory/care"),
        (["inventory/domains.yml"], "", "inventory/care"),
        (["inventory", "other/hosts.yml"], "", "inventory/.care"),
        (["other/hosts.yml", "inventory"], "", "other/care"),
        (["nested"], "", "nested/.care"),
        (["domaine,"], "", "care"),
    ],
)
def test_all_playbooks_use_one_folder(tmp_path: Path, sources: list[str], config: str, expected: str) -> None:
    for name, host, group in (
        ("inventory/domains.yml", "domaine", "care_directory"),
        ("nested/a/domains.yml", "domaine", "care_directory"),
        ("nested/b/hosts.yml", "web9", "care_hosts"),
        ("other/hosts.yml", "web9", "care_hosts"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(inventory(host, group))
    if config:
        (tmp_path / "ansible.cfg").write_text(config)
    said = play(tmp_path, "plan", sources)
    assert f"{tmp_path / expected / 'reports'}" in " ".join(said.split()), said
    # the domain and the host cannot be audited here, but the folder of the audits is made first
    said = "".join(play(tmp_path, name, sources) for name in ("audit", "verify"))
    said += play(tmp_path, "remediate", sources, "--check")
    folders = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*care") if path.is_dir()}
    if sources == ["domaine,"]:  # no group: nothing but the plan has a target
        assert folders == set(), said
        return
    assert folders == {expected}, said
    made = {path.relative_to(tmp_path / expected).as_posix() for path in (tmp_path / expected).rglob("*")}
    assert {"audit", "verify/audit", "runs"} <= made, said


def test_a_care_folder_that_would_become_inventory_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "inventory" / "care" / "reports").mkdir(parents=True)
    (tmp_path / "inventory" / "domains.yml").write_text(inventory("domaine", "care_directory"))
    said = " ".join(play(tmp_path, "plan", ["inventory"]).split())
    assert "is inside the inventory folder" in said and "ignore_patterns = ^care$" in said
    (tmp_path / "inventory" / "care").rename(tmp_path / "inventory" / ".care")
    # the hidden one, once there, is used for the file too
    for source in ("inventory", "inventory/domains.yml"):
        assert "inventory/.care/reports" in " ".join(play(tmp_path, "plan", [source]).split())
