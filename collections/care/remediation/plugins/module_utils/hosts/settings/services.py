# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a Linux host's services should be set to: reads the host, decides, writes nothing."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from ansible_collections.care.remediation.plugins.module_utils.hosts import command, files, units
from ansible_collections.care.remediation.plugins.module_utils.hosts.errors import HostError
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings import (
    inetd,
    nginx,
    postgresql,
    redis,
    sockets,
)
from ansible_collections.care.remediation.plugins.module_utils.hosts.settings.model import (
    Settings,
    WantedFile,
    WantedUnit,
)

INETD = "/etc/inetd.conf"
SUPERSERVERS = frozenset({"inetd", "inetutils-inetd", "openbsd-inetd"})
POSTGRESQL = "postgres"


def _text(path: str) -> str | None:
    present = files.read(path)
    if present.content is None:
        return None
    try:
        return present.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HostError(f"{path} is not UTF-8 text (byte {error.start}): it is not touched") from error


def _wanted(path: str, content: str, secret: bool = False) -> WantedFile:
    present = files.read(path)
    return WantedFile(path, content, f"{present.mode:04o}", present.owner, present.group, secret)


def switched_off(ports: set[int], names: frozenset[str], programs: frozenset[str], known: tuple[str, ...]) -> Settings:
    """A plain-text service off: its inetd lines, and whichever unit listens on its ports or is known to serve it.

    :param names: service names and port numbers as inetd.conf may write them
    :param known: units that serve nothing else; taken when they are running or enabled, whatever their port
    """
    result = Settings()
    for path in [INETD, *sorted(glob.glob("/etc/inetd.d/*"))]:
        real = os.path.realpath(path)
        text = _text(real)
        if text is None:
            continue
        new = inetd.switched_off(text, names, programs)
        if new != text:
            result.files.append(_wanted(real, new))
            rest = inetd.remaining(new)
            result.notes.append(
                f"{path} still serves: {', '.join(rest)}" if rest else f"{path} serves nothing any more"
            )
    found: dict[str, None] = {}
    for port in sorted(ports):
        for name in sockets.socket_units(port):
            found[name] = None
        for pid in sorted(sockets.owners(port)):
            program, unit = sockets.program(pid), sockets.unit(pid)
            if program in SUPERSERVERS or pid == 1:
                continue
            if program == "xinetd":
                result.problems.append(
                    f"port {port} is served by xinetd: set 'disable = yes' in its file of /etc/xinetd.d, reload xinetd"
                )
            elif unit is None:
                result.problems.append(
                    f"port {port} is served by process {pid} ({program}), which no systemd unit runs: stop it and what "
                    "starts it by hand"
                )
            else:
                found[unit] = None
    for name in known:
        state = units.read(name)
        if state is not None and (state["active"] or state["enabled"].startswith("enabled")):
            found[name] = None
    result.units = [WantedUnit(name, "disabled", False) for name in found]
    return result


def telnet(options: dict[str, Any]) -> Settings:
    """Control expo_telnet."""
    return switched_off({23}, frozenset({"telnet", "23"}), frozenset({"telnetd", "in.telnetd"}), ("telnet.socket",))


def ftp(options: dict[str, Any]) -> Settings:
    """Control expo_ftp."""
    return switched_off(
        {21},
        frozenset({"ftp", "21"}),
        frozenset({"ftpd", "in.ftpd", "vsftpd", "proftpd", "pure-ftpd"}),
        ("vsftpd.service", "vsftpd.socket", "proftpd.service", "proftpd.socket", "pure-ftpd.service"),
    )


def redis_server(options: dict[str, Any]) -> Settings:
    """Control expo_redis_unauthenticated. Options ``redis_config``, ``redis_addresses``, ``redis_password_sha256``."""
    result = Settings()
    main = os.path.realpath(options["redis_config"])
    if _text(main) is None:
        raise HostError(f"{main} does not exist: name the configuration of Redis in care_redis_config")
    texts: dict[str, str] = {}
    acl_file: str | None = None
    waiting = [main]
    while waiting:
        path = os.path.realpath(waiting.pop(0))
        if path in texts:
            continue
        text = _text(path)
        if text is None:
            raise HostError(f"{path}, which the configuration of Redis includes, does not exist")
        texts[path] = text
        if path == acl_file:
            continue
        for line in text.split("\n"):
            found = redis.words(line)
            if len(found) > 1 and found[0].lower() == "include":
                waiting += sorted(glob.glob(found[1]))
            elif len(found) > 1 and found[0].lower() == redis.ACLFILE and found[1]:
                acl_file = os.path.realpath(found[1])
                waiting.append(found[1])
    wanted = redis.Wanted(tuple(options["redis_addresses"]), options.get("redis_password_sha256") or None)
    try:
        changed = redis.secured(main, texts, acl_file, wanted)
    except redis.RedisSettingsError as error:
        result.problems.append(str(error))
        return result
    for path, text in changed.items():
        secret = redis.holds_secret(texts[path]) or redis.holds_secret(text)
        result.files.append(_wanted(path, text, secret))
    return result


