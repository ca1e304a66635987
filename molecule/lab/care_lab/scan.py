# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scan one host of the lab, by its exact address, with the scanner's nmap."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from pathlib import Path

from care_lab.instance import Instance
from care_lab.podman import podman, save
from care_lab.progress import LabError, say

# What services say of themselves: protocols and ciphers, ssh methods, anonymous ftp, an open redis or postgresql.
SCRIPTS = ("ssl-enum-ciphers", "ssl-cert", "ssh-auth-methods", "ssh2-enum-algos", "ftp-anon", "redis-info",
           "telnet-encryption", "http-title")
# All ports in two steps: which are open (fast, also when a firewall drops the rest: a filtered port costs two probes at
# this rate), then what those are. A local bridge loses nothing, so one retry is enough.
DISCOVERY = ("-Pn", "-n", "-sS", "-p-", "-T4", "--max-retries", "1", "--min-rate", "8000", "--host-timeout", "120s", "--reason")
# The image's copy of nmap's data waits less for answers.
DETAIL = ("--datadir", "/opt/nmap-lab", "-Pn", "-n", "-sS", "-sV", "-T4", "--max-retries", "1", "--host-timeout", "180s", "--script-timeout", "30s", "--reason")
SECONDS = 320


def _nmap(instance: Instance, *arguments: str) -> str:
    done = podman("exec", instance.container("scanner"), "nmap", *arguments, "-oX", "-", check=False, timeout=SECONDS)
    if done.returncode != 0 or "<runstats>" not in done.stdout:
        raise LabError(f"nmap failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


def open_ports(xml: str) -> list[int]:
    """The open TCP ports of an nmap XML."""
    return sorted(int(port.attrib["portid"]) for port in ET.fromstring(xml).iter("port")  # noqa: S314 - our own nmap
                  if (state := port.find("state")) is not None and state.attrib.get("state") == "open")


def scan(instance: Instance, target: str, output: Path) -> list[int]:
    """Scan one host of the instance and write nmap's own XML: which ports are open beside it (``-ports``), what they are
    in ``output``.

    :param target: ``web1`` or ``dc1``; it is the lab's own address that is scanned, nothing else.
    :returns: the open ports.
    """
    started = time.monotonic()
    addresses = instance.addresses()
    for host in ("scanner", target):
        if host not in addresses.hosts:
            raise LabError(f"{host} is not up in the lab instance {instance.name!r}")
    address = addresses.hosts[target]
    say(f"scan: which of the 65535 ports of {target} ({address}) are open")
    first = _nmap(instance, *DISCOVERY, address)
    ports = open_ports(first)
    if ports:
        # Both files are reports: only this one says that all ports were tried, which is what proves a port closed.
        save(output.with_name(f"{output.stem}-ports{output.suffix}"), first, mode=0o644)
        say(f"scan: {len(ports)} open ({', '.join(map(str, ports))}), asking each what it is")
        first = _nmap(instance, *DETAIL, "--script", ",".join(SCRIPTS), "-p", ",".join(map(str, ports)), address)
        if missing := set(ports) - set(open_ports(first)):
            raise LabError(f"ports {sorted(missing)} of {target} were open and are not any more: scan again")
    save(output, first, mode=0o644)
    say(f"scan: {target}: {len(ports)} open ports, written to {output} in {time.monotonic() - started:.0f} s")
    return ports
