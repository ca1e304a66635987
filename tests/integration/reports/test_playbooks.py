# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""plan.yml and evidence.yml run by the real ansible-playbook, on hostile reports; no host is connected to."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
REPORTS = ROOT / "tests" / "fixtures" / "reports"
PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"
DOMAIN, SID = "chu-valmont.test", "S-1-5-21-1004336348-1177238915-682003330"
MARKER = "care-evaluated"

INVENTORY = """
all:
  children:
    care_directory:
      hosts:
        chu-valmont.test:
          ansible_connection: local
          ansible_python_interpreter: "{{ ansible_playbook_python }}"
          care_break_glass_accounts: [bris-de-glace-1]
          care_automation_accounts: [svc-care]
    care_hosts:
      hosts:
        web1:
          ansible_host: 10.9.0.3
          care_break_glass_accounts: [secours]
          care_automation_accounts: [ansible]
          care_exposure_policy:
            - {port: 443, protocol: tcp, sources: [0.0.0.0/0]}
            - {port: 22, protocol: tcp, sources: [10.9.0.1]}
"""


def payloads(folder: Path) -> list[str]:
    touch = f"touch {folder / MARKER}"
    return [
        "{{ lookup('ansible.builtin.pipe', '" + touch + "') }}",
        "{% set x = lookup('ansible.builtin.pipe', '" + touch + "') %}{{ x }}",
        f"$({touch})`{touch}`; {touch}",
        "!unsafe '{{ 7*7 }}'\n- other: true",
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "\x1b]0;owned\x07\x1b[2J",
        "*)(objectClass=*))(|(cn=*",
        "d'Été, L'Haÿ-les-Roses",
        "x: &anchor [*anchor]",
    ]


