# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where things are in a checkout of the project."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
IMAGES = PROJECT / "molecule" / "images"
BUILD = PROJECT / "build"
LAB_INVENTORY = PROJECT / "inventories" / "lab"
