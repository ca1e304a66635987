# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From one report to statements: what it says, about which host and object, for which control.

A statement is what ``merge`` joins; what no control takes becomes manual work here, never nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from . import document
from .model import Mention, Object, make_mention, make_object
from .readers import nmap, pingcastle, pingcastle_details
from .readers.nmap import NmapHandler, normal_address
from .readers.pingcastle import PingCastleHandler
from .readers.report import open_report
from .readers.xmlstream import Progress, cut


class ImportRefused(Exception):
    """What was asked for cannot be imported; the message says what and what to do."""


class Hook(Protocol):
    """One nmap matcher of the catalogue."""

    @property
    def script(self) -> str | None: ...

    @property
    def any_open_port(self) -> bool: ...

    def matches(self, *, service: str | None, port: int, scripts: Mapping[str, str]) -> bool: ...


class Control(Protocol):
    """The part of a catalogue entry that importing needs."""

    @property
    def id(self) -> str: ...

    @property
    def levels(self) -> Sequence[int]: ...

    @property
    def severity(self) -> str | None: ...

    @property
    def pingcastle(self) -> Sequence[str]: ...

    @property
    def nmap(self) -> Sequence[Any]: ...


Catalogue = Mapping[str, Any]

# A hospital's scan has some thousands of open ports, its domain some ten thousands of accounts.
MAX_STATEMENTS: Final = 500_000

# PingCastle tests another threshold, or nothing at all, in these rules: not being reported proves nothing.
NOT_A_PROOF: Final = frozenset(
    {"P-ServiceDomainAdmin", "P-ProtectedUsers", "P-AdminNum", "P-Inactive", "S-Inactive", "S-C-Inactive"}
    | {"P-DNSAdmin", "P-DNSDelegation", "A-Krbtgt", "A-NTFRSOnSysvol"}
)
# Here its population is not ANSSI's, so its objects are not taken: S-Inactive is six months without a logon, the
# control is three years of the same password and a year without authentication.
OTHER_POPULATION: Final = frozenset(("S-Inactive", "S-C-Inactive", "P-Inactive", "A-AdminSDHolder", "P-AdminNum"))

# Account lists (level Full) to the rule that they feed. The two "TrustedToAuthenticateForDelegation" lists hold the
# accounts with TRUSTED_FOR_DELEGATION (unconstrained), whatever their name says.
LISTS: Final = {
    "UserAccountData/ListPwdNeverExpires": "S-PwdNeverExpires",
    "UserAccountData/ListReversibleEncryption": "S-Reversible",
    "ComputerAccountData/ListReversibleEncryption": "S-C-Reversible",
    "UserAccountData/ListDesEnabled": "S-DesEnabled",
    "ComputerAccountData/ListDesEnabled": "S-DesEnabled",
    "UserAccountData/ListNoPreAuth": "S-NoPreAuth",
    "UserAccountData/ListEnabledTrustedToAuthenticateForDelegation": "P-UnconstrainedDelegation",
    "UserAccountData/ListDisabledTrustedToAuthenticateForDelegation": "P-UnconstrainedDelegation",
    "ComputerAccountData/ListEnabledTrustedToAuthenticateForDelegation": "P-UnconstrainedDelegation",
    "ComputerAccountData/ListDisabledTrustedToAuthenticateForDelegation": "P-UnconstrainedDelegation",
}


