# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m care_lab.generator``: make a domain and write it in a format."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from care_lab.generator.build import build


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main() -> int:
    """Parse the command line, build, write."""
    parser = argparse.ArgumentParser(prog="care_lab.generator", description="Generate a French hospital's domain.")
    parser.add_argument("--accounts", type=int, default=300, help="users and service accounts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    parser.add_argument("--now", type=_date, default=today, help="date from which ages count, YYYY-MM-DD (default: today)")
    parser.add_argument("--format", choices=["json", "expected", "samba"], default="json")
    options = parser.parse_args()
    domain = build(options.accounts, options.seed, options.now)
    if options.format == "samba":
        from care_lab.generator.samba_writer import write  # needs Samba's Python, on a domain controller only

        write(domain)
    return 0


if __name__ == "__main__":
    sys.exit(main())
