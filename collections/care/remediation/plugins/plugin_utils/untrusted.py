# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Text from reports, handed to playbooks: Ansible must never take it for a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.utils.unsafe_proxy import wrap_var


def untrusted(value: Any) -> Any:
    """Plain dictionaries and lists of ``value`` in which no text is a template, wherever the texts come from.

    ``wrap_var`` alone cannot be used: it refuses the lazy containers that filters are given.
    """
    if isinstance(value, Mapping):
        return {str(key): untrusted(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [untrusted(item) for item in value]
    return wrap_var(value) if isinstance(value, str) else value
