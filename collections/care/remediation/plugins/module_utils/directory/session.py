# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A session with one domain controller: streaming paged reads and pipelined writes over one connection."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

# connection sets what libldap reads when it initialises: it comes before ldap
from ansible_collections.care.remediation.plugins.module_utils.directory.connection import (
    ConnectionOptions,
    argument_spec,
    authenticate,
    open_connection,
)
from ansible_collections.care.remediation.plugins.module_utils.directory.entry import CaseInsensitiveDict, Entry
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import (
    LDAP_IMPORT_ERROR,
    DirectoryError,
    IdentityError,
    explain,
    result_code,
)

try:
    import ldap
    import ldap.controls
    import ldap.filter
    from ldap.controls.libldap import SimplePagedResultsControl
except ImportError:
    pass  # LDAP_IMPORT_ERROR says so

__all__ = [
    "DACL",
    "LDAP_IMPORT_ERROR",
    "ConnectionOptions",
    "DirectoryError",
    "Entry",
    "IdentityError",
    "Result",
    "Session",
    "argument_spec",
    "sd_flags_control",
    "shown_deleted_control",
]

# SECURITY_INFORMATION (MS-DTYP 2.4.7)
OWNER: Final = 1
GROUP: Final = 2
DACL: Final = 4
_SD_FLAGS: Final = "1.2.840.113556.1.4.801"
_SHOW_DELETED: Final = "1.2.840.113556.1.4.417"
_PAGE: Final = 1000
# A page of descriptors is some hundred times larger than one of flags
_PAGE_WITH_DESCRIPTORS: Final = 500
_ROOT_DSE: Final = [
    "defaultNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "rootDomainNamingContext",
    "namingContexts",
    "dnsHostName",
    "ldapServiceName",
    "serverName",
    "dsServiceName",
    "supportedControl",
    "supportedSASLMechanisms",
    "supportedCapabilities",
    "domainFunctionality",
    "forestFunctionality",
    "domainControllerFunctionality",
    "highestCommittedUSN",
    "currentTime",
]


def sd_flags_control(flags: int = DACL, criticality: bool = True) -> Any:
    """LDAP_SERVER_SD_FLAGS_OID (MS-ADTS 3.1.1.3.4.1.11): which parts of a descriptor are read or written.

    Without it a reader that may not see the SACL gets no descriptor at all, and a writer sends owner and SACL too.
    """
    return ldap.controls.RequestControl(_SD_FLAGS, criticality, bytes([0x30, 0x03, 0x02, 0x01, flags & 0xF]))


