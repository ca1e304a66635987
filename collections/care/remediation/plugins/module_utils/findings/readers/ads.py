# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""ADS-Open's ``report.json`` (versions 1.0 to 1.5): ANSSI's control points, judged from an ORADAD dump.

ANSSI's own ADS service has no documented export; a report of this shape (Domain, Controls with Id, Status, Levels) is
read whoever wrote it. PowerShell writes it: UTF-8 with or without a mark, arrays sometimes as objects with ``value``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from ..model import make_object
from ..records import HOST, INFO, WEAKNESS, Asset, Record, Skipped, new_info
from . import jsonstream, jsonvalues
from .anssi import GRADES, common_name, domain_of_dn, is_sid, point
from .errors import ReportError
from .jsonstream import Head
from .xmlstream import cut

PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_EVALUATED: Final = "not_evaluated"
STATES: Final = {"passed": PASSED, "failed": FAILED, "notevaluated": NOT_EVALUATED}
MAX_CONTROLS: Final = 2_000
MAX_FACTS: Final = 40
_HEADER: Final = ("Product", "Version", "GeneratedAt", "Domain", "OradadVersion", "Score")
# Windows PowerShell 5.1 may write an array as {"value": […], "Count": n}
_LISTS: Final = ("Controls.item", "Controls.value.item", "Advisories.item", "Advisories.value.item")
# Names of a finding's fields, folded: who holds a right over what
_RIGHT: Final = frozenset({"targetdn", "right"})
# Characters of dSHeuristics by their name (MS-ADTS 6.1.1.2.4.1.2), to the position that names the setting
_HEURISTICS: Final = {
    "flistobject": 3,
    "fldapblockanonops": 7,
    "fallowanonnspi": 8,
    "dwadminsdexmask": 16,
    "donotverifyupnandorspnuniqueness": 21,
    "attributeauthorizationonldapadd": 28,
    "blockownerimplicitrights": 29,
    "disableconfidentialattributeencryptionrequirements": 31,
}
# What says that the object is no account, whatever else is there
_NO_ACCOUNT: Final = frozenset({"trustpartner", "dnsallowdynamic", "dc", "subject", "admincontextmenu", "setting"})


