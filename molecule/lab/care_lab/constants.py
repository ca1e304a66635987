# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and lab-only passwords that the images, the inventories and the tests share.

The passwords open nothing but containers on a private network of this machine.
"""

from __future__ import annotations

DOMAIN = "chu-valmont.test"
NETBIOS = "CHUVALMONT"
REALM = DOMAIN.upper()
DOMAIN_DN = ",".join(f"DC={part}" for part in DOMAIN.split("."))
DC_NAME = "dc1"
DC_FQDN = f"{DC_NAME}.{DOMAIN}"

# The built-in administrator, renamed as a French Windows server does, and the account of the remediation.
ADMINISTRATOR = "Administrateur"
AUTOMATION = "svc-care"
BREAK_GLASS = ("bris-de-glace-1", "bris-de-glace-2")
ADMINISTRATOR_PASSWORD = "Lab-Administrateur-2026"
AUTOMATION_PASSWORD = "Lab-svc-care-2026"
BREAK_GLASS_PASSWORD = "Lab-bris-de-glace-2026"
# Every generated user and service account has this one.
USER_PASSWORD = "Lab-Valmont-2026"

# web1
WEB_ROOT_PASSWORD = "Lab-root-2026"
WEB_ADMIN_PASSWORD = "Lab-admin-web-2026"
WEB_BREAK_GLASS_PASSWORD = "Lab-secours-2026"

KINDS = {"dc1": "dc", "web1": "server", "scanner": "scanner"}
