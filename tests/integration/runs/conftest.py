"""A small site of temporary files, driven by the real ansible-playbook and the real playbooks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


def descendants(pid: int) -> list[int]:
    """Every process below this one. Ansible's task processes have sessions of their own, so a group does not do."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def kill_all(process: subprocess.Popen[str]) -> None:
    """kill -9 of an ansible-playbook and of everything that it started."""
    process.send_signal(signal.SIGSTOP)
    for pid in descendants(process.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.kill()
    process.wait()


@dataclass
class Site:
    """An inventory, the playbooks with tasks of the test in place of the roles, and files as targets."""

    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def care(self) -> Path:
        return self.folder / "inventory" / "care"

    def write(self, **contents: str) -> None:
        for name, content in contents.items():
            (self.files / name).write_text(content)

    def snapshot(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.files.iterdir()) if path.name != "pause"}

    def tasks(
        self, *, hosts: list[dict[str, Any]] | None = None, directory: list[dict[str, Any]] | None = None
    ) -> None:
        for name, tasks in (("hosts", hosts), ("directory", directory)):
            path = self.folder / "playbooks" / "tasks" / f"remediate_{name}.yml"
            path.write_text(yaml.safe_dump(tasks or [{"name": "None", "ansible.builtin.meta": "noop"}]))

    def command(self, playbook: str, *arguments: str) -> list[str]:
        path = self.folder / "playbooks" / playbook
        executable = Path(sys.executable).parent / "ansible-playbook"
        return [str(executable), "-i", str(self.folder / "inventory" / "hosts.yml"), str(path), *arguments]

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        return {
            **kept,
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{ROOT / 'tests/integration/collections'}",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        }

    def start(self, playbook: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(playbook, *arguments),
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, playbook: str, *arguments: str, ok: bool | None = True) -> str:
        """The output. ``ok`` None: any return code."""
        done = subprocess.run(
            self.command(playbook, *arguments),
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert ok is None or (done.returncode == 0) is ok, f"return code {done.returncode}\n{done.stdout}"
        return done.stdout

    def change_set(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.care / "change-set.json").read_text())
        return value

    def digits(self) -> str:
        return str(self.change_set()["digest"]).removeprefix("sha256:")[:12]

    def journals(self) -> list[Path]:
        return sorted(self.care.glob("runs/*/journal.jsonl"))


def plan_files(*contents: tuple[str, str | None], control: str = "expo_test", **options: Any) -> dict[str, Any]:
    """A task that wants these files (names below the site's folder of files) to have these contents."""
    files = [{"path": "{{ care_test_files }}/" + name, "content": content} for name, content in contents]
    return {
        "name": f"Plan {control}",
        "care_test.targets.file_plan": {"control": control, "files": files, **options},
        "tags": control,
    }


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    (tmp_path / "ansible.cfg").write_text("")
    for name in ("files", "inventory", "tmp", "playbooks/tasks"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("remediate.yml", "rollback.yml"):
        shutil.copy(ROOT / "playbooks" / name, tmp_path / "playbooks" / name)
    inventory = {
        "all": {"vars": {**LOCAL, "care_test_files": str(site.files)}},
        "care_directory": {"hosts": {"domaine": {}}},
        "care_hosts": {"hosts": {"un": {}, "deux": {}}},
    }
    (tmp_path / "inventory" / "hosts.yml").write_text(yaml.safe_dump(inventory))
    return site


@pytest.fixture
def planned() -> Callable[..., dict[str, Any]]:
    return plan_files