class AdsReader:
    """Gives a record for each object of a failed control point, one without object where it names none."""

    type: Final = "ads"

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.skipped = Skipped()
        self.info = new_info(covers=[]) | {PASSED: [], FAILED: [], NOT_EVALUATED: []}
        self._header: dict[str, Any] = {}
        self._asset = Asset(domain=True)
        self._begun = False
        self._controls = 0
        self._seen: set[str] = set()

    @staticmethod
    def recognise(head: Head) -> bool:
        """Whether the file begins as such a report."""
        if head.top != "object" or "Domain" not in head.keys:
            return False
        return "ADS-Open" in head.text[:4096] or ("Controls" in head.keys and '"FailedLevels"' in head.text)

    def records(self, stream: BinaryIO) -> Iterator[Record]:
        """Every record, in the file's order. Raises ReportError."""
        try:
            for place, value in jsonstream.items(stream, [*_HEADER, *_LISTS], self.skipped, self.notes):
                if place in _LISTS[:2]:
                    yield from self._begin(stream)
                    yield from self._control(value)
                elif place in _LISTS:
                    yield from self._begin(stream)
                    yield from self._advisory(value)
                else:
                    self._header[place] = value
        finally:
            self._about()
        yield from self._begin(stream)
        self._end()

    def _begin(self, stream: BinaryIO) -> Iterator[Record]:
        if self._begun:
            return
        self._begun = True
        domain = jsonvalues.text(self._header.get("Domain"), 255).rstrip(".")
        if not domain:
            raise ReportError(
                getattr(stream, "name", "the report"),
                "does not say, before its Controls, which domain it is about (Domain)",
            )
        self._asset.typed_names.append(domain.lower())
        yield Record(HOST, self._asset)

    def _about(self) -> None:
        """What the report says of itself, wherever in it."""
        header, info = self._header, self.info
        info["version"] = jsonvalues.text(header.get("Version"), 40) or None
        info["generated"] = jsonvalues.moment(header.get("GeneratedAt"))
        if info["generated"] is None:
            self.notes.append("GeneratedAt is missing or no date: nobody can tell whether it is later than another one")
        oradad = jsonvalues.text(header.get("OradadVersion"), 40)
        if oradad:
            info["arguments"] = f"ORADAD {oradad}"
        score = jsonvalues.mapping(header.get("Score"))
        level = _level(score.get("Level"))
        if level is not None:
            info["level"] = level
        product = jsonvalues.text(header.get("Product"), 100)
        if product and product != "ADS-Open":
            self.notes.append(f"written by {product}, in the shape of ADS-Open")
        info["covers"] = sorted({*info[PASSED], *info[FAILED]})
        if self.skipped.count:
            info["closes"] = False  # what could not be read may be what an earlier report said

    def _end(self) -> None:
        info = self.info
        for state in (PASSED, FAILED, NOT_EVALUATED):
            info[state].sort()
        info["finished"] = "success"
        self.notes.append(
            f"control points: {len(info[FAILED])} failed, {len(info[PASSED])} passed, "
            f"{len(info[NOT_EVALUATED])} not evaluated"
        )

    # --- one control point

    def _control(self, value: Any) -> Iterator[Record]:
        self._controls += 1
        where = f"Controls, number {self._controls}"
        if self._controls > MAX_CONTROLS:
            self.skipped.add(where, f"more than {MAX_CONTROLS} control points: no report has so many")
            return
        control = jsonvalues.mapping(value)
        named = jsonvalues.text(control.get("Id"), 120)
        where = f"{where} ({named})" if named else where
        known = point(named)
        rule = known[0] if known else named
        state = STATES.get(jsonvalues.text(control.get("Status"), 60).replace(" ", "").replace("_", "").lower())
        if not rule:
            self.skipped.add(where, "it has no Id")
            return
        if state is None:
            said = cut(str(control.get("Status")), 60)
            self.skipped.add(
                where,
                f"its Status is {said!r}: Passed, Failed and NotEvaluated are known",
            )
            return
        if rule in self._seen:
            self.skipped.add(where, "this control point is there twice; the first one counts")
            return
        self._seen.add(rule)
        if known:
            self.info[state].append(rule)
        if state == FAILED:
            yield from self._failed(rule, control, where, known[1] if known else None)
        else:
            yield Record(
                INFO,
                self._asset,
                rule=rule,
                title=jsonvalues.text(control.get("Title")),
                severity=jsonvalues.text(control.get("Status"), 60),
                place=where,
            )

    def _failed(self, rule: str, control: Mapping[str, Any], where: str, named: int | None) -> Iterator[Record]:
        failed = _levels(control.get("FailedLevels")) or _levels(control.get("Levels")) or ([named] if named else [])
        level = min(failed, default=None)
        title = jsonvalues.text(control.get("Title"))
        advice = jsonvalues.text(control.get("Recommendation"), jsonvalues.MAX_LONG)
        common: dict[str, Any] = {"rule": rule, "title": title, "severity": ", ".join(map(str, failed)) or None}
        shared = {"control": rule if point(rule) else None, "solution": advice}
        findings = _array(control.get("Findings"))
        if findings is None:
            self.skipped.add(where, "its Findings are no list; the control point itself is kept")
            findings = []
        said = jsonvalues.number(control.get("FindingCount"), 0, 10**9)
        if said is not None and int(said) > len(findings):
            self.notes.append(f"{rule}: the report counts {int(said)} findings and holds {len(findings)}")
        given = 0
        for number, finding in enumerate(findings, start=1):
            if not isinstance(finding, dict) or not finding:
                self.skipped.add(f"{where}, finding {number}", "it says nothing that can be read")
                continue
            made, facts, own = _object(finding)
            at = own or level
            given += 1
            yield Record(
                WEAKNESS,
                self._asset,
                wording=_worded(finding),
                grade=GRADES.get(at) if at else None,
                object=made,
                facts=jsonvalues.kept({**shared, "level": at, **facts}),
                place=f"{where}, finding {number}",
                **common,
            )
        if not given:
            yield Record(
                WEAKNESS,
                self._asset,
                wording=title,
                grade=GRADES.get(level) if level else None,
                facts=jsonvalues.kept({**shared, "level": level}),
                place=where,
                **common,
            )

    # --- warnings and information points: they never count for the level

    def _advisory(self, value: Any) -> Iterator[Record]:
        advisory = jsonvalues.mapping(value)
        rule = jsonvalues.text(advisory.get("Id"), 120)
        if not rule:
            self.skipped.add("Advisories", "an entry has no Id")
            return
        count = jsonvalues.number(advisory.get("FindingCount"), 0, 10**9)
        yield Record(
            INFO,
            self._asset,
            rule=rule,
            title=jsonvalues.text(advisory.get("Title")),
            wording=jsonvalues.text(advisory.get("ResultSummary"), jsonvalues.MAX_LONG),
            severity=jsonvalues.text(advisory.get("Status"), 60) or None,
            facts=jsonvalues.kept({"count": int(count) if count is not None else None}),
            place=f"Advisories ({rule})",
        )


