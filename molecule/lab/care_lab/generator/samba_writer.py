# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fill the Samba domain of this machine with a generated one. Runs on the domain controller, samba stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

from care_lab import constants
from care_lab.generator.french import BUILTIN_NAMES, DOMAIN_NAMES
from care_lab.generator.model import DISABLED, DOMAIN_SID, Account, Domain, Group, rdn
from care_lab.generator.samba_bulk import OPTIONS, Bulk, filetime, template_key

PRIVATE = "/var/lib/samba/private"
# Below the rules for clients: well-known objects may be renamed, SIDs given.
RELAX = ["relax:0"]
GROUP_TYPES = {"global": -2147483646, "universal": -2147483640, "local": -2147483644}


class Writer:
    """One domain into one sam.ldb."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.loadparm = LoadParm()
        self.loadparm.load_default()
        self.samdb = SamDB(url=f"{PRIVATE}/sam.ldb", session_info=system_session(), lp=self.loadparm, options=OPTIONS)
        self.dns: dict[str, str] = {}  # SID → DN
        self._start = time.monotonic()

    def say(self, what: str, number: int = 0, since: float = 0.0) -> None:
        """One progress line, with the rate when there is one."""
        now = time.monotonic()
        rate = f", {number / (now - since):.0f} a second" if number and now > since else ""
        print(f"[{now - self._start:6.1f} s] {what}{rate}", flush=True)

    def rename_wellknown(self) -> None:
        """The accounts and groups that come with a domain get their French names."""
        for prefix, names in ((f"{DOMAIN_SID}-", DOMAIN_NAMES), ("S-1-5-32-", BUILTIN_NAMES)):
            for rid, name in names.items():
                found = (
                    self.samdb.search(base=f"<SID={prefix}{rid}>", scope=ldb.SCOPE_BASE, attrs=["sAMAccountName"])
                    if self._exists(f"<SID={prefix}{rid}>")
                    else []
                )
                for entry in found:
                    wanted = ldb.Dn(self.samdb, f"CN={rdn(name)},{entry.dn.parent()}")
                    if str(entry.dn) != str(wanted):
                        self.samdb.rename(entry.dn, wanted, RELAX)
                    self._set(wanted, {"sAMAccountName": [name]}, RELAX)

    def _exists(self, dn: str) -> bool:
        try:
            return bool(self.samdb.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["dn"]))
        except ldb.LdbError as error:
            if error.args[0] == ldb.ERR_NO_SUCH_OBJECT:
                return False
            raise

    def _set(
        self, dn: ldb.Dn | str, values: dict[str, list[str] | list[bytes]], controls: list[str] | None = None
    ) -> None:
        message = ldb.Message(dn if isinstance(dn, ldb.Dn) else ldb.Dn(self.samdb, dn))
        for name, items in values.items():
            message[name] = ldb.MessageElement(items, ldb.FLAG_MOD_REPLACE, name)
        self.samdb.modify(message, controls or [])

    def add_group(self, group: Group) -> None:
        """A group of the model that the domain does not come with."""
        entry: dict[str, object] = {
            "dn": group.dn,
            "objectClass": "group",
            "sAMAccountName": group.sam,
            "groupType": str(GROUP_TYPES[group.scope]),
            "objectSid": ndr_pack(security.dom_sid(group.sid)),
        }
        if group.description:
            entry["description"] = group.description
        self.samdb.add(entry, RELAX)

    def add_account(self, account: Account) -> None:
        """One account, the way a client would have added it."""
        password = getattr(constants, account.secret)
        entry: dict[str, object] = {
            "dn": account.dn,
            "objectClass": "computer" if account.kind == "computer" else "user",
            "sAMAccountName": account.sam,
            "objectSid": ndr_pack(security.dom_sid(account.sid)),
            "userAccountControl": str(account.uac),
            "unicodePwd": f'"{password}"'.encode("utf-16-le"),
            **account.attributes,
        }
        if account.kind != "computer":
            entry["userPrincipalName"] = f"{account.sam}@{self.domain.name}"
        if account.last_logon is not None:
            entry["lastLogonTimestamp"] = filetime(account.last_logon)
        self.samdb.add(entry, RELAX)

    def write(self) -> None:
        """Everything: what Samba must make itself through its modules, the mass below them."""
        if not self.domain.accounts:
            self.transaction(self.rename_wellknown)
            self.say("French names, and nothing more")
            return
        bulk = Bulk(self.samdb, self.domain, PRIVATE, self.loadparm)
        templates: dict[tuple[object, ...], Account] = {}
        for account in self.domain.accounts:
            templates.setdefault(template_key(account), account)
        self.transaction(lambda: self.structure(list(templates.values())))
        # Before the mass: Samba writes an inheritable entry into everything below, and copies come with it.
        self.transaction(self.rights)
        added = {account.rid for account in templates.values()}
        since = time.monotonic()

        def progress(done: int) -> None:
            if done % 10000 == 0:
                self.say(f"{done} copied", done, since)

        number = bulk.clone(
            (
                (account, templates[template_key(account)])
                for account in self.domain.accounts
                if account.rid not in added
            ),
            progress,
        )
        self.say(f"{number} more accounts, as copies", number, since)
        self.transaction(self.relations)
        bulk.dates(templates.values())
        bulk.rid_pool(max(account.rid for account in self.domain.accounts))
        self.say("dates and identifiers")

    def transaction(self, work: Callable[[], None]) -> None:
        """Do all of it or nothing."""
        self.samdb.transaction_start()
        try:
            work()
        except BaseException:
            self.samdb.transaction_cancel()
            raise
        self.samdb.transaction_commit()

    def structure(self, accounts: list[Account]) -> None:
        """Names, units, groups, and one account of each sort."""
        self.rename_wellknown()
        self.say("French names")
        for dn, description in self.domain.units:
            self.samdb.add({"dn": dn, "objectClass": "organizationalUnit", "description": description})
        self.say(f"{len(self.domain.units)} organisational units")
        for group in self.domain.groups.values():
            if not group.existing:
                self.add_group(group)
        self.say(f"{len(self.domain.groups)} groups")
        since = time.monotonic()
        for account in accounts:
            self.add_account(account)
        self.say(f"{len(accounts)} accounts, one of each sort", len(accounts), since)

    def relations(self) -> None:
        """Memberships and settings."""
        since = time.monotonic()
        number = sum(len(group.members) for group in self.domain.groups.values())
        for group in self.domain.groups.values():
            self.fill(group)
        self.say(f"{number} memberships", number, since)
        self.settings()
        self.say("settings")

    def fill(self, group: Group) -> None:
        """Add what the model has in a group and the directory has not."""
        if not group.members or not self._exists(f"<SID={group.sid}>"):
            return
        present = {
            str(v).split("<SID=", 1)[1].split(">", 1)[0]
            for v in self.samdb.search(
                base=f"<SID={group.sid}>", scope=ldb.SCOPE_BASE, attrs=["member"], controls=["extended_dn:1:1"]
            )[0].get("member", [])
        }
        missing = [sid for sid in group.members if sid not in present]
        if missing:
            message = ldb.Message(ldb.Dn(self.samdb, f"<SID={group.sid}>"))
            message["member"] = ldb.MessageElement([f"<SID={sid}>" for sid in missing], ldb.FLAG_MOD_ADD, "member")
            self.samdb.modify(message)

    def settings(self) -> None:
        """The domain's own settings, and the accounts it came with."""
        domain = self.domain
        self._set(
            domain.dn,
            {
                "ms-DS-MachineAccountQuota": [str(domain.machine_account_quota)],
                # 1095 days: what ANSSI asks of privileged accounts; nobody's expires at the first logon
                "maxPwdAge": [str(-1095 * 86400 * 10_000_000)],
            },
        )
        services = f"CN=Directory Service,CN=Windows NT,CN=Services,{self.samdb.get_config_basedn()}"
        self._set(services, {"dSHeuristics": [domain.dsheuristics]})
        # Through Samba, for its replication metadata; the date itself is the same below.
        self._set(f"<SID={DOMAIN_SID}-500>", {"lastLogonTimestamp": [filetime(domain.administrator_last_logon)]})
        guest = f"<SID={DOMAIN_SID}-501>"
        flags = int(
            str(
                self.samdb.search(base=guest, scope=ldb.SCOPE_BASE, attrs=["userAccountControl"])[0][
                    "userAccountControl"
                ]
            )
        )
        if domain.guest_enabled:
            self._set(guest, {"userAccountControl": [str(flags & ~DISABLED)]})

    def rights(self) -> None:
        """Add the model's entries to security descriptors."""
        for ace in self.domain.aces:
            entry = self.samdb.search(base=ace.dn, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]
            descriptor = ndr_unpack(security.descriptor, bytes(entry["nTSecurityDescriptor"][0]))
            added = security.descriptor.from_sddl(f"D:{ace.sddl}", security.dom_sid(DOMAIN_SID))
            for one in added.dacl.aces:
                # Before the first inherited entry: explicit ones come first in a canonical list.
                place = next(
                    (
                        i
                        for i, other in enumerate(descriptor.dacl.aces)
                        if other.flags & security.SEC_ACE_FLAG_INHERITED_ACE
                    ),
                    descriptor.dacl.num_aces,
                )
                descriptor.dacl_add(one, place)
            self._set(ace.dn, {"nTSecurityDescriptor": [ndr_pack(descriptor)]})


def write(domain: Domain, accounts: int) -> None:
    """Fill this machine's domain, and note from what, so that its reports can be made later."""
    Writer(domain).write()
    made = {"accounts": accounts, "seed": domain.seed, "now": domain.now.isoformat()}
    Path(PRIVATE).with_name("care-lab.json").write_text(json.dumps(made) + "\n", encoding="utf-8")
