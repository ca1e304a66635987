# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: which accounts, what they were, what they are, by independent programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
from care_lab.generator.model import DOMAIN_SID
from domain_probe import Probe, main

PREAUTH, DES, NO_EXPIRY, REVERSIBLE, DELEGATION = 0x400000, 0x200000, 0x10000, 0x80, 0x80000
DISABLED, SMARTCARD = 0x2, 0x40000
CLEARED = {
    "care_accounts_require_preauth_priv": PREAUTH,
    "care_accounts_require_preauth": PREAUTH,
    "care_accounts_no_des": DES,
    "care_accounts_password_expires_priv": NO_EXPIRY,
    "care_accounts_password_expires": NO_EXPIRY,
    "care_accounts_no_reversible_priv": REVERSIBLE,
    "care_accounts_no_unconstrained_delegation": DELEGATION,
}
SECRETS = ("unicodePwd", "dBCSPwd", "supplementalCredentials", "ntPwdHistory", "lmPwdHistory")
SPN = "HTTP/Console.chu-valmont.test"
# A portal that may act as anyone on the domain controller, and a relay that may do so for who has logged on to it
PORTAL, RELAY, SERVICE = "essai.portail", "essai.relais", "essai.svc"
# An administrator by its primary group alone, and an account kept out of Domain Users
HIDDEN, OUTSIDER = "essai.caché", "essai.externe"
SERVER, MANAGED = "ESSAI-SRV$", "essai-msa$"
AT_DC, ELSEWHERE = ("cifs/dc1.chu-valmont.test", "LDAP/DC1"), "HTTP/intranet.chu-valmont.test"
TRANSITION = 0x1000000
VICTIM = "bris-de-glace-1"  # an administrator that never logs on here


def with_flag(probe: Probe, bit: int) -> dict[str, dict[str, list[str]]]:
    """Accounts that have a bit, without those that nothing may touch and the domain controller."""
    found = probe.find(
        f"(&(objectClass=user)(userAccountControl:1.2.840.113556.1.4.803:={bit})"
        "(!(userAccountControl:1.2.840.113556.1.4.803:=8192)))",
        "sAMAccountName",
        "objectSid",
        "userAccountControl",
    )
    return {dn: names for dn, names in found.items() if not names["samaccountname"][0].startswith("bris-de-glace")}


def acts_as(probe: Probe, name: str, service: str) -> tuple[bool, str]:
    """Whether the KDC lets an account act as an administrator at a service (S4U2Self, S4U2Proxy: MS-SFU), by kvno."""
    cache = "/tmp/probe-s4u"
    ok, said = probe.kinit(name, USER_PASSWORD, cache, "-f")
    if not ok:
        raise SystemExit(f"{name}: {said}")
    done = probe.run(
        "kvno", "-U", VICTIM, "-P", service, env={"KRB5_CONFIG": "/tmp/probe-krb5.conf", "KRB5CCNAME": cache}
    )
    return done.returncode == 0, done.stdout + done.stderr


def domain_group(probe: Probe, rid: int) -> dict[str, list[str]]:
    """The group of a RID."""
    return probe.by_sid(f"{DOMAIN_SID}-{rid}")


