# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The files of group policies in SYSVOL, with their access lists. They are read over SMB (``module_utils/sysvol``),
after the rest of the snapshot and for the policies that controls judge; here is only their form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.directory.descriptor_pool import Descriptor

POLICY_FILES: Final = "files of group policies"


@dataclass(slots=True)
class PolicyFile:
    """One file or folder of a policy. ``path`` is within the policy's folder, ``""`` is that folder."""

    path: str
    descriptor: Descriptor | None = None


def folder_of(dn: str) -> str:
    """The folder of the policy with this DN, as keys of ``Snapshot.policy_files`` are written: ``{31b2f340-…}``."""
    return dn.partition(",")[0].partition("=")[2].lower()
