# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build the model of a domain from a size, a seed and a date.

Every weakness that the first controls look for is there, in numbers that follow from the size alone
(:class:`Counts`), so that a test knows what an audit must find.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from care_lab.constants import AUTOMATION, BREAK_GLASS, DC_NAME
from care_lab.generator import model
from care_lab.generator.french import BUILTIN_NAMES, DOMAIN_NAMES
from care_lab.generator.model import DOMAIN_SID, Account, Ace, Domain, Group, rdn
from care_lab.generator.names import DEPARTMENTS, HOSTILE, IT_DEPARTMENT, Names

ROOT_OU = f"OU=CHU de Valmont,{model.DOMAIN_DN}"
# The first RID for generated objects: Samba's provision uses those below.
FIRST_RID = 2000
# The extended rights of a replication (MS-ADTS 5.1.3.2.1): with both, the domain's secrets can be read (DCSync).
GET_CHANGES = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
GET_CHANGES_ALL = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"


@dataclass(frozen=True)
class Counts:
    """How many of each, for a number of user accounts."""

    accounts: int

    @property
    def privileged(self) -> int:
        """People in privileged groups: over the 50 that ANSSI allows, and never over 200."""
        return min(max(52, self.accounts * 8 // 100), 200)

    @property
    def dormant(self) -> int:
        """30 %: over ANSSI's quarter."""
        return self.accounts * 30 // 100

    @property
    def never_expires(self) -> int:
        """Ordinary accounts whose password never expires, 15 %: over ANSSI's tenth."""
        return self.accounts * 15 // 100

    @property
    def disabled(self) -> int:
        """Accounts of people who left, already disabled."""
        return self.accounts * 4 // 100

    @property
    def no_preauth(self) -> int:
        """Ordinary accounts without Kerberos pre-authentication."""
        return max(5, self.accounts // 1000)

    @property
    def des(self) -> int:
        """Ordinary accounts with DES keys only."""
        return max(4, self.accounts // 2000)

    @property
    def computers(self) -> int:
        """Member servers and workstations."""
        return max(60, self.accounts // 5)


class Builder:
    """Fills a :class:`Domain`, one kind of thing a method."""

    def __init__(self, accounts: int, seed: int, now: datetime) -> None:
        if accounts < 200:
            raise ValueError("a domain of fewer than 200 accounts cannot hold every weakness: use 200 or more")
        self.random = random.Random(seed)
        self.counts = Counts(accounts)
        self.names = Names(self.random)
        self.domain = Domain(seed=seed, now=now)
        self._rid = FIRST_RID
        self._groups: dict[str, Group] = {}
        self._cns: set[tuple[str, str]] = set()

    def rid(self) -> int:
        """The next RID."""
        self._rid += 1
        return self._rid

    def ago(self, low: int, high: int) -> datetime:
        """A moment between two numbers of days before now."""
        return self.domain.now - timedelta(days=self.random.randint(low, high), seconds=self.random.randint(0, 86399))

    def build(self) -> Domain:
        """The whole domain."""
        domain = self.domain
        domain.created = domain.now - timedelta(days=5480)
        # Golden tickets made three years ago would still work.
        domain.krbtgt_password_set = domain.now - timedelta(days=1190)
        domain.administrator_password_set = domain.now - timedelta(days=240)
        domain.administrator_last_logon = domain.now - timedelta(days=9)
        domain.dsheuristics = bad_dsheuristics()
        self.existing_groups()
        self.units()
        self.groups()
        self.mandatory()
        self.services()
        self.administrators()
        self.people()
        self.hostile()
        self.computers()
        self.weaknesses()
        self.membership()
        self.rights()
        # What the directory's own protection process leaves on them (MS-ADTS 3.1.1.6.1.4).
        privileged = domain.privileged()
        for account in domain.accounts:
            if account.sid in privileged:
                account.attributes["adminCount"] = ["1"]
        return domain

    def existing_groups(self) -> None:
        """The groups that come with a domain, under their French names."""
        for rid, name in DOMAIN_NAMES.items():
            if rid not in (500, 501):
                dn = f"CN={rdn(name)},CN=Users,{model.DOMAIN_DN}"
                self.domain.groups[f"{DOMAIN_SID}-{rid}"] = Group(name, name, dn, f"{DOMAIN_SID}-{rid}", existing=True)
        for rid, name in BUILTIN_NAMES.items():
            dn = f"CN={rdn(name)},CN=Builtin,{model.DOMAIN_DN}"
            self.domain.groups[f"S-1-5-32-{rid}"] = Group(name, name, dn, f"S-1-5-32-{rid}", existing=True)
        # What provision puts in them.
        self.domain.group(544).members += [f"{DOMAIN_SID}-500", f"{DOMAIN_SID}-512", f"{DOMAIN_SID}-519"]
        for rid in (512, 518, 519, 520):
            self.domain.group(rid).members.append(f"{DOMAIN_SID}-500")

    def units(self) -> None:
        """Organisational units."""
        units = self.domain.units
        units.append((ROOT_OU, "Centre hospitalier fictif"))
        for name in DEPARTMENTS:
            units.append((f"OU={rdn(name)},{ROOT_OU}", f"Service : {name}"))
        for name, text in (
            ("Comptes de service", "Comptes techniques"),
            ("Comptes d'administration", "Comptes à privilèges"),
            ("Comptes de secours", "Bris de glace : ne pas toucher"),
            ("Groupes", "Groupes de sécurité"),
            ("Ordinateurs", "Postes et serveurs"),
        ):
            units.append((f"OU={rdn(name)},{ROOT_OU}", text))
        for name in ("Postes de travail", "Serveurs"):
            units.append((f"OU={rdn(name)},OU=Ordinateurs,{ROOT_OU}", name))

    def unit(self, name: str) -> str:
        """The DN of a unit below the hospital's."""
        return f"OU={rdn(name)},{ROOT_OU}"

    def new_group(self, name: str, sam: str, description: str, scope: str = "global") -> Group:
        """A group of our own."""
        sid = f"{DOMAIN_SID}-{self.rid()}"
        group = Group(name, sam, f"CN={rdn(name)},{self.unit('Groupes')}", sid, scope=scope, description=description)
        self.domain.groups[sid] = group
        self._groups[name] = group
        return group

    def groups(self) -> None:
        """Groups of services and applications, some in each other, three of them in a loop."""
        for name in DEPARTMENTS:
            self.new_group(f"GG {name}", f"GG {name}".replace("&", "et").replace(",", ""), f"Agents : {name}")
        for name, text in (
            ("GG Médecins", "Praticiens"),
            ("GG Soignants", "Soins"),
            ("GG Informatique - Équipe d'exploitation", "Administrateurs par imbrication"),
            ("GG Support de niveau 2", "Support"),
        ):
            self.new_group(name, name, text)
        for name in ("GU Accès au dossier patient", "GU Prescripteurs", "GU Télémédecine"):
            self.new_group(name, name, "Application", scope="universal")
        self._groups["GU Accès au dossier patient"].members.append(self._groups["GU Prescripteurs"].sid)
        self._groups["GU Prescripteurs"].members.append(self._groups["GU Télémédecine"].sid)
        self._groups["GU Télémédecine"].members.append(self._groups["GU Accès au dossier patient"].sid)
        self._groups["GU Prescripteurs"].members.append(self._groups["GG Médecins"].sid)
        self._groups["GU Accès au dossier patient"].members.append(self._groups["GG Soignants"].sid)

    def add(self, kind: str, cn: str, sam: str, unit: str, **more: object) -> Account:
        """Add an account. Unless told otherwise it is used every day and its password is of this year."""
        if (unit, cn.lower()) in self._cns:
            cn = f"{cn} ({sam})"
        self._cns.add((unit, cn.lower()))
        account = Account(kind, cn, sam, unit, self.rid(), **more)  # type: ignore[arg-type]
        account.created = account.created or self.ago(400, 4000)
        account.password_set = account.password_set or self.ago(5, 300)
        account.last_logon = account.last_logon or self.ago(0, 20)
        self.domain.accounts.append(account)
        return account

    def mandatory(self) -> None:
        """The break-glass accounts and the one the remediation uses. No change may ever touch them."""
        for number, name in enumerate(BREAK_GLASS, 1):
            account = self.add(
                "user",
                f"Bris de glace {number}",
                self.names.take(name),
                self.unit("Comptes de secours"),
                uac=model.NORMAL | model.DONT_EXPIRE,
                password_set=self.ago(20, 60),
                secret="BREAK_GLASS_PASSWORD",
            )
            self.domain.group(512).members.append(account.sid)
        account = self.add(
            "service",
            "Remédiation CaRE",
            self.names.take(AUTOMATION),
            self.unit("Comptes de service"),
            password_set=self.ago(1, 10),
            secret="AUTOMATION_PASSWORD",
        )
        account.attributes["description"] = ["Compte de la remédiation (automate)"]
        self.domain.group(544).members.append(account.sid)
        self.domain.group(512).members.append(account.sid)

    def services(self) -> None:
        """Service accounts, as a hospital's integrators leave them."""
        unit = self.unit("Comptes de service")
        for sam, text, spns, uac in (
            ("svc-sauvegarde", "Sauvegarde", ["MSSQLSvc/srv-sauvegarde.chu-valmont.test:1433"], model.DONT_EXPIRE),
            ("svc-pacs", "Imagerie (PACS)", ["HTTP/pacs.chu-valmont.test"], model.DONT_EXPIRE | model.UNCONSTRAINED),
            ("svc-dpi", "Dossier patient informatisé", ["HTTP/dpi.chu-valmont.test"], model.DONT_EXPIRE),
            ("svc-labo", "Automates de laboratoire", [], model.DONT_EXPIRE),
            ("svc-impression", "Serveur d'impression", [], model.DONT_EXPIRE),
            ("svc-sync-annuaire", "Synchronisation vers le nuage", [], model.DONT_EXPIRE),
            ("svc-supervision", "Supervision", [], model.DONT_EXPIRE),
            ("svc-telephonie", "Téléphonie", ["sip/telephonie.chu-valmont.test"], model.DONT_EXPIRE),
        ):
            account = self.add(
                "service",
                f"{text}",
                self.names.take(sam),
                unit,
                uac=model.NORMAL | uac,
                password_set=self.ago(200, 900),
            )
            account.attributes["description"] = [f"Service : {text}"]
            if spns:
                account.attributes["servicePrincipalName"] = spns
        # The worst of them: an integrator asked for it in 2014.
        self.domain.group(512).members.append(self.domain.account("svc-sauvegarde").sid)

    def administrators(self) -> None:
        """People with a second account, too many of them, in five ways of being privileged."""
        unit = self.unit("Comptes d'administration")
        exploitation = self._groups["GG Informatique - Équipe d'exploitation"]
        support = self._groups["GG Support de niveau 2"]
        self.domain.group(512).members.append(exploitation.sid)
        self.domain.group(548).members.append(support.sid)
        ways = [
            self.domain.group(512),
            self.domain.group(512),
            exploitation,
            support,
            self.domain.group(544),
            self.domain.group(519),
            self.domain.group(518),
            self.domain.group(551),
            self.domain.group(549),
            self.domain.group(550),
        ]
        for number in range(self.counts.privileged):
            first, surname, sam = self.names.person()
            account = self.add(
                "user",
                f"ADM {first} {surname.upper()}",
                self.names.take(f"adm-{sam}"),
                unit,
                password_set=self.ago(30, 500),
            )
            account.attributes |= {
                "givenName": [first],
                "sn": [surname.upper()],
                "displayName": [f"ADM {first} {surname}"],
            }
            # Two in three have a card already, mapped by issuer and serial number (KB5014754 calls that strong).
            if number % 3:
                issuer = "DC=test,DC=chu-valmont,CN=AC Cartes"
                account.attributes["altSecurityIdentities"] = [f"X509:<I>{issuer}<SR>{number + 4096:08x}"]
            ways[number % len(ways)].members.append(account.sid)

    def people(self) -> None:
        """Everyone else, up to the number of accounts asked for."""
        fixed = len(self.domain.accounts) + len(HOSTILE)
        for _number in range(self.counts.accounts - fixed):
            department = self.random.choice(DEPARTMENTS)
            first, surname, sam = self.names.person()
            account = self.add("user", f"{first} {surname.upper()}", sam, self.unit(department))
            account.attributes |= {
                "givenName": [first],
                "sn": [surname.upper()],
                "displayName": [f"{first} {surname.upper()}"],
                "department": [department],
                "mail": [f"{sam}@{model.DOMAIN}"],
            }

    def hostile(self) -> None:
        """Names made to hurt readers. Each has a weakness, so that each reaches every report."""
        for cn, sam, description in HOSTILE:
            account = self.add("user", cn, self.names.take(sam), self.unit("Laboratoire & biologie"))
            account.attributes |= {"displayName": [cn], "description": [description]}
            account.uac |= model.DONT_EXPIRE
        self.domain.account(HOSTILE[0][1]).uac |= model.NO_PREAUTH
        self.domain.account(HOSTILE[1][1]).uac |= model.NO_PREAUTH
        self.domain.account(HOSTILE[2][1]).uac |= model.DES_ONLY

    def computers(self) -> None:
        """Member servers and workstations; two servers are trusted for unconstrained delegation."""
        servers = ("SRV-IMPRESSION", "SRV-PACS", "SRV-FICHIERS", "SRV-DPI", "SRV-LABO", "SRV-SAUVEGARDE")
        for number in range(self.counts.computers):
            server = number < len(servers)
            name = servers[number] if server else f"PC-{number:05d}"
            unit = f"OU={'Serveurs' if server else 'Postes de travail'},OU=Ordinateurs,{ROOT_OU}"
            account = self.add("computer", name, f"{name}$", unit, uac=model.WORKSTATION, password_set=self.ago(1, 29))
            fqdn = f"{name.lower()}.{model.DOMAIN}"
            account.attributes |= {
                "dNSHostName": [fqdn],
                "servicePrincipalName": [f"HOST/{fqdn}", f"HOST/{name}"],
                "operatingSystem": ["Windows Server 2019 Standard" if server else "Windows 10 Professionnel"],
                "operatingSystemVersion": ["10.0 (17763)" if server else "10.0 (19045)"],
            }
        for name in servers[:2]:
            self.domain.account(f"{name}$").uac |= model.UNCONSTRAINED

    def weaknesses(self) -> None:
        """Give accounts the weaknesses that the controls look for."""
        domain, counts, draw = self.domain, self.counts, self.random
        admins = [a for a in domain.accounts if a.sam.startswith("adm-")]
        admins[0].uac |= model.NO_PREAUTH
        admins[3].uac |= model.NO_PREAUTH
        for account in admins[1:5]:
            account.uac |= model.DONT_EXPIRE
        admins[2].uac |= model.REVERSIBLE
        admins[6].uac |= model.REVERSIBLE
        admins[5].attributes["servicePrincipalName"] = ["HTTP/console-admin.chu-valmont.test"]
        admins[7].uac |= model.DES_ONLY

        people = [a for a in domain.accounts if a.kind == "user" and "department" in a.attributes]
        draw.shuffle(people)
        dormant = people[: counts.dormant]
        for number, account in enumerate(dormant):
            account.password_set = self.ago(1200, 2600)
            account.created = self.ago(2700, 4000)
            # One in five never came at all.
            account.last_logon = None if number % 5 == 0 else self.ago(400, 1100)
        active = people[counts.dormant :]
        for account in active[: counts.disabled]:
            account.uac |= model.DISABLED
            account.last_logon = self.ago(200, 900)
        working = active[counts.disabled :]
        # A third of those that never expire sleep too: that is why.
        sleeping = counts.never_expires // 3
        for account in dormant[:sleeping] + working[: counts.never_expires - sleeping]:
            account.uac |= model.DONT_EXPIRE
        for account in working[-counts.no_preauth :]:
            account.uac |= model.NO_PREAUTH
        for account in working[-counts.no_preauth - counts.des : -counts.no_preauth]:
            account.uac |= model.DES_ONLY
        working[-counts.no_preauth - counts.des - 1].uac |= model.REVERSIBLE

    def membership(self) -> None:
        """Everyone into the group of their department, some into two more."""
        for account in self.domain.accounts:
            department = account.attributes.get("department", [""])[0]
            if not department:
                continue
            self._groups[f"GG {department}"].members.append(account.sid)
            if department != IT_DEPARTMENT and self.random.random() < 0.5:
                wanted = "GG Médecins" if self.random.random() < 0.3 else "GG Soignants"
                self._groups[wanted].members.append(account.sid)

    def rights(self) -> None:
        """Rights on the domain's root that nobody below Tier 0 should have."""
        sync = self.domain.account("svc-sync-annuaire").sid
        supervision = self.domain.account("svc-supervision").sid
        for right, why in ((GET_CHANGES, "réplication"), (GET_CHANGES_ALL, "réplication de tous les secrets (DCSync)")):
            self.domain.aces.append(Ace(self.domain.dn, sync, f"(OA;;CR;{right};;{sync})", why))
        self.domain.aces.append(
            Ace(self.domain.dn, supervision, f"(A;;WD;;;{supervision})", "modification des permissions")
        )
        # Inherited by everything below, and harmless: it must survive every change of this descriptor.
        support = self._groups["GG Support de niveau 2"].sid
        self.domain.aces.append(Ace(self.domain.dn, support, f"(A;CI;RP;;;{support})", "lecture"))


def bad_dsheuristics() -> str:
    """A value bad at ANSSI's levels 1, 2 and 4, that a domain controller accepts.

    Positions (MS-ADTS 6.1.1.2.4.1.2, from 1): 7 fLDAPBlockAnonOps = 2 (level 2), 8 fAllowAnonNSPI = 1 (level 1),
    16 dwAdminSDExMask = 1 (level 1), 21 DoNotVerifyUPNAndOrSPNUniqueness = 1 (level 2); 28 and 29 absent (level 4);
    10 and 20 are the control digits.
    """
    digits = ["0"] * 21
    for position, digit in {7: "2", 8: "1", 10: "1", 16: "1", 20: "2", 21: "1"}.items():
        digits[position - 1] = digit
    return "".join(digits)


def build(accounts: int, seed: int, now: datetime) -> Domain:
    """A domain with this number of users and service accounts.

    :param accounts: 200 or more; computers and groups come on top. 0: nothing but what a fresh domain comes with.
    :param seed: the same seed, number and date give the same domain, byte for byte.
    :param now: the date from which ages are counted, with a time zone.
    """
    if accounts == 0:
        return Domain(seed=seed, now=now)
    return Builder(accounts, seed, now).build()


__all__ = ["DC_NAME", "Counts", "bad_dsheuristics", "build"]
