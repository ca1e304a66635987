# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The XML that PingCastle's health check would write of a generated domain, at level Normal or Full.

PingCastle runs on Windows; the lab has none. Element names, their order, the attributes of the root, the rules' ids,
points, categories and models, and the layout of detail lines are those of its export (engine 3.3); every sentence is
ours. A comment in the file says that it comes from this generator.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape, quoteattr

from care_lab.constants import DC_FQDN, NETBIOS
from care_lab.generator.french import DOMAIN_NAMES
from care_lab.generator.model import (
    DES_ONLY,
    DISABLED,
    DOMAIN_SID,
    DONT_EXPIRE,
    NO_PREAUTH,
    NORMAL,
    NOT_DELEGATED,
    PASSWD_NOTREQD,
    REVERSIBLE,
    SMARTCARD_REQUIRED,
    UNCONSTRAINED,
    Account,
    Domain,
    Group,
)

ENGINE = "3.3.0.1"
# Above this number of accounts, several rules say how many and name none.
MAX_NAMED = 100
INACTIVE = timedelta(days=183)
NEVER = datetime(1, 1, 1)


@dataclass(frozen=True)
class Rule:
    """One triggered rule of the report."""

    id: str
    points: int
    category: str
    model: str
    maturity: int
    rationale: str
    details: tuple[str, ...] = ()


def moment(value: datetime | None) -> str:
    """A date as .NET's XmlSerializer writes a UTC one; ``never`` is the first day of its calendar."""
    if value is None:
        return "0001-01-01T00:00:00"
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def human(value: datetime | None) -> str:
    """A date inside a detail line."""
    return "Never" if value is None else value.strftime("%Y-%m-%d %H:%M:%S") + "Z"


