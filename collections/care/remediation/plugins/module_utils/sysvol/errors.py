# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong with SYSVOL, told apart: a file that is not understood, and a share that cannot be used."""

from __future__ import annotations


class FormatError(ValueError):
    """A policy file is not what its name says; the message says where and why. It is left as it is."""


class SysvolError(Exception):
    """SYSVOL cannot be reached, read or written; the message names server, path and what to do."""
