# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What one piece of work is, for findings that no role corrects: those that the same update or setting closes.

A scanner writes a finding for each flaw; a person updates OpenSSL once. The rule, in this order:

1. a rule that we have words for (PingCastle's): the rule;
2. the solution names a product, with or without the version to install (``Upgrade to OpenSSL version 3.0.14 or later``,
   ``Upgrade the openssl packages``): the product;
3. the title names a package and an advisory (``Debian 12 : openssl (DSA-5532-1)``) or a Windows update
   (``KB5034763: …``): the package, or Windows's cumulative updates;
4. the solution, where it says something of its own (not ``see the vendor's advisory``);
5. the title is a CVE id and nothing more: the product that the tool saw (banner or CPE);
6. the title, else the tool's rule.

Two findings of one host with the same answer are closed by one change. Only texts of the report are compared; nothing
is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

GENERIC: Final = "other_"  # controls that take what no other control takes
WINDOWS: Final = "windows cumulative update"

_SPACE: Final = re.compile(r"\s+")
_PRODUCT: Final = re.compile(
    r"(?:please )?(?:upgrade|update)(?: to)? (?:the )?(?P<what>[a-z][\w.+/ -]{1,60}?)"
    r",? (?:to )?(?:(?:version|release)s? )?v?(?P<version>\d[\w.-]*)"
)
_NAMED: Final = re.compile(
    r"(?:please )?(?:upgrade|update) (?:the )?(?:affected )?(?P<what>[a-z][\w.+-]{1,40})(?: packages?)?\.?"
)
_CVE: Final = re.compile(r"cve-\d{4}-\d{4,9}")
_BANNER: Final = re.compile(r"(?P<what>[a-z][\w+.-]{1,30}(?: [a-z][\w+.-]{1,30}){0,3})(?: v?\d[^ ]*)?(?: .*)?")
_CPE: Final = re.compile(r"cpe:(?:/|2\.3:)[aoh]:[^:\s]{1,60}:(?P<what>[\w.+-]{1,60})(?::(?P<version>[\w.+-]{0,40}))?")
_PACKAGE: Final = re.compile(
    r"[^:]{2,60} : (?P<what>[\w.+/ -]{1,60}?)(?: vulnerabilit(?:y|ies))?"
    r"(?: \((?:[a-z]{2,8}-)+\d[^\s()]*\)| - security update)"
)
_KB: Final = re.compile(r"kb\d{6,8}\b")
# Words that are no product, and solutions that say nothing of their own
_NO_PRODUCT: Final = frozenset(
    (
        *("a", "affected", "at least", "firmware", "it", "latest", "now", "package", "packages", "product", "release"),
        *("software", "the", "the latest", "version", "versions"),
    )
)
_VAGUE: Final = re.compile(
    r"$|n/?a\b|none\b|unknown|see |refer |contact |consult |no (?:known )?(?:solution|fix|mitigation)|not available"
    r"|(?:apply|install) (?:the |an? )?(?:appropriate |latest |relevant |vendor |available |recommended |security )*"
    r"(?:patch|update|fix|hotfix)"
    r"|(?:upgrade|update) (?:to )?(?:the |at least )?"
    r"(?:latest|newest|newer|version|release|v?\d|software|products?\b|it\b|now|affected packages?\b)"
    r"|vendorfix|workaround|mitigation|willnotfix|noneavailable"
)
_VERSION: Final = re.compile(r"\d+|[a-z]+")
LONGEST: Final = 4000  # of a text, all that is compared


class Cure(NamedTuple):
    """``key`` is equal for what one change closes on a host; ``version`` sorts texts of the same key (the highest one
    is shown, since it closes the others); ``text`` says it to a person; ``seen``: it is what the tool saw, and what to
    install instead is not said."""

    key: str
    version: tuple[tuple[int, int, str], ...]
    text: str
    seen: bool = False

    def better(self, other: Cure) -> bool:
        """Whether this text of the same key is the one to show: what to install, and the highest version of it."""
        return (not self.seen, self.version, self.text) > (not other.seen, other.version, other.text)

    def title(self, limit: int) -> dict[str, str]:
        """What to do, in French and English as far as it is ours to say."""
        text = self.text[:limit]
        return {"fr": f"Mettre à jour : {text}", "en": f"Update: {text}"} if self.seen else {"fr": text, "en": text}


class Cures:
    """Says the cure of findings; the same texts are looked at once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Cure | None] = {}

    def of(self, finding: Mapping[str, Any]) -> Cure:
        """The cure of a finding of a generic control."""
        evidence = finding["evidence"]
        solution, title = evidence.get("solution"), evidence.get("title")
        if isinstance(title, dict):  # ours, of a rule that we have words for: its id says more than any text
            return _by_rule(finding)
        both = (solution if isinstance(solution, str) else "", title if isinstance(title, str) else "")
        if both not in self._known:
            self._known[both] = read(*both)
        return self._known[both] or _by_product(evidence) or _by_title(both[1]) or _by_rule(finding)


def read(solution: str, title: str) -> Cure | None:
    """The cure that a solution and a title name; None where they say no more than a CVE id."""
    solution = _SPACE.sub(" ", solution[:LONGEST]).strip()
    title = _SPACE.sub(" ", title[:LONGEST]).strip()
    plain, named = solution.casefold(), title.casefold()
    found = _PRODUCT.match(plain)
    if found and (what := found["what"].strip(" ,")) not in _NO_PRODUCT:
        return Cure(f"product:{what}", _version(found["version"]), solution)
    if (found := _NAMED.fullmatch(plain)) and (what := found["what"].rstrip(".")) not in _NO_PRODUCT:
        return Cure(f"product:{what}", (), solution)
    if found := _PACKAGE.fullmatch(named):
        return Cure(f"product:{found['what']}", (), title)
    if _KB.match(named):
        return Cure(f"product:{WINDOWS}", _version(named[:10]), title)
    if " " in plain and not _VAGUE.match(plain):
        return Cure(f"solution:{plain}", (), solution)
    return None if _CVE.fullmatch(named) else _by_title(title)


def _by_title(title: str) -> Cure | None:
    title = _SPACE.sub(" ", title[:LONGEST]).strip()
    return Cure(f"title:{title.casefold()}", (), title) if title else None


def _by_product(evidence: Mapping[str, Any]) -> Cure | None:
    banner, output = evidence.get("banner"), evidence.get("output")
    if isinstance(banner, str) and (found := _BANNER.fullmatch(banner[:200].casefold())):
        return Cure(f"product:{found['what']}", (), banner[:200], seen=True)
    if isinstance(output, str) and (found := _CPE.search(output[:LONGEST].casefold())):
        name = found["what"].replace("_", " ")
        return Cure(f"product:{name}", (), f"{name} {found['version'] or ''}".strip(), seen=True)
    return None


def both_languages(value: Any) -> dict[str, str] | None:
    """A text that we give in French and English, or None where it is none."""
    if isinstance(value, dict) and isinstance(value.get("fr"), str) and isinstance(value.get("en"), str):
        return {"fr": value["fr"], "en": value["en"]}
    return None


def _by_rule(finding: Mapping[str, Any]) -> Cure:
    rule = finding["sources"][0]["rule"] if finding["sources"] else finding["object"]["id"].rpartition("/")[2]
    return Cure(f"rule:{rule}", (), str(rule))


def _version(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts 1.10 after 1.9 and 1.0.2b after 1.0.2a."""
    parts = _VERSION.findall(text)[:12]
    return tuple((1, int(part[:18]), "") if part.isdigit() else (0, 0, part) for part in parts)
