# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ssh-audit's JSON, and the plain text that it leaves in it."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.jsonstream import head
from ansible_collections.care.remediation.plugins.module_utils.findings.readers.ssh_audit import SshAuditReader
from ansible_collections.care.remediation.plugins.module_utils.findings.records import HOST, INFO, PORT, WEAKNESS

from .checks import REPORTS
from .json_checks import cut_everywhere, fixture, read

FOLDER = REPORTS / "ssh_audit"


@pytest.mark.parametrize(
    ("name", "kinds", "skipped"),
    [
        ("empty-3.9-no-answer.json", {}, 2),
        ("one.json", {HOST: 1, PORT: 1, WEAKNESS: 1}, 0),
        ("many-2.5.json", {HOST: 1, INFO: 4}, 0),
        ("many-2.5-targets.json", {HOST: 1, INFO: 4}, 2),
        ("many-3.0.json", {HOST: 1, PORT: 1, WEAKNESS: 5, INFO: 1}, 0),
        ("many-3.9.json", {HOST: 1, PORT: 1, WEAKNESS: 7, INFO: 1}, 0),
        ("many-3.9-pretty.json", {HOST: 1, PORT: 1, WEAKNESS: 7, INFO: 1}, 0),
        ("many-3.9-targets.json", {HOST: 1, PORT: 1, WEAKNESS: 7, INFO: 1}, 2),
        ("many-3.9-unresolved.json", {HOST: 1, PORT: 1, WEAKNESS: 7, INFO: 1}, 1),
        ("hostile.json", {HOST: 3, PORT: 2, WEAKNESS: 3, INFO: 3}, 11),
    ],
)
def test_counts_in_are_counts_out(name: str, kinds: dict[str, int], skipped: int) -> None:
    result = fixture(SshAuditReader, f"ssh_audit/{name}")
    assert Counter(record.kind for record in result.records) == kinds
    assert result.reader.skipped.count == skipped


def test_what_the_lab_shows() -> None:
    found = fixture(SshAuditReader, "ssh_audit/many-3.9.json").rules(WEAKNESS)
    one = found["critical.del.mac"]
    assert one.asset is not None and one.port is not None
    assert (one.asset.addresses, one.port.id, one.port.service) == (["10.89.1.2"], "tcp/22", "ssh")
    assert one.port.product == "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"
    assert (one.severity, one.grade) == ("critical", "medium")
    assert one.facts["algorithms"] == ["hmac-sha1", "hmac-sha1-etm@openssh.com"]
    changed = found["warning.chg.kex"]
    assert changed.grade == "low" and "3072 bits" in changed.wording
    assert found["additional_notes.throttling"].facts["cve"] == ["CVE-2002-20001"]


def test_an_algorithm_that_an_old_version_does_not_know_is_no_weakness() -> None:
    """3.0 fails kex-strict-s-v00, which protects from Terrapin: taking it away would be a weakness."""
    result = fixture(SshAuditReader, "ssh_audit/many-3.0.json")
    assert not any("kex-strict" in record.wording for record in result.of(WEAKNESS))
    assert result.rules(INFO)["unknown.kex"].wording == "sntrup761x25519-sha512, kex-strict-s-v00@openssh.com"


def test_what_is_judged_but_not_recommended_is_not_lost() -> None:
    notes = '{"fail": ["using broken SHA-1 hash algorithm"]}, "keysize": 2048'
    content = f"""{{"banner": {{"raw": "SSH-2.0-Cisco-1.25"}}, "target": "10.0.0.1:22", "recommendations": {{}},
        "mac": [{{"algorithm": "hmac-sha1", "notes": {notes}}}]}}"""
    [one] = read(SshAuditReader(), content.encode()).of(WEAKNESS)
    assert (one.rule, one.grade, one.facts["algorithms"]) == ("critical.del.mac", "medium", ["hmac-sha1"])


def test_a_cve_is_graded_by_its_score() -> None:
    [one] = fixture(SshAuditReader, "ssh_audit/one.json").of(WEAKNESS)
    assert (one.rule, one.severity, one.grade, one.facts["cvss"]) == ("CVE-2016-7406", "10.0", "high", 10.0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("many-2.5-targets.json", "line 2: ssh-audit: did not receive banner: timed out"),
        ("many-3.9-targets.json", "line 2: ssh-audit: did not receive banner: timed out"),
        ("empty-3.9-no-answer.json", "line 2: ssh-audit: did not receive banner: timed out"),
        ("many-3.9-unresolved.json", "line 1: ssh-audit: cannot connect to nowhere.invalid port 22"),
    ],
)
def test_plain_text_between_the_elements_is_taken_out_and_said(name: str, said: str) -> None:
    skipped = fixture(SshAuditReader, f"ssh_audit/{name}").reader.skipped.first
    assert any(f"{one['place']}: {one['reason']}".startswith(said) for one in skipped)


def test_a_banner_cannot_take_elements_out() -> None:
    banner = 'x", [exception] y, {'.replace('"', '\\"')
    content = f'[{{"banner": {{"raw": "{banner}"}}, "target": "10.0.0.1:22", "kex": ["a"], "recommendations": {{}}}}]'
    result = read(SshAuditReader(), content.encode())
    assert result.error is None and len(result.of(HOST)) == 1
    assert result.reader.skipped.count == 0


def test_all_targets_failed() -> None:
    content = b"[[exception] cannot connect to a port 22: no, [exception] cannot connect to b port 22: no]\n"
    beginning = head(content)
    assert beginning is not None and SshAuditReader.recognise(beginning)
    result = read(SshAuditReader(), content)
    assert (result.records, result.error, result.reader.skipped.count) == ([], None, 2)


def test_targets() -> None:
    result = fixture(SshAuditReader, "ssh_audit/hostile.json")
    ports = {r.asset.addresses[0]: r.port.number for r in result.of(PORT) if r.asset and r.asset.addresses and r.port}
    assert ports == {"2001:db8::5": 2222}
    assert "2001:db8::6" in {address for r in result.of(HOST) if r.asset for address in r.asset.addresses}


def test_an_old_version_judges_nothing_and_closes_nothing() -> None:
    reader = fixture(SshAuditReader, "ssh_audit/many-2.5.json").reader
    assert reader.info["closes"] is False
    assert any("before 3.0" in note for note in reader.notes)


def test_cut_everywhere() -> None:
    for name in ("one.json", "many-2.5-targets.json"):
        cut_everywhere(SshAuditReader, (FOLDER / name).read_bytes())
    cut_everywhere(SshAuditReader, (FOLDER / "many-3.9-pretty.json").read_bytes(), step=37)


def test_others_are_not_taken() -> None:
    for text in ('{"banner": 1, "target": 2}', '[{"kex": []}]', "[]"):
        beginning = head(text.encode())
        assert beginning is not None and not SshAuditReader.recognise(beginning)