def live_audit(path: Path, names: list[str], *, evaluated: tuple[str, ...] = ()) -> None:
    findings = []
    for number, name in enumerate(names):
        sid = f"{SID}-{2000 + number}"
        made = {"type": "user", "id": sid, "label": name, "dn": f"CN={name},DC=chu-valmont,DC=test", "sid": sid}
        findings.append(
            {
                "id": "f-" + "0" * 16,
                "control": "vuln_kerberos_properties_preauth_priv",
                "host": DOMAIN,
                "object": made,
                "level": 1,
                "severity": None,
                "protected": None,
                "evidence": {},
            }
        )
    controls = {"vuln_kerberos_properties_preauth_priv", "vuln_guest", *evaluated}
    document = {
        "schema": "care.remediation/audit/1",
        "host": DOMAIN,
        "source": "directory",
        "started": "2026-11-22T02:00:00Z",
        "server": "dc1",
        "target": {"domain_sid": SID, "dns_name": DOMAIN},
        "controls": {control: {"state": "evaluated", "reason": None} for control in sorted(controls)},
        "findings": findings,
        "objects": [],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    inventory = tmp_path / "inventory"
    (inventory / "care" / "reports").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(INVENTORY)
    for name in ("nmap-web1.xml", "pingcastle-full.xml"):
        shutil.copy(REPORTS / name, inventory / "care" / "reports")
    live_audit(inventory / "care" / "audit" / f"{DOMAIN}.json", payloads(tmp_path))
    return inventory


def play(site: Path, playbook: Path | str, *arguments: str, code: int = 0) -> str:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(site / ".tmp")}
    done = subprocess.run(
        [str(PLAYBOOK), "-i", str(site / "hosts.yml"), str(playbook), *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "\x1b]0;" not in done.stdout and "\x1b[2J" not in done.stdout
    assert not (site.parent / MARKER).exists(), "a payload was evaluated"
    return done.stdout + done.stderr


def files(site: Path) -> dict[str, bytes]:
    kept = (path for path in site.rglob("*") if path.is_file() and ".tmp" not in path.parts)
    return {str(path.relative_to(site)): path.read_bytes() for path in kept}


def test_check_mode_writes_nothing(site: Path) -> None:
    before = files(site)
    out = play(site, ROOT / "playbooks" / "plan.yml", "--check", "--diff")
    assert files(site) == before
    assert "expo_telnet" in out and "care_firewall_close" in out


def test_a_plan_is_written_once_and_no_payload_is_evaluated(site: Path, tmp_path: Path) -> None:
    play(site, ROOT / "playbooks" / "plan.yml")
    before = files(site)
    care = site / "care"
    for path in (care / "findings.json", care / "plan.html", site / "host_vars" / "web1" / "care_remediation.yml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    out = play(site, ROOT / "playbooks" / "plan.yml")
    assert "changed=0" in out
    assert files(site) == before

    # what a role gets is the text itself
    reader = tmp_path / "read.yml"
    reader.write_text(
        "- hosts: chu-valmont.test\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.debug: {var: care_accounts_require_preauth_priv}\n"
        "    - ansible.builtin.copy:\n"
        "        content: '{{ care_accounts_require_preauth_priv | map(attribute=\"label\") | list | to_json }}'\n"
        f"        dest: {tmp_path / 'labels.json'}\n        mode: '0600'\n"
    )
    play(site, reader)
    assert sorted(json.loads((tmp_path / "labels.json").read_text())) == sorted(payloads(tmp_path))


def test_decisions_are_kept_and_withdrawn(site: Path) -> None:
    play(site, ROOT / "playbooks" / "plan.yml")
    variables = site / "host_vars" / "web1" / "care_remediation.yml"
    assert "care_services_telnet_disabled: false" in variables.read_text()
    sheet = site / "care" / "decisions.yml"
    text = sheet.read_text()
    at = text.index("control: expo_telnet")
    sheet.write_text(text[:at] + text[at:].replace("decision: undecided", "decision: apply  # vu avec la DSI", 1))
    play(site, ROOT / "playbooks" / "plan.yml")
    assert "care_services_telnet_disabled: true" in variables.read_text()
    assert "decision: apply  # vu avec la DSI" in sheet.read_text()
    # telnet is gone from the next scan: the variable goes back by itself
    report = site / "care" / "reports" / "nmap-web1.xml"
    report.write_text("\n".join(line for line in report.read_text().splitlines() if 'portid="23"' not in line))
    play(site, ROOT / "playbooks" / "plan.yml")
    assert "care_services_telnet_disabled: false" in variables.read_text()
    assert "expo_telnet" not in sheet.read_text()


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (
            lambda care: (care / "reports" / "bad.xml").write_text("<nmaprun><host>"),
            "bad.xml, line 1: the file ends in",
        ),
        (lambda care: shutil.copy(REPORTS / "pingcastle-encrypted.xml", care / "reports"), "--reload-report"),
        (lambda care: (care / "decisions.yml").write_text("schema: x\n"), "decisions.yml, line 1"),
        (lambda care: [shutil.rmtree(care / "reports"), shutil.rmtree(care / "audit")], "there is nothing to read"),
    ],
)
def test_mistakes_stop_the_plan_with_a_clear_message(site: Path, break_it: Any, said: str) -> None:
    break_it(site / "care")
    before = files(site)
    out = play(site, ROOT / "playbooks" / "plan.yml", code=2)
    assert said in " ".join(out.split()), out
    known = ("findings.json", "unmatched.yml")  # what the import had written before
    assert not [name for name in set(files(site)) - set(before) if not name.endswith(known)]


def test_from_plan_to_verdicts_and_evidence(site: Path, tmp_path: Path) -> None:
    play(site, ROOT / "playbooks" / "plan.yml")
    verify = site / "care" / "verify"
    (verify / "reports").mkdir(parents=True)
    after = (REPORTS / "nmap-web1.xml").read_text().splitlines()
    closed = [line for line in after if not any(f'portid="{port}"' in line for port in (21, 23, 5432, 6379, 8443))]
    (verify / "reports" / "after.xml").write_text("\n".join(closed))
    live_audit(verify / "audit" / f"{DOMAIN}.json", [], evaluated=("vuln_user_accounts_machineaccountquota",))
    judge = tmp_path / "judge.yml"
    judge.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        f"    - care.remediation.report_import: {{folder: '{verify}'}}\n      run_once: true\n"
        "    - care.remediation.verdicts: {strict: '{{ strict | default(false) }}'}\n      run_once: true\n"
    )
    play(site, judge)
    verdicts = json.loads((verify / "verdicts.json").read_text())
    assert verdicts["counts"]["findings"]["changed"] >= 10 + 5
    play(site, judge, "-e", "strict=true", code=2)  # PingCastle's own controls were not read again

    play(site, ROOT / "playbooks" / "evidence.yml", "-e", "care_establishment='CHU de Valmont'")
    evidence = site / "care" / "evidence"
    page = (evidence / "evidence.html").read_text()
    assert "CHU de Valmont" in page and "<script" not in page
    assert (evidence / "evidence.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    counts = json.loads((evidence / "evidence.json").read_text())["counts"]
    assert counts.pop("waivers") == {"in_force": 0, "expiring": 0, "expired": 0, "days": 30, "next": None}
    assert counts == verdicts["counts"]
    assert "changed=0" in play(site, ROOT / "playbooks" / "evidence.yml", "-e", "care_establishment='CHU de Valmont'")

    # the accounts are back: a person decided to correct them, so verification fails and names one
    live_audit(verify / "audit" / f"{DOMAIN}.json", payloads(tmp_path))
    out = play(site, judge, code=2)
    assert "vuln_kerberos_properties_preauth_priv" in out and "L'Haÿ-les-Roses" in out
