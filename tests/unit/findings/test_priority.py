# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""In which order to work: the documented rule, as tables."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from ansible_collections.care.remediation.plugins.module_utils.findings import cures, model, plan, priority
from ansible_collections.care.remediation.plugins.module_utils.findings.decisions import Decision
from ansible_collections.care.remediation.plugins.plugin_utils import catalogue
from hypothesis import given, settings
from hypothesis import strategies as st

from .builders import SID

TODAY = datetime.date(2026, 11, 22)
TYPES = {"s1": "nessus", "s2": "shodan", "s3": "directory", "s4": "host", "s5": "pingcastle", "s6": "censys"}


def finding(
    *,
    control: str = "other_exposure",
    host: str = "web1",
    identity: str = "tcp/443/CVE-2026-0001",
    sources: str = "s1",
    level: int | None = None,
    severity: str | None = "medium",
    **evidence: Any,
) -> Any:
    made = model.make_object(type="weakness", id=identity, sid=evidence.pop("sid", None))
    mentions = [model.make_mention(source=source, rule="r", wording="w") for source in sources.split()]
    return model.make_finding(
        control=control, host=host, object=made, level=level, severity=severity, evidence=evidence, sources=mentions
    )


def urgency(one: Any) -> int:
    return priority.grade(one, priority.reach(one, TYPES), priority.facts(one["evidence"])).urgency


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"level": 1, "severity": None}, 1),
        ({"level": 5, "severity": None}, 5),
        ({"severity": "critical"}, 1),
        ({"severity": "high"}, 2),
        ({"severity": "medium"}, 3),
        ({"severity": "low"}, 4),
        ({"severity": None}, 5),
        ({"severity": "low", "kev": True}, 1),
        ({"severity": "low", "kev": "yes"}, 4),  # said otherwise than by a truth value: not said
        ({"severity": "medium", "epss": 0.1}, 2),
        ({"severity": "medium", "epss": 0.0999}, 3),
        ({"severity": "medium", "epss": 17}, 3),  # no probability
        ({"severity": "medium", "epss": float("nan")}, 3),
        ({"severity": "medium", "epss": True}, 3),
        ({"severity": "medium", "cvss": 10.0}, 3),  # orders within an urgency, does not make one
        ({"severity": "medium", "sources": "s2"}, 2),
        ({"severity": "medium", "sources": "s1 s6"}, 2),
        ({"severity": "medium", "sources": "s2", "epss": 0.5}, 1),
        ({"severity": "critical", "sources": "s2", "epss": 0.5}, 1),  # not below 1
    ],
)
def test_urgency(facts: dict[str, Any], expected: int) -> None:
    assert urgency(finding(**facts)) == expected


def test_what_a_live_audit_does_not_find_is_not_urgent() -> None:
    assert urgency(finding(severity="critical", kev=True) | {"unconfirmed": "not found"}) == 5


@pytest.mark.parametrize(
    ("identity", "sources", "expected"),
    [
        ("tcp/443/CVE-2026-0001", "s1", "network"),
        ("tcp/443", "s1", "network"),
        ("udp/161/nessus:1", "s1", "network"),
        ("tcp/0/nessus:1", "s1", "inside"),  # a check made with an account, from inside
        ("tcp/443", "s4", "inside"),  # the host's own audit
        ("tcp/443", "s4 s1", "network"),
        ("tcp/443", "s1 s2", "internet"),
        ("CVE-2026-0001", "s6", "internet"),
        ("S-1-5-21-1-501", "s3", "inside"),
        ("S-1-5-21-1-501", "s5", "inside"),
        ("tcp/x", "s1", "inside"),
    ],
)
def test_reach(identity: str, sources: str, expected: str) -> None:
    assert priority.reach(finding(identity=identity, sources=sources), TYPES) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, 4),
        ({"kev": True, "epss": 0.001}, 0),
        ({"epss": 0.5}, 1),
        ({"epss": 0.49}, 2),
        ({"epss": 0.1}, 2),
        ({"epss": 0.01}, 3),
        ({"epss": 0.0099}, 4),
    ],
)
def test_exploitability(facts: dict[str, Any], expected: int) -> None:
    assert priority.exploit(priority.facts(facts)) == expected


