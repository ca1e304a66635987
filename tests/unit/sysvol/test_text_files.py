# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GptTmpl.inf, gpt.ini and audit.csv: byte for byte but for what is set."""

from __future__ import annotations

import uuid

import pytest
from ansible_collections.care.remediation.plugins.module_utils.sysvol import audit_csv, inf
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError
from hypothesis import given
from hypothesis import strategies as st

TEMPLATE = (
    "[Unicode]\r\nUnicode=yes\r\n[System Access]\r\nMinimumPasswordLength = 7\r\nMaximumPasswordAge = 42\r\n"
    "; écrit à la main\r\n[Kerberos Policy]\r\nMaxTicketAge = 10\r\n[Registry Values]\r\n"
    r"MACHINE\System\CurrentControlSet\Control\Lsa\NoLMHash=4,1" + "\r\n"
    '[Service General Setting]\r\n"Spooler",4,""\r\n[Inconnu]\r\nquelque chose\r\n'
    '[Version]\r\nsignature="$CHICAGO$"\r\nRevision=1\r\n'
)
RAW = b"\xff\xfe" + TEMPLATE.encode("utf-16-le")
CREDENTIALS = uuid.UUID("0cce923f-69ae-11d9-bed3-505054503030")
LOGON = uuid.UUID("0cce9215-69ae-11d9-bed3-505054503030")
FRENCH = (
    audit_csv.HEADER + "\r\n"
    ",Système,Auditer la validation des informations d'identification,{0CCE923F-69AE-11D9-BED3-505054503030},"
    "Succès,,1\r\n"
    ',"Option",Option:CrashOnAuditFail,,Désactivé,,0\r\n'
)


def lines(raw: bytes) -> list[str]:
    return raw[2:].decode("utf-16-le").split("\r\n")


def test_a_key_in_its_place_and_nothing_else() -> None:
    document = inf.Document.parse(RAW)
    assert document.set("system access", "minimumpasswordlength", "12")
    before, after = lines(RAW), lines(document.to_bytes())
    assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == [
        ("MinimumPasswordLength = 7", "MinimumPasswordLength = 12")
    ]
    assert not document.set("System Access", "MinimumPasswordLength", "12")


def test_a_new_key_at_the_end_of_its_section_written_as_its_neighbours() -> None:
    document = inf.Document.parse(RAW)
    assert document.set("Registry Values", r"MACHINE\Software\X", "4,1")
    assert document.set("System Access", "PasswordComplexity", "1")
    after = lines(document.to_bytes())
    assert after[after.index(r"MACHINE\System\CurrentControlSet\Control\Lsa\NoLMHash=4,1") + 1] == (
        r"MACHINE\Software\X=4,1"
    )
    # after the comment: a line's neighbours stay together
    assert after[after.index("; écrit à la main") + 1] == "PasswordComplexity = 1"
    assert [line for line in after if line in lines(RAW)] == lines(RAW)


def test_a_new_section_at_the_end() -> None:
    document = inf.Document.parse(RAW)
    assert document.set("Privilege Rights", "SeDenyNetworkLogonRight", "*S-1-5-32-546")
    assert document.to_bytes() == RAW + (
        "[Privilege Rights]\r\nSeDenyNetworkLogonRight = *S-1-5-32-546\r\n".encode("utf-16-le")
    )


def test_reading() -> None:
    document = inf.Document.parse(RAW)
    assert document.get("SYSTEM ACCESS", "maximumpasswordage") == "42"
    assert document.get("System Access", "nothing") is None
    assert document.items("Inconnu") == [] and "Inconnu" in document.sections
    assert document.items("Kerberos Policy") == [("MaxTicketAge", "10")]


def test_a_repeated_key_becomes_one_and_can_be_removed() -> None:
    document = inf.Document.parse(b"[A]\nx=1\nx=2\ny=3")
    assert document.get("A", "x") == "2" and document.set("A", "x", "2")
    assert document.to_bytes() == b"[A]\nx=2\ny=3"
    assert document.remove("A", "X") and not document.remove("A", "x")
    assert document.set("A", "z", "4") and document.to_bytes() == b"[A]\ny=3\nz=4\n"


