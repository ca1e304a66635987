# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The layout of PingCastle's detail lines (level Full), rule by rule: an interface fact, used to read them.

A line that does not fit its layout in exactly one way is not guessed at: a value may contain a label, because the
names in it are the domain's own. Such a line stays text.
"""

from __future__ import annotations

import functools
import re
from typing import Final

LAYOUTS: Final[dict[str, str]] = {
    "A-AdminSDHolder": "DN: {0}",
    "A-AnonymousAuthorizedGPO": "GPO: {0}",
    "A-AuditDC": "Type: {0} Audit: {1} Problem: {2} Rationale: {3} Domain controller: {4}",
    "A-BadSuccessor": "Principal: {0} Permission: {1} OU: {2}",
    "A-CertEnrollChannelBinding": "Server: {0} Service: {1}",
    "A-CertEnrollHttp": "Server: {0} Service: {1}",
    "A-MD2IntermediateCert": "GPO: {0} Subject: {1}",
    "A-MD2RootCert": "GPO: {0} Subject: {1}",
    "A-MD4IntermediateCert": "GPO: {0} Subject: {1}",
    "A-MD4RootCert": "GPO: {0} Subject: {1}",
    "A-MD5IntermediateCert": "GPO: {0} Subject: {1}",
    "A-MD5RootCert": "GPO: {0} Subject: {1}",
    "A-CertROCA": "Source: {0} Subject: {1} Expires: {2}",
    "A-SHA0IntermediateCert": "GPO: {0} Subject: {1}",
    "A-SHA0RootCert": "GPO: {0} Subject: {1}",
    "A-SHA1IntermediateCert": "GPO: {0} Subject: {1}",
    "A-SHA1RootCert": "GPO: {0} Subject: {1}",
    "A-CertTempAgent": "Name: {0}",
    "A-CertTempAnyPurpose": "<{0}>Name: {1} <{2}>CA: {3} EnrollmentPrincipals: {4} LastModified: {5}",
    "A-CertTempAnyone": "Name: {0}",
    "A-CertTempCustomSubject": "<{0}>Name: {1} <{2}>CA: {3} EnrollmentPrincipals: {4} LastModified: {5}",
    "A-CertTempNoSecurity": "Name: {0}",
    "A-CertWeakDSA": "GPO: {0} Subject: {1}",
    "A-WeakRSARootCert": "Source: {0} Subject: {1} Module: {2} Expires: {3}",
    "A-WeakRSARootCert2": "Source: {0} Subject: {1} Module: {2} Expires: {3}",
    "A-CertWeakRsaComponent": "GPO: {0} Subject: {1} Exponent: {2}",
    "A-DC-Coerce": "DCName: {0} IP: {1} Interface: {2} Function: {3} OpNum: {4}",
    "A-DCLdapSign": "Domain controller: {0}",
    "A-DCLdapsChannelBinding": "Domain controller: {0}",
    "A-DCLdapsProtocol": "DC: {0} Protocol: {1}",
    "A-DCLdapsProtocolAdvanced": "DC: {0} Protocol: {1}",
    "A-DCRefuseComputerPwdChange": "GPO: {0}",
    "A-DC-Spooler": "Domain controller: {0}",
    "A-DC-WebClient": "Domain controller: {0}",
    "A-DnsZoneAUCreateChild": "DNSZone: {0}",
    "A-DnsZoneTransfert": "Zone: {0}",
    "A-DnsZoneUpdate1": "Zone: {0} Domain: {1} DN: {2} Partition: {3}",
    "A-DnsZoneUpdate2": "Zone: {0} Domain: {1} DN: {2} Partition: {3}",
    "A-DsHeuristicsLDAPSecurity": "Setting: {0} Position: {1} Value: {2}",
    "A-HardenedPaths": "GPO: {0} Key: {1} RequireIntegrity: {2} RequireMutualAuthentication: {3} RequirePrivacy: {4}",
    "A-LDAPSigningDisabled": "GPO: {0}",
    "A-LMHashAuthorized": "GPO: {0} Setting: {1}",
    "A-MembershipEveryone": "GPO: {0} MemberOf: {1} User: {2}",
    "A-MinPwdLen": "GPO: {0}",
    "A-NoGPOLLMNR": "GPO: {0}",
    "A-NullSession": "Domain controller: {0}",
    "A-PwdGPO": "GPO: {0} login: {1} password: {2}",
    "A-PreWin2000Other": "DN: {0}",
    "A-LimitBlankPasswordUse": "GPO: {0}",
    "A-ReversiblePwd": "GPO: {0}",
    "A-SMB2SignatureNotEnabled": "Domain controller: {0}",
    "A-SMB2SignatureNotRequired": "Domain controller: {0}",
    "A-NoServicePolicy": "GPO: {0}",
    "A-UnixPwd": "User: {0}",
    "A-WSUS-SslProtocol": "WSUS: {0} Protocol: {1}",
    "P-AdminLogin": "DC: {0} LoginTime: {1}",
    "P-AdminPwdTooOld": "Account: {0} Creation: {1} LastChanged: {2}",
    "P-ControlPathIndirectEveryone": "Group: {0}",
    "P-ControlPathIndirectMany": "Group: {0} Number: {1}",
    "P-DCOwner": "Domain controller: {0} Owner: {1}",
    "P-DNSDelegation": "Account: {0} Right: {1}",
    "P-DangerousExtendedRight": "DN: {0} Account: {1} Right: {2}",
    "P-Delegated": "DN: {0} Reason: {1}",
    "P-DelegationDCa2d2": "Domain controller: {0} Delegate: {1} Identifier: {2}",
    "P-DelegationDCsourcedeleg": "Domain controller: {0} Delegate: {1} Identifier: {2}",
    "P-DelegationDCt2a4d": "Domain controller: {0} Delegate: {1} Identifier: {2}",
    "P-DelegationEveryone": "DN: {0} delegation: {1} right: {2}",
    "P-DelegationFileDeployed": "GPO: {0} Type: {1} FileName: {2} Account: {3} Right: {4}",
    "P-DelegationGPOData": "GPO: {0} Item: {1} Account: {2} Right: {3}",
    "P-DelegationKeyAdmin": "DN: {0} Account: {1} Right: {2}",
    "P-DelegationLoginScript": "Script: {0} Account: {1} Right: {2}",
    "P-DisplaySpecifier": "DN: {0} Path: {1} Changed: {2}",
    "P-AdminEmailOn": "Account: {0} Email: {1}",
    "P-Kerberoasting": "User: {0} Groups: {1} SPNs: {2}",
    "P-LoginDCEveryone": "GPO: {0} Account: {1} Privilege: {2}",
    "P-OperatorsEmpty": "Group: {0} Members: {1}",
    "P-PrivilegeEveryone": "GPO: {0} Account: {1} Privilege: {2}",
    "P-ProtectedUsers": "User: {0}",
    "P-RODCAdminRevealed": "Domain controller: {0} User: {1}",
    "P-RODCAllowedGroup": "Member: {0}",
    "P-RODCDeniedGroup": "Missing: {0}",
    "P-RODCKrbtgtOrphan": "DN: {0} Created: {1}",
    "P-RODCNeverReveal": "Domain controller: {0} Group: {1}",
    "P-RODCRevealOnDemand": "Domain controller: {0} Account: {1}",
    "P-RODCSYSVOLWrite": "Domain controller: {0}",
    "P-RecoveryModeUnprotected": "GPO: {0}",
    "P-ServiceDomainAdmin": "DN: {0}",
    "P-TrustedCredManAccessPrivilege": "GPO: {0} User: {1}",
    "P-UnconstrainedDelegation": "DN: {0} Name: {1}",
    "P-UnkownDelegation": "DN: {0} delegation: {1} right: {2}",
    "P-UnprotectedOU": "OU: {0}",
    "S-ADRegistration": "Domain controller: {0} Owner: {1}",
    "S-ADRegistrationSchema": "Class: {0} Vulnerability: {1}",
    "S-DCRegistration": "Domain controller: {0} Problem: {1}",
    "S-DC-NotUpdated": "Domain controller: {0} Reason: {1}",
    "S-DC-SubnetMissing": "Domain controller: {0} ip: {1}",
    "S-DefaultOUChanged": "Expected: {0} Found: {1}",
    "S-DefenderASR": "Guid: {0} Label: {1} Reason: {2}",
    "S-DesEnabled": "DN: {0}",
    "S-FolderOptions": "Extension: {0} Reason: {1}",
    "S-DC-Inactive": "Domain controller: {0}",
    "S-Vuln-MS14-068": "Domain controller: {0} Reason: {1}",
    "S-Vuln-MS17_010": "Domain controller: {0} Reason: {1}, Operating System {2}",
    "S-NoPreAuth": "Account: {0} Created: {1} LastLogon: {2}",
    "S-NoPreAuthAdmin": "Account: {0} Created: {1} LastLogon: {2}",
    "S-FunctionalLevel1": "Type: {0} Level: {1}",
    "S-FunctionalLevel3": "Type: {0} Level: {1}",
    "S-FunctionalLevel4": "Type: {0} Level: {1}",
    "S-OS-W10": "Version: {0} Number: {1} Active: {2}",
    "S-OldNtlm": "GPO: {0} Value: {1}",
    "S-PrimaryGroup": "DN: {0}",
    "S-PwdLastSet-45": "Computer: {0} Creation: {1} LastUsed: {2} LastChange: {3}",
    "S-PwdLastSet-90": "Computer: {0} Creation: {1} LastUsed: {2} LastChange: {3}",
    "S-PwdLastSet-Cluster": "Cluster: {0} LastChange: {1}",
    "S-PwdLastSet-DC": "Domain controller: {0} LastChange: {1}",
    "S-PwdNeverExpires": "DN: {0}",
    "S-PwdNotRequired": "DN: {0}",
    "S-SIDHistory": "SID: {0} Object(s): {1}",
    "S-SMB-v1": "Domain controller: {0}",
    "S-FirewallScript": "Program: {0} Reason: {1}",
    "S-TerminalServicesGPO": "GPO: {0} Reason: {1}",
    "S-WSUS-NoPinning": "GPO: {0}",
    "S-WSUS-UserProxy": "GPO: {0}",
    "S-WSUS-HTTP": "GPO: {0} Server: {1}",
    "T-AlgsAES": "Trust: {0} Reason: {1}",
    "T-Downlevel": "Trust: {0}",
    "T-FileDeployedOutOfDomain": "Server: {0} GPO: {1} File: {2}",
    "T-Inactive": "Trust: {0}",
    "T-ScriptOutOfDomain": "Script: {0}",
    "T-SIDFiltering": "Trust: {0}",
    "T-SIDHistoryDangerous": "Domain: {0}",
    "T-SIDHistoryUnknownDomain": "SID: {0} Object(s): {1}",
    "T-TGTDelegation": "Trust: {0}",
}

# The field that names the account or object that the finding is about, where it is an account of the domain.
ACCOUNT_FIELDS: Final = ("DN", "Account", "User", "Member")
# In these, "Account" is a trustee or "DN" is not an account: the object is something else.
NOT_ACCOUNTS: Final = frozenset(
    rule
    for rule, layout in LAYOUTS.items()
    if re.search(r"\b(Right|Privilege|delegation|Partition|Path|GPO|Script): \{", layout)
    or not re.search(r"\b(DN|Account|User|Member): \{", layout)
)


@functools.cache
def _pattern(rule: str) -> tuple[re.Pattern[str], tuple[str, ...]] | None:
    layout = LAYOUTS.get(rule)
    if layout is None or layout.startswith("<"):
        return None
    labels = tuple(re.findall(r"(?:^|(?<=\} )|(?<=\}, ))([A-Za-z][A-Za-z ()]*?):? \{\d+\}", layout))
    pieces = re.split(r"\{\d+\}", layout)
    expression = "(.*)".join(re.escape(piece) for piece in pieces)
    return re.compile(expression, re.DOTALL), labels


def parse(rule: str, line: str) -> dict[str, str] | None:
    """The fields of a detail line by label, or None where the line has another layout or more than one reading."""
    compiled = _pattern(rule)
    if compiled is None:
        return None
    pattern, labels = compiled
    match = pattern.fullmatch(line)
    if match is None or len(labels) != len(match.groups()):
        return None
    for label in labels:  # a label met twice: the line can be read in two ways
        if len(re.findall(rf"(?:^|[ ,]){re.escape(label)}:? ", line)) > 1:
            return None
    return dict(zip(labels, (value.strip() for value in match.groups()), strict=True))


def account(rule: str, line: str) -> str | None:
    """The DN or name of the account that a detail line is about, or None where it names none for certain."""
    if rule in NOT_ACCOUNTS:
        return None
    fields = parse(rule, line)
    if fields is None:
        return None
    return next((fields[name] for name in ACCOUNT_FIELDS if fields.get(name)), None)
