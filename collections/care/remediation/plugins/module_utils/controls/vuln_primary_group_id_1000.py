# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An account has a built-in group that is not its default one as primary group."""

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

ID: Final = "vuln_primary_group_id_1000"
NEEDS: Final = frozenset({ACCOUNTS, FLAGS, PRIMARY_GROUPS})


def detect(snapshot: Snapshot) -> Iterator[Found]:
    """Each account, disabled ones too, whose primaryGroupID is below the threshold and not a default one."""
    yield from primary_groups.unusual(snapshot, below=snapshot.limit(ID, "group_rid"), level=1)
