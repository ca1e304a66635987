# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One lab: its containers and network, named after it, and its files in build/lab/<instance>.

Instances are isolated from each other: own network (podman picks a free subnet), own keys, own certificate authority.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from care_lab import directory, hosts_file, images, inventory, server
from care_lab.constants import DC_FQDN, DOMAIN, KINDS
from care_lab.paths import BUILD, LAB_INVENTORY
from care_lab.podman import environment, exists, podman, save
from care_lab.progress import LabError, say

# The instance of the demo: its inventory is a tracked one, inventories/lab.
DEMO = "lab"
DC2_FQDN = f"dc2.{DOMAIN}"
# Every host a lab can have; KINDS are those of the demo.
HOSTS = {**KINDS, "dc2": "dc-join"}
# What the first domain controller's domain is: the image that holds it.
WEAKNESSES = {"default": "dc", "all": "dc-all", "none": "dc-none"}
# NT ACLs of SYSVOL are security.* extended attributes.
_DC = ["--cap-add=SYS_ADMIN", f"--hostname={DC_FQDN}"]
RUN_OPTIONS = {
    **dict.fromkeys(WEAKNESSES.values(), _DC),
    "dc-join": ["--cap-add=SYS_ADMIN", f"--hostname={DC2_FQDN}"],
    "server": ["--systemd=always", "--privileged", "--hostname=web1"],
    "scanner": ["--cap-add=NET_RAW,NET_ADMIN", "--hostname=scanner"],
}


@dataclass(frozen=True)
class Instance:
    """A lab by its name. Creating the object starts nothing."""

    name: str

    def __post_init__(self) -> None:
        if (
            not self.name
            or not all(c.isascii() and (c.isalnum() or c in "-_") for c in self.name)
            or len(self.name) > 40
        ):
            raise LabError(f"{self.name!r} is no instance name: letters, digits, - and _, 40 at most")

    @property
    def folder(self) -> Path:
        """Where its inventory, keys and addresses are."""
        return BUILD / "lab" / self.name

    @property
    def network(self) -> str:
        """The name of its podman network."""
        return f"care-{self.name}"

    def container(self, host: str) -> str:
        """The container's name of one of its hosts."""
        return f"care-{self.name}-{host}"

    def addresses(self) -> inventory.Addresses:
        """What ``up`` wrote down.

        :raises LabError: it is not up.
        """
        try:
            return inventory.Addresses.load(self.folder / "addresses.json")
        except FileNotFoundError:
            raise LabError(f"the lab instance {self.name!r} is not up: care_lab up --instance {self.name}") from None

    def running(self) -> dict[str, str]:
        """The state (``running``, ``exited``…) of each of its containers, by host."""
        listed = podman(
            "ps",
            "--all",
            "--filter",
            f"label=care.lab={self.name}",
            "--format",
            '{{index .Labels "care.host"}} {{.State}}',
        ).stdout
        return dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)


@contextmanager
def _lock(name: str) -> Iterator[None]:
    """One program at a time changes an instance (or, for ``networks``, asks podman for a subnet)."""
    folder = BUILD / "lab"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make_network(instance: Instance) -> tuple[str, str]:
    # Two networks made at once would get the same subnet: podman's own choice is not locked.
    with _lock("networks"):
        if not exists("network", instance.network):
            podman("network", "create", f"--label=care.lab={instance.name}", instance.network)
    subnet = json.loads(podman("network", "inspect", instance.network).stdout)[0]["subnets"][0]
    return subnet["subnet"], subnet["gateway"]


def _key(instance: Instance) -> str:
    """The instance's ssh key pair; returns the public one."""
    key = instance.folder / "id_ed25519"
    if not key.exists():
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"care-lab {instance.name}", "-f", str(key)],
            check=True,
        )
    return key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def _last_words(container: str) -> str:
    said = podman("logs", "--tail", "20", container, check=False)
    lines = (said.stdout + said.stderr).strip() or "(it said nothing)"
    return f"The last lines of {container}:\n{lines}"


def wait_for(what: str, container: str, ready: Callable[[], bool], seconds: float) -> None:
    """Ask until it is ready.

    :raises LabError: with the container's last log lines, when it stopped or the time is up.
    """
    end = time.monotonic() + seconds
    while not ready():
        state = podman("inspect", "--format", "{{.State.Status}}", container, check=False).stdout.strip()
        if state != "running":
            raise LabError(f"{what}: the container is {state or 'gone'}. {_last_words(container)}")
        if time.monotonic() > end:
            raise LabError(f"{what}: not ready after {seconds:.0f} s. {_last_words(container)}")
        time.sleep(0.3)


def _start(instance: Instance, host: str, kind: str, image: str, environment: Mapping[str, str]) -> str:
    """Start one container unless it runs; returns its address. A stopped one, or one of an older image, is replaced."""
    container = instance.container(host)
    known = podman("inspect", "--format", "{{.State.Status}} {{.ImageName}}", container, check=False)
    if known.returncode == 0 and known.stdout.split() != ["running", image]:
        podman("rm", "--force", "--volumes", "--time=0", container)
    if known.returncode != 0 or known.stdout.split() != ["running", image]:
        podman(
            "run",
            "--detach",
            f"--name={container}",
            f"--network={instance.network}",
            f"--network-alias={host}",
            f"--label=care.lab={instance.name}",
            f"--label=care.host={host}",
            *RUN_OPTIONS[kind],
            *(f"--env={name}={value}" for name, value in environment.items()),
            image,
        )
    inspected = json.loads(podman("inspect", container).stdout)[0]
    return str(inspected["NetworkSettings"]["Networks"][instance.network]["IPAddress"])


