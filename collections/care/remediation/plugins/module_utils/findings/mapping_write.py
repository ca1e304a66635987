# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The text of a proposed mapping file, with what a person must check.

What is not sure is marked ``# à vérifier / check``. Every text of the report is quoted: it becomes a key or a comment,
and nothing else. Controls are only suggested, in comments: what corrects something is a person's to say.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import mapping_words
from .decisions import quoted
from .escape import comment
from .mapping_file import SCHEMA, number, parse
from .mapping_guess import Column, Guess, numbering
from .readers import jsonstream, tables

MARK: Final = "# à vérifier / check"
MAX_VALUES: Final = 40  # of a column, that are listed
MAX_TITLES: Final = 500

_INTRODUCTION: Final = """\
# Correspondance proposée pour un rapport sans format public ; une personne la relit une fois.
# Ce qui n'est pas sûr est marqué « à vérifier ». Relancez ensuite playbooks/mapping.yml : il dit ce qu'il n'a pu lire.
# Mapping proposed for a report without public format; a person checks it once. What is not sure is marked 'check'.
# Then run playbooks/mapping.yml again: it says what it could not read. All keys: docs/readers/mapped.md"""
_MATCH: Final = """\
# À quoi ce rapport se reconnaît : tout doit y être.
# How the report is recognised: all of it must be there."""
_FIELDS: Final = """\
# Nos champs, et la colonne qui les donne.
# Our fields, and the column that gives them."""
_SEVERITIES: Final = """\
# Les gravités du rapport, et les nôtres : critical, high, medium, low, info (pour information).
# The severities of the report, and ours. * stands for any text; ">=7" compares numbers."""
_STATUS: Final = """\
# closed : corrigé, n'est pas repris. open : les autres.
# closed: corrected, not taken. open: the others."""
_RULES: Final = """\
# Règle ou intitulé vers un contrôle du catalogue : le constat devient celui du contrôle, que son rôle corrige.
# Sans cela, il reste un travail manuel. Décommentez ce qui est juste. * vaut n'importe quel texte.
# A rule or title to a control of the catalogue, whose role corrects it; else it stays manual work.
# Uncomment what is right. * stands for any text."""
_SCOPE: Final = """\
# full : un rapport ultérieur clôt ce qu'il ne dit plus d'un hôte qu'il nomme ; partial : une absence ne clôt rien.
# full: a later report closes what it no longer says of a host that it names; partial: an absence closes nothing."""


@dataclass
class Proposal:
    """A proposed mapping: its text, and what a person must look at."""

    text: str
    kind: str
    columns: list[Column]
    unsure: list[str]