@pytest.mark.parametrize(
    ("findings", "changes", "band"), [(1, 1, 2), (9, 1, 2), (10, 1, 1), (99, 10, 2), (100, 1, 0), (5, 0, 2)]
)
def test_how_many_findings_one_change_closes(findings: int, changes: int, band: int) -> None:
    assert priority.closes_band(findings, changes) == band


class Placed:
    """Pieces of work of a plan, by what stands first."""

    def __init__(self, controls: Any, *findings: Any, waived: Any = ()) -> None:
        board = priority.Board(TYPES)
        for one in findings:
            board.add(one, controls[one["control"]], "waived" if one["id"] in waived else "undecided")
        self.works = [work.document(place) for place, work in enumerate(board.ranked(), 1)]

    def order(self) -> list[str]:
        return [work["cure"] or work["control"] for work in self.works]


def flaw(name: str, **more: Any) -> Any:
    return finding(identity=f"tcp/443/{name}", title=name, **more)


def test_within_one_urgency(controls: Any) -> None:
    anssi = finding(control="vuln_guest", identity=f"{SID}-501", sources="s3", level=2, severity=None, sid=f"{SID}-501")
    listed = [
        flaw("internet", severity="medium", sources="s2"),
        anssi,
        flaw("exploited", severity="low", kev=True),  # urgency 1: before all of urgency 2
        flaw("likely", severity="high", epss=0.04, cvss=7.0),
        flaw("cvss", severity="high", cvss=8.9),
        flaw("quiet", severity="high", cvss=7.1),
        finding(identity="tcp/0/inside", title="inside", severity="high", cvss=10.0),
        flaw("later", severity="medium"),
    ]
    expected = ["exploited", "internet", "vuln_guest", "likely", "cvss", "quiet", "inside", "later"]
    for seed in range(10):
        shuffled = listed[:]
        random.Random(seed).shuffle(shuffled)
        assert Placed(controls, *shuffled).order() == expected


def test_one_change_that_closes_many_stands_before_many_changes(controls: Any) -> None:
    many = [finding(identity=f"tcp/443/CVE-2026-{n}", solution="Upgrade to B version 2.") for n in range(1, 13)]
    each = [finding(identity=f"tcp/443/x{n}", host=f"h{n}", solution="Upgrade to A version 2.") for n in range(12)]
    placed = Placed(controls, *each, *many)
    assert placed.order() == ["Upgrade to B version 2.", "Upgrade to A version 2."]
    first, second = placed.works
    assert (first["findings"], first["changes"], first["hosts_total"]) == (12, 1, 1)
    assert (second["findings"], second["changes"], second["hosts_total"]) == (12, 12, 12)
    assert {"code": "closes", "value": 12.0} in first["reasons"]
    assert not any(one["code"] == "closes" for one in second["reasons"])
    # even where that is more changes than another piece of work needs
    wide = [finding(identity=f"tcp/443/y{n}", host=f"h{n % 2}", solution="Upgrade to C version 2.") for n in range(24)]
    single = finding(identity="tcp/443/z", solution="Upgrade to A version 2.")
    assert Placed(controls, single, *wide).order() == ["Upgrade to C version 2.", "Upgrade to A version 2."]


def test_less_disruption_first(controls: Any) -> None:
    def of(control: str) -> Any:
        return finding(control=control, identity="tcp/1", level=None, severity="medium", port=1, protocol="tcp")

    assert controls["expo_port"].class_ == "auto" and controls["expo_ftp"].class_ == "assisted"
    # not the order of the names
    assert Placed(controls, of("other_exposure"), of("expo_ftp"), of("expo_port")).order() == [
        "expo_port",
        "expo_ftp",
        "r",
    ]


def test_what_is_waived_as_a_whole_comes_last(controls: Any) -> None:
    exploited, quiet = flaw("exploited", kev=True), flaw("quiet", severity="low")
    placed = Placed(controls, exploited, quiet, waived={exploited["id"]})
    assert placed.order() == ["quiet", "exploited"]
    assert placed.works[1]["reasons"][0] == {"code": "settled", "value": None}
    # one open finding is enough; and a waived one does not make the others urgent
    both = [flaw("exploited", kev=True), flaw("exploited", host="web2", severity="low")]
    placed = Placed(controls, *both, quiet, waived={both[0]["id"]})
    assert placed.order() == ["quiet", "exploited"]  # of one urgency, and one change before two
    assert (placed.works[1]["urgency"], placed.works[1]["open"], placed.works[1]["kev"]) == (4, 1, 0)


