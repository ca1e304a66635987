# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The folder ``Policies`` of one domain controller's SYSVOL, over SMB 2/3, signed and sealed.

Always ``\\\\<the session's server>\\sysvol\\<domain>\\Policies``, never the domain's name: a DFS referral could lead to
another domain controller in the middle of a run. Paths are relative to that folder, with backslashes; nothing outside
of it can be named, and no link in it is followed.
"""

from __future__ import annotations

import contextlib
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import connection as connections
from ansible_collections.care.remediation.plugins.module_utils.directory.ldap_errors import DirectoryError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

SMB_IMPORT_ERROR: ImportError | None = None
try:
    from smbprotocol import exceptions as smb
    from smbprotocol.connection import Connection
    from smbprotocol.file_info import (
        FileDispositionInformation,
        FileInformationClass,
        FileRenameInformation,
        InfoType,
    )
    from smbprotocol.open import Open, SMB2QueryInfoRequest, SMB2QueryInfoResponse, SMB2SetInfoRequest
    from smbprotocol.session import Session as SmbSession
    from smbprotocol.tree import TreeConnect
except ImportError as error:
    SMB_IMPORT_ERROR = error

PORT: Final = 445
# SECURITY_INFORMATION (MS-DTYP 2.4.7)
OWNER: Final = 1
GROUP: Final = 2
DACL: Final = 4
# Files of a policy are small; the largest that is ever read as a whole
MAX_FILE: Final = 8 * 2**20
_MAX_ENTRIES: Final = 20_000
_MAX_DEPTH: Final = 40
_MAX_DESCRIPTOR: Final = 65_536
_IMPERSONATION: Final = 2
_SHARE_READ: Final = 1
_SHARE_WRITE: Final = 2
_SHARE_DELETE: Final = 4
_SHARE_ALL: Final = 7
# Access masks (MS-SMB2 2.2.13.1)
_READ_DATA: Final = 0x1
_WRITE_DATA: Final = 0x2
_READ_ATTRIBUTES: Final = 0x80
_DELETE: Final = 0x10000
_READ_CONTROL: Final = 0x20000
_WRITE_DAC: Final = 0x40000
_WRITE_OWNER: Final = 0x80000
_SYNCHRONIZE: Final = 0x100000
# Dispositions and options (MS-SMB2 2.2.13)
_OPEN: Final = 1
_CREATE: Final = 2
_DIRECTORY: Final = 0x1
_NOT_DIRECTORY: Final = 0x40
_REPARSE_POINT: Final = 0x200000
_ATTRIBUTE_DIRECTORY: Final = 0x10
_ATTRIBUTE_REPARSE: Final = 0x400
_ATTRIBUTE_NORMAL: Final = 0x80

if SMB_IMPORT_ERROR is None:
    _ABSENT: Final = (smb.ObjectNameNotFound, smb.ObjectPathNotFound, smb.NoSuchFile)

    class _BoundedConnection(Connection):
        """A connection on which no answer is waited for without end, and no link is followed."""

        wait: float = 60.0

        def receive(self, request: Any, wait: bool = True, timeout: float | None = None, **_more: Any) -> Any:
            return super().receive(request, wait=wait, timeout=timeout or self.wait, resolve_symlinks=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One file or folder. ``path`` is relative to the folder ``Policies``."""

    path: str
    is_folder: bool
    size: int = 0

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("\\")[2]


def join(*parts: str) -> str:
    """Parts of a path as one; empty ones are left out."""
    return "\\".join(part for part in parts if part)


def checked(path: str) -> str:
    """The path, when it can only mean something below the folder, or ``""``: the folder. SysvolError otherwise."""
    parts = path.split("\\") if path else []
    bad = any(part in ("", ".", "..") or part != part.rstrip(" .") for part in parts)
    if bad or any(c in '/:*?"<>|' or ord(c) < 32 for c in path):
        raise SysvolError(f"not a path below the folder Policies: {path!r}")
    return path


