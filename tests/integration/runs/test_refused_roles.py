"""The roles for hosts when the gate refuses their change: they leave out the look at its effect, and the host goes on.

The modules that read real services are replaced; planner, gate, journal and the roles' own tasks are the real ones.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import ROOT

SETTINGS = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    name = module.params.get("service") or module.params.get("setting")
    wanted = {"path": FOLDER + "/" + name + ".conf", "content": "wanted\\n", "mode": "0600"}
    module.exit_json(changed=False, files=[wanted], units=[], secrets={}, problems=[], notes=[], hazards=[],
                     enrolment={"missing": ["alice"], "unready": []})

if __name__ == "__main__":
    main()
"""
SERVICE = (
    "service",
    "redis_config",
    "redis_addresses",
    "redis_password_sha256",
    "postgresql_addresses",
    "postgresql_trust",
)
SSH = (
    *("setting", "connecting_user", "break_glass_accounts", "automation_accounts", "group", "users_file", "window"),
    *("digits", "with_secret", "install"),
)
# Each looks at its effect in a way that fails on this machine, where the service is not as wanted or not there at all.
SWITCHES = (
    "care_services_telnet_disabled",
    "care_services_redis_secured",
    "care_services_postgresql_secured",
)


@pytest.fixture
def collections(site: Any, tmp_path: Path) -> Path:
    """A copy of the collection whose modules that look at real services say what the test wants."""
    target = tmp_path / "collections" / "ansible_collections" / "care" / "remediation"
    shutil.copytree(ROOT / "collections/care/remediation", target)
    lists = {"redis_addresses", "postgresql_addresses", "break_glass_accounts", "automation_accounts", "with_secret"}
    for name, options in (("host_service_settings", SERVICE), ("host_ssh_settings", SSH)):
        spec = {option: {"type": "list" if option in lists else "raw"} for option in options}
        text = SETTINGS.replace("ARGUMENTS", repr(spec)).replace("FOLDER", repr(str(site.files)))
        (target / "plugins" / "modules" / f"{name}.py").write_text(text)
    return target.parents[2]


def roles(planned: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("service_hardening", "ssh_hardening", "mie_ssh")
    imported = [{"name": name, "ansible.builtin.import_role": {"name": f"care.remediation.{name}"}} for name in names]
    return [*imported, planned(("{{ inventory_hostname }}-last", "là\n"), control="expo_last")]


@pytest.fixture
def ready(site: Any, collections: Path, monkeypatch: pytest.MonkeyPatch, planned: Callable[..., dict[str, Any]]) -> Any:
    own = type(site).environment
    monkeypatch.setattr(
        type(site),
        "environment",
        lambda self: {
            **own(self),
            "ANSIBLE_COLLECTIONS_PATH": f"{collections}:{ROOT / 'tests/integration/collections'}",
        },
    )
    inventory = site.folder / "inventory" / "hosts.yml"
    made = yaml.safe_load(inventory.read_text())
    made["care_hosts"]["hosts"] = {"un": {}}
    made["all"]["vars"] |= {
        "ansible_become": False,
        "care_break_glass_accounts": [],
        "care_automation_accounts": [],
        "care_redis_password": "un-mot-de-passe-d-essai",
        "care_mie_ssh_install": False,
        "care_mie_ssh_secrets": {"alice": "00" * 20},
        "care_mie_ssh_users_file": str(site.files / "users.oath"),
    }
    inventory.write_text(yaml.safe_dump(made))
    site.tasks(hosts=roles(planned))
    return site


@pytest.fixture
def telnet() -> Iterator[None]:
    """Something that answers where telnet does."""
    with socket.create_server(("127.0.0.1", 23)):
        yield


@pytest.mark.skipif(os.geteuid() != 0, reason="the host planner reads as root")
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_refused_change_does_not_stop_the_host(ready: Any, switch: str, telnet: None) -> None:
    ready.run("remediate.yml", "--check")  # the switch is off: only the last file is planned, and approved
    on = json.dumps({switch: True})
    out = ready.run("remediate.yml", "-e", on, "-e", f"care_approve={ready.digits()}", ok=False)
    assert "pas dans l’ensemble approuvé" in out
    assert sorted(ready.snapshot()) == ["un-last"], out  # what was approved and comes last is done, and only that
    assert "Cibles qui n’ont pas terminé" not in out and "1 appliqué(s)" in out


@pytest.mark.skipif(os.geteuid() != 0, reason="the host planner reads as root")
def test_a_code_is_not_asked_for_when_the_enrolment_was_refused(ready: Any) -> None:
    on = ("-e", json.dumps({"care_mie_ssh_enforced": True}))
    ready.run("remediate.yml", "--check", *on)
    ready.write(**{"users.oath": "HOTP/T30/6 bob - 00\n"})  # the enrolment moved since, its enforcement did not
    out = ready.run("remediate.yml", *on, "-e", f"care_approve={ready.digits()}", ok=False)
    assert "mie.conf" not in ready.snapshot(), out
    assert "is not asked for a code" in out and (ready.files / "un-last").exists()
