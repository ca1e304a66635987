# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reports that auditors of the lab would hand over: nmap's scan, and PingCastle's at both levels."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from care_lab import scan as scanning
from care_lab.constants import DOMAIN
from care_lab.generator import pingcastle as pingcastle_writer
from care_lab.generator.build import build
from care_lab.generator.model import Domain
from care_lab.instance import Instance
from care_lab.podman import execute, save
from care_lab.progress import say

# Written by the generator into the image: what the domain was made from.
MADE_FROM = "/var/lib/samba/care-lab.json"


def model(instance: Instance) -> Domain:
    """The model of the domain that runs in an instance, from the numbers its image was made with."""
    made = json.loads(execute(instance.container("dc1"), ["cat", MADE_FROM]).stdout)
    return build(made["accounts"], made["seed"], datetime.fromisoformat(made["now"]))


def pingcastle(instance: Instance, folder: Path) -> list[Path]:
    """PingCastle's file of the instance's domain as it was made, at levels Normal and Full."""
    domain = model(instance)
    written = []
    for level in ("Normal", "Full"):
        path = folder / f"ad_hc_{DOMAIN}_{level.lower()}.xml"
        save(path, pingcastle_writer.write(domain, full=level == "Full"), mode=0o644)
        say(f"reports: {path.name}")
        written.append(path)
    return written


def scan(instance: Instance, output: Path, target: str = "web1") -> Path:
    """nmap's file of one host."""
    scanning.scan(instance, target, output)
    return output


def make(instance: Instance, folder: Path) -> list[Path]:
    """All reports of an instance, into a folder; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*pingcastle(instance, folder), scan(instance, folder / "nmap-web1.xml")]
