# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""podman, as it works on a bare Debian 12 as root, with or without systemd, on a bare or a nested machine.

The file that makes it so is build/containers.conf, written here from what this machine allows.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from care_lab.paths import BUILD
from care_lab.progress import LabError

# What samba and systemd are content with. Asking for more than this process's own hard limit fails with EPERM
# where the caller lacks CAP_SYS_RESOURCE, so the lower of the two is used.
WANTED_LIMITS = {"nofile": (resource.RLIMIT_NOFILE, 20000), "nproc": (resource.RLIMIT_NPROC, 16000)}


def containers_conf() -> str:
    """The text of containers.conf for this machine."""
    limits = []
    for name, (which, wanted) in WANTED_LIMITS.items():
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        limits.append(f'"{name}={value}:{value}"')
    # crun refuses hybrid cgroups (v1 controllers beside a v2 tree); runc takes them all.
    runtime = next((name for name in ("runc", "crun") if shutil.which(name)), "runc")
    return (
        "# Written by care_lab for this machine; do not edit.\n"
        "[containers]\n"
        f"default_ulimits = [{', '.join(limits)}]\n"
        'log_driver = "k8s-file"\n'
        # A container must not take over the names that another lab wrote in this machine's /etc/hosts.
        'base_hosts_file = "none"\n'
        "[engine]\n"
        f'runtime = "{runtime}"\n'
        'events_logger = "file"\n'
        'cgroup_manager = "cgroupfs"\n'
        "[network]\n"
        'network_backend = "netavark"\n'
    )


def environment() -> dict[str, str]:
    """The environment for podman: this process's own, with CONTAINERS_CONF. Writes the file when it changed."""
    path = BUILD / "containers.conf"
    text = containers_conf()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        BUILD.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    return {**os.environ, "CONTAINERS_CONF": str(path)}


def podman(
    *arguments: str,
    check: bool = True,
    stdin: str | bytes | None = None,
    timeout: float | None = None,
    quiet: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run podman and return what it said.

    :param check: raise :class:`LabError` with podman's own words when it fails.
    :param stdin: text or bytes for its standard input.
    :param quiet: False lets its output through to the terminal instead of capturing it.
    """
    if isinstance(stdin, bytes):
        stdin = stdin.decode()
    try:
        done = subprocess.run(
            ["podman", *arguments],
            env=environment(),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=quiet,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise LabError("podman is not installed: run 'make setup'") from None
    except subprocess.TimeoutExpired:
        raise LabError(f"podman {' '.join(arguments[:3])} took more than {timeout:.0f} s") from None
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout or "").strip()
        raise LabError(f"podman {' '.join(arguments[:4])}… failed ({done.returncode}): {said[-2000:]}")
    return done


def execute(container: str, command: Sequence[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command (a list, never a shell line of ours) in a container."""
    interactive = ["-i"] if options.get("stdin") is not None else []
    return podman("exec", *interactive, container, *command, **options)  # type: ignore[arg-type]


def exists(kind: str, name: str) -> bool:
    """Whether a podman object (image, container, network) of this name exists."""
    return podman(kind, "exists", name, check=False).returncode == 0


def copy_in(container: str, path: str, content: str, mode: str, owner: str = "root:root") -> None:
    """Write a small text file in a running container, with its mode and owner, its folder made if need be."""
    script = 'umask 077; mkdir -p "$(dirname "$1")"; cat > "$1"; chmod "$2" "$1"; chown "$3" "$1"'
    execute(container, ["sh", "-c", script, "sh", path, mode, owner], stdin=content)


def save(path: Path, content: str, mode: int = 0o600, replacements: Mapping[str, str] | None = None) -> None:
    """Write a file of the host at once, with its mode."""
    for old, new in (replacements or {}).items():
        content = content.replace(old, new)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=mode)
    temporary.write_text(content, encoding="utf-8")
    temporary.chmod(mode)
    temporary.replace(path)