class Share:
    """One authenticated connection to the share. Use as a context manager."""

    def __init__(self, connection: Any, tree: Any, server: str, domain: str) -> None:
        self._connection = connection
        self._tree = tree
        self.server = server
        self.domain = domain
        self.base = f"{domain}\\Policies"

    @classmethod
    def connect(cls, options: connections.ConnectionOptions, session: Session) -> Share:
        """Connect to the same server as the directory session, with the same credentials. SysvolError says why not."""
        if SMB_IMPORT_ERROR is not None:
            raise SysvolError("the Python library smbprotocol is missing: pip install 'smbprotocol[kerberos]'")
        realm = session.realm
        connection = _open(options)
        try:
            tree = _tree(connection, options, realm)
            share = cls(connection, tree, options.server, session.dns_name)
            if not share._exists(""):
                raise SysvolError(f"{share.label('')}: there is no such folder; is SYSVOL initialised there?")
            return share
        except BaseException:
            _close(connection)
            raise

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Never raises."""
        _close(self._connection)

    def label(self, path: str) -> str:
        """The path as a person writes it: ``\\\\dc1…\\sysvol\\chu.test\\Policies\\{…}\\gpt.ini``."""
        return "\\\\" + join(self.server, "sysvol", self.base, path)

    # -- reading -----------------------------------------------------------------------------------------------

    def children(self, path: str) -> list[Node]:
        """The files and folders in a folder, by name; links are left out. SysvolError, also when it is not there."""
        found: list[Node] = []
        with self._opened(path, _READ_DATA | _READ_ATTRIBUTES | _SYNCHRONIZE, options=_DIRECTORY) as handle:
            while True:
                try:
                    rows = handle.query_directory("*", FileInformationClass.FILE_DIRECTORY_INFORMATION)
                except smb.NoMoreFiles:
                    break
                for row in rows:
                    name = row["file_name"].get_value()
                    name = name.decode("utf-16-le", "replace") if isinstance(name, bytes) else str(name)
                    attributes = row["file_attributes"].get_value()
                    if name in (".", "..") or attributes & _ATTRIBUTE_REPARSE:
                        continue
                    is_folder = bool(attributes & _ATTRIBUTE_DIRECTORY)
                    found.append(Node(join(path, name), is_folder, row["end_of_file"].get_value()))
                if len(found) > _MAX_ENTRIES:
                    raise SysvolError(f"{self.label(path)}: more than {_MAX_ENTRIES} files in one folder")
        return sorted(found, key=lambda node: node.path.lower())

    def walk(self, path: str) -> Iterator[Node]:
        """Everything below a folder, each folder before what is in it. SysvolError."""
        todo = [(path, 0)]
        seen = 0
        while todo:
            folder, depth = todo.pop()
            nodes = self.children(folder)
            seen += len(nodes)
            if depth >= _MAX_DEPTH or seen > _MAX_ENTRIES:
                raise SysvolError(f"{self.label(path)}: too many files or too deep folders to be a policy")
            yield from nodes
            todo += [(node.path, depth + 1) for node in reversed(nodes) if node.is_folder]

    def find(self, path: str) -> Node | None:
        """A file or folder by its path, with its name as the server writes it, or None. SysvolError."""
        folder, _backslash, name = checked(path).rpartition("\\")
        if not self._exists(path):
            return None
        return next((node for node in self.children(folder) if node.name.lower() == name.lower()), None)

    def read(self, path: str) -> bytes | None:
        """The content of a file, None when it is not there. SysvolError; also for more than `MAX_FILE` bytes."""
        try:
            with self._opened(path, _READ_DATA | _READ_ATTRIBUTES | _SYNCHRONIZE, options=_NOT_DIRECTORY) as handle:
                size = handle.end_of_file
                if size > MAX_FILE:
                    raise SysvolError(f"{self.label(path)}: {size} bytes, at most {MAX_FILE} are read")
                content = b""
                step = min(self._connection.max_read_size, 2**20)
                while len(content) < size:
                    try:
                        piece = handle.read(len(content), min(step, size - len(content)))
                    except smb.EndOfFile:
                        break
                    if not piece:
                        break
                    content += piece
                return content
        except _Absent:
            return None

    def descriptor(self, path: str, parts: int = OWNER | GROUP | DACL) -> bytes | None:
        """The security descriptor of a file or folder (self-relative), None when it is not there. SysvolError."""
        try:
            with self._opened(path, _READ_CONTROL | _SYNCHRONIZE) as handle:
                query = SMB2QueryInfoRequest()
                query["info_type"] = InfoType.SMB2_0_INFO_SECURITY
                query["output_buffer_length"] = _MAX_DESCRIPTOR
                query["additional_information"] = parts
                query["file_id"] = handle.file_id
                answer = SMB2QueryInfoResponse()
                answer.unpack(self._ask(query)["data"].get_value())
                return bytes(answer["buffer"].get_value())
        except _Absent:
            return None

    def _exists(self, path: str) -> bool:
        try:
            with self._opened(path, _READ_ATTRIBUTES | _SYNCHRONIZE):
                return True
        except _Absent:
            return False

    # -- writing -----------------------------------------------------------------------------------------------

    def make_folder(self, path: str) -> bool:
        """Make one folder, in one that is there. Returns False when there is one already. SysvolError."""
        try:
            with self._opened(
                path, _READ_ATTRIBUTES | _SYNCHRONIZE, disposition=_CREATE, options=_DIRECTORY, attributes=0x10
            ):
                return True
        except smb.ObjectNameCollision:
            return False
        except _Absent as error:
            folder = checked(path).rpartition("\\")[0]
            raise SysvolError(f"{self.label(path)}: there is no folder {self.label(folder)} to make it in") from error

    def write(self, path: str, content: bytes, descriptor: bytes | None = None) -> None:
        """Put a whole file in its place at once: written beside it, then renamed over it. SysvolError.

        ``descriptor`` is what the file gets before it is in its place; without it, what its folder hands down.
        """
        folder, _backslash, _name = checked(path).rpartition("\\")
        # ~*.tmp is not replicated by DFSR (its default file filter): others only see the finished file
        temporary = join(folder, f"~care-{uuid.uuid4().hex}.tmp")
        access = _WRITE_DATA | _READ_ATTRIBUTES | _DELETE | _READ_CONTROL | _SYNCHRONIZE
        if descriptor is not None:
            access |= _WRITE_DAC | _WRITE_OWNER
        try:
            with self._opened(
                temporary, access, share=0, disposition=_CREATE, options=_NOT_DIRECTORY, attributes=_ATTRIBUTE_NORMAL
            ) as handle:
                # Until it is in its place it goes when it is closed: by an error, or by the server when we are killed
                self._mark_deleted(handle)
                step = min(self._connection.max_write_size, 2**20)
                for start in range(0, len(content), step):
                    handle.write(content[start : start + step], start)
                handle.flush()
                if descriptor is not None:
                    self._set_descriptor(handle, descriptor, OWNER | GROUP | DACL)
                self._mark_deleted(handle, False)
                try:
                    self._rename(handle, path)
                except BaseException:
                    with contextlib.suppress(smb.SMBException):
                        self._mark_deleted(handle)
                    raise
        except _Absent as error:
            raise SysvolError(f"{self.label(folder)}: there is no such folder") from error

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder. SysvolError; one that is not there is gone already."""
        with (
            contextlib.suppress(_Absent),
            self._opened(path, _DELETE | _READ_ATTRIBUTES | _SYNCHRONIZE, share=_SHARE_ALL) as handle,
        ):
            self._mark_deleted(handle)

    def set_descriptor(self, path: str, descriptor: bytes, parts: int = DACL) -> None:
        """Set parts of the security descriptor of a file or folder. SysvolError."""
        access = _READ_CONTROL | _SYNCHRONIZE
        access |= _WRITE_DAC if parts & DACL else 0
        access |= _WRITE_OWNER if parts & (OWNER | GROUP) else 0
        try:
            with self._opened(path, access) as handle:
                self._set_descriptor(handle, descriptor, parts)
        except _Absent as error:
            raise SysvolError(f"{self.label(path)}: there is no such file or folder") from error

    # -- the protocol ------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _opened(
        self,
        path: str,
        access: int,
        *,
        share: int = _SHARE_READ | _SHARE_WRITE | _SHARE_DELETE,
        disposition: int = _OPEN,
        options: int = 0,
        attributes: int = 0,
    ) -> Iterator[Any]:
        """An open file or folder. Raises _Absent, ObjectNameCollision, or SysvolError in words."""
        handle = Open(self._tree, join(self.base, checked(path)))
        try:
            handle.create(_IMPERSONATION, access, attributes, share, disposition, options | _REPARSE_POINT)
            try:
                if handle.file_attributes & _ATTRIBUTE_REPARSE:
                    raise SysvolError(f"{self.label(path)}: is a link to another place, which is not followed")
                yield handle
            finally:
                with contextlib.suppress(smb.SMBException):
                    handle.close()
        except _ABSENT as error:
            raise _Absent(f"{self.label(path)}: there is no such file or folder") from error
        except smb.ObjectNameCollision:
            raise
        except (smb.SMBException, OSError) as error:
            raise SysvolError(f"{self.label(path)}: {_said(error)}") from error

    def _ask(self, message: Any) -> Any:
        request = self._connection.send(message, self._tree.session.session_id, self._tree.tree_connect_id)
        return self._connection.receive(request)

    def _set_info(self, handle: Any, kind: int, information: Any, buffer: bytes, parts: int = 0) -> None:
        message = SMB2SetInfoRequest()
        message["info_type"] = kind
        if information is not None:
            message["file_info_class"] = information
        message["additional_information"] = parts
        message["file_id"] = handle.file_id
        message["buffer"] = buffer
        self._ask(message)

    def _set_descriptor(self, handle: Any, descriptor: bytes, parts: int) -> None:
        self._set_info(handle, InfoType.SMB2_0_INFO_SECURITY, None, descriptor, parts)

    def _rename(self, handle: Any, path: str) -> None:
        wanted = FileRenameInformation()
        wanted["replace_if_exists"] = True
        wanted["file_name"] = join(self.base, path)
        self._set_info(handle, InfoType.SMB2_0_INFO_FILE, FileInformationClass.FILE_RENAME_INFORMATION, wanted.pack())

    def _mark_deleted(self, handle: Any, pending: bool = True) -> None:
        wanted = FileDispositionInformation()
        wanted["delete_pending"] = pending
        self._set_info(
            handle, InfoType.SMB2_0_INFO_FILE, FileInformationClass.FILE_DISPOSITION_INFORMATION, wanted.pack()
        )


