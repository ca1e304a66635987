# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a session reaches the domain: its options, TLS, and authentication.

Options and environment variables carry the names of microsoft.ad's LDAP connection options, so that one set of
variables serves both collections.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

# libldap reads this once, when it initialises: a domain controller that demands channel binding
# (LdapEnforceChannelBinding, Samba's "ldap server require strong auth = yes") refuses SASL over TLS without it.
os.environ.setdefault("LDAPSASL_CBINDING", "tls-endpoint")

from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import (
    DirectoryError,
    explain,
    kerberos_reason,
)

try:
    import ldap
    import ldap.sasl
except ImportError:
    pass  # ldap_errors.LDAP_IMPORT_ERROR says so

_ENVIRONMENT: Final = "MICROSOFT_AD_LDAP_"
# The ExtendedRequest of StartTLS (RFC 4511 4.14), as bytes: used only to look at a certificate
_START_TLS: Final = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16" + b"1.3.6.1.4.1.1466.20037"


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """Where and how to connect. ``password`` is never shown by repr."""

    server: str
    port: int | None = None
    tls_mode: str | None = None  # ldaps, start_tls, or None: LDAP, sealed by SASL
    auth_protocol: str = "negotiate"  # simple, kerberos, ntlm, negotiate
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    cert_validation: str = "always"  # always, ignore, ignore_hostname
    encrypt: bool = True
    connection_timeout: int = 5
    operation_timeout: int = 300

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ConnectionOptions:
        """The options of a module's parameters (those of `argument_spec`); DirectoryError when they make no sense."""
        if not params.get("server"):
            raise DirectoryError(
                "server is required: the DNS name of the domain controller to use"
                f" (option server or environment variable {_ENVIRONMENT}SERVER)"
            )
        options = cls(
            server=params["server"],
            port=params.get("port"),
            tls_mode=params.get("tls_mode"),
            auth_protocol=params.get("auth_protocol") or "negotiate",
            username=params.get("username"),
            password=params.get("password"),
            ca_cert=params.get("ca_cert"),
            cert_validation=params.get("cert_validation") or "always",
            encrypt=params.get("encrypt") is not False,
            connection_timeout=params.get("connection_timeout") or 5,
        )
        return options.checked()

    def checked(self) -> ConnectionOptions:
        """These options, with tls_mode deduced from port 636; DirectoryError when they contradict each other."""
        options = self
        if options.tls_mode is None and options.port == 636:
            options = _replace(options, tls_mode="ldaps")
        if any(c in options.server for c in "/?# \t\r\n%@") or not options.server:
            raise DirectoryError(f"server is not a host name or an address: {options.server!r}")
        if options.auth_protocol == "simple":
            if options.tls_mode is None:
                raise DirectoryError(
                    "auth_protocol simple sends the password as it is and is refused without TLS: set tls_mode to"
                    " ldaps or start_tls, or use auth_protocol negotiate, kerberos or ntlm"
                )
            # An empty password is an anonymous bind that looks successful (RFC 4513 5.1.2)
            if not options.username or not options.password:
                raise DirectoryError("auth_protocol simple needs username and password")
        if options.auth_protocol == "ntlm" and not (options.username and options.password):
            raise DirectoryError("auth_protocol ntlm needs username and password")
        if options.ca_cert and not Path(options.ca_cert).is_file():
            raise DirectoryError(f"ca_cert: there is no file {options.ca_cert}")
        if options.username and not options.password and options.auth_protocol != "kerberos":
            raise DirectoryError(f"password is missing for {options.username}")
        return options

    @property
    def url(self) -> str:
        """The LDAP URL (RFC 4516) of the server."""
        host = f"[{self.server}]" if ":" in self.server else self.server
        scheme = "ldaps" if self.tls_mode == "ldaps" else "ldap"
        return f"{scheme}://{host}:{self.effective_port}"

    @property
    def effective_port(self) -> int:
        """The TCP port: the one given, or that of the mode."""
        return self.port or (636 if self.tls_mode == "ldaps" else 389)


