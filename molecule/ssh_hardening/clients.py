# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who gets into web1 over ssh, tried with real clients from outside of it. Knows nothing of the code under test.

    CARE_OTP_SECRET=<hex> python clients.py FOLDER passwords|keys [otp]

FOLDER: the lab instance's. `passwords` or `keys`: whether passwords get anybody in. `otp`: administrators need a code.
Prints one line a check; ends with 1 when one is not as it must be.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))
from care_lab import constants

PASSWORDS = {
    "root": constants.WEB_ROOT_PASSWORD,
    "secours": constants.WEB_BREAK_GLASS_PASSWORD,
    "admin.web": constants.WEB_ADMIN_PASSWORD,
}
PROMPT = "One-time password"


def run(*argv: str, stdin: str = "") -> str:
    if shutil.which(argv[0]) is None:
        raise SystemExit(f"{argv[0]} is missing: apt-get install sshpass oathtool openssh-client")
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    return subprocess.run(argv, input=stdin, text=True, stdout=pipe, stderr=same, timeout=40).stdout


class Clients:
    """ssh clients of one lab instance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = json.loads((folder / "addresses.json").read_text())["hosts"]["web1"]

    def enters(self, user: str, *, key: bool, answer: str | None = None, prompt: str = "assword") -> bool:
        """Whether a client gets a command run: with the key or without, answering one prompt or none."""
        argv = [
            "ssh",
            "-F",
            "/dev/null",
            "-o",
            f"UserKnownHostsFile={self.folder / 'known_hosts'}",
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "LogLevel=ERROR",
            "-o",
            "NumberOfPasswordPrompts=1",
            "-o",
            "ControlPath=none",
            "-o",
            "ConnectTimeout=10",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            f"PubkeyAuthentication={'yes' if key else 'no'}",
        ]
        argv += ["-i", str(self.folder / "id_ed25519")] if key else []
        argv += ["-o", "BatchMode=yes"] if answer is None else []
        argv += [f"{user}@{self.host}", "echo", "entered"]
        if answer is not None:
            argv = ["sshpass", "-d", "0", "-P", prompt, *argv]
        return "entered" in run(*argv, stdin=f"{answer}\n" if answer is not None else "").splitlines()


def fresh_code(secret: str) -> str:
    """A code of a time step that has just begun, so that it is neither used nor about to end."""
    time.sleep(30 - time.time() % 30 + 0.5)
    return run("oathtool", "--totp", "-", stdin=secret + "\n").strip()


def main() -> int:
    clients, passwords, otp = Clients(Path(sys.argv[1])), sys.argv[2] == "passwords", "otp" in sys.argv[3:]
    results: list[tuple[str, bool]] = []

    def check(text: str, expected: bool, found: bool) -> None:
        results.append((f"{text}: {'in' if found else 'refused'}", expected is found))

    for user in ("ansible", "secours"):
        check(f"{user} with the key alone", True, clients.enters(user, key=True))
    check("admin.web with the key alone", not otp, clients.enters("admin.web", key=True))
    for user, password in PASSWORDS.items():
        expected = passwords and not (otp and user == "admin.web")
        check(f"{user} with the password alone", expected, clients.enters(user, key=False, answer=password))
    check("root with a wrong password", False, clients.enters("root", key=False, answer="not-the-password"))
    if otp:
        code = fresh_code(os.environ["CARE_OTP_SECRET"])
        wrong = f"{(int(code) + 1) % 1000000:06d}"
        check(
            "admin.web with a code and no key",
            False,
            clients.enters("admin.web", key=False, answer=code, prompt=PROMPT),
        )
        check(
            "admin.web with key and wrong code",
            False,
            clients.enters("admin.web", key=True, answer=wrong, prompt=PROMPT),
        )
        check(
            "admin.web with key and password",
            False,
            clients.enters("admin.web", key=True, answer=PASSWORDS["admin.web"], prompt=PROMPT),
        )
        check("admin.web with key and code", True, clients.enters("admin.web", key=True, answer=code, prompt=PROMPT))
        check(
            "admin.web with key and the same code again",
            False,
            clients.enters("admin.web", key=True, answer=code, prompt=PROMPT),
        )
    for text, good in results:
        print(f"{'ok' if good else 'NOT AS IT MUST BE'}: {text}")
    return 0 if all(good for _text, good in results) else 1


if __name__ == "__main__":
    sys.exit(main())