class _Absent(SysvolError):
    """There is no such file or folder."""


def _open(options: connections.ConnectionOptions) -> Any:
    where = f"{options.server} port {PORT}"
    connection = _BoundedConnection(uuid.uuid4(), options.server, PORT, require_signing=True)
    connection.wait = float(max(30, options.connection_timeout * 4))
    try:
        connection.connect(timeout=options.connection_timeout)
    except ValueError as error:  # what the library makes of an error of the network
        cause = error.__context__
        if isinstance(cause, socket.gaierror):
            why = "this name does not resolve: check server and DNS"
        elif isinstance(cause, ConnectionRefusedError):
            why = "connection refused: the domain controller's SMB service is not running there"
        elif isinstance(cause, TimeoutError):
            why = f"no answer in {options.connection_timeout} s: the machine is off, or a firewall drops it"
        else:
            why = str(error)
        raise SysvolError(f"SYSVOL cannot be reached: {where}: {why}") from error
    except (smb.SMBException, OSError) as error:
        _close(connection)
        raise SysvolError(f"SYSVOL cannot be reached: {where}: {_said(error)}") from error
    return connection


def _tree(connection: Any, options: connections.ConnectionOptions, realm: str | None) -> Any:
    """The share, by Kerberos or NTLM; ``simple`` of LDAP has no like here and means both."""
    tried: list[str] = []
    protocols = [options.auth_protocol] if options.auth_protocol in ("kerberos", "ntlm") else ["kerberos", "ntlm"]
    for protocol in protocols:
        if protocol == "ntlm" and not (options.username and options.password):
            continue
        try:
            return _authenticated(connection, options, protocol, realm)
        except (smb.SMBException, DirectoryError, OSError, ValueError, ImportError) as error:
            tried.append(f"{protocol}: {_said(error)}")
            if not connection.transport.connected:
                break
    who = options.username or "the owner of the Kerberos ticket"
    raise SysvolError(f"\\\\{options.server}\\sysvol: logging on as {who} failed: " + " / ".join(tried))


