# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The writer and the resolver against a real domain, with names that are hard to quote, and with the network cut."""

from __future__ import annotations

import contextlib
import multiprocessing
import select
import socket
from collections.abc import Iterator
from typing import Any

import ldap
import ldap.dn
import pytest
from ansible_collections.care.remediation.plugins.module_utils.changes import model
from ansible_collections.care.remediation.plugins.module_utils.directory import acl_changes, identity, writer
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_names import Names
from ansible_collections.care.remediation.plugins.module_utils.directory.acl_sddl import from_sddl
from ansible_collections.care.remediation.plugins.module_utils.directory.security_descriptor import SecurityDescriptor
from ansible_collections.care.remediation.plugins.module_utils.directory.session import (
    ConnectionOptions,
    Entry,
    IdentityError,
    Session,
)
from conftest import Domain

HOSTILE = [
    ("Dupont, Élodie", "e dupont(x)"),
    (" leading and trailing ", "l.t"),
    ("O'Brien + fils", "o'brien"),
    ('#"<quoted>";=', "quoted&!"),
    ("back\\slash", "back.slash"),
    ("*)(objectClass=*", "x)(objectClass"),
    ("{{ 7*7 }} $(reboot)", "{{7}}$(id)"),
    ("Ñandú ß İ 測試", "ñandú"),
]


@pytest.fixture(scope="module")
def session(domain: Domain) -> Iterator[Session]:
    options = ConnectionOptions.from_params(domain.options(server=domain.address, auth_protocol="ntlm"))
    with Session.connect(options) as opened:
        yield opened


@pytest.fixture(scope="module")
def people(session: Session) -> Iterator[list[Entry]]:
    """One disabled account for each hostile name; gone afterwards."""
    unit = f"OU=Test d'écriture\\, directory,{session.domain_dn}"
    raw = session._ldap
    with contextlib.suppress(ldap.ALREADY_EXISTS):
        raw.add_s(unit, [("objectClass", [b"organizationalUnit"])])
    dns = []
    for name, account in HOSTILE:
        dn = f"CN={ldap.dn.escape_dn_chars(name)},{unit}"
        with contextlib.suppress(ldap.NO_SUCH_OBJECT):
            raw.delete_s(dn)
        raw.add_s(
            dn,
            [("objectClass", [b"user"]), ("sAMAccountName", [account.encode()]), ("userAccountControl", [b"514"])],
        )
        dns.append(dn)
    entries = [session.read(dn, ["objectGUID", "objectSid", "sAMAccountName", "userAccountControl"]) for dn in dns]
    assert None not in entries
    yield entries  # type: ignore[misc]
    for dn in dns:
        raw.delete_s(dn)
    raw.delete_s(unit)


def change(entry: Entry, kind: str, attribute: str, before: Any, after: Any, **more: Any) -> model.Change:
    return model.completed(
        model.new_change(
            target="directory", kind=kind, object_type="user", object_id=entry.guid() or "", label=entry.dn,
            attribute=attribute, before=before, after=after, **more,
        ),
        "chu-valmont.test",
    )  # fmt: skip


def statuses(session: Session, operation: str, changes: list[model.Change], check_mode: bool = False) -> set[str]:
    result = writer.write(session, operation, changes, check_mode)
    return {r["status"] + (f": {r['message']}" if r["message"] else "") for r in result["results"]}


def test_every_name_is_found_by_each_of_its_identities(session: Session, people: list[Entry]) -> None:
    for number, entry in enumerate(people):
        names = [entry.dn, HOSTILE[number][1], entry.sid() or "", entry.guid() or ""]
        found = identity.resolve_many(session, names)
        assert {e.guid() for e in found.values()} == {entry.guid()}
        assert list(found) == names


@pytest.mark.parametrize("name", ["*", "e.*", "x)(objectClass=*", "nobody", "S-1-5-21-1-2-3-4", "CN=x,DC=chu,DC=test"])
def test_a_name_never_matches_more_than_itself(session: Session, name: str) -> None:
    with pytest.raises(IdentityError) as raised:
        identity.resolve_many(session, [name])
    assert name in str(raised.value)
    assert identity.resolve_many(session, [name], missing="ignore") == {}


