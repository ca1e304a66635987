# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the configuration of each service is checked, reloaded and probed.

A change names a profile, never a command: what may run on a host is this table. To add a service, add an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Optional

from ansible_collections.care.remediation.plugins.module_utils.hosts import checks, probes, units
from ansible_collections.care.remediation.plugins.module_utils.hosts.command import run
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

# Given the paths that change; returns what is wrong in the checker's words, or None.
Check = Callable[[Sequence[str]], Optional[str]]  # noqa: UP045  evaluated when imported, Python 3.9 has no |


@dataclass(frozen=True)
class Profile:
    """One service: its possible `units` (the first that exists counts), how its files are checked before it takes them
    (`check`), whether it takes them by a `reload` or needs a `restart` (`none`: nothing to do), and a real client's first
    words with it (`probe`). `guarded`: a mistake here can shut the operator out."""

    name: str
    units: tuple[str, ...]
    check: Check
    reload: str
    probe: Check
    guarded: bool = False

    def unit(self, paths: Sequence[str]) -> str | None:
        """The unit that reads `paths` on this host, or None."""
        clusters = postgresql_units(paths) if self.name == "postgresql" else []
        return units.first_known([*clusters, *self.units])

    def take(self, paths: Sequence[str]) -> None:
        """Has the running service take its files. Raises HostError with systemctl's words."""
        unit = self.unit(paths)
        if unit is None or self.reload == "none" or not units.is_active(unit):
            return
        verb = self.reload
        said = run(["systemctl", verb, "--", unit], timeout=90)
        if not said.ok:
            raise HostError(f"systemctl {verb} {unit}: {said.words}")
        if self.name == "postgresql" and checks.postgresql_pending_restart(paths):
            said = run(["systemctl", "restart", "--", unit], timeout=90)
            if not said.ok:
                raise HostError(f"systemctl restart {unit}: {said.words}")

    def answers(self, paths: Sequence[str]) -> str | None:
        """What is wrong with the running service, or None; a service that is not running is not asked."""
        unit = self.unit(paths)
        if unit is None or not units.is_active(unit):
            return None
        return self.probe(paths)


def postgresql_units(paths: Sequence[str]) -> list[str]:
    """Debian runs one instance for each cluster: /etc/postgresql/15/main is postgresql@15-main.service."""
    return [f"postgresql@{version}-{cluster}.service" for version, cluster in checks.postgresql_clusters(paths)]


def no_probe(paths: Sequence[str]) -> str | None:
    return None


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("sshd", ("ssh.service", "sshd.service"), checks.sshd, "reload", probes.sshd, guarded=True),
        Profile("pam_sshd", ("ssh.service", "sshd.service"), checks.pam_sshd, "reload", probes.sshd, guarded=True),
        Profile("redis", ("redis-server.service", "redis.service"), checks.redis, "restart", probes.redis),
        Profile("postgresql", ("postgresql.service",), checks.postgresql, "reload", probes.postgresql),
        Profile("nginx", ("nginx.service",), checks.nginx, "reload", probes.nginx),
        Profile(
            "inetd",
            ("inetutils-inetd.service", "openbsd-inetd.service", "inetd.service"),
            checks.inetd,
            "restart",
            probes.active,
        ),
        Profile("vsftpd", ("vsftpd.service",), checks.vsftpd, "restart", probes.vsftpd),
        Profile("nftables", ("nftables.service",), checks.nftables, "none", no_probe),
    )
}


def get(name: str) -> Profile:
    """The profile of that name. Raises HostError for an unknown one."""
    try:
        return PROFILES[name]
    except KeyError:
        raise HostError(f"there is no profile {name!r} (known: {', '.join(sorted(PROFILES))})") from None
