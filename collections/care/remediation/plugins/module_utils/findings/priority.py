# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""In which order to work, and why. Pure functions over what the reports say; nothing is looked up.

The rule. Each finding has an *urgency*, 1 (first) to 5:

- its ANSSI level (1 to 5); without one its severity (critical 1, high 2, medium 3, low 4, none 5);
- 1 where a report says that it is exploited (CISA's KEV catalogue);
- one less where EPSS (FIRST: probability of exploitation within 30 days) is 0.1 or more;
- one less where it was seen from the internet (Shodan, Censys);
- 5 where a live audit of the same control does not bear it out.

A *piece of work* is what one kind of change closes: all findings of a control that a role corrects or a person follows
one procedure for, and of the generic controls those with the same cure (``cures``). It stands where its most urgent
open finding stands. Pieces of work of one urgency are ordered by:

1. place: seen from the internet; graded by ANSSI; open to where a scan stood; the rest;
2. exploitability: exploited; EPSS from 0.5, from 0.1, from 0.01; the rest; then the highest CVSS;
3. how many findings one change closes: from 100, from 10, fewer;
4. disruption: automatic, staged, assisted, manual;
5. fewest changes; then the name, so that the order is always the same.

What is waived as a whole comes last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ansible_collections.care.remediation.plugins.module_utils.controls import level as rule

from .cures import GENERIC, Cure, Cures, both_languages
from .model import DIRECTORY_TYPES, LIVE_TYPES, SEVERITIES, canonical

LEAST: Final = 5
INTERNET: Final = frozenset(("shodan", "censys"))
# They look from inside of a machine or of the directory, not at an open port
INSIDE: Final = DIRECTORY_TYPES | LIVE_TYPES
REACHES: Final = ("internet", "network", "inside")
EPSS_BANDS: Final = (0.5, 0.1, 0.01)
EPSS_RAISES: Final = 0.1
CLOSES_BANDS: Final = (100, 10)
CURE: Final = 600  # characters of a cure
MOST_CVES: Final = 100  # of one finding
KEPT: Final = 10  # names of hosts and CVEs that a piece of work shows


class Grade(NamedTuple):
    """How urgent a finding is; sorts most urgent first."""

    urgency: int
    place: int
    exploit: int
    cvss: float  # negative


class Facts(NamedTuple):
    """What reports say of a flaw: EPSS is 0..1, CVSS 0..10; None where no report says it."""

    title: str | None = None
    cve: tuple[str, ...] = ()
    cvss: float | None = None
    epss: float | None = None
    kev: bool = False


NOTHING: Final = Facts()


def facts(evidence: Mapping[str, Any]) -> Facts:
    """The facts of a finding's evidence; what is no such text or number counts as not said."""
    if "title" not in evidence and "cve" not in evidence and "cvss" not in evidence and "epss" not in evidence:
        return NOTHING if "kev" not in evidence else Facts(kev=evidence["kev"] is True)
    title, found = evidence.get("title"), evidence.get("cve")
    return Facts(
        (title if isinstance(title, str) else (both_languages(title) or {}).get("fr", ""))[:500] or None,
        tuple([str(one)[:40] for one in found[:MOST_CVES] if one]) if isinstance(found, list) else (),
        _number(evidence.get("cvss"), 10),
        _number(evidence.get("epss"), 1),
        evidence.get("kev") is True,
    )


def reach(finding: Mapping[str, Any], types: Mapping[str, str]) -> str:
    """From where a finding was seen: ``internet``, ``network`` (open to where a scan stood) or ``inside``.

    ``types``: source id to its type.
    """
    seen = [types[mention["source"]] for mention in finding["sources"]]
    if not INTERNET.isdisjoint(seen):
        return "internet"
    protocol, _slash, rest = finding["object"]["id"].partition("/")
    if protocol in ("tcp", "udp", "sctp") and not INSIDE.issuperset(seen):
        number = rest.partition("/")[0]
        if number.isdigit() and number.strip("0"):  # port 0: a check made from inside of the host
            return "network"
    return "inside"


def grade(finding: Mapping[str, Any], place: str, said: Facts) -> Grade:
    """The urgency of a finding seen from ``place`` (``reach``), and what orders it among its equals."""
    level, severity = finding["level"], finding["severity"]
    urgency = level or (SEVERITIES.index(severity) + 1 if severity in SEVERITIES else LEAST)
    if said.epss is not None and said.epss >= EPSS_RAISES:
        urgency -= 1
    if place == "internet":
        urgency -= 1
    if said.kev or urgency < 1:
        urgency = 1
    if finding.get("unconfirmed"):
        urgency = LEAST
    stands = 0 if place == "internet" else 1 if level is not None else 2 if place == "network" else 3
    return Grade(urgency, stands, exploit(said), -(said.cvss or 0.0))


def exploit(said: Facts) -> int:
    """0 (exploited) to 4 (nothing known)."""
    if said.kev:
        return 0
    if said.epss is not None and said.epss >= EPSS_BANDS[-1]:
        return next(place for place, least in enumerate(EPSS_BANDS, 1) if said.epss >= least)
    return len(EPSS_BANDS) + 1


def closes_band(findings: int, changes: int) -> int:
    """0 where one change closes 100 findings or more on average, 1 from 10, else 2."""
    each = findings / max(changes, 1)
    return next((place for place, least in enumerate(CLOSES_BANDS) if each >= least), len(CLOSES_BANDS))


def disruption(class_: str | None) -> int:
    """0 (automatic) to 4 (not known)."""
    return rule.SAFETY.index(class_) if class_ in rule.SAFETY else len(rule.SAFETY)


def changes(finding: Mapping[str, Any], control: Any, cure: Cure | None) -> tuple[int, ...]:
    """The changes that close a finding, as numbers that are equal for equal changes (in this process only).

    Of a role: the entries of its variable, or the variable itself where it is one setting of the whole target. Of a
    cure: the host's. Of anything else: one of its own.
    """
    remediation, host = control.remediation, finding["host"]
    if cure is not None:
        return (hash((host, cure.key)),)
    if remediation is None:
        return (hash((host, finding["id"])),)
    if remediation.shape == "value":
        return (hash((host, remediation.variable)),)
    entries = remediation.entries(finding)
    if not entries:  # no usable object
        return (hash((host, finding["id"])),)
    return tuple({hash((host, remediation.variable, canonical(_bare(entry)))) for entry in entries})


def _bare(entry: Mapping[str, Any]) -> dict[str, Any]:
    # the label is for people, and the control for bookkeeping: neither makes another change
    return {key: value for key, value in entry.items() if key not in ("label", "control")}


def work_id(control: str, key: str) -> str:
    """``w-`` and 16 hexadecimal digits, the same for the same piece of work in every plan."""
    return "w-" + hashlib.sha256(canonical([control, key])).hexdigest()[:16]


@dataclass(slots=True)
class Tally:
    """What some findings of one piece of work have in common."""

    findings: int = 0
    first: Grade | None = None  # the most urgent one
    level: int | None = None
    severity: str | None = None
    unconfirmed: int = 0
    kev: int = 0
    epss: float | None = None
    cvss: float | None = None
    cves: set[str] = field(default_factory=set)
    reaches: dict[str, int] = field(default_factory=dict)

    def add(self, finding: Mapping[str, Any], graded: Grade, place: str, said: Facts) -> None:
        """Count one finding."""
        self.findings += 1
        self.reaches[place] = self.reaches.get(place, 0) + 1
        if self.first is None or graded < self.first:
            self.first = graded
        if finding.get("unconfirmed"):
            self.unconfirmed += 1
        level, severity = finding["level"], finding["severity"]
        if level is not None and (self.level is None or level < self.level):
            self.level = level
        if severity != self.severity and severity in SEVERITIES:
            self.severity = min(severity, self.severity or severity, key=SEVERITIES.index)
        if said is not NOTHING:
            self.kev += said.kev
            self.epss = _most(self.epss, said.epss)
            self.cvss = _most(self.cvss, said.cvss)
            self.cves.update(said.cve)


@dataclass(slots=True)
class Work:
    """One piece of work, as findings are added to it. It stands where its open findings put it."""

    id: str
    control: Any
    cure: Cure | None
    title: dict[str, str]  # in French and English
    manual: dict[str, str] | None = None  # what to do by hand, where we have words for the rule
    open: Tally = field(default_factory=Tally)
    waived: Tally = field(default_factory=Tally)
    hosts: set[str] = field(default_factory=set)
    changes: set[int] = field(default_factory=set)
    actions: dict[str, int] = field(default_factory=dict)

    @property
    def findings(self) -> int:
        """How many there are, open or waived."""
        return self.open.findings + self.waived.findings

    @property
    def standing(self) -> Tally:
        """The findings that give it its place: the open ones, where there are any."""
        return self.open if self.open.findings else self.waived

    def add(
        self, finding: Mapping[str, Any], graded: Grade, made: tuple[int, ...], action: str, place: str, said: Facts
    ) -> None:
        """Count one finding; ``action`` as ``plan.action`` gives it, ``place`` as ``reach``."""
        self.hosts.add(finding["host"])
        self.changes.update(made)
        self.actions[action] = self.actions.get(action, 0) + 1
        (self.waived if action == "waived" else self.open).add(finding, graded, place, said)

    def place(self) -> tuple[Any, ...]:
        """The sort key among all pieces of work."""
        return (
            not self.open.findings,
            *(self.standing.first or ()),
            closes_band(self.findings, len(self.changes)),
            disruption(self.control.class_),
            len(self.changes),
            self.control.id,
            self.cure.key if self.cure else "",
        )

    def reasons(self) -> list[dict[str, Any]]:
        """Why it stands there: codes whose sentences are in ``pages_text``, most important first."""
        said, changes = self.standing, len(self.changes)
        why: list[tuple[str, Any, bool]] = [
            ("settled", None, not self.open.findings),
            ("kev", said.kev, said.kev > 0),
            ("internet", said.reaches.get("internet"), "internet" in said.reaches),
            ("level", said.level, said.level is not None),
            ("severity", said.severity, said.level is None and said.severity is not None),
            ("epss", round(said.epss or 0, 3), said.epss is not None and said.epss >= EPSS_BANDS[-1]),
            ("cvss", said.cvss, said.cvss is not None),
            ("network", said.reaches.get("network"), "network" in said.reaches),
            ("closes", round(self.findings / max(changes, 1), 1), self.findings > changes),
            ("class", self.control.class_, self.control.class_ is not None),
            ("unconfirmed", said.unconfirmed, said.unconfirmed > 0),
        ]
        return [{"code": code, "value": value} for code, value, told in why if told]

    def document(self, place: int) -> dict[str, Any]:
        """The piece of work as plan/1 has it, with its place (from 1)."""
        said = self.standing
        return {
            "id": self.id,
            "place": place,
            "control": self.control.id,
            "title": self.title,
            "cure": self.cure.text[:CURE] if self.cure else None,
            "manual": self.manual,
            "class": self.control.class_,
            "urgency": said.first.urgency if said.first else LEAST,
            "level": said.level,
            "severity": said.severity if said.level is None else None,
            "reach": next((name for name in REACHES if name in said.reaches), None),
            "kev": said.kev,
            "epss": said.epss,
            "cvss": said.cvss,
            "cves": sorted(said.cves)[:KEPT],
            "cves_total": len(said.cves),
            "findings": self.findings,
            "open": self.open.findings,
            "changes": len(self.changes),
            "hosts": sorted(self.hosts)[:KEPT],
            "hosts_total": len(self.hosts),
            "actions": dict(sorted(self.actions.items())),
            "reasons": self.reasons(),
        }


class Placed(NamedTuple):
    """A finding on the board: its piece of work, its grade, the changes that close it, what reports say of it."""

    work: Work
    grade: Grade
    changes: tuple[int, ...]
    facts: Facts


class Board:
    """All pieces of work of a plan. ``types``: source id to its type."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._cures = Cures()
        self._works: dict[tuple[str, str], Work] = {}

    def add(self, finding: Mapping[str, Any], control: Any, action: str) -> Placed:
        """Put a finding to its piece of work."""
        cure = self._cures.of(finding) if control.id.startswith(GENERIC) else None
        key = (control.id, cure.key if cure else "")
        work = self._works.get(key)
        if work is None:
            work = self._works[key] = _new(key, control, cure, finding["evidence"])
        elif cure is not None and cure is not work.cure and work.cure is not None and cure.better(work.cure):
            work.cure, work.title = cure, cure.title(CURE)
        place, said = reach(finding, self._types), facts(finding["evidence"])
        graded, made = grade(finding, place, said), changes(finding, control, cure)
        work.add(finding, graded, made, action, place, said)
        return Placed(work, graded, made, said)

    def ranked(self) -> list[Work]:
        """All pieces of work in the order to act."""
        return sorted(self._works.values(), key=Work.place)


def _new(key: tuple[str, str], control: Any, cure: Cure | None, evidence: Mapping[str, Any]) -> Work:
    if cure is None:
        return Work(work_id(*key), control, None, {"fr": control.title["fr"], "en": control.title["en"]})
    title = both_languages(evidence.get("title")) or cure.title(CURE)
    return Work(work_id(*key), control, cure, title, both_languages(evidence.get("manual")))


def _number(value: Any, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= most else None


def _most(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else max(one, other)