@dataclass(slots=True)
class Statement:
    """One thing that one source says. ``object`` is None where the source names none (PingCastle below Full)."""

    control: str
    host: str
    object: Object | None
    mention: Mention
    level: int | None = None
    severity: str | None = None
    protected: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Imported:
    """What one report gave."""

    source: dict[str, Any]
    statements: list[Statement] = field(default_factory=list)
    unmapped: list[dict[str, str]] = field(default_factory=list)
    # DN (case folded) and account name (case folded) to SID, as this source knows them
    identities: dict[str, str] = field(default_factory=dict)
    # DNS name and SID of the domain that a live audit looked at
    domains: list[str] = field(default_factory=list)

    def add(self, statement: Statement) -> None:
        """Keep a statement; refuses what no real report holds."""
        self.statements.append(statement)
        self._bound()

    def leave(self, *, rule: str, wording: str, object: str, reason: str) -> None:
        """Leave something to a person."""
        self.unmapped.append(
            {"source": self.source["id"], "rule": rule, "wording": wording, "object": object, "reason": reason}
        )
        self._bound()

    def _bound(self) -> None:
        if len(self.statements) + len(self.unmapped) > MAX_STATEMENTS:
            raise ImportRefused(
                f"{self.source['file']}: says more than {MAX_STATEMENTS} things. Split the scan, or export less"
            )


class Inventory:
    """What the inventory says of its hosts: addresses, names, domains and exposure policy.

    ``hosts`` maps an inventory host to ``{"addresses": [...], "domains": [...], "policy": [{port, protocol}]}``.
    """

    def __init__(self, hosts: Mapping[str, Mapping[str, Any]]) -> None:
        self.hosts = hosts
        self._places: dict[str, set[str]] = {}
        self._domains: dict[str, set[str]] = {}
        for name, facts in hosts.items():
            for place in facts.get("addresses") or []:
                self._places.setdefault(_place(str(place)), set()).add(name)
            for domain in [name, *(facts.get("domains") or [])]:
                self._domains.setdefault(str(domain).casefold().rstrip("."), set()).add(name)

    def find(self, host: nmap.Host) -> tuple[str | None, str]:
        """The inventory host of a scanned one, or None and why. Only addresses and typed names count: a PTR record
        says whatever its owner likes."""
        found: set[str] = set()
        for place in [*host.addresses, *host.typed_names]:
            found |= self._places.get(_place(place), set())
        if len(found) > 1:
            return None, f"its address belongs to several hosts of the inventory: {', '.join(sorted(found))}"
        return (found.pop(), "") if found else (None, "the host is not in the inventory")

    def domain(self, *names: str) -> str | None:
        """The inventory host that stands for a domain, by DNS name, NetBIOS name or SID."""
        for name in names:
            hosts = self._domains.get(name.casefold().rstrip("."), set()) if name else set()
            if len(hosts) == 1:
                return next(iter(hosts))
        return None

    def allowed(self, host: str, port: nmap.Port) -> bool:
        """Whether the exposure policy of a host lets a port stay open."""
        for rule in self.hosts[host].get("policy") or []:
            if str(rule.get("port")) == str(port.number) and str(rule.get("protocol") or "tcp") == port.protocol:
                return True
        return False


