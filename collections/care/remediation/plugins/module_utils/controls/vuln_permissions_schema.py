# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Someone who is not an administrator holds a dangerous right on an object of the schema.

Whoever changes a class sets the access list that every new object of the class starts with. The head of the schema is
judged by ``vuln_permissions_naming_context``; any write counts.
"""

from __future__ import annotations

from typing import Final

from ansible_collections.care.remediation.plugins.module_utils.controls import privileged_objects
from ansible_collections.care.remediation.plugins.module_utils.controls.permissions import Target
from ansible_collections.care.remediation.plugins.module_utils.directory.reading.descriptors import (
    OBJECT_DESCRIPTORS,
    SCHEMA,
    SCHEMA_OBJECTS,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import ACCOUNTS, MEMBERSHIP, Snapshot

ID: Final = "vuln_permissions_schema"
LEVELS: Final = (1, 2)
NEEDS: Final = frozenset({ACCOUNTS, MEMBERSHIP, OBJECT_DESCRIPTORS, SCHEMA_OBJECTS})


def targets(snapshot: Snapshot) -> list[Target]:
    """The objects that are judged; ``permissions`` says what of them."""
    heads = [each.dn for each in snapshot.naming_contexts if each.role == "schema"]
    return privileged_objects.settings(snapshot, SCHEMA, but=heads[0] if heads else None)
