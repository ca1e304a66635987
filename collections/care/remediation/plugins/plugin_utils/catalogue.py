# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The catalogue of controls: loaded once, each file validated, on the control node.

``load()`` gives every control; ``Control.entries(finding)`` turns a finding into what the role variable takes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from ansible_collections.care.remediation.plugins.module_utils import schema
from ansible_collections.care.remediation.plugins.plugin_utils.expressions import compiled

try:
    from jmespath.exceptions import JMESPathError

    MISSING: str | None = None
except ImportError as error:  # said when the catalogue is first read
    MISSING = error.name

COLLECTION = Path(__file__).resolve().parents[2]
DIRECTORY = COLLECTION / "catalogue"
EDITION = DIRECTORY / "anssi" / "edition.yml"
OBSERVATIONS = DIRECTORY / "anssi" / "observations.yml"
RULES = DIRECTORY / "rules"


class CatalogueError(Exception):
    """A file of the catalogue is wrong; the message names the file and the place in it."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    fr: str
    en: str

    def __getitem__(self, language: str) -> str:
        """`fr` or `en`; another language is a KeyError."""
        if language not in ("fr", "en"):
            raise KeyError(language)
        return str(getattr(self, language))


@dataclass(frozen=True, slots=True)
class NmapHook:
    """How an open port of an nmap report shows this control (see ``schemas/catalogue-1.json``)."""

    service: tuple[str, ...] = ()
    port: tuple[int, ...] = ()
    script: str | None = None
    output_regex: str | None = None
    any_open_port: bool = False

    def matches(self, *, service: str | None, port: int, scripts: Mapping[str, str]) -> bool:
        """Whether a port matches; ``scripts`` maps the ids of the scripts that ran on it to their output.

        Never true for the ``any_open_port`` fallback: only the exposure policy decides that one.
        """
        if self.any_open_port:
            return False
        if (self.service or self.port) and service not in self.service and port not in self.port:
            return False
        if self.script is None:
            return True
        output = scripts.get(self.script)
        if output is None:
            return False
        return self.output_regex is None or re.search(self.output_regex, output) is not None


@dataclass(frozen=True, slots=True)
class Remediation:
    """Which variable of which role takes the findings of a control, and how."""

    role: str
    variable: str
    entry: Mapping[str, str] | None = None
    each: str | None = None
    merge: tuple[str, str] | None = None
    value: int | bool | str | None = None

    @property
    def shape(self) -> str:
        """`list` (``entries``), `dict` (``entries``, each one key) or `value` (``value``)."""
        if self.entry is not None:
            return "list"
        return "dict" if self.merge is not None else "value"

    def entries(self, finding: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What this finding adds to the variable; empty for shape `value` or where it names no usable object.

        A finding that lacks a fact that the variable needs (a report without objects) adds nothing: half an
        entry would make a role act on something that nobody named.
        """
        scope: dict[str, Any] = {
            "object": finding.get("object") or {},
            "evidence": finding.get("evidence") or {},
            "control": finding.get("control"),  # for a variable that several controls fill
        }
        if self.merge is not None:
            key, value = (compiled(expression)(scope) for expression in self.merge)
            return [] if key is None or value is None else [{str(key): value}]
        if self.entry is None:
            return []
        items = [None] if self.each is None else (compiled(self.each)(scope) or [])
        entries = []
        for item in items:
            scope["each"] = item
            entries.append({name: compiled(expression)(scope) for name, expression in self.entry.items()})
        return [entry for entry in entries if all(value not in (None, "", []) for value in entry.values())]


@dataclass(frozen=True, slots=True)
class Control:
    """One control: its texts, the reports that name it, its correction."""

    id: str
    family: str
    class_: str
    levels: tuple[int, ...]
    severity: str | None
    title: Text
    why: Text
    manual: Text
    effect: Text
    reference: str
    pingcastle: tuple[str, ...]
    nmap: tuple[NmapHook, ...]
    rules: Mapping[str, tuple[str, ...]]
    remediation: Remediation | None
    thresholds: Mapping[str, float] = field(default_factory=dict)


