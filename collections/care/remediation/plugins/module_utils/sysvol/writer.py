# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies or undoes a list of changes of SYSVOL: compare, write, read back. It decides nothing.

All of it on the one domain controller of the session. A file is replaced as a whole (see `Share.write`) and keeps its
owner and access list; a new one gets those of its folder where the server wants them on each file (Samba).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.session import Session
from ansible_collections.care.remediation.plugins.module_utils.directory.writer import lock
from ansible_collections.care.remediation.plugins.module_utils.sysvol import sysvol_change as changes_
from ansible_collections.care.remediation.plugins.module_utils.sysvol.descriptor import folder_descriptor
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import FormatError, SysvolError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import DACL, GROUP, OWNER, Share

Change = Mapping[str, Any]
KINDS: Final = ("file", "folder", "aces")
_ALL: Final = OWNER | GROUP | DACL


def is_samba(session: Session) -> bool:
    """Whether the domain controller is Samba's: it names its maker in the rootDSE, Windows does not."""
    entry = session.read("", ["vendorName"])
    return entry is not None and "samba" in (entry.text("vendorName") or "").lower()


def write(
    session: Session, share: Share, operation: str, changes: Sequence[Change], check_mode: bool = False
) -> dict[str, Any]:
    """Apply or undo ``changes`` (target ``sysvol``); the writer result of docs/architecture.md.

    With ``check_mode`` everything is read and compared and nothing is written. Raises SysvolError for an unknown
    operation, DirectoryError when another run holds the domain.
    """
    if operation not in ("apply", "undo"):
        raise SysvolError(f"unknown operation {operation!r}: apply or undo")
    writer = _Writer(session, share, operation == "undo", check_mode)
    with contextlib.nullcontext() if check_mode else lock(session.domain_sid):
        for change in reversed(changes) if operation == "undo" else changes:
            writer.run(change)
    results = [writer.results[change["id"]] for change in changes]
    return {"changed": any(r["status"] in ("applied", "undone", "unverified") for r in results), "results": results}


