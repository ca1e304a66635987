"""An ORADAD dump judged like a live directory, and dumps that are damaged, incomplete, encrypted or not ours."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory import sid as sids
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import dump as dumps
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad import holes, values
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.dump import DumpError, open_dump
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.reader import DumpReader
from ansible_collections.care.remediation.plugins.module_utils.directory.oradad.reading import read_dump
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot_reader import read_snapshot
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from controls.domain import BASE, DOMAIN
from controls.test_snapshot_reader import CONFIG, FakeSession, account, raw, world
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from doubles.oradad import Collector, archive

SCHEMA = f"CN=Schema,{CONFIG}"
DNS = "chu-valmont.test"
TAKEN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
ROOT_DSE = {
    "dNSHostName": ["dc1.chu-valmont.test"],
    "defaultNamingContext": [BASE],
    "configurationNamingContext": [CONFIG],
    "schemaNamingContext": [SCHEMA],
    "rootDomainNamingContext": [BASE],
    "tokenGroups": ["S-1-5-11", "S-1-5-32-544", f"{DOMAIN}-500"],
}
POLICY = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
SYSVOL = [
    ("", "Policies", b""),
    (POLICY, f"Policies\\{POLICY}", b"sd"),
    (POLICY, f"Policies\\{POLICY}\\Machine\\Registry.pol", b"sd"),
]
THRESHOLDS = catalogue.for_audit()["thresholds"]


def objects() -> dict[str, dict[str, Any]]:
    """The small domain of the snapshot tests, whole enough for a collector: every object has its class and GUID."""
    made = world()
    for dn in list(made):
        above = dn.partition(",")[2]
        while above and above not in made and above.endswith(BASE):
            made[above] = {"objectClass": ["top", "container"]}
            above = above.partition(",")[2]
    for facts in made.values():
        facts.setdefault("objectClass", ["top", "container"])
        facts.setdefault("objectGUID", b"\x11" * 16)
        facts.setdefault("nTSecurityDescriptor", b"sd")
        if "sAMAccountType" in facts and "computer" not in facts["objectClass"]:
            machine = facts["sAMAccountType"] == 805306369
            facts["objectClass"] = ["top", "person", "user", *(["computer"] if machine else [])]
        if "group" in facts["objectClass"]:
            facts["sAMAccountType"] = 268435456
    made[BASE] |= {"objectClass": ["top", "domain", "domainDNS"], "objectSid": sids.to_bytes(DOMAIN)}
    # absent attributes that a Windows directory has
    for dn, facts in made.items():
        if dn == f"CN=CHUVALMONT,CN=Partitions,{CONFIG}":
            facts["dnsRoot"] = [DNS]
        if f"CN=Partitions,{CONFIG}" == dn:
            facts["objectClass"] = ["top", "crossRefContainer"]
        if dn.startswith("CN=Directory Service,"):
            facts["objectClass"] = ["top", "nTDSService"]
    return made


def partitions(made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    split: dict[str, list[Any]] = {"domain": [], "configuration": [], "schema": []}
    for dn, facts in made.items():
        place = "schema" if dn.endswith(SCHEMA) else "configuration" if dn.endswith(CONFIG) else "domain"
        split[place].append((dn, {name: raw(value) for name, value in facts.items()}))
    return split


def collect(folder: Path, made: dict[str, dict[str, Any]] | None = None, **options: Any) -> Path:
    return Collector(**options).write(
        folder,
        dns=DNS,
        partitions=partitions(objects() if made is None else made),
        root_dse=ROOT_DSE,
        taken=TAKEN,
        sysvol=SYSVOL,
    )


def judged(root: Path | str, **options: Any) -> Snapshot:
    return read_dump(str(root), trustees=lambda _: [], thresholds=THRESHOLDS, **options).snapshot


def live(made: dict[str, dict[str, Any]]) -> Snapshot:
    return read_snapshot(FakeSession(made), trustees=lambda _: [], thresholds=THRESHOLDS, now=TAKEN).snapshot


def facts_of(snapshot: Snapshot) -> dict[str, Any]:
    """What the two readings must agree on: everything but when, through whom, and what a dump cannot hold."""
    shown = {name: getattr(snapshot, name) for name in snapshot.__dataclass_fields__}
    for name in ("taken", "connected_sid", "collector", "pool", "notes", "unreadable", "thresholds", "names"):
        shown.pop(name)
    shown["accounts"] = sorted(
        (replace(each, descriptor=None, pwd_last_set=whole(each.pwd_last_set), last_logon=whole(each.last_logon))
         for each in snapshot.accounts), key=lambda each: each.sid)  # fmt: skip
    shown["secured"] = sorted((replace(each, descriptor=None) for each in snapshot.secured), key=lambda each: each.dn)
    shown["enrolment"] = None
    shown.pop("policy_files")  # read over SMB after the rest
    for name, value in shown.items():
        if isinstance(value, list):
            shown[name] = sorted(value, key=repr)
    return shown


def whole(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(microsecond=0)


def test_a_dump_and_the_directory_it_was_taken_from_give_the_same_snapshot(tmp_path: Path) -> None:
    made = objects()
    there, read = live(made), judged(collect(tmp_path, made))
    assert facts_of(read) == facts_of(there)
    # the double collects no msDS-GroupMSAMembership
    assert set(read.unreadable) - set(there.unreadable) == {"readers of managed passwords"}
    assert (read.taken, read.collector, read.connected_sid) == (TAKEN, "3.6.0.218", None)
    assert "ages count from then" in read.notes[-2]


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_a_zip_archive(tmp_path: Path, separator: str) -> None:
    root = collect(tmp_path / "a")
    packed = archive(root, tmp_path / "collecte.zip", separator)
    assert facts_of(judged(packed)) == facts_of(judged(root))


def test_nothing_temporary_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive(collect(tmp_path / "a"), tmp_path / "collecte.zip")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    judged(packed)
    assert list(scratch.iterdir()) == []


def test_the_newest_collection_of_a_folder(tmp_path: Path) -> None:
    made = objects()
    collect(tmp_path, made)
    made[BASE]["ms-DS-MachineAccountQuota"] = 3
    later = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    Collector().write(tmp_path, dns=DNS, partitions=partitions(made), root_dse=ROOT_DSE, taken=later)
    assert judged(tmp_path).machine_account_quota == 3


def test_a_header_row_is_not_an_object(tmp_path: Path) -> None:
    assert facts_of(judged(collect(tmp_path / "a", header=True))) == facts_of(judged(collect(tmp_path / "b")))


def test_deleted_objects_are_not_there(tmp_path: Path) -> None:
    made = objects()
    gone = f"CN=parti\\0ADEL:0123,CN=Deleted Objects,{BASE}"
    made[gone] = account(1999, "parti")[1] | {"objectClass": ["top", "user"], "isDeleted": "TRUE"}
    assert "parti" not in {each.label for each in judged(collect(tmp_path, made)).accounts}


def test_a_password_that_must_be_changed_is_not_an_unreadable_one(tmp_path: Path) -> None:
    made = objects()
    dn, facts = account(1201, "benoît")
    made[dn] = {**made[dn], **facts, "objectClass": ["top", "user"], "pwdLastSet": 0}
    read = judged(collect(tmp_path, made))
    benoit = next(each for each in read.accounts if each.label == "benoît")
    assert (benoit.pwd_known, benoit.pwd_last_set) == (True, None)


def test_names_with_semicolons_tabs_and_line_feeds(tmp_path: Path) -> None:
    made = objects()
    dn, facts = account(1777, "élève;1", dn=f"CN=Bis\\;Tab\tRet\nour 😀,OU=Unité de soins d'urgence,{BASE}")
    made[dn] = facts | {"objectClass": ["top", "user"]}
    admins = f"CN=Admins du domaine,CN=Users,{BASE}"
    made[admins]["member"].append(dn)
    read = judged(collect(tmp_path, made))
    assert "élève;1" in {each.label for each, _why in read.privileged_accounts()}
    assert read.privileged.foreign == {}


# --- what a dump does not hold -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "part", "reason"),
    [
        ({"leave_out": ("pwdLastSet",)}, "password dates", "holds no attribute pwdlastset"),
        ({"leave_out": ("lastLogonTimestamp",)}, "logon dates", "lastlogontimestamp"),
        ({"leave_out": ("userAccountControl",)}, "account flags", "useraccountcontrol"),
        ({"leave_out": ("nTSecurityDescriptor",)}, "object descriptors", "ntsecuritydescriptor"),
        ({"leave_out": ("msDS-AllowedToDelegateTo",)}, "accounts", "msds-allowedtodelegateto"),
        ({"leave_out": ("dNSProperty",)}, "DNS zones", "dnsproperty"),
        ({"level": 2}, "domain object", "level 2 of 4"),  # the quota is collected from level 3
        ({"leave_out_tables": ("user",)}, "accounts", "user.tsv is not named in tables.tsv"),
        ({"leave_out_tables": ("nTDSService",)}, "dSHeuristics", "holds no attribute dsheuristics"),
        ({"leave_out_tables": ("crossRefContainer",)}, "functional levels", "holds no table of the class of CN=Partit"),
        ({"leave_out_tables": ("group",)}, "privileged groups", "group.tsv is not named"),
        ({"leave_out_tables": ("trustedDomain",)}, "trusts", "holds no attribute "),
        ({"leave_out_tables": ("passwordSettings",)}, "password settings objects", "holds no attribute msds-"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_was_not_collected_is_unreadable(tmp_path: Path, options: Any, part: str, reason: str) -> None:
    unreadable = judged(collect(tmp_path, **options)).unreadable
    assert part in unreadable, unreadable
    assert reason in unreadable[part]


def test_every_step_of_the_reading_says_which_parts_it_fills() -> None:
    durations = read_snapshot(FakeSession(world()), trustees=lambda _: []).durations
    assert set(durations) == set(holes.STEPS)
    assert {step for step, _attribute in holes.NARROW} <= set(holes.STEPS)


@pytest.mark.parametrize("header", [False, True])
def test_access_lists_of_the_files_of_policies(tmp_path: Path, header: bool) -> None:
    read = judged(collect(tmp_path, header=header))
    assert read.policy_files is not None
    assert {key: [each.path for each in files] for key, files in read.policy_files.items()} == {
        POLICY.lower(): ["", "Machine\\Registry.pol"]
    }
    assert "files of group policies" not in read.unreadable


def test_without_sysvol_its_access_lists_are_unreadable(tmp_path: Path) -> None:
    root = collect(tmp_path)
    tables = root / "tables.tsv"
    tables.write_bytes(b"\n".join(line for line in tables.read_bytes().split(b"\n") if b"sysvol" not in line))
    assert "<process_sysvol>1" in judged(root).unreadable["files of group policies"]
    whole_root = collect(tmp_path / "b")
    cut(whole_root / "domain" / DNS / "sysvol.tsv")
    assert "sysvol.tsv: line 2: the file is cut off" in judged(whole_root).unreadable["files of group policies"]


# --- damaged dumps -------------------------------------------------------------------------------------------------


def users(root: Path) -> Path:
    return root / "domain" / DNS / "user.tsv"


def cut(path: Path, keep: float = 0.6) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) // 2 * 2])


def lines_of(path: Path) -> int:
    return path.read_bytes().decode("utf-16").count("\r\n")


def test_a_table_that_was_cut_off_names_file_and_line(tmp_path: Path) -> None:
    root = collect(tmp_path)
    cut(users(root))
    whole_lines = lines_of(users(root))
    read = judged(root)
    expected = f"domain/{DNS}/user.tsv: line {whole_lines + 1}: the file is cut off in the middle of a row"
    assert read.unreadable["accounts"] == expected
    assert f"{expected}." in read.notes
    assert len([each for each in read.accounts if each.kind == "user"]) == whole_lines  # nothing else is lost
    assert "DNS zones" not in read.unreadable


def test_a_cut_off_table_of_one_class_takes_its_part_only(tmp_path: Path) -> None:
    root = collect(tmp_path)
    cut(root / "domain" / DNS / "passwordSettings.tsv")
    unreadable = judged(root).unreadable
    assert "passwordSettings.tsv: line 1: the file is cut off" in unreadable["password settings objects"]
    assert "accounts" not in unreadable


def test_a_cut_off_table_that_held_the_one_object(tmp_path: Path) -> None:
    root = collect(tmp_path)
    cut(root / "configuration" / "nTDSService.tsv")
    assert "nTDSService.tsv: line 1: the file is cut off" in judged(root).unreadable["dSHeuristics"]


def test_damage_anywhere_is_said_and_never_a_crash(tmp_path: Path) -> None:
    """Every table cut at some place: what is lost is unreadable, or the dump is refused; nothing is made up."""
    root = collect(tmp_path)
    whole_read = judged(root)
    known = {each.sid for each in whole_read.accounts}
    for number, path in enumerate(sorted(root.rglob("*.tsv"))):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * (number % 7 + 1) // 9])
        try:
            read = judged(root)
        except DumpError as error:
            assert path.name in str(error)
        else:
            assert {each.sid for each in read.accounts} <= known
            if len(path.read_bytes()) > 2 and path.name != "metadata.tsv":
                assert any(path.name in reason for reason in [*read.unreadable.values(), *read.notes]), path
        path.write_bytes(content)


def test_a_table_whose_rows_do_not_fit(tmp_path: Path) -> None:
    root = collect(tmp_path)
    text = users(root).read_bytes().decode("utf-16")
    users(root).write_bytes(b"\xff\xfe" + text.replace("\t", "", 1).encode("utf-16-le"))
    assert "user.tsv: line 1: " in judged(root).unreadable["accounts"]
    assert "are announced" in judged(root).unreadable["accounts"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-be", "cp1252"])
def test_a_table_saved_in_another_encoding(tmp_path: Path, encoding: str) -> None:
    root = collect(tmp_path)
    text = users(root).read_bytes().decode("utf-16")
    start = b"\xfe\xff" if encoding == "utf-16-be" else b""
    users(root).write_bytes(start + text.encode(encoding, "replace"))
    assert "user.tsv: line 1: not UTF-16LE as ORADAD writes it" in judged(root).unreadable["accounts"]


def test_a_missing_file(tmp_path: Path) -> None:
    root = collect(tmp_path)
    (root / "domain" / DNS / "computer.tsv").unlink()
    assert judged(root).unreadable["accounts"] == f"domain/{DNS}/computer.tsv is missing from the dump"


def test_a_cell_that_does_not_fit_its_type(tmp_path: Path) -> None:
    root = collect(tmp_path)
    text = users(root).read_bytes().decode("utf-16")
    users(root).write_bytes(b"\xff\xfe" + text.replace("512", "beaucoup").encode("utf-16-le"))
    assert "useraccountcontrol: invalid literal" in str(judged(root).unreadable)


def test_a_list_of_tables_that_was_cut_off(tmp_path: Path) -> None:
    root = collect(tmp_path)
    path = root / "tables.tsv"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DumpError, match=r"tables\.tsv: line \d+: the file is cut off: "):
        judged(root)


def _encrypted(folder: Path) -> Path:
    (folder / "chu.test_20261121.mla").write_bytes(b"MLAENAAA" + bytes(100))
    return folder


def _mla_in_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as opened:
        opened.writestr("chu.test_20261121.mla", b"MLA")
    return folder / "a.zip"


def _text(folder: Path) -> Path:
    (folder / "rapport.txt").write_text("bonjour")
    return folder / "rapport.txt"


def _climbing(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as opened:
        opened.writestr("..\\..\\tables.tsv", b"x")
    return folder / "a.zip"


def _half_zip(folder: Path) -> Path:
    packed = archive(collect(folder / "a"), folder / "a.zip")
    packed.write_bytes(packed.read_bytes()[:2000])
    return packed


def _no_root_dse(folder: Path) -> Path:
    root = collect(folder)
    (root / "rootDSE.tsv").unlink()
    return root


def _no_domain(folder: Path) -> Path:
    root = collect(folder)
    path = root / "tables.tsv"
    path.write_bytes(b"\n".join(line for line in path.read_bytes().split(b"\n") if not line.startswith(b"domain")))
    return root


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (_encrypted, r"encrypted for ANSSI.*<outputMLA>0</outputMLA>"),
        (lambda folder: _encrypted(folder) / "chu.test_20261121.mla", "encrypted for ANSSI"),
        (_mla_in_zip, "encrypted for ANSSI"),
        (_text, "neither a folder nor a ZIP archive"),
        (_climbing, "outside its folder"),
        (_half_zip, "neither a folder nor a ZIP archive"),
        (lambda folder: folder, r"holds no tables\.tsv"),
        (lambda folder: folder / "nulle part", "there is no such file or folder"),
        (_no_root_dse, r"rootDSE\.tsv: rootDSE\.tsv is missing"),
        (_no_domain, "no table of a domain is named there"),
    ],
)  # fmt: skip
def test_a_dump_that_cannot_be_used_says_why(tmp_path: Path, build: Callable[[Path], Path], said: str) -> None:
    with pytest.raises(DumpError, match=said):
        judged(build(tmp_path))


def test_several_domains_ask_which(tmp_path: Path) -> None:
    root = collect(tmp_path)
    tables = root / "tables.tsv"
    tables.write_bytes(tables.read_bytes() + b"domain\\autre.test\\user.tsv\tx\tx\t1\tdn\tnvarchar(9)\n")
    with pytest.raises(DumpError, match=r"several domains \(autre\.test, chu-valmont\.test\): say which one"):
        judged(root)
    assert judged(root, domain="CHU-Valmont.test").dns_name == DNS
    with pytest.raises(DumpError, match=r"holds no domain ailleurs\.test; it holds autre\.test, chu-valmont\.test"):
        judged(root, domain="ailleurs.test")


def test_rows_longer_than_a_chunk_come_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    long = "é" * 1_500_000
    path.write_bytes(b"\xff\xfe" + f"a\t{long}\r\nb\tĊ\u0d00\r\n".encode("utf-16-le"))
    table = dumps.Table("t.tsv", "t", (), (("dn", "nvarchar"), ("x", "nvarchar")), path)
    assert [cells for _at, _length, cells in dumps.rows(table)] == [["a", long], ["b", "Ċ\u0d00"]]
    assert table.broken is None


CELL = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(CELL, CELL), max_size=6), st.floats(0, 1))
def test_rows_come_back_and_a_cut_gives_a_beginning(written: list[tuple[str, str]], share: float) -> None:
    content = b"\xff\xfe" + "".join(f"{one}\t{two}\r\n" for one, two in written).encode("utf-16-le")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.tsv")
        for size in (len(content), int(len(content) * share)):
            path.write_bytes(content[:size])
            table = dumps.Table("t.tsv", "t", (), (("dn", "nvarchar"), ("x", "nvarchar")), path)
            read = [(cells[0], cells[1], start, length) for start, length, cells in dumps.rows(table)]
            assert [each[:2] for each in read] == written[: len(read)]
            for one, two, start, length in read:
                assert content[start : start + length].decode("utf-16-le") == f"{one}\t{two}"
            ends = {2, *(start + length + 4 for _one, _two, start, length in read)}
            assert (table.broken is None) == (size in ends or size == 0)


@given(st.sampled_from(["nvarchar(9)", "varchar(9)", "int", "bigint", "datetime2", "uniqueidentifier", "tinyint", "x"]),
       st.text(max_size=30))  # fmt: skip
def test_any_cell_is_decoded_or_refused(kind: str, cell: str) -> None:
    try:
        decoded = values.decode("member", kind, cell)
    except ValueError:
        return
    assert all(isinstance(each, bytes) for each in decoded)


@pytest.mark.parametrize(
    ("attribute", "kind", "cell", "expected"),
    [
        ("pwdlastset", "datetime2", "2999-12-12 23:59:59", [b"9223372036854775807"]),
        ("pwdlastset", "datetime2", "1601-01-02 00:00:00", [b"864000000000"]),
        ("whencreated", "datetime2", "2026-11-21 03:00:01", [b"20261121030001.0Z"]),
        ("objectsid", "varchar(60)", "S-1-5-32-544", [sids.to_bytes("S-1-5-32-544")]),
        ("dnsproperty", "varchar(max)", "0aff;00", [b"\x0a\xff", b"\x00"]),
        ("msds-computerallowedtoauthenticateto", "varchar(9)", "O:SYD:(A;;GA;;;SY)", []),
        ("objectguid", "uniqueidentifier", "00112233-4455-6677-8899-aabbccddeeff",
         [bytes.fromhex("33221100554477668899aabbccddeeff")]),
        ("isdeleted", "tinyint", "1", [b"TRUE"]),
        ("uac", "int", "-1", [b"-1"]),
        ("gplink", "nvarchar(max)", "[LDAP://cn=a;0][LDAP://cn=b;2]", [b"[LDAP://cn=a;0][LDAP://cn=b;2]"]),
        ("member", "nvarchar(max)", r"CN=a\;b,DC=x;CN=c,DC=x", [rb"CN=a\;b,DC=x", b"CN=c,DC=x"]),
        ("cn", "nvarchar(9)", "", []),
    ],
)  # fmt: skip
def test_cells(attribute: str, kind: str, cell: str, expected: list[bytes]) -> None:
    assert values.decode(attribute, kind, cell) == expected


@pytest.mark.parametrize("cell", ["zz", "S-1-x"])
def test_a_cell_that_is_not_binary(cell: str) -> None:
    with pytest.raises(ValueError, match=r"neither hexadecimal digits nor a SID|not a SID"):
        values.decode("objectsid", "varchar(9)", cell)


def test_who_collected_is_known_while_reading_only(tmp_path: Path) -> None:
    root = collect(tmp_path)
    with open_dump(str(root)) as opened, DumpReader(opened) as reader:
        assert reader.connected_sid == f"{DOMAIN}-500"
    assert judged(root).connected_sid is None


def test_an_object_below_another_and_members_of_a_group(tmp_path: Path) -> None:
    with open_dump(str(collect(tmp_path))) as opened, DumpReader(opened) as reader:
        unit = f"OU=Unité de soins d'urgence,{BASE}"
        below = [each.dn for each in reader.search(unit, "(objectClass=*)", ["cn"], scope="onelevel")]
        assert len(below) == 7
        assert [each.dn for each in reader.search(unit, "(objectClass=*)", ["cn"], scope="base")] == [unit]
        admins = f"CN=Admins du domaine,CN=Users,{BASE}"
        nested = [e.dn for e in reader.search(BASE, f"(&(objectClass=group)(memberOf={admins}))", ["objectSid"])]
        assert nested == [f"CN=Équipe (d'astreinte) *,CN=Users,{BASE}"]
        (found,) = reader.search(BASE, "(&(sAMAccountName=BENO*)(userAccountControl:1.2.840.113556.1.4.803:=512))", [])
        assert found.dn.startswith("CN=benoît,")
