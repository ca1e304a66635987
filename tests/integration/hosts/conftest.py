"""A server of the lab in a container, with the collection's host code in it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from care_lab import images, podman

TOP = Path(__file__).parents[3]
UTILS = TOP / "collections/care/remediation/plugins/module_utils"
INSIDE = "/opt/care/ansible_collections/care/remediation/plugins/module_utils"


@dataclass
class Host:
    """One disposable container."""

    name: str

    def sh(self, script: str, check: bool = True) -> str:
        return podman.execute(self.name, ["sh", "-c", script], check=check).stdout

    def ask(self, **job: Any) -> dict[str, Any]:
        """Runs a job of drive.py; ``{"killed": True}`` when it did not live to answer."""
        done = podman.podman(
            "exec", "-i", "-e", "PYTHONPATH=/opt/care", self.name, "python3", "/opt/care/drive.py",
            stdin=json.dumps(job), check=False,
        )  # fmt: skip
        if done.returncode == 137:
            return {"killed": True}
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def plan(self, **job: Any) -> list[dict[str, Any]]:
        answer = self.ask(**job)
        assert "error" not in answer, answer
        changes: list[dict[str, Any]] = answer["changes"]
        return changes

    def confirmed(self, **job: Any) -> dict[str, Any]:
        """A job whose guard, if there is one, is confirmed."""
        return self.ask(confirm=True, **job)

    def snapshot(self) -> str:
        """Everything that these tests change: contents, modes, owners, units, the whole ruleset."""
        return self.sh(
            "find /etc/ssh /etc/redis /etc/nftables* /etc/nginx /etc/postgresql /etc/vsftpd.conf /etc/systemd/system "
            "-type f -printf '%p %m %u %g ' -exec sha256sum {} \\; | cut -d' ' -f1-5 | sort; "
            "find /etc/nftables.d /etc/systemd/system -type l -o -type d | sort; nft -s list ruleset; "
            "systemctl is-enabled nftables ssh vsftpd redis-server; systemctl is-active ssh vsftpd redis-server || true"
        )

    def restart(self) -> None:
        podman.podman("restart", "-t", "10", self.name)
        self.boots()

    def boots(self, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while self.sh("systemctl is-system-running || true").strip() not in ("running", "degraded"):
            assert time.monotonic() < deadline, self.sh("systemctl list-jobs --no-pager; systemctl --failed --no-pager")
            time.sleep(0.2)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if os.geteuid() != 0 or shutil.which("podman") is None:
        pytest.skip("needs root and podman")
    server = Host(f"care-test-hosts-{os.getpid()}")
    podman.podman("run", "-d", "--name", server.name, "--privileged", "--systemd=always", images.build("server"))
    try:
        server.boots()
        server.sh(f"mkdir -p {INSIDE}")
        stage = tmp_path_factory.mktemp("stage")
        ignore = shutil.ignore_patterns("__pycache__")
        for part in ("hosts", "changes"):
            shutil.copytree(UTILS / part, stage / part, ignore=ignore)
        podman.podman("cp", f"{stage}/.", f"{server.name}:{INSIDE}")
        podman.podman("cp", str(Path(__file__).parent / "drive.py"), f"{server.name}:/opt/care/drive.py")
        yield server
    finally:
        podman.podman("rm", "-f", "-t", "0", server.name, check=False)
