# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The main job on the lab hospital, from its audit reports to evidence, and back.

Each step says what it expects and stops the demo when it is not so. The whole output of each playbook is in
``build/demo/``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from care_lab import demo_people, demo_state, instance, reports
from care_lab.paths import BUILD, LAB_INVENTORY, PROJECT
from care_lab.progress import LabError

LAB = instance.Instance(instance.DEMO)
CARE = LAB_INVENTORY / "care"
LOGS = BUILD / "demo"
BIN = Path(sys.executable).parent


class DemoError(Exception):
    """A step that is not as it should be."""


def expect(condition: bool, text: str) -> None:
    """Say what was checked, or stop.

    :raises DemoError: the condition does not hold.
    """
    if not condition:
        raise DemoError(f"not as it should be: {text}")
    print(f"  ✔ {text}", flush=True)


def playbook(log: str, name: str, *arguments: str, rc: Sequence[int] = (0,)) -> str:
    """Run a playbook on the lab, shown as it goes, kept whole in the log; returns its output.

    :raises DemoError: its return code is not one of ``rc``.
    """
    command = [str(BIN / "ansible-playbook"), "-i", str(LAB_INVENTORY), str(PROJECT / "playbooks" / name), *arguments]
    print(f"  $ ansible-playbook playbooks/{name} {' '.join(arguments)}", flush=True)
    environment = os.environ | {
        "ANSIBLE_STDOUT_CALLBACK": "care.remediation.progress",
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_FORCE_COLOR": "0",
        "PYTHONUNBUFFERED": "1",
    }
    lines: list[str] = []
    shown_of_diff = 0
    with (
        (LOGS / f"{log}.log").open("w", encoding="utf-8") as kept,
        subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, errors="replace") as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            kept.write(line)
            lines.append(line)
            if "--diff" in arguments and re.match(r"(---|\+\+\+|@@|[-+\\])|\s*$", line):
                shown_of_diff += 1
                if shown_of_diff == 25:
                    print(f"    … the rest of the diff is in {kept.name}", flush=True)
                if shown_of_diff >= 25:
                    continue
            print(f"    {line}", end="", flush=True)
    if process.returncode not in rc:
        wanted = " or ".join(map(str, rc))
        raise DemoError(f"{name} ended with {process.returncode}, expected {wanted}: see {kept.name}")
    return "".join(lines)


def read(name: str) -> Any:
    """A JSON document of the care folder."""
    return json.loads((CARE / name).read_text(encoding="utf-8"))


class _Tags(HTMLParser):
    """Collects what a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag as a browser sees it: what is escaped in the text is none."""
        if tag in ("script", "link", "iframe", "object", "embed", "img", "base", "form"):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name, value in attrs
                       if name.startswith("on") or (name in ("src", "href") and not (value or "").startswith("#"))]


def _fetched(page: Path) -> list[str]:
    tags = _Tags()
    text = page.read_text(encoding="utf-8")
    tags.feed(text)
    styles = "".join(re.findall(r"(?s)<style[^>]*>(.*?)</style>", text))
    return tags.found + re.findall(r"url\(|@import", styles)


def lab_up() -> None:
    """Start the lab from nothing: the demo says what a fresh hospital looks like, not one half treated."""
    instance.down(LAB)
    shutil.rmtree(CARE, ignore_errors=True)
    for variables in LAB_INVENTORY.glob("host_vars/*/care_remediation.yml"):
        variables.unlink()
    instance.up(LAB, ["dc1", "web1", "scanner"], names=True)


def get_reports() -> None:
    """What auditors hand over, and what the live audit says meanwhile."""
    folder = CARE / "reports"
    folder.mkdir(parents=True, mode=0o700)
    with ThreadPoolExecutor() as auditors:
        handed_over = auditors.submit(reports.make, LAB, folder)
        playbook("02-audit", "audit.yml")
        written = handed_over.result()
    for path in written:
        print(f"  {path.relative_to(PROJECT)} ({path.stat().st_size // 1024} kB)")
    expect(len(written) >= 3, "PingCastle at levels Normal and Full, and an nmap scan")


def import_and_plan() -> None:
    """Reports and live audit become findings, a decision sheet and a plan."""
    playbook("03-plan", "plan.yml")
    findings = read("findings.json")
    controls = {finding["control"] for finding in findings["findings"]}
    wanted = demo_people.CONTROLS - controls
    counted = f"{len(controls)} controls, {len(findings['findings'])} findings"
    expect(not wanted, f"each weakness of the lab is found ({counted})"
           if not wanted else f"not found: {', '.join(sorted(wanted))}")
    others = [finding for finding in findings["findings"] if finding["control"].startswith("other_")]
    manual = len(others) + len(findings["unmapped"])
    expect(bool(others), f"{manual} items without a control of the catalogue are kept as manual work")
    both = sum(len({s["source"] for s in f["sources"]}) > 1 for f in findings["findings"])
    expect(both > 0, f"{both} findings are said by several sources and counted once")


def decide() -> None:
    """A person edits the decision sheet, then plans again."""
    changed = demo_people.decide(LAB, CARE / "decisions.yml")
    print(f"  the decision sheet was edited: {changed['apply']} to apply, {changed['waive']} waived")
    playbook("03-plan-again", "plan.yml")
    expect(not _fetched(CARE / "plan.html"), "plan.html stands alone: no script, nothing fetched")


def dry_run() -> None:
    """What would change, and proof that nothing did."""
    before = demo_state.take(LAB, "0-before")
    playbook("04-dry-run", "remediate.yml", "--check", "--diff")
    after = demo_state.take(LAB, "1-after-dry-run")
    changes = read("change-set.json")
    expect(bool(changes["changes"]), f"the change set has {len(changes['changes'])} changes, {changes['digest'][:19]}…")
    expect(demo_state.equal(before, after), "nothing changed: same LDIF, same ruleset, same files")