def import_report(
    path: Path,
    *,
    source_id: str,
    catalogue: Catalogue,
    inventory: Inventory,
    accept_partial: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Read one scan report. Raises ReportError (cannot be read) or ImportRefused (too much in it)."""
    report = open_report(path, accept_partial=accept_partial, progress=progress)
    records = report.records()
    first = next(records, None)
    handler = report.handler
    imported = Imported(new_source(source_id, getattr(handler, "type", "nmap"), path))
    everything = _again(first, records)
    if isinstance(handler, NmapHandler):
        _import_nmap(imported, everything, handler, catalogue, inventory)
    elif isinstance(handler, PingCastleHandler):
        _import_pingcastle(imported, everything, handler, catalogue, inventory)
    imported.source["sha256"] = report.sha256
    imported.source["partial"] = report.partial
    return imported


def new_source(source_id: str, type: str, path: Path) -> dict[str, Any]:
    """A source of findings/1, with nothing known yet."""
    return {
        "id": source_id,
        "type": type,
        "file": str(path),
        "sha256": "",
        "tool_version": None,
        "generated": None,
        "level": None,
        "covers": [],
        "targets": [],
        "partial": False,
        "unreadable": {},
        "notes": [],
    }


def _again(first: Any, rest: Iterable[Any]) -> Iterable[Any]:
    if first is not None:
        yield first
    yield from rest


def _place(text: str) -> str:
    return normal_address(text) or text.casefold().rstrip(".")


# --- nmap


def _import_nmap(
    imported: Imported, records: Iterable[nmap.Host], handler: NmapHandler, catalogue: Catalogue, inventory: Inventory
) -> None:
    scan: dict[str, dict[str, list[str]]] = {}
    hooks = [(control, hook) for control in catalogue.values() for hook in control.nmap if not hook.any_open_port]
    fallback = [control for control in catalogue.values() if any(hook.any_open_port for hook in control.nmap)]
    for host in records:
        name, reason = inventory.find(host)
        if name is None:
            _leave_host(imported, host, reason)
            continue
        seen = scan.setdefault(name, {"open": [], "undetermined": []})
        for port in host.ports:
            if port.state == "open":
                seen["open"].append(port.id)
                _import_port(imported, name, host, port, hooks, fallback, inventory)
            elif "|" in port.state or port.state in ("unknown", "unfiltered"):
                seen["undetermined"].append(port.id)
                imported.leave(
                    rule="port-undetermined",
                    wording=f"{port.id} is {port.state}",
                    object=f"{name} {port.id}",
                    reason="nmap could not tell whether this port is open",
                )
    source, info = imported.source, handler.info
    source["tool_version"], source["generated"] = info["version"], info["generated"]
    source["notes"] = [*([f"arguments: {info['arguments']}"] if info["arguments"] else []), *handler.finish()]
    source["targets"] = sorted(scan)
    source["scan"] = {
        "tried": info["tried"],
        "hosts": {
            name: {key: sorted(set(ports)) for key, ports in seen.items()} for name, seen in sorted(scan.items())
        },
    }
    ran = _Ran(info["arguments"])
    source["covers"] = sorted(
        control.id
        for control in catalogue.values()
        if control.nmap and all(hook.any_open_port or ran.can_judge(hook) for hook in control.nmap)
    )


def _leave_host(imported: Imported, host: nmap.Host, reason: str) -> None:
    opened = [port for port in host.ports if port.state == "open"]
    if opened:
        listed = ", ".join(f"{port.id}{f' ({port.service})' if port.service else ''}" for port in opened[:100])
        more = f" and {len(opened) - 100} more" if len(opened) > 100 else ""
        imported.leave(rule="open-ports", wording=f"open: {listed}{more}", object=host.label, reason=reason)


def _import_port(
    imported: Imported,
    name: str,
    host: nmap.Host,
    port: nmap.Port,
    hooks: Sequence[tuple[Any, Any]],
    fallback: Sequence[Any],
    inventory: Inventory,
) -> None:
    banner = " ".join(part for part in (port.product, port.version) if part)
    label = f"{port.id} ({port.service})" if port.service else port.id
    evidence = {
        "port": port.number,
        "protocol": port.protocol,
        "service": port.service,
        "banner": banner,
        "addresses": host.addresses[:16],
    }
    taken = False
    matched: dict[str, Any] = {
        control.id: (control, hook)
        for control, hook in hooks
        if hook.matches(service=port.service, port=port.number, scripts=port.scripts)
    }
    if not inventory.allowed(name, port):
        matched |= {control.id: (control, None) for control in fallback}
    for control, hook in matched.values():
        script = hook.script if hook is not None else None
        wording = f"{port.id} open"
        wording += f", service {port.service}" if port.service else ""
        wording += f", {banner}" if banner else ""
        more = {"script": script, "output": cut(port.scripts[script], 4000)} if script in port.scripts else {}
        imported.add(
            Statement(
                control=control.id,
                host=name,
                object=make_object(type="port", id=port.id, label=label),
                mention=make_mention(
                    source=imported.source["id"], rule=script or "open-port", wording=wording, severity=None
                ),
                level=min(control.levels) if control.levels else None,
                severity=control.severity,
                evidence=evidence | more,
            )
        )
        taken = True
    if not taken and not inventory.allowed(name, port):
        imported.leave(
            rule="open-port",
            wording=f"{label} open {banner}".strip(),
            object=f"{name} {port.id}",
            reason="no control in the catalogue",
        )


class _Ran:
    """Which parts of nmap ran, from its own command line."""

    def __init__(self, arguments: str) -> None:
        words = arguments.split()
        self.versions = any(word in ("-A", "-sV") or word.startswith("-sV") for word in words)
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


# --- PingCastle


def _import_pingcastle(
    imported: Imported,
    records: Iterable[Any],
    handler: PingCastleHandler,
    catalogue: Catalogue,
    inventory: Inventory,
) -> None:
    rules: list[pingcastle.Rule] = []
    accounts: dict[str, list[tuple[str, str, str]]] = {}
    kept = 0
    wanted = set(LISTS)
    for record in records:
        if isinstance(record, pingcastle.Rule):
            rules.append(record)
        elif isinstance(record, pingcastle.Member):
            if record.sid:
                for known in (record.dn, record.name):
                    if known:
                        imported.identities[known.casefold()] = record.sid
        elif (key := f"{record.section}/{record.list}") in wanted and (record.dn or record.name):
            kind = "computer" if record.section.startswith("Computer") else "user"
            accounts.setdefault(LISTS[key], []).append((record.dn, record.name, kind))
            kept += 1
            if kept > MAX_STATEMENTS:
                raise ImportRefused(f"{imported.source['file']}: more than {MAX_STATEMENTS} accounts in its lists")
    info, source = handler.info, imported.source
    fqdn = info.get("DomainFQDN", "").lower().rstrip(".")
    name = inventory.domain(fqdn, info.get("DomainSid", ""), info.get("NetBIOSName", ""))
    source["tool_version"] = info.get("EngineVersion") or None
    source["generated"] = _utc(info.get("GenerationDate", ""))
    source["level"] = info.get("Level") or None
    source["notes"] = handler.finish()
    if name is None:
        source["notes"].append(f"the domain {fqdn or '(unnamed)'} is not in the inventory: its findings stay manual")
    else:
        source["targets"] = [name]
    by_rule = {rule: control for control in catalogue.values() for rule in control.pingcastle}
    source["covers"] = sorted(
        control.id
        for control in catalogue.values()
        if any(rule not in NOT_A_PROOF for rule in control.pingcastle) and name is not None
    )
    for rule in rules:
        _import_rule(imported, rule, accounts.get(rule.id, []), by_rule.get(rule.id), name, fqdn)


def _import_rule(
    imported: Imported,
    rule: pingcastle.Rule,
    listed: Sequence[tuple[str, str, str]],
    control: Any,
    name: str | None,
    domain: str,
) -> None:
    if control is None or name is None:
        reason = "no control in the catalogue" if control is None else "the domain is not in the inventory"
        details = f" — {' ; '.join(rule.details[:50])}" if rule.details else ""
        imported.leave(
            rule=rule.id, wording=cut(f"{rule.rationale}{details}", 8000), object=domain or "domain", reason=reason
        )
        return
    objects: dict[str, tuple[Object, str]] = {}
    unread = 0
    if rule.id not in OTHER_POPULATION:
        for dn, short, kind in listed:
            made = _account(dn or short, short, kind)
            objects.setdefault(made["id"].casefold(), (made, rule.rationale))
        for line in rule.details:
            found = pingcastle_details.account(rule.id, line)
            if found is None:
                unread += 1
                continue
            made = _account(found, "", "user")
            # the list gives DN and name, the detail often one of them: the same account once
            same = (
                any(found.casefold() in (o["id"].casefold(), o["label"].casefold()) for o, _text in objects.values())
                if len(objects) <= 2000
                else found.casefold() in objects
            )
            if not same:
                objects[made["id"].casefold()] = (made, line)
    if unread and rule.id in pingcastle_details.LAYOUTS and rule.id not in pingcastle_details.NOT_ACCOUNTS:
        imported.source["notes"].append(f"{rule.id}: {unread} detail lines name no account for certain; kept as text")
    severity = f"{rule.points} points" if rule.points else None
    level = min(control.levels) if control.levels else None
    common: dict[str, Any] = {"control": control.id, "host": name, "level": level, "severity": control.severity}
    if not objects:
        details = f" — {' ; '.join(rule.details[:50])}" if rule.details else ""
        mention = make_mention(
            source=imported.source["id"],
            rule=rule.id,
            wording=cut(f"{rule.rationale}{details}", 8000),
            severity=severity,
        )
        imported.add(Statement(object=None, mention=mention, evidence={"domain": domain}, **common))
    for made, wording in objects.values():
        mention = make_mention(source=imported.source["id"], rule=rule.id, wording=wording, severity=severity)
        imported.add(Statement(object=made, mention=mention, **common))


def _account(identity: str, name: str, kind: str) -> Object:
    is_dn = "=" in identity and "DC=" in identity.upper()
    return make_object(type=kind, id=identity, label=name or identity, dn=identity if is_dn else None)


def _utc(text: str) -> str | None:
    """PingCastle writes local time, mostly with its offset; without one it is taken for UTC."""
    try:
        moment = datetime.datetime.fromisoformat(text)  # .NET writes seven digits of a second; Python cuts them
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- live audits


def import_audit(path: Path, *, source_id: str, catalogue: Catalogue) -> Imported:
    """Read one document of ``audit.yml`` (``audit/1``). Raises DocumentError."""
    audit = document.read(path, "audit/1")
    imported = Imported(new_source(source_id, audit["source"], path))
    source = imported.source
    source["sha256"] = document.digest_file(path)
    source["generated"] = audit["started"]
    source["targets"] = [audit["host"]]
    if audit.get("observations"):
        source["observations"] = audit["observations"]
    target = audit["target"]
    imported.domains = [str(target[key]) for key in ("dns_name", "domain_sid") if target.get(key)]
    for control, answer in sorted(audit["controls"].items()):
        if answer["state"] == "evaluated":
            source["covers"].append(control)
        else:
            source["unreadable"][control] = str(answer.get("reason") or "could not be read")
    for known in audit.get("objects") or []:
        if isinstance(known, Mapping) and known.get("sid"):
            for key in ("dn", "sam", "name", "sAMAccountName", "id"):
                if known.get(key):
                    imported.identities[str(known[key]).casefold()] = str(known["sid"])
    for finding in audit["findings"]:
        made = finding["object"]
        if made.get("sid") and made["type"] in ("user", "computer", "group"):
            for key in ("dn", "label"):
                if made.get(key):
                    imported.identities[str(made[key]).casefold()] = str(made["sid"])
        mentions = finding.get("sources") or []
        said = mentions[0] if mentions else {}
        control = finding["control"]
        entry = catalogue.get(control)
        mention = make_mention(
            source=source_id,
            rule=str(said.get("rule") or control),
            wording=str(said.get("wording") or (entry.title["fr"] if entry else control)),
            severity=said.get("severity"),
        )
        if entry is None:
            imported.leave(
                rule=control, wording=mention["wording"], object=made["label"], reason="no control in the catalogue"
            )
            continue
        imported.add(
            Statement(
                control=control,
                host=audit["host"],
                object=make_object(**{key: made.get(key) for key in ("type", "id", "label", "dn", "sid")}),
                mention=mention,
                level=finding.get("level"),
                severity=finding.get("severity"),
                protected=finding.get("protected"),
                evidence=dict(finding.get("evidence") or {}),
            )
        )
    return imported