Catalogue = Mapping[str, Control]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of an audit tool that no control takes: what a person does about it. ``control`` is None."""

    id: str
    title: Text
    manual: Text
    control: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """A warning or an information point: published beside the scored controls, it does not change the level.

    ``levels`` are indicative; ``unexamined`` says why it is not looked for, None when it is.
    """

    id: str
    levels: tuple[int, ...]
    title: Text
    why: Text
    thresholds: Mapping[str, float]
    unexamined: Text | None

    @property
    def kind(self) -> str:
        """`warning` or `info`."""
        return self.id.partition("_")[0]


@dataclass(frozen=True, slots=True)
class Edition:
    """The list of control points that the catalogue follows. ``scored``: control id to its ANSSI levels."""

    title: Text
    year: int
    revision: int
    scored: Mapping[str, tuple[int, ...]]
    observations: Mapping[str, Observation]

    @property
    def version(self) -> str:
        """Year of the list and revision of our data for it, for instance ``2026.1``."""
        return f"{self.year}.{self.revision}"


def parse(document: Any, *, name: str) -> Control:
    """A control from the content of its file ``name`` (with or without folder); CatalogueError where it is wrong."""
    _check(document, "catalogue-1", name)
    if Path(name).stem != document["id"]:
        raise CatalogueError(f"{name}: the file must be named {document['id']}.yml, after its id")
    for hook in document["reports"]["nmap"]:
        try:
            re.compile(hook.get("output_regex", ""))
        except re.error as exc:
            raise CatalogueError(f"{name}: reports/nmap: {hook['output_regex']!r} is no expression: {exc}") from exc
    raw = document["remediation"]
    remediation = None
    if raw is not None:
        merge = (raw["merge"]["key"], raw["merge"]["value"]) if "merge" in raw else None
        for expression in [*raw.get("entry", {}).values(), *(merge or ()), *([raw["each"]] if "each" in raw else [])]:
            try:
                compiled(expression)
            except JMESPathError as exc:
                raise CatalogueError(
                    f"{name}: remediation: {expression!r} is not a JMESPath expression: {exc}"
                ) from exc
        remediation = Remediation(
            role=raw["role"],
            variable=raw["variable"],
            entry=MappingProxyType(dict(raw["entry"])) if "entry" in raw else None,
            each=raw.get("each"),
            merge=merge,
            value=raw.get("value"),
        )
    return Control(
        id=document["id"],
        family=document["family"],
        class_=document["class"],
        levels=tuple(document.get("levels", ())),
        severity=document.get("severity"),
        title=Text(**document["title"]),
        why=Text(**document["why"]),
        manual=Text(**document["manual"]),
        effect=Text(**document["effect"]),
        reference=document["reference"],
        pingcastle=tuple(document["reports"]["pingcastle"]),
        nmap=tuple(
            NmapHook(
                service=tuple(hook.get("service", ())),
                port=tuple(hook.get("port", ())),
                script=hook.get("script"),
                output_regex=hook.get("output_regex"),
                any_open_port=hook.get("any_open_port", False),
            )
            for hook in document["reports"]["nmap"]
        ),
        rules=MappingProxyType({tool: tuple(ids) for tool, ids in document["reports"].get("rules", {}).items()}),
        remediation=remediation,
        thresholds=MappingProxyType(dict(document.get("thresholds", {}))),
    )


def thresholds(catalogue: Catalogue) -> dict[str, dict[str, float]]:
    """The thresholds of every control that has some, as ``Snapshot.thresholds`` takes them."""
    return {control.id: dict(control.thresholds) for control in catalogue.values() if control.thresholds}


def for_audit() -> dict[str, Any]:
    """What ``directory_audit`` judges by, as its option ``catalogue`` takes it: plain values only."""
    controls, followed = load(), edition()
    return {
        "version": followed.version,
        "thresholds": thresholds(controls)
        | {each.id: dict(each.thresholds) for each in followed.observations.values() if each.thresholds},
        "scored": {control: list(levels) for control, levels in followed.scored.items()},
        "classes": {control.id: control.class_ for control in controls.values() if control.levels},
        "observations": {
            each.id: each.unexamined.en if each.unexamined else None for each in followed.observations.values()
        },
    }


@functools.cache
def edition(path: Path = EDITION, observations: Path = OBSERVATIONS) -> Edition:
    """The edition that the catalogue follows; CatalogueError where one of its two files is wrong."""
    document = _yaml(path)
    _check(document, "catalogue-edition-1", str(path))
    return Edition(
        title=Text(**document["title"]),
        year=document["edition"],
        revision=document["revision"],
        scored=MappingProxyType({control: tuple(levels) for control, levels in document["scored"].items()}),
        observations=_observations(observations),
    )


def _observations(path: Path) -> Mapping[str, Observation]:
    document = _yaml(path)
    _check(document, "catalogue-observations-1", str(path))
    reasons = {name: Text(**text) for name, text in document["reasons"].items()}
    found = {}
    for id_, raw in sorted(document["observations"].items()):
        reason = raw.get("unexamined")
        if reason is not None and reason not in reasons:
            raise CatalogueError(f"{path}: observations/{id_}/unexamined: there is no reason {reason}")
        found[id_] = Observation(
            id=id_,
            levels=tuple(raw.get("levels", ())),
            title=Text(**raw["title"]),
            why=Text(**raw["why"]),
            thresholds=MappingProxyType(dict(raw.get("thresholds", {}))),
            unexamined=None if reason is None else reasons[reason],
        )
    return MappingProxyType(found)


@functools.cache
def load(directory: Path = DIRECTORY) -> Catalogue:
    """All controls by id, in the order of their ids; cached for the life of the process.

    Raises CatalogueError for a file that cannot be read, is not YAML or breaks the schema, for an empty
    catalogue, and for a PingCastle rule that two controls claim.
    """
    controls: dict[str, Control] = {}
    rules: dict[str, str] = {}
    for path in sorted(directory.glob("*.yml")):
        control = parse(_yaml(path), name=str(path))
        for rule in control.pingcastle:
            if rule in rules:
                raise CatalogueError(f"{path}: PingCastle rule {rule} already belongs to {rules[rule]}")
            rules[rule] = control.id
        controls[control.id] = control
    if not controls:
        raise CatalogueError(f"{directory}: no control found there")
    return MappingProxyType(controls)


@functools.cache
def rules(tool: str, directory: Path = RULES) -> Mapping[str, Rule]:
    """The rules of a tool (type of report) that no control takes, by id; empty where nothing is written about them.

    Raises CatalogueError where the file is wrong.
    """
    path = directory / f"{tool}.yml"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", tool) or not path.is_file():
        return MappingProxyType({})
    document = _yaml(path)
    _check(document, "catalogue-rules-1", str(path))
    if document["tool"] != tool:
        raise CatalogueError(f"{path}: the file must be named {document['tool']}.yml, after its tool")
    return MappingProxyType(
        {
            id_: Rule(id=id_, title=Text(**raw["title"]), manual=Text(**raw["manual"]))
            for id_, raw in document["rules"].items()
        }
    )


def by_pingcastle_rule(catalogue: Catalogue) -> dict[str, Control]:
    """PingCastle rule id to its control."""
    return {rule: control for control in catalogue.values() for rule in control.pingcastle}


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise CatalogueError(f"{path}: cannot be read as YAML: {exc}") from exc


def _check(document: Any, name_of_schema: str, name: str) -> None:
    if MISSING is not None:
        raise CatalogueError(f"the control node lacks the Python library {MISSING}: pip install 'jmespath>=1'")
    try:
        found = schema.problems(document, name_of_schema)
    except schema.MissingLibrary as error:
        raise CatalogueError(str(error)) from error
    if found:
        raise CatalogueError(f"{name}: {found[0].path or 'the whole file'}: {found[0].reason}")
