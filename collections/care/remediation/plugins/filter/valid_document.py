# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The filter ``care.remediation.valid_document``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.care.remediation.plugins.module_utils.findings import document as documents

DOCUMENTATION = r"""
name: valid_document
short_description: Check a document against its schema before it is written
version_added: 0.1.0
author:
  - care.remediation contributors (@care-remediation)
description:
  - Gives the document back unchanged when it fits the schema, and fails otherwise with the place and the reason.
positional: _input, schema
options:
  _input:
    description: The document.
    type: dict
    required: true
  schema:
    description: Name and version of the schema, for instance V(audit/1).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write an audit
  ansible.builtin.copy:
    content: "{{ audited.audit | care.remediation.valid_document('audit/1') | to_nice_json }}"
    dest: audit.json
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The document, unchanged.
  type: dict
"""


def valid_document(value: Any, schema: str) -> Any:
    """``value`` when it fits ``schemas/<schema>.json``; AnsibleFilterError names what does not."""
    try:
        documents.check(value, schema, where=schema)
    except documents.DocumentError as error:
        raise AnsibleFilterError(f"care.remediation.valid_document: {error}") from error
    except OSError as error:
        raise AnsibleFilterError(f"care.remediation.valid_document: there is no schema {schema!r}") from error
    return value


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"valid_document": valid_document}
