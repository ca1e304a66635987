# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""PingCastle's health check XML (``ad_hc_<domain>.xml``, engines 2.9 to 3.5), rule by rule and account by account.

Only the level Full names objects; the default level Normal gives rule ids, and the few extra details that have no
level. Names and attributes that vary from one engine to the next are tolerated; what is not known is counted.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from ..records import Skipped
from .xmlstream import MAX_DEPTH, MAX_TEXT, Refused, Unknown, cut

MAX_DETAILS: Final = 200_000
MAX_RULES: Final = 2_000
MAX_ITEMS: Final = 200

ENCRYPTED: Final = (
    "this PingCastle report is encrypted (root element EncryptedData). Decrypt it on the machine that holds the "
    "private key: PingCastle.exe --reload-report <file> --level Full, without --encrypt, then give the file it writes"
)


@dataclass(slots=True)
class Rule:
    """One triggered rule. ``details`` is empty below level Full."""

    id: str = ""
    points: str = ""
    category: str = ""
    rationale: str = ""
    details: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """One line of an account list (level Full). ``section`` is UserAccountData or ComputerAccountData."""

    section: str
    list: str
    dn: str = ""
    name: str = ""


@dataclass(slots=True)
class Member:
    """One member of a privileged group (level Full)."""

    dn: str = ""
    name: str = ""
    sid: str = ""
    group: str = ""


# Elements directly below the root whose text is kept.
_FACTS: Final = frozenset(
    [
        "EngineVersion",
        "GenerationDate",
        "Level",
        "MaturityLevel",
        "DomainFQDN",
        "NetBIOSName",
        "ForestFQDN",
        "DomainSid",
        "GlobalScore",
        "StaleObjectsScore",
        "PrivilegiedGroupScore",
        "TrustScore",
        "AnomalyScore",
        "DomainFunctionalLevel",
        "ForestFunctionalLevel",
        "MachineAccountQuota",
        "KrbtgtLastChangeDate",
        "GuestEnabled",
        "NumberOfDC",
        "IsPrivilegedMode",
    ]
)
# Elements directly below the root that are known and not needed: the live audit reads these things itself.
_KNOWN: Final = _FACTS | frozenset(
    [
        "DomainCreation",
        "SchemaVersion",
        "SchemaInternalVersion",
        "IsRecycleBinEnabled",
        "SchemaLastChanged",
        "ExchangeInstall",
        "ExchangeSchemaVersion",
        "DefaultOUChanged",
        "Trusts",
        "ReachableDomains",
        "DomainControllers",
        "ExchangeServers",
        "Sites",
        "lDAPIPDenyList",
        "PreWindows2000AnonymousAccess",
        "PreWindows2000AuthenticatedUsers",
        "PreWindows2000NoDefault",
        "PreWindows2000Members",
        "DSOtherSettings",
        "DsHeuristicsAnonymousAccess",
        "DsHeuristicsAdminSDExMaskModified",
        "DsHeuristicsAllowAnonNSPI",
        "DsHeuristicsDoListObject",
        "UsingNTFRSForSYSVOL",
        "RiskRules",
        "UserAccountData",
        "ComputerAccountData",
        "OperatingSystem",
        "OperatingSystemVersion",
        "ListComputerPwdNotChanged",
        "ListClusterPwdNotChanged",
        "GPOInfo",
        "LoginScript",
        "LastADBackup",
        "LAPSInstalled",
        "NewLAPSInstalled",
        "ListLAPSJoinedComputersToReview",
        "KrbtgtLastVersion",
        "AdminLastLoginDate",
        "AdminAccountName",
        "GPPPassword",
        "GPPFileDeployed",
        "GPPRightAssignment",
        "GPPLoginAllowedOrDeny",
        "GPPPasswordPolicy",
        "GPOAuditSimple",
        "GPOAuditAdvanced",
        "GPOLsaPolicy",
        "GPOScreenSaverPolicy",
        "GPOEventForwarding",
        "GPODelegation",
        "GPOFolderOptions",
        "GPOHardenedPath",
        "GPOWSUS",
        "TrustedCertificates",
        "CertificateAuthorities",
        "CertificateTemplates",
        "CertificateEnrollments",
        "PrivilegedGroups",
        "AllPrivilegedMembers",
        "ProtectedUsersNotPrivileged",
        "AdminSDHolderNotOKCount",
        "AdminSDHolderNotOK",
        "UnixPasswordUsers",
        "UnixPasswordUsersCount",
        "SmartCardNotOKCount",
        "SmartCardNotOK",
        "RODCKrbtgtOrphans",
        "Delegations",
        "UnprotectedOU",
        "ListHoneyPot",
        "AllowedRODCPasswordReplicationGroup",
        "DeniedRODCPasswordReplicationGroup",
        "DnsZones",
        "PasswordDistribution",
        "AzureADName",
        "AzureADId",
        "AzureADKerberosServer",
        "AzureADSSOLastPwdChange",
        "AzureADSSOVersion",
        "SchemaClassVulnerable",
        "DisplaySpecifier",
        "ControlPaths",
        "ControlPathsData",
        "HasKdsRootKey",
        "HoneyPotWarning",
        "UnixPasswordUsersData",
        "MaliciousSubnet",
        "GPOWSUSData",
        "ProtectedUsersNotPrivilegedData",
    ]
)
_SID: Final = re.compile(r"S-1(-\d{1,15}){2,16}\Z")


