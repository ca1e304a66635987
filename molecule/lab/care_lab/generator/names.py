# Copyright: (c) 2026, care.remediation contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of people who do not exist, departments of a hospital that does not exist, and names made to hurt."""

from __future__ import annotations

import random
import unicodedata

FIRST = (
    "Adèle",
    "Agnès",
    "Alban",
    "Amélie",
    "Anaïs",
    "André",
    "Benoît",
    "Camille",
    "Cécile",
    "Chloé",
    "Clément",
    "Cyprien",
    "Damien",
    "Éléonore",
    "Élodie",
    "Émile",
    "Étienne",
    "Fanny",
    "Françoise",
    "Gaëlle",
    "Hélène",
    "Inès",
    "Jérôme",
    "Joël",
    "Léa",
    "Loïc",
    "Maëlle",
    "Margaux",
    "Mathéo",
    "Noémie",
    "Océane",
    "Quentin",
    "Raphaël",
    "Rémi",
    "Salomé",
    "Sébastien",
    "Solène",
    "Théo",
    "Valérie",
    "Zoé",
)
# Syllables, so that a surname is nobody's in particular.
HEAD = (
    "Bar",
    "Bel",
    "Bru",
    "Car",
    "Chan",
    "Cor",
    "Dau",
    "Fau",
    "Fer",
    "Gar",
    "Gué",
    "Hau",
    "Lar",
    "Lé",
    "Mar",
    "Mon",
    "Nau",
    "Or",
    "Pel",
    "Quin",
    "Rou",
    "Sau",
    "Tar",
    "Val",
    "Ver",
    "Vi",
)
MIDDLE = ("be", "chi", "da", "fré", "gne", "li", "lo", "mi", "na", "ra", "ro", "sé", "ta", "ti", "va")
TAIL = (
    "bert",
    "çon",
    "det",
    "don",
    "gnac",
    "lier",
    "mont",
    "nel",
    "quet",
    "rand",
    "ret",
    "rin",
    "sson",
    "tel",
    "tin",
    "val",
    "vry",
    "zac",
)

# Apostrophes, accents, a comma, an ampersand and brackets: what an OU of a French hospital is called.
DEPARTMENTS = (
    "Pôle d'imagerie médicale",
    "Urgences",
    "Réanimation",
    "Pharmacie à usage intérieur",
    "Bloc opératoire",
    "Gynécologie-obstétrique",
    "Pédiatrie",
    "Cardiologie",
    "Laboratoire & biologie",
    "Gériatrie",
    "Bureau des entrées",
    "Direction générale",
    "Achats, logistique et travaux",
    "Direction du système d'information",
)
IT_DEPARTMENT = DEPARTMENTS[-1]

# (cn, sAMAccountName, description). A tool that evaluates one of these has a hole.
HOSTILE = (
    ("{{ 7 * 7 }} Essai", "{{7-7}}", "{% for x in range(9) %}x{% endfor %} {{ lookup('pipe', 'id') }}"),
    ("*)(objectClass=*", "h.filtre", "*)(|(objectClass=*)"),
    ("<script>alert(1)</script>", "h.balise", "<img src=x onerror=alert(1)>\"'>"),
    ('=HYPERLINK("http://x";"x")', "h.formule", "=CMD|'/C calc'!A0"),
    ("$(touch /tmp/x); `id` #", "h.shell", "; rm -rf / # && $(id) | tee"),
    ('O\'Guéméné, Dr "Léo" + Cie', "h.virgule", "+1;-1 @SUM(A1)\ttabulation"),
)


def ascii_name(text: str) -> str:
    """Lower-case letters and digits only: ``Gué-Méné`` → ``guemene``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in plain.lower() if c.isalnum())


class Names:
    """Draws people, each with an account name of its own."""

    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._taken: set[str] = set()

    def take(self, sam: str) -> str:
        """An account name no one has yet, at most 20 characters: the one given, or with a number."""
        number, candidate = 1, sam[:20]
        while candidate.lower() in self._taken:
            number += 1
            candidate = f"{sam[: 20 - len(str(number))]}{number}"
        self._taken.add(candidate.lower())
        return candidate

    def person(self) -> tuple[str, str, str]:
        """(first name, surname, account name)."""
        draw = self._random
        first = draw.choice(FIRST)
        surname = draw.choice(HEAD) + (draw.choice(MIDDLE) if draw.random() < 0.7 else "") + draw.choice(TAIL)
        return first, surname, self.take(f"{ascii_name(first)[0]}.{ascii_name(surname)}")
