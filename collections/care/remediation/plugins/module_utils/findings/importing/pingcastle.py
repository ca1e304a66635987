# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""From PingCastle's rules and account lists to statements; a rule without control is one of ``other_directory``."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..model import Object, make_mention, make_object
from ..readers import pingcastle, pingcastle_details
from ..readers.pingcastle import PingCastleHandler
from ..readers.xmlstream import cut
from .imported import MAX_STATEMENTS, Catalogue, Imported, ImportRefused, Statement
from .inventory import NO_DOMAIN, Inventory
from .scan import OTHER_DIRECTORY

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


def import_pingcastle(
    imported: Imported,
    records: Iterable[Any],
    handler: PingCastleHandler,
    catalogue: Catalogue,
    inventory: Inventory,
    words: Mapping[str, Any],
) -> None:
    """Take one report. ``words``: what the catalogue says of the rules that no control takes (``catalogue.rules``)."""
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
        control = by_rule.get(rule.id)
        if name is None:
            imported.leave(rule=rule.id, wording=_words(rule), object=fqdn or "domain", reason=NO_DOMAIN)
        elif control is None:
            _import_other(imported, rule, catalogue[OTHER_DIRECTORY], name, words.get(rule.id))
        else:
            import_rule(imported, rule, accounts.get(rule.id, []), control, name, fqdn)


def _import_other(imported: Imported, rule: pingcastle.Rule, control: Any, name: str, words: Any) -> None:
    title = {"fr": words.title.fr, "en": words.title.en} if words is not None else rule.id
    evidence: dict[str, Any] = {"title": title}
    if words is not None:
        evidence["manual"] = {"fr": words.manual.fr, "en": words.manual.en}
    imported.add(
        Statement(
            control=control.id,
            host=name,
            object=make_object(
                type="weakness", id=f"domain/pingcastle:{rule.id}", label=words.title.fr if words else rule.id
            ),
            mention=make_mention(
                source=imported.source["id"], rule=rule.id, wording=_words(rule), severity=_points(rule)
            ),
            severity=control.severity,
            evidence=evidence,
        )
    )


def import_rule(
    imported: Imported,
    rule: pingcastle.Rule,
    listed: Sequence[tuple[str, str, str]],
    control: Any,
    name: str,
    domain: str,
) -> None:
    """One rule that a control takes, with the objects that its lists and details name for certain."""
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
    severity = _points(rule)
    level = min(control.levels) if control.levels else None
    common: dict[str, Any] = {"control": control.id, "host": name, "level": level, "severity": control.severity}
    if not objects:
        mention = make_mention(source=imported.source["id"], rule=rule.id, wording=_words(rule), severity=severity)
        imported.add(Statement(object=None, mention=mention, evidence={"domain": domain}, **common))
    for made, wording in objects.values():
        mention = make_mention(source=imported.source["id"], rule=rule.id, wording=wording, severity=severity)
        imported.add(Statement(object=made, mention=mention, **common))


def _words(rule: pingcastle.Rule) -> str:
    details = f" — {' ; '.join(rule.details[:50])}" if rule.details else ""
    return cut(f"{rule.rationale}{details}", 8000)


def _points(rule: pingcastle.Rule) -> str | None:
    return f"{rule.points} points" if rule.points else None


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