class PingCastleHandler:
    """Puts Rule, Account and Member into ``out``, and the facts of the whole report into ``info``."""

    type = "pingcastle"
    ROOTS: Final = frozenset({"HealthcheckData"})

    def __init__(self) -> None:
        self.out: deque[Any] = deque()
        self.notes: list[str] = []
        self.unknown = Unknown()
        self.skipped = Skipped()
        self.info: dict[str, str] = {}
        self.integrity = ""
        self.rule_ids: list[str] = []
        self.lists: dict[str, int] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._length = 0
        self._rules = 0
        self._rule: Rule | None = None
        self._extra: list[str] = []  # of an extra detail: its items as they would stand in a detail line
        self._item = ""
        self._account: Account | None = None
        self._member: Member | None = None
        self._group = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """expat: an element begins."""
        path = self._path
        path.append(name)
        self._text = []
        self._length = 0
        depth = len(path)
        if depth > MAX_DEPTH:
            raise Refused(f"elements nested deeper than {MAX_DEPTH}: PingCastle does not write that")
        if depth == 1:
            self.integrity = attributes.get("IntegrityRules", "")
        elif depth == 2:
            if name not in _KNOWN and not name.startswith(("GPO", "GPP", "Azure", "Exchange", "PreWindows2000")):
                self.unknown.add(name)
        elif name == "HealthcheckRiskRule" and path[1] == "RiskRules":
            self._rule = Rule()
        elif name == "HealthcheckAccountDetailData" and path[1] in ("UserAccountData", "ComputerAccountData"):
            self._account = Account(path[1], path[2])
        elif name == "HealthCheckGroupData":
            self._group = ""
        elif name == "HealthCheckGroupMemberData":
            self._member = Member(group=self._group)

    def text(self, data: str) -> None:
        """expat: character data of the innermost element."""
        if self._length < MAX_TEXT:
            self._text.append(data)
        self._length += len(data)

    def end(self, name: str) -> None:
        """expat: an element ends."""
        path = self._path
        text = "".join(self._text).strip() if self._text else ""
        self._text = []
        self._length = 0
        if self._rule is not None:
            self._end_in_rule(self._rule, name, cut(text, 8192))
        elif self._account is not None:
            self._end_in_account(self._account, name, cut(text, 2048))
        elif self._member is not None:
            self._end_in_member(self._member, name, cut(text, 2048))
        elif len(path) == 2 and name in _FACTS:
            self.info[name] = cut(text, 300)
        elif name == "GroupName" and len(path) == 4:
            self._group = cut(text, 300)
        path.pop()

    def flush(self) -> None:
        """The file ends here: the rule begun, when its id is known. An account begun may lack half its name."""
        if self._rule is not None and self._rule.id:
            self._end_in_rule(self._rule, "HealthcheckRiskRule", "")

    def finish(self) -> list[str]:
        """Notes about the whole file, once it is read."""
        notes = [*self.notes, *self.unknown.note()]
        if self.integrity and self.integrity not in integrity(self.rule_ids):
            notes.append("IntegrityRules does not match the rules of the file: it may have been edited after export")
        if self.lists:
            listed = ", ".join(f"{name} ({count})" for name, count in sorted(self.lists.items()))
            notes.append(f"account lists in the file: {listed}")
        return notes

    def _end_in_rule(self, rule: Rule, name: str, text: str) -> None:
        if name == "HealthcheckRiskRule":
            self._rule = None
            if len(self.rule_ids) >= MAX_RULES:
                raise Refused(f"more than {MAX_RULES} rules: PingCastle does not write that")
            self._rules += 1
            if not rule.id:
                self.skipped.add(f"RiskRules, rule {self._rules}", "it has no RiskId")
                return
            self.rule_ids.append(rule.id)
            self.out.append(rule)
        elif name == "RiskId":
            rule.id = cut(text, 100)
        elif name == "Points":
            rule.points = cut(text, 20)
        elif name == "Category":
            rule.category = cut(text, 60)
        elif name == "Rationale":
            rule.rationale = text
        elif name == "string" and self._path[-2] == "Details" and text:
            self._detail(rule, text)
        elif len(self._path) > 4 and self._path[3] == "ExtraDetails":
            self._end_in_extra(rule, name, text)

    def _end_in_extra(self, rule: Rule, name: str, text: str) -> None:
        """An extra detail (engine 3.x): named items, each with a value or a list of them."""
        if name == "Name":
            self._item = text
        elif name in ("Value", "string") and text and len(self._extra) < MAX_ITEMS:
            self._extra.append(f"{self._item}: {text}" if self._item else text)
        elif name == "ExtraDetail":
            line, self._extra, self._item = cut(" ".join(self._extra), 8192), [], ""
            if line and line not in rule.details[-MAX_ITEMS:]:
                self._detail(rule, line)

    def _detail(self, rule: Rule, line: str) -> None:
        if len(rule.details) >= MAX_DETAILS:
            raise Refused(f"more than {MAX_DETAILS} details in one rule: PingCastle does not write that")
        rule.details.append(line)

    def _end_in_account(self, account: Account, name: str, text: str) -> None:
        if name == "HealthcheckAccountDetailData":
            self._account = None
            key = cut(f"{account.section}/{account.list}", 120)
            if key in self.lists or len(self.lists) < 100:
                self.lists[key] = self.lists.get(key, 0) + 1
            self.out.append(account)
        elif name == "DistinguishedName":
            account.dn = text
        elif name == "Name":
            account.name = text

    def _end_in_member(self, member: Member, name: str, text: str) -> None:
        if name == "HealthCheckGroupMemberData":
            self._member = None
            self.out.append(member)
        elif name == "DistinguishedName":
            member.dn = text
        elif name == "Name":
            member.name = text
        elif name == "Sid" and _SID.match(text):
            member.sid = text


def integrity(rule_ids: list[str]) -> set[str]:
    """The values that IntegrityRules may have for these rules.

    .NET sorts by culture, Python by code point: for ids made of letters and digits the two differ only in case, so
    both orders are accepted, and a mismatch is a warning, not an error.
    """
    ids = [rule.replace("-", "").replace(".", "") for rule in rule_ids]
    orders = (sorted(ids), sorted(ids, key=str.casefold))
    return {base64.b64encode(hashlib.sha256(",".join(order).encode()).digest()).decode() for order in orders}
