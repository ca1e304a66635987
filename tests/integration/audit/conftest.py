"""Lab instances of their own. `CARE_LAB_INSTANCE` and `CARE_LAB_ALL_INSTANCE` name ones that are up, and stay up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

SAM = "/var/lib/samba/private/sam.ldb"
READER, READER_PASSWORD = "lecteur.audit", "Lecteur-Audit-2026"


@dataclass(frozen=True)
class Lab:
    """An instance, and programs in it that have nothing to do with the code under test."""

    name: str

    @property
    def inventory(self) -> Path:
        return ROOT / "build" / "lab" / self.name / "hosts.yml"

    def dc(self, *command: str) -> str:
        """Run a command on the domain controller and give its output."""
        from care_lab.podman import execute

        return execute(f"care-{self.name}-dc1", list(command)).stdout

    def modify(self, ldif: str) -> None:
        """Change the database with ldbmodify."""
        from care_lab.podman import execute

        execute(f"care-{self.name}-dc1", ["ldbmodify", "-H", SAM], stdin=ldif)

    def ldb(self, ldap_filter: str, attribute: str = "sAMAccountName", base: str | None = None) -> set[str]:
        """Values of one attribute of what ldbsearch finds in Samba's own database."""
        where = ["-b", base] if base else []
        said = self.dc("ldbsearch", "-H", SAM, "--show-binary", *where, ldap_filter, attribute)
        return unfold(said, attribute)

    def audit(self, folder: Path, **variables: Any) -> dict[str, Any]:
        """Run playbooks/audit.yml and give the document that it wrote."""
        extra = {"care_audit_dir": str(folder), **variables}
        done = subprocess.run(
            ["ansible-playbook", "playbooks/audit.yml", "-i", str(self.inventory), "--tags", "directory",
             "-e", json.dumps(extra)],
            cwd=ROOT, capture_output=True, text=True, timeout=300,
            env={**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return json.loads((folder / "chu-valmont.test.json").read_text(encoding="utf-8"))


def unfold(ldif: str, attribute: str) -> set[str]:
    """The values of an attribute in LDIF (base64 ones decoded)."""
    import base64

    found = set()
    for line in ldif.replace("\n ", "").splitlines():
        name, _colon, value = line.partition(":")
        if name.lower() == attribute.lower():
            found.add(base64.b64decode(value[1:].strip()).decode() if value.startswith(":") else value.strip())
    return found


def up(name: str, weaknesses: str) -> Iterator[Lab]:
    """A lab with one domain controller for as long as the tests need it; one that is up already stays up."""
    run = [sys.executable, "-m", "care_lab"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "molecule" / "lab")}
    there = (ROOT / "build" / "lab" / name / "addresses.json").exists()
    if not there:
        start = [*run, "up", "--instance", name, "--hosts", "dc1", "--weaknesses", weaknesses]
        subprocess.run(start, cwd=ROOT, env=env, check=True, timeout=900)
    try:
        yield Lab(name)
    finally:
        if not there:
            subprocess.run([*run, "down", "--instance", name], cwd=ROOT, env=env, check=True, timeout=120)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    yield from up(os.environ.get("CARE_LAB_INSTANCE") or "audit-test", "default")


@pytest.fixture(scope="session")
def wrong_lab() -> Iterator[Lab]:
    """The domain with every weakness that Samba can hold."""
    yield from up(os.environ.get("CARE_LAB_ALL_INSTANCE") or "audit-all", "all")


@pytest.fixture(scope="session")
def fresh_lab() -> Iterator[Lab]:
    """A fresh domain with French names."""
    yield from up("audit-none", "none")


@pytest.fixture(scope="session")
def document(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One audit by the lab's own account."""
    return lab.audit(tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="session")
def reader(lab: Lab) -> Iterator[dict[str, str]]:
    """An ordinary user of the domain, as the account of the audit."""
    lab.dc("samba-tool", "user", "create", READER, READER_PASSWORD)
    try:
        yield {"care_directory_username": f"{READER}@chu-valmont.test", "care_directory_password": READER_PASSWORD}
    finally:
        lab.dc("samba-tool", "user", "delete", READER)