def _finish(instance: Instance, host: str, kind: str, address: str, public_key: str) -> None:
    container = instance.container(host)
    if kind in WEAKNESSES.values():
        account = directory.ADMINISTRATOR_LOGIN if kind == "dc-none" else directory.AUTOMATION_LOGIN
        wait_for(f"{host}: LDAPS and Kerberos", container, lambda: directory.ready(container, DC_FQDN, account), 120)
        save(instance.folder / "ca.pem", directory.certificate_authority(container), mode=0o644)
        save(instance.folder / "krb5.conf", directory.krb5_conf(address), mode=0o644)
        say(f"{host}: {DOMAIN} answers on {address}")
    elif kind == "dc-join":
        login = directory.AUTOMATION_LOGIN
        directory.share_authority(instance.container("dc1"), container)
        wait_for(f"{host}: LDAPS and Kerberos", container, lambda: directory.ready(container, DC2_FQDN, login), 180)
        directory.replicate(instance.container("dc1"), container)
        say(f"{host}: replicates {DOMAIN}, on {address}")
    elif kind == "server":
        wait_for(f"{host}: systemd", container, lambda: server.booted(container), 90)
        server.inject_keys(container, public_key)
        wait_for(f"{host}: its services", container, lambda: server.listening(container), 60)
        say(f"{host}: exposed on {address}")
    else:
        say(f"{host}: ready on {address}")


def _hosts(hosts: Sequence[str], weaknesses: str) -> dict[str, str]:
    """The kind of each host, the first domain controller before the second."""
    if unknown := [host for host in hosts if host not in HOSTS]:
        raise LabError(f"unknown host {', '.join(unknown)}: the lab has {', '.join(HOSTS)}")
    if weaknesses not in WEAKNESSES:
        raise LabError(f"unknown weaknesses {weaknesses!r}: there are {', '.join(WEAKNESSES)}")
    if "dc2" in hosts and ("dc1" not in hosts or weaknesses == "none"):
        raise LabError("dc2 joins the domain of dc1 with the automation account: ask for dc1 too, with weaknesses")
    return {host: WEAKNESSES[weaknesses] if host == "dc1" else HOSTS[host] for host in sorted(set(hosts))}


def up(
    instance: Instance, hosts: Sequence[str], names: bool = False, weaknesses: str = "default"
) -> inventory.Addresses:
    """Start what is not yet running, wait until it answers, write its files. Calling it again changes nothing.

    :param hosts: of ``dc1``, ``dc2``, ``scanner``, ``web1``.
    :param names: also put ``dc1.chu-valmont.test`` in /etc/hosts.
    :param weaknesses: of the domain: ``default`` (the demo's), ``all`` (every one that Samba can hold), ``none``.
    """
    kinds = _hosts(hosts, weaknesses)
    if names and hosts_file.holder() not in (None, instance.name):
        hosts_file.write(instance.name, {})  # raises, before anything is started
    made = images.build_all(kinds.values())
    with _lock(f"instance-{instance.name}"):
        instance.folder.mkdir(parents=True, exist_ok=True)
        subnet, gateway = _make_network(instance)
        public_key = _key(instance)
        found: dict[str, str] = {}
        for host, kind in kinds.items():
            environment = {"CARE_LAB_DC1": found["dc1"]} if kind == "dc-join" else {}
            found[host] = _start(instance, host, kind, made[kind], environment)
        with ThreadPoolExecutor(max_workers=len(found)) as pool:
            list(pool.map(lambda host: _finish(instance, host, kinds[host], found[host], public_key), found))
        before = instance.folder / "addresses.json"
        if before.exists():
            running = instance.running()
            earlier = inventory.Addresses.load(before).hosts
            found = {**{h: a for h, a in earlier.items() if running.get(h) == "running"}, **found}
        addresses = inventory.Addresses(instance.name, subnet, gateway, found, names)
        if "web1" in found:
            save(
                instance.folder / "known_hosts",
                server.known_hosts(instance.container("web1"), found["web1"]),
                mode=0o644,
            )
        inventory.write(addresses, instance.folder, LAB_INVENTORY if instance.name == DEMO else None)
        if names:
            hosts_file.write(instance.name, inventory.names(addresses))
        elif hosts_file.holder() == instance.name:
            hosts_file.remove(instance.name)
    return addresses


def down(instance: Instance) -> None:
    """Remove every trace: containers with their volumes, network, files, names. No error when there is none."""
    with _lock(f"instance-{instance.name}"):
        listed = podman("ps", "--all", "--quiet", "--filter", f"label=care.lab={instance.name}").stdout.split()
        if listed:
            podman("rm", "--force", "--volumes", "--time=0", *listed)
        if exists("network", instance.network):
            podman("network", "rm", "--force", instance.network)
        hosts_file.remove(instance.name)
        shutil.rmtree(instance.folder, ignore_errors=True)
        if instance.name == DEMO:
            (LAB_INVENTORY / "hosts.yml").unlink(missing_ok=True)
    (BUILD / "lab" / f".instance-{instance.name}.lock").unlink(missing_ok=True)
    say(f"instance {instance.name}: gone")


def known() -> list[str]:
    """The instances that have containers."""
    listed = podman("ps", "--all", "--filter", "label=care.lab", "--format", '{{index .Labels "care.lab"}}').stdout
    return sorted(set(listed.split()))


def shell(instance: Instance, host: str, command: Sequence[str]) -> int:
    """A shell, or one command, in a container of the instance; returns its exit code."""

    where = ["podman", "exec", "-it" if not command else "-i", instance.container(host), *(command or ["bash"])]
    return subprocess.run(where, env=environment(), check=False).returncode


__all__ = ["DEMO", "Instance", "down", "known", "shell", "up", "wait_for"]