def _clusters() -> list[tuple[str, str, bool]]:
    """Version, name and whether it runs, of each cluster of postgresql-common."""
    said = command.run(["pg_lsclusters", "--no-header"])
    if not said.ok:
        raise HostError(f"pg_lsclusters does not answer: {said.words}")
    found = [line.split() for line in said.out.splitlines()]
    return [(fields[0], fields[1], fields[3].startswith("online")) for fields in found if len(fields) >= 4]


def _psql(version: str, name: str, query: str) -> list[str]:
    # As the system user postgres over the local socket: the way in that stays open.
    said = command.run(
        [
            "runuser",
            "-u",
            POSTGRESQL,
            "--",
            "psql",
            "--cluster",
            f"{version}/{name}",
            "-XAtq",
            "-d",
            "postgres",
            "-c",
            query,
        ]
    )
    if not said.ok:
        raise HostError(f"PostgreSQL {version}/{name} does not let the system user postgres in: {said.words}")
    return [line for line in said.out.splitlines() if line]


def postgresql_server(options: dict[str, Any]) -> Settings:
    """Control expo_postgresql_public. Options ``postgresql_addresses``, ``postgresql_trust``."""
    result = Settings()
    clusters = _clusters()
    if not clusters:
        raise HostError("there is no PostgreSQL cluster on this host (pg_lsclusters lists none)")
    for version, name, running in clusters:
        base = f"/etc/postgresql/{version}/{name}"
        directory = f"{base}/conf.d"
        main_path, hba_path = os.path.realpath(f"{base}/postgresql.conf"), os.path.realpath(f"{base}/pg_hba.conf")
        main, hba = _text(main_path), _text(hba_path)
        if main is None or hba is None:
            raise HostError(f"{base} lacks postgresql.conf or pg_hba.conf")
        new_main = postgresql.main_file(main, directory)
        if new_main != main:
            result.files.append(_wanted(main_path, new_main))
        drop_in = f"{directory}/{postgresql.DROP_IN}"
        owner = files.read(main_path)
        result.files.append(
            WantedFile(drop_in, postgresql.drop_in(options["postgresql_addresses"]), "0644", owner.owner, owner.group)
        )
        result.files.append(_wanted(hba_path, postgresql.without_trust(hba, options["postgresql_trust"])))
        _postgresql_problems(result, version, name, running, directory)
    return result


def _postgresql_problems(result: Settings, version: str, name: str, running: bool, directory: str) -> None:
    cluster = f"PostgreSQL {version}/{name}"
    later = sorted(entry for entry in os.listdir(directory)) if os.path.isdir(directory) else []
    later = [entry for entry in later if entry.endswith(".conf") and entry > postgresql.DROP_IN]
    for entry in later:
        text = _text(os.path.realpath(f"{directory}/{entry}")) or ""
        for line in text.splitlines():
            found = postgresql.setting(line)
            if found is not None and found[0] in postgresql.MANAGED:
                result.problems.append(
                    f"{directory}/{entry} sets {found[0]} after {postgresql.DROP_IN}: remove it there"
                )
    if not running:
        result.notes.append(f"{cluster} is not running: what it really does cannot be checked")
        return
    automatic = _psql(
        version,
        name,
        "SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%/postgresql.auto.conf' AND name IN "
        "('listen_addresses', 'password_encryption') ORDER BY 1",
    )
    for found_name in automatic:
        result.problems.append(
            f"{cluster}: {found_name} was set by ALTER SYSTEM, which beats every file: run "
            f'"ALTER SYSTEM RESET {found_name}" as postgres, then run this again'
        )
    weak = _psql(
        version,
        name,
        "SELECT rolname FROM pg_authid WHERE rolcanlogin AND rolname <> 'postgres' AND "
        "(rolpassword IS NULL OR rolpassword NOT LIKE 'SCRAM-SHA-256%') ORDER BY 1",
    )
    if weak:
        result.notes.append(
            f"{cluster}: these roles have no SCRAM password and will be refused over the network until they get one: "
            + ", ".join(weak)
        )


def nginx_server(options: dict[str, Any]) -> Settings:
    """Control expo_tls_obsolete."""
    result = Settings()
    said = command.run(["nginx", "-T"])
    if not said.ok:
        raise HostError(f"nginx -T refuses the present configuration, which must be right first: {said.words}")
    named = list(nginx.dump_files(said.out))
    if not named:
        raise HostError("nginx -T names no configuration file")
    texts = {path: _text(os.path.realpath(path)) or "" for path in named}
    changed, problems = nginx.wanted(texts, named[0], f"{os.path.dirname(named[0])}/conf.d/{nginx.DROP_IN}")
    result.problems += problems
    seen: set[str] = set()
    for path, text in changed.items():
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        result.files.append(_wanted(real, text) if Path(real).exists() else WantedFile(real, text))
    return result


SERVICES = {
    "telnet": telnet,
    "ftp": ftp,
    "redis": redis_server,
    "postgresql": postgresql_server,
    "nginx": nginx_server,
}
