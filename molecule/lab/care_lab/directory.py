# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab asks of its domain controller's container."""

from __future__ import annotations

from care_lab.constants import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, AUTOMATION, AUTOMATION_PASSWORD, DOMAIN, REALM
from care_lab.podman import execute

# Both from inside: LDAPS with the certificate verified under the name that clients use, and a ticket from the KDC.
_PROBE = """
set -e
export LDAPTLS_CACERT=/var/lib/samba/private/tls/ca.pem KRB5CCNAME=FILE:/tmp/probe.$$
trap 'rm -f /tmp/probe.$$' EXIT
ldapsearch -x -H "ldaps://$1" -s base -b '' -o nettimeout=2 defaultNamingContext >/dev/null
kinit "$2"
"""


AUTOMATION_LOGIN = (AUTOMATION, AUTOMATION_PASSWORD)
ADMINISTRATOR_LOGIN = (ADMINISTRATOR, ADMINISTRATOR_PASSWORD)


def ready(container: str, name: str, login: tuple[str, str]) -> bool:
    """Whether LDAPS and the KDC of the domain controller of this DNS name answer to an account and its password."""
    account, password = login
    done = execute(
        container,
        ["timeout", "10", "bash", "-c", _PROBE, "probe", name, f"{account}@{REALM}"],
        check=False,
        stdin=f"{password}\n",
    )
    return done.returncode == 0


def certificate_authority(container: str) -> str:
    """The PEM of the authority that signed the domain controller's certificate."""
    return execute(container, ["cat", "/var/lib/samba/private/tls/ca.pem"]).stdout


def krb5_conf(address: str) -> str:
    """A krb5.conf with which this machine finds the lab's KDC without DNS (use it by ``KRB5_CONFIG``)."""
    return f"""# Written by care_lab.
[libdefaults]
    default_realm = {REALM}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {REALM} = {{
        kdc = {address}
        kpasswd_server = {address}
        admin_server = {address}
    }}
[domain_realm]
    {DOMAIN} = {REALM}
    .{DOMAIN} = {REALM}
    {address} = {REALM}
"""
