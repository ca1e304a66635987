# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.inventory import Inventory
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue

from .builders import HOSTS


@pytest.fixture(scope="session")
def controls() -> Any:
    return catalogue.load()


@pytest.fixture
def inventory() -> Inventory:
    return Inventory(HOSTS)
