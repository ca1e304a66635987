# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From the records of any tool to statements: which host, which control, which object.

A weakness that no control takes becomes a statement of ``other_exposure`` (or ``other_directory``), never nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..model import DIRECTORY_TYPES, Object, make_mention, make_object
from ..readers.xmlstream import cut
from ..records import HOST, INFO, PORT, Asset, Port, Record
from .imported import Catalogue, Imported, Statement, doubt
from .inventory import Inventory

OTHER_HOST: Final = "other_exposure"
OTHER_DIRECTORY: Final = "other_directory"
MAX_WORDING: Final = 8000
MAX_LISTED: Final = 100
# These look at one port of a host; the others at the whole of it
PORT_BY_PORT: Final = frozenset(("testssl", "sslyze", "ssh_audit"))
# "at most as many": what a person needs to recognise a host, and no more of what a stranger may have written
MAX_NAMES: Final = 16


class ScanImport:
    """Takes the records of one report into ``imported``; ``finish`` afterwards, with the reader's facts."""

    def __init__(self, imported: Imported, catalogue: Catalogue, inventory: Inventory) -> None:
        self.imported = imported
        self.catalogue = catalogue
        self.inventory = inventory
        self.type = imported.source["type"]
        controls = catalogue.values()
        self._hooks = [(control, hook) for control in controls for hook in control.nmap if not hook.any_open_port]
        self._fallback = [control for control in controls if any(hook.any_open_port for hook in control.nmap)]
        self._rules = {rule: control for control in controls for rule in control.rules.get(self.type, ())}
        self._ports: dict[str, dict[str, set[str]]] = {}
        # only what the reader says was looked at: a host that a scanner took for dead is named, and was not
        self._looked: set[str] = set()
        self._strangers: dict[Asset, _Stranger] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Every record of the report, one after the other."""
        for record in records:
            if record.asset is None:
                if record.kind == INFO:
                    self.imported.source["informational"] += 1
                else:
                    self._nowhere(record)
                continue
            match = self.inventory.match(record.asset)
            if match.host is None:
                if record.kind == INFO:
                    self.imported.source["informational"] += 1
                self._strangers.setdefault(record.asset, _Stranger(match.reason)).add(record)
                continue
            seen = self._ports.setdefault(match.host, {"open": set(), "undetermined": set(), "looked": set()})
            if record.port is not None:
                seen["looked"].add(record.port.id)
            if record.kind == INFO:
                self.imported.source["informational"] += 1
            if record.kind == HOST:
                self._looked.add(match.host)
            if record.kind in (HOST, INFO):
                continue
            if match.learnt is not None:
                record.facts["matched_by"] = match.learnt
            if record.kind == PORT:
                self._port(match.host, record, seen)
            else:
                self._weakness(match.host, record)

    def finish(self, info: Mapping[str, Any]) -> None:
        """Note what was looked at, and who stayed a stranger. ``info`` is the reader's."""
        source = self.imported.source
        source["tool_version"], source["generated"] = info.get("version"), info.get("generated")
        source["profile"] = info.get("profile")
        source["targets"] = sorted(self._looked)
        if info.get("arguments"):
            source["notes"].append(f"arguments: {info['arguments']}")
        if info.get("finished") not in (None, "success"):
            source["notes"].append(f"the tool itself says that it ended with: {cut(str(info['finished']), 200)}")
        whole = info.get("finished") in (None, "success")  # one that broke off has not looked at what came after
        source["closes"] = whole and bool(info.get("closes", True))
        tried = info.get("tried") or {}
        if (tried or self.type in PORT_BY_PORT) and self.type not in DIRECTORY_TYPES:
            source["scan"] = {
                "tried": tried,
                "hosts": {
                    name: {"open": sorted(seen["open"]), "undetermined": sorted(seen["undetermined"])}
                    | ({"looked": sorted(seen["looked"])} if self.type in PORT_BY_PORT else {})
                    for name, seen in sorted(self._ports.items())
                },
            }
        source["covers"] = sorted(covered(self.catalogue, self.type, info)) if self._ports else []
        source["level"] = str(info["level"]) if info.get("level") else None
        for asset, stranger in self._strangers.items():
            stranger.leave(asset, self.imported)

    def _nowhere(self, record: Record) -> None:
        self.imported.leave(
            rule=record.rule or record.kind,
            wording=_wording(record),
            object=record.place or "report",
            reason="the report names no host for it",
        )

    def _port(self, host: str, record: Record, seen: dict[str, set[str]]) -> None:
        port = record.port
        if port is None:
            return
        if port.state == "open":
            seen["open"].add(port.id)
            self._open(host, record, port)
        elif "|" in port.state or port.state in ("unknown", "unfiltered"):
            seen["undetermined"].add(port.id)
            self.imported.leave(
                rule="port-undetermined",
                wording=f"{port.id} is {port.state}",
                object=f"{host} {port.id}",
                reason="the scan could not tell whether this port is open",
            )

    def _open(self, host: str, record: Record, port: Port) -> None:
        label = f"{port.id} ({port.service})" if port.service else port.id
        matched: dict[str, Any] = {
            control.id: (control, hook)
            for control, hook in self._hooks
            if hook.matches(service=port.service, port=port.number, scripts=port.scripts)
        }
        allowed = self.inventory.allowed(host, port)
        if not allowed:
            matched |= {control.id: (control, None) for control in self._fallback}
        evidence = _evidence(record)
        banner = evidence["banner"]
        wording = f"{port.id} open"
        wording += f", service {port.service}" if port.service else ""
        wording += f", {banner}" if banner else ""
        for control, hook in matched.values():
            script = hook.script if hook is not None else None
            more = {"script": script, "output": cut(port.scripts[script], 4000)} if script in port.scripts else {}
            self._add(
                control,
                host,
                make_object(type="port", id=port.id, label=label),
                rule=script or "open-port",
                wording=wording,
                given=None,
                grade=control.severity,
                evidence=evidence | more,
            )
        if not matched and not allowed:
            self.imported.leave(
                rule="open-port",
                wording=f"{label} open {banner}".strip(),
                object=f"{host} {port.id}",
                reason="no control in the catalogue",
            )

    def _weakness(self, host: str, record: Record) -> None:
        control: Any = self.catalogue.get(record.facts.pop("control", None)) or self._rules.get(record.rule)
        directory = record.asset is not None and record.asset.domain
        other = control is None
        if other:
            control = self.catalogue[OTHER_DIRECTORY if directory else OTHER_HOST]
        level = record.facts.pop("level", None)  # ANSSI's, where the report has it: a control may stand at several
        evidence = _evidence(record)
        if other:
            made: Object | None = _weakness_object(self.type, record)
            evidence["title"] = cut(record.title or record.rule, 500)
        elif record.object is not None:
            made = record.object
        elif record.port is not None:
            label = f"{record.port.id} ({record.port.service})" if record.port.service else record.port.id
            made = make_object(type="port", id=record.port.id, label=label)
        else:
            made = None if directory else make_object(type="host", id=host)
        self._add(
            control,
            host,
            made,
            rule=record.rule,
            wording=_wording(record),
            given=record.severity,
            grade=(record.grade if control.id in (OTHER_HOST, OTHER_DIRECTORY) else None) or control.severity,
            evidence=evidence,
            level=level if level in control.levels else None,
        )

    def _add(
        self,
        control: Any,
        host: str,
        made: Object | None,
        *,
        rule: str,
        wording: str,
        given: str | None,
        grade: str | None,
        evidence: dict[str, Any],
        level: int | None = None,
    ) -> None:
        self.imported.add(
            Statement(
                control=control.id,
                host=host,
                object=made,
                mention=make_mention(source=self.imported.source["id"], rule=rule, wording=wording, severity=given),
                level=level or (min(control.levels) if control.levels else None),
                severity=grade,
                evidence=evidence,
                unconfirmed=doubt(evidence),
            )
        )


