"""remediate.yml and rollback.yml as they are, on temporary files."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes.journal import Journal

Plan = Callable[..., dict[str, Any]]


def history(path: Path) -> Any:
    return Journal(path, path.parent.name).read()


def three(planned: Plan) -> list[dict[str, Any]]:
    return [
        planned(("{{ inventory_hostname }}-é", "après\n"), ("{{ inventory_hostname }}-new", "là\n")),
        planned(("{{ inventory_hostname }}-é", "après\n"), control="expo_other"),
        planned(("{{ inventory_hostname }}-gone", None), control="expo_gone"),
    ]


@pytest.fixture
def before(site: Any, planned: Plan) -> dict[str, bytes]:
    for host in ("un", "deux"):
        site.write(**{f"{host}-é": "avant\n", f"{host}-gone": "à enlever\n"})
    site.tasks(hosts=three(planned), directory=[planned(("dom", "d\n"), control="vuln_test")])
    return dict(site.snapshot())


def test_the_whole_way_and_back(site: Any, before: dict[str, bytes]) -> None:
    out = site.run("remediate.yml", "--check", "--diff")
    assert site.snapshot() == before
    document = site.change_set()
    assert document["counts"]["by_control"] == {"expo_gone": 2, "expo_other": 2, "expo_test": 4, "vuln_test": 1}
    assert document["counts"]["changes"] == 7  # asked for by two controls, it is one change
    assert f"care_approve={site.digits()}" in out
    assert site.journals() == []
    assert {path.name for path in site.care.glob("*.html")} == {"change-set.html", "change-set.en.html"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in [site.care, *site.care.rglob("*")])

    refused = site.run("remediate.yml", ok=False)
    assert "care_approve=none" in refused
    assert site.snapshot() == before

    applied = site.run("remediate.yml", "-e", f"care_approve={site.digits()}")
    assert "7 appliqué(s)" in applied
    after = site.snapshot()
    assert after["un-é"] == "après\n".encode() and after["dom"] == b"d\n" and "un-gone" not in after
    (controls,) = {
        tuple(i.change["controls"])
        for i in history(site.journals()[-1]).intents()
        if i.host == "un" and i.change["object"]["label"] == "un-é"
    }
    assert controls == ("expo_other", "expo_test")

    again = site.run("remediate.yml", "-e", f"care_approve={site.digits()}")
    assert again.count("changed=0") == 3 and "Approuvés et déjà en place (7)" in again

    site.run("rollback.yml", "--check")
    assert site.snapshot() == after
    back = site.run("rollback.yml")
    assert "7 défait(s)" in back and site.snapshot() == before
    second = site.run("rollback.yml")
    assert second.count("changed=0") == 3 and site.snapshot() == before


def test_only_what_was_approved_and_has_not_moved(site: Any, before: dict[str, bytes], planned: Plan) -> None:
    site.run("remediate.yml", "--check")
    site.write(**{"un-é": "touché par quelqu’un\n"})
    tasks = [*three(planned), planned(("{{ inventory_hostname }}-late", "plus tard\n"), control="expo_late")]
    site.tasks(hosts=tasks, directory=[planned(("dom", "d\n"), control="vuln_test")])
    out = site.run("remediate.yml", "-e", f"care_approve={site.digits()}", ok=False)
    after = site.snapshot()
    assert after["un-é"] == "touché par quelqu’un\n".encode()  # moved since
    assert "un-late" not in after and "deux-late" not in after  # never approved
    assert after["deux-é"] == "après\n".encode() and after["un-new"] == "là\n".encode()  # the rest is done
    assert "Refusés (3)" in out and "la valeur a changé depuis l’approbation" in out
    assert "pas dans l’ensemble approuvé" in out
    assert history(site.journals()[-1]).closed


def test_the_findings_are_kept_before_the_first_change(site: Any, before: dict[str, bytes]) -> None:
    def findings(label: str, number: int) -> dict[str, Any]:
        made = {"type": "service", "id": label, "label": label, "dn": None, "sid": None}
        one = {"id": f"f-{number:016x}", "control": "expo_telnet", "host": "un", "object": made, "level": None}
        one |= {"severity": "high", "protected": None, "unconfirmed": None, "evidence": {}, "sources": []}
        return {
            **{"schema": "care.remediation/findings/1", "generated": "2026-11-22T02:00:00Z", "sources": []},
            **{"findings": [one], "unmapped": [], "counts": {"read": 1, "mapped": 1, "unmapped": 0, "duplicates": 0}},
        }

    site.care.mkdir(exist_ok=True)
    present, kept = site.care / "findings.json", site.care / "baseline" / "findings.json"
    present.write_text(json.dumps(findings("telnet", 1)))
    (site.care / "decisions.yml").write_text("schema: care.remediation/decisions/1\ndecisions: []\n")
    site.run("remediate.yml", "--check")
    site.run("remediate.yml", ok=False)  # not approved
    assert not kept.exists()
    site.run("remediate.yml", "-e", f"care_approve={site.digits()}", "--tags", "expo_gone")
    assert [f["object"]["label"] for f in json.loads(kept.read_text())["findings"]] == ["telnet"]
    assert [path.name for path in site.journals()[-1].parent.glob("decisions.yml")] == ["decisions.yml"]
    present.write_text(json.dumps(findings("ftp", 2)))  # planned again
    site.run("remediate.yml", "-e", f"care_approve={site.digits()}")
    assert [f["object"]["label"] for f in json.loads(kept.read_text())["findings"]] == ["telnet", "ftp"]
    kept.write_text("{")  # nothing could be proved: nothing is changed
    site.run("rollback.yml")
    now = site.snapshot()
    out = site.run("remediate.yml", "-e", "care_approve=none", ok=False)
    assert "baseline/findings.json" in out and site.snapshot() == now
    assert all(path.stat().st_mode & 0o077 == 0 for path in site.care.rglob("*") if path.parent != site.care)


def test_an_edited_change_set_is_refused(site: Any, before: dict[str, bytes]) -> None:
    site.run("remediate.yml", "--check")
    path = site.care / "change-set.json"
    document = site.change_set()
    document["changes"].pop()
    path.write_text(json.dumps(document))
    out = site.run("remediate.yml", "-e", f"care_approve={site.digits()}", ok=False)
    assert "modifié après l’essai à blanc" in out and site.snapshot() == before


def test_tags_and_limit_narrow_a_run(site: Any, before: dict[str, bytes]) -> None:
    site.run("remediate.yml", "--check")
    approve = ("-e", f"care_approve={site.digits()}")
    out = site.run("remediate.yml", *approve, "--tags", "expo_gone", "--limit", "un")
    after = site.snapshot()
    assert after == {name: content for name, content in before.items() if name != "un-gone"}
    assert "hors du périmètre de cette exécution (6)" in out
    assert "7 appliqué(s)" not in out
    assert "6 appliqué(s)" in site.run("remediate.yml", *approve)


@pytest.mark.parametrize(
    ("arguments", "hazard", "said"),
    [
        (["-e", "care_max_changes=6"], None, "7 objets seraient touchés"),
        ([], "{{ care_test_files }}/un-é", "chemin d’administration"),
    ],
)
def test_a_limit_stops_before_the_first_change(
    site: Any, before: dict[str, bytes], planned: Plan, arguments: list[str], hazard: str | None, said: str
) -> None:
    if hazard:
        tasks = three(planned)
        tasks[0]["care_test.targets.file_plan"]["hazard"] = hazard
        site.tasks(hosts=tasks, directory=[planned(("dom", "d\n"), control="vuln_test")])
    out = site.run("remediate.yml", "--check", *arguments)
    assert said in out and "care_approve=" not in out
    out = site.run("remediate.yml", "-e", "care_approve=none", *arguments, ok=False)
    assert said in out and site.snapshot() == before


def test_a_host_that_fails_does_not_stop_the_others(site: Any, before: dict[str, bytes], planned: Plan) -> None:
    fail = {
        "name": "Fail on one host",
        "ansible.builtin.fail": {"msg": "no"},
        # only in the second pass
        "when": "inventory_hostname == 'un' and not (ansible_check_mode or care_planning | default(false))",
    }
    site.tasks(hosts=[fail, *three(planned)], directory=[planned(("dom", "d\n"), control="vuln_test")])
    site.run("remediate.yml", "--check")
    out = site.run("remediate.yml", "-e", f"care_approve={site.digits()}", ok=False)
    after = site.snapshot()
    assert after["un-é"] == before["un-é"] and after["deux-é"] == "après\n".encode()
    assert "Cibles qui n’ont pas terminé : un" in out and "4 appliqué(s)" in out
    site.run("rollback.yml")
    assert site.snapshot() == before


@pytest.mark.parametrize("arguments", [["--check"], ["-e", "care_approve=none"]], ids=["dry run", "real run"])
def test_a_host_that_cannot_be_planned_stops_the_run(
    site: Any, before: dict[str, bytes], planned: Plan, arguments: list[str]
) -> None:
    fail = {"name": "No", "ansible.builtin.fail": {"msg": "no"}, "when": "inventory_hostname == 'un'"}
    site.tasks(hosts=[fail, *three(planned)], directory=[planned(("dom", "d\n"), control="vuln_test")])
    out = site.run("remediate.yml", *arguments, ok=False)
    assert "La planification a échoué sur : un." in out and site.snapshot() == before
    assert not (site.care / "change-set.json").exists()
    site.tasks(hosts=three(planned))
    site.run("remediate.yml", "--check")  # the care folder is free again


def test_an_approval_that_is_not_one_is_refused_before_planning(
    site: Any, before: dict[str, bytes], planned: Plan
) -> None:
    site.run("remediate.yml", "--check")
    for said in ("123", "0" * 12):
        out = site.run("remediate.yml", "-e", f"care_approve={said}", ok=False)
        assert f"care_approve={said}" in out and "Plan the changes" not in out and site.snapshot() == before
    assert site.journals() == []


def test_someone_elses_change_is_left_and_what_is_final_is_said(
    site: Any, before: dict[str, bytes], planned: Plan
) -> None:
    tasks = three(planned)
    tasks[0]["care_test.targets.file_plan"]["irreversible"] = ["{{ care_test_files }}/un-new"]
    site.tasks(hosts=tasks)
    assert "Irréversibles (1)" in site.run("remediate.yml", "--check")
    site.run("remediate.yml", "-e", f"care_approve={site.digits()}")
    site.write(**{"deux-é": "un autre est passé\n"})
    looked = site.run("rollback.yml", "--check")
    out = site.run("rollback.yml")
    for text, undone in ((looked, "4 seraient défait(s)"), (out, "4 défait(s)")):
        assert undone in text and "1 irréversible(s)" in text
        assert "said so by the test" in text and "deux-é" in text.split("laissés tels quels")[1]
    after = site.snapshot()
    assert after.pop("un-new") == "là\n".encode()
    assert after.pop("deux-é") == "un autre est passé\n".encode()
    assert after == {name: content for name, content in before.items() if name != "deux-é"}


def test_a_task_alone_has_a_run_of_its_own(site: Any, before: dict[str, bytes], planned: Plan) -> None:
    play = [{"hosts": "care_hosts", "gather_facts": False, "tasks": three(planned)}]
    (site.folder / "playbooks" / "alone.yml").write_text(json.dumps(play))
    site.run("alone.yml", "--check")
    assert site.snapshot() == before and not site.care.exists()
    out = site.run("alone.yml", "-e", "care_max_changes=1", ok=False)
    assert "la limite care_max_changes est 1" in out and site.snapshot() == before
    site.run("alone.yml")
    assert len(site.journals()) == 1 and site.snapshot() != before
    assert site.run("alone.yml").count("changed=0") == 2
    site.run("rollback.yml")
    assert site.snapshot() == before


def test_a_second_run_is_refused_while_one_goes_on(site: Any, before: dict[str, bytes]) -> None:
    site.run("remediate.yml", "--check")
    approve = ("-e", f"care_approve={site.digits()}")
    site.write(pause="4")
    first = site.start("remediate.yml", *approve)
    try:
        deadline = time.monotonic() + 60
        while not site.journals() and time.monotonic() < deadline:
            time.sleep(0.05)
        for playbook in ("remediate.yml", "rollback.yml"):
            out = site.run(playbook, *approve, ok=False)
            assert "Another run has this care folder" in out and f"process {first.pid}" in out
    finally:
        (site.files / "pause").unlink()
        first.wait(timeout=120)
    assert first.returncode == 0
    site.run("rollback.yml")
    assert site.snapshot() == before


def test_a_rollback_waits_for_a_task_that_outlived_its_playbook(site: Any, before: dict[str, bytes]) -> None:
    site.run("remediate.yml", "--check")
    site.write(pause="2")
    process = site.start("remediate.yml", "-e", f"care_approve={site.digits()}")
    deadline = time.monotonic() + 60
    while '"event":"intent"' not in "".join(p.read_text() for p in site.journals()) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)  # only the parent: its task goes on writing
    process.wait()
    site.run("rollback.yml")
    (site.files / "pause").unlink()
    assert site.snapshot() == before


def test_a_tampered_journal_is_not_used(site: Any, before: dict[str, bytes]) -> None:
    site.run("remediate.yml", "-e", "care_approve=none")
    after = site.snapshot()
    (path,) = site.journals()
    lines = path.read_bytes().split(b"\n")
    number = next(n for n, line in enumerate(lines, start=1) if b"avant" in line)
    lines[number - 1] = lines[number - 1].replace(b"avant", b"autre")
    path.write_bytes(b"\n".join(lines))
    out = " ".join(site.run("rollback.yml", ok=False).split())
    assert f"journal.jsonl: line {number}" in out and site.snapshot() == after
