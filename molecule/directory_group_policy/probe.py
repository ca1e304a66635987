# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge, by samba-tool, smbclient, samba-gpupdate and the files themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

from care_lab.constants import ADMINISTRATOR, ADMINISTRATOR_PASSWORD, DOMAIN, NETBIOS, USER_PASSWORD
from domain_probe import BASE, Probe, main
from member import Member

SYSVOL = f"/var/lib/samba/sysvol/{DOMAIN}/Policies"
DEFAULT_DOMAIN = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
DEFAULT_CONTROLLERS = "{6AC1786C-016F-11D2-945F-00C04FB984F9}"
DRIVES = "Lecteurs d'été"
NAME = "CaRE - Kerberos des contrôleurs"
POSTS, UNIT = "CaRE - Postes d'été", "Postes d'essai"
SAMBA = "Software\\Policies\\Samba\\smb_conf"
OPTION, WANTED = "restrict anonymous", "2"
AS_ADMINISTRATOR = ["-U", ADMINISTRATOR, f"--password={ADMINISTRATOR_PASSWORD}"]
# Whoever is in this group may not edit policies; the scene lets it, in SYSVOL alone
INTRUDERS = "S-1-5-32-545"
READER = "lectrice.ordinaire"
SECRET = "j1Uyj3Vx8TY9LtLZil2uAuZkFQA/4latT76ZwgdHdhw"
GROUPS = (
    '<?xml version="1.0" encoding="utf-8"?>\r\n<Groups clsid="{3125E937-EB16-4b4c-9934-544FC6D24D26}">'
    '<User clsid="{DF5F1855-51E5-4d24-8B1A-D9BDE98BA1D1}" name="secours-poste" changed="2013-07-04 00:07:13">'
    f'<Properties action="U" userName="secours-poste" cpassword="{SECRET}" description="à garder"/></User></Groups>\r\n'
)
CLEANED = GROUPS.replace(f' cpassword="{SECRET}"', "")


# samba-tool ntacl get for every file, in one process
LISTING = """
import hashlib, json, os, sys
from samba.auth_util import system_session_unix
from samba.ntacls import getntacl
from samba.param import LoadParm
lp, found = LoadParm(), {}
lp.load_default()
for root, folders, files in os.walk(sys.argv[1]):
    for name in folders + files:
        path = os.path.join(root, name)
        acl = getntacl(lp, path, system_session_unix(), direct_db_access=True, service="sysvol")
        facts = {"kind": "d" if name in folders else "f", "acl": acl.as_sddl() if acl else ""}
        if name in files:
            facts["sha256"] = hashlib.sha256(open(path, "rb").read()).hexdigest()
        found[os.path.relpath(path, sys.argv[1])] = facts
print(json.dumps(found))
"""


def files(probe: Probe) -> dict[str, dict[str, str]]:
    """Everything below SYSVOL: kind, hash and access list, as Samba's own library reads them."""
    return dict(json.loads(probe.must("python3", "-c", LISTING, SYSVOL)))


def keep(probe: Probe, name: str) -> None:
    """Write SYSVOL and the directory down."""
    probe.dump(name)
    (probe.folder / f"{name}.files.json").write_text(json.dumps(files(probe), indent=1), encoding="utf-8")


def kept(probe: Probe, name: str) -> dict[str, dict[str, str]]:
    """SYSVOL as it was written down."""
    return dict(json.loads((probe.folder / f"{name}.files.json").read_text(encoding="utf-8")))


def put(probe: Probe, path: str, content: str) -> None:
    """A file into SYSVOL, past SMB."""
    probe.must("mkdir", "-p", str(Path(path).parent))
    probe.must("sh", "-c", f"cat > '{path}'", given=content)


def guid_of(probe: Probe, name: str) -> str:
    """The policy of a display name, as samba-tool lists it; empty when there is none."""
    current = ""
    for line in probe.must("samba-tool", "gpo", "listall").splitlines():
        key, _colon, value = line.partition(":")
        if key.strip() == "GPO":
            current = value.strip()
        elif key.strip() == "display name" and value.strip() == name:
            return current
    return ""