class Report:
    """Counts the domain once, then writes."""

    def __init__(self, domain: Domain, full: bool) -> None:
        self.domain = domain
        self.full = full
        flags = 0 if domain.guest_enabled else DISABLED
        users = f"CN=Users,{domain.dn}"
        self.administrator = Account(
            "user",
            DOMAIN_NAMES[500],
            DOMAIN_NAMES[500],
            users,
            500,
            NORMAL,
            domain.created,
            domain.administrator_password_set,
            domain.administrator_last_logon,
        )
        guest = Account(
            "user",
            DOMAIN_NAMES[501],
            DOMAIN_NAMES[501],
            users,
            501,
            NORMAL | DONT_EXPIRE | PASSWD_NOTREQD | flags,
            domain.created,
        )
        krbtgt = Account(
            "user", "krbtgt", "krbtgt", users, 502, NORMAL | DISABLED, domain.created, domain.krbtgt_password_set
        )
        self.users = [self.administrator, guest, krbtgt, *domain.users()]
        self.computers = list(domain.computers())
        self.by_sid = {account.sid: account for account in [*self.users, *self.computers]}
        privileged = domain.privileged()
        self.admins = [account for account in self.users if account.sid in privileged]
        self.human_admins = [account for account in self.admins if account.enabled]
        self.enabled = [account for account in self.users if account.enabled]
        self.inactive = [account for account in self.enabled if self.is_inactive(account)]
        protected = domain.members([f"{DOMAIN_SID}-525"])
        self.unprotected = [account for account in self.human_admins if account.sid not in protected]

    def is_inactive(self, account: Account) -> bool:
        """Not seen for six months, and not new."""
        limit = self.domain.now - INACTIVE
        return (account.last_logon or account.created or limit) < limit

    def with_flag(self, flag: int, accounts: Iterable[Account] | None = None) -> list[Account]:
        """Enabled accounts with a userAccountControl flag."""
        return [a for a in (self.users if accounts is None else accounts) if a.uac & flag and a.enabled]

    # Rules -------------------------------------------------------------------------------------------------------

    def rules(self) -> list[Rule]:
        """What triggers on this domain."""
        domain = self.domain
        found: list[Rule] = []

        def add(
            rule: str,
            points: int,
            category: str,
            model: str,
            maturity: int,
            rationale: str,
            details: Iterable[str] = (),
            capped: bool = False,
        ) -> None:
            lines = tuple(details)
            found.append(
                Rule(
                    rule,
                    points,
                    category,
                    model,
                    maturity,
                    rationale,
                    () if capped and len(lines) > MAX_NAMED else lines,
                )
            )

        def each(accounts: Iterable[Account], line: Callable[[Account], str]) -> list[str]:
            return [line(account) for account in accounts]

        def dn(account: Account) -> str:
            return f"DN: {account.dn}"

        def preauth(account: Account) -> str:
            return f"Account: {account.dn} Created: {human(account.created)} LastLogon: {human(account.last_logon)}"

        stale, privileged, anomalies = "StaleObjects", "PrivilegedAccounts", "Anomalies"
        admins = {account.sid for account in self.admins}
        no_preauth = self.with_flag(NO_PREAUTH)
        ordinary = [a for a in no_preauth if a.sid not in admins]
        powerful = [a for a in no_preauth if a.sid in admins]
        if ordinary:
            add(
                "S-NoPreAuth",
                5,
                stale,
                "ObjectConfig",
                2,
                f"{len(ordinary)} accounts need no Kerberos pre-authentication",
                each(ordinary, preauth),
            )
        if powerful:
            add(
                "S-NoPreAuthAdmin",
                5 * len(powerful),
                stale,
                "ObjectConfig",
                1,
                f"{len(powerful)} privileged accounts need no Kerberos pre-authentication",
                each(powerful, preauth),
            )
        if des := self.with_flag(DES_ONLY):
            add(
                "S-DesEnabled",
                15,
                stale,
                "OldAuthenticationProtocols",
                2,
                f"{len(des)} accounts use DES",
                each(des, dn),
                True,
            )
        if reversible := self.with_flag(REVERSIBLE):
            add("S-Reversible", 5, stale, "ObjectConfig", 3, f"{len(reversible)} passwords are stored reversibly")
        if forever := self.with_flag(DONT_EXPIRE):
            add(
                "S-PwdNeverExpires",
                1,
                stale,
                "ObjectConfig",
                2,
                f"{len(forever)} passwords never expire",
                each(forever, dn),
                True,
            )
        if blank := self.with_flag(PASSWD_NOTREQD):
            add(
                "S-PwdNotRequired",
                15,
                stale,
                "ObjectConfig",
                3,
                f"{len(blank)} accounts need no password",
                each(blank, dn),
                True,
            )
        share = len(self.inactive) * 100 // max(len(self.enabled), 1)
        if share >= 25:
            add("S-Inactive", 10, stale, "InactiveUserOrComputer", 1, f"{share} % of the user accounts are inactive")
        if domain.machine_account_quota > 0:
            add(
                "S-ADRegistration",
                10,
                stale,
                "Provisioning",
                4,
                f"Any user can add {domain.machine_account_quota} computers to the domain",
            )

        active = len(self.enabled) - len(self.inactive)
        if len(self.human_admins) > 50 or len(self.human_admins) * 10 > active:
            add(
                "P-AdminNum",
                10,
                privileged,
                "AdminControl",
                1,
                f"{len(self.human_admins)} privileged accounts for {active} active ones",
            )
        if len(eternal := self.with_flag(DONT_EXPIRE, self.admins)) >= 2:
            add(
                "P-ServiceDomainAdmin",
                15,
                privileged,
                "PrivilegeControl",
                1,
                f"{len(eternal)} privileged passwords never expire",
                each(eternal, dn),
            )
        named = [a for a in self.human_admins if a.attributes.get("servicePrincipalName")]
        if named:
            add(
                "P-Kerberoasting",
                5 * len(named),
                privileged,
                "AccountTakeOver",
                1,
                f"{len(named)} privileged accounts have a service principal name",
                [
                    f"User: {a.sam} Groups: {', '.join(self.groups_of(a))} "
                    f"SPNs: {', '.join(a.attributes['servicePrincipalName'])}"
                    for a in named
                ],
            )
        trusted = self.with_flag(UNCONSTRAINED, [*self.users, *self.computers])
        if trusted:
            add(
                "P-UnconstrainedDelegation",
                5 * len(trusted),
                privileged,
                "DelegationCheck",
                2,
                f"{len(trusted)} accounts are trusted for unconstrained delegation",
                [f"DN: {a.dn} Name: {a.sam}" for a in trusted],
            )
        if len(self.unprotected) >= 2:
            add(
                "P-ProtectedUsers",
                10,
                privileged,
                "AccountTakeOver",
                3,
                f"{len(self.unprotected)} privileged accounts are not in Protected Users",
                [f"User: {a.sam}" for a in self.unprotected],
            )
        if delegable := [a for a in self.unprotected if not a.uac & NOT_DELEGATED]:
            add(
                "P-Delegated",
                20,
                privileged,
                "AccountTakeOver",
                3,
                f"{len(delegable)} privileged accounts can be delegated",
                [f"DN: {a.dn} Reason: NOT_DELEGATED is not set" for a in delegable],
            )
        if schema := domain.members([f"{DOMAIN_SID}-518"]):
            add(
                "P-SchemaAdmin",
                10,
                privileged,
                "IrreversibleChange",
                3,
                f"The group Schema Admins has {len(schema)} members",
            )
        operators = [(domain.group(rid), domain.members([f"S-1-5-32-{rid}"])) for rid in (548, 549)]
        if any(members for _group, members in operators):
            add(
                "P-OperatorsEmpty",
                0,
                privileged,
                "AdminControl",
                3,
                "Operator groups have members",
                [f"Group: {group.sam} Members: {len(members)}" for group, members in operators if members],
            )
        if domain.administrator_last_logon and (domain.now - domain.administrator_last_logon).days < 35:
            add(
                "P-AdminLogin",
                20,
                privileged,
                "AdminControl",
                3,
                "The built-in administrator was used lately",
                [f"DC: {DC_FQDN} LoginTime: {human(domain.administrator_last_logon)}"],
            )
        add("P-RecycleBin", 10, privileged, "IrreversibleChange", 3, "The recycle bin is not enabled")

        if domain.guest_enabled:
            add("A-Guest", 15, anomalies, "WeakPassword", 1, "The guest account is enabled")
        if domain.krbtgt_password_set:
            age = (domain.now - domain.krbtgt_password_set).days
            points = next((p for days, p in ((1464, 50), (1098, 40), (732, 30), (366, 20)) if age >= days), 0)
            if points:
                add("A-Krbtgt", points, anomalies, "GoldenTicket", 2, f"The password of krbtgt is {age} days old")
        self.heuristics(add)
        add("A-LAPS-Not-Installed", 15, anomalies, "PassTheCredential", 3, "LAPS is not in the schema")
        add(
            "A-SmartCardPwdRotation",
            0,
            anomalies,
            "PassTheCredential",
            4,
            "Secrets of smart card accounts are not renewed",
        )
        return found

    def heuristics(self, add: Callable[..., None]) -> None:
        """Rules about positions of dSHeuristics (counted from 1)."""

        def digit(position: int) -> str:
            return self.domain.dsheuristics[position - 1 : position] or "0"

        for position, bad, rule, category, model, maturity in (
            (16, "123456789abcdef", "P-DsHeuristicsAdminSDExMask", "PrivilegedAccounts", "ACLCheck", 1),
            (8, "1", "A-DsHeuristicsAllowAnonNSPI", "Anomalies", "Reconnaissance", 1),
            (7, "2", "A-DsHeuristicsAnonymous", "Anomalies", "Reconnaissance", 2),
            (21, "123", "A-DsHeuristicsDoNotVerifyUniqueness", "Anomalies", "Reconnaissance", 2),
        ):
            if digit(position) in bad:
                add(rule, 5, category, model, maturity, f"Character {position} of dSHeuristics is {digit(position)}")
        weak = [
            (name, position)
            for name, position in (("AttributeAuthorizationOnLDAPAdd", 28), ("BlockOwnerImplicitRights", 29))
            if digit(position) != "1"
        ]
        if weak:
            add(
                "A-DsHeuristicsLDAPSecurity",
                0,
                "Anomalies",
                "Reconnaissance",
                3,
                "LDAP add and modify are not fully controlled",
                [f"Setting: {name} Position: {position} Value: {digit(position)}" for name, position in weak],
            )

    def groups_of(self, account: Account) -> list[str]:
        """The privileged groups an account is in, directly or not."""
        return [group.sam for group in self.privileged_groups() if account.sid in self.domain.members([group.sid])]

    def privileged_groups(self) -> list[Group]:
        """The groups PingCastle lists."""
        return [self.domain.group(rid) for rid in (544, 512, 518, 519, 548, 549, 550, 551, 526, 527)]

    # XML ---------------------------------------------------------------------------------------------------------

    def xml(self) -> str:
        """The whole file."""
        domain, rules = self.domain, self.rules()
        scores = {
            category: min(100, sum(r.points for r in rules if r.category == category))
            for category in ("StaleObjects", "PrivilegedAccounts", "Trusts", "Anomalies")
        }
        integrity = base64.b64encode(
            hashlib.sha256(",".join(sorted(r.id.replace("-", "").replace(".", "") for r in rules)).encode()).digest()
        ).decode()
        out: list[str] = [
            '<?xml version="1.0" encoding="utf-8"?>',
            "<!-- Written by the lab's generator of care.remediation, for a fictitious domain; not by PingCastle. -->",
            '<HealthcheckData xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
            f'IntegrityRules="{integrity}" DSHeuristics={quoteattr(domain.dsheuristics)} '
            f'ApproximateUserCount="{len(self.users)}" ExpirePasswordsOnSmartCardOnlyAccounts="false" '
            'WinTrustLevel="0">',
        ]

        def put(**elements: object) -> None:
            for name, value in elements.items():
                out.append(f"  {element(name, value)}")

        put(
            EngineVersion=ENGINE,
            GenerationDate=domain.now,
            IsPrivilegedMode=False,
            Level="Full" if self.full else "Normal",
            MaturityLevel=min((r.maturity for r in rules), default=5),
            DomainFQDN=domain.name,
            NetBIOSName=NETBIOS,
            ForestFQDN=domain.name,
            DomainCreation=domain.created,
            DomainSid=domain.sid,
            DomainFunctionalLevel=7,
            ForestFunctionalLevel=7,
            SchemaVersion=88,
            SchemaInternalVersion=0,
            IsRecycleBinEnabled=False,
            SchemaLastChanged=domain.created,
            NumberOfDC=1,
            GlobalScore=max(scores.values()),
            StaleObjectsScore=scores["StaleObjects"],
            PrivilegiedGroupScore=scores["PrivilegedAccounts"],
            TrustScore=scores["Trusts"],
            AnomalyScore=scores["Anomalies"],
        )
        out += ["  <Trusts />", "  <ReachableDomains />", *self.controllers()]
        put(PreWindows2000AnonymousAccess=False, UsingNTFRSForSYSVOL=False)
        out.append("  <RiskRules>")
        for rule in rules:
            out += self.rule(rule)
        out.append("  </RiskRules>")
        out += self.accounts("UserAccountData", self.users)
        out += self.accounts("ComputerAccountData", self.computers)
        put(
            LAPSInstalled=None,
            NewLAPSInstalled=None,
            KrbtgtLastChangeDate=domain.krbtgt_password_set,
            KrbtgtLastVersion=2,
            AdminLastLoginDate=domain.administrator_last_logon,
            AdminAccountName=DOMAIN_NAMES[500],
            GuestEnabled=domain.guest_enabled,
        )
        out += self.groups()
        put(
            AdminSDHolderNotOKCount=0,
            UnixPasswordUsersCount=0,
            SmartCardNotOKCount=len(self.with_flag(SMARTCARD_REQUIRED)),
        )
        out += self.delegations()
        put(MachineAccountQuota=domain.machine_account_quota)
        out.append("</HealthcheckData>")
        return "\n".join(out) + "\n"

    def controllers(self) -> list[str]:
        """The one domain controller."""
        values = {
            "DCName": DC_FQDN.split(".")[0].upper(),
            "OperatingSystem": "Windows Server 2016",
            "OwnerSID": f"{DOMAIN_SID}-512",
            "OwnerName": f"{NETBIOS}\\{DOMAIN_NAMES[512]}",
            "HasNullSession": False,
            "SupportSMB1": False,
            "RemoteSpoolerDetected": False,
        }
        return [
            "  <DomainControllers>",
            "    <HealthcheckDomainController>",
            *(f"      {element(name, value)}" for name, value in values.items()),
            "    </HealthcheckDomainController>",
            "  </DomainControllers>",
        ]

    def rule(self, rule: Rule) -> list[str]:
        """One rule; its details at level Full only."""
        lines = [
            "    <HealthcheckRiskRule>",
            f"      {element('Points', rule.points)}",
            f"      {element('Category', rule.category)}",
            f"      {element('Model', rule.model)}",
            f"      {element('RiskId', rule.id)}",
            f"      {element('Rationale', rule.rationale)}",
        ]
        if self.full and rule.details:
            lines += [
                "      <Details>",
                *(f"        {element('string', detail)}" for detail in rule.details),
                "      </Details>",
            ]
        return [*lines, "    </HealthcheckRiskRule>"]

    def accounts(self, name: str, accounts: list[Account]) -> list[str]:
        """Counters, and at level Full lists, of users or computers."""
        enabled = [a for a in accounts if a.enabled]
        inactive = [a for a in enabled if self.is_inactive(a)]
        lists = {
            "Inactive": inactive,
            "PwdNeverExpires": self.with_flag(DONT_EXPIRE, accounts),
            "PwdNotRequired": self.with_flag(PASSWD_NOTREQD, accounts),
            "DesEnabled": self.with_flag(DES_ONLY, accounts),
            # The element's name says "authentication"; what it lists is unconstrained delegation.
            "EnabledTrustedToAuthenticateForDelegation": self.with_flag(UNCONSTRAINED, accounts),
            "DisabledTrustedToAuthenticateForDelegation": [
                a for a in accounts if a.uac & UNCONSTRAINED and not a.enabled
            ],
            "ReversibleEncryption": self.with_flag(REVERSIBLE, accounts),
            "NoPreAuth": self.with_flag(NO_PREAUTH, accounts),
        }
        counters: dict[str, object] = {
            "Number": len(accounts),
            "NumberEnabled": len(enabled),
            "NumberDisabled": len(accounts) - len(enabled),
            "NumberActive": len(enabled) - len(inactive),
        }
        counters |= {f"Number{key}": len(value) for key, value in lists.items()}
        lines = [f"  <{name}>", *(f"    {element(key, value)}" for key, value in counters.items())]
        if self.full:
            for key, listed in lists.items():
                if not listed:
                    continue
                lines.append(f"    <List{key}>")
                for account in listed:
                    values = {
                        "DistinguishedName": account.dn,
                        "Name": account.sam,
                        "LastLogonDate": account.last_logon or NEVER,
                        "CreationDate": account.created,
                        "PwdLastSet": account.password_set or NEVER,
                    }
                    lines += [
                        "      <HealthcheckAccountDetailData>",
                        *(f"        {element(k, v)}" for k, v in values.items()),
                        "      </HealthcheckAccountDetailData>",
                    ]
                lines.append(f"    </List{key}>")
        return [*lines, f"  </{name}>"]

    def groups(self) -> list[str]:
        """The privileged groups; their members at level Full only."""
        lines = ["  <PrivilegedGroups>"]
        for group in self.privileged_groups():
            members = [self.by_sid[sid] for sid in sorted(self.domain.members([group.sid])) if sid in self.by_sid]
            values: dict[str, object] = {
                "GroupName": group.sam,
                "DistinguishedName": group.dn,
                "NumberOfMember": len(members),
                "NumberOfMemberEnabled": sum(a.enabled for a in members),
                "NumberOfMemberDisabled": sum(not a.enabled for a in members),
                "NumberOfMemberInactive": sum(self.is_inactive(a) for a in members),
                "NumberOfMemberPwdNeverExpires": len(self.with_flag(DONT_EXPIRE, members)),
                "NumberOfSmartCardRequired": len(self.with_flag(SMARTCARD_REQUIRED, members)),
                "NumberOfMemberCanBeDelegated": sum(not a.uac & NOT_DELEGATED for a in members),
                "NumberOfExternalMember": 0,
                "NumberOfMemberInProtectedUsers": 0,
                "Sid": group.sid,
            }
            lines += ["    <HealthCheckGroupData>", *(f"      {element(k, v)}" for k, v in values.items())]
            if self.full and members:
                lines += ["      <Members>", *(line for a in members for line in self.member(a)), "      </Members>"]
            lines.append("    </HealthCheckGroupData>")
        return [*lines, "  </PrivilegedGroups>"]

    def member(self, account: Account) -> list[str]:
        """One member of a privileged group."""
        spns = account.attributes.get("servicePrincipalName", [])
        values: dict[str, object] = {
            "Name": account.sam,
            "IsExternal": False,
            "DistinguishedName": account.dn,
            "IsEnabled": account.enabled,
            "IsActive": account.enabled and not self.is_inactive(account),
            "IsLocked": False,
            "DoesPwdNeverExpires": bool(account.uac & DONT_EXPIRE),
            "CanBeDelegated": not account.uac & NOT_DELEGATED,
            "LastLogonTimestamp": account.last_logon or NEVER,
            "PwdLastSet": account.password_set or NEVER,
            "SmartCardRequired": bool(account.uac & SMARTCARD_REQUIRED),
            "IsService": bool(spns),
            "ServicePrincipalNames": spns,
            "Created": account.created,
            "IsInProtectedUser": account not in self.unprotected,
            "Class": "user",
            "Sid": account.sid,
        }
        return [
            "        <HealthCheckGroupMemberData>",
            *(f"          {element(k, v)}" for k, v in values.items()),
            "        </HealthCheckGroupMemberData>",
        ]

    def delegations(self) -> list[str]:
        """Rights on the domain that the export lists without a rule."""
        if not self.domain.aces:
            return []
        lines = ["  <Delegations>"]
        for ace in self.domain.aces:
            trustee = self.by_sid.get(ace.trustee)
            name = trustee.sam if trustee else self.domain.groups[ace.trustee].sam
            values = {
                "DistinguishedName": ace.dn,
                "SecurityIdentifier": ace.trustee,
                "Account": f"{NETBIOS}\\{name}",
                "Right": RIGHTS.get(ace.why, ace.why),
            }
            lines += [
                "    <HealthcheckDelegationData>",
                *(f"      {element(k, v)}" for k, v in values.items()),
                "    </HealthcheckDelegationData>",
            ]
        return [*lines, "  </Delegations>"]


RIGHTS = {
    "réplication": "EXT_RIGHT_REPLICATION_GET_CHANGES",
    "réplication de tous les secrets (DCSync)": "EXT_RIGHT_REPLICATION_GET_CHANGES_ALL",
    "modification des permissions": "WriteDacl",
    "lecture": "ReadProperty",
}


def element(name: str, value: object) -> str:
    """One element, as .NET's XmlSerializer writes a value of this type."""
    if value is None:
        return f'<{name} xsi:nil="true" />'
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, datetime):
        text = moment(None if value is NEVER else value)
    elif isinstance(value, list):
        return f"<{name}>{''.join(element('string', item) for item in value)}</{name}>"
    else:
        # XML 1.0 has no control characters but these; a directory's text may have any.
        text = escape("".join(c for c in str(value) if c >= " " or c in "\t\n\r"))
    return f"<{name}>{text}</{name}>" if text else f"<{name} />"


def write(domain: Domain, full: bool) -> str:
    """The file's text.

    :param full: level Full (objects are named) instead of Normal (PingCastle's default: rule ids and counters only).
    """
    return Report(domain, full).xml()