class _Stranger:
    """What a report says of a host that the inventory does not know."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.records = 0
        self.open: list[str] = []
        self.opened = 0
        self.grades: Counter[str] = Counter()
        self.rules: dict[str, None] = {}

    def add(self, record: Record) -> None:
        """Count one record."""
        if record.kind == PORT:
            if record.port is None or record.port.state != "open":
                return
            self.opened += 1
            if len(self.open) < MAX_LISTED:
                service = f" ({record.port.service})" if record.port.service else ""
                self.open.append(f"{record.port.id}{service}")
        elif record.kind not in (HOST, INFO):
            self.grades[record.grade or "ungraded"] += 1
            if len(self.rules) < MAX_LISTED:
                self.rules.setdefault(record.rule)
        else:
            return
        self.records += 1

    def leave(self, asset: Asset, imported: Imported) -> None:
        """To a person, with what they need to put the host into the inventory."""
        if not self.records:
            return
        said = []
        if self.open:
            more = f" and {self.opened - len(self.open)} more" if self.opened > len(self.open) else ""
            said.append(f"open: {', '.join(self.open)}{more}")
        if self.grades:
            listed = ", ".join(f"{count} {grade}" for grade, count in sorted(self.grades.items()))
            said.append(f"weaknesses: {listed} ({', '.join(self.rules)})")
        imported.leave(
            rule="open-ports" if self.open else "unknown-host",
            wording=cut("; ".join(said), MAX_WORDING),
            object=asset.label,
            reason=self.reason,
        )
        imported.unmatched.append(
            {
                "label": asset.label,
                "domain": asset.domain,
                "addresses": asset.addresses[:MAX_NAMES],
                "names": list(dict.fromkeys([*asset.typed_names, *asset.names]))[:MAX_NAMES],
                "records": self.records,
                "reason": self.reason,
                "source": imported.source["id"],
            }
        )


def covered(catalogue: Catalogue, type: str, info: Mapping[str, Any]) -> set[str]:
    """The controls that a report of this tool can judge: it names them itself, has rules for them, or tried ports.

    A matcher of ports without a script needs only a scan of ports; one with a script needs nmap to have run it. A
    report that does not say what it looked at (it closes nothing either) judges nothing by being silent.
    """
    scoped = bool(info.get("closes", True))
    named = {control for control in info.get("covers") or [] if control in catalogue}
    ran = Ran(str(info.get("arguments") or "")) if type == "nmap" else None
    ports = type == "nmap" or bool(info.get("tried"))
    return named | {
        control.id
        for control in catalogue.values()
        if (scoped and control.rules.get(type))
        or (
            ports
            and control.nmap
            and all(hook.script is None or (ran is not None and ran.can_judge(hook)) for hook in control.nmap)
        )
    }


class Ran:
    """Which parts of nmap ran, from its own command line."""

    def __init__(self, arguments: str) -> None:
        words = arguments.split()
        self.scripts: set[str] | None = set()  # None: categories or expressions, any script may have run
        if any(word in ("-A", "-sC") for word in words):
            self.scripts = None
        for index, word in enumerate(words):
            if word == "--script" or word.startswith("--script="):
                given = word.partition("=")[2] or (words[index + 1] if index + 1 < len(words) else "")
                names = given.strip("'\"").split(",")
                plain = all("-" in item and not any(mark in item for mark in "*( ") for item in names)
                self.scripts = None if self.scripts is None or not plain else self.scripts | set(names)

    def can_judge(self, hook: Any) -> bool:
        """Whether a port that a hook did not match was really examined for it."""
        return hook.script is None or self.scripts is None or hook.script in self.scripts


def _evidence(record: Record) -> dict[str, Any]:
    evidence = dict(record.facts)
    port = record.port
    if port is not None:
        evidence |= {
            "port": port.number,
            "protocol": port.protocol,
            "service": port.service,
            "banner": " ".join(part for part in (port.product, port.version) if part),
        }
    if record.asset is not None and not record.asset.domain:
        evidence["addresses"] = record.asset.addresses[:MAX_NAMES]
    return evidence


def _wording(record: Record) -> str:
    title, wording = record.title.strip(), record.wording.strip()
    both = f"{title} — {wording}" if title and wording and title not in wording else wording or title or record.rule
    return cut(both, MAX_WORDING)


def _weakness_object(type: str, record: Record) -> Object:
    """What a weakness without control is about: the CVE where it is one, so that several tools say one thing; else the
    tool's rule. A rule about several CVE keeps its own id: the list of them changes with each edition of the tool."""
    cves: Sequence[str] = record.facts.get("cve") or []
    what = str(cves[0]).upper() if len(cves) == 1 else f"{type}:{record.rule}"
    where = record.port.id if record.port is not None else "domain" if record.asset and record.asset.domain else "host"
    title = cut(record.title or record.rule, 200)
    about = record.object
    if about is not None:
        return make_object(
            type="weakness",
            id=f"{where}/{what}/{about['id']}",
            label=f"{about['label']} — {title}",
            dn=about["dn"],
            sid=about["sid"],
        )
    return make_object(
        type="weakness", id=f"{where}/{what}", label=f"{record.port.id} — {title}" if record.port else title
    )
