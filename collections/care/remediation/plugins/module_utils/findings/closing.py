# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What an earlier import knew, and which later report closes it.

A finding stays until a later report of the same kind and the same scope, read whole, no longer holds it: same tool,
same policy or mapping, a host that it looked at, a port that it tried, a control that it could judge. Taking a report
out of the folder closes nothing, nor does a truncated one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .importing.imported import Imported, Statement, doubt, new_source
from .model import LIVE_TYPES, Finding
from .ports import in_ranges

# These tell by a rule of theirs that it no longer holds (ADS says which control points it judged at all); the others by
# having looked at the host again.
_BY_CONTROL = LIVE_TYPES | {"nmap", "ads"}


def remember(
    previous: Mapping[str, Any] | None, imports: Sequence[Imported], *, forget: Iterable[str] = ()
) -> list[Imported]:
    """What the sources of an earlier findings/1 said that are not read again now, as imports of their own.

    A source is the same by the SHA-256 of its file (and its place in an archive). ``forget`` names files (or ``*``)
    whose findings are dropped.
    """
    if previous is None:
        return []
    present = {_identity(imported.source) for imported in imports}
    dropped = set(forget)
    known: dict[str, Imported] = {}
    number = len(imports)
    for source in previous["sources"]:
        if _identity(source) in present or "*" in dropped or source["file"] in dropped:
            continue
        number += 1
        kept = new_source(f"s{number}", source["type"], source["file"])
        kept |= {**source, "id": f"s{number}", "remembered": True, "covers": [], "unreadable": {}}
        known[source["id"]] = Imported(kept)
    if not known:
        return []
    for finding in previous["findings"]:
        for mention in finding["sources"]:
            imported = known.get(mention["source"])
            if imported is not None:
                imported.statements.append(_again(finding, mention | {"source": imported.source["id"]}))
    for entry in previous["unmapped"]:
        if entry["source"] in known and not _told_again(entry, known[entry["source"]].source, imports):
            imported = known[entry["source"]]
            imported.unmapped.append(entry | {"source": imported.source["id"]})
    for host in previous.get("unmatched", []):
        if host["source"] in known:
            imported = known[host["source"]]
            imported.unmatched.append(host | {"source": imported.source["id"]})
    return list(known.values())


def still_closed(previous: Mapping[str, Any] | None, imports: Sequence[Imported]) -> list[dict[str, Any]]:
    """What reports that are still there have closed before: told until they go, so that the same import again says the
    same, and a plan made later learns of it."""
    if previous is None:
        return []
    now = {_identity(imported.source): imported.source["id"] for imported in imports}
    known = {source["id"]: _identity(source) for source in previous["sources"]}
    return [
        {**one, "by": now[known[one["by"]]]}
        for one in previous.get("closed", [])
        if one["by"] in known and known[one["by"]] in now
    ]


def _told_again(entry: Mapping[str, str], said: Mapping[str, Any], imports: Sequence[Imported]) -> bool:
    """Whether a later scan of the same tool looked at the port that an earlier one could not tell about."""
    return entry["rule"] == "port-undetermined" and any(
        imported.source["type"] == said["type"]
        and (imported.source["generated"] or "") > (said["generated"] or "")
        and entry["object"].partition(" ")[0] in imported.source["targets"]
        for imported in imports
    )


def _identity(source: Mapping[str, Any]) -> tuple[str, str]:
    return source["sha256"], source["file"].partition("!")[2]


def _written_again(source: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """Whether a file is the same scan as an earlier content of it: exported again, or put right."""
    same = source["file"] == said["file"] and source["generated"] == said["generated"]
    return same and bool(said.get("remembered")) and source["sha256"] != said["sha256"]


def _again(finding: Finding, mention: dict[str, Any]) -> Statement:
    return Statement(
        control=finding["control"],
        host=finding["host"],
        object=finding["object"],
        mention=mention,
        level=finding["level"],
        severity=finding["severity"],
        protected=finding["protected"],
        evidence=finding["evidence"],
        # what a live audit did not bear out is judged anew; what the report's own evidence leaves in doubt stays so
        unconfirmed=doubt(finding["evidence"]) if finding["unconfirmed"] else None,
    )


class Closing:
    """Which mentions of findings a later source takes back."""

    def __init__(self, sources: Sequence[Mapping[str, Any]]) -> None:
        self._sources = {source["id"]: source for source in sources}
        # (type, host) to the sources that looked at that host, of which only a later one can close
        self._later: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for source in sources:
            if source["partial"] or source.get("remembered") or not source["generated"]:
                continue
            for host in source["targets"]:
                self._later.setdefault((source["type"], host), []).append(source)

    def closer(self, finding: Finding, mention: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The source that looked again, later and at the same scope, and does not say it any more; None if there is
        none."""
        said = self._sources[mention["source"]]
        later = self._later.get((said["type"], finding["host"]))
        if not later or not said["generated"]:
            return None
        there = {one["source"] for one in finding["sources"]}
        for source in later:
            if (
                source["id"] not in there
                and (source["generated"] > said["generated"] or _written_again(source, said))
                and source.get("profile") == said.get("profile")
                and source.get("closes", True)
                and self._looked(source, finding)
            ):
                return source
        return None

    def superseded(self, finding: Finding, mention: Mapping[str, Any]) -> bool:
        """Whether a file that is no longer there says what a later report of the same tool says too: one of them
        is enough, or findings would name every scan there ever was."""
        said = self._sources[mention["source"]]
        return bool(said.get("remembered")) and any(
            not one.get("remembered") and one["type"] == said["type"]
            and (one["generated"] or "") >= (said["generated"] or "")
            for one in (self._sources[other["source"]] for other in finding["sources"])
        )  # fmt: skip

    def _looked(self, source: Mapping[str, Any], finding: Finding) -> bool:
        """Whether a later source examined what an earlier one said."""
        scan = source.get("scan")
        number, protocol = finding["evidence"].get("port"), finding["evidence"].get("protocol")
        if scan is not None and isinstance(number, int):
            port = f"{protocol}/{number}"
            seen = scan["hosts"].get(finding["host"])
            if seen is None:
                return False
            if "looked" in seen:
                return port in seen["looked"]
            if not in_ranges(number, scan["tried"].get(protocol, "")) or port in seen["undetermined"]:
                return False
            if port not in seen["open"]:
                return True
        if source["type"] in _BY_CONTROL:
            return finding["control"] in source["covers"]
        return True  # the same tool, with the same policy, at the same host: its rule would have said it
