from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.care.remediation.plugins.filter.valid_document import FilterModule

check = FilterModule().filters()["valid_document"]


def test_valid_document() -> None:
    document = {
        "schema": "care.remediation/audit/1", "host": "web1", "source": "host", "started": "2026-11-22T02:00:00Z",
        "server": None, "target": {}, "controls": {}, "findings": [], "objects": [],
    }  # fmt: skip
    assert check(document, "audit/1") is document
    with pytest.raises(AnsibleFilterError, match="source"):
        check(document | {"source": "rumour"}, "audit/1")
    with pytest.raises(AnsibleFilterError, match="nothing/9"):
        check(document, "nothing/9")
