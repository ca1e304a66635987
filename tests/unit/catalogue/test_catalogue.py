"""The catalogue is complete and agrees with everything that it names."""

from __future__ import annotations

import copy
import csv
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml
from ansible_collections.care.remediation.plugins.module_utils.controls.registry import CONTROLS
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

CONTROLS_PACKAGE = "ansible_collections.care.remediation.plugins.module_utils.controls"
ROOT = Path(__file__).resolve().parents[3]
FACTS = ROOT / "tests" / "fixtures" / "anssi"
ALL = catalogue.load()
FIRST_VERSION = {
    "vuln_kerberos_properties_preauth_priv", "vuln_kerberos_properties_preauth", "vuln_kerberos_properties_deskey",
    "vuln_dont_expire_priv", "vuln_dont_expire", "vuln_reversible_password_priv_uac", "vuln_guest",
    "vuln_user_accounts_machineaccountquota", "vuln_dsheuristics_bad", "vuln_delegation_t4d", "vuln_spn_priv",
    "vuln_privileged_members", "vuln_user_accounts_dormant", "vuln_krbtgt", "vuln_permissions_naming_context",
    "vuln_protected_users", "mie_ad_smartcard", "mie_ssh_otp", "expo_port", "expo_telnet", "expo_ftp",
    "expo_redis_unauthenticated", "expo_postgresql_public", "expo_tls_obsolete", "expo_ssh_password",
    "expo_ssh_root_password",
}  # fmt: skip