def delegations_and_groups(probe: Probe) -> dict[str, object]:
    """Make the accounts whose delegation, primary group, keys or life is wrong; the variables that correct them."""
    for name in (PORTAL, RELAY, HIDDEN, OUTSIDER, SERVICE):
        probe.run("samba-tool", "user", "delete", name)
        probe.must("samba-tool", "user", "create", name, USER_PASSWORD)
    for name in (SERVER, MANAGED):
        probe.run("samba-tool", "computer", "delete", name)
    probe.must("samba-tool", "computer", "create", SERVER.removesuffix("$"))
    container = probe.one(f"(sAMAccountName={SERVER})")["dn"][0].partition(",")[2]
    probe.modify(
        f"dn: CN={MANAGED.removesuffix('$')},{container}\nchangetype: add\nobjectClass: msDS-ManagedServiceAccount\n"
        f"sAMAccountName: {MANAGED}\nuserAccountControl: 4096\n"
    )
    dns = {name: probe.one(f"(sAMAccountName={name})")["dn"][0] for name in (PORTAL, RELAY, HIDDEN, OUTSIDER, SERVICE)}
    for name, flag in ((PORTAL, TRANSITION), (RELAY, 0)):
        targets = "".join(f"msDS-AllowedToDelegateTo: {target}\n" for target in (*AT_DC, ELSEWHERE))
        probe.modify(
            f"dn: {dns[name]}\nchangetype: modify\nadd: msDS-AllowedToDelegateTo\n{targets}-\n"
            f"replace: servicePrincipalName\nservicePrincipalName: HTTP/{name}\n-\n"
            f"replace: userAccountControl\nuserAccountControl: {512 | flag}\n"
        )
    probe.modify(f"dn: {dns[SERVICE]}\nchangetype: modify\nadd: servicePrincipalName\nservicePrincipalName: HTTP/svc\n")
    admins, users = domain_group(probe, 512), domain_group(probe, 513)
    group = probe.find("(&(objectClass=group)(sAMAccountName=GG *))", "objectSid")
    outside_dn, outside = sorted(group.items())[-1]
    for name, group_dn, rid in (
        (HIDDEN, admins["dn"][0], 512),
        (OUTSIDER, outside_dn, int(outside["objectsid"][0].rpartition("-")[2])),
    ):
        probe.modify(f"dn: {group_dn}\nchangetype: modify\nadd: member\nmember: {dns[name]}\n")
        probe.modify(f"dn: {dns[name]}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {rid}\n")
    probe.modify(f"dn: {users['dn'][0]}\nchangetype: modify\ndelete: member\nmember: {dns[OUTSIDER]}\n")
    works = acts_as(probe, PORTAL, AT_DC[0])
    probe.judge(works[0], "the portal acts as an administrator on the domain controller before", works[1])
    return {
        "care_accounts_no_protocol_transition_to_dc": [{"identity": PORTAL, "targets": list(AT_DC)}],
        "care_accounts_no_delegation_to_privileged": [{"identity": RELAY, "targets": [*AT_DC, ELSEWHERE.lower()]}],
        "care_accounts_primary_group_builtin": [{"identity": HIDDEN}],
        "care_accounts_primary_group": [{"identity": HIDDEN}, {"identity": OUTSIDER}],
        "care_accounts_primary_group_join": True,
        "care_accounts_disable_servers": [{"identity": SERVER}],
        "care_accounts_disable_managed": [{"identity": MANAGED}],
        "care_accounts_aes": [{"identity": SERVICE}],
        "care_accounts_aes_stage": "enforce",
    }


def verify_delegations_and_groups(probe: Probe) -> None:
    """Delegations end at the KDC, memberships are visible, machines are out of use, the service speaks AES."""
    portal, relay = (probe.one(f"(sAMAccountName={name})") for name in (PORTAL, RELAY))
    probe.judge(portal["msds-allowedtodelegateto"] == [ELSEWHERE], "the portal keeps its other target")
    probe.judge(bool(int(portal["useraccountcontrol"][0]) & TRANSITION), "and protocol transition, which it needs")
    probe.judge("msds-allowedtodelegateto" not in relay, "the relay has no target left")
    ok, said = acts_as(probe, PORTAL, AT_DC[0])
    probe.judge(
        not ok and "constrained delegation failed" in said,
        "the KDC no longer lets the portal act as an administrator on the domain controller",
        said,
    )
    shown = probe.must("samba-tool", "delegation", "show", PORTAL)
    probe.judge("dc1" not in shown.lower() and ELSEWHERE in shown, "samba-tool shows the same", shown)
    hidden, outside = (probe.one(f"(sAMAccountName={name})") for name in (HIDDEN, OUTSIDER))
    probe.judge([hidden["primarygroupid"], outside["primarygroupid"]] == [["513"], ["513"]], "default primary groups")
    admins = domain_group(probe, 512)
    shown = probe.must("samba-tool", "group", "listmembers", admins["samaccountname"][0])
    probe.judge(HIDDEN in shown.splitlines(), "the hidden administrator is listed as a member", shown)
    for name in (SERVER, MANAGED):
        flags = int(probe.one(f"(sAMAccountName={name})")["useraccountcontrol"][0])
        probe.judge(bool(flags & DISABLED), f"{name} is disabled")
    service = probe.one(f"(sAMAccountName={SERVICE})")
    probe.judge(service["msds-supportedencryptiontypes"] == ["28"], "the service announces AES, and RC4 as before")