def test_changes_are_entries_of_the_role(controls: Any) -> None:
    def entry(control: str, rid: int, **more: Any) -> Any:
        one = finding(
            control=control, identity=f"{SID}-{rid}", sources="s3", level=1, severity=None, sid=f"{SID}-{rid}"
        )
        return one | {"object": one["object"] | more}

    def changes(one: Any) -> tuple[int, ...]:
        return priority.changes(one, controls[one["control"]], None)

    first = changes(entry("vuln_dont_expire", 1100))
    assert changes(entry("vuln_dont_expire", 1100, label="other")) == first  # the label is for people
    assert changes(entry("vuln_dont_expire", 1101)) != first
    assert changes(entry("vuln_guest", 1100)) != first  # another variable
    # one setting of the whole target
    krbtgt = entry("vuln_krbtgt", 502)
    assert changes(krbtgt) == changes(entry("vuln_krbtgt", 1103))
    # no usable object: its own
    nobody = entry("vuln_dont_expire", 1102, sid=None)
    assert changes(nobody) != changes(entry("vuln_dont_expire", 1103, sid=None))


CURES = [
    ("Upgrade to OpenSSL version 3.0.14 or later.", "OpenSSL 3.0.0 < 3.0.14", "product:openssl"),
    ("Upgrade to Apache version 2.4.58 or later.", "", "product:apache"),
    ("Upgrade to PHP 8.1.28 or later.", "", "product:php"),
    ("Update Google Chrome to version 120.0.6099.109.", "", "product:google chrome"),
    ("Please upgrade to Samba 4.19.4, or later.", "", "product:samba"),
    ("Update to version 9.3p2 or later.", "OpenSSH < 9.3p2", "title:openssh < 9.3p2"),
    ("Upgrade to at least version 9.", "T", "title:t"),
    ("Update the affected packages.", "RHEL 8 : kernel (RHSA-2024:1248)", "product:kernel"),
    ("", "Debian 12 : openssl (DSA-5532-1)", "product:openssl"),
    ("", "Ubuntu 22.04 LTS : OpenSSL vulnerabilities (USN-6450-1)", "product:openssl"),
    ("", "Debian dla-4019 : libsofthsm2 - security update", "product:libsofthsm2"),
    ("Apply Security Update 5034763", "KB5034763: Windows 10 Security Update", "product:windows cumulative update"),
    ("Upgrade the openssl packages.", "T", "product:openssl"),
    ("Update the affected openssl packages.", "T", "product:openssl"),
    ("Update OpenSSL", "T", "product:openssl"),
    ("Update software.", "T", "title:t"),
    ("Update.", "T", "title:t"),
    ("Enforce message signing.", "SMB Signing not required", "solution:enforce message signing."),
    ("n/a", "Odd service", "title:odd service"),
    ("See vendor advisory", "Odd service", "title:odd service"),
    ("Contact the vendor for a fix.", "Odd service", "title:odd service"),
    ("  Disable\n the   service ", "Odd", "solution:disable the service"),
]


@pytest.mark.parametrize(("solution", "title", "key"), CURES)
def test_what_one_change_closes(solution: str, title: str, key: str) -> None:
    found = cures.read(solution, title)
    assert found is not None and found.key == key and found.text


def test_the_highest_version_is_the_one_to_install(controls: Any) -> None:
    texts = [f"Upgrade to OpenSSL version {version} or later." for version in ("1.1.1t", "3.0.9", "3.0.14", "1.0.2zf")]
    for seed in range(6):
        random.Random(seed).shuffle(texts)
        listed = [finding(identity=f"tcp/443/{text}", solution=text) for text in texts]
        (work,) = Placed(controls, *listed).works
        assert work["cure"] == "Upgrade to OpenSSL version 3.0.14 or later." and work["changes"] == 1