def _replace(options: ConnectionOptions, **changes: Any) -> ConnectionOptions:
    from dataclasses import replace

    return replace(options, **changes)


def argument_spec() -> dict[str, Any]:
    """The argument_spec of the options in the doc fragment ``care.remediation.directory``."""
    from ansible.module_utils.basic import env_fallback

    def option(name: str, **spec: Any) -> dict[str, Any]:
        return {"fallback": (env_fallback, [_ENVIRONMENT + name]), **spec}

    return {
        "server": option("SERVER", type="str"),
        "port": option("PORT", type="int"),
        "tls_mode": option("TLS_MODE", type="str", choices=["ldaps", "start_tls"]),
        "auth_protocol": option(
            "AUTH_PROTOCOL", type="str", choices=["simple", "kerberos", "ntlm", "negotiate"], default="negotiate"
        ),
        "username": option("USERNAME", type="str"),
        "password": option("PASSWORD", type="str", no_log=True),
        "ca_cert": option("CA_CERT", type="path"),
        "cert_validation": option(
            "CERT_VALIDATION", type="str", choices=["always", "ignore", "ignore_hostname"], default="always"
        ),
        "encrypt": option("ENCRYPT", type="bool", default=True),
        "connection_timeout": option("CONNECTION_TIMEOUT", type="int", default=5),
        "break_glass_accounts": {"type": "list", "elements": "str", "default": []},
        "automation_accounts": {"type": "list", "elements": "str", "default": []},
    }


def open_connection(options: ConnectionOptions) -> Any:
    """A python-ldap connection with TLS set up and proved, not yet authenticated; DirectoryError says why not."""
    # libldap waits for a TLS handshake without limit, and says no more than "Can't contact LDAP server": a handshake of
    # our own first, with a time limit and a reason
    seen = peer_certificate(options) if options.tls_mode else None
    connection = ldap.initialize(options.url, bytes_mode=None)
    connection.set_option(ldap.OPT_PROTOCOL_VERSION, 3)
    connection.set_option(ldap.OPT_REFERRALS, 0)
    connection.set_option(ldap.OPT_NETWORK_TIMEOUT, float(options.connection_timeout))
    connection.set_option(ldap.OPT_TIMEOUT, float(options.operation_timeout))
    # The name asked for is the name authenticated: reverse DNS could be an attacker's
    connection.set_option(ldap.OPT_X_SASL_NOCANON, True)
    for name, value in (("OPT_X_KEEPALIVE_IDLE", 30), ("OPT_X_KEEPALIVE_PROBES", 4), ("OPT_X_KEEPALIVE_INTERVAL", 10)):
        if hasattr(ldap, name):
            connection.set_option(getattr(ldap, name), value)
    if options.tls_mode:
        level = ldap.OPT_X_TLS_DEMAND if options.cert_validation == "always" else ldap.OPT_X_TLS_ALLOW
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, level)
        if options.ca_cert:
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, options.ca_cert)
        connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    try:
        if options.tls_mode == "start_tls":
            connection.start_tls_s()
        # The first message opens the connection (and for ldaps the TLS session): before any credential is sent
        connection.search_ext_s("", ldap.SCOPE_BASE, "(objectClass=*)", ["1.1"], timeout=options.connection_timeout * 2)
    except ldap.LDAPError as error:
        raise why_unreachable(options, error) from error
    # libldap checks chain and name together or neither: the chain was verified above, this must be that certificate
    pinned = options.tls_mode is not None and options.cert_validation == "ignore_hostname"
    if pinned and connection.get_option(ldap.OPT_X_TLS_PEERCERT) != seen:
        connection.unbind_ext_s()
        raise DirectoryError(f"{options.server}: the server's certificate is not the one that was just verified")
    return connection


