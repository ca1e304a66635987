# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The domain that is wrong in every way Samba can hold, and a fresh one, each audited as a whole.

What must be found is the generator's own record, and Samba's tools are asked first whether it is true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

SAM = "/var/lib/samba/private/sam.ldb"
RECORD = "/var/lib/samba/care-lab-weaknesses.json"
READER = {
    "care_directory_username": "svc-lecteur-audit@chu-valmont.test",
    "care_directory_password": "Lab-Valmont-2026",
}
ADMINISTRATOR = {
    "care_directory_username": "Administrateur@chu-valmont.test",
    "care_directory_password": "Lab-Administrateur-2026",
}
# Of the generated domain itself: what they must find is in test_audit_live.py, by the server's own answers.
GENERATED = {
    "mie_ad_smartcard",
    "vuln_delegation_t4d",
    "vuln_dont_expire",
    "vuln_dont_expire_priv",
    "vuln_dsheuristics_bad",
    "vuln_guest",
    "vuln_kerberos_properties_deskey",
    "vuln_kerberos_properties_preauth",
    "vuln_kerberos_properties_preauth_priv",
    "vuln_krbtgt",
    "vuln_permissions_naming_context",
    "vuln_privileged_members",
    "vuln_protected_users",
    "vuln_reversible_password_priv_uac",
    "vuln_spn_priv",
    "vuln_user_accounts_dormant",
    "vuln_user_accounts_machineaccountquota",
}
# Found only by an account that is refused what it must see.
REFUSED = {"vuln_critical_objects", "vuln_sd_failed_sd_read_on_priv"}
# What one weakness brings to another control, judged by hand: control → labels.
CONSEQUENCES = {
    # neither has a server object in a site
    "vuln_dc_inconsistent_uac": {"DC-SECOURS$", "RODC-SITE-EST$"},
    # the generated service accounts with a name of a service, none of which says AES
    "vuln_kerberos_properties_encryption": {"svc-dpi", "svc-pacs", "svc-sauvegarde", "svc-telephonie", "adm-l.vivry"},
    # who is older than 90 days is older than 45; who is silent has an old password
    "vuln_password_change_server_no_change_45": {"SRV-MATERNITE$", "SRV-RADIOLOGIE$"},
    "vuln_password_change_server_no_change_90": {"SRV-MATERNITE$"},
    # 520 is neither the default group nor above 1000
    "vuln_primary_group_id_nochange": {"eloise.darcy"},
    # Samba's own default: seven characters
    "vuln_privileged_members_password": {"the domain's password policy"},
    # a service owns a group whose members are account operators
    "vuln_privileged_members_perm": {"svc-supervision : Owner (GG Support de niveau 2)"},
    "vuln_sidhistory_present": {"medecin.remplaçant"},
}


@dataclass(frozen=True)
class Wrong:
    """A line of the generator's record."""

    control: str
    dn: str
    level: int
    why: str
    sid: str | None
    seen: str | None
    at: str | None
    ace: str | None
    trustee: str | None
    owner: str | None

    def __str__(self) -> str:
        return f"{self.control}: {self.dn} ({self.why})"


