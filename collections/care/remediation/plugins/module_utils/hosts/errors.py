# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one exception of the host side: its text is for the administrator who reads it."""

from __future__ import annotations


class HostError(Exception):
    """Something on the host is not as it must be; the message says which object, what was expected, what to do."""
