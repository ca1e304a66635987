# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Unknown hosts as a piece of inventory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.findings import strangers


def host(label: str, addresses: list[str], names: list[str], *, domain: bool = False) -> dict[str, Any]:
    return {"label": label, "domain": domain, "addresses": addresses, "names": names, "records": 3,
            "reason": "the host is not in the inventory", "source": "s1"}  # fmt: skip


UNMATCHED = [
    host("192.0.2.7", ["192.0.2.7"], ["SRV-Labo.chu.test", "x"]),
    host("192.0.2.8\n- evil: {{ lookup('pipe', 'id') }}", ["192.0.2.8", "2001:db8::8"], ["{{ 7*7 }}", "../etc", "a b"]),
    host("192.0.2.9", ["192.0.2.9"], ["srv-labo.chu.test"]),
    host("2001:db8::1", ["2001:db8::1"], []),
    host("(no address)", [], ["\x1b[31m"]),
    host("chu.test", [], ["chu.test", "CHU", "é'"], domain=True),
]


def test_ansible_reads_it_as_an_inventory(tmp_path: Path) -> None:
    path = tmp_path / "unmatched.yml"
    path.write_text(strangers.snippet(UNMATCHED), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(path), "--list"]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert sorted(said["care_hosts"]["hosts"]) == [
        "host-192-0-2-8", "host-2001-db8-1", "host-unknown", "srv-labo.chu.test", "srv-labo.chu.test-2",
    ]  # fmt: skip
    facts = said["_meta"]["hostvars"]
    assert facts["srv-labo.chu.test-2"] == {"ansible_host": "192.0.2.9", "care_addresses": ["192.0.2.9"]}
    assert facts["host-192-0-2-8"]["care_addresses"] == ["192.0.2.8", "2001:db8::8"]
    assert facts["chu.test"]["care_domains"] == ["chu.test", "CHU"]
    assert "\x1b" not in path.read_text()


def test_a_stranger_never_takes_the_name_of_a_host_of_the_inventory() -> None:
    text = strangers.snippet([host("192.0.2.66 (web1)", ["192.0.2.66"], ["Web1", "web1.chu.test"])], ["web1", "pacs"])
    assert '"web1":' not in text.lower() and '"web1.chu.test":' in text
    text = strangers.snippet([host("192.0.2.66 (web1)", ["192.0.2.66"], ["web1"])], ["WEB1"])
    assert '"host-192-0-2-66":' in text


def test_nothing_unknown_is_no_file() -> None:
    assert strangers.snippet([]) == ""
