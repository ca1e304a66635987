# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write below Samba's modules: thousands of accounts a second, and dates that no client may set.

An account is a copy of a template that Samba itself added (same unit, kind, password and attributes), so that its
security descriptor, keys and replication metadata are what Samba makes; only what differs is replaced. The handle
knows the schema, so that ldb keeps its indexes as Samba would.
"""

from __future__ import annotations

import random
import struct
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import ldb
from samba import Ldb, dsdb
from samba.dcerpc import security
from samba.ndr import ndr_pack
from samba.samdb import SamDB

from care_lab.generator.model import DOMAIN_SID, Account, Domain

# One entry of replPropertyMetaData (drsblobs.idl): attid, version, time, invocation id, originating and local USN.
_METADATA = struct.Struct("<IIQ16sQQ")
_HEADER = 16
# What keeps the rate from falling as the domain grows. By default ldb copies every index list an add touches into a
# nested transaction of that add (objectClass's list holds every account), and keeps the keys that a transaction touched
# in 491 hash chains. Here an add that fails ends the whole transaction anyway, and the chains are sized for a chunk.
OPTIONS = ["batch_mode:1", "transaction_index_cache_size:400000"]
# Accounts a transaction. The long lists are written out whole at each commit, so few commits; memory is the limit.
CHUNK = 20000


def filetime(moment: datetime | None) -> str:
    """100 ns since 1601, as directories count; never is 0."""
    return "0" if moment is None else str(int((moment.timestamp() + 11644473600) * 10_000_000))


def generalized(moment: datetime) -> str:
    """LDAP's generalized time."""
    return moment.strftime("%Y%m%d%H%M%S.0Z")


def restamp(metadata: bytes, usn: int) -> bytes:
    """The same metadata under another update sequence number."""
    parts = [metadata[:_HEADER]]
    for attid, version, moment, invocation, _originating, _local in _METADATA.iter_unpack(metadata[_HEADER:]):
        parts.append(_METADATA.pack(attid, version, moment, invocation, usn, usn))
    return b"".join(parts)


def template_key(account: Account) -> tuple[object, ...]:
    """Accounts with the same key differ only in values that a copy replaces."""
    return (account.parent, account.kind, account.secret, account.last_logon is None, tuple(sorted(account.attributes)))


