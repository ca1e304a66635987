# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Local Security Authority of one domain controller, over the pipe ``lsarpc`` (MS-LSAD 2.1): trusts only.

The same machine and credentials as the directory session, over SMB 3, signed and sealed.
"""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory import lsa_messages as messages
from ansible_collections.care.remediation.plugins.module_utils.directory.lsa_messages import LsaError, TrustInformation
from ansible_collections.care.remediation.plugins.module_utils.sysvol import share
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError

if TYPE_CHECKING:
    from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session

if share.SMB_IMPORT_ERROR is None:
    from smbprotocol.exceptions import SMBException
    from smbprotocol.open import Open
    from smbprotocol.tree import TreeConnect

PIPE: Final = "lsarpc"
_IMPERSONATION: Final = 2
_READ_WRITE: Final = 0x3 | 0x80 | 0x100000  # data, attributes, synchronize
_SHARE_READ_WRITE: Final = 3
_OPEN: Final = 1


class TrustPolicy:
    """An open policy. Use as a context manager."""

    def __init__(self, connection: Any, pipe: Any) -> None:
        self._connection = connection
        self._pipe = pipe
        self._call = 0
        self._policy = b""

    @classmethod
    def connect(cls, session: Session) -> TrustPolicy:
        """Connect to the server of a directory session. LsaError says why not."""
        if share.SMB_IMPORT_ERROR is not None:
            raise LsaError("the Python library smbprotocol is missing: pip install 'smbprotocol[kerberos]'")
        options = session.options
        realm = session.realm
        try:
            connection = share._open(options)
        except SysvolError as error:
            raise LsaError(str(error).replace("SYSVOL", "the Local Security Authority")) from error
        try:
            session_of_smb = share._tree(connection, options, realm).session
            tree = TreeConnect(session_of_smb, f"\\\\{options.server}\\IPC$")
            tree.connect()
            pipe = Open(tree, PIPE)
            pipe.create(_IMPERSONATION, _READ_WRITE, 0, _SHARE_READ_WRITE, _OPEN, 0)
            policy = cls(connection, pipe)
            policy._bind()
            policy._policy = messages.handle_of(
                policy._ask(messages.OPEN_POLICY2, messages.open_policy()), "opening the policy"
            )
            return policy
        except (SysvolError, SMBException, OSError, ValueError) as error:
            share._close(connection)
            raise LsaError(f"{options.server}, pipe {PIPE}: {error}") from error
        except BaseException:
            share._close(connection)
            raise

    def __enter__(self) -> TrustPolicy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close policy and connection. Never raises."""
        with contextlib.suppress(Exception):
            if self._policy:
                self._ask(messages.CLOSE, self._policy)
        share._close(self._connection)

    def query(self, name: str) -> TrustInformation:
        """The trust with the domain of that name (trustPartner). LsaError."""
        answer = self._ask(messages.QUERY_TRUST_BY_NAME, messages.query_trust(self._policy, name))
        return messages.trust_of(answer, name)

    def set(self, name: str, trust: TrustInformation) -> None:
        """Write a trust as a whole. LsaError."""
        stub = messages.set_trust(self._policy, name, trust)
        messages.status(self._ask(messages.SET_TRUST_BY_NAME, stub), name)

    def _bind(self) -> None:
        self._call += 1
        self._write(messages.bind(self._call))
        messages.bound(self._read(), self._call)

    def _ask(self, method: int, stub: bytes) -> bytes:
        self._call += 1
        self._write(messages.request(self._call, method, stub))
        answer = b""
        while len(answer) <= messages.MAX_ANSWER:
            kind, last, body = messages.fragment(self._read(), self._call)
            answer += messages.stub(kind, body)
            if last:
                return answer
        raise LsaError("an answer of the Local Security Authority does not end")

    def _write(self, data: bytes) -> None:
        try:
            self._pipe.write(data)
        except (SMBException, OSError, ValueError) as error:
            raise LsaError(f"pipe {PIPE}: {error}") from error

    def _read(self) -> bytes:
        try:
            return bytes(self._pipe.read(0, messages.MAX_FRAGMENT))
        except (SMBException, OSError, ValueError) as error:
            raise LsaError(f"pipe {PIPE}: {error}") from error
