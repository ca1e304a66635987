# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the tests: all of them, even after a failure, with the time of each step; the last line is the count."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from care_lab.constants import KINDS
from care_lab.images import build_all
from care_lab.paths import BUILD, PROJECT
from care_lab.progress import LabError, say

LINT = {
    "ruff": ["ruff", "check", "."],
    "mypy": ["mypy"],
    "yamllint": ["yamllint", "--strict", "."],
    "ansible-lint": ["ansible-lint"],
}
# Lines of a failed step that are shown; all of it is in its log.
TAIL = 60


@dataclass
class Step:
    """One line of the table."""

    name: str
    passed: bool
    seconds: float
    note: str = ""


def _environment(name: str) -> dict[str, str]:
    return {
        **os.environ,
        # The inventory of the demo is nobody's default in a test, and colours are noise in a log.
        "ANSIBLE_FORCE_COLOR": "0",
        "PY_COLORS": "0",
        "NO_COLOR": "1",
        "CARE_TEST_STEP": name,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def _run(name: str, command: list[str], log_name: str, limit: float) -> Step:
    log = BUILD / "tests" / f"{log_name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"{name}: started")
    begun = time.monotonic()
    with log.open("wb") as output:
        try:
            code = subprocess.run(
                command,
                cwd=PROJECT,
                env=_environment(name),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            ).returncode
            note = ""
        except subprocess.TimeoutExpired:
            code, note = 1, f"stopped after {limit:.0f} s"
    seconds = time.monotonic() - begun
    text = log.read_text(encoding="utf-8", errors="replace")
    if code != 0:
        print("\n".join(text.splitlines()[-TAIL:]), flush=True)
        note = note or f"see {log.relative_to(PROJECT)}"
    elif found := re.findall(r"^=*\s*(\d+ passed[^=\n]*?) in ", text, flags=re.MULTILINE):
        note = found[-1]
    say(f"{name}: {'passed' if code == 0 else 'FAILED'} in {seconds:.0f} s{f' ({note})' if note else ''}")
    return Step(name, code == 0, seconds, note)


def _images() -> list[Step]:
    begun = time.monotonic()
    try:
        build_all(KINDS.values())
    except LabError as error:
        print(error)
        return [Step("images", False, time.monotonic() - begun, "see above")]
    return [Step("images", True, time.monotonic() - begun)]


def _pytest(where: str, limit: float) -> list[Step]:
    folder = PROJECT / "tests" / where
    if not any(folder.rglob("test_*.py")):
        return []
    return [_run(f"tests/{where}", [sys.executable, "-m", "pytest", str(folder), "-q", "--durations=5"], where, limit)]


def _scenarios() -> list[Step]:
    """Two queues: those of the directory exclude each other (one writer a domain), those of hosts run beside them."""
    names = sorted(path.parent.name for path in (PROJECT / "molecule").glob("*/molecule.yml"))

    def queue(mine: list[str]) -> list[Step]:
        return [
            _run(f"molecule/{name}", ["molecule", "test", "--scenario-name", name], f"molecule-{name}", 900)
            for name in mine
        ]

    directory = [name for name in names if name.startswith("directory_")]
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(queue, [directory, [name for name in names if name not in directory]]))
    return [step for steps in done for step in steps]


def _lint() -> list[Step]:
    return [_run(name, command, name, 900) for name, command in LINT.items()]


PARTS: dict[str, Callable[[], list[Step]]] = {
    "unit": lambda: _pytest("unit", 900),
    "images": _images,
    "integration": lambda: _pytest("integration", 2400),
    "scenarios": _scenarios,
    "lint": _lint,
}
EVERYTHING = ("unit", "images", "integration", "scenarios")


def main(parts: list[str]) -> int:
    """Run the parts named (all tests when none is), print the table, say how many passed and failed."""
    wanted = parts or list(EVERYTHING)
    if unknown := [part for part in wanted if part not in PARTS]:
        print(f"unknown part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    begun = time.monotonic()
    steps = [step for part in wanted for step in PARTS[part]()]
    width = max((len(step.name) for step in steps), default=0)
    print()
    for step in steps:
        print(
            f"{step.name:{width}}  {'passed' if step.passed else 'FAILED'}  {step.seconds:6.0f} s  {step.note}".rstrip()
        )
    print(f"{'total':{width}}          {time.monotonic() - begun:6.0f} s")
    failed = sum(not step.passed for step in steps)
    print(f"{len(steps) - failed} passed, {failed} failed")
    return 1 if failed or not steps else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
