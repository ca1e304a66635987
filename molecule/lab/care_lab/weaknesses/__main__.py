# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``python3 -m care_lab.weaknesses``: make the domain of this machine wrong, samba stopped."""

from __future__ import annotations

from care_lab.weaknesses import accounts, certificates, controllers, rights, settings
from care_lab.weaknesses.making import Making


def main() -> None:
    """Everything in one transaction, then the record."""
    making = Making()
    for part in (accounts, settings, controllers, rights, certificates):
        part.make(making)
    making.save()
    print(f"{len(making.wrong)} weaknesses of {len({each.control for each in making.wrong})} controls")


if __name__ == "__main__":
    main()
