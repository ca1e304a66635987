# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SYSVOL of a real Samba domain controller: each way to log on, files replaced whole, and what stands in the way."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from ansible_collections.care.remediation.plugins.module_utils.sysvol import policy
from ansible_collections.care.remediation.plugins.module_utils.sysvol import share as shares
from ansible_collections.care.remediation.plugins.module_utils.sysvol.descriptor import folder_descriptor
from ansible_collections.care.remediation.plugins.module_utils.sysvol.errors import SysvolError
from ansible_collections.care.remediation.plugins.module_utils.sysvol.reading import read_sysvol
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import Share
from conftest import Domain

DEFAULT = policy.braced(policy.DEFAULT_DOMAIN_POLICY)
FOLDER = f"/var/lib/samba/sysvol/chu-valmont.test/Policies/{DEFAULT}"


def options(domain: Domain, **more: Any) -> ConnectionOptions:
    return ConnectionOptions.from_params({**domain.options(), "server": domain.address, **more})


@contextmanager
def opened(domain: Domain, **more: Any) -> Iterator[Share]:
    given = options(domain, **more)
    with Session.connect(given) as session, Share.connect(given, session) as share:
        yield share


@pytest.fixture(scope="module", autouse=True)
def _access_lists(domain: Domain) -> None:
    # An image's copy of a folder has no extended attributes
    domain.must("samba-tool", "ntacl", "sysvolreset")


@pytest.mark.parametrize("protocol", ["kerberos", "ntlm", "negotiate"])
@pytest.mark.parametrize("encrypt", [True, False])
def test_each_way_to_log_on(domain: Domain, protocol: str, encrypt: bool) -> None:
    with opened(domain, auth_protocol=protocol, encrypt=encrypt) as share:
        assert share.read(f"{DEFAULT}\\gpt.ini") is not None
        assert share._tree.session.encrypt_data is encrypt
        assert encrypt or share._tree.session.signing_required


def test_a_wrong_password_says_so(domain: Domain) -> None:
    given = options(domain)
    with Session.connect(given) as session, pytest.raises(SysvolError, match=r"logging on as svc-care.*failed"):
        Share.connect(options(domain, password="wrong"), session)


def test_a_closed_port_is_unverified_with_its_reason(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "PORT", 9)
    given = options(domain)
    with Session.connect(given) as session:
        reading = read_sysvol(given, session)
    assert not reading.policies and "port 9: connection refused" in (reading.unreadable or "")


def test_access_lists_are_those_of_the_objects_byte_for_byte(domain: Domain) -> None:
    given = options(domain)
    with Session.connect(given) as session:
        reading = read_sysvol(given, session)
        assert reading.unreadable is None and len(reading.policies) >= 2
        for found in reading.policies.values():
            dn = f"CN={found.name},CN=Policies,CN=System,{session.domain_dn}"
            entry = session.read(dn, ["nTSecurityDescriptor"], sd_flags=7)
            assert entry is not None
            wanted = folder_descriptor(SecurityDescriptor.parse(entry.raw("nTSecurityDescriptor") or b""), samba=True)
            assert {file.descriptor for file in found.files.values()} == {wanted.to_bytes()}


def test_a_file_is_replaced_whole_and_keeps_owner_and_access_list(domain: Domain) -> None:
    path = f"{DEFAULT}\\essai.txt"
    with opened(domain) as share:
        descriptor = share.descriptor(f"{DEFAULT}\\gpt.ini")
        share.write(path, b"un" * 700_000, descriptor)  # more than one write
        share.write(path, b"deux", share.descriptor(path))
        assert share.read(path) == b"deux" and share.descriptor(path) == descriptor
        assert domain.must("cat", f"{FOLDER}/essai.txt") == "deux"
        assert "~care" not in domain.must("ls", "-a", FOLDER)
        share.remove(path)
        share.remove(path)
        assert share.read(path) is None and share.find(path) is None


def test_a_writer_that_is_cut_off_leaves_nothing(domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{DEFAULT}\\gpt.ini"
    with opened(domain) as share:
        before = share.read(path)

        def cut(*_arguments: object) -> None:
            share._connection.transport._sock.shutdown(socket.SHUT_RDWR)
            raise OSError("killed")

        monkeypatch.setattr(share, "_set_descriptor", cut)
        with pytest.raises(SysvolError):
            share.write(path, b"half", share.descriptor(path))
    with opened(domain) as share:
        deadline = time.monotonic() + 20
        while "~care" in domain.must("ls", "-a", FOLDER) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "~care" not in domain.must("ls", "-a", FOLDER)
        assert share.read(path) == before


def test_a_file_that_someone_has_open_is_left_and_nothing_beside_it(domain: Domain) -> None:
    path = f"{DEFAULT}\\gpt.ini"
    with opened(domain) as other, opened(domain) as share:
        before = share.read(path)
        # Windows says "in use", Samba "access denied"
        refused = pytest.raises(SysvolError, match=r"in use by another program|access denied")
        with other._opened(path, 1, share=1), refused:
            share.write(path, b"half", share.descriptor(path))
        assert share.read(path) == before
        assert "~care" not in domain.must("ls", "-a", FOLDER)


def test_links_are_not_followed_and_paths_stay_inside(domain: Domain) -> None:
    domain.must("ln", "-sf", "/etc/passwd", f"{FOLDER}/lien.txt")
    try:
        with opened(domain) as share:
            try:
                content = share.read(f"{DEFAULT}\\lien.txt")
            except SysvolError:
                content = None
            assert content is None or b"root:" not in content
            for bad in ("..\\scripts", "a/b", "x:stream", f"{DEFAULT}\\..\\..\\x", "con*"):
                with pytest.raises(SysvolError, match="not a path"):
                    share.read(bad)
    finally:
        domain.must("rm", f"{FOLDER}/lien.txt")


def test_someone_without_the_right_is_told_which(domain: Domain) -> None:
    from care_lab.constants import DOMAIN, USER_PASSWORD

    domain.must("samba-tool", "user", "create", "essai.lecture", USER_PASSWORD)
    try:
        with opened(domain, username=f"essai.lecture@{DOMAIN}", password=USER_PASSWORD) as share:
            assert share.read(f"{DEFAULT}\\gpt.ini") is not None
            with pytest.raises(SysvolError, match="access denied: the connected account lacks the right"):
                share.write(f"{DEFAULT}\\essai.txt", b"x")
    finally:
        domain.must("samba-tool", "user", "delete", "essai.lecture")


def test_nothing_is_made_in_a_folder_that_is_not_there(domain: Domain) -> None:
    with opened(domain) as share:
        with pytest.raises(SysvolError, match=r"there is no folder .* to make it in"):
            share.make_folder(f"{DEFAULT}\\absent\\dossier")
        with pytest.raises(SysvolError, match="there is no such folder"):
            share.write(f"{DEFAULT}\\absent\\essai.txt", b"x")


def test_no_handle_is_left_behind(domain: Domain) -> None:
    with opened(domain) as share:
        list(share.walk(""))
        share.read(f"{DEFAULT}\\absent")
        assert not share._tree.session.open_table
