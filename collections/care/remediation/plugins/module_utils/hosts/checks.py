# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks each service's own checker whether its files are good. Each returns its words, or None when they are."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence

from ansible_collections.care.remediation.plugins.module_utils.hosts import pam
from ansible_collections.care.remediation.plugins.module_utils.hosts.command import Outcome, find, run
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError

_CLUSTER = re.compile(r"/etc/postgresql/(\d+(?:\.\d+)?)/([A-Za-z0-9_.-]+)/")


def sshd(paths: Sequence[str]) -> str | None:
    """`sshd -t`."""
    # Where ssh is started by its socket, /run/sshd only exists once someone has connected, and sshd -t asks for it.
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    return _refusal(run(["sshd", "-t"]))


def pam_sshd(paths: Sequence[str]) -> str | None:
    """`sshd -t`, and that each PAM file, module and rule that sshd's stack names is usable (PAM has no checker)."""
    return sshd(paths) or pam.problem("sshd")


def redis(paths: Sequence[str]) -> str | None:
    """Redis' own reader, without starting it.

    It reads the file, then the command line, and stops at the first thing it does not know: when that is the option
    added here, which no redis knows, all of the file was good.
    """
    if find("redis-server") is None:
        return None
    sentinel = "care-remediation-end-of-file"
    for path in [path for path in paths if path.endswith(".conf")] or ["/etc/redis/redis.conf"]:
        if not os.path.exists(path):
            continue
        said = run(["redis-server", path, f"--{sentinel}", "yes"])
        words = f"{said.out}\n{said.err}"
        if sentinel not in words:
            return words.strip()[:2000]
    return None


def postgresql(paths: Sequence[str]) -> str | None:
    """`postgres -C` reads postgresql.conf; the running server reads pg_hba.conf from disk (pg_hba_file_rules)."""
    for version, cluster in postgresql_clusters(paths):
        configuration = f"/etc/postgresql/{version}/{cluster}/postgresql.conf"
        program = f"/usr/lib/postgresql/{version}/bin/postgres"
        if not os.path.exists(configuration) or not os.path.exists(program):
            continue
        # -C data_directory makes it read everything, print one value and end.
        said = _as_postgres([program, "-C", "data_directory", "-c", f"config_file={configuration}"])
        if not said.ok:
            return said.words
        rules = _query(
            version, cluster, "select line_number || ': ' || error from pg_hba_file_rules where error is not null"
        )
        if rules is not None and rules.ok and rules.out.strip():
            return f"pg_hba.conf line {rules.out.strip()[:2000]}"
    return None


def postgresql_pending_restart(paths: Sequence[str]) -> bool:
    """Whether a setting that was changed only takes effect after a restart (listen_addresses, ssl libraries…)."""
    for version, cluster in postgresql_clusters(paths):
        said = _query(version, cluster, "select count(*) from pg_settings where pending_restart")
        if said is None or not said.ok or said.out.strip() != "0":
            return True
    return False


def postgresql_clusters(paths: Sequence[str]) -> list[tuple[str, str]]:
    """(version, cluster) of each path below /etc/postgresql; without one, every cluster of the host."""
    found = {match.groups() for match in map(_CLUSTER.match, paths) if match}
    if not found:
        found = {match.groups() for match in map(_CLUSTER.match, glob.glob("/etc/postgresql/*/*/")) if match}
    return sorted((version, cluster) for version, cluster in found)


def nginx(paths: Sequence[str]) -> str | None:
    """`nginx -t`."""
    return _refusal(run(["nginx", "-q", "-t"]))


def inetd(paths: Sequence[str]) -> str | None:
    """Each service line of inetd.conf (inetd has no checker): seven columns at least, or six for an internal one."""
    for path in [path for path in paths if path.endswith("inetd.conf")] or ["/etc/inetd.conf"]:
        for number, line in enumerate(_lines(path), start=1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if len(words) < 6:
                return f"{path} line {number}: {len(words)} words where a service takes at least 6"
            if words[3].split(".")[0] not in ("wait", "nowait"):
                return f"{path} line {number}: {words[3]!r} where wait or nowait must stand"
            if words[5] != "internal" and not os.path.exists(words[5]):
                return f"{path} line {number}: the program {words[5]} does not exist"
    return None


def vsftpd(paths: Sequence[str]) -> str | None:
    """Each line of vsftpd.conf is option=value without spaces around the =: vsftpd has no checker."""
    for path in [path for path in paths if path.endswith(".conf")] or ["/etc/vsftpd.conf"]:
        for number, line in enumerate(_lines(path), start=1):
            if line.strip() and not line.startswith("#") and not re.match(r"[a-z0-9_]+=\S", line):
                return f"{path} line {number}: not of the form option=value"
    return None


def nftables(paths: Sequence[str]) -> str | None:
    """`nft -c -f` on what is loaded at boot."""
    for path in ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf"):
        if os.path.exists(path):
            refused = _refusal(run(["nft", "-c", "-f", path]))
            if refused:
                return refused
    return None


def _refusal(said: Outcome) -> str | None:
    return None if said.ok else said.words


def _as_postgres(argv: list[str]) -> Outcome:
    return run(["runuser", "-u", "postgres", "--", *argv])


def _query(version: str, cluster: str, sql: str) -> Outcome | None:
    if find("psql") is None:
        return None
    try:
        return _as_postgres(["psql", "-X", "-w", "--cluster", f"{version}/{cluster}", "-Atc", sql, "postgres"])
    except HostError:
        return None


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().split("\n")
    except FileNotFoundError:
        return []
