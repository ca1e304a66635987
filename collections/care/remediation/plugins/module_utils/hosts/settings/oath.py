# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""users.oath of pam_oath: one line a user, ``HOTP/T30/6 user PIN secret [counter [last code [time]]]``.

pam_oath writes the last code into the file: a present line is never written again, that would allow a replay.
"""

from __future__ import annotations

import re

SECRET = re.compile(r"(?:[0-9a-fA-F]{2}){16,64}")  # RFC 4226, requirement 6: at least 128 bits


def users(text: str) -> set[str]:
    """Who has a line."""
    found = set()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 4 and not fields[0].startswith("#"):
            found.add(fields[1])
    return found
