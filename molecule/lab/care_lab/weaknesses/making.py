# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write weaknesses into this machine's sam.ldb, samba stopped, and note each."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ldb
from samba import Ldb, dsdb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

from care_lab.constants import DOMAIN, DOMAIN_DN
from care_lab.generator.model import rdn
from care_lab.generator.samba_bulk import filetime, generalized

PRIVATE = "/var/lib/samba/private"
RECORD = Path("/var/lib/samba/care-lab-weaknesses.json")
RELAX = ["relax:0"]
UNIT = f"OU=Héritage de l'ancien domaine,OU=CHU de Valmont,{DOMAIN_DN}"
CONFIGURATION = f"CN=Configuration,{DOMAIN_DN}"
SYSTEM = f"CN=System,{DOMAIN_DN}"
FULL_CONTROL = "CCDCLCSWRPWPDTLOCRSDRCWDWO"
Values = str | int | bytes | list[str] | list[bytes]


@dataclass(frozen=True)
class Wrong:
    """One weakness: of which control, of which object, and how a program that is not ours sees it.

    ``seen`` is an LDAP filter that only the wrong object passes, ``ace`` an entry of its access list in SDDL (with
    ``trustee``), ``owner`` the SID that owns it. One of them is there. ``at`` is the object that shows it, where it is
    another than the wrong one.
    """

    control: str
    dn: str
    level: int
    why: str
    sid: str | None = None
    seen: str | None = None
    at: str | None = None
    ace: str | None = None
    trustee: str | None = None
    owner: str | None = None