def _array(value: Any) -> list[Any] | None:
    """An array, also as Windows PowerShell 5.1 may write it: ``{"value": […], "Count": n}``, or its only element."""
    if isinstance(value, dict):
        return value["value"] if isinstance(value.get("value"), list) else [value]
    if value is None:
        return []
    return value if isinstance(value, list) else None


def _level(value: Any) -> int | None:
    found = jsonvalues.number(value, 1, 5)
    return int(found) if found is not None and found == int(found) else None


def _levels(value: Any) -> list[int]:
    listed = _array(value) if isinstance(value, list | dict) else [value]
    return sorted({level for item in listed or [] if (level := _level(item)) is not None})


def _folded(finding: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a finding by lower-cased name: ADS-Open writes ``dn`` and ``Dn``."""
    return {name.lower(): text for name, value in finding.items() if (text := jsonvalues.text(value, 2048))}


def _object(finding: Mapping[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any], int | None]:
    """What a finding is about (None where it names no object), its facts, and a level of its own."""
    texts = _folded(finding)
    facts: dict[str, Any] = {"report": dict(list(texts.items())[:MAX_FACTS])}
    own = _level(texts.get("level"))
    if texts.keys() >= _RIGHT:
        facts["inherited"] = finding.get("Inherited") is True or texts.get("inherited", "").lower() == "true"
        return _entry(texts, facts), facts, own
    dn = texts.get("dn") or texts.get("memberdn") or ""
    sam = texts.get("samaccountname", "")
    sid = texts.get("objectsid", "")
    if not is_sid(sid):
        sid = ""
    if not (dn or sam or sid):
        return None, facts, own
    position = _HEURISTICS.get(texts.get("setting", "").lower())
    if position is not None:
        facts |= {"position": position, "value": texts.get("value")}
        name = f"dSHeuristics/{position}"
        return make_object(type="setting", id=name, label=f"{name} ({texts['setting']})", dn=dn or None), facts, own
    if not sam and not sid and dn.lower().startswith("dc=") and (domain := domain_of_dn(dn)):
        return make_object(type="domain", id=domain, dn=dn), facts, own
    kind = "object"
    if not texts.keys() & _NO_ACCOUNT and (sam or sid or "useraccountcontrol" in texts):
        kind = "group" if "member" in texts else "computer" if sam.endswith("$") else "user"
    label = sam or common_name(dn) or sid
    identity = sid or dn or sam
    part = texts.get("setting") or texts.get("subject") or texts.get("reason") if kind == "object" else None
    if part:
        identity, label = f"{identity}#{part}", f"{label} : {part}"
    return (
        make_object(type=kind, id=cut(identity, 4096), label=cut(label, 500), dn=dn or None, sid=sid or None),
        facts,
        own,
    )


def _entry(texts: Mapping[str, str], facts: dict[str, Any]) -> dict[str, Any]:
    """A right that someone holds over something: the same trustee over the same object is one entry."""
    target, sid, source = texts["targetdn"], texts.get("sourcesid", ""), texts.get("sourcedn", "")
    trustee = common_name(source) if source else sid
    listed = [right.strip() for right in texts["right"].split(",") if right.strip()]
    facts |= {"object": target, "trustee": trustee, "trustee_sid": sid or None, "rights": listed[:50]}
    return make_object(
        type="ace",
        id=cut(f"{target.casefold()}#{sid or source.casefold()}", 4096),
        label=cut(f"{trustee} : {texts['right']} ({common_name(target)})", 500),
        dn=target,
        sid=sid if is_sid(sid) else None,
    )


def _worded(finding: Mapping[str, Any]) -> str:
    said = [f"{name}: {text}" for name, value in finding.items() if (text := jsonvalues.text(value, 1000))]
    return cut("; ".join(said), jsonvalues.MAX_LONG)
