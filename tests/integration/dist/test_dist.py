# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tarball of `make dist`, installed by ansible-galaxy and used from an empty directory, as README says."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent
REPORT = """<?xml version="1.0"?>
<nmaprun scanner="nmap" args="nmap -sV" start="1795305600" version="7.93" xmloutputversion="1.05">
<host><status state="up" reason="user-set"/><address addr="127.0.0.1" addrtype="ipv4"/>
<ports><port protocol="tcp" portid="6379"><state state="open" reason="syn-ack"/><service name="redis" product="Redis"/></port></ports>
</host>
<runstats><finished time="1795305660" exit="success"/><hosts up="1" down="0" total="1"/></runstats>
</nmaprun>
"""


def run(*command: str, cwd: Path, home: Path) -> str:
    """Run a program of the virtual environment away from the checkout; its output, or the test fails with it."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment |= {"HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": str(home / "collections"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the built collection installed in it, and nothing else."""
    home = tmp_path_factory.mktemp("home")
    subprocess.run(
        [str(PROJECT / "tests/dist.sh")], check=True, capture_output=True, env=os.environ | {"CARE_BIN": str(BIN)}
    )
    (tarball,) = (PROJECT / "build/dist").glob("*.tar.gz")
    run(
        "ansible-galaxy",
        "collection",
        "install",
        str(tarball),
        "-p",
        str(home / "collections"),
        "--offline",
        cwd=home,
        home=home,
    )
    return home


def test_the_tarball_holds_roles_playbooks_and_no_test(home: Path) -> None:
    (tarball,) = (PROJECT / "build/dist").glob("*.tar.gz")
    with tarfile.open(tarball) as archive:
        names = {member.name for member in archive.getmembers()}
    for path in [*(PROJECT / "roles").glob("*/tasks/main.yml"), *(PROJECT / "playbooks").glob("*.yml")]:
        assert str(path.relative_to(PROJECT)) in names
    assert {"LICENSE", "README.md", "catalogue/vuln_guest.yml", "schemas/journal-1.json"} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_a_report_becomes_a_plan_in_an_empty_directory(home: Path, tmp_path: Path) -> None:
    (tmp_path / "inventory").write_text("[care_hosts]\nsrv ansible_host=127.0.0.1\n", encoding="utf-8")
    (tmp_path / "care" / "reports").mkdir(parents=True)
    (tmp_path / "care" / "reports" / "scan.xml").write_text(REPORT, encoding="utf-8")
    said = run("ansible-playbook", "-i", "inventory", "care.remediation.plan", cwd=tmp_path, home=home)
    assert "expo_port" in said
    assert "Plan de remédiation" in (tmp_path / "care" / "plan.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["module", "role", "callback"])
def test_documentation_can_be_read(home: Path, tmp_path: Path, kind: str) -> None:
    assert "care.remediation." in run("ansible-doc", "-t", kind, "-l", "care.remediation", cwd=tmp_path, home=home)
