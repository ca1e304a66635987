"""Runs inside a container: plans, applies or undoes with the collection's own code, without Ansible around it.

Reads one JSON job on standard input, writes one JSON answer. ``die_at``: the process kills itself (SIGKILL) at its n-th
effect on the system (a file renamed, removed or made, a program started).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.hosts import (
    exposure,
    file_plan,
    management,
    ruleset_plan,
    rulesets,
    service_plan,
    writer,
)

EFFECTS = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.chmod",
    "os.chown",
    "os.symlink",
    "subprocess.Popen",
}


def die_at(number: int) -> None:
    seen = 0

    def hook(event: str, _arguments: object) -> None:
        nonlocal seen
        if event in EFFECTS:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def completed(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [model.completed(change, "web1", []) for change in changes]


def answer(job: dict[str, Any]) -> dict[str, Any]:
    what = job["do"]
    if what == "files":
        changes, diff = file_plan.plan(job["files"], job.get("secrets", {}), job.get("profile"))
        return {"changes": completed(changes), "diff": diff}
    if what == "units":
        changes, diff, missing = service_plan.plan(job["units"], job.get("missing", "fail"))
        return {"changes": completed(changes), "diff": diff, "missing": missing}
    if what == "table":
        table = ruleset_plan.table_of("care_exposure", "inet")
        text, hazards = job.get("text", ""), []
        if "close" in job:
            request = exposure.parse(job["close"], job.get("policy", []), job.get("sources", []), "accept")
            wanted = exposure.wanted(request, rulesets.read(table), management.Management(None, (22,)), table)
            text, hazards = wanted.text, wanted.hazards
        plan = ruleset_plan.plan(table, text, hazards, job.get("persistent", True))
        return {"changes": completed(plan.changes), "diff": plan.diff, "unresolved": plan.unresolved}
    one = writer.Writer(
        entries=job.get("files", []),
        texts=job.get("secrets", {}),
        guard_seconds=job.get("seconds", 60),
        lock_seconds=job.get("lock_seconds", 30),
    )
    if what == "confirm":
        one.confirm(job["token"])
        return {}
    result = one.apply(job["changes"]) if what == "apply" else one.undo(job["changes"])
    if job.get("confirm") and "guard" in result:
        one.confirm(result["guard"]["token"])
    return result


def main() -> None:
    job = json.load(sys.stdin)
    if job.get("die_at"):
        die_at(job["die_at"])
    try:
        said = answer(job)
    except writer.HostError as error:
        said = {"error": str(error)}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
