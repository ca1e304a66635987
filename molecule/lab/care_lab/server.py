# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab asks of the container ``web1``."""

from __future__ import annotations

from care_lab.podman import copy_in, execute

# Every one of them is a finding, except 22 and 443.
PORTS = (21, 22, 23, 443, 5432, 6379, 8443)
_HOMES = {"ansible": "/home/ansible", "secours": "/home/secours", "admin.web": "/home/admin.web"}


def booted(container: str) -> bool:
    """Whether systemd has finished starting (``degraded`` is a start too: a container lacks some units)."""
    state = execute(container, ["systemctl", "is-system-running"], check=False).stdout.strip()
    return state in ("running", "degraded")


def listening(container: str) -> bool:
    """Whether every service of the exposed server listens."""
    table = execute(container, ["ss", "-Hltn"]).stdout
    ports = {line.split()[3].rsplit(":", 1)[1] for line in table.splitlines()}
    return all(str(port) in ports for port in PORTS)


def inject_keys(container: str, public_key: str) -> None:
    """Let the instance's key in for the three accounts that have one."""
    for user, home in _HOMES.items():
        copy_in(container, f"{home}/.ssh/authorized_keys", f"{public_key}\n", "0600", f"{user}:{user}")
        execute(container, ["chown", f"{user}:{user}", f"{home}/.ssh"])
        execute(container, ["chmod", "0700", f"{home}/.ssh"])


def known_hosts(container: str, address: str) -> str:
    """The host's real keys, read from the container itself, as known_hosts lines: host key checking stays on."""
    keys = execute(container, ["sh", "-c", "cat /etc/ssh/ssh_host_*_key.pub"]).stdout
    return "".join(f"{address} {' '.join(line.split()[:2])}\n" for line in keys.splitlines())