class Bulk:
    """The domain partition's own file, opened without Samba's modules but with its schema."""

    def __init__(self, samdb: SamDB, domain: Domain, private: str, loadparm: object) -> None:
        self.samdb = samdb
        self.domain = domain
        name = str(samdb.get_default_basedn()).upper().replace("=", "%3D").replace(",", "%2C")
        self.raw = Ldb(url=f"tdb://{Path(private) / 'sam.ldb.d' / name}.ldb", lp=loadparm, options=OPTIONS)
        dsdb._dsdb_set_schema_from_ldb(self.raw, samdb, False)
        # Its own source: object GUIDs are as reproducible as everything else.
        self.random = random.Random(f"guid {domain.seed}")

    def transaction(self, work: Callable[[], None]) -> None:
        """Do all of it or nothing."""
        self.raw.transaction_start()
        try:
            work()
        except BaseException:
            self.raw.transaction_cancel()
            raise
        self.raw.transaction_commit()

    def usns(self, number: int) -> range:
        """Reserve update sequence numbers."""
        self.samdb.transaction_start()
        first = self.samdb.sequence_number(ldb.SEQ_NEXT)
        for _number in range(number - 1):
            last = self.samdb.sequence_number(ldb.SEQ_NEXT)
        self.samdb.transaction_commit()
        return range(first, (last if number > 1 else first) + 1)

    def _template(self, account: Account) -> dict[str, list[bytes]]:
        found = self.raw.search(base=account.dn, scope=ldb.SCOPE_BASE)[0]
        return {
            name: [bytes(value) for value in found[name]]
            for name in found.keys()  # noqa: SIM118 - not a mapping
            if name not in ("dn", "distinguishedName", "memberOf")
        }

    def _guid(self) -> bytes:
        return uuid.UUID(int=self.random.getrandbits(128), version=4).bytes_le

    def clone(self, accounts: Iterable[tuple[Account, Account]], progress: Callable[[int], None]) -> int:
        """Add ``(account, its template)`` pairs, telling how many are done. Returns how many."""
        pairs = list(accounts)
        if not pairs:
            return 0
        numbers = self.usns(len(pairs))
        # Ascending, as ldb sorts its lists: each account goes to the end of each instead of into its middle.
        guids = iter(sorted(self._guid() for _pair in pairs))
        templates: dict[int, dict[str, list[bytes]]] = {}
        for start in range(0, len(pairs), CHUNK):
            part = list(zip(pairs[start : start + CHUNK], numbers[start : start + CHUNK], strict=True))

            def work(part: list[tuple[tuple[Account, Account], int]] = part) -> None:
                for (account, template), usn in part:
                    known = templates.get(template.rid)
                    if known is None:
                        known = templates[template.rid] = self._template(template)
                    self._add(account, known, usn, next(guids))

            self.transaction(work)
            progress(start + len(part))
        return len(pairs)

    def _add(self, account: Account, template: dict[str, list[bytes]], usn: int, guid: bytes) -> None:
        values = dict(template)
        text = {
            "cn": account.cn,
            "name": account.cn,
            "sAMAccountName": account.sam,
            "userAccountControl": str(account.uac),
            "uSNCreated": str(usn),
            "uSNChanged": str(usn),
            **self._dates(account),
        }
        if account.kind != "computer":
            text["userPrincipalName"] = f"{account.sam}@{self.domain.name}"
        values |= {name: [value.encode()] for name, value in text.items()}
        values |= {name: [value.encode() for value in items] for name, items in account.attributes.items()}
        values["objectSid"] = [ndr_pack(security.dom_sid(account.sid))]
        values["objectGUID"] = [guid]
        values["replPropertyMetaData"] = [restamp(template["replPropertyMetaData"][0], usn)]
        message = ldb.Message(ldb.Dn(self.raw, account.dn))
        for name, items in values.items():
            message[name] = ldb.MessageElement(items, ldb.FLAG_MOD_ADD, name)
        self.raw.add(message)

    @staticmethod
    def _dates(account: Account) -> dict[str, str]:
        assert account.created is not None
        dates = {"whenCreated": generalized(account.created), "pwdLastSet": filetime(account.password_set)}
        if account.last_logon is not None:
            dates |= {"lastLogonTimestamp": filetime(account.last_logon), "lastLogon": filetime(account.last_logon)}
        return dates

    def replace(self, dn: str, values: dict[str, str]) -> None:
        """Set single-valued attributes, system-only ones too, of one object. Inside :meth:`transaction`."""
        message = ldb.Message(ldb.Dn(self.raw, dn))
        for name, value in values.items():
            message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        self.raw.modify(message)

    def dates(self, accounts: Iterable[Account]) -> None:
        """Give accounts that Samba added the dates of the model."""

        def work() -> None:
            for account in accounts:
                self.replace(account.dn, self._dates(account))
            domain = self.domain
            assert domain.created is not None
            names = {
                rid: str(self.samdb.search(base=f"<SID={DOMAIN_SID}-{rid}>", scope=ldb.SCOPE_BASE, attrs=["dn"])[0].dn)
                # 521, Read-only Domain Controllers, comes with the first controller that makes AES keys: its date says
                # since when passwords have them.
                for rid in (500, 501, 502, 521)
            }
            created = {"whenCreated": generalized(domain.created)}
            self.replace(str(self.samdb.get_default_basedn()), created)
            self.replace(
                names[500],
                created
                | {
                    "pwdLastSet": filetime(domain.administrator_password_set),
                    "lastLogonTimestamp": filetime(domain.administrator_last_logon),
                },
            )
            self.replace(names[501], created)
            self.replace(names[521], created)
            self.replace(names[502], created | {"pwdLastSet": filetime(domain.krbtgt_password_set)})

        self.transaction(work)

    def rid_pool(self, last: int) -> None:
        """Make Samba give RIDs after the last of ours."""
        base = str(self.samdb.get_default_basedn())
        first = last + 1000 - last % 1000
        manager = f"CN=RID Manager$,CN=System,{base}"
        mine = str(self.samdb.search(base=base, expression="(objectClass=rIDSet)", attrs=["dn"])[0].dn)
        pool = str(((first + 499) << 32) | first)

        def work() -> None:
            self.replace(mine, {"rIDAllocationPool": pool, "rIDPreviousAllocationPool": pool, "rIDNextRID": str(first)})
            self.replace(manager, {"rIDAvailablePool": str((0x3FFFFFFF << 32) | (first + 500))})

        self.transaction(work)
