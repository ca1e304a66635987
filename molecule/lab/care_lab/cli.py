# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command line of the lab."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from care_lab import images, instance, reports, scan
from care_lab.constants import KINDS
from care_lab.progress import LabError, say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="care_lab", description="The lab hospital, in containers of this machine.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str, with_instance: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        if with_instance:
            added.add_argument("--instance", default=instance.DEMO, help="name of the lab (default: %(default)s)")
        return added

    up = command("up", "Start a lab, wait until it answers, and write build/lab/<instance>.")
    up.add_argument("--hosts", default=",".join(KINDS), help="which hosts, also dc2 (default: %(default)s)")
    up.add_argument(
        "--weaknesses",
        default="default",
        choices=list(instance.WEAKNESSES),
        help="of the domain: the demo's, every one that Samba can hold, or none (default: %(default)s)",
    )
    up.add_argument("--hosts-file", action="store_true", help="put dc1.chu-valmont.test in /etc/hosts too")
    down = command("down", "Remove every trace of a lab.")
    down.add_argument("--all", action="store_true", help="of all labs")
    command("status", "What runs, as JSON.")
    build = command("images", "Build the images (only what changed).", with_instance=False)
    build.add_argument("--kinds", default=",".join(dict.fromkeys(KINDS.values())))
    scanning = command("scan", "Scan one host of a lab with nmap, by its exact address.")
    scanning.add_argument("--target", default="web1", choices=[host for host in instance.HOSTS if host != "scanner"])
    scanning.add_argument("--output", type=Path, required=True, help="file for nmap's XML")
    reporting = command("reports", "Make all reports of a lab: nmap's and PingCastle's.")
    reporting.add_argument("--output", type=Path, required=True, help="folder")
    shell = command("shell", "A shell, or a command, in one host of a lab.")
    shell.add_argument("host", choices=list(instance.HOSTS))
    shell.add_argument("words", nargs=argparse.REMAINDER)
    return parser


def _run(options: argparse.Namespace) -> int:
    if options.command == "images":
        print(json.dumps(images.build_all(options.kinds.split(",")), indent=2))
        return 0
    if options.command == "down" and options.all:
        for name in instance.known():
            instance.down(instance.Instance(name))
        return 0
    lab = instance.Instance(options.instance)
    if options.command == "up":
        instance.up(lab, options.hosts.split(","), options.hosts_file, options.weaknesses)
        say(f"instance {lab.name}: up, see {Path(os.path.relpath(lab.folder))}")
    elif options.command == "down":
        instance.down(lab)
    elif options.command == "status":
        state: dict[str, object] = {"instance": lab.name, "containers": lab.running()}
        if (lab.folder / "addresses.json").exists():
            state |= asdict(lab.addresses())
        print(json.dumps(state, indent=2))
    elif options.command == "scan":
        scan.scan(lab, options.target, options.output)
    elif options.command == "reports":
        for path in reports.make(lab, options.output):
            print(path)
    elif options.command == "shell":
        return instance.shell(lab, options.host, options.words)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; errors are one readable message and exit code 1."""
    options = _parser().parse_args(arguments)
    try:
        if os.geteuid() != 0:
            raise LabError("the lab needs root: it makes networks and privileged containers")
        return _run(options)
    except LabError as error:
        print(f"care_lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("care_lab: interrupted; 'care_lab down' removes what was started", file=sys.stderr)
        return 130