def why_unreachable(options: ConnectionOptions, error: Exception) -> DirectoryError:
    """Why no connection could be made: libldap only says "Can't contact LDAP server", so each step is tried alone."""
    where = f"{options.server} port {options.effective_port}"
    try:
        with socket.create_connection((options.server, options.effective_port), timeout=options.connection_timeout):
            pass
    except socket.gaierror:
        return DirectoryError(f"{options.server}: this name does not resolve: check server and DNS")
    except ConnectionRefusedError:
        return DirectoryError(f"{where}: connection refused: the domain controller's LDAP service is not running there")
    except TimeoutError:
        return DirectoryError(
            f"{where}: no answer in {options.connection_timeout} s: the machine is off, or a firewall drops it"
        )
    except OSError as network:
        return DirectoryError(f"{where}: {network.strerror or network}")
    if isinstance(error, TimeoutError):
        return DirectoryError(
            f"{where}: it accepts connections, but no TLS session comes about: is this the right port?"
        )
    return explain(error, options.server, f"connecting to port {options.effective_port}")


def peer_certificate(options: ConnectionOptions) -> bytes:
    """The server's certificate (DER), verified as ``cert_validation`` asks; DirectoryError says why it is refused."""
    try:
        context = ssl.create_default_context(cafile=options.ca_cert)
    except ssl.SSLError as error:
        raise DirectoryError(f"ca_cert: {options.ca_cert} holds no certificate (PEM)") from error
    context.check_hostname = options.cert_validation == "always"
    if options.cert_validation == "ignore":
        context.verify_mode = ssl.CERT_NONE
    where = f"{options.server} port {options.effective_port}"
    try:
        with socket.create_connection(
            (options.server, options.effective_port), timeout=options.connection_timeout
        ) as plain:
            if options.tls_mode == "start_tls":
                plain.sendall(_START_TLS)
                if b"\x0a\x01\x00" not in plain.recv(1024):
                    raise DirectoryError(f"{where}: the server refuses StartTLS: has it a certificate?")
            with context.wrap_socket(plain, server_hostname=options.server) as secured:
                return secured.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        hint = (
            "give the certificate of the authority that issued it in ca_cert"
            if error.verify_code in (18, 19, 20, 21)
            else "connect by a name that the certificate bears"
            if error.verify_code in (62, 64)
            else "renew the domain controller's certificate"
        )
        raise DirectoryError(f"{where}: the server's certificate is refused: {error.verify_message}; {hint}") from error
    except ssl.SSLError as error:
        raise DirectoryError(
            f"{where}: no TLS session: {error.reason or error}: has the server a certificate?"
        ) from error
    except OSError as error:
        raise why_unreachable(options, error) from error


def authenticate(connection: Any, options: ConnectionOptions, realm: str | None) -> str:
    """Bind as ``options`` say and prove that the connection is protected; returns the mechanism that was used.

    ``realm`` is the domain's Kerberos realm as the rootDSE names it. Raises DirectoryError.
    """
    if options.auth_protocol == "simple":
        try:
            connection.simple_bind_s(options.username, options.password)
        except ldap.LDAPError as error:
            raise explain(error, options.server, f"logging on as {options.username}") from error
        return "simple"
    tried: list[str] = []
    protocols = ["kerberos", "ntlm"] if options.auth_protocol == "negotiate" else [options.auth_protocol]
    for protocol in protocols:
        if len(protocols) > 1 and protocol == "ntlm" and not (options.username and options.password):
            continue
        try:
            _sasl_bind(connection, options, protocol, realm)
        except DirectoryError as error:
            tried.append(str(error))
            continue
        return protocol
    raise DirectoryError(" / ".join(tried) or f"{options.server}: no way to authenticate: give username and password")


