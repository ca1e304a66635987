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
    (`check`), whether it takes them by a `reload` or needs a `restart` (`none`: nothing to do), and a real client's
    first
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

    def running(self, paths: Sequence[str]) -> bool:
        """Whether the service runs now: one that does not has nothing to reload and no one to answer."""
        unit = self.unit(paths)
        return unit is not None and units.is_active(unit)

    def take(self, paths: Sequence[str]) -> None:
        """Has a service that ran take its files; one that has died meanwhile is started. Raises HostError."""
        unit = self.unit(paths)
        if unit is None or self.reload == "none":
            return
        if self.reload == "reload" and units.is_active(unit):
            _systemctl("reload", unit)
            if self.name != "postgresql" or not checks.postgresql_pending_restart(paths):
                return
        # systemd refuses to start a unit for the sixth time in ten seconds, and a rollback may well be the sixth.
        run(["systemctl", "reset-failed", "--", unit])
        _systemctl("restart", unit)

    def answers(self, paths: Sequence[str]) -> str | None:
        """What is wrong with a service that must be running, in its client's words, or None."""
        problem = self.probe(paths)
        unit = self.unit(paths)
        if problem is None and unit is not None and not units.is_active(unit):
            return f"{unit} is not running any more (journalctl -u {unit} says why)"
        return problem


def _systemctl(verb: str, unit: str) -> None:
    said = run(["systemctl", verb, "--", unit], timeout=90)
    if not said.ok:
        raise HostError(f"systemctl {verb} {unit}: {said.words}")


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
