# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The file for the quality service: what it says, in both languages, and that nothing in it is a formula."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import decisions, model, paq, plan
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import REPORTS, account, audit, merged
from .test_pages import PAYLOADS

TODAY = datetime.date(2026, 11, 22)


def flaw(number: int, text: str) -> Any:
    made = model.make_object(type="weakness", id=f"tcp/443/CVE-2026-{number:04}", label=text)
    mention = model.make_mention(source="s1", rule=text, wording=text, severity=text)
    return model.make_finding(
        control="other_exposure",
        host=text or "web1",
        object=made,
        severity="high",
        evidence={"title": text, "solution": text, "cve": [text], "kev": True, "cvss": 9.8, "epss": 0.97},
        sources=[mention],
    )


@pytest.fixture
def made(controls: Any, inventory: Any, tmp_path: Path) -> dict[str, Any]:
    live = audit(
        tmp_path / "audit.json",
        [account("vuln_guest", payload, 2000 + n) for n, payload in enumerate(PAYLOADS)]
        + [account("vuln_dont_expire", "d", 1104)],
    )
    findings = merged(controls, inventory, live, REPORTS / "nmap-web1.xml", REPORTS / "pingcastle-full.xml")
    findings["findings"] += [flaw(number, payload) for number, payload in enumerate(PAYLOADS)]
    update = decisions.update(decisions.Sheet(), findings["findings"], controls)
    for one in findings["findings"]:
        if one["control"] == "vuln_dont_expire":
            settled = update.decisions[one["id"]]
            settled.decision, settled.owner, settled.reason = "waive", PAYLOADS[5], PAYLOADS[6]
            settled.until = datetime.date(2027, 3, 31)
    built = plan.build(findings, update.decisions, controls, edition=catalogue.edition(), today=TODAY)
    return built | {"generated": "2026-11-22T08:00:00Z"}


def read(content: bytes) -> list[dict[str, str]]:
    text = content.decode("utf-8-sig")
    assert content.startswith(b"\xef\xbb\xbf") and text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_one_line_a_piece_of_work(made: Any, language: str) -> None:
    rows = read(paq.to_csv(made, language))
    columns = paq.COLUMNS[language]
    assert tuple(rows[0]) == columns
    numbers = [row[columns[0]] for row in rows]
    assert numbers[: len(made["works"])] == [work["id"] for work in made["works"]]
    assert [row[columns[1]] for row in rows[: len(made["works"])]] == [str(n) for n in range(1, len(made["works"]) + 1)]
    assert len(set(numbers)) == len(numbers)
    assert len(rows) == len(made["works"]) + len({one["reason"] for one in made["unmapped"]})
    assert all(None not in row and None not in row.values() for row in rows)  # as many cells as columns


def test_what_a_line_says(made: Any) -> None:
    options: dict[str, Any] = {
        "responsibles": {"directory": "Annuaire", "default": "RSSI"},
        "deadlines": {1: 30, 2: 90},
    }
    rows = {row["Constat"]: row for row in read(paq.to_csv(made, "fr", **options))}
    guest = rows["Le compte Invité du domaine est activé"]
    assert guest["Origine"] == "PingCastle, lecture de l'annuaire"
    assert guest["Gravité"] == "Niveau 2 (danger à court terme)"
    assert guest["Action corrective"].startswith("Appliquer le rôle directory_accounts")
    assert (guest["Responsable"], guest["Date du constat"]) == ("Annuaire", "2026-11-22")
    assert guest["Échéance"] == "2027-02-20"  # urgency 2: 90 days
    assert guest["État d'avancement"] == f"corriger : {len(PAYLOADS)}"
    assert guest["Indicateur"].startswith(f"{len(PAYLOADS)} constats ouverts sur {len(PAYLOADS)}")
    telnet = rows["Telnet est actif"]
    assert (telnet["Responsable"], telnet["Périmètre"]) == ("RSSI", "1 hôte(s) : web1")
    waived = next(row for title, row in rows.items() if title.startswith("Trop de comptes dont le mot de passe"))
    assert waived["Échéance"] == "2027-03-31" and "tout est en dérogation" in waived["Justification de la priorité"]
    exploited = next(row for title, row in rows.items() if "{{ lookup(" in title)
    assert "exploitée selon un rapport (KEV)" in exploited["Justification de la priorité"]
    assert "EPSS) 0,97" in exploited["Justification de la priorité"]
    assert any(title.startswith("Non pris en charge") for title in rows)


def test_without_deadlines_nobody_promised_anything(made: Any) -> None:
    rows = read(paq.to_csv(made, "fr"))
    assert {row["Échéance"] for row in rows if "tout est en dérogation" not in row["Justification de la priorité"]} == {
        ""
    }
    assert {row["Responsable"] for row in rows} == {""}


def test_the_same_plan_gives_the_same_bytes(made: Any) -> None:
    assert paq.to_csv(made, "fr") == paq.to_csv(made, "fr")
    assert paq.to_csv(made, "en").decode("utf-8-sig").startswith('"Number";"Priority"')


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_cell_is_a_formula(made: Any, language: str) -> None:
    given = {"default": "=cmd|' /C calc'!A0"}
    for row in read(paq.to_csv(made, language, responsibles=given)):
        for value in row.values():
            assert not value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "|", "%"))
            assert not any(ord(mark) < 32 or 0x7F <= ord(mark) < 0xA0 or mark == "\u202e" for mark in value)
