"""The document that an audit gives: its schema, its ids, its marks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.controls import audit
from ansible_collections.care.remediation.plugins.module_utils.controls.evaluate import (
    UnknownControlError,
    evaluate,
    select,
)
from ansible_collections.care.remediation.plugins.module_utils.directory import uac
from ansible_collections.care.remediation.plugins.module_utils.directory.snapshot import Snapshot
from ansible_collections.care.remediation.plugins.module_utils.findings import document as documents
from ansible_collections.care.remediation.plugins.module_utils.findings import model
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from hypothesis import given
from hypothesis import strategies as st

from controls.domain import DC1, KRBTGT, RID_500, computer, domain, sid, user

HOST = "chu-valmont.test"
SERVICE = user(1201, "svc-sauvegarde", spns=["HTTP/sql1"], flags=uac.DONT_REQ_PREAUTH | uac.DONT_EXPIRE_PASSWORD)
BREAK_GLASS = user(1202, "bris-de-glace-1", flags=uac.DONT_EXPIRE_PASSWORD)
DES = computer(1203, "IRM-03$", encryption_types=3)


def everything_wrong() -> Snapshot:
    snapshot = domain(
        [SERVICE, BREAK_GLASS, DES],
        admins=[SERVICE, BREAK_GLASS],
        builtin=[RID_500, user(501, "Invité"), KRBTGT | {"pwd_last_set": None}, DC1],
        machine_account_quota=10,
        ds_heuristics="",
    )
    snapshot.protect({"break_glass": ["bris-de-glace-1"], "automation": [sid(1201)]})
    return snapshot


def written(snapshot: Snapshot) -> dict[str, Any]:
    return audit.document(
        catalogue=catalogue.for_audit(),
        host=HOST,
        snapshot=snapshot,
        outcomes=evaluate(snapshot, select(None)),
        finished=datetime(2026, 11, 22, 2, 1, tzinfo=UTC),
        durations={"accounts": 0.1},
    )


def test_it_fits_its_schema() -> None:
    document = written(everything_wrong())
    documents.check(document, "audit/1", where="test")
    assert document["counts"]["findings"] == len(document["findings"]) > 10
    assert len(document["controls"]) == len(select(None))


def test_the_schema_refuses_a_state_that_does_not_exist() -> None:
    document = written(everything_wrong())
    document["controls"]["vuln_guest"]["state"] = "compliant"
    with pytest.raises(documents.DocumentError, match="vuln_guest"):
        documents.check(document, "audit/1", where="test")


def test_unreadable_needs_a_reason() -> None:
    document = written(everything_wrong())
    document["controls"]["vuln_guest"] = {"state": "unreadable", "reason": None}
    with pytest.raises(documents.DocumentError):
        documents.check(document, "audit/1", where="test")


@given(st.text(), st.text())
def test_ids_are_those_of_findings(host: str, identity: str) -> None:
    assert audit.finding_id("vuln_guest", host, identity) == model.finding_id("vuln_guest", host, identity)


def test_one_finding_a_control_and_object() -> None:
    ids = [each["id"] for each in written(everything_wrong())["findings"]]
    assert len(ids) == len(set(ids))


def test_protected_accounts_are_marked() -> None:
    marks = {each["object"]["label"]: each["protected"] for each in written(everything_wrong())["findings"]}
    assert marks["bris-de-glace-1"] == "break_glass"
    assert marks["svc-sauvegarde"] == "automation"
    assert marks["Invité"] is None


def test_objects_let_a_reader_find_the_sid_of_a_name() -> None:
    known = {each["sam"]: each["sid"] for each in written(everything_wrong())["objects"]}
    assert known["svc-sauvegarde"] == sid(1201)
    assert "Administrateur" in known
    assert "krbtgt" in known  # it has a finding
    assert "DC1$" in known  # trusted for delegation


def test_every_finding_gives_the_catalogue_what_its_variable_needs() -> None:
    controls = catalogue.load()
    for each in written(everything_wrong())["findings"]:
        fix = controls[each["control"]].remediation
        if fix is None:
            assert controls[each["control"]].class_ == "manual"
        elif fix.shape != "value":
            if each["control"] == "vuln_privileged_members":
                continue
            assert fix.entries(each), each
        control = controls[each["control"]]
        assert each["level"] in control.levels or each["severity"] == control.severity


def test_select_names_an_unknown_control() -> None:
    with pytest.raises(UnknownControlError, match="vuln_gest"):
        select(["vuln_guest", "vuln_gest"])
    assert [each.id for each in select(["vuln_krbtgt", "vuln_guest", "vuln_guest"])] == ["vuln_guest", "vuln_krbtgt"]
