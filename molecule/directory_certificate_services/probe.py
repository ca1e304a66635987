# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of this scenario that judge: samba-tool dsacl, and Samba's own database, bit by bit.

Samba has no certification authority: what one would make of these templates cannot be tried here. Its schema holds all
their settings, so what they say can.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared"))

import certificate_scene as scene
from domain_probe import BASE, Probe, main
from ldif_equal import DATABASE

CONFIG = f"CN=Configuration,{BASE}"
CERTIFICATE = b"0\x82\x01\x00hopital\xff"
ENROLL_USERS = f"(OA;;CR;{scene.ENROLL};;DU)"
NAMES = scene.FROM_DIRECTORY


def found(probe: Probe, name: str) -> dict[str, list[str]]:
    """One template, by its display name."""
    wanted = f"Modèle {name}".replace("\\", "\\5c")
    return probe.one(f"(displayName={wanted})", base=scene.folder(CONFIG))


def flags(probe: Probe, name: str) -> tuple[int, int]:
    """Name flags and enrolment flags of a template, unsigned."""
    entry = found(probe, name)
    name_flag, enrolment = (int(entry[f"mspki-{which}-flag"][0]) for which in ("certificate-name", "enrollment"))
    return name_flag & 0xFFFFFFFF, enrolment & 0xFFFFFFFF


def access(probe: Probe, name: str) -> str:
    """The access list of a template, as samba-tool writes it."""
    return probe.must("samba-tool", "dsacl", "get", f"--objectdn={scene.template_dn(CONFIG, name)}")


def published(probe: Probe) -> list[str]:
    """What the authority publishes."""
    return sorted(probe.one("(objectClass=pKIEnrollmentService)", base=CONFIG)["certificatetemplates"])


def trusted(probe: Probe) -> int:
    """How many authorities logging on trusts."""
    return len(probe.one("(cn=NTAuthCertificates)", base=CONFIG)["cacertificate"])


def prepare(probe: Probe) -> None:
    """An authority with templates that are dangerous each in its way, one harmless one, and what must be refused."""
    ldif = "".join(
        [
            scene.authority(CONFIG, CERTIFICATE, [scene.STRANGE, "Agent", "Vieux", "Sain"], f"pki.{BASE[3:]}"),
            scene.template(CONFIG, scene.STRANGE, ENROLL_USERS, names=NAMES | 1, enrolment=0x80029),
            scene.template(CONFIG, "Agent", ENROLL_USERS, ekus=(scene.AGENT,)),
            scene.template(CONFIG, "Vieux", ENROLL_USERS, ekus=(), version=1, names=1),
            scene.template(CONFIG, "Sain", ENROLL_USERS),
        ]
    )
    probe.must("ldbadd", "-H", DATABASE, "--controls=relax:0", given=ldif)
    domain = probe.one("(objectClass=domainDNS)")["objectsid"][0]
    users, admins = f"{domain}-513", f"{domain}-512"
    guids = {name: found(probe, name)["objectguid"][0] for name in (scene.STRANGE, "Agent", "Vieux", "Sain")}
    enroll = f"(OA;;CR;{scene.ENROLL};;{users})"
    full = f"(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;{admins})"
    (probe.folder / "variables.json").write_text(json.dumps({
        "care_certificate_nt_auth_remove": [{"certificate": hashlib.sha256(CERTIFICATE).hexdigest().upper()}],
        "care_certificate_templates_correct": [
            {"template": guids[scene.STRANGE], "corrections": ["no_supplied_subject", "security_extension"]},
            {"template": "agent", "corrections": ["manager_approval"], "label": "Agent d'inscription"},
            {"template": scene.template_dn(CONFIG, "Vieux"), "corrections": ["unpublish"]},
            {"template": "Sain", "corrections": ["no_supplied_subject", "security_extension"]},
        ],
        # everyone is in Domain Users, the account of this connection too: that is said, and stops nothing
        "care_certificate_templates_enrol_remove": [{"object": guids["Agent"], "trustee": users, "ace": enroll}],
    }), encoding="utf-8")  # fmt: skip
    probe.note(care_refused=[
        {"name": "version 1", "correct": [{"template": "Vieux", "corrections": ["manager_approval"]}],
         "reason": "a template of version 1 knows neither"},
        {"name": "signed by anybody", "correct": [{"template": "Agent", "corrections": ["ra_signature"]}],
         "reason": "any would do"},
        {"name": "no template", "correct": [{"template": f"CN=Users,{BASE}", "corrections": ["unpublish"]}],
         "reason": "is not a certificate template"},
        {"name": "no such name", "correct": [{"template": "*)(cn=*", "corrections": ["unpublish"]}],
         "reason": "There is no certificate template"},
        {"name": "no thumbprint", "nt_auth": [{"certificate": "AC de l'hôpital"}], "reason": "neither the SHA-1"},
        {"name": "default holder", "enrol": [{"object": guids["Agent"], "trustee": admins, "ace": full}],
         "reason": "holds rights in every domain by default"},
    ])  # fmt: skip
    probe.judge(flags(probe, scene.STRANGE) == (NAMES | 1, 0x80029), "the requester names the subject", "")
    probe.judge("DU" in access(probe, "Agent"), "everyone may enrol as an agent", access(probe, "Agent"))
    probe.dump("before")
    probe.note(before={name: access(probe, name) for name in ("Agent", "Vieux", "Sain")})


def unchanged(probe: Probe) -> None:
    """Nothing at all changed."""
    probe.dump("now")
    probe.same("before", "now")


def verify(probe: Probe) -> None:
    """The bits that were named moved, and no other; one entry is gone, and no other."""
    judged = {
        scene.STRANGE: (NAMES, 0x29),
        "Agent": (NAMES, 0x2B),
        "Vieux": (1, 0x29),
        "Sain": (NAMES, 0x29),
    }
    for name, wanted in judged.items():
        probe.judge(flags(probe, name) == wanted, f"{name}: flags are {wanted}", str(flags(probe, name)))
    now = published(probe)
    probe.judge(now == sorted([scene.STRANGE, "Agent", "Sain"]), "the old template is no longer published", str(now))
    probe.judge(trusted(probe) == 1, "logging on trusts one authority less", str(trusted(probe)))
    before = probe.facts()["before"]
    wanted = before["Agent"].replace(ENROLL_USERS, "")
    probe.judge(wanted != before["Agent"], "the entry was there", before["Agent"])
    probe.judge(access(probe, "Agent") == wanted, "Agent: only the named entry is gone", access(probe, "Agent"))
    for name in ("Vieux", "Sain"):
        probe.judge(access(probe, name) == before[name], f"{name}: its access list is as it was", access(probe, name))


def restored(probe: Probe) -> None:
    """All is as it was."""
    probe.dump("after")
    probe.same("before", "after")


if __name__ == "__main__":
    main({"prepare": prepare, "unchanged": unchanged, "verify": verify, "restored": restored})
