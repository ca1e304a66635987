"""The same with the product's own planner and writer of files (they need root: the writer's lock is in /run/lock)."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from .conftest import kill_all

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the host writer keeps its lock and backups as root")

SECRET = "motdepasse-très-secret-4711"  # a text to look for, not a credential


def config(name: str, control: str, **options: Any) -> dict[str, Any]:
    file = {"path": "{{ care_test_files }}/{{ inventory_hostname }}-" + name, **options.pop("file")}
    return {
        "name": f"Configure {name}",
        "care.remediation.host_config": {"control": control, "files": [file], **options},
        "tags": control,
    }


@pytest.fixture
def before(site: Any) -> dict[str, tuple[bytes, int]]:
    for host in ("un", "deux"):
        site.write(**{f"{host}-a.conf": "# é\nListen = 0.0.0.0\n", f"{host}-c.conf": f"password {SECRET}-old\n"})
        (site.files / f"{host}-c.conf").chmod(0o640)
    edit = {"edits": [{"match": "Listen", "line": "Listen = 127.0.0.1"}], "mode": "0600"}
    secret = {"edits": [{"match": "password", "line_from": "line"}]}
    site.tasks(
        hosts=[
            config("a.conf", "expo_a", file=edit),
            config("b.conf", "expo_b", file={"content": "nouveau\n"}),
            config("c.conf", "expo_c", file=secret, secrets={"line": f"password {SECRET}"}),
        ]
    )
    return state(site)


def state(site: Any) -> dict[str, tuple[bytes, int]]:
    files = {path.name: (path.read_bytes(), path.stat().st_mode & 0o7777) for path in sorted(site.files.iterdir())}
    return {name: value for name, value in files.items() if name.endswith(".conf")}


def test_files_and_modes_come_back_and_secrets_are_nowhere(site: Any, before: dict[str, tuple[bytes, int]]) -> None:
    out = site.run("remediate.yml", "--check", "--diff", "-vvv")
    assert state(site) == before
    out += site.run("remediate.yml", "-e", f"care_approve={site.digits()}", "--diff", "-vvv")
    after = state(site)
    assert after["un-a.conf"] == ("# é\nListen = 127.0.0.1\n".encode(), 0o600)
    assert after["un-c.conf"][0].decode() == f"password {SECRET}\n"
    assert site.run("remediate.yml", "-e", f"care_approve={site.digits()}").count("changed=0") == 3
    out += site.run("rollback.yml", "--check", "--diff", "-vvv") + site.run("rollback.yml", "--diff", "-vvv")
    assert state(site) == before
    leaks = [path for path in site.care.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert leaks == [] and SECRET not in out
    assert any(b"un-c.conf" in path.read_bytes() for path in site.journals())  # it was journaled


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.6, 0.9, 1.3, 1.8])
def test_killed(site: Any, before: dict[str, tuple[bytes, int]], delay: float) -> None:
    process = site.start("remediate.yml", "-e", "care_approve=none")
    intent = b'"event":"intent"'
    while process.poll() is None and not any(intent in path.read_bytes() for path in site.journals()):
        time.sleep(0.002)
    time.sleep(delay)
    kill_all(process)
    site.run("rollback.yml")
    assert state(site) == before