def _authenticated(connection: Any, options: connections.ConnectionOptions, protocol: str, realm: str | None) -> Any:
    setting: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
    username, password = options.username, options.password
    if protocol == "kerberos":
        # the ticket made there, or the caller's own
        setting, username, password = connections.kerberos_environment(options, realm), None, None
    with setting:
        session = SmbSession(
            connection, username, password, require_encryption=options.encrypt, auth_protocol=protocol
        )
        session.connect()
    tree = TreeConnect(session, f"\\\\{options.server}\\sysvol")
    tree.connect()
    return tree


def _close(connection: Any) -> None:
    with contextlib.suppress(Exception):
        connection.disconnect(close=True, timeout=5)


def _said(error: BaseException) -> str:
    """What the server said, in words for an administrator."""
    if isinstance(error, smb.AccessDenied):
        return "access denied: the connected account lacks the right (Domain Admins have it on policies)"
    if isinstance(error, smb.SharingViolation):
        return "in use by another program on another machine (a policy editor?): close it and try again"
    if isinstance(error, smb.BadNetworkName):
        return "there is no share sysvol: the domain controller is not ready, or not one"
    if isinstance(error, smb.DirectoryNotEmpty):
        return "the folder is not empty"
    if "encryption is required" in str(error):
        return "the server cannot encrypt SMB (before Windows Server 2012): encrypt: false signs only"
    if isinstance(error, smb.SMBAuthenticationError):
        return f"not authenticated: {error}"
    return " ".join(str(error).split())[:500] or type(error).__name__
