# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account has another primary group than its default one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import primary_groups
from ansible_collections.care.remediation.plugins.module_utils.controls.model import Found
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import (
    ACCOUNTS,
    FLAGS,
    PRIMARY_GROUPS,
    Snapshot,
)

ID: Final = "vuln_primary_group_id_nochange"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PRIMARY_GROUPS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each account, disabled ones too, whose primary group is no default one: built-in groups and others alike."""
    yield from primary_groups.unusual(snapshot, below=None, level=3)