def rows(name: str) -> list[dict[str, str]]:
    with (FACTS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_control_of_the_first_version_is_there() -> None:
    assert set(ALL) >= FIRST_VERSION


def test_every_detection_has_its_entry_and_every_directory_control_its_detection() -> None:
    assert set(CONTROLS) <= set(ALL)
    judged = {each.id for each in ALL.values() if each.family == "directory"}
    assert judged - {"other_directory"} <= set(CONTROLS)  # which only reports name


@pytest.mark.parametrize("control", ALL.values(), ids=lambda each: each.id)
def test_levels_are_those_of_anssi(control: catalogue.Control) -> None:
    known = {row["control"]: row["levels"] for row in rows("controls.csv")}
    if control.id.startswith("vuln_"):
        assert list(control.levels) == [int(level) for level in known[control.id].split(",")]
    else:
        assert control.severity in ("critical", "high", "medium", "low")


@pytest.mark.parametrize("control", ALL.values(), ids=lambda each: each.id)
def test_pingcastle_rules_exist_and_belong_to_the_control(control: catalogue.Control) -> None:
    known = {row["rule"]: row["control"] for row in rows("pingcastle-rules.csv")}
    assert {rule: known.get(rule) for rule in control.pingcastle} == dict.fromkeys(control.pingcastle, control.id)


def test_rules_that_anssi_tags_are_mapped_or_left_out_knowingly() -> None:
    tagged = {row["rule"] for row in rows("pingcastle-rules.csv") if row["control"] in ALL}
    mapped = {rule for each in ALL.values() for rule in each.pingcastle}
    # another population than ANSSI's (see the catalogue file): the rule would prove nothing
    others = {"A-AdminSDHolder", "S-Domain$$$"}
    # a GPO and another attribute: the correction would not touch them (see the catalogue file)
    assert tagged - mapped == {"A-ReversiblePwd", "A-UnixPwd"} | others


def words(control: catalogue.Control) -> Iterator[tuple[str, str]]:
    for name in ("title", "why", "manual", "effect"):
        text = getattr(control, name)
        yield f"{name}.fr", text.fr
        yield f"{name}.en", text.en


@pytest.mark.parametrize("control", ALL.values(), ids=lambda each: each.id)
def test_texts_are_written_in_both_languages(control: catalogue.Control) -> None:
    assert control.title.fr != control.title.en
    for name, text in words(control):
        assert text == text.strip()
        assert len(text) < (120 if name.startswith("title") else 800), name
        if not name.startswith("title"):
            assert text.endswith((".", "?", "!", "…")), f"{name} is not a sentence: {text[-40:]}"
    for name, text in words(control):
        apart = re.search(r"[^\s][;!?»](?:\s|$)" if name.endswith(".fr") else r"[^\s]\s[;:!?](?:\s|$)", text)
        # French puts a space before these signs, English does not. Commands keep theirs.
        if apart is not None and not re.search(
            r"[};'0-9a-z.]\)?;|\);|^\w+\?$", text[max(0, apart.start() - 8) : apart.end()]
        ):
            raise AssertionError(f"{name}: spacing near {text[max(0, apart.start() - 15) : apart.end()]!r}")


def expressions(control: catalogue.Control) -> list[str]:
    fix = control.remediation
    if fix is None:
        return []
    return [*(fix.entry or {}).values(), *(fix.merge or ()), *([fix.each] if fix.each else [])]


@pytest.mark.parametrize("control", ALL.values(), ids=lambda each: each.id)
def test_expressions_only_use_what_findings_have(control: catalogue.Control) -> None:
    for expression in expressions(control):
        assert expression.split(".")[0] in ("object", "evidence", "control", "each")
        jmespath.compile(expression)


def role_file(control: catalogue.Control, *parts: str) -> Path | None:
    assert control.remediation is not None
    path = ROOT.joinpath("roles", control.remediation.role, *parts)
    if not (ROOT / "roles" / control.remediation.role).is_dir():
        return None
    return path


@pytest.mark.parametrize("control", [each for each in ALL.values() if each.remediation], ids=lambda each: each.id)
def test_role_and_variable_exist(control: catalogue.Control) -> None:
    fix = control.remediation
    assert fix is not None
    specs = role_file(control, "meta", "argument_specs.yml")
    assert specs is not None, f"there is no role {fix.role}"
    options = yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    assert fix.variable in options, f"{fix.role} has no variable {fix.variable}"
    kinds = {"list": {"list"}, "dict": {"dict"}, "value": {"bool", "int", "str"}}
    option = options[fix.variable]
    assert option["type"] in kinds[fix.shape]
    if fix.entry is not None and option.get("elements") == "dict" and "options" in option:
        assert set(fix.entry) <= set(option["options"]), f"{fix.variable} takes {sorted(option['options'])}"
        needed = {name for name, each in option["options"].items() if each.get("required")}
        assert needed <= set(fix.entry)


def tags(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for each in node:
            yield from tags(each)
    elif isinstance(node, dict):
        given = node.get("tags", [])
        yield from [given] if isinstance(given, str) else given
        for each in node.values():
            if isinstance(each, (list, dict)):
                yield from tags(each)


@pytest.mark.parametrize("control", [each for each in ALL.values() if each.remediation], ids=lambda each: each.id)
def test_a_task_of_the_role_is_tagged_with_the_control(control: catalogue.Control) -> None:
    folder = role_file(control, "tasks")
    assert folder is not None
    found = {tag for path in folder.glob("*.yml") for tag in tags(yaml.safe_load(path.read_text(encoding="utf-8")))}
    assert control.id in found


# --- the loader


GUEST: dict[str, Any] = yaml.safe_load((catalogue.DIRECTORY / "vuln_guest.yml").read_text(encoding="utf-8"))


def changed(**facts: Any) -> dict[str, Any]:
    return copy.deepcopy(GUEST) | facts


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param(changed(levels=[7]), "levels/0", id="level"),
        pytest.param(changed(severity="high"), "severity: is not allowed here", id="level and severity"),
        pytest.param({k: v for k, v in GUEST.items() if k != "why"}, "why", id="missing text"),
        pytest.param(changed(title={"fr": "Seulement en français"}), "title", id="one language"),
        pytest.param(changed(**{"class": "magic"}), "class", id="class"),
        pytest.param(changed(colour="red"), "colour", id="unknown key"),
        pytest.param(changed(id="vuln_other"), "must be named", id="file name"),
        pytest.param(changed(remediation={"role": "r", "variable": "care_x"}), "remediation", id="no shape"),
        pytest.param(
            changed(remediation={"role": "r", "variable": "care_x", "entry": {"a": "object..sid"}}),
            "JMESPath",
            id="query",
        ),
        pytest.param([], "whole file", id="not a mapping"),
        pytest.param(None, "whole file", id="empty"),
    ],
)
def test_a_wrong_file_is_named(document: Any, message: str) -> None:
    with pytest.raises(catalogue.CatalogueError, match=re.escape(message)) as error:
        catalogue.parse(document, name="catalogue/vuln_guest.yml")
    assert "vuln_guest.yml" in str(error.value)


def test_a_wrong_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(catalogue.CatalogueError, match=str(tmp_path)):
        catalogue.load(tmp_path)
    (tmp_path / "vuln_guest.yml").write_text("id: [", encoding="utf-8")
    with pytest.raises(catalogue.CatalogueError, match=r"vuln_guest\.yml"):
        catalogue.load(tmp_path)


def test_a_rule_belongs_to_one_control(tmp_path: Path) -> None:
    for name in ("vuln_guest", "vuln_krbtgt"):
        document = changed(id=name)
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
    with pytest.raises(catalogue.CatalogueError, match="A-Guest already belongs to vuln_guest"):
        catalogue.load(tmp_path)


