# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab reads of the machine, and writes on it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from care_lab import archive, hosts_file, images, podman, scan
from care_lab.instance import Instance
from care_lab.inventory import Addresses, hosts_yml
from care_lab.progress import LabError

DEB822 = """Types: deb deb-src
# a comment
URIs: https://m.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: https://m.example/security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
"""
ONE_LINE = """deb [arch=amd64 signed-by=/k.gpg] http://other.example/x trixie main # why
deb-src http://src.example/debian bookworm main
deb http://p.example/d/ bookworm main
"""


@pytest.mark.parametrize(
    ("files", "main", "security"),
    [
        (
            {"sources.list.d/debian.sources": DEB822},
            "https://m.example/debian",
            "https://m.example/security",
        ),
        (
            {"sources.list": "deb http://p.example/d/ bookworm main\n"},
            "http://p.example/d",
            archive.DEFAULT_SECURITY,
        ),
        ({"sources.list": ONE_LINE}, "http://other.example/x", archive.DEFAULT_SECURITY),
        (
            {"sources.list.d/x.list": "deb http://t.example/apt nodistro main\n"},
            archive.DEFAULT_MIRROR,
            archive.DEFAULT_SECURITY,
        ),
        ({"sources.list.d/debian.sources.bak": DEB822}, archive.DEFAULT_MIRROR, archive.DEFAULT_SECURITY),
    ],
)
def test_mirror_of_the_machine(tmp_path: Path, files: dict[str, str], main: str, security: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert archive.mirrors(tmp_path) == archive.Mirrors(main, security)


def test_hosts_file_comes_and_goes_without_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_bytes("127.0.0.1 localhost\n# été \xff\n10.0.0.1 dc1.chu-valmont.test".encode("latin-1"))
    before = path.read_bytes()
    hosts_file.write("one", {"dc1.chu-valmont.test": "10.1.1.1"}, path)
    hosts_file.write("one", {"dc1.chu-valmont.test": "10.1.1.2"}, path)
    assert path.read_text("latin-1").count("care-lab") == 1
    assert hosts_file.holder(path) == "one"
    with pytest.raises(LabError, match="one"):
        hosts_file.write("two", {"dc1.chu-valmont.test": "10.2.2.2"}, path)
    hosts_file.remove("two", path)
    assert hosts_file.holder(path) == "one"
    hosts_file.remove("one", path)
    assert path.read_bytes().rstrip(b"\n") == before


def test_limits_never_exceed_what_this_process_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 512))
    assert '"nofile=512:512", "nproc=512:512"' in podman.containers_conf()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, resource.RLIM_INFINITY))
    assert '"nofile=20000:20000", "nproc=16000:16000"' in podman.containers_conf()


def test_image_tag_follows_its_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = images.tag("dc")
    assert images.tag("dc") == before
    monkeypatch.setenv("CARE_BASE_IMAGE", "registry.example:5000/debian")
    assert images.base_tag(images.IMAGE_KINDS["dc"]) == "registry.example:5000/debian:trixie"
    assert images.base_tag(images.IMAGE_KINDS["server"]) == "registry.example:5000/debian:bookworm"
    assert images.tag("dc") != before
    monkeypatch.setenv("CARE_BASE_IMAGE", "registry.example:5000/own:1.2")
    assert images.base_tag(images.IMAGE_KINDS["dc"]) == "registry.example:5000/own:1.2"


@pytest.mark.parametrize("name", ["", "../up", "a b", "é", "x" * 41, "-;rm"])
def test_instance_names_are_refused_when_unsafe(name: str) -> None:
    with pytest.raises(LabError):
        Instance(name)


def test_inventory_uses_the_name_only_when_it_resolves(tmp_path: Path) -> None:
    hosts = {"dc1": "10.9.9.2", "web1": "10.9.9.3"}
    assert '"care_directory_server": "10.9.9.2"' in hosts_yml(
        Addresses("x", "10.9.9.0/24", "10.9.9.1", hosts), tmp_path
    )
    named = hosts_yml(Addresses("x", "10.9.9.0/24", "10.9.9.1", hosts, True), tmp_path)
    assert '"care_directory_server": "dc1.chu-valmont.test"' in named
    assert "StrictHostKeyChecking=yes" in named


def test_open_ports_of_a_scan() -> None:
    xml = (
        '<nmaprun><host><ports><port protocol="tcp" portid="443"><state state="open"/></port>'
        '<port protocol="tcp" portid="22"><state state="filtered"/></port></ports></host></nmaprun>'
    )
    assert scan.open_ports(xml) == [443]
