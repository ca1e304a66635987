# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From what reports say of ten thousand hosts to a plan: seconds a step, peak memory, and how the cost grows.

Prints figures and asserts no time: machines differ. What counts is the curve: the processor time for one finding at the
largest size against the smallest (1.0 is linear growth). Each size runs in a process of its own; the steps are those of
``report_import`` (after the readers) and the action plugin ``findings_plan`` as it is.

    python tests/benchmarks/plan.py [--sizes 62500,125000,250000,500000] [--hosts 10000]

The mix is a large hospital's: a vulnerability scanner on all hosts, some of its findings said by a second scanner too,
a port scan, TLS checks, and one domain's accounts. It is made from a fixed seed.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "collections")]

from ansible_collections.care.remediation.plugins.action import findings_plan
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    decisions,
    document,
    merge,
    model,
    pages,
    paq,
    plan,
    summary,
    variables,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.imported import (
    Imported,
    Statement,
    new_source,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.scan import ScanImport
from ansible_collections.care.remediation.plugins.module_utils.findings.records import (
    HOST,
    PORT,
    WEAKNESS,
    Asset,
    Port,
    Record,
)
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue as catalogues

DOMAIN = "chu-valmont.test"
SID = "S-1-5-21-1004336348-1177238915-682003330"
SIZES = (62_500, 125_000, 250_000, 500_000)
GRADES = ("critical", "high", "high", "medium", "medium", "medium", "low")
SERVICES = {80: "http", 443: "https", 445: "microsoft-ds", 3389: "ms-wbt-server", 22: "ssh", 21: "ftp", 23: "telnet"}
WAIVED = """waive
    waiver:
      owner: 'DSI'
      reason: >-
        replaced
        in March
      until: 2027-03-31"""
ACCOUNTS = ("vuln_dont_expire", "vuln_kerberos_properties_preauth", "vuln_user_accounts_dormant")


def host_name(number: int) -> str:
    """A host of the inventory."""
    return f"pc-{number:05d}"


def records(tool: str, asset: Asset, number: int, count: int, seed: int) -> Iterator[Record]:
    """What one tool says of one host. ``seed``: of the rules, so that two tools can say the same."""
    chance = random.Random(seed * 1_000_003 + number)
    yield Record(kind=HOST, asset=asset)
    for index in range(count):
        rule = chance.randrange(3_000)
        number_of_port = chance.choice((80, 443, 445, 3389, 0, 8000 + index))
        facts: dict[str, Any] = {
            "solution": f"Update the product to a version that corrects {rule}.",
            "cvss": rule % 100 / 10,
        }
        if rule % 3:
            facts["cve"] = [f"CVE-{2015 + rule % 10}-{10_000 + rule}"]
            facts["epss"] = rule % 1000 / 1000
            facts["kev"] = rule % 50 == 0
        yield Record(
            kind=WEAKNESS,
            asset=asset,
            rule=str(100_000 + rule),
            title=f"Product {rule} before 1.{rule % 40} — several weaknesses",
            wording=f"The remote host has a version of product {rule} that is older than 1.{rule % 40}. " * 2,
            severity="High",
            grade=GRADES[rule % len(GRADES)],
            port=Port("tcp", number_of_port, "open", SERVICES.get(number_of_port)) if number_of_port else None,
            facts=facts,
        )


def ports(asset: Asset, number: int, count: int) -> Iterator[Record]:
    """An open port each."""
    yield Record(kind=HOST, asset=asset)
    for index in range(count):
        at = (22, 80, 445, 3389, 21, 23)[index] if index < 6 else 9000 + index * 7 + number % 50
        yield Record(
            kind=PORT,
            asset=asset,
            rule="open-port",
            port=Port("tcp", at, "open", SERVICES.get(at), "Apache httpd", "2.4"),
        )


def imports(size: int, hosts: int, controls: Any) -> list[Imported]:
    """What the readers' records of all tools become, about ``size`` findings over ``hosts`` hosts."""
    facts: dict[str, Any] = {
        host_name(n): {
            "addresses": [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"],
            "policy": [{"port": 22, "protocol": "tcp"}],
        }
        for n in range(hosts)
    }
    inventory = Inventory(facts)
    each = size / hosts
    made = []
    for index, (tool, share, seed) in enumerate(
        (("nessus", 0.71, 1), ("openvas", 0.12, 1), ("nmap", 0.18, 0), ("testssl", 0.05, 2)), 1
    ):
        imported = Imported(new_source(f"s{index}", tool, f"/care/reports/{tool}"))
        imported.source["sha256"] = f"{index:064x}"
        scan = ScanImport(imported, controls, inventory)
        for number in range(hosts):
            asset = Asset(addresses=list(facts[host_name(number)]["addresses"]))
            # the shares of a host are rounded up or down so that the sum is right
            count = int(each * share * (number + 1)) - int(each * share * number)
            scan.take(ports(asset, number, count) if tool == "nmap" else records(tool, asset, number, count, seed))
        tried = {"tcp": "1-65535"} if tool == "nmap" else {}
        scan.finish({"version": "1", "generated": f"2026-11-2{index}T00:00:00Z", "finished": "success", "tried": tried})
        made.append(imported)
    made.append(accounts(size // 100, controls))
    return made


def accounts(count: int, controls: Any) -> Imported:
    """A live audit of one domain."""
    imported = Imported(new_source("s9", "directory", "/care/audit/domain.json"))
    imported.source |= {
        "sha256": "9" * 64, "generated": "2026-11-21T00:00:00Z", "targets": [DOMAIN], "covers": list(ACCOUNTS),
    }  # fmt: skip
    for number in range(count):
        control = controls[ACCOUNTS[number % len(ACCOUNTS)]]
        sid, name = f"{SID}-{5000 + number}", f"Prénom d'Été {number}"
        made = model.make_object(
            type="user", id=sid, label=name, dn=f"CN={name},OU=Comptes,DC=chu-valmont,DC=test", sid=sid
        )
        mention = model.make_mention(source="s9", rule=control.id, wording="live audit")
        imported.add(Statement(control.id, DOMAIN, made, mention, level=min(control.levels)))
    return imported


class Clock:
    """Processor seconds of each step."""

    def __init__(self) -> None:
        self.steps: dict[str, dict[str, float]] = {}
        self.run = ""

    def begin(self, run: str) -> None:
        """Steps from now on belong to ``run``."""
        self.run = run
        self.steps[run] = {}

    def wrap(self, module: Any, name: str, label: str) -> None:
        """Count what a function of the program takes."""
        function: Callable[..., Any] = getattr(module, name)

        @functools.wraps(function)
        def timed(*given: Any, **named: Any) -> Any:
            return self.time(label, function, *given, **named)

        setattr(module, name, timed)

    def time(self, label: str, function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """Call a function and count it."""
        begin = time.process_time()
        try:
            return function(*given, **named)
        finally:
            steps = self.steps[self.run]
            steps[label] = steps.get(label, 0.0) + time.process_time() - begin


def peak() -> int:
    """Most memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def acting(folder: Path, hosts: int) -> Callable[[], dict[str, Any]]:
    """The action plugin as Ansible calls it, without Ansible around it."""
    given = dict.fromkeys(findings_plan.ActionModule.ARGUMENTS)
    task_vars: dict[str, Any] = {"groups": {"all": [DOMAIN, *map(host_name, range(hosts))]}}
    task = SimpleNamespace(check_mode=False, diff=False, async_val=0, args={})
    templar = SimpleNamespace(template=lambda value: value)

    def act() -> dict[str, Any]:
        plugin = findings_plan.ActionModule(task, None, None, None, templar, None)
        plugin.show = lambda *_given, **_named: None
        result: dict[str, Any] = plugin.act(
            given | {"folder": str(folder / "care"), "host_vars": str(folder / "host_vars")}, task_vars
        )
        return result

    return act


def edit(sheet: Path) -> int:
    """What a person does to one entry in a hundred: a comment, another decision, a waiver over several lines."""
    head, *entries = sheet.read_text(encoding="utf-8").split("\n  - finding: ")
    for index in range(0, len(entries), 100):
        before, mark, after = entries[index].rpartition("    decision: ")
        if index % 300 == 0:
            after = WAIVED
        elif index % 300 == 100:
            after = "undecided  # to be seen with the ward"
        else:
            after += "  # ticket 42"
        entries[index] = before + mark + after
    rules = "".join(
        f'  - name: ward-{number}\n    control: other_exposure\n    host: "pc-{number:03d}*"\n    decision: waive\n'
        '    waiver: {owner: "DSI", reason: "replaced", until: 2027-03-31}\n'
        for number in range(50)
    )
    head = head.replace("\ndecisions:", f"\nrules:\n{rules}decisions:")
    sheet.write_text("\n  - finding: ".join([head, *entries]), encoding="utf-8")
    return len(range(0, len(entries), 100))


def importing(folder: Path, size: int, hosts: int) -> dict[str, Any]:
    """The import of all reports, and of the same reports again."""
    clock = Clock()
    controls = catalogues.load()
    target = folder / "care" / "findings.json"
    clock.begin("import")
    said = clock.time("records to statements", imports, size, hosts, controls)
    findings = clock.time("merge", merge.merge, said)
    counted = len(findings["findings"])
    clock.time("write findings.json", document.write_if_changed, target, findings, "findings/1")
    memory = {"import": peak()}
    del findings
    clock.begin("import again")
    previous = clock.time("read findings.json", document.read, target, "findings/1")
    findings = clock.time("merge", merge.merge, said, previous=previous)
    same = not clock.time("write findings.json", document.write_if_changed, target, findings, "findings/1")
    memory["import again"] = peak()
    return {
        "steps": clock.steps,
        "memory": memory,
        "findings": counted,
        "import_again_same": same,
        "findings_json": target.stat().st_size,
    }


def planning(folder: Path, run: str, hosts: int) -> dict[str, Any]:
    """One run of the action plugin."""
    clock = Clock()
    for module, function, label in (
        (document, "read", "read findings.json"),
        (decisions, "read", "read decisions.yml"),
        (decisions, "update", "update decisions"),
        (decisions, "write", "write decisions.yml"),
        (variables, "build", "variables"),
        (variables, "texts", "render host_vars"),
        (document, "write_texts", "write host_vars"),
        (plan, "build", "plan"),
        (document, "write_if_changed", "write plan.json"),
        (pages, "plan", "pages"),
        (paq, "to_csv", "quality plan (CSV)"),
        (summary, "plan", "summary"),
    ):
        clock.wrap(module, function, label)
    act = acting(folder, hosts)
    clock.begin(run)
    begin, wall = time.process_time(), time.monotonic()
    changed = act()["changed"]
    clock.steps[run]["whole"] = time.process_time() - begin
    return {
        "steps": clock.steps,
        "memory": {run: peak()},
        "wall": {run: time.monotonic() - wall},
        "changed": {run: changed},
    }


RUNS = ("first plan", "second plan, unchanged", "plan after 1 % edited")


def one(size: int, hosts: int) -> dict[str, Any]:
    """All steps at one size, the import and each plan in a process of its own, as Ansible runs them."""
    result: dict[str, Any] = {"steps": {}, "memory": {}, "wall": {}, "changed": {}}
    with TemporaryDirectory(prefix="care-plan-") as name:
        folder = Path(name)
        for run in ("import", *RUNS):
            if run == RUNS[-1]:
                edit(folder / "care" / "decisions.yml")
            command = [sys.executable, __file__, "--run", run, "--folder", name, "--sizes", str(size)]
            done = subprocess.run([*command, "--hosts", str(hosts)], check=True, stdout=subprocess.PIPE, text=True)
            made = json.loads(done.stdout.splitlines()[-1])
            result |= {key: {**result[key], **made[key]} if key in result else made[key] for key in made}
            print(f"{size:,}: {run} done", file=sys.stderr)
    return result


def show(results: list[dict[str, Any]]) -> None:
    """The figures, and the curve."""
    first, last = results[0], results[-1]
    heading = "".join(f"{result['findings']:>12,}" for result in results)
    print(f"\n{'processor seconds':34}{heading}   cost of one finding, largest / smallest")
    for run, steps in last["steps"].items():
        print(f"{run}:")
        for label in steps:
            row = [result["steps"][run].get(label, 0.0) for result in results]
            ratio = (row[-1] / last["findings"]) / (row[0] / first["findings"]) if row[0] > 0.05 else None
            print(f"  {label:32}{''.join(f'{value:12.2f}' for value in row)}   {f'{ratio:.2f}' if ratio else ''}")
        if run in last["wall"]:  # other programs of the machine included
            print("  by the clock".ljust(34) + "".join(f"{result['wall'][run]:12.2f}" for result in results))
    print("peak memory, MB:")
    for run in last["memory"]:
        print(f"  {run}".ljust(34) + "".join(f"{result['memory'][run]:12,}" for result in results))
    print("findings.json, MB".ljust(34) + "".join(f"{result['findings_json'] >> 20:12,}" for result in results))
    print(f"changed (largest): {last['changed']}; the same reports again changed nothing: {last['import_again_same']}")


def main() -> None:
    """Each step in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run == "import":
        print(json.dumps(importing(options.folder, int(options.sizes), options.hosts)))
    elif options.run:
        print(json.dumps(planning(options.folder, options.run, options.hosts)))
    else:
        show([one(int(size), options.hosts) for size in options.sizes.split(",")])


if __name__ == "__main__":
    main()