def prepare(probe: Probe) -> None:
    """Choose accounts, make two that are to be neutralised, and write down how everything is."""
    groups = list(probe.find("(&(objectClass=group)(sAMAccountName=GG *))", "sAMAccountName"))
    for number, name in enumerate(("dormant.un", "dormant.deux")):
        probe.run("samba-tool", "user", "delete", name)
        probe.must(
            "samba-tool",
            "user",
            "create",
            name,
            USER_PASSWORD,
            *(["--description=Stagiaire d'été"] if not number else []),
        )
    dormant = [probe.one(f"(sAMAccountName={name})") for name in ("dormant.un", "dormant.deux")]
    for group in groups[:2]:
        probe.modify(f"dn: {group}\nchangetype: modify\nadd: member\nmember: {dormant[0]['dn'][0]}\n")
    admin = probe.one("(sAMAccountName=svc-labo)")
    probe.modify(
        f"dn: {admin['dn'][0]}\nchangetype: modify\nreplace: servicePrincipalName\nservicePrincipalName: {SPN}\n"
        "-\nreplace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 31\n"
    )
    lists: dict[str, list[dict[str, object]]] = {}
    before: dict[str, int] = {}
    for variable, bit in CLEARED.items():
        chosen = list(with_flag(probe, bit).values())[:6]
        lists[variable] = [{"identity": names["objectsid"][0]} for names in chosen]
        before |= {names["objectsid"][0]: int(names["useraccountcontrol"][0]) for names in chosen}
    lists["care_accounts_no_des"].append({"identity": admin["objectsid"][0]})
    guest = probe.find(
        "(&(objectClass=user)(isCriticalSystemObject=TRUE)(primaryGroupID=514))", "objectSid", "sAMAccountName"
    )
    ((_dn, names),) = guest.items()
    lists["care_accounts_disable_guest"] = [{"identity": names["objectsid"][0]}]
    lists["care_accounts_remove_spn"] = [{"identity": "svc-labo", "spns": [SPN.lower()]}]
    lists["care_accounts_neutralise"] = [
        {"identity": entry["objectsid"][0], "reason": "aucune connexion depuis 412 jours"} for entry in dormant
    ]
    more = delegations_and_groups(probe)
    (probe.folder / "variables.json").write_text(json.dumps(lists | more, indent=1), encoding="utf-8")
    probe.note(
        before=before,
        groups=groups[:2],
        guest=names["samaccountname"][0],
        works=[probe.kinit("dormant.un", USER_PASSWORD)[0], probe.ntlm("dormant.un", USER_PASSWORD)[0]],
        guest_enabled=not int(probe.by_sid(names["objectsid"][0])["useraccountcontrol"][0]) & DISABLED,
        hashes=[entry["unicodepwd"][0] for entry in dormant],
    )
    facts = probe.facts()
    probe.judge(facts["works"] == [True, True], "the account to be neutralised can log on before")
    probe.judge(facts["guest_enabled"], "the guest account is enabled before")
    probe.judge(all(len(lists[name]) > 0 for name in lists), "every control has an account to correct", str(lists))
    probe.dump("before")


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """Each bit is gone and no other moved; real clients are refused."""
    facts = probe.facts()
    lists = json.loads((probe.folder / "variables.json").read_text(encoding="utf-8"))
    wanted = dict(facts["before"])
    for variable, bit in CLEARED.items():
        for entry in lists[variable]:
            if entry["identity"] in wanted:
                wanted[entry["identity"]] &= ~bit
    now = {sid: int(probe.by_sid(sid)["useraccountcontrol"][0]) for sid in wanted}
    probe.judge(
        now == wanted,
        "exactly the bits that were asked for are clear",
        str({s: (wanted[s], now[s]) for s in now if now[s] != wanted[s]}),
    )

    labo = probe.one("(sAMAccountName=svc-labo)")
    probe.judge(
        labo["msds-supportedencryptiontypes"] == ["28"], "DES is gone from the encryption types, the others stay"
    )
    probe.judge(SPN not in labo.get("serviceprincipalname", []), "the service principal name is gone")

    # Samba's KDC asks everybody for pre-authentication, whatever the bit says, so the attempt alone proves little.
    name = probe.by_sid(lists["care_accounts_require_preauth"][0]["identity"])["samaccountname"][0]
    probe.judge(not probe.roastable(name), "no AS-REP for somebody who does not know the password")

    guest = probe.one(f"(sAMAccountName={facts['guest']})")
    probe.judge(bool(int(guest["useraccountcontrol"][0]) & DISABLED), "the guest account is disabled")

    verify_delegations_and_groups(probe)

    one = probe.one("(sAMAccountName=dormant.un)")
    flags = int(one["useraccountcontrol"][0])
    probe.judge(
        bool(flags & DISABLED) and bool(flags & SMARTCARD),
        "the neutralised account is disabled, with SMARTCARD_REQUIRED",
    )
    probe.judge("memberof" not in one, "it is in no group any more", str(one.get("memberof")))
    probe.judge(one["primarygroupid"] == ["513"], "its primary group stays")
    probe.judge(one["unicodepwd"][0] != facts["hashes"][0], "its password is another one")
    text = one["description"][0]
    probe.judge(
        text.endswith("| Stagiaire d'été") and "412 jours" in text,
        "its description says why and keeps the old text",
        text,
    )
    ok, said = probe.kinit("dormant.un", USER_PASSWORD)
    probe.judge(not ok and "revoked" in said, "kinit is refused: revoked", said)
    ok, said = probe.ntlm("dormant.un", USER_PASSWORD)
    probe.judge((not ok and "ACCOUNT_DISABLED" in said) or "LOGON_FAILURE" in said, "NTLM is refused", said)


def restored(probe: Probe) -> None:
    """All is as it was, but the passwords that were declared lost before."""
    probe.dump("after")
    excepted = [
        (probe.one(f"(sAMAccountName={name})")["dn"][0], secret)
        for name in ("dormant.un", "dormant.deux")
        for secret in SECRETS
    ]
    probe.same("before", "after", excepted)
    works = acts_as(probe, PORTAL, AT_DC[0])
    probe.judge(works[0], "the portal acts as an administrator again", works[1])
    one = probe.one("(sAMAccountName=dormant.un)")
    probe.judge(not int(one["useraccountcontrol"][0]) & (DISABLED | SMARTCARD), "the account is enabled again")
    probe.judge(len(one["memberof"]) == 2, "and in its groups again")
    ok, said = probe.kinit("dormant.un", USER_PASSWORD)
    probe.judge(not ok and "revoked" not in said, "its old password does not come back (declared)", said)
    probe.set_password("dormant.un", "Nouveau-2026-secret")
    probe.judge(probe.kinit("dormant.un", "Nouveau-2026-secret")[0], "with a new one it logs on")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
