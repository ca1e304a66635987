# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A right that a report tells without its entry is the finding of the live audit that names the entry."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import merge
from ansible_collections.care.remediation.plugins.module_utils.findings.importing.imported import (
    Imported,
    Statement,
    new_source,
)
from ansible_collections.care.remediation.plugins.module_utils.findings.model import make_mention, make_object

CONTROL, HOST = "vuln_privileged_members_perm", "chu.test"
HELPDESK, OTHER = "S-1-5-21-1-2-3-1105", "S-1-5-21-1-2-3-1106"
OU = "OU=Comptes,DC=chu,DC=test"


def source(type: str, *rights: tuple[str, dict[str, Any]]) -> Imported:
    imported = Imported(new_source(type, type, f"{type}.x"))
    covers = [CONTROL] if type == "directory" else []
    imported.source |= {"covers": covers, "targets": [HOST], "generated": "2026-11-22"}
    for id, evidence in rights:
        made = make_object(type="ace", id=id, dn=evidence.get("object"), sid=evidence["trustee_sid"])
        said = make_mention(source=type, rule="r", wording="w")
        imported.statements.append(Statement(CONTROL, HOST, made, said, 1, evidence=evidence))
    return imported


def live(place: str = OU, trustee: str = HELPDESK, **more: Any) -> tuple[str, dict[str, Any]]:
    return f"guid#{place}{trustee}", {"object": place, "trustee_sid": trustee, "raw": "AAAA", "ace": "(A;…)"} | more


def told(place: str | None, trustee: str = HELPDESK, *, inherited: bool = False) -> tuple[str, dict[str, Any]]:
    return f"{place}#{trustee}", {"object": place, "trustee_sid": trustee, "inherited": inherited}


@pytest.mark.parametrize(
    ("audited", "report", "same"),
    [
        (live(), told(OU.upper()), True),
        (live(), told(OU, OTHER), False),
        (live(), told("OU=Autre,DC=chu,DC=test"), False),
        (live(raw=None, ace=f"O:{HELPDESK}"), told(OU), True),  # an owner
        # an inherited right is set above what it comes to
        (live(reaches=["a", "b"]), told(f"CN=a,{OU}", inherited=True), True),
        (live(reaches=["a", "b"]), told(None, inherited=True), True),
        (live(reaches=["a", "b"]), told("CN=a,OU=Autre,DC=chu,DC=test", inherited=True), False),
        (live(reaches=["a", "b"]), told(f"CN=a,{OU}", inherited=False), False),
        (live(), told(f"CN=a,{OU}", inherited=True), False),
    ],
)
@pytest.mark.parametrize("type", ["bloodhound", "ads"])
def test_reports_join_the_live_audit(type: str, audited: Any, report: Any, *, same: bool) -> None:
    document = merge.merge([source(type, report), source("directory", audited)])
    findings = {one["object"]["id"]: one for one in document["findings"]}
    assert len(findings) == (1 if same else 2)
    assert [mention["source"] for mention in findings[audited[0]]["sources"]] == (
        ["directory", type] if same else ["directory"]
    )
    assert findings[audited[0]]["evidence"]["ace"]  # the entry stays the audit's
    assert document["counts"]["duplicates"] == int(same)
    if not same:
        assert "does not find it" in findings[report[0]]["unconfirmed"]


def test_two_entries_of_one_holder_have_both_sources() -> None:
    first, second = live(), ("guid#2", live()[1])
    document = merge.merge([source("directory", first, second), source("bloodhound", told(OU))])
    assert [len(one["sources"]) for one in document["findings"]] == [2, 2]


def test_without_a_live_audit_reports_join_each_other() -> None:
    document = merge.merge([source("ads", told(OU)), source("bloodhound", told(OU))])
    assert [len(one["sources"]) for one in document["findings"]] == [2]