def refuse() -> None:
    """Without approval nothing is applied."""
    said = playbook("05-no-approval", "remediate.yml", rc=(2,))
    expect("care_approve" in said, "it says that care_approve is missing")
    after = demo_state.take(LAB, "2-after-refusal")
    expect(demo_state.equal(demo_state.STATES / "1-after-dry-run", after), "nothing changed")


def approve_and_apply() -> None:
    """Exactly what was approved; a value that moved since is refused and named."""
    approve = f"care_approve={read('change-set.json')['digest'].removeprefix('sha256:')[:12]}"
    demo_people.colleague_sets_quota(LAB, 5)
    said = playbook("05-apply-moved", "remediate.yml", "-e", approve, rc=(2,))
    expect("ms-DS-MachineAccountQuota" in said,
           "a colleague changed ms-DS-MachineAccountQuota meanwhile: refused and named, the rest is applied")
    demo_people.colleague_sets_quota(LAB, 10)
    said = playbook("05-apply-rest", "remediate.yml", "-e", approve, "--tags", demo_people.QUOTA)
    expect("1 appliqué(s)" in said, "the colleague has put it back: now it is applied too")
    state = demo_state.take(LAB, "4-applied")
    playbook("05-apply-again", "remediate.yml", "-e", approve)
    expect(demo_state.equal(state, demo_state.take(LAB, "5-applied-again")), "a second run changes nothing")


def verify() -> None:
    """A new audit, a new scan, a verdict for each control."""
    folder = CARE / "verify" / "reports"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    reports.scan(LAB, folder / "nmap-web1.xml")
    playbook("06-verify", "verify.yml")
    verdicts = {v["control"]: v["verdict"] for v in read("verify/verdicts.json")["controls"]}
    findings = read("verify/verdicts.json")["findings"]
    decided = [finding for finding in findings if finding["decision"] == "apply"]
    missed = [
        f"{finding['control']} {finding['object']}"
        for finding in decided
        if finding["verdict"] not in ("changed", "compliant")
    ]
    expect(not missed, f"all {len(decided)} findings that were decided are corrected" if not missed
           else f"not corrected: {', '.join(missed[:10])}")
    # What only PingCastle names, only a new PingCastle report could verify.
    unverified = {control for control, verdict in verdicts.items() if verdict == "unverified"} - {"other_directory"}
    expect(not unverified, "no control is unverified, but for what only an audit tool's own rule names")
    expect("waived" in verdicts.values(), "the waiver is in the verdicts")
    demo_people.real_clients(LAB, demo_people.totp_secret(LAB_INVENTORY), expect)


def evidence() -> None:
    """What an auditor is given."""
    playbook("07-evidence", "evidence.yml")
    for name in ("evidence.html", "evidence.json", "evidence.csv"):
        expect((CARE / "evidence" / name).stat().st_size > 1000, f"inventories/lab/care/evidence/{name}")
    expect(not _fetched(CARE / "evidence" / "evidence.html"), "evidence.html stands alone: no script, nothing fetched")


def roll_back() -> None:
    """Everything back, but for what was declared irreversible and what someone else changed since."""
    applied = demo_state.take(LAB, "6-before-rollback")
    playbook("08-rollback-check", "rollback.yml", "--check")
    expect(demo_state.equal(applied, demo_state.take(LAB, "7-after-rollback-check")),
           "the rollback's dry run changes nothing")
    touched = demo_people.colleague_touches_a_change(LAB, read("change-set.json")["changes"])
    journals = (CARE / "runs").glob("*/journal.jsonl")
    runs = sorted(path.parent.name for path in journals if '"intent"' in path.read_text(encoding="utf-8"))
    said = ""
    for run in reversed(runs):
        said += playbook(f"08-rollback-{run}", "rollback.yml", "-e", f"care_run={run}")
    expect(touched.name in said, f"{touched.label}: touched by a colleague since, reported and left")
    touched.put_back()
    allowed = demo_state.declared(read("change-set.json")["changes"])
    end = demo_state.take(LAB, "8-rolled-back")
    expect(demo_state.equal(demo_state.STATES / "0-before", end, allowed),
           f"the domain and the server are as they were, apart from {len(allowed)} values declared irreversible before")


STEPS: list[tuple[str, Callable[[], None]]] = [
    ("Lab up", lab_up),
    ("Audit reports, live audit", get_reports),
    ("Import and plan", import_and_plan),
    ("Decide", decide),
    ("Dry run", dry_run),
    ("No approval, no change", refuse),
    ("Approve and apply", approve_and_apply),
    ("Verify", verify),
    ("Evidence", evidence),
    ("Roll back", roll_back),
]


def main() -> int:
    """Run all steps; returns 1 at the first that is not as it should be."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    start = time.monotonic()
    times: list[tuple[str, float]] = []
    for number, (title, step) in enumerate(STEPS, 1):
        print(f"\n[{number}/{len(STEPS)}] {title}", flush=True)
        began = time.monotonic()
        try:
            step()
        except (DemoError, LabError) as error:
            print(f"\n✘ {title}: {error}\nThe lab is left as it is; 'make lab-down' removes it.", file=sys.stderr)
            return 1
        times.append((title, time.monotonic() - began))
        print(f"  {times[-1][1]:.1f} s", flush=True)
    print("\nTime of each step")
    for title, seconds in times:
        print(f"  {title:<28}{seconds:7.1f} s")
    print(f"  {'whole demo':<28}{time.monotonic() - start:7.1f} s")
    print("\nThe pages: inventories/lab/care/plan.html, change-set.html, evidence/evidence.html\n"
          "The lab is still up: look around, then 'make lab-down' removes every trace.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