def _ntlm_over_tls(connection: Any, options: ConnectionOptions) -> None:
    """NTLM without sign and seal, bound to the TLS channel (RFC 5929 tls-server-end-point).

    Not by Cyrus SASL: to leave sealing to TLS it sets an option that only Kerberos credentials have, and stops there.
    """
    try:
        import spnego
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from spnego.channel_bindings import GssChannelBindings
    except ImportError as error:
        raise DirectoryError(
            "NTLM over TLS needs the Python library pyspnego: pip install pyspnego, or use auth_protocol kerberos"
        ) from error
    certificate = connection.get_option(ldap.OPT_X_TLS_PEERCERT)
    algorithm = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    # RFC 5929 4.1: the hash of the certificate's signature, SHA-256 in place of MD5 and SHA-1
    if algorithm is None or algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    digest = hashes.Hash(algorithm)
    digest.update(certificate)
    bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())
    try:
        context = spnego.client(
            options.username,
            options.password,
            hostname=options.server,
            service="ldap",
            protocol="ntlm",
            channel_bindings=bindings,
            context_req=spnego.ContextReq.none | spnego.ContextReq.no_integrity,
            options=spnego.NegotiateOptions.use_ntlm,
        )
        # Samba refuses the one-byte session key that pyspnego sends when a key exchange is agreed on without signing:
        # no key is exchanged, as none is used (NTLMSSP_NEGOTIATE_KEY_EXCH, MS-NLMP 2.2.2.5)
        context._context_req &= ~0x40000000
        token = context.step()
        for _round in range(4):
            answer = connection.sasl_bind_s("", "GSS-SPNEGO", token)
            if not isinstance(answer, bytes):
                return
            token = context.step(answer)
    except spnego.exceptions.SpnegoError as error:
        raise DirectoryError(f"{options.server}: logging on as {options.username} by ntlm failed: {error}") from error
    raise DirectoryError(f"{options.server}: the server does not finish the NTLM exchange")


def _sasl_bind(connection: Any, options: ConnectionOptions, protocol: str, realm: str | None) -> None:
    if protocol == "ntlm" and options.tls_mode:
        try:
            _ntlm_over_tls(connection, options)
        except ldap.LDAPError as error:
            raise explain(error, options.server, f"logging on as {options.username} by ntlm") from error
        return
    # Active Directory refuses a SASL layer within TLS (MS-ADTS 5.1.1.1.2); without TLS the layer is the protection
    if options.tls_mode:
        properties = "noplain,noanonymous,maxssf=0"
    else:
        properties = "noplain,noanonymous,minssf=2" if options.encrypt else "noplain,noanonymous,minssf=1,maxssf=1"
    connection.set_option(ldap.OPT_X_SASL_SECPROPS, properties)
    who = options.username or "the owner of the Kerberos ticket"
    setting = kerberos_environment(options, realm) if protocol == "kerberos" else _ntlm(options)
    with setting:
        try:
            connection.sasl_interactive_bind_s(
                "", ldap.sasl.sasl({}, "GSSAPI" if protocol == "kerberos" else "GSS-SPNEGO")
            )
        except ldap.LDAPError as error:
            raise explain(error, options.server, f"logging on as {who} by {protocol}") from error
    if options.tls_mode:
        return
    try:
        strength = int(connection.get_option(ldap.OPT_X_SASL_SSF) or 0)
    except ValueError:  # what libldap answers when no layer was agreed on
        strength = 0
    needed = 2 if options.encrypt else 1
    if strength < needed:
        raise DirectoryError(
            f"{options.server}: the connection is not {'encrypted' if options.encrypt else 'signed'} (SSF {strength}):"
            " set tls_mode to ldaps or start_tls"
        )


