# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Mappings proposed from reports: what is guessed, what is marked, and that the proposal reads the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible_collections.care.remediation.plugins.module_utils.findings import (
    mapping_file,
    mapping_propose,
    mapping_texts,
    mapping_trial,
    mapping_words,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.mapping_write import MARK, Proposal
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.errors import ReportError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "reports" / "mapped"
CONTROLS = frozenset(path.stem for path in (mapping_file.SHIPPED.parent / "catalogue").glob("*.yml"))


def propose(path: Path) -> tuple[Proposal, dict[str, object], mapping_trial.Trial]:
    proposal = mapping_propose.propose(path, "essai", CONTROLS)
    made = mapping_file.parse(proposal.text, path=Path("essai.yml"), controls=CONTROLS)
    return proposal, yaml.safe_load(proposal.text), mapping_trial.trial(path, made)


def test_french_excel() -> None:
    proposal, document, trial = propose(FOLDER / "french-excel.csv")
    assert document["fields"] == {
        "rule": "Identifiant",
        "title": "Vulnérabilité",
        "solution": "Recommandation",
        "host": "Hôte",
        "address": "Adresse IP",
        "port": "Port",
        "severity": "Gravité",
        "cvss": "Score CVSS",
        "cve": "CVE",
        "status": "Statut",
        "date": "Date de détection",
    }
    assert document["severities"] == {
        "Élevée": "high",
        "Modérée": "medium",
        "CRITIQUE": "critical",
        "Information": "info",
        "Très élevée": "critical",
    }
    assert document["status"] == {"closed": ["Corrigé"], "open": ["Ouvert", "ouvert", "À traiter"]}
    assert document["scope"] == "partial" and "rules" not in document  # a person says what a role corrects
    assert f'#   "Service Telnet accessible": expo_telnet   {MARK}' in proposal.text
    assert (trial.rows, trial.weaknesses, trial.informational, trial.ungraded) == (6, 5, 1, 0)
    assert trial.error is None and trial.skipped.count == 0


def test_workbook_with_title_rows_and_merged_cells() -> None:
    proposal, document, trial = propose(FOLDER / "passi.xlsx")
    assert document["kind"] == "xlsx" and document["sheet"] == "Constats"
    assert document["fields"] == {
        "rule": "N°",
        "title": "Vulnérabilité",
        "solution": "Recommandation",
        "host": "Équipements concernés",
        "severity": "Criticité",
        "status": "Avancement",
        "date": "Constaté le",
    }
    assert f'rule: "N°"   {MARK}' in proposal.text  # only numbers the rows
    assert "fields.rule: N°" in proposal.unsure and "severities: 3 - Importante" in proposal.unsure
    assert (trial.rows, trial.weaknesses) == (4, 4)
    assert [one["place"] for one in trial.skipped.first] == ["sheet 'Constats', cell I5"]


def test_nested_json() -> None:
    proposal, document, trial = propose(FOLDER / "nested.json")
    assert (document["rows"], document["each"]) == ("hosts[]", "findings")
    fields = document["fields"]
    assert isinstance(fields, dict)
    assert fields["rule"] == "id" and fields["address"] == "row.ip" and fields["host"] == "row.name"
    assert fields["port"] == "port.number" and fields["protocol"] == "port.proto" and fields["severity"] == "level"
    assert "severities: numbers" in proposal.unsure
    assert trial.weaknesses == 3 and trial.hosts == 2


def test_json_lines() -> None:
    _proposal, document, trial = propose(FOLDER / "lines.jsonl")
    assert document["kind"] == "json" and "rows" not in document
    assert trial.rows == 21 and [one["place"] for one in trial.skipped.first] == ["line 21", "line 22"]


def test_hostile_texts_stay_texts() -> None:
    proposal, document, trial = propose(FOLDER / "hostile.csv")
    severities = document["severities"]
    assert isinstance(severities, dict)
    assert "{{ lookup('pipe','id') }}" in severities and "&xxe;" in severities and "a\0b" in severities
    assert not any(key.startswith("<") for key in severities)  # it would compare
    assert trial.skipped.count == 3
    assert all(line.isprintable() or "\u202e" in line for line in proposal.text.splitlines())


