# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Ansible inventory of an instance: addresses and keys here, everything else in inventories/lab/group_vars."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from care_lab.constants import DC_FQDN, DOMAIN
from care_lab.paths import LAB_INVENTORY
from care_lab.podman import save


@dataclass(frozen=True)
class Addresses:
    """Where an instance's hosts are.

    ``hosts`` maps ``dc1``… to IPv4 addresses; ``names`` says whether /etc/hosts knows dc1.chu-valmont.test.
    """

    instance: str
    subnet: str
    gateway: str
    hosts: dict[str, str]
    names: bool = False

    @classmethod
    def load(cls, path: Path) -> Addresses:
        """Read addresses.json."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def names(addresses: Addresses) -> dict[str, str]:
    """What /etc/hosts gets."""
    return {f"{host}.{DOMAIN}": addresses.hosts[host] for host in ("dc1", "dc2") if host in addresses.hosts}


def hosts_yml(addresses: Addresses, folder: Path) -> str:
    """The inventory's text (JSON is YAML, and needs no library to write)."""
    groups: dict[str, object] = {}
    if "dc1" in addresses.hosts:
        groups["care_directory"] = {
            "hosts": {
                DOMAIN: {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    # Kerberos and the certificate know the name; the address (also in both) needs no /etc/hosts.
                    "care_directory_server": DC_FQDN if addresses.names else addresses.hosts["dc1"],
                    "care_directory_ca_cert": str(folder / "ca.pem"),
                }
            }
        }
    if "web1" in addresses.hosts:
        groups["care_hosts"] = {
            "hosts": {
                "web1": {
                    "ansible_host": addresses.hosts["web1"],
                    "ansible_user": "ansible",
                    "ansible_ssh_private_key_file": str(folder / "id_ed25519"),
                    "ansible_ssh_common_args": f"-o UserKnownHostsFile={folder / 'known_hosts'} "
                    "-o StrictHostKeyChecking=yes",
                }
            }
        }
    tree = {
        "all": {
            "vars": {
                "care_lab_instance": addresses.instance,
                "care_lab_folder": str(folder),
                "care_lab_gateway": addresses.gateway,
                "care_lab_addresses": addresses.hosts,
            },
            "children": groups,
        }
    }
    return "# Written by care_lab up; do not edit.\n" + json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def write(addresses: Addresses, folder: Path, tracked: Path | None) -> None:
    """Write addresses.json and hosts.yml, in the instance's folder and, for the demo's, in inventories/lab too."""
    save(folder / "addresses.json", json.dumps(asdict(addresses), indent=2) + "\n", mode=0o644)
    text = hosts_yml(addresses, folder)
    save(folder / "hosts.yml", text, mode=0o644)
    for name in ("group_vars", "host_vars"):
        # One set of variables for every instance. Generated host_vars stay beside the instance's own inventory.
        link = folder / name
        if name == "group_vars" and not link.is_symlink():
            link.symlink_to(LAB_INVENTORY / name)
    if tracked is not None:
        save(tracked / "hosts.yml", text, mode=0o644)