def shown_deleted_control() -> Any:
    """LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14)."""
    return ldap.controls.RequestControl(_SHOW_DELETED, True, None)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one modify: ``code`` is the LDAP result (0 = done), None when the answer never came."""

    dn: str
    code: int | None
    error: DirectoryError | None = None

    @property
    def ok(self) -> bool:
        """True when the server said that it is done."""
        return self.code == 0


class Session:
    """One authenticated connection to one domain controller. Use as a context manager."""

    def __init__(self, connection: Any, options: ConnectionOptions, mechanism: str, root_dse: dict[str, list[str]]):
        self._ldap = connection
        self.options = options
        self.mechanism = mechanism
        self.root_dse = root_dse
        self.server = (root_dse.get("dnsHostName") or [options.server])[0]
        self.domain_dn = self._required("defaultNamingContext")
        self.configuration_dn = self._required("configurationNamingContext")
        self.schema_dn = self._required("schemaNamingContext")
        self.dns_name = dns_name_of(self.domain_dn)
        self.encrypted = bool(options.tls_mode) or options.encrypt
        self._connected_sid: str | None = None
        domain = self.read(self.domain_dn, ["objectSid"])
        domain_sid = domain.sid() if domain else None
        if domain_sid is None:
            raise DirectoryError(
                f"{self.server}: the domain's SID cannot be read from {self.domain_dn}: the connected account has no"
                " right to read it"
            )
        self.domain_sid = domain_sid

    @classmethod
    def connect(cls, options: ConnectionOptions) -> Session:
        """Connect and authenticate. Raises DirectoryError, whose text says what to do."""
        if LDAP_IMPORT_ERROR is not None:
            raise DirectoryError("the Python library python-ldap is missing: pip install python-ldap")
        options = options.checked()
        connection = open_connection(options)
        try:
            root_dse = _read_root_dse(connection, options)
            mechanism = authenticate(connection, options, _realm_of(root_dse))
            root_dse = _read_root_dse(connection, options)  # again: the first one was not authenticated
            return cls(connection, options, mechanism, root_dse)
        except BaseException:
            _close(connection)
            raise

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Never raises."""
        _close(self._ldap)

    def _required(self, name: str) -> str:
        values = self.root_dse.get(name)
        if not values:
            raise DirectoryError(f"{self.options.server}: no {name} in the rootDSE: is it an Active Directory server?")
        return values[0]

    @property
    def realm(self) -> str | None:
        """The Kerberos realm of the server, None when it does not say."""
        return _realm_of(self.root_dse)

    @property
    def connected_sid(self) -> str:
        """The SID of the account this session is authenticated as. Raises DirectoryError when it cannot be known."""
        if self._connected_sid is None:
            self._connected_sid = self._who_am_i()
        return self._connected_sid

    def _who_am_i(self) -> str:
        try:
            # The first SID of the access token is the account's own (MS-ADTS 3.1.1.3.2.25, tokenGroups of the rootDSE)
            answer = self._ldap.search_ext_s("", ldap.SCOPE_BASE, "(objectClass=*)", ["tokenGroups"])
            token = Entry("", CaseInsensitiveDict(answer[0][1])).sids("tokenGroups") if answer else []
            said = self._ldap.whoami_s() or ""  # RFC 4532; "u:DOMAIN\user"
        except ldap.LDAPError as error:
            raise explain(error, self.server, "asking who is connected") from error
        name = said.removeprefix("u:").rpartition("\\")[2]
        if name:
            found = [
                entry.sid()
                for entry in self.search(
                    self.domain_dn, f"(sAMAccountName={ldap.filter.escape_filter_chars(name)})", ["objectSid"]
                )
            ]
            if len(found) == 1 and found[0] and (not token or found[0] in token):
                return found[0]
        if token:
            return token[0]
        raise DirectoryError(f"{self.server}: the connected account is unknown (whoami says {said!r})")

    def search(
        self,
        base: str,
        ldap_filter: str,
        attributes: Sequence[str],
        scope: str = "subtree",
        sd_flags: int | None = None,
        controls: Sequence[Any] = (),
    ) -> Iterator[Entry]:
        """Objects below ``base`` that match ``ldap_filter`` (RFC 4515): one page in memory, one on the way.

        ``scope`` is ``subtree``, ``onelevel`` or ``base``; ``sd_flags`` adds the SD flags control (`DACL`…). Long
        multi-valued attributes come whole. Raises DirectoryError; a missing base is one too.
        """
        where = {"subtree": ldap.SCOPE_SUBTREE, "onelevel": ldap.SCOPE_ONELEVEL, "base": ldap.SCOPE_BASE}[scope]
        extra = list(controls) + ([sd_flags_control(sd_flags)] if sd_flags is not None else [])
        page = SimplePagedResultsControl(True, _PAGE if sd_flags is None else _PAGE_WITH_DESCRIPTORS, "")
        names = list(attributes)

        def ask() -> int:
            return int(self._ldap.search_ext(base, where, ldap_filter, names, serverctrls=[page, *extra]))

        pending: int | None = None
        try:
            pending = ask()
            while pending is not None:
                _type, rows, _id, answered = self._ldap.result3(pending, timeout=self.options.operation_timeout)
                pending = None
                cookie = next((c.cookie for c in answered if c.controlType == page.controlType), b"")
                if cookie:
                    page.cookie = cookie
                    pending = ask()
                for dn, values in rows:
                    if dn is not None:  # None: a reference to another domain, not followed
                        yield self._entry(dn, values)
        except ldap.LDAPError as error:
            pending = None
            raise explain(error, self.server, f"searching below {base}") from error
        finally:
            if pending is not None:  # the reader stopped early
                with contextlib.suppress(ldap.LDAPError):
                    self._ldap.abandon_ext(pending)

    def read(self, dn: str, attributes: Sequence[str], sd_flags: int | None = None) -> Entry | None:
        """The object ``dn`` (also ``<GUID=…>`` or ``<SID=…>``), or None when there is none. Raises DirectoryError."""
        controls = [sd_flags_control(sd_flags)] if sd_flags is not None else None
        try:
            rows = self._ldap.search_ext_s(
                dn,
                ldap.SCOPE_BASE,
                "(objectClass=*)",
                list(attributes),
                serverctrls=controls,
                timeout=self.options.operation_timeout,
            )
        except ldap.NO_SUCH_OBJECT:
            return None
        except ldap.LDAPError as error:
            raise explain(error, self.server, f"reading {dn}") from error
        return next((self._entry(found, values) for found, values in rows if found is not None), None)

    def read_many(
        self, dns: Iterable[str], attributes: Sequence[str], sd_flags: int | None = None, window: int = 64
    ) -> Iterator[tuple[str, Entry | DirectoryError | None]]:
        """Each of ``dns`` with its object, None when there is none, or the error; ``window`` reads on the way."""
        names = list(attributes)
        sent: deque[tuple[str, int]] = deque()

        def collect() -> tuple[str, Entry | DirectoryError | None]:
            dn, message = sent.popleft()
            try:
                _type, rows, _id, _controls = self._ldap.result3(message, timeout=self.options.operation_timeout)
            except ldap.NO_SUCH_OBJECT:
                return dn, None
            except ldap.LDAPError as error:
                return dn, explain(error, self.server, f"reading {dn}")
            return dn, next((self._entry(found, values) for found, values in rows if found is not None), None)

        for dn in dns:
            controls = [sd_flags_control(sd_flags)] if sd_flags is not None else None
            try:
                message = self._ldap.search_ext(dn, ldap.SCOPE_BASE, "(objectClass=*)", names, serverctrls=controls)
            except ldap.LDAPError as error:
                while sent:
                    yield collect()
                yield dn, explain(error, self.server, f"reading {dn}")
                continue
            sent.append((dn, message))
            if len(sent) >= window:
                yield collect()
        while sent:
            yield collect()

    def modify_many(
        self, items: Iterable[tuple[str, list[Any], list[Any] | None]], window: int = 64
    ) -> Iterator[Result]:
        """Modify each ``(dn, modlist of python-ldap, controls)``, ``window`` requests on the way; results in order.

        Never raises for one item: its Result says what happened, with ``code`` None when the answer never came.
        """
        sent: deque[tuple[str, int]] = deque()

        def collect() -> Result:
            dn, message = sent.popleft()
            try:
                self._ldap.result3(message, timeout=self.options.operation_timeout)
            except ldap.LDAPError as error:
                lost = isinstance(error, (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.UNAVAILABLE))
                return Result(dn, None if lost else result_code(error), explain(error, self.server, f"changing {dn}"))
            return Result(dn, 0)

        for dn, modlist, controls in items:
            try:
                message = self._ldap.modify_ext(dn, modlist, serverctrls=controls)
            except ldap.LDAPError as error:
                while sent:
                    yield collect()
                yield Result(dn, None, explain(error, self.server, f"changing {dn}"))
                continue
            sent.append((dn, message))
            if len(sent) >= window:
                yield collect()
        while sent:
            yield collect()

    def add(self, dn: str, attributes: Sequence[tuple[str, list[bytes]]], controls: Sequence[Any] = ()) -> Result:
        """Create the object ``dn``. Never raises for what the server says: the Result does."""
        return self._one(dn, "creating", lambda: self._ldap.add_ext_s(dn, list(attributes), serverctrls=list(controls)))

    def delete(self, dn: str, controls: Sequence[Any] = ()) -> Result:
        """Delete the object ``dn`` (also ``<GUID=…>``), which has none below it. Never raises, as ``add``."""
        return self._one(dn, "deleting", lambda: self._ldap.delete_ext_s(dn, serverctrls=list(controls)))

    def _one(self, dn: str, doing: str, send: Callable[[], Any]) -> Result:
        try:
            send()
        except ldap.LDAPError as error:
            lost = isinstance(error, (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.UNAVAILABLE))
            return Result(dn, None if lost else result_code(error), explain(error, self.server, f"{doing} {dn}"))
        return Result(dn, 0)

    def _entry(self, dn: str, values: dict[str, list[bytes]]) -> Entry:
        entry = Entry(dn, CaseInsensitiveDict())
        for name, found in values.items():
            if ";range=" in name.lower():
                base, _semicolon, _option = name.partition(";")
                entry.attributes[base] = self._whole(dn, base, name, found)
            elif not (name in entry.attributes and not found):
                # beside a range the server also names the attribute, empty
                entry.attributes[name] = found
        return entry

    def _whole(self, dn: str, base: str, name: str, values: list[bytes]) -> list[bytes]:
        """All values of an attribute that the server gives in ranges (MS-ADTS 3.1.1.3.1.3.3)."""
        whole = list(values)
        while not name.endswith("*"):
            asked = f"{base};range={len(whole)}-*"
            try:
                rows = self._ldap.search_ext_s(dn, ldap.SCOPE_BASE, "(objectClass=*)", [asked])
            except ldap.LDAPError as error:
                raise explain(error, self.server, f"reading all values of {base} of {dn}") from error
            more = [(key, found) for _dn, row in rows if _dn for key, found in row.items() if ";range=" in key.lower()]
            if not more or not more[0][1]:
                break
            name = more[0][0]
            whole += more[0][1]
        return whole


def _realm_of(root_dse: Mapping[str, Sequence[str]]) -> str | None:
    """The Kerberos realm, which a server's ldapServiceName ends with (MS-ADTS 3.1.1.3.2.12), or None."""
    service = (root_dse.get("ldapServiceName") or [""])[0]
    return service.rpartition("@")[2] or None


def dns_name_of(dn: str) -> str:
    """The DNS name of a domain's DN: ``DC=chu,DC=test`` → ``chu.test``."""
    return ".".join(part.strip()[3:] for part in dn.split(",") if part.strip()[:3].upper() == "DC=").lower()


def _read_root_dse(connection: Any, options: ConnectionOptions) -> dict[str, list[str]]:
    try:
        rows = connection.search_ext_s("", ldap.SCOPE_BASE, "(objectClass=*)", _ROOT_DSE)
    except ldap.LDAPError as error:
        raise explain(error, options.server, "reading the rootDSE") from error
    return {name: [value.decode("utf-8", "replace") for value in values] for name, values in rows[0][1].items()}


def _close(connection: Any) -> None:
    with contextlib.suppress(ldap.LDAPError):
        connection.unbind_ext_s()