def test_apply_undo(session: Session, people: list[Entry]) -> None:
    before = {e.dn: e.attributes["userAccountControl"] for e in people}
    changes = []
    for number, entry in enumerate(people):
        for bit in (0x400000, 0x10000):
            changes.append(change(entry, "flags", "userAccountControl", 0, bit, mask=bit))
        changes.append(change(entry, "values", "servicePrincipalName", [], [f"HTTP/h{number}", f"http/g{number}"]))
        changes.append(change(entry, "replace", "description", [], [HOSTILE[number][0].strip()]))
    assert statuses(session, "apply", changes, check_mode=True) == {"applied"}
    assert statuses(session, "undo", changes) == {"nothing_to_undo"}
    assert statuses(session, "apply", changes) == {"applied"}
    assert statuses(session, "apply", changes) == {"already"}
    for number, entry in enumerate(people):
        now = session.read(entry.dn, ["userAccountControl", "servicePrincipalName", "description"])
        assert now is not None
        assert now.int("userAccountControl") == 514 | 0x410000
        assert sorted(now.texts("servicePrincipalName")) == [f"HTTP/h{number}", f"http/g{number}"]
        assert now.text("description") == HOSTILE[number][0].strip()
    assert statuses(session, "undo", changes) == {"undone"}
    for entry in people:
        now = session.read(entry.dn, ["userAccountControl", "servicePrincipalName", "description"])
        assert now is not None
        assert dict(now.attributes.items()) == {"userAccountControl": before[entry.dn]}


def test_a_renamed_object_is_still_the_same(session: Session, people: list[Entry]) -> None:
    flag = change(people[0], "flags", "userAccountControl", 0, 0x400000, mask=0x400000)
    session._ldap.rename_s(people[0].dn, "CN=Renamed meanwhile")
    try:
        assert statuses(session, "apply", [flag]) == {"applied"}
        assert statuses(session, "undo", [flag]) == {"undone"}
    finally:
        renamed = session.read(f"<GUID={people[0].guid()}>", ["cn"])
        assert renamed is not None
        session._ldap.rename_s(renamed.dn, people[0].dn.partition(",OU=")[0])


def test_someone_elses_value_is_left(session: Session, people: list[Entry]) -> None:
    stale = change(people[1], "replace", "description", ["as the dry run saw it"], ["new"])
    (result,) = writer.write(session, "apply", [stale])["results"]
    assert result["status"] == "conflict"
    assert people[1].dn in result["message"]


def test_password_is_reset_once_and_never_undone(session: Session, people: list[Entry]) -> None:
    entry = session.read(people[2].dn, ["objectGUID", "pwdLastSet"])
    assert entry is not None
    reset = change(
        entry, "password", "unicodePwd", str(entry.int("pwdLastSet")), "random", reversible=False,
        irreversible_reason="a former password cannot be put back",
    )  # fmt: skip
    assert statuses(session, "apply", [reset], check_mode=True) == {"applied"}
    assert statuses(session, "apply", [reset]) == {"applied"}
    (again,) = writer.write(session, "apply", [reset])["results"]
    assert again["status"] == "conflict"
    (undo,) = writer.write(session, "undo", [reset])["results"]
    assert undo["status"] == "irreversible"


def test_access_list_is_equal_byte_for_byte_once_undone(session: Session, people: list[Entry]) -> None:
    def descriptor() -> bytes:
        entry = session.read(session.domain_dn, ["nTSecurityDescriptor"], sd_flags=7)
        raw = entry.raw("nTSecurityDescriptor") if entry else None
        assert raw
        return raw

    start = descriptor()
    assert SecurityDescriptor.parse(start).to_bytes() == start
    domain = session.read(session.domain_dn, ["objectGUID"])
    assert domain is not None
    right = from_sddl(f"(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;{people[3].sid()})")
    other = from_sddl(f"(A;CI;WDWO;;;{people[4].sid()})")
    granted = [
        change(domain, "aces", "nTSecurityDescriptor", [], [acl_changes.portable(ace, place)])
        for ace, place in ((right, 3), (other, 9))
    ]
    assert statuses(session, "apply", granted) == {"applied"}
    with_both = descriptor()
    dacl = SecurityDescriptor.parse(with_both).dacl
    assert dacl is not None
    found = [(n, ace) for n, ace in enumerate(dacl.aces) if ace.key in (right.key, other.key)]
    assert [n for n, _a in found] == [3, 9]
    removal = [change(domain, "aces", "nTSecurityDescriptor", [acl_changes.portable(a, n)], []) for n, a in found]
    assert statuses(session, "apply", removal) == {"applied"}
    assert descriptor() == start
    assert statuses(session, "undo", removal) == {"undone"}
    assert descriptor() == with_both
    assert statuses(session, "undo", granted) == {"undone"}
    assert descriptor() == start


