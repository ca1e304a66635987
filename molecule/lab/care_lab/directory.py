# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the lab asks of its domain controller's container."""

from __future__ import annotations

from care_lab.constants import (
    ADMINISTRATOR,
    ADMINISTRATOR_PASSWORD,
    AUTOMATION,
    AUTOMATION_PASSWORD,
    DC_FQDN,
    DOMAIN,
    DOMAIN_DN,
    REALM,
)
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


def share_authority(first: str, second: str) -> None:
    """Give the second domain controller the authority of the first one's certificate, so that one file trusts both."""
    tls = "/var/lib/samba/private/tls"
    wait = f"until [ -s {tls}/dc.pem ]; do sleep 0.2; done; cat {tls}/ca.pem {tls}/ca.key"
    done = execute(first, ["bash", "-c", wait])
    pem, begin, key = done.stdout.partition("-----BEGIN PRIVATE KEY-----")
    execute(second, ["bash", "-c", "mkdir -p /run/care-lab && cat > /run/care-lab/ca.pem"], stdin=pem)
    execute(second, ["bash", "-c", "umask 077; cat > /run/care-lab/part && mv /run/care-lab/part /run/care-lab/ca.key"],
            stdin=begin + key)  # fmt: skip


_NEIGHBOUR = """
set -e
settings="CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,CN=Configuration,$1"
found=$(ldbsearch -H /var/lib/samba/private/sam.ldb -b "$settings" -s base objectGUID 2>/dev/null)
guid=$(printf '%s' "$found" | sed -n 's/^objectGUID: //p')
for name in "E3514235-4B06-11D1-AB04-00C04FC2DCD2/$guid/$2" "GC/$3/$2"; do
    samba-tool spn add "$name" 'DC1$' 2>/dev/null || true
done
samba-tool drs kcc "$3" -P
"""


def replicate(first: str, second: str) -> None:
    """Let two domain controllers replicate both ways: what a task of Samba's that the lab leaves out registers for the
    first one, then a consistency check by it, then one round to the second.

    :raises LabError: they do not.
    """
    execute(first, ["bash", "-c", _NEIGHBOUR, "neighbour", DOMAIN_DN, DOMAIN, DC_FQDN])
    execute(second, ["samba-tool", "drs", "replicate", f"dc2.{DOMAIN}", DC_FQDN, DOMAIN_DN, "-P"])


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