def test_entries_of_each_shape() -> None:
    def entries(control: str, **finding: Any) -> list[dict[str, Any]]:
        fix = ALL[control].remediation
        assert fix is not None
        return fix.entries(finding)

    person = {"sid": "S-1-5-21-1-2-3-1105", "label": "hélène.d'aubigné"}
    assert entries("vuln_guest", object=person) == [{"identity": person["sid"], "label": person["label"]}]
    assert entries("vuln_guest", object={"sid": None, "label": "?"}) == []
    assert entries("vuln_guest") == []
    assert entries("vuln_spn_priv", object=person, evidence={"spns": []}) == []
    assert entries("vuln_krbtgt", object=person) == []
    assert entries("vuln_dsheuristics_bad", evidence={"position": "21", "expected": "0"}) == [{"21": "0"}]
    assert entries("vuln_dsheuristics_bad", evidence={}) == []
    member = {"memberships": [{"group_sid": "S-1-5-32-544"}, {"group_sid": "S-1-5-32-551"}]}
    assert [each["group"] for each in entries("vuln_privileged_members", object=person, evidence=member)] == [
        "S-1-5-32-544",
        "S-1-5-32-551",
    ]
    assert entries("vuln_privileged_members", object=person, evidence={}) == []


def port(service: str | None, number: int, **scripts: str) -> dict[str, Any]:
    return {"service": service, "port": number, "scripts": {k.replace("_", "-"): v for k, v in scripts.items()}}


@pytest.mark.parametrize(
    ("control", "seen", "expected"),
    [
        ("expo_telnet", port("telnet", 2323), True),
        ("expo_telnet", port(None, 23), True),
        ("expo_telnet", port("ssh", 22), False),
        ("expo_redis_unauthenticated", port("redis", 6379), False),
        ("expo_redis_unauthenticated", port("redis", 6379, redis_info="\n  Version: 7"), True),
        ("expo_redis_unauthenticated", port("redis", 6379, redis_info="ERROR: auth"), False),
        ("expo_tls_obsolete", port("https", 8443, ssl_enum_ciphers="\n  TLSv1.0: \n"), True),
        ("expo_tls_obsolete", port("https", 443, ssl_enum_ciphers="\n  TLSv1.2: \n"), False),
        ("expo_ssh_password", port("ssh", 22, ssh_auth_methods="\n  Supported:\n    publickey\n    password"), True),
        ("expo_ssh_password", port("ssh", 22, ssh_auth_methods="\n  Supported:\n    publickey"), False),
        ("expo_port", port("http", 80), False),
    ],
)
def test_nmap_hooks(control: str, seen: dict[str, Any], expected: bool) -> None:
    assert any(hook.matches(**seen) for hook in ALL[control].nmap) is expected


def test_the_edition_lists_the_scored_controls_with_their_levels() -> None:
    known = {row["control"]: tuple(int(level) for level in row["levels"].split(",")) for row in rows("controls.csv")}
    assert dict(catalogue.edition().scored) == known
    assert len(known) == 76
    assert catalogue.edition().version == "2026.1"


def test_a_wrong_edition_names_file_and_place(tmp_path: Path) -> None:
    wrong = tmp_path / "edition.yml"
    wrong.write_text(catalogue.EDITION.read_text(encoding="utf-8").replace("vuln_krbtgt: [2]", "vuln_krbtgt: [7]"))
    with pytest.raises(catalogue.CatalogueError, match=r"edition\.yml: scored/vuln_krbtgt/0: 7 is greater"):
        catalogue.edition(wrong)


def test_what_an_audit_is_given_is_plain_and_complete() -> None:
    given = catalogue.for_audit()
    assert json.loads(json.dumps(given)) == given
    assert given["thresholds"]["vuln_privileged_members"] == {"accounts": 50, "accounts_per_domain": 3}
    assert set(given["classes"]) == {each.id for each in ALL.values() if each.levels}


@pytest.mark.parametrize("control", [each for each in ALL.values() if each.thresholds], ids=lambda each: each.id)
def test_every_threshold_is_used_by_its_detection(control: catalogue.Control) -> None:
    programs = ROOT / "collections/care/remediation/plugins/module_utils"
    shared = [path for path in (programs / "controls").glob("*.py") if not path.name.startswith(("vuln_", "mie_"))]
    shared += (programs / "directory").rglob("*.py")
    sources = "".join(path.read_text(encoding="utf-8") for path in [programs / f"controls/{control.id}.py", *shared])
    # a detection may read a family of thresholds (one a build of Windows) by a pattern
    module = importlib.import_module(f"{CONTROLS_PACKAGE}.{control.id}") if control.id in CONTROLS else None
    patterns = [each for each in vars(module).values() if isinstance(each, re.Pattern)] if module else []
    unread = [name for name in control.thresholds if f'"{name}"' not in sources]
    assert [name for name in unread if not any(each.match(name) for each in patterns)] == [], "numbers nothing reads"