class Writer:
    """Puts the text of a mapping file together."""

    def __init__(self, name: str, kind: str, report: str, controls: Collection[str]) -> None:
        self.name = name
        self.kind = kind
        self.report = report
        self.controls = controls
        self.unsure: list[str] = []
        self._columns: list[Column] = []
        self._found: dict[str, Guess] = {}
        self._match: list[str] = []
        self._shape: list[str] = []

    def fields(self, found: dict[str, Guess], columns: list[Column]) -> None:
        """What was guessed of which columns."""
        self._found, self._columns = found, columns

    def table(self, sheet: str, line: int, table: tables.Table, sheets: int) -> None:
        """Where the table stands."""
        named = [guess.columns[0] for guess in self._found.values() if guess.columns[0] in table.columns]
        # enough columns that no other table is taken for this one
        chosen = list(dict.fromkeys([*named, *(one for one in table.columns if not one.startswith("("))]))[:8]
        self._match = ["match:", "  columns:", *(f"    - {quoted(one)}" for one in chosen)]
        if sheet and sheets > 1:
            self._shape.append(f"sheet: {quoted(sheet)}")
        if table.kind == "csv":
            self._shape.append(f"delimiter: {quoted(table.delimiter)}")
        if line > 1:
            self._shape.append(
                f"# header_row: {line}   # l'en-tête est trouvé par ses colonnes / the header is found by its columns"
            )
        blank = [one for one in self._columns if one.filled and one.name in self._blanks(table)]
        if blank:
            self._shape.append(f"# fill_down: [{', '.join(quoted(one.name) for one in blank)}]   {MARK}")
            self._shape.append("#   cellules fusionnées : une case vide vaut celle du dessus / merged cells")

    def _blanks(self, table: tables.Table) -> set[str]:
        if table.kind != "xlsx":
            return set()
        most = max((one.filled for one in self._columns), default=0)
        return {
            guess.columns[0]
            for name, guess in self._found.items()
            if name in ("host", "address", "domain", "title", "rule")
            for one in self._columns
            if one.name == guess.columns[0] and one.filled <= most * 0.7
        }

    def json(self, head: jsonstream.Head, rows: str | None, each: str | None) -> None:
        """Where the rows stand."""
        if head.top == "object":
            keys = sorted(head.keys)[:8]
        else:
            keys = [key for key in sorted(head.first) if mapping_words.field_of(key)][:8] or sorted(head.first)[:8]
        self._match = ["match:", "  keys:", *(f"    - {quoted(one)}" for one in keys)]
        if not keys:
            self._match = ["match:", f"  text: [{quoted(head.text.strip()[:20])}]   {MARK}"]
        if rows:
            self._shape.append(f"rows: {quoted(rows)}")
        if each:
            self._shape.append(f"each: {quoted(each)}   # une ligne par élément / one row for each element")

    def done(self) -> Proposal:
        """The whole text, read back."""
        lines = [
            _INTRODUCTION,
            f"# Rapport / report: {comment(self.report, 90)}",
            f"schema: {SCHEMA}",
            f"name: {self.name}",
            f"kind: {self.kind}",
            "",
            _MATCH,
            *self._match,
            *self._shape,
            "",
            _FIELDS,
            *self._fields(),
            *self._severities(),
            *self._status(),
            *self._rules(),
            *self._dates(),
            "",
            _SCOPE,
            f"scope: partial   {MARK}",
        ]
        text = "\n".join(lines) + "\n"
        parse(text, path=Path(f"{self.name}.yml"))  # what is proposed can be read
        return Proposal(text, self.kind, self._columns, self.unsure)

    def _fields(self) -> Iterator[str]:
        yield "fields:"
        for name in [one for one in mapping_words.COLUMNS if one in self._found]:
            guess = self._found[name]
            if len(guess.columns) > 1:
                source = f"{{join: [{', '.join(quoted(one) for one in guess.columns)}], separator: {quoted(chr(10))}}}"
            else:
                source = quoted(guess.columns[0])
            mark = "" if guess.sure else f"   {MARK}"
            if name == "rule" and numbering(self._column(guess.columns[0])):
                yield "  # Un simple numéro de ligne change d'un rapport à l'autre : retirez alors cette ligne."
                yield "  # A mere row number changes from one report to the next: then take this line out."
                mark = f"   {MARK}"
            if mark:
                self.unsure.append(f"fields.{name}: {', '.join(guess.columns)}")
            yield f"  {name}: {source}{mark}"
        if not {"host", "address", "hostname", "domain"} & set(self._found):
            self.unsure.append("fields.host")
            yield f"  # host: ?   {MARK} : aucune colonne ne semble nommer l'hôte / no column seems to name the host"
            yield '  # domain: {constant: "chu.example"}   # si tout concerne ce domaine / all is about it'
        used = {column for guess in self._found.values() for column in guess.columns}
        rest = [one for one in self._columns if one.name not in used]
        if rest:
            yield "  # Colonnes non utilisées / columns that are not used:"
            for one in rest[:60]:
                example = next(iter(one.values), "")
                shown = f"   ({comment(example, 60)})" if example else "   (vide / empty)"
                yield f"  #   {comment(one.name, 80)}{shown}"

    def _column(self, name: str) -> Column:
        return next(one for one in self._columns if one.name == name)

    def _values(self, name: str) -> tuple[list[tuple[str, int]], bool]:
        """The values of a field, the most frequent first, and whether there are more."""
        guess = self._found.get(name)
        if guess is None:
            return [], False
        column = self._column(guess.columns[0])
        return column.values.most_common(MAX_VALUES), column.many or len(column.values) > MAX_VALUES

    def _severities(self) -> Iterator[str]:
        values, more = self._values("severity")
        if not values:
            return
        yield ""
        yield _SEVERITIES
        if more:
            self.unsure.append("severities: too many values")
            yield f"# {MARK[2:]} : trop de valeurs différentes pour être une gravité / too many values for a severity"
        numbers = [number(value) for value, _count in values if re.fullmatch(r"-?[0-9]+(?:[.,][0-9]+)?", value)]
        if len(numbers) == len(values):
            yield from self._numeric([one for one in numbers if one is not None])
            return
        yield "severities:"
        for value, count in values:
            guess = mapping_words.grade_of(value)
            if _pattern(value):
                self.unsure.append(f"severities: {value}")
                yield f"  # {_key(value)}: medium   {MARK}: * > < ?"
                continue
            times = f"# {count} fois / times"
            if guess is None:
                self.unsure.append(f"severities: {value}")
                yield f"  {_key(value)}: medium   {MARK}, {times[2:]}"
            elif guess[1]:
                yield f"  {_key(value)}: {guess[0]}   {times}"
            else:
                self.unsure.append(f"severities: {value}")
                yield f"  {_key(value)}: {guess[0]}   {MARK}, {times[2:]}"

    def _numeric(self, numbers: list[float]) -> Iterator[str]:
        self.unsure.append("severities: numbers")
        seen = ", ".join(format(one, "g") for one in sorted(set(numbers)))
        yield f"# Valeurs lues / values met: {comment(seen, 200)}"
        yield "severities:"
        top = max(numbers)
        limits = (9, 7, 4, 0) if top > 5 else (top, top - 1, top - 2, 0)
        for sign, limit, grade in zip(
            (">=", ">=", ">=", ">"), limits, ("critical", "high", "medium", "low"), strict=True
        ):
            if limit >= 0 and (limit > 0 or grade == "low"):
                yield f'  "{sign}{limit:g}": {grade}   {MARK}: 1 = le pire / the worst?'

    def _status(self) -> Iterator[str]:
        values, more = self._values("status")
        if not values or more:
            if more:
                self._found.pop("status", None)
                self.unsure.append("status: too many values")
            return
        sorted_out: dict[bool, list[str]] = {True: [], False: []}
        for value, count in values:
            is_closed, sure = mapping_words.closed(value)
            mark = f"# {count} fois / times" if sure else f"{MARK}, {count} fois / times"
            if not sure:
                self.unsure.append(f"status: {value}")
            sorted_out[is_closed].append(f"    - {quoted(value)}   {mark}")
        yield ""
        yield _STATUS
        if sorted_out[True]:
            yield "status:"
            yield "  closed:"
            yield from sorted_out[True]
            if sorted_out[False]:
                yield "  open:"
                yield from sorted_out[False]
            return
        yield f"# status:   {MARK} : aucune valeur ne semble dire « corrigé » / no value seems to say 'corrected'"
        yield "#   closed:"
        for line in sorted_out[False]:
            yield f"# {line}"

    def _rules(self) -> Iterator[str]:
        found: dict[str, str] = {}
        for name in ("title", "rule"):
            guess = self._found.get(name)
            if guess is None:
                continue
            for value, _count in self._column(guess.columns[0]).values.most_common(MAX_TITLES):
                control = mapping_words.control_of(value)
                if control and control in self.controls and not _pattern(value):
                    found.setdefault(value, control)
        yield ""
        yield _RULES
        yield "# rules:"
        for value, control in list(found.items())[:MAX_VALUES]:
            self.unsure.append(f"rules: {value}: {control}")
            yield f"#   {_key(value)}: {control}   {MARK}"
        if not found:
            yield '#   "*telnet*": expo_telnet'

    def _dates(self) -> Iterator[str]:
        columns = [self._column(self._found[name].columns[0]) for name in ("date", "first_seen") if name in self._found]
        american = sum(one.like["american"] for one in columns)
        french = sum(one.like["french"] for one in columns)
        if american and not french:
            self.unsure.append("dates: american")
            yield ""
            yield f"dates: american   {MARK} : le mois d'abord (un « jour » dépasse 12) / the month first"


def _key(value: str) -> str:
    return quoted(value)


def _pattern(value: str) -> bool:
    """Whether a value, as a key, would mean more than itself."""
    return "*" in value or value.startswith((">", "<"))
