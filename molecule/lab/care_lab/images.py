# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the lab's images from Debian's archive, once for each state of their inputs.

Each image has two stages. The base is Debian with the packages of molecule/images/<kind>/packages, made by mmdebstrap
on the host (so that apt works wherever the host's apt works: mirror, proxy, private CA) and imported into podman. The
rest is molecule/images/<kind>/Containerfile, which needs no network. A tag is the hash of everything that went in: a
changed input is a new image, an unchanged one is reused.

CARE_BASE_IMAGE takes another base: a repository (``registry.example/debian``, to which ``:bookworm`` or ``:trixie`` is
added) or a whole reference (used for every image; Samba needs trixie). Its missing packages are then installed by its
own apt.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from care_lab import archive
from care_lab.paths import BUILD, IMAGES, PROJECT
from care_lab.podman import environment, exists, podman
from care_lab.progress import LabError, say

REPOSITORY = "localhost/care-lab"


@dataclass(frozen=True)
class Image:
    """What an image is made of, beside its folder ``molecule/images/<kind>``, or another kind's it is a variant of."""

    kind: str
    suite: str
    variant_of: str = ""
    # Another of our images that it starts from, instead of Debian with packages.
    over: str = ""
    # Folders and files of the project that the Containerfile copies, relative to the project.
    inputs: tuple[str, ...] = ()
    build_options: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its folder in molecule/images."""
        return self.variant_of or self.kind


_GENERATOR = ("molecule/lab/care_lab/generator", "molecule/lab/care_lab/constants.py")
# provision stores NT ACLs in security.* extended attributes
_PROVISION = ("--cap-add=SYS_ADMIN",)
IMAGE_KINDS = {
    "dc": Image("dc", "trixie", inputs=_GENERATOR, build_options=_PROVISION),
    # The default domain with every other weakness of ANSSI's list that Samba can hold.
    "dc-all": Image(
        "dc-all", "trixie", over="dc", inputs=("molecule/lab/care_lab/weaknesses",), build_options=_PROVISION
    ),
    # A second domain controller, which joins the first when it starts.
    "dc-join": Image("dc-join", "trixie", over="dc"),
    # A fresh domain with French names.
    "dc-none": Image(
        "dc-none",
        "trixie",
        variant_of="dc",
        inputs=_GENERATOR,
        build_options=(*_PROVISION, "--build-arg=ACCOUNTS=0"),
    ),
    "server": Image("server", "bookworm", inputs=("molecule/lab/care_lab/constants.py",)),
    "scanner": Image("scanner", "bookworm"),
}


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
        else:
            found.append(path)
    return found


def _digest(parts: Iterable[str | Path]) -> str:
    total = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else part.encode()
        name = str(part.relative_to(PROJECT)).encode() if isinstance(part, Path) else b""
        total.update(b"%d %s %d " % (len(name), name, len(data)) + data)
    return total.hexdigest()[:12]


def packages(kind: str) -> list[str]:
    """The packages of an image, in order; ``#`` starts a comment."""
    names: list[str] = []
    for path in (IMAGES / "base" / "packages", IMAGES / kind / "packages"):
        for line in path.read_text(encoding="utf-8").splitlines():
            names += line.split("#", 1)[0].split()
    return names


def base_tag(image: Image) -> str:
    """The name of the base image, a function of its suite and packages."""
    own = os.environ.get("CARE_BASE_IMAGE", "")
    if own and not image.over:
        return own if ":" in own.rsplit("/", 1)[-1] or "@" in own else f"{own}:{image.suite}"
    if image.over:
        return tag(image.over)
    return f"{REPOSITORY}-base-{image.folder}:{_digest([image.suite, *packages(image.folder)])}"


def tag(kind: str) -> str:
    """The name of an image, a function of all its inputs."""
    image = IMAGE_KINDS[kind]
    folders = [IMAGES / "base", IMAGES / image.folder, *(PROJECT / name for name in image.inputs)]
    return f"{REPOSITORY}-{kind}:{_digest([base_tag(image), *image.build_options, *_files(folders)])}"


def _make_base(image: Image) -> None:
    name = base_tag(image)
    if image.over:
        build(image.over)
        return
    if os.environ.get("CARE_BASE_IMAGE") or exists("image", name):
        return
    wanted = packages(image.folder)
    say(f"image {image.folder}: installing Debian {image.suite} and {len(wanted)} packages (about a minute)")
    found = archive.mirrors()
    # Documentation and translations of a container that lives an hour are weight only.
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(wanted)}"]
    command += [
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=force-unsafe-io",
    ]
    command += [f"--aptopt={option}" for option in archive.apt_options()]
    command += [image.suite, "-", *archive.source_lines(image.suite, found)]
    log = BUILD / "lab" / f"mmdebstrap-{image.folder}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as errors:
        maker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        assert maker.stdout is not None
        imported = subprocess.run(
            ["podman", "import", "--quiet", "-", name],
            stdin=maker.stdout,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        maker.stdout.close()
        code = maker.wait()
    if code != 0:
        podman("image", "rm", "--force", name, check=False)
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise LabError(f"mmdebstrap could not make Debian {image.suite} (exit {code}). Its last lines:\n{tail}")
    if imported.returncode != 0:
        raise LabError(f"podman import failed: {imported.stderr.strip()}")


_LOCKS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


def build(kind: str) -> str:
    """Make an image unless it exists. Returns its name."""
    image = IMAGE_KINDS[kind]
    name = tag(kind)
    with _LOCKS[kind]:
        if exists("image", name):
            return name
        _make_base(image)
        say(f"image {kind}: building")
        folder = BUILD / "lab"
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / f"build-{kind}.log"
        with log.open("wb") as output:
            # No layer cache of podman's own: the tag is the cache, and the layers of a failed build would pile up.
            done = subprocess.run(
                [
                    "podman",
                    "build",
                    "--no-cache",
                    "--network=host",
                    *image.build_options,
                    f"--build-arg=BASE={base_tag(image)}",
                    f"--tag={name}",
                    f"--file={IMAGES / image.folder / 'Containerfile'}",
                    str(PROJECT / "molecule"),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
                check=False,
            )
        if done.returncode != 0:
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
            raise LabError(f"image {kind} could not be built (exit {done.returncode}). Last lines of {log}:\n{tail}")
        say(f"image {kind}: ready")
        return name


def build_all(kinds: Iterable[str]) -> dict[str, str]:
    """Make several images at once (two at a time). Returns their names by kind."""
    wanted = list(dict.fromkeys(kinds))
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(wanted, pool.map(build, wanted), strict=True))
