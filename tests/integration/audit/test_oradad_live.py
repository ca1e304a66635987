"""A dump of a real domain, made by the double of the collector, judged like the domain itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.directory.session import ConnectionOptions, Session
from ansible_collections.care.remediation.plugins.module_utils.sysvol.share import Share
from conftest import ROOT, Lab

sys.path.insert(0, str(ROOT / "tests"))

from care_lab.constants import AUTOMATION, AUTOMATION_PASSWORD, DOMAIN
from doubles.oradad import ATTRIBUTES, Collector

# OWNER and DACL, as the collector asks for them (MS-ADTS 3.1.1.3.4.1.11)
OWNER_AND_DACL = 5


def objects(session: Session, base: str, *apart: str) -> Iterator[tuple[str, Mapping[str, Sequence[bytes]]]]:
    """Everything below ``base`` except what lies below ``apart``: a partition is collected by itself."""
    for entry in session.search(base, "(objectClass=*)", ATTRIBUTES, sd_flags=OWNER_AND_DACL):
        if not any(entry.dn.lower().endswith(each.lower()) for each in apart):
            yield entry.dn, entry.attributes


def files(session: Session) -> Iterator[tuple[str, str, bytes]]:
    """Every file of every policy in SYSVOL, as the collector lists them."""
    with Share.connect(session.options, session) as share:
        for policy in session.search(session.domain_dn, "(objectClass=groupPolicyContainer)", ["cn"]):
            folder = policy.text("cn") or ""
            if share.find(folder) is None:
                continue
            for path in [folder, *(node.path for node in share.walk(folder))]:
                yield folder.upper(), f"Policies\\{path}", share.descriptor(path) or b""


def collect(lab: Lab, folder: Path) -> Path:
    """One collection at level 4 by the lab's own account."""
    address = json.loads((ROOT / "build" / "lab" / lab.name / "addresses.json").read_text())["hosts"]["dc1"]
    options = ConnectionOptions.from_params(
        {
            "server": address,
            "username": f"{AUTOMATION}@{DOMAIN}",
            "password": AUTOMATION_PASSWORD,
            "ca_cert": str(ROOT / "build" / "lab" / lab.name / "ca.pem"),
            "tls_mode": "ldaps",
            "auth_protocol": "ntlm",
        }
    )
    with Session.connect(options) as session:
        domain, configuration, schema = session.domain_dn, session.configuration_dn, session.schema_dn
        zones = {"domaindns": f"DC=DomainDnsZones,{domain}", "forestdns": f"DC=ForestDnsZones,{domain}"}
        held = {name.lower() for name in session.root_dse["namingContexts"]}
        partitions: dict[str, Any] = {
            "domain": objects(session, domain, configuration, *zones.values()),
            "configuration": objects(session, configuration, schema),
            "schema": objects(session, schema),
            **{place: objects(session, dn) for place, dn in zones.items() if dn.lower() in held},
        }
        token = [session.connected_sid, "S-1-5-32-544", "S-1-5-11"]
        root_dse = {**session.root_dse, "dNSHostName": [session.server], "tokenGroups": token}
        return Collector().write(
            folder,
            dns=session.dns_name,
            partitions=partitions,
            root_dse=root_dse,
            taken=datetime.now(UTC),
            sysvol=list(files(session)),
        )


@pytest.fixture(scope="module")
def both(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The document of the live domain, and the one of its dump."""
    folder = tmp_path_factory.mktemp("dump")
    collect(lab, folder)
    return (
        lab.audit(tmp_path_factory.mktemp("live")),
        lab.audit(tmp_path_factory.mktemp("judged"), care_oradad_dump=str(folder)),
    )


def found(document: dict[str, Any], control: str) -> dict[str, int | None]:
    return {each["object"]["id"]: each["level"] for each in document["findings"] if each["control"] == control}


def test_the_same_findings(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    live, dump = both
    judged = [control for control, answer in dump["controls"].items() if answer["state"] == "evaluated"]
    assert len(judged) > 60
    different = {
        control: {"live": sorted(set(found(live, control).items()) - set(found(dump, control).items())),
                  "dump": sorted(set(found(dump, control).items()) - set(found(live, control).items()))}
        for control in judged
        if found(live, control) != found(dump, control)
    }  # fmt: skip
    assert different == {}
    assert sum(len(found(dump, control)) for control in judged) > 50


def test_the_dump_judges_what_the_live_audit_judges(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    live, dump = both
    lost = {
        control: answer["reason"]
        for control, answer in dump["controls"].items()
        if answer["state"] == "unreadable" and live["controls"][control]["state"] == "evaluated"
    }
    assert lost == {}


def test_the_same_level_and_observations(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    live, dump = both
    assert dump["level"]["at_most"] == live["level"]["at_most"]
    states = {each["id"]: (each["state"], each["count"]) for each in live["observations"]}
    version = dict.fromkeys(("warning_tool_version",), ("nothing", 0))
    assert {each["id"]: (each["state"], each["count"]) for each in dump["observations"]} == states | version