def prepare(probe: Probe) -> None:
    """Passwords in preferences, and a file that ordinary users may change."""
    conf = "create mask = 0770\\n\\tdirectory mask = 0770"
    probe.must("sed", "-i", f"/^\\[sysvol\\]/a\\\\t{conf}", "/etc/samba/smb.conf")
    probe.must("smbcontrol", "all", "reload-config")
    # An account of our own: the passwords of the domain's older ones have expired
    probe.must("samba-tool", "user", "create", READER, USER_PASSWORD)
    # One service that knows RC4 only
    services = probe.find("(&(sAMAccountName=svc-*)(!(sAMAccountName=svc-care)))", "sAMAccountName")
    dn, service = min(services.items())
    attribute = "msDS-SupportedEncryptionTypes"
    probe.modify(f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: 4\n")
    probe.must("samba-tool", "gpo", "create", DRIVES, *AS_ADMINISTRATOR)
    guid = guid_of(probe, DRIVES)
    put(probe, f"{SYSVOL}/{guid}/Machine/Preferences/Groups/Groups.xml", GROUPS)
    probe.must("samba-tool", "ntacl", "sysvolreset")
    probe.judge(probe.run("samba-tool", "ntacl", "sysvolcheck").returncode == 0, "SYSVOL is consistent before")
    target = f"{SYSVOL}/{DEFAULT_CONTROLLERS}/GPT.INI"
    acl = probe.must("samba-tool", "ntacl", "get", "--as-sddl", target).strip()
    probe.must("samba-tool", "ntacl", "set", acl + f"(A;;FA;;;{INTRUDERS})", target)
    probe.judge(probe.run("samba-tool", "ntacl", "sysvolcheck").returncode != 0, "sysvolcheck sees the foreign right")
    probe.must("samba-tool", "ou", "create", f"OU={UNIT},{BASE}")
    member = _member(probe)
    member.start(UNIT)
    said = member.update()
    probe.judge("Traceback" not in said and member.setting(OPTION) not in ("", WANTED),
                "a member applies policies, none of which restricts anonymous clients", said)  # fmt: skip
    done = smbclient(probe, f"get {DOMAIN}\\Policies\\{guid}\\Machine\\Preferences\\Groups\\Groups.xml /tmp/seen.xml")
    probe.judge(SECRET in probe.run("cat", "/tmp/seen.xml").stdout, "an ordinary account reads the password", done)
    (probe.folder / "variables.json").write_text(
        json.dumps(
            {
                "care_language": "en",
                "care_group_policy_dc_encryption": "aes",
                "care_group_policy_dc_encryption_accept": service["samaccountname"],
                "care_group_policy_dc_encryption_stage": "enforce",
                "care_group_policy_dc_encryption_name": NAME,
                "care_group_policy_password": {"minimum_length": 12, "maximum_age_days": 1000},
                "care_group_policy_password_stage": "enforce",
                "care_group_policy_stored_passwords": "remove",
                "care_group_policy_restrict_permissions": [{"policy": "all"}],
                "care_group_policy_policies": [
                    {
                        "name": NAME,
                        "registry": [
                            {
                                "key": "Software\\Policies\\Microsoft\\Windows NT\\DNSClient",
                                "value": "EnableMulticast",
                                "data": 0,
                            }
                        ],
                    },
                    {
                        "name": POSTS,
                        "registry": [
                            {"key": SAMBA, "value": OPTION, "type": "sz", "data": WANTED}
                        ],
                        "links": [{"target": f"OU={UNIT},{BASE}"}],
                    },
                    {"gpo": "default_domain", "links": [{"target": "domain", "enforced": True}]},
                ],
            }
        ),
        encoding="utf-8",
    )
    probe.note(drives=guid)
    keep(probe, "before")


def smbclient(probe: Probe, command: str) -> str:
    """smbclient as an account without any right."""
    done = probe.run("smbclient", "//127.0.0.1/sysvol", "-U", f"{NETBIOS}\\{READER}%{USER_PASSWORD}", "-c", command)
    return done.stdout + done.stderr


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    keep(probe, "now")
    probe.same("before", "now")
    probe.judge(kept(probe, "before") == kept(probe, "now"), "SYSVOL is as it was")


def verify(probe: Probe) -> None:
    """The policies are there, whole and consistent, and a domain controller applies them."""
    guid = guid_of(probe, NAME)
    probe.judge(bool(guid), "samba-tool lists the new policy by its name")
    done = probe.run("samba-tool", "ntacl", "sysvolcheck")
    probe.judge(done.returncode == 0, "sysvolcheck: access lists of SYSVOL and directory agree", done.stderr)
    done = probe.run("samba-tool", "gpo", "aclcheck", *AS_ADMINISTRATOR)
    probe.judge(done.returncode == 0, "aclcheck too", done.stderr)
    shown = probe.must("samba-tool", "gpo", "show", guid, *AS_ADMINISTRATOR)
    probe.judge("version      : 1\n" in shown, "its version is 1", shown)
    probe.judge('"valuename": "EnableMulticast"' in shown, "samba-tool reads the registry value back", shown)
    extensions = next(line for line in shown.splitlines() if line.startswith("Machine Exts"))
    places = [extensions.find(name) for name in ("[{35378EAC", "[{827D319E", "[{F3CCC681")]
    probe.judge(places == sorted(places) and -1 not in places, "extensions are named, in order", extensions)
    links = probe.must("samba-tool", "gpo", "getlink", f"OU=Domain Controllers,{BASE}")
    # the attribute's order: the last one wins
    probe.judge(links.rfind(guid) > links.find(DEFAULT_CONTROLLERS) > 0, "it is linked and wins", links)
    probe.must("rm", "-rf", "/tmp/fetched")
    probe.must("mkdir", "/tmp/fetched")
    probe.must("samba-tool", "gpo", "fetch", guid, "--tmpdir=/tmp/fetched", *AS_ADMINISTRATOR)
    template = "/Machine/Microsoft/Windows NT/SecEdit/GptTmpl.inf"
    text = probe.must("iconv", "-f", "utf-16", "-t", "utf-8", f"/tmp/fetched/policy/{guid}{template}")
    wanted = "\\Kerberos\\Parameters\\SupportedEncryptionTypes=4,2147483640"
    probe.judge(wanted in text, "the fetched template sets the encryption types", text)
    ini = probe.must("cat", f"/tmp/fetched/policy/{guid}/GPT.INI")
    probe.judge(ini == "[General]\nVersion=1\n", "gpt.ini has the version of the directory", repr(ini))
    links = probe.must("samba-tool", "gpo", "getlink", BASE)
    probe.judge("Options : GPLINK_OPT_ENFORCE" in links, "the link of the default domain policy is enforced", links)
    found = probe.run("grep", "-rl", "cpassword=\"[^\"]", SYSVOL).stdout
    probe.judge(not found, "no password is left in SYSVOL", found)
    drives = probe.facts()["drives"]
    smbclient(probe, f"get {DOMAIN}\\Policies\\{drives}\\Machine\\Preferences\\Groups\\Groups.xml /tmp/seen.xml")
    probe.judge(
        probe.must("sh", "-c", "cat /tmp/seen.xml | base64 -w0") == base64(CLEANED),
        "an ordinary account reads the file without the password, nothing else changed",
    )
    probe.judge("version      : 1\n" in probe.must("samba-tool", "gpo", "show", drives, *AS_ADMINISTRATOR),
                "the version of the cleaned policy was counted up")  # fmt: skip
    done = probe.run("samba-gpupdate", "--force", "--target=Computer")
    settings = probe.must("samba-tool", "domain", "passwordsettings", "show")
    probe.judge("Minimum password length: 12" in settings, "a domain controller applies the length", settings)
    probe.judge("Maximum password age (days): 1000" in settings, "and the age", settings)
    said = _member(probe).update()
    probe.judge(_member(probe).setting(OPTION) == WANTED, "a member fetches our policy and applies it", said)


def _member(probe: Probe) -> Member:
    return Member(probe.container.removeprefix("care-").removesuffix("-dc1"))


def base64(text: str) -> str:
    """The text's UTF-8 bytes."""
    import base64 as encoding

    return encoding.b64encode(text.encode()).decode()


def restored(probe: Probe) -> None:
    """All is as it was, but for the password, which stays gone, and what the domain controller applied."""
    keep(probe, "after")
    applied = [(BASE, "minPwdLength"), (BASE, "maxPwdAge")]
    probe.same("before", "after", applied)
    before, after = kept(probe, "before"), kept(probe, "after")
    groups = f"{probe.facts()['drives']}/Machine/Preferences/Groups/Groups.xml"
    differing = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    probe.judge(differing == [groups], "SYSVOL is as it was, but for the file with the password", str(differing))
    probe.judge(before[groups]["acl"] == after[groups]["acl"], "whose access list is the same")
    said = _member(probe).update()
    probe.judge(_member(probe).setting(OPTION) not in ("", WANTED), "the member takes the setting back", said)
    done = probe.run("grep", "-rl", SECRET, SYSVOL).stdout
    probe.judge(not done, "the password does not come back", done)


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
