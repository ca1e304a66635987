# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""/etc/pam.d/sshd: a one-time code for a group, the normal way for everybody else.

pam.conf(5). ``success=done`` and not ``success=1``: a count includes the lines that ``@include common-auth`` brings in
and lands on its pam_deny, which refuses a right code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

BEGIN = "# BEGIN care.remediation mie_ssh_otp"
END = "# END care.remediation mie_ssh_otp"
_AUTH = re.compile(
    r"^(?:@include\s+\S*auth\S*|-?auth\s+(?:include|substack)\s+\S+|-?auth\s+(?:\[[^\]]*\]|\S+)\s+\S*pam_unix\.so)",
    re.IGNORECASE,
)


class PamLayoutError(Exception):
    """The PAM file is not laid out as expected; the message says what to do."""


def block(group: str, exempt: Sequence[str], users_file: str, window: int, digits: int) -> str:
    """The rules. Names must fit ``settings.sshd.NAME``; anything that goes wrong asks for a code or refuses."""
    lines = [BEGIN]
    if exempt:
        lines.append(f"auth [success=2 default=ignore] pam_succeed_if.so quiet user in {':'.join(exempt)}")
    lines += [
        f"auth [success=1 default=ignore] pam_succeed_if.so quiet user notingroup {group}",
        f"auth [success=done default=die] pam_oath.so usersfile={users_file} window={window} digits={digits}",
        END,
    ]
    return "\n".join(lines) + "\n"


def with_block(text: str, rules: str) -> str:
    """``text`` with the rules in front of its first password rule, in place of an older version of themselves.

    :raises PamLayoutError: no password rule found
    """
    clean: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.startswith(BEGIN):
            inside = True
        if not inside:
            clean.append(line)
        if line.startswith(END):
            inside = False
    for index, line in enumerate(clean):
        if _AUTH.match(line.strip()):
            return "".join([*clean[:index], rules, *clean[index:]])
    raise PamLayoutError(
        '/etc/pam.d/sshd has neither "@include common-auth" nor an auth rule with pam_unix.so: the place of the '
        "one-time code is unknown, put the file back to your distribution's layout first"
    )