def strings(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value.casefold()
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


class Lab(Protocol):
    """What conftest.py gives."""

    def dc(self, *command: str) -> str:
        """Run a command on the domain controller."""

    def audit(self, folder: Path, **variables: Any) -> dict[str, Any]:
        """Run the audit's playbook."""


def of(document: dict[str, Any], control: str) -> list[dict[str, Any]]:
    return [finding for finding in document["findings"] if finding["control"] == control]


def same(finding: dict[str, Any], wrong: Wrong) -> bool:
    """Whether a finding is about this object, and names who has the right on it."""
    said = set(strings(finding))
    subject = {text.casefold() for text in (wrong.dn, wrong.sid) if text}
    others = {text.casefold() for text in (wrong.trustee, wrong.owner) if text}
    return bool(subject & said) and others <= said


@pytest.fixture(scope="module")
def record(wrong_lab: Lab) -> list[Wrong]:
    return [Wrong(**each) for each in json.loads(wrong_lab.dc("cat", RECORD))["wrong"]]


@pytest.fixture(scope="module")
def everything(wrong_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return wrong_lab.audit(tmp_path_factory.mktemp("all"))


@pytest.fixture(scope="module")
def refused(wrong_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return wrong_lab.audit(tmp_path_factory.mktemp("refused"), **READER)


def test_what_the_generator_says_is_true(wrong_lab: Lab, record: list[Wrong]) -> None:
    """Samba's own tools see each weakness."""
    untrue = []
    for wrong in record:
        if wrong.seen is not None:
            where = wrong.at or wrong.dn
            said = wrong_lab.dc("ldbsearch", "-H", SAM, "--cross-ncs", "-b", where, "-s", "base", wrong.seen, "dn")
            if "# returned 1 records" not in said:
                untrue.append(str(wrong))
            continue
        sddl = wrong_lab.dc("samba-tool", "dsacl", "get", f"--objectdn={wrong.dn}")
        if wrong.ace is not None:
            # the well-known trustees stand in SDDL by two letters
            kind, trustee = wrong.ace.strip("()").split(";")[0], wrong.trustee or ""
            entries = re.findall(rf"\({kind};[^;]*;[^;]*;[^;]*;[^;]*;(?:{re.escape(trustee)}|DU|EK)\)", sddl)
            if not entries:
                untrue.append(str(wrong))
        elif f"O:{wrong.owner}G:" not in sddl:
            untrue.append(str(wrong))
    assert not untrue


def test_every_control_is_wrong_somewhere(everything: dict[str, Any], record: list[Wrong]) -> None:
    scored = {control for control in everything["controls"] if control.startswith("vuln_")}
    assert len(scored) == 76
    assert scored - {wrong.control for wrong in record} - GENERATED == set()


def test_everything_is_evaluated(everything: dict[str, Any]) -> None:
    unreadable = {name: each["reason"] for name, each in everything["controls"].items() if each["state"] != "evaluated"}
    assert unreadable == {}


def test_each_weakness_is_found_on_its_object_at_its_level(everything: dict[str, Any], record: list[Wrong]) -> None:
    missed = []
    for wrong in record:
        if wrong.control in REFUSED:
            continue
        levels = {finding["level"] for finding in of(everything, wrong.control) if same(finding, wrong)}
        # A finding has the lowest level at which its object fails.
        if not levels or min(levels) > wrong.level:
            missed.append((str(wrong), wrong.level, sorted(levels)))
    assert not missed


def test_nothing_else_is_found(everything: dict[str, Any], record: list[Wrong]) -> None:
    unexpected = []
    for finding in everything["findings"]:
        control, label = finding["control"], finding["object"]["label"]
        if control in GENERATED or label in CONSEQUENCES.get(control, set()):
            continue
        if control == "vuln_silo_priv":
            continue  # every privileged account: test_silo
        if not any(wrong.control == control and same(finding, wrong) for wrong in record):
            unexpected.append((control, label, finding["object"]["dn"]))
    assert not unexpected


def test_silo(everything: dict[str, Any]) -> None:
    """Nobody is in a silo: it finds all whom privileged_members finds, and the builtin administrator."""
    out = {finding["object"]["sid"] for finding in of(everything, "vuln_silo_priv")}
    privileged = {finding["object"]["sid"] for finding in of(everything, "vuln_privileged_members")}
    domain = everything["target"]["domain_sid"]
    assert out == privileged | {f"{domain}-500"}


def test_the_way_of_several_hops_is_told(everything: dict[str, Any]) -> None:
    """From all physicians, over a service's password and a group, to an administrator."""
    (finding,) = (
        each
        for each in of(everything, "vuln_privileged_members_perm")
        if "ADM Ludivine D'AULNAY" in json.dumps(each, ensure_ascii=False)
    )
    said = json.dumps(finding["evidence"], ensure_ascii=False)
    assert "GG Gestion d'identités" in said
    assert "svc-annuaire-tél" in said, finding["evidence"]
    assert "GG Médecins" in said, finding["evidence"]


def test_a_hidden_critical_object_is_a_finding(refused: dict[str, Any]) -> None:
    assert refused["controls"]["vuln_critical_objects"]["state"] == "evaluated"
    assert {finding["object"]["label"] for finding in of(refused, "vuln_critical_objects")} == {"AdminSDHolder"}


def test_a_hidden_administrator_is_said_to_be_hidden(refused: dict[str, Any], record: list[Wrong]) -> None:
    (wrong,) = (each for each in record if each.control == "vuln_sd_failed_sd_read_on_priv")
    state = refused["controls"][wrong.control]
    assert state["state"] == "unreadable"
    assert wrong.dn in state["reason"]


def test_what_a_refused_account_cannot_see_is_never_compliant(
    refused: dict[str, Any], everything: dict[str, Any]
) -> None:
    """Whatever the whole audit finds wrong, the refused one finds too or says that it could not look."""
    silent = [
        control
        for control, each in refused["controls"].items()
        if each["state"] == "evaluated" and of(everything, control) and not of(refused, control)
    ]
    assert silent == []


# What a fresh domain of Samba 4.22 at level 2016 fails, and why: control → objects.
FRESH = {
    # Samba gives its controller RC4 and AES; only AES is asked for
    "vuln_dc_crypto": {"DC1$"},
    # the two fields of KB5008383 are 0 until someone sets them
    "vuln_dsheuristics_bad": {
        "dSHeuristics, 28: AttributeAuthorizationOnLDAPAdd",
        "dSHeuristics, 29: BlockOwnerImplicitRights",
    },
    # seven characters by default, eight are asked for
    "vuln_privileged_members_password": {"the domain's password policy"},
    # no silo comes with a domain
    "vuln_silo_priv": {"Administrateur"},
    # ten by default, as Windows has it
    "vuln_user_accounts_machineaccountquota": {"chu-valmont.test"},
}


@pytest.fixture(scope="module")
def fresh(fresh_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return fresh_lab.audit(tmp_path_factory.mktemp("none"), **ADMINISTRATOR)


def test_a_fresh_domain_fails_only_what_samba_leaves_open(fresh: dict[str, Any]) -> None:
    assert {name for name, each in fresh["controls"].items() if each["state"] != "evaluated"} == set()
    found: dict[str, set[str]] = {}
    for finding in fresh["findings"]:
        found.setdefault(finding["control"], set()).add(finding["object"]["label"])
    assert found == FRESH
