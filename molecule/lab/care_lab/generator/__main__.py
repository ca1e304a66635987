# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python -m care_lab.generator``: make a domain and write it in a format."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from care_lab.generator import pingcastle
from care_lab.generator.build import build
from care_lab.generator.expected import expected


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main() -> int:
    """Parse the command line, build, write."""
    parser = argparse.ArgumentParser(prog="care_lab.generator", description="Generate a French hospital's domain.")
    parser.add_argument(
        "--accounts",
        type=int,
        default=300,
        help="users and service accounts; 0: a fresh domain with French names, no more (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    parser.add_argument(
        "--now", type=_date, default=today, help="date from which ages count, YYYY-MM-DD (default: today)"
    )
    parser.add_argument("--format", choices=["json", "expected", "pingcastle", "samba"], default="json")
    parser.add_argument("--level", choices=["Normal", "Full"], default="Normal", help="of the PingCastle report")
    parser.add_argument("--output", type=Path, help="file to write (default: standard output)")
    options = parser.parse_args()
    domain = build(options.accounts, options.seed, options.now)
    if options.format == "samba":
        from care_lab.generator.samba_writer import write  # needs Samba's Python, on a domain controller only

        write(domain, options.accounts)
        return 0
    if options.format == "pingcastle":
        text = pingcastle.write(domain, full=options.level == "Full")
    else:
        model = expected(domain) if options.format == "expected" else asdict(domain)
        text = json.dumps(model, indent=1, ensure_ascii=False, default=datetime.isoformat) + "\n"
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
