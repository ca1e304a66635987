# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A Samba member of the scenario's domain, which fetches group policies and applies them by samba-gpupdate."""

from __future__ import annotations

import json

from care_lab.constants import AUTOMATION, AUTOMATION_PASSWORD, DC_FQDN, DOMAIN, NETBIOS, REALM
from care_lab.podman import execute, podman

NAME = "POSTE1"
# The image is the domain controller's: the same programs, and nothing of its domain
JOIN = f"""set -e
rm -rf /var/lib/samba/* /var/cache/samba/* /run/samba/* /etc/samba/smb.conf
mkdir -p /var/lib/samba/private /var/cache/samba /run/samba
printf 'nameserver %s\\nsearch {DOMAIN}\\n' "$1" > /etc/resolv.conf
cat > /etc/samba/smb.conf <<X
[global]
 netbios name = {NAME}
 workgroup = {NETBIOS}
 realm = {REALM}
 security = ads
 apply group policies = yes
 idmap config * : backend = tdb
 idmap config * : range = 3000-7999
X
printf '[libdefaults]\\n default_realm = {REALM}\\n dns_lookup_kdc = true\\n rdns = false\\n' > /etc/krb5.conf
net ads join -U '{AUTOMATION}' -S {DC_FQDN} createcomputer="$2" --no-dns-updates
net ads testjoin -P
"""


class Member:
    """The member of one instance of the lab."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.container = f"care-{instance}-member"

    def start(self, unit: str) -> None:
        """Start it and join the domain, its account in ``unit`` (the name of a unit right below the domain)."""
        dc = json.loads(podman("inspect", f"care-{self.instance}-dc1").stdout)[0]
        address = dc["NetworkSettings"]["Networks"][f"care-{self.instance}"]["IPAddress"]
        podman(
            "run", "--detach", f"--name={self.container}", f"--network=care-{self.instance}",
            f"--label=care.lab={self.instance}", "--label=care.host=member", "--cap-add=SYS_ADMIN",
            f"--hostname={NAME.lower()}.{DOMAIN}", "--entrypoint=sleep", dc["ImageName"], "infinity",
        )  # fmt: skip
        execute(self.container, ["sh", "-c", JOIN, "sh", address, unit], stdin=f"{AUTOMATION_PASSWORD}\n")

    def update(self) -> str:
        """Fetch and apply the policies anew; what samba-gpupdate says."""
        done = execute(self.container, ["samba-gpupdate", "--force", "--target=Computer"], check=False)
        return done.stdout + done.stderr

    def setting(self, option: str) -> str:
        """What one option of smb.conf is now, as testparm says it."""
        done = execute(self.container, ["testparm", "-s", f"--parameter-name={option}"], check=False)
        return done.stdout.strip()
