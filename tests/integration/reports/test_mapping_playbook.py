# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""mapping.yml and what plan.yml makes of the mapping, run by the real ansible-playbook; no host is connected to."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

from .test_playbooks import MARKER, REPORTS, ROOT, play, site  # noqa: F401

MAPPING = ROOT / "playbooks" / "mapping.yml"
REPORT = REPORTS / "mapped" / "passi.xlsx"


def propose(site: Path, report: Path, *arguments: str, code: int = 0) -> str:  # noqa: F811
    return play(site, MAPPING, "-e", f"care_report={report}", *arguments, code=code)


def test_proposed_kept_tried_and_forced(site: Path) -> None:  # noqa: F811
    dest = site / "care" / "mappings" / "passi.yml"
    said = propose(site, REPORT, "--check", "--diff")
    assert "changed=1" in said and '+  severity: "Criticité"' in said and not dest.exists()

    said = propose(site, REPORT)
    assert "changed=1" in said and "Correspondance proposée" in said and "cell I5" in said
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert "changed=0" in propose(site, REPORT)

    dest.write_text(dest.read_text().replace('"3 - Importante": medium', '"3 - Importante": critical'))
    said = propose(site, REPORT)
    assert "changed=0" in said and "conservée" in said and "critical" in dest.read_text()
    said = propose(site, REPORT, "-e", "care_mapping_force=true", "-e", "care_language=en")
    assert "changed=1" in said and "Mapping proposed" in said and '"3 - Importante": medium' in dest.read_text()


def test_mistakes_name_line_and_column(site: Path) -> None:  # noqa: F811
    propose(site, REPORT)
    dest = site / "care" / "mappings" / "passi.yml"
    text = dest.read_text().replace('"5 - Critique": critical', '"5 - Critique": pire')
    dest.write_text(text)
    line = next(number for number, one in enumerate(text.splitlines(), 1) if "pire" in one)
    said = propose(site, REPORT, code=2)
    assert f"passi.yml, line {line}, column 3" in " ".join(said.split())


def test_what_needs_no_mapping_is_refused(site: Path) -> None:  # noqa: F811
    said = " ".join(propose(site, REPORTS / "mapped" / "nessus.csv", code=2).split())
    assert "needs no mapping file" in said and "nessus-csv" in said
    said = " ".join(propose(site, REPORTS / "nmap-web1.xml", code=2).split())
    assert "needs no mapping file" in said and "nmap" in said
    said = " ".join(propose(site, site / "nothing.csv", code=2).split())
    assert "there is no such file" in said
    said = " ".join(propose(site, REPORT, "-e", "care_mapping_name=../x", code=2).split())
    assert "lower case letters" in said


def test_hostile_report_runs_nothing(site: Path, tmp_path: Path) -> None:  # noqa: F811
    report = tmp_path / "r.csv"
    touch = "{{ lookup('ansible.builtin.pipe', 'touch " + str(tmp_path / MARKER) + "') }}"
    report.write_text(f'Hôte;Gravité;Constat\n"{touch}";"{touch}";"{touch}"\n', encoding="utf-8")
    said = propose(site, report)
    assert "changed=1" in said
    propose(site, report)
    assert not (tmp_path / MARKER).exists()


def test_plan_reads_what_a_mapping_says(site: Path) -> None:  # noqa: F811
    (site / "care" / "mappings").mkdir()
    shutil.copy(REPORTS / "mapped" / "french.yml", site / "care" / "mappings")
    report = site / "care" / "reports" / "externe.csv"
    report.write_bytes((REPORTS / "mapped" / "french-excel.csv").read_bytes().replace(b"192.0.2.10", b"10.9.0.3"))
    play(site, ROOT / "playbooks" / "plan.yml")
    findings = json.loads((site / "care" / "findings.json").read_text())
    source = next(one for one in findings["sources"] if one["file"].endswith("externe.csv"))
    assert source["type"] == "mapped" and source["profile"] == "scan-externe" and source["targets"] == ["web1"]
    said = {
        one["control"]: one["object"]["id"]
        for one in findings["findings"]
        if any(mention["source"] == source["id"] for mention in one["sources"])
    }
    assert said["expo_telnet"] == "tcp/23" and said["expo_tls_obsolete"] == "tcp/443"
    assert any(one["label"].startswith("2001:db8::20") for one in findings["unmatched"])


def test_the_same_report_again_changes_nothing_and_a_later_one_closes(site: Path) -> None:  # noqa: F811
    (site / "care" / "mappings").mkdir()
    shutil.copy(REPORTS / "mapped" / "french.yml", site / "care" / "mappings")
    content = (REPORTS / "mapped" / "french-excel.csv").read_bytes().replace(b"192.0.2.10", b"10.9.0.3")
    (site / "care" / "reports" / "avril.csv").write_bytes(content)

    def planned() -> dict[str, str]:
        play(site, ROOT / "playbooks" / "plan.yml")
        found = json.loads((site / "care" / "findings.json").read_text())
        return {
            one["control"]: one["id"]
            for one in found["findings"]
            if one["host"] == "web1" and any(mention["rule"].startswith("scan-externe:") for mention in one["sources"])
        }

    first = planned()
    assert {"expo_telnet", "expo_tls_obsolete"} <= set(first)
    assert planned() == first

    lines = content.replace(b"/04/2026", b"/05/2026").replace(b"avril 2026", b"mai 2026").splitlines(keepends=True)
    later = site / "care" / "reports" / "mai.csv"
    later.write_bytes(b"".join(line for line in lines if b"EXP-02" not in line))
    after = planned()
    assert after["expo_telnet"] == first["expo_telnet"] and "expo_tls_obsolete" not in after

    # a row of the later report that cannot be read: it may be the one that is missed
    later.write_bytes(later.read_bytes() + b"EXP-02;" + b"x;" * 20 + b"\r\n")
    assert "expo_tls_obsolete" in planned()
