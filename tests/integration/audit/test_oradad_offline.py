"""The playbook with a dump instead of a domain: no server, no account, no python-ldap."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

sys.path[:0] = [str(ROOT / "tests" / "unit"), str(ROOT / "tests" / "unit" / "directory")]

from test_oradad import collect

HOST = "chu-valmont.test"
VARIABLES = {
    "ansible_connection": "local",
    "ansible_python_interpreter": sys.executable,
    "care_break_glass_accounts": ["bris-de-glace-1"],
    "care_automation_accounts": ["svc-sql"],
}


def audit(folder: Path, dump: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    folder.mkdir(parents=True, exist_ok=True)
    inventory = folder / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"children": {"care_directory": {"hosts": {HOST: VARIABLES}}}}}))
    extra = {"care_dir": str(folder / "care"), "care_oradad_dump": str(dump), **more}
    return subprocess.run(
        ["ansible-playbook", "playbooks/audit.yml", "-i", str(inventory), "--tags", "directory",
         "-e", json.dumps(extra)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
    )  # fmt: skip


def test_audit_of_a_dump(tmp_path: Path) -> None:
    done = audit(tmp_path / "site", collect(tmp_path / "dump"))
    assert done.returncode == 0, done.stdout[-3000:]
    document = json.loads((tmp_path / "site" / "care" / "audit" / f"{HOST}.json").read_text(encoding="utf-8"))
    assert document["started"] == "2026-11-21T03:00:00Z"  # the moment of the collection
    assert document["catalogue"] == "2026.1"
    assert len(document["observations"]) == 50
    assert document["level"]["scored"] == 76
    assert document["controls"]["vuln_guest"]["state"] == "evaluated"
    assert "Niveau ADS estimé : 1 sur 5" in done.stdout
    assert any("bris-de-glace-1" in note for note in document["notes"])


@pytest.mark.parametrize(
    ("name", "said"), [("chu.mla", "<outputMLA>0</outputMLA>"), ("rapport.txt", "neither a folder nor a ZIP archive")]
)
def test_what_is_no_dump_says_what_to_do(tmp_path: Path, name: str, said: str) -> None:
    wrong = tmp_path / name
    wrong.write_bytes(b"MLAENAAA" if name.endswith("mla") else b"bonjour")
    done = audit(tmp_path / "site", wrong)
    assert done.returncode != 0
    assert said in "".join(done.stdout.split("\n    ")).replace("\n", " ")
    assert not (tmp_path / "site" / "care" / "audit" / f"{HOST}.json").exists()


def test_numbers_of_its_own_are_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        ["ansible", "localhost", "-c", "local", "-m", "care.remediation.directory_audit",
         "-a", json.dumps({"oradad": str(tmp_path), "catalogue": {"thresholds": {}}})],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "take it out of the task" in "".join(done.stdout.split("\n    ")).replace("\n", " ")
