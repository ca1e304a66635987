# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lookup ``care.remediation.care_folder``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: care_folder
short_description: Say where the care folder of this inventory is
version_added: 0.1.0
author:
  - care.remediation contributors (@care-remediation)
description:
  - The folder where the playbooks keep reports, findings, decisions, journals and evidence. Every playbook and module
    of this collection finds the same one.
  - It is C(care) beside the first inventory file, or in the first inventory folder. In a folder from which Ansible
    would read C(care) as inventory, and where there is one already, it is C(.care). Without inventory files it is
    C(care) in the working directory.
options:
  _terms:
    description: The folder that the user named (the variable C(care_dir)), or an empty text.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Where is it
  ansible.builtin.debug:
    msg: "{{ lookup('care.remediation.care_folder', care_dir | default('')) }}"
"""

RETURN = r"""
_raw:
  description: The absolute path.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.care.remediation.plugins.plugin_utils.care_folder import care_folder


class LookupModule(LookupBase):
    """The lookup of this file."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """One path a term; AnsibleLookupError says why a folder cannot be used."""
        try:
            return [str(care_folder(str(term) if term else None, variables or {})) for term in terms]
        except AnsibleError as error:
            raise AnsibleLookupError(f"care.remediation.care_folder: {error}") from error