class _Writer:
    def __init__(self, session: Session, share: Share, undo: bool, check_mode: bool) -> None:
        self.session = session
        self.share = share
        self.undo = undo
        self.check_mode = check_mode
        self.samba = is_samba(session)
        self.results: dict[str, dict[str, Any]] = {}
        self.writing = False  # whether something of the present change may be on the server
        self.done = "undone" if undo else "applied"
        self.nothing = "nothing_to_undo" if undo else "already"

    def say(self, change: Change, status: str, message: str = "", found: str | None = None) -> None:
        result: dict[str, Any] = {"id": change["id"], "status": status, "message": message}
        if found is not None:
            result["found"] = found
        self.results[change["id"]] = result

    def run(self, change: Change) -> None:
        label = f"{change['object'].get('label') or change['object']['id']} ({change['attribute']})"
        if change.get("target") != changes_.TARGET or change.get("kind") not in KINDS:
            self.say(change, "failed", f"{label}: {change.get('target')}/{change.get('kind')} is not for SYSVOL")
        elif not self.undo and change.get("hazards"):
            named = ", ".join(f"{h['kind']} {h['object']}" for h in change["hazards"])
            self.say(change, "failed", f"{label}: never written, it touches {named}")
        elif self.undo and not change.get("reversible", True):
            self.say(change, "irreversible", f"{label}: {change.get('irreversible_reason')}")
        else:
            step = {"file": self._file, "folder": self._folder, "aces": self._aces}[change["kind"]]
            self.writing = False
            try:
                step(change, label)
            except SysvolError as error:
                if self.writing:
                    self.say(change, "unverified", f"{label}: {error}; it may be written or not")
                else:
                    self.say(change, "failed", f"{label}: not written: {error}")
            except (FormatError, ValueError, KeyError, TypeError) as error:
                self.say(change, "failed", f"{label}: not written: {error}")

    def _wanted(self, change: Change) -> tuple[Any, Any]:
        return (change["after"], change["before"]) if self.undo else (change["before"], change["after"])

    def _compared(self, change: Change, label: str, where: str, found: str) -> bool:
        """Whether to write; otherwise the change has its result."""
        if where == "after":
            self.say(change, self.nothing)
        elif where != "before":
            expected = change["display"]["after" if self.undo else "before"]
            message = f"{label}: left alone, someone else changed it: {found}; expected: {expected}"
            self.say(change, "conflict", message, found)
        elif self.check_mode:
            self.say(change, self.done)
        else:
            return True
        return False

    # -- files -------------------------------------------------------------------------------------------------

    def _file(self, change: Change, label: str) -> None:
        path = changes_.path_of(change)
        start, goal = self._wanted(change)
        present = self.share.read(path)
        if not self._compared(change, label, changes_.file_where(present, start, goal), _shown(present)):
            return
        content = changes_.content_of(change, goal, present)
        try:
            if content is None:
                self.share.remove(path)
            else:
                self.share.write(path, content, self._descriptor_for(path, present is not None))
        except SysvolError as error:
            self._after_error(change, label, start, goal, error)
            return
        self._read_back(change, label, start, goal)

    def _descriptor_for(self, path: str, exists: bool) -> bytes | None:
        """What a file that is replaced has, and what a new one gets where it must not just inherit."""
        if exists:
            return self.share.descriptor(path, _ALL)
        return self.share.descriptor(path.rpartition("\\")[0], _ALL) if self.samba else None

    def _read_back(self, change: Change, label: str, start: Any, goal: Any) -> None:
        try:
            now = self.share.read(changes_.path_of(change))
        except SysvolError as error:
            self.say(change, "unverified", f"{label}: could not be read back: {error}")
            return
        if changes_.file_where(now, start, goal) == "after":
            self.say(change, self.done)
        else:
            self.say(change, "failed", f"{label}: written, but read back differently: {_shown(now)}", _shown(now))

    def _after_error(self, change: Change, label: str, start: Any, goal: Any, error: SysvolError) -> None:
        """A write that failed: was nothing written, or everything?"""
        try:
            where = changes_.file_where(self.share.read(changes_.path_of(change)), start, goal)
        except SysvolError:
            self.say(change, "unverified", f"{label}: {error}; and it could not be read afterwards")
            return
        if where == "after":
            self.say(change, self.done, f"{label}: {error}; it is as wanted all the same")
        else:
            self.say(change, "failed", f"{label}: {error}")

    # -- folders -----------------------------------------------------------------------------------------------

    def _folder(self, change: Change, label: str) -> None:
        path = changes_.path_of(change)
        start, goal = self._wanted(change)
        node = self.share.find(path)
        if node is not None and not node.is_folder:
            self.say(change, "conflict", f"{label}: left alone, there is a file of this name", "a file")
            return
        exists = node is not None
        where = "after" if exists == goal["exists"] else "before" if exists == start["exists"] else "other"
        if not self._compared(change, label, where, "there" if exists else "not there"):
            return
        self.writing = True
        if goal["exists"]:
            self.share.make_folder(path)
            wanted = self._folder_descriptor(change, path)
            if wanted is not None:
                self.share.set_descriptor(path, wanted.to_bytes(), _ALL)
                now = self.share.descriptor(path, _ALL)
                if now is None or _entries(SecurityDescriptor.parse(now)) != _entries(wanted):
                    self.say(change, "failed", f"{label}: its access list was read back differently")
                    return
        else:
            rest = self.share.children(path)
            if rest:
                names = ", ".join(node.name for node in rest[:10])
                self.say(change, "conflict", f"{label}: left alone, something was put into it: {names}", names)
                return
            self.share.remove(path)
        if (self.share.find(path) is not None) == goal["exists"]:
            self.say(change, self.done)
        else:
            self.say(change, "failed", f"{label}: read back differently")

    def _folder_descriptor(self, change: Change, path: str) -> SecurityDescriptor | None:
        """A policy's own folder has the rights of its object in the directory; the others inherit where they can."""
        if str(change["attribute"]) != changes_.FOLDER_ITSELF:
            raw = self.share.descriptor(path.rpartition("\\")[0], _ALL) if self.samba else None
            return None if raw is None else SecurityDescriptor.parse(raw)
        entry = self.session.read(str(change["object"]["dn"]), ["nTSecurityDescriptor"], sd_flags=_ALL)
        raw = entry.raw("nTSecurityDescriptor") if entry is not None else None
        if raw is None:
            self.share.remove(path)
            raise SysvolError(f"the access list of {change['object']['dn']} cannot be read, which its folder needs")
        return folder_descriptor(SecurityDescriptor.parse(raw), samba=self.samba)

    # -- access lists ------------------------------------------------------------------------------------------

    def _aces(self, change: Change, label: str) -> None:
        path = changes_.path_of(change)
        start, goal = self._wanted(change)
        descriptor = self._read_descriptor(path)
        if descriptor is None or descriptor.dacl is None:
            self.say(change, "conflict", f"{label}: there is no such file, or it has no access list", "absent")
            return
        where = changes_.aces_where(descriptor.dacl.aces, start, goal)
        if not self._compared(change, label, where, "other entries"):
            return
        wanted = descriptor.with_dacl(changes_.aces_applied(descriptor.dacl.aces, start, goal))
        self.writing = True
        self.share.set_descriptor(path, wanted.dacl_only().to_bytes(), DACL)
        try:
            now = self._read_descriptor(path)
        except SysvolError as error:
            self.say(change, "unverified", f"{label}: could not be read back: {error}")
            return
        if now is not None and _entries(now) == _entries(wanted):
            self.say(change, self.done)
        else:
            self.say(change, "failed", f"{label}: written, but the access list was read back differently")

    def _read_descriptor(self, path: str) -> SecurityDescriptor | None:
        raw = self.share.descriptor(path, _ALL)
        return None if raw is None else SecurityDescriptor.parse(raw)


def _entries(descriptor: SecurityDescriptor) -> list[bytes]:
    return [ace.raw for ace in descriptor.dacl.aces] if descriptor.dacl else []


def _shown(content: bytes | None) -> str:
    return "no file" if content is None else f"a file of {len(content)} bytes, {_digest(content)}"


def _digest(content: bytes) -> str:
    state = changes_.state_of(content, keep=False)
    return f"sha256 {str(state['sha256'])[:12]}…"
