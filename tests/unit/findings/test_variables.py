# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.care.remediation.plugins.module_utils.findings import variables
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import DOMAIN, REPORTS, SID, account, audit, merged

SIDES = {DOMAIN: {"directory"}, "web1": {"host"}}


class Loader(yaml.SafeLoader):
    """Reads !unsafe as what it is."""


Loader.add_constructor("!unsafe", lambda loader, node: variables.Unsafe(loader.construct_scalar(node)))  # type: ignore[arg-type]


def load(text: str) -> Any:
    return yaml.load(text, Loader=Loader)


@pytest.fixture
def findings(controls: Any, inventory: Any, tmp_path: Path) -> dict[str, Any]:
    live = audit(
        tmp_path / "audit.json",
        [
            account("vuln_guest", "{{ lookup('pipe','id') }}", 501),
            account("vuln_spn_priv", "svc", 1301, level=1, spns=["MSSQL/a", "{% raw %}"]),
        ],
        evaluated=["vuln_user_accounts_machineaccountquota"],
    )
    return merged(controls, inventory, live, REPORTS / "nmap-web1.xml", REPORTS / "pingcastle-full.xml")


def test_only_what_is_approved_is_asked_for(controls: Any, findings: Any) -> None:
    approved = [f["id"] for f in findings["findings"] if f["control"] in ("vuln_guest", "vuln_spn_priv", "expo_telnet")]
    made = variables.build(findings["findings"], approved, controls, SIDES)
    domain, web = made.hosts[DOMAIN], made.hosts["web1"]
    assert domain["care_accounts_disable_guest"] == [{"identity": f"{SID}-501", "label": "{{ lookup('pipe','id') }}"}]
    assert domain["care_accounts_remove_spn"][0]["spns"] == ["MSSQL/a", "{% raw %}"]
    assert domain["care_accounts_require_preauth"] == [] and domain["care_domain_dsheuristics"] == {}
    assert domain["care_krbtgt_rotate"] is False and "care_domain_machine_account_quota" not in domain
    assert web["care_services_telnet_disabled"] is True and web["care_services_ftp_disabled"] is False
    assert web["care_firewall_close"] == [] and "care_accounts_disable_guest" not in web


def test_what_is_fixed_is_withdrawn(controls: Any) -> None:
    made = variables.build([], [], controls, SIDES)
    for table in made.hosts.values():
        assert table and all(value in ([], {}, False) for value in table.values())


def test_a_finding_without_a_usable_object_asks_for_nothing(controls: Any, inventory: Any) -> None:
    findings = merged(controls, inventory, REPORTS / "pingcastle-full.xml")
    approved = [f["id"] for f in findings["findings"]]
    made = variables.build(findings["findings"], approved, controls, SIDES)
    left = {f["control"] for f in made.without}
    assert {"vuln_guest", "vuln_kerberos_properties_preauth_priv", "vuln_dont_expire"} <= left
    assert made.hosts[DOMAIN]["care_accounts_disable_guest"] == []
    assert made.hosts[DOMAIN]["care_domain_machine_account_quota"] == 0  # a setting of the domain needs no object


def test_every_text_is_unsafe(controls: Any, findings: Any) -> None:
    approved = [f["id"] for f in findings["findings"]]
    made = variables.build(findings["findings"], approved, controls, SIDES)

    def texts(value: Any) -> Any:
        if isinstance(value, dict):
            for item in value.values():
                yield from texts(item)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)
        elif isinstance(value, str):
            yield value

    for table in made.hosts.values():
        found = list(texts(load(variables.render(table))))
        assert found and all(isinstance(text, variables.Unsafe) for text in found)


@given(st.recursive(st.text(max_size=40), lambda inner: st.lists(inner, max_size=3), max_leaves=6))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_unsafe_and_unchanged(value: Any) -> None:
    text = variables.render({"care_x": value})
    assert "{{" not in text or "!unsafe" in text
    again = load(text)["care_x"]
    assert again == value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=12,
)


class Dumper(yaml.SafeDumper):
    """PyYAML's own writer, as the one that ours must agree with to the byte."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


Dumper.add_representer(variables.Unsafe, variables._represent)


def marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: marked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [marked(item) for item in value]
    return variables.Unsafe(value) if isinstance(value, str) else value


@given(value=st.dictionaries(st.from_regex(r"care_[a-z]{1,4}", fullmatch=True), VALUES, max_size=4))
@settings(max_examples=500, deadline=None)
def test_the_text_is_what_pyyaml_writes(value: dict[str, Any]) -> None:
    reference = yaml.dump(
        marked(value), Dumper=Dumper, allow_unicode=True, sort_keys=True, width=1 << 30, default_flow_style=False
    )
    assert variables.render(value) == variables.HEADER + reference


@pytest.mark.parametrize("key", ["", "a b", "a: b", "{{ x }}", "é", "a\n", "x" * 65])
def test_a_key_that_could_be_anything_else_is_refused(key: str) -> None:
    with pytest.raises(variables.VariablesError, match="cannot be the name"):
        variables.render({"care_x": {key: 1}})


def test_ten_thousand_hosts_only_what_changed_is_written(tmp_path: Path) -> None:
    hosts = {f"pc-{number:05d}": {"care_firewall_close": [{"port": number}]} for number in range(10_000)}
    assert len(variables.write(tmp_path, hosts)) == 10_000
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob(f"*/{variables.FILE}")}
    hosts["pc-00007"]["care_firewall_close"] = []
    assert variables.write(tmp_path, dict(reversed(hosts.items()))) == [tmp_path / "pc-00007" / variables.FILE]
    assert sum(path.stat().st_mtime_ns != stamp for path, stamp in stamps.items()) == 1
    assert not list(tmp_path.glob("*/.*"))


def test_files_are_written_whole_private_and_only_when_they_change(tmp_path: Path) -> None:
    hosts = {"web1": {"care_b": [], "care_a": ["x"]}}
    assert variables.write(tmp_path, hosts) == [tmp_path / "web1" / variables.FILE]
    path = tmp_path / "web1" / variables.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().index("care_a") < path.read_text().index("care_b")
    assert variables.write(tmp_path, hosts) == []
    assert variables.generated_hosts(tmp_path) == ["web1"]


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "web1" / variables.FILE
    path.parent.mkdir()
    path.write_text("mine: true\n")
    with pytest.raises(variables.VariablesError, match="was not written by"):
        variables.write(tmp_path, {"a": {}, "web1": {}})
    assert path.read_text() == "mine: true\n" and not (tmp_path / "a").exists()


@pytest.mark.parametrize("name", ["web1.yml", "web1.yaml", "web1.json", "web1"])
def test_a_file_that_the_folder_would_hide_from_ansible_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("ansible_host: 10.0.0.1\n")
    with pytest.raises(variables.VariablesError, match="Move it to"):
        variables.write(tmp_path, {"web1": {}})
    assert (tmp_path / name).read_text() == "ansible_host: 10.0.0.1\n"


def test_links_and_strange_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "web1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(variables.VariablesError, match="symbolic link"):
        variables.write(tmp_path, {"web1": {}})
    for name in ("../x", "a/b", "..", "", "a\0b"):
        with pytest.raises(variables.VariablesError, match="folder name"):
            variables.path_of(tmp_path, name)