class Making:
    """One domain being made wrong."""

    def __init__(self) -> None:
        loadparm = LoadParm()
        loadparm.load_default()
        loadparm.set("dsdb:schema update allowed", "yes")
        self.samdb = SamDB(url=f"{PRIVATE}/sam.ldb", session_info=system_session(), lp=loadparm)
        self.domain_sid = str(self.samdb.get_domain_sid())
        self.now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self.wrong: list[Wrong] = []
        self._raw: dict[str, Ldb] = {}
        for base in (DOMAIN_DN, CONFIGURATION):
            name = base.upper().replace("=", "%3D").replace(",", "%2C")
            raw = Ldb(url=f"tdb://{PRIVATE}/sam.ldb.d/{name}.ldb", lp=loadparm)
            dsdb._dsdb_set_schema_from_ldb(raw, self.samdb, False)
            self._raw[base] = raw

    def ago(self, days: int) -> str:
        """A moment so many days ago, as AD's large integers hold it."""
        return filetime(self.now - timedelta(days=days))

    def rid(self, number: int) -> str:
        """A SID of the domain."""
        return f"{self.domain_sid}-{number}"

    def sid(self, who: str) -> str:
        """The SID of a DN or a sAMAccountName."""
        if "=" in who:
            found = self.samdb.search(base=who, scope=ldb.SCOPE_BASE, attrs=["objectSid"])
        else:
            found = self.samdb.search(
                base=DOMAIN_DN, expression=f"(sAMAccountName={ldb.binary_encode(who)})", attrs=["objectSid"]
            )
        return str(ndr_unpack(security.dom_sid, bytes(found[0]["objectSid"][0])))

    def dn(self, sid: str) -> str:
        """The DN of a SID."""
        return str(self.samdb.search(base=f"<SID={sid}>", scope=ldb.SCOPE_BASE, attrs=["dn"])[0].dn)

    def add(self, dn: str, object_class: str, **values: Values) -> str:
        """Add an object as the system may; an attribute's ``-`` is written ``_``. Returns its DN."""
        message = ldb.Message(ldb.Dn(self.samdb, dn))
        for name, value in {"objectClass": object_class, **values}.items():
            items = value if isinstance(value, list) else [value]
            written = [item if isinstance(item, bytes) else str(item) for item in items]
            message[name.replace("_", "-")] = ldb.MessageElement(written, ldb.FLAG_MOD_ADD, name.replace("_", "-"))
        # Samba knows well-known principals in the configuration too, and adds no second object for one otherwise.
        provision = ["provision:0"] if object_class == "foreignSecurityPrincipal" else []
        self.samdb.add(message, RELAX + provision)
        return dn

    def user(self, cn: str, sam: str, unit: str = UNIT, **values: Values) -> str:
        """An ordinary enabled user with a fresh password, used yesterday. Returns its DN."""
        from care_lab import constants

        values = {"userAccountControl": 512, **values}
        password = f'"{constants.USER_PASSWORD}"'.encode("utf-16-le")
        dn = self.add(f"CN={rdn(cn)},{unit}", "user", sAMAccountName=sam, unicodePwd=password, **values)
        self.below(dn, lastLogonTimestamp=self.ago(1), pwdLastSet=self.ago(20), whenCreated=self.day(900))
        return dn

    def computer(self, name: str, unit: str, **values: Values) -> str:
        """A computer that is used. Returns its DN."""
        host = f"{name.lower()}.{DOMAIN}"
        spns = [f"HOST/{host}", f"HOST/{name}"]
        values = {"userAccountControl": 4096, "dNSHostName": host, "servicePrincipalName": spns, **values}
        dn = self.add(f"CN={name},{unit}", "computer", sAMAccountName=f"{name}$", **values)
        self.below(dn, lastLogonTimestamp=self.ago(1), pwdLastSet=self.ago(10), whenCreated=self.day(900))
        return dn

    def day(self, days: int) -> str:
        """A moment so many days ago, as LDAP's generalized time."""
        return generalized(self.now - timedelta(days=days))

    def join(self, group: str, *members: str) -> None:
        """Add members (DN) to a group (SID)."""
        message = ldb.Message(ldb.Dn(self.samdb, f"<SID={group}>"))
        message["member"] = ldb.MessageElement(list(members), ldb.FLAG_MOD_ADD, "member")
        self.samdb.modify(message, RELAX)

    def foreign(self, sid: str) -> str:
        """The object by which a principal that is none of the domain's can be a member. Returns its DN."""
        dn = f"CN={sid},CN=ForeignSecurityPrincipals,{DOMAIN_DN}"
        return self.add(dn, "foreignSecurityPrincipal", objectSid=ndr_pack(security.dom_sid(sid)))

    def leave(self, group: str, *members: str) -> None:
        """Take members (DN) out of a group (SID)."""
        message = ldb.Message(ldb.Dn(self.samdb, f"<SID={group}>"))
        message["member"] = ldb.MessageElement(list(members), ldb.FLAG_MOD_DELETE, "member")
        self.samdb.modify(message, RELAX)

    def change(self, where: str, **values: Values) -> None:
        """Replace attributes through Samba's modules; an empty list removes one."""
        message = ldb.Message(ldb.Dn(self.samdb, where))
        for name, value in values.items():
            items = value if isinstance(value, list) else [value]
            written = [item if isinstance(item, bytes) else str(item) for item in items]
            message[name.replace("_", "-")] = ldb.MessageElement(written, ldb.FLAG_MOD_REPLACE, name.replace("_", "-"))
        self.samdb.modify(message, RELAX)

    def below(self, where: str, **values: Values) -> None:
        """Replace attributes that the server keeps for itself, below its modules."""
        raw = self._raw[CONFIGURATION if where.lower().endswith(CONFIGURATION.lower()) else DOMAIN_DN]
        message = ldb.Message(ldb.Dn(raw, where))
        for name, value in values.items():
            items = value if isinstance(value, list) else [value]
            written = [item if isinstance(item, bytes) else str(item) for item in items]
            message[name.replace("_", "-")] = ldb.MessageElement(written, ldb.FLAG_MOD_REPLACE, name.replace("_", "-"))
        raw.modify(message)

    def _descriptor(self, where: str) -> security.descriptor:
        found = self.samdb.search(base=where, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]
        return ndr_unpack(security.descriptor, bytes(found["nTSecurityDescriptor"][0]))

    def allow(self, where: str, ace: str) -> None:
        """Add an entry in SDDL where a canonical list has it: denials first, inherited entries last."""
        descriptor = self._descriptor(where)
        for one in security.descriptor.from_sddl(f"D:{ace}", security.dom_sid(self.domain_sid)).dacl.aces:
            # No reference to the list may live when it grows: numbers only.
            flags = [other.flags for other in descriptor.dacl.aces]
            inherited = [bool(flag & security.SEC_ACE_FLAG_INHERITED_ACE) for flag in flags]
            end = inherited.index(True) if True in inherited else len(inherited)
            place = 0 if ace.startswith(("(D;", "(OD;")) else end
            descriptor.dacl_add(one, place)
        self.change(where, nTSecurityDescriptor=ndr_pack(descriptor))

    def give(self, where: str, owner: str) -> None:
        """Make a SID the owner of an object."""
        descriptor = self._descriptor(where)
        descriptor.owner_sid = security.dom_sid(owner)
        self.change(where, nTSecurityDescriptor=ndr_pack(descriptor))

    def note(
        self, control: str, dn: str, level: int, why: str, *, seen: str, at: str | None = None, with_sid: bool = True
    ) -> None:
        """Record what was made wrong, and the filter that shows it."""
        sid = None
        if with_sid:
            found = self.samdb.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["objectSid"])
            sid = str(ndr_unpack(security.dom_sid, bytes(found[0]["objectSid"][0])))
        self.wrong.append(Wrong(f"vuln_{control}", dn, level, why, sid=sid, seen=seen, at=at))

    def right(self, control: str, dn: str, level: int, trustee: str, rights: str, why: str, kind: str = "") -> None:
        """Give a trustee (SID) a right on an object, and record it. ``kind`` is the GUID of an object entry."""
        ace = f"(OA;;{rights};{kind};;{trustee})" if kind else f"(A;;{rights};;;{trustee})"
        self.allow(dn, ace)
        self.wrong.append(Wrong(f"vuln_{control}", dn, level, why, ace=ace, trustee=trustee))

    def owned(self, control: str, dn: str, level: int, owner: str, why: str) -> None:
        """Give an object to an owner (SID), and record it."""
        self.give(dn, owner)
        self.wrong.append(Wrong(f"vuln_{control}", dn, level, why, owner=owner))

    def save(self) -> None:
        """Write the record."""
        made = {"made": self.now.isoformat(), "wrong": [asdict(each) for each in self.wrong]}
        RECORD.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def guid(text: str) -> bytes:
    """A GUID of a name, always the same."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{text}.chu-valmont.test").bytes_le


__all__ = ["CONFIGURATION", "FULL_CONTROL", "RECORD", "SYSTEM", "UNIT", "Making", "Wrong", "guid"]