@contextlib.contextmanager
def _environment(**values: str | None) -> Iterator[None]:
    """Environment variables for the length of a bind: that is how the GSSAPI libraries take credentials."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _private_directory() -> Iterator[Path]:
    """A directory only this user can enter, in memory where the system has one, gone afterwards."""
    base = next((p for p in ("/dev/shm", f"/run/user/{os.getuid()}") if os.access(p, os.W_OK)), None)  # noqa: S108
    path = Path(tempfile.mkdtemp(prefix="care-", dir=base))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _private_file(path: Path, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(content)


@contextlib.contextmanager
def kerberos_environment(options: ConnectionOptions, realm: str | None) -> Iterator[None]:
    """The caller's ticket, or one of our own for username and password, in a cache of our own."""
    with _private_directory() as private:
        variables: dict[str, str | None] = {}
        if realm and _plain_name(realm) and _plain_name(options.server):
            # One domain controller for the run: it is the KDC too. Other realms stay as the system knows them.
            dns = realm.lower()
            _private_file(
                private / "krb5.conf",
                f"[libdefaults]\n  default_realm = {realm}\n  rdns = false\n  dns_canonicalize_hostname = false\n"
                f"  kdc_timesync = 0\n"
                f"[realms]\n  {realm} = {{\n    kdc = {options.server}\n  }}\n"
                f"[domain_realm]\n  .{dns} = {realm}\n  {dns} = {realm}\n",
            )
            system = os.environ.get("KRB5_CONFIG", "/etc/krb5.conf")
            existing = [path for path in system.split(":") if Path(path).is_file()]
            variables["KRB5_CONFIG"] = ":".join([str(private / "krb5.conf"), *existing])
        if options.username and options.password:
            cache = f"FILE:{private / 'ccache'}"
            variables["KRB5CCNAME"] = cache
            with _environment(**variables):
                _kinit(options, realm, cache)
        with _environment(**variables):
            yield


def _plain_name(text: str) -> bool:
    """True for a DNS name or an address: nothing that could mean something else in krb5.conf."""
    return bool(text) and all(c.isalnum() or c in "-._:" for c in text)


def kerberos_principal(username: str, realm: str | None) -> str:
    """The Kerberos principal of a user name written ``user``, ``user@domain`` or ``DOMAIN\\user``."""
    name = username.rpartition("\\")[2]
    user, at, domain = name.rpartition("@")
    if not at:
        return f"{name}@{realm}" if realm else name
    # Realms are upper case in Active Directory (MS-KILE 3.3.5.6.1.1); a foreign UPN suffix goes as an enterprise name
    return f"{user}@{domain.upper()}"


def _kinit(options: ConnectionOptions, realm: str | None, cache: str) -> None:
    program = shutil.which("kinit")
    if program is None:
        raise DirectoryError("kinit is missing: install krb5-user (Debian) or krb5-workstation, or use a ticket")
    principal = kerberos_principal(options.username or "", realm)
    if principal.startswith("-"):
        raise DirectoryError(f"username is not a user's name: {options.username!r}")
    suffix = principal.rpartition("@")[2]
    # A UPN suffix that is not the realm is an enterprise name, resolved by the KDC (RFC 6806)
    command = [program, "-c", cache]
    if realm and suffix.upper() != realm.upper():
        command += ["-E", f"{principal.rpartition('@')[0]}@{suffix.lower()}"]
    else:
        command += [principal]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, the password goes by stdin
            command,
            input=f"{options.password}\n".encode(),
            capture_output=True,
            timeout=max(30, options.connection_timeout * 4),
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DirectoryError(f"{options.server}: the Kerberos server did not answer in time (port 88)") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        reason = kerberos_reason(said)
        raise DirectoryError(
            f"{options.server}: logging on as {principal} by kerberos failed: {reason or 'kinit refused'} ({said})"
        )


@contextlib.contextmanager
def _ntlm(options: ConnectionOptions) -> Iterator[None]:
    """User name and password for gss-ntlmssp, which takes them from a file, in a directory only we can enter."""
    username = options.username or ""
    domain, backslash, user = username.rpartition("\\")
    if not backslash:
        user, _at, domain = username.partition("@")
    if any(c in f"{user}{domain}" for c in ":\n\r\0") or any(c in (options.password or "") for c in "\n\r\0"):
        raise DirectoryError("ntlm: a user name with a colon or a line break cannot be used")
    with _private_directory() as private:
        _private_file(private / "ntlm", f"{domain}:{user}:{options.password}\n")
        # No Kerberos credential may be seen, or SPNEGO would prefer it
        with _environment(
            NTLM_USER_FILE=str(private / "ntlm"),
            KRB5CCNAME=f"FILE:{private / 'none'}",
            KRB5_CLIENT_KTNAME=f"FILE:{private / 'none'}",
        ):
            yield
