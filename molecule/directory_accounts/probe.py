# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: which accounts, what they were, what they are, by independent programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import USER_PASSWORD
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
    (probe.folder / "variables.json").write_text(json.dumps(lists, indent=1), encoding="utf-8")
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
    one = probe.one("(sAMAccountName=dormant.un)")
    probe.judge(not int(one["useraccountcontrol"][0]) & (DISABLED | SMARTCARD), "the account is enabled again")
    probe.judge(len(one["memberof"]) == 2, "and in its groups again")
    ok, said = probe.kinit("dormant.un", USER_PASSWORD)
    probe.judge(not ok and "revoked" not in said, "its old password does not come back (declared)", said)
    probe.set_password("dormant.un", "Nouveau-2026-secret")
    probe.judge(probe.kinit("dormant.un", "Nouveau-2026-secret")[0], "with a new one it logs on")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
