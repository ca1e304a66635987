# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options by which a module reaches the domain. Change connection.argument_spec with them."""

from __future__ import annotations


class ModuleDocFragment:
    """``care.remediation.directory``: the connection, named as in microsoft.ad, and the accounts never touched."""

    DOCUMENTATION = r"""
options:
  server:
    description:
      - DNS name of the one domain controller to use. Kerberos needs the name that the
        controller is registered by; NTLM and simple also work by address.
      - The environment variable E(MICROSOFT_AD_LDAP_SERVER) is used when this is not set. One of both is needed.
    type: str
  port:
    description:
      - TCP port of LDAP, by default 636 with O(tls_mode=ldaps) and 389 otherwise. Port 636 alone means
        O(tls_mode=ldaps).
      - The environment variable E(MICROSOFT_AD_LDAP_PORT) is used when this is not set.
    type: int
  tls_mode:
    description:
      - V(ldaps) is LDAP within TLS from the first byte, V(start_tls) turns TLS on in an LDAP connection.
      - Without it the connection is plain LDAP, signed and sealed by Kerberos or NTLM.
      - The environment variable E(MICROSOFT_AD_LDAP_TLS_MODE) is used when this is not set.
    type: str
    choices: [ldaps, start_tls]
  auth_protocol:
    description:
      - V(kerberos) uses the password, or the ticket of the user who runs Ansible when there is no O(username).
      - V(ntlm) needs O(username) and O(password). V(negotiate) tries Kerberos, then NTLM.
      - V(simple) sends the password as it is and is refused without TLS.
      - Over TLS, Kerberos and NTLM are bound to the TLS channel, as a server that demands channel binding expects.
      - The environment variable E(MICROSOFT_AD_LDAP_AUTH_PROTOCOL) is used when this is not set.
    type: str
    choices: [simple, kerberos, ntlm, negotiate]
    default: negotiate
  username:
    description:
      - C(user@domain.fqdn) or C(DOMAIN\\user).
      - The environment variable E(MICROSOFT_AD_LDAP_USERNAME) is used when this is not set.
    type: str
  password:
    description:
      - The password. It is never written to a log, a journal or a command line.
      - The environment variable E(MICROSOFT_AD_LDAP_PASSWORD) is used when this is not set.
    type: str
  ca_cert:
    description:
      - File with the certificates (PEM) of the authorities to trust; those of the system when not set.
      - The environment variable E(MICROSOFT_AD_LDAP_CA_CERT) is used when this is not set.
    type: path
  cert_validation:
    description:
      - V(always) verifies the server's certificate and its name, V(ignore_hostname) not the name, V(ignore) nothing.
      - The environment variable E(MICROSOFT_AD_LDAP_CERT_VALIDATION) is used when this is not set.
    type: str
    choices: [always, ignore, ignore_hostname]
    default: always
  encrypt:
    description:
      - Whether a connection without TLS must be sealed. When V(false) it is only signed, for instance to read a
        capture.
      - The environment variable E(MICROSOFT_AD_LDAP_ENCRYPT) is used when this is not set.
    type: bool
    default: true
  connection_timeout:
    description:
      - Seconds to wait for a connection.
      - The environment variable E(MICROSOFT_AD_LDAP_CONNECTION_TIMEOUT) is used when this is not set.
    type: int
    default: 5
  break_glass_accounts:
    description: Accounts for emergencies, as SID, C(sAMAccountName) or distinguished name. They are never changed.
    type: list
    elements: str
    default: []
  automation_accounts:
    description: Accounts that automation logs on with, written likewise. They are never changed.
    type: list
    elements: str
    default: []
requirements:
  - python-ldap
  - kinit (Debian package krb5-user) and libsasl2-modules-gssapi-mit, for Kerberos
  - gss-ntlmssp for NTLM without TLS, pyspnego for NTLM over TLS
"""
