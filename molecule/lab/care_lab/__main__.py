# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m care_lab``."""

from __future__ import annotations

import sys

from care_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