def test_a_bare_cve_belongs_to_the_product_that_was_seen(controls: Any) -> None:
    def bare(number: int, **evidence: Any) -> Any:
        name = f"CVE-2026-{number:04}"
        return finding(identity=f"tcp/443/{name}", title=name, cve=[name], **evidence)

    listed = [bare(1, banner="nginx 1.18.0"), bare(2, banner="nginx 1.18.0"), bare(3, output="has cpe:/a:x:nginx:1.18")]
    (work,) = Placed(controls, *listed).works
    assert (work["findings"], work["changes"], work["cves_total"]) == (3, 1, 3)
    assert work["title"] == {"fr": "Mettre à jour : nginx 1.18.0", "en": "Update: nginx 1.18.0"}
    # a tool that says what to install says more than the banner of what is there
    advised = finding(identity="tcp/443/nessus:1", solution="Upgrade to nginx version 1.2.0 or later.")
    (work,) = Placed(controls, advised, *listed).works
    assert work["title"]["fr"] == "Upgrade to nginx version 1.2.0 or later." and work["findings"] == 4
    assert Placed(controls, bare(4), bare(5, banner="<script>"), bare(6, banner="{{ 7*7 }}")).order() == [
        "CVE-2026-0004",
        "CVE-2026-0005",
        "CVE-2026-0006",
    ]


def test_without_any_text_the_rule_is_the_cure(controls: Any) -> None:
    assert Placed(controls, finding()).order() == ["r"]
    assert Placed(controls, finding(sources="")).order() == ["CVE-2026-0001"]


def test_a_rule_that_we_have_words_for(controls: Any) -> None:
    words = {"title": {"fr": "Titre", "en": "Title"}, "manual": {"fr": "Faire", "en": "Do"}}
    (work,) = Placed(controls, finding(control="other_directory", sources="s5", **words)).works
    assert (work["title"], work["manual"], work["cure"]) == (words["title"], words["manual"], "r")
    assert priority.facts(words).title == "Titre"
    (plain,) = Placed(controls, finding(control="vuln_guest", level=2, severity=None)).works
    assert plain["title"]["en"] == controls["vuln_guest"].title["en"] and plain["cure"] is None
    (odd,) = Placed(controls, finding(title={"fr": 5}, manual=["x"])).works
    assert odd["title"] == {"fr": "r", "en": "r"} and odd["manual"] is None


@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=400, deadline=None)
def test_any_text_has_a_cure(solution: str, title: str) -> None:
    found = cures.read(solution, title)
    assert found is None or (found.key and isinstance(found.version, tuple))
    one = finding(solution=solution, title=title, banner=title, output=solution)
    assert cures.Cures().of(one).key


@pytest.mark.parametrize("text", ["upgrade to " + "a " * 3000, "a : " * 2000, "x : " + "b" * 4000 + " (" + "ab-" * 900])
def test_long_texts_are_quick(text: str) -> None:
    cures.read(text, text)  # a catastrophic expression would not end


@given(
    st.dictionaries(
        st.sampled_from(["title", "cve", "cvss", "epss", "kev"]),
        st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.text())),
    )
)
def test_facts_of_any_evidence(evidence: dict[str, Any]) -> None:
    said = priority.facts(evidence)
    assert said.cvss is None or 0 <= said.cvss <= 10
    assert said.epss is None or 0 <= said.epss <= 1
    assert isinstance(said.kev, bool) and isinstance(said.cve, tuple)


def test_the_plan_is_the_same_every_time(controls: Any) -> None:
    def made(order: list[Any]) -> Any:
        document = {
            "sources": [
                {"id": key, "type": type, "file": "f", "sha256": "0" * 64, "tool_version": None, "generated": None}
                | {"level": None, "targets": [], "partial": False, "notes": [], "unreadable": {}, "covers": []}
                for key, type in TYPES.items()
            ],
            "findings": sorted(order, key=model.order),
            "unmapped": [],
            "counts": {"read": 0, "mapped": 0, "unmapped": 0, "duplicates": 0},
        }
        decisions = {one["id"]: Decision(one["id"], one["control"], one["host"], "undecided") for one in order}
        built = plan.build(document, decisions, controls, edition=catalogue.edition(), today=TODAY)
        return built | {"generated": ""}

    listed = [flaw(f"f{n}", host=f"h{n % 7}", severity="high", epss=(n % 5) / 10, cvss=n % 10) for n in range(60)]
    first = made(listed)
    random.Random(1).shuffle(listed)
    assert made(listed) == first
    assert [work["place"] for work in first["works"]] == list(range(1, len(first["works"]) + 1))
    known = {work["id"] for work in first["works"]}
    assert {one["work"] for control in first["controls"] for one in control["findings"]} == known
