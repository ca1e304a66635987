# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the filters of findings have in common: who is wanted, nothing as a template, one clear error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.care.remediation.plugins.module_utils.findings import flat
from ansible_collections.care.remediation.plugins.plugin_utils.untrusted import untrusted


def chosen(
    name: str,
    shape: Callable[[Iterable[Mapping[str, Any]]], Any],
    value: Any,
    *,
    host: Any,
    control: Any,
    decision: Any,
    severity: Any,
    min_level: Any,
    decisions: Any,
) -> Any:
    """The wanted findings of ``value`` in this ``shape``, for the filter ``name``; AnsibleFilterError says what is
    wrong with the arguments or the document."""
    try:
        selection = flat.Selection.of(host, control, decision, severity, min_level)
        found = flat.of_document(value, decisions=decisions)
        return untrusted(shape(one for one in found if selection.wants(one)))
    except (flat.SelectionError, KeyError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, flat.SelectionError) else f"the document is damaged: {error!r}"
        raise AnsibleFilterError(f"care.remediation.{name}: {said}") from error
