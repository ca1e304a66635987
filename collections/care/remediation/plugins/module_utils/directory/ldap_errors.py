# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What went wrong with the directory, said so that an administrator knows what to do."""

from __future__ import annotations

import re
from typing import Final

try:
    import ldap

    LDAP_IMPORT_ERROR: Exception | None = None
except ImportError as error:  # reported by the modules (missing_required_lib)
    LDAP_IMPORT_ERROR = error


class DirectoryError(Exception):
    """An operation on the directory failed; the text says which, on what, and what to do."""


class IdentityError(DirectoryError):
    """An identity that names no object, or more than one."""


# MS-ADTS 3.1.1.5.1.1 and winerror.h: the "data" of a refused bind, in hexadecimal
_BIND_DATA: Final[dict[str, str]] = {
    "525": "the account does not exist",
    "52e": "the user name or the password is wrong",
    "52f": "an account restriction forbids it (Protected Users, logon hours, or an authentication policy)",
    "530": "the account may not log on at this hour",
    "531": "the account may not log on from this machine",
    "532": "the account's password has expired",
    "533": "the account is disabled",
    "568": "the account belongs to too many groups",
    "701": "the account has expired",
    "773": "the account must change its password first",
    "775": "the account is locked out",
    "80090346": "the server demands channel binding and did not get it: this machine's SASL and GSSAPI libraries do not"
    " send it for this mechanism. Use auth_protocol kerberos, or LDAP without TLS (sealed)",
}
_KERBEROS: Final[tuple[tuple[str, str], ...]] = (
    (
        "Clock skew too great",
        "the clock of this machine and that of the domain controller differ too much (5 minutes"
        " are allowed): set the time",
    ),
    ("Preauthentication failed", "the password is wrong"),
    ("Password incorrect", "the password is wrong"),
    ("Client's credentials have been revoked", "the account is disabled, locked out or expired"),
    ("Password has expired", "the account's password has expired"),
    (
        "not found in Kerberos database",
        "the account, or the service ldap/<server>, does not exist in this realm: give"
        " server as the domain controller's full DNS name and username as user@DOMAIN.FQDN",
    ),
    ("Cannot contact any KDC", "no Kerberos server answers (port 88)"),
    ("Cannot find KDC", "no Kerberos server is known for this realm: check /etc/krb5.conf or DNS"),
    ("Ticket expired", "the Kerberos ticket has expired: run kinit again, or give username and password"),
    ("No Kerberos credentials available", "there is no Kerberos ticket: run kinit, or give username and password"),
    ("No credentials cache found", "there is no Kerberos ticket: run kinit, or give username and password"),
    (
        "no mechanism available",
        "the SASL mechanism is missing: install libsasl2-modules-gssapi-mit (and gss-ntlmssp for NTLM)",
    ),
)


def kerberos_reason(text: str) -> str | None:
    """What an error text of Kerberos or SASL means, or None when it is not a known one."""
    for needle, meaning in _KERBEROS:
        if needle.lower() in text.lower():
            return meaning
    return None


def detail(error: Exception) -> str:
    """The result, diagnostic message and matched name of a python-ldap exception on one line."""
    info = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    parts = [str(info.get("desc") or type(error).__name__)]
    if info.get("info"):
        parts.append(" ".join(str(info["info"]).split()))
    if info.get("matched"):
        parts.append(f"nearest existing object: {info['matched']}")
    return "; ".join(parts)


def result_code(error: Exception) -> int | None:
    """The LDAP result code (RFC 4511 4.1.9) of a python-ldap exception, or None when it has none."""
    info = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    code = info.get("result")
    return code if isinstance(code, int) else None


def explain(error: Exception, server: str, doing: str) -> DirectoryError:
    """A DirectoryError for a python-ldap exception raised by ``server`` while ``doing`` something."""
    said = detail(error)
    meaning: str | None = None
    if isinstance(error, ldap.SERVER_DOWN):
        meaning = "the connection was lost or could not be made: is the domain controller running and reachable?"
    elif isinstance(error, (ldap.TIMEOUT, ldap.TIMELIMIT_EXCEEDED)):
        meaning = "no answer in time: the domain controller is overloaded or the network is cut"
    elif isinstance(error, ldap.STRONG_AUTH_REQUIRED):
        meaning = (
            "the server demands a signed or encrypted connection: use tls_mode ldaps or start_tls, or"
            " auth_protocol negotiate, kerberos or ntlm with encrypt: true"
        )
        if "channel binding" in said.lower():
            meaning = _BIND_DATA["80090346"]
    elif isinstance(error, ldap.INVALID_CREDENTIALS):
        data = re.search(r"\bdata ([0-9a-fA-F]+)", said)
        meaning = _BIND_DATA.get(data.group(1).lower()) if data else None
        meaning = meaning or ("80090346" in said and _BIND_DATA["80090346"]) or _BIND_DATA["52e"]
    elif isinstance(error, ldap.INSUFFICIENT_ACCESS):
        meaning = "the connected account has no right to do this"
    elif isinstance(error, (ldap.LOCAL_ERROR, ldap.AUTH_UNKNOWN, ldap.AUTH_METHOD_NOT_SUPPORTED)):
        meaning = kerberos_reason(said)
    return DirectoryError(f"{server}: {doing} failed: {f'{meaning} ' if meaning else ''}({said})")
