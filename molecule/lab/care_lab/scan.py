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
SCRIPTS = (
    "ssl-enum-ciphers",
    "ssl-cert",
    "ssh-auth-methods",
    "ssh2-enum-algos",
    "ftp-anon",
    "redis-info",
    "telnet-encryption",
    "http-title",
)
# All ports in two steps: which are open (fast, also when a firewall drops the rest and each port costs all its probes),
# then what those are. The second step asks the ports that matter most again, whatever the first one saw: on a busy
# machine a packet gets lost at this rate, and an open port that a scan misses would be taken for a closed one.
DISCOVERY = (
    "-Pn",
    "-n",
    "-sS",
    "-p-",
    "-T4",
    "--max-retries",
    "2",
    "--min-rate",
    "5000",
    "--host-timeout",
    "150s",
    "--reason",
)
ASKED_AGAIN = (
    20,
    21,
    22,
    23,
    25,
    53,
    80,
    88,
    110,
    111,
    135,
    139,
    143,
    161,
    389,
    443,
    445,
    464,
    513,
    514,
    548,
    587,
    593,
    636,
    873,
    993,
    995,
    1433,
    1521,
    2049,
    3128,
    3268,
    3269,
    3306,
    3389,
    5432,
    5900,
    5985,
    5986,
    6379,
    8000,
    8080,
    8443,
    9200,
    11211,
    27017,
)
# The image's copy of nmap's data waits less for answers.
DETAIL = (
    "--datadir",
    "/opt/nmap-lab",
    "-Pn",
    "-n",
    "-sS",
    "-sV",
    "-T4",
    "--max-retries",
    "6",
    "--host-timeout",
    "180s",
    "--script-timeout",
    "30s",
    "--reason",
)
SECONDS = 400


def _nmap(instance: Instance, *arguments: str) -> str:
    done = podman("exec", instance.container("scanner"), "nmap", *arguments, "-oX", "-", check=False, timeout=SECONDS)
    if done.returncode != 0 or "<runstats>" not in done.stdout:
        raise LabError(f"nmap failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-800:]}")
    return done.stdout


def open_ports(xml: str) -> list[int]:
    """The open TCP ports of an nmap XML."""
    return sorted(
        int(port.attrib["portid"])
        for port in ET.fromstring(xml).iter("port")
        if (state := port.find("state")) is not None and state.attrib.get("state") == "open"
    )


def scan(instance: Instance, target: str, output: Path) -> list[int]:
    """Scan one host of the instance and write nmap's own XML: what the open ports are in ``output``, which of all
    65535 are open beside it (``-ports``).

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
    discovery = _nmap(instance, *DISCOVERY, address)
    ports = open_ports(discovery)
    say(f"scan: {len(ports)} open ({', '.join(map(str, ports)) or '-'}), asking each what it is")
    asked = sorted({*ports, *ASKED_AGAIN})
    xml = _nmap(instance, *DETAIL, "--script", ",".join(SCRIPTS), "-p", ",".join(map(str, asked)), address)
    found = open_ports(xml)
    if missing := set(ports) - set(found):
        raise LabError(f"ports {sorted(missing)} of {target} were open and are not any more: scan again")
    # Both files are reports: only the first says that all ports were tried, which is what proves a port closed.
    save(output.with_name(f"{output.stem}-ports{output.suffix}"), discovery, mode=0o644)
    save(output, xml, mode=0o644)
    say(f"scan: {target}: {len(found)} open ports, written to {output} in {time.monotonic() - started:.0f} s")
    return found
