# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What real clients get from web1, from outside of it. Knows nothing of the code under test.

    python clients.py FOLDER exposed|hardened        FOLDER: the lab instance's (addresses.json)
    REDISCLI_AUTH, PGPASSWORD: for `hardened`, what a legitimate client brings (through a tunnel, as they are local now)

Prints one line a check; ends with 1 when one is not as it must be.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

OLD_TLS = ("-tls1", "-tls1_1")


def run(*argv: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
    """Output and errors of a client, together; a client that is not installed is an error, not a pass."""
    if shutil.which(argv[0]) is None:
        raise SystemExit(f"{argv[0]} is missing: apt-get install redis-tools postgresql-client openssl curl")
    clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent", **(env or {})}
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    return subprocess.run(argv, input=stdin, text=True, stdout=pipe, stderr=same, env=clean, timeout=30).stdout


def connects(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True


def telnet_greets(host: str) -> bool:
    """Whether port 23 starts to negotiate telnet."""
    try:
        with socket.create_connection((host, 23), timeout=3) as connection:
            return connection.recv(16).startswith(b"\xff")
    except OSError:
        return False


def on_host(folder: Path, host: str, *argv: str, stdin: str = "") -> str:
    """A client on the server itself, reached by ssh, as the local applications are."""
    return run(
        "ssh",
        "-i",
        str(folder / "id_ed25519"),
        "-o",
        f"UserKnownHostsFile={folder / 'known_hosts'}",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "BatchMode=yes",
        "-o",
        "LogLevel=ERROR",
        f"ansible@{host}",
        *argv,
        stdin=stdin,
    )


def tls(host: str, port: int, *options: str) -> bool:
    said = run("openssl", "s_client", "-connect", f"{host}:{port}", "-cipher", "ALL:@SECLEVEL=0", *options)
    return "Cipher is (NONE)" not in said and "New, " in said


def checks(folder: Path, host: str, hardened: bool) -> list[tuple[str, bool]]:
    psql = ("psql", "-XAtqw", "-h", host, "-U", "postgres", "-d", "postgres", "-c", "SELECT 40+2")
    found = [
        ("telnet answers", telnet_greets(host) is not hardened),
        (
            "ftp gives its files to anybody",
            ("echanges" in run("curl", "-s", "-m", "10", f"ftp://{host}/")) is not hardened,
        ),
        ("redis obeys without a password", ("PONG" in run("redis-cli", "-h", host, "PING")) is not hardened),
        ("postgresql obeys without a password", ("42" in run(*psql)) is not hardened),
        ("port 443 serves the portal", "portail" in run("curl", "-s", "-k", "-m", "10", f"https://{host}/")),
    ]
    for port in (443, 8443):
        found.append((f"port {port}: TLS 1.2", tls(host, port, "-tls1_2")))
        for version in OLD_TLS:
            found.append((f"port {port}: {version}", tls(host, port, version) is not hardened))
    if hardened:
        local = ("redis-cli", "--no-auth-warning")
        secret = os.environ["REDISCLI_AUTH"]
        found += [
            ("redis refuses a local client without a password", "NOAUTH" in on_host(folder, host, *local, "PING")),
            (
                "redis obeys a local client with it",
                "PONG" in on_host(folder, host, *local, stdin=f"AUTH {secret}\nPING\n"),
            ),
            (
                "redis refuses a wrong one",
                "WRONGPASS" in on_host(folder, host, *local, stdin="AUTH wrong-password\nPING\n"),
            ),
            (
                "redis' configuration holds no clear password",
                secret not in on_host(folder, host, "sudo", "cat", "/etc/redis/redis.conf"),
            ),
            (
                "postgresql refuses a local client without a password",
                "no password supplied"
                in on_host(folder, host, "psql -XAtqw -h 127.0.0.1 -U care_test postgres -c 'SELECT 40+2'"),
            ),
            (
                "postgresql obeys one with its password",
                "42"
                in on_host(
                    folder,
                    host,
                    "sh",
                    "-c",
                    "'read PGPASSWORD; export PGPASSWORD; psql -XAtqw -h 127.0.0.1 -U care_test "
                    'postgres -c "SELECT 40+2"\'',
                    stdin=os.environ["PGPASSWORD"] + "\n",
                ),
            ),
            (
                "postgresql lets its own administrator in",
                "42" in on_host(folder, host, "sudo -u postgres psql -XAtqc 'SELECT 40+2'"),
            ),
        ]
        for port in (5432, 6379, 21, 23):
            found.append((f"nothing answers on port {port}", not connects(host, port)))
    return found


def main() -> int:
    folder, wanted = Path(sys.argv[1]), sys.argv[2]
    host = json.loads((folder / "addresses.json").read_text())["hosts"]["web1"]
    results = checks(folder, host, {"exposed": False, "hardened": True}[wanted])
    for text, good in results:
        print(f"{'ok' if good else 'NOT AS IT MUST BE'}: {wanted}: {text}")
    return 0 if all(good for _text, good in results) else 1


if __name__ == "__main__":
    sys.exit(main())
