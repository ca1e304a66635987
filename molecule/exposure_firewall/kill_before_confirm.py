"""Starts a playbook and kills it, with all its processes, between a guarded change and its confirmation.

usage: kill_before_confirm.py PLAYBOOK PROJECT INSTANCE CARE_DIR. The change is harmless, so that only the missing
confirmation can be what takes it back. Fails when it was confirmed, or when the host keeps it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def descendants(process: int) -> list[int]:
    """The process and all below it: Ansible's workers are sessions of their own."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text(errors="replace")
        except OSError:
            continue
        parents[int(entry.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def events(care_dir: Path) -> str:
    return "".join(path.read_text() for path in care_dir.glob("runs/*/journal.jsonl"))


def main() -> int:
    playbook, project, instance, care = sys.argv[1:]
    sys.path.insert(0, str(Path(project) / "molecule/lab"))
    from care_lab import podman

    def tables() -> str:
        return podman.execute(f"care-{instance}-web1", ["nft", "list", "tables"]).stdout

    care_dir = Path(care)
    armed, confirmed = events(care_dir).count('"armed"'), events(care_dir).count('"confirmed"')
    inventory = Path(project) / "build/lab" / instance / "hosts.yml"
    program = Path(sys.executable).with_name("ansible-playbook")
    run = subprocess.Popen([program, "-i", inventory, playbook], cwd=project)
    deadline = time.monotonic() + 40
    while events(care_dir).count('"armed"') == armed:
        if time.monotonic() > deadline or run.poll() is not None:
            print("it never came to the guard", file=sys.stderr)
            return 1
        time.sleep(0.001)
    for process in descendants(run.pid):
        os.kill(process, signal.SIGKILL)
    run.wait()
    if "care_killed" not in tables():
        print("the table was not there when it was killed", file=sys.stderr)
        return 1
    time.sleep(2)
    if events(care_dir).count('"confirmed"') != confirmed:
        print("it was confirmed before it was killed", file=sys.stderr)
        return 1
    deadline = time.monotonic() + 30
    while "care_killed" in tables():
        if time.monotonic() > deadline:
            print("the host did not take the table back", file=sys.stderr)
            return 1
        time.sleep(0.5)
    return 0


if __name__ == "__main__":
    sys.exit(main())