def test_meaning_of_entries(session: Session, people: list[Entry]) -> None:
    names = Names(session)
    sid = people[0].sid()
    aces = [
        from_sddl(text)
        for text in (
            f"(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;{sid})",
            f"(OA;CIIO;WP;bf9679c0-0de6-11d0-a285-00aa003049e2;bf967a9c-0de6-11d0-a285-00aa003049e2;{sid})",
            f"(OA;;CR;12345678-9c07-11d1-f79f-00c04fc2dcd2;;{sid})",
            "(A;CI;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;S-1-5-21-9-9-9-1)",
        )
    ]
    names.load(aces)
    who = f"{HOSTILE[0][1]} ({sid})"
    assert [names.text(ace) for ace in aces] == [
        f"allow {who}: extended right [right DS-Replication-Get-Changes-All], this object only",
        f"allow {who}: write properties [attribute member], objects below of class group",
        # a GUID without a name is never everything
        f"allow {who}: extended right [unknown {{12345678-9c07-11d1-f79f-00c04fc2dcd2}}], this object only",
        "allow S-1-5-21-9-9-9-1: full control, this object and objects below",
    ]


class Cut:
    """A wire to the domain controller that breaks after so many bytes from the client.

    A process of its own: a SASL bind of python-ldap keeps every thread of its process waiting.
    """

    def __init__(self, address: str, allowed: int) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=self._serve, args=(listener, address, allowed), daemon=True)
        self.process.start()
        listener.close()

    def stop(self) -> None:
        self.process.kill()
        self.process.join()

    @staticmethod
    def _serve(listener: socket.socket, address: str, allowed: int) -> None:
        client, _peer = listener.accept()
        listener.close()
        upstream = socket.create_connection((address, 389))
        sent = 0
        while True:
            for ready in select.select([client, upstream], [], [])[0]:
                data = ready.recv(65536)
                sent += len(data) if ready is client else 0
                if not data or sent > allowed:
                    return
                (upstream if ready is client else client).sendall(data)


@pytest.mark.parametrize("allowed", [6_000, 9_000, 11_000, 14_000])
def test_cut_in_the_middle_nothing_is_claimed_that_is_not_so(
    domain: Domain, session: Session, people: list[Entry], allowed: int
) -> None:
    changes = [
        change(entry, "flags", "userAccountControl", 0, bit, mask=bit)
        for entry in people
        for bit in (0x400000, 0x10000, 0x100000, 0x1000000)
    ]
    wire = Cut(domain.address, allowed)
    options = ConnectionOptions.from_params(domain.options(server="127.0.0.1", port=wire.port, auth_protocol="ntlm"))
    try:
        with Session.connect(options) as doomed:
            results = writer.write(doomed, "apply", changes)["results"]
    finally:
        wire.stop()
    said = {r["id"]: r["status"] for r in results}
    assert len(said) == len(changes)
    real = {e.guid(): (session.read(e.dn, ["userAccountControl"]) or e).int("userAccountControl") for e in people}
    for one in changes:
        done = bool((real[one["object"]["id"]] or 0) & one["mask"])
        if said[one["id"]] == "applied":
            assert done
        elif said[one["id"]] == "failed":
            assert not done
        else:
            assert said[one["id"]] == "unverified"
    # whatever happened, a second run completes it, and undoing leads back
    assert statuses(session, "apply", changes) <= {"applied", "already"}
    assert statuses(session, "undo", changes) == {"undone"}