def test_what_means_more_than_itself_is_left_to_a_person(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("Gravité;Hôte;Constat\n*;h;a\nhaute;h;b\n>=1;h;c\n", encoding="utf-8")
    proposal, document, trial = propose(path)
    assert document["severities"] == {"haute": "high"}
    assert proposal.text.count("* > < ?") == 2 and trial.ungraded == 2


def test_american_dates_and_a_column_of_addresses(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("where,what,seen\n10.0.0.1,Finding A,12/31/2026\n10.0.0.2,Finding B,01/02/2026\n")
    _proposal, document, _trial = propose(path)
    assert document["dates"] == "american"
    assert document["fields"] == {"title": "what", "address": "where", "date": "seen"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<a/>", "is XML"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08x", "gzip"),
        (b"[1, 2]", "no list of objects"),
        (b"{}", "no list of objects"),
        (b"12", "no table"),
        (b"words only", "no table"),
        (b"PK\x03\x04xx", "incomplete"),
    ],
)
def test_what_has_no_rows(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "r"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=said):
        mapping_propose.propose(path, "essai", CONTROLS)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="no such file"):
        mapping_propose.propose(tmp_path / "none", "essai")


def test_trial_says_what_does_not_fit(tmp_path: Path) -> None:
    proposal = mapping_propose.propose(FOLDER / "french-excel.csv", "essai", CONTROLS)
    made = mapping_file.parse(proposal.text, path=Path("essai.yml"))
    other = mapping_trial.trial(FOLDER / "nessus.csv", made)
    assert other.error is not None and "does not recognise" in other.error and other.rows == 0
    path = tmp_path / "cut.csv"
    path.write_bytes((FOLDER / "french-excel.csv").read_bytes()[:640])
    cut = mapping_trial.trial(path, made)
    assert cut.error is not None and "truncated" in cut.error and cut.weaknesses > 0
    for language in ("fr", "en"):
        heading, lines = mapping_texts.told(cut, dest="m.yml", kept=True, unsure=["a\x1b[1m"], language=language)
        assert "m.yml" in heading and any("truncated" in line for line in lines)
        assert not any("\x1b" in line for line in lines)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.text(max_size=15), min_size=1, max_size=5), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t"]),
)
def test_any_table_gives_a_mapping_that_is_right(tmp_path: Path, rows: list[list[str]], delimiter: str) -> None:
    path = tmp_path / "any.csv"
    text = "\n".join(delimiter.join(row) for row in [["Hôte", "Gravité", "Constat"], *rows]) + "\n"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        proposal = mapping_propose.propose(path, "essai", CONTROLS)
    except ReportError:
        return
    made = mapping_file.parse(proposal.text, path=Path("essai.yml"))
    trial = mapping_trial.trial(path, made)
    assert trial.error is None or "truncated" in trial.error or "match" in trial.error


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | st.just("title"), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_any_json_gives_a_mapping_that_is_right(tmp_path: Path, value: object) -> None:
    path = tmp_path / "any.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    try:
        proposal = mapping_propose.propose(path, "essai", CONTROLS)
    except ReportError:
        return
    made = mapping_file.parse(proposal.text, path=Path("essai.yml"))
    mapping_trial.trial(path, made)


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("Gravité", "severity"),
        ("CRITICITÉ", "severity"),
        ("Sévérité :", "severity"),
        ("Niveau de risque", "severity"),
        ("Hôte", "host"),
        ("Équipements concernés", "host"),
        ("Adresse IP", "address"),
        ("Port", "port"),
        ("Vulnérabilité", "title"),
        ("Recommandation", "solution"),
        ("Recommandations de l'auditeur", "solution"),
        ("Statut", "status"),
        ("Date de détection", "date"),
        ("N°", "rule"),
        ("Références", "references"),
        ("Référence", "rule"),
        ("softwareName", "title"),
        ("first_seen", "first_seen"),
        ("CVE ID", "cve"),
        ("Couleur", None),
    ],
)
def test_columns(column: str, field: str | None) -> None:
    guess = mapping_words.field_of(column)
    assert (guess[0] if guess else None) == field


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        ("Critique", ("critical", True)),
        ("Très élevée", ("critical", True)),
        ("4 - Majeure", ("high", True)),
        ("Importante", ("medium", False)),
        ("Faible", ("low", True)),
        ("Information", ("info", True)),
        ("None", ("info", True)),
        ("faible à élevé", ("low", False)),
        ("rouge", None),
    ],
)
def test_grades(value: str, grade: tuple[str, bool] | None) -> None:
    assert mapping_words.grade_of(value) == grade


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Corrigé", (True, True)),
        ("Fermée", (True, True)),
        ("Non corrigé", (False, False)),
        ("En cours", (False, True)),
        ("Faux positif", (False, False)),
        ("Risque accepté", (False, False)),
        ("À faire", (False, True)),
    ],
)
def test_statuses(value: str, expected: tuple[bool, bool]) -> None:
    assert mapping_words.closed(value) == expected


def test_suggested_controls_exist() -> None:
    assert {control for _pattern, control in mapping_words.CONTROLS} <= CONTROLS
    assert mapping_words.control_of("Le service SFTP est actif") is None
    assert mapping_words.control_of("TLSv1.1 accepté") == "expo_tls_obsolete"
    assert mapping_words.control_of("TLS 1.2 accepté") is None