def test_gpt_ini_keeps_its_code_page() -> None:
    raw = "[General]\r\nVersion=65537\r\ndisplayName=Stratégie\r\n".encode("cp1252")
    document = inf.Document.parse(raw)
    assert document.to_bytes() == raw and document.get("General", "Version") == "65537"
    document.set("General", "Version", "65538")
    assert document.to_bytes() == raw.replace(b"65537", b"65538")


@pytest.mark.parametrize("bad", [("a\nb", "1"), ("a", "1\r\n[x]"), ("", "1"), ("a=b", "1"), ("a", "\0")])
def test_what_is_not_one_line_is_refused(bad: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not a line"):
        inf.new_template().set("S", *bad)


@given(st.binary(max_size=300))
def test_any_bytes_come_back_or_are_refused(raw: bytes) -> None:
    try:
        document = inf.Document.parse(raw)
    except FormatError:
        return
    assert document.to_bytes() == raw


inf_line = st.sampled_from(["[A]", "[B]", "[]", "x=1", "y = 2", "; c", "", "  x  =  3 ", "junk", "[A] ", "\u2028z=1"])


@given(st.lists(st.tuples(inf_line, st.sampled_from(["\r\n", "\n", "\r"]))), st.sampled_from(["x", "y", "neu"]))
def test_setting_touches_one_line(given_lines: list[tuple[str, str]], key: str) -> None:
    raw = b"\xff\xfe" + "".join(a + b for a, b in given_lines).encode("utf-16-le")
    document = inf.Document.parse(raw)
    assert document.to_bytes() == raw
    others = {s: [p for p in document.items(s) if p[0] != key] for s in ("A", "B")}
    document.set("A", key, "9")
    again = inf.Document.parse(document.to_bytes())
    assert [v for k, v in again.items("A") if k == key] == ["9"]
    assert {s: [p for p in again.items(s) if p[0] != key] for s in ("A", "B")} == {
        "A": others["A"], "B": others["B"]
    } if key not in dict(document.items("B")) else True  # fmt: skip


def test_an_odd_byte_is_refused() -> None:
    with pytest.raises(FormatError):
        inf.Document.parse(RAW + b"x")


def test_many_lines_are_not_quadratic() -> None:
    raw = b"a=1\n" * 500_000
    assert inf.Document.parse(raw).to_bytes() == raw


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig"])
def test_audit_rows_are_found_by_guid_in_any_language(encoding: str) -> None:
    raw = FRENCH.encode(encoding)
    policy = audit_csv.AuditPolicy.parse(raw)
    assert policy.to_bytes() == raw and policy.settings == {CREDENTIALS: 1}
    assert not policy.set(CREDENTIALS, 1)
    assert policy.set(CREDENTIALS, 3) and policy.set(LOGON, 3)
    kept = [line for line in raw.splitlines(True) if b"IDENTIFICATION" not in line.upper() and b"0CCE923F" not in line]
    assert [line for line in policy.to_bytes().splitlines(True) if line in kept] == kept
    assert audit_csv.AuditPolicy.parse(policy.to_bytes()).settings == {CREDENTIALS: 3, LOGON: 3}


def test_a_new_audit_file_is_what_windows_expects() -> None:
    policy = audit_csv.AuditPolicy()
    policy.set(CREDENTIALS, 3)
    assert policy.to_bytes().decode() == (
        audit_csv.HEADER + "\r\n,System,Audit Credential Validation,{0cce923f-69ae-11d9-bed3-505054503030},"
        "Success and Failure,,3\r\n"
    )


@given(st.binary(max_size=200))
def test_hostile_audit_files(raw: bytes) -> None:
    for given_raw in (raw, audit_csv.HEADER.encode() + b"\r\n" + raw):
        try:
            policy = audit_csv.AuditPolicy.parse(given_raw)
        except FormatError:
            continue
        assert policy.to_bytes() == given_raw
        assert isinstance(policy.settings, dict)
